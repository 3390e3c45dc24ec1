"""The committed transcriptions are sound, and the originals still give exactly these bytes."""

from __future__ import annotations

import csv
import re
from collections import Counter
from decimal import Decimal
from functools import lru_cache
from itertools import permutations
from pathlib import Path

import pytest
import yaml

from pipelines.registry.tables import AGGREGATIONS, PRECISIONS
from pipelines.settings import ROOT
from pipelines.yearbook.transcribe import Printed, column_letters, printed_scope, transcribe

SOURCES = ROOT / "sources"
YEARBOOK = SOURCES / "yearbook"
SCOPES = {"whole_city", "districts", "excluding_counties", "county", "province"}
NINE_CITIES = ("广州", "佛山", "东莞", "肇庆", "清远", "江门", "中山", "云浮", "珠海")

Row = dict[str, str]


def table(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@lru_cache(maxsize=1)
def facts() -> list[Row]:
    rows = []
    for path in sorted((YEARBOOK / "transcriptions").glob("*/*.csv")):
        found = table(path)
        assert list(found[0]) == list(Printed._fields), path
        assert {(row["document"], row["edition"]) for row in found} == {
            (path.parent.name, path.stem)
        }
        rows += found
    return rows


@lru_cache(maxsize=1)
def headers() -> dict[tuple[str, str, str], Row]:
    return {
        (row["document"], row["edition"], row["header"]): row
        for row in table(YEARBOOK / "maps" / "headers.csv")
    }


def mapped(row: Row) -> Row | None:
    document, edition, header = row["document"], row["edition"], row["indicator"]
    return headers().get((document, edition, header)) or headers().get((document, "*", header))


def excluded(row: Row) -> bool:
    listed = {
        (entry["document"], entry["edition"], entry["header"])
        for entry in table(YEARBOOK / "maps" / "excluded_headers.csv")
    }
    return (row["document"], row["edition"], row["indicator"]) in listed


def units() -> dict[str, Row]:
    return {row["unit_id"]: row for row in table(SOURCES / "units.csv")}


def printed_units() -> dict[str, str]:
    """Printed form -> unit id; the first unit that claims a form keeps it."""
    forms: dict[str, str] = {}
    for unit in units().values():
        for form in (*unit["aliases"].split("|"), unit["unit"]):
            if form:
                forms.setdefault(form, unit["unit_id"])
    return forms


def indicators() -> dict[str, Row]:
    return {row["indicator_id"]: row for row in table(SOURCES / "indicators.csv")}


def total(document: str, edition: str, header: str, year: int, places: tuple[str, ...]) -> Decimal:
    found = {
        row["place"].removesuffix("市"): Decimal(row["value"])
        for row in facts()
        if (row["document"], row["edition"], row["period"]) == (document, edition, str(year))
        and row["indicator"].startswith(header)
        and row["scope"] in ("", "全市")
    }
    assert set(places) <= set(found)
    return sum((found[place] for place in places), Decimal(0))


# ------------------------------------------------------------------ soundness of what is committed
def test_every_printed_header_is_mapped_or_excluded() -> None:
    unknown = {
        (row["document"], row["edition"], row["indicator"])
        for row in facts()
        if mapped(row) is None and not excluded(row)
    }
    assert not unknown


def test_no_header_row_is_listed_twice() -> None:
    assert len(table(YEARBOOK / "maps" / "headers.csv")) == len(headers())


def test_header_map_names_known_indicators_scopes_and_units() -> None:
    for row in headers().values():
        assert row["indicator_id"] in indicators(), row
        assert row["scope"] in SCOPES, row
        assert row["unit_id"] in {"", *units()}, row


def test_every_unit_is_known_and_measures_its_indicator() -> None:
    forms, known, wanted = printed_units(), units(), indicators()
    for row in facts():
        entry = mapped(row)
        assert row["unit"] == "" or row["unit"] in forms, row
        if entry is None:
            continue
        unit = entry["unit_id"] or forms[row["unit"]]
        canonical = wanted[entry["indicator_id"]]["unit_id"]
        assert known[unit]["dimension"] == known[canonical]["dimension"], row


def test_units_have_factors_and_one_owner_per_printed_form() -> None:
    claims = Counter(
        form for unit in units().values() for form in unit["aliases"].split("|") if form
    )
    assert not [form for form, times in claims.items() if times > 1]
    assert all(Decimal(unit["factor"]) > 0 for unit in units().values())
    assert printed_units()["元"] == "cny"


def test_indicators_are_complete_and_refer_to_one_another() -> None:
    known = indicators()
    for row in known.values():
        assert row["unit_id"] in units(), row
        assert row["aggregation"] in AGGREGATIONS, row
        parts = [row[name] for name in ("numerator", "denominator", "weight") if row[name]]
        assert all(part.removesuffix("@province") in known for part in parts), row
        two_parts = row["aggregation"] in ("ratio_of_sums", "difference", "sum_of_parts")
        assert bool(row["numerator"]) == two_parts, row
        texts = ("name_zh", "name_en", "definition", "source_rule", "would_be_filled_by")
        assert all(row[name] for name in texts), row


def test_every_edition_is_dated_and_every_document_registered() -> None:
    editions = {(row["document"], row["edition"]): row for row in table(YEARBOOK / "editions.csv")}
    registry = yaml.safe_load((SOURCES / "registry.yml").read_text(encoding="utf-8"))
    documents = {entry["document"]: entry for entry in registry["documents"]}
    for row in facts():
        assert (row["document"], row["edition"]) in editions
        assert documents[row["document"]]["source_id"] == "yearbook"
    for (document, edition), row in editions.items():
        assert document in documents
        assert row["published_on_precision"] in PRECISIONS
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["published_on"])
        assert row["evidence"], (document, edition)
    for entry in documents.values():
        assert entry["source_id"] in registry["sources"], entry
        assert entry["redistribute"] in ("yes", "facts", "no"), entry
        assert isinstance(entry["relays"], bool) and isinstance(entry["precedence"], int)


def test_no_cell_is_transcribed_twice() -> None:
    columns = ("document", "edition", "locator", "place", "indicator", "period", "scope")
    times = Counter(tuple(row[name] for name in columns) for row in facts())
    assert not [key for key, count in times.items() if count > 1]


def test_no_place_says_the_same_indicator_twice_in_an_edition() -> None:
    cells: Counter[tuple[str, ...]] = Counter()
    for row in facts():
        if entry := mapped(row):
            place = row["place"][:6] if row["place"][:6].isdigit() else row["place"]
            cells[
                row["document"], row["edition"], place, entry["indicator_id"], row["period"],
                entry["scope"], row["read_from"],
            ] += 1  # fmt: skip
    allowed = ("441202",)  # one polygon of two districts, excluded by name
    assert not [key for key, count in cells.items() if count > 1 and key[2] not in allowed]


def test_every_row_names_a_listed_original() -> None:
    listed = {
        row["path"]: row["sha256"] for row in table(YEARBOOK / "transcriptions" / "originals.csv")
    }
    for row in facts():
        assert listed[row["read_from"]].startswith(row["read_sha256"]), row
        assert len(row["read_sha256"]) == 12
        assert row["read_locator"] and row["locator"] and row["place"]
        assert row["source_kind"] in ("original", "mirror", "transcription", "secondary")
        assert row["status"] in ("preliminary", "final", "revised", "unknown")
        assert re.fullmatch(r"\d{4}(-\d\d-\d\d)?", row["period"])


def test_excluded_places_say_why_and_of_which_document() -> None:
    documents = {row["document"] for row in table(YEARBOOK / "editions.csv")}
    rows = table(YEARBOOK / "maps" / "excluded_places.csv")
    assert len({(row["document"], row["place"]) for row in rows}) == len(rows)
    for row in rows:
        assert row["document"] in documents, row
        assert row["reason"], row


def test_corrections_still_match_a_printed_value() -> None:
    document = yaml.safe_load((YEARBOOK / "corrections.yml").read_text(encoding="utf-8"))
    entries = document["corrections"]
    assert len({entry["id"] for entry in entries}) == len(entries)
    for entry in entries:
        hits = [
            row
            for row in facts()
            if (row["document"], row["edition"]) == (entry["document"], entry["edition"])
            and (found := mapped(row)) is not None
            and entry["indicator_id"] in ("*", found["indicator_id"])
            and found["scope"] == entry["scope"]
            and row["period"] == str(entry["year"])
            and entry["expected_value"] in ("*", row["value"])
        ]
        if entry["indicator_id"] == "*":  # a whole row of the table
            assert len({row["indicator"] for row in hits}) > 5, entry["id"]
        else:
            assert len(hits) == (23 if entry["place_code"] == "*" else 1), entry["id"]
        assert entry["action"] in ("exclude", "set_unit", "set_value", "set_place")
        assert entry["reason"] and entry["evidence"]


def test_anomalies_point_at_printed_editions() -> None:
    editions = {(row["document"], row["edition"]) for row in facts()}
    for row in table(YEARBOOK / "anomalies.csv"):
        assert (row["document"], row["edition"]) in editions, row
        assert row["indicator_id"] in indicators(), row


def test_committed_files_stay_small_and_name_no_machine() -> None:
    files = [path for path in YEARBOOK.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 5 * 2**20
    assert max(path.stat().st_size for path in files) < 2.5e6
    for path in files:
        assert not re.search(r"/(work|home|root|Users)/", path.read_text(encoding="utf-8")), path


# ------------------------------------------------------------------ acceptance values
@pytest.mark.parametrize(
    ("document", "edition", "header", "year", "expected"),
    [
        ("china_city_yearbook", "2022", "2-7 地区生产总值 | 地区生产总值（", 2021, "68089"),
        ("guangdong_yearbook", "2024", "gdp", 2021, "68199.98"),
        ("guangdong_yearbook", "2024", "population", 2021, "6123.45"),
        ("china_city_yearbook", "2019", "地区生产总值 | 地区生产总值(当年", 2018, "551378"),
        ("guangdong_yearbook", "2024", "gdp", 2018, "53602.31"),
    ],
)
def test_nine_city_totals(
    document: str, edition: str, header: str, year: int, expected: str
) -> None:
    computed = total(document, edition, header, year, NINE_CITIES)
    if edition == "2019":  # printed in 万元; 55137.8 亿元
        computed = computed / 1000
    assert computed.quantize(Decimal(expected)) == Decimal(expected)


def test_twenty_one_cities_2021() -> None:
    places = {
        row["place"].removesuffix("市")
        for row in facts()
        if row["document"] == "gd_preliminary_gdp"
    }
    assert len(places) == 21
    header = "2-7 地区生产总值 | 地区生产总值（"
    assert total("china_city_yearbook", "2022", header, 2021, tuple(places)) == 124369


def test_a_damaged_cell_stays_as_printed() -> None:
    (row,) = [
        row
        for row in facts()
        if row["edition"] == "2007"
        and row["place"] == "信宜市"
        and "年末总人口" in row["indicator"]
    ]
    assert row["value"] == "130．O"


def test_three_shares_under_one_name_are_told_apart_as_their_neighbours_print_them() -> None:
    """Edition 2010 heads all three industries 第一产业: of all orders of its columns ours must be
    the one that lies nearest to editions 2009 and 2011, which name them."""
    shares: dict[tuple[str, str], dict[str, Decimal]] = {}
    for row in facts():
        to = mapped(row)
        if (
            row["document"] == "china_city_yearbook"
            and to
            and to["indicator_id"].endswith("_share")
        ):
            place = re.sub(r"^[0-9]+\.|\s|市$", "", row["place"])
            held = shares.setdefault((row["edition"], place), {})
            held[to["indicator_id"]] = Decimal(row["value"])
    ours = {place: held for (edition, place), held in shares.items() if edition == "2010"}
    assert len(ours) == 23
    assert all(abs(sum(held.values()) - 100) <= Decimal("0.3") for held in ours.values())
    names = ("primary_share", "secondary_share", "tertiary_share")
    for edition in ("2009", "2011"):
        away = {
            order: sum(
                abs(held[name] - shares[edition, place][other])
                for place, held in ours.items()
                for name, other in zip(names, order, strict=True)
            )
            for order in permutations(names)
        }
        assert min(away, key=lambda order: away[order]) == names, edition


# ------------------------------------------------------------------ the command itself
@pytest.mark.parametrize(
    ("header", "scope"),
    [
        ("人口 | 年末总人口(万人) | 全 市", "全 市"),
        ("人口 | 年末总人口(万人) | 全巿", "全巿"),
        ("对外经济贸易 | 货物出口额 (万元) | 市辖区", "市辖区"),
        ("2-13 对外经济贸易(全市)（万元） | 货物出口额 (万元)", "全市"),
        ("综合经济（一） | 国内生产总值（万元） | 地区 | 万元", "地区"),
        ("城市地区生产总值 | 地区生产总值(万元) Gross Regional Product", ""),
    ],
)
def test_printed_scope(header: str, scope: str) -> None:
    assert printed_scope(header) == scope


def test_column_letters() -> None:
    assert [column_letters(n) for n in (1, 26, 27, 52, 53, 703)] == [
        "A", "Z", "AA", "AZ", "BA", "AAA",
    ]  # fmt: skip


def test_originals_give_the_committed_bytes(originals: Path, tmp_path: Path) -> None:
    report = transcribe(originals, tmp_path)
    made = tmp_path / "yearbook" / "transcriptions"
    committed = YEARBOOK / "transcriptions"
    names = {path.relative_to(committed) for path in committed.rglob("*.csv")}
    assert names == {path.relative_to(made) for path in made.rglob("*.csv")}
    for name in sorted(names):
        assert (made / name).read_bytes() == (committed / name).read_bytes(), name
    assert "china_city_yearbook: 12306 of 12306 values equal their raw cell" in report
