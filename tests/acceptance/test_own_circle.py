"""A circle of one's own: the same numbers as the release, at once, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import circle
from pipelines.errors import MetrocircleError

SAME = "value, value_low, value_high, unit, aggregation, members_total, members_with_data, method"


@pytest.mark.parametrize("circle_id", ["GZ_PAPER9", "GZ_OFFICIAL2023", "PRW", "GF_AXIS_N"])
def test_own_circle_with_the_members_of_one_of_ours_is_that_circle(sql, circle_id: str) -> None:
    own = f"""
        own_circle((select list(place_code order by place_code) from circle_member
                    where circle_id = '{circle_id}'))
    """
    differing = sql(f"""
        select indicator_id, year, vintage from (
            (select indicator_id, year, vintage, {SAME} from {own}
             except
             select indicator_id, year, vintage, {SAME} from circle_indicator_year
             where circle_id = '{circle_id}')
            union all
            (select indicator_id, year, vintage, {SAME} from circle_indicator_year
             where circle_id = '{circle_id}'
             except
             select indicator_id, year, vintage, {SAME} from {own})
        )
    """)
    assert differing == []
    assert sql(f"select count(*) > 100 from {own}") == [(True,)]


def test_a_definition_gives_every_indicator(refreshed, tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_text(
        "valid_from: 2021\nmembers: [广州市, Foshan, {place: 肇庆, share: 0.5, basis: a guess}]",
        encoding="utf-8",
    )
    answer = circle.compute(refreshed.release, circle.read_definition(path))
    assert [m["place_code"] for m in answer["members"]] == ["440100", "440600", "441200"]
    values = {(r["indicator_id"], r["year"], r["vintage"]): r for r in answer["values"]}
    gdp = values["gdp", 2021, "first_published"]
    assert gdp["value"] == 28232 + 12157 + 2650 / 2
    assert gdp["is_estimate"], "half of a city is an estimate"
    assert len({row["indicator_id"] for row in answer["values"]}) > 40
    assert "清远" not in circle.text(answer)


# Members; what the answer must name.
REFUSED = [
    (["广洲"], "no division is called '广洲' in 2021; nearest: 广州市"),
    (["佛三", "广州"], "nearest: 佛山市"),
    (["GZ_PAPER9"], "Circles overlap and are never added"),
    (["prw", "广州"], "prw is a circle"),
    (["广州", "440100"], "广州市 (440100) is --member 1 already"),
    (["肇庆", "端州"], "端州区 lies in 肇庆市 (--member 1) and would count twice"),
    (["端州", "广东"], "端州区 lies in 广东省 (--member 2) and would count twice"),
    (["'; drop table circle; --"], "no division is called"),
    (["]) union select 1 --"], "no division is called"),
]


@pytest.mark.parametrize(("members", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_no_circle_is_refused(refreshed, members: list[str], said: str) -> None:
    with pytest.raises(MetrocircleError) as caught:
        circle.compute(refreshed.release, circle.from_arguments(members, 2021))
    assert said in str(caught.value)


def test_names_mean_the_divisions_of_their_year(refreshed) -> None:
    """高要 became a district in 2015: the city of that name is unknown today, and was one then."""
    old = circle.compute(refreshed.release, circle.from_arguments(["高要市"], 2013), ["gdp"])
    assert old["members"][0]["place_code"] == "441283"
    with pytest.raises(MetrocircleError, match=r"高要市.*in 2021"):
        circle.compute(refreshed.release, circle.from_arguments(["高要市"], 2021))


def test_an_unknown_indicator_names_the_nearest(refreshed) -> None:
    with pytest.raises(MetrocircleError, match="nearest: gdp"):
        circle.compute(refreshed.release, circle.from_arguments(["广州"]), ["gpd"])


def test_show_names_the_nearest_circle(refreshed) -> None:
    with pytest.raises(MetrocircleError, match="nearest: GZ_PAPER9"):
        circle.show(refreshed.release, "gz_paper")
    assert len(circle.show(refreshed.release, "gz_official2023")["members"]) == 9
    assert len(circle.listed(refreshed.release)) >= 34


def test_own_circle_has_disparities(sql) -> None:
    columns = "indicator_id, year, vintage, measure, value, detail, series"
    own = """
        own_circle_inequality((select list(place_code) from circle_member
                               where circle_id = 'GZ_PAPER9'))
    """
    theirs = f"select {columns} from circle_inequality_year where circle_id = 'GZ_PAPER9'"
    assert sql(f"select {columns} from {own} except {theirs}") == []
    assert sql(f"{theirs} except select {columns} from {own}") == []
