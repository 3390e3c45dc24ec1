"""A real `dagster dev`, webserver and daemon, as `make dev` starts it: backfills, files that are
dropped, and a refresh at the command line beside it.

What the UI sends is sent here over GraphQL: the mutations are those of its dialog "Materialize".
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import make_yearbook
import pytest

from pipelines.orchestration.partitions import range_tags
from pipelines.sources import BY_NAME
from tests.conftest import ROOT, Refreshed, run_cli

pytestmark = pytest.mark.slow
LONG = bool(os.environ.get("METROCIRCLE_LONG"))
WHERE = {"repositoryLocationName": "metrocircle", "repositoryName": "__repository__"}
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

LAUNCH_RUN = """
mutation($p: ExecutionParams!) { launchPipelineExecution(executionParams: $p) {
  __typename ... on LaunchRunSuccess { run { id } } ... on PythonError { message } } }"""
LAUNCH_BACKFILL = """
mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  ... on PartitionKeysNotFoundError { message } } }"""
RUNS = """
{ runsOrError { ... on Runs { results { id jobName status tags { key value } } } } }"""
BACKFILL = """
query($id: String!) { partitionBackfillOrError(backfillId: $id) {
  ... on PartitionBackfill { status } } }"""
MATERIALISED = """
query($id: ID!) { runOrError(runId: $id) { ... on Run { assetMaterializations { partition } } } }"""


class Server:
    """What is asked of a `dagster dev`."""

    def __init__(self, port: int, log: Path) -> None:
        self.port, self.log = port, log

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            document = json.load(answer)
        assert "errors" not in document, document
        return dict(document["data"])

    def runs(self) -> dict[str, dict[str, Any]]:
        found = self.ask(RUNS)["runsOrError"]["results"]
        return {
            run["id"]: run | {"tags": {t["key"]: t["value"] for t in run["tags"]}} for run in found
        }

    def run_range(self, source: str, first: str, last: str) -> str:
        """The dialog's "single run"; the run's id."""
        tags = [{"key": k, "value": v} for k, v in range_tags(first, last).items()]
        selector = {**WHERE, "pipelineName": source, **_assets(source), "assetCheckSelection": []}
        params = {
            "mode": "default", "runConfigData": "{}", "selector": selector,
            "executionMetadata": {"tags": [*tags, {"key": "dagster/from_ui", "value": "true"}]},
        }  # fmt: skip
        answer = self.ask(LAUNCH_RUN, p=params)["launchPipelineExecution"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["id"])

    def backfill(self, source: str, names: Sequence[str], of_job: bool) -> str:
        """The dialog's "backfill", opened from the job or from the asset; the backfill's id."""
        params: dict[str, Any] = {
            **_assets(source), "partitionNames": [*names], "fromFailure": False, "tags": [],
        }  # fmt: skip
        if of_job:
            params["selector"] = {
                "partitionSetName": f"{source}_partition_set", "repositorySelector": WHERE,
            }  # fmt: skip
        answer = self.ask(LAUNCH_BACKFILL, p=params)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return str(answer["backfillId"])

    def run(self, job: str) -> str:
        params = {
            "mode": "default", "runConfigData": "{}", "executionMetadata": {"tags": []},
            "selector": {**WHERE, "pipelineName": job},
        }  # fmt: skip
        answer = self.ask(LAUNCH_RUN, p=params)["launchPipelineExecution"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["id"])

    def wait(self, what: str, found: Callable[[], bool], seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while not found():
            said = self.log.read_text(encoding="utf-8", errors="replace")[-3000:]
            assert time.monotonic() < deadline, f"waited in vain for {what}\n{self.runs()}\n{said}"
            time.sleep(0.5)

    def has_ended(self, backfill: str) -> bool:
        status = self.ask(BACKFILL, id=backfill)["partitionBackfillOrError"]["status"]
        assert "FAIL" not in status, status
        return str(status).startswith("COMPLETED")

    def materialised(self, run: str) -> set[str]:
        events = self.ask(MATERIALISED, id=run)["runOrError"]["assetMaterializations"]
        return {event["partition"] for event in events}


def _written(warehouse: Path, source: str) -> dict[str, int]:
    """Slices of the source's first table, and when their files were written."""
    folder = warehouse / "lake" / BY_NAME[source].tables[0]
    return {path.stem: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}


def _assets(source: str) -> dict[str, Any]:
    return {"assetSelection": [{"path": ["lake", table]} for table in BY_NAME[source].tables]}


@contextmanager
def serving(warehouse: Path, **environment: str) -> Iterator[Server]:
    """`make dev` without its virtual environment, on a free port, ended with all its processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    storage = warehouse / "dagster"
    storage.mkdir(parents=True, exist_ok=True)
    log = warehouse.parent / "dagster.log"
    settings = {k: v for k, v in os.environ.items() if "METROCIRCLE" not in k} | {
        "DAGSTER_HOME": str(ROOT), "METROCIRCLE_DAGSTER_STORAGE": str(storage),
        "METROCIRCLE_WAREHOUSE": str(warehouse), "DAGSTER_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": str(ROOT), **environment,
    }  # fmt: skip
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "dagster"), "dev", "-w", "workspace.yaml",
             "-h", "127.0.0.1", "-p", str(port)],
            cwd=ROOT, env=settings, stdout=sink, stderr=sink, start_new_session=True,
        )  # fmt: skip
    server = Server(port, log)

    def answers() -> bool:
        assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        try:
            server.runs()
        except OSError:
            return False
        return True

    try:
        deadline = time.monotonic() + 240
        while not answers():
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8", errors="replace")
            time.sleep(0.5)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def warehouse(refreshed: Refreshed, tmp_path: Path) -> Path:
    """The refreshed warehouse once more, without its history of runs."""
    target = tmp_path / "warehouse"
    ignored = shutil.ignore_patterns("dagster", ".lock")
    shutil.copytree(refreshed.warehouse, target, symlinks=True, ignore=ignored)
    return target


def test_a_range_launched_from_the_ui_is_one_run_of_exactly_its_slices(warehouse: Path) -> None:
    """In the ways that the dialog offers, all at once: the queue runs one at a time.

    Editions as a backfill of the job, windows as a single run, months as a backfill of the asset.
    """
    before = {source: _written(warehouse, source) for source in ("yearbook", "rail", "environment")}
    chosen = {"yearbook": sorted(before["yearbook"])[3:6], "rail": sorted(before["rail"])[:2]}
    if LONG:
        chosen["environment"] = sorted(before["environment"])[2:6]
    with serving(warehouse) as server:
        backfills = [server.backfill("yearbook", chosen["yearbook"], of_job=True)]
        if LONG:
            backfills.append(server.backfill("environment", chosen["environment"], of_job=False))
        server.run_range("rail", chosen["rail"][0], chosen["rail"][-1])
        server.wait("the backfills", lambda: all(map(server.has_ended, backfills)))
        server.wait("all runs", lambda: {r["status"] for r in server.runs().values()} <= ENDED)
        runs = server.runs()
        made = {key: server.materialised(key) for key in runs}
    assert {run["status"] for run in runs.values()} == {"SUCCESS"}, runs
    assert len(runs) == len(chosen)
    for names in chosen.values():
        tags = range_tags(names[0], names[-1]).items()
        (key,) = (key for key, run in runs.items() if run["tags"].items() >= tags)
        assert made[key] == set(names)
    for source, files in before.items():
        changed = {name for name, at in _written(warehouse, source).items() if files[name] != at}
        assert changed == set(chosen.get(source, ()))


@pytest.mark.skipif(not LONG, reason="150 processor seconds: METROCIRCLE_LONG=1 runs it")
def test_two_refreshes_and_runs_of_the_ui_at_once_end_in_one_sound_release(
    warehouse: Path, refreshed: Refreshed
) -> None:
    """Three writers: a source and a release launched from the UI, two refreshes that wait."""
    wait = ("refresh", "--json", "--wait", "900")
    with serving(warehouse) as server, ThreadPoolExecutor(2) as pool:
        launched = [server.run("registry"), server.run("build_release")]
        server.wait("the first run", lambda: server.runs()[launched[0]]["status"] != "QUEUED")
        refreshes = [
            pool.submit(run_cli, *wait, *more, warehouse=warehouse, timeout=1800)
            for more in (("--slice", "registry", "--slice", "geography"), ())
        ]
        server.run_range("rail", *sorted(_written(warehouse, "rail"))[:2])
        done = [refresh.result() for refresh in refreshes]
        server.wait("all runs", lambda: {r["status"] for r in server.runs().values()} <= ENDED, 900)
        runs = server.runs()
        said = server.log.read_text(encoding="utf-8", errors="replace")
    for refresh in done:
        assert refresh.returncode == 0, refresh.stderr
    for run in runs.values():
        # A release that was overtaken between its steps is refused, never mixed; all else succeeds.
        if run["status"] != "SUCCESS":
            assert run["id"] == launched[1] and "Overtaken" in said, run
    for text in (said, *(refresh.stderr for refresh in done)):
        assert "database is locked" not in text
    assert run_cli("verify", warehouse=warehouse).returncode == 0
    # Whoever came last, nothing is left to do, and it is the release of these inputs.
    last = run_cli("refresh", "--json", warehouse=warehouse)
    assert last.returncode == 0, last.stderr
    assert json.loads(last.stdout)["release_id"] == refreshed.facts["release_id"]
    assert (warehouse / "current").resolve().name == refreshed.facts["release_id"]
    names = [path.name for path in (warehouse / "releases").iterdir()]
    assert names == [refreshed.facts["release_id"]]


@pytest.mark.skipif(not LONG, reason="minutes of waiting for sensors: METROCIRCLE_LONG=1 runs it")
def test_the_daemon_takes_in_what_is_dropped_and_tells_what_breaks_and_recovers(
    warehouse: Path, tmp_path: Path
) -> None:
    """A file of an edition that nobody registered, and its end.

    Its slice is a partition that the running code server did not know when it started. The release
    is refused, which is told; once the file is taken away it is made, and the recovery is told.
    """
    drop, alerts = tmp_path / "drop", warehouse / "alerts" / "alerts.jsonl"
    drop.mkdir()
    on = {"METROCIRCLE_SCHEDULES": "on", "METROCIRCLE_DROP": str(drop)}
    new, current = "guangdong_yearbook--2016", (warehouse / "current").resolve()

    def told(event: str) -> bool:
        lines = alerts.read_text(encoding="utf-8").splitlines() if alerts.exists() else []
        return any(json.loads(line).get(event) == "job:build_release" for line in lines)

    assert new not in _written(warehouse, "yearbook")
    with serving(warehouse, **on) as server:
        text = make_yearbook.text({"edition": "2016", "period": "2015"})
        # An empty folder would be taken for a disk that is not mounted.
        (drop / "note.txt").write_text("nothing", encoding="utf-8")
        (drop / "new.csv").write_text(text, encoding="utf-8")
        server.wait("the file", lambda: new in _written(warehouse, "yearbook"), 400)
        server.wait("the alert", lambda: told("opened"), 600)
        assert (warehouse / "current").resolve() == current
        (drop / "new.csv").unlink()
        server.wait("the recovery", lambda: told("recovered"), 900)
        runs = [run for run in server.runs().values() if run["jobName"] == "yearbook"]
    assert [run["tags"].items() >= range_tags(new, new).items() for run in runs] == [True]
    assert new not in _written(warehouse, "yearbook")
    assert (warehouse / "current").resolve() == current
    status = json.loads(run_cli("status", "--json", warehouse=warehouse, **on).stdout)
    assert all(status["heartbeats"].values()) and status["nothing_to_do"]
