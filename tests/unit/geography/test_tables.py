"""The geography tables as committed, and what hostile rows turn into."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from pipelines import contract
from pipelines.errors import LayoutDrift, RefusedInput
from pipelines.geography.circles import read_circle_members, read_circles
from pipelines.geography.divisions import (
    Loaded,
    read_aliases,
    read_centres,
    read_changes,
    read_divisions,
)
from pipelines.settings import Settings

SOURCES = Settings().sources
READERS = {
    "division": read_divisions,
    "place_alias": read_aliases,
    "city_centre": read_centres,
    "division_change": read_changes,
    "circle": read_circles,
    "circle_member": read_circle_members,
}


def snapshot(file: str) -> str:
    return f"snapshot of {file}"


def load(name: str, sources: Path = SOURCES) -> Loaded:
    return READERS[name](sources, snapshot)


@pytest.mark.parametrize("name", READERS)
def test_committed_rows_load_by_contract_and_none_is_refused(name: str) -> None:
    frame, rejects = load(name)
    table = contract.load(SOURCES / "contract.yml").table(name)
    assert [reject.message() for reject in rejects] == []
    assert dict(frame.schema) == contract.polars_schema(table)
    assert frame.height > 0
    assert frame.select(table.key).is_unique().all()
    for column in table.key:
        assert frame[column].null_count() == 0


def codes_of(circle: str) -> list[str]:
    members, _ = load("circle_member")
    chosen = members.filter(pl.col("circle_id") == circle, pl.col("coverage") == "whole")
    return sorted(chosen["place_code"].drop_nulls().to_list())


def test_the_two_guangzhou_circles_and_the_western_one() -> None:
    assert codes_of("GZ_PAPER9") == [
        "440100", "440400", "440600", "440700", "441200", "441800", "441900", "442000", "445300",
    ]  # fmt: skip
    assert codes_of("GZ_OFFICIAL2023") == [
        "440100", "440600", "441202", "441203", "441204", "441284", "441802", "441803", "441821",
    ]  # fmt: skip
    assert codes_of("PRW") == ["440400", "440700", "441700", "442000"]


def test_members_without_a_code_stay_and_count() -> None:
    circles, _ = load("circle")
    counts = circles.select("circle_id", "members_total", "members_with_code").rows()
    totals = {circle: (total, coded) for circle, total, coded in counts}
    assert totals["GZ_PAPER9"] == (9, 9)
    assert totals["PX_BELT"] == (11, 4)
    assert totals["GQ_SPECIAL"] == (4, 0)
    assert circles["members_total"].sum() == 156
    members, _ = load("circle_member")
    bare = members.filter(pl.col("place_code").is_null())
    assert bare["no_code_reason"].null_count() == 0
    parts = members.filter(pl.col("coverage") == "part")
    assert parts["weight"].null_count() == parts.height == 15


def test_counties_hang_below_the_prefecture_of_their_time() -> None:
    divisions, _ = load("division")
    parents = dict(divisions.select("place_code", "parent_code").unique().rows())
    assert parents["440127"] == "440100"  # 清远县, run by Guangzhou 1983-1987
    assert parents["441821"] == "441800"
    assert parents["449001"] == "440000"  # run by the province
    assert parents["110105"] == "110000"
    assert parents["440000"] is None
    current = divisions.filter(pl.col("valid_to").is_null())
    levels = dict(current.group_by("place_level").len().rows())
    assert levels == {"province": 3, "prefecture": 21, "county": 122 + 32}


# --------------------------------------------------------------------------- hostile rows


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(SOURCES / "geography", tmp_path / "geography")
    shutil.copy(SOURCES / "contract.yml", tmp_path)
    return tmp_path


def append(sources: Path, name: str, row: str) -> str:
    """Add a line to a file; return its locator."""
    path = sources / "geography" / name
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, row]) + "\n", encoding="utf-8")
    return f"L{len(lines) + 1}"


HOSTILE_MEMBERS = [
    (
        "PRW,5,999999,佛山,地级市,whole,,1,whole,,L1,f,s,L1",
        "unknown division code",
        "440600 佛山市",
    ),
    ("PRW,5,440184,从化,县级,whole,,1,whole,,L1,f,s,L1", "did not exist then", "440117 从化区"),
    ("PRW,5,440400,珠海,地级市,whole,,1,whole,,L1,f,s,L1", "listed twice", ""),
    ("PRW,5,440600,佛山,地级市,whole,,1.01,area,,L1,f,s,L1", "out of range", ""),
    ("PRW,5,440600,佛山,地级市,whole,,0,area,,L1,f,s,L1", "out of range", ""),
    ("PRW,5,440600,佛山,地级市,whole,,nan,area,,L1,f,s,L1", "out of range", ""),
    ("PRW,5,440600,佛山,地级市,whole,,half,area,,L1,f,s,L1", "no number", ""),
    ("PRW,5,440600,佛山,地级市,hole,,1,whole,,L1,f,s,L1", "unknown coverage", "whole"),
    ("PRW,4,440600,佛山,地级市,whole,,1,whole,,L1,f,s,L1", "no position", ""),
    ("PRW,5,,佛山,地级市,whole,,1,whole,,L1,f,s,L1", "gives no reason", ""),
    ("PWR,1,440600,佛山,地级市,whole,,1,whole,,L1,f,s,L1", "not defined", "PRW"),
    ("PRW,5,440600,佛山", "does not fit the header", ""),
]


@pytest.mark.parametrize(("row", "reason", "candidate"), HOSTILE_MEMBERS)
def test_a_bad_member_becomes_a_reject_and_the_others_load(
    copy: Path, row: str, reason: str, candidate: str
) -> None:
    locator = append(copy, "circle_members.csv", row)
    members, rejects = load("circle_member", copy)
    assert members.height == 156
    assert len(rejects) == 1
    reject = rejects[0]
    assert (reject.file, reject.locator) == ("sources/geography/circle_members.csv", locator)
    assert reject.snapshot_id == "snapshot of sources/geography/circle_members.csv"
    assert reject.raw_text == row
    assert reason in reject.reason
    assert candidate in reject.candidates


def test_a_circle_with_a_refused_member_is_not_complete(copy: Path) -> None:
    path = copy / "geography" / "circle_members.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("PRW,1,440400,", "PRW,1,440499,"), encoding="utf-8")
    circles, rejects = load("circle", copy)
    prw = circles.filter(pl.col("circle_id") == "PRW").row(0, named=True)
    assert (prw["members_total"], prw["members_with_code"]) == (4, 3)
    assert rejects == []  # the row is refused once, by read_circle_members


@pytest.mark.parametrize(
    ("name", "table", "row", "reason"),
    [
        ("divisions.csv", "division", "4401,2020-01-01,,某市,,prefecture,440000,,f,s,L1", "code"),
        ("divisions.csv", "division", "449999,2020-02-30,,某,,county,440000,,f,s,L1", "start"),
        ("divisions.csv", "division", "449999,2020-01-01,2019-01-01,某,,county,440000,,,,", "end"),
        ("divisions.csv", "division", "440100,2020-01-01,,羊城,,county,440000,,,,", "two names"),
        ("divisions.csv", "division", "449999,2020-01-01,,某,,city,440000,,f,s,L1", "level"),
        ("divisions.csv", "division", "449999,2020-01-01,,某,,county,449900,,f,s,L1", "parent"),
        ("city_centres.csv", "city_centre", "440309,seat,22.6,114.0,GCJ-02,f,s,L1", "in China"),
        ("city_centres.csv", "city_centre", "440309,seat,nan,22.6,GCJ-02,f,s,L1", "in China"),
        ("city_centres.csv", "city_centre", "440309,middle,114.0,22.6,GCJ-02,f,s,L1", "kind"),
        ("place_aliases.csv", "place_alias", "羊城,440199,", "unknown division code"),
        ("division_changes.csv", "division_change", "X,20201,merge,,,,,,,f,s,L1", "year"),
        ("circles.csv", "circle", "PRW,又,Again,circle,d,L1,2023,,f,s,L1", "twice"),
        ("circles.csv", "circle", "NEW,新,New,ring,d,L1,2023,,f,s,L1", "kind"),
    ],
)  # fmt: skip
def test_bad_rows_of_every_file_are_refused_one_by_one(
    copy: Path, name: str, table: str, row: str, reason: str
) -> None:
    before = load(table)[0].height
    locator = append(copy, name, row)
    frame, rejects = load(table, copy)
    assert frame.height == before
    assert [reject.locator for reject in rejects] == [locator]
    assert reason in rejects[0].reason


def test_a_file_that_cannot_be_read_says_what_to_do(copy: Path) -> None:
    path = copy / "geography" / "divisions.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("place_level", "place_lvl", 1), encoding="utf-8")
    with pytest.raises(LayoutDrift, match=r"place_level.*nearest: place_lvl"):
        load("division", copy)
    path.write_bytes(text.encode("gb18030"))
    with pytest.raises(RefusedInput, match="not UTF-8"):
        load("division", copy)
    path.write_text('a,b\n"open,1\n', encoding="utf-8")
    with pytest.raises((RefusedInput, LayoutDrift)):
        load("division", copy)
    path.unlink()
    with pytest.raises(RefusedInput, match="is missing"):
        load("division", copy)
