"""Dagster assets of the railway: stations and day types, and timetables by service date.

Belongs here: one slice from archive to lake, and its partitions. Not here: parsing.

Two sources of one package, because a Dagster job holds one partition definition: `rail_network`
(stations and types of days, a whole table each) and `rail` (one slice per timetable and date).
"""

from collections.abc import Iterable

import dagster as dg

from pipelines import contract, lake, staleness
from pipelines.archive import acquire
from pipelines.extract import Extracted, archive, extract_tables, write_rejects
from pipelines.rail import stations, timetable
from pipelines.settings import Settings
from pipelines.staleness import Slice

NETWORK, SOURCE = "rail_network", "rail"
NETWORK_TABLES = ("rail_station", "rail_day_type")
TABLES = ("rail_stop_time", "rail_day", "rail_train", "rail_service")


def extract_network(settings: Settings) -> Extracted:
    """Read stations and day types of `sources/rail` into the lake."""
    return extract_tables(
        settings,
        NETWORK,
        {
            "rail_station": lambda sources, snapshot, _: stations.read_stations(sources, snapshot),
            "rail_day_type": lambda sources, snapshot, _: stations.read_day_types(
                sources, snapshot
            ),
        },
    )


def extract(settings: Settings, slices: Iterable[Slice]) -> dict[str, Extracted]:
    """Extract the given service dates into the lake; a report per slice.

    Each slice is marked done as soon as it is written, so that a killed run goes on where it
    stopped.
    """
    known = contract.load(settings.contract)
    places = stations.places(lake.read(settings.lake, known.table("rail_station")))
    reports = {}
    for slice_ in slices:
        archive(settings, slice_)
        edition = slice_.snapshots[0].edition
        read = timetable.read_service_date(slice_.name, edition, slice_.snapshots, places)
        for name, frame in read.tables.items():
            lake.write(settings.lake, known.table(name), slice_.name, frame)
        write_rejects(settings, slice_.name, read.rejects)
        staleness.mark_extracted(settings, slice_)
        rows = {name: frame.height for name, frame in read.tables.items()}
        reports[slice_.name] = Extracted(rows, read.rejects)
    return reports


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    dates = dg.StaticPartitionsDefinition(acquire.slice_names(settings, SOURCE))

    @dg.multi_asset(
        name="extract_rail_network",
        specs=[
            dg.AssetSpec(["lake", name], group_name=f"extract_{NETWORK}", kinds={"polars"})
            for name in NETWORK_TABLES
        ],
    )
    def rail_network(context: dg.AssetExecutionContext):
        yield from extract_network(settings).results(context)

    @dg.multi_asset(
        name="extract_rail_timetable",
        specs=[
            dg.AssetSpec(
                ["lake", name],
                group_name=f"extract_{SOURCE}",
                kinds={"polars"},
                deps=[["lake", "rail_station"]],
            )
            for name in TABLES
        ],
        partitions_def=dates,
        # One run for a range: starting a run costs more than extracting a date.
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def rail_timetable(context: dg.AssetExecutionContext):
        """Trains that matter in Guangdong, one partition per timetable and service date."""
        wanted = set(context.partition_keys)
        slices, _ = staleness.held_slices(settings)
        reports = extract(settings, [s for s in slices if s.source == SOURCE and s.name in wanted])
        rows = {name: sum(r.rows[name] for r in reports.values()) for name in TABLES}
        rejects = [reject for report in reports.values() for reject in report.rejects]
        for name, report in reports.items():
            context.log.info(f"{name}: {report.rows}, {len(report.rejects)} rejects")
        yield from Extracted(rows, rejects).results(context)

    return [rail_network, rail_timetable]
