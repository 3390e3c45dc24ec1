"""Daily archives of other sites: their layouts, and the gate before columns that lie."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from expectations import air_city_day as suite
from pipelines.archive.guards import inspect
from pipelines.archive.offers import HEAD_BYTES, Offer
from pipelines.archive.store import Snapshot
from pipelines.environment import air, cells
from pipelines.environment.recognise import recognise
from pipelines.errors import Reject
from pipelines.geography.divisions import read_aliases, read_divisions
from pipelines.settings import Settings

SOURCES = Settings().sources
CONTEXT = cells.read_context(
    SOURCES,
    read_divisions(SOURCES, lambda file: file)[0],
    read_aliases(SOURCES, lambda file: file)[0],
)
# name of the file, its text, document, (pm25, pm10, no2, co, 8-hour ozone, other ozone, index, mean
# of hourly indices) of the first day
LAYOUTS = {
    "official index": (
        "广州.csv",
        '"日期","AQI","AQI级别","PM2.5","PM10","SO2","CO","NO2","O3_8h","排名"\n'
        '2016-01-01,88,"良",65,93,13,1.2,58,65,107\n',
        "aqistudy_37cities_2013_2017", (65, 93, 58, 1.2, 65, None, 88, None),
    ),
    "index is a mean of hours": (
        "x.csv",
        "\ufeff广州,2016-01-01,80,77~85,良,65.2,94.1,29.1,1.28,81.1,156,22\n",
        "aqistudy_cities_2013_2017", (65.2, 94.1, 81.1, 1.28, None, 156, None, 80),
    ),
    "means of hours": (
        "x.csv",
        "city,date,AQI,CO,NO2,O3,PM10,PM2.5,SO2\n"
        "广州,2022-01-01,64.083333333333,0.4583,49.458333333333336,36.291,77.54,44.0,9.08\n",
        "quotsoft_city_means", (44.0, 77.54, 49.4583333333, None, None, 36.291, None,
                                64.083333333333),
    ),
    "no header, city in the name": (
        "guangzhou_2013_2019.csv",
        "0,2019-12-01,良,65,254,39,80,13,56,0.96,44\n",
        "tianqihoubao_daily", (39, 80, 56, 0.96, None, None, None, 65),
    ),
}  # fmt: skip


def rows_of(path: Path) -> tuple[pl.DataFrame, list[Reject]]:
    """The file as the refresh reads it: recognised, then read under its first claim."""
    offer = Offer(path.name, path, inspect(path.parent, path), path.read_bytes()[:HEAD_BYTES])
    claim = recognise(offer, SOURCES)[0]
    slice_ = f"{claim.document}--{claim.edition}"
    snapshot = Snapshot(
        "snap", claim.source, claim.document, claim.edition, slice_, f"drop/{path.name}", "0" * 64,
        1, claim.source_kind, path, claim.reader,
    )  # fmt: skip
    return air.air_rows([snapshot], slice_, CONTEXT)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_known_and_each_column_means_what_it_is(layout: str, tmp_path: Path) -> None:
    name, text, document, expected = LAYOUTS[layout]
    (tmp_path / name).write_text(text, "utf-8")
    frame, rejects = rows_of(tmp_path / name)
    assert rejects == []
    row = frame.row(0, named=True)
    assert (row["document"], row["place_code"], row["quarantined"]) == (document, "440100", None)
    other = row["o3_1h_max_ugm3"] if row["o3_24h_ugm3"] is None else row["o3_24h_ugm3"]
    found = (
        *(row[c] for c in ("pm25_ugm3", "pm10_ugm3", "no2_ugm3", "co_mgm3", "o3_8h_ugm3")),
        other, row["aqi_published"], row["aqi_mean_of_hours"],
    )  # fmt: skip
    assert [None if v is None else pytest.approx(float(v), abs=1e-9) for v in found] == list(
        expected
    )


def test_each_year_is_an_edition_and_a_bad_line_is_a_reject(tmp_path: Path) -> None:
    path = tmp_path / "广州.csv"
    header, day = LAYOUTS["official index"][1].splitlines()
    lines = [header, day, day.replace("2016", "2015"), "2015-01-02,1,2"]
    path.write_text("\n".join(lines), "utf-8")
    offer = Offer(path.name, path, "text", path.read_bytes())
    assert [claim.edition for claim in recognise(offer, SOURCES)] == ["2015", "2016"]
    frame, rejects = rows_of(path)
    assert frame["observed_on"].drop_nulls().dt.year().to_list() == [2015]
    assert [(r.locator, r.reason) for r in rejects] == [("L4:date", "the date cannot be read")]


# Real specimens in small: a header that is wrong by one, and sub-indices of another agency.
SHIFTED = "日期,质量等级,AQI,PM2.5,PM10,SO2,NO2,CO,O3,城市\n" + "".join(
    f"2025-01-{day:02d},良,71,{120 + day},52,80,47,8,0.86,广州\n" for day in range(1, 31)
)
SUB_INDICES = "date, pm25, pm10, o3, no2, so2, co\n" + "".join(
    f"2021/1/{day}, {80 + day}, 25, 38, 9, 2, 7\n" for day in range(1, 31)
)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("广州.csv", SHIFTED, "PM2.5 lies above the index printed beside it on 30 of 30 days"),
        ("guangzhou-air-quality.csv", SUB_INDICES, "PM2.5 lies above PM10"),
    ],
)
def test_columns_that_lie_are_set_aside_with_their_text(
    name: str, text: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    frame, rejects = rows_of(tmp_path / name)
    assert frame.height == 30
    assert all(frame[c].null_count() == 30 for c in air.CONCENTRATIONS.values())
    assert why in frame["quarantined"][0]
    assert frame["raw_text"].null_count() == 0
    assert [(r.severity, r.reason.startswith("all concentrations")) for r in rejects] == [
        ("warning", True)
    ]


def test_a_gate_judges_no_single_days(tmp_path: Path) -> None:
    """On a clean and humid day the two instruments may say PM2.5 above PM10."""
    path = tmp_path / "guangzhou-air-quality.csv"
    path.write_text("\n".join(SUB_INDICES.splitlines()[:5]), "utf-8")
    assert rows_of(path)[0]["quarantined"].null_count() == 4


@pytest.mark.parametrize(
    ("column", "value"), [("pm25_ugm3", 90), ("co_mgm3", 8), ("aqi_published", 30)]
)
def test_the_expectation_stops_what_the_gate_would_let_pass(column: str, value: int) -> None:
    rule = next(r for r in suite.SUITE.rules if r.rule_id == "columns_hold_what_they_head")
    sound = {"pm25_ugm3": 40, "pm10_ugm3": 60, "co_mgm3": 1, "aqi_published": 56,
             "aqi_mean_of_hours": None, "slice": "s", "snapshot_id": "f"}  # fmt: skip
    for row, broken in ((sound, 0), ({**sound, column: value}, 1)):
        days = pl.DataFrame([row] * 30).with_columns(pl.col("aqi_mean_of_hours").cast(pl.Int64))
        with duckdb.connect() as connection:
            connection.register("days", days)
            found = connection.execute(rule.sql.replace("{batch}", "days")).fetchall()
        assert len(found) == broken
