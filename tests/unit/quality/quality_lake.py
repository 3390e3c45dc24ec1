"""A tiny clean lake that passes every rule, as rows per table, and its Parquet."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import contract
from pipelines.settings import Settings

CONTRACT = contract.load(Settings().contract)
Rows = dict[str, list[dict[str, Any]]]

PAPER9 = {
    "440100": "广州市",
    "440400": "珠海市",
    "440600": "佛山市",
    "440700": "江门市",
    "441200": "肇庆市",
    "441800": "清远市",
    "441900": "东莞市",
    "442000": "中山市",
    "445300": "云浮市",
}
OTHERS = {
    "440200": "韶关市",
    "440300": "深圳市",
    "440500": "汕头市",
    "440800": "湛江市",
    "440900": "茂名市",
    "441300": "惠州市",
    "441400": "梅州市",
    "441500": "汕尾市",
    "441600": "河源市",
    "441700": "阳江市",
    "445100": "潮州市",
    "445200": "揭阳市",
}
CITIES = PAPER9 | OTHERS
YEARBOOK, CENSUS = "yearbook--2022", "census--2020"


FIGURE: dict[str, Any] = {
    "document": "yearbook",
    "locator": "L1",
    "place_code": "440100",
    "indicator_id": "gdp",
    "unit_id": "yi_yuan",
    "period_basis": "printed",
    "decimals": 0,
    "comparator": "=",
}


def observation(
    fact_id: str, place: str, indicator: str, value: str, unit: str = "yi_yuan", /, **more: Any
) -> dict[str, Any]:
    """One printed value of 2021 in the 2022 yearbook, whole city, unless `more` says otherwise."""
    row = {
        "fact_id": fact_id,
        "snapshot_id": "snap1",
        "locator": f"t1!{fact_id}",
        "read_locator": f"L{fact_id}",
        "source_kind": "transcription",
        "source_id": "yearbook",
        "document": "yearbook",
        "edition": "2022",
        "published_on": date(2022, 12, 31),
        "published_on_precision": "assumed",
        "slice": YEARBOOK,
        "place_raw": CITIES.get(place, place),
        "indicator_raw": indicator,
        "unit_raw": unit,
        "period_type": "year",
        "period_start": date(2021, 1, 1),
        "period_end": date(2021, 12, 31),
        "value_text": value,
        "value": Decimal(value),
        "decimals": len(value.partition(".")[2]),
        "status": "final",
        "scope": "whole_city",
        "place_code": place,
        "indicator_id": indicator,
        "unit_id": unit,
    }
    return row | more


def census(fact_id: str, indicator: str, value: str) -> dict[str, Any]:
    return observation(
        fact_id,
        "440100",
        indicator,
        value,
        "person",
        document="census",
        edition="2020",
        slice=CENSUS,
        period_type="moment",
        period_start=date(2020, 11, 1),
        period_end=date(2020, 11, 1),
        published_on=date(2020, 12, 31),
    )


def _observations() -> list[dict[str, Any]]:
    cities = [observation(f"gdp{code}", code, "gdp", "100.5") for code in CITIES]
    return [
        *cities,
        observation("gdp440000", "440000", "gdp", "2110.5", scope="province"),
        observation("gdpd", "440100", "gdp", "90.0", scope="districts"),
        observation("s1", "440100", "primary_share", "1.1", "percent"),
        observation("s2", "440100", "secondary_share", "27.3", "percent"),
        observation("s3", "440100", "tertiary_share", "71.6", "percent"),
        observation("growth", "440100", "gdp_growth", "8.1", "percent"),
        observation("old", "440100", "gdp", "100.5", superseded_by="gdp440100"),
        observation("pop", "440100", "population_resident", "1881.06", "wan_person"),
        observation(
            "none", "440100", "retail_sales", "0", value=None, null_mark="—", decimals=None
        ),
        census("c1", "population_census_urban", "16000000"),
        census("c2", "population_census_rural", "2676605"),
        census("c3", "population_census", "18676605"),
    ]


def _rail() -> Rows:
    """A night train from 广州 to 深圳 on a Wednesday: it passes midnight on its way."""
    held = {"timetable": "timetable", "edition": "2024-04-17"}
    date_ = held | {"service_date": date(2024, 4, 17)}
    night = held | {"train_no": "6500000K1230"}
    week = ("2024-04-17", "workday"), ("2024-04-20", "weekend"), ("2024-05-01", "public_holiday")
    station = {"valid_from": date(2023, 4, 26)}
    pair = {
        "origin_code": "440100",
        "destination_code": "440300",
        "direct_trains": 1,
        "gdc_trains": 0,
        "first_departure_minute": 1400,
        "last_departure_minute": 1400,
        "fastest_minutes": 120,
        "median_minutes": 120.0,
        "origin_stations": 1,
        "destination_stations": 1,
    }
    listed = {"document": "timetable", "edition": "undated", "listed_on": date(2024, 3, 4)}
    listed |= {"snapshot_id": "snap6"}
    return {
        "rail_day_type": [
            {"service_date": date.fromisoformat(day), "day_type": kind, "source": "x"}
            for day, kind in week
        ],
        "rail_day": [
            date_
            | {"base_date": date(2024, 4, 10), "window_first": date(2024, 4, 10)}
            | {"window_last": date(2024, 5, 10), "trains": 10178}
            | {"trains_skipping_only": 4, "trains_unreadable": 0, "is_gap_day": False}
            | {"trains_touching_guangdong": 2000, "trains_boarding_guangdong": 2100}
        ],
        "rail_station": [
            station
            | {"telecode": "GZQ", "station_name_zh": "广州", "place_code": "440100"}
            | {"city_code_12306": "1502"},
            station
            | {"telecode": "SZQ", "station_name_zh": "深圳", "place_code": "440300"}
            | {"city_code_12306": "1505"},
        ],
        "rail_city": [
            {"city_code_12306": code, "city_name_12306": name, "place_code": place}
            | {"place_level": "prefecture", "is_division": True, "basis": "its name"}
            for code, name, place in (("1502", "广州", "440100"), ("1505", "深圳", "440300"))
        ],
        "rail_pair_day": [date_ | {"place_level": "prefecture"} | pair],
        "rail_city_pair_day_national": [
            {"timetable": "timetable", "service_date": date(2024, 4, 17), "is_gap_day": False}
            | pair
        ],
        "rail_listed_train": [
            listed
            | {"locator": "L1", "form": "board", "board_station": "广州", "board_role": "passing"}
            | {"code": "K123", "depart_minute": 1400, "touches_guangdong": True}
        ],
        "rail_listed_pair": [
            listed
            | {"origin_code": "440100", "destination_code": "440300"}
            | {"listed_trains": 2, "stop_lists": 1, "station_pairs": 3}
        ],
        "rail_train": [
            night
            | {"codes": "K123", "train_class": "K", "calendar": "", "origin_minute": 1400}
            | {"total_minutes": 120, "stops_total": 2}
        ],
        "rail_service": [night | {"start_date": date(2024, 4, 17)}],
        "rail_stop_time": [
            night
            | {"stop_seq": 1, "telecode": "GZQ", "place_code": "440100"}
            | {"depart_minutes": 0, "depart_day": 0},
            night
            | {"stop_seq": 2, "telecode": "SZQ", "place_code": "440300"}
            | {"arrive_minutes": 120, "arrive_day": 1},
        ],
    }


BULLETIN, DAILY = "bulletin--2021-12", "days--2016"


def printed(measure: str, place: str, value: str, /, **more: Any) -> dict[str, Any]:
    """One printed value of a bulletin of December 2021."""
    row = {
        "fact_id": f"{measure}{place}",
        "snapshot_id": "snap2",
        "locator": "L1:r1c1",
        "source_kind": "transcription",
        "document": "bulletin",
        "edition": "2021-12",
        "slice": BULLETIN,
        "place_code": place,
        "measure": measure,
        "period_start": date(2021, 12, 1),
        "period_end": date(2021, 12, 31),
        "value": Decimal(value),
        "decimals": len(value.partition(".")[2]),
        "network": "national_14fyp",
    }
    return row | more


def day(number: int, /, **more: Any) -> dict[str, Any]:
    """One clean day of Guangzhou."""
    row = {
        "fact_id": f"day{number}",
        "snapshot_id": "snap3",
        "locator": f"L{number}",
        "source_kind": "mirror",
        "document": "days",
        "edition": "2016",
        "slice": DAILY,
        "place_code": "440100",
        "observed_on": date(2016, 1, number),
        "aqi_published": 50,
        "grade_raw": "优",
        "pm25_ugm3": Decimal(35),
        "pm10_ugm3": Decimal(40),
        "o3_8h_ugm3": Decimal(60),
        "o3_1h_max_ugm3": Decimal(70),
        "network": "national_13fyp",
    }
    return row | more


HOURS = "hours--2020"


def hour(number: int, /, **more: Any) -> dict[str, Any]:
    """One clean hour of a station in Guangzhou."""
    row = {
        "snapshot_id": "snap4",
        "part": "",
        "record": number,
        "source_kind": "mirror",
        "document": "hours",
        "edition": "2020",
        "slice": HOURS,
        "grain": "station",
        "place_raw": "广州市",
        "place_code": "440100",
        "station_code": "1345A",
        "station_name": "麓湖",
        "observed_on": date(2020, 4, 2),
        "hour": number,
        "aqi_published": 50,
        "pm25_ugm3": 35.0,
        "pm10_ugm3": 40.0,
        "co_mgm3": 0.9,
        "o3_1h_ugm3": 60.0,
        "o3_1h_max_ugm3": 70.0,
        "network": "national_13fyp",
    }
    return row | more


def _air() -> Rows:
    validity = {"valid_from": date(2016, 1, 1), "valid_to": date(2025, 12, 31)}
    points = ((0, 0), (50, 35), (500, 500))
    line = {"standard": "HJ", "report": "daily", "pollutant": "pm25"}
    divisor = {"standard": "rule", "purpose": "composite_index", "averaging": "year"}
    return {
        "bulletin_city_period": [
            *(printed("aqi_rate_pct", code, "96.8") for code in CITIES),
            *(printed("aqi_rank", code, "1") for code in CITIES),
        ],
        "air_city_day": [day(1), day(2)],
        "air_station_hour": [hour(1), hour(2)],
        "water_section_reading": [
            {
                "snapshot_id": "snap5",
                "record": record,
                "item": "ph",
                "source_kind": "mirror",
                "section_raw": "断面",
                "slice": "water--2026",
                "class_published": 2,
                "hour": 20,
                "place_code": "440100",
            }
            for record in (1, 2)
        ],
        "air_breakpoint": [
            line | validity | {"iaqi": index, "concentration": Decimal(value)}
            for index, value in points
        ],
        "air_limit": [
            divisor | validity | {"pollutant": name, "limit_value": Decimal(35)}
            for name in ("pm25", "pm10", "so2", "no2", "co", "o3_8h")
        ],
    }


def clean() -> Rows:
    """Rows of every extract table; columns left out are null."""
    spot = {"snapshot_id": "snap0", "locator": "L1"}
    ratio = {"unit": "%", "aggregation": "ratio_of_sums"}
    indicators = [
        {"indicator_id": "gdp", "unit": "亿元", "aggregation": "sum"},
        {"indicator_id": "retail_sales", "unit": "亿元", "aggregation": "sum"},
        {"indicator_id": "population_resident", "unit": "万人", "aggregation": "sum"},
        {"indicator_id": "population_census", "unit": "人", "aggregation": "sum"},
        {"indicator_id": "population_census_urban", "unit": "万人", "aggregation": "sum"},
        {"indicator_id": "population_census_rural", "unit": "万人", "aggregation": "sum"},
        {"indicator_id": "gdp_growth", "unit": "%", "aggregation": "chain", "weight": "gdp"},
        {"indicator_id": "primary_share", "unit": "%", "aggregation": "recompute"},
        {"indicator_id": "secondary_share", "unit": "%", "aggregation": "recompute"},
        {"indicator_id": "tertiary_share", "unit": "%", "aggregation": "recompute"},
        {"indicator_id": "gdp_share", "numerator": "gdp", "denominator": "gdp@province"} | ratio,
        {
            "indicator_id": "consumption_per_head",
            "unit": "亿元",
            "aggregation": "weighted_mean",
            "weight": "population_resident",
        },
    ]
    units = [
        ("yi_yuan", "亿元", "money_cny", 1e8, "亿元|100 million yuan"),
        ("person", "人", "persons", 1.0, "人"),
        ("wan_person", "万人", "persons", 1e4, "万人|10 000 persons"),
        ("percent", "%", "share", 0.01, "%|per cent"),
    ]
    members = [
        {
            "circle_id": "GZ_PAPER9",
            "member_seq": seq,
            "place_code": code,
            "member_name": name,
            "coverage": "whole",
            "weight": 1.0,
        }
        for seq, (code, name) in enumerate(PAPER9.items(), start=1)
    ]
    places = {"440000": ("广东省", "province", None)} | {
        code: (name, "prefecture", "440000") for code, name in CITIES.items()
    }
    return {
        "observation": _observations(),
        "unit": [
            dict(zip(("unit_id", "unit", "dimension", "factor", "aliases"), unit, strict=True))
            for unit in units
        ],
        "indicator": [{"name_zh": "指标", "name_en": "Indicator"} | row for row in indicators],
        "document": [
            {
                "document": document,
                "edition": edition,
                "source_id": "yearbook",
                "published_on": date(int(edition[:4]), 12, 31),
                "published_on_precision": "assumed",
                "redistribute": "facts",
            }
            for document, edition in (
                ("yearbook", "2022"),
                ("census", "2020"),
                ("bulletin", "2021-12"),
                ("days", "2016"),
                ("hours", "2020"),
            )
        ]
        + [
            {"document": "timetable", "edition": "undated", "source_id": "rail"}
            | {"redistribute": "facts"}
        ],
        "division": [
            {
                "place_code": code,
                "valid_from": date(2000, 1, 1),
                "place_name_zh": name,
                "place_level": level,
                "parent_code": parent,
            }
            | spot
            for code, (name, level, parent) in places.items()
        ],
        "circle": [
            {
                "circle_id": "GZ_PAPER9",
                "circle_name_zh": "广州都市圈",
                "circle_kind": "circle",
                "document": "000",
                "members_total": 9,
                "members_with_code": 9,
            }
            | spot
        ],
        "circle_member": [member | spot for member in members],
        "place_alias": [{"alias": "羊城", "place_code": "440100"}],
        "city_centre": [
            {
                "place_code": "440100",
                "point_kind": "seat",
                "longitude": 113.26,
                "latitude": 23.13,
                "datum": "GCJ-02",
            }
            | spot
        ],
        "division_change": [
            {
                "event_id": "e1",
                "year": 2014,
                "event_type": "merger",
                "old_codes": "440112;440116",
                "new_codes": "440112",
            }
            | spot
        ],
        **_rail(),
        **_air(),
        "printed_figure": [
            {"figure_id": f"F{number}", "value": Decimal(value), "value_text": value} | FIGURE
            for number, value in enumerate(("3", "1", "2"), start=1)
        ],
        "figure_relation": [
            {"figure_id": "F1", "input_figure_id": f"F{number}", "role": "part", "factor": 1.0}
            for number in (2, 3)
        ],
        "document_check": [
            {"check_id": "C1", "document": FIGURE["document"], "what": "sum", "status": "pass"}
            | spot
        ],
        "policy_target": [
            {
                "target_id": "T1",
                "horizon_year": 2030,
                "horizon_basis": "printed",
                "is_quantitative": True,
                "value": Decimal("5"),
                "value_text": "5",
            }
            | {k: v for k, v in FIGURE.items() if k not in ("period_basis", "decimals")}
        ],
        "named_project": [
            {
                "project_id": f"P{number}",
                "document": "yearbook",
                "name_zh": "线",
                "project_key": "line",
                "project_name_zh": "线",
            }
            | spot
            for number in (1, 2)
        ],
        "strategic_industry": [
            {
                "document": "yearbook",
                "place_code": "440100",
                "industry_seq": seq,
                "industries_of_place": 2,
                "industry_zh": "氢能",
            }
            | spot
            for seq in (1, 2)
        ],
        "cluster_city_role": [
            {
                "document": "yearbook",
                "cluster_type": "支柱",
                "cluster_seq": 1,
                "place_code": code,
                "role_seq": 1,
                "cluster_zh": "汽车",
            }
            | spot
            for code in ("440100", "440600")
        ],
        "rejects": [
            {
                "snapshot_id": "snap1",
                "locator": "t1!Z9",
                "file": "a.csv",
                "table_name": "observation",
                "slice": YEARBOOK,
                "raw_text": "广卅",
                "reason": "unknown place",
                "severity": "warning",
            }
        ],
    }


def frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=contract.polars_schema(CONTRACT.table(table)))


def write(lake: Path, rows: Rows) -> Path:
    """One Parquet per slice for the sliced tables, `all.parquet` for the others."""
    for table, held in rows.items():
        (lake / table).mkdir(parents=True, exist_ok=True)
        whole = frame(table, held)
        if "slice" not in whole.columns:
            whole.write_parquet(lake / table / "all.parquet")
            continue
        for (name,), part in whole.group_by("slice", maintain_order=True):
            part.write_parquet(lake / table / f"{name}.parquet")
    return lake
