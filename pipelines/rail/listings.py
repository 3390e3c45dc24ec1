"""Trains as somebody listed them: texts of stops, a workbook, boards of stations, a list of codes.

Belongs here: from those files to the trains they list and to pairs of cities as a reader would
count them, for holding the dated timetables against (`rail_listing_check`, `rail_board_check`). Not
here: timetables with service dates (cr, twin, whole); a listing never becomes a count of a day.

    text      a code alone, then `station<TAB>arrival<TAB>departure`, an empty line between trains
    workbook  the sheet 时刻表 of Parse12306: a row per stop, running days of a presale window
    board     GBK lines of one station: class,始|过|终,code,from,to,arrival,departure
    codes     12306's train_list flattened: number,code(from-to),train_no,...; ends and no stops

Which publication a file is stands in `sources/rail/listings.csv` by the hash of its bytes, because
none of the forms says its date.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.archive.offers import gb18030_text
from pipelines.archive.store import Snapshot
from pipelines.errors import LayoutDrift, Reject
from pipelines.rail import cr, pairs, stations, whole
from pipelines.rail.calendar import Window
from pipelines.rail.recognise import LISTINGS, raw_bytes
from pipelines.yearbook import workbook

TABLES = ("rail_listed_train", "rail_listed_pair")
SHEET = "时刻表"
SHEET_HEADER = (
    "车次", "起点", "终点", "出发时间", "到达时间", "类别", "服务", "站序", "站名", "到站时间",
    "出发时间", "停留时间", "是否开通", "运行日期", "其他",
)  # fmt: skip
ROLES = {"始": "origin", "过": "passing", "终": "terminal"}
CODE = r"^[A-Z]?[0-9]{1,5}(?:/[A-Z]?[0-9]{1,5})*$"
_CLOCK = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9](?::00)?$"
_NO_TIME = r"^-+$"
_PRINTED_DATES = r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}(?:\|20[0-9]{2}-[0-9]{2}-[0-9]{2})*$"
# What some forms say and others do not.
_SAID = {
    "board_station": pl.String, "board_role": pl.String, "train_no": pl.String,
    "calendar": pl.String, "arrive_minute": pl.Int32, "depart_minute": pl.Int32,
    "stops_total": pl.Int32,
}  # fmt: skip
_OWN = {"median_trains": pl.Float64, "days_counted": pl.Int32}
FLAWS = {"line": pl.Int32, "raw": pl.String, "reason": pl.String}


@dataclass(frozen=True)
class Listing:
    """One file. `trains` and `stops` as in `cr.Timetable` (a board or list of codes has no stops).

    trains has origin_raw, terminal_raw and, where the form prints them, train_no, calendar,
    board_role, arrive_minute, depart_minute as well. flaws: line, raw, reason: stops that were left
    out (the rest of their train stays, since every stop has a time of its own), and trains that
    were left out with all their stops.
    """

    trains: pl.DataFrame
    stops: pl.DataFrame
    flaws: pl.DataFrame


@dataclass(frozen=True)
class Registered:
    """What `listings.csv` says of a listing. scope: all, or gdc. window: days of its calendar."""

    form: str
    scope: str
    listed_on: date
    window: Window | None


def registered(sources: Path, document: str, edition: str) -> Registered:
    """The line of a listing; LayoutDrift when there is none."""
    with (sources / LISTINGS).open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if (row["document"], row["edition"]) == (document, edition):
                window = None
                if row["window_first"]:
                    first, last = (
                        date.fromisoformat(row[n]) for n in ("window_first", "window_last")
                    )
                    window = Window(first, first, last)
                listed_on = date.fromisoformat(row["published_on"])
                return Registered(row["form"], row["scope"], listed_on, window)
    raise LayoutDrift(f"{document} {edition} is not in sources/{LISTINGS}: add it with its date")


# ------------------------------------------------------------------------------ forms of files


def _minute(column: str) -> pl.Expr:
    """Minute of the day of HH:MM or HH:MM:00; null for anything else."""
    good = pl.col(column).str.contains(_CLOCK)
    hours = pl.col(column).str.slice(0, 2).cast(pl.Int32, strict=False)
    minutes = pl.col(column).str.slice(3, 2).cast(pl.Int32, strict=False)
    return pl.when(good).then(hours * 60 + minutes)


def _journeys(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Stops in minutes since the first departure, and flaws of trains with less than two stops.

    rows: block, line, raw, stop_raw, arrive, depart (minutes of the day; the arrival of the first
    and the departure of the last stop mean nothing). A time less than the one before it is one of
    the next day.
    """
    counted = rows.sort("line").with_columns(
        stop_seq=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("block"),
        stops=pl.len().over("block"),
    )
    alone = counted.filter(pl.col("stops") < 2)
    flaws = alone.with_columns(reason=pl.lit("the train has one stop only"))
    first, last = pl.col("stop_seq") == 1, pl.col("stop_seq") == pl.col("stops")
    times = counted.filter(pl.col("stops") > 1).with_columns(
        arrive=pl.when(first).then("depart").otherwise("arrive"),
        depart=pl.when(last).then("arrive").otherwise("depart"),
    )
    wait = pl.col("depart") - pl.col("arrive")
    ride = (pl.col("arrive") - pl.col("depart").shift().over("block")).fill_null(0)
    stay = pl.when(wait < 0).then(wait + 1440).otherwise(wait)
    gone = pl.when(ride < 0).then(ride + 1440).otherwise(ride)
    times = times.with_columns(stay=stay, gone=gone).with_columns(
        left=(pl.col("gone") + pl.col("stay")).cum_sum().over("block"),
        origin_minute=pl.col("depart").first().over("block"),
    )
    return (
        times.select(
            "block",
            "line",
            "stop_seq",
            pl.col("origin_minute").cast(pl.Int32),
            "stop_raw",
            arrive_minutes=pl.when(pl.col("stop_seq") > 1)
            .then(pl.col("left") - pl.col("stay"))
            .cast(pl.Int32),
            depart_minutes=pl.when(pl.col("stop_seq") < pl.col("stops"))
            .then("left")
            .cast(pl.Int32),
        ),
        flaws,
    )


def _ends(trains: pl.DataFrame, stops: pl.DataFrame) -> pl.DataFrame:
    ends = stops.group_by("block").agg(
        pl.col("stop_raw").sort_by("stop_seq").first().alias("origin_raw"),
        pl.col("stop_raw").sort_by("stop_seq").last().alias("terminal_raw"),
        pl.col("origin_minute").first().alias("depart_minute"),
        pl.len().cast(pl.Int32).alias("stops_total"),
    )
    return trains.join(ends, on="block", maintain_order="left")


def _flaws(bad: pl.DataFrame) -> pl.DataFrame:
    return bad.select("line", "raw", "reason").cast(FLAWS)  # type: ignore[arg-type]


def read_text(text: str) -> Listing:
    """A listing of form text. Never raises on a bad line: it stands in `flaws`."""
    lines = pl.DataFrame(
        {"raw": text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")},
        schema={"raw": pl.String},
    ).with_row_index("line", offset=1)
    cells = pl.col("raw").str.split("\t")
    lines = lines.with_columns(
        pl.col("line").cast(pl.Int32),
        cells.list.len().alias("width"),
        *(
            cells.list.get(n, null_on_oob=True).fill_null("").alias(f"c{n}").str.strip_chars()
            for n in range(3)
        ),
    ).filter(pl.col("raw").str.strip_chars() != "")
    is_head = (pl.col("width") == 1) & pl.col("c0").str.contains(CODE)
    lines = lines.with_columns(is_head=is_head, block=is_head.cum_sum()).with_columns(
        arrive=_minute("c1"), depart=_minute("c2")
    )
    reason = pl.coalesce(
        pl.when(pl.col("block") == 0).then(pl.lit("a stop without a train")),
        pl.when(pl.col("width") != 3).then(
            pl.lit("neither a train code nor a stop of three cells")
        ),
        pl.when(pl.col("c0") == "").then(pl.lit("the stop has no station")),
        pl.when(pl.col("c0").str.contains(CODE)).then(
            pl.lit("a train code where a station should be")
        ),
        pl.when(pl.col("arrive").is_null() | pl.col("depart").is_null()).then(
            pl.lit("a time that is no time")
        ),
    )
    rows = lines.filter(~pl.col("is_head")).with_columns(reason=reason, stop_raw=pl.col("c0"))
    stops, lonely = _journeys(rows.filter(pl.col("reason").is_null()))
    heads = lines.filter("is_head").select("block", "line", "raw", code="c0")
    heads = heads.with_columns(
        reason=pl.when(~pl.col("block").is_in(stops["block"].unique().implode())).then(
            pl.lit("the train has less than two stops")
        )
    )
    bad = [_flaws(part.filter(pl.col("reason").is_not_null())) for part in (rows, lonely, heads)]
    good = heads.filter(pl.col("reason").is_null()).drop("raw", "reason")
    return Listing(_ends(good, stops), stops, pl.concat(bad).sort("line"))


def read_workbook(content: bytes, name: str) -> Listing:
    """A listing of form workbook; LayoutDrift when the sheet 时刻表 has another header."""
    cells = workbook.read_cells(content, "xlsx", name).frame.filter(pl.col("sheet") == SHEET)
    header = dict(cells.filter(pl.col("row") == 1).select("column", "text").rows())
    if (found := tuple(header.get(n + 1, "") for n in range(len(header)))) != SHEET_HEADER:
        raise LayoutDrift(
            f"{name}: expected the sheet {SHEET} with the header {','.join(SHEET_HEADER)}, "
            f"found {','.join(found) or 'no such sheet'}"
        )
    wide = (
        cells.filter((pl.col("row") > 1) & (pl.col("column") <= len(SHEET_HEADER)))
        .with_columns(pl.concat_str(pl.lit("c"), "column").alias("column"))
        .pivot("column", index="row", values="text", aggregate_function="first")
        .sort("row")
    )
    names = [f"c{n + 1}" for n in range(len(SHEET_HEADER))]
    wide = wide.with_columns(
        pl.lit("").alias(n) if n not in wide.columns else pl.col(n).fill_null("") for n in names
    ).with_columns(line=pl.col("row").cast(pl.Int32), raw=pl.concat_str(names, separator="|"))
    is_head = pl.col("c1") != ""
    days = pl.col("c14")
    wide = wide.with_columns(is_head=is_head, block=is_head.cum_sum()).with_columns(
        arrive=pl.coalesce(_minute("c10"), pl.when("is_head").then(_minute("c11"))),
        depart=_minute("c11"),
        no_arrival=pl.col("c10").str.contains(_NO_TIME) & ~pl.col("is_head"),
    )
    reason = pl.coalesce(
        pl.when(pl.col("block") == 0).then(pl.lit("a stop without a train")),
        pl.when(pl.col("c9") == "").then(pl.lit("the stop has no station")),
        pl.when(pl.col("arrive").is_null() | pl.col("depart").is_null()).then(
            pl.lit("a time that is no time")
        ),
    )
    rows = wide.with_columns(reason=reason, stop_raw=pl.col("c9"))
    stops, lonely = _journeys(rows.filter(pl.col("reason").is_null()))
    heads = wide.filter("is_head").select(
        "block",
        "line",
        "raw",
        code="c1",
        train_no=pl.col("c15").str.split("|").list.get(1, null_on_oob=True).fill_null(""),
        days=days,
        calendar=pl.when(days == "ALL")
        .then(pl.lit(""))
        .when(days.str.contains(_PRINTED_DATES))
        # 2016-03-10|2016-03-11 is 160310|160311 in the archive's words.
        .then(days.str.replace_all("-", "").str.replace_all(r"(^|\|)20", "${1}")),
    )
    bad = pl.coalesce(
        pl.when(~pl.col("code").str.contains(CODE)).then(pl.lit("not a train code")),
        pl.when(~pl.col("train_no").str.contains(cr.HEADER)).then(pl.lit("not a train number")),
        pl.when(pl.col("calendar").is_null()).then(pl.lit("running days that cannot be read")),
        pl.when(~pl.col("train_no").is_first_distinct()).then(pl.lit("the train is listed twice")),
        pl.when(~pl.col("block").is_in(stops["block"].unique().implode())).then(
            pl.lit("the train has less than two stops")
        ),
    )
    heads = heads.with_columns(reason=bad)
    flaws = [_flaws(part.filter(pl.col("reason").is_not_null())) for part in (rows, lonely, heads)]
    good = heads.filter(pl.col("reason").is_null()).drop("reason", "raw", "days")
    stops = stops.join(good.select("block"), on="block", how="semi")
    once = pl.concat(flaws).unique("line", keep="first", maintain_order=True).sort("line")
    return Listing(_ends(good, stops), stops, once)


def read_board(text: str) -> Listing:
    """A listing of form board. The station is the one that most of its trains start or end at."""
    lines = cr.cells(text, 7).with_columns(
        arrive_minute=_minute("c5"), depart_minute=_minute("c6"),
        board_role=pl.col("c1").replace_strict(ROLES, default=None, return_dtype=pl.String),
    )  # fmt: skip
    own = pl.when(pl.col("c1") == "始").then("c3").when(pl.col("c1") == "终").then("c4")
    common = lines.select(own.alias("own")).drop_nulls().group_by("own").len().sort("len", "own")
    station = common["own"][-1] if common.height else ""
    arrives, departs = pl.col("arrive_minute").is_null(), pl.col("depart_minute").is_null()
    reason = pl.coalesce(
        pl.when(pl.col("width") != 7).then(pl.lit("a train of a board has seven cells")),
        pl.when(pl.col("board_role").is_null()).then(pl.lit("neither 始, 过 nor 终")),
        pl.when(~pl.col("c2").str.contains(CODE)).then(pl.lit("not a train code")),
        pl.when((pl.col("c3") == "") | (pl.col("c4") == "")).then(pl.lit("the train has no ends")),
        pl.when((pl.col("c1") != "过") & (own != station)).then(
            pl.lit("a train that starts or ends at another station than the board's")
        ),
        pl.when((pl.col("c1") != "始") & arrives).then(pl.lit("an arrival that is no time")),
        pl.when((pl.col("c1") != "终") & departs).then(pl.lit("a departure that is no time")),
    )
    lines = lines.with_columns(reason=reason)
    good = lines.filter(pl.col("reason").is_null()).select(
        "line",
        "board_role",
        "arrive_minute",
        "depart_minute",
        code="c2",
        origin_raw="c3",
        terminal_raw="c4",
        board_station=pl.lit(station),
    )
    return Listing(good, _no_stops(), _flaws(lines.filter(pl.col("reason").is_not_null())))


def read_codes(text: str) -> Listing:
    """A listing of form codes: `0,D1(北京-沈阳南),24000000D121,…` under a header."""
    lines = cr.cells(text, 3).filter(pl.col("line") > 1)
    parts = pl.col("c1").str.extract_groups(r"^(?<code>[^(]+)\((?<origin>[^-]+)-(?<terminal>.+)\)$")
    lines = lines.with_columns(parts=parts).unnest("parts")
    reason = pl.coalesce(
        pl.when(pl.col("terminal").is_null()).then(pl.lit("not a code with its ends")),
        pl.when(~pl.col("code").str.contains(CODE)).then(pl.lit("not a train code")),
        pl.when(~pl.col("c2").str.contains(cr.HEADER)).then(pl.lit("not a train number")),
    )
    lines = lines.with_columns(reason=reason)
    good = lines.filter(pl.col("reason").is_null()).select(
        "line", "code", train_no="c2", origin_raw="origin", terminal_raw="terminal"
    )
    return Listing(good, _no_stops(), _flaws(lines.filter(pl.col("reason").is_not_null())))


def _no_stops() -> pl.DataFrame:
    return pl.DataFrame(schema={"block": pl.UInt32, "stop_raw": pl.String})


def _read(held: Snapshot) -> Listing:
    if held.reader == "workbook":
        return read_workbook(held.path.read_bytes(), held.file)
    data = raw_bytes(held.path, held.file)
    if held.reader == "board":
        return read_board(gb18030_text(data))
    text = data.decode("utf-8-sig", errors="replace")
    return read_text(text) if held.reader == "text" else read_codes(text)


# ------------------------------------------------------------------------------ tables of a slice


def read_listing(
    slice_: str, snapshots: tuple[Snapshot, ...], sources: Path, known: whole.Reference
) -> whole.ServiceDate:
    """The listed trains that matter in Guangdong, and pairs of its cities as the listing counts.

    A station or train that cannot be read is a reject of severity warning: who drops a listing
    cannot mend it.
    """
    about = registered(sources, snapshots[0].document, snapshots[0].edition)
    trains, counted, rejects = [], [], []
    for held in snapshots:
        read = _read(held)
        table, pairs_, more = _tables(slice_, held, read, about, known)
        trains.append(table)
        counted += [pairs_] if pairs_.height else []
        rejects += more
    tables = {"rail_listed_train": pl.concat(trains, how="diagonal_relaxed")}
    if counted:
        tables["rail_listed_pair"] = pl.concat(counted)
    return whole.ServiceDate(tables, rejects)


def _with(frame: pl.DataFrame, said: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    """The frame with a null column for everything that its form does not say."""
    absent = {name: kind for name, kind in said.items() if name not in frame.columns}
    return frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in absent.items())


def _tables(
    slice_: str,
    held: Snapshot,
    read: Listing,
    about: Registered,
    known: whole.Reference,
) -> tuple[pl.DataFrame, pl.DataFrame, list[Reject]]:
    rejects = [
        _reject(slice_, held, line, raw, "a line of its form (pipelines/rail/listings.py)", why)
        for line, raw, why in read.flaws.iter_rows()
    ]
    cities = known.cities.select("city_code_12306", "place_code")

    def placed(names: Iterable[str | None]) -> pl.DataFrame:
        found = stations.resolve(pl.Series(list(names), dtype=pl.String).drop_nulls(),
                                 known.stations, about.listed_on, about.listed_on)  # fmt: skip
        return found.drop("place_code").join(cities, on="city_code_12306", how="left")

    trains = read.trains
    if read.stops.height:
        meaning = placed(read.stops["stop_raw"])
        stops = read.stops.join(meaning, on="stop_raw")
        rejects += [
            _reject(slice_, held, line, raw, "a station of sources/rail/stations.csv with a city",
                    f"stop in no city, {count} times")
            for raw, line, count in stops.filter(pl.col("place_code").is_null())
            .group_by("stop_raw").agg(pl.col("line").min(), pl.len()).sort("line").iter_rows()
        ]  # fmt: skip
        ours = stops.filter(pl.col("place_code").str.starts_with(stations.GUANGDONG))
        trains = trains.join(ours.select("block").unique(), on="block", how="semi")
        counted = _pairs(ours, read, about)
    else:
        counted = pl.DataFrame(schema={"origin_code": pl.String})
    ends = placed([*trains["origin_raw"], *trains["terminal_raw"]])
    guangdong = ends.filter(pl.col("place_code").str.starts_with(stations.GUANGDONG))["stop_raw"]
    is_ours = pl.col("origin_raw").is_in(guangdong.implode()) | pl.col("terminal_raw").is_in(
        guangdong.implode()
    )
    letter = pl.col("code").str.slice(0, 1)
    board = str(trains["board_station"].first()) if "board_station" in trains.columns else ""
    table = trains.sort("line").with_columns(
        codes=pl.col("code"),
        code=pl.col("code").str.split("/").list.first(),
        form=pl.lit(about.form),
        telecode=pl.lit(placed([board])["telecode"].first() if board else None, pl.String),
        train_class=pl.when(letter.str.contains("[A-Z]")).then(letter).otherwise(pl.lit("number")),
        # A list of codes prints ends only; the other forms are boards or stops of Guangdong.
        touches_guangdong=is_ours if about.form == "codes" else pl.lit(True),
        locator=pl.concat_str(pl.lit(_mark(about.form)), "line"),
    )
    provenance = {
        "document": pl.lit(held.document),
        "edition": pl.lit(held.edition),
        "snapshot_id": pl.lit(held.snapshot_id),
        "listed_on": pl.lit(about.listed_on),
        "train_scope": pl.lit(about.scope),
    }
    counted = _with(counted.with_columns(**provenance), _OWN)
    return _with(table.with_columns(**provenance), _SAID), counted, rejects


def _mark(form: str) -> str:
    return f"{SHEET}!A" if form == "workbook" else "L"


def _reject(slice_: str, held: Snapshot, line: int, raw: str, expected: str, reason: str) -> Reject:
    return Reject(
        held.snapshot_id, f"{_mark(held.reader)}{line}", held.file, "rail_listed_train", slice_,
        raw, expected, raw[:60], "", reason, "warning",
    )  # fmt: skip


def _pairs(ours: pl.DataFrame, read: Listing, about: Registered) -> pl.DataFrame:
    """Pairs of cities as the listing offers them, in the three ways that people count.

    listed_trains: entries that leave a station of A and call at one of B later; stop_lists: of
    these, different ones (both numbers of a train are often listed apart); station_pairs: rows of
    a table of station pairs. median_trains: by the rule and the listing's own running days.
    """
    same = read.stops.sort("block", "stop_seq").group_by("block").agg(
        pl.col("origin_minute").first(), "stop_raw", "arrive_minutes", "depart_minutes"
    )  # fmt: skip
    same = same.with_columns(
        stop_list=pl.struct(pl.exclude("block")).rank("dense").cast(pl.UInt32)
    ).select("block", "stop_list")
    left = ours.filter(pl.col("depart_minutes").is_not_null()).select(
        "block", "stop_seq", origin_code="place_code"
    )
    there = ours.select("block", later="stop_seq", destination_code="place_code")
    rides = (
        left.join(there, on="block")
        .filter(
            (pl.col("later") > pl.col("stop_seq"))
            & (pl.col("origin_code") != pl.col("destination_code"))
        )
        .join(same, on="block")
    )
    counted = rides.group_by("origin_code", "destination_code").agg(
        pl.col("block").n_unique().cast(pl.Int32).alias("listed_trains"),
        pl.col("stop_list").n_unique().cast(pl.Int32).alias("stop_lists"),
        pl.len().cast(pl.Int32).alias("station_pairs"),
    )
    if about.window is not None:
        counted = counted.join(
            _own_median(ours, read, about.window),
            on=["origin_code", "destination_code"],
            how="left",
        )
    return counted.sort("origin_code", "destination_code")


def _own_median(ours: pl.DataFrame, read: Listing, window: Window) -> pl.DataFrame:
    """Median over the days of the listing's own calendar; a day without a train counts as 0."""
    trains, runs, _ = whole.running(read.trains, window)
    daily = pairs.count(ours, trains, runs, window).frame
    days = len(window)
    held = daily.group_by("origin_code", "destination_code").agg("direct_trains")
    medians = [
        float(np.median(np.pad(np.array(counts), (0, days - len(counts)))))
        for counts in held["direct_trains"]
    ]
    return held.select(
        "origin_code",
        "destination_code",
        pl.Series("median_trains", medians, dtype=pl.Float64),
        days_counted=pl.lit(days, pl.Int32),
    )
