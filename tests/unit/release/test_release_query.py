"""query reads the release and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.release.query import QueryRefused, open_locked, query, records


def test_rows_come_back_in_order_and_limited(published: Path) -> None:
    frame = query(published, "SELECT year FROM gap ORDER BY year DESC", 3)
    assert frame.to_dict(as_series=False) == {"year": [12, 11, 10]}
    assert query(published, "SELECT year FROM gap", None).height == 12
    assert query(published, "SELECT year FROM gap", 0).height == 0


def test_an_empty_answer_keeps_its_columns(published: Path) -> None:
    frame = query(published, "SELECT year, reason FROM gap WHERE false", 5)
    assert frame.schema == {"year": pl.Int32, "reason": pl.String}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM tidy.observation JOIN meta.snapshot USING (snapshot_id)",
        "SELECT * FROM city_indicator_as_of('2002-01-01')",
        "FROM city_year_wide",
        "DESCRIBE gap",
        "SUMMARIZE gap",
        "EXPLAIN SELECT 1",
        "SHOW TABLES",
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a; -- done",
    ],
)
def test_what_an_analyst_writes_works(published: Path, sql: str) -> None:
    assert query(published, sql, 10).width >= 1


FORBIDDEN = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd.csv'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('release.json')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
    "COPY (SELECT 1) TO '{folder}/stolen.csv'",
    "COPY gap TO '{folder}/stolen.parquet'",
    "EXPORT DATABASE '{folder}/stolen'",
    "ATTACH '{folder}/other.duckdb' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{folder}/evil.duckdb_extension'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET temp_directory = '{folder}'",
    "PRAGMA enable_logging",
    "INSERT INTO gap SELECT * FROM gap",
    "DELETE FROM gap",
    "DROP TABLE gap",
    "CREATE TABLE main.x AS SELECT 1",
    "SELECT * FROM hidden_frame",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_nothing_else_can_be_read_or_written(published: Path, tmp_path: Path, sql: str) -> None:
    hidden_frame = pl.DataFrame({"secret": [1]})
    assert hidden_frame.height == 1
    statement = sql.format(folder=tmp_path)
    with pytest.raises(QueryRefused, match=r"read-only|failed"):
        query(published, statement)
    # The lock holds by itself, without the look at the kind of statement.
    connection = open_locked(published)
    with pytest.raises(duckdb.Error):
        connection.execute(statement)
    connection.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1; SELECT 2", "expected one statement, found 2"),
        ("", "expected one statement, found 0"),
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM gap", "nothing"),
        ("SELECT 1; DROP TABLE gap", "expected one statement"),
        ("ATTACH ':memory:' AS m", "read-only"),
    ],
)
def test_errors_say_what_is_wrong(published: Path, sql: str, message: str) -> None:
    with pytest.raises(QueryRefused, match=message):
        query(published, sql)


def test_a_folder_without_a_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QueryRefused, match=r"holds no metrocircle\.duckdb"):
        query(tmp_path, "SELECT 1")


def test_it_works_beside_another_reader_of_the_same_process(published: Path) -> None:
    path = str(published / "metrocircle.duckdb")
    with duckdb.connect(path, read_only=True):
        assert query(published, "SELECT 1 AS x", 1)["x"].to_list() == [1]


JSON = """
sql;                                        json
'nan'::double;                              null
'infinity'::double;                         null
1.5::double;                                1.5
0::decimal(28, 10);                         0
20567383::decimal(28, 10);                  20567383
1.20::decimal(28, 10);                      1.2
123456789012345678.9::decimal(28, 10);      "123456789012345678.9000000000"
date '2024-05-01';                          "2024-05-01"
[1.0::decimal(3, 1), null];                 [1, null]
{'a': 'nan'::double};                       {"a": null}
true;                                       true
"""


def test_answers_are_what_json_can_hold(published: Path) -> None:
    for line in JSON.strip().splitlines()[1:]:
        sql, expected = (part.strip() for part in line.split(";"))
        [row] = records(query(published, f"SELECT {sql} AS x"))
        assert json.dumps(row["x"], allow_nan=False) == expected, sql
