"""`sources/yearbook/corrections.yml`: what is declared, whether it can act as meant, until when.

Belongs here: reading and judging the declarations. Not here: acting on rows (maps).

A correction acts while its guard is printed and no longer: one that matches nothing is an error of
its slice. Its date of review is looked at outside the release, which must not depend on a clock:
when it has passed the correction acts on, and everybody is told until somebody has looked at it
and moved the date (`status`, every refresh, alerts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from pipelines.errors import ContractBroken, nearest

FILE = "sources/yearbook/corrections.yml"
# What a correction may do, and the entry that says to what.
ACTIONS = {
    "exclude": "",
    "set_unit": "unit_id",
    "set_value": "value",
    "set_place": "to_place_code",
}
_NEEDED = (
    "id", "document", "edition", "place_code", "indicator_id", "year", "scope", "expected_value",
    "action",
)  # fmt: skip
_ALLOWED = {
    *_NEEDED, *filter(None, ACTIONS.values()), "guard_indicator", "guard_value", "reason",
    "evidence", "review_by", "owner",
}  # fmt: skip


@dataclass(frozen=True)
class Review:
    """Corrections that somebody should look at again. by: the last day; owner: whom to ask."""

    ids: tuple[str, ...]
    by: date
    owner: str

    @property
    def text(self) -> str:
        return (
            f"corrections to be reviewed by {self.by} ({FILE}): {', '.join(self.ids)}; see whether "
            f"they are still right and move the day; ask: {self.owner}"
        )


def read(sources: Path) -> tuple[dict[str, Any], ...]:
    """The entries, each with `review_by` and `owner`, by default those of the file.

    ContractBroken names what is no list of entries.
    """
    path = sources / "yearbook" / "corrections.yml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ContractBroken(f"{FILE}: {error}") from error
    common: dict[str, Any] = {}
    if isinstance(document, dict):
        common = {k: document[k] for k in ("review_by", "owner") if k in document}
        document = document.get("corrections")
    if not isinstance(document, list | None):
        raise ContractBroken(f"{FILE}: expected a list of corrections")
    for number, entry in enumerate(document or [], start=1):
        if not isinstance(entry, dict):
            raise ContractBroken(f"{FILE}: entry {number}: expected a mapping, found {entry!r}")
    return tuple({**common, **entry} for entry in document or [])


def declared(
    sources: Path, units: Sequence[str], editions: Sequence[tuple[str, str]]
) -> tuple[dict[str, Any], ...]:
    """The entries as declared; ContractBroken names the one that could never act as meant.

    editions: (document, edition) of every registered one.
    """
    entries = read(sources)
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        where = f"{FILE}: entry {number}"
        if missing := [name for name in _NEEDED if name not in entry]:
            raise ContractBroken(f"{where}: lacks {', '.join(missing)}")
        where += f" ({entry['id']})"
        if entry["id"] in seen:
            raise ContractBroken(f"{where}: another entry has this id")
        seen.add(entry["id"])
        _judge(entry, where, units, [f"{d} {e}" for d, e in editions])
    return entries


def _judge(
    entry: Mapping[str, Any], where: str, units: Sequence[str], editions: Sequence[str]
) -> None:
    wanted = ACTIONS.get(entry["action"])
    if wanted is None:
        raise ContractBroken(f"{where}: action {entry['action']!r} is none of {', '.join(ACTIONS)}")
    # A guard whose name is misspelt would guard nothing.
    if odd := sorted(map(str, entry.keys() - _ALLOWED)):
        near = nearest(odd[0], sorted(_ALLOWED)) or "none"
        raise ContractBroken(f"{where}: unknown entry {odd[0]!r}; nearest: {near}")
    if ("guard_indicator" in entry) != ("guard_value" in entry):
        raise ContractBroken(f"{where}: guard_indicator and guard_value come together")
    if entry["expected_value"] == "*" and "guard_value" not in entry:
        raise ContractBroken(
            f"{where}: expects any value, so it needs guard_indicator and guard_value: one value "
            "that must be printed"
        )
    if wanted and wanted not in entry:
        raise ContractBroken(f"{where}: lacks {wanted}")
    if wanted == "unit_id" and entry["unit_id"] not in units:
        near = nearest(str(entry["unit_id"]), list(units)) or "none"
        raise ContractBroken(f"{where}: unknown unit {entry['unit_id']!r}; nearest: {near}")
    if wanted == "value" and not re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,10})?", str(entry["value"])):
        raise ContractBroken(f"{where}: value {entry['value']!r} is not a plain number")
    if not str(entry["year"]).isdigit():
        raise ContractBroken(f"{where}: year {entry['year']!r} is not a year")
    name = f"{entry['document']} {entry['edition']}"
    if name not in editions:
        near = nearest(name, list(editions)) or "none"
        raise ContractBroken(f"{where}: no edition {name} is registered; nearest: {near}")
    if type(entry.get("review_by")) is not date or not entry.get("owner"):
        raise ContractBroken(
            f"{where}: expected review_by (a day like 2027-12-31) and owner, found "
            f"{entry.get('review_by')!r} and {entry.get('owner')!r}"
        )


def due(sources: Path, today: date) -> list[Review]:
    """Corrections whose day of review has passed, the longest ago first."""
    found: dict[tuple[date, str], list[str]] = {}
    for entry in read(sources):
        by = entry.get("review_by")
        if type(by) is date and by < today:
            found.setdefault((by, str(entry.get("owner"))), []).append(str(entry.get("id")))
    return [Review(tuple(ids), by, owner) for (by, owner), ids in sorted(found.items())]
