"""The sources, in the order they are extracted: the one list that a new source joins.

Belongs here: what every source must declare so that the archive, staleness, jobs, schedules and the
refresh know it. Not here: any parsing, and nothing that is slow to import.

To add a source: a package on the floor plan *recognise -> parse -> assets* (`build_assets` and, for
a sliced source, one asset partitioned by slice and a `recognise.py`), a `Source` here, its tables
in `sources/contract.yml`, a suite per table in `expectations/`, staging models in `dbt_project`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """One source package.

    is_sliced: files lie in `sources/<name>/transcriptions/<document>/<edition>.csv` (or in a folder
        of that name) and each (document, edition) is a slice; otherwise all files are slice `all`.
    files: for an unsliced source, its files below `sources/`.
    depends_on: files and folders that decide what a slice becomes; `sources:` means the folder of
        sources, anything else the checkout. Slices go stale when one of them changes.
    tables: lake tables it writes; the first one shows that a slice was extracted.
    cron: when its schedule looks (Asia/Shanghai), by the publisher's rhythm.
    silent_days: how long no new bytes are no news; None for a source without a rhythm of its own.
    """

    name: str
    is_sliced: bool
    files: tuple[str, ...]
    depends_on: tuple[str, ...]
    tables: tuple[str, ...]
    cron: str
    silent_days: int | None = None


_REGISTRY = (
    "pipelines/registry",
    "sources:registry.yml",
    "sources:indicators.csv",
    "sources:units.csv",
    "sources:yearbook/editions.csv",
)
_GEOGRAPHY = ("pipelines/geography", "sources:geography")

SOURCES = (
    Source(
        name="registry",
        is_sliced=False,
        files=("indicators.csv", "units.csv", "registry.yml", "withdrawn.csv", "*/editions.csv"),
        depends_on=(*_REGISTRY, "sources:withdrawn.csv"),
        tables=("indicator", "unit", "document"),
        cron="0 6 * * 1",
    ),
    Source(
        name="geography",
        is_sliced=False,
        files=("geography/*.csv",),
        depends_on=_GEOGRAPHY,
        tables=(
            "division", "place_alias", "city_centre", "division_change", "circle", "circle_member",
        ),
        cron="0 6 * * 1",
    ),
    Source(
        name="publications",
        is_sliced=False,
        files=("publications/*.csv",),
        depends_on=(
            "pipelines/publications", "sources:publications", *_REGISTRY, *_GEOGRAPHY,
        ),
        tables=(
            "printed_figure", "figure_relation", "document_check", "policy_target",
            "named_project", "strategic_industry", "cluster_city_role",
        ),
        cron="5 6 * * 1",
    ),
    Source(
        name="yearbook",
        is_sliced=True,
        files=(),
        # Yearbooks appear between September and spring, at no fixed day: a weekly look then.
        depends_on=(
            "pipelines/yearbook",
            "sources:yearbook/maps",
            "sources:yearbook/corrections.yml",
            *_REGISTRY,
            *_GEOGRAPHY,
        ),
        tables=("observation",),
        cron="10 6 * 1-4,9-12 1",
        silent_days=400,
    ),
    # A Dagster job holds one partition definition: whole tables and service dates are two sources.
    Source(
        name="rail_network",
        is_sliced=False,
        files=("rail/stations.csv", "rail/cities.csv", "rail/day_types.csv"),
        depends_on=("pipelines/rail/stations.py", "pipelines/rail/lines.py"),
        tables=("rail_station", "rail_city", "rail_day_type"),
        cron="10 6 * * 1",
    ),
    Source(
        name="rail",
        is_sliced=True,
        files=(),
        # A new timetable every few months, a correction of it at any time.
        depends_on=(
            "pipelines/rail", "sources:rail/stations.csv", "sources:rail/cities.csv",
            "sources:rail/day_types.csv", "sources:rail/timetables.csv",
            "sources:rail/listings.csv", "sources:rail/left_out.csv",
        ),
        tables=(
            "rail_stop_time", "rail_day", "rail_train", "rail_service", "rail_pair_day",
            "rail_city_pair_day_national", "rail_listed_train", "rail_listed_pair",
        ),
        cron="15 6 * * 3",
        silent_days=120,
    ),
    Source(
        name="environment_rules",
        is_sliced=False,
        files=("environment/breakpoints.csv", "environment/limits.csv"),
        depends_on=("pipelines/environment/reference.py", "pipelines/environment/cells.py"),
        tables=("air_breakpoint", "air_limit"),
        cron="10 6 * * 1",
    ),
    Source(
        name="environment",
        is_sliced=True,
        files=(),
        # A bulletin appears in the weeks after its month, air by the hour.
        depends_on=(
            "pipelines/environment",
            "sources:environment/maps",
            "sources:environment/series.csv",
            *_GEOGRAPHY,
        ),
        tables=(
            "bulletin_city_period", "air_city_day", "air_station_hour", "water_section_reading",
        ),
        cron="20 * * * *",
        silent_days=45,
    ),
)  # fmt: skip
BY_NAME = {source.name: source for source in SOURCES}
