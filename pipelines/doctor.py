"""`metrocircle doctor`: is this machine able to refresh, and is the warehouse well?

Belongs here: checks that need no network and change nothing. Not here: repairs.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.settings import Settings

# Versions the house was measured with; the lock file holds all of them.
PINNED = {"duckdb": "1.5.5", "dagster": "1.13.27", "dbt-duckdb": "1.11.1"}
FREE_BYTES = 500 << 20


@dataclass(frozen=True)
class Finding:
    what: str
    is_well: bool
    text: str


def examine(settings: Settings) -> list[Finding]:
    """One finding per question, in a fixed order."""
    return [
        _python(),
        *_packages(),
        _folder("sources", settings.sources, writable=False),
        _folder("warehouse", settings.warehouse, writable=True),
        _disk(settings),
        _lock(settings),
        _pointer(settings),
        _drop(settings),
    ]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", (3, 11) <= sys.version_info[:2] < (3, 14), f"{found} (3.11 to 3.13)")


def _packages() -> list[Finding]:
    findings = []
    for name, wanted in PINNED.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "not installed (make setup)"
        findings.append(Finding(name, found == wanted, f"{found} (locked: {wanted})"))
    return findings


def _folder(name: str, path: Path, writable: bool) -> Finding:
    if not path.is_dir():
        return Finding(name, False, f"{path} is missing")
    may = os.access(path, os.W_OK if writable else os.R_OK)
    return Finding(name, may, f"{path} is {'writable' if writable else 'readable'}" if may else
                   f"{path}: no permission")  # fmt: skip


def _disk(settings: Settings) -> Finding:
    if not settings.warehouse.exists():
        return Finding("disk", False, "no warehouse folder")
    free = shutil.disk_usage(settings.warehouse).free
    return Finding("disk", free > FREE_BYTES, f"{free / 1e9:.1f} GB free (a refresh needs 0.5 GB)")


def _lock(settings: Settings) -> Finding:
    from pipelines.lock import WriterBusy, exclusive

    if not settings.warehouse.is_dir():
        # Asking for the lock would make the folder, and the doctor changes nothing.
        return Finding("writer", True, "nobody is writing: there is no warehouse yet")
    try:
        with exclusive(settings):
            return Finding("writer", True, "nobody is writing")
    except (WriterBusy, OSError) as error:
        return Finding("writer", False, str(error))


def _pointer(settings: Settings) -> Finding:
    from pipelines.release.publish import current_release

    release = current_release(settings)
    if release is None:
        return Finding("release", True, "none yet: run `metrocircle refresh`")
    return Finding("release", not release.problem, release.problem or f"{release.release_id}")


def _drop(settings: Settings) -> Finding:
    if settings.drop is None:
        return Finding("drop folder", True, "none set (METROCIRCLE_DROP or --drop)")
    return Finding("drop folder", settings.drop.is_dir(), str(settings.drop))
