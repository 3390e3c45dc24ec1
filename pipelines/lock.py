"""One writer per warehouse, one fetch per source: locks that die with their holder.

Belongs here: the exclusive right to write under `warehouse/`, or to ask a source. Not here: what is
written or asked. Readers never take it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import MetrocircleError
from pipelines.settings import Settings

LOCK_FILE = ".lock"
LOOK_AGAIN_SECONDS = 0.5
# (lock file, process) held by this process: a refresh holds the lock around a publish that asks
# for it again. The process id keeps a forked child from believing that it holds its parent's lock.
_held: set[tuple[Path, int]] = set()


class WriterBusy(MetrocircleError):
    """A second writer: the warehouse is being written by another process."""


@contextmanager
def exclusive(settings: Settings, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the warehouse for writing; WriterBusy, naming the holder, if it is held.

    patience_s: how long to wait for the holder to end.

    The kernel drops the lock when the process ends, however it ends, so there is never a stale one.
    A process that holds it may ask again.
    """
    busy = "is writing this warehouse; nothing was changed"
    with alone(settings.warehouse.resolve() / LOCK_FILE, busy, patience_s):
        yield


@contextmanager
def alone(path: Path, busy: str, patience_s: float = 0.0) -> Iterator[None]:
    """Hold a lock file; WriterBusy, saying what the other process does, if it is held."""
    path.parent.mkdir(parents=True, exist_ok=True)
    token = (path, os.getpid())
    if token in _held:
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                _take(descriptor, path, busy)
                break
            except WriterBusy:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(LOOK_AGAIN_SECONDS)
        _held.add(token)
        try:
            yield
        finally:
            _held.discard(token)
    finally:
        os.close(descriptor)


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Hold a lock file, waiting for its holder: for seconds of work that the next one reuses."""
    with path.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _take(descriptor: int, path: Path, busy: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # The file keeps the number of its last holder; only a held lock makes it worth telling.
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise WriterBusy(
            f"another process (pid {holder}) {busy}; it holds {path.name}: "
            "wait until it ends, or end it, and run again"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
