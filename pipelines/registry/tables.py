"""Reading the registries that every source shares.

Belongs here: `sources/indicators.csv`, `units.csv`, `registry.yml` and the editions files, read
into the contract's `indicator`, `unit` and `document` tables. Not here: values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipelines.archive import withdraw
from pipelines.contract import Table, polars_schema
from pipelines.errors import Reject, nearest

SnapshotOf = Callable[[str], str]
AGGREGATIONS = (
    "sum", "ratio_of_sums", "difference", "sum_of_parts", "weighted_mean", "mean_of_members",
    "min", "max", "chain", "recompute", "none",
)  # fmt: skip
PRECISIONS = ("day", "month", "year", "assumed")


def read_text_csv(path: Path) -> pl.DataFrame:
    """A CSV with every cell as text; empty cells are empty text, so that nothing is guessed."""
    # A name such as `2022[1].csv` is a file, not a pattern.
    return pl.read_csv(path, infer_schema=False, glob=False).with_columns(pl.all().fill_null(""))


def _null_if_empty(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(pl.col(name).str.strip_chars() == "").then(None).otherwise(pl.col(name)).alias(name)
        for name in frame.columns
    )


def _reject(table: str, file: str, snapshot: str, line: int, column: str, **text: str) -> Reject:
    return Reject(
        snapshot_id=snapshot,
        locator=f"L{line}:{column}",
        file=file,
        table_name=table,
        slice="all",
        raw_text=text.get("raw", ""),
        expected=text["expected"],
        found=text["found"],
        candidates=text.get("candidates", ""),
        reason=text["reason"],
        severity="error",
    )


def read_units(
    sources: Path, snapshot: SnapshotOf, table: Table
) -> tuple[pl.DataFrame, list[Reject]]:
    """`unit`: one row per unit. A factor that is no positive number is a reject."""
    file = "sources/units.csv"
    raw = read_text_csv(sources / "units.csv").with_row_index("line", offset=2)
    frame = raw.with_columns(pl.col("factor").cast(pl.Float64, strict=False))
    bad = pl.col("factor").is_null() | (pl.col("factor") <= 0)
    rejects = [
        _reject(
            "unit", file, snapshot(file), row["line"], "factor",
            expected="a positive number", found=raw["factor"][row["line"] - 2],
            reason=f"unit {row['unit_id']} has no usable factor",
        )
        for row in frame.filter(bad).iter_rows(named=True)
    ]  # fmt: skip
    return frame.filter(~bad).select(polars_schema(table).keys()), rejects


def read_indicators(
    sources: Path, snapshot: SnapshotOf, table: Table
) -> tuple[pl.DataFrame, list[Reject]]:
    """`indicator`: `unit` is the symbol of the registered unit, so that readers need no join."""
    file = "sources/indicators.csv"
    units = read_text_csv(sources / "units.csv").select("unit_id", pl.col("unit"))
    raw = _null_if_empty(read_text_csv(sources / "indicators.csv")).with_row_index("line", offset=2)
    frame = raw.join(units, on="unit_id", how="left", maintain_order="left").with_columns(
        pl.col("factor").cast(pl.Float64, strict=False).fill_null(1.0)
    )
    known = set(frame["indicator_id"].to_list())
    rejects: list[Reject] = []
    for row in frame.iter_rows(named=True):
        checks: list[tuple[str, str | None, list[str], str]] = [
            ("unit_id", row["unit_id"], units["unit_id"].to_list(), "a unit of sources/units.csv"),
            ("aggregation", row["aggregation"], list(AGGREGATIONS), "a known aggregation"),
        ]
        for name in ("numerator", "denominator", "weight"):
            if row[name]:
                checks.append(
                    (name, row[name].removesuffix("@province"), sorted(known), "an indicator_id")
                )
        for column, value, allowed, expected in checks:
            if value not in allowed:
                rejects.append(
                    _reject(
                        "indicator", file, snapshot(file), row["line"], column,
                        expected=expected, found=str(value or ""),
                        candidates=nearest(value or "", allowed),
                        reason=f"indicator {row['indicator_id']}: {column} is unknown",
                    )
                )  # fmt: skip
    wrong = {int(reject.locator[1:].split(":")[0]) for reject in rejects}
    good = frame.filter(~pl.col("line").is_in(list(wrong)))
    return good.select(polars_schema(table).keys()), rejects


def indicator_units(sources: Path) -> pl.DataFrame:
    """indicator_id with unit_id and dimension of its canonical unit (for the extract's checks)."""
    units = read_text_csv(sources / "units.csv").select("unit_id", "dimension")
    indicators = read_text_csv(sources / "indicators.csv").select("indicator_id", "unit_id")
    return indicators.join(units, on="unit_id", how="left")


def read_registry(sources: Path) -> dict[str, Any]:
    """`registry.yml`: sources and documents. safe_load: a YAML tag can create no object."""
    registry: dict[str, Any] = yaml.safe_load(
        (sources / "registry.yml").read_text(encoding="utf-8")
    )
    return registry


def read_editions(sources: Path) -> pl.DataFrame:
    """All editions files: document, edition, published_on, published_on_precision, evidence."""
    frames = [
        read_text_csv(path)
        .with_row_index("line", offset=2)
        .with_columns(pl.lit(f"sources/{path.parent.name}/editions.csv").alias("file"))
        for path in sorted(sources.glob("*/editions.csv"))
    ]
    return pl.concat(frames, how="diagonal")


def read_documents(
    sources: Path, snapshot: SnapshotOf, table: Table
) -> tuple[pl.DataFrame, list[Reject]]:
    """`document`: every registered document with every edition ('undated' where none is named)."""
    registry = read_registry(sources)
    documents: list[Mapping[str, Any]] = registry["documents"]
    by_id = {entry["document"]: entry for entry in documents}
    rejects: list[Reject] = []
    rows = []
    dated = set()
    for edition in read_editions(sources).iter_rows(named=True):
        entry = by_id.get(edition["document"])
        published = _date(edition["published_on"])
        problem = None
        if entry is None:
            problem = ("document", "a document of sources/registry.yml", edition["document"])
        elif published is None:
            problem = ("published_on", "a date like 2022-12-31", edition["published_on"])
        elif edition["published_on_precision"] not in PRECISIONS:
            problem = (
                "published_on_precision", ", ".join(PRECISIONS), edition["published_on_precision"],
            )  # fmt: skip
        if problem or entry is None:
            column, expected, found = problem or ("document", "", "")
            rejects.append(
                _reject(
                    "document", edition["file"], snapshot("sources/registry.yml"),
                    edition["line"], column, expected=expected, found=found,
                    candidates=nearest(found, sorted(by_id)) if column == "document" else "",
                    reason=f"edition {edition['document']} {edition['edition']} is not usable",
                )
            )  # fmt: skip
            continue
        dated.add(edition["document"])
        rows.append(
            _document_row(entry, edition["edition"], published, edition["published_on_precision"])
        )
    rows += [
        _document_row(entry, str(entry.get("edition", "undated")), None, None)
        for entry in documents
        if entry["document"] not in dated
    ]
    rejects += _withdrawn(sources, snapshot)
    return pl.DataFrame(rows, schema=polars_schema(table)), rejects


def _withdrawn(sources: Path, snapshot: SnapshotOf) -> Iterator[Reject]:
    """A withdrawn edition stays visible: one warning each, for as long as its tombstone stands."""
    for line, ((document, edition), reason) in enumerate(withdraw.read(sources).items(), start=2):
        file = f"sources/{withdraw.FILE}"
        warning = _reject(
            "document", file, snapshot(file), line, "edition",
            expected="an edition that is in use", found=f"{document} {edition}",
            reason=f"withdrawn: {reason}",
        )  # fmt: skip
        yield replace(warning, severity="warning")


def _document_row(
    entry: Mapping[str, Any], edition: str, published: date | None, precision: str | None
) -> dict[str, Any]:
    redistribute = entry.get("redistribute", "no")
    return {
        "document": entry["document"],
        "edition": edition,
        "source_id": entry["source_id"],
        "name_zh": entry["name_zh"],
        "name_en": entry["name_en"],
        "publisher": entry["publisher"],
        "published_on": published,
        "published_on_precision": precision,
        "precedence": int(entry.get("precedence", 5)),
        "relays": bool(entry.get("relays", False)),
        "licence": entry.get("licence"),
        # YAML 1.1 reads a bare yes or no as a boolean.
        "redistribute": {True: "yes", False: "no"}.get(redistribute, str(redistribute)),
    }


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
