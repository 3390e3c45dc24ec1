"""Check results of a run, on disk between the step that judges and the step that publishes.

Belongs here: writing and reading `warehouse/build/checks-<step>.json`, and the record of a run with
its samples, `warehouse/checks/<release>.json` (`latest.json` for the last run, refused ones
included). Not here: the ledger table.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.quality.ledger import CheckResult
from pipelines.settings import Settings
from pipelines.step import Ground


def _path(settings: Settings, step: str) -> Path:
    return settings.build / f"checks-{step}.json"


def save(settings: Settings, step: str, results: Sequence[CheckResult], ground: Ground) -> None:
    """ground: what the step stood on when it began to judge."""
    path = _path(settings, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"ground": asdict(ground), "results": as_rows(results)}
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    temporary.replace(path)


def read(settings: Settings, step: str) -> tuple[list[CheckResult], Ground]:
    """Results of the step and what it stood on; FileNotFoundError when it has not judged."""
    document = json.loads(_path(settings, step).read_text(encoding="utf-8"))
    return from_rows(document["results"]), Ground(**document["ground"])


def as_rows(results: Sequence[CheckResult]) -> list[dict[str, Any]]:
    """Results as JSON holds them; `from_rows` reads them back."""
    return [asdict(result) for result in results]


def from_rows(rows: Iterable[dict[str, Any]]) -> list[CheckResult]:
    return [CheckResult(**{**row, "samples": tuple(row["samples"])}) for row in rows]


LATEST = "latest"


def record(
    settings: Settings, outcome: str, release_id: str, results: Sequence[CheckResult]
) -> None:
    """What a run found, with samples: as `latest`, and under the release's id if it made one.

    outcome: published | held | refused.
    """
    document = {
        "outcome": outcome,
        "release_id": release_id,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "results": as_rows(results),
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    settings.checks.mkdir(parents=True, exist_ok=True)
    for name in filter(None, (LATEST, release_id)):
        temporary = settings.checks / f".{name}.{secrets.token_hex(4)}"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(settings.checks / f"{name}.json")


def record_refused(settings: Settings, since: str) -> None:
    """Record a run that ended before it was asked for a release, from what its steps judged.

    since: when the run began (ISO, UTC); a record made after it stays.
    """
    last = recorded(settings)
    if last is not None and str(last.get("time", "")) >= since:
        return
    steps = [path.stem.removeprefix("checks-") for path in settings.build.glob("checks-*.json")]
    record(settings, "refused", "", [r for step in sorted(steps) for r in read(settings, step)[0]])


def recorded(settings: Settings, name: str = LATEST) -> dict[str, Any] | None:
    """The record of that run, None when there is none that can be read."""
    try:
        document = json.loads((settings.checks / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def forget(settings: Settings, step: str) -> None:
    """Called by a step that begins: killed, it must not leave the verdict of another run."""
    _path(settings, step).unlink(missing_ok=True)


def clear(settings: Settings) -> None:
    """Forget earlier runs, so that a release never rests on checks of other data."""
    for path in settings.build.glob("checks-*.json"):
        path.unlink()
