"""Cells of environment tables: numbers and marks as printed, rows as text, names of cities.

Belongs here: what bulletins and daily records share on the way from a printed cell to a number, a
place, or a reject. Not here: which columns a table has (bulletin, air), units, rounding (SQL).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from pipelines.archive.store import Snapshot
from pipelines.errors import LayoutDrift, RefusedInput, Reject, nearest
from pipelines.geography.divisions import Line, name_keys, read_lines, resolve_places
from pipelines.registry.tables import read_text_csv

# Marks for "no figure": the platform's `—` (also as an entity), `-;` of the 2018 feed, and blanks.
NULL_MARKS = ("", "-", "--", "—", "——", "–", "-;", "&mdash;", "NA", "N/A", "NaN", "nan", "None")
NUMBER = r"^\d+(?:\.\d+)?$"
SIGNED = r"^[+-]?\d+(?:\.\d+)?$"
SOURCE_KINDS = ("original", "mirror", "transcription", "secondary")
DAMAGED = "damaged"


@dataclass(frozen=True)
class Context:
    """What names and periods are resolved against.

    series: document, valid_from, valid_to, network, state (sources/environment/series.csv).
    headers: document, header, measure. excluded_places: document, place, reason.
    """

    divisions: pl.DataFrame
    aliases: pl.DataFrame
    headers: pl.DataFrame
    excluded_places: pl.DataFrame
    series: pl.DataFrame

    @cached_property
    def place_keys(self) -> pl.DataFrame:
        """Every spelling of the divisions: a national archive has hundreds of files to resolve."""
        return name_keys(self.divisions, self.aliases)


def read_context(sources: Path, divisions: pl.DataFrame, aliases: pl.DataFrame) -> Context:
    folder = sources / "environment"
    series = read_text_csv(folder / "series.csv").with_columns(
        pl.col("valid_from").str.to_date(),
        # An open end; no bulletin is about the year 9999.
        pl.col("valid_to").replace("", "9999-12-31").str.to_date(),
    )
    return Context(
        divisions=divisions,
        aliases=aliases,
        headers=read_text_csv(folder / "maps" / "headers.csv"),
        excluded_places=read_text_csv(folder / "maps" / "excluded_places.csv"),
        series=series,
    )


# ------------------------------------------------------------------------------- rows as text


def read_rows(
    snapshot: Snapshot, columns: Sequence[str], table: str
) -> tuple[pl.DataFrame, list[Reject]]:
    """Records of one CSV as text with `line`; a bad record, or a bad file, becomes a Reject."""
    rejects: list[Reject] = []
    held: list[dict[str, str | int]] = []
    try:
        records = read_lines(snapshot.path, snapshot.file, columns)
    except (RefusedInput, LayoutDrift) as error:
        near = nearest(columns[0], []) or ""
        reject = file_reject(snapshot, table, ", ".join(columns), str(error), near)
        return frame([], columns, snapshot), [reject]
    for record in records:
        if isinstance(record, Line):
            held.append({"line": record.number, **{name: record.text(name) for name in columns}})
        else:
            number, flaw = record
            rejects.append(
                Reject(
                    snapshot.snapshot_id, f"L{number}", snapshot.file, table, snapshot.slice,
                    flaw.found, flaw.expected, flaw.found, flaw.candidates, flaw.reason, "error",
                )
            )  # fmt: skip
    return frame(held, columns, snapshot), rejects


def no_rows(columns: Sequence[str], snapshot: Snapshot) -> pl.DataFrame:
    return frame([], columns, snapshot)


def frame(
    rows: Sequence[Mapping[str, str | int]], columns: Sequence[str], snapshot: Snapshot
) -> pl.DataFrame:
    """Rows as text with `line`, and what they share: snapshot_id, file, slice.

    `at` is where a reject points: the line, unless the row says it (a page has cells in a line).
    """
    names = ("at", *columns)
    schema: dict[str, type[pl.DataType]] = {"line": pl.Int32, **dict.fromkeys(names, pl.String)}
    return pl.DataFrame(rows, schema=schema).with_columns(
        pl.col("at").fill_null(pl.format("L{}", "line")),
        pl.col(columns).fill_null(""),
        pl.lit(snapshot.snapshot_id).alias("snapshot_id"),
        pl.lit(snapshot.file).alias("file"),
        pl.lit(snapshot.slice).alias("slice"),
    )


def file_reject(
    snapshot: Snapshot, table: str, expected: str, found: str, candidates: str = ""
) -> Reject:
    return Reject(
        snapshot.snapshot_id, "L1", snapshot.file, table, snapshot.slice, "", expected, found,
        candidates, "the file is not in the transcription layout", "error",
    )  # fmt: skip


def problem(
    rows: pl.DataFrame,
    bad: pl.Expr,
    column: str,
    table: str,
    *,
    expected: str | pl.Expr,
    reason: str | pl.Expr,
    candidates: str | pl.Expr = "",
    severity: str = "error",
) -> list[Reject]:
    """A Reject per row where `bad` holds; the locator is line and column of the held file."""

    def text(value: str | pl.Expr) -> pl.Expr:
        return pl.lit(value) if isinstance(value, str) else value

    found = rows.filter(bad.fill_null(False)).select(
        "snapshot_id",
        pl.format("{}:{}", "at", pl.lit(column)).alias("locator"),
        "file",
        pl.lit(table).alias("table_name"),
        "slice",
        pl.col("raw_text"),
        text(expected).alias("expected"),
        pl.col(column).cast(pl.String).fill_null("").alias("found"),
        text(candidates).fill_null("").alias("candidates"),
        text(reason).alias("reason"),
        pl.lit(severity).alias("severity"),
    )
    return [Reject(**row) for row in found.iter_rows(named=True)]


# ------------------------------------------------------------------------------- numbers, names


def folded(column: str) -> pl.Expr:
    """The cell without width forms and blanks."""
    return pl.col(column).str.normalize("NFKC").str.replace_all(r"[\s\u{3000}]+", "")


def is_mark(column: str) -> pl.Expr:
    marks = pl.Series(NULL_MARKS).implode()
    return folded(column).is_in(marks) | pl.col(column).str.strip_chars().is_in(marks)


def number(text: pl.Expr, pattern: str = NUMBER) -> pl.Expr:
    """The exact decimal of a plain number; null for anything else. Nothing is guessed."""
    return pl.when(text.str.contains(pattern)).then(
        text.str.strip_prefix("+").cast(pl.Decimal(28, 10), strict=False)
    )


def decimals(text: pl.Expr) -> pl.Expr:
    return text.str.extract(r"\.(\d+)$").str.len_chars().fill_null(0).cast(pl.Int32)


def repaired(text: pl.Expr, pattern: str = NUMBER) -> pl.Expr:
    """What a damaged number may have been, for the message only."""
    guess = text.str.replace_all("[OoQ]", "0").str.replace_all("[lI|]", "1")
    return pl.when(guess.str.contains(pattern)).then(guess)


def places(
    rows: pl.DataFrame, context: Context, table: str, on: str
) -> tuple[pl.DataFrame, list[Reject]]:
    """`place_code` of the printed place at the date `on`; excluded places are told apart."""
    rows = rows.with_columns(pl.col("place").alias("place_raw"))
    rows = resolve_places(rows, context.divisions, context.aliases, name="place_raw", on=on)
    excluded = context.excluded_places.select(
        "document", "place", pl.col("reason").alias("place_excluded")
    )
    rows = rows.join(excluded, on=["document", "place"], how="left", maintain_order="left")
    out = pl.col("place_excluded").is_not_null()
    rows = rows.with_columns(pl.when(~out).then("place_code").alias("place_code"))
    dated = pl.col(on).is_not_null()
    rejects = problem(
        rows, pl.col("place_code").is_null() & ~out & dated, "place", table,
        expected="a division valid then", reason="unknown or ambiguous place",
        candidates=pl.col("place_candidates"),
    )  # fmt: skip
    rejects += problem(
        rows, out, "place", table,
        expected="a single division",
        reason=pl.format("left out on purpose: {}", "place_excluded"), severity="warning",
    )  # fmt: skip
    return rows, rejects


def attributes(
    rows: pl.DataFrame, context: Context, table: str, on: str
) -> tuple[pl.DataFrame, list[Reject]]:
    """`network` and `state` of the document's series at the date `on` (series.csv)."""
    if rows.is_empty():
        none = pl.lit(None, dtype=pl.String)
        return rows.with_columns(none.alias("network"), none.alias("state")), []
    dated = rows.with_row_index("row")
    found = (
        dated.select("row", "document", on)
        .join(context.series, on="document", how="inner")
        .filter(pl.col(on) >= pl.col("valid_from"), pl.col(on) <= pl.col("valid_to"))
        .select("row", "network", "state")
        .unique("row", keep="first", maintain_order=True)
    )
    rows = dated.join(found, on="row", how="left", maintain_order="left").drop("row")
    lacking = pl.col("network").is_null() & pl.col(on).is_not_null()
    first = rows.filter(lacking).unique("document", keep="first", maintain_order=True)
    known = context.series["document"].unique().sort().to_list()
    near = {name: nearest(name, known) for name in first["document"].to_list()}
    # One reject per document: every row of it would say the same.
    rejects = problem(
        first, pl.lit(True), "document", table,
        expected="a series of sources/environment/series.csv that covers the date",
        reason="network and state of the series are not known",
        candidates=pl.col("document").replace_strict(near, default="", return_dtype=pl.String),
    )  # fmt: skip
    return rows, rejects


def identities(
    rows: pl.DataFrame, columns: Iterable[str], cell: Sequence[str], said: Sequence[str], table: str
) -> tuple[pl.DataFrame, list[Reject]]:
    """`fact_id` over what was printed, and `superseded_by` for a cell that is listed twice.

    The better kind of copy counts, then the first. A copy that differs in the columns `said` is a
    reject: an error beside a copy of the same kind, a warning below a better one.
    """
    parts = [pl.col(column).fill_null("") for column in columns]
    joined = rows.select(pl.concat_str(parts, separator="\x1f")).to_series()
    seen: dict[str, int] = {}
    ids = []
    for text in joined.to_list():
        seen[text] = nth = seen.get(text, -1) + 1
        ids.append(hashlib.sha256(f"{text}\x1f{nth}".encode()).hexdigest()[:16])
    kinds = {kind: n for n, kind in enumerate(SOURCE_KINDS)}
    rank = pl.col("source_kind").replace_strict(kinds, default=9, return_dtype=pl.Int32)
    usable = pl.all_horizontal(pl.col(column).is_not_null() for column in cell)
    ranked = rows.with_columns(
        pl.Series("fact_id", ids, dtype=pl.String), rank.alias("kind_rank")
    ).with_row_index("arrival")
    best = (
        ranked.filter(usable)
        .sort(["kind_rank", "arrival"])
        .group_by(cell, maintain_order=True)
        .agg(
            pl.col("fact_id").first().alias("winner"),
            pl.col("kind_rank").first().alias("winner_rank"),
            pl.format("{} L{}", "file", "line").first().alias("winner_at"),
            *(pl.col(column).first().alias(f"winner_{column}") for column in said),
        )
    )
    rows = ranked.join(best, on=cell, how="left", maintain_order="left")
    loses = pl.col("winner").is_not_null() & (pl.col("fact_id") != pl.col("winner"))
    again = loses & (pl.col("kind_rank") == pl.col("winner_rank"))
    # The same figure from a second copy of the same kind is no news; another one is a fault.
    differs = pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"winner_{c}")) for c in said)
    rejects = problem(
        rows, again & differs, "place", table,
        expected=pl.format("one row for this cell; the other is {}", "winner_at"),
        reason="the same cell is listed twice",
    )  # fmt: skip
    rejects += problem(
        rows, loses & ~again & differs, "place", table,
        expected=pl.format("what the better copy says, {}", "winner_at"),
        reason="copies of the cell disagree", severity="warning",
    )  # fmt: skip
    return rows.with_columns(pl.when(loses).then("winner").alias("superseded_by")), rejects


def vocabulary(rows: pl.DataFrame, table: str) -> tuple[pl.DataFrame, list[Reject]]:
    """`source_kind` of the house; and every row belongs to the slice of its file."""
    bad = ~pl.col("source_kind").is_in(list(SOURCE_KINDS))
    rejects = problem(
        rows, bad, "source_kind", table,
        expected=", ".join(SOURCE_KINDS), reason="unknown source_kind",
    )  # fmt: skip
    rejects += problem(
        rows, pl.format("{}--{}", "document", "edition") != pl.col("slice"), "edition", table,
        expected=pl.col("slice"), reason="the row belongs to another slice than its file",
    )  # fmt: skip
    kind = pl.when(bad).then(pl.lit("secondary")).otherwise("source_kind").alias("source_kind")
    return rows.with_columns(kind), rejects
