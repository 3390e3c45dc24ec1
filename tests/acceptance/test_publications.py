"""Printed figures and targets on refreshed data: what the documents' own readers expect."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipelines import reproduce
from pipelines.release.query import query
from tests.conftest import Refreshed, run_cli

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def figures(refreshed: Refreshed) -> pl.DataFrame:
    return query(refreshed.release, "select * from printed_figure_check", limit=None)


@pytest.fixture(scope="module")
def targets(refreshed: Refreshed) -> pl.DataFrame:
    return query(refreshed.release, "select * from policy_target_progress", limit=None)


MIXED = "first_published_gdp_latest_population"
# figure | vintage | status | computed value, rounded to the decimals given
EXPECTED = [
    ("F0011", "first_published", "consistent", 54.7476),  # 68089 / 124369
    ("F0011", "as_of:2022", "consistent", 54.7476),
    ("F0011", "latest", "mismatch", 54.6827),
    ("F0020", "latest", "reproduced", 54.6827),
    ("F0007", "first_published", "consistent", 68089.0),
    ("F0007", "latest", "mismatch", 68199.9843),
    # Nine inputs rounded to 0.01 leave more room than the printed digits, though the sum is equal.
    ("F0008", "latest", "consistent", 6123.45),
    ("F0010", "latest", "reproduced", 48.277),
    ("F0015", "first_published", "not_computable", None),
    ("F0015", "latest", "mismatch", 111375.0978),
    ("F0015", MIXED, "consistent", 111193.8531),
    ("F0015", "same_document", "internally_consistent", 111194.6207),
    ("F0018", "first_published", "not_computable", None),
    ("F0018", "latest", "not_computable", None),
    ("F0019", "latest", "reproduced", 53.6317),
    ("F0019", "first_published", "not_computable", None),
    ("F0155", "first_published", "reproduced", 189516.0),
    ("F0391", "first_published", "reproduced", 25019.0),
    ("F0391", "latest", "mismatch", 25068.7492),
    ("F0439", "latest", "reproduced", 1435.27),
    ("F0215", "same_document", "internally_consistent", 550225.0),
    ("F0215", "none", "not_computable", None),
    # Residents of 2020: the plan's province is the census, its 佛山 the census cut off, not 广州.
    ("F0389", "census_population", "reproduced", 12601.251),
    ("F0387", "census_population", "rounding", 949.8863),
    ("F0386", "census_population", "mismatch", 1867.6605),
    # The paper's R&D over the yearbook's GDP, its shares closing to 100, its growth a head.
    ("F0154", "same_document", "internally_consistent", 3.1231),
    ("F0238", "same_document", "internally_consistent", 4.2110),
    ("F0036", "same_document", "internally_consistent", 14.8),
    ("F0017", "same_document", "internally_consistent", 5.2080),
]


@pytest.mark.parametrize(
    ("figure", "vintage", "status", "computed"), EXPECTED, ids=[f"{e[0]}-{e[1]}" for e in EXPECTED]
)
def test_a_printed_figure_comes_out_as_expected(
    figures: pl.DataFrame, figure: str, vintage: str, status: str, computed: float | None
) -> None:
    row = figures.row(
        by_predicate=(pl.col("figure_id") == figure) & (pl.col("vintage") == vintage), named=True
    )
    assert row["status"] == status
    if computed is None:
        assert row["computed_value"] is None
    else:
        assert round(row["computed_value"], 4) == pytest.approx(computed, abs=1e-4)


def reason(figures: pl.DataFrame, figure: str, vintage: str) -> str:
    wanted = (pl.col("figure_id") == figure) & (pl.col("vintage") == vintage)
    return str(figures.filter(wanted)["reason"].item())


def test_a_share_without_a_provincial_total_says_what_the_cities_give(
    figures: pl.DataFrame,
) -> None:
    assert "58.37" in reason(figures, "F0018", "first_published")
    assert "provincial total" in reason(figures, "F0018", "first_published")


def test_a_missing_input_is_named_with_what_would_fill_it(figures: pl.DataFrame) -> None:
    told = reason(figures, "F0015", "first_published")
    assert "population_resident" in told and "table 03-07" in told and "2018 to 2024" in told
    assert "4 of 9 members" in reason(figures, "F0366", "latest")


# figure | vintage | what the reason must tell a reader
TOLD = [
    ("F0012", "latest", ["26236.04", "清远市、云浮市", "would leave these 1263.36"]),
    ("F0014", "latest", ["47236090", "58216.9"]),
    ("F0153", "none", ["2020: 774.84", "2022: 988.36"]),
    ("F0230", "none", ["statistical yearbook of 北京市, edition 2022"]),
    ("F0246", "latest", ["less than 0.01 % apart"]),
    ("F0387", "census_population", ["cut off, not rounded", "1 November"]),
    ("F0405", "latest", ["leaves out the budget of the province", "9616.75", "25.75 %"]),
    ("F0432", "none", ["5 of its parts", "no divisions"]),
    ("F0448", "latest", ["3 of 4 members", "287.58", "5.8 to 7.1"]),
]


@pytest.mark.parametrize(("figure", "vintage", "words"), TOLD, ids=[t[0] for t in TOLD])
def test_a_reason_says_what_is_known_all_the_same(
    figures: pl.DataFrame, figure: str, vintage: str, words: list[str]
) -> None:
    told = reason(figures, figure, vintage)
    assert [word for word in words if word not in told] == []


def test_every_row_of_table_1_closes_and_every_intensity_fits(figures: pl.DataFrame) -> None:
    own = figures.filter(pl.col("vintage") == "same_document")
    shares = own.filter(pl.col("indicator_id").str.starts_with("manufacturing_share_"))
    assert set(shares["status"]) == {"internally_consistent"} and len(shares) == 66
    intensity = own.filter(pl.col("indicator_id") == "rd_intensity")
    assert set(intensity["status"]) == {"internally_consistent"} and len(intensity) == 14


def test_every_figure_has_a_status_and_a_reason_unless_reproduced(figures: pl.DataFrame) -> None:
    assert figures["figure_id"].n_unique() == 455
    assert figures["status"].null_count() == 0
    assert figures.filter(
        (pl.col("status") != "reproduced") & pl.col("reason").is_null()
    ).is_empty()
    assert figures.filter(pl.col("reason").str.contains("_reason|null")).is_empty()


def test_only_whole_vintages_reproduce_and_only_documents_agree_with_themselves(
    figures: pl.DataFrame,
) -> None:
    assert figures.filter(
        pl.col("is_mixed_vintage") & (pl.col("status") == "reproduced")
    ).is_empty()
    own = figures.filter(pl.col("vintage") == "same_document")
    inside = figures.filter(pl.col("status") == "internally_consistent")
    assert set(inside["vintage"]) == {"same_document"}
    assert not set(own["status"]) & {"reproduced", "consistent"}
    # Six columns of table 2, seven sums and seven shares of the Guangfo plan, GDP per head.
    table_2 = {f"F02{n}" for n in (15, 16, 18, 19, 20, 21)}
    assert set(inside["figure_id"]) >= table_2 | {"F0015"}
    shares = {f"F0{n}" for n in (385, 390, 395, 400, 405, 410, 415)}
    sums = {f"F0{n}" for n in (383, 388, 393, 398, 403, 408, 413)}
    assert set(inside["figure_id"]) >= shares | sums


def test_a_computed_value_lies_in_its_own_interval(figures: pl.DataFrame) -> None:
    held = figures.filter(pl.col("computed_value").is_not_null())
    assert held.filter(
        (pl.col("computed_value") < pl.col("computed_low"))
        | (pl.col("computed_value") > pl.col("computed_high"))
    ).is_empty()


# target | status | latest value | year
TARGETS = [
    ("T0001", "on_track", 86.24, 2020),
    ("T0043", "on_track", 75.07, 2020),
    ("T0029", "no_final_data", 45196.81, 2025),
    ("T0032", "no_final_data", 3.25, 2022),
    ("T0022", "not_measurable", None, None),
    ("T0002", "not_measurable", None, None),
]


@pytest.mark.parametrize(("target", "status", "value", "year"), TARGETS)
def test_a_target_comes_out_as_expected(
    targets: pl.DataFrame, target: str, status: str, value: float | None, year: int | None
) -> None:
    row = targets.row(by_predicate=pl.col("target_id") == target, named=True)
    assert (row["status"], row["latest_year"]) == (status, year)
    assert row["latest_value"] is None if value is None else round(row["latest_value"], 2) == value


def test_a_preliminary_value_decides_nothing_and_says_so(targets: pl.DataFrame) -> None:
    row = targets.row(by_predicate=pl.col("target_id") == "T0029", named=True)
    assert row["latest_is_preliminary"] and "preliminary" in row["reason"]
    assert "-9.6 %" in row["reason"] and row["required_annual_change"] is None
    assert round(row["gap"], 2) == 4803.19


def test_a_target_for_every_year_lists_its_years(targets: pl.DataFrame) -> None:
    told = targets.filter(pl.col("target_id") == "T0032")["reason"].item()
    assert "1 of 5 years" in told and "2020: 2.97, 2022: 3.25" in told
    assert "2021: 3.03 with the R&D expenditure that gz_circle_paper prints" in told


def test_travel_times_say_what_trains_alone_give(targets: pl.DataFrame) -> None:
    told = dict(
        targets.filter(pl.col("reason").str.contains("by rail alone"))
        .select("target_id", "reason")
        .rows()
    )
    assert set(told) == {"T0002", "T0003", "T0004", "T0006", "T0030", "T0031"}
    assert "22 of 72 journeys between members keep 60 minutes" in told["T0002"]
    assert "2 of 2 journeys between members keep 30 minutes" in told["T0030"]
    unmeasured = targets.filter(pl.col("target_id").is_in(list(told)))["status"]
    assert set(unmeasured) == {"not_measurable"}, "a lower bound proves nothing"


def test_every_target_has_a_status_and_a_reason(targets: pl.DataFrame) -> None:
    assert targets.height == 85
    assert targets["status"].null_count() == 0 and targets["reason"].null_count() == 0
    assert targets["is_quantitative"].sum() == 80


def test_reproduce_reports_the_release_in_use(
    refreshed: Refreshed, figures: pl.DataFrame, tmp_path: Path
) -> None:
    facts = reproduce.report(refreshed.release)
    assert facts["figures"] == 455 and facts["comparisons"] == figures.height
    assert sum(facts["best"].values()) == 455
    assert facts["best"]["reproduced"] >= 53 and facts["inside"] >= 151
    assert sum(row["checks"] for row in facts["checks"]) == 239
    told = run_cli("reproduce", "--write", str(tmp_path), warehouse=refreshed.warehouse)
    assert told.returncode == 0 and "mismatch (" in told.stdout, told.stderr
    pages = sorted(tmp_path.iterdir())
    assert [page.suffix for page in pages] == [".html", ".md"]
    first = [page.read_bytes() for page in pages]
    assert [page.read_bytes() for page in reproduce.write(facts, tmp_path)] == first[::-1]
    html, markdown = (text.decode() for text in first)
    assert "## mismatch (" in markdown
    assert "<h2>mismatch (" in html
    assert "http" not in html and "<script" not in html, "the page loads nothing"
    assert html.count("F0011") == markdown.count("F0011") > 0


def test_a_report_escapes_what_documents_print() -> None:
    row = dict.fromkeys(reproduce.COLUMNS, "a<b> | c\nd")
    row |= {"status": "mismatch", "computed_value": 1.0}
    facts = {"release_id": "r", "figures": 1, "comparisons": 1, "by_status": {"mismatch": 1},
             "by_document": {"a<b>": {"mismatch": 1}}, "best": {"mismatch": 1}, "inside": 0,
             "rows": [row], "checks": []}  # fmt: skip
    assert "a<b>" not in reproduce.html(facts) and "a&lt;b&gt;" in reproduce.html(facts)
    assert "a<b> \\| c d" in reproduce.markdown(facts)
