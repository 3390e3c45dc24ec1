"""Every originals' value that an earlier reader listed is reproduced from the file, cell by cell.

The lists were made by other code (openpyxl, hand-checked rows) from the same files: an independent
answer to what stands in which cell.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from yearbook_maps import SETTINGS, known_maps

from pipelines.archive import acquire, guards
from pipelines.archive.offers import HEAD_BYTES, Offer
from pipelines.archive.store import Snapshot, sha256_of
from pipelines.errors import Reject
from pipelines.settings import Settings
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
    return load(sorted(path for pattern in FOLDERS for path in folder.glob(pattern)))


def load(paths: Iterable[Path]) -> Loaded:
    held: dict[str, list[Snapshot]] = {}
    for path in paths:
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


# An indicator of the lists -> ours. Where there are two, the edition prints two bases.
MEANS = {
    "average_wage_onpost": "average_wage",
    "exports": "exports|exports_usd",
    "fdi_actually_utilised": "fdi_usd",
    "gdp": "gdp",
    "gdp_growth_rate": "gdp_growth_real",
    "gdp_per_capita": "gdp_per_capita|gdp_per_capita_registered",
    "general_budget_expenditure": "budget_expenditure",
    "general_budget_revenue": "budget_revenue",
    "green_coverage_builtup_districts": "green_coverage_districts",
    "high_tech_enterprises_national": "high_tech_enterprises",
    "imports": "imports|imports_usd",
    "industrial_output_above_designated_size": "industrial_output_above_scale",
    "population_registered_yearend": "population_registered",
    "population_resident_yearend": "population_resident",
    "primary_va_growth_rate": "primary_growth_real",
    "rd_expenditure_internal": "rd_expenditure_city_yearbook",
    "rd_personnel": "rd_personnel_city_yearbook",
    "retail_sales_consumer_goods": "retail_sales",
    "secondary_va_growth_rate": "secondary_growth_real",
    "tertiary_va_growth_rate": "tertiary_growth_real",
    "urbanization_rate": "urbanisation_rate_year_end",
}
UNITS = {
    "元": "cny_per_capita", "万元": "cny_10k", "亿元": "cny_100m", "万美元": "usd_10k", "%": "pct",
    "平方公里": "km2", "公顷": "hectare", "件": "count", "个": "count", "人": "person",
    "万人": "person_10k",
}  # fmt: skip
# (edition, what, the list's, ours) -> cells; sources/yearbook/README.md says why ours is right.
DIFFERENCES = Counter(
    {
        ("2002", "scope", "whole_city", "excluding_counties"): 46,
        ("2016", "place", "440183", "440118"): 7,
        ("2016", "place", "440184", "440117"): 7,
        ("2017", "place", "440183", "440118"): 7,
        ("2017", "place", "440184", "440117"): 7,
        ("2018", "unit", "人", "person_10k"): 20,
    }
)
PORTAL = {
    "gdp": "gdp",
    "population_yearend": "population_resident",
    "employed_persons": "employment",
    "employment": "employment",
}
Fact = tuple[str, ...]


def differences(rows: pl.DataFrame, wanted: list[dict[str, str]]) -> Counter[Fact]:
    """What a list and our rows say differently of a cell; a cell with another text is `lost`."""
    held: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows.with_columns(pl.col("locator").str.split("!").list.last()).iter_rows(
        named=True
    ):
        held[row["edition"], row["locator"]].append(row)
    found: Counter[Fact] = Counter()
    for row in wanted:
        cell = f"{column_letters(int(row['source_col']))}{row['source_row']}"
        means = MEANS.get(row["indicator"], row["indicator"]).split("|")
        ours = [
            own
            for own in held[row["edition"], cell]
            if own["value"].strip() == row["value_raw"].strip() and own["indicator_id"] in means
        ]
        if not ours:
            found[row["edition"], "lost", cell, row["value_raw"]] += 1
            continue
        own = ours[0]
        said = {
            "place": (row["city_code"], own["place_code"]),
            "scope": (row.get("scope", "county"), own["scope"]),
            "year": (row["data_year"], own["period"]),
        }
        for what, (listed_as, ours_is) in said.items():
            if listed_as != ours_is:
                found[row["edition"], what, listed_as, ours_is] += 1
        if UNITS[row["unit"]] != own["unit_id"]:
            found[row["edition"], "unit", row["unit"], own["unit_id"]] += 1
        if row["value_num"]:
            assert float(own["number"]) == pytest.approx(float(row["value_num"]), rel=1e-12)
        else:
            assert own["number"] is None
    return found


def rebuilt(raw_rows: Path) -> bytes:
    """A workbook again from the rows that were kept of its sheet and the merged cells of its head,
    each at its place: what a whole workbook of that edition looks like to the reader."""
    book = openpyxl.Workbook()
    page = book.active
    for cells in csv.reader(raw_rows.open(encoding="utf-8-sig", newline="")):
        for column, text in enumerate(cells[1:] if cells[0].isdecimal() else [], start=1):
            if text:
                page.cell(int(cells[0]), column, text)
    merged = raw_rows.with_name(raw_rows.name.replace("_rows.", "_merged_header_cells."))
    for area in listed(merged):
        page.merge_cells(
            start_row=int(area["min_row"]), end_row=int(area["max_row"]),
            start_column=int(area["min_col"]), end_column=int(area["max_col"]),
        )  # fmt: skip
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_every_file_of_the_folder_is_read_or_named_with_a_reason(
    folder: Path, tmp_path: Path
) -> None:
    """Workbooks and pages are read; what lies beside them says why it is not."""
    taken, refused = acquire.offered(Settings(warehouse=tmp_path, drop=folder))
    read = {snapshot.file.removeprefix("drop/") for snapshot in taken}
    for path in folder.rglob("*"):
        if path.suffix in (".xls", ".xlsx", ".html"):
            assert path.relative_to(folder).as_posix() in read
    assert len(read) == 68
    said = Counter(one.outcome for one in refused)
    assert said == {"known_original": 18, "left_out": 35}


def test_25_editions_of_the_city_yearbook_from_the_rows_of_their_sheets(
    folder: Path, loaded: Loaded
) -> None:
    """Every listed cell: text, number, place, indicator, unit, scope and year."""
    found: Counter[Fact] = Counter()
    for kind, cells in (("prefecture", 9029), ("county_city", 3277)):
        wanted = listed(folder / "china_city_yearbook" / f"{kind}_core_indicators_long.csv")
        assert len(wanted) == cells
        own = loaded[0].filter(
            pl.col("file").str.contains(kind), pl.col("source_kind") == "transcription"
        )
        found += differences(own, wanted)
    assert found == DIFFERENCES


def test_25_editions_of_the_city_yearbook_as_whole_workbooks(folder: Path, tmp_path: Path) -> None:
    """With their merged headers instead of filled ones: no error, and nothing else is said."""
    sheets = sorted((folder / "china_city_yearbook" / "raw_rows").glob("*_prefecture_rows.csv"))
    assert len(sheets) == 25
    for sheet in sheets:
        (tmp_path / f"{sheet.stem}.xlsx").write_bytes(rebuilt(sheet))
    rows, rejects = load(sorted(tmp_path.iterdir()))
    assert [r.message() for r in rejects if r.severity == "error"] == []
    wanted = listed(folder / "china_city_yearbook" / "prefecture_core_indicators_long.csv")
    scope = ("2002", "scope", "whole_city", "excluding_counties")
    assert differences(rows, wanted) == {scope: DIFFERENCES[scope]}


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
    assert differences(own, wanted) == Counter()
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
        assert own["indicator_id"] == PORTAL[row["indicator"]]
        if row["value_num"]:
            assert float(own["number"]) == pytest.approx(float(row["value_num"]), rel=1e-9)
        else:
            assert own["number"] is None


def test_the_preliminary_page_and_the_exports(folder: Path, loaded: Loaded) -> None:
    """These lists name no cell: place, year, indicator, unit and value must be the same."""
    page = listed(folder / "stats_gd_gov_cn" / "post_4854894_2025_city_gdp_preliminary_long.csv")
    export = listed(folder / "nbs_export" / "nbs_major_city_gdp_long.csv")
    for document, wanted, code, cells in (
        ("gd_preliminary_gdp", page, "area_code", 168),
        ("nbs_major_city_export", export, "city_code", 72),
    ):
        rows = loaded[0].filter(pl.col("document") == document, pl.col("source_kind") == "original")
        found = Counter(
            (place, period, indicator, unit, float(number))
            for place, period, indicator, unit, number in rows.select(
                "place_code", "period", "indicator_id", "unit_id", "number"
            ).iter_rows()
            if number is not None
        )
        asked = Counter(
            (
                row[code], row["data_year"], MEANS.get(row["indicator"], row["indicator"]),
                UNITS[row["unit"]], float(row["value"]),
            )
            for row in wanted
            if row["value"]
        )  # fmt: skip
        assert asked.total() == cells
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
