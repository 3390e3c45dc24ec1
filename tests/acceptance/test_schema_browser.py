"""The schema browser shows every table and column, offline, and finds them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipelines.release import browser
from tests.conftest import Refreshed, run_cli


@pytest.fixture(scope="module")
def page(refreshed: Refreshed) -> Path:
    said = run_cli("docs", "--json", warehouse=refreshed.warehouse)
    assert said.returncode == 0, said.stderr
    return Path(json.loads(said.stdout)["path"])


def test_the_page_is_part_of_the_release_and_loads_nothing(
    refreshed: Refreshed, page: Path
) -> None:
    assert page == refreshed.release / browser.PAGE
    assert browser.PAGE in (refreshed.release / "MANIFEST.sha256").read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|src=|url\(|@import", text)
    document = json.loads((refreshed.release / "release.json").read_text(encoding="utf-8"))
    for name, table in document["tables"].items():
        section = text[text.index(f'<section id="{name}"') :].partition("</section>")[0]
        shown = re.findall(r"<td><code>(\w+)</code>", section)
        assert shown == [column["name"] for column in table["schema"]]
    value = text[text.index('<section id="main.circle_indicator_year"') :]
    assert "tidy.observation.value" in value and 'href="#main.indicator"' in value


def test_a_release_of_before_gets_its_page_beside_it(refreshed: Refreshed, tmp_path: Path) -> None:
    made = browser.write_page(refreshed.release, tmp_path / "docs" / "x.html")
    assert made.read_bytes() == (refreshed.release / browser.PAGE).read_bytes()


def test_words_in_either_language_find_tables_and_columns(page: Path, chromium: Any) -> None:
    seen: list[str] = []
    context = chromium.new_context()
    tab = context.new_page()
    tab.on("console", lambda message: seen.append(message.text))
    tab.on("request", lambda request: seen.append(request.url))
    tab.goto(page.as_uri())
    for words, table, columns in (
        ("pm25 rank", "main.air_city_period", ["pm25_ugm3", "pm25_rank"]),
        ("出发地代码", "main.rail_city_pair_day", ["origin_code"]),
    ):
        tab.fill("#find", words)
        shown = tab.locator(f"section[id='{table}'] tbody tr:visible code").all_inner_texts()
        assert set(columns) <= set(shown)
        assert tab.locator("section[id='main.gap']").is_hidden()
    tab.fill("#find", "")
    assert tab.locator("section[id='main.gap']").is_visible()
    context.close()
    assert seen == [page.as_uri()]
