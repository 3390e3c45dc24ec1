"""The report of printed figures: which the release in use reproduces, which not, and why.

Belongs here: reading `printed_figure_check` of a release and laying it out as text, Markdown or
JSON. Not here: any verdict (dbt), or choosing the release (cli).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pipelines.release.query import query

STATUSES = (
    "reproduced", "consistent", "rounding", "mismatch", "internally_consistent", "not_computable",
)  # fmt: skip
COLUMNS = (
    "figure_id", "vintage", "document", "locator", "place_raw", "indicator_raw", "period_text",
    "printed_text", "computed_value", "computed_low", "computed_high", "unit", "status", "reason",
)  # fmt: skip
OWN = "same_document"
_SHOWN = ("figure_id", "vintage", "place", "indicator", "period", "printed", "computed", "reason")


def report(release_dir: Path) -> dict[str, Any]:
    """Everything the report says, as plain data.

    Keys: release_id, figures, by_status (comparisons), by_document (status counts per document),
    best (figures by the best status that a comparison with the warehouse gives them), rows.
    """
    sql = f"select {', '.join(COLUMNS)} from printed_figure_check order by figure_id, vintage"
    rows = query(release_dir, sql, limit=None).to_dicts()
    by_document: dict[str, Counter[str]] = {}
    best: dict[str, str] = {}
    for row in rows:
        by_document.setdefault(row["document"], Counter())[row["status"]] += 1
        # What a document says of itself is counted apart: it proves nothing about the warehouse.
        if row["vintage"] != OWN:
            held = best.setdefault(row["figure_id"], row["status"])
            best[row["figure_id"]] = min(held, row["status"], key=STATUSES.index)
    counts = Counter(row["status"] for row in rows)
    return {
        "release_id": release_dir.name,
        "figures": len({row["figure_id"] for row in rows}),
        "comparisons": len(rows),
        "by_status": _ordered(counts),
        "by_document": {name: _ordered(by_document[name]) for name in sorted(by_document)},
        "best": _ordered(Counter(best.values())),
        "rows": rows,
    }


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return {status: counts[status] for status in STATUSES if counts[status]}


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    value = row["computed_value"]
    computed = "" if value is None else f"{value:.8g}"
    return (
        f"{row['figure_id']} {row['document']} {row['locator']}",
        row["vintage"],
        row["place_raw"],
        row["indicator_raw"],
        row["period_text"] or "",
        row["printed_text"],
        f"{computed} {row['unit'] or ''}".strip() if computed else "",
        row["reason"] or "",
    )


def text(facts: dict[str, Any]) -> str:
    """The report for a terminal or a file: counts first, then one block per status."""
    lines = [
        f"release {facts['release_id']}: {facts['figures']} printed figures, "
        f"{facts['comparisons']} comparisons",
        "",
        "figures by their best result against the warehouse:",
        *(f"  {status:<22} {count:>5}" for status, count in facts["best"].items()),
        "",
        "comparisons by status and document (internally_consistent: checked inside the document):",
    ]
    for document, counts in facts["by_document"].items():
        told = ", ".join(f"{count} {status}" for status, count in counts.items())
        lines.append(f"  {document:<28} {told}")
    for status in facts["by_status"]:
        rows = [row for row in facts["rows"] if row["status"] == status]
        lines += ["", f"{status} ({len(rows)})"]
        for row in rows:
            figure, vintage, place, indicator, period, printed, computed, reason = _cells(row)
            against = f" | computed {computed}" if computed else ""
            why = f" | {reason}" if reason else ""
            what = " ".join(filter(None, (place, indicator, period)))
            lines.append(f"  {figure} [{vintage}] {what}: {printed}{against}{why}")
    return "\n".join(lines)


def markdown(facts: dict[str, Any]) -> str:
    """The report as Markdown, for a page or a pull request."""
    lines = [
        f"# Printed figures against release {facts['release_id']}",
        "",
        f"{facts['figures']} figures, {facts['comparisons']} comparisons.",
        "",
        _table(("best result against the warehouse", "figures"), facts["best"].items()),
        "",
        _table(
            ("document", *STATUSES),
            (
                (document, *(counts.get(status, 0) for status in STATUSES))
                for document, counts in facts["by_document"].items()
            ),
        ),
    ]
    for status, count in facts["by_status"].items():
        rows = [_cells(row) for row in facts["rows"] if row["status"] == status]
        lines += ["", f"## {status} ({count})", "", _table(_SHOWN, rows)]
    return "\n".join(lines)


def _table(header: tuple[str, ...], rows: Any) -> str:
    def line(cells: Any) -> str:
        safe = (str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells)
        return f"| {' | '.join(safe)} |"

    return "\n".join([line(header), line(["---"] * len(header)), *map(line, rows)])
