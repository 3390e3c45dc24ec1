"""When the jobs run, by the publishers' rhythm; off until METROCIRCLE_SCHEDULES turns them on.

Belongs here: cron lines with their reason, and asking `staleness` what to run. Not here: what runs.
All times are Asia/Shanghai. Every tick looks at bytes and skips, with the reason, when nothing
changed: an idle warehouse starts no run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg

from pipelines import staleness
from pipelines.archive import acquire
from pipelines.orchestration import partitions
from pipelines.settings import Settings
from pipelines.sources import BY_NAME, SOURCES

ZONE = "Asia/Shanghai"
# The release goes last; the run queue (dagster.yaml) keeps the order when a source takes longer.
BUILD_RELEASE_AT = "30 6 * * *"


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    status = (
        dg.DefaultScheduleStatus.RUNNING
        if settings.schedules_on
        else dg.DefaultScheduleStatus.STOPPED
    )
    return [_schedule(settings, job, cron, status) for job, cron in crons().items()]


def crons() -> dict[str, str]:
    """When each job's schedule looks, in Asia/Shanghai."""
    return {source.name: source.cron for source in SOURCES} | {"build_release": BUILD_RELEASE_AT}


def next_runs(now: datetime) -> dict[str, datetime]:
    """When each job's schedule looks next, in Asia/Shanghai."""
    from dagster._vendored.croniter import croniter

    local = now.astimezone(ZoneInfo(ZONE))
    return {job: croniter(cron, local).get_next(datetime) for job, cron in crons().items()}


def _schedule(
    settings: Settings, job: str, cron: str, status: dg.DefaultScheduleStatus
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{job}_schedule",
        job_name=job,
        cron_schedule=cron,
        execution_timezone=ZONE,
        default_status=status,
        description=f"Run {job} if its inputs or code changed.",
    )
    def look() -> Iterator[dg.RunRequest | dg.SkipReason]:
        yield from requests(settings, job)

    return look


def requests(settings: Settings, job: str) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """What a tick of the job's schedule starts now."""
    plan = staleness.plan(settings)
    if job == "build_release":
        if plan.release_stale:
            yield dg.RunRequest()
        else:
            yield dg.SkipReason("the release is made of the inputs as they stand")
        return
    stale = [item.name for item in plan.stale if item.source == job]
    if not stale:
        yield dg.SkipReason(f"no slice of {job} changed")
    elif BY_NAME[job].is_sliced:
        for first, last in partitions.ranges(stale, acquire.slice_names(settings, job)):
            yield dg.RunRequest(tags=partitions.range_tags(first, last))
    else:
        yield dg.RunRequest()
