"""What a person reads after a refresh: the release in use, in numbers.

Belongs here: reading a release for the closing report and for `status`. Not here: making it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The headline of the report: the paper's circle in the paper's year, in both vintages.
HEADLINE_CIRCLE = "GZ_PAPER9"
HEADLINE_YEAR = 2021
HEADLINE = ("gdp", "population_resident", "gdp_share_of_province")


def summary(release: Path) -> dict[str, Any]:
    """Rows per table, checks by status, size and headline values of a release folder."""
    import duckdb

    document = json.loads((release / "release.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(release / "metrocircle.duckdb"), read_only=True) as database:
        checks = dict(
            database.execute(
                "select status, count(*) from ledger group by status order by status"
            ).fetchall()
        )
        headline = database.execute(
            """
            select indicator_id, vintage, value, value_low, value_high, unit,
                edition_min, edition_max, method
            from circle_indicator_year
            where circle_id = ? and year = ? and list_contains(?, indicator_id)
                and vintage in ('first_published', 'latest')
            order by list_position(?, indicator_id), vintage
            """,
            [HEADLINE_CIRCLE, HEADLINE_YEAR, list(HEADLINE), list(HEADLINE)],
        )
        names = [column[0] for column in headline.description]
        values = [dict(zip(names, row, strict=True)) for row in headline.fetchall()]
    return {
        "release_id": document["release_id"],
        "path": str(release),
        "bytes": sum(path.stat().st_size for path in release.rglob("*") if path.is_file()),
        "tables": {name: table["rows"] for name, table in _tables(document).items()},
        "checks": checks,
        "circle": HEADLINE_CIRCLE,
        "year": HEADLINE_YEAR,
        "headline": values,
    }


def _tables(document: dict[str, Any]) -> dict[str, Any]:
    tables = document["tables"]
    if isinstance(tables, dict):
        return tables
    return {f"{table['schema']}.{table['name']}": table for table in tables}


def text(facts: dict[str, Any], shown_path: str) -> str:
    """The closing report, for people."""
    lines = ["", f"release {facts['release_id']}  {facts['bytes'] / 1e6:.1f} MB", ""]
    tables = facts["tables"]
    width = max(len(name) for name in tables)
    lines += [f"  {name:<{width}}  {rows:>9,}" for name, rows in tables.items()]
    checks = facts["checks"]
    lines += [
        "",
        f"checks: {checks.get('pass', 0)} passed, {checks.get('warn', 0)} warned, "
        f"{checks.get('fail', 0)} failed, {checks.get('skip', 0)} skipped",
        "",
        f"{facts['circle']} {facts['year']} (the paper's circle, nine whole cities)",
    ]
    for value in facts["headline"]:
        lines.append(f"  {_value_line(value)}")
    lines += [
        "",
        f"DuckDB:  {shown_path}/metrocircle.duckdb",
        f"Parquet: {shown_path}/parquet/",
        f"Quality: {shown_path}/quality/index.html",
        "Next:    .venv/bin/metrocircle query "
        "\"select * from city_indicator_best where place_name_zh = '广州市'\"",
    ]
    return "\n".join(lines)


def done(counts: Mapping[str, tuple[int, int]]) -> str:
    """What a refresh did anew, of all there is; the rest stands as it was."""
    return ", ".join(f"{anew:,} of {total:,} {what}" for what, (anew, total) in counts.items())


def _value_line(value: dict[str, Any]) -> str:
    if value["value"] is None:
        return f"{value['indicator_id']:<22} {value['vintage']:<16} no complete value"
    editions = value["edition_min"]
    if value["edition_max"] != editions:
        editions += f"-{value['edition_max']}"
    note = f"  {value['method']}" if "denominator" in (value["method"] or "") else ""
    bounds = f"[{value['value_low']:.2f}, {value['value_high']:.2f}]"
    return (
        f"{value['indicator_id']:<22} {value['vintage']:<16} {value['value']:>10.2f} "
        f"{value['unit']}  {bounds}  edition {editions}{note}"
    )
