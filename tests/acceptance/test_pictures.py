"""The pictures of the README follow from a release, and the script draws those committed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from docs import pictures
from tests.conftest import ROOT, Refreshed

SVG = "{http://www.w3.org/2000/svg}"
# Marks whose number follows from the region, not from how much data is held.
FIXED = {("circle", "inside"), ("circle", "outside"), ("text", "head"), ("text", "name")}


@pytest.fixture(scope="module")
def drawn(refreshed: Refreshed) -> dict[str, str]:
    return pictures.draw(refreshed.release)


def _marks(text: str) -> list[tuple[str, str, str]]:
    """(element, class, title or text) of every mark."""
    found = []
    for node in ET.fromstring(text).iter():
        title = node.findtext(f"{SVG}title") or node.text or ""
        found.append((node.tag.removeprefix(SVG), node.get("class", ""), title.strip()))
    return found


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_what_is_committed_is_what_the_script_draws(drawn: dict[str, str], name: str) -> None:
    """The same marks; values and links may have moved with the data since they were drawn."""
    held = (ROOT / "docs" / name).read_text(encoding="utf-8")
    old, new = _marks(held), _marks(drawn[name])
    for kind in FIXED:
        counts = [Counter(m[2].split()[0] for m in side if m[:2] == kind) for side in (old, new)]
        assert counts[0] == counts[1], kind
    assert {mark[:2] for mark in old} == {mark[:2] for mark in new}
    assert old[1] == new[1], "the title"
    assert f"(docs/{name})" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_is_small_and_loads_nothing(drawn: dict[str, str], name: str) -> None:
    assert len(drawn[name].encode()) < 40_000
    assert not re.search(r"href|url\(|@import|<script|<image", drawn[name])
    assert drawn[name].count("http") == 1, "the name space"


def test_the_marks_are_the_values_of_the_release(drawn: dict[str, str], sql) -> None:
    held = dict(sql("select place_name_zh, value from city_indicator_best "
                    "where indicator_id = 'gdp' and year = 2021"))  # fmt: skip
    dots = [title.split() for tag, _, title in _marks(drawn["map.svg"]) if tag == "circle"]
    assert len(dots) == 21
    for city, value, *_ in dots:
        assert float(value.replace(",", "")) == round(held[city], 2)
    trains = {
        frozenset((a, b)): n
        for a, b, n in sql(
            "select origin_name_zh, destination_name_zh, sum(direct_trains) over (partition by "
            "least(origin_code, destination_code), greatest(origin_code, destination_code)) "
            "from rail_city_pair_day where service_date = date '2024-04-17' "
            "and place_level = 'prefecture'"
        )
    }
    links = [title for tag, _, title in _marks(drawn["network.svg"]) if tag == "line"]
    assert len(links) >= 20
    for title in links:
        a, _, b, number = title.split()
        assert trains[frozenset((a, b))] == int(number)


def test_a_line_does_not_bridge_a_gap() -> None:
    values = [{"year": y, "v": v} for y, v in enumerate([1, 2, None, 3, None, 4, 5, 6])]
    runs = pictures._runs(values, "v")
    assert [[row["v"] for row in run] for run in runs] == [[1, 2], [4, 5, 6]]
