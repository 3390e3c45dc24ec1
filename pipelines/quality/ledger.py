"""One row per rule, table and slice, whichever engine judged it.

Belongs here: the row, the frame of the contract's columns, dbt's results as rows, and which rows
stop a release. Not here: running checks, and keeping failing samples: a row carries them to whoever
asks, the ledger table does not hold them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines import contract
from pipelines.errors import ContractBroken
from pipelines.settings import Settings

if TYPE_CHECKING:
    import polars as pl

ALL = "all"
SEVERITIES = ("error", "warning")
STATUSES = ("pass", "warn", "fail", "skip")
TEXT_LIMIT = 300
# dbt shortens the name of a long generic test and ends it with a hash of the full one.
_HASH_SUFFIX = re.compile(r"_[0-9a-f]{32}$")
_PATH = re.compile(r"(?<![\w<])(?:[A-Za-z]:)?(?:[/\\][\w.\-@+~]+)+[/\\]?")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_DBT_FAILED = {"fail", "error", "runtime error"}


@dataclass(frozen=True)
class CheckResult:
    """What one rule found in one slice of one table.

    status: pass; warn = a rule of severity warning is broken; fail = a rule of severity error is
    broken, or a rule of any severity could not be judged; skip = nobody asked.
    is_historical: the rule compares with the release in use. What it finds depends on more than the
    inputs, so it stands beside the release and never in the ledger, which is part of the id.
    observed, expected: the same text for the same data, on any machine and at any time.
    failing_rows: null when the rule could not be judged.
    """

    rule_id: str
    table_name: str
    slice: str
    engine: str
    severity: str
    owner: str
    status: str
    observed: str
    expected: str
    failing_rows: int | None
    samples: tuple[str, ...] = ()
    is_historical: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.rule_id, self.table_name, self.slice)


def ledger_frame(results: Sequence[CheckResult]) -> pl.DataFrame:
    """The contract's `ledger` table, sorted by its key, without historical results.

    Raises ContractBroken for a key that occurs twice or a word outside the vocabularies.
    """
    import polars as pl

    table = contract.load(Settings().contract).table("ledger")
    results = [result for result in results if not result.is_historical]
    twice = sorted(key for key, count in Counter(r.key for r in results).items() if count > 1)
    if twice:
        listed = "; ".join("/".join(key) for key in twice[:5])
        raise ContractBroken(
            f"ledger: {len(twice)} keys (rule, table, slice) occur twice: {listed}. "
            "Give the rules different ids"
        )
    for result in results:
        if result.status not in STATUSES or result.severity not in SEVERITIES:
            raise ContractBroken(
                f"ledger: {'/'.join(result.key)} has status {result.status!r} and severity "
                f"{result.severity!r}; expected one of {STATUSES} and one of {SEVERITIES}"
            )
    rows = [{name: getattr(result, name) for name in table.column_names} for result in results]
    return pl.DataFrame(rows, schema=contract.polars_schema(table)).sort(table.order)


def blocking(results: Sequence[CheckResult]) -> list[CheckResult]:
    """The results that stop a release."""
    return [r for r in results if r.severity == "error" and r.status == "fail"]


def stable_text(text: str) -> str:
    """One line without machine paths or addresses, cut to a length a table can show."""
    line = _ADDRESS.sub("<address>", _PATH.sub("<path>", " ".join(text.split())))
    return line if len(line) <= TEXT_LIMIT else line[: TEXT_LIMIT - 1] + "…"


def from_dbt(run_results: dict[str, Any], manifest: dict[str, Any]) -> list[CheckResult]:
    """dbt's data tests and unit tests as ledger rows; other nodes of the run are left out.

    run_results, manifest: the parsed run_results.json and manifest.json of one invocation.
    """
    nodes = {**manifest.get("nodes", {}), **manifest.get("unit_tests", {})}
    judged = []
    for result in run_results["results"]:
        node = nodes.get(result["unique_id"])
        if node is not None and node.get("resource_type") in {"test", "unit_test"}:
            judged.append((result, node))
    ids = _rule_ids([node for _, node in judged])
    rows = [_from_test(result, node, ids[node["unique_id"]]) for result, node in judged]
    return sorted(rows, key=lambda row: row.key)


def failed_build(message: str) -> CheckResult:
    """The finding that stops a release whose models could not all be built."""
    return CheckResult(
        rule_id="build",
        table_name="models",
        slice=ALL,
        engine="dbt",
        severity="error",
        owner="modelling",
        status="fail",
        observed=stable_text(message),
        expected="every model is built and every test of severity error passes",
        failing_rows=None,
        samples=(message,),
    )


def _rule_ids(nodes: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Readable and unique per table: without dbt's hash, unless two would then be the same."""
    short = {node["unique_id"]: _HASH_SUFFIX.sub("", node["name"]) for node in nodes}
    taken = Counter((short[node["unique_id"]], _model_of(node)) for node in nodes)

    def rule_id(node: dict[str, Any]) -> str:
        unique_id = node["unique_id"]
        if taken[(short[unique_id], _model_of(node))] == 1:
            return short[unique_id]
        return ".".join(part for part in unique_id.split(".") if part != node.get("package_name"))

    return {node["unique_id"]: rule_id(node) for node in nodes}


def _model_of(node: dict[str, Any]) -> str:
    """The model a test is attached to; a singular test goes to the first one it reads."""
    if node["resource_type"] == "unit_test":
        return str(node["model"])
    read = sorted(node.get("depends_on", {}).get("nodes", []))
    attached = node.get("attached_node") or (read[0] if read else "none")
    # Versioned models end in `.v2`; the name is the third part of every unique_id but a source's.
    parts = attached.split(".")
    return parts[3] if parts[0] == "source" else parts[min(2, len(parts) - 1)]


def _from_test(result: dict[str, Any], node: dict[str, Any], rule_id: str) -> CheckResult:
    config = node.get("config", {})
    meta = {**(node.get("meta") or {}), **(config.get("meta") or {})}
    declared = str(meta.get("severity") or config.get("severity") or "error").lower()
    severity = "warning" if declared.startswith("warn") else "error"
    said = str(result["status"]).lower()
    failures = result.get("failures")
    message = result.get("message") or ""
    is_unit_test = node["resource_type"] == "unit_test"
    if said in {"skipped", "skip"}:
        status, observed, failing = "skip", "not run: something it rests on failed", None
    elif said in {"pass", "success"}:
        status, observed, failing = "pass", "0 failing", 0
    elif said == "warn":
        status, observed, failing = "warn", f"{failures} failing", failures
    elif said == "fail" and is_unit_test:
        failing = failures or 1
        status, observed = "fail", "the model's rows differ from the expected rows"
    elif said == "fail":
        status = "warn" if severity == "warning" else "fail"
        observed, failing = f"{failures} failing", failures
    elif said in _DBT_FAILED:
        status, observed, failing = "fail", stable_text(f"could not be judged: {message}"), None
    else:
        status, failing = "fail", None
        observed = f"dbt reported the unknown status {said!r}"
    return CheckResult(
        rule_id=rule_id,
        table_name=_model_of(node),
        slice=ALL,
        engine="dbt",
        severity=severity,
        owner=str(meta.get("owner") or "modelling"),
        status=status,
        observed=observed,
        expected=_expected(node, meta),
        failing_rows=failing,
        samples=(message,) if message and status in {"warn", "fail"} else (),
    )


def _expected(node: dict[str, Any], meta: dict[str, Any]) -> str:
    """The test's own words, or its name and arguments."""
    own = meta.get("expected") or node.get("description")
    if own:
        return stable_text(str(own))
    if node["resource_type"] == "unit_test":
        return "the model makes the expected rows of the given rows"
    test = node.get("test_metadata")
    if not test:
        return "the query returns no rows"
    arguments = {k: v for k, v in (test.get("kwargs") or {}).items() if k != "model"}
    listed = ", ".join(f"{name}={arguments[name]}" for name in sorted(arguments))
    return stable_text(f"{test['name']}({listed})")
