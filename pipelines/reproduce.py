"""The report of printed figures: which the release in use reproduces, which not, and why.

Belongs here: reading `printed_figure_check` and `document_consistency_check` of a release and
laying them out as text, Markdown, HTML or JSON. Not here: any verdict (dbt), or choosing the
release (cli). The same release gives the same bytes, and the page loads nothing from outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
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
_CHECKS = """
    select coverage, status, agrees, cast(count(*) as integer) as checks
    from document_consistency_check
    group by coverage, status, agrees
    order by coverage desc, status, agrees
"""
_CHECKS_SHOWN = (
    "checks of documents against themselves",
    "verdict of the reader",
    "agrees",
    "checks",
)
_SHOWN = ("figure_id", "vintage", "place", "indicator", "period", "printed", "computed", "reason")


def report(release_dir: Path) -> dict[str, Any]:
    """Everything the report says, as plain data.

    Keys: release_id, figures, by_status (comparisons), by_document (status counts per document),
    best (figures by the best status that a comparison with the warehouse gives them), inside (those
    of the not computable that agree with other figures of their document), rows, checks (of the
    documents against themselves: counts by coverage and agreement).
    """
    sql = f"select {', '.join(COLUMNS)} from printed_figure_check order by figure_id, vintage"
    rows = query(release_dir, sql, limit=None).to_dicts()
    by_document: dict[str, Counter[str]] = {}
    best: dict[str, str] = {}
    for row in rows:
        # Whatever a document says of itself, the warehouse has not computed the figure.
        best.setdefault(row["figure_id"], "not_computable")
        by_document.setdefault(row["document"], Counter())[row["status"]] += 1
        # What a document says of itself is counted apart: it proves nothing about the warehouse.
        if row["vintage"] != OWN:
            held = best[row["figure_id"]]
            best[row["figure_id"]] = min(held, row["status"], key=STATUSES.index)
    counts = Counter(row["status"] for row in rows)
    agreeing = {row["figure_id"] for row in rows if row["status"] == "internally_consistent"}
    return {
        "release_id": release_dir.name,
        "figures": len({row["figure_id"] for row in rows}),
        "comparisons": len(rows),
        "by_status": _ordered(counts),
        "by_document": {name: _ordered(by_document[name]) for name in sorted(by_document)},
        "best": _ordered(Counter(best.values())),
        "inside": sum(best[figure] == "not_computable" for figure in agreeing),
        "rows": rows,
        "checks": query(release_dir, _CHECKS, limit=None).to_dicts(),
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
    recomputed = [row for row in facts["checks"] if row["coverage"] == "recomputed"]
    checked = sum(row["checks"] for row in recomputed)
    agreed = sum(row["checks"] for row in recomputed if row["agrees"])
    lines = [
        f"release {facts['release_id']}: {facts['figures']} printed figures, "
        f"{facts['comparisons']} comparisons",
        "",
        "figures by their best result against the warehouse:",
        *(f"  {status:<22} {count:>5}" for status, count in facts["best"].items()),
        f"  of the not computable, {facts['inside']} agree with other figures of their document",
        "",
        "comparisons by status and document (internally_consistent: checked inside the document):",
    ]
    for document, counts in facts["by_document"].items():
        told = ", ".join(f"{count} {status}" for status, count in counts.items())
        lines.append(f"  {document:<28} {told}")
    lines += [
        "",
        f"checks of the documents against themselves: {sum(r['checks'] for r in facts['checks'])}, "
        f"of which {checked} recomputed, {agreed} with the reader's result "
        "(document_consistency_check)",
    ]
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
    return "\n".join(_layout(facts, _heading, _paragraph, _table))


def html(facts: dict[str, Any]) -> str:
    """The report as one page that loads nothing."""
    title = f"Printed figures against release {facts['release_id']}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            *_layout(facts, _html_heading, _html_paragraph, _html_table),
            "</body>",
            "</html>",
            "",
        ]
    )


def write(facts: dict[str, Any], folder: Path) -> list[Path]:
    """Both forms as files in the folder; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, made in (("md", markdown(facts) + "\n"), ("html", html(facts))):
        path = folder / f"reproduce-{facts['release_id']}.{suffix}"
        path.write_text(made, encoding="utf-8")
        written.append(path)
    return written


_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0;width:100%}"
    "th,td{border-bottom:1px solid #ccc;padding:.25rem .5rem;text-align:left;vertical-align:top}"
    "th{position:sticky;top:0;background:#fff}"
)


def _layout(facts: dict[str, Any], heading: Any, paragraph: Any, table: Any) -> list[str]:
    """What the report says, in the order it says it; the three arguments render one piece each."""
    parts = [
        heading(1, f"Printed figures against release {facts['release_id']}"),
        paragraph(
            f"{facts['figures']} figures, {facts['comparisons']} comparisons. A figure is "
            "reproduced where every value that the inputs allow is printed like it, consistent "
            "where the two ranges meet; internally_consistent compares a document with itself and "
            f"is counted apart: so agree {facts['inside']} of the figures that are not computable."
        ),
        table(("best result against the warehouse", "figures"), facts["best"].items()),
        table(
            ("document", *STATUSES),
            (
                (document, *(counts.get(status, 0) for status in STATUSES))
                for document, counts in facts["by_document"].items()
            ),
        ),
        table(
            _CHECKS_SHOWN,
            (
                (row["coverage"], row["status"], _said(row["agrees"]), row["checks"])
                for row in facts["checks"]
            ),
        ),
    ]
    for status, count in facts["by_status"].items():
        rows = [_cells(row) for row in facts["rows"] if row["status"] == status]
        parts += [heading(2, f"{status} ({count})"), table(_SHOWN, rows)]
    return parts


def _said(agrees: bool | None) -> str:
    return "" if agrees is None else "yes" if agrees else "no"


def _heading(level: int, text: str) -> str:
    return f"{'#' * level} {text}\n"


def _paragraph(text: str) -> str:
    return f"{text}\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    def line(cells: Iterable[Any]) -> str:
        safe = (str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells)
        return f"| {' | '.join(safe)} |"

    return "\n".join([line(header), line(["---"] * len(header)), *map(line, rows)]) + "\n"


def _html_heading(level: int, text: str) -> str:
    return f"<h{level}>{escape(text)}</h{level}>"


def _html_paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _html_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    def line(cells: Iterable[Any], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(line(row, "td") for row in rows)
    return f"<table>\n<thead>{line(header, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
