"""The ledger: contract columns, no key twice, dbt results as rows, what blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from quality_lake import CONTRACT

from pipelines.errors import ContractBroken
from pipelines.quality.ledger import CheckResult, blocking, from_dbt, ledger_frame, stable_text

ROW = CheckResult(
    rule_id="b",
    table_name="t",
    slice="all",
    engine="release",
    severity="error",
    owner="domain",
    status="pass",
    observed="0 failing",
    expected="x",
    failing_rows=0,
    samples=("a sample",),
)
HASH = "0123456789abcdef0123456789abcdef"
MODEL = "model.metrocircle.city_indicator_year"


def test_ledger_has_the_contract_columns_sorted_by_key() -> None:
    held = ledger_frame([ROW, replace(ROW, rule_id="a"), replace(ROW, slice="2022")])
    assert held.columns == CONTRACT.table("ledger").column_names
    assert held.select("rule_id", "slice").rows() == [("a", "all"), ("b", "2022"), ("b", "all")]


def test_an_empty_ledger_keeps_its_columns() -> None:
    assert ledger_frame([]).columns == CONTRACT.table("ledger").column_names


def test_a_key_that_occurs_twice_is_refused() -> None:
    with pytest.raises(ContractBroken, match="b/t/all"):
        ledger_frame([ROW, replace(ROW, status="fail")])


@pytest.mark.parametrize("flaw", [{"status": "ok"}, {"severity": "critical"}])
def test_a_word_outside_the_vocabulary_is_refused(flaw: dict[str, str]) -> None:
    with pytest.raises(ContractBroken, match="b/t/all"):
        ledger_frame([replace(ROW, **flaw)])


@pytest.mark.parametrize(
    ("severity", "status", "blocks"),
    [
        ("error", "fail", True),
        ("error", "pass", False),
        ("error", "skip", False),
        ("warning", "warn", False),
        ("warning", "fail", False),
    ],
)
def test_only_a_failed_error_blocks(severity: str, status: str, blocks: bool) -> None:
    assert bool(blocking([replace(ROW, severity=severity, status=status)])) is blocks


def _test(unique_id: str, name: str, **more: Any) -> dict[str, Any]:
    node = {
        "unique_id": unique_id,
        "package_name": "metrocircle",
        "resource_type": "test",
        "name": name,
        "attached_node": MODEL,
        "config": {"severity": "ERROR", "meta": {}},
        "depends_on": {"nodes": [MODEL]},
    }
    return node | more


NODES = [
    _test(
        "test.metrocircle.unique.1",
        f"unique_fact_id_{HASH}",
        test_metadata={"name": "unique", "kwargs": {"column_name": "fact_id", "model": "{{ x }}"}},
    ),
    _test(
        "test.metrocircle.share.2",
        "share",
        config={"severity": "WARN", "meta": {"owner": "domain"}},
    ),
    _test("test.metrocircle.broken.3", "broken", description="Parts make the whole."),
    _test("test.metrocircle.later.4", "later"),
    _test("test.metrocircle.same.5", f"same_{HASH}"),
    _test("test.metrocircle.same.6", f"same_{HASH[::-1]}"),
    _test("test.metrocircle.lone.7", "lone", attached_node=None),
]
UNIT_TEST = {
    "unique_id": "unit_test.metrocircle.revision.compares",
    "package_name": "metrocircle",
    "resource_type": "unit_test",
    "name": "compares",
    "model": "revision",
    "config": {},
}
MANIFEST = {
    "nodes": {n["unique_id"]: n for n in NODES} | {MODEL: {"resource_type": "model"}},
    "unit_tests": {UNIT_TEST["unique_id"]: UNIT_TEST},
}
ERROR = "Runtime Error in test broken (/home/someone/dbt/x.sql)\n  Binder Error: no column y"


def _run(
    unique_id: str, status: str, failures: int | None = 0, message: str = ""
) -> dict[str, Any]:
    return {"unique_id": unique_id, "status": status, "failures": failures, "message": message}


def test_dbt_results_become_rows() -> None:
    rows = from_dbt(
        {
            "results": [
                _run(MODEL, "success"),
                _run("test.metrocircle.unique.1", "pass"),
                _run("test.metrocircle.share.2", "warn", 3, "Got 3 results"),
                _run("test.metrocircle.broken.3", "error", None, ERROR),
                _run("test.metrocircle.later.4", "skipped", None),
                _run("test.metrocircle.same.5", "fail", 2),
                _run("test.metrocircle.same.6", "pass"),
                _run("test.metrocircle.lone.7", "pass"),
                _run("unit_test.metrocircle.revision.compares", "fail", 1, "actual differs"),
            ]
        },
        MANIFEST,
    )
    table = [(r.table_name, r.rule_id, r.severity, r.owner, r.status, r.failing_rows) for r in rows]
    city = "city_indicator_year"
    assert table == [
        (city, "broken", "error", "modelling", "fail", None),
        ("revision", "compares", "error", "modelling", "fail", 1),
        (city, "later", "error", "modelling", "skip", None),
        (city, "lone", "error", "modelling", "pass", 0),
        (city, "share", "warning", "domain", "warn", 3),
        (city, "test.same.5", "error", "modelling", "fail", 2),
        (city, "test.same.6", "error", "modelling", "pass", 0),
        (city, "unique_fact_id", "error", "modelling", "pass", 0),
    ]
    by_id = {r.rule_id: r for r in rows}
    assert by_id["unique_fact_id"].expected == "unique(column_name=fact_id)"
    assert by_id["broken"].expected == "Parts make the whole."
    assert "no column y" in by_id["broken"].observed
    assert "someone" not in by_id["broken"].observed
    assert by_id["compares"].samples == ("actual differs",)
    assert {r.engine for r in rows} == {"dbt"} and {r.slice for r in rows} == {"all"}
    assert [r.rule_id for r in blocking(rows)] == ["broken", "compares", "test.same.5"]
    assert ledger_frame(rows).height == len(rows)


def test_stable_text_holds_no_path_and_no_address() -> None:
    text = stable_text("cannot open '/tmp/abc/views.duckdb' at 0x7f00aa\n  and/or GB/T 2260")
    assert text == "cannot open '<path>' at <address> and/or GB/T 2260"
