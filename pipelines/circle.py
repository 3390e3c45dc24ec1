"""`metrocircle circle`: the circles of a release, and one that a person defines.

Belongs here: reading a definition (YAML file or arguments), resolving its members, asking the
release for the indicators, laying them out. Not here: how an indicator of a circle is made: that is
the macro `own_circle` of the released DuckDB, which is the SQL of the models themselves.

A definition:

    circle_id: MY_CIRCLE        # optional: capitals, digits, underscores
    name_zh: 广佛肇              # optional
    name_en: My circle          # optional
    valid_from: 2021            # optional: the year whose divisions the names mean (default: today)
    members:                    # names or codes of divisions, Chinese or English, each once
      - 广州市
      - "441202"
      - {place: 肇庆市, share: 0.5334, basis: census population 2020 of its four units}

`share` is the part of the division that belongs to the circle, above 0 and up to 1, the same for
every indicator; its `basis` must be said, and every value made with it is an estimate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import yaml

from pipelines.errors import MetrocircleError, UnknownName, nearest
from pipelines.explain import number
from pipelines.geography.circles import definition_date
from pipelines.geography.divisions import resolve_places
from pipelines.release.macros import OWN_ID
from pipelines.release.query import open_locked

Row = dict[str, Any]
MAX_BYTES, MAX_MEMBERS = 64_000, 500
_KEYS = ("circle_id", "name_zh", "name_en", "valid_from", "members")
_MEMBER_KEYS = ("place", "share", "basis")


class BadDefinition(MetrocircleError):
    """A definition that cannot be used; the text says where, what was expected, what was found."""


@dataclass(frozen=True)
class Member:
    """One member as named; `place` is a name or a six-digit code, `where` says who named it."""

    place: str
    share: float
    basis: str
    where: str


@dataclass(frozen=True)
class Definition:
    """A circle that is not in the release."""

    circle_id: str
    name_zh: str | None
    name_en: str | None
    valid_from: int | None
    members: tuple[Member, ...]


# ----------------------------------------------------------------------------- reading


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key that stands twice: the first one would vanish in silence.

    And aliases: a few lines of them stand for more rows than any memory holds.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(
                None, None, "an alias has no place in a definition", self.peek_event().start_mark
            )
        return super().compose_node(parent, index)


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        # Only plain keys: `<<` merges and nested keys have no place in a definition.
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(
                None, None, "a key must be a word", key_node.start_mark
            )
        if key_node.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key_node.value!r} stands twice", key_node.start_mark
            )
        seen.add(key_node.value)
    return {
        loader.construct_object(key): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
# 010203 would be read as an octal number and 441_202 as 441202: numbers stay as written here.
_StrictLoader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if not tag.endswith((":int", ":timestamp"))
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_definition(path: Path) -> Definition:
    """The definition in a YAML file (module docstring). BadDefinition names file, key and flaw."""
    if not path.is_file():
        raise BadDefinition(f"{path} is not a file")
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise BadDefinition(f"{path.name}: a definition has at most {MAX_BYTES} bytes")
    try:
        document = yaml.load(raw.decode("utf-8-sig"), Loader=_StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadDefinition(f"{path.name}: not readable as YAML: {error}") from error
    return _definition(document, path.name)


def _definition(document: Any, file: str) -> Definition:
    if not isinstance(document, dict):
        raise BadDefinition(f"{file}: expected the keys {', '.join(_KEYS)}, found {document!r:.80}")
    _known_keys(document, _KEYS, file)
    members = document.get("members")
    if not isinstance(members, list) or not members:
        raise BadDefinition(f"{file}: members: expected a list of places, found {members!r:.80}")
    return Definition(
        circle_id=_circle_id(document.get("circle_id"), file),
        name_zh=_word(document.get("name_zh"), f"{file}: name_zh"),
        name_en=_word(document.get("name_en"), f"{file}: name_en"),
        valid_from=_year(document.get("valid_from"), f"{file}: valid_from"),
        members=tuple(
            _member(entry, f"{file} member {position}") for position, entry in enumerate(members, 1)
        ),
    )


def _known_keys(entry: Mapping[Any, Any], known: Sequence[str], where: str) -> None:
    for key in entry:
        if key not in known:
            near = nearest(str(key), list(known)) or ", ".join(known)
            raise BadDefinition(f"{where}: unknown key {key!r}; nearest: {near}")


def _word(value: Any, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise BadDefinition(f"{where}: expected a short text, found {value!r:.80}")
    return value.strip()


def _circle_id(value: Any, file: str) -> str:
    if value is None:
        return OWN_ID
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]{0,39}", value):
        raise BadDefinition(
            f"{file}: circle_id: expected capitals, digits and underscores, found {value!r:.80}"
        )
    return value


def _year(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if not re.fullmatch(r"(19|20)[0-9]{2}", str(value)):
        raise BadDefinition(f"{where}: expected a year, found {value!r:.80}")
    return int(value)


def _member(entry: Any, where: str) -> Member:
    if isinstance(entry, str):
        entry = {"place": entry}
    if not isinstance(entry, dict):
        raise BadDefinition(f"{where}: expected a name, a code or {{place, share, basis}}, "
                            f"found {entry!r:.80}")  # fmt: skip
    _known_keys(entry, _MEMBER_KEYS, where)
    place = _word(entry.get("place"), f"{where}: place")
    if place is None:
        raise BadDefinition(f"{where}: place: expected a name or a code, found nothing")
    share = _share(entry.get("share", 1), where)
    basis = _word(entry.get("basis"), f"{where}: basis")
    if share < 1 and basis is None:
        raise BadDefinition(
            f"{where}: {place} counts by {share:g}: say in `basis` what that share rests on"
        )
    return Member(place, share, basis or "whole", where)


def _share(value: Any, where: str) -> float:
    try:
        share = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        share = float("nan")
    if not 0 < share <= 1:  # written this way round so that nan is refused as well
        raise BadDefinition(f"{where}: share: expected above 0 and up to 1, found {value!r:.80}")
    return share


def from_arguments(members: Sequence[str], valid_from: int | None = None) -> Definition:
    """A definition from `--member PLACE` or `--member PLACE=SHARE` arguments."""
    read = []
    for position, text in enumerate(members, 1):
        place, mark, share = text.rpartition("=") if "=" in text else (text, "", "1")
        entry: Row = {"place": place, "share": share}
        if mark:
            entry["basis"] = "share given on the command line"
        read.append(_member(entry, f"--member {position}"))
    return Definition(OWN_ID, None, None, valid_from, tuple(read))


# ----------------------------------------------------------------------------- resolving


def resolve(connection: duckdb.DuckDBPyConnection, definition: Definition) -> list[Row]:
    """Members with place_code, place_name_zh, place_level, share, basis.

    UnknownName for places that no division bears at the date, with the nearest names; BadDefinition
    for a circle among the members, a place twice, and a place inside another member: each of them
    would count somebody twice.
    """
    if len(definition.members) > MAX_MEMBERS:
        raise BadDefinition(f"a circle has at most {MAX_MEMBERS} members")
    divisions = connection.execute("select * from division").pl()
    aliases = connection.execute("select * from tidy.place_alias").pl()
    day = min(definition_date(definition.valid_from), date(9999, 12, 31))
    named = pl.DataFrame(
        {
            "place_raw": [member.place for member in definition.members],
            "period_end": [day] * len(definition.members),
        }
    )
    found = resolve_places(named, divisions, aliases).rows(named=True)
    circles = {str(row[0]) for row in connection.execute("select circle_id from circle").fetchall()}
    unknown = []
    for member, row in zip(definition.members, found, strict=True):
        if row["place_code"] is not None:
            continue
        if member.place.upper() in circles:
            raise BadDefinition(
                f"{member.where}: {member.place} is a circle. Circles overlap and are never added "
                f"to one another: name its divisions (metrocircle circle show {member.place})"
            )
        near = row["place_candidates"] or "none"
        unknown.append(f"{member.where}: no division is called {member.place!r}"
                       f"{_then(definition)}; nearest: {near}")  # fmt: skip
    if unknown:
        raise UnknownName("\n".join(unknown))
    valid = divisions.filter(
        pl.col("valid_from") <= day, pl.col("valid_to").is_null() | (pl.col("valid_to") >= day)
    ).unique("place_code", keep="last", maintain_order=True)
    by_code = {row["place_code"]: row for row in valid.rows(named=True)}
    members = [
        {
            "place_code": row["place_code"],
            "place_name_zh": by_code.get(row["place_code"], {}).get("place_name_zh", member.place),
            "place_level": by_code.get(row["place_code"], {}).get("place_level"),
            "share": member.share,
            "basis": member.basis,
            "where": member.where,
        }
        for member, row in zip(definition.members, found, strict=True)
    ]
    _refuse_overlaps(members, by_code)
    return members


def _then(definition: Definition) -> str:
    return f" in {definition.valid_from}" if definition.valid_from else ""


def _refuse_overlaps(members: Sequence[Row], by_code: Mapping[str, Row]) -> None:
    seen: dict[str, Row] = {}
    for member in members:
        twin = seen.setdefault(member["place_code"], member)
        if twin is not member:
            raise BadDefinition(
                f"{member['where']}: {member['place_name_zh']} ({member['place_code']}) is "
                f"{twin['where']} already"
            )
    for member in members:
        parent = by_code.get(member["place_code"], {}).get("parent_code")
        while parent:
            if parent in seen:
                raise BadDefinition(
                    f"{member['where']}: {member['place_name_zh']} lies in "
                    f"{seen[parent]['place_name_zh']} ({seen[parent]['where']}) and would count "
                    "twice"
                )
            parent = by_code.get(parent, {}).get("parent_code")


# ----------------------------------------------------------------------------- answers


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> list[Row]:
    try:
        result = connection.execute(sql, list(parameters))
    except duckdb.CatalogException as error:
        raise MetrocircleError(
            "this release was made before own circles; run `metrocircle refresh`"
        ) from error
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def listed(release: Path) -> list[Row]:
    """The circles of the release, with the counts of their members."""
    connection = open_locked(release)
    try:
        return _rows(
            connection,
            "select circle_id, circle_name_zh, circle_name_en, circle_kind, document, locator, "
            "valid_from, members_total, members_with_code from circle order by circle_id",
        )
    finally:
        connection.close()


def show(release: Path, circle_id: str) -> Row:
    """One circle of the release: its row, its members, the indicators with their newest years."""
    connection = open_locked(release)
    try:
        found = _rows(
            connection, "select * from circle where upper(circle_id) = upper(?)", circle_id
        )
        if not found:
            known = [row["circle_id"] for row in _rows(connection, "select circle_id from circle")]
            near = nearest(circle_id.upper(), known) or "none (metrocircle circle list)"
            raise UnknownName(f"no circle is called {circle_id!r}; nearest: {near}")
        name = found[0]["circle_id"]
        members = _rows(
            connection,
            "select member_seq, place_code, member_name, coverage, role, weight, no_code_reason "
            "from circle_member where circle_id = ? order by member_seq",
            name,
        )
        values = _values(
            connection, "circle_indicator_year", "circle_id = ?", [name], (), None, "latest"
        )
        return {"circle": found[0], "members": members, "values": values}
    finally:
        connection.close()


def compute(
    release: Path,
    definition: Definition,
    indicators: Sequence[str] = (),
    year: int | None = None,
    vintage: str | None = None,
) -> Row:
    """Every indicator of the release for a circle of one's own.

    indicators, year, vintage: what to keep (default: every indicator and year, all policies).
    Returns `circle`, `members` (resolved) and `values` (rows of `circle_indicator_year`). Raises
    BadDefinition, UnknownName.
    """
    connection = open_locked(release)
    try:
        members = resolve(connection, definition)
        _known_indicators(connection, indicators)
        codes = [member["place_code"] for member in members]
        shares = [member["share"] for member in members]
        values = _values(
            connection, "own_circle(?, ?)", "true", [codes, shares], indicators, year, vintage
        )
        for row in values:
            row |= {
                "circle_id": definition.circle_id,
                "circle_name_zh": definition.name_zh,
                "circle_name_en": definition.name_en,
            }
        circle = {
            "circle_id": definition.circle_id,
            "circle_name_zh": definition.name_zh,
            "circle_name_en": definition.name_en,
            "valid_from": definition.valid_from,
            "members_total": len(members),
        }
        for member in members:
            member.pop("where")
        return {"circle": circle, "members": members, "values": values}
    finally:
        connection.close()


def _known_indicators(connection: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> None:
    known = [str(row["indicator_id"]) for row in _rows(connection, "select * from indicator")]
    for name in wanted:
        if name not in known:
            near = nearest(name, known) or "none (metrocircle find WORD)"
            raise UnknownName(f"no indicator is called {name!r}; nearest: {near}")


def _values(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    condition: str,
    parameters: list[Any],
    indicators: Sequence[str],
    year: int | None,
    vintage: str | None,
) -> list[Row]:
    return _rows(
        connection,
        f"""
        select * from {relation}
        where {condition}
            and (? = [] or list_contains(cast(? as varchar[]), indicator_id))
            and (cast(? as integer) is null or year = ?)
            and (cast(? as varchar) is null or vintage = ?)
        order by indicator_id, year, vintage
        """,
        *parameters, list(indicators), list(indicators), year, year, vintage, vintage,
    )  # fmt: skip


# ----------------------------------------------------------------------------- layout


def list_text(rows: Sequence[Row]) -> str:
    return "\n".join(
        f"{row['circle_id']:<22} {row['circle_kind']:<7} "
        f"{row['members_with_code']}/{row['members_total']} members  "
        f"{row['circle_name_zh']}  {row['circle_name_en'] or ''}"
        for row in rows
    )


def text(answer: Row, every_year: bool = False) -> str:
    """Members, then per indicator the newest year that has a value (or every row).

    What has none in any year is counted at the end, with how to ask why.
    """
    circle = answer["circle"]
    names = (circle["circle_id"], circle["circle_name_zh"], circle["circle_name_en"])
    lines = ["  ".join(name for name in names if name), "", "members"]
    for member in answer["members"]:
        name = member.get("place_name_zh") or member["member_name"]
        share = member.get("share", member.get("weight"))
        part = f"  share {share:g}" if share is not None and share < 1 else ""
        part = "  share not published" if share is None else part
        basis = f" ({member['basis']})" if part and member.get("basis") else ""
        lines.append(f"  {member['place_code'] or '------'}  {name}{part}{basis}")
    shown = answer["values"] if every_year else newest(answer["values"])
    lines += ["", "indicators"]
    for row in shown:
        lines.append(
            f"  {row['indicator_id']:<32} {row['year']}  {row['vintage']:<16} "
            f"{number(row['value']):>16} {row['unit'] or ''}{_flags(row)}"
        )
    silent = {row["indicator_id"] for row in answer["values"]} - {r["indicator_id"] for r in shown}
    if silent:
        lines += ["", f"no complete year (members without data): {', '.join(sorted(silent))}"]
    return "\n".join(lines)


def newest(values: Sequence[Row]) -> list[Row]:
    """Per indicator the row of the newest year that has a value, by `latest` if held."""
    best: dict[str, Row] = {}
    for row in values:
        if row["value"] is None:
            continue
        held = best.get(row["indicator_id"])
        if held is None or (row["year"], row["vintage"] == "latest") >= (
            held["year"],
            held["vintage"] == "latest",
        ):
            best[row["indicator_id"]] = row
    return [best[name] for name in sorted(best)]


def _flags(row: Row) -> str:
    named = {
        "is_estimate": "estimate",
        "is_mixed_vintage": "several editions",
        "is_preliminary": "preliminary",
        "is_partial": f"{row['members_with_data']} of {row['members_total']} members",
    }
    said = [name for flag, name in named.items() if row[flag]]
    return f"  [{', '.join(said)}]" if said else ""
