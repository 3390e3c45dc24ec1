"""The few exceptions of the house, and the row each bad input leaves behind.

Belongs here: exception types that more than one room raises, and `Reject`, the row that a refused
cell or file becomes. Not here: messages of a single parser, logging, handling.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Reject:
    """One row of the `rejects` table: what arrived, what was expected, what to try instead."""

    snapshot_id: str
    locator: str
    file: str
    table_name: str
    slice: str
    raw_text: str
    expected: str
    found: str
    candidates: str
    reason: str
    severity: str  # error | warning

    def row(self) -> dict[str, str]:
        return asdict(self)

    def message(self) -> str:
        nearest = f"; nearest: {self.candidates}" if self.candidates else ""
        return (
            f"{self.file} {self.locator}: {self.reason}: expected {self.expected}, "
            f"found {self.found!r}{nearest}"
        )


class MetrocircleError(Exception):
    """Base of every error whose text is meant for the person at the keyboard."""


class RefusedInput(MetrocircleError):
    """A file that no parser may see: too large, a bomb, a link, not what it claims to be."""


class LeftOut(MetrocircleError):
    """A file that is known, sound and not read on purpose; the text says why."""


class LayoutDrift(MetrocircleError):
    """A table whose headers no map describes."""


class UnknownName(MetrocircleError):
    """A place, indicator or unit that no map resolves."""


class ContractBroken(MetrocircleError):
    """A table that does not meet `sources/contract.yml`, or a contract file that is not sound."""


class ReleaseRefused(MetrocircleError):
    """A release that must not be published: a check of severity error failed."""


def nearest(name: str, known: list[str], limit: int = 3) -> str:
    """The nearest known names, best first, joined for a message; empty when none is near."""
    return ", ".join(get_close_matches(name, known, n=limit, cutoff=0.4))
