"""How long each phase of a refresh takes.

Belongs here: one clock for the process. Times are printed and never published: they would differ
from run to run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_seconds: dict[str, float] = {}


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Add the time spent inside to the named phase."""
    start = time.perf_counter()
    try:
        yield
    finally:
        _seconds[name] = _seconds.get(name, 0.0) + time.perf_counter() - start


def seconds() -> dict[str, float]:
    """Seconds by phase since the process started, in the order phases first ended."""
    return dict(_seconds)
