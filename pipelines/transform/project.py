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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import MetrocircleError
from pipelines.lock import LOCK_FILE, in_turn
from pipelines.settings import Settings


@dataclass(frozen=True)
class BuildResult:
    """Outcome of `dbt build`: run_results.json and manifest.json as dicts, error text if any."""

    success: bool
    run_results: dict[str, Any]
    manifest: dict[str, Any]
    message: str


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
    suffixes = {".sql", ".yml", ".csv", ".md"}
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
    """`dbt build` into a fresh build database; every handle on it is closed on return."""
    database = build_database(settings)
    database.parent.mkdir(parents=True, exist_ok=True)
    for leftover in (database, database.with_name(database.name + ".wal")):
        leftover.unlink(missing_ok=True)
    if settings.engine == "spark":
        return _build_on_spark(settings)
    outcome = target_path(settings) / "run_results.json"
    outcome.unlink(missing_ok=True)
    _take_parsed(settings)
    result = _invoke(settings, ["build"])
    return _result(settings, bool(result.success), _read_results(outcome), _message(result))


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
    manifest = json.loads(manifest_path(settings).read_bytes())
    return BuildResult(success, run_results, manifest, message)


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

    from pipelines import contract
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
