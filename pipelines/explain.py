"""`metrocircle explain` and `find`: where a number comes from, and where a word is used.

Belongs here: reading one release for a person who asks about one indicator and place, or one word.
Not here: making values, or cells of other tables (`evidence`, which also writes the SQL).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import UnknownName, nearest
from pipelines.evidence import number
from pipelines.release.query import open_locked

Row = dict[str, Any]


def explain(release: Path, indicator: str, where: str, year: int, vintage: str | None) -> Row:
    """Everything held about one indicator, place or circle, and year.

    where: division code, Chinese or English name, or a circle id. vintage: one policy of a circle
    (default: all). Raises UnknownName with the nearest names.
    """
    connection = open_locked(release)
    try:
        indicator_row = _indicator(connection, indicator)
        circle = _rows(connection, "select * from circle where upper(circle_id) = upper(?)", where)
        answer: Row = {
            "indicator": indicator_row,
            "year": year,
            "circle": circle[0] if circle else None,
        }
        if circle:
            answer |= _circle(connection, indicator_row, circle[0]["circle_id"], year, vintage)
        else:
            places = _places(connection, where, year)
            # A county that became a district has two codes; the one that holds the value answers.
            for place in [*places, places[0]]:
                answer["place"] = place
                code = place["place_code"]
                answer["vintages"] = _vintages(connection, indicator_row, code, year)
                if answer["vintages"]:
                    break
            codes = [place["place_code"] for place in places]
            answer["excluded"] = _excluded(connection, indicator_row, codes, year)
        return answer
    finally:
        connection.close()


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> list[Row]:
    result = connection.execute(sql, list(parameters))
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _indicator(connection: duckdb.DuckDBPyConnection, text: str) -> Row:
    found = _rows(
        connection,
        "select * from indicator where lower(indicator_id) = lower(?) or name_zh = ? "
        "or lower(name_en) = lower(?)",
        text, text, text,
    )  # fmt: skip
    if found:
        return found[0]
    known = _rows(connection, "select indicator_id, name_zh, name_en from indicator")
    names = [str(name) for row in known for name in row.values() if name]
    near = nearest(text, names) or "none (metrocircle find WORD)"
    raise UnknownName(f"no indicator is called {text!r}; nearest: {near}")


def _places(connection: duckdb.DuckDBPyConnection, text: str, year: int) -> list[Row]:
    """Divisions the text may mean, the likeliest first; UnknownName when there is none."""
    found = _rows(
        connection,
        """
        select place_code, place_name_zh, place_name_en, place_level, valid_from, valid_to
        from division
        where (place_code = $1 or place_name_zh = $1 or lower(place_name_en) = lower($1)
                or (place_level <> 'county' and place_name_zh in ($1 || '市', $1 || '省'))
                or (place_level = 'county'
                    and place_name_zh in ($1 || '区', $1 || '县', $1 || '市')))
        order by
            case when place_name_zh = $1 or place_code = $1 then 0 else 1 end,
            case place_level when 'province' then 0 when 'prefecture' then 1 else 2 end,
            case when year(valid_from) <= $2 and (valid_to is null or year(valid_to) >= $2)
                then 0 else 1 end,
            valid_from desc
        """,
        text, year,
    )  # fmt: skip
    if found:
        return found
    known = _rows(connection, "select place_name_zh, place_name_en from division")
    names = sorted({str(name) for row in known for name in row.values() if name})
    circles = [str(r["circle_id"]) for r in _rows(connection, "select circle_id from circle")]
    near = nearest(text, names + circles) or "none"
    raise UnknownName(f"no division or circle is called {text!r}; nearest: {near}")


def _vintages(
    connection: duckdb.DuckDBPyConnection, indicator: Row, place_code: str, year: int
) -> list[Row]:
    """Every vintage of a place's value, oldest first, each with its file or its inputs."""
    rows = _rows(
        connection,
        """
        select c.*, d.name_zh as document_zh, d.publisher, s.file, s.sha256, o.line,
            o.indicator_raw, o.place_raw, o.scope_raw, printed.unit as unit_read,
            printed.factor / canonical.factor as unit_factor
        from city_indicator_year c
        left join document d on d.document = c.document and d.edition = c.edition
        left join meta.snapshot s on s.snapshot_id = c.snapshot_id
        left join tidy.observation o on o.fact_id = c.fact_id
        left join indicator i on i.indicator_id = c.indicator_id
        left join tidy.unit printed on printed.unit_id = o.unit_id
        left join tidy.unit canonical on canonical.unit_id = i.unit_id
        where c.place_code = ? and c.indicator_id = ? and c.year = ?
        order by c.scope, c.published_on nulls last, c.document, c.edition
        """,
        place_code, indicator["indicator_id"], year,
    )  # fmt: skip
    if not rows:
        rows = _rows(
            connection,
            "select * from city_indicator_best "
            "where place_code = ? and indicator_id = ? and year = ?",
            place_code, indicator["indicator_id"], year,
        )  # fmt: skip
    for row in rows:
        row["inputs"] = _inputs(connection, row["fact_id"]) if row.get("method") else []
        row["copies"] = _copies(connection, row["fact_id"])
    return rows


def _copies(connection: duckdb.DuckDBPyConnection, fact_id: str) -> list[Row]:
    """Other files that hold the same cell of the same edition; a better copy stood in for them."""
    return _rows(
        connection,
        """
        select s.file, o.line, o.read_locator, o.source_kind, o.value_text, o.unit_raw
        from tidy.observation o
        join meta.snapshot s on s.snapshot_id = o.snapshot_id
        where o.superseded_by = ?
        order by s.file, o.line, o.read_locator
        """,
        fact_id,
    )


def _excluded(
    connection: duckdb.DuckDBPyConnection, indicator: Row, codes: list[str], year: int
) -> list[Row]:
    """Printed values that a declared correction keeps out of the marts."""
    return _rows(
        connection,
        """
        select document, edition, value_text, unit_raw, place_raw, locator, correction_id
        from tidy.observation
        where superseded_by = 'excluded' and indicator_id = $1 and list_contains($2, place_code)
            and year(period_end) = $3
        order by document, edition, locator
        """,
        indicator["indicator_id"], codes, year,
    )  # fmt: skip


def _inputs(connection: duckdb.DuckDBPyConnection, fact_id: str) -> list[Row]:
    return _rows(
        connection,
        """
        select l.role, c.place_code, c.place_name_zh, c.indicator_id, c.value, c.unit, c.document,
            c.edition, c.value_text, c.unit_raw, c.locator, c.read_from, c.read_locator, c.method,
            c.is_estimate
        from meta.lineage l
        join city_indicator_year c on c.fact_id = l.input_fact_id
        where l.fact_id = ?
        order by l.role desc, c.place_code, c.indicator_id
        """,
        fact_id,
    )


def _circle(
    connection: duckdb.DuckDBPyConnection,
    indicator: Row,
    circle_id: str,
    year: int,
    vintage: str | None,
) -> Row:
    values = _rows(
        connection,
        """
        select * from circle_indicator_year
        where circle_id = ? and indicator_id = ? and year = ? and vintage = coalesce(?, vintage)
        order by vintage
        """,
        circle_id, indicator["indicator_id"], year, vintage,
    )  # fmt: skip
    for row in values:
        row["inputs"] = _inputs(connection, row["fact_id"])
    gaps = _rows(
        connection,
        """
        select g.place_code, max(d.place_name_zh) as place_name_zh, g.indicator_id,
            max(g.reason) as reason, max(g.would_be_filled_by) as would_be_filled_by
        from gap g left join division d on d.place_code = g.place_code and d.valid_to is null
        where g.circle_id = ? and g.year = ?
            and list_contains([?, ?, ?], g.indicator_id)
        group by g.place_code, g.indicator_id
        order by g.indicator_id, g.place_code
        """,
        circle_id, year, indicator["indicator_id"], indicator["numerator"],
        (indicator["denominator"] or "").removesuffix("@province"),
    )  # fmt: skip
    return {"values": values, "gaps": gaps}


def find(release: Path, word: str) -> dict[str, list[Row]]:
    """Indicators, tables, columns, circles and documents that use a word, in either language."""
    connection = open_locked(release)
    like = f"%{word}%"
    try:
        return {
            "indicators": _rows(
                connection,
                """
                select indicator_id, name_zh, name_en, unit, aggregation, definition from indicator
                where indicator_id ilike $1 or name_zh ilike $1 or name_en ilike $1
                    or definition ilike $1 or definition_zh ilike $1
                order by case when name_zh ilike $1 or indicator_id ilike $1 then 0 else 1 end,
                    indicator_id
                """,
                like,
            ),
            "tables": _rows(
                connection,
                """
                select table_name, description_zh, description_en from meta.table_dictionary
                where table_name ilike $1 or description_zh ilike $1 or description_en ilike $1
                order by table_name
                """,
                like,
            ),
            "columns": _rows(
                connection,
                """
                select table_name, column_name, unit, description_zh, description_en
                from meta.column_dictionary
                where column_name ilike $1 or description_zh ilike $1 or description_en ilike $1
                order by table_name, position
                """,
                like,
            ),
            "circles": _rows(
                connection,
                """
                select circle_id, circle_name_zh, circle_name_en, document from circle
                where circle_id ilike $1 or circle_name_zh ilike $1 or circle_name_en ilike $1
                order by circle_id
                """,
                like,
            ),
            "documents": _rows(
                connection,
                """
                select document, name_zh, name_en, count(*) as editions from document
                where document ilike $1 or name_zh ilike $1 or name_en ilike $1
                group by all order by document
                """,
                like,
            ),
        }
    finally:
        connection.close()


def text(answer: Row) -> str:
    """The answer of `explain` for a terminal."""
    indicator = answer["indicator"]
    subject = answer["circle"] or answer["place"]
    name = subject.get("circle_name_zh") or subject["place_name_zh"]
    code = subject.get("circle_id") or subject["place_code"]
    lines = [
        f"{indicator['name_zh']} ({indicator['indicator_id']})  {name} ({code})  {answer['year']}",
        f"  {indicator['definition']}",
    ]
    if answer["circle"]:
        lines += _circle_lines(answer)
    else:
        lines += [line for row in answer["vintages"] for line in _vintage_lines(row)]
        lines += [
            f"\nprinted {row['value_text']!r} {row['unit_raw']} for {row['place_raw']!r} in "
            f"{row['document']} {row['edition']} at {row['locator']}: excluded by "
            f"{row['correction_id']} (sources/yearbook/corrections.yml)"
            for row in answer["excluded"]
        ]
        if not answer["vintages"]:
            filled = indicator["would_be_filled_by"] or "no publication known to us"
            lines += ["", f"no value is held; it would be filled by: {filled}"]
    return "\n".join(lines)


def _flags(row: Row) -> str:
    names = {
        "is_first_published": "first published",
        "is_latest": "latest",
        "is_estimate": "estimate",
        "is_mixed_vintage": "mixed vintages",
        "rests_on_assumed_date": "rests on an assumed date",
        "is_partial": "incomplete",
    }
    return ", ".join(text for key, text in names.items() if row.get(key))


def _place_in_file(row: Row) -> str:
    """A transcription's line, or the cell of a workbook."""
    return f"line {row['line']}" if row["line"] is not None else f"at {row['read_locator']}"


def _vintage_lines(row: Row) -> list[str]:
    lines = [
        "",
        f"{number(row['value'])} {row['unit']}  [{number(row['value_low'])}, "
        f"{number(row['value_high'])}]  {row.get('scope') or ''}  {_flags(row)}".rstrip(),
        f"  {row.get('document_zh') or row['document']}, edition {row['edition']}, published "
        f"{row['published_on']} ({row['published_on_precision']}), {row['status']}, "
        f"{row['source_kind']}",
    ]
    if row.get("value_text") is not None:
        lines += [
            f"  printed {row['value_text']!r} {row['unit_raw']} for {row['place_raw']!r} under "
            f"{row['indicator_raw']!r}",
            f"  at {row['locator']}, read from {row['read_from']} {row['read_locator']} "
            f"(sha256 {row['read_sha256']}…)",
            f"  held in {row['file']} {_place_in_file(row)} (snapshot {row['snapshot_id']})",
        ]
    if (row.get("unit_factor") or 1) != 1 and row.get("value_raw") is not None:
        lines.append(
            f"  converted: {number(row['value_raw'])} {row['unit_read']} x "
            f"{number(row['unit_factor'])} = {number(row['value'])} {row['unit']}"
        )
    if row.get("value_text") is not None and row.get("unit_read") and not row["unit_raw"]:
        lines.append(f"  unit: none printed; {row['unit_read']} by the header map")
    lines += [
        f"  also in {copy['file']} {_place_in_file(copy)}: {copy['value_text']!r} "
        f"{copy['unit_raw']}, {copy['source_kind']}"
        for copy in row.get("copies", ())
    ]
    if row.get("correction_id"):
        lines.append(f"  corrected: {row['correction_id']} (sources/yearbook/corrections.yml)")
    if row.get("note"):
        lines.append(f"  note: {row['note']}")
    if row.get("method"):
        lines.append(f"  made by: {row['method']}")
    lines += [_input_line(item) for item in row["inputs"]]
    return lines


def _input_line(item: Row) -> str:
    origin = (
        f"{item['value_text']!r} {item['unit_raw']} at {item['locator']}"
        if item["value_text"] is not None
        else item["method"]
    )
    return (
        f"    {item['role']:<11} {item['place_name_zh']} {item['indicator_id']} "
        f"{number(item['value'])} {item['unit']}  {item['document']} {item['edition']}: {origin}"
    )


def _circle_lines(answer: Row) -> list[str]:
    lines = []
    for row in answer["values"]:
        rule = row["method"] or row["aggregation"]
        lines += [
            "",
            f"{row['vintage']}: {number(row['value'])} {row['unit']}  [{number(row['value_low'])}, "
            f"{number(row['value_high'])}]  {_flags(row)}".rstrip(),
            f"  {rule}; {row['members_with_data']} of {row['members_total']} members; editions "
            f"{row['edition_min']} to {row['edition_max']}",
            *[_input_line(item) for item in row["inputs"]],
        ]
    if not answer["values"]:
        lines += ["", "no member has a value for this year"]
    for gap in answer["gaps"]:
        lines.append(
            f"  missing: {gap['place_name_zh'] or gap['place_code']} {gap['indicator_id']}: "
            f"{gap['reason']} (would be filled by: {gap['would_be_filled_by']})"
        )
    return lines


def find_text(found: dict[str, list[Row]]) -> str:
    """The answer of `find` for a terminal."""
    lines: list[str] = []
    for kind, rows in found.items():
        if not rows:
            continue
        lines += ["", f"{kind} ({len(rows)})"]
        for row in rows:
            values = [str(value) for value in row.values() if value is not None]
            lines.append("  " + "  ".join(values[:4]))
    return "\n".join(lines).strip() or "nothing found; try a shorter word in either language"
