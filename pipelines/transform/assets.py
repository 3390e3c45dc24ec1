"""The dbt project in the Dagster graph: models as assets, dbt tests as asset checks.

Belongs here: the translation of dbt nodes and results. Not here: how dbt is called (project).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from pipelines import kept
from pipelines.orchestration import profile
from pipelines.quality import ledger, results
from pipelines.settings import Settings
from pipelines.step import ground, step
from pipelines.transform import lineage, project

ENGINE = "dbt"


class RoomTranslator(DagsterDbtTranslator):
    """Keys are [room, name]: lake tables keep the key of the asset that extracts them."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        kind = dbt_resource_props["resource_type"]
        room = {"source": "lake", "seed": "seeds"}.get(kind)
        return dg.AssetKey([room or dbt_resource_props["fqn"][1], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return "_".join(self.get_asset_key(dbt_resource_props).path[:1])


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    translator = RoomTranslator()

    @dbt_assets(
        manifest=project.ensure_manifest(settings),
        dagster_dbt_translator=translator,
        name="harmonise",
    )
    def harmonise(context: dg.AssetExecutionContext) -> Iterator[Any]:
        """One dbt build, in process, into the disposable build database.

        Holding the warehouse keeps a second build out. A Dagster pool would not do: a run killed
        with -9 keeps its slot in Dagster's database, and the next run waits for ever (seen).
        """
        with step(settings):
            stands_on = ground(settings)
            results.forget(settings, ENGINE)
            with profile.phase("dbt"):
                outcome = project.build(settings)
            nodes = len(outcome.run_results["results"])
            profile.count("models and tests", nodes - len(outcome.kept), nodes)
            checks = ledger.from_dbt(outcome.run_results, outcome.manifest)
            if not outcome.success:
                # Tests behind a model that failed were not asked, and its old rows may still lie
                # there: nothing may be released on top of that.
                checks.append(ledger.failed_build(outcome.message))
            results.save(settings, ENGINE, checks, stands_on)
            with profile.phase("column_lineage"):
                edges = lineage.save(
                    settings, outcome.run_results, outcome.manifest, project.columns(settings)
                )
        yield from _events(
            context, translator, outcome, _column_lineage(translator, outcome, edges)
        )
        if not outcome.success:
            raise dg.Failure(
                description=f"dbt build failed:\n{outcome.message}", allow_retries=False
            )

    return [harmonise]


def _column_lineage(
    translator: RoomTranslator, outcome: project.BuildResult, edges: Iterable[lineage.Edge]
) -> dict[str, dg.TableColumnLineage]:
    """Per model, its column lineage as Dagster shows it."""
    nodes = {**outcome.manifest["nodes"], **outcome.manifest["sources"]}
    keys = {
        (lineage.LAKE if node["resource_type"] == "source" else "")
        + node["name"]: translator.get_asset_key(node)
        for node in nodes.values()
        if node["resource_type"] in {"model", "seed", "source"}
    }
    found: dict[str, dict[str, list[dg.TableColumnDep]]] = {}
    for model, column, source, input_column in edges:
        if source in keys:
            deps = found.setdefault(model, {}).setdefault(column, [])
            deps.append(dg.TableColumnDep(asset_key=keys[source], column_name=input_column))
    return {model: dg.TableColumnLineage(deps_by_column=deps) for model, deps in found.items()}


def _events(
    context: dg.AssetExecutionContext,
    translator: RoomTranslator,
    outcome: project.BuildResult,
    columns: Mapping[str, dg.TableColumnLineage],
) -> Iterator[Any]:
    """A materialisation per model, a check result per data test.

    Those that an earlier build made and that still hold have theirs as well, and say so: an asset
    of which a run says nothing would hold up the release that rests on it.
    """
    manifest = outcome.manifest
    check_keys = {key.name: key for key in context.selected_asset_check_keys}
    for result in outcome.run_results["results"]:
        node = manifest["nodes"].get(result["unique_id"])
        if node is None:
            continue  # unit tests stand in the ledger; they belong to no asset
        status = str(result["status"])
        if node["resource_type"] in {"model", "seed"} and status == "success":
            metadata: dict[str, Any] = {
                "seconds": round(float(result["execution_time"]), 3),
                kept.METADATA: result["unique_id"] in outcome.kept,
            }
            if node["name"] in columns:
                metadata["dagster/column_lineage"] = columns[node["name"]]
            yield dg.MaterializeResult(asset_key=translator.get_asset_key(node), metadata=metadata)
        elif status == "skipped":
            continue  # its model failed: that failure is what a person must see
        elif node["resource_type"] == "test" and node["name"] in check_keys:
            key = check_keys[node["name"]]
            severity = str(node["config"].get("severity", "error")).lower()
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=status == "pass",
                severity=(
                    dg.AssetCheckSeverity.WARN
                    if severity == "warn"
                    else dg.AssetCheckSeverity.ERROR
                ),
                metadata={
                    "failing_rows": int(result.get("failures") or 0),
                    kept.METADATA: result["unique_id"] in outcome.kept,
                },
            )
