"""The schema browser: one page about every table and column of a release, loading nothing.

Belongs here: the page made from what a release says of itself (`release.json`, `datapackage.json`,
`meta.column_lineage`). Not here: any text of its own about a table, and values.

Both languages stand side by side; the field at the top filters tables and columns by any word.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.release.metadata import resource_name

PAGE = "docs/index.html"

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d5dae0; --soft: #f4f6f8;
  --link: #0b5cad; --dim: #5b6470; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --paper: #15181c; --line: #373e47;
  --soft: #1e2329; --link: #79b8ff; --dim: #9aa4b0; } }
* { box-sizing: border-box; }
body { background: var(--paper); color: var(--ink); margin: 0;
  font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; }
.frame { display: grid; grid-template-columns: 19rem minmax(0, 1fr); }
nav { border-right: 1px solid var(--line); padding: 1rem; position: sticky; top: 0; height: 100vh;
  overflow-y: auto; background: var(--soft); }
main { padding: 1rem 2rem; max-width: 75rem; }
@media (max-width: 50rem) { .frame { display: block; }
  nav { position: static; height: auto; max-height: 40vh; } main { padding: 1rem; } }
a { color: var(--link); text-decoration: none; } a:hover, a:focus { text-decoration: underline; }
nav ul { list-style: none; padding: 0; margin: .25rem 0 1rem; } nav h2 { font-size: 1rem; }
input { width: 100%; padding: .5rem; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--line); border-radius: 6px; }
h1, h2 { overflow-wrap: anywhere; }
section { border-top: 1px solid var(--line); padding-top: .5rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left;
  vertical-align: top; }
th, td:first-child { white-space: nowrap; } .dim { color: var(--dim); } [hidden] { display: none; }
@media print { nav { display: none; } .frame { display: block; } }
"""
_SCRIPT = """
const field = document.getElementById('find');
const told = document.getElementById('told');
const sections = [...document.querySelectorAll('section')].map((section) => ({
  section, link: document.querySelector(`nav a[href="#${CSS.escape(section.id)}"]`).parentNode,
  head: section.dataset.words, rows: [...section.querySelectorAll('tbody tr')],
}));
function filter() {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let tables = 0;
  for (const { section, link, head, rows } of sections) {
    const whole = words.every((word) => head.includes(word));
    let shown = 0;
    for (const row of rows) {
      row.hidden = !whole && !words.every((w) => head.includes(w) || row.dataset.words.includes(w));
      shown += !row.hidden;
    }
    section.hidden = link.hidden = !whole && shown === 0;
    tables += !section.hidden;
  }
  told.textContent = words.length ? `${tables} / ${sections.length}` : '';
}
field.addEventListener('input', filter);
"""


def write_page(folder: Path, path: Path | None = None) -> Path:
    """The page of a release whose other documents are written; in it unless a path is given."""
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    release = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    path = path or folder / PAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_page(package, release, _origins(folder, release)), encoding="utf-8")
    return path


def _origins(folder: Path, release: Mapping[str, Any]) -> dict[tuple[str, str], list[str]]:
    """Per (table, column) the extract columns it comes from."""
    entry = release["tables"].get("meta.column_lineage")
    found: dict[tuple[str, str], list[str]] = {}
    if entry is None:
        return found
    rows = pl.read_parquet(folder / entry["path"]).filter(pl.col("step") == "origin")
    for table, column, source, input_column, _ in rows.sort(rows.columns).iter_rows():
        found.setdefault((table, column), []).append(f"{source}.{input_column}")
    return found


def _page(
    package: Mapping[str, Any],
    release: Mapping[str, Any],
    origins: Mapping[tuple[str, str], Sequence[str]],
) -> str:
    names = {resource_name(name): name for name in release["tables"]}
    resources = {names[resource["name"]]: resource for resource in package["resources"]}
    order = sorted(names.values(), key=lambda name: (_ROOMS.index(name.partition(".")[0]), name))
    sections = "\n".join(
        _section(name, resources[name], release["tables"][name], names, origins) for name in order
    )
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'sha256-{digest}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tables of release {_text(release["release_id"])}</title>
<style>{_STYLE}</style>
</head>
<body>
<div class="frame">
<nav aria-label="Tables">
<label for="find">Find <span lang="zh">查找</span></label>
<input id="find" type="search" autocomplete="off">
<p id="told" class="dim" role="status"></p>
{_links(order, resources)}
</nav>
<main>
<h1>Tables and columns <span lang="zh">表与字段</span></h1>
<p>Release {_text(release["release_id"])}, schema {_text(release["schema_version"])}.
{_text(release["how_to_cite"])}</p>
{sections}
</main>
</div>
<script>{_SCRIPT}</script>
</body>
</html>
"""


_ROOMS = ["main", "tidy", "meta"]
_ROOM_TITLES = {
    "main": "main: marts <span lang='zh'>指标表</span>",
    "tidy": "tidy: as extracted <span lang='zh'>原始数据点</span>",
    "meta": "meta: about the release <span lang='zh'>元数据</span>",
}


def _links(order: Sequence[str], resources: Mapping[str, Any]) -> str:
    parts = []
    for room in _ROOMS:
        items = "".join(
            f'<li><a href="#{_text(name)}" title="{_text(resources[name]["title"])}">'
            f"{_text(name.partition('.')[2])}</a></li>"
            for name in order
            if name.startswith(f"{room}.")
        )
        parts.append(f"<h2>{_ROOM_TITLES[room]}</h2><ul>{items}</ul>")
    return "\n".join(parts)


def _section(
    name: str,
    resource: Mapping[str, Any],
    entry: Mapping[str, Any],
    names: Mapping[str, str],
    origins: Mapping[tuple[str, str], Sequence[str]],
) -> str:
    schema = resource["schema"]
    facts = {
        "Rows 行数": f"{entry['rows']:,}",
        "Key 主键": ", ".join(schema["primaryKey"]),
        "Sorted by 排序": ", ".join(entry["order"]),
        "Parquet": entry["path"] + ("/*.parquet" if entry.get("parts") else ""),
    }
    if "deprecated" in resource:
        facts["Deprecated 弃用"] = resource["deprecated"]
    if resource.get("sources"):
        facts["Documents 文献"] = ", ".join(source["title"] for source in resource["sources"])
    shown = "".join(f"<dt>{_text(k)}</dt><dd>{_text(v)}</dd>" for k, v in facts.items())
    types = {column["name"]: column["type"].upper() for column in entry["schema"]}
    rows = "\n".join(
        _row(name, field | {"type": types[field["name"]]}, schema, names, origins)
        for field in schema["fields"]
    )
    words = _text(f"{name} {resource['title']} {resource['description']}".lower())
    return f"""<section id="{_text(name)}" data-words="{words}">
<h2>{_text(name)} <span lang="zh">{_text(resource["title"])}</span></h2>
<p>{_text(resource["description"])}</p>
<dl>{shown}</dl>
<div class="wide" role="region" aria-label="Columns of {_text(name)}" tabindex="0">
<table>
<thead><tr><th scope="col">Column 字段</th><th scope="col">Type 类型</th>\
<th scope="col">Unit 单位</th><th scope="col">Meaning 含义</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</section>"""


def _row(
    name: str,
    field: Mapping[str, Any],
    schema: Mapping[str, Any],
    names: Mapping[str, str],
    origins: Mapping[tuple[str, str], Sequence[str]],
) -> str:
    column = field["name"]
    notes = []
    if "deprecated" in field:
        notes.append(f"Deprecated 弃用: {_text(field['deprecated'])}")
    for key in schema.get("foreignKeys", []):
        if key["fields"] == [column]:
            target = names.get(key["reference"]["resource"], name)
            notes.append(f'→ <a href="#{_text(target)}">{_text(target)}</a>')
    sources = origins.get((name, column))
    if sources:
        columns = "a column" if len(sources) == 1 else f"{len(sources)} columns"
        notes.append(
            f"<details><summary>computed from {columns}</summary>"
            f"{_text(', '.join(sources))}</details>"
        )
    unit = field["unit"].removeprefix("see:")
    unit = f"column {unit}" if field["unit"].startswith("see:") else unit
    shown = "<br>".join([_text(field["description"]), *notes])
    mark = ' <span class="dim">key</span>' if column in schema["primaryKey"] else ""
    words = _text(f"{column} {field['title']} {field['description']} {unit}".lower())
    return (
        f'<tr data-words="{words}"><td><code>{_text(column)}</code>{mark}</td>'
        f'<td>{_text(field["type"])}</td><td class="{"dim" if unit == "none" else ""}">'
        f'{_text(unit)}</td><td><span lang="zh">{_text(field["title"])}</span><br>{shown}</td></tr>'
    )


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)
