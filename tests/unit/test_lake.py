"""A slice in the lake is whole, in contract shape, and the same bytes for the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import contract, lake
from pipelines.errors import ContractBroken
from pipelines.settings import Settings

UNIT = contract.load(Settings().contract).table("unit")


def units(*ids: str, **changes: Any) -> pl.DataFrame:
    row = {
        column.name: 1.0 if column.type == "double" else "x" for column in UNIT.columns
    }  # fmt: skip
    return pl.DataFrame([{**row, "unit_id": id_, **changes} for id_ in ids])


def test_same_rows_in_any_order_are_the_same_bytes(tmp_path: Path) -> None:
    one = lake.write(tmp_path / "one", UNIT, "all", units("b", "a").with_columns(extra=pl.lit(1)))
    two = lake.write(tmp_path / "two", UNIT, "all", units("a", "b"))
    assert one.read_bytes() == two.read_bytes()
    assert lake.read(tmp_path / "one", UNIT)["unit_id"].to_list() == ["a", "b"]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (units("a").drop("unit_id"), "unit: the extract lacks column 'unit_id'"),
        (units("a", factor="much"), "unit: "),
    ],
)
def test_what_breaks_the_contract_leaves_the_old_slice(
    frame: pl.DataFrame, says: str, tmp_path: Path
) -> None:
    path = lake.write(tmp_path, UNIT, "all", units("a"))
    before = path.read_bytes()
    with pytest.raises(ContractBroken, match=says):
        lake.write(tmp_path, UNIT, "all", frame)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["all.parquet"]


def test_a_table_without_slices_is_empty_in_contract_shape(tmp_path: Path) -> None:
    frame = lake.read(tmp_path, UNIT)
    assert frame.is_empty() and frame.columns == UNIT.column_names


def test_a_half_written_file_is_no_slice(tmp_path: Path) -> None:
    lake.write(tmp_path, UNIT, "all", units("a"))
    (tmp_path / "unit" / ".all.parquet.12ab34cd").write_bytes(b"PAR1")
    assert lake.read(tmp_path, UNIT).height == 1
    assert lake.drop_stale(tmp_path, "unit", {"all"}) == []
    assert lake.drop_stale(tmp_path, "unit", set()) == ["all"]
