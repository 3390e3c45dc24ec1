"""The originals themselves: every wrapping of the platform, the archives, the rivers.

Needs the folder of originals, and a refresh of its own: minutes, so only on request
(METROCIRCLE_HEAVY=1).
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from pipelines.archive import acquire
from tests.conftest import run_cli

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loaded(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not os.environ.get("METROCIRCLE_HEAVY"):
        pytest.skip("a refresh with all originals takes minutes: set METROCIRCLE_HEAVY=1")
    warehouse = tmp_path_factory.mktemp("originals") / "warehouse"
    drop = originals / "data" / "environment"
    done = run_cli("refresh", "--drop", str(drop), warehouse=warehouse, timeout=3000)
    assert done.returncode == 0, done.stdout + done.stderr
    return (warehouse / "current").resolve() / "metrocircle.duckdb"


# question | answer
EXPECTED = {
    "every golden day": (
        """select count(aqi_published), count(*) filter (aqi_matches) from air_city_day_recomputed
        where document = 'aqistudy_37cities_2013_2017' and observed_on >= date '2016-01-01'""",
        [(2583, 2583)],  # one of the 2,584 records is a day of zeros
    ),
    "hourly index": (
        """select edition, sum(records_complete)::int, sum(complete_equal)::int,
            sum(indices_published)::int, sum(indices_equal)::int
        from air_hour_check where document = 'cnemc_hourly' group by edition order by edition""",
        [
            ("2016-01-14", 1316, 1313, 1460, 1457), ("2018-02-20", 1214, 1214, 1475, 1475),
            ("2019-07-23", 1336, 1336, 1437, 1437),
        ],
    ),
    # 8,152 lines are complete; 302 of them list an hour again, as this crawler did.
    "site hours": (
        """select sum(records_complete)::int, sum(complete_equal)::int from air_hour_check
        where document = 'kksk_sites_hourly'""",
        [(7850, 7850)],
    ),
    "every city of an archive": (
        """select count(distinct place_code), count(distinct observed_on) from tidy.air_city_day
        where document = 'aqistudy_cities_2013_2017'""",
        [(23, 1157)],
    ),
    "every difference has a cause": (
        "select count(*), count(*) filter (cause = 'not known') from air_hour_difference",
        [(4, 0)],
    ),
    "specimens are set aside": (
        """select document, count(*) filter (pm25_ugm3 is not null) from tidy.air_city_day
        where quarantined is not null group by document order by document""",
        [("aqicn_download", 0), ("tianqihoubao_daily", 0)],
    ),
    "classes of sections": (
        "select agreement, count(*) from water_section_class group by agreement order by agreement",
        [("lake_limits", 14), ("not_monitored", 1), ("river_limits", 465)],
    ),
}  # fmt: skip


def test_every_file_is_taken_in_or_says_why(loaded: Path) -> None:
    """Not read: month means, coordinates, descriptions; the list of sources has no parser."""
    outcomes = Counter(
        row["outcome"] for row in acquire.acquisitions(loaded.parents[2] / "archive")
    )
    del outcomes["archived"]
    assert outcomes == {"left_out": 30, "known_original": 4, "refused": 1, "no_parser": 1}


@pytest.mark.parametrize("question", EXPECTED)
def test_the_originals_answer(question: str, loaded: Path) -> None:
    sql, answer = EXPECTED[question]
    with duckdb.connect(str(loaded), read_only=True) as connection:
        assert connection.execute(sql).fetchall() == answer
