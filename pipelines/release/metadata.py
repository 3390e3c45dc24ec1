"""What a release says about itself: dictionaries, release.json, datapackage, quality, MANIFEST.

Belongs here: documents made from the contract, the exported tables, the ledger and the inputs. Not
here: values, and anything that changes from one run to the next (run times, access dates).
"""

from __future__ import annotations

import csv
import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.archive.store import sha256_of
from pipelines.contract import Column, Contract, polars_schema
from pipelines.release.database import description_en
from pipelines.release.export import harmless
from pipelines.release.parquet import Exported, connect, literal, quote

RELEASE_FILE = "release.json"
MANIFEST_FILE = "MANIFEST.sha256"

# ------------------------------------------------------------------------------- dictionaries


def dictionaries(contract: Contract, exported: Sequence[Exported]) -> dict[str, pl.DataFrame]:
    """The frames `table_dictionary` and `column_dictionary` of everything released, themselves too.

    exported: the other tables, whose columns may go beyond the contract (open tables).
    """
    columns = {item.table.name: item.columns for item in exported}
    rows = {item.table.name: item.rows for item in exported}
    for name in ("table_dictionary", "column_dictionary"):
        columns[name] = contract.table(name).columns
    rows["table_dictionary"] = len(columns)
    rows["column_dictionary"] = sum(len(found) for found in columns.values())
    tables = [contract.table(name) for name in sorted(columns)]
    table_rows = [
        {
            "table_name": f"{table.schema}.{table.name}",
            "topic": table.topic,
            "rows": rows[table.name],
            "row_key": ", ".join(table.key),
            "row_order": ", ".join(table.order),
            "description_zh": table.zh,
            "description_en": description_en(table),
            "deprecated": table.deprecated or None,
        }
        for table in tables
    ]
    column_rows = [
        {
            "table_name": f"{table.schema}.{table.name}",
            "position": position,
            "column_name": column.name,
            "data_type": column.type.upper(),
            "unit": column.unit,
            "in_key": column.name in table.key,
            "description_zh": column.zh,
            "description_en": column.en,
            "deprecated": column.deprecated or None,
        }
        for table in tables
        for position, column in enumerate(columns[table.name], start=1)
    ]
    return {
        "table_dictionary": _frame(contract, "table_dictionary", table_rows),
        "column_dictionary": _frame(contract, "column_dictionary", column_rows),
    }


def _frame(contract: Contract, name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=polars_schema(contract.table(name)))


_DICTIONARY_HEADER = (
    "table", "position", "column", "type", "unit", "in_key", "中文说明", "description",
    "deprecated",
)  # fmt: skip


def write_data_dictionary(folder: Path, exported: Sequence[Exported]) -> None:
    """data_dictionary.csv: one line per released table (position 0) and column, in both languages.

    unit: `none` where there is none, `see:<column>` where the row names it.
    """
    lines: list[Sequence[object]] = []
    for item in sorted(exported, key=lambda item: item.qualified):
        table = item.table
        lines.append(
            [item.qualified, 0, "", "", "none", "", table.zh, description_en(table),
             table.deprecated]
        )  # fmt: skip
        lines += [
            [
                item.qualified, position, column.name, column.type.upper(), column.unit,
                "yes" if column.name in table.key else "no", column.zh, column.en,
                column.deprecated,
            ]
            for position, column in enumerate(item.columns, start=1)
        ]  # fmt: skip
    _write_csv(folder / "data_dictionary.csv", _DICTIONARY_HEADER, lines)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    # With the mark of UTF-8: without it Excel in Chinese reads the file as GBK.
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])


def write_documents(
    folder: Path,
    release_id: str,
    contract: Contract,
    exported: Sequence[Exported],
    inputs: Mapping[str, Any],
) -> None:
    """release.json, datapackage.json and data_dictionary.csv of the exported tables."""
    write_release_json(folder, release_id, contract, exported, inputs)
    write_datapackage(folder, release_id, contract, exported, inputs)
    write_data_dictionary(folder, exported)


# ------------------------------------------------------------------------------- release.json


def write_release_json(
    folder: Path,
    release_id: str,
    contract: Contract,
    exported: Sequence[Exported],
    inputs: Mapping[str, Any],
) -> dict[str, Any]:
    """release.json: id, schema version, tables with rows and hashes, inputs, how to cite.

    inputs["how_to_cite"], if given, may hold `{release_id}`.
    """
    document = {
        "release_id": release_id,
        "schema_version": contract.schema_version,
        "rows": sum(item.rows for item in exported),
        "tables": {item.qualified: _table_entry(folder, item) for item in exported},
        "inputs": {key: value for key, value in inputs.items() if key != "how_to_cite"},
        "how_to_cite": _cite(release_id, inputs),
    }
    _write_json(folder / RELEASE_FILE, document)
    return document


def _cite(release_id: str, inputs: Mapping[str, Any]) -> str:
    cite = str(inputs.get("how_to_cite", "Metrocircle, release {release_id}"))
    return cite.replace("{release_id}", release_id)


def _table_entry(folder: Path, item: Exported) -> dict[str, Any]:
    parts = {"parts": list(item.parts)} if item.parts else {}
    return {
        **parts,
        "path": item.path,
        "rows": item.rows,
        "columns": len(item.columns),
        "bytes": sum((folder / file).stat().st_size for file in item.files),
        "schema_hash": item.schema_hash,
        "content_hash": item.content_hash,
        "key": list(item.table.key),
        "order": list(item.table.order),
        "schema": [{"name": c.name, "type": c.type, "unit": c.unit} for c in item.columns],
    }


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


# --------------------------------------------------------------------------- datapackage.json

_FRICTIONLESS_TYPES = {
    "varchar": "string",
    "integer": "integer",
    "double": "number",
    "boolean": "boolean",
    "date": "date",
}


def write_datapackage(
    folder: Path,
    release_id: str,
    contract: Contract,
    exported: Sequence[Exported],
    inputs: Mapping[str, Any],
) -> None:
    """datapackage.json: a Frictionless Data Package (version 1) of the Parquet files.

    Every field has a unit (`none` where there is none); a resource names its key, the references
    that hold in this release and the documents its rows were printed in; `sources` say publisher,
    editions, licence and how to cite them.
    """
    licences = _licences(inputs)
    sources = {str(s.get("document") or s.get("source_id")): s for s in _sources(inputs)}
    ordered = sorted(exported, key=lambda item: item.qualified)
    found = _Relations(folder, contract, ordered)
    try:
        resources = [_resource(folder, item, found, sources) for item in ordered]
    finally:
        found.close()
    document: dict[str, Any] = {
        "profile": "data-package",
        "name": f"metrocircle-{release_id}",
        "title": "Metrocircle: metro-circle indicators for Guangdong (广东都市圈指标)",
        "version": contract.schema_version,
        "description": _cite(release_id, inputs),
        "resources": resources,
    }
    if licences:
        document["licenses"] = licences
    if sources:
        document["sources"] = [_source(title, sources[title]) for title in sorted(sources)]
    _write_json(folder / "datapackage.json", document)


def _source(title: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """A source as the standard has it (title), and what this project knows beyond."""
    wanted = ("name_zh", "name_en", "publisher", "editions", "licence", "redistribute", "citation")
    known = {key: entry[key] for key in wanted if entry.get(key) not in (None, "")}
    return {"title": title, **known}


def _resource(
    folder: Path, item: Exported, found: _Relations, sources: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    # The standard hashes one file only; those of several stand in the manifest.
    one = folder / item.files[0]
    hashed = {} if item.parts else {"hash": f"sha256:{sha256_of(one)}"}
    documents = [{"title": title} for title in found.documents(item) if title in sources]
    references = found.references(item)
    return {
        **hashed,
        "profile": "data-resource",
        # Checked by size and hash. As a table the Frictionless library would read Parquet through
        # pandas, where an integer column with a null turns into floats and fails its own type.
        "type": "file",
        "name": resource_name(item.qualified),
        "title": item.table.zh,
        "description": description_en(item.table),
        "path": list(item.parts) if item.parts else item.path,
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "bytes": sum((folder / file).stat().st_size for file in item.files),
        "schema": {
            "fields": [_field(column, item.table.key) for column in item.columns],
            "primaryKey": list(item.table.key),
            **({"foreignKeys": references} if references else {}),
        },
        **({"sources": documents} if documents else {}),
        **({"deprecated": item.table.deprecated} if item.table.deprecated else {}),
    }


def resource_name(qualified: str) -> str:
    """`main.city_indicator_year` as the standard wants names: lower case, no underscore."""
    return qualified.replace("_", "-")


def _field(column: Column, key: Sequence[str]) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": _FRICTIONLESS_TYPES.get(column.type, "number"),
        "title": column.zh,
        "description": column.en,
        "unit": column.unit,
    }
    if column.deprecated:
        field["deprecated"] = column.deprecated
    if column.name in key:
        field["constraints"] = {"required": True}
    return field


class _Relations:
    """What the Parquet files of a release show of one another: references that hold, documents."""

    def __init__(self, folder: Path, contract: Contract, exported: Sequence[Exported]) -> None:
        self.folder = folder
        self.contract = contract
        self.exported = {item.table.name: item for item in exported}
        self.connection = connect()
        self.targets: dict[tuple[str, tuple[str, ...]], str] = {}

    def close(self) -> None:
        self.connection.close()

    def references(self, item: Exported) -> list[dict[str, Any]]:
        """Foreign keys of the table: those the contract declares and every row meets.

        A row with a null among the columns points nowhere and breaks nothing.
        """
        keys = []
        for reference in self.contract.references:
            target = self.exported.get(reference.table)
            if target is None or not reference.applies_to(item.table):
                continue
            if self._holds(item, reference.columns, target, reference.to):
                same = target.table.name == item.table.name
                name = "" if same else resource_name(target.qualified)
                fields = {"resource": name, "fields": list(reference.to)}
                keys.append({"fields": list(reference.columns), "reference": fields})
        return keys

    def documents(self, item: Exported) -> list[str]:
        """The documents that the rows of the table name, sorted."""
        if "document" not in item.table.column_names:
            return []
        return [
            str(row[0])
            for row in self.connection.execute(
                f"SELECT DISTINCT document FROM {self._relation(item)} "
                "WHERE document IS NOT NULL ORDER BY document"
            ).fetchall()
        ]

    def _relation(self, item: Exported) -> str:
        files = ", ".join(literal(str(self.folder / file)) for file in item.files)
        return f"read_parquet([{files}])"

    def _holds(
        self, item: Exported, columns: Sequence[str], target: Exported, to: tuple[str, ...]
    ) -> bool:
        known = self.targets.get((target.table.name, to))
        if known is None:
            known = self.targets[target.table.name, to] = f"target_{len(self.targets)}"
            self.connection.execute(
                f"CREATE TEMP TABLE {known} AS SELECT DISTINCT {', '.join(map(quote, to))} "
                f"FROM {self._relation(target)}"
            )
        pairs = zip(columns, to, strict=True)
        on = " AND ".join(f"a.{quote(mine)} = b.{quote(theirs)}" for mine, theirs in pairs)
        held = " AND ".join(f"a.{quote(name)} IS NOT NULL" for name in columns)
        stray = self.connection.execute(
            f"SELECT 1 FROM {self._relation(item)} AS a ANTI JOIN {known} AS b ON {on} "
            f"WHERE {held} LIMIT 1"
        ).fetchone()
        return stray is None


def _sources(inputs: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in inputs.get("sources", []) if isinstance(entry, Mapping)]


def _licences(inputs: Mapping[str, Any]) -> list[dict[str, str]]:
    """The distinct licences of the sources; a licence's name is a slug, as the standard asks."""
    titles = sorted({str(s["licence"]) for s in _sources(inputs) if s.get("licence")})
    licences, used = [], Counter[str]()
    for title in titles:
        slug = re.sub(r"[^A-Za-z0-9._]+", "-", title).strip("-")[:60] or "other"
        used[slug] += 1
        name = slug if used[slug] == 1 else f"{slug}-{used[slug]}"
        licences.append({"name": name, "title": title})
    return licences


# ------------------------------------------------------------------------------------ quality

PAGE_ROWS = 3000
_STATUS_ORDER = ["fail", "warn", "skip", "pass"]
_STATUS_ZH = {"fail": "失败", "warn": "警告", "skip": "跳过", "pass": "通过"}
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d5dae0; --soft: #f4f6f8;
  --fail: #b3261e; --warn: #8a5a00; --skip: #5b6470; --pass: #1a7037; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --paper: #15181c; --line: #373e47;
  --soft: #1e2329; --fail: #ff8a80; --warn: #f0b85a; --skip: #9aa4b0; --pass: #6fcf8f; } }
body { background: var(--paper); color: var(--ink); margin: 2rem auto; max-width: 80rem;
  padding: 0 1rem; font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; }
.counts { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
.counts li { border: 1px solid var(--line); border-radius: 6px; padding: .5rem 1rem; }
.counts b { display: block; font-size: 1.6rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .5rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left;
  vertical-align: top; overflow-wrap: break-word; }
thead th { background: var(--soft); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.fail { color: var(--fail); } .warn { color: var(--warn); }
.skip { color: var(--skip); } .pass { color: var(--pass); }
"""


def write_quality(folder: Path, release_id: str, contract: Contract, ledger: pl.DataFrame) -> None:
    """quality/ledger.csv and quality/index.html: the ledger, failed and warned rules first."""
    quality = folder / "quality"
    quality.mkdir(parents=True, exist_ok=True)
    table = contract.table("ledger")
    rows = (
        ledger.select(table.column_names).sort(list(table.order), nulls_last=True).rows(named=True)
    )
    _write_csv(
        quality / "ledger.csv",
        table.column_names,
        [[row[name] for name in table.column_names] for row in rows],
    )
    page = _quality_page(release_id, table.columns, rows)
    (quality / "index.html").write_text(page, encoding="utf-8")


def _quality_page(release_id: str, columns: Sequence[Column], rows: list[dict[str, Any]]) -> str:
    counts = Counter(str(row["status"]) for row in rows)
    states = [*_STATUS_ORDER, *sorted(counts.keys() - set(_STATUS_ORDER))]
    shown = sorted(_condensed(rows), key=lambda row: states.index(str(row["status"])))
    left_out = len(shown) - PAGE_ROWS
    shown = shown[:PAGE_ROWS]
    tiles = "".join(
        f'<li><b class="{_text(state)}">{counts[state]}</b>{_text(state)}'
        f' <span lang="zh">{_STATUS_ZH.get(state, "")}</span></li>'
        for state in states
    )
    head = "".join(
        f'<th scope="col" title="{_text(c.en)}">{_text(c.zh)}<br>{_text(c.name)}</th>'
        for c in columns
    )
    body = "\n".join(_quality_row(columns, row) for row in shown)
    more = f" {left_out} further lines stand only there." if left_out > 0 else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quality ledger of release {_text(release_id)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Quality ledger <span lang="zh">质量台账</span></h1>
<p>Release {_text(release_id)}: {len(rows)} checks.</p>
<ul class="counts">{tiles}</ul>
<div class="wide" role="region" aria-label="Ledger" tabindex="0">
<table>
<caption>Failed and warned checks first; then by rule, table and slice. A rule that holds in every
slice takes one line; <code>ledger.csv</code> beside this page has them all.{more}</caption>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</div>
</main>
</body>
</html>
"""


def _condensed(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Passed slices of a rule as one row: a page per hundred editions must not grow with them."""
    passed: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row["status"] == "pass":
            passed.setdefault((row["rule_id"], row["table_name"]), []).append(row)
        else:
            yield row
    for held in passed.values():
        slices = f"{len(held)} slices" if len(held) > 1 else held[0]["slice"]
        observed = "" if len(held) > 1 else held[0]["observed"]
        yield held[0] | {"slice": slices, "observed": observed}


def _quality_row(columns: Sequence[Column], row: Mapping[str, Any]) -> str:
    cells = []
    for column in columns:
        value = row[column.name]
        kind = str(value) if column.name == "status" else ""
        kind = "number" if column.type == "integer" else kind
        attribute = f' class="{_text(kind)}"' if kind else ""
        cells.append(f"<td{attribute}>{_text('' if value is None else value)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)


# ----------------------------------------------------------------------------------- MANIFEST


def manifest_text(hashes: Mapping[str, str]) -> str:
    """`sha256  path` lines sorted by path, as `sha256sum --check` reads them."""
    return "".join(f"{hashes[path]}  {path}\n" for path in sorted(hashes))


def write_manifest(folder: Path) -> None:
    """MANIFEST.sha256 of every file in the folder except itself."""
    hashes = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST_FILE
    }
    (folder / MANIFEST_FILE).write_text(manifest_text(hashes), encoding="utf-8")
