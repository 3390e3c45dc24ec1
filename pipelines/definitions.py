"""The Dagster code location: every room's assets, checks, jobs and schedules, put together.

Belongs here: nothing but the putting together. Tests call `build_defs` with a temporary warehouse.
"""

from __future__ import annotations

import warnings

import dagster as dg

from pipelines import settings as settings_module
from pipelines.environment import assets as environment
from pipelines.fingerprint import remember_code
from pipelines.geography import assets as geography
from pipelines.orchestration.jobs import build_jobs
from pipelines.orchestration.schedules import build_schedules
from pipelines.orchestration.sensors import build_sensors
from pipelines.publications import assets as publications
from pipelines.quality import assets as quality
from pipelines.rail import assets as rail
from pipelines.registry import assets as registry
from pipelines.release import assets as release
from pipelines.settings import Settings
from pipelines.transform import assets as transform
from pipelines.yearbook import assets as yearbook


def build_defs(settings: Settings | None = None) -> dg.Definitions:
    """All definitions for one set of settings; `None` reads METROCIRCLE_* variables."""
    settings = settings or settings_module.load()
    remember_code(settings)
    # Single-run backfill policies are beta in this Dagster; the lock file keeps the version.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    sources = (registry, geography, yearbook, rail, environment, publications)
    rooms = (*sources, transform, release)
    jobs = build_jobs()
    return dg.Definitions(
        assets=[asset for room in rooms for asset in room.build_assets(settings)],
        asset_checks=quality.build_checks(settings),
        jobs=jobs,
        schedules=build_schedules(settings),
        sensors=build_sensors(settings, jobs),
        executor=dg.in_process_executor,
    )


defs = build_defs()
