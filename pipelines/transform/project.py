"""dbt in this process: environment, manifest, build.

Belongs here: how dbt is called and how its handles are closed. Not here: models, or what its
results mean (quality.ledger).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines import contract, kept, lake
from pipelines.errors import MetrocircleError
from pipelines.fingerprint import Hasher
from pipelines.lock import LOCK_FILE, in_turn
from pipelines.settings import Settings


@dataclass(frozen=True)
class BuildResult:
    """Outcome of `dbt build`: run_results.json and manifest.json as dicts, error text if any.

    kept: ids of the nodes that stand as an earlier build left them; run_results has them too.
    """

    success: bool
    run_results: dict[str, Any]
    manifest: dict[str, Any]
    message: str
    kept: frozenset[str] = frozenset()


# Name under which the last build is kept, and what decides what dbt makes of a lake.
_LAST = "dbt"
_CODE = ("dbt_project", "pipelines/transform", "requirements.lock")
_PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb")


def build_database(settings: Settings) -> Path:
    """The disposable database of a refresh. One fixed name: dbt keeps its parse cache for it."""
    return settings.build / "build.duckdb"


def target_path(settings: Settings) -> Path:
    return settings.build / "dbt"


def manifest_path(settings: Settings) -> Path:
    return target_path(settings) / "manifest.json"


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "METROCIRCLE_BUILD_DB": str(build_database(settings)),
        "METROCIRCLE_LAKE": str(settings.lake),
        "METROCIRCLE_THREADS": str(settings.threads),
        "DBT_TARGET_PATH": str(target_path(settings)),
        "DBT_LOG_PATH": str(target_path(settings) / "logs"),
        "DBT_PROFILES_DIR": str(settings.dbt_project),
        "DBT_PROJECT_DIR": str(settings.dbt_project),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


@contextlib.contextmanager
def _environ(settings: Settings) -> Iterator[None]:
    # dbt reads its settings from the process environment only; it is put back afterwards.
    before = dict(os.environ)
    os.environ.update(_environment(settings))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def fingerprint(settings: Settings) -> str:
    """Hash over the dbt project's files and the paths that its manifest holds."""
    digest = hashlib.sha256(str(settings.lake).encode())
    for path in project_files(settings):
        digest.update(path.relative_to(settings.dbt_project).as_posix().encode() + b"\x00")
        digest.update(path.read_bytes() + b"\x00")
    return digest.hexdigest()


def project_files(settings: Settings) -> list[Path]:
    """Files that decide what dbt makes, in a fixed order."""
    suffixes = {".sql", ".yml", ".yaml", ".csv", ".md", ".py"}
    produced = {"target", "logs", "dbt_packages"}
    return [
        path
        for path in sorted(settings.dbt_project.rglob("*"))
        if path.suffix in suffixes
        and not produced & set(path.relative_to(settings.dbt_project).parts)
    ]


def ensure_manifest(settings: Settings) -> Path:
    """The manifest of the project as it stands; parsed only when the project changed.

    A copy named by the project's fingerprint: dbt writes its own in place at every call, so whoever
    loads the code location during a refresh, or beside another who does, would read half of one. It
    is parsed in a folder of its own, for the same reason: a build may be reading what it wrote.
    """
    folder = settings.build / "manifests"
    manifest = folder / f"{fingerprint(settings)}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with in_turn(folder / LOCK_FILE):
        if manifest.exists():
            return manifest
        result = _invoke(settings, ["parse", "--target-path", str(folder / "target")])
        if not result.success:
            raise RuntimeError(f"dbt parse failed: {_message(result)}")
        for outdated in folder.glob("*.json"):
            outdated.unlink()
        aside = manifest.with_suffix(".part")
        shutil.copyfile(folder / "target" / "manifest.json", aside)
        aside.replace(manifest)
    return manifest


def build(settings: Settings) -> BuildResult:
    """`dbt build` of what rests on lake tables that changed since the last build.

    From scratch when models, macros, seeds or packages changed, when the database is not as that
    build left it, and on Spark: what is kept then rests on something else. Every handle on the
    database is closed on return.
    """
    database = build_database(settings)
    database.parent.mkdir(parents=True, exist_ok=True)
    # Taken before dbt reads the models: one that is edited meanwhile must not count as built.
    code, lies = _code(settings), _as_they_lie(settings)
    before = _last_build(settings, code)
    # From here on the database is between two states: who is killed now starts from scratch.
    kept.forget(settings, _LAST)
    if before is None:
        for leftover in (database, _journal(settings)):
            leftover.unlink(missing_ok=True)
    if settings.engine == "spark":
        return _build_on_spark(settings)
    tables = lake.contents(settings.lake, _lake_tables(settings))
    arguments = _stale(settings, before, tables) if before else ["build"]
    earlier = {entry["unique_id"]: entry for entry in before["results"]} if before else {}
    if arguments:
        outcome = target_path(settings) / "run_results.json"
        outcome.unlink(missing_ok=True)
        _take_parsed(settings)
        result = _invoke(settings, arguments)
        run_results = _read_results(outcome)
        if not result.success:
            # What stands in the database beside what failed was made of another lake.
            return _result(settings, False, run_results, _message(result))
    else:
        run_results = {"results": []}
    anew = {entry["unique_id"]: entry for entry in run_results["results"]}
    # In the order of the build from scratch, where each node stands after its inputs.
    run_results["results"] = list((earlier | anew).values())
    if arguments:
        _complete_manifest(settings, run_results)
    if _as_they_lie(settings) == lies:
        last = {"lake": str(settings.lake), "tables": tables, "results": run_results["results"]}
        kept.keep(settings, _LAST, _rests_on(settings, code), last)
    stays = frozenset(earlier.keys() - anew.keys())
    return replace(_result(settings, True, run_results, ""), kept=stays)


def _complete_manifest(settings: Settings, run_results: dict[str, Any]) -> None:
    """Give models that were kept the SQL that made them: dbt compiles what it is asked for."""
    manifest = built_manifest(settings)
    for entry in run_results["results"]:
        node = manifest["nodes"].get(entry["unique_id"])
        if node is not None and not node.get("compiled_code"):
            node["compiled_code"] = entry.get("compiled_code")
    path = manifest_path(settings)
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    aside.replace(path)


def _stale(settings: Settings, before: dict[str, Any], tables: dict[str, str]) -> list[str]:
    """The dbt command that makes the kept build one of the lake as it lies; empty: it is one."""
    changed = [name for name in tables if before["tables"].get(name) != tables[name]]
    select = [f"source:lake.{name}+" for name in changed]
    if before["lake"] != str(settings.lake):
        # Views name the files that they read; the tables of a warehouse that moved still hold.
        select.append("config.materialized:view")
    # A unit test rests on its model and its own rows alone: what it found still holds.
    return ["build", "--select", *select, "--exclude", "resource_type:unit_test"] if select else []


def _lake_tables(settings: Settings) -> list[str]:
    return [table.name for table in contract.load(settings.contract).lake_tables()]


def _journal(settings: Settings) -> Path:
    database = build_database(settings)
    return database.with_name(database.name + ".wal")


def _last_build(settings: Settings, code: str) -> dict[str, Any] | None:
    """lake, tables (hash by name) and results of the build that the database still holds."""
    made = (build_database(settings), manifest_path(settings))
    if settings.engine == "spark" or not all(path.exists() for path in made):
        return None
    return kept.recall(settings, _LAST, _rests_on(settings, code))


def _as_they_lie(settings: Settings) -> list[tuple[str, int, int, int]]:
    """Files of the project by name, size, time and place: others after any edit, undone or not."""
    found = [(path, path.stat()) for path in project_files(settings)]
    return [(str(path), s.st_size, s.st_mtime_ns, s.st_ino) for path, s in found]


def _rests_on(settings: Settings, code: str) -> str:
    """Everything but the lake that decides what a build makes, and the database it left."""
    found = build_database(settings).stat()
    database = f"{found.st_size} {found.st_mtime_ns} {_journal(settings).exists()}"
    return _sha256([code, database])


def _code(settings: Settings) -> str:
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    return _sha256([Hasher(settings).of(_CODE), *packages])


def _sha256(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def made_of(settings: Settings, manifest: dict[str, Any]) -> dict[str, str]:
    """By model and lake table, a hash over all that its rows rest on: lake, models, packages.

    None at all when models changed since they were built, and of a build on Spark.
    """
    code = _code(settings)
    last = _last_build(settings, code)
    if last is None:
        return {}
    parents, tables = manifest["parent_map"], last["tables"]
    sources = {node: manifest["sources"][node]["name"] for node in manifest["sources"]}
    read: dict[str, set[str]] = {}

    def of(node: str) -> set[str]:
        if node not in read:
            own = {sources[node]} if node in sources else set()
            read[node] = own.union(*(of(parent) for parent in parents.get(node, ())))
        return read[node]

    models = {
        node["name"]: _sha256([code, *(f"{name} {tables[name]}" for name in sorted(of(unique)))])
        for unique, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and of(unique) <= tables.keys()
    }
    # A model of the same name is what a release holds of a lake table.
    return {**tables, **models}


def built_manifest(settings: Settings) -> dict[str, Any]:
    """dbt's manifest of the last build, with the SQL of every model that it holds."""
    manifest: dict[str, Any] = json.loads(manifest_path(settings).read_bytes())
    return manifest


def _take_parsed(settings: Settings) -> None:
    """Let the build start from what `ensure_manifest` parsed; dbt judges whether it still holds."""
    folder = settings.build / "manifests"
    parsed = folder / "target" / "partial_parse.msgpack"
    target_path(settings).mkdir(parents=True, exist_ok=True)
    if parsed.exists():
        with in_turn(folder / LOCK_FILE):
            shutil.copyfile(parsed, target_path(settings) / parsed.name)


def _read_results(path: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {"results": []}
    return results


def _result(
    settings: Settings, success: bool, run_results: dict[str, Any], message: str
) -> BuildResult:
    return BuildResult(success, run_results, built_manifest(settings), message)


def columns(settings: Settings) -> dict[str, list[str]]:
    """Columns of every relation of the build database, in order, by its name."""
    import duckdb

    found: dict[str, list[str]] = {}
    if not build_database(settings).exists():
        return found
    with duckdb.connect(str(build_database(settings)), read_only=True) as connection:
        for name, column in connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal "
            "ORDER BY table_name, column_index"
        ).fetchall():
            found.setdefault(name, []).append(column)
    return found


def spark_folder(settings: Settings) -> Path:
    """Where Spark works and leaves its tables."""
    return settings.build / "spark"


def _build_on_spark(settings: Settings) -> BuildResult:
    """The models on Spark, in the environment of their own, then their tables in DuckDB.

    Unit tests of models stay with DuckDB: on Spark each costs seconds, and the parity of every mart
    says more. The manifest is DuckDB's: macros and column lineage of a release are read off it.
    """
    folder = spark_folder(settings)
    outcome = folder / "target" / "run_results.json"
    outcome.unlink(missing_ok=True)
    if not settings.spark_python.exists():
        raise MetrocircleError(
            f"engine spark: {settings.spark_python} does not exist; run `make spark`, or set "
            "METROCIRCLE_SPARK_PYTHON"
        )
    script = Path(__file__).with_name("spark.py")
    paths = [str(path) for path in (settings.spark_python, script, settings.lake, folder)]
    command = [*paths, "build", "--exclude", "resource_type:unit_test"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    run_results = _read_results(outcome)
    if done.returncode == 0:
        take_in(settings, folder / "tables")
        # Models whose columns are data are compiled against tables; views left no files.
        for arguments in (["run", "--select", "config.materialized:view"], ["compile"]):
            made = _invoke(settings, arguments)
            if not made.success:
                return _result(settings, False, run_results, _message(made))
    return _result(settings, done.returncode == 0, run_results, _last_words(done.stderr))


def _last_words(stderr: str) -> str:
    """What went wrong, without the notices that Java and Spark print at every start."""
    lines = [line for line in stderr.splitlines() if " WARN " not in line]
    return "\n".join(lines[-20:])


def take_in(settings: Settings, tables: Path) -> None:
    """Every table that Spark made, in the build database, with the types of the contract.

    Spark knows no text without end and no 32-bit day; a value that a contract's type cannot hold
    ends the build here, as DuckDB's own contract would have.
    """
    import duckdb

    from pipelines.release.parquet import literal, quote

    known = {table.name: table for table in contract.load(settings.contract).dbt_models()}
    with duckdb.connect(str(build_database(settings))) as connection:
        for folder in sorted(tables.glob("*.db/*")):
            schema, name = folder.parent.name.removesuffix(".db"), folder.name
            if schema == "lake" or not any(folder.glob("*.parquet")):
                continue
            scan = f"read_parquet({literal(str(folder / '*.parquet'))})"
            types = {c.name: c.type for c in known[name].columns} if name in known else {}
            described = connection.execute(f"describe select * from {scan}").fetchall()
            columns = ", ".join(
                f"cast({quote(column)} as {types.get(column, kind)}) as {quote(column)}"
                for column, kind, *_ in described
            )
            connection.execute(f"create schema if not exists {quote(schema)}")
            connection.execute(
                f"create table {quote(schema)}.{quote(name)} as select {columns} from {scan}"
            )


def _invoke(settings: Settings, arguments: list[str]) -> Any:
    # dbt takes seconds to import, so only a run that needs it pays.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    quiet = ["--log-level", "none", "--log-level-file", "info", "--no-use-colors"]
    with _environ(settings):
        try:
            return dbtRunner().invoke([*quiet, *arguments])
        finally:
            # dbtRunner keeps the database open after it returns; the next reader needs the lock.
            DuckDBConnectionManager.close_all_connections()


def _message(result: Any) -> str:
    if result.exception is not None:
        return str(result.exception)
    nodes = getattr(result.result, "results", None) or []
    return "\n".join(
        f"{node.node.name}: {node.message}"
        for node in nodes
        if str(node.status) in {"error", "fail", "runtime error"}
    )
