"""Which dropped files are environment evidence, told by their content.

Belongs here: telling a file's document and edition from its first bytes. Not here: its values, and
nothing that is slow to import: an unchanged refresh passes through here.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.archive.offers import Claim, Offer


def recognise(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """The claims of this source on a file; none when it is not its own."""
    return ()
