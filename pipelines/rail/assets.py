"""Dagster assets of the railway: stations and day types, and timetables by service date.

Belongs here: one slice from archive to lake, and its partitions. Not here: parsing.

Two sources of one package, because a Dagster job holds one partition definition: `rail_network`
(stations, cities and types of days, a whole table each) and `rail` (one slice per timetable held
whole, per date of one, or per listing).
"""

from collections.abc import Iterable

import dagster as dg
import polars as pl

from pipelines import contract, lake, staleness
from pipelines.ahead import ahead
from pipelines.archive import acquire
from pipelines.extract import Extracted, archive, extract_tables, write_rejects
from pipelines.rail import listings, stations, timetable, whole
from pipelines.rail.recognise import LISTING_FORMS, LIVE, WHOLE
from pipelines.rail.timetable import ServiceDate
from pipelines.settings import Settings
from pipelines.staleness import Slice
from pipelines.step import step

NETWORK, SOURCE = "rail_network", "rail"
NETWORK_TABLES = ("rail_station", "rail_city", "rail_day_type")
TABLES = (
    "rail_stop_time", "rail_day", "rail_train", "rail_service", "rail_pair_day",
    "rail_city_pair_day_national", *listings.TABLES,
)  # fmt: skip
# Made in the order of the table: sorting millions of rows again would take seconds.
SORTED = {"rail_city_pair_day_national"}


def extract_network(settings: Settings) -> Extracted:
    """Read stations and day types of `sources/rail` into the lake."""
    return extract_tables(
        settings,
        NETWORK,
        {
            "rail_station": lambda sources, snapshot, _: stations.read_stations(sources, snapshot),
            "rail_city": lambda sources, snapshot, _: stations.read_cities(sources, snapshot),
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
    reference = whole.Reference(
        *(lake.read(settings.lake, known.table(name)) for name in NETWORK_TABLES)
    )
    guangdong = stations.guangdong(reference.stations)

    def read(slice_: Slice) -> tuple[Slice, ServiceDate]:
        snapshots = tuple(archive(settings, slice_))
        document, edition = snapshots[0].document, snapshots[0].edition
        if edition == WHOLE or document == LIVE:
            window = whole.window_of(settings.sources, document, edition)
            return slice_, whole.read_window(slice_.name, snapshots, window, reference)
        if snapshots[0].reader in LISTING_FORMS:
            return slice_, listings.read_listing(
                slice_.name, snapshots, settings.sources, reference
            )
        return slice_, timetable.read_service_date(slice_.name, edition, snapshots, guangdong)

    reports = {}
    for slice_, held in ahead(map(read, slices)):
        for name in TABLES:
            table = known.table(name)
            frame = held.tables.get(name, pl.DataFrame(schema=contract.polars_schema(table)))
            lake.write(settings.lake, table, slice_.name, frame, name in SORTED)
        write_rejects(settings, slice_.name, held.rejects)
        staleness.mark_extracted(settings, slice_)
        rows = dict.fromkeys(TABLES, 0) | {n: f.height for n, f in held.tables.items()}
        reports[slice_.name] = Extracted(rows, held.rejects)
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
        with step(settings):
            slices, _ = staleness.held_slices(settings)
            reports = extract(
                settings, [s for s in slices if s.source == SOURCE and s.name in wanted]
            )
        rows = {name: sum(r.rows[name] for r in reports.values()) for name in TABLES}
        rejects = [reject for report in reports.values() for reject in report.rejects]
        for name, report in reports.items():
            context.log.info(f"{name}: {report.rows}, {len(report.rejects)} rejects")
        yield from Extracted(rows, rejects).results(context)

    return [rail_network, rail_timetable]
