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


def test_2024_has_the_days_off_and_worked_weekends_of_the_notice() -> None:
    count = Counter(row["day_type"] for row in rows("day_types.csv"))
    assert (count["public_holiday"], count["makeup_workday"]) == (1 + 8 + 3 + 5 + 1 + 3 + 7, 8)
    assert sum(count.values()) == 366


def test_every_stop_of_the_two_days_is_a_station_of_a_prefecture() -> None:
    frame, rejects = stations.read_stations(Settings().sources, lambda file: "snap")
    assert rejects == []
    places = stations.places(frame)
    assert len(set(places.values())) == 21
    for day in ("2024-04-17", "2024-05-01"):
        stops = rows(f"transcriptions/cr_timetable_240410/{day}/stop_times.csv")
        assert {row["telecode"] for row in stops} <= places.keys()


def test_no_stop_without_a_station_is_on_a_train_of_guangdong() -> None:
    listed = rows("unmapped_stops.csv")
    assert listed
    assert {row["of_which_call_in_guangdong"] for row in listed} == {"0"}
