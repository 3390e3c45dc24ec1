"""Check results of a run, on disk between the step that judges and the step that publishes.

Belongs here: writing and reading `warehouse/build/<engine>.json`. Not here: the ledger table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pipelines.quality.ledger import CheckResult
from pipelines.settings import Settings


def _path(settings: Settings, engine: str) -> Path:
    return settings.build / f"checks-{engine}.json"


def save(settings: Settings, engine: str, results: Sequence[CheckResult]) -> None:
    path = _path(settings, engine)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(result) for result in results]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")


def read(settings: Settings, engine: str) -> list[CheckResult]:
    """Results of the engine in this run; FileNotFoundError when it has not judged."""
    rows = json.loads(_path(settings, engine).read_text(encoding="utf-8"))
    return [CheckResult(**{**row, "samples": tuple(row["samples"])}) for row in rows]


def clear(settings: Settings) -> None:
    """Forget earlier runs, so that a release never rests on checks of other data."""
    for path in settings.build.glob("checks-*.json"):
        path.unlink()
