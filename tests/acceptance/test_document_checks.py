"""The 239 checks of the documents: arithmetic in the release, the rest repeated here.

What a model recomputes stands in `document_consistency_check`. The tables below repeat what is no
sum or ratio: rankings, lists, fractions of sections (from the printed figures), and words (from the
originals, where these are present). A check in none of the three fails the last test.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CITIES = ("广州", "珠海", "佛山", "东莞", "中山", "江门", "肇庆", "清远", "云浮")
KINDS = {"劳动": "labour", "资本": "capital", "技术": "technology"}
Sql = Callable[[str], list[tuple[Any, ...]]]


class Printed:
    """The printed figures of one document: number and text by (indicator, place, year)."""

    def __init__(self, sql: Sql, document: str) -> None:
        rows = sql(f"""
            select indicator_name, split_part(place_raw, '[', 1), year_end, value, value_text,
                coalesce(decimals, 0)
            from tidy.printed_figure where document = '{document}' and value is not null
            order by figure_id desc
        """)
        self.number = {(n, p, y): float(v) for n, p, y, v, _, _ in rows}
        self.text = {(n, p, y): t for n, p, y, _, t, _ in rows}
        self.half = {(n, p, y): 0.5 * 10**-d for n, p, y, _, _, d in rows}

    def __call__(self, name: str, place: str = "广州都市圈", year: int = 2021) -> float:
        return self.number[name, place, year]

    def bounds(self, name: str, place: str, year: int = 2021) -> tuple[float, float]:
        key = (name, place, year)
        return self.number[key] - self.half[key], self.number[key] + self.half[key]


def _plain(number: float) -> str:
    return f"{number:g}"


def _manufacturing(paper: Printed) -> dict[str, str]:
    def share(place: str, kind: str, year: int) -> float:
        return paper(f"mfg_share_{KINDS[kind]}_intensive", place, year)

    def top(place: str, year: int) -> str:
        return max(KINDS, key=lambda kind: share(place, kind, year))

    made = {}
    for place in CITIES:
        listed = " ".join(f"{kind}{share(place, kind, 2021)}" for kind in KINDS)
        made[f"T1.text.{place}"] = (
            f"2021最大类={top(place, 2021)}（{listed}）；2011最大类={top(place, 2011)}"
        )
    fell = [p for p in CITIES if share(p, "技术", 2021) < share(p, "技术", 2011)]
    rose = [p for p in CITIES if share(p, "劳动", 2021) > share(p, "劳动", 2011)]
    made["T1.text.shift"] = f"技术占比下降：{fell}；劳动占比上升：{rose}"
    for year in (2011, 2021):
        made[f"T1.weighted.{year}"] = str(
            [round(sum(share(p, k, year) for p in CITIES) / 9 + 1e-9, 1) for k in KINDS]
        )
    output = paper("above_scale_industrial_output_share_of_guangdong")
    for year, weight in ((2011, output + 2.6), (2021, output)):
        made[f"T1.residual.{year}"] = str(
            [
                round(
                    (100 * share("广东", k, year) - weight * share("广州都市圈", k, year))
                    / (100 - weight),
                    1,
                )
                for k in KINDS
            ]
        )
    return made


def _science(paper: Printed) -> dict[str, str]:
    above = [p for p in CITIES if paper("rd_intensity", p) > paper("rd_intensity", "广东")]
    names = {
        "R&D活动人员": "rd_personnel", "R&D经费": "rd_expenditure", "专利授权数": "patents_granted",
        "技术合同交易额": "tech_contract_value", "高新技术企业数": "hightech_enterprises",
    }  # fmt: skip
    ahead = [label for label, name in names.items() if paper(name, "广州") > paper(name, "上海")]
    return {
        "T2.text.dongguan": str(above),
        "T2.text.gap": str(ahead),
        "T2.round.shanghai": _plain(paper("rd_personnel", "上海")),
    }


def _sections(rate: str) -> list[str]:
    """Fractions k/n with n <= 30 that print like the rate; whole ones (100 %) tell nothing."""
    digits = len(rate.split(".")[1])
    return [
        f"{k}/{n}"
        for n in range(2, 31)
        for k in range(1, n)
        if f"{math.floor(1000 * k / n * 10 ** (digits - 1) + 0.5) / 10**digits:.{digits}f}" == rate
    ]


def _environment(paper: Printed) -> dict[str, str]:
    places = (*CITIES, "深圳")
    made = {}
    for place in places:
        for label, name in (("国控", "national"), ("省考", "provincial")):
            text = paper.text.get((f"{name}_section_good_rate", place, 2021), "").rstrip("%")
            if "." in text and float(text) < 100:
                made[f"T4.sections.{place}.{label}"] = str(_sections(text))
    rank = {p: int(paper("aqi_rank_in_province", p)) for p in places}
    rate = {p: paper("aqi_attainment_rate", p) for p in places}
    made["T4.aqi.rankorder"] = str([(p, rank[p]) for p in sorted(places, key=lambda p: -rate[p])])
    province = paper("aqi_attainment_rate", "广东")
    better = [p for p in CITIES if rate[p] > province]
    made["T4.text.aqi"] = str(better)
    made["T4.text.pm25"] = str([p for p in CITIES if paper("pm25_annual_mean", p) > 35])
    made["T4.text.aqirank"] = str({p: rank[p] for p in CITIES if p not in better})
    water = {p: int(paper("water_quality_rank_in_province", p)) for p in CITIES}
    made["T4.text.water"] = str([p for p in CITIES if water[p] > 11])
    park = {p: paper("urban_park_green_area_per_capita", p) for p in (*CITIES, "广东")}
    made["T4.text.park"] = str([p for p in CITIES if park[p] >= park["广东"]])
    for total, rate_name in ((149, "national"), (168, "provincial")):
        printed = f"{paper(f'{rate_name}_section_good_rate', '广东'):.1f}"
        fits = {
            n: [k for k in range(n + 1) if f"{math.floor(1000 * k / n + 0.5) / 10:.1f}" == printed]
            for n in (149, 168)
        }
        other = 317 - total
        made[f"T4.sections.{total}"] = f"k/{total}可行={fits[total]}；k/{other}可行={fits[other]}"
    zhongshan, jiangmen = (paper("provincial_section_good_rate", p) for p in ("中山", "江门"))
    monotone = (zhongshan < jiangmen) == (water["中山"] > water["江门"])
    made["T4.water.rank_vs_rate"] = f"排名与优良率{'' if monotone else '不'}单调"
    coarse = []
    for name in ("provincial_section_good_rate", "urban_park_green_area_per_capita"):
        texts = {p: paper.text[name, p, 2021].rstrip("%㎡") for p in CITIES}
        digits = {p: len(text.partition(".")[2]) for p, text in texts.items()}
        coarse += [f"{p}:{texts[p]}" for p in CITIES if digits[p] < max(digits.values())]
    made["T4.prec"] = str(coarse)
    made["T4.dup.park"] = f"{park['云浮']} / {park['广东']}"
    return made


def _text(paper: Printed) -> dict[str, str]:
    gdp = {year: paper("gdp_current", year=year) for year in (2010, 2021)}
    share = paper.number["gdp_share_of_guangdong", "广州都市圈", 2010]
    province = {2010: gdp[2010] / share * 100, 2021: gdp[2021] / 54.75 * 100}
    growth = 100 * ((province[2021] / province[2010]) ** (1 / 11) - 1)
    low, high = gdp[2021] / 54.75 * 100, gdp[2021] / 54.745 * 100
    money, rate = paper.bounds("rd_expenditure", "广东"), paper.bounds("rd_intensity", "广东")
    span = f"[{100 * money[0] / rate[1]:.0f}, {100 * money[1] / rate[0]:.0f}]"
    return {
        "T2.impliedGDP.gd_vs_share": f"{span} vs {province[2021]:.0f}",
        "X.gd.nominal": f"{province[2010]:.0f} / {province[2021]:.0f} / {growth:.2f}%",
        "X.gd2021.interval": f"({low:.1f}, {high:.1f}]",
        "X.share.two_prints": "54.75 / 54.7",
    }


def _plans(sql: Sql, paper: Printed) -> dict[str, str]:
    guangfo, west = Printed(sql, "guangfo_plan_2025"), Printed(sql, "prw_plan_2023")
    area, gdp = guangfo("land_area", "广佛", 2020), guangfo("gdp_current", "广东", 2020)
    dense = 35835 / area, gdp / guangfo("land_area", "广东", 2020)
    made = {"002.density": f"{dense[0]:.2f}；{dense[1]:.3f}；{dense[0] / dense[1]:.2f}"}
    bounds = {}
    for place in ("广州", "佛山"):
        money, rate = paper.bounds("rd_expenditure", place), paper.bounds("rd_intensity", place)
        bounds[place] = 100 * money[0] / rate[1], 100 * money[1] / rate[0]
        before = guangfo("gdp_current", place, 2020)
        rise = [100 * (bound / before - 1) for bound in bounds[place]]
        made[f"002.yoy.{place}"] = f"{rise[0]:.1f}~{rise[1]:.1f}"
    low, high = (sum(b[side] for b in bounds.values()) for side in (0, 1))
    need = [100 * ((50000 / bound) ** 0.25 - 1) for bound in (high, low)]
    made["002.gf2021"] = f"[{low:.0f}, {high:.0f}]；{need[0]:.2f}%~{need[1]:.2f}%"
    spent = sum(paper("rd_expenditure", p) for p in ("广州", "佛山"))
    made["002.rd2021"] = f"{100 * spent / high:.2f}~{100 * spent / low:.2f}"
    three = ("珠海", "中山", "江门")
    spent = sum(paper("rd_expenditure", p) for p in three)
    least, most = (
        sum(
            100 * paper.bounds("rd_expenditure", p)[side]
            / paper.bounds("rd_intensity", p)[1 - side]
            for p in three
        )
        for side in (0, 1)
    )  # fmt: skip
    made["003.rd"] = (
        f"{100 * spent / most:.2f}~{100 * spent / least:.2f}；>={100 * spent / 2.345 - most:.0f}"
    )
    coast = west.number["coastline_length", "珠西都市圈", None] * 4
    islands = west.number["n_islands", "珠西都市圈", None] / 0.38
    made["003.coast"] = f"{coast:.0f}公里；{islands:.0f}个"
    return made


def _industries(sql: Sql) -> dict[str, str]:
    rows = sql("select place_raw, industry_zh from tidy.strategic_industry order by industry_seq")
    by_city = {city: [name for place, name in rows if place == city] for city in CITIES}
    plain = {c: n for c, n in by_city.items() if not any("生物医药" in each for each in n)}
    telling = {c: [each for each in n if "健康" in each] for c, n in plain.items()}
    new_it = [c for c, names in by_city.items() if any("新一代信息技术" in each for each in names)]
    return {
        "T3.count": str({city: len(names) for city, names in by_city.items()}),
        "T3.bio": str(telling),
        "T3.it": str(new_it),
    }


@pytest.fixture
def made(sql: Sql) -> dict[str, str]:
    paper = Printed(sql, "gz_circle_paper")
    return (
        _manufacturing(paper)
        | _science(paper)
        | _environment(paper)
        | _text(paper)
        | _plans(sql, paper)
        | _industries(sql)
    )


def test_arithmetic_agrees_with_the_reader(sql: Sql) -> None:
    assert (
        sql("""
        select check_id, result_text, recomputed_value, recomputed_status
        from document_consistency_check where not agrees
    """)
        == []
    )
    assert sql("""
        select count(*), count(agrees) from document_consistency_check
    """) == [(239, 149)]


def test_lists_and_rankings_agree_with_the_reader(sql: Sql, made: dict[str, str]) -> None:
    held = dict(sql("select check_id, result_text from document_consistency_check"))
    differing = {name: (text, held[name]) for name, text in made.items() if held[name] != text}
    assert differing == {}


# Check, document, lines with a word that must stand there: what the reader's verdict rests on.
WORDS = [
    ("001.dup", "001", ((25, "端州區"), (411, "端州區"))),
    ("001.green", "001", ((260, "75%"),)),
    ("001.green", "003", ((690, "80%"),)),
    ("001.hubs", "001", ((90, "五主三輔"),)),
    ("001.hubs", "002", ((85, "五主四辅"),)),
    ("001.megacity", "001", ((47, "超大特大城市"),)),
    ("001.orth.中國小", "001", ((224, "中國小"),)),
    ("001.orth.傳送量", "001", ((31, "傳送量"),)),
    ("001.orth.套用", "001", ((102, "套用"),)),
    ("001.orth.契約", "001", ((156, "契約"),)),
    ("001.orth.捷運", "001", ((85, "捷運"),)),
    ("001.orth.螢幕障", "001", ((253, "螢幕障"),)),
    ("001.orth.許可權", "001", ((303, "許可權"),)),
    ("001.orth.貨款", "001", ((243, "貨款"),)),
    ("002.fanhai", "002", ((85, "番海大桥"), (244, "番海大桥"))),
    ("002.lens", "002", ((95, "197 公里"), (188, "197 公里"))),
    ("002.metro2", "002", ((85, "2 号线一期"), (242, "2号线一期"))),
    ("002.ocr", "002", ((145, "and"), (302, "and"), (354, "etc"))),
    ("002.truncated", "002", ((492, "第三节"),)),
    ("003.6x10", "003", ((243, "六横十纵"),)),
    ("003.743", "003", ((743, "2025年基本农村"),)),
    ("003.dash", "003", ((422, "小榄一"), (423, "开平一"), (656, "一万山"))),
    ("003.hubs", "003", ((239, "金湾站"), (249, "珠海站"))),
    ("003.ocr", "003", ((584, "and"),)),
    ("003.rcep", "003", ((775, "RECP"), (782, "RCEP"), (809, "RCEP"))),
    ("003.shenmao", "003", ((81, "深茂铁路"), (127, "深茂铁路"))),
    ("003.six", "003", ((780, "六大产业集聚区"),)),
    ("003.status1", "003", ((233, "前期工作"), (791, "建设"))),
    ("003.status2", "003", ((235, "前期工作"), (791, "中南虎"))),
    ("003.status3", "003", ((235, "深中"), (793, "深中"))),
    ("003.toc", "003", ((22, "水利防灾减灾工程"), (322, "水利防灾工程"))),
    ("003.truncated", "003", ((1005, "规划实施保障"),)),
    ("T2.text.typo", "000", ((77, "广东都市圈"),)),
    ("X.cite", "000", ((11, "2021"), (91, "2020"))),
    ("X.cities17.names", "000", ((73, "17 个县级及以上城市"),)),
    ("X.core", "000", ((73, "核心区包括广州"), (163, "核心区包括佛山"))),
    ("X.fig4", "000", ((73, "2010"), (102, "2023"))),
    ("X.fig4.typo", "000", ((102, "截至至"),)),
    ("X.nodes", "000", ((157, "一核一区多节点"), (159, "一核两区多节点"))),
    ("X.output.typo", "000", ((29, "2011～2021"),)),
]


@pytest.mark.parametrize(("check", "document", "words"), WORDS, ids=[w[0] for w in WORDS])
def test_words_stand_where_the_reader_found_them(
    originals: Path, check: str, document: str, words: tuple[tuple[int, str], ...]
) -> None:
    [path] = (originals / "seeds").glob(f"{document}_*.txt")
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, word in words:
        assert word in lines[number - 1], (check, number)


def test_no_check_is_left_out(sql: Sql, made: dict[str, str]) -> None:
    held = {name for (name,) in sql("select check_id from document_consistency_check")}
    recomputed = {
        name
        for (name,) in sql("""
            select check_id from document_consistency_check where coverage = 'recomputed'
        """)
    }
    covered = recomputed | made.keys() | {name for name, _, _ in WORDS}
    assert len(held) == 239
    assert held - covered == set()
    assert covered - held == set()
