"""dbt model files that follow from the contract.

Belongs here: rendering `sources/contract.yml` into one yml per published model (description, column
types, enforced contract, key test). Not here: what the contract says, or SQL.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipelines.contract import Contract, Table

HEADER = "# Made from sources/contract.yml by `metrocircle contract --write`; edit that file.\n"


# Spark has no varchar without a length; what it makes meets the contract when DuckDB takes it in.
_ENFORCED = "{{ (target.type == 'duckdb') | as_bool }}"


def model_path(table: Table) -> Path:
    """Where a table's yml lies below `dbt_project/models`."""
    folder = Path("meta") if table.schema == "meta" else Path("marts") / table.topic
    return folder / f"{table.name}.yml"


def _description(table: Table) -> str:
    parts = [f"{table.en}.", f"{table.zh}。", f"**Primary key:** {', '.join(table.key)}."]
    if table.nuance:
        parts.append(f"*Nuance:* {table.nuance}")
    return "\n\n".join(parts) + "\n"


def render(table: Table) -> str:
    """The yml of one model. Wide tables (`open`) get no enforced contract: columns are data."""
    columns = []
    for column in table.columns:
        unit = "" if column.unit == "none" else f" [{column.unit}]"
        entry: dict[str, Any] = {
            "name": column.name,
            "data_type": column.type,
            "description": f"{column.en}{unit} / {column.zh}",
        }
        columns.append(entry)
    model = {
        "name": table.name,
        "description": _description(table),
        "config": {"contract": {"enforced": _ENFORCED if not table.open else False}},
        # The key of a partitioned table is checked part by part on release: there it is sorted.
        "data_tests": []
        if table.partition_by
        else [{"primary_key": {"arguments": {"columns": list(table.key)}}}],
        "columns": columns,
    }
    if {"value", "value_low", "value_high"} <= set(table.column_names):
        model["data_tests"].append("interval_holds")  # type: ignore[attr-defined]
    document = {"version": 2, "models": [model]}
    return HEADER + yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=100)


def rendered(contract: Contract) -> dict[Path, str]:
    """Every model yml by its path below `dbt_project/models`."""
    return {model_path(table): render(table) for table in contract.dbt_models()}


def write(contract: Contract, dbt_project: Path) -> list[Path]:
    """Write what changed; return the changed paths."""
    changed = []
    for relative, text in rendered(contract).items():
        path = dbt_project / "models" / relative
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
