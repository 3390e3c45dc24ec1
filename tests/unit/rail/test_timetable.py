"""A service date from its three files: what is kept, and what each bad line leaves behind."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import contract, lake
from pipelines.archive.store import Snapshot, sha256_of
from pipelines.errors import LayoutDrift, RefusedInput
from pipelines.rail import stations, timetable
from pipelines.rail.timetable import ServiceDate
from pipelines.settings import Settings

KNOWN = contract.load(Settings().contract)
PLACES = pl.DataFrame(
    [
        ("GZQ", "440100", None, "广州"), ("IZQ", "440100", None, "广州南"),
        ("SNQ", "440200", None, "韶关"), ("SZQ", "440300", None, "深圳"),
    ],
    schema={"telecode": pl.String, "place_code": pl.String, "county_code": pl.String,
            "station": pl.String},
    orient="row",
)  # fmt: skip
FILES = {
    "day.csv": [
        ",".join(timetable.DAY_COLUMNS),
        "2024-04-17,2024-04-10,2024-04-10,2024-05-10,10178,4,0,data/cr.csv,abc,L1-L9",
    ],
    "trains.csv": [
        ",".join(timetable.TRAIN_COLUMNS),
        "650000K123A0,2024-04-16,K123,,GZQ,SZQ,23:20,200,4,abc,L1",
        "650000K123A0,2024-04-17,K123,,GZQ,SZQ,23:20,200,4,abc,L1",
        "65000D7515A0,2024-04-17,D7515/D7514,w3,SZQ,IZQ,08:00,60,2,abc,L7",
    ],
    "stop_times.csv": [
        ",".join(timetable.STOP_COLUMNS),
        "650000K123A0,1,,GZQ,,0,abc,L2",
        "650000K123A0,2,韶  关,SNQ,50,55,abc,L3",
        "650000K123A0,4,,SZQ,200,,abc,L5",
        "65000D7515A0,1,,SZQ,,0,abc,L8",
        "65000D7515A0,2,,IZQ,60,,abc,L9",
    ],
}


def read(folder: Path, files: dict[str, list[str]]) -> ServiceDate:
    folder.mkdir(parents=True, exist_ok=True)
    snapshots = []
    for name, text in files.items():
        path = folder / name
        path.write_bytes(("\n".join(text) + "\n").encode("utf-8", errors="surrogatepass"))
        snapshots.append(
            Snapshot(
                f"snap-{name}", "rail", "cr", "2024-04-17", "cr--2024-04-17", f"sources/{name}",
                sha256_of(path), path.stat().st_size, "transcription", path,
            )
        )  # fmt: skip
    return timetable.read_service_date("cr--2024-04-17", "2024-04-17", tuple(snapshots), PLACES)


def test_a_clean_date_becomes_five_tables(tmp_path: Path) -> None:
    found = read(tmp_path, FILES)
    assert found.rejects == []
    tables = {name: lake.conform(frame, KNOWN.table(name)) for name, frame in found.tables.items()}
    assert tables["rail_train"].select("codes", "train_class", "origin_minute").rows() == [
        ("K123", "K", 1400),
        ("D7515/D7514", "D", 480),
    ]
    assert tables["rail_service"].select("train_no", "start_date").rows() == [
        ("650000K123A0", date(2024, 4, 16)),
        ("650000K123A0", date(2024, 4, 17)),
        ("65000D7515A0", date(2024, 4, 17)),
    ]
    # Of K123 both runs can be boarded on the 17th, each in its city: yesterday's in Shaoguan.
    columns = ("origin_code", "destination_code", "direct_trains", "first_departure_minute")
    assert tables["rail_pair_day"].select(columns).rows() == [
        ("440100", "440200", 1, 1400),
        ("440100", "440300", 1, 1400),
        ("440200", "440300", 1, 15),
        ("440300", "440100", 1, 480),
    ]
    columns = ("trains_touching_guangdong", "trains_boarding_guangdong", "is_gap_day")
    assert tables["rail_day"].select(columns).rows() == [(2, 2, False)]
    columns = ("stop_seq", "stop_raw", "place_code", "arrive_day", "depart_day")
    assert tables["rail_stop_time"].select(columns).rows() == [
        (1, "GZQ", "440100", None, 0),
        (2, "韶  关", "440200", 1, 1),
        (4, "SZQ", "440300", 1, None),
        (1, "SZQ", "440300", None, 0),
        (2, "IZQ", "440100", 0, None),
    ]


# file, line (0 the header) | the line as it arrives | the reason, the nearest candidate
HOSTILE = [
    ("stop_times.csv", 3, "650000K123A0,4,,SZX,200,,abc,L5", "unknown telecode", "SZQ"),
    ("stop_times.csv", 3, "650000K123A9,4,,SZQ,200,,abc,L5", "belongs to no train", "650000K123A0"),
    ("stop_times.csv", 3, "650000K123A0,4,,SZQ,3h20,,abc,L5", "time that is no time", ""),
    ("stop_times.csv", 3, "650000K123A0,4,,SZQ,-200,,abc,L5", "time that is no time", ""),
    ("stop_times.csv", 3, "650000K123A0,4,,SZQ,99999,,abc,L5", "time that is no time", ""),
    ("stop_times.csv", 3, "650000K123A0,4,,SZQ,,,abc,L5", "arrival is missing", ""),
    ("stop_times.csv", 3, "650000K123A0,4,,SZQ,200,210,abc,L5", "departure is missing or too", ""),
    ("stop_times.csv", 3, "650000K123A0,4,,SZQ,54,,abc,L5", "arrives before it left", ""),
    ("stop_times.csv", 2, "650000K123A0,2,,SNQ,50,49,abc,L3", "departs before it arrives", ""),
    ("stop_times.csv", 3, "650000K123A0,2,,SNQ,50,55,abc,L3", "listed twice", ""),
    ("stop_times.csv", 3, "650000K123A0,5,,SZQ,200,,abc,L5", "not a position", ""),
    ("stop_times.csv", 3, "650000K123A0,four,,SZQ,200,,abc,L5", "not a position", ""),
    ("stop_times.csv", 3, "650000K123A0,4,SZQ,200", "does not fit the header", ""),
    ("stop_times.csv", 3, "\udcff\x00", "does not fit the header", ""),
    ("trains.csv", 3, "65000D7515A0,2024-04-17,D7515,w4,SZQ,IZQ,08:00,60,2,abc,L7",
     "does not start on that day", ""),
    ("trains.csv", 3, "65000D7515A0,2024-04-17,D7515,w9,SZQ,IZQ,08:00,60,2,abc,L7",
     "running days that cannot be read", ""),
    ("trains.csv", 3, "65000D7515A0,2024-04-18,D7515,,SZQ,IZQ,08:00,60,2,abc,L7",
     "starts after the service date", ""),
    ("trains.csv", 3, "65000D7515A0,2024-04-31,D7515,,SZQ,IZQ,08:00,60,2,abc,L7", "not a date", ""),
    ("trains.csv", 3, "65000D7515A0,2024-04-17,D7515,,SZQ,IZQ,24:00,60,2,abc,L7",
     "time that is no time", ""),
    ("trains.csv", 3, "D7515,2024-04-17,D7515,,SZQ,IZQ,08:00,60,2,abc,L7", "not a train number",
     ""),
    ("trains.csv", 3, "65000D7515A0,2024-04-17,深圳,,SZQ,IZQ,08:00,60,2,abc,L7", "not a train code",
     ""),
    ("trains.csv", 2, "650000K123A0,2024-04-16,K123,,GZQ,SZQ,23:20,200,4,abc,L1", "listed twice",
     ""),
    ("trains.csv", 2, "650000K123A0,2024-04-17,K123,,GZQ,SZQ,23:21,200,4,abc,L1",
     "differs from its earlier line", ""),
    ("day.csv", 1, "2024-04-17,2024-04-10,2024-04-18,2024-05-10,10178,4,0,x,abc,L1",
     "not covered", ""),
    ("day.csv", 1, "2024-04-16,2024-04-10,2024-04-10,2024-05-10,10178,4,0,x,abc,L1",
     "another date", ""),
    ("day.csv", 1, "2024-04-17,2024-04-10,2024-04-10,2024-05-10,many,4,0,x,abc,L1",
     "not a count", ""),
]  # fmt: skip


@pytest.mark.parametrize(("file", "line", "text", "reason", "near"), HOSTILE)
def test_a_bad_line_leaves_a_reject_with_its_place(
    file: str, line: int, text: str, reason: str, near: str, tmp_path: Path
) -> None:
    files = {name: list(rows) for name, rows in FILES.items()}
    files[file][line] = text
    found = read(tmp_path, files)
    first = next(r for r in found.rejects if r.file == f"sources/{file}")
    assert (first.locator, first.severity) == (f"L{line + 1}", "error")
    assert reason in first.reason
    assert first.candidates.startswith(near)
    assert first.expected and first.raw_text


def test_the_stops_of_a_rejected_train_are_rejected_too(tmp_path: Path) -> None:
    files = FILES | {"trains.csv": FILES["trains.csv"][:3]}
    found = read(tmp_path, files)
    assert [(r.locator, r.reason) for r in found.rejects] == [
        ("L5", "the stop belongs to no train of the date"),
        ("L6", "the stop belongs to no train of the date"),
    ]


def test_another_header_or_a_missing_file_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(LayoutDrift, match=r"trains\.csv L1: expected the columns train_no"):
        read(tmp_path / "a", FILES | {"trains.csv": ["train,start", "x,y"]})
    with pytest.raises(LayoutDrift, match=r"expected a file stop_times\.csv"):
        read(tmp_path / "b", {name: FILES[name] for name in ("day.csv", "trains.csv")})


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    file=st.sampled_from(sorted(FILES)),
    text=st.text(alphabet=st.characters(codec="utf-8"), max_size=60).filter(
        lambda t: not re.search(r"[\n\r]", t)
    ),
)
def test_no_line_stops_the_reading(file: str, text: str, tmp_path: Path) -> None:
    files = {name: list(rows) for name, rows in FILES.items()}
    files[file].append(text)
    found = read(tmp_path, files)
    if text.strip():
        assert any(reject.file == f"sources/{file}" for reject in found.rejects)


# ------------------------------------------------------------------ stations and days


def _sources(folder: Path, stations_text: str, days_text: str) -> Path:
    (folder / "rail").mkdir()
    (folder / "rail" / "stations.csv").write_text(stations_text, encoding="utf-8")
    (folder / "rail" / "day_types.csv").write_text(days_text, encoding="utf-8")
    return folder


def test_bad_stations_and_days_are_rejects(tmp_path: Path) -> None:
    header = ",".join(stations.STATION_COLUMNS)
    good = "GZQ,广州,1502,广州,440100,440103,address,2023-04-26,,,a,b,L1"
    bad = [
        "GZ,广州,1502,广州,440100,,,2023-04-26,,,a,b,L2",
        "FSQ,佛山  西,1506,佛山,440600,,,2023-04-26,,,a,b,L3",
        "SZQ,深圳,1505,深圳,4403,,,2023-04-26,,,a,b,L4",
        "ZHQ,珠海,1567,珠海,440400,,,2023-04-26,2020-01-01,,a,b,L5",
        good,
    ]
    days = "date,day_type,source\n2024-04-17,workday,x\n2024-04-18,workdy,x\n2024-02-30,weekend,x\n"
    sources = _sources(tmp_path, "\n".join([header, good, *bad]) + "\n", days)
    frame, rejects = stations.read_stations(sources, lambda file: "snap")
    assert frame["telecode"].to_list() == ["GZQ"]
    assert [r.locator for r in rejects] == ["L3", "L4", "L5", "L6", "L7"]
    frame, rejects = stations.read_day_types(sources, lambda file: "snap")
    assert frame.height == 1
    assert [(r.locator, r.candidates.split(", ")[0]) for r in rejects] == [
        ("L3", "workday"),
        ("L4", ""),
    ]


def test_a_missing_table_of_stations_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match=r"rail\.transcribe"):
        stations.read_stations(tmp_path, lambda file: "snap")
