"""The older timetable archive, two files for one timetable: `time…` holds stops, `train…` trains.

Belongs here: those two text formats and what joins them. Not here: the newer archive (cr), running
days (calendar), stations (stations).

`time…` has no empty lines and no train_no; a train begins where the second cell is empty and the
fourth is not: `LZJ,,17:52,Y667,,220408-20|26-0512`. Later lines give station, minutes since the
previous departure, minutes of the stop (or the time where it is none), and where midnight is passed
the number of the day and the running days shifted by it, which say nothing new.
`train…` has train_no, both ends, the last train code, the number of stops and the running days. The
code of the first file is the one inside the train_no; a train that changes it on the way has
another one here.
"""

from __future__ import annotations

import polars as pl

from pipelines.rail import cr
from pipelines.rail.cr import Timetable

# What says that a train of the list and stops belong together, surest first. The two files were
# written days apart, so an end, a number of stops or the code may have changed in between.
_ENDS = ("origin", "terminal", "stops", "calendar")
PASSES = (
    ("code_inside", *_ENDS),
    ("code", *_ENDS),
    _ENDS,
    ("code_inside", "calendar"),
    ("code", "calendar"),
    ("code_inside", "stops"),
)


def read(times: str, trains: str) -> Timetable:
    """Read both files. Never raises on a bad line: it stands in `flaws`.

    `flaws` has a column `file` beside those of `Timetable`: "time" or "train".
    """
    lines = cr.cells(times, 6)
    begins = (pl.col("c1") == "") & (pl.col("c3") != "")
    lines = lines.with_columns(begins.alias("begins")).with_columns(
        pl.col("begins").cum_sum().alias("block")
    )
    misfit = (
        pl.when(pl.col("width") > 6)
        .then(pl.lit("a stop has at most six cells"))
        .when(pl.col("block") == 0)
        .then(pl.lit("stops without a train"))
        .when(~pl.col("begins") & (pl.col("c3") != ""))
        .then(pl.lit("a train code in the middle of a train"))
    )
    stops, flaws = cr.journeys(lines, misfit)
    runs = lines.group_by("block", maintain_order=True).agg(
        pl.col("c0").first().alias("origin"),
        pl.col("c0").last().alias("terminal"),
        pl.col("c3").first().alias("code_inside"),
        pl.len().cast(pl.Int32).alias("stops"),
        pl.col("c5").first().alias("calendar"),
        pl.col("line").first().alias("first_line"),
        pl.col("raw").first(),
    )
    listed, bad = _listed(trains)
    matched = _matched(listed, runs)
    # A train in the list that has no stops is still a train of its days.
    alone = matched["block"].is_null()
    above = lines.height + pl.int_range(pl.len(), dtype=pl.UInt32) + 1
    matched = matched.with_columns(
        pl.when(alone).then(above).otherwise(pl.col("block").cast(pl.UInt32)).alias("block")
    )
    unlisted = runs.join(matched, on="block", how="anti").select(
        "block", pl.col("first_line").alias("line"), "raw",
        reason=pl.lit("stops of a train that the list of trains does not name once"),
    )  # fmt: skip
    flaws = pl.concat([flaws, unlisted], how="vertical_relaxed").unique(
        "block", keep="first", maintain_order=True
    )
    first = pl.coalesce("code_there", "code_inside")
    found = matched.select(
        "block",
        "line",
        "train_no",
        code=pl.when(first == pl.col("code"))
        .then("code")
        .otherwise(pl.concat_str(first, pl.lit("/"), "code")),
        calendar="calendar",
    )
    flaws = pl.concat([flaws.with_columns(file=pl.lit("time")), bad], how="vertical_relaxed")
    good = stops.with_columns(pl.col("block").cast(pl.UInt32)).join(
        found.select("block"), on="block", how="semi"
    )
    return Timetable(found, good, flaws)


def _matched(listed: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """Every train of the list with the block of its stops; null where none is surely its own.

    Trains alike in all that a pass compares would take each other's stops: they stay for the next
    pass and in the end without stops.
    """
    runs = runs.select(*_ENDS, "block", code_there="code_inside")
    found = []
    for key in PASSES:
        there = ["code_there" if name.startswith("code") else name for name in key]
        pairs = listed.filter(pl.struct(key).is_unique()).join(
            runs.filter(pl.struct(there).is_unique()),
            left_on=list(key), right_on=there, how="inner", coalesce=False,
        )  # fmt: skip
        found.append(pairs.select(*listed.columns, "block", "code_there"))
        listed = listed.join(pairs, on="train_no", how="anti")
        runs = runs.join(pairs, on="block", how="anti")
    left = listed.with_columns(
        pl.lit(None, runs.schema["block"]).alias("block"),
        pl.lit(None, pl.String).alias("code_there"),
    )
    return pl.concat([*found, left]).sort("line")


def _listed(text: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The trains of the list with the code inside their train_no, and the lines that hold none."""
    lines = cr.cells(text, 7).with_columns(
        pl.col("c4").str.extract(r"^([0-9]{1,3})$").cast(pl.Int32, strict=False).alias("stops"),
        # Two characters of the depot, eight of the code padded with 0, two of the version.
        pl.col("c0").str.slice(2, 8).str.strip_chars_start("0").alias("code_inside"),
    )
    reason = (
        pl.when(pl.col("width") > 7)
        .then(pl.lit("a train has at most seven cells"))
        .when(~pl.col("c0").str.contains(cr.HEADER))
        .then(pl.lit("not a train number"))
        .when((pl.col("c1") == "") | (pl.col("c2") == "") | (pl.col("c3") == ""))
        .then(pl.lit("the train has no ends or no code"))
        .when(pl.col("stops").is_null())
        .then(pl.lit("not a count of stops"))
        .when(~pl.col("c0").is_first_distinct())
        .then(pl.lit("the train is listed twice"))
    )
    lines = lines.with_columns(reason=reason)
    bad = lines.filter(pl.col("reason").is_not_null()).select(
        pl.lit(0, pl.UInt32).alias("block"), "line", "raw", "reason", file=pl.lit("train")
    )
    good = lines.filter(pl.col("reason").is_null()).select(
        "line",
        "code_inside",
        "stops",
        train_no="c0",
        origin="c1",
        terminal="c2",
        code="c3",
        calendar="c6",
    )
    return good, bad
