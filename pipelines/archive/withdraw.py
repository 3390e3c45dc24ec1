"""Tombstones: editions that no release may use any more, each with its reason.

Belongs here: `sources/withdrawn.csv`, reading it and adding or taking away a line. Not here: what
follows (acquire leaves the edition's files out, so its slice is gone at the next refresh).

Nothing is deleted: the bytes stay in the archive, earlier releases keep the values and can be used
again, and the line itself is under version control and in `rejects` of every later release.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pipelines.errors import ContractBroken, MetrocircleError, nearest

FILE = "withdrawn.csv"
COLUMNS = ("document", "edition", "reason")


def read(sources: Path) -> dict[tuple[str, str], str]:
    """(document, edition) -> reason; ContractBroken names a line that says neither or no reason."""
    path = sources / FILE
    if not path.exists():
        return {}
    found = {}
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    for line, row in enumerate(rows, start=2):
        if not all((row.get(name) or "").strip() for name in COLUMNS):
            raise ContractBroken(
                f"sources/{FILE} L{line}: expected {', '.join(COLUMNS)}, found {dict(row)}"
            )
        found[row["document"], row["edition"]] = row["reason"]
    return found


def _write(sources: Path, held: dict[tuple[str, str], str]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((*key, reason) for key, reason in sorted(held.items()))
    (sources / FILE).write_text(text.getvalue(), encoding="utf-8")


def withdraw(sources: Path, known: list[str], document: str, edition: str, reason: str) -> None:
    """Set a tombstone. known: `<document> <edition>` of what is held now.

    MetrocircleError for an edition that is not held (with the nearest), one that is withdrawn
    already, and a missing reason.
    """
    name = f"{document} {edition}"
    held = read(sources)
    if (document, edition) in held:
        raise MetrocircleError(f"{name} is withdrawn already: {held[document, edition]}")
    if name not in known:
        near = nearest(name, known) or "none"
        raise MetrocircleError(f"no edition {name} is held; nearest: {near}")
    if not reason.strip():
        raise MetrocircleError("say why: --reason TEXT")
    _write(sources, {**held, (document, edition): " ".join(reason.split())})


def restore(sources: Path, document: str, edition: str) -> None:
    """Take a tombstone away; MetrocircleError when there is none."""
    held = read(sources)
    if (document, edition) not in held:
        raise MetrocircleError(f"{document} {edition} is not withdrawn")
    del held[document, edition]
    _write(sources, held)
