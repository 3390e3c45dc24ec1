"""`metrocircle status`: what is stale and why, when each job last succeeded and looks next.

Belongs here: putting together what staleness, freshness, schedules and alerts know, and printing
it. Not here: finding it out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipelines import staleness
from pipelines.orchestration import alerts, freshness
from pipelines.settings import Settings
from pipelines.sources import SOURCES
from pipelines.yearbook import corrections


def status(settings: Settings) -> dict[str, Any]:
    """Facts for people and programs. Times are UTC, next runs Asia/Shanghai.

    jobs: per job `stale` slices, `last_success`, `next_run` (null while schedules are off),
    `arrivals`, `is_late`. reviews_due: corrections whose day of review has passed. open_alerts:
    causes that somebody was told of and that last.
    """
    now = datetime.now(UTC)
    plan = staleness.plan(settings)
    times = staleness.read_state(settings)["times"]
    arrivals = {item.source: item for item in freshness.examine(settings, now)}
    upcoming: dict[str, datetime] = {}
    if settings.schedules_on:
        from pipelines.orchestration import schedules

        upcoming = schedules.next_runs(now)
    reviews = corrections.due(settings.sources, now.date())
    jobs = {}
    for job in (*(source.name for source in SOURCES), "build_release"):
        stale = [item.name for item in plan.stale if item.source == job]
        arrival = arrivals.get(job)
        jobs[job] = {
            "stale": stale if job != "build_release" else (["release"] * plan.release_stale),
            "last_success": times.get(job),
            "next_run": upcoming[job].isoformat(timespec="minutes") if job in upcoming else None,
            "arrivals": arrival.text if arrival else None,
            "is_late": bool(arrival and arrival.is_late),
        }
    return {
        "release_id": settings.current.resolve().name if settings.current.exists() else None,
        "slices": len(plan.slices),
        "stale": [item.key for item in plan.stale],
        "gone": list(plan.gone),
        "nothing_to_do": plan.nothing_to_do,
        "reasons": list(plan.reasons),
        "schedules_on": settings.schedules_on,
        "jobs": jobs,
        "heartbeats": {
            name: beat.isoformat(timespec="seconds") if beat else None
            for name, beat in alerts.heartbeats(settings).items()
        },
        "reviews_due": [
            {
                "ids": review.ids,
                "by": review.by.isoformat(),
                "owner": review.owner,
                "text": review.text,
            }
            for review in reviews
        ],
        "open_alerts": [
            {"key": entry.key, "severity": entry.severity, "since": entry.since}
            for entry in alerts.read_open(settings)
            if not entry.recovered
        ],
    }


def text(facts: dict[str, Any]) -> str:
    """The facts as a person reads them; the table of jobs only where something is to be seen."""
    lines = [
        f"release in use: {facts['release_id'] or 'none yet (metrocircle refresh)'}",
        f"slices held:    {facts['slices']}, of which stale {len(facts['stale'])}",
        *(f"  {reason}" for reason in facts["reasons"]),
    ]
    if facts["nothing_to_do"]:
        lines.append("everything is as the last refresh left it")
    late = {job: entry for job, entry in facts["jobs"].items() if entry["is_late"]}
    lines += [f"late: {job}: {entry['arrivals']}" for job, entry in late.items()]
    lines += [entry["text"] for entry in facts["reviews_due"]]
    errors = [e for e in facts["open_alerts"] if e["severity"] == "error"]
    lines += [f"alert since {entry['since']}: {entry['key']}" for entry in errors]
    if facts["schedules_on"]:
        lines.append(f"{'job':<20}{'last success (UTC)':<28}next run (Asia/Shanghai)")
        for job, entry in facts["jobs"].items():
            lines.append(f"{job:<20}{entry['last_success'] or 'never':<28}{entry['next_run']}")
        for name, beat in facts["heartbeats"].items():
            lines.append(f"sensor {name}: last beat {beat or 'never'}")
    return "\n".join(lines)
