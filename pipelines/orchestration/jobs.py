"""Jobs: one per source, and `build_release`, the only one that publishes.

Belongs here: which assets run together. Not here: when (schedules) or what they do. A Dagster job
cannot hold two partition definitions, so every source has a job of its own.
"""

from __future__ import annotations

import dagster as dg

from pipelines.sources import SOURCES


def build_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    def extract(source: str) -> dg.UnresolvedAssetJobDefinition:
        return dg.define_asset_job(
            source,
            selection=dg.AssetSelection.groups(f"extract_{source}").without_checks(),
            description=f"Extract the {source} source into the lake.",
        )

    build_release = dg.define_asset_job(
        "build_release",
        selection=(
            dg.AssetSelection.groups("staging", "intermediate", "marts", "meta", "seeds", "release")
            | dg.AssetSelection.all_asset_checks()
        ),
        description="Check what arrived, build the marts, publish one verified release.",
        tags={"metrocircle/publishes": "true"},
    )
    return [*(extract(source.name) for source in SOURCES), build_release]
