"""Dagster assets of the yearbooks: observations by edition, and the rejects of all sources.

Belongs here: one slice from archive to lake, and its partitions. Not here: parsing (maps).
"""

from collections.abc import Iterable

import dagster as dg

from pipelines import contract, lake, staleness
from pipelines.archive import acquire
from pipelines.extract import Extracted, archive, write_rejects
from pipelines.lock import exclusive
from pipelines.settings import Settings
from pipelines.staleness import Slice
from pipelines.yearbook import maps

SOURCE = "yearbook"


def extract(settings: Settings, slices: Iterable[Slice]) -> dict[str, Extracted]:
    """Extract the given editions into the lake; a report per slice.

    The maps are read once; each slice is marked done as soon as it is written, so that a killed
    run goes on where it stopped.
    """
    known = contract.load(settings.contract)
    observation = known.table("observation")
    context = maps.read_maps(
        settings.sources,
        lake.read(settings.lake, known.table("division")),
        lake.read(settings.lake, known.table("place_alias")),
        lake.read(settings.lake, known.table("document")),
    )
    reports = {}
    for slice_ in slices:
        rows, rejects = maps.observations(archive(settings, slice_), slice_.name, context)
        frame = maps.to_contract(rows, observation.column_names)
        lake.write(settings.lake, observation, slice_.name, frame)
        write_rejects(settings, slice_.name, rejects)
        staleness.mark_extracted(settings, slice_)
        reports[slice_.name] = Extracted({"observation": frame.height}, rejects)
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
        slices, _ = staleness.held_slices(settings)
        with exclusive(settings):
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
