"""Dagster assets of the environment: bulletins and daily records by edition, standards as a whole.

Belongs here: one slice from archive to lake, and its partitions. Not here: parsing (bulletin, air,
reference). The breakpoints and limits are a source of their own: a job has one kind of partition.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import dagster as dg
import polars as pl

from pipelines import contract, lake, staleness
from pipelines.archive import acquire
from pipelines.archive.store import Snapshot
from pipelines.contract import Table
from pipelines.environment import air, bulletin, cells, hours, reference, water
from pipelines.environment.cells import Context
from pipelines.errors import Reject
from pipelines.extract import Extracted, archive, extract_tables, write_rejects
from pipelines.settings import Settings
from pipelines.sources import BY_NAME
from pipelines.staleness import Slice
from pipelines.step import step

RowsOf = Callable[[Sequence[Snapshot], str, Context], tuple[pl.DataFrame, list[Reject]]]
SOURCE = "environment"
RULES = "environment_rules"
ROWS_OF: dict[str, RowsOf] = {
    bulletin.TABLE: bulletin.bulletin_rows,
    air.TABLE: air.air_rows,
    water.TABLE: water.water_rows,
}
TABLE_OF_READER = {
    "bulletin_page": bulletin.TABLE,
    "daily_archive": air.TABLE,
    "platform_records": hours.TABLE,
    "site_hours": hours.TABLE,
    "wide_hours": hours.TABLE,
    "water_readings": water.TABLE,
}
READERS = {
    "air_breakpoint": lambda sources, snapshot, _: reference.read_breakpoints(sources, snapshot),
    "air_limit": lambda sources, snapshot, _: reference.read_limits(sources, snapshot),
}


def extract(settings: Settings, slices: Iterable[Slice]) -> dict[str, Extracted]:
    """Extract the given slices into the lake; a report per slice.

    Each edition writes every table, most of them empty: a file that changes its kind then leaves no
    old rows behind.
    """
    known = contract.load(settings.contract)
    context = cells.read_context(
        settings.sources,
        lake.read(settings.lake, known.table("division")),
        lake.read(settings.lake, known.table("place_alias")),
    )
    reports = {}
    for slice_ in slices:
        by_table: dict[str, list[Snapshot]] = {table: [] for table in BY_NAME[SOURCE].tables}
        for snapshot in archive(settings, slice_):
            by_table[_table_of(snapshot)].append(snapshot)
        report = Extracted()
        for table, snapshots in by_table.items():
            report.rows[table] = _write(
                settings, known.table(table), slice_.name, snapshots, context, report.rejects
            )
        write_rejects(settings, slice_.name, report.rejects)
        staleness.mark_extracted(settings, slice_)
        reports[slice_.name] = report
    return reports


def _write(
    settings: Settings,
    table: Table,
    slice_: str,
    snapshots: Sequence[Snapshot],
    context: Context,
    rejects: list[Reject],
) -> int:
    """Write one table of one slice; the number of its rows. Hours are written file by file."""
    if table.name == hours.TABLE and snapshots:
        frames = hours.hour_frames(snapshots, slice_, context, rejects)
        return lake.write_parts(settings.lake, table, slice_, frames)
    frame = lake.read(settings.lake, table, "no-such-slice")
    if snapshots:
        frame, found = ROWS_OF[table.name](snapshots, slice_, context)
        rejects += found
    lake.write(settings.lake, table, slice_, frame)
    return frame.height


def _table_of(snapshot: Snapshot) -> str:
    """The table a file fills: by its reader, a transcription by the columns of its first line."""
    if snapshot.reader in TABLE_OF_READER:
        return TABLE_OF_READER[snapshot.reader]
    with snapshot.path.open("rb") as handle:
        header = handle.readline(4096).decode("utf-8-sig", errors="replace")
    is_daily = {"date", "aqi"} <= set(header.strip().split(","))
    return air.TABLE if is_daily else bulletin.TABLE


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    tables = BY_NAME[SOURCE].tables

    @dg.multi_asset(
        name=f"extract_{RULES}",
        specs=[
            dg.AssetSpec(["lake", name], group_name=f"extract_{RULES}", kinds={"polars"})
            for name in READERS
        ],
    )
    def rules(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        """Breakpoints and limits of the standards, with their validity."""
        yield from extract_tables(settings, RULES, READERS).results(context)

    @dg.multi_asset(
        name=f"extract_{SOURCE}",
        specs=[
            dg.AssetSpec(
                ["lake", table],
                group_name=f"extract_{SOURCE}",
                kinds={"polars"},
                deps=[["lake", "division"], ["lake", "place_alias"]],
            )
            for table in tables
        ],
        partitions_def=dg.StaticPartitionsDefinition(acquire.slice_names(settings, SOURCE)),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def environment(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        """Air bulletins, daily records and standards, one partition per document and edition."""
        wanted = set(context.partition_keys)
        with step(settings):
            held, _ = staleness.held_slices(settings)
            reports = extract(
                settings, [s for s in held if s.source == SOURCE and s.name in wanted]
            )
        yield from _results(context, reports, tables)

    return [rules, environment]


def _results(
    context: dg.AssetExecutionContext, reports: dict[str, Extracted], tables: tuple[str, ...]
) -> Iterator[dg.MaterializeResult]:
    rejects = [reject for report in reports.values() for reject in report.rejects]
    errors = [reject for reject in rejects if reject.severity == "error"]
    for reject in errors:
        context.log.error(reject.message())
    for table in tables:
        written = [report.rows[table] for report in reports.values() if table in report.rows]
        if written:
            own = [reject for reject in rejects if reject.table_name == table]
            yield dg.MaterializeResult(
                asset_key=["lake", table],
                metadata={
                    "dagster/partition_row_count": sum(written),
                    "slices": len(written),
                    "rejected": len(own),
                    "first_error": errors[0].message() if errors else "none",
                },
            )
