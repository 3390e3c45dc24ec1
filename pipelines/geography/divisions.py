"""Divisions, aliases, centres and changes as contract tables, and the place resolver.

Belongs here: reading `sources/geography/*.csv` row by row (a bad row becomes a Reject, a good row
still loads) and finding the division code that a printed name had at a date. Not here: how the
CSV files came about (transcribe), circles (circles), indicator or unit names.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import contract
from pipelines.errors import LayoutDrift, RefusedInput, Reject, nearest

SnapshotOf = Callable[[str], str]
Loaded = tuple[pl.DataFrame, list[Reject]]

LEVELS = ("province", "prefecture", "county")
POINT_KINDS = ("seat", "centroid")
# Mainland China with its islands, generously: a swapped or shifted pair falls outside.
LONGITUDES, LATITUDES = (73.0, 136.0), (3.0, 54.0)
# A date on which only divisions without an end are valid.
STILL_VALID = date(9999, 12, 31)


# --------------------------------------------------------------------------- reading CSV rows


@dataclass(frozen=True)
class Line:
    """One record of a CSV file: the line it starts on and its cells by column name."""

    number: int
    cells: dict[str, str]

    def get(self, column: str) -> str | None:
        """The cell without surrounding blanks; None when it is empty."""
        return self.cells[column].strip() or None

    def text(self, column: str) -> str:
        return self.cells[column].strip()

    def raw(self) -> str:
        return ",".join(self.cells.values())


@dataclass(frozen=True)
class Flaw:
    """Why a row cannot be used: becomes a Reject with its file and line."""

    reason: str
    expected: str
    found: str
    candidates: str = ""


Check = Callable[[Line], dict[str, Any] | Flaw]


def logical(name: str) -> str:
    """The name a file has in snapshots and rejects: relative to the checkout."""
    return f"sources/geography/{name}"


def read_lines(path: Path, file: str, columns: Iterable[str]) -> list[Line | tuple[int, Flaw]]:
    """Records of a CSV file with their line numbers; a record with too few or too many cells is
    a Flaw. RefusedInput: no such file, no UTF-8, no CSV. LayoutDrift: a column is missing."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RefusedInput(f"{file} is missing; write it with geography.transcribe") from None
    except UnicodeDecodeError as error:
        raise RefusedInput(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    records: list[Line | tuple[int, Flaw]] = []
    try:
        header = next(reader, [])
        for column in columns:
            if column not in header:
                near = nearest(column, header)
                raise LayoutDrift(
                    f"{file} L1: expected a column {column!r}, found {', '.join(header)}"
                    + (f"; nearest: {near}" if near else "")
                )
        start = reader.line_num + 1
        for cells in reader:
            if len(cells) == len(header):
                records.append(Line(start, dict(zip(header, cells, strict=True))))
            elif cells:
                expected = f"{len(header)} cells, not {len(cells)}"
                flaw = Flaw("the row does not fit the header", expected, ",".join(cells))
                records.append((start, flaw))
            start = reader.line_num + 1
    except csv.Error as error:
        raise RefusedInput(f"{file} L{reader.line_num}: {error}; repair the quotes") from None
    return records


def load_table(
    sources: Path,
    snapshot: SnapshotOf,
    name: str,
    table: str,
    *,
    needed: Sequence[str],
    check: Check,
) -> Loaded:
    """Rows that pass `check`, as a frame of the contract table, and a Reject for every other row.

    `check` turns a Line into the contract's cells or a Flaw; `snapshot_id` and `locator` (the line
    in our file) are added where the table has them and `check` did not give them.
    """
    schema = contract.polars_schema(contract.load(sources / "contract.yml").table(table))
    file = logical(name)
    snapshot_id = snapshot(file)
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for record in read_lines(sources / "geography" / name, file, needed):
        if isinstance(record, Line):
            number, raw, result = record.number, record.raw(), check(record)
        else:
            number, result = record
            raw = result.found
        if isinstance(result, Flaw):
            rejects.append(
                Reject(
                    snapshot_id=snapshot_id,
                    locator=f"L{number}",
                    file=file,
                    table_name=table,
                    slice="all",
                    raw_text=raw,
                    expected=result.expected,
                    found=result.found,
                    candidates=result.candidates,
                    reason=result.reason,
                    severity="error",
                )
            )
        else:
            rows.append({"snapshot_id": snapshot_id, "locator": f"L{number}"} | result)
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    return frame, rejects


def iso_date(text: str) -> date | None:
    """A date written as YYYY-MM-DD; None for anything else (also for 2014-02-30)."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


# --------------------------------------------------------------------------- the four tables


def _division_row(line: Line, codes: set[str]) -> dict[str, Any] | Flaw:
    code, level, parent = line.text("place_code"), line.text("place_level"), line.get("parent_code")
    valid_from, ends = iso_date(line.text("valid_from")), line.get("valid_to")
    valid_to = iso_date(ends) if ends else None
    if not re.fullmatch(r"[0-9]{6}", code):
        return Flaw("not a division code", "six digits", code)
    if not line.get("place_name_zh"):
        return Flaw("the division has no Chinese name", "a name", "")
    if level not in LEVELS:
        near = nearest(level, list(LEVELS))
        return Flaw("unknown level", ", ".join(LEVELS), level, near)
    if valid_from is None:
        return Flaw("no valid start of validity", "YYYY-MM-DD", line.text("valid_from"))
    if ends and (valid_to is None or valid_to < valid_from):
        return Flaw("no valid end of validity", f"YYYY-MM-DD, not before {valid_from}", ends)
    if parent and parent not in codes:
        near = nearest(parent, sorted(codes))
        return Flaw("the parent is no division of this file", "a place_code", parent, near)
    return {
        "place_code": code,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "place_name_zh": line.text("place_name_zh"),
        "place_name_en": line.get("place_name_en"),
        "place_level": level,
        "parent_code": parent,
        "note": line.get("note"),
    }


def read_divisions(sources: Path, snapshot: SnapshotOf) -> Loaded:
    """`division`: one row per code and name with its validity; a code has one name at a time."""
    name = "divisions.csv"
    needed = (
        "place_code", "valid_from", "valid_to", "place_name_zh", "place_name_en", "place_level",
        "parent_code", "note",
    )  # fmt: skip
    records = read_lines(sources / "geography" / name, logical(name), needed)
    codes = {record.text("place_code") for record in records if isinstance(record, Line)}
    held: dict[str, list[tuple[date, date]]] = {}

    def check(line: Line) -> dict[str, Any] | Flaw:
        row = _division_row(line, codes)
        if isinstance(row, Flaw):
            return row
        start, end = row["valid_from"], row["valid_to"] or STILL_VALID
        for other_start, other_end in held.setdefault(row["place_code"], []):
            if start <= other_end and other_start <= end:
                expected = f"no overlap with {other_start} to {other_end} of the same code"
                found = f"{start} to {end}"
                return Flaw("a code has two names at the same time", expected, found)
        held[row["place_code"]].append((start, end))
        return row

    return load_table(sources, snapshot, name, "division", needed=needed, check=check)


def _known_codes(sources: Path) -> set[str]:
    divisions, _ = read_divisions(sources, lambda file: file)
    return set(divisions["place_code"].to_list())


def unknown_code(code: str, codes: Iterable[str]) -> Flaw:
    known = sorted(set(codes))
    near = nearest(code, known)
    return Flaw("unknown division code", "a code of sources/geography/divisions.csv", code, near)


def read_aliases(sources: Path, snapshot: SnapshotOf) -> Loaded:
    """`place_alias`: spellings that the general rules of resolve_places do not reach."""
    codes, seen = _known_codes(sources), set[tuple[str, str]]()

    def check(line: Line) -> dict[str, Any] | Flaw:
        alias, code = line.text("alias"), line.text("place_code")
        if not alias:
            return Flaw("the alias is empty", "a spelling", "")
        if code not in codes:
            return unknown_code(code, codes)
        if (alias, code) in seen:
            return Flaw("the alias is listed twice", "one row per alias and code", alias)
        seen.add((alias, code))
        return {"alias": alias, "place_code": code, "note": line.get("note")}

    needed = ("alias", "place_code", "note")
    return load_table(
        sources, snapshot, "place_aliases.csv", "place_alias", needed=needed, check=check
    )


def _degrees(text: str, bounds: tuple[float, float]) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if bounds[0] <= value <= bounds[1] else None


def read_centres(sources: Path, snapshot: SnapshotOf) -> Loaded:
    """`city_centre`: one seat and, for cities, one centroid per division; degrees."""
    codes, seen = _known_codes(sources), set[tuple[str, str]]()

    def check(line: Line) -> dict[str, Any] | Flaw:
        code, kind = line.text("place_code"), line.text("point_kind")
        longitude = _degrees(line.text("longitude"), LONGITUDES)
        latitude = _degrees(line.text("latitude"), LATITUDES)
        if code not in codes:
            return unknown_code(code, codes)
        if kind not in POINT_KINDS:
            near = nearest(kind, list(POINT_KINDS))
            return Flaw("unknown kind of point", ", ".join(POINT_KINDS), kind, near)
        if longitude is None or latitude is None:
            expected = f"degrees: longitude in {LONGITUDES}, latitude in {LATITUDES}"
            found = f"{line.text('longitude')} {line.text('latitude')}"
            return Flaw("the point does not lie in China", expected, found)
        if (code, kind) in seen:
            return Flaw("the point is listed twice", "one row per place and kind", f"{code} {kind}")
        seen.add((code, kind))
        return {
            "place_code": code,
            "point_kind": kind,
            "longitude": longitude,
            "latitude": latitude,
            "datum": line.get("datum"),
        }

    needed = ("place_code", "point_kind", "longitude", "latitude", "datum")
    return load_table(
        sources, snapshot, "city_centres.csv", "city_centre", needed=needed, check=check
    )


def read_changes(sources: Path, snapshot: SnapshotOf) -> Loaded:
    """`division_change`: one row per event; codes stand at the position of their unit, empty
    between semicolons where a name does not resolve."""
    codes, seen = _known_codes(sources), set[str]()

    def check(line: Line) -> dict[str, Any] | Flaw:
        event, year = line.text("event_id"), line.text("year")
        if not event or event in seen:
            return Flaw("the event id is empty or used twice", "a unique event_id", event)
        if not re.fullmatch(r"(19|20)[0-9]{2}", year):
            return Flaw("not a year", "four digits", year)
        for code in f"{line.text('old_codes')};{line.text('new_codes')}".split(";"):
            if code and code not in codes:
                return unknown_code(code, codes)
        seen.add(event)
        texts = ("event_type", "old_units", "new_units", "old_codes", "new_codes")
        more = ("document_number", "confidence")
        row = {column: line.get(column) for column in (*texts, *more)}
        return {"event_id": event, "year": int(year)} | row

    needed = (
        "event_id", "year", "event_type", "old_units", "new_units", "old_codes", "new_codes",
        "document_number", "confidence",
    )  # fmt: skip
    return load_table(
        sources, snapshot, "division_changes.csv", "division_change", needed=needed, check=check
    )


# --------------------------------------------------------------------------- the place resolver

_PEOPLES = "壮族|瑶族|黎族|苗族|满族|回族|畲族|侗族|土家族|蒙古族"
_AUTONOMOUS = rf"^(.+?)(?:{_PEOPLES})+自治(县|州)$"
_SUFFIX = r"(?:地区|省|市|区|县)$"
# "1.", "(12)", "3、", "#" in front of a name; a six-digit code has no such mark behind it.
_NUMBERING = r"^(?:#+|\(?\d{1,3}\)?[.、:]|\d{1,3}\)|\(\d{1,3}\))+"
_CODE = r"^([0-9]{6})(?:000000)?(?:[^0-9].*)?$"
_CODE_PREFIX = r"^[0-9]{6}(?:000000)?"
_MAX_CANDIDATES = 3


def normalised(text: pl.Expr) -> pl.Expr:
    """A printed name without what printing added: width forms, blanks, numbering, letter case."""
    return (
        text.cast(pl.String)
        .str.normalize("NFKC")
        # Excel's escape of a carriage return, left in cells by careless converters.
        .str.replace_all(r"(?i)_x000d_", "")
        .str.replace_all(r"[\s\p{Z}\p{Cf}\p{Cc}]", "")
        # U+5DFF, a look-alike of 市 that OCR and some type sets print.
        .str.replace_all("\u5dff", "市", literal=True)
        .str.replace(_NUMBERING, "")
        .str.to_lowercase()
    )


def _short_forms(names: pl.DataFrame) -> list[pl.DataFrame]:
    """The name without its suffix, and 连南 / 连南县 / 连南自治县 for an autonomous county.

    Only inside Guangdong and for provinces: national tables print 朝阳 for the city in Liaoning,
    and a bare stem must not land on a district of Beijing or Shanghai.
    """
    near = (pl.col("place_code").str.starts_with("44")) | (pl.col("place_level") == "province")
    key, bare = pl.col("key"), pl.col("key").str.replace(_SUFFIX, "")
    stem = key.str.extract(_AUTONOMOUS, 1)
    kind = key.str.extract(_AUTONOMOUS, 2)
    forms = [
        pl.when(bare.str.len_chars() >= 2, stem.is_null()).then(bare),
        stem,
        stem + kind,
        stem + "自治" + kind,
    ]
    short = [names.filter(near).with_columns(key=form, tier=pl.lit(1)) for form in forms]
    return [frame.filter(pl.col("key").is_not_null(), pl.col("key") != "") for frame in short]


def _english_forms(names: pl.DataFrame) -> list[pl.DataFrame]:
    """English names of provinces and prefectures: Yuncheng or Chaoyang of a national table is
    another place than the county of that romanisation in Guangdong."""
    english = names.filter(pl.col("place_level") != "county", pl.col("place_name_en").is_not_null())
    key = normalised(pl.col("place_name_en"))
    forms = [key, key + "city", key + "province", key + "municipality"]
    return [english.with_columns(key=form, tier=pl.lit(2)) for form in forms]


# Weighs more than any tier at any attempt: what a name means by itself comes before an alias.
ALIAS = 100


def name_keys(divisions: pl.DataFrame, aliases: pl.DataFrame) -> pl.DataFrame:
    """Every spelling with the codes it may mean.

    Columns: key, tier (0 exact name or bare code, 1 short form, 2 English, ALIAS), rank of the
    level, place_code, place_name_zh, valid_from, valid_to.
    """
    rank = pl.col("place_level").replace_strict(LEVELS, range(len(LEVELS)), return_dtype=pl.Int32)
    names = divisions.with_columns(
        key=normalised(pl.col("place_name_zh")), tier=pl.lit(0), rank=rank
    )
    spelled = aliases.select("place_code", key=normalised(pl.col("alias")))
    forms = [
        names,
        names.with_columns(key=pl.col("place_code")),
        *_short_forms(names),
        *_english_forms(names),
        names.drop("key").join(spelled, on="place_code").with_columns(tier=pl.lit(ALIAS)),
    ]
    columns = ["key", "tier", "rank", "place_code", "place_name_zh", "valid_from", "valid_to"]
    return pl.concat([form.select(columns) for form in forms]).unique(maintain_order=True)


def _valid(at: str) -> pl.Expr:
    day = pl.col(at)
    ends = pl.col("valid_to").is_null() | (day <= pl.col("valid_to"))
    return (pl.col("valid_from") <= day) & ends


def _attempts(pairs: pl.DataFrame) -> pl.DataFrame:
    """Each pair at its own date and, failing that, at the eve of its year.

    A county printed with its old status in the year it changed is found at the start of that year.
    Validity of yearly code lists begins on 1 January, so the status *at the start of the year* is
    the one of the day before (31 December of the year before).
    """
    eve = pl.date(pl.col("on").dt.year() - 1, 12, 31)
    return pl.concat(
        [
            pairs.with_columns(at=pl.col("on"), attempt=pl.lit(0)),
            pairs.with_columns(at=eve, attempt=pl.lit(1)),
        ]
    )


def _matches(pairs: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Per pair the codes of the best rung: own date before eve, exact before short before English,
    province before prefecture before county; an alias only where no name fits. Columns pair, codes,
    labels."""
    rung = pl.col("attempt") * 100 + pl.col("tier") * 10 + pl.col("rank")
    hinted = pl.col("hint").is_null() | (pl.col("hint") == pl.col("place_code"))
    label = pl.col("place_code") + " " + pl.col("place_name_zh")
    return (
        _attempts(pairs)
        .join(keys, on="key")
        .filter(_valid("at"), hinted)
        .with_columns(rung=rung, label=label)
        .filter(pl.col("rung") == pl.col("rung").min().over("pair"))
        .group_by("pair")
        .agg(
            codes=pl.col("place_code").unique().sort(),
            labels=pl.col("label").unique().sort().str.join(", "),
        )
    )


def _distance(printed: str, ranks: dict[str, int], near: str) -> tuple[float, bool, int, str]:
    """Order of candidates: likeness; among equals the same first letter, then prefectures first.

    Two-letter names tie all the time: 广洲 is as like 香洲 as 广州.
    """
    likeness = SequenceMatcher(None, near, printed).ratio()
    prefecture_first = abs(ranks[near] - LEVELS.index("prefecture"))
    return -likeness, near[0] != printed[:1], prefecture_first, near


def _near_names(pairs: pl.DataFrame, keys: pl.DataFrame) -> dict[int, str]:
    """Candidates of unknown pairs: the names a hinted code has then, and the nearest names then.

    The search runs once per distinct spelling over all names ever held, then keeps those valid at
    the date: a national table brings hundreds of foreign names times decades of dates.
    """
    spellings = keys.filter(pl.col("tier") < 3, pl.col("key") != pl.col("place_code"))
    known = spellings["key"].unique().sort().to_list()
    ranks = dict(spellings.group_by("key").agg(pl.col("rank").min()).rows())
    meant: dict[str, list[tuple[str, date, date]]] = {}
    for key, name, start, end in spellings.select(
        "key", "place_name_zh", "valid_from", "valid_to"
    ).iter_rows():
        meant.setdefault(key, []).append((name, start, end or STILL_VALID))
    names_of: dict[str, list[tuple[str, date, date]]] = {}
    for code, name, start, end in (
        keys.filter(pl.col("key") == pl.col("place_code"))
        .select("place_code", "place_name_zh", "valid_from", "valid_to")
        .iter_rows()
    ):
        names_of.setdefault(code, []).append((f"{code} {name}", start, end or STILL_VALID))
    searched: dict[str, list[str]] = {}
    found: dict[int, str] = {}
    for pair, key, hint, day in pairs.select("pair", "key", "hint", "on").iter_rows():
        if key not in searched:
            near_keys = [near for near in nearest(key, known, limit=24).split(", ") if near]
            searched[key] = sorted(near_keys, key=partial(_distance, key, ranks))
        options = [*names_of.get(hint, [])]
        for near in searched[key]:
            options += meant[near]
        valid = [name for name, start, end in options if start <= day <= end]
        found[pair] = ", ".join(list(dict.fromkeys(valid))[:_MAX_CANDIDATES])
    return found


def resolve_places(
    frame: pl.DataFrame,
    divisions: pl.DataFrame,
    aliases: pl.DataFrame,
    name: str = "place_raw",
    on: str = "period_end",
    near: bool = True,
    keys: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The frame with `place_code` (null when unknown or ambiguous) and `place_candidates`.

    near: look for near names of what is not found; not worth its time for places of no concern.
    keys: `name_keys` of the two, for whoever resolves file after file.

    `divisions` and `aliases` are frames of the contract; `on` is a Date column. Rules, first match
    wins; all of them ask whether the division is valid at the date:

    1. names are compared without blanks, width forms, leading numbering and letter case;
    2. a leading six-digit code decides, provided that the code has that name then;
    3. the exact name; then the name without 市/省/区/县/地区 or the short form of an autonomous
       county; then the English name of a province or prefecture. A printed suffix must fit: 清新县
       is not 清新区. Without a suffix a prefecture wins over a county;
    4. if nothing is found, the same on the eve of the date's year, for a unit that is printed with
       the status it had when the year began;
    5. last, a declared alias, for tables that keep an old or a wrong name.

    `place_candidates` is null for a resolved or an absent name; otherwise the codes and names that
    tie, or the nearest names valid then, best first; empty when none is near.
    """
    kept = frame.drop("place_code", "place_candidates", strict=False)
    text = normalised(pl.col("name"))
    hint = text.str.extract(_CODE, 1)
    rest = text.str.replace(_CODE_PREFIX, "")
    pairs = (
        kept.select(name=pl.col(name).cast(pl.String), on=pl.col(on).cast(pl.Date))
        .filter(pl.col("name").is_not_null())
        .unique(maintain_order=True)
        .with_columns(
            hint=hint,
            key=pl.when(hint.is_null()).then(text).when(rest == "").then(hint).otherwise(rest),
        )
        .with_row_index("pair")
    )
    keys = name_keys(divisions, aliases) if keys is None else keys
    matched = pairs.join(_matches(pairs, keys), on="pair", how="left", maintain_order="left")
    one = pl.col("codes").list.len() == 1
    dated = matched.filter(pl.col("codes").is_null(), pl.col("on").is_not_null())
    candidates = _near_names(dated, keys) if near else {}
    answers = matched.select(
        pl.col("name").alias(name),
        pl.col("on").alias(on),
        place_code=pl.when(one).then(pl.col("codes").list.first()),
        place_candidates=pl.when(pl.col("codes").is_null())
        .then(pl.col("pair").replace_strict(candidates, default="", return_dtype=pl.String))
        .when(~one)
        .then(pl.col("labels")),
    )
    return kept.join(answers, on=[name, on], how="left", nulls_equal=True, maintain_order="left")
