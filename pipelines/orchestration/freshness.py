"""Is anything late? The last arrival of each source against its publisher's rhythm.

Belongs here: how long a source may be silent, and which are late now. Not here: what to do about it
(alerts). It looks at the clock, so its answers never reach a release.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.archive import acquire
from pipelines.settings import Settings
from pipelines.sources import SOURCES


@dataclass(frozen=True)
class Freshness:
    """last_arrival: when new bytes of the source came last (UTC), None for never.

    due: when the publisher's rhythm lets expect the next, None for a source that has none.
    """

    source: str
    last_arrival: datetime | None
    due: datetime | None
    is_late: bool

    @property
    def text(self) -> str:
        if self.last_arrival is None:
            return "nothing has arrived yet"
        came = self.last_arrival.date().isoformat()
        if self.due is None:
            return f"last new bytes {came}"
        state = "late since" if self.is_late else "next expected by"
        return f"last new bytes {came}, {state} {self.due.date().isoformat()}"


def examine(settings: Settings, now: datetime) -> list[Freshness]:
    """Every source, in the order of the list of sources."""
    arrivals = last_arrivals(settings)
    found = []
    for source in SOURCES:
        came = arrivals.get(source.name)
        due = None
        if came is not None and source.silent_days is not None:
            due = came + timedelta(days=source.silent_days)
        found.append(Freshness(source.name, came, due, due is not None and due < now))
    return found


def last_arrivals(settings: Settings) -> dict[str, datetime]:
    """Per source, when bytes came that were never held before.

    The log has a line for every extraction; a file that is read again is no news.
    """
    seen: set[str] = set()
    arrivals: dict[str, datetime] = {}
    for row in acquire.acquisitions(settings.archive):
        snapshot, source = row.get("snapshot_id"), row.get("source_id")
        if row.get("outcome") != "archived" or not snapshot or not source or snapshot in seen:
            continue
        seen.add(snapshot)
        try:
            came = datetime.fromisoformat(row.get("accessed", ""))
        except ValueError:
            continue
        came = came if came.tzinfo else came.replace(tzinfo=UTC)
        arrivals[source] = max(came, arrivals.get(source, came))
    return arrivals
