"""Bulletin pages and transcribed values: what is read, and what hostile ones turn into."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.archive.offers import TRANSCRIPTION_COLUMNS
from pipelines.archive.store import Snapshot
from pipelines.environment import bulletin, cells
from pipelines.environment.bulletin import Cell, period_of, read_page
from pipelines.errors import LayoutDrift, Reject
from pipelines.geography.divisions import read_aliases, read_divisions
from pipelines.settings import Settings

SOURCES = Settings().sources
CONTEXT = cells.read_context(
    SOURCES,
    read_divisions(SOURCES, lambda file: file)[0],
    read_aliases(SOURCES, lambda file: file)[0],
)

# ------------------------------------------------------------------------------- pages

A = ("序号", "城市", "AQI达标率", "PM2.5浓度", "PM10浓度", "O3评价浓度", "PM2.5排名", "AQI排名")
ROWS_A = (
    ("1", "汕尾市", "100%", "24", "37", "133", "1", "1"),
    ("2", "佛山市", "90%", "33", "59", "124", "17", "20"),
)
SENTENCE = "  20226月,全省AQI达标率为96.2%,同比持平;珠三角地区AQI达标率为94.6%。"


def page(title: str, caption: str, *rows: tuple[str, ...], bars: bool = False) -> str:
    """A page as text extraction gives it: one cell per line, or a row per line between bars."""
    if bars:
        lines = [" | ".join(row) + " |" for row in rows]
    else:
        lines = [cell + "\n" for row in rows for cell in row]
    return "\n".join([title, "", SENTENCE, "", caption, *lines, "注:1.表中污染物浓度单位"])


TITLE = "广东省城市环境空气质量状况(2021年12月)"
CAPTION = "附表12021年12月广东省城市环境空气质量状况及排名"


@pytest.mark.parametrize("bars", [False, True], ids=["cell per line", "row per line"])
def test_a_page_gives_its_cells_with_line_row_and_column(bars: bool) -> None:
    found = read_page(page(TITLE, CAPTION, A, *ROWS_A, bars=bars))
    in_table = [cell for cell in found if ":r" in cell.locator]
    assert [(cell.place, cell.header, cell.value) for cell in in_table] == [
        (row[1], header, value) for row in ROWS_A for header, value in zip(A[2:], row[2:], strict=1)
    ]
    assert in_table[6].locator.endswith(":r2c1")
    assert Cell("全省", "AQI达标率", "96.2%", "%", "L3:text") in found
    assert Cell("珠三角地区", "AQI达标率", "94.6%", "%", "L3:text") in found


def test_blanks_in_headers_and_a_lost_bracket_change_nothing() -> None:
    spaced = tuple(header.replace("达标", " 达标").replace("浓度", " 浓度") for header in A)
    assert len(read_page(page(TITLE, CAPTION, spaced, *ROWS_A))) == 14


def test_a_row_without_its_last_empty_cell_and_a_short_province_row() -> None:
    header = (
        "城市", "可吸入颗粒物(PM10", "月平均浓度", "(微克/立方米)", "细颗粒物(PM2.5", "月平均浓度",
        "(微克/立方米)", "空气质量达标天数比例", "环境空气质量", "指数", "排名", "综合指数变化率",
        "未达标城市空气质量同比", "变化程度排名",
    )  # fmt: skip
    caption = "附表  2019年6月全省城市环境空气质量及变化排名情况"
    rows = (("广州", "30", "16", "93.3%", "2.97", "21", "-11.3%"), ("全省", "26", "14", "96.4%"))
    found = read_page(page(TITLE, caption, header, *rows))
    assert [cell.value for cell in found if cell.place == "广州"] == list(rows[0][1:])
    # The table prints the province, so the sentence about it is not read twice.
    assert [cell.value for cell in found if cell.place == "全省"] == ["26", "14", "96.4%"]


@pytest.mark.parametrize(
    ("title", "edition", "period"),
    [
        ("广东省城市环境空气质量状况(2021年12月)", "2021-12", "2021-12"),
        ("广东省城市环境空气质量状况\n（2017 年 8 月）", "2017-08", "2017-08"),
        ("…及排名情况(2021年1-10月)", "2021-01_2021-10", "2021-01/2021-10"),
        ("…及排名情况(2022年1~9月)", "2022-01_2022-09", "2022-01/2022-09"),
    ],
)
def test_the_title_gives_the_period(title: str, edition: str, period: str) -> None:
    assert period_of(title) == (edition, period)


HOSTILE_PAGES: dict[str, Callable[[], str]] = {
    "no caption": lambda: "广东省城市环境空气质量状况",
    "not in the text": lambda: page(TITLE, CAPTION),
    "known variant": lambda: page(TITLE, CAPTION, (*A[:-1], "AQI名次"), *ROWS_A),
    "has 5 values": lambda: page(TITLE, CAPTION, A, ROWS_A[0][:-1], ROWS_A[1]),
    "has 7 values": lambda: page(TITLE, CAPTION, A, (*ROWS_A[0], "9"), ROWS_A[1]),
}


@pytest.mark.parametrize("reason", HOSTILE_PAGES)
def test_a_page_that_does_not_fit_says_why(reason: str) -> None:
    message = "no table caption" if reason == "no caption" else reason
    with pytest.raises(LayoutDrift, match=message):
        read_page(HOSTILE_PAGES[reason]())


def test_a_page_without_a_period_in_its_title_is_refused() -> None:
    for title in ("广东省城市环境空气质量状况", "(2021年13月)", "20221月"):
        with pytest.raises(LayoutDrift):
            period_of(title)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from([*A, *ROWS_A[0], CAPTION, TITLE, "", "|", "-", "\x00", "全省"])))
def test_no_sequence_of_lines_crashes_the_reader(lines: list[str]) -> None:
    with suppress(LayoutDrift):
        read_page("\n".join(lines))


# ------------------------------------------------------------------------------- rows

Rows = tuple[pl.DataFrame, list[Reject]]


def extract(folder: Path, *rows: dict[str, str]) -> Rows:
    base = {
        "document": "gd_env_bulletin", "edition": "2021-12", "locator": "L1:r1c1",
        "place": "广州市", "indicator": "PM2.5浓度", "period": "2021-12", "unit": "微克/立方米",
        "value": "24", "status": "final", "source_kind": "transcription", "read_from": "f",
        "read_sha256": "0" * 12, "read_locator": "L1",
    }  # fmt: skip
    path = folder / "2021-12.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, TRANSCRIPTION_COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(base | row for row in rows)
    slice_ = "gd_env_bulletin--2021-12"
    return bulletin.bulletin_rows([snapshot(path, slice_)], slice_, CONTEXT)


def snapshot(path: Path, slice_: str) -> Snapshot:
    document, edition = slice_.split("--")
    return Snapshot(
        "snap", "environment", document, edition, slice_, f"sources/{path.name}", "0" * 64, 1,
        "transcription", path,
    )  # fmt: skip


# changed cells | value, decimals, null mark
VALUES = [
    ({"value": "100%", "indicator": "AQI达标率"}, (100.0, 0, None)),
    ({"value": "100.0%", "indicator": "AQI达标率"}, (100.0, 1, None)),
    ({"value": "２４"}, (24.0, 0, None)),
    ({"value": "-11.3%", "indicator": "综合指数变化率"}, (-11.3, 1, None)),
    ({"value": "-"}, (None, None, "-")),
    ({"value": "—"}, (None, None, "—")),
    ({"value": ""}, (None, None, "blank")),
    ({"value": "2O"}, (None, None, "damaged")),
    ({"value": "1.5", "indicator": "PM2.5排名"}, (None, None, "damaged")),
]


@pytest.mark.parametrize(("change", "expected"), VALUES, ids=[v["value"] for v, _ in VALUES])
def test_values_as_printed(
    change: dict[str, str], expected: tuple[object, ...], tmp_path: Path
) -> None:
    frame, rejects = extract(tmp_path, change)
    row = frame.row(0, named=True)
    value = None if row["value"] is None else float(row["value"])
    assert (value, row["decimals"], row["null_mark"]) == expected
    assert row["value_text"] == change["value"]
    assert [r.severity for r in rejects] == (["warning"] if expected[2] == "damaged" else [])


def test_network_and_state_follow_the_date(tmp_path: Path) -> None:
    periods = ("2017-08", "2018-08", "2018-09", "2020-12", "2021-01", "2021-01/2021-10")
    frame, _ = extract(tmp_path, *({"period": period} for period in periods))
    assert frame.select("network", "state").rows() == [
        ("national_13fyp", "standard"), ("national_13fyp", "standard"),
        ("national_13fyp", "reference"), ("national_13fyp", "reference"),
        ("national_14fyp", "reference"), ("national_14fyp", "reference"),
    ]  # fmt: skip
    assert frame["period_end"].to_list()[-1] == date(2021, 10, 31)
    assert frame["period_type"].to_list()[-1] == "months"


# changed cells | column of the reject, reason, nearest candidate
HOSTILE_ROWS = [
    ({"place": "广洲市"}, "place", "unknown or ambiguous place", "广州市"),
    ({"place": ""}, "place", "unknown or ambiguous place", ""),
    ({"indicator": "PM2.5农度"}, "indicator", "not mapped", "PM2.5浓度"),
    ({"period": "2021-13"}, "period", "cannot be read", ""),
    ({"period": "2021-10/2021-01"}, "period", "cannot be read", ""),
    ({"period": "20221月"}, "period", "cannot be read", ""),
    ({"period": "2015-12"}, "document", "network and state", "gd_env_bulletin"),
    ({"source_kind": "rumour"}, "source_kind", "unknown source_kind", ""),
    ({"edition": "2022-01"}, "edition", "another slice", ""),
]


@pytest.mark.parametrize(("change", "column", "reason", "candidate"), HOSTILE_ROWS)
def test_a_bad_cell_is_a_reject_and_its_neighbours_load(
    change: dict[str, str], column: str, reason: str, candidate: str, tmp_path: Path
) -> None:
    frame, rejects = extract(tmp_path, {}, change, {"place": "佛山市"})
    assert frame["place_code"].to_list()[::2] == ["440100", "440600"]
    (found,) = [reject for reject in rejects if reject.severity == "error"]
    assert found.locator == f"L3:{column}"
    assert reason in found.reason
    assert candidate in found.candidates


def test_a_cell_listed_twice_counts_once_and_is_said(tmp_path: Path) -> None:
    frame, rejects = extract(tmp_path, {}, {"value": "25"}, {"source_kind": "original"})
    best = frame.filter(pl.col("superseded_by").is_null())
    assert best["source_kind"].to_list() == ["original"]
    assert set(frame["superseded_by"].drop_nulls()) == set(best["fact_id"])
    assert rejects == []
    twice, rejects = extract(tmp_path, {}, {"value": "25"})
    assert twice["superseded_by"].null_count() == 1
    assert [reject.reason for reject in rejects] == ["the same cell is listed twice"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff\xfe\x00bad", b"a,b\n1,2\n", b'document,"edition\n', "广州,\n".encode() * 3],
)
def test_a_file_of_another_kind_is_one_reject(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(raw)
    slice_ = "gd_env_bulletin--2021-12"
    frame, rejects = bulletin.bulletin_rows([snapshot(path, slice_)], slice_, CONTEXT)
    assert frame.height == 0
    assert [reject.locator for reject in rejects] == ["L1"]
