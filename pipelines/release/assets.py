"""The release as a Dagster asset: the only step that publishes.

Belongs here: gathering the ledger, refusing a release that broke a rule, calling publish. Not here:
how a release is made.
"""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import dagster as dg

from pipelines import contract, staleness
from pipelines.errors import ReleaseRefused
from pipelines.orchestration import profile
from pipelines.quality import assets as quality
from pipelines.quality import ledger, results
from pipelines.quality.ledger import CheckResult
from pipelines.registry.tables import read_registry
from pipelines.release import cite, keep
from pipelines.release.gate import ReleaseHeld
from pipelines.settings import Settings
from pipelines.step import Overtaken, ground, step

# The packages whose results reach a release; the lock file has all of them.
COMPUTES = ("dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "polars", "pyarrow")
KEY = dg.AssetKey(["release", "current"])


def judges() -> list[str]:
    """Names of the steps whose results a release rests on."""
    return [*(f"great_expectations-{part}" for part in quality.parts()), "dbt"]


def refuse_if_blocked(checks: Sequence[CheckResult]) -> None:
    """ReleaseRefused, naming the broken rules, when one of severity error is broken."""
    broken = ledger.blocking(checks)
    if broken:
        lines = [f"  {c.table_name}.{c.rule_id} [{c.slice}]: {c.observed}" for c in broken]
        raise ReleaseRefused("the release stays as it was:\n" + "\n".join(lines))


def inputs(settings: Settings, held: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What release.json says of the inputs: sources, editions, licences, code, citation.

    held: rows of the snapshots that the lake was made of.
    """
    registry = read_registry(settings.sources)
    editions: dict[str, set[str]] = {}
    for snapshot in held:
        editions.setdefault(snapshot["document"], set()).add(snapshot["edition"])
    documents = [
        {
            "document": entry["document"],
            "name_zh": entry["name_zh"],
            "name_en": entry["name_en"],
            "publisher": entry["publisher"],
            "licence": entry.get("licence"),
            "redistribute": entry.get("redistribute"),
            "editions": sorted(editions[entry["document"]]),
            "citation": cite.source(entry | {"editions": editions[entry["document"]]}),
        }
        for entry in registry["documents"]
        if entry["document"] in editions
    ]
    return {
        "sources": documents,
        "code_hash": staleness.code_hash(settings),
        "environment": environment(),
        "how_to_cite": "Metrocircle warehouse, release {release_id}; figures by the publishers "
        "named in its sources",
    }


def environment() -> dict[str, str]:
    """Versions of what computes: with the code hash, enough to make the release again."""
    versions = {name: version(name) for name in COMPUTES}
    return {"python": platform.python_version(), **versions}


def make(settings: Settings) -> Any:
    """Publish the build database as the current release; returns publish.Release.

    Overtaken when a rule or a model of it was made of another lake than the one that lies there.
    """
    with step(settings):
        checks, fingerprint = judged(settings)
        return _make(settings, checks, fingerprint)


def judged(settings: Settings) -> tuple[list[CheckResult], str]:
    """Everything that was judged, and the fingerprint of the release that may rest on it.

    The fingerprint is empty when code or models changed between the steps: such a release is sound,
    and counts as stale.
    """
    lake = ground(settings).lake
    checks: list[CheckResult] = []
    fingerprints = set()
    for name in judges():
        try:
            found, stood_on = results.read(settings, name)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Overtaken(f"{name} has not judged this lake: run build_release whole") from error
        if stood_on.lake != lake:
            raise Overtaken(
                f"the lake was changed after {name} had judged it: run build_release whole"
            )
        checks += found
        fingerprints.add(stood_on.fingerprint)
    if unknown := staleness.unknown(settings):
        raise Overtaken(
            f"nothing says what {', '.join(unknown[:3])} in the lake was made of: "
            "run metrocircle refresh"
        )
    return checks, fingerprints.pop() if len(fingerprints) == 1 else ""


def _make(settings: Settings, checks: list[CheckResult], fingerprint: str) -> Any:
    try:
        refuse_if_blocked(checks)
        keep.preflight(settings)
        release = _publish(settings, checks)
    except ReleaseHeld as held_back:
        results.record(settings, "held", held_back.release_id, [*checks, *held_back.broken])
        # Once a person takes it into use, it is what the inputs make.
        staleness.mark_released(settings, fingerprint, held_back.release_id)
        raise
    except ReleaseRefused:
        results.record(settings, "refused", "", checks)
        raise
    results.record(settings, "published", release.release_id, [*checks, *release.changes])
    staleness.mark_released(settings, fingerprint, release.release_id)
    return release


def _publish(settings: Settings, checks: Sequence[CheckResult]) -> Any:
    import polars as pl

    from pipelines.release import macros, publish
    from pipelines.transform import lineage, project

    known = contract.load(settings.contract)
    manifest = project.built_manifest(settings)
    statements = macros.statements(manifest, settings.dbt_project)
    if len(statements) != len(macros.MACROS):
        raise Overtaken("the models' SQL is not there any more: run build_release whole")
    held = staleness.snapshots_in_lake(settings)
    snapshots = pl.DataFrame(held, schema=contract.polars_schema(known.table("snapshot")))
    with profile.phase("release"):
        return publish.publish(
            settings,
            project.build_database(settings),
            ledger.ledger_frame(checks),
            snapshots,
            inputs(settings, held),
            statements,
            lineage.frame(settings),
            project.made_of(settings, manifest),
        )


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    marts = [
        dg.AssetKey([("meta" if table.schema == "meta" else "marts"), table.name])
        for table in contract.load(settings.contract).dbt_models()
    ]

    @dg.asset(key=KEY, group_name="release", deps=marts, kinds={"duckdb", "parquet"})
    def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """One immutable, verified folder; `warehouse/current` points at it."""
        made = make(settings)
        context.log.info(f"release {made.release_id}: {made.rows} rows")
        return dg.MaterializeResult(
            metadata={
                "release_id": made.release_id,
                "path": dg.MetadataValue.path(str(made.path)),
                "is_new": made.is_new,
                "dagster/row_count": made.rows,
            }
        )

    return [release]
