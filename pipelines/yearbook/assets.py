"""Dagster assets of the yearbooks: observations by edition, and the rejects of all sources.

Belongs here: one slice from archive to lake, and its partitions. Not here: parsing (maps).
"""

from collections.abc import Iterable

import dagster as dg
import polars as pl

from pipelines import contract, lake, staleness
from pipelines.archive import acquire
from pipelines.extract import Extracted, archive, write_rejects
from pipelines.settings import Settings
from pipelines.staleness import Slice
from pipelines.step import step
from pipelines.yearbook import maps

SOURCE = "yearbook"


def extract(settings: Settings, slices: Iterable[Slice]) -> dict[str, Extracted]:
    """Extract the given editions into the lake; a report per slice.

    Each slice is marked done as soon as it is written, so that a killed run goes on where it
    stopped.
    """
    known = contract.load(settings.contract)
    observation = known.table("observation")
    context = maps.read_maps(
        settings.sources,
        lake.read(settings.lake, known.table("division")),
        lake.read(settings.lake, known.table("place_alias")),
        lake.read(settings.lake, known.table("document")),
    )
    stale = {slice_.name: slice_ for slice_ in slices}
    supplied = {name: archive(settings, slice_) for name, slice_ in stale.items()}
    rows, rejects = maps.observations(supplied, context)
    frame = maps.to_contract(rows, observation.column_names)
    reports = {}
    for name, slice_ in stale.items():
        own = frame.filter(pl.col("slice") == name)
        refused = [reject for reject in rejects if reject.slice == name]
        lake.write(settings.lake, observation, name, own)
        write_rejects(settings, name, refused)
        staleness.mark_extracted(settings, slice_)
        reports[name] = Extracted({"observation": own.height}, refused)
    return reports


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    editions = dg.StaticPartitionsDefinition(acquire.slice_names(settings, SOURCE))

    @dg.asset(
        key=["lake", "observation"],
        group_name="extract_yearbook",
        kinds={"polars"},
        partitions_def=editions,
        # One run for a range: starting a run costs more than extracting an edition.
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[["lake", name] for name in ("division", "place_alias", "document")],
    )
    def observation(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Printed values of yearbooks and other tables, one partition per document and edition."""
        wanted = set(context.partition_keys)
        with step(settings):
            slices, _ = staleness.held_slices(settings)
            reports = extract(
                settings, [s for s in slices if s.source == SOURCE and s.name in wanted]
            )
        rejects = [reject for report in reports.values() for reject in report.rejects]
        errors = [reject for reject in rejects if reject.severity == "error"]
        for name, report in reports.items():
            context.log.info(
                f"{name}: {report.rows['observation']} values, {len(report.rejects)} rejects"
            )
        for reject in errors:
            context.log.error(reject.message())
        return dg.MaterializeResult(
            metadata={
                "dagster/partition_row_count": sum(r.rows["observation"] for r in reports.values()),
                "editions": len(reports),
                "rejected": len(rejects),
                "rejected_errors": len(errors),
                "first_error": errors[0].message() if errors else "none",
            }
        )

    return [observation]
