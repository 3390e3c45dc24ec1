"""Runs of Dagster whose process died: told to be failed, so that the queue behind them goes on.

Belongs here: finding and burying them. Not here: starting them again (sensors, retries).

Dagster's own server notices when a run that it started dies, as long as that server lives. What a
power cut or a kill of everything leaves stays "started" for ever, and `max_concurrent_runs: 1`
then starts nothing any more, without a word.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

import dagster as dg

from pipelines.lock import WriterBusy, exclusive
from pipelines.settings import Settings

LAUNCHED_HERE = {"metrocircle/launched_by": "refresh"}
_GOING_ON = [
    dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING,
]  # fmt: skip
_PROCESS = re.compile(r"Started process for run \(pid: (\d+)\)")
# Clocks of the kernel and of Dagster's events, and the start of an interpreter.
SLACK_SECONDS = 60.0


def is_of_refresh(run: dg.DagsterRun) -> bool:
    """Whether a refresh at the command line launched it, which tells and retries by itself."""
    return LAUNCHED_HERE.items() <= run.tags.items()


def bury_dead(instance: dg.DagsterInstance, settings: Settings) -> list[dg.DagsterRun]:
    """Report every run as failed that no process works on any more; those runs."""
    going_on = instance.get_run_records(dg.RunsFilter(statuses=_GOING_ON))
    of_refreshes = [r for r in going_on if is_of_refresh(r.dagster_run)]
    buried = []
    if of_refreshes:
        # A refresh holds the warehouse from its first run to its last.
        with suppress(WriterBusy), exclusive(settings):
            for record in of_refreshes:
                buried.append(_bury(instance, record.dagster_run))
    for record in going_on:
        started = record.start_time
        if (
            record not in of_refreshes
            and started is not None
            and _is_dead(instance, record.dagster_run.run_id, started)
        ):
            buried.append(_bury(instance, record.dagster_run))
    return buried


def _bury(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    instance.report_run_failed(run, f"the process that ran {run.job_name} is gone")
    return run


def _is_dead(instance: dg.DagsterInstance, run_id: str, started: float) -> bool:
    """Whether the process that took the run up is gone from this machine.

    The sensor that asks runs in the code server, and so do the runs: they see the same processes.
    """
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    found = [int(m[1]) for event in events if (m := _PROCESS.search(event.message or ""))]
    # Without a number nothing can be said; Dagster's own limit on run time remains.
    return bool(found) and not _lives(found[-1], started)


def _lives(pid: int, since: float) -> bool:
    """Whether the process is there and was when the run began: numbers are given out again."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    born = _born(pid)
    return born is None or born <= since + SLACK_SECONDS


def _born(pid: int) -> float | None:
    """When the process started, as seconds of the epoch; None where /proc does not tell."""
    try:
        # The name in brackets may hold anything; the 22nd field counts from its end.
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        up = float(Path("/proc/uptime").read_text("ascii").split()[0])
        return time.time() - up + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
