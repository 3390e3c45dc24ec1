"""Dagster assets of the environment: bulletins and daily records by edition, standards as a whole.

Belongs here: one slice from archive to lake, and its partitions. Not here: parsing (bulletin, air,
reference). The breakpoints and limits are a source of their own: a job has one kind of partition.
"""

from collections.abc import Iterable, Iterator

import dagster as dg

from pipelines import contract, lake, staleness
from pipelines.archive import acquire
from pipelines.archive.store import Snapshot
from pipelines.environment import air, bulletin, cells, reference
from pipelines.errors import Reject
from pipelines.extract import Extracted, archive, extract_tables, write_rejects
from pipelines.lock import exclusive
from pipelines.settings import Settings
from pipelines.sources import BY_NAME
from pipelines.staleness import Slice

SOURCE = "environment"
RULES = "environment_rules"
READERS = {
    "air_breakpoint": lambda sources, snapshot, _: reference.read_breakpoints(sources, snapshot),
    "air_limit": lambda sources, snapshot, _: reference.read_limits(sources, snapshot),
}


def extract(settings: Settings, slices: Iterable[Slice]) -> dict[str, Extracted]:
    """Extract the given slices into the lake; a report per slice.

    Each edition writes both tables, one of them mostly empty: a file that changes its kind then
    leaves no old rows behind.
    """
    known = contract.load(settings.contract)
    context = cells.read_context(
        settings.sources,
        lake.read(settings.lake, known.table("division")),
        lake.read(settings.lake, known.table("place_alias")),
    )
    reports = {}
    for slice_ in slices:
        held = archive(settings, slice_)
        days = [s for s in held if _is_daily(s)]
        others = [s for s in held if s not in days]
        report = Extracted()
        for table, rows_of, snapshots in (
            (bulletin.TABLE, bulletin.bulletin_rows, others),
            (air.TABLE, air.air_rows, days),
        ):
            frame = lake.read(settings.lake, known.table(table), "no-such-slice")
            rejects: list[Reject] = []
            if snapshots:
                frame, rejects = rows_of(snapshots, slice_.name, context)
            lake.write(settings.lake, known.table(table), slice_.name, frame)
            report.rows[table] = frame.height
            report.rejects += rejects
        write_rejects(settings, slice_.name, report.rejects)
        staleness.mark_extracted(settings, slice_)
        reports[slice_.name] = report
    return reports


def _is_daily(snapshot: Snapshot) -> bool:
    """Whether the file's first line has the columns that only daily records have."""
    with snapshot.path.open("rb") as handle:
        header = handle.readline(4096).decode("utf-8-sig", errors="replace")
    return {"date", "aqi"} <= set(header.strip().split(","))


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
        held, _ = staleness.held_slices(settings)
        with exclusive(settings):
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
