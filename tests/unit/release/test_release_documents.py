"""The documents of a release: database, dictionaries, data package, quality page, MANIFEST."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import frictionless
import polars as pl
import pytest
import yaml

from pipelines import contract as contracts
from pipelines.release import metadata
from pipelines.settings import Settings

CONTRACT = contracts.load(Settings().contract)


@pytest.fixture
def database(published: Path):
    connection = duckdb.connect(str(published / "metrocircle.duckdb"), read_only=True)
    yield connection
    connection.close()


# A folder of files and a view each.
PARTITIONED = [table.name for table in CONTRACT.tables.values() if table.partition_by]


def test_every_table_and_column_has_a_comment_in_both_languages(database) -> None:
    tables = dict(
        database.execute(
            "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables() UNION ALL "
            "SELECT schema_name || '.' || view_name, comment FROM duckdb_views() "
            "WHERE list_contains(?, view_name)",
            [PARTITIONED],
        ).fetchall()
    )
    assert tables.keys() == {f"{t.schema}.{t.name}" for t in CONTRACT.tables.values()}
    gap = CONTRACT.table("gap")
    assert tables["main.gap"] == f"{gap.zh} / {gap.en}. {gap.nuance}"
    bare = database.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal "
        "AND (comment IS NULL OR comment NOT LIKE '% / %')"
    ).fetchall()
    assert bare == []


def test_the_file_is_readable_by_duckdb_1_4(database) -> None:
    (tags,) = database.execute(
        "SELECT tags FROM duckdb_databases() WHERE database_name = 'metrocircle'"
    ).fetchone()
    assert tags["storage_version"] == "v1.4.0+"


# One cell (p, i, 2020, whole_city) in several vintages; what was known when. Of two documents
# of one day the lower precedence wins; a relay that repeats its publisher never does.
VINTAGES = """
document,   edition, published_on, precision, is_repeat, precedence, value
bulletin,   2021,    2021-03-01,   day,       false,     5,          1
yearbook,   2021,    2021-12-31,   assumed,   false,     1,          2
yearbook,   2022,    2022-09-30,   month,     false,     1,          3
copy,       2022,    2022-09-30,   month,     false,     2,          4
mirror,     undated, ,             ,          false,     5,          5
portal,     2025,    2025-12-31,   day,       true,      9,          6
"""
AS_OF = """
as_of,      value, assumed
2021-02-28, ,
2021-03-01, 1,     false
2021-12-30, 1,     false
2021-12-31, 2,     true
2022-09-29, 2,     true
2022-09-30, 3,     false
2030-01-01, 3,     false
"""


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.strip().splitlines(), skipinitialspace=True))


def test_as_of_takes_the_latest_vintage_published_by_the_date(few) -> None:
    few.sql("DELETE FROM city_indicator_year")
    for row in rows_of(VINTAGES):
        day = f"DATE '{row['published_on']}'" if row["published_on"] else "NULL"
        precision = f"'{row['precision']}'" if row["precision"] else "NULL"
        few.sql(
            "INSERT INTO city_indicator_year (place_code, indicator_id, year, scope, document, "
            "edition, published_on, published_on_precision, is_repeat, precedence, value) VALUES "
            f"('p', 'i', 2020, 'whole_city', '{row['document']}', '{row['edition']}', {day}, "
            f"{precision}, {row['is_repeat']}, {row['precedence']}, {row['value']})"
        )
    path = few.publish().path / "metrocircle.duckdb"
    # The macro in the file itself; the view also under any name that it is attached by.
    known = (
        "wh.city_indicator_known WHERE known_from <= DATE '{0}' "
        "AND (known_until IS NULL OR known_until > DATE '{0}')"
    )
    with duckdb.connect(str(path), read_only=True) as inside, duckdb.connect() as outside:
        outside.execute(f"ATTACH '{path}' AS wh (READ_ONLY)")
        asked = ((inside, "city_indicator_as_of('{0}')"), (outside, known))
        for case, (connection, relation) in itertools.product(rows_of(AS_OF), asked):
            found = connection.execute(
                f"SELECT value, rests_on_assumed_date FROM {relation.format(case['as_of'])}"
            ).fetchall()
            expected = [(float(case["value"]), case["assumed"] == "true")] if case["value"] else []
            assert found == expected, (case["as_of"], relation)


def test_release_json_names_rows_hashes_and_inputs(published: Path) -> None:
    document = json.loads((published / "release.json").read_text(encoding="utf-8"))
    assert document["release_id"] == published.name
    assert published.name in document["how_to_cite"]
    assert document["inputs"]["code_hash"] == "c0de"
    assert len(document["tables"]) == len(CONTRACT.tables)
    entry = document["tables"]["main.city_year_wide"]
    assert entry["columns"] == 8
    assert [c["name"] for c in entry["schema"]][5:] == ["gdp", "land_area", "population_resident"]
    assert entry["bytes"] == (published / entry["path"]).stat().st_size
    assert document["rows"] == sum(table["rows"] for table in document["tables"].values())


def test_the_folder_holds_no_clock_and_no_machine_path(few, make) -> None:
    """Two publishes in two places differ in the DuckDB file alone."""
    one, two = few.publish().path, make("elsewhere", few_tables=True).publish().path
    files = {path.relative_to(one) for path in one.rglob("*") if path.is_file()}
    assert files == {path.relative_to(two) for path in two.rglob("*") if path.is_file()}
    differing = {str(f) for f in files if (one / f).read_bytes() != (two / f).read_bytes()}
    assert differing <= {"metrocircle.duckdb", "MANIFEST.sha256"}


def test_datapackage_lists_every_parquet_with_its_key(published: Path) -> None:
    package = json.loads((published / "datapackage.json").read_text(encoding="utf-8"))
    files = [
        path
        for resource in package["resources"]
        for path in ([resource["path"]] if "hash" in resource else resource["path"])
    ]
    assert set(files) == {
        path.relative_to(published).as_posix() for path in published.rglob("*.parquet")
    }
    for resource in package["resources"]:
        assert re.fullmatch(r"[-a-z0-9._/]+", resource["name"])
        names = [field["name"] for field in resource["schema"]["fields"]]
        assert set(resource["schema"]["primaryKey"]) <= set(names)
        if isinstance(resource["path"], list):
            assert resource["path"][0].split("/")[-2] in PARTITIONED
            continue
        digest = hashlib.sha256((published / resource["path"]).read_bytes()).hexdigest()
        assert resource["hash"] == f"sha256:{digest}"
    assert {licence["title"] for licence in package["licenses"]} == {"CC BY 4.0", "政府信息公开"}
    assert all(re.fullmatch(r"[-A-Za-z0-9._]+", lic["name"]) for lic in package["licenses"])


def test_dictionaries_describe_everything_themselves_too(published: Path) -> None:
    meta = published / "parquet" / "meta"
    columns = pl.read_parquet(meta / "column_dictionary.parquet")
    tables = pl.read_parquet(meta / "table_dictionary.parquet")
    assert tables.height == len(CONTRACT.tables)
    described = pl.read_csv(published / "data_dictionary.csv")
    assert described.height == columns.height + tables.height
    both = described.select("中文说明", "description", "unit")
    assert both.null_count().row(0) == (0, 0, 0)
    assert columns["unit"].null_count() == 0
    rows = dict(tables.select("table_name", "rows").iter_rows())
    assert rows["meta.column_dictionary"] == columns.height
    assert rows["main.gap"] == 12
    wide = columns.filter(pl.col("table_name") == "main.city_year_wide")
    assert wide["column_name"].to_list()[-3:] == ["gdp", "land_area", "population_resident"]
    assert "meta.column_dictionary" in columns["table_name"].to_list()


def test_the_data_package_is_one_by_the_standard(published: Path) -> None:
    """Structure, size and hash of every file, by the Frictionless library."""
    report = frictionless.validate(str(published / "datapackage.json"))
    assert report.valid, report.flatten(["type", "message"])


REFERENCES = """
table,                  columns,                    rows that point nowhere, listed
gap,                    indicator_id,               0,                       yes
gap,                    indicator_id,               1,                       no
city_indicator_best,    indicator_id,               0,                       yes
city_indicator_best,    document edition,           0,                       no
"""


@pytest.mark.parametrize("case", rows_of(REFERENCES), ids=lambda case: " ".join(case.values()))
def test_a_reference_is_listed_where_every_row_meets_it(few, case: dict[str, str]) -> None:
    table, columns = case["table"], case["columns"].split()
    few.sql(f"update {table} set indicator_id = 'gdp'")
    for number in range(int(case["rows that point nowhere"])):
        few.sql(
            f"update {table} set indicator_id = 'nowhere' where rowid = "
            f"(select rowid from {table} order by rowid limit 1 offset {number})"
        )
    package = json.loads((few.publish().path / "datapackage.json").read_text(encoding="utf-8"))
    resource = next(r for r in package["resources"] if r["path"] == f"parquet/{table}.parquet")
    listed = [key["fields"] for key in resource["schema"].get("foreignKeys", [])]
    assert (columns in listed) == (case["listed"] == "yes")


def test_what_is_going_says_so_everywhere(few) -> None:
    path = few.settings.contract
    text = path.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    notice = "since 1.1.0; use needed_by; goes in 2.0.0"
    document["vocabulary"]["would_be_filled_by"]["deprecated"] = notice
    document["tables"]["gap"]["deprecated"] = "use nothing"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    contracts.load.cache_clear()
    folder = few.publish().path
    path.write_text(text, encoding="utf-8")
    contracts.load.cache_clear()
    with duckdb.connect(str(folder / "metrocircle.duckdb"), read_only=True) as connection:
        said = connection.execute(
            "select (select comment from duckdb_tables() where table_name = 'gap'), comment, "
            "(select deprecated from meta.column_dictionary where table_name = 'main.gap' "
            "and column_name = 'would_be_filled_by') from duckdb_columns() "
            "where table_name = 'gap' and column_name = 'would_be_filled_by'"
        ).fetchone()
    assert said[0].endswith("(deprecated: use nothing)")
    assert said[1].endswith(f"(deprecated: {notice})")
    assert said[2] == notice
    for name in ("data_dictionary.csv", "datapackage.json"):
        assert notice in (folder / name).read_text(encoding="utf-8")


class _References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self.links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "action")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_quality_page_is_escaped_loads_nothing_and_puts_failures_first(published: Path) -> None:
    page = (published / "quality" / "index.html").read_text(encoding="utf-8")
    parser = _References()
    parser.feed(page)
    assert parser.links == []
    assert not {"script", "link", "img", "iframe"} & set(parser.tags)
    assert "url(" not in page and "@import" not in page
    assert "<script>x</script>" in "".join(parser.text)
    assert re.findall(r"<td>(r\d)</td>", page) == ["r3", "r2", "r4", "r1"]
    assert "prefers-color-scheme: dark" in page


def test_ledger_csv_is_the_ledger(published: Path, tiny) -> None:
    found = pl.read_csv(published / "quality" / "ledger.csv", schema=tiny.ledger.schema)
    assert found.equals(tiny.ledger)


def test_manifest_is_what_sha256sum_reads(published: Path) -> None:
    lines = (published / metadata.MANIFEST_FILE).read_text(encoding="utf-8").splitlines()
    paths = [line[66:] for line in lines]
    assert paths == sorted(paths)
    assert "metrocircle.duckdb" in paths
    assert metadata.MANIFEST_FILE not in paths
    for line in lines:
        digest, path = line.split("  ", 1)
        assert hashlib.sha256((published / path).read_bytes()).hexdigest() == digest


def test_the_quality_page_does_not_grow_with_the_slices_that_pass() -> None:
    contract = contracts.load(Settings().contract)
    passed = {
        "rule_id": "r", "table_name": "t", "engine": "dbt", "severity": "error", "owner": "o",
        "status": "pass", "observed": "0", "expected": "0", "failing_rows": 0,
    }  # fmt: skip
    rows = [passed | {"slice": f"s{number}"} for number in range(5000)]
    rows[7] = rows[7] | {"status": "fail", "observed": "seen"}
    page = metadata._quality_page("id", contract.table("ledger").columns, rows)
    assert page.count("<tr>") == 1 + 2
    assert "4999 slices" in page and page.index("seen") < page.index("4999 slices")
    broken = [row | {"status": "fail"} for row in rows]
    page = metadata._quality_page("id", contract.table("ledger").columns, broken)
    assert page.count("<tr>") == 1 + metadata.PAGE_ROWS
    assert f"{5000 - metadata.PAGE_ROWS} further lines" in page
