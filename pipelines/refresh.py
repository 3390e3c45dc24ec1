"""`metrocircle refresh`: do what is stale, in one process, and say what was made.

Belongs here: the order of the jobs, progress, the report. Not here: deciding what is stale
(staleness), doing it (the rooms), parsing arguments (cli). The UI launches the same jobs.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipelines import kept
from pipelines import settings as settings_module
from pipelines.archive import acquire, store
from pipelines.errors import MetrocircleError
from pipelines.orchestration import alerts, partitions, profile, retries
from pipelines.quality import results
from pipelines.release import keep
from pipelines.settings import Settings
from pipelines.sources import SOURCES, Source
from pipelines.staleness import Plan
from pipelines.yearbook import corrections

if TYPE_CHECKING:
    import dagster as dg

Say = Callable[[str], None]


@dataclass
class Outcome:
    """What a refresh did. release_id: the release in use afterwards.

    seconds: by phase, on the wall and of the processor. done: (done anew, all) by kind of work.
    """

    release_id: str
    did_work: bool
    extracted: list[str] = field(default_factory=list)
    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    done: dict[str, tuple[int, int]] = field(default_factory=dict)


class RefreshFailed(MetrocircleError):
    """A job failed; the text says which step and why, `current` stays as it was."""


def run(settings: Settings, plan: Plan, say: Say) -> Outcome:
    """Extract what is stale, then build and publish. The caller holds the writer's lock.

    Whom the settings name is told of a failure, of checks that broke, and of recoveries.
    """
    try:
        outcome = _refresh(settings, plan, say)
    except (MetrocircleError, OSError) as error:
        why = str(error)
        _tell(settings, say, lambda: alerts.job_failed(settings, "refresh", why))
        raise
    _tell(settings, say, lambda: alerts.job_succeeded(settings, "refresh"))
    return outcome


def _tell(settings: Settings, say: Say, of_job: Callable[[], None]) -> None:
    """Tell of the run and of what can be seen; what fails here hides no reason of the refresh."""
    try:
        of_job()
        alerts.watch(settings)
    except OSError as error:
        say(f"alerts could not be written: {error}")


def _refresh(settings: Settings, plan: Plan, say: Say) -> Outcome:
    started, began = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    keep.preflight(settings)
    if plan.from_scratch:
        kept.forget(settings)
    _report_offers(settings, plan, say)
    for review in corrections.due(settings.sources, datetime.now(UTC).date()):
        say(review.text)
    with profile.phase("imports"):
        _dagster_environment(settings)
        import dagster as dg

        from pipelines.orchestration import runs
    with profile.phase("definitions"):
        from pipelines import definitions

        # The module has built them for the environment's settings; a dropped folder changes those.
        same = settings == settings_module.load()
        defs = definitions.defs if same else definitions.build_defs(settings)
    instance = dg.DagsterInstance.get()
    outcome = Outcome("", True)
    try:
        for dead in runs.bury_dead(instance, settings):
            say(f"an earlier run of {dead.job_name} was killed; going on from there")
        from pipelines.extract import forget_gone

        for key in forget_gone(settings):
            say(f"gone: {key} (nobody supplies it any more; its bytes stay in the archive)")
        for source in SOURCES:
            stale = [item for item in plan.stale if item.source == source.name]
            if not stale:
                continue
            with profile.phase("extract"):
                _extract(defs, instance, settings, source, [item.name for item in stale], say)
            outcome.extracted += [item.key for item in stale]
        with profile.phase("build_release"):
            say("build_release: checking what arrived, building the marts, publishing")
            results.clear(settings)
            try:
                _execute(defs, instance, "build_release")
            except RefreshFailed:
                # A broken rule ends the run before the release is asked for.
                results.record_refused(settings, began)
                raise
    finally:
        instance.dispose()
    outcome.release_id = settings.current.resolve().name
    total = (time.perf_counter() - started, time.process_time())
    outcome.seconds = {**profile.seconds(), "total": total}
    slices = {"slices": (len(plan.stale), len(plan.slices))}
    outcome.done = {**slices, **profile.counts()}
    return outcome


def _report_offers(settings: Settings, plan: Plan, say: Say) -> None:
    """Files of the drop folder that were not taken in: logged, and said once per refresh."""
    for refusal in plan.refusals:
        file = acquire.logical(refusal.file)
        store.log(settings.archive, refusal.outcome, file=file, reason=refusal.reason)
        if refusal.outcome in ("refused", "unreadable", "withdrawn"):
            say(f"{refusal.outcome}: {refusal.reason}")
    passed = Counter(refusal.outcome for refusal in plan.refusals)
    if passed["known_original"] + passed["left_out"] + passed["no_parser"]:
        say(
            f"drop folder: {passed['known_original']} files are originals of held transcriptions, "
            f"{passed['left_out']} are left out on purpose, {passed['no_parser']} have no parser "
            "yet (see the acquisition log)"
        )


def _dagster_environment(settings: Settings) -> None:
    # Dagster looks for dagster.yaml in DAGSTER_HOME and for the storage in the variable it names.
    if settings.dagster_postgres:
        os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ.setdefault("DAGSTER_HOME", str(settings.dagster_home))
    storage = settings.warehouse / "dagster"
    storage.mkdir(parents=True, exist_ok=True)
    os.environ["METROCIRCLE_DAGSTER_STORAGE"] = str(storage)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")


def _extract(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    settings: Settings,
    source: Source,
    names: list[str],
    say: Say,
) -> None:
    if not source.is_sliced:
        say(f"extract {source.name}")
        _execute(defs, instance, source.name)
        return
    every = acquire.slice_names(settings, source.name)
    for first, last in partitions.ranges(names, every):
        span = first if first == last else f"{first} … {last}"
        say(f"extract {source.name}: {span}")
        _execute(defs, instance, source.name, partitions.range_tags(first, last))


def _execute(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    job: str,
    tags: dict[str, str] | None = None,
) -> None:
    """Run the job; again, a little later, after a failure that may pass, and twice at most."""
    for delay in (*retries.DELAYS_SECONDS, None):
        result = _run(defs, instance, job, tags)
        if result.success:
            return
        if delay is None or not _may_pass(result):
            raise RefreshFailed(f"{job} failed; `current` stays as it was\n{_failures(result)}")
        time.sleep(delay)


def _may_pass(result: Any) -> bool:
    chains = [
        retries.chain_of(event.step_failure_data.error)
        for event in result.all_node_events
        if event.is_step_failure
    ]
    return bool(chains) and all(retries.is_passing(chain) for chain in chains)


def _run(
    defs: dg.Definitions, instance: dg.DagsterInstance, job: str, tags: dict[str, str] | None
) -> Any:
    from pipelines.orchestration import runs

    return defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        tags={**runs.LAUNCHED_HERE, **(tags or {})},
        raise_on_error=False,
        # What a person must know comes back in `_failures`; Dagster keeps the rest for the UI.
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )


def _failures(result: Any) -> str:
    """The causes, innermost first, without the frames of Dagster."""
    lines = []
    for event in result.all_node_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
                continue  # the rules are listed below, with what was observed
            while error is not None and error.cause is not None:
                error = error.cause
            text = error.message.strip() if error else "no message"
            user = event.step_failure_data.user_failure_data
            if user is not None and user.description:
                text = user.description
            lines.append(f"{event.step_key}: {text}")
    broken = [
        f"{evaluation.asset_key.to_user_string()}: {evaluation.check_name}: "
        f"{evaluation.metadata['observed'].value if 'observed' in evaluation.metadata else ''}"
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed and evaluation.severity.value == "ERROR"
    ]
    if broken:
        lines.append("broken rules of severity error:\n  " + "\n  ".join(broken))
    return "\n".join(lines) or "no step says why"


def printer(quiet: bool) -> Say:
    """Progress goes to stderr, so that stdout can be read by a program."""

    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)  # noqa: T201

    return say
