"""Sensors: files that appear in the drop folder, runs that fail, checks that break or recover.

Belongs here: what Dagster's daemon looks at between schedules. Not here: what is stale (staleness),
which failures pass (retries), who is told (alerts). Off until METROCIRCLE_SCHEDULES turns them on.
Every tick beats: `watch` sees when `drop_folder` is silent, `metrocircle status` when both are.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dagster as dg

from pipelines import staleness
from pipelines.archive import guards
from pipelines.orchestration import alerts, retries, runs, schedules
from pipelines.settings import Settings

EVERY_SECONDS = 60
# The range of partitions of a run; Dagster's other tags are about the run that failed.
KEPT_TAGS = ("dagster/asset_partition_range_", "dagster/partition")


def build_sensors(
    settings: Settings, jobs: "list[dg.UnresolvedAssetJobDefinition]"
) -> list[dg.SensorDefinition]:
    """jobs: those of `build_jobs`; a failed one may be asked for again."""
    status = (
        dg.DefaultSensorStatus.RUNNING if settings.schedules_on else dg.DefaultSensorStatus.STOPPED
    )

    @dg.sensor(
        name="drop_folder",
        jobs=jobs,
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=status,
        description="Take in files once they have stopped growing in the drop folder.",
    )
    def drop_folder(
        context: dg.SensorEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        alerts.beat(settings, "drop_folder")
        if settings.drop is None:
            yield dg.SkipReason("no drop folder is set (METROCIRCLE_DROP)")
            return
        seen, cursor = listing(settings.drop), context.cursor or ""
        waiting, _, done = cursor.partition(" ")
        if seen == done:
            yield dg.SkipReason("nothing new in the drop folder")
        elif seen != waiting:
            # Once more the same, and the copying has ended.
            context.update_cursor(f"{seen} {done}")
            yield dg.SkipReason("the drop folder is changing")
        else:
            context.update_cursor(f"{seen} {seen}")
            yield from requests(settings, seen)

    @dg.sensor(
        name="watch",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=status,
        description="Tell of broken checks, late sources and silent sensors, and of recoveries.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        alerts.beat(settings, "watch")
        if any(map(runs.is_of_refresh, runs.bury_dead(context.instance, settings))):
            alerts.job_failed(settings, "refresh", "it was killed; the release in use stays")
        still = alerts.watch(settings)
        return dg.SkipReason(f"{len(still)} open causes")

    @dg.run_failure_sensor(
        name="failed_runs",
        request_jobs=jobs,
        default_status=status,
        description="Tell of a failed run; start it again when waiting can cure it, twice at most.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if runs.is_of_refresh(run):
            return dg.SkipReason("a refresh at the command line tells and retries by itself")
        errors = [
            retries.chain_of(event.step_failure_data.error)
            for event in context.get_step_failure_events()
        ]
        text = errors[0][-1][1] if errors else context.failure_event.message
        alerts.job_failed(settings, run.job_name, text or "")
        died = not errors and retries.is_death(context.failure_event)
        return again(run.job_name, run.run_id, run.tags, errors, died)

    @dg.run_status_sensor(
        name="succeeded_runs",
        run_status=dg.DagsterRunStatus.SUCCESS,
        default_status=status,
        description="Tell that a job which failed before has recovered.",
    )
    def succeeded_runs(context: dg.RunStatusSensorContext) -> None:
        alerts.job_succeeded(settings, context.dagster_run.job_name)

    return [drop_folder, watch, failed_runs, succeeded_runs]


def again(
    job: str,
    run_id: str,
    tags: Mapping[str, str],
    errors: Sequence[Sequence[tuple[str, str]]],
    died: bool = False,
) -> dg.RunRequest | dg.SkipReason:
    """The run once more, if its process died or every failed step failed for a reason that may
    pass."""
    attempt = int(tags.get(retries.ATTEMPT_TAG, "0")) + 1
    may_pass = bool(errors) and all(
        retries.is_passing(chain) or retries.is_overtaken(chain) for chain in errors
    )
    if not died and not may_pass:
        return dg.SkipReason(f"{job} would fail again: a person has to look")
    if attempt > retries.MAX_RETRIES:
        return dg.SkipReason(f"{job} failed {attempt} times: a person has to look")
    kept = {name: value for name, value in tags.items() if name.startswith(KEPT_TAGS)}
    return dg.RunRequest(
        run_key=f"{run_id}-again", job_name=job, tags=kept | {retries.ATTEMPT_TAG: str(attempt)}
    )


def listing(folder: Path) -> str:
    """A hash over names, sizes and times of the files of a folder; links are not followed."""
    digest = hashlib.sha256()
    for path, problem in guards.walk(folder):
        digest.update(path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape"))
        # A file that is taken away meanwhile makes another listing the next time.
        with contextlib.suppress(OSError):
            if not problem:
                found = path.lstat()
                digest.update(f" {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def requests(settings: Settings, key: str) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run per stale range of every source, then the release; the queue keeps the order."""
    plan = staleness.plan(settings)
    for source in dict.fromkeys(item.source for item in plan.stale):
        for number, request in enumerate(schedules.requests(settings, source)):
            if isinstance(request, dg.RunRequest):
                yield dg.RunRequest(
                    run_key=f"{key}-{source}-{number}", job_name=source, tags=request.tags
                )
    if plan.nothing_to_do:
        yield dg.SkipReason("the files bring nothing new")
    else:
        yield dg.RunRequest(run_key=f"{key}-build_release", job_name="build_release")
