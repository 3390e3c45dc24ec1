"""Two releases compared: against a comparison written the plain way, and as people ask for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_tiny_build import TinyBuild

from pipelines.errors import MetrocircleError
from pipelines.release import diff, metadata
from pipelines.release.parquet import literal
from tests.conftest import Refreshed, run_cli

SCHEMA = {
    "place_code": "varchar",
    "indicator_id": "varchar",
    "year": "integer",
    "value": "double",
    "value_low": "double",
    "status": "varchar",
    "locator": "varchar",
}
KEY = ["place_code", "indicator_id", "year"]
Table = dict[tuple[str, str, int], tuple[float | None, float | None, str | None, str]]


def write_release(folder: Path, table: Table, name: str = "main.t", **types: str) -> Path:
    """A release folder of one table, as `diff` reads one; hashes follow the content."""
    folder.mkdir(parents=True, exist_ok=True)
    schema = {**SCHEMA, **types}
    with duckdb.connect() as connection:
        columns = ", ".join(f"{column} {kind}" for column, kind in schema.items())
        connection.execute(f"create table t ({columns})")
        extra = [None] * len(types)
        for key, values in table.items():
            row = [*key, *values, *extra]
            connection.execute(f"insert into t values ({', '.join('?' * len(row))})", row)
        connection.execute(f"copy t to {literal(str(folder / 't.parquet'))} (format parquet)")
    entry = {
        "path": "t.parquet",
        "rows": len(table),
        "key": KEY,
        "schema": [{"name": n, "type": t} for n, t in schema.items()],
        "schema_hash": str(schema),
        "content_hash": repr(sorted(table.items(), key=lambda item: item[0])),
    }
    document = {"release_id": folder.name, "schema_version": "1.0.0", "tables": {name: entry}}
    (folder / "release.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


numbers = st.one_of(st.none(), st.sampled_from([0.0, -1.5, 100.0, 100.0 + 1e-8, 101.0]))
rows = st.tuples(numbers, numbers, st.sampled_from(["final", "preliminary", None]), st.just("A1"))
keys = st.tuples(
    st.sampled_from(["440100", "440300"]), st.sampled_from(["gdp", "area"]), st.integers(2020, 2022)
)
tables = st.dictionaries(keys, rows, max_size=8)


def plainly(old: Table, new: Table, tolerance: float) -> dict[str, Any]:
    """What changed, one row after the other."""

    def differs(a: float | None, b: float | None) -> bool:
        if a is None or b is None:
            return a is not b
        return abs(a - b) > tolerance * max(abs(a), abs(b))

    both = old.keys() & new.keys()
    values = {key for key in both if differs(old[key][0], new[key][0])}
    bounds = {key for key in both if differs(old[key][1], new[key][1])}
    status = {key for key in both if old[key][2] != new[key][2]}
    found = {
        "added": len(new.keys() - old.keys()),
        "removed": len(old.keys() - new.keys()),
        "changed": len(values | bounds | status),
        "values_changed": len(values),
        "values_vanished": sum(new[key][0] is None for key in values),
        "values_appeared": sum(old[key][0] is None for key in values),
    }
    touched = (old.keys() ^ new.keys()) | values
    for name, position in (("by_place", 0), ("by_indicator", 1)):
        groups: dict[str, list[int]] = {}
        for key in touched:
            kind = 2 if key in values else 0 if key in new else 1
            groups.setdefault(key[position], [0, 0, 0])[kind] += 1
        found[name] = groups
    return found


@settings(max_examples=30, deadline=None)
@given(old=tables, new=tables, tolerance=st.sampled_from([0.0, 1e-9, 0.02]))
def test_counts_are_those_of_a_plain_comparison(
    tmp_path_factory: pytest.TempPathFactory, old: Table, new: Table, tolerance: float
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    found = diff.compare_folders(
        write_release(folder / "a", old), write_release(folder / "b", new), tolerance=tolerance
    ).table("main.t")
    expected = plainly(old, new, tolerance)
    if found is None:
        assert not any(expected.values())
        return
    for name in ("by_place", "by_indicator"):
        column = name.removeprefix("by_")
        assert {
            row[column]: [row["added"], row["removed"], row["values_changed"]]
            for row in getattr(found, name)
        } == expected.pop(name)
    assert {name: getattr(found, name) for name in expected} == expected
    assert len(found.added_keys) == expected["added"]


OLD: Table = {
    ("440100", "gdp", 2021): (28231.97, 28231.965, "preliminary", "T209"),
    ("440300", "gdp", 2021): (30664.85, 30664.845, "final", "T210"),
    ("440600", "gdp", 2021): (12156.54, 12156.535, "final", "T211"),
}
NEW: Table = {
    ("440100", "gdp", 2021): (28225.21, 28225.205, "final", "U1"),
    ("440300", "gdp", 2021): (30664.85, 30664.845, "final", "U2"),
    ("440600", "gdp", 2021): (None, None, "final", "U3"),
}


def test_the_worst_changes_come_first_and_are_named(tmp_path: Path) -> None:
    found = diff.compare_folders(
        write_release(tmp_path / "a", OLD), write_release(tmp_path / "b", NEW)
    )
    [table] = found.tables
    vanished, moved = table.examples
    assert (vanished["place"], vanished["new"]) == ("440600", None)
    assert moved["key"] == {"place_code": "440100", "indicator_id": "gdp", "year": "2021"}
    assert (moved["old"], moved["new"]) == (28231.97, 28225.21)
    assert table.largest_relative_change == pytest.approx(6.76 / 28231.97)
    assert table.columns == {"value": 2, "value_low": 2, "status": 1}
    for said in (diff.text(found), diff.markdown(found)):
        assert "440600 gdp 2021: value 12,156.54 → null" in said
        assert "numbers that became null: 1" in said


def test_a_number_read_from_elsewhere_is_no_change_unless_asked_for(tmp_path: Path) -> None:
    moved = {key: (*row[:3], "elsewhere") for key, row in OLD.items()}
    folders = write_release(tmp_path / "a", OLD), write_release(tmp_path / "b", moved)
    assert diff.compare_folders(*folders).is_empty
    [table] = diff.compare_folders(*folders, provenance=True).tables
    assert (table.changed, table.values_changed, table.columns) == (3, 0, {"locator": 3})


def test_columns_and_tables_that_come_and_go_are_named(tmp_path: Path) -> None:
    old = write_release(tmp_path / "a", OLD)
    found = diff.compare_folders(old, write_release(tmp_path / "b", OLD, note="varchar"))
    assert found.tables[0].columns_added == ("note",)
    found = diff.compare_folders(old, write_release(tmp_path / "c", OLD, name="main.other"))
    assert (found.tables_added, found.tables_removed) == (("main.other",), ("main.t",))
    assert "tables removed: main.t" in diff.text(found)


VERSIONS = """
change,              from,  to,    asks for, honest
,                    1.0.0, 1.0.0, none,     yes
,                    1.0.0, 1.0.1, none,     yes
+column,             1.0.0, 1.0.0, minor,    no
+column,             1.0.0, 1.1.0, minor,    yes
+table,              1.0.0, 1.0.1, minor,    no
-column,             1.2.0, 1.3.0, major,    no
-column,             1.2.0, 2.0.0, major,    yes
-table,              1.2.0, 2.0.0, major,    yes
type,                1.0.0, 1.1.0, major,    no
unit,                1.0.0, 2.0.0, major,    yes
key,                 1.9.0, 1.10.0, major,   no
"""


def changed_schema(change: str) -> dict[str, Any]:
    columns = [{"name": "a", "type": "double", "unit": "km2"}, {"name": "b", "type": "varchar"}]
    table = {"key": ["a"], "schema": columns}
    if change == "+column":
        columns.append({"name": "c", "type": "varchar"})
    elif change == "-column":
        columns.pop()
    elif change in ("type", "unit"):
        columns[0][change] = "other"
    elif change == "key":
        table["key"] = ["b"]
    more = {"u": table} if change == "+table" else {}
    return more if change == "-table" else {"t": table, **more}


def test_the_version_of_the_schema_follows_the_schema() -> None:
    for line in VERSIONS.strip().splitlines()[1:]:
        change, old, new, asks_for, honest = (cell.strip() for cell in line.split(","))
        step = diff.schema_change(changed_schema(""), changed_schema(change))
        assert step == asks_for, line
        found = diff.Diff("a", "b", old, new, 0.0, False, (), schema_change=step)
        assert found.version_is_honest == (honest == "yes"), line


@pytest.mark.parametrize("listed", [True, False], ids=["manifest", "no manifest"])
def test_a_folder_of_files_is_one_table(tmp_path: Path, listed: bool) -> None:
    """Large national tables have a file per timetable; those of equal bytes are not read."""
    folders = []
    for name, table in (("a", OLD), ("b", NEW)):
        folder = write_release(tmp_path / name, table)
        document = json.loads((folder / "release.json").read_text(encoding="utf-8"))
        parts = {"t/1.parquet": "place_code < '440300'", "t/2.parquet": "place_code >= '440300'"}
        (folder / "t").mkdir()
        for part, condition in parts.items():
            duckdb.execute(
                f"copy (from '{folder / 't.parquet'}' where {condition} order by all) "
                f"to '{folder / part}' (format parquet)"
            )
        (folder / "t.parquet").unlink()
        document["tables"]["main.t"] |= {"path": "t", "parts": list(parts)}
        (folder / "release.json").write_text(json.dumps(document), encoding="utf-8")
        # The first part is said to be the same in both, though it is not: it is not looked at.
        hashes = {"t/1.parquet": "0" * 64, "t/2.parquet": name.ljust(64, "0")}
        if listed:
            (folder / "MANIFEST.sha256").write_text(metadata.manifest_text(hashes))
        folders.append(folder)
    [table] = diff.compare_folders(*folders).tables
    assert (table.rows_before, table.values_changed) == (3, 1 if listed else 2)


def test_a_refused_row_is_told_by_its_file_not_by_its_bytes(tiny: TinyBuild) -> None:
    first = tiny.publish()
    tiny.sql("update rejects set snapshot_id = snapshot_id || 'x'")
    second = tiny.publish()
    assert diff.compare_folders(first.path, second.path).is_empty
    [table] = diff.compare_folders(first.path, second.path, provenance=True).tables
    assert (table.table, table.added, table.removed) == ("main.rejects", 12, 12)


def test_every_publish_keeps_its_changes(few: TinyBuild) -> None:
    few.mark(1.0)
    first = few.publish()
    assert not (few.settings.warehouse / diff.FOLDER).exists()
    few.mark(2.0)
    second = few.publish()
    few.publish()
    [path] = (few.settings.warehouse / diff.FOLDER).iterdir()
    assert path.name == f"{first.release_id}__{second.release_id}.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    found = diff.compare(few.settings)
    assert kept == json.loads(json.dumps(found.document(), default=str))
    changed = {table["table"]: table["values_changed"] for table in kept["tables"]}
    assert changed == {"main.city_indicator_best": 12, "main.city_indicator_year": 12}


def test_a_previous_release_that_is_damaged_stops_no_publish(few: TinyBuild) -> None:
    first = few.publish()
    damaged = first.path / "parquet" / "city_indicator_best.parquet"
    damaged.chmod(0o644)
    damaged.write_bytes(b"PAR1")
    few.mark(2.0)
    assert few.publish().is_new
    with pytest.raises(MetrocircleError, match="cannot be compared"):
        diff.compare(few.settings)


def test_releases_are_named_by_id_beginning_or_place_in_time(few: TinyBuild) -> None:
    few.mark(1.0)
    first = few.publish()
    with pytest.raises(MetrocircleError, match="no release was in use before"):
        diff.compare(few.settings)
    few.mark(2.0)
    second = few.publish()
    resolve: Callable[[str], Path] = lambda name: diff.resolve(few.settings, name)  # noqa: E731
    assert resolve("current") == second.path
    assert resolve("previous") == resolve(first.release_id[:6]) == first.path
    with pytest.raises(MetrocircleError, match=first.release_id):
        resolve(first.release_id[:-1] + "zz")
    with pytest.raises(MetrocircleError, match="no release yet"):
        diff.compare(replace(few.settings, warehouse=few.settings.warehouse / "none"))


def test_the_command_answers_people_and_programs(few: TinyBuild) -> None:
    few.mark(1.0)
    few.publish()
    few.mark(2.0)
    few.publish()
    warehouse = few.settings.warehouse
    people = run_cli("diff", warehouse=warehouse)
    assert people.returncode == 0 and "main.city_indicator_best" in people.stdout
    program = run_cli("diff", "previous", "current", "--json", warehouse=warehouse)
    assert json.loads(program.stdout)["tables"][0]["values_changed"] == 12
    wrong = run_cli("diff", "nosuch", warehouse=warehouse)
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (1, False)


def test_a_release_does_not_differ_from_itself(refreshed: Refreshed) -> None:
    found = diff.compare_folders(refreshed.release, refreshed.release, provenance=True)
    assert found.is_empty and len(found.identical) >= 40
    assert "nothing changed" in diff.text(found)
