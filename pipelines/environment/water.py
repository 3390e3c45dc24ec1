"""Readings of the national surface-water platform: a reply as one row per section and item.

Belongs here: `thead` and `tbody` of the platform's JSON, the value behind the rounded one, marks
and failed quality control. Not here: classes (dbt, GB 3838-2002) or the published rates and ranks
of the province (bulletin).

The reply has no year: it comes from the name of the file, where that agrees with the day; otherwise
the readings load without a date. Since April 2026 it no longer names the city.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from html import unescape
from typing import Any

import polars as pl

from pipelines.archive.store import Snapshot
from pipelines.environment import pages
from pipelines.environment.cells import Context
from pipelines.errors import LayoutDrift, RefusedInput, Reject, nearest
from pipelines.geography.divisions import resolve_places

TABLE = "water_section_reading"
# Header without its unit -> item.
ITEMS = {
    "水温": "water_temperature", "pH": "ph", "溶解氧": "dissolved_oxygen",
    "电导率": "conductivity", "浊度": "turbidity", "高锰酸盐指数": "permanganate_index",
    "氨氮": "ammonia_nitrogen", "总磷": "total_phosphorus", "总氮": "total_nitrogen",
    "叶绿素α": "chlorophyll_a", "藻密度": "algal_density",
}  # fmt: skip
_HEAD = {"省份": "province", "流域": "basin", "断面名称": "section", "监测时间": "moment",
         "水质类别": "class"}  # fmt: skip
_TAG = re.compile(r"<[^>]*>")
_TITLE = re.compile(r"title\s*=\s*['\"]([^'\"]*)['\"]")
_RAW = re.compile(r"原始值[：:]\s*([-+0-9.Ee]+)")
_CITY = re.compile(r"所在地市[：:]\s*([^;；]*)")
_MOMENT = re.compile(r"(\d{2})-(\d{2})\s+(\d{1,2}):\d{2}")
_NAME_DATE = re.compile(r"(20\d\d)-?(\d{2})-?(\d{2})")
_MARKS = ("", "-", "--", "—", "*")


def file_date(name: str) -> date | None:
    """The day that a file's name gives, None where it gives none."""
    for year, month, day in _NAME_DATE.findall(name):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None


def _observed(moment: str, held: date | None) -> tuple[date | None, int | None]:
    """Day and hour of `08-21 20:00` in the year of the file, give or take New Year's Eve."""
    match = _MOMENT.search(moment)
    if match is None or held is None:
        return None, None
    for year in (held.year, held.year - 1):
        try:
            day = date(year, int(match[1]), int(match[2]))
        except ValueError:
            continue
        if abs((held - day).days) <= 31:
            return day, int(match[3])
    return None, None


def _text(cell: Any) -> str:
    return unescape(_TAG.sub("", str(cell or ""))).strip()


def _cell(cell: Any) -> dict[str, Any]:
    """Rounded value, value behind it, and why there is none."""
    text = _text(cell)
    title = (_TITLE.search(str(cell or "")) or ["", ""])[1]
    raw = _RAW.search(title)
    shown = None if text in _MARKS else text
    return {
        "value_text": text,
        "value": _number(shown),
        "value_unrounded": _number(raw[1] if raw else None),
        "null_mark": text or "blank" if shown is None else None,
        "remark": title if title and not raw else None,
    }


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def water_rows(
    snapshots: Sequence[Snapshot], slice_: str, context: Context
) -> tuple[pl.DataFrame, list[Reject]]:
    """One slice as `water_section_reading` rows and its rejects."""
    rejects: list[Reject] = []
    rows: list[dict[str, Any]] = []
    for snapshot in snapshots:
        try:
            rows += _rows(snapshot, rejects)
        except (LayoutDrift, RefusedInput) as error:
            rejects.append(_reject(snapshot, "L1", "", str(error), "the file cannot be read"))
    schema = {
        "snapshot_id": pl.String, "record": pl.Int32, "source_kind": pl.String,
        "document": pl.String, "edition": pl.String, "slice": pl.String,
        "province_raw": pl.String, "basin_raw": pl.String, "section_raw": pl.String,
        "place_raw": pl.String, "moment_raw": pl.String, "observed_on": pl.Date,
        "hour": pl.Int32, "class_published": pl.Int32, "item": pl.String, "item_raw": pl.String,
        "unit_raw": pl.String, "value_text": pl.String, "value": pl.Float64,
        "value_unrounded": pl.Float64, "null_mark": pl.String, "remark": pl.String,
        "period_end": pl.Date,
    }  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema)
    return resolve_places(
        frame, context.divisions, context.aliases, name="place_raw", on="period_end", near=False
    ), rejects


def _reject(snapshot: Snapshot, at: str, raw: str, found: str, reason: str) -> Reject:
    error = reason == "the file cannot be read"
    return Reject(
        snapshot.snapshot_id, at, snapshot.file, TABLE, snapshot.slice, raw,
        "a reply of the platform with thead and tbody" if error else "a number or a mark",
        found, "", reason, "error" if error else "warning",
    )  # fmt: skip


def _rows(snapshot: Snapshot, rejects: list[Reject]) -> list[dict[str, Any]]:
    data = pages.unpacked(snapshot.path, snapshot.file)
    try:
        reply = json.loads(pages.decoded(data, snapshot.file))
        head, body = reply["thead"], reply["tbody"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LayoutDrift(f"{snapshot.file}: no reply of the platform ({error!r})") from error
    if not isinstance(head, list) or not isinstance(body, list):
        raise LayoutDrift(f"{snapshot.file}: thead and tbody are not lists")
    columns = [_text(re.sub(r"<br\s*/?>.*", "", str(cell), flags=re.DOTALL)) for cell in head]
    units = [_text(str(cell).partition("<br")[2].partition(">")[2]).strip("()") for cell in head]
    known = {**_HEAD, **ITEMS}
    for name in columns:
        if name not in known:
            near = nearest(name, list(known)) or "none"
            raise LayoutDrift(f"{snapshot.file}: header {name!r} is not known; nearest: {near}")
    if missing := [name for name in _HEAD if name not in columns]:
        raise LayoutDrift(f"{snapshot.file}: no column {missing[0]!r}")
    held = file_date(snapshot.file)
    found = []
    for record, cells in enumerate(body, start=1):
        if not isinstance(cells, list) or len(cells) != len(columns):
            rejects.append(
                _reject(snapshot, f"R{record}", str(cells)[:200], f"{len(columns)} cells wanted",
                        "the record has another width and is left out")
            )  # fmt: skip
            continue
        row = dict(zip(columns, cells, strict=True))
        moment = _text(row["监测时间"])
        day, hour = _observed(moment, held)
        city = _CITY.search((_TITLE.search(str(row["断面名称"])) or ["", ""])[1])
        level = _text(row["水质类别"])
        common = {
            "snapshot_id": snapshot.snapshot_id, "record": record,
            "source_kind": snapshot.source_kind, "document": snapshot.document,
            "edition": snapshot.edition, "slice": snapshot.slice,
            "province_raw": _text(row["省份"]), "basin_raw": _text(row["流域"]),
            "section_raw": _text(row["断面名称"]),
            "place_raw": city[1].strip() if city else None, "moment_raw": moment,
            "observed_on": day, "hour": hour, "period_end": day,
            # 7 and -1 both stand for a section that is not monitored.
            "class_published": int(level) if level in "123456" and level else None,
        }  # fmt: skip
        for name, unit, cell in zip(columns, units, cells, strict=True):
            if name not in ITEMS:
                continue
            value = _cell(cell)
            if value["value"] is None and value["null_mark"] is None:
                value["null_mark"] = "damaged"
                rejects.append(
                    _reject(snapshot, f"R{record}:{ITEMS[name]}", str(cell)[:200],
                            value["value_text"], "the value is not a number; the cell stays empty")
                )  # fmt: skip
            found.append(common | {"item": ITEMS[name], "item_raw": name, "unit_raw": unit} | value)
    return found
