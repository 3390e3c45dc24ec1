"""Bulletin pages and transcribed values: what is read, and what hostile ones turn into."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.archive.guards import inspect
from pipelines.archive.offers import HEAD_BYTES, TRANSCRIPTION_COLUMNS, Claim, Offer
from pipelines.archive.store import Snapshot
from pipelines.environment import bulletin, cells, pages
from pipelines.environment.bulletin import Page, period_of
from pipelines.environment.recognise import recognise
from pipelines.errors import LayoutDrift, RefusedInput, Reject
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
SENTENCE = "  202112月,全省AQI达标率为96.2%,同比持平;珠三角地区AQI达标率为94.6%。"


def page(title: str, caption: str, *rows: tuple[str, ...], layout: str = "lines") -> str:
    """A page as text extraction gives it, or as a browser saves it."""
    if layout == "html":
        table = "".join(f"<tr>{''.join(f'<td><p>{c}</p></td>' for c in row)}</tr>" for row in rows)
        return (
            f"<html><head><title>{title}</title><script>var a='|1|2';</script></head><body>"
            f"<div>{title}</div><p>{SENTENCE}</p><p>{caption}</p><table>{table}</table></body></html>"
        )
    shaped = {
        "lines": [cell + "\n" for row in rows for cell in row],
        "bars": [" | ".join(row) + " |" for row in rows],
        "outer bars": [f"|{'|'.join(row)}|" for row in rows],
        "one line": [" ".join(cell.replace(" ", "") for row in rows for cell in row)],
    }[layout]
    return "\n".join([title, "", SENTENCE, "", caption, *shaped, "注:1.表中污染物浓度单位"])


TITLE = "广东省城市环境空气质量状况(2021年12月)"
CAPTION = "附表12021年12月广东省城市环境空气质量状况及排名"
LAYOUTS = ("lines", "bars", "outer bars", "one line", "html")


def read_page(text: str) -> Page:
    return bulletin.read_page(pages.lines_of(text.encode(), "page"), CONTEXT.headers)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_page_gives_its_cells_with_row_and_column(layout: str) -> None:
    found = read_page(page(TITLE, CAPTION, A, *ROWS_A, layout=layout))
    assert (found.edition, found.flaws) == ("2021-12", [])
    in_table = [cell for cell in found.cells if ":r" in cell.locator]
    assert [(cell.place, cell.header, cell.value) for cell in in_table] == [
        (row[1], header, value) for row in ROWS_A for header, value in zip(A[2:], row[2:], strict=1)
    ]
    assert in_table[6].locator.endswith(":r2c1")
    assert {cell.period for cell in found.cells} == {"2021-12"}
    said = [cell[:4] for cell in found.cells if cell.locator.endswith(":text")]
    assert said == [("全省", "AQI达标率", "96.2%", "%"), ("珠三角地区", "AQI达标率", "94.6%", "%")]


# What real pages do to headers: blanks, a bracket lost with a subscript, units, another order, a
# re-post in traditional characters with injected pinyin.
HEADERS = {
    "blanks": tuple(header.replace("达标", " 达标").replace("浓度", " 浓度") for header in A),
    "units": tuple(h.replace("浓度", "浓度(微克/立方米)").replace("率", "率(%)") for h in A),
    "order": (*A[:2], A[3], A[2], A[4], "NO2浓度", A[7], A[6]),
    "traditional": tuple(
        h.replace("号", "號").replace("达标", "達(dá)標").replace("浓", "濃") for h in A
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("variant", HEADERS)
def test_known_headers_are_read_in_any_form_and_order(variant: str, layout: str) -> None:
    header = HEADERS[variant]
    found = read_page(page(TITLE, CAPTION, header, *ROWS_A, layout=layout))
    assert found.flaws == []
    read = [cell.header for cell in found.cells if cell.locator.endswith(("r1c1", "r1c2"))]
    assert read == (
        ["PM2.5浓度", "AQI达标率"] if variant == "order" else ["AQI达标率", "PM2.5浓度"]
    )


B = (
    "城市", "可吸入颗粒物(PM10", "月平均浓度", "(微克/立方米)", "细颗粒物(PM2.5", "月平均浓度",
    "(微克/立方米)", "空气质量达标天数比例", "环境空气质量", "指数", "排名", "综合指数变化率",
    "未达标城市空气质量同比", "变化程度排名",
)  # fmt: skip


def test_a_row_without_its_last_empty_cell_and_a_short_province_row() -> None:
    caption = "附表  2019年6月全省城市环境空气质量及变化排名情况"
    rows = (("广州", "30", "16", "93.3%", "2.97", "21", "-11.3%"), ("全省", "26", "14", "96.4%"))
    found = read_page(page(TITLE, caption, B, *rows)).cells
    assert [cell.value for cell in found if cell.place == "广州"] == list(rows[0][1:])
    # The table is about another month than the title; its period is its caption's.
    assert {cell.period for cell in found if cell.place == "广州"} == {"2019-06"}
    own = [cell for cell in found if (cell.place, cell.period) == ("全省", "2019-06")]
    assert [cell.value for cell in own] == ["26", "14", "96.4%"]


def test_two_tables_of_a_cumulative_page_keep_their_periods() -> None:
    title = "广东省城市空气和水环境质量及排名情况(2021年1-3月)"
    text = page(title, "附表12021年1-3月全省城市环境空气质量排名", A, *ROWS_A)
    text += "\n附表220213月全省城市环境空气质量排名\n" + "\n".join(
        c for r in (A, *ROWS_A) for c in r
    )
    text += "\n附表3 2021年1-3月全省城市水环境质量及变化排名情况\n注:1、无"
    found = read_page(text)
    assert found.edition == "2021-01_2021-03"
    cities = [cell.period for cell in found.cells if cell.place == "汕尾市"]
    assert cities == ["2021-01/2021-03"] * 6 + ["2021-03"] * 6
    assert [reason for _, reason in found.flaws] == [bulletin.NO_TABLE]


# sentence | (place, header, value, scope, period) of what it says
SENTENCES = [
    (
        "2021年3月,全省AQI达标率为97.9%;珠三角地区AQI达标率为96.8%。",
        [("全省", "AQI达标率", "97.9%", "", "2021-03"),
         ("珠三角地区", "AQI达标率", "96.8%", "", "2021-03")],
    ),
    (
        "总体状况:全省优良天数比例(AQI达标率)为93.7%,同比下降;"
        "细颗粒物(PM2.5)平均浓度为20微克/立方米",
        [("全省", "AQI达标率", "93.7%", "", "2021-12"),
         ("全省", "PM2.5平均浓度", "20", "", "2021-12")],
    ),
    (
        "1-8月,全省270个地表水省考断面水质优良率(Ⅰ-Ⅲ类)为92.9%,劣Ⅴ类断面比例占0%。",
        [("全省", "断面数", "270", "provincial_270", "2021-12"),
         ("全省", "水质优良率", "92.9%", "provincial_270", "2021-12"),
         ("全省", "劣Ⅴ类断面比例", "0%", "provincial_270", "2021-12")],
    ),
    (
        "基于149个国控断面水质监测结果,全省水环境质量前三名为肇庆、河源和中山市,"
        "后三名由高到低为揭阳、汕头和阳江市。",
        [(city, "水环境质量排名", rank, "national_149", "2021-12") for city, rank in (
            ("肇庆", "1"), ("河源", "2"), ("中山", "3"),
            ("揭阳", "21"), ("汕头", "20"), ("阳江", "19"))],
    ),
    # The order of the last ones is not said: they get no rank.
    (
        "187个省考断面中,水质综合指数排名前三位为河源、云浮、肇庆市,后三位为揭阳、汕头、东莞市。",
        [(city, "水环境质量排名", rank, "provincial_187", "2021-12") for city, rank in (
            ("河源", "1"), ("云浮", "2"), ("肇庆", "3"))],
    ),
    ("广州PM2.5平均浓度为20微克/立方米,前三名为肇庆、河源和中山市", []),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "expected"), SENTENCES)
def test_sentences_about_the_province(sentence: str, expected: list[tuple[str, ...]]) -> None:
    text = page(TITLE, CAPTION, A, *ROWS_A).replace(SENTENCE, sentence)
    found = [cell for cell in read_page(text).cells if cell.locator.endswith(":text")]
    assert [(c.place, c.header, c.value, c.scope, c.period) for c in found] == expected


@pytest.mark.parametrize(
    ("title", "edition", "period"),
    [
        ("广东省城市环境空气质量状况(2021年12月)", "2021-12", "2021-12"),
        ("广东省城市环境空气质量状况\n\n（2017 年 8 月）", "2017-08", "2017-08"),
        (
            "广东省城市空气和水环境质量及排名情况(2021年1-10月)",
            "2021-01_2021-10",
            "2021-01/2021-10",
        ),
        ("广东省城市环境空气质量及排名情况(2022年1~9月)", "2022-01_2022-09", "2022-01/2022-09"),
        ("名称: 广东省地表水环境质量及排名情况(2024年1-8月)", "2024-01_2024-08", "2024-01/2024-08"),
        ("廣東省城市環境空氣質(zhì)量狀況(2022年9月)", "2022-09", "2022-09"),
    ],
)
def test_the_title_gives_the_period(title: str, edition: str, period: str) -> None:
    assert period_of(pages.lines_of(title.encode(), "page")) == (edition, period)


FLAWS: dict[str, Callable[[], str]] = {
    "not in the text": lambda: page(TITLE, CAPTION),
    "known variant": lambda: page(TITLE, CAPTION, (*A[:-1], "AQI名次"), *ROWS_A),
    "has 5 values": lambda: page(TITLE, CAPTION, A, ROWS_A[0][:-1], ROWS_A[1]),
    "has 7 values": lambda: page(TITLE, CAPTION, A, (*ROWS_A[0], "9"), ROWS_A[1]),
}


@pytest.mark.parametrize("reason", FLAWS)
def test_a_table_that_does_not_fit_says_why_and_the_sentences_load(reason: str) -> None:
    found = read_page(FLAWS[reason]())
    assert [reason in text for _, text in found.flaws] == [True]
    assert [cell.value for cell in found.cells] == ["96.2%", "94.6%"]


def test_a_page_without_a_period_in_its_title_is_refused() -> None:
    for title in (
        "广东省城市环境空气质量状况",
        "广东省城市环境空气质量状况(2021年13月)",
        "20221月",
    ):
        with pytest.raises(LayoutDrift):
            read_page(title)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from([*A, *ROWS_A[0], CAPTION, TITLE, "", "|", "-", "\x00", "全省"])))
def test_no_sequence_of_lines_crashes_the_reader(lines: list[str]) -> None:
    with suppress(LayoutDrift):
        read_page("\n".join(lines))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(["<table>", "</td>", "<td>", "<tr>", "</table>", "<p", TITLE, *A])))
def test_no_tangle_of_tags_crashes_the_reader(tags: list[str]) -> None:
    with suppress(LayoutDrift):
        read_page("<html>" + "".join(tags))


# ------------------------------------------------------------------------------- dropped files


def offer(path: Path) -> Offer:
    return Offer(path.name, path, inspect(path.parent, path), path.read_bytes()[:HEAD_BYTES])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_dropped_page_is_known_by_its_title_whatever_its_name(
    encoding: str, tmp_path: Path
) -> None:
    path = tmp_path / "download(3).txt"
    path.write_bytes(page(TITLE, CAPTION, A, *ROWS_A).encode(encoding))
    claims = recognise(offer(path), SOURCES)
    assert claims == (
        Claim("environment", "gd_env_bulletin", "2021-12", "mirror", "bulletin_page"),
    )


def test_a_page_of_the_department_is_an_original_even_with_a_long_head(tmp_path: Path) -> None:
    path = tmp_path / "post_4042401.html"
    host = '<link href="http://gdee.gd.gov.cn/pm/">' + "<style>a{}</style>" * 9000
    path.write_text(
        page(TITLE, CAPTION, A, *ROWS_A, layout="html").replace("<body>", host), "utf-8"
    )
    assert [claim.source_kind for claim in recognise(offer(path), SOURCES)] == ["original"]


def test_other_texts_are_not_claimed_and_a_collection_is_refused(tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("广东省城市环境空气质量状况 is monthly.\na\nb\nc\n(2021年12月) …", "utf-8")
    assert recognise(offer(notes), SOURCES) == ()
    notes.write_text(f"{TITLE}\n{TITLE.replace('12', '11')}\n", "utf-8")
    with pytest.raises(RefusedInput, match=r"several bulletins \(2021-11, 2021-12\)"):
        recognise(offer(notes), SOURCES)


def test_a_dropped_page_gives_rows_and_says_which_table_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text(page(TITLE, CAPTION) + "\n" + SENTENCES[2][0], "utf-8")
    slice_ = "gd_env_bulletin--2021-12"
    held = replace(snapshot(path, slice_), reader="bulletin_page", source_kind="mirror")
    frame, rejects = bulletin.bulletin_rows([held], slice_, CONTEXT)
    assert frame.filter(pl.col("section_set").is_null())["place_code"].to_list() == ["440000", None]
    (absent,) = [reject for reject in rejects if reject.reason == bulletin.NO_TABLE]
    assert (absent.severity, absent.locator) == ("warning", "L5")
    path.write_text(page(TITLE, CAPTION, A, *ROWS_A), "utf-8")
    frame, rejects = bulletin.bulletin_rows([held], slice_, CONTEXT)
    assert frame["network"].unique().to_list() == ["national_14fyp"]
    assert {reject.severity for reject in rejects} == {"warning"}  # the delta is no division


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
    assert [(reject.reason, reject.severity) for reject in rejects] == [
        ("copies of the cell disagree", "warning")
    ]
    assert extract(tmp_path, {}, {})[1] == []  # the same figure again is no news
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
