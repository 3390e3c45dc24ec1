"""Which failures are tried again: those that waiting can cure, and at most twice.

Belongs here: telling a passing failure from a lasting one. Not here: running anything. A refused
file, a broken rule, a full disk or a fault of the code fails the same way again; to repeat it would
only hide it for longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MAX_RETRIES = 2
DELAYS_SECONDS = (5, 30)
ATTEMPT_TAG = "metrocircle/attempt"

# (class of the exception, what its text holds): another writer, a locked file, a network that
# wavers, a call that was interrupted.
# Errno: 4 EINTR, 11 EAGAIN, 16 EBUSY, 110 ETIMEDOUT, 116 ESTALE.
_PASSING = (
    ("WriterBusy", ""),
    ("IOException", "Could not set lock on file"),
    ("OperationalError", "database is locked"),
    ("OperationalError", "could not connect|server closed the connection|Connection refused"),
    ("TimeoutError", ""),
    ("ConnectionResetError", ""),
    ("BrokenPipeError", ""),
    ("OSError", r"\[Errno (4|11|16|110|116)\]"),
    ("BlockingIOError", ""),
)


def is_passing(errors: Iterable[tuple[str, str]]) -> bool:
    """Whether a failure may pass by itself; errors: (class name, text), outermost first.

    The innermost exception decides: what wraps it only says where it happened.
    """
    chain = list(errors)
    if not chain:
        return False
    name, text = chain[-1]
    return any(
        name.rpartition(".")[2] == wanted and re.search(pattern, text)
        for wanted, pattern in _PASSING
    )


def is_overtaken(errors: Iterable[tuple[str, str]]) -> bool:
    """Whether a run found the lake changed under it: a new process may well succeed."""
    return any(name.rpartition(".")[2] == "Overtaken" for name, _ in errors)


def is_death(failure: Any) -> bool:
    """Whether Dagster's event of a failed run tells of a process that went away without a word.

    Such an event holds no error: nobody was left to say one.
    """
    data = failure.event_specific_data
    return data is None or (data.error is None and data.first_step_failure_event is None)


def chain_of(error: object) -> list[tuple[str, str]]:
    """(class name, text) of Dagster's serialised error and its causes, outermost first."""
    found = []
    while error is not None:
        found.append((str(getattr(error, "cls_name", "")), str(getattr(error, "message", ""))))
        error = getattr(error, "cause", None)
    return found
