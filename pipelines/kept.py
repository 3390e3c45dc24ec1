"""What a step found or made last time, under a hash of all it rested on: nothing is done twice.

Belongs here: keeping, recalling and forgetting, on disk beside the build. Not here: what a step
rests on, which only its room knows. A thing that cannot be read, or rested on something else, is
not there: the step then does its work, so a lost folder costs time and never a number.
"""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

from pipelines.settings import Settings

# Name of the metadata by which Dagster shows what a run did not do itself.
METADATA = "kept_from_an_earlier_run"


def _folder(settings: Settings) -> Path:
    return settings.build / "kept"


def path(settings: Settings, name: str) -> Path:
    """Where it lies, for a room that keeps something in a form of its own."""
    return _folder(settings) / f"{name}.json"


def recall(settings: Settings, name: str, rested_on: str) -> Any | None:
    """What was kept under this name, None unless it rested on just this."""
    try:
        document = json.loads(path(settings, name).read_text(encoding="utf-8"))
        return document["kept"] if document["rested_on"] == rested_on else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(settings: Settings, name: str, rested_on: str, thing: Any) -> None:
    """thing: what JSON can hold."""
    target = path(settings, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    # One writer at a time: what lies there was left by one that was killed.
    for leftover in target.parent.glob(f".{target.name}.*"):
        leftover.unlink(missing_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    document = {"rested_on": rested_on, "kept": thing}
    temporary.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    temporary.replace(target)


def forget(settings: Settings, name: str | None = None) -> None:
    """Forget one thing, or all of them: the next refresh does the work again."""
    if name is None:
        shutil.rmtree(_folder(settings), ignore_errors=True)
    else:
        path(settings, name).unlink(missing_ok=True)
