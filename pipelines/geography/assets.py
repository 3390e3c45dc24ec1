"""Dagster assets of geography: divisions, their changes and points, circles and members.

Belongs here: handing `divisions` and `circles` to Dagster. Not here: reading or checking.
"""

import dagster as dg

from pipelines.extract import Extracted, extract_tables
from pipelines.geography import circles, divisions
from pipelines.settings import Settings


def extract(settings: Settings) -> Extracted:
    """Read the geography of `sources/geography` into the lake."""
    return extract_tables(
        settings,
        "geography",
        {
            "division": lambda sources, snapshot, _: divisions.read_divisions(sources, snapshot),
            "place_alias": lambda sources, snapshot, _: divisions.read_aliases(sources, snapshot),
            "city_centre": lambda sources, snapshot, _: divisions.read_centres(sources, snapshot),
            "division_change": lambda sources, snapshot, _: divisions.read_changes(
                sources, snapshot
            ),
            "circle": lambda sources, snapshot, _: circles.read_circles(sources, snapshot),
            "circle_member": lambda sources, snapshot, _: circles.read_circle_members(
                sources, snapshot
            ),
        },
    )


TABLES = ("division", "place_alias", "city_centre", "division_change", "circle", "circle_member")


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    @dg.multi_asset(
        name="extract_geography",
        specs=[
            dg.AssetSpec(["lake", name], group_name="extract_geography", kinds={"polars"})
            for name in TABLES
        ],
    )
    def geography(context: dg.AssetExecutionContext):
        yield from extract(settings).results(context)

    return [geography]
