"""Rules are asked again when something that they read changed, and only then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from quality_lake import CONTRACT, Rows, clean, write

from pipelines import lake
from pipelines.quality import assets, runner
from pipelines.quality.ledger import CheckResult
from pipelines.settings import Settings

TABLES = ("unit", "indicator")


class Asked:
    """Judges the two tables as the step does, and counts how often the rules were really asked."""

    def __init__(self, warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings, self.times = Settings(warehouse=warehouse), 0
        self.tables: list[str] = []
        self.rows: Rows = clean()
        ask = runner.run_suites

        def counted(*arguments: Any) -> list[CheckResult]:
            self.times += 1
            return ask(*arguments)

        monkeypatch.setattr(runner, "run_suites", counted)
        write(self.settings.lake, self.rows)

    def judge(self, previous: Path | None = None) -> list[CheckResult]:
        results, asked = assets.judge(self.settings, TABLES, CONTRACT, previous)
        self.tables = sorted(asked)
        return results


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(tmp_path / "warehouse", monkeypatch)


def release(folder: Path, content: str) -> Path:
    folder.mkdir()
    tables = {"tidy.unit": {"content_hash": content, "path": "parquet/tidy/unit.parquet"}}
    (folder / "release.json").write_text(json.dumps({"tables": tables}), encoding="utf-8")
    return folder


def test_what_nobody_changed_is_answered_from_before(asked: Asked) -> None:
    first = asked.judge()
    asked.rows["observation"].pop()  # no rule of these suites reads it
    before = lake.contents(asked.settings.lake, ["observation"])
    write(asked.settings.lake, asked.rows)
    assert lake.contents(asked.settings.lake, ["observation"]) != before
    assert asked.judge() == first
    assert asked.times == 1


def test_a_changed_table_or_rule_is_judged_again(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.judge()
    asked.rows["unit"][0]["name_en"] = "another name"
    write(asked.settings.lake, asked.rows)
    asked.judge()
    # The rules of indicators look units up; those of units look nothing up.
    assert (asked.times, asked.tables) == (2, ["indicator", "unit"])
    asked.rows["indicator"][0]["name_en"] = "another name"
    write(asked.settings.lake, asked.rows)
    asked.judge()
    assert (asked.times, asked.tables) == (3, ["indicator"])
    monkeypatch.setattr(assets.Hasher, "of", lambda *_: "other rules")
    asked.judge()
    assert (asked.times, asked.tables) == (4, ["indicator", "unit"])


def test_the_release_in_use_counts_by_what_it_holds_of_those_tables(
    asked: Asked, tmp_path: Path
) -> None:
    for number, (content, times) in enumerate([("a", 1), ("a", 1), ("b", 2)]):
        asked.judge(release(tmp_path / str(number), content))
        assert asked.times == times


@pytest.mark.parametrize("text", ["", "{}", '{"tables": [1]}', '{"tables": {"tidy.unit": {}}}'])
def test_a_damaged_release_in_use_stops_no_rule(asked: Asked, tmp_path: Path, text: str) -> None:
    damaged = release(tmp_path / "damaged", "a")
    (damaged / "release.json").write_text(text, encoding="utf-8")
    assert asked.judge(damaged)


def test_a_finding_that_stops_the_release_is_never_remembered(asked: Asked) -> None:
    asked.rows["unit"].append(asked.rows["unit"][0])
    write(asked.settings.lake, asked.rows)
    assert {result.status for result in asked.judge()} >= {"fail"}
    asked.judge()
    assert asked.times == 2
