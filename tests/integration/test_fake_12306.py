"""The local 12306 answers as the recorded answers of the real one are written."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fake_12306 import SUFFIX, Call, Fake12306, Train, made_table
from local_server import Request

TODAY = date(2026, 11, 22)
DAY = date(2026, 12, 2)
LOGGED_IN = {
    "cookie": "JSESSIONID=1; route=2",
    "referer": "https://kyfw.12306.cn/otn/leftTicket/init",
}


@pytest.fixture
def recorded(originals: Path) -> Callable[[str], Any]:
    """The one recorded answer whose name begins so."""

    def load(name: str) -> Any:
        (path,) = (originals / "data" / "rail" / "samples").glob(f"{name}*")
        return json.loads(path.read_text(encoding="utf-8"))

    return load


def fake(**options: Any) -> Fake12306:
    trains, stations = made_table(30, DAY)
    return Fake12306(trains, stations, TODAY, **options)


def ask(
    server: Fake12306, path: str, headers: dict[str, str] | None = None,
    form: dict[str, str] | None = None, **query: str,
) -> Any:  # fmt: skip
    target = f"{path}?{urlencode(query)}" if query else path
    body = urlencode(form).encode() if form is not None else b""
    reply = server(Request("GET" if form is None else "POST", target, headers or {}, body))
    return json.loads(reply.body)


def left_ticket(server: Fake12306, suffix: str = SUFFIX, day: date = DAY) -> Any:
    query = {
        "leftTicketDTO.train_date": day.isoformat(), "leftTicketDTO.from_station": "GZQ",
        "leftTicketDTO.to_station": "SZQ", "purpose_codes": "ADULT",
    }  # fmt: skip
    return ask(server, f"/otn/leftTicket/{suffix}", LOGGED_IN, **query)


def test_refusals_are_the_recorded_ones(recorded: Callable[[str], Any]) -> None:
    server = fake()
    assert left_ticket(server, "queryZ") == recorded("leftTicket_query.wrong_suffix")
    late = TODAY + timedelta(days=15)
    assert left_ticket(server, day=late) == recorded("leftTicket_query.out_of_presale")
    board = "/wxxcx/wechat/bigScreen/queryTrainByStation"
    assert ask(server, board) == recorded("bigScreen_queryTrainByStation.get_refused")
    bare = ask(server, f"/otn/leftTicket/{SUFFIX}", **{"leftTicketDTO.train_date": "x"})
    assert bare == recorded("leftTicket_query.illegal_request")


def test_answers_have_the_recorded_keys(recorded: Callable[[str], Any]) -> None:
    server = fake()
    number = "6t000D751501"
    stops = ask(server, "/otn/czxx/queryByTrainNo", train_no=number)
    said = recorded("czxx_queryByTrainNo")
    assert set(said) == set(stops)
    for mine, real in zip(stops["data"]["data"][:2], said["data"]["data"][:2], strict=True):
        assert set(real) <= set(mine)
        assert {k: len(mine[k]) for k in ("station_no", "start_time")} == {
            k: len(real[k]) for k in ("station_no", "start_time")
        }
    query = {"leftTicketDTO.train_no": number}
    detail = ask(server, "/otn/queryTrainInfo/query", **query)["data"]["data"]
    assert "arrive_day_diff" in recorded("queryTrainInfo")["data"]["data"][0]
    assert [row["station_train_code"] for row in detail] == ["D7515", "D7514", "D7514"]
    found = ask(server, "/search/v1/train/search", keyword="D75", date=f"{DAY:%Y%m%d}")
    real = recorded("search_v1_train_search")
    assert set(real) <= set(found) and set(real["data"][0]) == set(found["data"][0])
    # A date with dashes is an empty list, not an error.
    dashes = ask(server, "/search/v1/train/search", keyword="D75", date=DAY.isoformat())
    assert dashes["data"] == []


def test_rows_between_stations_are_as_wide_as_recorded(recorded: Callable[[str], Any]) -> None:
    """A train is in the answer once for each boarding station; a stopped one has no times."""
    calls = (Call("广州", 500, 500), Call("广南", 520, 522), Call("深圳", 600, 600))
    trains = [
        Train("6c000G100100", ("G1001",), calls),
        Train("6c000G100200", ("G1002",), calls, is_stopped=True),
    ]
    stations = {
        "广州": ("GZQ", "1501", "广州"),
        "广南": ("IZQ", "1501", "广州"),
        "深圳": ("SZQ", "1", "深"),
    }
    for faults, route in (((), "Beijing-Guangzhou"), (("short_rows",), "Guangzhou-Shenzhen")):
        server = Fake12306(
            trains, stations, TODAY, groups=[frozenset({"广州", "广南"})], faults=frozenset(faults)
        )
        data = left_ticket(server)["data"]
        rows = [row.split("|") for row in data["result"]]
        real = [row.split("|") for row in recorded(f"leftTicket_query.{route}")["data"]["result"]]
        assert {len(row) for row in rows} == {len(row) for row in real}
        assert [row[2] for row in rows] == ["6c000G100100"] * 2 + ["6c000G100200"] * 2
        assert [row[8:11] for row in rows[2:]] == [["24:00", "24:00", "99:59"]] * 2
        assert set(data["map"]) == {"GZQ", "IZQ", "SZQ"}
    stopped = [row for row in real if row[1] == "列车停运"]
    assert stopped[0][8:12] == rows[2][8:12]


def test_trains_that_left_today_are_not_sold() -> None:
    calls = (
        (Call("广州", 700, 700), Call("深圳", 760, 760)),
        (Call("广州", 730, 730), Call("深圳", 790, 790)),
    )
    trains = [Train(f"6c000G100{n}00", (f"G100{n}",), c) for n, c in enumerate(calls)]
    stations = {"广州": ("GZQ", "1501", "广州"), "深圳": ("SZQ", "1513", "深圳")}
    server = Fake12306(trains, stations, TODAY, now_minute=720)
    assert len(left_ticket(server, day=TODAY)["data"]["result"]) == 1
    assert len(left_ticket(server)["data"]["result"]) == 2
