"""Which dropped files are yearbook evidence, told by their content.

Belongs here: telling a file's document and edition from its first bytes. Not here: its values, and
nothing that is slow to import: an unchanged refresh passes through here.
"""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

from pipelines.archive.offers import TRANSCRIPTION_COLUMNS, Claim, Offer, pass_over
from pipelines.errors import RefusedInput

SOURCE = "yearbook"
READER = "tables"
TABULAR = ("ole2", "xlsx", "html", "zip")
# The page of a zip that the portal's client assembles: which edition, and that it may be a part.
ASSEMBLED = "page/assembled.txt"
# Rows of a sheet under their own numbers, as `sources/yearbook/README.md` describes them.
SHEET_ROWS = b"source_row,c1,"


def recognise(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """The claims of the yearbooks on a file; none when it is not theirs.

    RefusedInput when it is meant as a transcription and its encoding or first row cannot be used,
    LeftOut when it is known and not read on purpose.
    """
    if offer.media == "text" and (identity := _transcription(offer)):
        return (Claim(SOURCE, *identity, "transcription", "transcription"),)
    if offer.media in TABULAR or (offer.media == "text" and offer.head.startswith(SHEET_ROWS)):
        return _tables(offer, sources)
    pass_over(offer, sources / "yearbook/maps/left_out.csv")
    return ()


def _tables(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """A claim for each (document, edition) whose tables the file holds, by titles and proofs."""
    # Only a file that could be theirs is worth these imports.
    from pipelines.yearbook import tables

    claims: dict[tuple[str, str], Claim] = {}
    try:
        for item in tables.found_tables(
            offer.path, offer.media, offer.name, tables.read_tables(sources)
        ):
            if not isinstance(item, tuple):
                continue
            for found in item[1]:
                kind = found.table.source_kind
                if offer.media == "text":
                    kind = "transcription"
                key = (found.table.document, found.edition)
                claims.setdefault(key, Claim(SOURCE, *key, kind, READER))
    except RefusedInput:
        # What no reader opens may still be another source's: only the guards refuse for all.
        return ()
    return tuple(claims[key] for key in sorted(claims))


def _transcription(offer: Offer) -> tuple[str, str] | None:
    """(document, edition) of a file in our transcription layout, None for any other text."""
    # Python's csv finds no header in a file of another width, so its ASCII is looked at first.
    ascii_header = offer.head[:4096].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    is_meant = ascii_header.startswith(",".join(TRANSCRIPTION_COLUMNS[:4]).encode())
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(offer.head)
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if not set(TRANSCRIPTION_COLUMNS) <= set(reader.fieldnames or ()):
            return None
        first = next(reader, None)
    except (UnicodeDecodeError, csv.Error) as error:
        if is_meant:
            raise RefusedInput(
                f"{offer.name}: expected a transcription in UTF-8, found other bytes ({error}); "
                "save it as CSV UTF-8"
            ) from error
        return None
    return (first["document"] or "", first["edition"] or "") if first else None
