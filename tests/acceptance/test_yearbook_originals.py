"""Every originals' value that an earlier reader listed is reproduced from the file, cell by cell.

The lists were made by other code (openpyxl, hand-checked rows) from the same files: an independent
answer to what stands in which cell.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from yearbook_maps import SETTINGS, known_maps

from pipelines.archive import acquire, guards
from pipelines.archive.offers import HEAD_BYTES, Offer
from pipelines.archive.store import Snapshot, sha256_of
from pipelines.errors import Reject
from pipelines.yearbook import maps, recognise
from pipelines.yearbook.workbook import column_letters

FOLDERS = (
    "china_city_yearbook/layout_samples/*.xlsx", "china_city_yearbook/raw_rows/*_rows.csv",
    "gba_portal/*.xls", "nbs_export/*.xls", "stats_gd_gov_cn/*.html",
)  # fmt: skip
Loaded = tuple[pl.DataFrame, list[Reject]]


@pytest.fixture(scope="module")
def folder(originals: Path) -> Path:
    return originals / "data" / "yearbook"


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Loaded:
    """Observations of everything in the folder that a reader takes, without the transcriptions."""
    held: dict[str, list[Snapshot]] = {}
    for path in sorted(path for pattern in FOLDERS for path in folder.glob(pattern)):
        media = guards.inspect(path.parent, path)
        offer = Offer(path.name, path, media, path.read_bytes()[:HEAD_BYTES])
        found = recognise.recognise(offer, SETTINGS.sources)
        assert found, f"{path.name}: nobody claims it"
        for claim in found:
            slice_ = acquire.slice_name(claim.document, claim.edition)
            held.setdefault(slice_, []).append(
                Snapshot(
                    f"{path.name}", claim.source, claim.document, claim.edition, slice_, path.name,
                    sha256_of(path), path.stat().st_size, claim.source_kind, path, claim.reader,
                )
            )  # fmt: skip
    return maps.observations(held, known_maps())


def listed(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def test_nothing_in_the_folder_of_originals_is_an_error(loaded: Loaded) -> None:
    errors = [r.message() for r in loaded[1] if r.severity == "error"]
    assert not errors, errors[:5]
    # Whoever held a workbook before now holds 14,520 values of it.
    assert loaded[0].height > 14_000


def names() -> dict[str, set[str]]:
    """Printed name -> every code that ever had it."""
    held: dict[str, set[str]] = {}
    for code, name in known_maps().divisions.select("place_code", "place_name_zh").iter_rows():
        held.setdefault(name, set()).add(code)
    # Editions 2016 and 2017 keep the old names. The list keeps the old codes too; ours are those
    # of 2015, when both were districts, and they are right.
    held["增城市"].add("440118")
    held["从化市"].add("440117")
    return held


def not_reproduced(
    rows: pl.DataFrame, wanted: list[dict[str, str]], value: str = "value_raw"
) -> list[tuple[str, ...]]:
    """Listed cells that our rows do not hold with the same text for the same place."""
    found = set(
        rows.filter(pl.col("indicator_id").is_not_null())
        .select(
            "edition",
            pl.col("locator").str.split("!").list.last(),
            pl.col("value").str.strip_chars(),
            "place_code",
        )
        .iter_rows()
    )
    known = names()
    missing = []
    for row in wanted:
        cell = f"{column_letters(int(row['source_col']))}{row['source_row']}"
        text = row[value].strip()
        codes = {row["city_code"]} | known.get(row["city_name"], set())
        if not any((row["edition"], cell, text, code) in found for code in codes):
            missing.append((row["edition"], cell, text, row["city_name"]))
    return missing


@pytest.mark.parametrize(("kind", "cells"), [("prefecture", 9029), ("county_city", 3277)])
def test_25_editions_of_the_city_yearbook_from_the_rows_of_their_sheets(
    kind: str, cells: int, folder: Path, loaded: Loaded
) -> None:
    wanted = listed(folder / "china_city_yearbook" / f"{kind}_core_indicators_long.csv")
    assert len(wanted) == cells
    rows = loaded[0].filter(pl.col("source_kind") == "transcription")
    assert not_reproduced(rows, wanted) == []


@pytest.mark.parametrize(
    ("file", "kind", "edition", "cells"),
    [
        ("2010_prefecture_original.xlsx", "prefecture", "2010", 366),
        ("2023_county_city_original.xlsx", "county_city", "2023", 160),
    ],
)
def test_whole_workbooks_of_the_city_yearbook(
    file: str, kind: str, edition: str, cells: int, folder: Path, loaded: Loaded
) -> None:
    wanted = [
        row
        for row in listed(folder / "china_city_yearbook" / f"{kind}_core_indicators_long.csv")
        if row["edition"] == edition
    ]
    assert len(wanted) == cells
    own = loaded[0].filter(pl.col("file") == file)
    assert not_reproduced(own, wanted) == []
    assert own["source_kind"].unique().to_list() == ["mirror"]


def test_the_portal_of_the_greater_bay_area(folder: Path, loaded: Loaded) -> None:
    """Three of its four workbooks are held; GDP per head is a list only."""
    files = {
        "gdp": "gba_gdp.xls",
        "population_yearend": "gba_population.xls",
        "employed_persons": "gba_employment.xls",
        "employment": "gba_employment.xls",
    }
    wanted = [
        row
        for row in listed(folder / "gba_portal" / "gba_cities_1999_2024_long.csv")
        if row["indicator"] in files and row["city_code"].startswith("44")
    ]
    assert len(wanted) == 693
    rows = {
        (row["file"], row["locator"].rpartition("!")[2]): row
        for row in loaded[0].filter(pl.col("document") == "gba_portal").to_dicts()
    }
    for row in wanted:
        cell = f"{column_letters(int(row['source_col']))}{row['source_row']}"
        own = rows[files[row["indicator"]], cell]
        assert (own["place_code"], own["period"]) == (row["city_code"], row["data_year"])
        if row["value_num"]:
            assert float(own["number"]) == pytest.approx(float(row["value_num"]), rel=1e-9)
        else:
            assert own["number"] is None


def test_the_preliminary_page_and_the_exports(folder: Path, loaded: Loaded) -> None:
    """These lists name no cell: place, year, indicator and value must be the same."""
    page = listed(folder / "stats_gd_gov_cn" / "post_4854894_2025_city_gdp_preliminary_long.csv")
    export = listed(folder / "nbs_export" / "nbs_major_city_gdp_long.csv")
    for document, wanted, code in (
        ("gd_preliminary_gdp", page, "area_code"),
        ("nbs_major_city_export", export, "city_code"),
    ):
        rows = loaded[0].filter(pl.col("document") == document, pl.col("source_kind") == "original")
        found = Counter(
            (place, period, float(number))
            for place, period, number in rows.select("place_code", "period", "number").iter_rows()
            if number is not None
        )
        asked = Counter((r[code], r["data_year"], float(r["value"])) for r in wanted if r["value"])
        assert asked - found == Counter(), document


def test_single_tables_agree_with_the_wide_sheet(loaded: Loaded) -> None:
    """The same edition as six tables by themselves and as one sheet: no value differs."""
    rows = loaded[0].filter(pl.col("file").str.contains("_table_"))
    assert rows["superseded_by"].null_count() == rows.height
    assert rows.filter(pl.col("number").is_not_null()).height > 300
    # A disagreement beyond rounding would be an error row; there is none (first test).
    beaten = loaded[0].filter(
        pl.col("superseded_by").is_in(rows["fact_id"].implode()),
        pl.col("source_kind") == "transcription",
    )
    assert beaten.height > 150
