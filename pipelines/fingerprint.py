"""Hashes over files of the checkout: what code and reference data stand now, by their bytes.

Belongs here: which files count and how they are hashed. Not here: what follows from a change
(staleness) and hashes of held originals (the archive).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from pipelines.settings import Settings

# Reading originals into transcriptions and asking live sites are done before a refresh: it depends
# on what they brought, not on how.
_NOT_CODE = {"transcribe.py", "client.py"}
_SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".csv", ".lock", ".md"}
_PRODUCED = {"__pycache__", "target", "logs", "dbt_packages"}


def _files(settings: Settings, names: Iterable[str]) -> list[Path]:
    files: set[Path] = set()
    for name in names:
        root = settings.sources if name.startswith("sources:") else settings.root
        path = root / name.removeprefix("sources:")
        if path.is_file():
            files.add(path)
        elif path.is_dir():
            files.update(
                found
                for found in path.rglob("*")
                if found.suffix in _SUFFIXES
                and found.name not in _NOT_CODE
                # Below the named folder only: the checkout may itself lie in one called `target`.
                and not _PRODUCED & set(found.relative_to(path).parts)
            )
    return sorted(files)


def _label(settings: Settings, path: Path) -> str:
    """The path without the machine's part of it: a model that moves changes what dbt makes."""
    for name, folder in (("sources:", settings.sources), ("", settings.root)):
        if path.is_relative_to(folder):
            return name + path.relative_to(folder).as_posix()
    return path.name


# Hashes of the Python files as they lay when this process loaded its definitions, and whether the
# hashers of this process go by them.
_loaded: dict[Path, str] = {}
_goes_by_loaded: ContextVar[bool] = ContextVar("goes_by_loaded", default=False)


def remember_code(settings: Settings) -> None:
    """Take note of the Python files, once, when they are loaded: what is on the disk later is not
    what runs."""
    for name in ("pipelines", "expectations"):
        for path in sorted((settings.root / name).rglob("*.py")):
            if path not in _loaded:
                _loaded[path] = hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def as_loaded() -> Iterator[None]:
    """Hash Python files as they were loaded; data, models and rules as they lie."""
    token = _goes_by_loaded.set(True)
    try:
        yield
    finally:
        _goes_by_loaded.reset(token)


class Hasher:
    """Hashes of file lists; a file that several lists share is read once.

    A name is a file or folder of the checkout; `sources:` means the folder of sources.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.known: dict[Path, str] = dict(_loaded) if _goes_by_loaded.get() else {}

    def of(self, names: Iterable[str]) -> str:
        digest = hashlib.sha256()
        for path in _files(self.settings, names):
            if path not in self.known:
                self.known[path] = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{_label(self.settings, path)}\x00{self.known[path]}\x00".encode())
        return digest.hexdigest()
