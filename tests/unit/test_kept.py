"""What is kept is there for what it rested on, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import kept
from pipelines.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(warehouse=tmp_path)


def test_it_is_there_only_for_what_it_rested_on(settings: Settings) -> None:
    assert kept.recall(settings, "checks", "a") is None
    kept.keep(settings, "checks", "a", {"值": [1, None]})
    assert kept.recall(settings, "checks", "a") == {"值": [1, None]}
    assert kept.recall(settings, "checks", "b") is None
    assert kept.recall(settings, "tables", "a") is None


def test_forgotten_is_forgotten(settings: Settings) -> None:
    for name in ("dbt", "checks", "tables"):
        kept.keep(settings, name, "a", name)
    kept.forget(settings, "dbt")
    assert [kept.recall(settings, name, "a") for name in ("dbt", "checks")] == [None, "checks"]
    kept.forget(settings)
    assert kept.recall(settings, "tables", "a") is None
    kept.forget(settings)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"rested_on": "a"}', "null", "\x00\xff"])
def test_a_spoilt_file_counts_as_nothing(settings: Settings, text: str) -> None:
    kept.keep(settings, "dbt", "a", 1)
    [file] = [path for path in tuple(settings.build.rglob("*")) if path.is_file()]
    file.write_text(text, encoding="latin-1")
    assert kept.recall(settings, "dbt", "a") is None
