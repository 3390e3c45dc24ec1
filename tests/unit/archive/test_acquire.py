"""What the drop folder and the checkout offer, and where each file goes."""

from __future__ import annotations

import shutil
from pathlib import Path

import make_yearbook
import pytest

from pipelines import staleness
from pipelines.archive import acquire
from pipelines.errors import MetrocircleError
from pipelines.settings import Settings

SLICE = f"{make_yearbook.DOCUMENT}--{make_yearbook.EDITION}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "drop").mkdir()
    return Settings(warehouse=tmp_path / "warehouse", drop=tmp_path / "drop")


def offer(settings: Settings, name: str, data: str | bytes) -> tuple[list[str], list[str]]:
    """Slices taken in, and outcomes of the rest, when the folder holds this one file."""
    assert settings.drop is not None
    path = settings.drop / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    taken, refused = acquire.offered(settings)
    return [s.slice for s in taken], [f"{r.outcome}: {r.reason}" for r in refused]


def test_a_dropped_transcription_joins_its_slice_after_the_embedded_one(settings: Settings) -> None:
    assert offer(settings, "mine.csv", make_yearbook.text()) == ([SLICE], [])
    slices, _ = staleness.held_slices(settings)
    (held,) = [s for s in slices if s.name == SLICE]
    assert [s.file for s in held.snapshots] == [
        f"sources/yearbook/transcriptions/{make_yearbook.DOCUMENT}/{make_yearbook.EDITION}.csv",
        "drop/mine.csv",
    ]


@pytest.mark.parametrize("name", ["MINE.CSV", "mine.txt", "mine", "deep/er/mine.csv", "m[1].csv"])
def test_whatever_is_taken_in_has_a_partition(settings: Settings, name: str) -> None:
    """A slice without a partition would be stale for ever and never extracted."""
    data = make_yearbook.text({"edition": "1999"})
    assert offer(settings, name, data)[0] == [f"{make_yearbook.DOCUMENT}--1999"]
    assert f"{make_yearbook.DOCUMENT}--1999" in acquire.slice_names(settings, "yearbook")


def test_a_byte_order_mark_is_no_other_layout(settings: Settings) -> None:
    assert offer(settings, "bom.csv", b"\xef\xbb\xbf" + make_yearbook.text().encode())[0] == [SLICE]


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16"])
def test_a_transcription_in_another_encoding_is_told_what_to_do(
    settings: Settings, encoding: str
) -> None:
    taken, (outcome,) = offer(settings, "gbk.csv", make_yearbook.text().encode(encoding))
    assert taken == []
    assert outcome.startswith("refused: gbk.csv: expected a transcription in UTF-8")
    assert "save it as CSV UTF-8" in outcome


@pytest.mark.parametrize(
    ("document", "edition"),
    [
        ("../../etc", "2022"), ("a/b", "2022"), ("a\\b", "2022"), ("guangdong", ".."),
        ("o'brien", "2022"), ('say "hi"', "2022"), ("a b", "2022"), ("", "2022"), ("a", ""),
        (".hidden", "2022"), ("a--b", "2022"), ("a", "2020...2022"), ("x" * 300, "2022"),
        ("a\x1b[2J", "2022"),
    ],
)  # fmt: skip
def test_a_name_that_is_no_path_part_is_refused(
    settings: Settings, document: str, edition: str
) -> None:
    data = make_yearbook.text({"document": document, "edition": edition})
    taken, (outcome,) = offer(settings, "evil.csv", data)
    assert taken == [] and outcome.startswith("refused: evil.csv: expected a document")
    assert outcome.isprintable() and len(outcome) < 400


@pytest.mark.parametrize(
    "data",
    [
        "just a note\n", "a,b\n1,2\n", make_yearbook.text().splitlines()[0] + "\n",
        make_yearbook.text(delimiter=";"), "广州,1\n".encode("gbk"),
    ],
    ids=["note", "csv", "header only", "semicolons", "gbk"],
)  # fmt: skip
def test_other_text_waits_for_a_parser(settings: Settings, data: str | bytes) -> None:
    taken, (outcome,) = offer(settings, "other.csv", data)
    assert taken == [] and outcome.startswith("no_parser: ")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("\ufeff广州,2013-12,109,21~190,轻度污染,82.3,106.4,26.8,1.3,63,81,44\n", "month means"),
        ("id,cityid,provinceid,lon,lat\nX1001A,北京,北京,116.366,39.8673\n", "coordinates"),
        ('{\n  "北京": {\n    "lng": 116.225,\n', "coordinates of cities"),
        ("min_row,max_row,min_col,max_col\n2,3,1,2\n", "merged cells"),
        ('{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"adcode":44',
         "outlines"),
    ],
    ids=["months", "stations", "cities", "merged cells", "outlines"],
)  # fmt: skip
def test_a_known_file_that_is_no_evidence_says_why(
    settings: Settings, data: str, reason: str
) -> None:
    taken, (outcome,) = offer(settings, "known.csv", data)
    assert taken == [] and outcome.startswith(f"left_out: known.csv: {reason}")


def test_bytes_that_are_no_text_are_refused_under_a_text_name(settings: Settings) -> None:
    data = make_yearbook.text({"value": "28\x0031"})
    taken, (outcome,) = offer(settings, "nul.csv", data)
    assert taken == [] and "expected text by its name, found binary" in outcome


def test_a_text_of_one_endless_line_is_not_read_for_its_header(settings: Settings) -> None:
    assert offer(settings, "long.txt", b"x" * (8 << 20))[1] == [
        "no_parser: text: no parser takes it yet"
    ]


def test_an_original_is_recognised_by_its_bytes_not_its_name(
    settings: Settings, originals: Path
) -> None:
    known = acquire.known_originals(settings.sources)
    folder = originals / "data"
    # Of a source that reads no dropped originals: what a source claims is read instead.
    path, sha256 = next(
        (folder / p, s)
        for s, p in known.items()
        if (folder / p).is_file() and p.startswith("environment/standards/")
    )
    taken, (outcome,) = offer(settings, f"renamed{path.suffix}", path.read_bytes())
    assert taken == []
    assert outcome == f"known_original: already transcribed from {known[sha256]}"


def test_a_second_copy_of_a_transcription_is_not_taken_in_twice(settings: Settings) -> None:
    assert settings.drop is not None
    embedded = settings.sources / "yearbook/transcriptions/guangdong_yearbook/2024.csv"
    shutil.copy(embedded, settings.drop / "copy.csv")
    for name in ("one.csv", "two.csv"):
        (settings.drop / name).write_text(make_yearbook.text(), encoding="utf-8")
    taken, refused = acquire.offered(settings)
    assert [s.file for s in taken] == ["drop/one.csv"]
    assert [(r.file, r.outcome, r.reason.split("/")[0]) for r in refused] == [
        ("copy.csv", "known_original", "the same bytes as sources"),
        ("two.csv", "known_original", "the same bytes as drop"),
    ]


def test_hidden_entries_are_left_alone(settings: Settings) -> None:
    assert offer(settings, ".git/config.csv", make_yearbook.text()) == ([], [])
    assert offer(settings, ".hidden.csv", make_yearbook.text()) == ([], [])


def test_a_drop_folder_that_is_gone_is_an_error_not_a_withdrawal(settings: Settings) -> None:
    assert settings.drop is not None
    settings.drop.rmdir()
    with pytest.raises(MetrocircleError, match="is not a folder"):
        staleness.plan(settings)
    # The code location still loads: a schedule must be able to say so.
    assert acquire.slice_names(settings, "yearbook")


def test_embedded_files_are_offered_in_a_fixed_order_without_the_lists_of_originals() -> None:
    files = [s.file for s in acquire.embedded(Settings())]
    assert files == [s.file for s in acquire.embedded(Settings())]
    assert not [f for f in files if f.endswith("originals.csv")]
    assert {s.slice for s in acquire.embedded(Settings()) if s.source_id == "geography"} == {"all"}
