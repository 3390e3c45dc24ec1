"""What leaves the house runs nothing, and what people type reaches no SQL and creates no object."""

from __future__ import annotations

import csv
import importlib
import io
import re
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines import circle
from pipelines.errors import MetrocircleError
from pipelines.registry import tables as registry
from pipelines.release import export
from pipelines.release.query import QueryRefused, query
from pipelines.settings import ROOT
from tests.conftest import Refreshed

# a cell | what a spreadsheet is given
CELLS = [
    ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
    ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ("+1+cmd|x", "'+1+cmd|x"),
    ("-2+3", "'-2+3"),
    ("@SUM(1)", "'@SUM(1)"),
    ("\t=1", "'\t=1"),
    ("\r=1", "'\r=1"),
    ("＝1", "'＝1"),
    ("'quoted", "''quoted"),
    ("-0.5", "-0.5"),
    ("-1,234.50", "-1,234.50"),
    ("+3%", "+3%"),
    ("-", "-"),
    ("—", "—"),
    ("广州市", "广州市"),
    ("", ""),
    ("1=1", "1=1"),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "shown"), CELLS)
def test_a_formula_is_made_harmless_and_can_be_read_back(cell: str, shown: str) -> None:
    assert export.harmless(cell) == shown
    frame = pl.DataFrame({"a": [cell, None], "n": [1, 2]})
    (_, row, empty) = csv.reader(io.StringIO(export.to_csv(frame), newline=""))
    assert row == [shown, "1"] and empty == ["", "2"]
    if shown != cell:
        assert export.original(shown) == cell
    assert export.to_csv(frame, raw=True) == frame.write_csv()


@given(st.text())
def test_nothing_is_lost_in_any_text(text: str) -> None:
    shown = export.harmless(text)
    assert shown in (text, "'" + text)
    # Only what was marked begins with the mark: taking one away gives the cell of the release.
    assert export.original(shown) == text


def test_a_column_name_runs_nothing_either() -> None:
    assert export.to_csv(pl.DataFrame({"=1+1": [1]})).startswith("'=1+1")


def test_no_cell_of_the_released_lists_is_a_formula(refreshed: Refreshed) -> None:
    for name in ("quality/ledger.csv", "data_dictionary.csv"):
        with (refreshed.release / name).open(encoding="utf-8-sig", newline="") as handle:
            for row in csv.reader(handle):
                for cell in row:
                    assert cell.startswith("'") or export.harmless(cell) == cell, (name, cell)


# ---------------------------------------------------------------------------- YAML and its tags

TAGS = [
    "!!python/object/apply:os.system ['touch {mark}']",
    "!!python/object/new:os.system ['touch {mark}']",
    "!!python/name:os.system",
    "!!python/module:os",
    "!include /etc/passwd",
]


@pytest.mark.parametrize("tag", TAGS)
def test_a_yaml_tag_creates_no_object(tag: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = tmp_path / "circle.yml"
    path.write_text(f"members: {tag.format(mark=mark)}\n", encoding="utf-8")
    with pytest.raises(circle.BadDefinition, match="not readable as YAML"):
        circle.read_definition(path)
    (tmp_path / "registry.yml").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(Exception, match="could not determine a constructor"):
        registry.read_registry(tmp_path)
    assert not mark.exists()


def test_every_yaml_reader_is_a_safe_one() -> None:
    """`yaml.load` is called with loaders alone that make nothing but plain values."""
    loaders = []
    for path in (ROOT / "pipelines").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "unsafe_load" not in text and "full_load" not in text, path
        for name in re.findall(r"yaml\.load\((?:[^()]|\([^()]*\))*?Loader=(\w+)", text):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            loaders.append(getattr(importlib.import_module(module), name))
        assert text.count("yaml.load(") == len(re.findall(r"Loader=\w+", text)), path
    assert len(loaders) >= 2
    for loader in loaders:
        assert issubclass(loader, yaml.constructor.SafeConstructor), loader
        assert not issubclass(loader, yaml.constructor.FullConstructor), loader


def bomb(levels: int = 9) -> str:
    """A billion names from one kilobyte."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        items = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{items}]")
    return "\n".join([*lines, f"members: *a{levels - 1}"]) + "\n"


def test_a_yaml_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    path = tmp_path / "circle.yml"
    path.write_text(bomb(), encoding="utf-8")
    with pytest.raises(circle.BadDefinition):
        circle.read_definition(path)


# -------------------------------------------------------------------------------- SQL in names

SQL = [
    "'; drop table indicator; --",
    "广州市' or '1'='1",
    "\"; attach '/tmp/x' as y; --",
    "440100') union select 1 --",
    "$$; select 1; $$",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", SQL)
def test_sql_in_the_name_of_a_member_is_a_name_nobody_has(
    name: str, refreshed: Refreshed, tmp_path: Path
) -> None:
    path = tmp_path / "circle.yml"
    quoted = name.replace("'", "''")
    path.write_text(f"members:\n  - '{quoted}'\n  - 广州市\n", encoding="utf-8")
    definition = circle.read_definition(path)
    with pytest.raises(MetrocircleError) as refused:
        circle.compute(refreshed.release, definition, ["gdp"], 2021, None)
    assert name[:8] in str(refused.value)
    assert query(refreshed.release, "select count(*) as n from indicator")["n"][0] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "sql",
    [
        "select 1; drop table indicator",
        "drop table indicator",
        "copy indicator to '{there}'",
        "attach '{there}' as other",
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "install httpfs",
        "set enable_external_access = true",
        "pragma database_list; select 1",
        "create table x as select 1",
        "with gone as (delete from indicator returning *) select * from gone",
    ],
)
def test_a_query_reads_the_release_and_nothing_else(
    sql: str, refreshed: Refreshed, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    with pytest.raises(QueryRefused):
        query(refreshed.release, sql.format(there=there))
    assert not there.exists()
