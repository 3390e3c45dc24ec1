"""Column lineage: which columns each column of a model is computed from, read off its compiled SQL.

Belongs here: parsing what dbt compiled, and the table `meta.column_lineage` made from it. Not here:
lineage of single values (`models/meta/lineage.sql`), or how Dagster shows either.

An edge says that the expression of a column names another column. Columns that only join, filter,
group or order do not count, nor do constants and counts of rows: a column made of those alone has
no edge. The same project gives the same edges, whatever the data and the machine.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import contract as contracts
from pipelines import kept
from pipelines.contract import Contract
from pipelines.fingerprint import Hasher
from pipelines.settings import Settings

if TYPE_CHECKING:
    import polars as pl

TABLE = "column_lineage"
# (model, column, input, input column); an input is a model, a seed or a table of the lake.
Edge = tuple[str, str, str, str]
Node = tuple[str, str]  # (table, column)
LAKE = "lake."
_CODE = ("pipelines/transform/lineage.py",)
_CATALOG = "build"


def cache_path(settings: Settings) -> Path:
    return kept.path(settings, TABLE)


def save(
    settings: Settings,
    run_results: Mapping[str, Any],
    manifest: Mapping[str, Any],
    columns: Mapping[str, list[str]],
) -> list[Edge]:
    """Read the edges off a finished build and keep them for the release step.

    run_results, manifest: of `dbt build`. columns: of every relation of the build database.
    Models whose SQL and inputs did not change are not parsed again by the same code and parser.
    """
    path = cache_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    rule = f"{Hasher(settings).of(_CODE)} {version('sqlglot')}"
    known = _read(path)
    compiled = _compiled(run_results, manifest, contracts.load(settings.contract), columns)
    found = {}
    for name, (sql, inputs) in sorted(compiled.items()):
        key = hashlib.sha256(
            json.dumps([rule, sql, inputs], ensure_ascii=False).encode()
        ).hexdigest()
        before = known.get(name, {})
        edges = before["edges"] if before.get("key") == key else _parse(sql, inputs)
        found[name] = {"key": key, "edges": edges}
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    staged.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    staged.replace(path)
    return _edges(found)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _edges(found: Mapping[str, Any]) -> list[Edge]:
    return [
        (name, column, source, input_column)
        for name, entry in sorted(found.items())
        for column, source, input_column in entry["edges"]
    ]


def _compiled(
    run_results: Mapping[str, Any],
    manifest: Mapping[str, Any],
    contract: Contract,
    columns: Mapping[str, list[str]],
) -> dict[str, tuple[str, dict[str, list[str]]]]:
    """Per model that was built: its SQL without machine paths, and the columns of its inputs."""
    nodes = {**manifest["nodes"], **manifest["sources"]}
    built = {}
    for result in run_results["results"]:
        node = manifest["nodes"].get(result["unique_id"])
        if node is None or node["resource_type"] != "model":
            continue
        # The manifest's first: a build on another engine still releases DuckDB's SQL.
        compiled = node.get("compiled_code") or result.get("compiled_code")
        if not compiled:
            continue
        sql, inputs = str(compiled), {}
        for parent in sorted(node["depends_on"]["nodes"]):
            entry = nodes[parent]
            name = entry["name"]
            if entry["resource_type"] == "source":
                table = contract.tables.get(name)
                inputs[LAKE + name] = table.column_names if table else []
                # A lake table is a path of this machine: named, it is the same everywhere.
                sql = sql.replace(entry["relation_name"], f'"{_CATALOG}"."lake"."{name}"')
            else:
                inputs[name] = list(columns.get(name, []))
        built[node["name"]] = (sql, inputs)
    return built


def _parse(sql: str, inputs: Mapping[str, list[str]]) -> list[tuple[str, str, str]]:
    """(column, input, input column) of one SELECT; empty when the parser cannot read it."""
    from sqlglot import parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope
    from sqlglot.schema import MappingSchema

    if not any(inputs.values()):
        # A model of constants rests on nothing, and the parser knows no empty schema.
        return []
    schema: dict[str, Any] = {}
    for name, names in inputs.items():
        room = "lake" if name.startswith(LAKE) else "main"
        bare = name.removeprefix(LAKE)
        if names:
            schema.setdefault(room, {})[bare] = dict.fromkeys(names, "VARCHAR")
    mapping = MappingSchema({_CATALOG: schema}, dialect="duckdb")
    found = set()
    try:
        query: Any = qualify(
            parse_one(sql, dialect="duckdb"), schema=mapping, dialect="duckdb",
            validate_qualify_columns=False, identify=False,
        )  # fmt: skip
        # All columns at once, on the tree itself: asked one by one, each copies the whole query.
        nodes = lineage(
            None, query, schema=mapping, scope=build_scope(query), dialect="duckdb",
            trim_selects=False, copy=False,
        )  # fmt: skip
        for column, node in nodes.items():
            found |= {(column, *origin) for origin in _leaves(node)}
    except SqlglotError:
        return []
    return sorted(found)


def _leaves(node: Any) -> set[Node]:
    """The tables' columns that a node of sqlglot's lineage rests on; shared nodes count once."""
    from sqlglot import exp

    found, seen, waiting = set(), set(), [node]
    while waiting:
        step = waiting.pop()
        if id(step) in seen:
            continue
        seen.add(id(step))
        waiting += step.downstream
        table = step.expression
        if not step.downstream and isinstance(table, exp.Table) and step.name != "*":
            room = LAKE if table.db == "lake" else ""
            found.add((room + table.name, step.name.rpartition(".")[2]))
    return found


# ------------------------------------------------------------------------------------- table


def frame(settings: Settings) -> pl.DataFrame:
    """`meta.column_lineage` of the last build; empty when none was read."""
    known = contracts.load(settings.contract)
    return table(known, _edges(_read(cache_path(settings))))


def table(contract: Contract, edges: Iterable[Edge]) -> pl.DataFrame:
    """Edges as the public table: every step, and for released tables the origins as well."""
    import polars as pl

    upstream: dict[Node, set[Node]] = {}
    for model, column, source, input_column in edges:
        upstream.setdefault((model, column), set()).add((source, input_column))
    models = {model for model, _ in upstream}
    released = {t.name for t in contract.tables.values() if t.made_by == "dbt"}

    def shown(node: Node) -> Node:
        return _released_name(contract, models, node[0]), node[1]

    origins = _origins(upstream, models)
    rows = set()
    for node, sources in upstream.items():
        rows |= {(*shown(node), *shown(source), "direct") for source in sources}
        if node[0] in released:
            rows |= {(*shown(node), *shown(origin), "origin") for origin in origins[node]}
    schema = contracts.polars_schema(contract.table(TABLE))
    return pl.DataFrame(sorted(rows), schema=schema, orient="row")


def _origins(upstream: Mapping[Node, set[Node]], models: set[str]) -> dict[Node, set[Node]]:
    """Per column of a model: the columns of lake tables and seeds it comes from in the end."""
    known: dict[Node, set[Node]] = {}

    def of(node: Node) -> set[Node]:
        if node not in known:
            known[node] = set()
            for source in upstream.get(node, ()):
                # A model's column without inputs is a constant or a count: it comes from nowhere.
                known[node] |= of(source) if source[0] in models else {source}
        return known[node]

    return {node: of(node) for node in upstream}


def _released_name(contract: Contract, models: set[str], name: str) -> str:
    """`main.x` and `tidy.x` where readers find them; `lake.x`, `build.x`, `seed.x` elsewhere."""
    bare = name.removeprefix(LAKE)
    found = contract.tables.get(bare)
    if name.startswith(LAKE):
        return f"{found.schema}.{bare}" if found and found.made_by == "extract" else name
    if found is not None and found.made_by == "dbt":
        return f"{found.schema}.{bare}"
    return f"{'build' if bare in models else 'seed'}.{bare}"
