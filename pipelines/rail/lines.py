"""Our own rail CSV files as frames of text, and the lines of them that cannot be used.

Belongs here: splitting lines into cells and turning a failed check into a Reject with its line.
Not here: what a cell must be (stations, timetable). The files hold no quotes and no commas inside
a cell, so a line is split by a vectorised expression and no line can stop the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.errors import LayoutDrift, RefusedInput, Reject

Candidates = Callable[[str], str]


@dataclass(frozen=True)
class Check:
    """A condition under which a line cannot be used. found: the column (or columns) to show."""

    broken: pl.Expr
    reason: str
    expected: str
    found: str
    candidates: Candidates | None = None


@dataclass(frozen=True)
class Origin:
    """The file the lines came from, as rejects name it."""

    file: str
    snapshot_id: str
    table: str
    slice: str


def read(path: Path, file: str, columns: Sequence[str]) -> pl.DataFrame:
    """Every line below the header: line, raw, width, and the columns as text (empty when absent).

    LayoutDrift: the header is another one. RefusedInput: no such file. Bytes that are no UTF-8
    become U+FFFD, which no check lets pass.
    """
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        raise RefusedInput(f"{file} is missing; write it with rail.transcribe") from None
    header, _, body = text.removeprefix("\ufeff").partition("\n")
    if header.rstrip("\r").split(",") != list(columns):
        raise LayoutDrift(f"{file} L1: expected the columns {','.join(columns)}, found {header!r}")
    lines = pl.DataFrame({"raw": body.split("\n")}, schema={"raw": pl.String})
    cells = pl.col("raw").str.strip_chars_end("\r").str.split(",")
    return (
        lines.with_row_index("line", offset=2)
        .with_columns(pl.col("line").cast(pl.Int32), cells.list.len().alias("width"))
        .with_columns(
            cells.list.get(n, null_on_oob=True).fill_null("").alias(name)
            for n, name in enumerate(columns)
        )
        .filter(pl.col("raw").str.strip_chars() != "")
    )


def fits(columns: Sequence[str]) -> Check:
    """Every file's first check: the line has one cell per column."""
    count = len(columns)
    return Check(
        pl.col("width") != count, "the line does not fit the header", f"{count} cells", "raw"
    )


def sift(
    frame: pl.DataFrame, checks: Sequence[Check], origin: Origin
) -> tuple[pl.DataFrame, list[Reject]]:
    """The lines that break no check, and a Reject for each other one by its first broken check."""
    number = pl.coalesce(
        pl.when(check.broken.fill_null(True)).then(pl.lit(n, pl.Int32))
        for n, check in enumerate(checks)
    )
    judged = frame.with_columns(number.alias("_broken"))
    known: dict[tuple[int, str], str] = {}
    rejects = []
    for row in judged.filter(pl.col("_broken").is_not_null()).iter_rows(named=True):
        check = checks[row["_broken"]]
        found = str(row[check.found] if row[check.found] is not None else "")
        near = ""
        if check.candidates is not None:
            place = (row["_broken"], found)
            near = known[place] if place in known else known.setdefault(
                place, check.candidates(found)
            )  # fmt: skip
        rejects.append(
            Reject(
                snapshot_id=origin.snapshot_id,
                locator=f"L{row['line']}",
                file=origin.file,
                table_name=origin.table,
                slice=origin.slice,
                raw_text=row["raw"],
                expected=check.expected,
                found=found,
                candidates=near,
                reason=check.reason,
                severity="error",
            )
        )
    return judged.filter(pl.col("_broken").is_null()).drop("_broken"), rejects


def whole_number(column: str) -> pl.Expr:
    """The cell as a number of up to five digits; null for anything else."""
    good = pl.col(column).str.contains(r"^[0-9]{1,5}$")
    return pl.when(good).then(pl.col(column).cast(pl.Int32, strict=False))


def iso_date(column: str) -> pl.Expr:
    """The cell as a date written YYYY-MM-DD; null for anything else (also for 2024-02-30)."""
    good = pl.col(column).str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    return pl.when(good).then(pl.col(column).str.to_date("%Y-%m-%d", strict=False))


def is_repeated(*columns: str) -> pl.Expr:
    """Whether an earlier line has the same cells."""
    return ~pl.struct(columns).is_first_distinct()
