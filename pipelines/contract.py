"""The contract file as Python objects.

Belongs here: reading `sources/contract.yml` and answering questions about it (columns, keys, types,
polars schema). Not here: checking data (expectations, dbt, release) or rendering it (transform).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipelines.errors import ContractBroken

if TYPE_CHECKING:
    import polars as pl

SCHEMAS = ("main", "tidy", "meta")
TYPES = ("varchar", "integer", "double", "boolean", "date", "decimal(28,10)")

# The parser of libyaml takes a sixth of the time that the one in Python takes.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Column:
    """One column: DuckDB type, unit (`none`, a unit, or `see:<column>`), both descriptions.

    deprecated: what to use instead and which version removes it; empty while the column stays.
    """

    name: str
    type: str
    unit: str
    zh: str
    en: str
    deprecated: str = ""


@dataclass(frozen=True)
class Table:
    """One contracted table. `open` names a registry that adds columns (wide tables).

    partition_by: a column; the table is released as one Parquet file for each of its values, in a
    folder, and as a view of DuckDB. For tables too large to be copied into the database.
    """

    name: str
    schema: str
    topic: str
    key: tuple[str, ...]
    order: tuple[str, ...]
    zh: str
    en: str
    nuance: str
    lake: bool
    made_by: str
    open: str
    columns: tuple[Column, ...] = field(repr=False)
    deprecated: str = ""
    partition_by: str = ""

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]


@dataclass(frozen=True)
class Reference:
    """Columns that point into a table, wherever a table has all of them and is not excepted."""

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...]
    excepted: frozenset[str]

    def applies_to(self, table: Table) -> bool:
        names = set(table.column_names)
        itself = table.name == self.table and self.columns == self.to
        return names.issuperset(self.columns) and table.name not in self.excepted and not itself


@dataclass(frozen=True)
class Contract:
    schema_version: str
    tables: dict[str, Table]
    references: tuple[Reference, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """A hash over all of it as it was read; the file may have changed since."""
        parts = [(table, table.columns) for table in self.tables.values()]
        references = [(r.columns, r.table, r.to, sorted(r.excepted)) for r in self.references]
        text = repr((self.schema_version, parts, references))
        return hashlib.sha256(text.encode()).hexdigest()

    def table(self, name: str) -> Table:
        try:
            return self.tables[name]
        except KeyError:
            raise ContractBroken(f"table {name!r} is not in sources/contract.yml") from None

    def of_schema(self, schema: str) -> list[Table]:
        return [table for table in self.tables.values() if table.schema == schema]

    def lake_tables(self) -> list[Table]:
        return [table for table in self.tables.values() if table.lake]

    def dbt_models(self) -> list[Table]:
        """Tables that dbt makes: public ones not made by the release and not extract tables."""
        return [t for t in self.tables.values() if t.made_by == "dbt"]


def _column(entry: str | dict[str, Any], vocabulary: dict[str, Any], table: str) -> Column:
    name, override = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
    merged = {**vocabulary.get(name, {}), **override}
    missing = {"type", "unit", "zh", "en"} - merged.keys()
    if missing:
        raise ContractBroken(f"{table}.{name}: the contract lacks {', '.join(sorted(missing))}")
    if merged["type"] not in TYPES:
        raise ContractBroken(f"{table}.{name}: type {merged['type']!r} is none of {TYPES}")
    return Column(
        name, merged["type"], merged["unit"], merged["zh"], merged["en"],
        deprecated=merged.get("deprecated", ""),
    )  # fmt: skip


def _reference(entry: dict[str, Any], tables: dict[str, Table]) -> Reference:
    where = f"references to {entry.get('table')}"
    _require(entry, ("columns", "table"), where)
    columns = tuple(entry["columns"])
    reference = Reference(
        columns, entry["table"], tuple(entry.get("to", columns)), frozenset(entry.get("except", ()))
    )
    target = tables.get(reference.table)
    # A contract of few tables (the tests have one) keeps the references that it can.
    known = target.column_names if target else reference.to
    if len(reference.to) != len(columns) or not set(reference.to) <= set(known):
        raise ContractBroken(f"{where}: {columns} cannot point at {reference.to}")
    return reference


def _require(mapping: Any, names: tuple[str, ...], where: str) -> None:
    missing = [n for n in names if not isinstance(mapping, dict) or n not in mapping]
    if missing:
        raise ContractBroken(f"{where}: the contract lacks {', '.join(missing)}")


@lru_cache(maxsize=4)
def load(path: Path) -> Contract:
    """Read the contract file; ContractBroken names the table and the flaw."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except yaml.YAMLError as error:
        raise ContractBroken(f"{path.name}: {error}") from error
    _require(document, ("schema_version", "vocabulary", "tables"), path.name)
    vocabulary = document["vocabulary"]
    tables = {}
    for name, raw in document["tables"].items():
        _require(raw, ("schema", "key", "zh", "en", "columns"), name)
        columns = tuple(_column(entry, vocabulary, name) for entry in raw["columns"])
        names = [column.name for column in columns]
        key = tuple(raw["key"])
        order = tuple(raw.get("order", key))
        partition_by = raw.get("partition_by", "")
        for required in (*key, *order, *([partition_by] if partition_by else [])):
            if required not in names:
                raise ContractBroken(f"{name}: key or order names {required!r}, not a column of it")
        if len(set(names)) != len(names):
            raise ContractBroken(f"{name}: a column is listed twice")
        if raw["schema"] not in SCHEMAS:
            raise ContractBroken(f"{name}: unknown schema {raw['schema']!r}")
        # The published order must be total, or two builds could differ: the key completes it.
        order += tuple(column for column in key if column not in order)
        lake = raw.get("lake", False)
        tables[name] = Table(
            name=name,
            schema=raw["schema"],
            topic=raw.get("topic", raw["schema"]),
            key=key,
            order=order,
            zh=raw["zh"],
            en=raw["en"],
            nuance=raw.get("nuance", ""),
            lake=lake,
            made_by=raw.get("made_by", "extract" if lake else "dbt"),
            open=raw.get("open", ""),
            columns=columns,
            deprecated=raw.get("deprecated", ""),
            partition_by=partition_by,
        )
    references = [_reference(entry, tables) for entry in document.get("references", ())]
    return Contract(
        document["schema_version"], tables, tuple(r for r in references if r.table in tables)
    )


def polars_schema(table: Table) -> dict[str, pl.DataType | type[pl.DataType]]:
    """The table's columns as a polars schema (used by the extract step)."""
    import polars as pl

    known: dict[str, pl.DataType | type[pl.DataType]] = {
        "varchar": pl.String,
        "integer": pl.Int32,
        "double": pl.Float64,
        "boolean": pl.Boolean,
        "date": pl.Date,
        "decimal(28,10)": pl.Decimal(28, 10),
    }
    return {column.name: known[column.type] for column in table.columns}
