"""The same dbt models on Spark: a session, the lake as tables, one `dbt build`, Parquet out.

Belongs here: what runs inside the Spark environment (`requirements-spark.lock`: dbt-spark, pyspark,
Java 17). Not here: taking the result into a release (`transform.project`), or any model. It imports
nothing of this house, since that environment holds neither Dagster nor DuckDB:

    python pipelines/transform/spark.py LAKE FOLDER DBT_ARGUMENT...

makes FOLDER/tables/<schema>.db/<table>/*.parquet and FOLDER/target/run_results.json.
METROCIRCLE_SPARK_MASTER is the cluster (default `local[*]`); METROCIRCLE_SPARK_CONF adds settings
of Spark as `name=value` parted by blanks. On a cluster of several machines LAKE and FOLDER must be
on storage that all of them see under one path.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

MASTER, CONF = "METROCIRCLE_SPARK_MASTER", "METROCIRCLE_SPARK_CONF"
SCHEMAS = ("lake", "main", "meta")
PROFILE = """metrocircle:
  target: spark
  outputs:
    spark: {type: spark, method: session, schema: main, host: NA, threads: 4}
"""
# What makes Spark read and write as DuckDB does; a user's settings come after and may not undo it.
FIXED = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    # A product keeps its decimals (28,10 by 28,10 fell to six); one that does not fit is an error.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.legacy.createHiveTableByDefault": "false",
    "spark.sql.sources.default": "parquet",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
DEFAULTS = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
# In one process the tables are small, and compiling a query costs more than running it: no code is
# generated, the machine compiles little, a shuffle is one partition and no plan is thought over
# twice. A cluster keeps Spark's own settings.
LOCAL = {
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.default.parallelism": "1",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def configuration(folder: Path) -> dict[str, str]:
    """What the session is set to; tables lie below `folder`."""
    given = dict(part.split("=", 1) for part in os.environ.get(CONF, "").split())
    master = os.environ.get(MASTER) or "local[*]"
    local = LOCAL if master.startswith("local") else {}
    fixed = {**FIXED, "spark.sql.warehouse.dir": str(folder / "tables")}
    return {**DEFAULTS, **local, **given, **fixed, "spark.master": master}


def session(folder: Path) -> Any:
    """The Spark session that dbt-spark will find in this process."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("metrocircle")
    for name, value in configuration(folder).items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    return made


def register(spark: Any, lake: Path) -> None:
    """Every table of the lake as a table of the schema that dbt's source of that name reads."""
    for schema in SCHEMAS:
        spark.sql(f"create database if not exists {schema}")
    for folder in sorted(lake.iterdir()):
        if any(folder.glob("*.parquet")):
            location = str(folder).replace("'", "\\'")
            spark.sql(f"create table lake.`{folder.name}` using parquet location '{location}'")


def main(arguments: list[str]) -> int:
    """0 when dbt succeeded, 1 when a node failed, 2 when dbt could not run."""
    lake, work, rest = Path(arguments[0]).resolve(), Path(arguments[1]).resolve(), arguments[2:]
    # In-memory catalogue, tables on disk: what an earlier run left would be in the way.
    shutil.rmtree(work / "tables", ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    (work / "profiles.yml").write_text(PROFILE, encoding="utf-8")
    project = Path(__file__).resolve().parents[2] / "dbt_project"
    os.environ |= {
        "DBT_PROFILES_DIR": str(work),
        "DBT_PROJECT_DIR": str(project),
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    where = Path.cwd()
    # Spark leaves files of its own in the current folder.
    os.chdir(work)
    spark = session(work)
    try:
        register(spark, lake)
        from dbt.cli.main import dbtRunner

        quiet = ["--log-level", "none", "--log-level-file", "info", "--no-use-colors"]
        result = dbtRunner().invoke([*quiet, *rest])
    finally:
        spark.stop()
        os.chdir(where)
    if result.exception is not None:
        sys.stderr.write(f"{result.exception}\n")
        return 2
    for node in getattr(result.result, "results", None) or []:
        if str(node.status) in {"error", "fail", "runtime error"}:
            sys.stderr.write(f"{node.node.name}: {node.message}\n")
    return 0 if result.success else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
