"""Readings of river sections: cells of the platform's reply, its missing year, hostile replies."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.archive.offers import Offer
from pipelines.archive.store import Snapshot
from pipelines.environment import cells, water
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
HEAD = [
    "省份", "流域", "断面名称", "监测时间", "水质类别",
    "pH<br/><span class='unit'>(无量纲)</span>", "溶解氧<br/><span class='unit'>(mg/L)</span>",
    "藻密度<br/><span class='unit'>(cells/L)</span>",
]  # fmt: skip


def span(raw: str, shown: str) -> str:
    return f"<span title='原始值：{raw}'>{shown}</span>"


SECTION = "<span title='所在地市:广州市;所属河流:珠江'>猎德</span>"
ROW = ["广东省", "珠江流域", SECTION, "08-21 20:00", "6", span("7.6", "7.60"),
       span("6.761", "6.76"), span("1.008037E+07", "10080370")]  # fmt: skip


def extract(
    path: Path, body: list[Any], head: list[str] = HEAD
) -> tuple[pl.DataFrame, list[Reject]]:
    path.write_text(json.dumps({"result": 1, "thead": head, "tbody": body}), "utf-8")
    slice_ = "cnemc_water_realtime--x"
    held = Snapshot(
        "snap", "environment", "cnemc_water_realtime", "x", slice_, f"drop/{path.name}", "0" * 64,
        1, "mirror", path, "water_readings",
    )  # fmt: skip
    return water.water_rows([held], slice_, CONTEXT)


def test_a_cell_gives_the_rounded_value_and_the_one_behind_it(tmp_path: Path) -> None:
    frame, rejects = extract(tmp_path / "p1_20260821.json", [ROW])
    assert rejects == []
    assert frame.select("item", "value", "value_unrounded", "unit_raw").rows() == [
        ("ph", 7.6, 7.6, "无量纲"), ("dissolved_oxygen", 6.76, 6.761, "mg/L"),
        ("algal_density", 10080370.0, 10080370.0, "cells/L"),
    ]  # fmt: skip
    row = frame.row(0, named=True)
    assert (row["place_code"], row["section_raw"], row["class_published"]) == ("440100", "猎德", 6)
    assert (row["observed_on"], row["hour"]) == (date(2026, 8, 21), 20)


# name of the file | moment | day
YEARS = [
    ("p_20260821.json", "08-21 20:00", date(2026, 8, 21)),
    ("p_2026-01-01.json", "12-31 20:00", date(2025, 12, 31)),
    ("p.json", "08-21 20:00", None),
    ("p_20260821.json", "02-30 20:00", None),
    ("p_20260821.json", "01-21 20:00", None),
]


@pytest.mark.parametrize(("name", "moment", "day"), YEARS)
def test_the_year_is_the_files_or_nobodys(
    name: str, moment: str, day: date | None, tmp_path: Path
) -> None:
    frame, _ = extract(tmp_path / name, [[*ROW[:3], moment, *ROW[4:]]])
    assert frame["observed_on"].to_list() == [day] * 3
    assert frame["moment_raw"].to_list() == [moment] * 3


def test_marks_and_failed_control_are_told_from_damage(tmp_path: Path) -> None:
    failed = "<span data-toggle='tooltip' title='当天质控不合格'>--</span>"
    frame, rejects = extract(
        tmp_path / "p.json", [[*ROW[:4], "-1", "--", failed, span("x", "1O.0")], ROW[:3]]
    )
    assert frame.select("value", "null_mark", "remark").rows() == [
        (None, "--", None), (None, "--", "当天质控不合格"), (None, "damaged", "原始值：x"),
    ]  # fmt: skip
    assert frame["class_published"].to_list() == [None] * 3
    assert [reject.locator for reject in rejects] == ["R1:algal_density", "R2"]


def test_an_unknown_header_is_named_with_the_nearest(tmp_path: Path) -> None:
    _, (reject,) = extract(tmp_path / "p.json", [ROW], [*HEAD[:-1], "藻密废"])
    assert "藻密度" in reject.found and reject.severity == "error"


def test_a_reply_is_known_by_its_headers(tmp_path: Path) -> None:
    path = tmp_path / "snapshot_20260821_p1.json"
    extract(path, [ROW])
    text = path.read_bytes().decode("unicode_escape", "ignore").encode()
    (claim,) = recognise(Offer(path.name, path, "text", text), SOURCES)
    assert (claim.document, claim.edition) == ("cnemc_water_realtime", "2026-08-21")


JSON = st.recursive(
    st.none() | st.text(max_size=8) | st.integers(),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=20,
)


@settings(deadline=None, max_examples=60)
@given(JSON)
def test_no_body_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, body: Any) -> None:
    with suppress(UnicodeEncodeError):
        extract(tmp_path_factory.mktemp("water") / "x.json", body)
