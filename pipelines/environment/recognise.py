"""Which dropped files are environment evidence, told by their content.

Belongs here: telling a file's document and edition from its first bytes. Not here: its values, and
nothing that is slow to import: an unchanged refresh passes through here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from pipelines.archive import guards
from pipelines.archive.offers import Claim, Offer, pass_over
from pipelines.environment import daily, pages, titles, wcf
from pipelines.errors import RefusedInput

SOURCE = "environment"


def recognise(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """The claims of this source on a file; none when it is not its own.

    RefusedInput when it is one of ours and cannot be used as it is (several bulletins in one file),
    LeftOut when it is known and not read on purpose.
    """
    for own in _RECOGNISERS:
        if claims := own(offer, sources):
            return claims
    return ()


def _bulletin(offer: Offer, sources: Path) -> tuple[Claim, ...]:
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


def _daily(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """A daily archive of a city or of several: its first line is one of maps/daily_layouts.csv.

    Each year that it lists is an edition of its own.
    """
    if offer.media not in ("text", "gzip"):
        return ()
    layout = daily.layout_of(offer.text(), daily.layouts(sources))
    if layout is None:
        return ()
    years = daily.years(pages.decoded(pages.unpacked(offer.path, offer.name), offer.name))
    return tuple(Claim(SOURCE, layout.document, year, "mirror", "daily_archive") for year in years)


_MOMENT = re.compile(rb'"?time_?point"?\s*[>:]\s*"?(20\d\d-\d\d-\d\d)', re.IGNORECASE)
_WCF_HEAD = re.compile(rb"^@.GetAQIDataPublishLives")


def _platform(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """An hour of the national platform, or of pm25.in that relays it, in any wrapping.

    A day is an edition. Stations that stand still keep an old time: the most frequent day counts.
    """
    if offer.media not in ("text", "xml", "gzip", "binary"):
        return ()
    head = pages.head_bytes(offer)
    binary = _WCF_HEAD.match(head)
    fields = (b"stationcode", b"station_code", b"positionname", b"position_name")
    if not binary and not (_MOMENT.search(head) and any(field in head.lower() for field in fields)):
        return ()
    data = pages.unpacked(offer.path, offer.name)
    if binary:
        days = [row.get("TimePoint", "")[:10] for row in wcf.records(data, "AQIDataPublishLive")]
    else:
        days = [found.decode() for found in _MOMENT.findall(data)]
    (day, _), *_ = Counter(filter(None, days)).most_common(1) or [("", 0)]
    if not day:
        return ()
    is_relay = b'"time_point"' in head
    document = "pm25in_hourly" if is_relay else "cnemc_hourly"
    # What the platform itself sent is an original; a relay or a re-coded copy is a mirror.
    kind = "original" if binary else "mirror"
    return (Claim(SOURCE, document, day, kind, "platform_records"),)


def _site_hours(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """Long CSV of hours (kksk), alone or many in a tar.gz; each year is an edition."""
    if offer.media not in ("text", "gzip"):
        return ()
    head = pages.head_bytes(offer)
    if offer.media == "gzip" and guards.is_tar(offer.path):
        years: set[str] = set()
        for _, data in guards.tar_members(offer.path, offer.name):
            if not _SITE_HEAD.match(data):
                return ()
            years |= _years(data)
        found = sorted(years)
    elif _SITE_HEAD.match(head):
        found = sorted(_years(pages.unpacked(offer.path, offer.name)))
    else:
        return ()
    return tuple(Claim(SOURCE, "kksk_sites_hourly", year, "mirror", "site_hours") for year in found)


_SITE_HEAD = re.compile(rb"^(?:\xef\xbb\xbf)?Date,Hour,WatchPoint,AQI,")


def _years(data: bytes) -> set[str]:
    """Years of the days that lines begin with.

    Each look is for one not met yet, from the place of the last: a million lines of a year are
    passed over, not collected.
    """
    years: set[str] = set()
    at = 0
    while True:
        met = "|".join(sorted(years)) or "-"
        found = re.compile(rf"\n(?!{met})(20\d\d)\d{{4}},".encode()).search(data, at)
        if found is None:
            return years
        years.add(found[1].decode())
        at = found.start()


def _wide_hours(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """A day of quotsoft, cities or stations side by side; a month is an edition."""
    if offer.media not in ("text", "gzip"):
        return ()
    head = pages.head_bytes(offer)
    match = _WIDE_HEAD.match(head)
    if match is None:
        return ()
    kind = "sites" if re.match(rb"\d{3,5}[A-Z]", match[1]) else "cities"
    months = {f"{y.decode()}-{m.decode()}" for y, m in _WIDE_MONTH.findall(head)}
    return tuple(
        Claim(SOURCE, f"quotsoft_{kind}", month, "mirror", "wide_hours") for month in sorted(months)
    )


_WIDE_HEAD = re.compile(rb"^(?:\xef\xbb\xbf)?date,hour,type,([^,\r\n]+)")
_WIDE_MONTH = re.compile(rb"^(20\d\d)(\d\d)\d\d,", re.MULTILINE)


def _water(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """A reply of the surface-water platform; the day in the name of the file is its edition."""
    if offer.media not in ("text", "gzip"):
        return ()
    head = offer.text()
    if not all(word in head for word in ('"thead"', '"tbody"', "断面名称", "水质类别")):
        return ()
    day = re.search(r"(20\d\d)-?(\d{2})-?(\d{2})", offer.name)
    edition = f"{day[1]}-{day[2]}-{day[3]}" if day else "undated"
    return (Claim(SOURCE, "cnemc_water_realtime", edition, "mirror", "water_readings"),)


def _left_out(offer: Offer, sources: Path) -> tuple[Claim, ...]:
    """Files that lie beside the evidence and are none: maps/left_out.csv says why."""
    pass_over(offer, sources / "environment/maps/left_out.csv")
    return ()


_RECOGNISERS: tuple[Callable[[Offer, Path], tuple[Claim, ...]], ...] = (
    _bulletin, _platform, _site_hours, _wide_hours, _daily, _water, _left_out,
)  # fmt: skip
