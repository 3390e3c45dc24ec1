"""Models may use what both engines have; what differs lives in macros/dialect.

A function that joins the list below must exist in DuckDB and in Spark under this name, with the
same arguments and the same answer: look both up, and let the parity test speak.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest

from tests.conftest import ROOT

PROJECT = ROOT / "dbt_project"
FILES = sorted(
    path
    for folder in ("models", "tests", "macros", "analyses")
    for path in (PROJECT / folder).rglob("*.sql")
    # Analyses are read by people who have the released DuckDB before them.
    if folder != "analyses" and "dialect" not in path.parts
)
FUNCTIONS = {
    "abs", "asin", "avg", "cast", "ceil", "coalesce", "concat", "cos", "count", "decimal",
    "dense_rank", "exp", "extract", "first_value", "floor", "greatest", "lag", "last_value",
    "lead", "least", "length", "ln", "lower", "max", "min", "mod", "nullif", "percent_rank",
    "power", "radians", "rank", "replace", "row_number", "sign", "sin", "sqrt", "substr", "sum",
    "trim", "try_cast", "upper", "varchar",
}  # fmt: skip
# Both engines have them and answer otherwise at the edge: models reach them through a macro
# (`rounded` of macros/measure.sql: 0.591902835 came out as 0.59190283 or as 0.59190284).
MACROS_ONLY = {"round"}
# Words that stand before a bracket and are no functions.
KEYWORDS = {
    "all", "and", "any", "as", "by", "case", "distinct", "else", "end", "except", "exists",
    "filter", "from", "group", "having", "in", "intersect", "is", "join", "like", "not", "on", "or",
    "order",
    "over", "partition", "recursive", "select", "set", "then", "union", "using", "values", "when",
    "where", "with",
}  # fmt: skip
OTHER = {
    "a cast with two colons": r"::",
    "a text type without a length": r"\bvarchar\b(?!\s*\()",
    "qualify": r"\bqualify\b",
    "group by all": r"\bgroup\s+by\s+all\b",
    "filter (where …)": r"\bfilter\s*\(\s*where\b",
    "a list or a struct": r"[\[\]{}]",
    "a backslash, which one engine reads as an escape": r"\\",
    "columns left out of a star": r"\*\s*(?:exclude|except|replace)\b",
    "ilike": r"\bilike\b",
    "a positional join": r"\b(?:asof|positional|semi|anti)\s+join\b",
    "an operator of one engine": r"//|\*\*|\^|~|->|:=|<=>|<@|@>",
    "distinct on": r"\bdistinct\s+on\b",
    "a sample": r"\b(?:using\s+sample|tablesample)\b",
    "a pivot": r"\b(?:un)?pivot\b",
    "a type of one engine": (
        r"\bas\s+(?:u?hugeint|u(?:tiny|small|big)int|uinteger|int[248]|float[48]|text|blob|binary|uuid"
        r"|bool|bit|time|interval|timestamptz|timestamp_ntz|timestamp\s+with\s+time\s+zone)\s*\)"
    ),
    # Doubles added up in whatever order the threads come: a share of such a sum differs from run to
    # run. `exact_sum`, or `sum` of a `measure`.
    "a share of a bare sum": r"/\s*sum\(\s*[a-z_][a-z_0-9.]*\s*\)",
}


def bare(sql: str) -> str:
    """The SQL without comments, Jinja and what stands between quotes."""
    for jinja, instead in ((r"\{#.*?#\}", " "), (r"\{%.*?%\}", " "), (r"\{\{.*?\}\}", "x")):
        sql = re.sub(jinja, instead, sql, flags=re.DOTALL)
    sql = re.sub(r"--[^\n]*", "", sql)
    return re.sub(r"'(?:[^'\\]|'')*'", "''", sql).lower()


def faults(sql: str, macros: bool = False) -> list[str]:
    text = bare(sql)
    # `x` is what Jinja left.
    called = set(re.findall(r"\b([a-z_][a-z_0-9]*)\s*\(", text)) - KEYWORDS - {"x"}
    known = FUNCTIONS | MACROS_ONLY if macros else FUNCTIONS
    found = [f"the function {name}" for name in sorted(called - known)]
    # A common table expression that names its columns looks like a call: `with recursive a (b) as`.
    found = [f for f in found if not re.search(rf"\b{f.split()[-1]}\s*\([^()]*\)\s*as\s*\(", text)]
    found += [what for what, pattern in OTHER.items() if re.search(pattern, text)]
    # In Jinja's texts too, where models keep formulas: 1.0 / 11 is a double in DuckDB and a decimal
    # of a few places in Spark.
    if re.search(r"\b\d+\.\d+\s*/\s*\d", re.sub(r"--[^\n]*", "", sql)):
        found.append("a quotient of decimals")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_model_uses_what_both_engines_have(path: Path) -> None:
    found = faults(path.read_text(encoding="utf-8"), macros="macros" in path.parts)
    assert not found, (
        f"{path.relative_to(ROOT)}: {', '.join(found)}: Spark lacks it or answers otherwise; "
        "write it portably, or as a macro in macros/dialect with a branch for each engine"
    )


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("select list_sum(a) from t", "the function list_sum"),
        ("select a::int from t", "a cast with two colons"),
        ("select cast(a as varchar) from t", "a text type without a length"),
        ("select * exclude (a) from t", "columns left out of a star"),
        (r"select 1 where a like '%\_x' escape '\'", "a backslash"),
        ("select a from t qualify b = 1", "qualify"),
        ("select count(*) filter (where a) from t", "filter"),
        ("select [1, 2]", "a list or a struct"),
        ("select round(a, 2) from t", "the function round"),
        ("{% set f = 'power(a, 1.0 / 11)' %} select {{ f }}", "a quotient of decimals"),
        ("select a // 2 from t", "an operator of one engine"),
        ("select a ^ 2 from t", "an operator of one engine"),
        ("select a from t where a ~ 'x'", "an operator of one engine"),
        ("select distinct on (a) a, b from t", "distinct on"),
        ("from t using sample 10", "a sample"),
        ("pivot t on a using sum(b)", "a pivot"),
        ("select cast(a as hugeint) from t", "a type of one engine"),
        ("select cast(a as timestamp with time zone) from t", "a type of one engine"),
        ("select a / sum(a) over (partition by b) from t", "a share of a bare sum"),
    ],
)
def test_the_look_sees_what_it_must(sql: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(sql))


def test_what_is_portable_is_let_through() -> None:
    sql = "{# list_sum( #} select sum(a), 'x::y' from {{ ref('t') }} -- b::c\nwhere a in (1)"
    assert faults(sql) == []


def test_a_seed_names_types_that_both_engines_have() -> None:
    files = sorted((PROJECT / "seeds").glob("*.yml"))
    assert files
    for path in files:
        found = re.findall(r":\s*(varchar|text|hugeint)\s*$", path.read_text(), re.MULTILINE)
        assert not found, f"{path.name}: {found}: `string` is a text on either engine"


def test_a_cell_of_a_seed_reaches_spark_as_it_stands() -> None:
    """dbt-spark's own macro made the text None of an empty cell and broke at an apostrophe."""
    macro = (PROJECT / "macros" / "dialect" / "seed_rows.sql").read_text(encoding="utf-8")
    sent: list[str] = []

    class Adapter:
        def convert_type(self, table: object, column: int) -> str:
            return "string"

        def add_query(self, sql: str, abridge_sql_log: bool) -> None:
            sent.append(sql)

    class This:
        def render(self) -> str:
            return "main.t"

    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    known = {"adapter": Adapter(), "this": This(), "return": lambda value: value}
    template = environment.from_string(macro, globals=known)
    table = SimpleNamespace(column_names=["a", "b"], rows=[["the paper's", 1], [None, "a\\b"]])
    template.module.spark__load_csv_rows({"config": {"column_types": {"b": "int"}}}, table)
    assert sent == [
        "insert into main.t values (cast('the paper\\'s' as string), cast('1' as int)), "
        "(cast(null as string), cast('a\\\\b' as int))"
    ]
