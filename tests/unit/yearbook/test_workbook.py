"""What the reader of workbooks makes of layouts that publishers print, cell by cell."""

from __future__ import annotations

from pathlib import Path

import make_workbook as make
import polars as pl
import pytest

from pipelines.errors import RefusedInput
from pipelines.yearbook import workbook

# Table 2-7 of edition 2022 (cells as printed): two header rows, merged, and a second printed page.
HEAD = ("城 市", "City", "地区生产总值(当年价格)\n(亿元)", None, "人均地区生产总值\n(元)", None)
PAIR = (
    None,
    None,
    "全 市\nTotal City",
    "市辖区\nDistricts",
    "全 市\nTotal City",
    "市辖区\nDistricts",
)
TWO_PAGES = [
    ("2-7 地区生产总值",),
    ("Gross Regional Product",),
    HEAD,
    PAIR,
    ("广东省", "Guangdong"),
    ("  广州市", " Guangzhou", "28232", "28232", "150366", "150366"),
    ("2-7 续表 5 continued",),
    HEAD,
    PAIR,
    ("  东莞市", " Dongguan", "10855", None, "103284", None),
]
MERGED = ("A3:A4", "B3:B4", "C3:D3", "E3:F3", "A8:A9", "B8:B9", "C8:D8", "E8:F8")


def paths(content: bytes, media: str = "xlsx") -> pl.DataFrame:
    return workbook.with_paths(workbook.read_cells(content, media, "book"))


def values(frame: pl.DataFrame) -> list[tuple[str, str, str, str]]:
    """(cell, label path, header path, text) of the body."""
    body = frame.filter(pl.col("role") == "value")
    return [
        (f"{workbook.column_letters(c)}{r}", label, header, text)
        for r, c, label, header, text in body.select(
            "row", "column", "row_path", "header_path", "text"
        ).iter_rows()
    ]


def test_merged_headers_are_unpacked_in_every_printed_part() -> None:
    gdp, head = "地区生产总值(当年价格) (亿元)", "人均地区生产总值 (元)"
    assert values(paths(make.xlsx(TWO_PAGES, MERGED))) == [
        ("C6", "广东省 | 广州市", f"{gdp} | 全 市 Total City", "28232"),
        ("D6", "广东省 | 广州市", f"{gdp} | 市辖区 Districts", "28232"),
        ("E6", "广东省 | 广州市", f"{head} | 全 市 Total City", "150366"),
        ("F6", "广东省 | 广州市", f"{head} | 市辖区 Districts", "150366"),
        ("C10", "广东省 | 东莞市", f"{gdp} | 全 市 Total City", "10855"),
        ("E10", "广东省 | 东莞市", f"{head} | 全 市 Total City", "103284"),
    ]


def test_every_cell_has_a_role_and_nothing_is_lost() -> None:
    frame = paths(make.xlsx(TWO_PAGES, MERGED))
    roles = dict(frame.group_by("role").len().iter_rows())
    # Stub heads and titles of both pages; the second page's 续表 line is a title too.
    assert roles == {"title": 7, "header": 12, "label": 6, "value": 6}
    assert frame.height == sum(1 for row in TWO_PAGES for cell in row if cell)


# A sheet of the Guangdong yearbook by the rules of its notes (part 2): years as floats, letter
# spaced labels, an of-which row, a block of regions, notes.
GUANGDONG = [
    ("10-21 全省各市农村居民人均消费支出",),
    ("Per Capita Consumption Expenditure of Rural Households by City",),
    ("", "", "", "单位:元 (yuan)"),
    ("市  别", "City", 2022.0, 2023.0),
    (),
    ("全  省", "Provincial Total", 20800.0, 22209.1),
    ("广　州", "Guangzhou", 26229.7, 27960.9),
    ("深  圳", "Shenzhen"),
    ("佛  山", "Foshan", 1.5, "—"),
    (" #顺德", "Shunde", 0.1 + 0.2, "…"),
    ("按经济区域分", "By Region"),
    ("珠三角", "Pearl River Delta", 3, 4),
    (),
    ("注:按照国家统计局的统一部署",),
    ("Note: 2018 is the first year",),
]


@pytest.mark.parametrize("kind", ["xls", "xlsx"])
def test_a_sheet_of_the_guangdong_yearbook(kind: str) -> None:
    merged = (0, 0, 0, 3)
    content = make.xls(GUANGDONG, [merged]) if kind == "xls" else make.xlsx(GUANGDONG, ["A1:D1"])
    frame = paths(content, "ole2" if kind == "xls" else "xlsx")
    assert values(frame) == [
        ("C6", "全 省", "2022", "20800"),
        ("D6", "全 省", "2023", "22209.1"),
        ("C7", "广 州", "2022", "26229.7"),
        ("D7", "广 州", "2023", "27960.9"),
        ("C9", "佛 山", "2022", "1.5"),
        ("D9", "佛 山", "2023", "—"),
        ("C10", "佛 山 | #顺德", "2022", "0.3"),
        ("D10", "佛 山 | #顺德", "2023", "…"),
        ("C12", "珠三角", "2022", "3"),
        ("D12", "珠三角", "2023", "4"),
    ]
    (unit,) = frame.filter(pl.col("role") == "unit")["text"]
    assert unit == "单位:元 (yuan)"
    notes = frame.filter(pl.col("role") == "note")["row"].to_list()
    assert notes == [14, 15]


def test_an_unmerged_copy_gets_its_headers_by_filling_right() -> None:
    rows = "source_row,c1,c2,c3,c4\n1,名,A,,B\n2,城市,x,y,z\n9,g,1,2,3\n".encode()
    assert values(paths(rows, "text")) == [
        ("B9", "g", "A | x", "1"),
        ("C9", "g", "A | y", "2"),
        ("D9", "g", "B | z", "3"),
    ]


def test_spans_of_a_page_are_merged_cells() -> None:
    content = make.page(
        [
            ("rowspan=2|地区", "colspan=2|总量（亿元）"),
            ("地区生产<br/>总值", "第一产业"),
            ("广州市", "32039.46", "317.02"),
        ],
        charset="gb2312",
    )
    assert values(paths(content, "html")) == [
        ("B3", "广州市", "总量（亿元） | 地区生产 总值", "32039.46"),
        ("C3", "广州市", "总量（亿元） | 第一产业", "317.02"),
    ]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8", ""), ("gb18030", ""), ("utf-16", ""), ("gb18030", "gb2312"), ("gb18030", "utf-8")],
)
def test_text_is_read_in_its_encoding(encoding: str, declared: str) -> None:
    meta = f'<meta charset="{declared}">' if declared else ""
    # 榕 and 镕: the second is no character of GB 2312.
    assert workbook.decode(f"{meta}榕镕".encode(encoding)).endswith("榕镕")


def test_gbk_names_and_zips_inside(tmp_path: Path) -> None:
    members = {
        "2024年鉴\\directory\\02\\excel\\02-14.xls": b"x",
        "内层.zip": make.zipped({"a": b"b"}),
    }
    path = make.put(tmp_path, "cd.zip", make.zipped(members, gbk=True))
    assert {m.name: m.content for m in workbook.members(path)} == {
        "2024年鉴/directory/02/excel/02-14.xls": b"x",
        "内层.zip": members["内层.zip"],
    }


def test_numbers_keep_the_digits_a_spreadsheet_keeps() -> None:
    stored = [28225.2119998201, 0.1 + 0.2, 2018.0, 8107.599999999999, -0.5, 1e16]
    frame = workbook.read_cells(
        make.xlsx([[f"t{n}", v] for n, v in enumerate(stored)]), "xlsx"
    ).frame
    numbers = frame.filter(pl.col("number").is_not_null())
    assert numbers["text"].to_list() == [
        "28225.2119998201", "0.3", "2018", "8107.6", "-0.5", "1e+16"
    ]  # fmt: skip
    assert numbers["number"].to_list() == pytest.approx(stored, rel=1e-15)


def test_a_page_without_a_table_is_refused_by_name() -> None:
    with pytest.raises(RefusedInput, match=r"02-14\.xls: a page without a table"):
        workbook.read_cells(b"<html><body>404 Not Found</body></html>", "html", "02-14.xls")


def test_a_sheet_without_a_table_is_all_title() -> None:
    frame = paths(make.xlsx([("百度搜索“马克数据网”，获取更多价值数据！",)]))
    assert frame["role"].to_list() == ["title"]
