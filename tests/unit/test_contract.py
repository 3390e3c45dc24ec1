"""The contract file is sound, and a flaw in it is named with its table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import contract
from pipelines.errors import ContractBroken
from pipelines.settings import Settings

KNOWN = contract.load(Settings().contract)
TEXT = {"type": "varchar", "unit": "none", "zh": "甲", "en": "A"}


@pytest.mark.parametrize("table", KNOWN.tables.values(), ids=lambda table: table.name)
def test_every_table_has_a_total_order_and_described_columns(table: contract.Table) -> None:
    assert set(table.key) <= set(table.order) <= set(table.column_names)
    assert contract.polars_schema(table).keys() == set(table.column_names)
    assert table.zh and table.en
    for column in table.columns:
        assert column.zh.strip() and column.en.strip(), column.name
        if column.unit.startswith("see:"):
            assert column.unit.removeprefix("see:") in table.column_names, column.name


def test_browsers_read_no_wide_integers() -> None:
    public = KNOWN.of_schema("main")
    assert not [c for t in public for c in t.columns if c.type in ("bigint", "hugeint")]


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(ContractBroken, match=r"'nonsense' is not in sources/contract\.yml"):
        KNOWN.table("nonsense")


def written(folder: Path, **changes: Any) -> Path:
    table = {"schema": "main", "key": ["a"], "zh": "表", "en": "T", "columns": ["a"], **changes}
    table = {name: value for name, value in table.items() if value is not None}
    document = {"schema_version": "1", "vocabulary": {"a": TEXT}, "tables": {"t": table}}
    path = folder / "contract.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"key": ["b"]}, "t: key or order names 'b'"),
        ({"order": ["b"]}, "t: key or order names 'b'"),
        ({"columns": ["a", "a"]}, "t: a column is listed twice"),
        ({"columns": ["a", "b"]}, r"t\.b: the contract lacks en, type, unit, zh"),
        ({"columns": [{"a": {"type": "bigint"}}]}, r"t\.a: type 'bigint' is none of"),
        ({"schema": "private"}, "t: unknown schema 'private'"),
        ({"key": None}, "t: the contract lacks key"),
    ],
)
def test_a_flaw_is_named_with_its_table(changes: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(ContractBroken, match=says):
        contract.load(written(tmp_path, **changes))


@pytest.mark.parametrize("text", ["", "a: [", "tables: {}", "- 1", "!!python/name:os.system {}"])
def test_a_file_that_is_no_contract_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "contract.yml"
    path.write_text(text)
    with pytest.raises(ContractBroken, match=r"contract\.yml"):
        contract.load(path)


def test_the_order_is_completed_by_the_key(tmp_path: Path) -> None:
    vocabulary = [{"a": TEXT}, {"b": TEXT}]
    table = contract.load(written(tmp_path, columns=vocabulary, key=["a", "b"], order=["b"])).table(
        "t"
    )
    assert table.order == ("b", "a")
