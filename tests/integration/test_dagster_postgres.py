"""Dagster's runs in a real PostgreSQL server, started and stopped by the test."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

CODE = """
import dagster as dg
from pipelines import refresh, settings as settings_module
from pipelines.definitions import build_defs

settings = settings_module.load()
refresh._dagster_environment(settings)
instance = dg.DagsterInstance.get()
defs = build_defs(settings)
refresh._execute(defs, instance, "registry")
run, = instance.get_runs()
assert run.job_name == "registry" and run.is_success, run
print(type(instance.run_storage).__name__, type(instance.event_log_storage).__name__)
"""


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of a database on a fresh server that only this machine can reach."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server here (Debian: apt-get install postgresql)")
    user, prefix = getpass.getuser(), []
    if os.geteuid() == 0:  # the server refuses to run as root
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("root, and no user `postgres` to run a server as")
        prefix = ["runuser", "-u", user, "--"]
    # pytest shuts its own folders to every other user, again at each run that starts.
    data = Path(tempfile.mkdtemp(prefix="metrocircle-postgres-"))
    if prefix:
        shutil.chown(data, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [*prefix, *arguments], cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run(str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", user, "--no-sync")
    options = f"-p {port} -h 127.0.0.1 -k {data} -c fsync=off"
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    run(*control, "-l", str(data / "log"), "-o", options, "start")
    try:
        yield f"postgresql://{user}@127.0.0.1:{port}/postgres"
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(data)


def test_runs_are_kept_in_postgresql(postgres: str, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if "METROCIRCLE" not in k}
    environment.pop("DAGSTER_HOME", None)
    environment |= {
        "METROCIRCLE_WAREHOUSE": str(tmp_path / "warehouse"),
        "METROCIRCLE_DAGSTER_POSTGRES": postgres,
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["PostgresRunStorage", "PostgresEventLogStorage"]
    assert not list((tmp_path / "warehouse" / "dagster").rglob("*.db"))
