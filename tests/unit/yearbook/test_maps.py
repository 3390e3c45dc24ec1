"""From printed cells to observations: tables that a reader of yearbooks can check line by line.

A row that is not understood stays as an observation with nulls and says where, what was expected,
what was found and what is nearest.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import make_yearbook
import polars as pl
import pytest
import yearbook_maps
from yearbook_maps import known_maps, observe, observe_files

from pipelines.errors import ContractBroken
from pipelines.orchestration import alerts, state
from pipelines.yearbook import corrections, maps

# printed value, number, decimals, null mark
VALUES = [
    ("28231.97", "28231.97", 2, None),
    ("28,231.97", "28231.97", 2, None),
    ("1,234,567", "1234567", 0, None),
    ("1 234 567.8", "1234567.8", 1, None),
    ("１，２３４．５", "1234.5", 1, None),
    ("－3.20", "-3.20", 2, None),
    ("159. 9", "159.9", 1, None),  # edition 2006
    (" 12 ", "12", 0, None),
    ("\u300012\xa0", "12", 0, None),
    ("+5", "5", 0, None),
    ("0", "0", 0, None),
    ("0.00", "0", 2, None),
    (".5", "0.5", 1, None),
    ("12.", "12", 0, None),
    ("1.5e-3", "0.0015", 4, None),
    ("2363E8", "236300000000", 0, None),
    ("", None, None, ""),
    ("-", None, None, "-"),
    ("—", None, None, "—"),
    ("……", None, None, "……"),
    ("…", None, None, "…"),
    ("～", None, None, "～"),
    ("NA", None, None, "NA"),
    ("Ｘ", None, None, "Ｘ"),
    # never a number: the cell stays empty and says so
    ("130．O", None, None, "damaged"),  # edition 2007: letter O
    ("l2", None, None, "damaged"),
    ("12①", None, None, "damaged"),  # a footnote mark is no digit
    ("10²", None, None, "damaged"),
    ("1,2345", None, None, "damaged"),
    ("12,34,567", None, None, "damaged"),
    ("12 34", None, None, "damaged"),  # two cells run together
    ("12\n34", None, None, "damaged"),
    ("1.2.3", None, None, "damaged"),
    ("5%", None, None, "damaged"),
    ("约12", None, None, "damaged"),
    ("½", None, None, "damaged"),
    ("٣", None, None, "damaged"),
    ("nan", None, None, "damaged"),
    ("Infinity", None, None, "damaged"),
    ("1e30", None, None, "damaged"),  # more than the column holds
    ("1e-30", None, None, "damaged"),  # would be a zero
    ("1e999999999", None, None, "damaged"),
    ("1e-999999999", None, None, "damaged"),
    ("99999999999999999999", None, None, "damaged"),
]


@pytest.mark.parametrize(("printed", "number", "decimals", "mark"), VALUES)
def test_values(
    printed: str, number: str | None, decimals: int | None, mark: str | None, tmp_path: Path
) -> None:
    (row,), rejects = observe(tmp_path, {"value": printed})
    assert row["value"] == (None if number is None else Decimal(number))
    assert (row["decimals"], row["null_mark"]) == (decimals, mark)
    assert row["value_text"] == printed
    assert [(r.locator, r.found, r.severity) for r in rejects] == (
        [("L2:value", printed, "warning")] if mark == "damaged" else []
    )


# what changes in the row, then what the observation says
CELLS: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({}, {"place_code": "440100", "indicator_id": "gdp", "unit_id": "cny_100m",
          "scope": "whole_city"}),
    ({"place": "广  州"}, {"place_code": "440100"}),
    ({"place": "广东省"}, {"place_code": "440000", "scope": "province"}),
    ({"place": "北京市"}, {"place_code": "110000", "scope": "whole_city"}),
    ({"place": "从化市", "period": "2013"}, {"place_code": "440184", "scope": "county"}),
    ({"place": "从化区", "period": "2020"}, {"place_code": "440117", "scope": "county"}),
    ({"unit": "万 元"}, {"unit_id": "cny_10k"}),
    ({"unit": "亿元人民币"}, {"unit_id": "cny_100m"}),
    ({"indicator": "population", "unit": "万人"}, {"indicator_id": "population_resident",
                                                 "unit_id": "person_10k"}),
    ({"indicator": " g d p "}, {"indicator_id": "gdp"}),
    ({"period": "2021"}, {"period_type": "year", "period_start": "2021-01-01",
                          "period_end": "2021-12-31"}),
    ({"period": "2024-02"}, {"period_type": "month", "period_start": "2024-02-01",
                             "period_end": "2024-02-29"}),
    ({"period": "2020-11-01"}, {"period_type": "moment", "period_end": "2020-11-01"}),
    ({}, {"published_on": "2024-12-31", "published_on_precision": "assumed",
          "document": "guangdong_yearbook", "edition": "2024", "superseded_by": None}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), CELLS)
def test_a_row_as_understood(
    change: dict[str, str], expected: dict[str, Any], tmp_path: Path
) -> None:
    (row,), rejects = observe(tmp_path, change)
    assert rejects == []
    found = {name: row[name] for name in expected}
    assert {k: None if v is None else str(v) for k, v in found.items()} == expected


# what changes, then the reject: column, found, a word of expected, a candidate, a word of reason,
# and the column of the observation that stays null
REJECTS = [
    ({"place": "广洲"}, "place", "广洲", "division", "广州", "unknown", "place_code"),
    ({"place": "Atlantis"}, "place", "Atlantis", "division", "", "unknown", "place_code"),
    ({"unit": "亿圆"}, "unit", "亿圆", "units.csv", "亿元", "unknown unit", "unit_id"),
    ({"unit": ""}, "unit", "", "printed unit", "", "never guessed", "unit_id"),
    ({"unit": "平方公里"}, "unit", "平方公里", "money_cny", "", "cannot measure gdp", "unit_id"),
    ({"unit": "万美元"}, "unit", "万美元", "money_cny", "", "cannot measure gdp", "unit_id"),
    ({"indicator": "gdb"}, "indicator", "gdb", "headers.csv", "gdp", "drift", "indicator_id"),
    ({"period": "二〇二一"}, "period", "二〇二一", "a year", "", "cannot be read", "period_end"),
    ({"period": "2021-13"}, "period", "2021-13", "a year", "", "cannot be read", "period_end"),
    ({"period": "2021-02-30"}, "period", "2021-02-30", "a year", "", "read", "period_end"),
    ({"status": "fnial"}, "status", "fnial", "final", "", "unknown status", None),
    ({"source_kind": "copy"}, "source_kind", "copy", "mirror", "", "source_kind", None),
    ({"edition": "2023"}, "document", "guangdong_yearbook--2023", "guangdong_yearbook--2024", "",
     "another slice", None),
    ({"edition": "2042"}, "edition", "2042", "editions.csv", "guangdong_yearbook 2024",
     "no publication date", "published_on"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "column", "found", "expected", "near", "reason", "null"), REJECTS
)
def test_a_reject_says_where_what_and_what_instead(
    change: dict[str, str], column: str, found: str, expected: str, near: str, reason: str,
    null: str | None, tmp_path: Path,
) -> None:  # fmt: skip
    good = {"place": "深圳市"}
    rows, rejects = observe(tmp_path, good, change)
    assert len(rows) == 2
    assert null is None or rows[1][null] is None
    assert rows[1]["value"] == Decimal("28231.97")
    (reject,) = [r for r in rejects if r.locator == f"L3:{column}"]
    assert (reject.file, reject.found, reject.severity) == ("drop/rows.csv", found, "error")
    assert expected in reject.expected and reason in reject.reason and near in reject.candidates
    assert change.get("place", "广州市") in reject.raw_text
    assert "drop/rows.csv L3:" in reject.message()
    assert all(r.locator.startswith("L3:") for r in rejects), "the good row has no reject"


def test_names_left_out_on_purpose_are_warnings_with_the_reason(tmp_path: Path) -> None:
    (row,), (reject,) = observe(tmp_path, {"place": "珠三角"})
    assert row["place_code"] is None
    assert reject.severity == "warning" and "equals the sum of its nine cities" in reject.reason


def test_an_unknown_edition_is_one_reject_for_the_file(tmp_path: Path) -> None:
    changes = [{"edition": "2042", "place": place} for place in ("广州市", "深圳市", "佛山市")]
    _, rejects = observe(tmp_path, *changes)
    assert len([r for r in rejects if r.locator.endswith(":edition")]) == 1


# ------------------------------------------------------------------ the file itself
@pytest.mark.parametrize(
    ("text", "expected", "near"),
    [
        (make_yearbook.text().replace("value,", "vaule,", 1), "column 'value'", "vaule"),
        (make_yearbook.text(delimiter=";"), "column 'document'", ""),
        (make_yearbook.text().replace("\n", "\r"), "column 'note'", ""),
        (make_yearbook.text() + "a," * 40 + "\n", "a CSV", ""),
        ("", "a CSV", ""),
    ],
    ids=["misspelt column", "semicolons", "old Mac line ends", "ragged", "empty"],
)
def test_a_file_of_another_layout_is_one_reject(
    text: str, expected: str, near: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad[1].csv"
    path.write_text(text, encoding="utf-8", newline="")
    rows, (reject,) = observe_files(path)
    assert rows == []
    assert (reject.locator, reject.severity, reject.file) == ("L1", "error", "drop/bad[1].csv")
    assert expected in reject.expected and near in reject.candidates


def test_a_file_that_is_not_utf8_is_one_reject(tmp_path: Path) -> None:
    path = tmp_path / "gbk.csv"
    path.write_bytes(make_yearbook.text().encode("gbk"))
    rows, (reject,) = observe_files(path)
    assert rows == [] and "UTF-8" in reject.expected


def test_a_name_with_brackets_is_a_name_and_no_pattern(tmp_path: Path) -> None:
    path = tmp_path / "2024[1].csv"
    path.write_text("\ufeff" + make_yearbook.text(), encoding="utf-8")
    rows, rejects = observe_files(path)
    assert len(rows) == 1 and rejects == []


# ------------------------------------------------------------------ copies of one cell
def copies(
    folder: Path, first: dict[str, str], second: dict[str, str]
) -> tuple[list[dict[str, Any]], list[tuple[str, str, str]]]:
    """The same cell in two files; rejects as (where, expected, reason)."""
    for name, change in (("a", first), ("b", second)):
        data = make_yearbook.text({"read_from": f"{name}.csv", **change})
        (folder / f"{name}.csv").write_text(data, encoding="utf-8")
    rows, rejects = observe_files(folder / "a.csv", folder / "b.csv")
    return rows, [(f"{r.file} {r.locator}", r.expected, r.reason) for r in rejects]


# first copy, second copy, which one counts
AGREE = [
    ({}, {}, 0),
    ({"value": "28231.97"}, {"value": "28232"}, 0),
    ({"value": "28232"}, {"value": "28231.97", "source_kind": "mirror"}, 1),
    ({"source_kind": "secondary"}, {"source_kind": "transcription"}, 1),
    ({"source_kind": "original"}, {"source_kind": "mirror"}, 0),
    ({"source_kind": "original", "value": "—"}, {"source_kind": "secondary"}, 1),
    ({"source_kind": "original", "value": "130．O"}, {"source_kind": "secondary"}, 1),
    # a mirror in another unit is the same cell
    ({"value": "28231.97", "unit": "亿元"}, {"value": "282319700", "unit": "万元"}, 0),
    ({"value": "28231.97", "unit": "亿元"}, {"value": "282319712", "unit": "万元"}, 0),
]


@pytest.mark.parametrize(("first", "second", "wins"), AGREE)
def test_copies_within_rounding_leave_one_that_counts(
    first: dict[str, str], second: dict[str, str], wins: int, tmp_path: Path
) -> None:
    rows, rejects = copies(tmp_path, first, second)
    assert [r for r in rejects if "not a number" not in r[2]] == []
    assert rows[wins]["superseded_by"] is None
    assert rows[1 - wins]["superseded_by"] == rows[wins]["fact_id"]


DISAGREE = [
    ({"value": "28231.97"}, {"value": "28231.99"}),
    ({"value": "28231.97"}, {"value": "28233"}),
    ({"value": "28231.97", "unit": "亿元"}, {"value": "28231.97", "unit": "万元"}),
    ({"value": "5"}, {"value": "-5"}),
]


@pytest.mark.parametrize(("first", "second"), DISAGREE)
def test_copies_beyond_rounding_are_an_error_and_one_still_counts(
    first: dict[str, str], second: dict[str, str], tmp_path: Path
) -> None:
    rows, ((where, expected, reason),) = copies(tmp_path, first, second)
    assert where == "drop/b.csv L2:value"
    assert expected.startswith(f"{first['value']} 亿元 as in drop/a.csv L2")
    assert reason == "two copies of one cell disagree beyond rounding"
    assert [row["superseded_by"] for row in rows] == [None, rows[0]["fact_id"]]


@pytest.mark.parametrize("value", ["28231.97", "1"])
def test_the_same_city_twice_in_one_table_is_an_error(value: str, tmp_path: Path) -> None:
    rows, (reject,) = observe(tmp_path, {}, {"place": "广州", "value": value})
    assert len(rows) == 2 and len({row["fact_id"] for row in rows}) == 2
    assert (reject.locator, reject.found, reject.severity) == ("L3:place", "广州", "error")
    assert reject.expected.endswith("drop/rows.csv L2")
    assert reject.reason == "the same cell is listed twice"


# ------------------------------------------------------------------ corrections
CORRECTION: dict[str, Any] = {
    "id": "test-1", "document": "guangdong_yearbook", "edition": "2024", "place_code": "440100",
    "indicator_id": "gdp", "year": 2021, "scope": "whole_city", "expected_value": "28231.97",
    "action": "exclude",
}  # fmt: skip


def corrected(folder: Path, **changes: Any) -> tuple[dict[str, Any], list[Any]]:
    entry = {**CORRECTION, **changes}
    known = replace(yearbook_maps.known_maps(), corrections=(entry,))
    rows, rejects = observe(folder, {"value": changes.get("printed", "28231.97")}, known=known)
    return rows[0], rejects


def test_exclude_keeps_the_value_and_takes_the_row_out(tmp_path: Path) -> None:
    row, rejects = corrected(tmp_path)
    assert rejects == []
    assert (row["value"], row["superseded_by"], row["correction_id"]) == (
        Decimal("28231.97"), "excluded", "test-1",
    )  # fmt: skip


def test_set_unit_and_set_value_leave_the_text_as_printed(tmp_path: Path) -> None:
    row, _ = corrected(tmp_path, action="set_unit", unit_id="cny_10k")
    assert (row["unit_id"], row["unit_raw"]) == ("cny_10k", "亿元")
    row, _ = corrected(tmp_path, action="set_value", value="3.30")
    assert (row["value"], row["decimals"], row["value_text"]) == (Decimal("3.3"), 2, "28231.97")


def test_set_value_on_a_damaged_cell_leaves_no_null_mark(tmp_path: Path) -> None:
    row, _ = corrected(
        tmp_path, printed="28231.9O", expected_value="28231.9O", action="set_value", value="28231.9"
    )
    assert (row["value"], row["null_mark"]) == (Decimal("28231.9"), None)


@pytest.mark.parametrize("change", [{"expected_value": "1"}, {"place_code": "440300"}])
def test_a_correction_that_matches_nothing_is_an_error(
    change: dict[str, str], tmp_path: Path
) -> None:
    row, (reject,) = corrected(tmp_path, **change)
    assert row["correction_id"] is None and row["superseded_by"] is None
    assert (reject.file, reject.locator) == ("sources/yearbook/corrections.yml", "test-1")
    assert reject.severity == "error" and "remove or renew" in reject.reason


def test_two_corrections_of_one_cell_are_an_error_and_the_first_one_acts(tmp_path: Path) -> None:
    second = {**CORRECTION, "id": "test-2", "action": "set_value", "value": "1"}
    known = replace(yearbook_maps.known_maps(), corrections=(CORRECTION, second))
    (row,), (reject,) = observe(tmp_path, {"value": "28231.97"}, known=known)
    assert (row["correction_id"], row["value"]) == ("test-1", Decimal("28231.97"))
    assert (reject.locator, reject.found, reject.severity) == ("test-2", "test-1", "error")


def test_a_correction_whose_day_has_passed_acts_on_and_is_told(tmp_path: Path) -> None:
    """The release does not depend on a clock; whoever looks or is told does."""
    house = make_yearbook.house(tmp_path)
    path = house.sources / "yearbook" / "corrections.yml"
    own = "  - {id: own, review_by: 2020-01-02, owner: engineering}\n"
    text = path.read_text(encoding="utf-8").replace("corrections:\n", f"corrections:\n{own}", 1)
    path.write_text(text.replace("review_by: 2027-12-31", "review_by: 2026-06-30"), "utf-8")
    first, others = corrections.due(house.sources, date(2026, 7, 1))
    assert first == corrections.Review(("own",), date(2020, 1, 2), "engineering")
    assert (others.by, others.owner) == (date(2026, 6, 30), "domain") and len(others.ids) > 5
    assert corrections.due(house.sources, date(2026, 6, 30)) == [first]
    causes = {cause.key: cause for cause in alerts.examine(house)}
    cause = causes["correction:2020-01-02 engineering"]
    assert cause.severity == "warning" and cause.text == first.text
    assert "own; see whether" in first.text and "ask: engineering" in first.text
    assert first.text in state.text(state.status(house))


BROKEN = [
    ("id: [1", "corrections.yml"),
    ("!!python/object/apply:os.system ['touch {marker}']", "could not determine a constructor"),
    ("corrections: all of them", "expected a list"),
    ("- exclude everything", "expected a mapping"),
    ("- {{id: a}}", "lacks document"),
    ("- {{{base}, action: delete}}", "'delete' is none of"),
    ("- {{{base}, action: set_value}}", "lacks value"),
    ("- {{{base}, action: set_value, value: much}}", "'much' is not a plain number"),
    ("- {{{base}, action: set_unit, unit_id: cny_10K}}", "nearest: cny_10k"),
    ("- {{{base}, action: exclude, edition: '2042'}}", "no edition guangdong_yearbook 2042"),
    (
        "- {{{base}, action: exclude, gaurd_value: 1}}",
        "unknown entry 'gaurd_value'; nearest: guard",
    ),
    ("- {{{base}, action: exclude, expected_value: '*'}}", "expects any value, so it needs guard"),
    ("- {{{base}, action: exclude, owner: me}}", "review_by .* found None and 'me'"),
    ("- {{{base}, action: exclude, owner: me, review_by: soon}}", "found 'soon' and 'me'"),
    ("- {{{base}, {rest}}}\n- {{{base}, {rest}}}", "entry 2 .test-1.: another entry has this id"),
]
REST = "action: exclude, review_by: 2027-12-31, owner: me"
BASE = ", ".join(f"{key}: '{value}'" for key, value in CORRECTION.items() if key != "action")


@pytest.mark.parametrize(("text", "says"), BROKEN)
def test_a_correction_that_cannot_act_as_meant_is_refused(
    text: str, says: str, tmp_path: Path
) -> None:
    house = make_yearbook.house(tmp_path)
    marker = tmp_path / "marker"
    base = BASE.replace("edition: '2024', ", "") if "edition" in text else BASE
    base = base.replace(", expected_value: '28231.97'", "") if "expected_value" in text else base
    (house.sources / "yearbook" / "corrections.yml").write_text(
        text.format(base=base, marker=marker, rest=REST), encoding="utf-8"
    )
    known = yearbook_maps.known_maps()
    documents = known.editions.select("document", "edition", "published_on").with_columns(
        published_on_precision=pl.lit("day")
    )
    with pytest.raises(ContractBroken, match=says):
        maps.read_maps(house.sources, known.divisions, known.aliases, documents)
    assert not marker.exists(), "a YAML tag ran a command"


def _exchanged(name: str, frm: str, to: str, guard: str) -> dict[str, Any]:
    return {
        "id": f"{name}-exchanged", "document": make_yearbook.DOCUMENT,
        "edition": make_yearbook.EDITION, "place_code": frm, "indicator_id": "*", "year": 2021,
        "scope": "whole_city", "expected_value": "*", "guard_indicator": "population_resident",
        "guard_value": guard, "action": "set_place", "to_place_code": to,
    }  # fmt: skip


def test_exchanged_rows_are_given_back_each_to_its_place(tmp_path: Path) -> None:
    known = replace(
        known_maps(),
        corrections=(
            _exchanged("a", "440100", "440600", "961.3"),
            _exchanged("b", "440600", "440100", "1881.1"),
        ),
    )
    rows, rejects = observe(
        tmp_path,
        {"place": "广州市", "value": "12185.7"},
        {"place": "佛山市", "value": "28225.2"},
        {"place": "广州市", "indicator": "population", "unit": "万人", "value": "961.3"},
        {"place": "佛山市", "indicator": "population", "unit": "万人", "value": "1881.1"},
        known=known,
    )
    assert rejects == []
    assert {(r["place_raw"], r["place_code"], str(r["value"].normalize())) for r in rows} == {
        ("广州市", "440600", "12185.7"), ("佛山市", "440100", "28225.2"),
        ("广州市", "440600", "961.3"), ("佛山市", "440100", "1881.1"),
    }  # fmt: skip
    assert {r["correction_id"] for r in rows} == {"a-exchanged", "b-exchanged"}


def test_a_guard_that_is_no_longer_printed_stops_the_exchange(tmp_path: Path) -> None:
    known = replace(known_maps(), corrections=(_exchanged("a", "440100", "440600", "961.3"),))
    rows, rejects = observe(tmp_path, {"place": "广州市", "value": "28225.2"}, known=known)
    assert [r["place_code"] for r in rows] == ["440100"]
    assert [r.reason for r in rejects] == [
        "the correction matches nothing any more: remove or renew it"
    ]
