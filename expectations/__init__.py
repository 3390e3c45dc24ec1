"""What must hold of the tables that arrive in the lake, one suite per extract table.

Belongs here: rules about extract tables, as data: an id, a severity, an owner, a Great Expectations
class with its arguments, and a sentence. Not here: rules about dbt models (dbt tests), running the
rules or writing the ledger (`pipelines.quality`), and anything that imports great_expectations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

SUITES = (
    "air_breakpoint",
    "air_city_day",
    "air_limit",
    "air_station_hour",
    "bulletin_city_period",
    "circle",
    "circle_member",
    "city_centre",
    "cluster_city_role",
    "division",
    "division_change",
    "document",
    "document_check",
    "figure_relation",
    "indicator",
    "named_project",
    "observation",
    "place_alias",
    "rail_city",
    "rail_city_pair_day_national",
    "rail_day",
    "rail_day_type",
    "rail_listed_pair",
    "rail_listed_train",
    "rail_pair_day",
    "rail_service",
    "rail_station",
    "rail_stop_time",
    "rail_train",
    "policy_target",
    "printed_figure",
    "rejects",
    "strategic_industry",
    "unit",
    "water_section_reading",
)
ENGINEERING = "data-engineering"
DOMAIN = "domain"
SQL = "UnexpectedRowsExpectation"
FILE_COLUMNS = "lake_schema"
ROW_COUNTS = "lake_rows"
MEANS = "lake_means"
# Tables of measurements, whose means can be compared with the release before.
MEASURED = ("air_city_day", "bulletin_city_period", "observation")


@dataclass(frozen=True)
class Rule:
    """One thing that must hold of one table.

    severity: `error` stops the release, `warning` is reported.
    owner: who answers when it breaks: `data-engineering` or `domain`.
    expectation, kwargs: a class of great_expectations.expectations and its arguments. SQL rules
        select the rows that break the rule from `{batch}`; other tables go by their names.
    expected: the rule as an English sentence, printed in the ledger.
    by_slice: one result per slice; the SQL then returns a `slice` column.
    needs: other tables that must hold rows, or the rule proves nothing.
    asks: a view other than the table itself: `lake_schema` (the columns of every lake file),
        `lake_rows` and `lake_means` (rows per slice and means per series, now and in the release
        in use).
    refers: for a rule that looks a value up elsewhere, the column that holds it.
    """

    rule_id: str
    severity: str
    owner: str
    expectation: str
    kwargs: Mapping[str, Any]
    expected: str
    by_slice: bool = False
    needs: tuple[str, ...] = ()
    asks: str = ""
    refers: str = ""

    def __post_init__(self) -> None:
        if self.severity not in {"error", "warning"}:
            raise ValueError(f"{self.rule_id}: severity is error or warning, not {self.severity!r}")
        if self.owner not in {ENGINEERING, DOMAIN}:
            raise ValueError(f"{self.rule_id}: unknown owner {self.owner!r}")
        if not self.expected:
            raise ValueError(f"{self.rule_id}: say in words what is expected")
        if self.is_sql and "{batch}" not in self.sql:
            raise ValueError(f"{self.rule_id}: the SQL reads nothing from {{batch}}")
        if self.by_slice and not self.is_sql:
            raise ValueError(f"{self.rule_id}: only a SQL rule can be counted by slice")

    @property
    def is_sql(self) -> bool:
        return self.expectation == SQL

    @property
    def is_historical(self) -> bool:
        """Compares with the release in use: its outcome depends on more than the inputs."""
        return self.asks in (ROW_COUNTS, MEANS)

    @property
    def sql(self) -> str:
        return str(self.kwargs["unexpected_rows_query"])


@dataclass(frozen=True)
class Suite:
    """The rules of one table. `may_be_empty`: no rows at all is a good state."""

    table: str
    rules: tuple[Rule, ...] = field(repr=False)
    may_be_empty: bool = False

    def __post_init__(self) -> None:
        ids = [rule.rule_id for rule in self.rules]
        twice = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
        if twice:
            raise ValueError(f"suite {self.table}: rule ids used twice: {', '.join(twice)}")


def load_suites(tables: Sequence[str] | None = None) -> list[Suite]:
    """The suites, by table name; `tables` picks some. KeyError names a table without a suite."""
    wanted = SUITES if tables is None else tuple(tables)
    unknown = sorted(set(wanted) - set(SUITES))
    if unknown:
        raise KeyError(f"no suite for {', '.join(unknown)}; there are: {', '.join(SUITES)}")
    suites = [import_module(f"{__name__}.{table}").SUITE for table in SUITES if table in wanted]
    return [replace(suite, rules=(*suite.rules, *continuity(suite.table))) for suite in suites]


def continuity(table: str) -> Iterator[Rule]:
    """What every table is asked about the release in use; a first release is asked nothing."""
    yield broken_rows(
        "rows_continue",
        "no slice lost more than a tenth of the rows that the release in use has of it",
        f"""
        select slice, rows, previous_rows from {{batch}}
        where table_name = '{table}' and rows < 0.9 * previous_rows
        """,
        severity="warning",
        owner=ENGINEERING,
        by_slice=True,
        asks=ROW_COUNTS,
    )
    if table in MEASURED:
        yield broken_rows(
            "means_continue",
            "no mean of a series in a slice moved by more than a fifth since the release in use",
            f"""
            select slice, series, mean, previous_mean from {{batch}}
            where table_name = '{table}'
                and abs(mean - previous_mean) > 0.2 * abs(previous_mean)
            """,
            severity="warning",
            by_slice=True,
            asks=MEANS,
        )


def broken_rows(
    rule_id: str,
    expected: str,
    sql: str,
    *,
    severity: str = "error",
    owner: str = DOMAIN,
    by_slice: bool = False,
    needs: tuple[str, ...] = (),
    asks: str = "",
) -> Rule:
    """A rule in SQL: the query returns what breaks it."""
    kwargs = {"unexpected_rows_query": sql}
    return Rule(rule_id, severity, owner, SQL, kwargs, expected, by_slice, needs, asks)


def files_match_contract(table: str) -> Rule:
    """Every file of the table has exactly the contract's columns, in order and type.

    Asked of the files and not of the table: a read over many files hides a column that one lacks.
    """
    return broken_rows(
        "files_match_contract",
        "every file has exactly the columns of the contract, in its order and types",
        f"""
        select slice, column_name, found, expected, found_position, expected_position
        from {{batch}}
        where table_name = '{table}'
            and (found is distinct from expected
                or found_position is distinct from expected_position)
        """,
        owner=ENGINEERING,
        by_slice=True,
        asks=FILE_COLUMNS,
    )


def not_null(column: str, owner: str = ENGINEERING) -> Rule:
    return Rule(
        f"{column}_not_null",
        "error",
        owner,
        "ExpectColumnValuesToNotBeNull",
        {"column": column},
        f"{column} is never null",
    )


def one_of(column: str, *values: str, owner: str = ENGINEERING) -> Rule:
    """Null passes: add `not_null` where null is no answer."""
    return Rule(
        f"{column}_in_domain",
        "error",
        owner,
        "ExpectColumnValuesToBeInSet",
        {"column": column, "value_set": list(values)},
        f"{column} is one of {', '.join(values)}",
    )


def division_code(column: str) -> Rule:
    """Null passes. The regular expression is a full match on DuckDB."""
    return Rule(
        f"{column}_six_digits",
        "error",
        ENGINEERING,
        "ExpectColumnValuesToMatchRegex",
        {"column": column, "regex": "[0-9]{6}"},
        f"{column} is a six-digit GB/T 2260 code",
    )


def between(column: str, low: float | None, high: float | None, *, above_low: bool = False) -> Rule:
    """Null passes. `above_low`: the lower bound itself is out."""
    text = {
        (True, True): f"between {low} and {high}",
        (True, False): f"{'above' if above_low else 'at least'} {low}",
        (False, True): f"at most {high}",
    }[(low is not None, high is not None)]
    if above_low and high is not None:
        text = f"above {low} and at most {high}"
    return Rule(
        f"{column}_in_range",
        "error",
        DOMAIN,
        "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": low, "max_value": high, "strict_min": above_low},
        f"{column} is {text}",
    )


def unique(*columns: str) -> Rule:
    """No two rows share the columns; of one column, nulls are not compared."""
    expected = f"no two rows share ({', '.join(columns)})"
    rule_id = f"{'_and_'.join(columns)}_unique"
    one = len(columns) == 1
    return Rule(
        rule_id,
        "error",
        ENGINEERING,
        "ExpectColumnValuesToBeUnique" if one else "ExpectCompoundColumnsToBeUnique",
        {"column": columns[0]} if one else {"column_list": list(columns)},
        expected,
    )


def refers_to(column: str, table: str, key: str, *, suffix: str = "", where: str = "") -> Rule:
    """Every value of the column is a `key` of the table. Null passes."""
    rule = broken_rows(
        f"{column}_is_known{suffix}",
        f"{column} is a {key} of table {table}",
        f"""
        select t.* from {{batch}} t
        where t.{column} is not null {where}
            and not exists (select 1 from {table} k where k.{key} = t.{column})
        """,
        owner=ENGINEERING,
        needs=(table,),
    )
    return replace(rule, refers=column)
