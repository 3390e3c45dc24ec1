"""Bulletins from a local index, hours from a local platform: faults, late values, frozen values."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fake_platforms import FakeBulletins, FakePlatform, Post
from local_server import LocalServer, serving

from pipelines.archive import acquire
from pipelines.archive.acquire import acquisitions
from pipelines.archive.fetch import Fetcher, Stopped
from pipelines.environment import client
from pipelines.environment.client import BulletinReport, HourReport
from pipelines.settings import Settings
from tests.conftest import ROOT

TABLE = """<p>附表12023年12月广东省城市环境空气质量状况及排名</p><table>
<tr><td>序号</td><td>城市</td><td>AQI达标率</td><td>PM2.5浓度</td><td>PM10浓度</td>
<td>O3评价浓度</td><td>PM2.5排名</td><td>AQI排名</td></tr>
<tr><td>1</td><td>汕尾市</td><td>100%</td><td>24</td><td>37</td><td>133</td><td>1</td><td>1</td></tr>
</table>"""
MONTHLY = Post(4332039, "广东省城市环境空气质量状况(2023年12月)", TABLE)
CUMULATIVE = Post(4042401, "广东省城市空气和水环境质量及排名情况(2021年1-10月)", "<p>附表1</p>")
WATER = Post(2973254, "广东省地表水环境质量及排名情况(2024年1-8月)", "<p>附表1</p>")
OTHER = Post(1, "关于召开会议的通知", "<p>略</p>")


def fetch_bulletins(
    warehouse: Path, fake: FakeBulletins, pages: int = 3
) -> tuple[BulletinReport, LocalServer]:
    settings = Settings(warehouse=warehouse, fetch_pace=0)
    with serving(fake) as server:
        site = client.BULLETINS.at(server.base)
        with Fetcher(settings, site, "all", sleep=lambda _: None) as fetcher:
            return client.bulletins(fetcher, settings, [fake.column], pages), server


def test_every_bulletin_of_the_index_is_held_once_and_offered(tmp_path: Path) -> None:
    fake = FakeBulletins([[OTHER, MONTHLY], [CUMULATIVE, WATER]])
    report, _ = fetch_bulletins(tmp_path, fake)
    assert report.named == len(report.held) == 3
    assert report.files == [
        "fetched/environment/bulletins/2023-12_post_4332039.html",
        "fetched/environment/bulletins/2021-01_2021-10_post_4042401.html",
        "fetched/environment/bulletins/2024-01_2024-08_post_2973254.html",
    ]
    assert OTHER.path not in fake.seen
    taken, _ = acquire.offered(Settings(warehouse=tmp_path))
    assert {(s.file.rpartition("/")[2], s.edition, s.reader) for s in taken} >= {
        ("2023-12_post_4332039.html", "2023-12", "bulletin_page"),
        ("2021-01_2021-10_post_4042401.html", "2021-01_2021-10", "bulletin_page"),
    }


def test_a_post_is_asked_once_and_the_index_once_a_day(tmp_path: Path) -> None:
    fake = FakeBulletins([[MONTHLY]])
    settings = Settings(warehouse=tmp_path, fetch_pace=0)
    with serving(fake) as server:
        site = client.BULLETINS.at(server.base)
        for day in ("2024-01-20", "2024-01-20", "2024-01-21"):
            with pytest.MonkeyPatch.context() as patch, Fetcher(settings, site, "all") as fetcher:
                patch.setattr(client.time, "strftime", lambda *_, day=day: day)
                client.bulletins(fetcher, settings, ["pm"], 3)
    assert fake.seen == {"/pm/index.html": 2, MONTHLY.path: 1}


@pytest.mark.parametrize("fault", ["error_page", "cut", "half_page", "server_error", "another"])
def test_faults_of_the_bulletins_site_pass(fault: str, tmp_path: Path) -> None:
    faults = {CUMULATIVE.path: (fault, 2)}
    if fault != "another":
        faults["/pm/index.html"] = (fault, 1)
    report, _ = fetch_bulletins(tmp_path, FakeBulletins([[MONTHLY, CUMULATIVE]], faults=faults))
    assert (len(report.held), report.failed) == (2, [])
    text = (tmp_path / report.files[1]).read_text(encoding="utf-8")
    assert CUMULATIVE.title in text and text.endswith("</html>")


def test_a_page_of_another_month_than_its_link_is_not_taken(tmp_path: Path) -> None:
    wrong = replace(MONTHLY, link="广东省城市环境空气质量状况(2023年11月)")
    report, _ = fetch_bulletins(tmp_path, FakeBulletins([[wrong, CUMULATIVE]]))
    assert "the link says 2023-11, the page 2023-12" in report.failed[0]["reason"]
    assert [Path(file).name for file in report.files] == ["2021-01_2021-10_post_4042401.html"]


def test_links_to_other_hosts_are_named_and_left(tmp_path: Path) -> None:
    class Elsewhere(FakeBulletins):
        def _index(self, posts: object) -> bytes:
            link = f'<a href="http://other.example{MONTHLY.path}" title="{MONTHLY.title}">x</a>'
            return f"<html>{link}</html>".encode()

    report, server = fetch_bulletins(tmp_path, Elsewhere([[MONTHLY]]))
    assert report.elsewhere == [f"http://other.example{MONTHLY.path}"]
    assert len(server.requests) == 1


def test_the_number_of_index_pages_is_bounded(tmp_path: Path) -> None:
    fake = FakeBulletins([[replace(OTHER, number=n)] for n in range(9)])
    fetch_bulletins(tmp_path, fake, pages=2)
    assert set(fake.seen) == {"/pm/index.html", "/pm/index_2.html"}


NOON = datetime(2026, 11, 22, 12)


def station(seed: int, **missing: str) -> dict[str, str]:
    names = ("CO", "NO2", "O3", "O3_24h", "PM10", "PM2_5", "SO2")
    values = {name: str(seed + 7 * place) for place, name in enumerate(names)}
    return {"AQI": "50", "Area": "广州市"} | values | missing


def air(seed: int, **stations: dict[str, str]) -> dict[str, dict[str, str]]:
    return {f"{1000 + n}A": station(seed + n) for n in range(20)} | stations


class Hours:
    """A platform and a client that share a clock."""

    def __init__(self, warehouse: Path) -> None:
        self.settings = Settings(warehouse=warehouse, fetch_pace=0)
        self.fake = FakePlatform(NOON, air(10))
        self.now = NOON + timedelta(minutes=25)

    def read(self, server: LocalServer, readings: int = 1) -> HourReport:
        site = client.HOURS.at(server.base)
        with Fetcher(self.settings, site, "month", sleep=lambda _: None) as fetcher:
            return client.hourly(fetcher, self.settings, readings, lambda: self.now)

    def next_hour(self, stations: dict[str, dict[str, str]]) -> None:
        self.fake.moment += timedelta(hours=1)
        self.now += timedelta(hours=1)
        self.fake.stations = stations

    def file(self, moment: datetime) -> Path:
        return client._file(self.settings, moment)


@pytest.fixture
def hours(tmp_path: Path) -> Hours:
    return Hours(tmp_path)


def test_values_that_arrive_late_replace_the_first_reading(hours: Hours) -> None:
    hours.fake.stations = air(10, **{"1003A": station(13, PM2_5="—", O3="—")})
    with serving(hours.fake) as server:
        hours.read(server)
        hours.fake.stations = air(10)
        report = hours.read(server)
    assert report.late_values == {"2026-11-22T12": 2}
    held = client.hour_of(hours.file(NOON).read_bytes(), "held")
    assert all(held.values["1003A"])
    # The first reading is not lost: the archive has both.
    fetched = [
        row for row in acquisitions(hours.settings.archive) if row["outcome"] == "live_fetched"
    ]
    assert len({row["sha256"] for row in fetched}) == 2


def test_a_later_reading_with_fewer_values_does_not_replace_the_hour(hours: Hours) -> None:
    with serving(hours.fake) as server:
        hours.read(server)
        before = hours.file(NOON).read_bytes()
        hours.fake.stations = air(10, **{"1003A": station(13, PM2_5="—")})
        report = hours.read(server)
    assert report.fewer_values == ["2026-11-22T12: 139 values, 140 held"]
    assert hours.file(NOON).read_bytes() == before


def test_a_station_that_does_not_move_for_three_hours_is_named(hours: Hours) -> None:
    stuck = {"1003A": station(13)}
    with serving(hours.fake) as server:
        reports = []
        for seed in (10, 20, 30):
            reports.append(hours.read(server))
            hours.next_hour(air(seed + 10, **stuck))
    assert [report.frozen_stations for report in reports] == [{}, {}, {"2026-11-22T14": ["1003A"]}]
    assert hours.file(NOON + timedelta(hours=2)).exists()


def test_an_hour_that_repeats_the_one_before_is_no_hour(hours: Hours) -> None:
    with serving(hours.fake) as server:
        hours.read(server)
        hours.next_hour(air(10))
        report = hours.read(server)
        assert report.frozen_hours == ["2026-11-22T13"]
        assert not hours.file(NOON + timedelta(hours=1)).exists()
        # The values come after all: the re-read takes them.
        hours.fake.stations = air(40)
        assert hours.read(server).frozen_hours == []
    assert hours.file(NOON + timedelta(hours=1)).exists()


@pytest.mark.parametrize(
    "fault", ["error_page", "cut", "half_reply", "few", "server_error", "none"]
)
def test_faults_of_the_platform_pass(fault: str, hours: Hours) -> None:
    hours.fake.faults = {1: fault}
    with serving(hours.fake) as server:
        report = hours.read(server)
    assert (report.hours, report.failed) == (["2026-11-22T12"], [])
    assert len(client.hour_of(hours.file(NOON).read_bytes(), "held").values) == 20


@pytest.mark.parametrize("wrong", [-timedelta(hours=7), timedelta(hours=2), -timedelta(days=365)])
def test_a_platform_whose_clock_stands_still_is_not_read(wrong: timedelta, hours: Hours) -> None:
    hours.fake.moment += wrong
    with serving(hours.fake) as server:
        report = hours.read(server)
    assert "the platform is at" in report.failed[0]["reason"]
    assert report.files == []


def test_a_platform_that_is_down_is_left_alone(hours: Hours) -> None:
    hours.fake.faults = dict.fromkeys(range(1, 99), "server_error")
    with serving(hours.fake) as server, pytest.raises(Stopped, match="5 questions in a row"):
        hours.read(server, readings=10)


def test_the_recorded_reply_of_the_platform_is_an_hour(originals: Path) -> None:
    """The real bytes, undecoded; half of them are no hour."""
    path = originals / "data/environment/cnemc_raw/GetAQIDataPublishLives.wcf-binary.bin.gz"
    body = gzip.decompress(path.read_bytes())
    hour = client.hour_of(body, path.name)
    assert hour.moment == datetime(2016, 1, 14)
    assert len(hour.values) > 1400
    with pytest.raises(client.NotTheAnswer):
        client.hour_of(body[: len(body) // 2], path.name)


def test_the_commands_ask_the_stand_in(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if "METROCIRCLE" not in k}
    environment |= {"METROCIRCLE_WAREHOUSE": str(tmp_path), "METROCIRCLE_FETCH_PACE": "0"}
    with serving(FakeBulletins([[MONTHLY]])) as server:
        result = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "fetch", "environment", "bulletins",
             "--column", "pm", "--at", server.base],
            cwd=ROOT, env=environment, text=True, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "2023-12_post_4332039.html" in result.stdout
