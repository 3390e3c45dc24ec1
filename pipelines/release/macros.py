"""Table macros of the released file: the circle models of the harmonise room, for any members.

Belongs here: turning the compiled SQL of dbt models into `CREATE MACRO … AS TABLE` statements whose
circle is an argument instead of a table. Not here: any rule of harmonisation (the models hold them,
and nothing is written twice), or reading arguments of people (`pipelines.circle`).

`own_circle(['440100', '440600'])` in the released DuckDB answers with the columns of
`circle_indicator_year`, made by the very statements that made that table. A list of shares may
follow the list of codes: `own_circle(['440100', '441200'], [1, 0.53])`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import ContractBroken
from pipelines.release.parquet import literal, quote

# Macro by the mart whose rows it returns.
MACROS = {
    "own_circle": "circle_indicator_year",
    "own_circle_cell": "int_circle__cell",
    "own_circle_inequality": "circle_inequality_year",
}
OWN_ID = "OWN"
# DuckDB puts an argument in the place of every column of its name: no model may use these names.
CODES, SHARES = "own_member_codes", "own_member_shares"

# Models that end the chain: what they would read is an argument or stands in the release. Values of
# a release are doubles made from exact decimals; sums need the decimals again.
_EXACT = ("value", "value_low", "value_high")
_STANDS_FOR = {
    "stg_geography__circle_member": f"""
        select
            '{OWN_ID}' as circle_id, place_code, cast(weight as double) as weight
        from (
            select
                unnest({CODES}) as place_code,
                unnest(coalesce(
                    cast({SHARES} as double[]), list_transform({CODES}, lambda code: 1.0)
                )) as weight
        )
        """,
    "stg_geography__circle": f"""
        select
            '{OWN_ID}' as circle_id, 'circle' as circle_kind,
            cast(null as varchar) as circle_name_zh, cast(null as varchar) as circle_name_en,
            cast(len({CODES}) as integer) as members_total
        """,
    "stg_registry__indicator": "select * from main.indicator",
    "stg_geography__division": "select * from main.division",
    "int_place__named": """
        select distinct place_code, year, place_name_zh, place_name_en, place_level
        from main.city_indicator_year
        """,
    "int_indicator__vintages": f"""
        select * replace ({
        ", ".join(f"cast({column} as decimal(28, 10)) as {column}" for column in _EXACT)
    })
        from main.city_indicator_year
        """,
}


def statements(manifest: Mapping[str, Any], dbt_project: Path) -> list[str]:
    """One CREATE MACRO per entry of MACROS that the manifest holds in compiled form.

    manifest: `manifest.json` after a build (its models carry `compiled_code`). A manifest that was
    only parsed gives none, so that a release of a bare build database stays possible. `{catalog}`
    stands for the name of the attached file.
    """
    nodes = {
        node["name"]: node
        for node in manifest.get("nodes", {}).values()
        if node["resource_type"] in {"model", "seed"}
    }
    return [
        _macro(name, target, nodes, dbt_project)
        for name, target in MACROS.items()
        if nodes.get(target, {}).get("compiled_code")
    ]


def _macro(name: str, target: str, nodes: Mapping[str, Any], dbt_project: Path) -> str:
    chain: dict[str, str] = {}
    _walk(target, nodes, dbt_project, chain)
    for argument in (CODES, SHARES):
        taken = [m for m, sql in chain.items() if m not in _STANDS_FOR and argument in sql]
        if taken:
            raise ContractBroken(f"{', '.join(taken)}: {argument} is an argument of {name}")
    relations = {nodes[model]["relation_name"]: model for model in chain if model in nodes}
    ctes = []
    for model, compiled in chain.items():
        sql = compiled
        for relation, cte in relations.items():
            sql = sql.replace(relation, cte)
        ctes.append(f"{quote(model)} as (\n{sql.strip()}\n)")
    return (
        f"CREATE MACRO {{catalog}}.main.{name}({CODES}, {SHARES} := NULL) AS TABLE\n"
        f"WITH {', '.join(ctes)}\nSELECT * FROM {quote(target)}"
    )


def _walk(model: str, nodes: Mapping[str, Any], dbt_project: Path, chain: dict[str, str]) -> None:
    """Put the SQL of the model behind that of everything it reads."""
    if model in chain:
        return
    if model in _STANDS_FOR:
        chain[model] = _STANDS_FOR[model]
        return
    node = nodes[model]
    if node["resource_type"] == "seed":
        chain[model] = _seed(node, dbt_project)
        return
    for parent in node["depends_on"]["nodes"]:
        _walk(parent.rsplit(".", 1)[-1], nodes, dbt_project, chain)
    chain[model] = node["compiled_code"]


def _seed(node: Mapping[str, Any], dbt_project: Path) -> str:
    """A seed as a list of values: it stands in no release."""
    path = dbt_project / node["original_file_path"]
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    types: Mapping[str, str] = node["config"]["column_types"]
    listed = ", ".join(
        f"({', '.join('null' if cell == '' else literal(cell) for cell in row)})" for row in rows
    )
    columns: Sequence[str] = [f"cast({name} as {types[name]}) as {name}" for name in header]
    return f"select {', '.join(columns)} from (values {listed}) as seed({', '.join(header)})"
