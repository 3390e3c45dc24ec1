"""Dagster assets of the registries: indicator, unit, document.

Belongs here: handing `tables` to Dagster. Not here: reading or checking.
"""

import dagster as dg

from pipelines.extract import Extracted, extract_tables
from pipelines.registry import tables
from pipelines.settings import Settings

READERS = {
    "indicator": tables.read_indicators,
    "unit": tables.read_units,
    "document": tables.read_documents,
}


def extract(settings: Settings) -> Extracted:
    """Read the three registries into the lake."""
    return extract_tables(settings, "registry", READERS)


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    @dg.multi_asset(
        name="extract_registry",
        specs=[
            dg.AssetSpec(["lake", name], group_name="extract_registry", kinds={"polars"})
            for name in READERS
        ],
    )
    def registry(context: dg.AssetExecutionContext):
        yield from extract(settings).results(context)

    return [registry]
