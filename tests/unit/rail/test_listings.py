"""Undated listings: each form as a person reads it, and lines that do not fit.

The numbers of the last test are those that the notes of the originals state for one listing,
counted by another program: pairs as somebody counts them who has no running days.
"""

from __future__ import annotations

from pathlib import Path

import make_workbook as make
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.archive import acquire
from pipelines.archive.guards import inspect
from pipelines.archive.offers import HEAD_BYTES, Offer
from pipelines.archive.store import Snapshot
from pipelines.errors import LayoutDrift, LeftOut, RefusedInput
from pipelines.rail import listings, stations, whole
from pipelines.rail.recognise import recognise
from pipelines.settings import Settings

SOURCES = Settings().sources
TEXT = (
    "G77\n北京西\t08:00\t08:00\n广州南\t18:00\t18:05\n深圳北\t18:40\t18:40\n\n"
    "K9\n深圳\t23:40\t23:40\n广  州\t01:10\t01:20\n韶关\t00:30\t00:30\n"
)
BOARD = (
    "高速动车,始,G1,广州南,北京西,-,08:00\n"
    "快速,过,K9,深圳,韶关,01:10,01:20\n"
    "动车组,终,D8,珠海,广州南,09:00,-\n"
)
CODES = (
    ",station_train_code,train_no,type\n"
    "0,D1(北京-沈阳南),24000000D121,D\n"
    "1,D7(广州南-珠海),6i00000D7001,D\n"
)
HEADER = listings.SHEET_HEADER
BOOK = [
    HEADER,
    ("C1", "广州南", "珠海", "", "", "", "", "1", "广州南", "----", "23:50:00", "", "", "ALL",
     "C1|6i00000C0100|ALL"),
    ("", "", "", "", "", "", "", "2", "珠海", "00:55:00", "00:55:00", "", "", "", ""),
    ("C2", "珠海", "广州南", "", "", "", "", "1", "珠海", "----", "06:00:00", "", "",
     "2016-03-09|2016-03-10", "C2|6i00000C0200|2016-03-09"),
    ("", "", "", "", "", "", "", "2", "广州南", "07:05:00", "07:05:00", "", "", "", ""),
]  # fmt: skip


def book(rows: list[tuple[str, ...]]) -> bytes:
    return make.xlsx(rows, sheet=listings.SHEET)


def test_a_text_reads_as_journeys_that_pass_midnights() -> None:
    found = listings.read_text(TEXT)
    assert found.flaws.is_empty()
    assert found.trains.select("code", "origin_raw", "terminal_raw", "stops_total").rows() == [
        ("G77", "北京西", "深圳北", 3),
        ("K9", "深圳", "韶关", 3),
    ]
    night = found.stops.filter(pl.col("block") == 2)
    assert night.select("stop_raw", "arrive_minutes", "depart_minutes").rows() == [
        ("深圳", None, 0),
        ("广  州", 90, 100),
        ("韶关", 24 * 60 + 50, None),
    ]


def test_a_workbook_says_its_running_days() -> None:
    found = listings.read_workbook(book(BOOK), "a.xlsx")
    assert found.flaws.is_empty()
    assert found.trains.select("code", "train_no", "calendar").rows() == [
        ("C1", "6i00000C0100", ""),
        ("C2", "6i00000C0200", "160309|160310"),
    ]
    assert found.stops.filter(pl.col("stop_seq") == 2)["arrive_minutes"].to_list() == [65, 65]


def test_another_sheet_is_named_with_what_was_expected() -> None:
    with pytest.raises(LayoutDrift, match="时刻表"):
        listings.read_workbook(book([("车次", "站名"), ("G1", "广州南")]), "a.xlsx")


def test_a_board_tells_its_station_and_the_part_of_each_train() -> None:
    found = listings.read_board(BOARD)
    assert found.flaws.is_empty()
    columns = ("board_station", "board_role", "code", "arrive_minute", "depart_minute")
    assert found.trains.select(columns).rows() == [
        ("广州南", "origin", "G1", None, 480),
        ("广州南", "passing", "K9", 70, 80),
        ("广州南", "terminal", "D8", 540, None),
    ]


def test_a_list_of_codes_has_ends_and_train_numbers() -> None:
    found = listings.read_codes(CODES)
    assert found.trains.select("code", "train_no", "origin_raw", "terminal_raw").rows() == [
        ("D1", "24000000D121", "北京", "沈阳南"),
        ("D7", "6i00000D7001", "广州南", "珠海"),
    ]


# form | a line more | what is wrong with it
HOSTILE = [
    ("text", "\n沙田\t09:00\t09:01", None),
    ("text", "G242\t08:39\t08:45", "a train code where a station should be"),
    ("text", "沙田\t08:39", "neither a train code nor a stop"),
    ("text", "沙田\t25:00\t08:45", "a time that is no time"),
    ("text", "\nG9\n沙田\t09:00\t09:01", "one stop only"),
    ("text", "\nG9", "less than two stops"),
    ("board", "快速,经,K9,深圳,韶关,01:10,01:20", "neither 始, 过 nor 终"),
    ("board", "快速,始,K9,深圳,韶关,-,01:20", "another station than the board's"),
    ("board", "快速,过,K9,深圳,韶关,01:10,-", "a departure that is no time"),
    ("board", "快速,过,K9,深圳,韶关", "seven cells"),
    ("codes", "2,D9北京,24000000D900,D", "not a code with its ends"),
    ("codes", "2,D9(北京-沈阳南),24,D", "not a train number"),
]


@pytest.mark.parametrize(("form", "line", "reason"), HOSTILE, ids=[str(h[2]) for h in HOSTILE])
def test_a_bad_line_is_a_flaw_and_the_rest_stays(form: str, line: str, reason: str | None) -> None:
    read, text = {
        "text": (listings.read_text, TEXT),
        "board": (listings.read_board, BOARD),
        "codes": (listings.read_codes, CODES),
    }[form]
    before, after = read(text), read(f"{text}{line}\n")
    assert after.trains["code"].to_list()[: before.trains.height] == before.trains["code"].to_list()
    flaws = after.flaws["reason"].to_list()
    assert bool(flaws) == (reason is not None)
    assert reason is None or any(reason in flaw for flaw in flaws)


def kept(found: listings.Listing, lines: list[int]) -> bool:
    """Whether each line is read, or a flaw, or of a train that is a flaw."""
    stops = set(found.stops["line"]) if "line" in found.stops.columns else set()
    read, bad = {*found.trains["line"], *stops}, set(found.flaws["line"])
    is_bad = False
    for line in lines:
        if line not in read:
            is_bad |= line in bad
            if not is_bad:
                return False
        else:
            is_bad = line in bad
    return True


@settings(deadline=None)
@given(st.text(alphabet='G7K广州始过终:,\t\n-(0123\x00\r"', max_size=200))
def test_no_text_stops_the_reading_and_no_line_is_lost(text: str) -> None:
    lines = [n for n, raw in enumerate(text.split("\n"), start=1) if raw.strip()]
    assert kept(listings.read_text(text), lines)
    assert kept(listings.read_board(text), lines)
    assert kept(listings.read_codes(text), [n for n in lines if n > 1])


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(*[st.sampled_from(["", "C1", "ALL", "07:00:00", "广州", "----"])] * 15)))
def test_no_row_of_a_workbook_is_lost(rows: list[tuple[str, ...]]) -> None:
    found = listings.read_workbook(book([HEADER, *rows]), "a.xlsx")
    assert kept(found, [n for n, row in enumerate(rows, start=2) if any(row)])


def test_a_listing_nobody_registered_is_refused_with_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(TEXT, encoding="utf-8")
    offer = Offer("a.txt", path, "text", path.read_bytes())
    with pytest.raises(RefusedInput, match=r"listings\.csv, found sha256 [0-9a-f]{64}"):
        recognise(offer, SOURCES)


def test_every_file_of_the_originals_is_claimed_or_says_why_not(
    originals: Path, tmp_path: Path
) -> None:
    """Beside known originals: a file that no parser takes and nobody explains is a gap."""
    folder = originals / "data" / "rail"
    found = acquire.offered(Settings(warehouse=tmp_path, drop=folder))
    taken, passed = found
    outcomes = {p.file: p.outcome for p in passed}
    assert [f for f, outcome in outcomes.items() if outcome in {"no_parser", "refused"}] == []
    assert len(taken) == 21 and len(outcomes) == 33


@pytest.fixture(scope="module")
def held(originals: Path) -> dict[str, whole.ServiceDate]:
    """Every listing of the folder of originals, told by its content under a name that says
    nothing."""
    slices: dict[tuple[str, str], list[Snapshot]] = {}
    raw = originals / "data/rail/raw"
    for folder in ("qdkstorm", "parse12306", "cnrail_geogv_2021", "train_list"):
        for path in sorted((raw / folder).iterdir()):
            with path.open("rb") as handle:
                offer = Offer("a file", path, inspect(raw, path), handle.read(HEAD_BYTES))
            try:
                claims = recognise(offer, SOURCES)
            except LeftOut:
                continue
            for claim in claims:
                slices.setdefault((claim.document, claim.edition), []).append(
                    Snapshot("s", "rail", claim.document, claim.edition, "slice", "a file", "0", 1,
                             claim.source_kind, path, claim.reader)
                )  # fmt: skip
    known = whole.Reference(
        stations.read_stations(SOURCES, lambda _: "s")[0],
        stations.read_cities(SOURCES, lambda _: "s")[0],
        stations.read_day_types(SOURCES, lambda _: "s")[0],
    )
    return {
        f"{document} {edition}": listings.read_listing("slice", tuple(files), SOURCES, known)
        for (document, edition), files in slices.items()
    }


@pytest.mark.slow
def test_every_listing_of_the_originals_is_read(held: dict[str, whole.ServiceDate]) -> None:
    rows = {name: read.tables["rail_listed_train"].height for name, read in held.items()}
    assert rows == {
        "chalieche_trains 2024-03": 2947,
        "chalieche_trains 2024-06": 4125,
        "parse12306_gdc 2016-03-10": 987,
        "geogv_boards 2021-01": 2328,
        "train_list_12306 2022-11-08": 10498,
    }
    boards = held["geogv_boards 2021-01"].tables["rail_listed_train"]
    assert boards["telecode"].null_count() == 0
    sizes = dict(boards.group_by("board_station").len().rows())
    assert sizes["广州南"] == 884 and len(sizes) == 8
    assert {r.severity for read in held.values() for r in read.rejects} == {"warning"}


@pytest.mark.slow
def test_pairs_of_a_listing_equal_another_programs(held: dict[str, whole.ServiceDate]) -> None:
    pairs = held["chalieche_trains 2024-03"].tables["rail_listed_pair"]
    counted = {(a, b): n for a, b, n in pairs.select(
        "origin_code", "destination_code", "stop_lists").rows()}  # fmt: skip
    assert counted["440100", "440300"] == 370
    assert counted["440100", "440600"] == 179
    assert counted["441800", "440100"] == 101
    # Its own running days show what a listing overcounts with no years between.
    dated = held["parse12306_gdc 2016-03-10"].tables["rail_listed_pair"]
    row = dated.filter(
        (pl.col("origin_code") == "440100") & (pl.col("destination_code") == "440300")
    )
    assert row.select("stop_lists", "median_trains", "days_counted").row(0) == (211, 194.0, 60)
