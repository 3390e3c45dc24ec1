"""Check results of a run, on disk between the step that judges and the step that publishes.

Belongs here: writing and reading `warehouse/build/checks-<step>.json`. Not here: the ledger table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pipelines.quality.ledger import CheckResult
from pipelines.settings import Settings


def _path(settings: Settings, step: str) -> Path:
    return settings.build / f"checks-{step}.json"


def save(settings: Settings, step: str, results: Sequence[CheckResult]) -> None:
    path = _path(settings, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(result) for result in results]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")


def read(settings: Settings, step: str) -> list[CheckResult]:
    """Results of the step; FileNotFoundError when it has not judged."""
    rows = json.loads(_path(settings, step).read_text(encoding="utf-8"))
    return [CheckResult(**{**row, "samples": tuple(row["samples"])}) for row in rows]


def clear(settings: Settings) -> None:
    """Forget earlier runs, so that a release never rests on checks of other data."""
    for path in settings.build.glob("checks-*.json"):
        path.unlink()
