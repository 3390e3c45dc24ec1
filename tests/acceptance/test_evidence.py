"""Any cell of any released table goes back to what was printed, and where."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import contract as contracts
from pipelines import evidence
from pipelines.errors import UnknownName
from pipelines.settings import Settings
from tests.conftest import Refreshed, run_cli

# What a reader asks, and below it what the answer must say. @: one column of the row.
ASKED = """
city_indicator_year place_code=广州 indicator_id=gdp year=1999 document=china_city_yearbook
    printed '20567383' 万元 × 0.0001 at prefecture!BG194
city_indicator_best place_code=深圳 indicator_id=gdp_growth_real year=2022
    printed '330'
    corrected:
city_year_wide place_code=440100 year=2021 @gdp
    28,225.212 亿元
    guangdong_yearbook/2024.csv
    tidy.observation.value
circle_indicator_year circle_id=GZ_PAPER9 indicator_id=gdp year=2021 vintage=first_published
    made from (10)
    member 广州市 gdp 2021: 28,232 亿元
    prefecture!T209
    members (9)
circle_indicator_year circle_id=GZ_OFFICIAL2023 indicator_id=gdp year=2022 vintage=latest
    441202 gdp: County GDP
    would be filled by
revision place_code=110000 indicator_id=gdp year=1999
    printed 21744600 万元 at prefecture!BG14
    printed 2678.82 亿元
rail_city_pair_day service_date=2024-04-17 origin_code=广州 destination_code=珠海
    trains counted (67)
    C7601 广州南 → 珠海
    2024-04-17/stop_times.csv
rail_service_day service_date=2024-05-01
    12239 trains
    cr240410.min.csv.gz L1-L147746
air_city_period place_code=广州 period_start=2016-01-01 period_end=2016-12-31 basis=recomputed
    daily records (366)
    2016-01-02,105,轻度污染
air_city_period place_code=广州 edition=2022-06 basis=published period_start=2022-06-01
    pm25_ugm3 广州市 11
    L273:r16c2
air_city_day_recomputed place_code=440100 observed_on=2016-01-01
    2016-01-01,88,良
    index 50 at 35 ug/m3
    广州.csv
air_period_check place_code=440100 edition=2022-06 measure=pm25_rank period_start=2022-06-01
    pm25_rank 广州市 16
    follows from (22)
    2022-06.csv line 96
F0007
    68089.47 for 广州都市圈[9市]
    gz_circle_paper L11
    member 广州市 gdp 2021
F0015 vintage=same_document
    figures of the same document it follows from
    numerator F0007 68089.47
F0015 vintage=first_published_gdp_latest_population
    numerator gdp 2021 first_published: 68,089 亿元
    denominator population_resident 2021 latest: 6,123.45
circle_primacy_year circle_id=GZ_PAPER9 indicator_id=gdp year=2021 vintage=latest measure=primacy_2
    values of the members
    广州市
composite_score circle_id=GZ_PAPER9 place_code=广州 year=2018
    indicators of the panel
    fiscal_self_sufficiency 2018
circle_inequality_year circle_id=GZ_PAPER9 indicator_id=gdp_per_capita_year_end year=2023 \
vintage=latest measure=theil_t
    values of the members (18)
    numerator 广州市 gdp 2023: 30,355.7263 亿元
circle_trial_share circle_id=GZ_OFFICIAL2023 city_code=441800
    included True: 佛冈县 population_census 2020: 315,502 人
    printed '1704.47154455542' 亿元 at L924
circle_trial_account circle_id=GZ_OFFICIAL2023 indicator_id=gdp year=2022 method=output_share
    whole False, by population 0.5174, by output 0.6356: 清远市 gdp 2022
    441800: 清城区、清新区、佛冈县
circle_comparison_year area_id=GZ_PAPER9 indicator_id=gdp year=2021
    member 广州市 gdp 2021: 28,225.212 亿元
circle_comparison_year area_id=GZ_OFFICIAL2023 indicator_id=gdp year=2022
    circle_trial_account circle_id=GZ_OFFICIAL2023
circle_comparison_year area_id=440300 indicator_id=gdp year=2021
    printed '30820.1048371705' 亿元
implied_deflator_year place_code=440700 year=2022 document=gba_portal
    gdp_growth_real 2022: 3.3 %, printed 3.3 % at prefecture!X215
document_consistency_check check_id=T1.sum.东莞.2011
    F0060 东莞 资本密集型制造业占制造业比重 2011: 5.1 % at L52
document_consistency_check check_id=T2.rest.R&D活动人员
    printed figures at the place
rail_reach circle_id=GZ_PAPER9 service_date=2024-04-17 origin_code=广州 destination_code=云浮
    45 direct trains, fastest 58 minutes
    D3666 IZQ at minute 1034 → FCQ 1069, change of 15, D3762 1084 → IXQ 1105: 71 minutes
rail_city_pair_window day_type=all origin_code=云浮 destination_code=广州
    2024-05-01 云浮市 → 广州市: 53 direct trains
    2024-04-17 workday: 10178 trains
rail_network_city_day region_id=GZ_PAPER9 service_date=2024-05-01 place_code=广州
    东莞市 → 广州市: 241 direct trains
rail_planned_link project_id=P0121 origin_code=深圳 destination_code=茂名
    深茂铁路 (拥有), cities 深圳;茂名: prw_plan_2023 L81
    茂名市 → 深圳市: 8 direct trains
rail_city_pair_season season_kind=weekday season=3 origin_code=广州 destination_code=云浮
    2024-04-17 workday
economic_link_stability circle_id=GZ_PAPER9 year=2021 variant=gdp_centroid_2 \
    other_variant=gdp_seat_2
    440100–440600: 2 by gdp_centroid_2, 1 by gdp_seat_2
network_rank_difference circle_id=GZ_PAPER9 service_date=2024-05-01 variant=gdp_seat_2 \
    origin_code=广州 destination_code=佛山
    1 of 36
economic_link_city_pair_year circle_id=GZ_PAPER9 year=2019 variant=population_centroid_2 \
origin_code=珠海 destination_code=云浮
    珠海市 population_resident 2019: 233.18 万人
    445300 centroid: 111.7988, 22.8137
network_claim_check network=railway period=2024-05-01
    佛山市 → 广州市: 151 direct trains
network_claim_check variant=population_centroid_1 period=2024
    2. 440100–440600: share 0.1575
air_reconciliation place_code=广州 period_start=2021-01-01 measure=pm25_ugm3 \
recomputed_document=aqi_vibe_annual_means
    F0254 广州 PM2.5
    aqi_vibe_annual_means: pm25_ugm3
air_region_period circle_id=GZ_PAPER_CORE4 period_start=2023-12-01 document=gd_env_bulletin
    中山市: rate 93.5 %
    L319:r19c1
water_area_period place_code=阳江 period_start=2021-01-01
    water_rank 阳江 19
T0001
    88% for 广州都市圈[2023规划]
    numerator 佛冈县 population_census_urban 2020
    census2020_county_gd_bj_sh.csv L158:c11
circle_member circle_id=GZ_PAPER9 member_seq=1 @weight
    weight = 1 share
    sources/geography/circle_members.csv
tidy.strategic_industry document=gz_circle_paper place_code=广州 industry_seq=1
    sources/publications/strategic_industries.csv
"""
CASES = re.findall(r"^(\S.*)\n((?:    .*\n)+)", ASKED, re.MULTILINE)
# Tables that name no file themselves: the rest of the row says it.
WITHOUT_FILE = {"main.ledger", "main.gap", "main.indicator", "main.document"}
# What a row of evidence has when it leads on: a file, a printed cell, a value, a row of a table.
LEADS = ("file", "read_from", "value_text", "raw_text", "locator", "fact_id", "table_name")


def ask(release: Path, line: str) -> dict[str, Any]:
    words = line.split()
    column = next((word[1:] for word in words if word.startswith("@")), None)
    subject, *rest = [word for word in words if not word.startswith("@")]
    if rest and re.fullmatch(r"[FT]\d+", subject):
        table = "printed_figure_check" if subject[0] == "F" else "policy_target_progress"
        rest, subject = [f"figure_id={subject}", *rest], table
    return evidence.evidence(release, subject, evidence.conditions_of(rest), column)


@pytest.mark.parametrize(("question", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_cell_goes_back_to_what_was_printed(
    refreshed: Refreshed, question: str, expected: str
) -> None:
    said = evidence.text(ask(refreshed.release, question))
    for part in expected.splitlines():
        assert part.strip() in said, said


def _rows(release: Path, table: str) -> list[dict[str, str]]:
    """Keys of the first, the middle and the last row of a table."""
    with duckdb.connect(str(release / "metrocircle.duckdb"), read_only=True) as connection:
        [(key, rows)] = connection.execute(
            "select row_key, rows from meta.table_dictionary where table_name = ?", [table]
        ).fetchall()
        names = key.split(", ")
        found = []
        for offset in sorted({0, rows // 2, rows - 1} if rows else set()):
            values = connection.execute(
                f"select {', '.join(names)} from {table} order by {key} limit 1 offset {offset}"
            ).fetchone()
            found.append({n: str(v) for n, v in zip(names, values, strict=True)})
    return found


PUBLIC = [
    f"{table.schema}.{table.name}"
    for table in contracts.load(Settings().contract).tables.values()
    if table.schema == "main"
]


@pytest.mark.parametrize("table", PUBLIC)
def test_every_public_table_can_be_asked(refreshed: Refreshed, table: str) -> None:
    """Whatever the table: the row, and a file or publication unless nothing was measured."""
    for key in _rows(refreshed.release, table):
        answer = evidence.evidence(refreshed.release, table, key)
        said = evidence.text(answer)
        assert all(str(answer["row"][name]) == value for name, value in key.items())
        values = [answer["row"].get(name) for name in ("value", "computed_value", "latest_value")]
        nothing = all(value is None for value in values) and {
            "value", "computed_value", "latest_value"
        } & answer["row"].keys()  # fmt: skip
        if table not in WITHOUT_FILE and not nothing:
            rows = [row for step in answer["steps"] for row in step["rows"]]
            assert any(row.get(name) is not None for row in rows for name in LEADS), said
        assert all(step["rows"] for step in answer["steps"]), said
        json.dumps(answer, default=str)


def test_the_trains_shown_are_the_trains_counted(refreshed: Refreshed, sql: Any) -> None:
    pairs = sql(
        "select service_date, place_level, origin_code, destination_code, direct_trains, "
        "gdc_trains, fastest_minutes, median_minutes, first_departure_minute "
        "from rail_city_pair_day where service_date = date '2024-05-01' "
        "qualify row_number() over (partition by place_level "
        "order by hash(origin_code || destination_code)) <= 5"
    )
    assert {pair[1] for pair in pairs} >= {"prefecture"}
    for date, level, origin, destination, *counted, first in pairs:
        answer = evidence.evidence(
            refreshed.release,
            "rail_city_pair_day",
            {
                "service_date": str(date),
                "place_level": level,
                "origin_code": origin,
                "destination_code": destination,
            },
        )
        [trains] = [step["rows"] for step in answer["steps"] if step["title"] == "trains counted"]
        minutes = sorted(train["minutes"] for train in trains)
        middle = len(minutes) // 2
        assert counted == [
            len(trains),
            sum(train["train_class"] in "GDC" for train in trains),
            minutes[0],
            (minutes[middle] + minutes[~middle]) / 2,
        ]
        # A train is shown by its shortest leg; it may depart another station of the place earlier.
        assert min(train["departs_minute"] for train in trains) >= first


def test_the_days_shown_are_the_days_counted(refreshed: Refreshed) -> None:
    answer = ask(refreshed.release, "air_city_period place_code=深圳 basis=recomputed "
                 "period_start=2016-01-01 period_end=2016-12-31")  # fmt: skip
    [days] = [step["rows"] for step in answer["steps"] if step["title"] == "daily records"]
    official = [day for day in days if day["is_official"]]
    assert len(official) == answer["row"]["valid_days"]
    assert sum(day["aqi"] <= 100 for day in official) == answer["row"]["good_days"]


@pytest.mark.parametrize(
    "line",
    [
        "circle_indicator_year circle_id=GZ_PAPER9 indicator_id=gdp year=2021 vintage=latest",
        "rail_city_pair_day service_date=2024-05-01 origin_code=440100 destination_code=440300",
        "air_period_check place_code=440100 edition=2022-06 measure=pm25_rank",
        "F0015 vintage=same_document",
    ],
)
def test_the_sql_says_the_same_in_any_client(refreshed: Refreshed, line: str) -> None:
    answer = ask(refreshed.release, line)
    with duckdb.connect(str(refreshed.release / "metrocircle.duckdb"), read_only=True) as plain:
        for step in answer["steps"]:
            rows = plain.execute(step["sql"]).fetchall()
            assert rows == [tuple(row.values()) for row in step["rows"]], step["title"]
    assert evidence.sql(answer).count(";\n") + 1 >= len(answer["steps"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rail_city_pair_day service_date=2024-04-18", "service_date holds 2024-04-17"),
        ("gap circle_id=GZ_OFFICIAL2023", "several rows"),
        ("circle_member circel_id=X", "nearest: circle_id"),
        ("rail_city_pair_days a=b", "rail_city_pair_day"),
        ("gdp", "is no figure, target or value"),
        ("gap", "which row of gap"),
        ("indicator indicator_id=gpd", "gdp"),
        ("indicator indicator_id='_or_1=1_--", "no row with"),
        ('indicator "=1', "no column"),
        ("indicator gdp", "is not column=value"),
        ("circle circle_id=GZ_PAPER9 @nam", "no column 'nam'"),
    ],
)
def test_an_unclear_question_says_what_there_is(refreshed: Refreshed, line: str, said: str) -> None:
    with pytest.raises(UnknownName, match=re.escape(said)):
        ask(refreshed.release, line)


def test_the_command_takes_all_three_forms(refreshed: Refreshed) -> None:
    def run(*arguments: str) -> str:
        result = run_cli("explain", *arguments, warehouse=refreshed.warehouse)
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert "68089.47" in run("F0007")
    row = json.loads(run("policy_target_progress", "target_id=T0001", "--json"))
    assert row["row"]["circle_id"] == "GZ_OFFICIAL2023"
    statements = run("gdp", "GZ_PAPER9", "2021", "--vintage", "latest", "--sql")
    with duckdb.connect(str(refreshed.release / "metrocircle.duckdb"), read_only=True) as plain:
        assert len(plain.execute(statements.partition(";")[0]).fetchall()) == 9
    wrong = run_cli("explain", "gdp", "广州", "year", warehouse=refreshed.warehouse)
    assert (wrong.returncode, "expected a year" in wrong.stderr) == (1, True)
