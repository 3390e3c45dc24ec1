"""From a dropped workbook to observations: titles, editions, drift, places, units, precedence."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import make_workbook as make
import make_yearbook
import pytest
from yearbook_maps import SETTINGS, known_maps

from pipelines.archive import acquire, guards
from pipelines.archive.offers import HEAD_BYTES, Claim, Offer
from pipelines.archive.store import Snapshot
from pipelines.errors import ContractBroken, Reject
from pipelines.settings import Settings
from pipelines.yearbook import maps, recognise, tables, workbook


def offer(path: Path) -> Offer:
    media = guards.inspect(path.parent, path)
    return Offer(path.name, path, media, path.read_bytes()[:HEAD_BYTES])


def claims(path: Path, sources: Path = SETTINGS.sources) -> list[tuple[str, str, str]]:
    found = recognise.recognise(offer(path), sources)
    return [(c.document, c.edition, c.source_kind) for c in found]


def snapshots(path: Path, sources: Path = SETTINGS.sources) -> dict[str, list[Snapshot]]:
    held = {}
    for claim in recognise.recognise(offer(path), sources):
        slice_ = acquire.slice_name(claim.document, claim.edition)
        held[slice_] = [_snapshot(path, claim, slice_)]
    return held


def _snapshot(path: Path, claim: Claim, slice_: str) -> Snapshot:
    return Snapshot(
        f"snap-{path.name}-{slice_}", claim.source, claim.document, claim.edition, slice_,
        f"drop/{path.name}", "ab" * 32, 0, claim.source_kind, path, claim.reader,
    )  # fmt: skip


def read(path: Path) -> tuple[list[dict[str, Any]], list[Reject]]:
    rows, rejects = maps.observations(snapshots(path), known_maps())
    return rows.to_dicts(), rejects


def cells(rows: Sequence[dict[str, Any]]) -> set[tuple[object, ...]]:
    """(cell, place, indicator, year, value, unit) of rows that resolved."""
    return {
        (r["locator"].rpartition("!")[2], r["place_code"], r["indicator_id"], r["period"],
         r["number"] and str(r["number"].normalize()), r["unit_id"])
        for r in rows
    }  # fmt: skip


WIDE = [
    ("中国2024年地级以上城市数据", None, "2-7 地区生产总值", None),
    ("城 市", "City", "地区生产总值（当年价格） （亿元） Gross Regional Product （Current Prices） （100 000 000 yuan）", None),  # noqa: E501
    (None, None, "Gross Regional Product （Current Prices） （100 000 000 yuan）", None),
    (None, None, "全市 Total City", "市辖区 Districts"),
    ("城市合计", "Prefecture Cities", "900000", "500000"),
    ("河北省", "Hebei"),
    ("  通州市", "Tongzhou", "1", "1"),
    ("广东省", "Guangdong", "140000", "1"),
    ("  广州市", "Guangzhou", "31032", "31032"),
    (" 东　莞市", "Dongguan", "12282", None),
]  # fmt: skip
WIDE_MERGED = ("A2:A4", "B2:B4", "C1:D1", "C2:D2", "C3:D3")


def test_the_title_tells_document_and_edition(tmp_path: Path) -> None:
    path = make.put(tmp_path, "anything.xlsx", make.xlsx(WIDE, WIDE_MERGED))
    assert claims(path) == [("china_city_yearbook", "2025", "mirror")]


def test_a_name_alone_tells_nothing(tmp_path: Path) -> None:
    name = "中国城市统计年鉴2024 2-7 地区生产总值.xlsx"
    assert claims(make.put(tmp_path, name, make.xlsx([("城市", "x"), ("广州", 1)]))) == []


def test_a_table_that_prints_no_year_needs_its_proof(tmp_path: Path) -> None:
    rows = [
        ("2-7 地区生产总值",), ("GRP",),
        ("城 市", "City", "地区生产总值(当年价格)\n(亿元)"), (None, None, "全 市"),
        ("北京市", "Beijing", "40270"),
    ]  # fmt: skip
    assert claims(make.put(tmp_path, "a.xlsx", make.xlsx(rows))) == [
        ("china_city_yearbook", "2022", "mirror")
    ]
    rows[-1] = ("北京市", "Beijing", "41611")  # another edition's table under the same title
    assert claims(make.put(tmp_path, "b.xlsx", make.xlsx(rows))) == []


def test_only_held_places_and_whole_cities_become_values(tmp_path: Path) -> None:
    rows, rejects = read(make.put(tmp_path, "a.xlsx", make.xlsx(WIDE, WIDE_MERGED)))
    assert cells(rows) == {
        ("C9", "440100", "gdp", "2024", "31032", "cny_100m"),
        ("C10", "441900", "gdp", "2024", "12282", "cny_100m"),
    }
    left_out = {r.raw_text: r.reason for r in rejects if r.severity == "warning"}
    # 通州 is a district of 北京, but this one stands under 河北.
    assert left_out["通州市"].endswith("a place of a province that the warehouse does not hold")
    assert "an aggregate of cities, not a division" in left_out["城市合计"]
    assert any("districts only" in reason for reason in left_out.values())
    assert {r.reason for r in rejects if r.severity == "error"} == {
        "no publication date is registered for china_city_yearbook 2025"
    }


def test_a_changed_header_is_one_drift_error_and_the_rest_loads(tmp_path: Path) -> None:
    rows = [
        (
            "中国2024年县级市数据",
            None,
            "3-1 人口状况 （万人）",
            "3-2 行政区域土地面积 （平方公里）",
        ),
        ("城 市", "City", "年末户籍人口", "行政区域土地总面积"),
        (None, None, "Household Registered Population at Year-end", "Total Land Area"),
        ("广东省", "Guangdong"),
        ("  四会市", "Sihui", "45", "1166"),
        ("  四会巿", "Sihui", "45", "1166"),
        ("  四绘市", "Sihui", "45", "1166"),
    ]
    found, rejects = read(make.put(tmp_path, "a.xlsx", make.xlsx(rows)))
    assert {r["indicator_id"] for r in found} == {"population_registered"}
    (drift,) = [r for r in rejects if "layout drift" in r.reason]
    assert drift.locator == "Sheet1!D1"
    assert "行政区域土地总面积" in drift.found
    assert "行政区域土地面积" in drift.candidates
    assert drift.severity == "error"
    (place,) = [r for r in rejects if r.reason == "unknown or ambiguous place"]
    assert (place.found.strip(), place.locator) == ("四绘市", "Sheet1!C7:place")
    assert "四会市" in place.candidates


PORTAL = [
    (None,),
    ("粤港澳大湾区城市人口",),
    (None, None, None, None, None, None, "万人"),
    ("年", "广州", None, "深圳", None, "香港特区", None),
    (2023.0, 1882.7, "r", 1779.01, None, 7536.1, None),
    (2024.0, 1897.8, "p", "~", "204.0", 7531.8, None),
    ("r   修订数字",),
    ("资料来源：广东省统计局",),
]


def test_places_in_columns_with_flags(tmp_path: Path) -> None:
    content = make.xlsx(PORTAL, ["B4:C4", "D4:E4", "F4:G4"])
    rows, rejects = read(make.put(tmp_path, "a.xlsx", content))
    assert cells(rows) == {
        ("B5", "440100", "population_resident", "2023", "1882.7", "person_10k"),
        ("D5", "440300", "population_resident", "2023", "1779.01", "person_10k"),
        ("B6", "440100", "population_resident", "2024", "1897.8", "person_10k"),
        ("D6", "440300", "population_resident", "2024", None, "person_10k"),
    }
    facts = {r["locator"][-2:]: (r["status"], r["null_mark"], r["note"]) for r in rows}
    assert facts["B5"][0] == "revised"
    assert facts["B6"][0] == "preliminary"
    assert facts["D6"] == ("unknown", "~", "stray flag cell '204.0'")
    assert [r.reason for r in rejects] == [
        "left out on purpose: outside the mainland: its own money and definitions"
    ]


def test_an_original_wins_and_a_disagreement_is_an_error(tmp_path: Path) -> None:
    book = make.put(tmp_path, "a.xlsx", make.xlsx(PORTAL, ["B4:C4", "D4:E4", "F4:G4"]))
    own = {"document": "gba_portal", "edition": "2025", "indicator": "粤港澳大湾区城市人口",
           "scope": "", "unit": "万人"}  # fmt: skip
    text = make_yearbook.text(
        {**own, "place": "广州", "period": "2023", "value": "1882.70"},
        {**own, "place": "深圳", "period": "2023", "value": "1799.01"},
    )
    copy = make.put(tmp_path, "rows.csv", text.encode())
    kept = Claim("yearbook", "gba_portal", "2025", "transcription", "transcription")
    held = snapshots(book)
    held["gba_portal--2025"] += [_snapshot(copy, kept, "gba_portal--2025")]
    rows, rejects = maps.observations(held, known_maps())
    by_kind = {
        (r["source_kind"], r["place_code"]): r
        for r in rows.to_dicts()
        if r["period"] == "2023" and r["place_code"]
    }
    for code in ("440100", "440300"):
        assert by_kind["original", code]["superseded_by"] is None
        assert (
            by_kind["transcription", code]["superseded_by"] == by_kind["original", code]["fact_id"]
        )
    (apart,) = [r for r in rejects if r.severity == "error"]
    assert apart.reason == "two copies of one cell disagree beyond rounding"
    assert (apart.file, apart.found, apart.expected) == (
        "drop/rows.csv", "1799.01", "1779.01 万人 as in drop/a.xlsx Sheet1!D5"
    )  # fmt: skip


def taken(house: Settings, folder: Path) -> tuple[list[dict[str, Any]], list[Reject]]:
    """What the drop folder gives under the maps of the house, as they stand there."""
    offered, refused = acquire.offered(replace(house, drop=folder))
    assert refused == []
    rows, rejects = maps.observations(
        {snapshot.slice: [snapshot] for snapshot in offered}, known_maps(house.sources)
    )
    return rows.to_dicts(), rejects


def test_the_next_edition_in_the_same_layout_is_one_line_and_a_dropped_workbook(
    tmp_path: Path,
) -> None:
    """CONTRIBUTING, "Add an edition": its date of publication; its tables and headers are known."""
    house = make_yearbook.house(tmp_path / "house")
    make.put(tmp_path / "drop", "whatever.xlsx", make.xlsx(WIDE, WIDE_MERGED))
    _append(house.sources / "yearbook" / "editions.csv", [
        "china_city_yearbook", "2025", "2025-12-31", "assumed", "test",
    ])  # fmt: skip
    rows, rejects = taken(house, tmp_path / "drop")
    assert [r.message() for r in rejects if r.severity == "error"] == []
    assert {(r["place_code"], r["edition"], r["period"], r["number"]) for r in rows} == {
        ("440100", "2025", "2024", 31032), ("441900", "2025", "2024", 12282),
    }  # fmt: skip


def test_a_new_edition_is_map_rows_and_a_dropped_workbook(tmp_path: Path) -> None:
    """CONTRIBUTING, "Add an edition": a table that nobody knew; no code, only rows of maps."""
    house = make_yearbook.house(tmp_path / "house")
    folder = house.sources / "yearbook"
    _append(folder / "maps" / "tables.csv", [
        "china_city_yearbook", "2026", r"城市经济总量\(新表\)", "", "place", "indicator",
        "title+path", "final", "original", "", "C3=33000", "", "",
    ])  # fmt: skip
    _append(folder / "maps" / "headers.csv", [
        "china_city_yearbook", "2026", "城市经济总量(新表) | 总量（亿元）", "gdp", "whole_city",
        "", "",
    ])  # fmt: skip
    _append(folder / "editions.csv", [
        "china_city_yearbook", "2026", "2026-12-31", "assumed", "test",
    ])  # fmt: skip
    rows = [
        ("9-9 城市经济总量（新表）",),
        ("城市", "City", "总量（亿元）"),
        ("广州市", "x", "33000"),
    ]
    make.put(tmp_path / "drop", "whatever.xlsx", make.xlsx(rows))
    found, rejects = taken(house, tmp_path / "drop")
    assert rejects == []
    (row,) = found
    assert (row["slice"], row["source_kind"]) == ("china_city_yearbook--2026", "original")
    assert (row["place_code"], row["indicator_id"], row["period"]) == ("440100", "gdp", "2025")
    assert (row["number"], row["unit_id"]) == (Decimal(33000), "cny_100m")
    assert row["locator"] == "Sheet1!C3"


def _append(path: Path, row: list[str]) -> None:
    with path.open("a", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerow(row)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": "("}, "missing \\)"),
        ({"rows": "city"}, "rows 'city' is none of place, indicator, year"),
        ({"indicator": "name"}, "is not made of title, path, label, group"),
        ({"edition": "next year"}, "is no edition and no rule"),
    ],
)
def test_a_map_row_that_cannot_work_is_named(
    change: dict[str, str], reason: str, tmp_path: Path
) -> None:
    house = make_yearbook.house(tmp_path)
    path = house.sources / "yearbook" / "maps" / "tables.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerow({**rows[0], **change})
    with pytest.raises(ContractBroken, match=reason) as broken:
        tables.read_tables(house.sources)
    assert "tables.csv L2" in str(broken.value)


# header text or unit row -> the unit that it prints
UNITS = [
    (["单位：万元"], "万元"),
    (["单位:元 (yuan)"], "元"),
    (["人均地区生产总值(元) Per Capita GRP (yuan)"], "元"),
    (["地区生产总值(当年价格万元)"], "万元"),
    (["工业总产值(当年价、万元)"], "万元"),
    (["建成区绿化覆盖率%"], "%"),
    (["全市", "土地面积（平方公里）"], "平方公里"),
    (["上年＝100"], "上年=100"),
    (["万人"], "万人"),
    (["(方美元)"], ""),  # a misprint of 万美元 is no 元
    (["全市 Total City"], ""),
    (["专利授权数 (件)"], "件"),
]


@pytest.mark.parametrize(("levels", "unit"), UNITS)
def test_printed_units(levels: list[str], unit: str) -> None:
    assert tables.printed_unit(levels, maps.vocabulary(known_maps()).unit_keys) == unit


# a title as printed -> what maps find it by
TITLES = [
    ("10-21 全省各市农村居民人均消费支出", "全省各市农村居民人均消费支出"),
    ("2-13地区生产总值", "地区生产总值"),
    ("02-14 各市地区生产总值（续）", "各市地区生产总值"),
    ("2-19 续表 1 continued 1", ""),
    ("2-17 科技创新情况（全巿）", "科技创新情况(全市)"),
    ("24-A-01 主要指标", "主要指标"),
    ("19-5 2022年分市全社会R&D", "2022年分市全社会R&D"),
]


@pytest.mark.parametrize(("printed", "bare"), TITLES)
def test_titles_lose_number_and_continuation(printed: str, bare: str) -> None:
    assert tables.bare_title(printed) == bare


def test_column_letters_and_numbers_are_inverse() -> None:
    for number in (1, 26, 27, 702, 703, 16384):
        assert workbook.column_number(workbook.column_letters(number)) == number
