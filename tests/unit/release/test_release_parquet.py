"""Export: same rows, same bytes; a broken contract is named; no two tables share a hash."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import contract as contracts
from pipelines.errors import ContractBroken
from pipelines.release import parquet
from pipelines.settings import Settings


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Move this process to another time zone; back home afterwards."""
    before = os.environ.get("TZ")

    def move(zone: str) -> None:
        os.environ["TZ"] = zone
        time.tzset()

    yield move
    os.environ.pop("TZ", None)
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def parquet_bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.parquet"))
    }


def test_same_rows_give_same_bytes_with_other_threads_and_time_zone(make, elsewhere) -> None:
    elsewhere("UTC")
    one = make("one", threads=1).publish()
    elsewhere("Asia/Shanghai")
    two = make("two", threads=2).publish()
    assert one.release_id == two.release_id
    assert parquet_bytes(one.path) == parquet_bytes(two.path)
    # A partitioned table is a folder of files.
    names = {path.removesuffix(".parquet") for path in parquet_bytes(one.path)}
    tables = contracts.load(Settings().contract).tables.values()
    for table in tables:
        path = parquet.parquet_path(table).removesuffix(".parquet")
        assert path in names or any(name.startswith(f"{path}/") for name in names)


def test_bytes_do_not_depend_on_threads_beyond_one_row_group(tmp_path: Path) -> None:
    contract = contracts.load(Settings().contract)
    rows = 2 * parquet.ROW_GROUP_SIZE + 1000
    number = pl.int_range(rows, eager=True)
    shuffled = pl.DataFrame(
        {
            "fact_id": (number * 7919 % rows).cast(pl.String),
            "input_fact_id": number.cast(pl.String),
            "role": pl.repeat("member", rows, eager=True),
        }
    )
    files = []
    for threads in (1, 2):
        connection = parquet.connect(threads)
        relations = parquet.frame_relations(connection, {"lineage": shuffled})
        (item,) = parquet.export(connection, contract, relations, tmp_path / str(threads))
        files.append((item.content_hash, (tmp_path / str(threads) / item.path).read_bytes()))
    assert files[0] == files[1]


def test_one_fact_lies_in_few_small_row_groups(tmp_path: Path) -> None:
    """What lets a browser fetch one circle or one fact without the rest of the table."""
    contract = contracts.load(Settings().contract)
    rows = 5 * parquet.SMALL_ROW_GROUP_SIZE
    number = pl.int_range(rows, eager=True)
    links = pl.DataFrame(
        {
            "fact_id": (number // 9).cast(pl.String).str.zfill(16),
            "input_fact_id": number.cast(pl.String),
            "role": pl.repeat("member", rows, eager=True),
        }
    )
    connection = parquet.connect(1)
    relations = parquet.frame_relations(connection, {"lineage": links})
    (item,) = parquet.export(connection, contract, relations, tmp_path)
    groups = duckdb.sql(
        f"SELECT row_group_id, stats_min, stats_max FROM parquet_metadata('{tmp_path / item.path}')"
        " WHERE path_in_schema = 'fact_id' ORDER BY row_group_id"
    ).fetchall()
    assert len(groups) == 5
    wanted = str(1000).zfill(16)
    assert [group for group, low, high in groups if low <= wanted <= high] == [2]


def test_one_changed_value_gives_another_id(make) -> None:
    same, other = make("same"), make("other")
    other.sql("UPDATE circle_member SET weight = 0.123 WHERE member_seq = 3")
    assert other.publish().release_id != same.publish().release_id


def test_inputs_are_outside_the_id(make) -> None:
    one, two = make("one", few_tables=True), make("two", few_tables=True)
    two.inputs["code_hash"] = "another"
    assert one.publish().release_id == two.publish().release_id


def first_file(folder: Path, table: contracts.Table) -> Path:
    path = folder / parquet.parquet_path(table)
    return min(path.iterdir()) if table.partition_by else path


def test_columns_come_in_contract_order_with_contract_types(published: Path) -> None:
    contract = contracts.load(Settings().contract)
    for table in contract.tables.values():
        found = pl.read_parquet_schema(first_file(published, table))
        expected = dict(contracts.polars_schema(table))
        if table.open:
            expected |= dict.fromkeys(["gdp", "land_area", "population_resident"], pl.Float64)
        assert list(found.items()) == list(expected.items())


def test_rows_are_in_the_contract_order(published: Path) -> None:
    for table in contracts.load(Settings().contract).tables.values():
        frame = pl.read_parquet(first_file(published, table)).select(table.order)
        assert frame.equals(frame.sort(table.order, nulls_last=True)), table.name


def test_parquet_names_schema_version_and_hash_but_no_release(published: Path) -> None:
    connection = parquet.connect()
    path = published / "parquet" / "gap.parquet"
    rows = connection.execute(
        f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{path}')"
    ).fetchall()
    assert {"schema_version", "table_hash"} <= dict(rows).keys()
    assert published.name not in str(rows)


# What a builder may get wrong, and what the message must name.
VIOLATIONS = {
    "null key": (
        "UPDATE gap SET needed_by = NULL WHERE year = 3",
        ["main.gap", "needed_by", "is null", "year='3'"],
    ),
    "duplicate key": (
        "INSERT INTO document SELECT * FROM document WHERE document = 'document-000004'",
        ["main.document", "(document, edition)", "not unique", "document='document-000004'"],
    ),
    "text for a number": (
        "ALTER TABLE circle_member ALTER weight TYPE VARCHAR; "
        "UPDATE circle_member SET weight = 'half' WHERE member_seq = 5",
        ["main.circle_member", "weight", "double", "'half'", "member_seq='5'"],
    ),
    "fraction for an integer": (
        "ALTER TABLE circle ALTER members_total TYPE DOUBLE; "
        "UPDATE circle SET members_total = 1.5 WHERE circle_id = 'circle_id-000002'",
        ["main.circle", "members_total", "1.5", "circle_id='circle_id-000002'"],
    ),
    "too large for an integer": (
        "ALTER TABLE revision ALTER year TYPE BIGINT; "
        "UPDATE revision SET year = 5000000000 WHERE year = 2",
        ["main.revision", "year", "5000000000"],
    ),
    "infinity": (
        "UPDATE revision SET relative_change = 'inf' WHERE year = 2",
        ["main.revision", "relative_change", "finite", "year='2'"],
    ),
    "absent column": (
        "ALTER TABLE division DROP parent_code",
        ["main.division", "parent_code", "not there"],
    ),
    "absent table": ("DROP TABLE meta.lineage", ["meta.lineage", "does not exist"]),
    "unknown wide column": (
        "ALTER TABLE city_year_wide ADD gpd DOUBLE",
        ["main.city_year_wide", "gpd", "indicator_id"],
    ),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_broken_contract_is_named(tiny, name: str) -> None:
    statement, expected = VIOLATIONS[name]
    tiny.sql(statement)
    with pytest.raises(ContractBroken) as error:
        tiny.publish()
    assert not [part for part in expected if part not in str(error.value)], str(error.value)
    assert not tiny.settings.current.is_symlink()
    assert not list(tiny.settings.releases.iterdir())


def test_a_lake_without_a_slice_is_refused(tiny) -> None:
    for file in (tiny.settings.lake / "unit").iterdir():
        file.unlink()
    with pytest.raises(ContractBroken, match=r"tidy\.unit: the lake holds no slice"):
        tiny.publish()


def test_slices_that_repeat_a_key_are_refused(tiny) -> None:
    folder = tiny.settings.lake / "observation"
    (folder / "again.parquet").write_bytes((folder / "2021.parquet").read_bytes())
    with pytest.raises(
        ContractBroken, match=r"tidy\.observation: the key \(fact_id\) is not unique"
    ):
        tiny.publish()


def test_an_empty_ledger_and_an_untyped_one_are_exported(few) -> None:
    empty = replace(few, ledger=few.ledger.clear())
    untyped = replace(few, ledger=pl.DataFrame({name: [] for name in few.ledger.columns}))
    assert empty.publish().release_id == untyped.publish().release_id


def test_no_two_tables_share_a_content_hash() -> None:
    """Each pair would collide if values were joined by a separator, or NULL read as text."""
    rows: list[tuple[str | None, str | None]] = [
        ("a", "b"), ("ab", ""), ("", "ab"), ("a", None), (None, "a"), ("a", ""), ("", "a"),
        (None, None), ("", ""), ("-", "-"), ("-", None), ("a,b", ""), ("1:a", "b"), ("a1:b", ""),
        ("NULL", None), ("a\n", "b"), ("a", "\nb"), ("广", "州"), ("广州", ""),
    ]  # fmt: skip
    connection = parquet.connect()
    seen = set()
    for row in rows:
        connection.register("pair", pl.DataFrame([row], schema=["x", "y"], orient="row").to_arrow())
        seen.add(parquet.content_hash(connection, "pair", ["x", "y"], ["x", "y"])[0])
    assert len(seen) == len(rows)


def test_schema_hash_tells_names_types_and_order_apart() -> None:
    contract = contracts.load(Settings().contract)
    first, second, *_ = contract.table("gap").columns
    hashes = {
        parquet.schema_hash("main.a", [first, second]),
        parquet.schema_hash("main.a", [second, first]),
        parquet.schema_hash("main.b", [first, second]),
        parquet.schema_hash("main.a", [replace(first, type="double"), second]),
    }
    assert len(hashes) == 4
