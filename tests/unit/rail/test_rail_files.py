"""The committed files: small, and about days and stations as they were."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from pipelines.rail import stations
from pipelines.settings import Settings

FOLDER = Settings().sources / "rail"


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_embedded_dates_are_small() -> None:
    sizes = [path.stat().st_size for path in FOLDER.glob("transcriptions/*/*/*.csv")]
    assert len(sizes) == 6
    assert max(sizes) < 1_500_000 and sum(sizes) < 2_500_000


# date | type | why
DAYS = [
    ("2024-04-17", "workday", "an ordinary Wednesday"),
    ("2024-05-01", "public_holiday", "Labour Day, a Wednesday"),
    ("2024-05-04", "public_holiday", "a Saturday within the days off"),
    ("2024-04-28", "makeup_workday", "a Sunday worked in exchange"),
    ("2024-02-09", "workday", "the eve of the Spring Festival was no day off in 2024"),
    ("2024-04-20", "weekend", "a Saturday like any other"),
]


@pytest.mark.parametrize(("day", "kind", "why"), DAYS, ids=[day[2] for day in DAYS])
def test_types_of_days(day: str, kind: str, why: str) -> None:
    assert {row["date"]: row["day_type"] for row in rows("day_types.csv")}[day] == kind


# Days off as decreed: by the notice of the year, and by the next one for its last days.
HOLIDAYS = {"2021": 31, "2022": 32, "2023": 26, "2024": 28}
WORKED = {"2021": 7, "2022": 7, "2023": 7, "2024": 8}


@pytest.mark.parametrize("year", sorted(HOLIDAYS))
def test_a_year_has_the_days_off_and_worked_weekends_of_its_notice(year: str) -> None:
    kinds = [row["day_type"] for row in rows("day_types.csv") if row["date"].startswith(year)]
    count = Counter(kinds)
    assert (count["public_holiday"], count["makeup_workday"]) == (HOLIDAYS[year], WORKED[year])
    assert len(kinds) == (366 if year == "2024" else 365)


def test_every_stop_of_the_two_days_is_a_station_of_a_prefecture() -> None:
    frame, rejects = stations.read_stations(Settings().sources, lambda file: "snap")
    assert rejects == []
    ours = stations.guangdong(frame)
    assert ours["place_code"].n_unique() == 21
    for day in ("2024-04-17", "2024-05-01"):
        stops = rows(f"transcriptions/cr_timetable_240410/{day}/stop_times.csv")
        assert {row["telecode"] for row in stops} <= set(ours["telecode"])


def test_every_city_of_a_station_is_mapped_or_says_why_not() -> None:
    cities, rejects = stations.read_cities(Settings().sources, lambda file: "snap")
    assert rejects == []
    frame, _ = stations.read_stations(Settings().sources, lambda file: "snap")
    assert set(frame["city_code_12306"].drop_nulls()) <= set(cities["city_code_12306"])
    assert cities.filter(~cities["is_division"]).height < 15


def test_no_stop_without_a_station_is_on_a_train_of_guangdong() -> None:
    listed = rows("unmapped_stops.csv")
    assert listed
    assert {row["of_which_call_in_guangdong"] for row in listed} == {"0"}
