"""What an analyst asks of a release, cold and warm, through each door that it has.

The work: five questions on the release in use, each through the DuckDB file, through DuckDB on the
Parquet files, through polars on the same, and through pandas reading CSV, which is what one does
without a warehouse (the CSV files are written before the clock starts). Cold is a fresh process
from its start to the answer, imports and all; warm is the same question asked again in a process
that has asked it before, where pandas reads its file again, as a cell of a notebook does. All four
must give the same answer. The aim: the DuckDB file answers warm in tens of milliseconds.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import measure

# Names of the tables that a question reads, and the question in SQL: one row, one number or more.
QUESTIONS = {
    "one series": (
        ["main.city_indicator_best"],
        "select count(*), sum(value) from city_indicator_best "
        "where place_code = '440600' and indicator_id = 'gdp'",
    ),
    "one circle": (
        ["main.circle_indicator_year"],
        "select count(*), sum(value) from circle_indicator_year "
        "where circle_id = 'GZ_PAPER9' and vintage = 'latest' and value is not null",
    ),
    "a ranking": (
        ["main.city_indicator_best"],
        "select count(*), sum(place) from (select rank() over (partition by indicator_id, year "
        "order by value desc) as place from city_indicator_best where value is not null)",
    ),
    "as known on a day": (
        ["main.city_indicator_year"],
        "select count(*), sum(value) from (select value from city_indicator_year "
        "where published_on <= date '2021-06-30' and scope = 'whole_city' "
        "qualify row_number() over (partition by place_code, indicator_id, year "
        "order by published_on desc, document, edition desc, locator) = 1)",
    ),
    "what a value rests on": (
        ["meta.lineage", "main.city_indicator_year"],
        "select count(*), sum(l.inputs) from city_indicator_year as c join "
        "(select fact_id, count(*) as inputs from lineage group by fact_id) as l using (fact_id)",
    ),
}
READERS = ("DuckDB file", "DuckDB on Parquet", "polars on Parquet", "pandas on CSV")


def paths(release: Path) -> dict[str, Path]:
    """The Parquet file of every table that is asked for."""
    tables = json.loads((release / "release.json").read_text(encoding="utf-8"))["tables"]
    names = {name for needed, _ in QUESTIONS.values() for name in needed}
    return {name.partition(".")[2]: release / tables[name]["path"] for name in sorted(names)}


def asker(reader: str, question: str, release: Path, folder: Path) -> Callable[[], tuple[Any, Any]]:
    """A function that asks the question anew each time it is called."""
    if reader.startswith("DuckDB"):
        import duckdb

        sql = QUESTIONS[question][1]
        if reader == "DuckDB file":
            connection = duckdb.connect(str(release / "metrocircle.duckdb"), read_only=True)
            connection.execute("set search_path = 'main,meta'")
        else:
            connection = duckdb.connect()
            for name, path in paths(release).items():
                connection.execute(f"create view {name} as from read_parquet('{path}')")
        return lambda: connection.execute(sql).fetchall()[0]
    if reader == "polars on Parquet":
        return lambda: _polars(question, paths(release))
    return lambda: _pandas(question, folder)


def _polars(question: str, files: dict[str, Path]) -> tuple[Any, Any]:
    import polars as pl

    best, year = (pl.scan_parquet(files[f"city_indicator_{name}"]) for name in ("best", "year"))
    if question == "one series":
        found = best.filter(place_code="440600", indicator_id="gdp").select("value")
    elif question == "one circle":
        found = (
            pl.scan_parquet(files["circle_indicator_year"])
            .filter(pl.col("value").is_not_null(), circle_id="GZ_PAPER9", vintage="latest")
            .select("value")
        )
    elif question == "a ranking":
        place = pl.col("value").rank("min", descending=True).over("indicator_id", "year")
        found = best.filter(pl.col("value").is_not_null()).select(place)
    elif question == "as known on a day":
        found = (
            year.filter(pl.col("published_on") <= pl.date(2021, 6, 30), scope="whole_city")
            .sort(
                "published_on", "document", "edition", "locator",
                descending=[True, False, True, False], nulls_last=True,
            )
            .group_by("place_code", "indicator_id", "year").first().select("value")
        )  # fmt: skip
    else:
        inputs = pl.scan_parquet(files["lineage"]).group_by("fact_id").agg(inputs=pl.len())
        found = year.join(inputs, on="fact_id").select("inputs")
    answer = found.select(pl.len().alias("rows"), pl.nth(0).sum().alias("sum")).collect()
    return answer.row(0)


def _pandas(question: str, folder: Path) -> tuple[Any, Any]:
    import pandas as pd

    text = {"place_code": str, "edition": str}
    if question == "one circle":
        frame = pd.read_csv(folder / "circle_indicator_year.csv", low_memory=False)
        found = frame[
            (frame.circle_id == "GZ_PAPER9") & (frame.vintage == "latest") & frame.value.notna()
        ].value
        return len(found), found.sum()
    if question in ("one series", "a ranking"):
        frame = pd.read_csv(folder / "city_indicator_best.csv", dtype=text, low_memory=False)
        if question == "one series":
            found = frame[(frame.place_code == "440600") & (frame.indicator_id == "gdp")].value
        else:
            known = frame[frame.value.notna()]
            groups = known.groupby(["indicator_id", "year"]).value
            found = groups.rank(method="min", ascending=False)
        return len(found), found.sum()
    year = pd.read_csv(folder / "city_indicator_year.csv", dtype=text, low_memory=False)
    if question == "as known on a day":
        known = year[(year.published_on <= "2021-06-30") & (year.scope == "whole_city")]
        found = known.sort_values(
            ["published_on", "document", "edition", "locator"], ascending=[False, True, False, True]
        ).drop_duplicates(["place_code", "indicator_id", "year"])
        return len(found), found.value.sum()
    inputs = pd.read_csv(folder / "lineage.csv").groupby("fact_id").size()
    found = year.fact_id.map(inputs).dropna()
    return len(found), found.sum()


def ask(reader: str, question: str, release: Path, folder: Path, again: int) -> None:
    """Ask once, and again; print the answer and the median milliseconds of the later times."""
    one = asker(reader, question, release, folder)
    answer = one()
    took = []
    for _ in range(again):
        start = time.perf_counter()
        one()
        took.append((time.perf_counter() - start) * 1000)
    warm = statistics.median(took) if took else None
    answer = (int(answer[0]), round(float(answer[1]), 3))
    print(json.dumps({"answer": answer, "warm_ms": warm}))  # noqa: T201


def main() -> int:
    if sys.argv[1:2] == ["--ask"]:
        reader, question, at, csv, again = sys.argv[2:]
        ask(reader, question, Path(at), Path(csv), int(again))
        return 0
    parser = measure.arguments(__doc__ or "")
    parser.add_argument(
        "--release", type=Path, help="folder of a release (default: the one in use)"
    )
    options = parser.parse_args()
    release = options.release or measure.release_in_use()
    if release is None:
        print("no release: run `metrocircle refresh` first")  # noqa: T201
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        import polars as pl

        for name, path in paths(release).items():
            pl.read_parquet(path).write_csv(folder / f"{name}.csv")
        text = _table(release, folder, options.rounds)
    print(text)  # noqa: T201
    if options.write:
        measure.write("queries", text)
    return 0


def _table(release: Path, folder: Path, rounds: int) -> str:
    lines = [
        "Cold: seconds of a fresh process; warm: milliseconds in one that asked before; in "
        f"brackets the ratio to the DuckDB file. Medians of {rounds} and of {rounds * 7}; "
        f"release of {sum(1 for _ in release.rglob('*.parquet'))} Parquet files.",
        "",
        "| question | " + " | ".join(READERS) + " |",
        "| --- | " + " | ".join("---:" for _ in READERS) + " |",
    ]
    for question in QUESTIONS:

        def command(reader: str, again: int, question: str = question) -> list[str]:
            return measure.python(
                __file__, "--ask", reader, question, str(release), str(folder), str(again)
            )

        cold = measure.compare(
            [measure.Contender(reader, command(reader, 0)) for reader in READERS], rounds
        )
        warm = []
        answers = set()
        for reader in READERS:
            done = subprocess.run(
                command(reader, rounds * 7), capture_output=True, text=True, check=True
            )
            said = json.loads(done.stdout.splitlines()[-1])
            warm.append(said["warm_ms"])
            answers.add(tuple(said["answer"]))
        if len(answers) != 1:
            raise RuntimeError(f"{question}: the readers do not agree: {sorted(answers)}")
        cells = [
            f"{c.median:.2f} s ({c.median / cold[0].median:.1f}) / {w:,.1f} ms ({w / warm[0]:.1f})"
            for c, w in zip(cold, warm, strict=True)
        ]
        lines.append(f"| {question} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
