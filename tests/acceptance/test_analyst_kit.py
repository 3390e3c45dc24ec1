"""What an analyst gets works as shown: worked queries, plain clients, HTTP."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
from range_server import serve

from pipelines.release.query import query
from tests.conftest import ROOT, Refreshed, run_cli

FOLDER = ROOT / "dbt_project" / "analyses"
QUERIES = sorted(FOLDER.glob("*.sql"))
# One row that a worked query must hold; columns not named may hold anything.
HELD = {
    "circle_gdp_by_vintage": {"year": 2021, "first_published": 68089.0, "latest": 68199.98},
    "known_on_a_date": {"place_code": "440100", "known_then": 22859.3471, "edition": "2019"},
    "rail_holiday_against_workday": {
        "origin_name_zh": "深圳市", "destination_name_zh": "广州市", "workday": 265, "holiday": 311,
    },
    "air_index_recomputed": {"place_code": "440100", "days": 366, "unequal": 0},
    "definitions_compared": {"circle_id": "GZ_PAPER9", "value": 68199.98, "members_total": 9},
    "column_origins": {"input_table": "tidy.observation", "input_column": "value"},
    "walk_back": {"place_raw": "广州市", "value_text": "28232", "locator": "prefecture!T209"},
    "targets": {"target_id": "T0001", "region": "GZ_OFFICIAL2023"},
}  # fmt: skip


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_worked_query_answers(refreshed: Refreshed, path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    zh, en = sql.splitlines()[:2]
    assert re.match(r"-- .*[？。]", zh) and re.match(r"-- \w", en), "says its question, twice"
    frame = query(refreshed.release, sql, None)
    assert frame.height
    # A total order: the same release gives the same lines, whatever the threads.
    with duckdb.connect(str(refreshed.release / "metrocircle.duckdb"), read_only=True) as plain:
        plain.execute("set threads = 1")
        assert plain.execute(sql).fetchall() == frame.rows()
    wanted = HELD.get(path.stem, {})
    matching = [row for row in frame.to_dicts() if wanted.items() <= row.items()]
    assert matching or not wanted, frame


def test_the_readme_lists_the_worked_queries() -> None:
    listed = re.findall(r"^\| `(\w+)\.sql`", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == [path.stem for path in QUERIES]
    assert HELD.keys() <= set(listed)


def test_a_share_of_the_province_rests_on_nine_printed_numerators(refreshed: Refreshed) -> None:
    frame = query(refreshed.release, (FOLDER / "walk_back.sql").read_text(), None)
    printed = frame.filter(pl.col("role") == "numerator")
    assert printed.height == 9
    assert frame["file"].null_count() == frame["locator"].null_count() == 0
    assert sum(float(text) for text in printed["value_text"]) == 68089


def test_figures_are_counted_once(refreshed: Refreshed) -> None:
    frame = query(refreshed.release, (FOLDER / "figures_reproduced.sql").read_text(), None)
    states = frame.drop("document", "vintage", "figures")
    assert states.sum_horizontal().to_list() == frame["figures"].to_list()


def test_the_command_runs_a_file(refreshed: Refreshed) -> None:
    result = run_cli("query", str(FOLDER / "targets.sql"), warehouse=refreshed.warehouse)
    assert "T0001" in result.stdout
    wrong = run_cli("query", "nosuch.sql", warehouse=refreshed.warehouse)
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (1, False)


def test_parquet_is_read_over_http(refreshed: Refreshed) -> None:
    """polars by ranges, pandas whole; DuckDB on what polars read (its httpfs is an extension)."""
    path = "parquet/city_indicator_year.parquet"
    size = (refreshed.release / path).stat().st_size
    with serve(refreshed.release) as server:
        url = f"{server.url}/{path}"
        frame = (
            pl.scan_parquet(url)
            .filter(pl.col("indicator_id") == "gdp", pl.col("is_latest"))
            .select("place_code", "year", "value")
            .collect()
        )
        assert all(asked and asked.startswith("bytes=") for asked in server.ranges)
        held = pl.read_parquet(refreshed.release / path)
        assert frame.height == held.filter(indicator_id="gdp", is_latest=True).height
        [(rows,)] = duckdb.sql("select count(*) from frame").fetchall()
        assert rows == frame.height
        server.sent = 0
        assert len(pd.read_parquet(url)) == held.height
        assert server.sent == size
