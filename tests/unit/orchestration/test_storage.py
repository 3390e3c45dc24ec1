"""The event log of Dagster keeps its databases open, and loses nothing by it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration import storage
from tests.conftest import ROOT


@dg.asset
def made() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/row_count": 7})


def _instance(monkeypatch: pytest.MonkeyPatch, folder: Path) -> dg.DagsterInstance:
    monkeypatch.setenv("DAGSTER_HOME", str(ROOT))
    monkeypatch.setenv("METROCIRCLE_DAGSTER_STORAGE", str(folder))
    return dg.DagsterInstance.get()


def test_every_run_is_found_again_by_another_process_that_reads_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """More runs than databases stay open; a second instance stands for the UI beside a refresh."""
    with _instance(monkeypatch, tmp_path) as writer, _instance(monkeypatch, tmp_path) as reader:
        log = writer.event_log_storage
        assert isinstance(log, storage.EventLog)
        runs = [
            dg.materialize([made], instance=writer).run_id for _ in range(storage.KEPT_OPEN + 2)
        ]
        assert len(log._engines) == storage.KEPT_OPEN
        counts = {len(reader.all_logs(run)) for run in runs}
        assert len(counts) == 1 and counts.pop() > 5
        event = reader.get_latest_materialization_event(dg.AssetKey("made"))
        assert event is not None and event.run_id == runs[-1]
    assert not log._engines
    # The last to close has folded the log in: what lies there is one whole database a run.
    files = sorted((tmp_path / "history" / "runs").glob("*.db*"))
    assert {path.suffix for path in files} == {".db"}
    with sqlite3.connect(files[0]) as one:
        assert one.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_deleted_history_is_begun_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with _instance(monkeypatch, tmp_path) as instance:
        run = dg.materialize([made], instance=instance).run_id
        (tmp_path / "history" / "runs" / f"{run}.db").unlink()
        assert instance.all_logs(run) == []
