"""The dashboard in a real browser: what it shows is what the Parquet holds."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.browser.conftest import DASHBOARD, SCREENSHOTS, Reader, serving
from tests.conftest import Refreshed

VIEWS = (
    "overview", "map", "rail", "trends", "inequality", "environment", "figures", "reproduction",
    "targets", "quality",
)  # fmt: skip
Tables = Callable[[str], pl.DataFrame]


def shown(text: str) -> float:
    """The number that a person reads."""
    return float(text.replace(",", "").replace("−", "-").rstrip("%"))


def agrees(text: str, value: float) -> bool:
    """Whether a printed number is the value, rounded to the decimals that are printed."""
    digits = len(text.partition(".")[2])
    return abs(shown(text) - value) <= 0.5000001 * 10**-digits


def circle_values(tables: Tables, circle: str, year: int, vintage: str) -> dict[str, float | None]:
    frame = tables("circle_indicator_year").filter(
        (pl.col("circle_id") == circle) & (pl.col("year") == year) & (pl.col("vintage") == vintage)
    )
    return dict(frame.select("indicator_id", "value").iter_rows())


def lead_values(reader: Reader) -> dict[str, tuple[str, float]]:
    """Indicator id: (text on the screen, value that the page holds)."""
    cells = reader.page.locator(".lead:has(.num)").evaluate_all(
        """list => list.map((e) => [e.dataset.indicator, e.querySelector('.num').textContent,
            Number(e.querySelector('.num').dataset.value)])"""
    )
    return {name: (text, value) for name, text, value in cells}


# Columns of numbers, years left out, that open no source: what says how sure another number is.
SILENT = """() => [...document.querySelectorAll('td.right')]
    .filter((e) => /\\d/.test(e.textContent) && !/^\\d{4}$/.test(e.textContent.trim()))
    .filter((e) => !e.querySelector('.num'))
    .map((e) => e.closest('table').querySelectorAll('thead th')[e.cellIndex].textContent)"""
AXE = DASHBOARD / "node_modules" / "axe-core" / "axe.min.js"


def faults(page: Any) -> list[str]:
    """What axe-core finds wrong for who reads by ear, by keyboard or with little contrast."""
    if not AXE.exists():
        return []  # a page that was built elsewhere: its node_modules are not here
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:120]}" for one in found["violations"] for node in one["nodes"]
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_drawn_without_a_complaint_and_nothing_leaves_the_origin(
    reader: Reader, view: str
) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    reader.open(f"{view}?lang=zh&theme=light")
    page = reader.page
    assert page.locator("h1").count() == 1
    assert page.locator(f"nav a[aria-current=page]#nav-{view}").count() == 1
    assert page.locator("[role=alert]").count() == 0
    page.screenshot(path=SCREENSHOTS / f"{view}-1440-light-zh.png", full_page=True)
    # The other language, the other light, a telephone.
    page.set_viewport_size({"width": 390, "height": 844})
    reader.open(f"{view}?lang=en&theme=dark")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, f"{view} is {wide} pixels wide on a telephone"
    page.screenshot(path=SCREENSHOTS / f"{view}-390-dark-en.png", full_page=True)
    assert reader.complaints == []
    assert reader.strangers() == []
    assert faults(page) == []
    assert set(page.evaluate(SILENT)) <= {"Interval", "Members", "Failing rows"}
    # Each control, number and chart has a name for who cannot see it.
    nameless = page.locator("button, select, input, a, [role=img], [role=region]").evaluate_all(
        """list => list.filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label')
            || e.labels?.length || e.title)).map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_the_numbers_of_the_circle_are_those_of_the_parquet(
    reader: Reader, parquet: Tables
) -> None:
    for vintage in ("latest", "first_published"):
        reader.open(f"overview?circle=GZ_PAPER9&year=2021&vintage={vintage}")
        expected = circle_values(parquet, "GZ_PAPER9", 2021, vintage)
        leads = lead_values(reader)
        assert "gdp" in leads
        for indicator, (text, value) in leads.items():
            assert value == expected[indicator]
            assert agrees(text, value), (indicator, text, value)
        # What has no value in the Parquet shows none on the screen, and the other way round.
        asked = reader.page.locator(".lead").evaluate_all("l => l.map((e) => e.dataset.indicator)")
        held = {name for name in asked if expected.get(name) is not None}
        assert held == set(leads)
        column = reader.page.locator(".view > section table").first.locator(
            "tbody tr td:nth-child(3) .num"
        )
        ledger = column.evaluate_all("l => l.map((e) => [e.textContent, Number(e.dataset.value)])")
        assert sorted(value for _, value in ledger) == sorted(
            value for value in expected.values() if value is not None
        )
        assert all(agrees(text, value) for text, value in ledger)


def test_the_definition_the_vintage_and_the_year_change_the_numbers(
    reader: Reader, parquet: Tables
) -> None:
    reader.open("overview?circle=GZ_PAPER9&year=2021&vintage=latest")
    page = reader.page
    paper = lead_values(reader)["gdp"][1]
    reader.act("overview", lambda: page.locator("label:has(#circle-GF)").click())
    guangfo = lead_values(reader)["gdp"][1]
    assert guangfo == circle_values(parquet, "GF", 2021, "latest")["gdp"] != paper
    assert "GF" in page.url
    reader.act("overview", lambda: page.locator("label:has(#vintage-first_published)").click())
    first = lead_values(reader)["gdp"][1]
    assert first == circle_values(parquet, "GF", 2021, "first_published")["gdp"]
    reader.act("overview", lambda: page.locator("#year-back").click())
    year = int(page.locator(".year output").text_content())
    assert year < 2021
    assert (
        lead_values(reader)["gdp"][1]
        == circle_values(parquet, "GF", year, "first_published")["gdp"]
    )


def test_an_incomplete_circle_is_a_gap_and_not_a_number(reader: Reader, parquet: Tables) -> None:
    """The official circle of 2023 has no complete GDP for 2021."""
    expected = circle_values(parquet, "GZ_OFFICIAL2023", 2021, "latest")
    reader.open("overview?circle=GZ_OFFICIAL2023&year=2021&vintage=latest")
    if expected.get("gdp") is not None:
        pytest.skip("the release holds a complete value by now")
    row = reader.page.locator("[data-circle=GZ_OFFICIAL2023]")
    assert row.locator(".num").count() == 0
    assert re.search(r"缺|无数", row.text_content())


def test_a_number_shows_its_members_their_printed_text_and_their_place(
    reader: Reader, parquet: Tables
) -> None:
    reader.open("overview?circle=GZ_PAPER9&year=2021&vintage=first_published&lang=en")
    page = reader.page
    number = page.locator(".lead[data-indicator=gdp] .num")
    number.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    dialog.locator(".inputs-table tbody tr").first.wait_for()
    facts = parquet("circle_indicator_year").filter(
        (pl.col("circle_id") == "GZ_PAPER9") & (pl.col("year") == 2021)
        & (pl.col("indicator_id") == "gdp") & (pl.col("vintage") == "first_published")
    )  # fmt: skip
    inputs = (
        parquet("meta/lineage")
        .filter(pl.col("fact_id") == facts["fact_id"][0])
        .join(parquet("city_indicator_year"), left_on="input_fact_id", right_on="fact_id")
    )
    assert len(inputs) == 9
    text = dialog.text_content()
    for row in inputs.iter_rows(named=True):
        assert row["value_text"] in text
        assert row["locator"] in text
    values = dialog.locator(".inputs-table .num").evaluate_all(
        "l => l.map((e) => Number(e.dataset.value))"
    )
    assert sorted(values) == sorted(inputs["value"].to_list())
    # One step further: a member, down to the file it was read from.
    dialog.locator(".inputs-table .num").first.click()
    dialog.get_by_text("Read from").wait_for()
    text = dialog.text_content()
    city = inputs.filter(pl.col("place_code") == "440100").row(0, named=True)
    for part in ("read_from", "locator", "value_text", "snapshot_id", "edition"):
        assert city[part] in text
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.classList.contains('num')")
    # On a telephone the way out of the source stays in sight.
    page.set_viewport_size({"width": 390, "height": 844})
    number.click()
    dialog.locator(".inputs-table tbody tr").first.wait_for()
    way_out = dialog.locator(".close").bounding_box()
    assert way_out["x"] + way_out["width"] <= 390


def test_the_language_changes_words_and_not_numbers(reader: Reader) -> None:
    reader.open("overview?circle=GZ_PAPER9&year=2021&vintage=latest&lang=zh")
    page = reader.page
    before = lead_values(reader)
    assert page.locator("h1").text_content() == "广州都市圈（论文，9市）"
    reader.act("overview", lambda: page.locator("#t-en").click())
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").text_content() == "Guangzhou metro circle (paper, nine cities)"
    assert lead_values(reader) == before
    # Kept for the next visit, whose address says nothing.
    reader.open("targets")
    assert page.locator("h1").text_content() == "Target tracker"


def test_an_address_says_everything(reader: Reader, chromium: Any) -> None:
    reader.open("map")
    page = reader.page
    reader.act("map", lambda: page.locator("label:has(#level-county)").click())
    reader.act("map", lambda: page.locator("#f-indicator").select_option("population_census"))
    reader.act("map", lambda: page.locator("#year-back").click())
    reader.act("map", lambda: page.locator("#t-dark").click())
    year = page.locator(".year output").text_content()
    other = chromium.new_context(locale="en-GB").new_page()
    second = Reader(other, reader.address)
    second.open(page.url.split("#/")[1])
    assert other.locator("#f-indicator").input_value() == "population_census"
    assert other.locator(".year output").text_content() == year == "2010"
    assert other.locator("html").get_attribute("data-theme") == "dark"
    values = ".symbol[aria-label]"
    marks = [p.locator(values).evaluate_all("l => l.map((e) => e.getAttribute('fill'))")
             for p in (page, other)]  # fmt: skip
    assert marks[0] == marks[1] != []
    other.context.close()


def test_the_map_holds_every_city_of_the_parquet(reader: Reader, parquet: Tables) -> None:
    reader.open("map?indicator=gdp&year=2021&level=prefecture&numbers=map-figure")
    expected = parquet("city_indicator_best").filter(
        (pl.col("indicator_id") == "gdp") & (pl.col("year") == 2021)
        & (pl.col("place_level") == "prefecture") & pl.col("place_code").str.starts_with("44")
        & pl.col("value").is_not_null()
    )  # fmt: skip
    page = reader.page
    rows = page.locator("#map-figure table tbody tr").evaluate_all(
        "l => l.map((r) => [r.children[1].textContent, +r.querySelector('.num').dataset.value])"
    )
    assert dict(rows) == dict(expected.select("place_code", "value").iter_rows())
    coloured = page.locator(".symbol[fill]").evaluate_all("l => l.map((e) => e.dataset.place)")
    assert sorted(coloured) == sorted(expected["place_code"].to_list())


def test_trains_are_those_of_the_day_that_is_chosen(reader: Reader, parquet: Tables) -> None:
    pairs = parquet("rail_city_pair_day").filter(pl.col("place_level") == "prefecture")
    days = parquet("rail_service_day").filter(~pl.col("is_gap_day"))
    for kind in ("workday", "public_holiday"):
        day = days.filter(pl.col("day_type") == kind)["service_date"].min()
        reader.open(f"rail?day={day}&city=440100")
        expected = pairs.filter(
            (pl.col("service_date") == day)
            & ((pl.col("origin_code") == "440100") | (pl.col("destination_code") == "440100"))
        )
        table = reader.page.locator("section:has(> .section-head) table").first
        more = reader.page.locator(".under .quiet").first
        if more.is_visible():
            more.click()
        counts = table.locator("tbody tr td:nth-child(3) .num").evaluate_all(
            "l => l.map((e) => [Number(e.dataset.value), e.textContent])"
        )
        assert sorted(int(value) for value, _ in counts) == sorted(expected["direct_trains"])
        assert all(agrees(text, value) for value, text in counts)
    # A count opens to the trains themselves, and they are as many as it says.
    table.locator("tbody .num").first.click()
    trains = reader.page.locator("dialog [data-trains]")
    trains.wait_for()
    assert trains.get_attribute("data-trains") == str(int(counts[0][0]))


def test_reach_and_links_are_those_of_the_parquet(reader: Reader, parquet: Tables) -> None:
    reader.open("rail?day=2024-05-01&circle=PRW&link=sqrt_seat_1&linkyear=2021&lang=en")
    page = reader.page

    def column(table: str, n: int) -> list[float]:
        found = page.locator(f"{table} tbody tr td:nth-child({n}) .num")
        return [float(v) for v in found.evaluate_all("l => l.map((e) => e.dataset.value)")]

    reach = parquet("rail_reach").filter(
        pl.col("circle_id") == "PRW", pl.col("service_date").cast(pl.String) == "2024-05-01"
    )
    said = page.locator("section:has(h2:text-is('Within one hour')) .section-head p")
    counted = dict(reach["status"].value_counts().iter_rows())
    assert f"Within the hour, station to station {counted['lower_bound_within']}" in (
        said.text_content()
    )
    best = column("section:has(h2:text-is('Within one hour'))", 6)
    assert best == sorted(reach["best_minutes"].drop_nulls().to_list(), reverse=True)[: len(best)]
    assert len(best) >= min(12, reach["best_minutes"].count())
    links = parquet("economic_link_city_pair_year").filter(
        pl.col("circle_id") == "PRW", pl.col("variant") == "sqrt_seat_1", pl.col("year") == 2021
    )
    shares = links.sort("link_rank")["link_share"].to_list()
    assert column(".links", 3) == shares[:12]
    # A link opens to the masses it is made of.
    page.locator(".links tbody .num").first.click()
    page.locator("dialog .inputs .num").first.wait_for()
    values = page.locator("dialog .inputs .num").evaluate_all(
        "l => l.map((e) => Number(e.dataset.value))"
    )
    assert len(values) == 4


# Sentences that the Chinese page shows in Chinese, column by column; new ones fall back to English.
SENTENCES = (
    ("gap", "reason"), ("gap", "would_be_filled_by"), ("rejects", "reason"),
    ("air_reconciliation", "cause"), ("policy_target_progress", "reason"),
    ("printed_figure_check", "reason"), ("circle", "note"), ("circle_indicator_year", "method"),
)  # fmt: skip


def test_the_chinese_page_speaks_chinese(parquet: Tables) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    texts = {
        f"{table}.{column}": [
            [text, count]
            for text, count in parquet(table)[column].drop_nulls().value_counts().iter_rows()
        ]
        for table, column in SENTENCES
    }
    script = (
        f"import {{ chinese }} from '{(DASHBOARD / 'src' / 'phrases.js').as_uri()}'\n"
        "let text = ''\nfor await (const piece of process.stdin) text += piece\n"
        "const known = (t) => { const c = chinese(t); return c && /[\\u4e00-\\u9fff]/.test(c) }\n"
        "const share = (l) => l.filter(([t]) => known(t)).reduce((n, [, k]) => n + k, 0)\n"
        "console.log(JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text))"
        ".map(([name, list]) => [name, share(list) / list.reduce((n, [, k]) => n + k, 0)]))))"
    )
    ran = subprocess.run(
        [node, "--input-type=module", "-e", script],
        input=json.dumps(texts), capture_output=True, text=True, check=True,
    )  # fmt: skip
    shares = json.loads(ran.stdout)
    assert all(share >= 0.9 for share in shares.values()), shares


def test_verdicts_and_statuses_are_counted_as_the_tables_count_them(
    reader: Reader, parquet: Tables
) -> None:
    def tallies() -> dict[str, int]:
        found = reader.page.locator("[data-status]").evaluate_all(
            "l => l.map((e) => [e.dataset.status, Number(e.querySelector('b').textContent)])"
        )
        return {status: count for status, count in found if count}

    def counted(table: str) -> dict[str, int]:
        return dict(parquet(table)["status"].value_counts().iter_rows())

    reader.open("reproduction?count=checks")
    assert tallies() == counted("printed_figure_check")
    reader.open("targets")
    assert tallies() == counted("policy_target_progress")
    reader.open("quality?lang=en")
    facts = reader.page.locator(".facts").text_content()
    for table in ("ledger", "rejects", "gap"):
        assert f"{len(parquet(table)):,}" in facts


def test_what_is_exported_is_what_is_shown(reader: Reader, tmp_path: Path) -> None:
    reader.open("trends?indicator=gdp&places=440100&lang=en")
    page = reader.page
    page.locator("#trend details summary").click()
    with page.expect_download() as event:
        page.locator("#trend").get_by_text("Export CSV").click()
    event.value.save_as(tmp_path / "out.csv")
    lines = list(csv.reader(io.StringIO((tmp_path / "out.csv").read_text("utf-8-sig"))))
    assert lines[0][:3] == ["Place", "Year", "Value"]
    page.locator("#trend .under .quiet").first.click()
    values = page.locator("#trend tbody .num").evaluate_all("l => l.map((e) => e.dataset.value)")
    assert [line[2] for line in lines[1:]] == values
    with page.expect_download() as event:
        page.locator("#trend .tools button").click()
    event.value.save_as(tmp_path / "out.png")
    picture = (tmp_path / "out.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    # It stands alone: taller than the chart by its title, its key and the release it is from.
    chart = page.locator("#trend canvas").evaluate("e => e.clientHeight")
    assert int.from_bytes(picture[20:24]) >= 2 * (chart + 80)


def test_the_page_is_used_by_keyboard_alone(reader: Reader) -> None:
    reader.open("overview?lang=en")
    page = reader.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.locator("#circle-GZ_PAPER9").focus()
    before = lead_values(reader)
    reader.act("overview", lambda: page.keyboard.press("ArrowRight"))
    reader.act("overview", lambda: page.keyboard.press("ArrowRight"))
    # The choice moved, its numbers with it, and the focus stayed where the hand is.
    assert page.evaluate("document.activeElement.id") == "circle-GF"
    assert lead_values(reader) != before
    page.locator("#nav-map").focus()
    page.keyboard.press("Enter")
    reader.drawn("map")
    place = page.locator(".symbol[role=button]").first
    place.focus()
    page.keyboard.press("Enter")
    page.locator("dialog[open] h2").wait_for()


def test_on_paper_there_is_no_furniture(reader: Reader) -> None:
    reader.open("trends")
    page = reader.page
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 990})  # A4 between its margins
    assert not page.locator("aside").is_visible()
    assert page.locator("h1").is_visible()
    # What is chosen reads as words, and a chart drawn for the screen fits the paper.
    assert page.locator("#f-indicator").is_visible()
    assert page.locator("canvas").evaluate_all("l => l.every((e) => e.clientWidth <= 700)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 700


def test_the_readers_own_boundaries_are_drawn(
    reader: Reader, dist: Path, refreshed: Refreshed, tmp_path: Path
) -> None:
    square = [[[113.0, 22.8], [113.6, 22.8], [113.6, 23.5], [113.0, 23.5], [113.0, 22.8]]]
    own = tmp_path / "own.geojson"
    own.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": '
        f'{{"adcode": 440100}}, "geometry": {{"type": "Polygon", "coordinates": {square}}}}}]}}'
    )
    with serving(dist, refreshed.warehouse, own) as address:
        reader.address = address
        reader.open("map?indicator=gdp&lang=en")
        areas = reader.page.locator(".area").evaluate_all("l => l.map((e) => e.dataset.place)")
        assert areas == ["440100"]
        assert "own file" in reader.page.locator("#map-figure figcaption").text_content()
