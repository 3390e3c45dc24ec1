"""Runs the suites of `expectations/` over the lake, in one context, and lets go of every handle.

Belongs here: the read-only DuckDB of views, the calls into Great Expectations, and what its answers
mean. Not here: the rules (`expectations/`), the ledger (`ledger.py`).

Three things make the answers trustworthy:
- A rule that raises is a fail that carries the exception. GE evaluates columns in bundles, where
  one that raises takes its neighbours down; so each rule that raised is asked again alone.
- SQL rules are wrapped so that DuckDB counts and samples per slice: GE itself returns at most 200
  rows, in no order.
- Cross-table rules over an empty table would pass without proving anything, so they fail.
"""

from __future__ import annotations

import logging
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations import FILE_COLUMNS, MEANS, MEASURED, ROW_COUNTS, Rule, Suite, load_suites
from pipelines.contract import Contract, Table
from pipelines.quality.ledger import ALL, CheckResult, stable_text

if TYPE_CHECKING:
    import duckdb

ENGINE = "great_expectations"
SAMPLES = 5


@dataclass
class Arrived:
    """What the lake holds of one table: rows per slice, and why it cannot be read, if so."""

    files: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    problem: str = ""

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def run_suites(
    lake: Path,
    contract: Contract,
    threads: int,
    tables: Sequence[str] | None = None,
    previous: Path | None = None,
) -> list[CheckResult]:
    """One result per rule, and per slice where the rule says so, sorted by (table, rule, slice).

    lake: folder of `<table>/<slice>.parquet`. tables: the suites to run, default all.
    previous: folder of the release in use, for the rules that compare with it.
    """
    suites = load_suites(tables)
    with tempfile.TemporaryDirectory(prefix="metrocircle-quality-") as folder:
        database = Path(folder) / "views.duckdb"
        read = tables_read(suites, contract)
        arrived = _build_views(database, lake, read, threads, previous)
        answers = _ask(database, suites, arrived, threads)
    results = [
        result
        for suite in suites
        for rule in suite.rules
        for result in _results(suite, rule, arrived, answers)
    ]
    return sorted(results, key=lambda r: (r.table_name, r.rule_id, r.slice))


# ------------------------------------------------------------------------------- the views


def tables_read(suites: Sequence[Suite], contract: Contract) -> list[Table]:
    """The suites' tables and those that their rules name: opening every file costs the most."""
    named = {suite.table for suite in suites}
    for suite in suites:
        for rule in suite.rules:
            named.update(rule.needs)
            if rule.is_sql:
                named.update(re.findall(r"\w+", rule.sql))
    return [table for table in contract.lake_tables() if table.name in named]


def _build_views(
    database: Path, lake: Path, tables: Sequence[Table], threads: int, previous: Path | None
) -> dict[str, Arrived]:
    """A DuckDB file with one view per table, and what `Rule.asks` may name beside them."""
    import duckdb
    import polars as pl

    columns: list[dict[str, Any]] = []
    arrived: dict[str, Arrived] = {}
    with duckdb.connect(str(database), config={"threads": threads}) as connection:
        for table in tables:
            found, seen = _view(connection, lake / table.name, table)
            arrived[table.name] = found
            columns.extend(seen)
        frame = pl.DataFrame(
            columns,
            schema={
                "table_name": pl.String,
                "slice": pl.String,
                "column_name": pl.String,
                "found": pl.String,
                "expected": pl.String,
                "found_position": pl.Int32,
                "expected_position": pl.Int32,
            },
        )
        connection.register("frame", frame.to_arrow())
        connection.execute(f"create table {FILE_COLUMNS} as select * from frame")
        connection.unregister("frame")
        _compare_with_previous(connection, tables, previous)
    return arrived


def _compare_with_previous(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], previous: Path | None
) -> None:
    """`lake_rows` and `lake_means`: per slice, now and in the release in use.

    Empty without a release, and for what it does not hold: the rules then have nothing to judge.
    """
    connection.execute(
        f"create table {ROW_COUNTS} "
        "(table_name varchar, slice varchar, rows bigint, previous_rows bigint)"
    )
    connection.execute(
        f"create table {MEANS} (table_name varchar, slice varchar, series varchar, mean double, "
        "previous_mean double)"
    )
    for table in tables:
        before = _released(previous, table)
        if before is None:
            continue
        now, was = f'"{table.name}"', f"read_parquet({_quoted(str(before))})"
        by = "coalesce(slice, '')" if "slice" in table.column_names else _quoted(ALL)
        count = f"select {by} as slice, count(*) as rows from"
        connection.execute(
            f"insert into {ROW_COUNTS} "
            f"select '{table.name}', was.slice, coalesce(now.rows, 0), was.rows "
            f"from ({count} {was} group by 1) as was "
            f"left join ({count} {now} group by 1) as now using (slice)"
        )
        if table.name in MEASURED:
            mean = "select slice, series, avg(value) as mean from"
            means_now, means_was = (
                f"{mean} ({_series(table, held)}) group by all" for held in (now, was)
            )
            connection.execute(
                f"insert into {MEANS} select '{table.name}', slice, series, now.mean, was.mean "
                f"from ({means_was}) as was join ({means_now}) as now "
                "using (slice, series)"
            )


def _released(previous: Path | None, table: Table) -> Path | None:
    """The Parquet file of the table in that release, if it holds one with the same columns."""
    import json

    import polars as pl

    if previous is None:
        return None
    try:
        document = json.loads((previous / "release.json").read_text(encoding="utf-8"))
        path = previous / document["tables"][f"{table.schema}.{table.name}"]["path"]
        columns = pl.read_parquet_schema(path)
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        return None
    return path if set(table.column_names) <= set(columns) else None


def _series(table: Table, relation: str) -> str:
    """SQL: slice, series, value of every measured number of the table that counts."""
    names = table.column_names
    by = next((name for name in ("indicator_id", "measure") if name in names), None)
    counts = "superseded_by is null" if "superseded_by" in names else "true"
    if by:
        scope = " || ' ' || coalesce(scope, '')" if "scope" in names else ""
        return f"select slice, {by}{scope} as series, value::double as value from {relation} \
            where {counts} and value is not null and {by} is not null"
    measured = [c.name for c in table.columns if c.name.endswith(("_ugm3", "_mgm3", "_published"))]
    return " union all ".join(
        f"select slice, '{name}' as series, {name}::double as value from {relation} \
            where {counts} and {name} is not null"
        for name in measured
    )


def _view(
    connection: duckdb.DuckDBPyConnection, folder: Path, table: Table
) -> tuple[Arrived, list[dict[str, Any]]]:
    """The view of one table, with the contract's columns whatever the files hold.

    A file that breaks the contract is read column by column, absent ones as null: the rule
    `files_match_contract` names it, and the other rules still judge the rest.
    """
    import duckdb

    found = Arrived()
    seen: list[dict[str, Any]] = []
    sound: list[Path] = []
    selects: list[str] = []
    for path in sorted(folder.glob("*.parquet")):
        try:
            types = _file_columns(connection, path)
        except duckdb.Error as error:
            found.problem = stable_text(f"file {path.name} cannot be read: {_first_line(error)}")
            continue
        found.files.append(path.stem)
        seen.extend(_compare(table, path.stem, types))
        if types == [(column.name, column.type) for column in table.columns]:
            sound.append(path)
        else:
            selects.append(_repaired(table, path, dict(types)))
    if sound:
        listed = ", ".join(_quoted(str(path)) for path in sound)
        selects.insert(0, f"select {_names(table)} from read_parquet([{listed}])")
    typed = ", ".join(f'null::{column.type} as "{column.name}"' for column in table.columns)
    selects.append(f"select {typed} where false")
    connection.execute(f'create view "{table.name}" as {" union all ".join(selects)}')
    by = "slice" if "slice" in table.column_names else _quoted(ALL)
    query = f"select coalesce({by}, ''), count(*) from \"{table.name}\" group by 1 order by 1"
    try:
        found.rows = dict(connection.execute(query).fetchall())
    except duckdb.Error as error:
        found.problem = stable_text(f"the files cannot be read: {_first_line(error)}")
    return found, seen


def _file_columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    described = connection.execute(f"describe select * from read_parquet({_quoted(str(path))})")
    return [(row[0], row[1].lower()) for row in described.fetchall()]


def _compare(
    table: Table, slice_: str, types: Sequence[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    """Found and expected type and position of every column that either side has.

    Positions count the columns that both sides have: one that is absent moves no other.
    """
    found = dict(types)
    wanted = {column.name: column.type for column in table.columns}
    found_order = [name for name in found if name in wanted]
    wanted_order = [name for name in wanted if name in found]
    for name in dict.fromkeys([*wanted, *found]):
        shared = name in found and name in wanted
        yield {
            "table_name": table.name,
            "slice": slice_,
            "column_name": name,
            "found": found.get(name),
            "expected": wanted.get(name),
            "found_position": found_order.index(name) if shared else None,
            "expected_position": wanted_order.index(name) if shared else None,
        }


def _repaired(table: Table, path: Path, types: Mapping[str, str]) -> str:
    columns = ", ".join(
        f'try_cast("{column.name}" as {column.type}) as "{column.name}"'
        if column.name in types
        else f'null::{column.type} as "{column.name}"'
        for column in table.columns
    )
    return f"select {columns} from read_parquet({_quoted(str(path))})"


def _names(table: Table) -> str:
    return ", ".join(f'"{name}"' for name in table.column_names)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


# ------------------------------------------------------------------ Great Expectations' answers

Answer = dict[str, Any]  # {"success", "result", "raised"} of one rule


def _ask(
    database: Path, suites: Sequence[Suite], arrived: Mapping[str, Arrived], threads: int
) -> dict[tuple[str, str], Answer]:
    """GE's answer per (table, rule), for every rule that has something to judge."""
    groups: dict[str, list[tuple[str, Rule]]] = {}
    for suite in suites:
        for rule in suite.rules:
            if not _unjudgeable(suite, rule, arrived):
                groups.setdefault(rule.asks or suite.table, []).append((suite.table, rule))
    answers: dict[tuple[str, str], Answer] = {}
    if groups:
        with _quiet(), _data_source(database, threads) as source:
            for view, asked in sorted(groups.items()):
                asset = source.add_table_asset(view, table_name=view)
                batch = asset.get_batch(asset.build_batch_request())
                answers |= _ask_view(batch, view, asked)
    return answers


@contextmanager
def _quiet() -> Iterator[None]:
    """GE logs every exception it also returns, and warns about its own internals."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _data_source(database: Path, threads: int) -> Iterator[Any]:
    """An ephemeral context's DuckDB source, read-only; nothing stays open afterwards."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from sqlalchemy.pool import NullPool

    from pipelines.quality import gx_duckdb  # registers the type before a context exists

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    try:
        context: Any = gx.get_context(mode="ephemeral", project_config=config)
        yield context.data_sources.add_duckdb(
            "lake",
            connection_string=f"duckdb:///{database}",
            create_temp_table=False,
            kwargs={
                "connect_args": {"read_only": True, "config": {"threads": threads}},
                "poolclass": NullPool,
            },
        )
    finally:
        gx_duckdb.release_all()


def _ask_view(
    batch: Any, view: str, asked: Sequence[tuple[str, Rule]]
) -> dict[tuple[str, str], Answer]:
    """All rules about one view, each that raised or was never answered once more alone."""
    answers: dict[tuple[str, str], Answer] = {}
    for is_sql in (False, True):
        answers |= _ask_suite(batch, view, [pair for pair in asked if pair[1].is_sql is is_sql])
    for table, rule in asked:
        before = answers.get((table, rule.rule_id))
        if before is None or before["raised"]:
            answers[table, rule.rule_id] = _ask_alone(batch, table, rule)
    return answers


def _ask_suite(
    batch: Any, view: str, asked: Sequence[tuple[str, Rule]]
) -> dict[tuple[str, str], Answer]:
    """Answers to rules that share a result format; none at all where GE gave up on the suite."""
    import great_expectations as gx

    answers: dict[tuple[str, str], Answer] = {}
    if not asked:
        return answers
    try:
        # All at once: adding one by one compares each with all before it.
        suite = gx.ExpectationSuite(
            name=view, expectations=[_expectation(table, rule) for table, rule in asked]
        )
        outcomes = batch.validate(suite, result_format=_result_format(asked[0][1])).results
    except Exception:  # not swallowed: the caller asks each rule alone, and there it has a name
        return answers
    for outcome in outcomes:
        meta = outcome.expectation_config.meta
        answers[meta["table"], meta["rule_id"]] = _answer(outcome)
    return answers


def _result_format(rule: Rule) -> str:
    """GE hands out the rows of a SQL rule (here one row of counts) only when asked for all."""
    return "COMPLETE" if rule.is_sql else "SUMMARY"


def _ask_alone(batch: Any, table: str, rule: Rule) -> Answer:
    try:
        return _answer(
            batch.validate(_expectation(table, rule), result_format=_result_format(rule))
        )
    except Exception as error:  # any failure of a check is a finding, never a reason to stop
        return _raised(error)


def _raised(error: Exception) -> Answer:
    return {"success": False, "result": {}, "raised": f"{type(error).__name__}: {error}"}


def _expectation(table: str, rule: Rule) -> Any:
    import great_expectations.expectations as gxe

    from pipelines.quality.gx_duckdb import BrokenRows

    kwargs = dict(rule.kwargs)
    if rule.is_sql:
        kwargs["unexpected_rows_query"] = _by_slice(rule)
    made: Any = BrokenRows if rule.is_sql else getattr(gxe, rule.expectation)
    return made(
        **kwargs,
        meta={"table": table, "rule_id": rule.rule_id},
        severity="critical" if rule.severity == "error" else "warning",
    )


def _by_slice(rule: Rule) -> str:
    """One row that lists count and samples per slice, or no row: exact, and the same every time."""
    by = "coalesce(broken.slice, '')" if rule.by_slice else _quoted(ALL)
    # GE puts a subquery for {batch}, with an alias of its own or none; a name spares rules that.
    sql = rule.sql.replace("{batch}", "batch")
    return f"""
        with batch as (select * from {{batch}})
        select list(found order by found.slice) as found from (
            select struct_pack(
                slice := {by},
                failing := count(*),
                samples := (list(broken::varchar order by broken::varchar))[1:{SAMPLES}]
            ) as found
            from ({sql}) as broken
            group by {by}
        ) having count(*) > 0"""


def _answer(outcome: Any) -> Answer:
    """GE's outcome as plain data. `exception_info` is one entry, or one per failed metric."""
    info = outcome.exception_info or {}
    entries = [info] if "raised_exception" in info else list(info.values())
    raised = [entry["exception_message"] for entry in entries if entry.get("raised_exception")]
    return {
        "success": bool(outcome.success),
        "result": outcome.result or {},
        "raised": min(raised) if raised else "",
    }


# ------------------------------------------------------------------------------- the results


def _unjudgeable(suite: Suite, rule: Rule, arrived: Mapping[str, Arrived]) -> str:
    """Why the rule has nothing to judge; empty when it has."""
    own = arrived[suite.table]
    if own.problem:
        return f"table {suite.table}: {own.problem}"
    if not own.files and not suite.may_be_empty:
        return f"table {suite.table} is missing: the lake holds no file of it"
    if not own.total and not suite.may_be_empty:
        return f"table {suite.table} is empty: its files hold no row"
    for name in rule.needs:
        if arrived[name].problem:
            return f"needs table {name}: {arrived[name].problem}"
        if not arrived[name].total:
            return f"needs table {name}, of which the lake holds no row"
    return ""


def _results(
    suite: Suite,
    rule: Rule,
    arrived: Mapping[str, Arrived],
    answers: Mapping[tuple[str, str], Answer],
) -> Iterator[CheckResult]:
    reason = _unjudgeable(suite, rule, arrived)
    if reason:
        yield _result(suite, rule, ALL, "fail", reason)
        return
    answer = answers[suite.table, rule.rule_id]
    if answer["raised"]:
        # SQLAlchemy repeats the whole query after the cause.
        observed = stable_text(f"the rule raised: {answer['raised'].partition('[SQL:')[0]}")
        yield _result(suite, rule, ALL, "fail", observed)
        return
    broken = "warn" if rule.severity == "warning" else "fail"
    rows = arrived[suite.table].rows
    if rule.asks:
        rows = dict.fromkeys(arrived[suite.table].files, 0)
    if not rule.by_slice:
        rows = {ALL: sum(rows.values())}
    failing = _failing(rule, answer)
    for slice_ in sorted({*rows, *failing} or {ALL}):
        count, samples = failing.get(slice_, (0, ()))
        observed = f"{count} failing" if rule.asks else f"{count} failing of {rows.get(slice_, 0)}"
        status = "pass" if count == 0 else broken
        yield _result(
            suite, rule, slice_ or "none", status, observed, failing_rows=count, samples=samples
        )


def _failing(rule: Rule, answer: Answer) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Failing rows and samples per slice."""
    if answer["success"]:
        return {}
    result = answer["result"]
    if rule.is_sql:
        found = result["details"]["unexpected_rows"][0]["found"]
        return {f["slice"]: (int(f["failing"]), tuple(f["samples"])) for f in found}
    # A broken rule counts at least one, also where GE counts no rows (rules about a whole table).
    count = max(1, int(result.get("unexpected_count") or 0))
    samples = sorted({str(value) for value in result.get("partial_unexpected_list") or []})
    return {ALL: (count, tuple(samples[:SAMPLES]))}


def _result(
    suite: Suite,
    rule: Rule,
    slice_: str,
    status: str,
    observed: str,
    *,
    failing_rows: int | None = None,
    samples: tuple[str, ...] = (),
) -> CheckResult:
    return CheckResult(
        rule_id=rule.rule_id,
        table_name=suite.table,
        slice=slice_,
        engine=ENGINE,
        severity=rule.severity,
        owner=rule.owner,
        status=status,
        observed=observed,
        expected=rule.expected,
        failing_rows=failing_rows,
        samples=samples,
        is_historical=rule.is_historical,
    )
