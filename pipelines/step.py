"""One step of a run: alone in the warehouse, and honest about the code that it runs.

Belongs here: what every step of every job does around its own work, and what a release may rest on.
Not here: the work.

The steps of one run are not one lock: between the rules, the models and the release another process
may have its turn, and a person may start a single step from the UI. So every step that judges or
builds leaves its `Ground`, and the release is refused when it would rest on more than one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines import staleness
from pipelines.errors import MetrocircleError
from pipelines.fingerprint import as_loaded
from pipelines.lock import exclusive
from pipelines.settings import Settings

# Longer than any refresh of the embedded sources; a step of a run would rather wait than fail.
PATIENCE_SECONDS = 900.0


class Overtaken(MetrocircleError):
    """What this run rests on was changed by another one meanwhile; a new run will do."""


@dataclass(frozen=True)
class Ground:
    """What a step stood on. lake: the files of the lake as they lay. fingerprint: of the release
    that they make with the code, models and rules of that moment (`staleness.made_of`)."""

    lake: str
    fingerprint: str


@contextmanager
def step(settings: Settings) -> Iterator[None]:
    """Hold the warehouse, waiting for its writer to end.

    WriterBusy when the writer does not end in PATIENCE_SECONDS. Inside, fingerprints are those of
    the Python that this process loaded: code that changes meanwhile makes what it made stale, and
    never counts as having made it.
    """
    with exclusive(settings, patience_s=PATIENCE_SECONDS), as_loaded():
        yield


def ground(settings: Settings) -> Ground:
    """What lies there now; only while holding the warehouse."""
    return Ground(staleness.lake_as_it_lies(settings), staleness.made_of(settings))
