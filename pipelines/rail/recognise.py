"""Which dropped files are rail evidence, told by their content.

Belongs here: telling a file's document and edition from its bytes. Not here: its values, and
nothing that is slow to import: an unchanged refresh passes through here.

A timetable file does not say which timetable it is: the dates in its running days do. Nearly all
of them fall into the window of one registered timetable (`sources/rail/timetables.csv`). A snapshot
that the live client assembled states its window in its folder's name, and every train its dates.
A listing has no date at all: its publication stands in `sources/rail/listings.csv` by its hash.
"""

from __future__ import annotations

import csv
import hashlib
import re
import zlib
from collections import Counter
from pathlib import Path

from pipelines.archive.offers import Claim, Offer, pass_over
from pipelines.errors import RefusedInput

SOURCE = "rail"
# The edition of a timetable that is held whole, not only for single dates.
WHOLE = "whole"
TIMETABLES = "rail/timetables.csv"
LISTINGS = "rail/listings.csv"
LEFT_OUT = "rail/left_out.csv"
# Snapshots of the live client; the edition is the window, `<first>_<last>`.
LIVE = "cr_timetable_live"
# Larger than the largest archive by far, small enough to hold.
MOST_BYTES = 256 << 20

_SNAPSHOT = re.compile(r"(?:^|/)12306_(20\d\d-\d\d-\d\d)_(20\d\d-\d\d-\d\d)/[^/]*$")
_TRAIN_NO = re.compile(r"[0-9A-Za-z/]{12}")
_CR = re.compile(
    r"[0-9A-Za-z/]{12},[0-9A-Z/]{2,24},[^,\n]*(?:,[01])?\r?\n[^,\n]+,,[0-2][0-9]:[0-5][0-9]\r?\n"
)
_TIME = re.compile(r"[^,\n]+,,[0-2][0-9]:[0-5][0-9],[0-9A-Z]{2,8}(?:,|\r?\n)")
_TRAIN = re.compile(r"[0-9A-Za-z/]{12},[^,\n]+,[^,\n]+,[0-9A-Z]{2,8},[0-9]{1,3}(?:,|\r?\n)")
_LISTINGS = {
    "text": re.compile(
        r"[A-Z]?[0-9]{1,5}\r?\n[^\t\n]+\t[0-2][0-9]:[0-5][0-9]\t[0-2][0-9]:[0-5][0-9]\r?\n"
    ),
    "board": re.compile(r"[^,\n]*,[始过终],[A-Z]?[0-9]{1,5},[^,\n]+,[^,\n]+,[^,\n]+,[^,\n]+"),
    "codes": re.compile(r",station_train_code,train_no,[^\n]*\n[0-9]+,[A-Z]?[0-9]{1,5}\([^\n]+-"),
}
# The readers of `pipelines/rail/listings.py`.
LISTING_FORMS = (*_LISTINGS, "workbook")
_WHOLE_DATE = re.compile(r"(?<![0-9])(2[0-9])(0[1-9]|1[0-2])([0-3][0-9])(?![0-9:])")


def recognise(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """The claims of this source on a file; none when it is not its own.

    RefusedInput when it is a timetable of none of the registered windows or an unknown listing,
    LeftOut when it is known and not read on purpose.
    """
    if offer.media == "xlsx":
        return _listing(offer, sources, "workbook", is_ours=False)
    if offer.media not in {"text", "gzip"}:
        return ()
    head = offer.text()
    for form, pattern in _LISTINGS.items():
        if pattern.match(head):
            return _listing(offer, sources, form, is_ours=True)
    reader = _reader(head)
    if reader is None:
        pass_over(offer, sources / LEFT_OUT)
        return ()
    if reader == "cr" and (window := _SNAPSHOT.search(offer.name)):
        return (Claim(SOURCE, LIVE, _live_edition(offer, *window.groups()), "original", reader),)
    timetable = _timetable(offer, sources, reader)
    return (Claim(SOURCE, timetable, WHOLE, "mirror", reader),)


def _reader(head: str) -> str | None:
    """Which form the first lines have: cr, time, train or none of them."""
    if _CR.match(head):
        return "cr"
    if _TIME.match(head):
        return "time"
    if _TRAIN.match(head):
        return "train"
    return None


def _listing(offer: Offer, sources: Path, form: str, is_ours: bool) -> tuple[Claim, ...]:
    """The registered listing that the file is; RefusedInput if its form is ours and it is none."""
    sha256 = hashlib.sha256(raw_bytes(offer.path, offer.name)).hexdigest()
    with (sources / LISTINGS).open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["sha256_unpacked"] == sha256:
                return (Claim(SOURCE, row["document"], row["edition"], "secondary", form),)
    if not is_ours:
        return ()
    raise RefusedInput(
        f"{offer.name}: a listing says no date: expected its bytes in sources/{LISTINGS}, "
        f"found sha256 {sha256}; add a line with its document and the date it was made"
    )


def _live_edition(offer: Offer, first: str, last: str) -> str:
    """`<first>_<last>`; RefusedInput when a train of the snapshot runs at any other time."""
    for line in unpacked(offer.path, offer.name).splitlines():
        cells = line.split(",")
        if not _TRAIN_NO.fullmatch(cells[0]):
            continue
        whole = [f"20{y}-{m}-{d}" for y, m, d in _WHOLE_DATE.findall(",".join(cells[2:]))]
        if not whole or min(whole) < first or max(whole) > last:
            raise RefusedInput(
                f"{offer.name}: expected every train to name its dates from {first} to {last}, "
                f"found {line[:60]!r}"
            )
    return f"{first}_{last}"


def _timetable(offer: Offer, sources: Path, reader: str) -> str:
    """The registered timetable that covers the dates of the file."""
    text = unpacked(offer.path, offer.name)
    dates = Counter(f"20{y}-{m}-{d}" for y, m, d in _WHOLE_DATE.findall(text))
    total = sum(dates.values())
    form = "cr" if reader == "cr" else "twin"
    with (sources / TIMETABLES).open(encoding="utf-8", newline="") as handle:
        windows = list(csv.DictReader(handle))
    best, most = "", 0
    for row in windows:
        inside = sum(
            n for day, n in dates.items() if row["window_first"] <= day <= row["window_last"]
        )
        if row["form"] == form and inside > most:
            best, most = row["timetable"], inside
    if total == 0 or most < 0.9 * total:
        span = f"{min(dates)} to {max(dates)}" if dates else "none"
        raise RefusedInput(
            f"{offer.name}: expected a timetable of a window in sources/{TIMETABLES}, found dates "
            f"{span}; add its base date and its window there"
        )
    return best


def unpacked(path: Path, name: str) -> str:
    """The text of a file, unpacked if it is gzip; bytes that are no UTF-8 become U+FFFD."""
    return raw_bytes(path, name).decode("utf-8-sig", errors="replace")


def raw_bytes(path: Path, name: str) -> bytes:
    """The bytes of a file, unpacked if it is gzip.

    RefusedInput when it is larger than any timetable, or its packing is damaged.
    """
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        machine = zlib.decompressobj(wbits=31)
        try:
            data = machine.decompress(data, MOST_BYTES)
        except zlib.error as error:
            raise RefusedInput(f"{name}: expected gzip, found {error}") from error
        if machine.unconsumed_tail:
            raise RefusedInput(f"{name}: more than {MOST_BYTES} bytes when unpacked")
    return data
