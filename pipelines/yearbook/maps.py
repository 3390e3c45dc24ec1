"""From rows as printed to observations: names become ids through maps, bad cells become rejects.

Belongs here: resolving places, headers, units, periods and numbers of one slice, applying declared
corrections, choosing between copies of one cell. Not here: unit conversion, vintages, aggregation
(SQL), or reading files of any layout but the transcription's.

Nothing is dropped: every row becomes an observation; what could not be resolved is null there and
stands in `rejects` with what was expected, what was found and the nearest candidates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.archive.acquire import slice_name
from pipelines.archive.offers import TRANSCRIPTION_COLUMNS
from pipelines.archive.store import Snapshot
from pipelines.errors import Reject, nearest
from pipelines.geography.divisions import resolve_places
from pipelines.registry.tables import indicator_units, read_text_csv
from pipelines.yearbook import corrections, tables
from pipelines.yearbook.tables import TableMap, Vocabulary, squeeze_key

# Marks that stand for "no figure", never for zero (yearbook notes, formats/yearbook part 2 and 5).
NULL_MARKS = ("", "-", "--", "—", "——", "–", "…", "...", "……", "~", "NA", "N/A", "None", "x", "X")
NUMBER = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
# Thousands in whole groups of three: 1,234,567 and 1 234, never 1,2345.
GROUPED = r"^[+-]?[0-9]{1,3}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(?:\.[0-9]*)?$"
# A power that a column of 28 digits could hold: 1e999999 is never written out.
POWER = r"[eE][+-]?[0-9]{1,2}$"
_NARROW = [chr(code) for code in range(0x21, 0x7F)]
_WIDE = [chr(code + 0xFEE0) for code in range(0x21, 0x7F)]
# Better copies first (architecture, section 3): the same cell may arrive more than once.
SOURCE_KINDS = ("original", "mirror", "transcription", "secondary")
# Scopes that are less than the place, whatever its level.
PARTS_OF_A_CITY = ("districts", "excluding_counties")
STATUSES = ("preliminary", "final", "revised", "unknown")
DAMAGED = "damaged"


@dataclass(frozen=True)
class Maps:
    """Everything names are resolved against, read once per run."""

    divisions: pl.DataFrame
    aliases: pl.DataFrame
    headers: pl.DataFrame
    excluded_headers: pl.DataFrame
    excluded_places: pl.DataFrame
    unit_aliases: pl.DataFrame
    indicator_units: pl.DataFrame
    unit_factors: dict[str, float]
    editions: pl.DataFrame
    corrections: tuple[dict[str, Any], ...]
    anomalies: pl.DataFrame
    tables: tuple[TableMap, ...]
    provinces: pl.DataFrame


def read_maps(
    sources: Path, divisions: pl.DataFrame, aliases: pl.DataFrame, documents: pl.DataFrame
) -> Maps:
    """The maps of `sources/yearbook` beside the resolved geography and documents tables."""
    folder = sources / "yearbook"
    units = read_text_csv(sources / "units.csv")
    printed = units.select(
        "unit_id", "dimension", pl.col("aliases").str.split("|").alias("unit_key")
    ).explode("unit_key")
    own = units.select("unit_id", "dimension", pl.col("unit").alias("unit_key"))
    unit_aliases = pl.concat([printed, own.select(printed.columns)]).with_columns(
        squeeze_key("unit_key")
    )
    return Maps(
        divisions=divisions,
        aliases=aliases,
        headers=read_text_csv(folder / "maps" / "headers.csv"),
        # A name listed twice would double its rows in the joins below.
        excluded_headers=read_text_csv(folder / "maps" / "excluded_headers.csv").unique(
            ["document", "edition", "header"], keep="first", maintain_order=True
        ),
        excluded_places=read_text_csv(folder / "maps" / "excluded_places.csv").unique(
            ["document", "place"], keep="first", maintain_order=True
        ),
        # The first listed unit keeps an alias: 元 is yuan unless a header says per head.
        unit_aliases=unit_aliases.filter(pl.col("unit_key") != "").unique(
            "unit_key", keep="first", maintain_order=True
        ),
        indicator_units=indicator_units(sources).unique(
            "indicator_id", keep="first", maintain_order=True
        ),
        unit_factors=dict(
            units.select("unit_id", pl.col("factor").cast(pl.Float64, strict=False)).iter_rows()
        ),
        editions=documents.filter(pl.col("published_on").is_not_null())
        .select("document", "edition", "published_on", "published_on_precision")
        .unique(["document", "edition"], keep="first", maintain_order=True),
        corrections=corrections.declared(
            sources,
            units["unit_id"].to_list(),
            documents.select("document", "edition").rows(),
        ),
        anomalies=read_text_csv(folder / "anomalies.csv").unique(
            ["document", "edition", "place_code", "indicator_id", "year"],
            keep="first",
            maintain_order=True,
        ),
        tables=tables.read_tables(sources),
        provinces=read_text_csv(folder / "maps" / "provinces.csv"),
    )


def vocabulary(maps: Maps) -> Vocabulary:
    """The part of the maps that reading a table needs."""
    printed: dict[str, str] = {}
    for name, short in maps.provinces.select("province", "short").iter_rows():
        printed |= {name: name, short: name}
    held = maps.divisions.filter(pl.col("place_level") == "province")["place_name_zh"]
    places: dict[str, dict[str, str]] = {}
    for document, place, reason in (
        maps.excluded_places.with_columns(squeeze_key("place"))
        .select("document", "place", "reason")
        .iter_rows()
    ):
        places.setdefault(document, {})[place] = reason
    return Vocabulary(
        headers=maps.headers.with_columns(squeeze_key("header").alias("key")),
        excluded_headers=maps.excluded_headers.with_columns(squeeze_key("header").alias("key")),
        excluded_places=places,
        provinces=printed,
        held=frozenset(held.to_list()),
        unit_keys=frozenset(maps.unit_aliases["unit_key"].to_list()),
    )


def read_rows(snapshot: Snapshot) -> tuple[pl.DataFrame, list[Reject]]:
    """Rows of one transcription as text, with `at`; a file of another layout is one reject."""
    try:
        frame = read_text_csv(snapshot.path)
    except pl.exceptions.PolarsError as error:
        return _no_rows(), [_file_reject(snapshot, "a CSV in UTF-8", str(error).split("\n")[0])]
    missing = [name for name in TRANSCRIPTION_COLUMNS if name not in frame.columns]
    if missing:
        candidates = nearest(missing[0], frame.columns)
        found = ", ".join(frame.columns)
        reject = _file_reject(snapshot, f"a column {missing[0]!r} in the header", found, candidates)
        return _no_rows(), [reject]
    rows = frame.select(TRANSCRIPTION_COLUMNS).with_row_index("line", offset=2)
    return rows.with_columns(
        pl.format("L{}", "line").alias("at"),
        pl.lit(None, dtype=pl.String).alias("place_en"),
        pl.lit(None, dtype=pl.String).alias("header_key"),
    ).select(tables.ROWS.names()), []


def _no_rows() -> pl.DataFrame:
    return pl.DataFrame(schema=tables.ROWS)


def _file_reject(snapshot: Snapshot, expected: str, found: str, candidates: str = "") -> Reject:
    return Reject(
        snapshot_id=snapshot.snapshot_id,
        locator="L1",
        file=snapshot.file,
        table_name="observation",
        slice=snapshot.slice,
        raw_text="",
        expected=expected,
        found=found,
        candidates=candidates,
        reason="the file is not in the transcription layout",
        severity="error",
    )


def observations(
    supplied: Mapping[str, Sequence[Snapshot]], maps: Maps
) -> tuple[pl.DataFrame, list[Reject]]:
    """Slices as `observation` rows, with column `slice`, and their rejects.

    supplied: the files of each slice, embedded before dropped. All slices go through every step
    together: a step costs about the same for forty editions as for one.
    """
    parts, rejects = [], []
    known = vocabulary(maps)
    for name, snapshots in supplied.items():
        for snapshot in snapshots:
            if snapshot.reader == "tables":
                rows, refused = tables.printed_rows(snapshot, maps.tables, known)
            else:
                rows, refused = read_rows(snapshot)
            parts.append(
                rows.with_columns(
                    pl.lit(name).alias("slice"),
                    pl.lit(snapshot.snapshot_id).alias("snapshot_id"),
                    pl.lit(snapshot.file).alias("file"),
                )
            )
            rejects += refused
    rows = pl.concat(parts)
    problems: list[pl.DataFrame] = []
    for step in (_periods, _values, _editions, _vocabulary):
        rows = step(rows, maps, problems)
    rows = _places(rows, maps, problems)
    rows = _headers(rows, maps, problems)
    rows = _units(rows, maps, problems)
    rows, bad = _corrections(rows, maps, supplied.keys())
    rows = _suspicions(rows, maps)
    rows = rows.with_columns(_fact_ids(rows))
    rows = _supersede(rows, maps, problems)
    rejects += _reject_rows(problems) + bad
    return rows, rejects


def _problem(
    rows: pl.DataFrame,
    bad: pl.Expr,
    column: str,
    *,
    expected: str | pl.Expr,
    reason: str | pl.Expr,
    candidates: pl.Expr | str = "",
    severity: str = "error",
) -> pl.DataFrame:
    def text(value: str | pl.Expr) -> pl.Expr:
        return pl.lit(value) if isinstance(value, str) else value

    scope = "scope_raw" if "scope_raw" in rows.columns else "scope"
    printed = pl.concat_str(
        [pl.col(name) for name in ("place", "indicator", "period", scope, "value", "unit")],
        separator=" | ",
        ignore_nulls=True,
    )
    return rows.filter(bad).select(
        "slice",
        "snapshot_id",
        pl.format("{}:{}", "at", pl.lit(column)).alias("locator"),
        "file",
        printed.alias("raw_text"),
        text(expected).alias("expected"),
        pl.col(column).fill_null("").alias("found"),
        text(candidates).fill_null("").alias("candidates"),
        text(reason).alias("reason"),
        pl.lit(severity).alias("severity"),
    )


def _reject_rows(problems: Iterable[pl.DataFrame]) -> list[Reject]:
    return [
        Reject(table_name="observation", **row)
        for frame in problems
        for row in frame.iter_rows(named=True)
    ]


def _periods(rows: pl.DataFrame, maps: Maps, problems: list[pl.DataFrame]) -> pl.DataFrame:
    """`2021` is a year, `2021-03` a month, `2020-11-01` a moment such as a census hour."""
    text = pl.col("period").str.strip_chars()
    rows = rows.with_columns(
        pl.when(text.str.contains(r"^\d{4}$"))
        .then(pl.lit("year"))
        .when(text.str.contains(r"^\d{4}-\d{2}$"))
        .then(pl.lit("month"))
        .when(text.str.contains(r"^\d{4}-\d{2}-\d{2}$"))
        .then(pl.lit("moment"))
        .alias("period_type")
    )
    kind = pl.col("period_type")
    padded = pl.when(kind == "year").then(text + "-01-01").when(kind == "month").then(text + "-01")
    start = padded.otherwise(text).str.to_date("%Y-%m-%d", strict=False)
    rows = rows.with_columns(start.alias("period_start")).with_columns(
        pl.when(kind == "year")
        .then(pl.col("period_start").dt.offset_by("1y").dt.offset_by("-1d"))
        .when(kind == "month")
        .then(pl.col("period_start").dt.month_end())
        .otherwise(pl.col("period_start"))
        .alias("period_end")
    )
    problems.append(
        _problem(
            rows, pl.col("period_end").is_null(), "period",
            expected="a year (2021), a month (2021-03) or a day (2020-11-01)",
            reason="the period cannot be read",
        )
    )  # fmt: skip
    return rows


def _values(rows: pl.DataFrame, maps: Maps, problems: list[pl.DataFrame]) -> pl.DataFrame:
    """Numbers as printed: full-width digits folded, thousands commas removed, nothing guessed."""
    # Width forms only: NFKC would also make a footnote mark (12①, 10²) a digit of the number.
    folded = (
        pl.col("value")
        .str.replace_many(_WIDE, _NARROW)
        .str.replace_all(r"[\s\u{3000}]+", " ")
        .str.strip_chars(" ")
        # Blanks beside a sign or a point are typesetting (159. 9); between digits they are not.
        .str.replace_all(r" ?\. ?", ".")
        .str.replace(r"^([+-]) ", "$1")
    )
    plain = (
        pl.when(folded.str.contains(GROUPED))
        .then(folded.str.replace_all("[, ]", ""))
        .otherwise(folded)
    )
    is_mark = folded.str.replace_all(" ", "", literal=True).is_in(pl.Series(NULL_MARKS).implode())
    is_number = plain.str.contains(NUMBER) & ~is_mark
    mantissa_decimals = plain.str.extract(r"\.(\d*)").str.len_chars().fill_null(0).cast(pl.Int32)
    exponent = plain.str.extract(r"[eE]([+-]?\d+)").cast(pl.Int32, strict=False).fill_null(0)
    # Powers are written out: through a float 2363e8 would become 236300000000.0000262144.
    powers = rows.select(plain.alias("text")).to_series().unique()
    powers = powers.filter(powers.str.contains(POWER) & powers.str.contains(NUMBER))
    written = {text: format(Decimal(text), "f") for text in powers.to_list()}
    number = plain.replace(written).cast(pl.Decimal(28, 10), strict=False)
    rows = rows.with_columns(
        pl.when(is_number).then(number).alias("number"),
        pl.when(is_mark)
        .then(pl.col("value").str.strip_chars())
        .when(~is_number)
        .then(pl.lit(DAMAGED))
        .alias("null_mark"),
        pl.when(is_number)
        .then(pl.max_horizontal(mantissa_decimals - exponent, pl.lit(0)))
        .alias("decimals"),
    )
    # Too large for the column, or so small that only a zero would be left of it.
    vanished = (pl.col("number") == 0) & plain.str.contains(r"^[^eE]*[1-9]")
    unread = is_number & (pl.col("number").is_null() | vanished).fill_null(True)
    rows = rows.with_columns(
        pl.when(unread).then(pl.lit(DAMAGED)).otherwise("null_mark").alias("null_mark"),
        pl.when(~unread).then("number").alias("number"),
        pl.when(~unread).then("decimals").alias("decimals"),
    )
    repaired = (
        plain.str.replace_all("[, ]", "")
        .str.replace_all("[OoQ]", "0")
        .str.replace_all("[lI|]", "1")
    )
    problems.append(
        _problem(
            rows, pl.col("null_mark") == DAMAGED, "value",
            expected="a number or one of the marks for no figure (— - … ~ NA, blank)",
            reason="the value is not a number; the cell stays empty",
            candidates=pl.when(repaired.str.contains(NUMBER) & (repaired != folded)).then(repaired),
            severity="warning",
        )
    )  # fmt: skip
    return rows


def _editions(rows: pl.DataFrame, maps: Maps, problems: list[pl.DataFrame]) -> pl.DataFrame:
    rows = rows.join(maps.editions, on=["document", "edition"], how="left", maintain_order="left")
    known = (maps.editions["document"] + " " + maps.editions["edition"]).to_list()
    first = rows.filter(pl.col("published_on").is_null()).unique(
        ["document", "edition"], keep="first", maintain_order=True
    )
    # One reject per unknown edition: every row of the file would say the same.
    for row in first.iter_rows(named=True):
        name = f"{row['document']} {row['edition']}"
        problems.append(
            _problem(
                first,
                (pl.col("at") == row["at"]) & (pl.col("file") == row["file"]),
                "edition",
                expected="an edition listed in sources/yearbook/editions.csv",
                reason=f"no publication date is registered for {name}",
                candidates=nearest(name, known),
            )
        )  # fmt: skip
    named = pl.format("{}--{}", "document", "edition")
    problems.append(
        _problem(
            rows, named != pl.col("slice"), "document",
            expected=pl.col("slice"), reason="the row belongs to another slice than its file",
        ).with_columns(
            rows.filter(named != pl.col("slice")).select(named.alias("found")).to_series()
        )
    )  # fmt: skip
    return rows


def _vocabulary(rows: pl.DataFrame, maps: Maps, problems: list[pl.DataFrame]) -> pl.DataFrame:
    for column, allowed in (("source_kind", SOURCE_KINDS), ("status", STATUSES)):
        bad = ~pl.col(column).is_in(list(allowed))
        problems.append(
            _problem(
                rows, bad, column, expected=", ".join(allowed), reason=f"unknown {column}"
            )
        )  # fmt: skip
        fallback = "secondary" if column == "source_kind" else "unknown"
        rows = rows.with_columns(
            pl.when(bad).then(pl.lit(fallback)).otherwise(column).alias(column)
        )
    return rows


def _places(rows: pl.DataFrame, maps: Maps, problems: list[pl.DataFrame]) -> pl.DataFrame:
    rows = rows.with_columns(pl.col("place").alias("place_raw"))
    rows = resolve_places(rows, maps.divisions, maps.aliases, name="place_raw", on="period_end")
    excluded = maps.excluded_places.select(
        "document", "place", pl.col("reason").alias("place_excluded")
    )
    rows = rows.join(excluded, on=["document", "place"], how="left", maintain_order="left")
    out = pl.col("place_excluded").is_not_null()
    rows = rows.with_columns(pl.when(~out).then("place_code").alias("place_code"))
    problems.append(
        _problem(
            # Without a period no place is valid; the period has a reject of its own.
            rows, pl.col("place_code").is_null() & ~out & pl.col("period_end").is_not_null(),
            "place",
            expected="a division valid in that year", reason="unknown or ambiguous place",
            candidates=pl.col("place_candidates"),
        )
    )  # fmt: skip
    problems.append(
        _problem(
            rows, out, "place",
            expected="a single division",
            reason=pl.format("left out on purpose: {}", "place_excluded"),
            severity="warning",
        )
    )  # fmt: skip
    return rows


def _headers(rows: pl.DataFrame, maps: Maps, problems: list[pl.DataFrame]) -> pl.DataFrame:
    """Headers join by (document, edition, text as printed); edition `*` serves them all."""
    key = ["document", "edition", "indicator_key"]
    headers = maps.headers.rename({"scope": "map_scope", "note": "map_note"})
    if "unit_id" not in headers.columns:
        headers = headers.with_columns(pl.lit("").alias("unit_id"))
    headers = headers.rename({"unit_id": "map_unit"}).with_columns(
        squeeze_key("header").alias("indicator_key")
    )
    wanted = ["indicator_id", "map_scope", "map_unit", "map_note"]
    exact = headers.select(*key, *wanted).unique(key, keep="first", maintain_order=True)
    general = (
        headers.filter(pl.col("edition") == "*")
        .select("document", "indicator_key", *(pl.col(c).alias(f"any_{c}") for c in wanted))
        .unique(["document", "indicator_key"], keep="first", maintain_order=True)
    )
    rows = (
        rows.with_columns(
            pl.coalesce("header_key", squeeze_key("indicator")).alias("indicator_key")
        )
        .join(exact, on=key, how="left", maintain_order="left")
        .join(general, on=["document", "indicator_key"], how="left", maintain_order="left")
        .with_columns(pl.coalesce(c, f"any_{c}").alias(c) for c in wanted)
    )
    excluded = maps.excluded_headers.with_columns(
        squeeze_key("header").alias("indicator_key")
    ).select(*key, pl.col("reason").alias("header_excluded"))
    rows = rows.join(excluded, on=key, how="left", maintain_order="left")
    out = pl.col("header_excluded").is_not_null() & pl.col("indicator_id").is_null()
    unknown = pl.col("indicator_id").is_null() & ~out
    near = _near_headers(rows.filter(unknown), maps)
    problems.append(
        _problem(
            rows, unknown, "indicator",
            expected="a header listed in sources/yearbook/maps/headers.csv",
            reason="the header is not mapped for this edition (layout drift)",
            candidates=pl.concat_str("document", pl.lit("|"), "indicator").replace_strict(
                near, default="", return_dtype=pl.String
            ),
        )
    )  # fmt: skip
    problems.append(
        _problem(
            rows, out, "indicator",
            expected="a mapped header",
            reason=pl.format("left out on purpose: {}", "header_excluded"),
            severity="warning",
        )
    )  # fmt: skip
    return rows.with_columns(
        pl.col("scope").str.strip_chars().alias("scope_raw"), _scope(maps).alias("scope")
    )


def _near_headers(unknown: pl.DataFrame, maps: Maps) -> dict[str, str]:
    """`document|header` of every unknown header, with the nearest mapped ones of its document."""
    near = {}
    for document, header in unknown.select("document", "indicator").unique().sort(pl.all()).rows():
        known = maps.headers.filter(pl.col("document") == document)["header"].unique().sort()
        near[f"{document}|{header}"] = nearest(header, known.to_list())
    return near


def _scope(maps: Maps) -> pl.Expr:
    """The map's scope, made exact by the level of the place: a header cannot see the row's level.

    Beijing and Shanghai are provinces by code and cities by every table: whole_city.
    """
    levels = maps.divisions.select("place_code", "place_level").unique("place_code", keep="last")
    level = pl.col("place_code").replace_strict(
        dict(levels.iter_rows()), default="", return_dtype=pl.String
    )
    is_municipality = pl.col("place_code").str.contains("^(11|12|31|50)0000$")
    return (
        pl.when(pl.col("map_scope").is_in(PARTS_OF_A_CITY))
        .then("map_scope")
        .when(level == "county")
        .then(pl.lit("county"))
        .when((level == "province") & ~is_municipality)
        .then(pl.lit("province"))
        .when(level != "")
        .then(pl.lit("whole_city"))
        .otherwise("map_scope")
    )


def _units(rows: pl.DataFrame, maps: Maps, problems: list[pl.DataFrame]) -> pl.DataFrame:
    aliases = maps.unit_aliases
    rows = (
        rows.with_columns(squeeze_key("unit").alias("unit_key"))
        .join(
            aliases.rename({"unit_id": "printed_unit", "dimension": "printed_dimension"}),
            on="unit_key", how="left", maintain_order="left",
        )
        .join(
            aliases.select(
                pl.col("unit_id").alias("map_unit"), pl.col("dimension").alias("map_dimension")
            ).unique("map_unit"),
            on="map_unit", how="left", maintain_order="left",
        )
        .join(
            maps.indicator_units.select(
                "indicator_id",
                pl.col("dimension").alias("wanted_dimension"),
                pl.col("unit_id").alias("wanted_unit"),
            ),
            on="indicator_id", how="left", maintain_order="left",
        )
    )  # fmt: skip
    by_map = pl.col("map_unit").fill_null("") != ""
    rows = rows.with_columns(
        pl.when(by_map).then("map_unit").otherwise("printed_unit").alias("unit_id"),
        pl.when(by_map).then("map_dimension").otherwise("printed_dimension").alias("dimension"),
    )
    known = aliases["unit_key"].to_list()
    unknown = pl.col("unit_id").is_null() & (pl.col("unit_key") != "")
    near = {
        text: nearest(text, known)
        for text in rows.filter(unknown)["unit"].unique(maintain_order=True).to_list()
    }
    candidates = pl.col("unit").replace_strict(near, default="", return_dtype=pl.String)
    problems.append(
        _problem(
            rows, unknown, "unit",
            expected="a unit or alias of sources/units.csv", reason="unknown unit",
            candidates=candidates,
        )
    )  # fmt: skip
    problems.append(
        _problem(
            rows, pl.col("unit_id").is_null() & (pl.col("unit_key") == ""), "unit",
            expected="a printed unit, or a unit_id in the header map",
            reason="no unit is printed; units are never guessed",
        )
    )  # fmt: skip
    crossed = (
        pl.col("dimension").is_not_null()
        & pl.col("wanted_dimension").is_not_null()
        & (pl.col("dimension") != pl.col("wanted_dimension"))
    )
    problems.append(
        _problem(
            rows, crossed, "unit",
            expected=pl.format(
                "a unit of {} (like {})", "wanted_dimension", "wanted_unit"
            ),
            reason=pl.format("the unit cannot measure {}", "indicator_id"),
        )
    )  # fmt: skip
    return rows.with_columns(pl.when(~crossed.fill_null(False)).then("unit_id").alias("unit_id"))


def _corrections(
    rows: pl.DataFrame, maps: Maps, slices: Collection[str]
) -> tuple[pl.DataFrame, list[Reject]]:
    """Declared corrections of the slices; one that matches nothing, or meets another, is an error.

    exclude: the value stays in tidy and reaches no mart. set_unit, set_value: as declared.
    set_place: the row is another place's, as where two rows were exchanged: every correction sees
    the place that is printed. guard_indicator, guard_value: acts only while the row prints that.
    The text as printed never changes.
    """
    rows = rows.with_columns(
        pl.lit(None, dtype=pl.String).alias("correction_id"),
        pl.lit(False).alias("is_excluded"),
        pl.col("place_code").alias("printed_place"),
    )
    bad = []
    for entry in maps.corrections:
        slice_ = slice_name(entry["document"], entry["edition"])
        if slice_ not in slices:
            continue
        match = (
            (pl.col("slice") == slice_)
            & (pl.col("period_end").dt.year() == int(entry["year"]))
            & (pl.col("scope") == entry["scope"])
        )
        if entry["indicator_id"] != "*":
            match &= pl.col("indicator_id") == entry["indicator_id"]
        if entry["place_code"] != "*":
            match &= pl.col("printed_place") == str(entry["place_code"])
        if entry["expected_value"] != "*":
            match &= pl.col("value").str.strip_chars() == str(entry["expected_value"])
        match = match.fill_null(False)
        if "guard_indicator" in entry:
            guard = (
                (pl.col("indicator_id") == entry["guard_indicator"])
                & (pl.col("value").str.strip_chars() == str(entry["guard_value"]))
            ).fill_null(False)
            # Each file is looked at by itself: one copy may have mended what another prints.
            match &= (match & guard).any().over("snapshot_id")
        if not rows.select(match.any()).item():
            bad.append(
                _bad_correction(
                    entry, slice_, f"a printed value {entry['expected_value']!r}", "no such cell",
                    "the correction matches nothing any more: remove or renew it",
                )
            )  # fmt: skip
            continue
        if met := rows.filter(match)["correction_id"].drop_nulls().unique().sort().to_list():
            bad.append(
                _bad_correction(
                    entry, slice_, "a cell that no other correction changes", ", ".join(met),
                    "two corrections meet on one cell; this one was not made: make them one",
                )
            )  # fmt: skip
            continue
        rows = rows.with_columns(
            pl.when(match).then(pl.lit(entry["id"])).otherwise("correction_id").alias(
                "correction_id"
            )
        )  # fmt: skip
        if entry["action"] == "exclude":
            rows = rows.with_columns(pl.col("is_excluded") | match)
        elif entry["action"] == "set_unit":
            rows = rows.with_columns(
                pl.when(match).then(pl.lit(entry["unit_id"])).otherwise("unit_id").alias("unit_id")
            )
        elif entry["action"] == "set_place":
            to = pl.lit(str(entry["to_place_code"]))
            rows = rows.with_columns(
                pl.when(match).then(to).otherwise("place_code").alias("place_code")
            )
        elif entry["action"] == "set_value":
            new = pl.lit(str(entry["value"])).cast(pl.Decimal(28, 10))
            rows = rows.with_columns(
                pl.when(match).then(new).otherwise("number").alias("number"),
                pl.when(~match).then("null_mark").alias("null_mark"),
                pl.when(match)
                .then(pl.lit(len(str(entry["value"]).partition(".")[2]), dtype=pl.Int32))
                .otherwise("decimals")
                .alias("decimals"),
            )
    return rows, bad


def _suspicions(rows: pl.DataFrame, maps: Maps) -> pl.DataFrame:
    """Declared anomalies as a remark on the value: a suspicion changes no number."""
    key = ["document", "edition", "place_code", "indicator_id", "year"]
    suspect = maps.anomalies.select(*key, pl.format("suspect: {}", "reason").alias("suspicion"))
    year = pl.col("period_end").dt.year().cast(pl.String).alias("year")
    return rows.with_columns(year).join(suspect, on=key, how="left", maintain_order="left")


def _bad_correction(
    entry: dict[str, Any], slice_: str, expected: str, found: str, reason: str
) -> Reject:
    return Reject(
        snapshot_id="corrections",
        locator=str(entry["id"]),
        file=corrections.FILE,
        table_name="observation",
        slice=slice_,
        raw_text=str(entry),
        expected=expected,
        found=found,
        candidates="",
        reason=reason,
        severity="error",
    )


def _fact_ids(rows: pl.DataFrame) -> pl.Series:
    """Stable over re-transcription: what was printed, where, about what; not the line it is on."""
    columns = ("document", "edition", "locator", "place", "indicator", "period", "scope_raw",
               "value", "read_from")  # fmt: skip
    parts = [pl.col(column).fill_null("") for column in columns]
    joined = rows.select(pl.concat_str(parts, separator="\x1f")).to_series()
    seen: dict[str, int] = {}
    ids = []
    for text in joined.to_list():
        # The very same cell listed twice still needs two ids; the second one is rejected below.
        seen[text] = nth = seen.get(text, -1) + 1
        ids.append(hashlib.sha256(f"{text}\x1f{nth}".encode()).hexdigest()[:16])
    return pl.Series("fact_id", ids, dtype=pl.String)


def _supersede(rows: pl.DataFrame, maps: Maps, problems: list[pl.DataFrame]) -> pl.DataFrame:
    """Of several copies of one cell the best kind counts; the others point at it.

    Copies of the same kind in the same file are an error (a place listed twice); copies whose
    printed intervals do not overlap are an error too. A mirror may print 亿元 where the book prints
    万元: copies are compared by unit factor, and stay as printed.
    """
    cell = [
        "document", "edition", "place_code", "indicator_id", "period_start", "period_end", "scope",
    ]  # fmt: skip
    rank = pl.col("source_kind").replace_strict(
        {kind: n for n, kind in enumerate(SOURCE_KINDS)}, default=9, return_dtype=pl.Int32
    )
    usable = pl.all_horizontal(pl.col(c).is_not_null() for c in cell) & ~pl.col("is_excluded")
    # A copy that holds no number never wins over one that does.
    ranked = rows.with_columns(
        rank.alias("rank"),
        pl.col("number").is_null().alias("is_empty"),
        pl.col("unit_id")
        .replace_strict(maps.unit_factors, default=None, return_dtype=pl.Float64)
        # Without a unit there is nothing to compare: that is an error of its own.
        .alias("unit_factor"),
    ).with_row_index("arrival")
    winners = (
        ranked.filter(usable)
        .sort(["is_empty", "rank", "arrival"])
        .group_by(cell, maintain_order=True)
        .agg(
            pl.col("fact_id").first().alias("winner"),
            pl.col("number").first().alias("winner_number"),
            pl.col("decimals").first().alias("winner_decimals"),
            pl.col("unit_factor").first().alias("winner_factor"),
            pl.col("unit").first().alias("winner_unit"),
            pl.col("file").first().alias("winner_file"),
            pl.col("at").first().alias("winner_at"),
            pl.col("read_from").first().alias("winner_read_from"),
            pl.col("rank").first().alias("winner_rank"),
        )
    )
    rows = ranked.join(winners, on=cell, how="left", maintain_order="left")
    loses = usable & pl.col("winner").is_not_null() & (pl.col("fact_id") != pl.col("winner"))
    own, best = pl.col("unit_factor"), pl.col("winner_factor")
    width = 0.5 * (
        own * pl.lit(10.0).pow(-pl.col("decimals"))
        + best * pl.lit(10.0).pow(-pl.col("winner_decimals"))
    )
    distance = (
        own * pl.col("number").cast(pl.Float64) - best * pl.col("winner_number").cast(pl.Float64)
    ).abs()
    apart = loses & (distance > width * (1 + 1e-9)).fill_null(False)
    twice = loses & (pl.col("rank") == pl.col("winner_rank")) & (
        pl.col("read_from") == pl.col("winner_read_from")
    )  # fmt: skip
    where = pl.format("one row for this cell; the other is {} {}", "winner_file", "winner_at")
    problems.append(
        _problem(rows, twice, "place", expected=where, reason="the same cell is listed twice")
    )
    problems.append(
        _problem(
            rows, apart & ~twice, "value",
            expected=pl.format(
                "{} {} as in {} {}", _plain("winner_number"), "winner_unit", "winner_file",
                "winner_at",
            ),
            reason="two copies of one cell disagree beyond rounding",
        )
    )  # fmt: skip
    return rows.with_columns(
        pl.when(loses)
        .then("winner")
        .when(pl.col("is_excluded"))
        .then(pl.lit("excluded"))
        .alias("superseded_by")
    )


def _plain(name: str) -> pl.Expr:
    """A decimal as a person writes it, without the zeros of its type."""
    return pl.col(name).cast(pl.String).str.replace(r"\.?0+$", "")


def to_contract(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Rows with the contract's column names; empty text becomes null."""
    notes = pl.concat_str(
        [
            pl.col("note").replace("", None),
            pl.col("map_note").replace("", None),
            pl.col("suspicion"),
        ],
        separator="; ",
        ignore_nulls=True,
    ).replace("", None)
    named = rows.with_columns(
        # Cells of a workbook have no line: `locator` says where they are.
        pl.col("at").str.extract(r"^L(\d+)$", 1).cast(pl.Int32).alias("line"),
        pl.lit("yearbook").alias("source_id"),
        pl.col("indicator").alias("indicator_raw"),
        pl.col("unit").alias("unit_raw"),
        pl.col("value").alias("value_text"),
        notes.alias("note"),
    ).with_columns(pl.col("number").alias("value"))
    return named.select(columns)
