"""The same models on another engine make the same release: every table, both ways.

Needs Java and the Spark environment (`make spark`); skips with the reason where one is absent. The
cluster of several processes takes minutes more and runs with METROCIRCLE_LONG=1.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT, Refreshed, run_cli

pytestmark = pytest.mark.slow
# The unit tests of models run on DuckDB alone (transform.project), and their results stand here.
JUDGED_ELSEWHERE = {"ledger"}


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


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"nothing listens on port {port} after {seconds:.0f} s")


@contextmanager
def cluster(python: Path, folder: Path) -> Iterator[str]:
    """A standalone master with two workers on loopback; the address of the master."""
    where = "import pyspark, pathlib; print(pathlib.Path(pyspark.__file__).parent)"
    home = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    spark_class = Path(home.stdout.strip()) / "bin" / "spark-class"
    deploy = "org.apache.spark.deploy"
    port = free_port()
    address = f"spark://127.0.0.1:{port}"
    local = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": home.stdout.strip()}
    commands = [[f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port)]]
    commands += [
        [f"{deploy}.worker.Worker", "--cores", "1", "--memory", "2g", "--work-dir",
         str(folder / f"worker{n}"), "--host", "127.0.0.1", address]
        for n in (1, 2)
    ]  # fmt: skip
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            log = (folder / f"process{len(processes)}.log").open("wb")
            words = [str(spark_class), *command, "--webui-port", str(free_port())]
            processes.append(subprocess.Popen(words, stdout=log, stderr=log, env=local))
            if len(processes) == 1:
                wait_for(port)
        yield address
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def differing(one: Path, other: Path) -> dict[str, int]:
    """Rows of each table of two releases that the other one lacks, counted both ways."""
    with duckdb.connect() as connection:
        for name, release in (("one", one), ("other", other)):
            file = str(release / "metrocircle.duckdb").replace("'", "''")
            connection.execute(f"attach '{file}' as {name} (read_only)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'one' "
            "and schema_name in ('main', 'meta') and not internal"
        ).fetchall()
        assert len(tables) > 20
        return {
            table: connection.execute(
                f"select count(*) from ((from one.{schema}.{table} except all "
                f"from other.{schema}.{table}) union all (from other.{schema}.{table} except all "
                f"from one.{schema}.{table}))"
            ).fetchall()[0][0]
            for schema, table in tables
        }


@pytest.mark.parametrize("where", ["in one process", "on a cluster"])
def test_every_table_is_the_same_on_spark(
    refreshed: Refreshed, spark_python: Path, tmp_path: Path, where: str
) -> None:
    if where == "on a cluster" and not os.environ.get("METROCIRCLE_LONG"):
        pytest.skip("a cluster on one machine takes minutes: set METROCIRCLE_LONG=1")
    warehouse = tmp_path / "warehouse"
    shutil.copytree(refreshed.warehouse, warehouse, symlinks=True)

    def refresh(master: str) -> None:
        result = run_cli(
            "refresh", "--engine", "spark", "--json", warehouse=warehouse, timeout=1800,
            METROCIRCLE_SPARK_PYTHON=str(spark_python), METROCIRCLE_SPARK_MASTER=master,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout + result.stderr
        assert json.loads(result.stdout)["did_work"]

    if where == "on a cluster":
        with cluster(spark_python, tmp_path) as address:
            refresh(address)
    else:
        refresh("local[2]")
    found = differing(refreshed.release, (warehouse / "current").resolve())
    assert {t: n for t, n in found.items() if n and t not in JUDGED_ELSEWHERE} == {}
    made = warehouse / "build" / "spark" / "tables"
    assert any(made.rglob("circle_indicator_year/*.parquet")), "Spark made nothing"
