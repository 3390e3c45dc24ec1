"""The timetable archive `cr<YYMMDD>.min.csv` as frames of trains and stops.

Belongs here: that text format: blocks parted by empty lines, header rows that share one stop list,
minutes since the previous departure. Not here: running days (calendar), stations (stations), or
what is kept of it (transcribe).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

HEADER = r"^[0-9A-Za-z/]{12}$"
CLOCK = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"
MINUTES = r"^[0-9]{1,5}$"
# A train under way for more than a week is a damaged line.
LONGEST_MINUTES = 7 * 1440


@dataclass(frozen=True)
class Timetable:
    """One file of the archive.

    trains: block, line, train_no, code, calendar. Several trains may share a block.
    stops: block, line, stop_seq, stop_raw, arrive_minutes, depart_minutes (since departure from the
        origin; null at the two ends), origin_minute (of the day).
    flaws: block, line, raw, reason: the first flaw of every block that cannot be read. The block is
        left out of `stops` whole, since the times after a flaw would all be wrong.
    """

    trains: pl.DataFrame
    stops: pl.DataFrame
    flaws: pl.DataFrame


def clock_minute(column: str) -> pl.Expr:
    """Minute of the day of an HH:MM text; null for anything else."""
    good = pl.col(column).str.contains(CLOCK)
    hours = pl.col(column).str.slice(0, 2).cast(pl.Int32, strict=False)
    minutes = pl.col(column).str.slice(3, 2).cast(pl.Int32, strict=False)
    return pl.when(good).then(hours * 60 + minutes)


def _number(column: str) -> pl.Expr:
    good = pl.col(column).str.contains(MINUTES)
    return pl.when(good).then(pl.col(column).cast(pl.Int32, strict=False))


def cells(text: str, count: int) -> pl.DataFrame:
    """The lines of a comma file that are not empty: line, raw, width, block, c0 .. c<count-1>.

    block counts the empty lines before a line. Cells hold no quotes and no commas.
    """
    lines = pl.Series("raw", [text.removeprefix("\ufeff")]).str.split("\n").explode().to_frame()
    lines = lines.with_columns(is_empty=pl.col("raw").str.strip_chars() == "").with_columns(
        line=pl.int_range(1, pl.len() + 1, dtype=pl.Int32), block=pl.col("is_empty").cum_sum()
    )
    row = pl.col("raw").str.strip_chars_end("\r")
    parts = row.str.split_exact(",", count - 1).struct.rename_fields(
        [f"c{n}" for n in range(count)]
    )
    return (
        lines.filter(~pl.col("is_empty"))
        .select(
            "line",
            "raw",
            "block",
            row.str.count_matches(",", literal=True).alias("width") + 1,
            parts.alias("parts"),
        )
        .unnest("parts")
        .with_columns(pl.col([f"c{n}" for n in range(count)]).fill_null(""))
    )


def read(text: str) -> Timetable:
    """Read a whole file. Never raises on a bad line: it stands in `flaws`."""
    lines = cells(text, 4).with_columns(is_header=pl.col("c0").str.contains(HEADER))
    trains = lines.filter("is_header").select(
        "block", "line", train_no="c0", code="c1", calendar="c2"
    )
    too_wide = pl.when(pl.col("width") > 3).then(pl.lit("a stop has at most three cells"))
    stops, flaws = journeys(lines.filter(~pl.col("is_header")), too_wide)
    headless = _first_of_block(lines.join(trains, on="block", how="anti"), "stops without a train")
    flaws = pl.concat([flaws, headless]).unique("block", keep="first", maintain_order=True)
    return Timetable(trains, stops.join(headless, on="block", how="anti"), flaws)


def _first_of_block(lines: pl.DataFrame, reason: str) -> pl.DataFrame:
    return (
        lines.sort("line")
        .unique("block", keep="first", maintain_order=True)
        .select("block", "line", "raw", reason=pl.lit(reason))
    )


def journeys(lines: pl.DataFrame, misfit: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Stops with minutes since the first departure, and the first flaw of each block without them.

    lines: block, line, raw, c0 (station), c1 (minutes since the departure before), c2 (minutes of
    the stop, a time where it is none, the time of departure in the first line of a block).
    misfit: the reason why a line has not the shape of a stop, null where it has.
    """
    stops = lines.with_columns(
        stop_seq=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("block"),
        stops=pl.len().over("block"),
        run=_number("c1"),
        dwell=_number("c2"),
        clock=clock_minute("c2"),
    ).with_columns(
        is_first=pl.col("stop_seq") == 1,
        is_last=pl.col("stop_seq") == pl.col("stops"),
    )
    stay = pl.when("is_first").then(0).otherwise(pl.col("dwell").fill_null(0))
    stops = stops.with_columns(
        origin_minute=pl.col("clock").first().over("block"),
        depart=(pl.when("is_first").then(0).otherwise("run") + stay).cum_sum().over("block"),
        stay=stay,
    ).with_columns(arrive=pl.col("depart") - pl.col("stay"))
    now = (pl.col("origin_minute") + pl.col("arrive")) % 1440
    is_later = ~pl.col("is_first")
    reason = pl.coalesce(
        misfit,
        pl.when(pl.col("c0").str.strip_chars() == "").then(pl.lit("the stop has no station")),
        pl.when(pl.col("stops") == 1).then(pl.lit("the train has one stop only")),
        pl.when(pl.col("is_first") & ((pl.col("c1") != "") | pl.col("clock").is_null())).then(
            pl.lit("the first stop has no time of departure")
        ),
        pl.when(is_later & pl.col("run").is_null()).then(
            pl.lit("minutes since the previous departure are no number")
        ),
        pl.when(
            is_later
            & (pl.col("c2") != "")
            & pl.all_horizontal(pl.col("dwell").is_null(), pl.col("clock").is_null())
        ).then(pl.lit("the stop is neither minutes nor a time")),
        pl.when(is_later & ~pl.col("is_last") & (pl.col("c2") == "")).then(
            pl.lit("a stop on the way has no departure")
        ),
        pl.when(is_later & pl.col("clock").is_not_null() & (pl.col("clock") != now)).then(
            pl.lit("the time does not follow from the minutes before it")
        ),
        pl.when(pl.col("depart") > LONGEST_MINUTES).then(
            pl.lit("the train is under way for more than a week")
        ),
    )
    stops = stops.with_columns(reason=reason)
    flaws = (
        stops.filter(pl.col("reason").is_not_null())
        .sort("line")
        .unique("block", keep="first", maintain_order=True)
        .select("block", "line", "raw", "reason")
    )
    good = stops.join(flaws, on="block", how="anti").select(
        "block",
        "line",
        "stop_seq",
        "origin_minute",
        stop_raw="c0",
        arrive_minutes=pl.when(~pl.col("is_first")).then("arrive"),
        depart_minutes=pl.when(~pl.col("is_last")).then("depart"),
    )
    return good, flaws
