"""Dagster assets of publications: figures, targets, projects, industries.

Belongs here: handing `tables` to Dagster. Not here: reading or checking.
"""

import dagster as dg

from pipelines.extract import Extracted, extract_tables
from pipelines.publications import tables
from pipelines.settings import Settings

READERS = {
    "printed_figure": tables.read_figures,
    "figure_relation": tables.read_relations,
    "document_check": tables.read_checks,
    "policy_target": tables.read_targets,
    "named_project": tables.read_projects,
    "strategic_industry": tables.read_industries,
    "cluster_city_role": tables.read_roles,
}


def extract(settings: Settings) -> Extracted:
    """Read `sources/publications` into the lake."""
    # A long-lived Dagster process must not read yesterday's alias files.
    tables.read_names.cache_clear()
    return extract_tables(settings, "publications", READERS)


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    @dg.multi_asset(
        name="extract_publications",
        specs=[
            dg.AssetSpec(["lake", name], group_name="extract_publications", kinds={"polars"})
            for name in READERS
        ],
    )
    def publications(context: dg.AssetExecutionContext):
        yield from extract(settings).results(context)

    return [publications]
