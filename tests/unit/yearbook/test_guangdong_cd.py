"""The CD of the Guangdong Statistical Yearbook, by the layout of those who read the real one.

No original is held: the zip is built by the rules of its notes (folders, stems, parts -0 and -1,
letter-spaced labels, years as numbers, two titles, unit rows, an of-which row, regions, notes).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import make_workbook as make
import polars as pl
import pytest
from test_yearbook_table_maps import claims, snapshots
from yearbook_maps import known_maps

from pipelines.errors import Reject
from pipelines.yearbook import maps

EDITION = "2024"
GDP = {
    "全  省": 129513.55,
    "广  州": 28225.2119998201,
    "深  圳": 30820.1048371705,
    "佛  山": 12185.74,
}


def sheet(
    title: str, unit: str, years: tuple[int, ...], rows: dict[str, Any], head: Any = ()
) -> list[Any]:
    """Cells of one table; a row's value repeats, less the distance of its year in hundredths."""
    printed: list[Any] = [(title,), ("Title in English",), (None, None, f"单位:{unit} (unit)")]
    printed += [("市  别", "City", *(head or map(float, years))), ()]
    for label, value in rows.items():
        cells = value if isinstance(value, tuple) else tuple(
            value - (max(years) - year) / 100 for year in years
        )  # fmt: skip
        printed.append((label, "English", *cells))
    printed += [
        ("按经济区域分", "By Region"),
        ("珠 三 角", "Pearl River Delta", *[1.0] * len(cells)),
    ]
    return [*printed, (), ("注:本表按当年价格计算。",), ("Note: at current prices.",)]


def book(*drop: str, **extra: bytes) -> dict[str, bytes]:
    """Members of the CD: stem -> bytes."""
    years = (2019, 2020, 2021, 2022, 2023)
    part = {"全  省": 60.0, "广  州": 87.3, "佛  山": 95.2, "#顺  德": 98.9}
    rd = {"广  州": (252_000, 1043.1), "佛  山": (149_000, 354.2)}
    tables = {
        "02-14-0": sheet("2-14 全省各市地区生产总值", "亿元", (2000, 2005, 2010), GDP),
        "02-14-1": sheet("2-14 全省各市地区生产总值（续）", "亿元", years, GDP),
        "02-15": sheet("2-15 全省各市地区生产总值指数", "上年=100", years, {"广  州": 104.6}),
        "03-06": sheet("3-6 各市城镇人口比重", "%", years, part),
        "03-07": sheet("3-7 各市常住人口", "万人", years, {"广  州": 1882.7, "深  圳": 1779.01}),
        "10-19": sheet(
            "10-19 全省各市城镇常住居民人均可支配收入", "元", years, {"广  州": 80501.0}
        ),
        "10-20": sheet(
            "10-20 全省各市农村常住居民人均可支配收入", "元", years,
            {"广  州": 38607.0, "深  圳": (None,) * 5},
        ),
        "10-18": sheet("10-18 全省各市居民人均可支配收入", "元", years, {"广  州": 73840.0}),
        "19-05": sheet(
            "19-5 2022年分市全社会研究与试验发展（R&D）活动情况", "", (2022,), rd,
            ("R&D人员（人）", "R&D经费支出（亿元）"),
        ),
        "01-11": sheet(
            "1-11 各市按行业分法人单位数", "个", (2022,), {"广  州": (120_000, 45_000)},
            ("制造业", "信息传输、软件和信息技术服务业"),
        ),
        "05-01": sheet("5-1 全省固定资产投资", "亿元", years, {"全  省": 1.0}),
    }  # fmt: skip
    members = {stem: make.xls(rows) for stem, rows in tables.items() if stem not in drop}
    return {**members, **{stem.replace("_", "-"): data for stem, data in extra.items()}}


def cd(folder: Path, members: dict[str, bytes], *, stated: bool = True, html: Any = ()) -> Path:
    top = "2024年广东统计年鉴光盘"
    files = {f"{top}\\directory\\{s[:2]}\\excel\\{s}.xls": data for s, data in members.items()}
    files |= {f"{top}\\directory\\{s[:2]}\\html\\{s}.htm": data for s, data in dict(html).items()}
    files[f"{top}\\directory\\02\\brief-description.html"] = b"<html><body>notes</body></html>"
    if stated:
        words = "<html><body>《广东统计年鉴—2024》编者说明</body></html>"
        files[f"{top}\\page\\explain.html"] = words.encode("gb18030")
    return make.put(folder, "whatever.zip", make.zipped(files, gbk=True))


def load(path: Path) -> tuple[dict[tuple[str, str, str], tuple[Any, ...]], list[Reject]]:
    """(indicator, place, year) -> (number, unit, cell), and the rejects."""
    held = snapshots(path)
    assert list(held) == [f"guangdong_yearbook--{EDITION}"]
    rows, rejects = maps.observations(held, known_maps())
    found = {
        (r["indicator_id"], r["place_code"], r["period"]): (
            r["number"] and float(r["number"]), r["unit_id"], r["locator"].split("/excel/")[-1]
        )
        for r in rows.filter(pl.col("superseded_by").is_null()).to_dicts()
    }  # fmt: skip
    return found, rejects


@pytest.mark.parametrize("stated", [True, False])
def test_dropping_the_cd_loads_the_inputs_of_the_paper(stated: bool, tmp_path: Path) -> None:
    """Whether or not the CD states its edition: tables that lag belong to the same book."""
    path = cd(tmp_path, book(), stated=stated)
    assert claims(path) == [("guangdong_yearbook", EDITION, "original")]
    found, rejects = load(path)
    assert [r.message() for r in rejects if r.severity == "error"] == []
    cells = "Sheet1!"
    assert found["gdp", "440100", "2023"] == (
        pytest.approx(28225.2119998201), "cny_100m", f"02-14-1.xls:{cells}G7"
    )  # fmt: skip
    assert found["gdp", "440100", "2000"][2] == f"02-14-0.xls:{cells}C7"
    assert found["gdp", "440000", "2023"][0] == pytest.approx(129513.55)
    assert found["gdp_index", "440100", "2023"][:2] == (104.6, "index_prev100")
    assert found["population_resident", "440300", "2023"][:2] == (1779.01, "person_10k")
    assert found["urbanisation_rate_year_end", "440600", "2023"][:2] == (95.2, "pct")
    # 顺德 stands under 佛山 as an of-which row: a district of its own, never a 22nd city.
    assert found["urbanisation_rate_year_end", "440606", "2023"][0] == 98.9
    assert found["disposable_income_per_capita", "440100", "2023"][:2] == (73840, "cny_per_capita")
    assert found["urban_disposable_income_per_capita", "440100", "2023"][0] == 80501
    assert found["rural_disposable_income_per_capita", "440100", "2023"][0] == 38607
    assert ("rural_disposable_income_per_capita", "440300", "2023") not in found  # blank
    assert found["rd_personnel", "440100", "2022"][:2] == (252_000, "person")
    assert found["rd_expenditure", "440600", "2022"][:2] == (354.2, "cny_100m")
    assert found["legal_entities_software", "440100", "2022"][:2] == (45_000, "count")
    (others,) = [r for r in rejects if r.locator == "tables"]
    assert (others.raw_text, others.severity) == ("全省固定资产投资", "warning")


@pytest.mark.parametrize("title", ["2-14 续表", "续表 1 continued", None])
def test_a_part_that_prints_no_title_goes_on_with_the_part_before(
    title: str | None, tmp_path: Path
) -> None:
    rows = [(title,), *sheet("", "亿元", (2022, 2023), GDP)[2:]]
    found, rejects = load(cd(tmp_path, book("02-14-1", **{"02_14_1": make.xls(rows)})))
    assert [r.message() for r in rejects if r.severity == "error"] == []
    assert found["gdp", "440100", "2023"][2].startswith("02-14-1.xls:")
    assert found["gdp", "440100", "2000"][2].startswith("02-14-0.xls:")


def test_an_index_under_the_title_of_the_level_is_told_by_its_unit(tmp_path: Path) -> None:
    index = sheet("2-15 全省各市地区生产总值", "上年=100", (2022, 2023), {"广  州": 104.6})
    found, _ = load(cd(tmp_path, book("02-15", **{"02_15": make.xls(index)})))
    assert found["gdp_index", "440100", "2023"][0] == 104.6
    assert found["gdp", "440100", "2023"][0] == pytest.approx(28225.2119998201)


# title, unit row, header row, values of 广州 -> (indicator, number, unit) of 2022
FORMS = {
    "expenditure by itself, its ratio beside it": (
        "19-4 2022年分市全社会研究与试验发展经费", "万元", ("R&D经费", "占地区生产总值比重"),
        (10_431_000.0, 3.4),
        {("rd_expenditure", 10_431_000, "cny_10k")},
    ),
    "expenditure by years": (
        "19-4 分市全社会研究与试验发展经费情况", "亿元", (2021.0, 2022.0), (988.4, 1043.1),
        {("rd_expenditure", 1043.1, "cny_100m")},
    ),
    "personnel and expenditure, the & lost": (
        "19-4 2022年分市全社会研究与试验发展人员与经费", "",
        ("R D人员（人）", "R D人员折合全时当量（人年）", "R D经费（亿元）", "R D经费投入强度（%）"),
        (252_000.0, 170_000.0, 1043.1, 3.43),
        {("rd_personnel", 252_000, "person"), ("rd_expenditure", 1043.1, "cny_100m")},
    ),
    "deposits": (
        "8-10 各市中外资银行业机构本外币存款余额", "亿元", (2021.0, 2022.0), (1.0, 80_495.0),
        {("deposits_year_end", 80_495, "cny_100m")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_table_are_told_by_title_and_headers(form: str, tmp_path: Path) -> None:
    title, unit, head, values, wanted = FORMS[form]
    rows = sheet(title, unit, (2021, 2022), {"广  州": values}, head)
    members = book("19-05" if "rd_expenditure" in str(wanted) else "", **{"19_04": make.xls(rows)})
    found, rejects = load(cd(tmp_path, members))
    assert [r.message() for r in rejects if r.severity == "error"] == []
    assert {
        (indicator, number, unit)
        for (indicator, place, year), (number, unit, cell) in found.items()
        if (place, year) == ("440100", "2022") and cell.startswith("19-04.xls")
    } == wanted


def test_blocks_of_years_under_merged_cells(tmp_path: Path) -> None:
    """Two blocks with the same years (industrial R&D); three columns a year (foreign capital)."""
    rd = [
        ("19-9 分市规模以上工业企业R&D活动人员和经费",), ("English",), (),
        ("市  别", "City", "R&D人员（人）", None, "R&D经费（亿元）", None),
        (None, None, 2021.0, 2022.0, 2021.0, 2022.0),
        ("广  州", "Guangzhou", 1.0, 2.0, 368.7, 391.2),
    ]  # fmt: skip
    parts = ("新签项目（个）", "合同外资", "实际使用外资")
    fdi = [
        ("6-22 各市外商直接投资",), ("English",), (None, None, "单位:万元 (10 000 yuan)"),
        ("市  别", "City", 2021.0, None, None, 2022.0), (None, None, *parts, *parts),
        ("广  州", "Guangzhou", 4_000.0, 1.0, 5_433_000.0, 3_500.0, 2.0, 5_741_300.0),
    ]  # fmt: skip
    extra = {
        "19_09": make.xls(rd, [(3, 3, 2, 3), (3, 3, 4, 5)]),
        "06_22": make.xls(fdi, [(3, 3, 2, 4), (3, 3, 5, 7)]),
    }
    found, rejects = load(cd(tmp_path, book(**extra)))
    assert [r.message() for r in rejects if r.severity == "error"] == []
    assert found["rd_expenditure_industrial", "440100", "2021"] == (
        368.7, "cny_100m", "19-09.xls:Sheet1!E6"
    )  # fmt: skip
    assert found["fdi_cny", "440100", "2022"] == (5_741_300, "cny_10k", "06-22.xls:Sheet1!H6")
    # Personnel and contracts of those tables are nobody's value.
    for member, cells in (("19-09.xls", {"E6", "F6"}), ("06-22.xls", {"E6", "H6"})):
        read = {cell for *_, cell in found.values() if cell.startswith(member)}
        assert read == {f"{member}:Sheet1!{cell}" for cell in cells}


def test_an_error_page_costs_its_table_only_and_its_page_stands_in(tmp_path: Path) -> None:
    error = b"<html><head><title>404</title></head><body>Not Found</body></html>"
    twin = make.page(
        [
            ("3-7 各市常住人口",),
            ("Resident Population",),
            ("单位：万人",),
            ("市  别", "City", "2023"),
            ("广  州", "Guangzhou", "1882.70"),
            ("返回上级",),
        ],
        charset="gb2312",
    )
    members = book(**{"03_07": error, "10_18": error, "03_06": make.xls([("a", 1)] * 90)[:5000]})
    found, rejects = load(cd(tmp_path, members, html={"03-07": twin}))
    assert found["population_resident", "440100", "2023"][:2] == (1882.7, "person_10k")
    errors = {r.locator.rpartition("/")[2]: r for r in rejects if r.severity == "error"}
    assert "error page of the portal" in errors["03-07.xls"].found
    assert "can be read" in errors["03-06.xls"].found
    # What the document should hold and does not is named too, with the nearest titles.
    assert errors["income"].reason.endswith("is not there (layout drift)")
    assert errors["urban_share"].reason.endswith("is not there (layout drift)")
    assert set(errors) == {"03-07.xls", "10-18.xls", "03-06.xls", "income", "urban_share"}


def test_a_zip_inside_is_named_and_not_opened(tmp_path: Path) -> None:
    inner = make.zipped({"02-14.xls": b"x"})
    files = {f"directory/{s[:2]}/excel/{s}.xls": data for s, data in book().items()}
    path = make.put(tmp_path, "a.zip", make.zipped({**files, "part2.zip": inner}))
    _, rejects = load(path)
    (refused,) = [r for r in rejects if r.severity == "error"]
    assert (refused.locator, refused.found) == ("part2.zip", "a zip inside a zip is not opened")
