"""A release that changes too much is made and held back; a person takes it into use or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from make_tiny_build import TinyBuild, make_tiny_build

from pipelines.release import gate
from pipelines.release.diff import Diff, TableDiff
from pipelines.release.gate import ReleaseHeld
from pipelines.release.publish import current_release, use, verify

NOTHING = Diff("a", "b", "1.0.0", "1.0.0", 1e-9, False, ())
TABLE = TableDiff("main.city_indicator_year", rows_before=1000, rows_after=1000)

# what changed in a table of 1000 rows | the rule that sees it | its severity
CHANGES = [
    ({"removed": 50}, None, ""),
    ({"removed": 51}, "rows_stay", "error"),
    ({"values_changed": 100}, None, ""),
    ({"values_changed": 101}, "values_stay", "error"),
    ({"values_vanished": 20}, None, ""),
    ({"values_vanished": 21}, "values_do_not_vanish", "error"),
    ({"added": 1000}, None, ""),
    ({"added": 1001}, "growth_is_plausible", "warning"),
]


@pytest.mark.parametrize(("change", "rule", "severity"), CHANGES)
def test_thresholds(change: dict[str, int], rule: str | None, severity: str) -> None:
    diff = replace(NOTHING, tables=(replace(TABLE, **change),))
    broken = [(r.rule_id, r.severity) for r in gate.judge(diff) if r.status != "pass"]
    assert broken == ([(rule, severity)] if rule else [])
    # A raised schema version declares the change: it is told, and holds nothing back.
    declared = replace(diff, to_schema="1.1.0")
    assert {r.status for r in gate.judge(declared)} <= {"pass", "warn"}


def test_a_handful_of_rows_of_a_small_table_is_no_reason() -> None:
    small = replace(TABLE, rows_before=30, removed=20, values_changed=20)
    assert {r.status for r in gate.judge(replace(NOTHING, tables=(small,)))} == {"pass"}


def test_lists_of_what_is_missing_may_change() -> None:
    gaps = replace(TABLE, table="main.gap", removed=900)
    assert {r.status for r in gate.judge(replace(NOTHING, tables=(gaps,)))} == {"pass"}


def test_a_column_may_not_go_unannounced() -> None:
    silent = replace(NOTHING, schema_change="major")
    (result,) = gate.judge(silent)
    assert (result.rule_id, result.status) == ("schema_version_is_honest", "fail")
    assert {r.status for r in gate.judge(replace(silent, to_schema="2.0.0"))} == {"pass"}
    (added,) = gate.judge(replace(NOTHING, schema_change="minor"))
    assert added.status == "warn"


@pytest.fixture
def build(tmp_path: Path) -> TinyBuild:
    return make_tiny_build(tmp_path / "warehouse", rows=60, few_tables=True)


def test_a_release_is_held_back_until_a_person_uses_it(build: TinyBuild) -> None:
    build.mark(1)
    old = build.publish().release_id
    build.mark(2)
    with pytest.raises(ReleaseHeld, match="60 of 60 rows") as held:
        build.publish()
    new = held.value.release_id
    assert f"metrocircle use {new}" in str(held.value)
    current = current_release(build.settings)
    assert current is not None and current.release_id == old
    assert verify(build.settings.releases / new) == []
    assert (build.settings.warehouse / "diffs" / f"{old}__{new}.json").is_file()
    with pytest.raises(ReleaseHeld):
        build.publish()
    use(build.settings, new)
    assert build.publish().release_id == new


def test_a_change_that_was_accepted_beforehand_is_published(build: TinyBuild) -> None:
    build.mark(1)
    build.publish()
    build.mark(2)
    willing = replace(build, settings=replace(build.settings, accept_changes=True))
    release = willing.publish()
    assert "fail" in {r.status for r in release.changes}
    current = current_release(build.settings)
    assert current is not None and current.release_id == release.release_id


def test_what_the_gate_found_comes_with_the_release(build: TinyBuild) -> None:
    build.mark(1)
    build.publish()
    build.sql("delete from city_indicator_year where rowid < 2")
    changes = build.publish().changes
    assert {r.status for r in changes} == {"pass"}
    assert {r.engine for r in changes} == {"release"} and all(r.is_historical for r in changes)
