"""Write `sources/publications/*.csv` from the facts read out of five documents.

Belongs here: everything that is known about the layout of the facts, the indicators and places they
name, and which figures of a document can be checked against one another. Not here: reading the CSV
files (tables). Runs by hand when the facts change; the refresh never needs them.

Sentences stay out: a figure or target keeps its number with its unit as printed, and its line.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from pipelines.errors import LayoutDrift, UnknownName
from pipelines.geography.divisions import read_aliases, read_divisions, resolve_places
from pipelines.publications.numbers import TOKEN, find_numbers

FIGURES = "facts/published_figures.csv"
TARGETS = "facts/policy_targets.csv"
PROJECTS = "facts/named_projects.csv"
INDUSTRIES = "facts/strategic_industries.csv"
ROLES = "facts/cluster_city_roles.csv"

DOCUMENTS = {
    "000": "gz_circle_paper",
    "001": "gz_circle_plan_2023",
    "002": "guangfo_plan_2025",
    "003": "prw_plan_2023",
    "004": "gz_national_strategy_paper",
}
# The last year of the period a plan is made for: the horizon of targets that print none.
PLAN_ENDS = {"gz_circle_plan_2023": "2030", "guangfo_plan_2025": "2025", "prw_plan_2023": "2030"}
PLAN_STARTS = {"gz_circle_plan_2023": "2023", "guangfo_plan_2025": "2021", "prw_plan_2023": "2023"}
ORIGIN = ("read_from", "read_sha256", "read_locator")
# Places of projects are read with the divisions of the year the plans were issued.
PLACES_ON = date(2023, 12, 31)
LONGEST_TEXT = 25

# --------------------------------------------------------------------------- what names mean

_CIRCLES = {
    "广州都市圈[9市]": "GZ_PAPER9",
    "广州都市圈[2023规划]": "GZ_OFFICIAL2023",
    "珠西都市圈[2023规划]": "PRW",
    "广佛": "GF",
    "广佛肇地区": "GFZ",
    "广佛高质量发展融合试验区": "GF_PILOT",
    "南部新兴发展轴": "GF_AXIS_S",
    "珠中江": "ZZJ",
    "紧密合作圈": "PRW_INNER",
    "协同发展圈": "PRW_OUTER",
}
_FACILITY = "a station, port, airport or line, not a place the warehouse keeps"
_ROUTE = "a relation between places, not one place"
_NO_PLACE = {
    "全国": "the nation is no place of the warehouse",
    "19个城市群": "city clusters of the nation, members not listed in the document",
    "粤港澳大湾区": "reaches into Hong Kong and Macao; members not listed in the document",
    "广州+东莞": "two cities taken together, defined as a circle by no document",
    "江门+阳江": "two cities taken together, defined as a circle by no document",
    "珠海西部生态新区": "a zone below the county level: no division code",
    "广州白云国际机场": _FACILITY,
    "广州国际航空枢纽": _FACILITY,
    "广州港": _FACILITY,
    "广州南站": _FACILITY,
    "广州枢纽": _FACILITY,
    "广佛地铁": _FACILITY,
    "广州—粤港澳大湾区城市": _ROUTE,
    "广州—佛山、广州—东莞等周边相邻城市": _ROUTE,
    "广州中心城区—南沙副中心、外围地区": _ROUTE,
    "广州—中心城市": _ROUTE,
    "广州—省内主要城市": _ROUTE,
    "广州—泛珠三角主要城市": _ROUTE,
    "广州—长三角和成渝地区主要城市": _ROUTE,
    "广州—国内主要中心城市": _ROUTE,
    "广州—东南亚": _ROUTE,
    "广州—全球": _ROUTE,
}
_OUTSIDE = frozenset(
    {
        "澳门", "香港", "香港九龙", "南宁", "贵阳", "永州", "柳州", "成都", "昆明", "赣州", "西安",
        "武汉",
    }
)  # fmt: skip

# Facts' indicator -> (our indicator, facts' unit -> our unit).
_MONEY = {"亿元": "cny_100m", "万亿元": "cny_1tn"}
_MAPPED: dict[str, tuple[str, dict[str, str]]] = {
    "gdp_current": ("gdp", _MONEY),
    "gdp_per_capita_current": (
        "gdp_per_capita_year_end", {"元": "cny_per_capita", "万元": "cny_10k_per_capita"},
    ),
    "gdp_density": ("gdp_density", {"亿元/平方公里": "cny_100m_per_km2"}),
    "gdp_share_of_guangdong": ("gdp_share_of_province", {"%": "pct"}),
    "gdp_current_share_of_guangdong": ("gdp_share_of_province", {"%": "pct"}),
    "gdp_share_primary_industry": ("primary_share", {"%": "pct"}),
    "gdp_share_secondary_industry": ("secondary_share", {"%": "pct"}),
    "gdp_share_tertiary_industry": ("tertiary_share", {"%": "pct"}),
    "resident_population": ("population_resident", {"万人": "person_10k"}),
    "population_share_of_guangdong": ("population_share_of_province", {"%": "pct"}),
    "resident_population_share_of_guangdong": ("population_share_of_province", {"%": "pct"}),
    "land_area": ("land_area", {"平方公里": "km2", "万平方公里": "km2_10k"}),
    "land_area_share_of_guangdong": ("land_area_share_of_province", {"%": "pct"}),
    "rd_personnel": ("rd_personnel", {"人": "person"}),
    "rd_expenditure": ("rd_expenditure", {"亿元": "cny_100m"}),
    "rd_intensity": ("rd_intensity", {"%": "pct"}),
    "patents_granted": ("patents_granted", {"件": "count"}),
    "hightech_enterprises": ("high_tech_enterprises", {"个": "count"}),
    "retail_sales": ("retail_sales", {"亿元": "cny_100m"}),
    "general_public_budget_revenue": ("budget_revenue", {"亿元": "cny_100m"}),
    "goods_trade_total": ("trade_total", {"亿元": "cny_100m"}),
    "tech_contract_value": ("technology_contract_value", {"亿元": "cny_100m"}),
    "laboratories": ("laboratories", {"个": "count"}),
    "above_scale_industrial_value_added": (
        "industrial_value_added_above_scale", {"亿元": "cny_100m"},
    ),
    "mfg_share_labour_intensive": ("manufacturing_share_labour_intensive", {"%": "pct"}),
    "mfg_share_capital_intensive": ("manufacturing_share_capital_intensive", {"%": "pct"}),
    "mfg_share_technology_intensive": ("manufacturing_share_technology_intensive", {"%": "pct"}),
    "urban_park_green_area_per_capita": ("park_green_area_per_capita", {"㎡": "m2_per_capita"}),
    "gdp_cagr_comparable_price": ("gdp_growth_real", {"%": "pct"}),
    "rd_personnel_share_of_guangdong": ("rd_personnel_share_of_province", {"%": "pct"}),
    "rd_expenditure_share_of_guangdong": ("rd_expenditure_share_of_province", {"%": "pct"}),
    "patents_granted_share_of_guangdong": ("patents_granted_share_of_province", {"%": "pct"}),
    "hightech_enterprises_share_of_guangdong": (
        "high_tech_enterprises_share_of_province", {"%": "pct"},
    ),
    "general_public_budget_revenue_share_of_guangdong": (
        "budget_revenue_share_of_province", {"%": "pct"},
    ),
    "retail_sales_share_of_guangdong": ("retail_sales_share_of_province", {"%": "pct"}),
    "above_scale_industrial_output_share_of_guangdong": (
        "industrial_output_above_scale_share_of_province", {"%": "pct"},
    ),
}  # fmt: skip
# The paper prints a rate between censuses; the targets are measured at the last census.
_URBANISATION = {"figure": "urbanisation_rate_year_end", "target": "urbanisation_rate"}

_AIR = "air quality is kept by city and period (air_city_period), not among yearly indicators"
_WATER = "water quality by city and section set is kept by no yearly indicator"
_MANUFACTURING = "output of industry by branch and city is not held, nor the grouping of branches"
_SHARE = "the warehouse keeps this quantity by place, not its share of the province"
_TIME = "door-to-door travel time is measured by no source held"
_NETWORK = "length, number or rank of facilities is measured by no source held"
_CLUSTER = "scale of an industry cluster or base is measured by no source held"
_COUNT = "a count named in the text, measured by no source held"
_DIVISIONS = "a count of divisions: no yearly indicator, but counted from division and census"
_RANK = "a rank in a list outside the warehouse"
_SERVICE = "public services and utilities are measured by no source held"
_NOT_MAPPED: dict[str, str] = {
    **dict.fromkeys(
        (
            "mfg_share_labour_intensive_change", "mfg_share_capital_intensive_change",
            "mfg_share_technology_intensive_change",
        ),
        _MANUFACTURING,
    ),
    **dict.fromkeys(
        ("pm25_annual_mean", "aqi_good_days", "aqi_attainment_rate", "aqi_rank_in_province"), _AIR
    ),
    **dict.fromkeys(
        (
            "national_section_good_rate", "provincial_section_good_rate",
            "water_quality_rank_in_province", "n_national_surface_water_sections",
            "n_provincial_surface_water_sections", "drinking_water_source_quality_compliance",
            "zero_direct_sewage_discharge_built_up", "rural_domestic_sewage_treatment_rate",
            "rural_black_odorous_water_large", "rural_black_odorous_water",
        ),
        _WATER,
    ),
    **dict.fromkeys(
        (
            "tech_contract_value_share_of_guangdong", "laboratories_share_of_guangdong",
            "goods_trade_total_share_of_guangdong", "above_scale_industrial_output_share_change",
            "above_scale_industrial_value_added_share_of_guangdong",
        ),
        _SHARE,
    ),
    **dict.fromkeys(
        (
            "travel_time_between_central_urban_areas", "travel_time_to_gba_core_cities",
            "travel_time_central_urban", "travel_time_whole_area", "commuting_circle_time",
            "air_travel_time_southeast_asia", "air_travel_time_global", "fitness_circle_time",
            "rural_culture_sports_circle", "airport_to_city_centre_time",
            "airport_to_prd_cities_time", "airport_to_pan_prd_cities_time", "travel_circle_time",
            "rail_direct_time_to_gba_cities", "commute_time_adjacent_city_centres",
            "commute_time_centre_to_nansha", "travel_circle_time_central_cities",
            "travel_time_provincial_main_cities", "travel_time_pan_prd_main_cities",
            "travel_time_yrd_chengyu_main_cities", "air_travel_time_domestic_central_cities",
            "core_city_radiation_radius",
        ),
        _TIME,
    ),
    **dict.fromkeys(
        (
            "n_main_rail_hubs", "n_auxiliary_rail_hubs", "n_main_passenger_hubs",
            "n_auxiliary_passenger_hubs", "n_guangfo_metro_links", "port_channel_class",
            "n_transport_corridors_ew", "n_transport_corridors_radial", "n_transport_corridors_ns",
            "n_hsr_corridors_ew", "n_hsr_corridors_ns", "n_expressway_ew", "n_expressway_ns",
            "metro_daily_ridership_at_opening", "metro_daily_ridership_latest",
            "n_connecting_roads", "n_cross_city_bus_lines", "boundary_length",
            "blueway_length_built", "coastline_length", "coastline_share_of_guangdong",
            "offshore_wind_capacity",
        ),
        _NETWORK,
    ),
    **dict.fromkeys(
        (
            "auto_cluster_scale", "agri_cluster_output_value", "n_trillion_clusters",
            "equipment_industry_scale", "auto_industry_scale", "n_clusters_output_over_100bn",
            "cluster_output_value", "green_energy_base_scale", "cnc_cluster_scale",
            "smart_home_cluster_scale", "alloy_cluster_scale", "alloy_base_scale",
            "paper_cluster_scale", "equipment_and_auto_industry_scale",
            "n_industry_clusters_areas",
        ),
        _CLUSTER,
    ),
    **dict.fromkeys(
        (
            "n_metro_circles", "n_guideline_domains", "n_miit_cluster_winners",
            "n_vegetable_basket_bases", "n_cross_border_rivers_treated",
            "n_cross_city_government_services", "n_sports_venues_online", "n_pilot_subareas",
            "n_islands", "islands_share_of_guangdong", "n_countries_overseas_chinese",
            "n_key_city_clusters", "n_pilot_free_trade_zones", "n_national_new_areas",
            "year_of_cooperation_agreement", "n_provincial_industrial_design_institutes",
            "n_beautiful_village_demo_areas",
        ),
        _COUNT,
    ),
    **dict.fromkeys(
        (
            "n_prefecture_cities", "n_county_level_units", "n_cities_county_level_and_above",
            "n_supercity", "n_megacity", "n_large_city_type1", "n_large_city_type2",
            "n_medium_city", "n_small_city_type1", "n_small_city_type2",
        ),
        _DIVISIONS,
    ),
    **dict.fromkeys(
        (
            "st_innovation_rank_national", "airport_passenger_rank_national",
            "port_cargo_rank_global", "rail_station_departures_rank_national",
            "hsr_station_rank_asia", "econ_competitiveness_rank",
            "sustainable_competitiveness_rank",
        ),
        _RANK,
    ),
    **dict.fromkeys(
        (
            "coverage_5g_central_urban", "coverage_5g_key_areas", "coverage_5g",
            "gigabit_broadband_coverage", "nev_share_bus_taxi", "green_travel_share",
            "new_building_energy_standard_share", "rental_housing_land_share",
            "share_villages_beautiful_liveable_standard",
        ),
        _SERVICE,
    ),
    "above_scale_advanced_mfg_value_added": "advanced manufacturing is kept by no source held",
    "advanced_mfg_share_of_above_scale_iva": "advanced manufacturing is kept by no source held",
    "industrial_value_added_share_of_china": "no national total is held",
    "gdp_share_of_china": "no national total is held",
    "population_share_of_china": "no national total is held",
    "gdp_density_ratio_to_guangdong": "a ratio of two densities is no indicator of the warehouse",
    "gdp_per_capita_cagr_comparable_price": (
        "real growth needs printed rates of one edition for every year; those of 2013 and 2017 "
        "are not held"
    ),
    "gdp_per_capita_max_min_ratio_comparable_price": (
        "dispersion at comparable prices needs real growth of every city; the rates of 2013 and "
        "2017 are not held"
    ),
    "gdp_per_capita_cv_comparable_price": (
        "dispersion at comparable prices needs real growth of every city; the rates of 2013 and "
        "2017 are not held"
    ),
    "urban_area_population_share_of_circle": (
        "population of the city proper is held for censuses only, and the text gives no year"
    ),
    "st_inputs_outputs_platforms_share_of_guangdong": "a summary of several shares, not one figure",
    "pm25_annual_standard_grade2": "a limit of a standard, not an observation",
    "pilot_circle_gdp_accounting": "a task without a measure",
}  # fmt: skip

# --------------------------------------------------------------------------- reading and writing


@dataclass
class Originals:
    """The folder of originals, and a record of every file that was read from it."""

    folder: Path
    hashes: dict[str, tuple[str, int]] = field(default_factory=dict)

    def rows(self, path: str) -> list[dict[str, str]]:
        """Records with three added cells: read_from, read_sha256, read_locator (`L<line>`)."""
        data = (self.folder / path).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        self.hashes[path] = (digest, len(data))
        reader = csv.reader(data.decode("utf-8-sig").splitlines(keepends=True))
        header = next(reader)
        rows, start = [], reader.line_num + 1
        for cells in reader:
            row = dict(zip(header, cells, strict=True))
            origin = zip(ORIGIN, (path, digest[:12], f"L{start}"), strict=True)
            rows.append(row | dict(origin))
            start = reader.line_num + 1
        return rows


def _write(folder: Path, name: str, columns: Sequence[str], rows: Iterable[dict[str, str]]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with (folder / name).open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _cited(row: dict[str, str]) -> dict[str, str]:
    """Document and line, and where the row was read."""
    document = {"document": DOCUMENTS[row["seed_file"][:3]], "locator": f"L{row['line']}"}
    return document | {column: row[column] for column in ORIGIN}


def _number_text(text: str, value: Decimal, where: str) -> str:
    """The number in `text` that is `value`; a fall is printed without its sign."""
    wanted = -value if "下降" in text else value
    found = [number.text for number in find_numbers(text) if number.value == wanted]
    if not found:
        raise LayoutDrift(f"{where}: {text!r} does not print {value}")
    return found[0]


# --------------------------------------------------------------------------- figures

FIGURE_COLUMNS = (
    "figure_id", "document", "locator", "table", "place", "indicator", "indicator_zh", "unit",
    "period", "period_basis", "comparator", "value_text", "number_text", *ORIGIN,
)  # fmt: skip
_INFERRED_YEAR = re.compile("年份.{0,8}(未印出|推定|存疑)|未注明年份|引文年份")


def _figure(row: dict[str, str]) -> dict[str, str]:
    where = f"{FIGURES} {row['read_locator']}"
    value = row["value"]
    if len(row["value_text"]) > LONGEST_TEXT:
        raise LayoutDrift(f"{where}: value_text is a sentence: {row['value_text']!r}")
    inferred = bool(_INFERRED_YEAR.search(row["note"]))
    return {
        "figure_id": row["figure_id"],
        "table": row["table_or_figure"].replace("/正文", "").replace("正文", ""),
        "place": row["geo"],
        "indicator": row["indicator_en"],
        "indicator_zh": row["indicator_zh"],
        "unit": row["unit"],
        "period": row["year"],
        "period_basis": "none" if not row["year"] else "inferred" if inferred else "printed",
        "comparator": row["comparator"],
        "value_text": row["value_text"],
        "number_text": _number_text(row["value_text"], Decimal(value), where) if value else "",
    } | _cited(row)


# --------------------------------------------------------------------------- relations

CHECKS = "facts/consistency_checks.csv"
CHECK_COLUMNS = (
    "check_id", "document", "locator", "what", "result_text", "expected_text", "status", *ORIGIN,
)  # fmt: skip
_LONG_QUOTE = re.compile(r"“([^“”]{10})[^“”]+”")


def _told(text: str) -> str:
    """The reader's words without sentences: quotations are cut, clauses parted by semicolons."""
    return _LONG_QUOTE.sub(r"“\1…”", text).replace("，", "；")


def _check(row: dict[str, str]) -> dict[str, str]:
    """A check of a document against itself; `lines` may name several, and lines of another one."""
    return {
        "check_id": row["check_id"],
        "document": DOCUMENTS[row["seed_file"][:3]],
        "locator": f"L{row['lines']}",
        "what": _told(row["what"]),
        "result_text": _told(row["computed"]),
        "expected_text": _told(row["published_or_expected"]),
        "status": row["status"].lower(),
        **{column: row[column] for column in ORIGIN},
    }


RELATION_COLUMNS = ("figure_id", "input_figure_id", "role", "factor", "rule")
NINE_CITIES = ("广州", "佛山", "东莞", "肇庆", "清远", "江门", "中山", "云浮", "珠海")
PAPER_SUMS = (
    "rd_personnel", "rd_expenditure", "patents_granted", "tech_contract_value", "laboratories",
    "hightech_enterprises",
)  # fmt: skip
# Single figures that the document makes from two others: (figure, numerator, denominator, factor).
RATIOS = (
    ("F0015", "F0007", "F0008", 10000, "GDP over resident population"),
    ("F0217", "F0216", "F0007", 100, "R&D expenditure over GDP"),
    ("F0367", "F0366", "F0360", 10000, "GDP over resident population"),
    ("F0368", "F0366", "F0359", 1, "GDP over land area"),
    ("F0374", "F0393", "F0383", 1, "GDP over land area"),
    ("F0375", "F0394", "F0384", 1, "GDP over land area"),
    ("F0376", "F0374", "F0375", 1, "density over density of the province"),
)


def _relations(figures: list[dict[str, str]]) -> list[dict[str, str]]:
    """Figures that other figures of the same document add up to, or divide into."""
    known = {
        (f["document"], f["table"], f["place"], f["indicator"], f["period"]): f["figure_id"]
        for f in figures
        if f["table"]
    }
    rows: list[dict[str, str]] = []

    def relate(figure: str, given: str, role: str, factor: int, rule: str) -> None:
        rows.append(
            dict(zip(RELATION_COLUMNS, (figure, given, role, str(factor), rule), strict=True))
        )

    def ratio(figure: str, numerator: str, denominator: str, factor: int, rule: str) -> None:
        relate(figure, numerator, "numerator", factor, rule)
        relate(figure, denominator, "denominator", factor, rule)

    paper, circle = "gz_circle_paper", "广州都市圈[9市]"
    for indicator in PAPER_SUMS:
        total = known[paper, "表2", circle, indicator, "2021"]
        for city in NINE_CITIES:
            part = known[paper, "表2", city, indicator, "2021"]
            relate(total, part, "part", 1, "sum of the nine cities")
        share = known[paper, "表2", circle, f"{indicator}_share_of_guangdong", "2021"]
        whole = known[paper, "表2", "广东", indicator, "2021"]
        ratio(share, total, whole, 100, "circle over province")
    for place in (*NINE_CITIES, "广东", circle):
        for kind in ("labour", "capital", "technology"):
            name = f"mfg_share_{kind}_intensive"
            change = known[paper, "表1", place, f"{name}_change", "2011-2021"]
            relate(change, known[paper, "表1", place, name, "2021"], "part", 1, "2021 less 2011")
            relate(change, known[paper, "表1", place, name, "2011"], "minus", 1, "2021 less 2011")
    plan = "guangfo_plan_2025"
    for (document, table, place, indicator, year), figure in known.items():
        if document != plan or not table.startswith("表1") or place != "广佛":
            continue
        base = indicator.removesuffix("_share_of_guangdong")
        if base == indicator:
            for city in ("广州", "佛山"):
                part = known[plan, table, city, base, year]
                relate(figure, part, "part", 1, "sum of the two cities")
        else:
            whole = known[plan, table, "广东", base, year]
            ratio(figure, known[plan, table, place, base, year], whole, 100, "circle over province")
    for figure, numerator, denominator, factor, rule in RATIOS:
        ratio(figure, numerator, denominator, factor, rule)
    return sorted(rows, key=lambda row: (row["figure_id"], row["role"], row["input_figure_id"]))


# --------------------------------------------------------------------------- targets

TARGET_COLUMNS = (
    "target_id", "document", "locator", "place", "indicator", "indicator_zh", "unit",
    "horizon_year", "horizon_basis", "start_year", "comparator", "comparator_basis",
    "is_every_year", "value_text", "number_text", "number_text_high", *ORIGIN,
)  # fmt: skip
_TARGET_UNITS = (
    r"\s*(%|％|小时|小時|分钟|分鐘|里|万千瓦|萬噸級|万吨级|万亿元|億元|亿元|元|级|"
    r"[个個大类家条條主輔辅横射纵射]+)?(产业集群|产业基地)?(左右|以上)?"
)


def _target_text(text: str, token: str) -> str:
    """The number with its unit as printed, cut out of the sentence."""
    for match in TOKEN.finditer(text):
        if match.group() == token:
            lead = re.search(r"(约|約|超|突破|不低于)\s*$", text[: match.start()])
            unit = re.match(_TARGET_UNITS, text[match.end() :])
            tail = unit.group().rstrip() if unit else ""
            return f"{lead.group() if lead else ''}{token}{tail}"
    raise LayoutDrift(f"{text!r} does not print {token!r}")


def _target(row: dict[str, str]) -> dict[str, str]:
    cited = _cited(row)
    where = f"{TARGETS} {row['read_locator']}"
    note, document = row["note"], cited["document"]
    is_quantitative = row["comparator"] != "qualitative"
    numbers = ["", ""]
    if is_quantitative:
        bounds = row["target"].split("-")
        for index, bound in enumerate(bounds):
            numbers[index] = _number_text(row["text"], Decimal(bound), where)
    if not is_quantitative:
        value_text = row["target"]
    elif numbers[1]:
        between = row["text"].index(numbers[0]), row["text"].index(numbers[1])
        value_text = row["text"][between[0] : between[1] + len(numbers[1])]
    else:
        value_text = _target_text(row["text"], numbers[0])
    if len(value_text) > LONGEST_TEXT:
        raise LayoutDrift(f"{where}: value_text is a sentence: {value_text!r}")
    by_plan = not row["horizon_year"] or "期限按规划期" in note
    horizon = row["horizon_year"] or PLAN_ENDS.get(document, "")
    return {
        "target_id": row["target_id"],
        "place": row["geo"],
        "indicator": row["indicator_en"],
        "indicator_zh": row["indicator_zh"],
        "unit": row["unit"],
        "horizon_year": horizon,
        "horizon_basis": "none" if not horizon else "plan_period" if by_plan else "printed",
        "start_year": PLAN_STARTS.get(document, ""),
        "comparator": row["comparator"],
        "comparator_basis": "inferred" if "推定" in note or "存疑" in note else "printed",
        "is_every_year": "yes" if "稳定在" in row["text"] else "no",
        "value_text": value_text,
        "number_text": numbers[0],
        "number_text_high": numbers[1],
    } | cited


# --------------------------------------------------------------------------- projects, industries

PROJECT_COLUMNS = (
    "project_id", "document", "locator", "box", "category", "subcategory", "name_printed",
    "name_zh", "places_named", "places_read", "project_key", "project_name_zh",
    "status_printed", *ORIGIN,
)  # fmt: skip
INDUSTRY_COLUMNS = (
    "document", "locator", "table", "place", "industry_seq", "industries_of_place",
    "industry_zh", "group_code", "group_en", "is_open_list", *ORIGIN,
)  # fmt: skip
ROLE_COLUMNS = (
    "document", "locator", "cluster_type", "cluster_seq", "cluster_zh", "place", "role_seq",
    *ORIGIN,
)  # fmt: skip


# Places that the facts write as city(part): the part names the place, these two excepted.
_PARTS = {"东莞(虎门)": "东莞", "广宁(肇庆)": "广宁"}


def _places(text: str) -> str:
    """Names separated by semicolons; remarks of the reader (种子未说明, 缩写) are dropped."""
    names = []
    for part in re.split(r";(?![^(]*\))", text):
        name = re.sub(r"（[^）]*(种子未说明|缩写)）", "", part).strip()
        name = _PARTS.get(name) or re.sub(r"^[^(]+\(([^)]*)\)$", r"\1", name)
        names += [each for each in name.split(";") if each not in {"", "?", "汕"}]
    return ";".join(dict.fromkeys(names))


def _project(row: dict[str, str]) -> dict[str, str]:
    return {
        "project_id": row["project_id"],
        "box": "" if row["box"] == "正文" else row["box"],
        "category": row["category"],
        "subcategory": row["subcategory"],
        "name_printed": row["project_name_printed"],
        "name_zh": row["project_name_simplified"],
        "places_named": _places(row["cities_named"]),
        "places_read": _places(row["cities_inferred"]),
        "project_key": row["canonical_key"],
        "project_name_zh": row["canonical_name"],
        "status_printed": row["status"],
    } | _cited(row)


def _projects(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Statements, with one name per project key: of several, a station's name in full."""
    made = [_project(row) for row in rows]
    names: dict[str, set[str]] = {}
    for project in made:
        names.setdefault(project["project_key"], set()).add(project["project_name_zh"])
    best = {
        key: max(sorted(known), key=lambda name: name[-1] == "站") for key, known in names.items()
    }
    return [
        project | ({"project_name_zh": best[key]} if (key := project["project_key"]) else {})
        for project in made
    ]


def _industry(row: dict[str, str]) -> dict[str, str]:
    return {
        "table": row["table_or_figure"],
        "place": row["city"],
        "industry_seq": row["seq"],
        "industries_of_place": row["n_in_city"],
        "industry_zh": row["industry_zh"],
        "group_code": row["group_code_derived"],
        "group_en": row["group_en_derived"],
        "is_open_list": {"0": "no", "1": "yes"}[row["open_list"]],
    } | _cited(row)


def _roles(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Clusters and the cities the plan gives a role in them; a city may have several roles."""
    kept, counts, roles = ("cluster_type", "cluster_seq", "cluster_zh"), dict[str, int](), []
    for row in rows:
        key = f"{row['cluster_type']} {row['cluster_seq']} {row['city']}"
        counts[key] = counts.get(key, 0) + 1
        own = {"place": row["city"], "role_seq": str(counts[key])}
        roles.append({column: row[column] for column in kept} | own | _cited(row))
    return roles


# --------------------------------------------------------------------------- aliases

ALIAS_COLUMNS = ("kind", "indicator", "unit", "indicator_id", "unit_id", "reason")
PLACE_COLUMNS = ("place", "place_code", "circle_id", "reason")


def _alias(kind: str, indicator: str, unit: str) -> dict[str, str]:
    mapped = _MAPPED.get(indicator)
    if indicator == "urbanisation_rate_resident":
        mapped = (_URBANISATION[kind], {"%": "pct"})
    if mapped is None and indicator not in _NOT_MAPPED:
        raise UnknownName(f"transcribe knows neither an indicator nor a reason for {indicator!r}")
    if mapped is not None and unit not in mapped[1]:
        raise UnknownName(f"transcribe knows no unit {unit!r} of {indicator!r}")
    return {
        "kind": kind,
        "indicator": indicator,
        "unit": unit,
        "indicator_id": mapped[0] if mapped else "",
        "unit_id": mapped[1][unit] if mapped else "",
        "reason": "" if mapped else _NOT_MAPPED[indicator],
    }


def _indicator_aliases(
    figures: list[dict[str, str]], targets: list[dict[str, str]]
) -> list[dict[str, str]]:
    seen = sorted(
        {("figure", row["indicator"], row["unit"]) for row in figures}
        | {("target", row["indicator"], row["unit"]) for row in targets}
    )
    return [_alias(*key) for key in seen]


def _place_aliases(
    names: set[str], divisions: pl.DataFrame, aliases: pl.DataFrame
) -> list[dict[str, str]]:
    """Every place name of the files with its code, its circle, or the reason it has neither."""
    ordered = sorted(names)
    frame = pl.DataFrame({"name": ordered, "day": [PLACES_ON] * len(ordered)})
    codes = resolve_places(frame, divisions, aliases, name="name", on="day")["place_code"]
    rows = []
    for name, code in zip(ordered, codes.to_list(), strict=True):
        circle = _CIRCLES.get(name, "")
        reason = ""
        if not circle and not code:
            reason = _NO_PLACE.get(name) or (
                "outside Guangdong, Beijing and Shanghai: no code list held"
                if name in _OUTSIDE
                else "a part, town, port or zone, or a short name: no division code"
            )
        rows.append(
            {
                "place": name,
                "place_code": "" if circle else code or "",
                "circle_id": circle,
                "reason": reason,
            }
        )
    return rows


# --------------------------------------------------------------------------- all of it


def transcribe(originals: Path, sources: Path) -> list[str]:
    """Write the files of `sources/publications/`; return one line of text for each.

    `originals` holds `facts/`; `sources` holds the geography already, against which places are
    resolved. Deterministic: the same originals give the same bytes. LayoutDrift or UnknownName
    when a fact no longer says what this module knows.
    """
    held = Originals(originals)
    folder = sources / "publications"
    report = []

    def write(name: str, columns: Sequence[str], rows: list[dict[str, str]], remark: str) -> None:
        report.append(f"{name}: {_write(folder, name, columns, rows)} rows{remark}")

    def read(path: str, make: Callable[[dict[str, str]], dict[str, str]]) -> list[dict[str, str]]:
        return [make(row) for row in held.rows(path)]

    figures, targets = read(FIGURES, _figure), read(TARGETS, _target)
    projects, industries = _projects(held.rows(PROJECTS)), read(INDUSTRIES, _industry)
    roles = _roles(held.rows(ROLES))
    write("printed_figures.csv", FIGURE_COLUMNS, figures, "")
    write("figure_relations.csv", RELATION_COLUMNS, _relations(figures), "")
    write("document_checks.csv", CHECK_COLUMNS, read(CHECKS, _check), "")
    write("policy_targets.csv", TARGET_COLUMNS, targets, "")
    write("named_projects.csv", PROJECT_COLUMNS, projects, "")
    write("strategic_industries.csv", INDUSTRY_COLUMNS, industries, "")
    write("cluster_city_roles.csv", ROLE_COLUMNS, roles, "")
    aliases = _indicator_aliases(figures, targets)
    without = sum(not row["indicator_id"] for row in aliases)
    write("indicator_aliases.csv", ALIAS_COLUMNS, aliases, f", {without} without an indicator")
    divisions, rejected = read_divisions(sources, lambda file: file)
    spellings, refused = read_aliases(sources, lambda file: file)
    if rejected or refused:
        raise LayoutDrift("; ".join(reject.message() for reject in rejected + refused))
    names = {row["place"] for rows in (figures, targets, industries, roles) for row in rows}
    for project in projects:
        both = f"{project['places_named']};{project['places_read']}"
        names |= {name for name in both.split(";") if name}
    places = _place_aliases(names, divisions, spellings)
    without = sum(bool(row["reason"]) for row in places)
    write("place_aliases.csv", PLACE_COLUMNS, places, f", {without} without a code")
    files = [
        {"path": path, "sha256": digest, "bytes": str(size)}
        for path, (digest, size) in sorted(held.hashes.items())
    ]
    write("originals.csv", ("path", "sha256", "bytes"), files, "")
    return report
