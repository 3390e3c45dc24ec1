"""How to cite: one line for a release, one for each publication behind an indicator or a table.

Belongs here: citations made from the registry of documents and from a release. Not here: what may
be passed on (`sources/registry.yml` decides), or where a single value comes from (`explain`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipelines.errors import UnknownName, nearest
from pipelines.release.query import open_locked

Row = dict[str, Any]


def editions(names: Iterable[str]) -> str:
    """Editions in order, runs of years joined: `2000-2024, undated`."""
    ordered = sorted(set(names))
    years = sorted(int(name) for name in ordered if name.isdecimal() and len(name) == 4)
    runs: list[list[int]] = [[year] for year in years[:1]]
    for before, year in pairwise(years):
        if year == before + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    shown = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return ", ".join([*shown, *(name for name in ordered if not _is_year(name))])


def _is_year(name: str) -> bool:
    return name.isdecimal() and len(name) == 4


def source(entry: Mapping[str, Any]) -> str:
    """A publication as a reference list shows it; keys as in the table `document`, and `editions`.

    `广东省统计局：《广东统计年鉴》(Guangdong Statistical Yearbook), editions 2020-2025.`
    """
    text = f"{entry['publisher']}：《{entry['name_zh']}》({entry['name_en']})"
    held = [str(name) for name in entry.get("editions") or ()]
    if held:
        text += f", edition{'s' if len(set(held)) > 1 else ''} {editions(held)}"
    return f"{text}."


def cite(release: Path, subject: str | None = None) -> Row:
    """Citation of a release, and of the publications behind a named indicator or table.

    subject: indicator id or name, or a table. UnknownName, with the nearest, for anything else.
    Keys: release_id, citation, subject, sources (document, citation, licence, redistribute).
    """
    document = json.loads((release / "release.json").read_text(encoding="utf-8"))
    answer: Row = {
        "release_id": document["release_id"],
        "schema_version": document["schema_version"],
        "citation": document["how_to_cite"],
        "subject": subject,
        "sources": [],
    }
    if subject is None:
        answer["sources"] = [
            _cited(entry | {"editions": entry.get("editions") or []})
            for entry in document["inputs"].get("sources", [])
        ]
        return answer
    connection = open_locked(release)
    try:
        relation, shown = _relation(connection, subject, document["tables"])
        rows = connection.execute(
            f"""
            select d.document, any_value(d.name_zh) as name_zh, any_value(d.name_en) as name_en,
                any_value(d.publisher) as publisher, any_value(d.licence) as licence,
                any_value(d.redistribute) as redistribute,
                list(distinct c.edition order by c.edition) as editions
            from ({relation}) as c
            inner join document d on d.document = c.document
                and (c.edition is null or d.edition = c.edition)
            group by d.document
            order by d.document
            """
        )
        names = [column[0] for column in rows.description or []]
        found = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    finally:
        connection.close()
    answer["subject"] = shown
    answer["sources"] = [_cited(row) for row in found]
    return answer


def _cited(entry: Row) -> Row:
    held = [name for name in entry["editions"] if name]
    return {
        "document": entry["document"],
        "citation": source(entry | {"editions": held}),
        "licence": entry.get("licence"),
        "redistribute": entry.get("redistribute"),
    }


def _relation(connection: Any, subject: str, tables: Mapping[str, Any]) -> tuple[str, str]:
    """SQL of (document, edition) behind the subject, and the subject's name."""
    row = connection.execute(
        "select indicator_id, name_zh from indicator where lower(indicator_id) = lower($1) "
        "or name_zh = $1 or lower(name_en) = lower($1)",
        [subject],
    ).fetchone()
    if row is not None:
        # A name of the registry has neither quotes nor anything else to escape: it was found above.
        name = str(row[0]).replace("'", "''")
        return (
            f"select document, edition from city_indicator_year where indicator_id = '{name}'",
            f"{row[1]} ({row[0]})",
        )
    for table, entry in tables.items():
        if subject in (table, table.removeprefix("main.")):
            columns = {column["name"] for column in entry["schema"]}
            for document in ("document", "timetable"):
                if document in columns:
                    edition = "edition" if "edition" in columns else "cast(null as varchar)"
                    return (
                        f"select {document} as document, {edition} as edition from {table}",
                        table,
                    )
            raise UnknownName(f"table {table} names no document; cite the release, or an indicator")
    known = [r[0] for r in connection.execute("select indicator_id from indicator").fetchall()]
    near = nearest(subject, [*known, *(name.removeprefix("main.") for name in tables)])
    raise UnknownName(f"no indicator or table is called {subject!r}; nearest: {near or 'none'}")


def text(answer: Row) -> str:
    """The answer for a terminal, a paper or the caption of a figure."""
    lines = [f"{answer['citation']} (schema {answer['schema_version']})."]
    if answer["subject"]:
        lines.append(f"{answer['subject']} after:")
    lines += [f"  {entry['citation']}" for entry in answer["sources"]]
    return "\n".join(lines)
