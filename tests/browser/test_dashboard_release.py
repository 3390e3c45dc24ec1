"""The dashboard while releases come and go: no rebuild, no broken page, no mixed numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.browser.conftest import Reader, serving
from tests.conftest import Refreshed

NEXT = "feedfacecafebeef"


@pytest.fixture
def own(refreshed: Refreshed, tmp_path: Path) -> Path:
    """A warehouse of this test's own: the release, and nothing else of the house."""
    warehouse = tmp_path / "warehouse"
    (warehouse / "releases").mkdir(parents=True)
    shutil.copytree(
        refreshed.release,
        warehouse / "releases" / refreshed.release.name,
        ignore=shutil.ignore_patterns("*.duckdb"),
    )
    point(warehouse, refreshed.release.name)
    return warehouse


def point(warehouse: Path, release: str) -> None:
    """Moves `current` as a publish does: a new link, put in place of the old one."""
    fresh = warehouse / ".current.new"
    fresh.symlink_to(f"releases/{release}")
    fresh.replace(warehouse / "current")


def publish(warehouse: Path, factor: float = 2.0, without: tuple[str, ...] = ()) -> None:
    """Another release: every circle value times `factor`, some tables left out."""
    now = (warehouse / "current").resolve()
    folder = warehouse / "releases" / NEXT
    shutil.copytree(now, folder, copy_function=shutil.copyfile)
    path = folder / "parquet" / "circle_indicator_year.parquet"
    frame = pl.read_parquet(path).with_columns(pl.col("value", "value_low", "value_high") * factor)
    frame.write_parquet(path, compression="zstd")
    manifest = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    manifest["release_id"] = NEXT
    manifest["tables"]["main.circle_indicator_year"]["bytes"] = path.stat().st_size
    for table in without:
        (folder / manifest["tables"].pop(table)["path"]).unlink()
    (folder / "release.json").write_text(json.dumps(manifest), encoding="utf-8")
    point(warehouse, NEXT)


@pytest.fixture
def tab(chromium: Any, dist: Path, own: Path) -> Iterator[Reader]:
    with serving(dist, own) as address:
        context = chromium.new_context(locale="en-GB")
        made = Reader(context.new_page(), address)
        made.listen()
        yield made
        context.close()


def gdp(reader: Reader) -> float:
    text = reader.page.locator(".lead[data-indicator=gdp] .num").get_attribute("data-value")
    return float(text or "nan")


ASKED = "overview?circle=GZ_PAPER9&year=2021&vintage=latest"


def test_a_publish_leaves_an_open_page_whole_and_the_next_one_new(
    tab: Reader, own: Path, refreshed: Refreshed
) -> None:
    tab.open(ASKED)
    before = gdp(tab)
    pointer = [url for url in tab.requests if url.endswith("current/release.json")]
    assert len(pointer) == 1
    publish(own)
    # Views that were never opened still come, from the release that the page began with.
    tab.requests.clear()
    for view in ("rail", "quality", "overview"):
        tab.page.locator(f"#nav-{view}").click()
        tab.drawn(view)
    assert gdp(tab) == before
    asked = [url for url in tab.requests if "/data/" in url]
    assert asked
    assert all(f"/data/releases/{refreshed.release.name}/" in url for url in asked)
    # The page says so when it is asked, and opens the new one.
    tab.page.locator("#look").click()
    tab.page.locator(".fresh").click()
    tab.drawn("overview")
    tab.open(ASKED)
    assert gdp(tab) == before * 2
    assert NEXT in (tab.page.locator("aside").text_content() or "")
    assert tab.complaints == []
    assert tab.strangers() == []


def test_a_table_that_a_release_lacks_is_a_gap_and_no_error(tab: Reader, own: Path) -> None:
    gone = ("main.rail_city_pair_day", "main.air_city_period", "main.revision", "meta.lineage")
    publish(own, factor=1.0, without=gone)
    for view in ("rail", "environment"):
        tab.open(view)
        assert "does not have" in (tab.page.locator(".gap").first.text_content() or "")
    for view in ("trends", "figures"):
        tab.open(view)
    tab.open(ASKED)
    tab.page.locator(".lead[data-indicator=gdp] .num").click()
    tab.page.locator("dialog[open] dl").wait_for()
    assert tab.complaints == []


def test_without_a_release_the_page_says_what_to_do(chromium: Any, dist: Path, own: Path) -> None:
    (own / "current").unlink()
    with serving(dist, own) as address:
        page = chromium.new_page(locale="en-GB")
        page.goto(address)
        page.locator("[role=alert]").wait_for()
        assert "make refresh" in page.locator("[role=alert]").text_content()
        page.close()
