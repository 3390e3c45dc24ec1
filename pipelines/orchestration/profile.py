"""How long each phase of a refresh takes, by two clocks, and how much of its work it did anew.

Belongs here: the clocks and counters of the process. They are printed and never published: they
would differ from run to run. Processor seconds say the same on a busy machine; threads count
together.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_seconds: dict[str, tuple[float, float]] = {}
_counts: dict[str, tuple[int, int]] = {}


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Add the time spent inside to the named phase."""
    start, busy = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        wall, processor = _seconds.get(name, (0.0, 0.0))
        wall += time.perf_counter() - start
        _seconds[name] = (wall, processor + time.process_time() - busy)


def seconds() -> dict[str, tuple[float, float]]:
    """Seconds and processor seconds by phase since the process started, in the order they ended."""
    return dict(_seconds)


def count(what: str, done: int, total: int) -> None:
    """Add to a counter: how many of all were done anew. The rest stood as it was."""
    before, of = _counts.get(what, (0, 0))
    _counts[what] = (before + done, of + total)


def counts() -> dict[str, tuple[int, int]]:
    """(done anew, all) by what was counted, since the process started."""
    return dict(_counts)
