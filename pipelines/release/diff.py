"""What changed between two releases: rows, keys and values, by table, indicator and place.

Belongs here: comparing two release folders by their Parquet files, and keeping the answer beside
the releases. Not here: judging whether a change is acceptable (the gate), or where a value comes
from (`explain`).

A row is told by the key of its table. Numbers count as changed beyond a relative tolerance, all
else when it differs at all. Where a number was read (file, line, cell, hash) may move without the
number changing, so an ordinary comparison leaves provenance out. Tables whose content hashes agree
are not read.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import MetrocircleError, nearest
from pipelines.release import metadata
from pipelines.release.parquet import connect, literal, quote
from pipelines.settings import Settings

FOLDER = "diffs"
# Doubles pass through text and decimals on their way; nothing that is printed has ten digits.
TOLERANCE = 1e-9
EXAMPLES = 20
_CELLS = 500

PROVENANCE_TABLES = {"meta.lineage", "meta.column_lineage", "meta.snapshot"}
PROVENANCE_COLUMNS = {
    "fact_id",
    "computed_fact_id",
    "latest_fact_id",
    "snapshot_id",
    "file",
    "line",
    "locator",
    "read_from",
    "read_sha256",
    "read_locator",
    "superseded_by",
}
# Numbers that describe a value and are none; bounds move with their value.
_NOT_VALUES = {"decimals", "precedence", "position", "failing_rows"}
_NOT_VALUES_ENDING = ("_decimals", "_low", "_high")
_NUMERIC = ("double", "integer", "decimal", "bigint")

Row = dict[str, Any]


@dataclass(frozen=True)
class TableDiff:
    """What changed in one table.

    added, removed: keys. changed: rows of both sides with any compared column different.
    values_changed: those with a number beyond the tolerance; values_vanished and values_appeared:
    numbers that became null, or stopped being it. largest_relative_change: |new - old| / |old|.
    columns: changed rows by column. by_indicator, by_place, cells: rows with `added`, `removed`,
    `values_changed` (indicator is the column's name in tables without indicator_id).
    examples: the largest changes; added_keys, removed_keys: the first few.
    note: why rows were not compared, if they were not.
    """

    table: str
    rows_before: int
    rows_after: int
    added: int = 0
    removed: int = 0
    changed: int = 0
    values_changed: int = 0
    values_vanished: int = 0
    values_appeared: int = 0
    largest_relative_change: float | None = None
    columns: dict[str, int] = field(default_factory=dict)
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    by_indicator: tuple[Row, ...] = ()
    by_place: tuple[Row, ...] = ()
    cells: tuple[Row, ...] = ()
    examples: tuple[Row, ...] = ()
    added_keys: tuple[Row, ...] = ()
    removed_keys: tuple[Row, ...] = ()
    note: str = ""

    @property
    def is_empty(self) -> bool:
        counts = (self.added, self.removed, self.changed)
        return not (any(counts) or self.columns_added or self.columns_removed or self.note)


@dataclass(frozen=True)
class Diff:
    """What changed from one release to another; `tables` holds those that changed.

    schema_change: what the tables and columns that came, went or changed their type, unit or key
    ask of the semantic version: `major` (a reader may break), `minor`, or `none`.
    """

    from_release: str
    to_release: str
    from_schema: str
    to_schema: str
    tolerance: float
    provenance: bool
    tables: tuple[TableDiff, ...]
    tables_added: tuple[str, ...] = ()
    tables_removed: tuple[str, ...] = ()
    identical: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    schema_change: str = "none"
    names: dict[str, str] = field(default_factory=dict)

    @property
    def version_is_honest(self) -> bool:
        """Whether the schema version was raised as far as the schema changed."""
        old, new = (_version(text) for text in (self.from_schema, self.to_schema))
        if self.schema_change == "major":
            return new[0] > old[0]
        return self.schema_change == "none" or new[:2] > old[:2]

    @property
    def is_empty(self) -> bool:
        return not (self.tables or self.tables_added or self.tables_removed)

    def table(self, name: str) -> TableDiff | None:
        """The changes of a table (`main.gap`), None if it did not change."""
        return next((item for item in self.tables if item.table == name), None)

    def document(self) -> dict[str, Any]:
        """The comparison as JSON: the same two releases give the same document."""
        return asdict(self)


# ---------------------------------------------------------------------------------- releases


def compare(
    settings: Settings,
    a: str = "previous",
    b: str = "current",
    *,
    provenance: bool = False,
    tolerance: float = TOLERANCE,
) -> Diff:
    """The changes from release a to release b: ids, their beginnings, `current` or `previous`.

    MetrocircleError, with the nearest ids, for a release that is not held.
    """
    return compare_folders(
        resolve(settings, a), resolve(settings, b), provenance=provenance, tolerance=tolerance
    )


def resolve(settings: Settings, name: str) -> Path:
    """The folder of a release: an id, the beginning of one, `current` or `previous`."""
    from pipelines.release import publish

    if name in ("current", "previous"):
        current = publish.current_release(settings)
        if current is None or current.problem:
            raise MetrocircleError(
                (current and current.problem)
                or "there is no release yet; run `metrocircle refresh`"
            )
        if name == "current":
            return current.path
        before = _before(settings, current.release_id)
        if before is None:
            raise MetrocircleError(f"no release was in use before {current.release_id}")
        name = before
    held = held_releases(settings)
    matching = [known for known in held if known.startswith(name)]
    if len(matching) == 1 or name in held:
        return settings.releases / (name if name in held else matching[0])
    if matching:
        raise MetrocircleError(f"{name!r} is the beginning of several: {', '.join(matching)}")
    near = nearest(name, held) or ", ".join(held) or "none"
    raise MetrocircleError(f"release {name!r} is not held; held: {near}")


def held_releases(settings: Settings) -> list[str]:
    """Ids of the release folders that are there, sorted."""
    if not settings.releases.is_dir():
        return []
    return sorted(
        path.name
        for path in settings.releases.iterdir()
        if not path.name.startswith(".") and (path / metadata.RELEASE_FILE).is_file()
    )


def _before(settings: Settings, release_id: str) -> str | None:
    """The release that was in use before this one, by the newest line of the history about it."""
    from pipelines.release.publish import HISTORY

    path = settings.warehouse / HISTORY
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    for line in reversed(lines):
        try:
            entry = json.loads(line)
            if entry["to"] == release_id and entry["from"] not in (None, release_id):
                return str(entry["from"])
        except (ValueError, KeyError, TypeError):
            continue
    return None


def store(settings: Settings, diff: Diff) -> Path:
    """Write `warehouse/diffs/<from>__<to>.json`, whole or not at all; returns the path."""
    folder = settings.warehouse / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{diff.from_release}__{diff.to_release}.json"
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    text = json.dumps(diff.document(), ensure_ascii=False, indent=1, default=str, allow_nan=False)
    with staged.open("w", encoding="utf-8") as handle:
        handle.write(text + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    staged.replace(path)
    return path


def compare_folders(
    old: Path,
    new: Path,
    *,
    provenance: bool = False,
    tolerance: float = TOLERANCE,
    threads: int | None = None,
) -> Diff:
    """The changes from one release folder to another; a staged release is a folder like any."""
    before, after = _document(old), _document(new)
    tables_before, tables_after = before["tables"], after["tables"]
    both = sorted(tables_before.keys() & tables_after.keys())
    left_out = [] if provenance else [name for name in both if name in PROVENANCE_TABLES]
    changed, identical = [], []
    connection = connect(threads)
    try:
        for name in both:
            if name in left_out:
                continue
            sides = (tables_before[name], tables_after[name])
            hashes = [(entry["schema_hash"], entry["content_hash"]) for entry in sides]
            if hashes[0] == hashes[1]:
                identical.append(name)
                continue
            found = _Comparison(connection, name, old, new, sides, provenance, tolerance).run()
            if found.is_empty:
                identical.append(name)
            else:
                changed.append(found)
        names = _names(connection, new, tables_after, changed)
    except duckdb.Error as error:
        raise MetrocircleError(f"{old.name} and {new.name} cannot be compared: {error}") from error
    finally:
        connection.close()
    return Diff(
        from_release=before["release_id"],
        to_release=after["release_id"],
        from_schema=before["schema_version"],
        to_schema=after["schema_version"],
        tolerance=tolerance,
        provenance=provenance,
        tables=tuple(changed),
        tables_added=tuple(sorted(tables_after.keys() - tables_before.keys())),
        tables_removed=tuple(sorted(tables_before.keys() - tables_after.keys())),
        identical=tuple(identical),
        left_out=tuple(left_out),
        schema_change=schema_change(tables_before, tables_after),
        names=names,
    )


def schema_change(before: Mapping[str, Row], after: Mapping[str, Row]) -> str:
    """`major`, `minor` or `none`, from the `tables` of two release.json."""
    step = "minor" if after.keys() - before.keys() else "none"
    for name, old in before.items():
        new = after.get(name)
        if new is None or list(new["key"]) != list(old["key"]):
            return "major"
        ours, theirs = (
            {c["name"]: (c["type"], c.get("unit")) for c in side["schema"]} for side in (old, new)
        )
        if any(theirs.get(column) != kind for column, kind in ours.items()):
            return "major"
        if theirs.keys() - ours.keys():
            step = "minor"
    return step


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def _document(folder: Path) -> dict[str, Any]:
    path = folder / metadata.RELEASE_FILE
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MetrocircleError(f"{folder.name} cannot be compared: {path.name}: {error}") from error
    return document


# ---------------------------------------------------------------------------------- one table


class _Comparison:
    """One table of two releases, joined by its key in DuckDB."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        old: Path,
        new: Path,
        sides: tuple[Row, Row],
        provenance: bool,
        tolerance: float,
    ) -> None:
        self.connection = connection
        self.name = name
        self.before, self.after = sides
        same = _same_parts(old, new, sides)
        self.old, self.new = (
            _relation(folder, side, same) for folder, side in zip((old, new), sides, strict=True)
        )
        self.tolerance = tolerance
        ours = {column["name"]: column["type"] for column in self.before["schema"]}
        self.types = {column["name"]: column["type"] for column in self.after["schema"]}
        self.columns_added = tuple(n for n in self.types if n not in ours)
        self.columns_removed = tuple(n for n in ours if n not in self.types)
        hidden = set() if provenance else PROVENANCE_COLUMNS
        self.key = [str(column) for column in self.after["key"]]
        self.key_changed = self.key != list(self.before["key"])
        # A file that changed gives its rows another snapshot: they are told by their file instead.
        self.counted = not provenance and "snapshot_id" in self.key and "file" in self.types
        if self.counted:
            self.key = ["file" if column == "snapshot_id" else column for column in self.key]
        self.compared = [
            n for n in self.types if n in ours and n not in self.key and n not in hidden
        ]
        self.values = [n for n in self.compared if self._is_number(n) and not _describes(n)]

    def run(self) -> TableDiff:
        shape: dict[str, Any] = {
            "table": self.name,
            "rows_before": int(self.before["rows"]),
            "rows_after": int(self.after["rows"]),
            "columns_added": self.columns_added,
            "columns_removed": self.columns_removed,
        }
        if self.key_changed:
            note = f"the key changed from ({', '.join(self.before['key'])}): rows not compared"
            return TableDiff(note=note, **shape)
        self._join()
        counts = self._counts()
        return TableDiff(
            **shape,
            **counts,
            by_indicator=self._grouped(("indicator",), _CELLS),
            by_place=self._grouped(("place",), _CELLS),
            cells=self._grouped(("indicator", "place"), _CELLS),
            examples=self._examples(),
            added_keys=self._keys("added"),
            removed_keys=self._keys("removed"),
        )

    def _is_number(self, column: str) -> bool:
        return self.types[column].startswith(_NUMERIC)

    def _flag(self, column: str) -> str:
        old, new = f"o.{quote(column)}", f"n.{quote(column)}"
        if not self._is_number(column):
            return f"{old} IS DISTINCT FROM {new}"
        # A null against a number has no distance: that is a change.
        beyond = (
            f"abs({old}::DOUBLE - {new}::DOUBLE) > {self.tolerance!r} "
            f"* greatest(abs({old}::DOUBLE), abs({new}::DOUBLE))"
        )
        return f"({old} IS DISTINCT FROM {new} AND coalesce({beyond}, true))"

    def _join(self) -> None:
        """The temporary table `delta`: one row per key that differs, with flags and both values."""
        key = [*self.key, *(["occurrence"] if self.counted else [])]
        sides = [self._side(relation) for relation in (self.old, self.new)]
        keys = ", ".join(f"coalesce(o.{quote(k)}, n.{quote(k)}) AS {quote(k)}" for k in key)
        flags = "".join(f", {self._flag(c)} AS {quote(f'changed {c}')}" for c in self.compared)
        values = "".join(
            f", o.{quote(c)} AS {quote(f'old {c}')}, n.{quote(c)} AS {quote(f'new {c}')}"
            for c in self.values
        )
        # Keys are never null, the file that stands in for one may be.
        equals = "IS NOT DISTINCT FROM" if self.counted else "="
        on = " AND ".join(f"o.{quote(k)} {equals} n.{quote(k)}" for k in key)
        differs = " OR ".join(
            ["o.here IS NULL", "n.here IS NULL", *(quote(f"changed {c}") for c in self.compared)]
        )
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE delta AS SELECT {keys}, "
            f"{self._dimension('indicator')} AS indicator, {self._dimension('place')} AS place, "
            "CASE WHEN o.here IS NULL THEN 'added' WHEN n.here IS NULL THEN 'removed' "
            f"ELSE 'changed' END AS change{flags}{values} "
            f"FROM ({sides[0]}) AS o FULL JOIN ({sides[1]}) AS n ON {on} WHERE {differs}"
        )

    def _side(self, relation: str) -> str:
        wanted = {*self.key, *self.compared, *_place_columns(self.types)}
        columns = ", ".join(quote(c) for c in self.types if c in wanted)
        occurrence = (
            f", row_number() OVER (PARTITION BY {', '.join(map(quote, self.key))} "
            f"ORDER BY {columns}) AS occurrence"
            if self.counted
            else ""
        )
        return f"SELECT {columns}{occurrence}, true AS here FROM {relation}"

    def _dimension(self, kind: str) -> str:
        """SQL of the row's indicator or place, of the newer side where both have one."""
        if kind == "indicator":
            names = ["indicator_id"] if "indicator_id" in self.types else []
        else:
            names = _place_columns(self.types)
        usable = [n for n in names if n in self.compared or n in self.key]
        if not usable:
            return "CAST(NULL AS VARCHAR)"
        if usable == ["origin_code", "destination_code"]:
            pair = [f"coalesce(n.{c}, o.{c})" for c in usable]
            return f"{pair[0]} || ' → ' || {pair[1]}"
        # `none` stands in keys for a place or circle that the row is not about.
        held = ", ".join(f"nullif({side}.{c}, 'none')" for side in "no" for c in usable)
        return f"coalesce({held})"

    def _any(self, columns: Iterable[str]) -> str:
        return " OR ".join(quote(f"changed {c}") for c in columns) or "false"

    def _counts(self) -> dict[str, Any]:
        changed = "change = 'changed'"
        columns = "".join(
            f", count(*) FILTER ({changed} AND {quote(f'changed {c}')})" for c in self.compared
        )
        vanished, appeared, relative = ["0"], ["0"], ["NULL"]
        for column in self.values:
            old, new = quote(f"old {column}"), quote(f"new {column}")
            both = f"{changed} AND {quote(f'changed {column}')}"
            vanished.append(f"count(*) FILTER ({both} AND {new} IS NULL)")
            appeared.append(f"count(*) FILTER ({both} AND {old} IS NULL)")
            relative.append(f"max({_relative(old, new)}) FILTER ({both})")
        [row] = self.connection.execute(
            "SELECT count(*) FILTER (change = 'added'), count(*) FILTER (change = 'removed'), "
            f"count(*) FILTER ({changed}), "
            f"count(*) FILTER ({changed} AND ({self._any(self.values)})), "
            f"{' + '.join(vanished)}, {' + '.join(appeared)}, greatest({', '.join(relative)})"
            f"{columns} FROM delta"
        ).fetchall()
        names = (
            "added", "removed", "changed", "values_changed", "values_vanished", "values_appeared",
            "largest_relative_change",
        )  # fmt: skip
        counts: dict[str, Any] = dict(zip(names, row, strict=False))
        by_column = zip(self.compared, row[len(names) :], strict=True)
        counts["columns"] = {column: count for column, count in by_column if count}
        return counts

    def _grouped(self, by: Sequence[str], limit: int) -> tuple[Row, ...]:
        """Counts by indicator, place or both: most changes first, rows without one left out."""
        events = [
            "SELECT indicator, place, change, change <> 'changed' OR "
            f"({self._any(self.values)}) AS counts FROM delta"
        ]
        if "indicator_id" not in self.types:
            # Wide tables: the column is the indicator, and a row may have changed in several.
            events = ["SELECT indicator, place, change, true AS counts FROM delta "
                      "WHERE change <> 'changed'"]  # fmt: skip
            events += [
                f"SELECT {literal(c)}, place, change, true FROM delta "
                f"WHERE change = 'changed' AND {quote(f'changed {c}')}"
                for c in self.values
            ]
        named = " AND ".join(f"{column} IS NOT NULL" for column in by)
        return tuple(
            self._rows(
                f"SELECT {', '.join(by)}, count(*) FILTER (change = 'added') AS added, "
                "count(*) FILTER (change = 'removed') AS removed, "
                "count(*) FILTER (change = 'changed') AS values_changed "
                f"FROM ({' UNION ALL '.join(events)}) WHERE counts AND {named} "
                f"GROUP BY {', '.join(by)} ORDER BY count(*) DESC, {', '.join(by)} LIMIT {limit}"
            )
        )

    def _examples(self) -> tuple[Row, ...]:
        """Numbers that vanished, then the largest relative changes, then those that appeared."""
        struct = ", ".join(f"{literal(k)}: {quote(k)}::VARCHAR" for k in self.key)
        parts = []
        for column in self.values:
            old, new = quote(f"old {column}"), quote(f"new {column}")
            parts.append(
                f"SELECT * FROM (SELECT {{{struct}}} AS key, indicator, place, "
                f"{literal(column)} AS column_name, {old}::DOUBLE AS old, {new}::DOUBLE AS new, "
                f"{_relative(old, new)} AS relative_change FROM delta "
                f"WHERE change = 'changed' AND {quote(f'changed {column}')} "
                f"ORDER BY {_WORST}, key LIMIT {EXAMPLES})"
            )
        if not parts:
            return ()
        order = f"{_WORST}, key, column_name"
        return tuple(
            self._rows(
                f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY {order} LIMIT {EXAMPLES}"
            )
        )

    def _keys(self, change: str) -> tuple[Row, ...]:
        names = ", ".join(f"{quote(k)}::VARCHAR AS {quote(k)}" for k in self.key)
        order = ", ".join(quote(k) for k in self.key)
        return tuple(
            self._rows(
                f"SELECT {names} FROM delta WHERE change = {literal(change)} "
                f"ORDER BY {order} LIMIT {EXAMPLES}"
            )
        )

    def _rows(self, sql: str) -> list[Row]:
        cursor = self.connection.execute(sql)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# Vanished numbers first, appeared ones last, between them the largest relative change.
_WORST = "new IS NULL DESC, old IS NULL, relative_change DESC NULLS FIRST"


def _relative(old: str, new: str) -> str:
    return f"abs({new}::DOUBLE - {old}::DOUBLE) / nullif(abs({old}::DOUBLE), 0)"


def _describes(column: str) -> bool:
    return column in _NOT_VALUES or column.endswith(_NOT_VALUES_ENDING)


def _place_columns(types: Mapping[str, str]) -> list[str]:
    if "origin_code" in types and "destination_code" in types:
        return ["origin_code", "destination_code"]
    return [name for name in ("place_code", "circle_id") if name in types]


def _relation(folder: Path, entry: Row, left_out: Collection[str] = ()) -> str:
    """The table's rows; without the parts left out, where it is a folder of files."""
    if not entry.get("parts"):
        return f"read_parquet({literal(str(folder / entry['path']))})"
    files = [literal(str(folder / part)) for part in entry["parts"] if part not in left_out]
    if files:
        return f"read_parquet([{', '.join(files)}])"
    whole = [literal(str(folder / part)) for part in entry["parts"]]
    return f"(SELECT * FROM read_parquet([{', '.join(whole)}]) WHERE false)"


def _same_parts(old: Path, new: Path, sides: tuple[Row, Row]) -> set[str]:
    """Parts of a table that both releases hold byte for byte: their rows cannot differ.

    A value of the partition column has its part in both, so no row can have moved out of one.
    """
    before, after = (set(side.get("parts", ())) for side in sides)
    hashes = [_manifest(folder) if before & after else {} for folder in (old, new)]
    return {
        part
        for part in before & after
        if hashes[0].get(part) is not None and hashes[0][part] == hashes[1].get(part)
    }


def _manifest(folder: Path) -> dict[str, str]:
    path = folder / metadata.MANIFEST_FILE
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line[66:]: line[:64] for line in lines}


def _names(
    connection: duckdb.DuckDBPyConnection, folder: Path, tables: Row, changed: Sequence[TableDiff]
) -> dict[str, str]:
    """Chinese names of the places and circles that the changes are about."""
    shown = {str(row["place"]) for table in changed for row in table.by_place}
    codes = sorted({code for place in shown for code in place.split(" → ")})
    found: dict[str, str] = {}
    for table, code, name, last in (
        ("main.division", "place_code", "place_name_zh", "valid_from"),
        ("main.circle", "circle_id", "circle_name_zh", "circle_id"),
    ):
        if table in tables and codes:
            found |= dict(
                connection.execute(
                    f"SELECT {code}, arg_max({name}, {last}) FROM "
                    f"{_relation(folder, tables[table])} WHERE list_contains(?, {code}) "
                    f"GROUP BY {code} ORDER BY {code}",
                    [codes],
                ).fetchall()
            )
    return found


# ---------------------------------------------------------------------------------- for people

_HEADERS = ("table", "before", "after", "added", "removed", "values changed", "other changes")


def _summary_rows(diff: Diff) -> list[tuple[str, ...]]:
    return [
        (
            item.table,
            *(
                f"{number:,}"
                for number in (
                    item.rows_before,
                    item.rows_after,
                    item.added,
                    item.removed,
                    item.values_changed,
                    item.changed - item.values_changed,
                )
            ),
        )
        for item in diff.tables
    ]


def _title(diff: Diff) -> str:
    schema = diff.from_schema
    if diff.to_schema != schema:
        schema += f" → {diff.to_schema}"
    return f"release {diff.from_release} → {diff.to_release}, schema {schema}"


def _remarks(diff: Diff) -> list[str]:
    lines = [f"identical: {len(diff.identical)} tables"]
    if not diff.version_is_honest:
        lines.append(
            f"the schema changed in a way that asks for a new {diff.schema_change} version, "
            f"and the version went from {diff.from_schema} to {diff.to_schema}"
        )
    if diff.tables_added:
        lines.append(f"tables added: {', '.join(diff.tables_added)}")
    if diff.tables_removed:
        lines.append(f"tables removed: {', '.join(diff.tables_removed)}")
    if diff.left_out:
        lines.append(f"provenance left out: {', '.join(diff.left_out)}, and columns of that kind")
    return lines


def _place(diff: Diff, code: str) -> str:
    parts = [f"{part} {diff.names.get(part, '')}".rstrip() for part in code.split(" → ")]
    return " → ".join(parts)


def _group_line(diff: Diff, rows: Sequence[Row], name: str, most: int = 8) -> str:
    shown = []
    for row in rows[:most]:
        counts = [
            f"{sign}{row[kind]}"
            for sign, kind in (("+", "added"), ("-", "removed"), ("~", "values_changed"))
            if row[kind]
        ]
        label = _place(diff, row[name]) if name == "place" else row[name]
        shown.append(f"{label} {' '.join(counts)}")
    more = f"; and {len(rows) - most} more" if len(rows) > most else ""
    return "; ".join(shown) + more


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:,.10g}"


def _example_line(row: Row) -> str:
    where = " ".join(str(part) for part in row["key"].values())
    relative = row["relative_change"]
    size = f" ({relative:.3%})" if relative is not None else ""
    return f"{where}: {row['column_name']} {_number(row['old'])} → {_number(row['new'])}{size}"


def _details(diff: Diff, item: TableDiff) -> list[str]:
    lines = []
    if item.note:
        lines.append(item.note)
    for label, names in (("added", item.columns_added), ("removed", item.columns_removed)):
        if names:
            lines.append(f"columns {label}: {', '.join(names)}")
    if item.columns:
        lines.append("columns changed: " + ", ".join(f"{c} {n:,}" for c, n in item.columns.items()))
    if item.values_vanished or item.values_appeared:
        lines.append(
            f"numbers that became null: {item.values_vanished:,}; "
            f"that appeared: {item.values_appeared:,}"
        )
    for label, rows, name in (
        ("by indicator", item.by_indicator, "indicator"),
        ("by place", item.by_place, "place"),
    ):
        if rows:
            lines.append(f"{label}: {_group_line(diff, rows, name)}")
    return lines


def text(diff: Diff) -> str:
    """The comparison for a terminal."""
    lines = [_title(diff)]
    if diff.is_empty:
        return "\n".join([*lines, "nothing changed", *_remarks(diff)])
    rows = [_HEADERS, *_summary_rows(diff)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADERS))]
    for row in rows if len(rows) > 1 else []:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells))
    lines += _remarks(diff)
    for item in diff.tables:
        details = _details(diff, item)
        if details or item.examples:
            lines += ["", item.table, *(f"  {line}" for line in details)]
            lines += [f"    {_example_line(row)}" for row in item.examples[:5]]
    return "\n".join(lines)


def markdown(diff: Diff) -> str:
    """The comparison for a pull request or a changelog."""
    lines = [f"# What changed: {_title(diff)}", ""]
    if diff.is_empty:
        return "\n".join([*lines, "Nothing changed.", "", *(f"- {r}" for r in _remarks(diff))])
    if diff.tables:
        lines += [f"| {' | '.join(_HEADERS)} |", "| --- " + "| ---: " * (len(_HEADERS) - 1) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in _summary_rows(diff)]
        lines.append("")
    lines += [f"- {remark}" for remark in _remarks(diff)]
    for item in diff.tables:
        details = _details(diff, item)
        if details or item.examples:
            lines += ["", f"## {item.table}", "", *(f"- {line}" for line in details)]
            lines += [f"- `{_example_line(row)}`" for row in item.examples[:EXAMPLES]]
    return "\n".join(lines)
