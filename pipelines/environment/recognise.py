"""Which dropped files are environment evidence, told by their content.

Belongs here: telling a file's document and edition from its first bytes. Not here: its values, and
nothing that is slow to import: an unchanged refresh passes through here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipelines.archive.offers import Claim, Offer
from pipelines.environment import pages, titles
from pipelines.errors import RefusedInput

SOURCE = "environment"


def recognise(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """The claims of this source on a file; none when it is not its own.

    RefusedInput when it is one of ours and cannot be used as it is (several bulletins in one file).
    """
    for own in _RECOGNISERS:
        if claims := own(offer):
            return claims
    return ()


def _bulletin(offer: Offer) -> tuple[Claim, ...]:
    """A saved page of the province's bulletin: its subject and period stand in the title."""
    if offer.media not in ("text", "html") or not titles.is_meant(pages.simplified(offer.text())):
        return ()
    # The title may stand behind 64 KiB of scripts and menus.
    found = titles.periods(pages.read(offer.path, offer.name))
    if len(found) > 1:
        several = ", ".join(sorted(edition for edition, _ in found))
        raise RefusedInput(f"{offer.name}: holds several bulletins ({several}); save one a file")
    # A page saved from the department names its host; every other copy is a mirror.
    kind = "original" if offer.media == "html" and "gdee.gd.gov.cn" in offer.text() else "mirror"
    return tuple(
        Claim(SOURCE, titles.DOCUMENT, edition, kind, "bulletin_page") for edition, _ in found
    )


_RECOGNISERS: tuple[Callable[[Offer], tuple[Claim, ...]], ...] = (_bulletin,)
