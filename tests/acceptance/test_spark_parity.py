"""The same models on another engine make the same tables, counted both ways.

Needs Java and the Spark environment (`make spark`); skips with the reason where one is absent. The
whole refresh on a cluster of several processes and the national timetable take minutes more and
run with METROCIRCLE_LONG=1.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines.settings import Settings
from pipelines.transform import project
from tests.conftest import ROOT, Refreshed, run_cli
from tests.fixtures.spark_cluster import LOOPBACK, cluster

pytestmark = pytest.mark.slow
# The unit tests of models run on DuckDB alone (transform.project), and their results stand in the
# ledger; the dictionary counts its rows, which is one row that differs, seen from either side.
JUDGED_ELSEWHERE = {"ledger"}
COUNTED_ELSEWHERE = {"table_dictionary": 2}
LONG = "takes minutes: set METROCIRCLE_LONG=1"
WINDOW = ("time220620.min.csv.gz", "train220620.csv.gz", "station.20220630.csv")


@pytest.fixture(scope="module")
def spark_python() -> Path:
    """The interpreter of the Spark environment."""
    python = Path(
        os.environ.get("METROCIRCLE_SPARK_PYTHON") or ROOT / ".venv-spark" / "bin" / "python"
    )
    if not python.exists():
        pytest.skip("no Spark environment: run `make spark`")
    if shutil.which("java") is None:
        pytest.skip("no Java: Spark needs version 17")
    return python


def built_on_spark(python: Path, lake: Path, folder: Path, *arguments: str) -> Path:
    """The models on Spark, from a lake as it stands, in a DuckDB of their own; where that lies."""
    script = ROOT / "pipelines" / "transform" / "spark.py"
    done = subprocess.run(
        [python, script, lake, folder / "build" / "spark", "build", *arguments],
        capture_output=True, text=True, check=False, timeout=1800,
        env={**os.environ, "METROCIRCLE_SPARK_MASTER": "local[2]"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-5000:]
    settings = replace(Settings(), warehouse=folder)
    project.take_in(settings, project.spark_folder(settings) / "tables")
    return project.build_database(settings)


def differing(one: Path, other: Path) -> dict[str, int]:
    """Rows of each table of one database that the other one lacks, and the other way round."""
    with duckdb.connect() as connection:
        for name, file in (("one", one), ("other", other)):
            path = str(file).replace("'", "''")
            connection.execute(f"attach '{path}' as {name} (read_only)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'one' "
            "and schema_name in ('main', 'meta') and not internal"
        ).fetchall()
        assert len(tables) > 20
        return {
            table: connection.execute(lacking(connection, schema, table)).fetchall()[0][0]
            for schema, table in tables
        }


def lacking(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
    """The question for `differing`; columns are told by name, their order is the release's job."""
    named = connection.execute(
        "select string_agg(column_name, ', ' order by column_index) from duckdb_columns() "
        "where database_name = 'one' and schema_name = $1 and table_name = $2",
        [schema, table],
    ).fetchall()[0][0]
    one, other = (f"(select {named} from {name}.{schema}.{table})" for name in ("one", "other"))
    return f"select count(*) from (({one} except all {other}) union all ({other} except all {one}))"


def test_every_table_is_the_same_in_one_process(
    refreshed: Refreshed, spark_python: Path, tmp_path: Path
) -> None:
    """Seeds and models, the ones in between too; what dbt's tests would say, equal rows say."""
    exclude = ("--exclude", "resource_type:unit_test", "resource_type:test")
    other = built_on_spark(spark_python, refreshed.warehouse / "lake", tmp_path, *exclude)
    found = differing(refreshed.warehouse / "build" / "build.duckdb", other)
    assert len(found) > 100
    assert {table: rows for table, rows in found.items() if rows} == {}


@pytest.mark.skipif(not os.environ.get("METROCIRCLE_LONG"), reason=LONG)
def test_a_refresh_on_a_cluster_makes_the_same_release(
    refreshed: Refreshed, spark_python: Path, tmp_path: Path
) -> None:
    warehouse = tmp_path / "warehouse"
    shutil.copytree(refreshed.warehouse, warehouse, symlinks=True)
    with cluster(spark_python, tmp_path) as address:
        result = run_cli(
            "refresh", "--json", warehouse=warehouse, timeout=3600, METROCIRCLE_ENGINE="spark",
            METROCIRCLE_SPARK_PYTHON=str(spark_python), METROCIRCLE_SPARK_MASTER=address,
            METROCIRCLE_SPARK_CONF=LOOPBACK,
        )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout)["did_work"]
    release = (warehouse / "current").resolve()
    found = differing(*(r / "metrocircle.duckdb" for r in (refreshed.release, release)))
    assert {t: n for t, n in found.items() if n and t not in JUDGED_ELSEWHERE} == COUNTED_ELSEWHERE
    made = warehouse / "build" / "spark" / "tables"
    assert any(made.rglob("circle_indicator_year/*.parquet")), "Spark made nothing"


@pytest.mark.skipif(not os.environ.get("METROCIRCLE_LONG"), reason=LONG)
def test_a_national_timetable_is_the_same_on_spark(
    spark_python: Path, originals: Path, tmp_path: Path
) -> None:
    """Three weeks of the nation, 10,136 trains. `rail_city_pair_day_national` is a view, so DuckDB
    makes it either way; everything computed from it and from the stops is Spark's."""
    drop, folder = tmp_path / "drop", tmp_path / "duckdb"
    drop.mkdir()
    for name in WINDOW:
        shutil.copy(originals / "data" / "rail" / "raw" / "gpx0214" / name, drop)
    result = run_cli("refresh", "--drop", str(drop), "--accept", warehouse=folder, timeout=1800)
    assert result.returncode == 0, result.stdout + result.stderr
    other = built_on_spark(
        spark_python, folder / "lake", tmp_path / "other",
        "--exclude", "resource_type:unit_test", "resource_type:test",
    )  # fmt: skip
    found = differing(folder / "build" / "build.duckdb", other)
    assert {table: rows for table, rows in found.items() if rows} == {}
