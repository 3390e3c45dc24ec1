"""Which releases stay, and whether there is room for another.

Belongs here: pins, pruning, the look at the disk before work starts. Not here: making or verifying
a release (publish, verify). Raw bytes are never deleted.
"""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.archive import store
from pipelines.errors import MetrocircleError, ReleaseRefused
from pipelines.lock import exclusive
from pipelines.settings import Settings

PINS = "pins.json"
PRUNED = ".pruned-"
HISTORY = "history.jsonl"
# What dbt, DuckDB's spill and the logs need beside files whose size is known.
MARGIN_BYTES = 256 << 20


@dataclass(frozen=True)
class Pruned:
    """What a prune removed and spared. freed: bytes whose last name went (shared files stay)."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    freed: int


def releases(settings: Settings) -> list[str]:
    """Release ids that are there, the one last taken into use first.

    By the history; a release that was never in use (held back) counts from when it was made.
    """
    if not settings.releases.is_dir():
        return []
    moments: dict[str, str] = {}
    for folder in settings.releases.iterdir():
        if folder.is_dir() and not folder.name.startswith("."):
            made = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
            moments[folder.name] = made.isoformat(timespec="seconds")
    for entry in _history(settings):
        if entry.get("to") in moments and isinstance(entry.get("time"), str):
            moments[entry["to"]] = entry["time"]
    return sorted(moments, key=lambda name: (moments[name], name), reverse=True)


def _history(settings: Settings) -> list[dict[str, Any]]:
    path = settings.warehouse / HISTORY
    entries = []
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # cut short by a full disk
            if isinstance(entry, dict):
                entries.append(entry)
    return entries


# ------------------------------------------------------------------------------------ pinning


def pins(settings: Settings) -> dict[str, dict[str, str]]:
    """Pinned releases with `reason` and `time`. MetrocircleError when the file cannot be read:
    a prune must not take an unreadable list of pins for none."""
    path = settings.warehouse / PINS
    if not path.exists():
        return {}
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): dict(entry) for name, entry in held.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise MetrocircleError(
            f"{PINS} cannot be read ({error}); mend it or remove it, and pin again"
        ) from error


def pin(settings: Settings, release_id: str, reason: str) -> None:
    """Keep this release whatever a prune is told."""
    if release_id not in releases(settings):
        raise ReleaseRefused(f"there is no release {release_id!r} to pin")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with exclusive(settings):
        _write_pins(settings, pins(settings) | {release_id: {"reason": reason, "time": now}})


def unpin(settings: Settings, release_id: str) -> None:
    with exclusive(settings):
        held = pins(settings)
        if held.pop(release_id, None) is None:
            raise ReleaseRefused(f"release {release_id!r} is not pinned")
        _write_pins(settings, held)


def _write_pins(settings: Settings, held: dict[str, dict[str, str]]) -> None:
    path = settings.warehouse / PINS
    temporary = path.with_name(f".{PINS}.{secrets.token_hex(4)}")
    temporary.write_text(json.dumps(held, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


# ------------------------------------------------------------------------------------ pruning


def doomed(settings: Settings, keep: int) -> list[str]:
    """Releases that a prune removes: all but the newest `keep`, the one in use and the pinned."""
    if keep < 1:
        raise MetrocircleError(f"--keep: expected 1 or more, found {keep}")
    spared = set(pins(settings))
    if settings.current.is_symlink():
        spared.add(settings.current.readlink().name)
    held = releases(settings)
    return [name for name in held[keep:] if name not in spared]


def prune(settings: Settings, keep: int) -> Pruned:
    """Remove what `doomed` names.

    A folder is first renamed away from its id: killed at any moment, a prune leaves whole releases
    and hidden remains that the next prune or publish sweeps up.
    """
    with exclusive(settings):
        sweep(settings)
        names = doomed(settings, keep)
        freed = 0
        for name in names:
            aside = settings.releases / f"{PRUNED}{name}-{secrets.token_hex(4)}"
            (settings.releases / name).rename(aside)
            freed += sum(p.stat().st_size for p in _own_files(aside))
            shutil.rmtree(aside)
            (settings.checks / f"{name}.json").unlink(missing_ok=True)
        return Pruned(tuple(names), tuple(releases(settings)), freed)


def _own_files(folder: Path) -> list[Path]:
    """Files that no other release shares by a hard link."""
    return [p for p in folder.rglob("*") if p.is_file() and p.stat().st_nlink == 1]


def sweep(settings: Settings) -> None:
    """Remove what killed prunes left; only while holding the lock."""
    for folder in settings.releases.glob(f"{PRUNED}*"):
        shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------------------------------ the disk


def needed_bytes(settings: Settings) -> int:
    """What a refresh may write: a release and its staging, a build database, the lake anew."""

    def size(path: Path) -> int:
        if path.is_file():
            return path.stat().st_size
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())

    current = settings.current.resolve()
    release = size(current) if settings.current.exists() else 0
    return 2 * release + size(settings.build / "build.duckdb") + size(settings.lake) + MARGIN_BYTES


def preflight(settings: Settings) -> None:
    """MetrocircleError, before anything is written, when the disk is too full for a refresh.

    Only while holding the lock: what killed writes left is removed first, in the archive too.
    """
    settings.warehouse.mkdir(parents=True, exist_ok=True)
    store.sweep(settings.archive)
    for path in settings.lake.glob("*/.*.parquet.*"):
        path.unlink()
    free, needed = shutil.disk_usage(settings.warehouse).free, needed_bytes(settings)
    if free < needed:
        raise MetrocircleError(
            f"the disk of the warehouse has {free >> 20} MB free, a refresh may need "
            f"{needed >> 20} MB; nothing was changed: free some (metrocircle prune) and run again"
        )
