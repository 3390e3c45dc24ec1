"""The steps of evidence: from a row of a released table to what it rests on, one SELECT each.

Belongs here: which rows, cells and files a row of each table was printed in, counted or computed
from. Not here: finding the row, running the steps, showing the answer (`evidence`).

A step is plain SQL on the release with the columns of the row as parameters (`$place_code`). What
tables share is said once (`COMMON`): values made from other values are followed through
`meta.lineage`, files through `meta.snapshot`, publications through `document`. Tables whose rows
are counted or computed from many others have steps of their own (`OWN`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One SELECT of evidence. needs: columns of the row that must be there and not null.

    line: how a row of the answer reads for a person, its columns in braces.
    """

    title: str
    needs: tuple[str, ...]
    sql: str
    line: str


# A value, what it was made from, what that was made from, … until printed cells are reached.
_FACTS = """
with recursive made as (
    select cast($FACT as varchar) as fact_id, cast(null as varchar) as made_for,
        'value' as role, 0 as depth
    union
    select lineage.input_fact_id, made.fact_id, lineage.role, made.depth + 1
    from made
    inner join meta.lineage as lineage on made.fact_id = lineage.fact_id
)

select
    made.depth, made.role, made.fact_id, made.made_for,
    coalesce(cell.place_name_zh, circle.circle_name_zh, cell.place_code) as place,
    coalesce(cell.indicator_id, circle.indicator_id) as indicator_id,
    coalesce(cell.year, circle.year) as year,
    coalesce(cell.value, circle.value) as value,
    coalesce(cell.unit, circle.unit) as unit,
    coalesce(cell.scope, circle.vintage) as scope_or_vintage,
    coalesce(cell.document || ' ' || cell.edition, circle.edition_min || '-' || circle.edition_max)
        as publication,
    coalesce(cell.method, circle.method, circle.aggregation) as method,
    observation.value_text, observation.unit_raw, observation.place_raw, observation.indicator_raw,
    printed.factor / canonical.factor as conversion,
    observation.correction_id, observation.note, observation.locator,
    snapshot.file, observation.line, snapshot.sha256,
    observation.read_from, observation.read_locator, observation.read_sha256
from made
left join city_indicator_year as cell on made.fact_id = cell.fact_id
left join circle_indicator_year as circle on made.fact_id = circle.fact_id
left join tidy.observation as observation on made.fact_id = observation.fact_id
left join indicator on indicator.indicator_id = cell.indicator_id
left join tidy.unit as printed on printed.unit_id = observation.unit_id
left join tidy.unit as canonical on canonical.unit_id = indicator.unit_id
left join meta.snapshot as snapshot on snapshot.snapshot_id = observation.snapshot_id
order by made.depth, made.role desc, place, indicator_id, made.fact_id
"""
FACT_LINE = "{indent}{role} {place} {indicator_id} {year}: {value} {unit}, {publication}{printed}"


def _facts(column: str) -> Step:
    return _facts_of(f"${column}", column)


def _facts_of(expression: str, *needs: str) -> Step:
    """From the value whose fact_id an expression on the row gives."""
    return Step(
        "value and what it was made from", needs, _FACTS.replace("$FACT", expression), FACT_LINE
    )


# What any table may have in common, by the columns that say so.
COMMON = (
    _facts("fact_id"),
    _facts("computed_fact_id"),
    _facts("latest_fact_id"),
    Step(
        "file",
        ("snapshot_id",),
        "select snapshot_id, source_id, document, edition, file, sha256, bytes, source_kind "
        "from meta.snapshot where snapshot_id = $snapshot_id",
        "{file} (sha256 {sha256}, {source_kind})",
    ),
    Step(
        "timetable",
        ("timetable",),
        "select file, sha256, source_kind from meta.snapshot where document = $timetable "
        "order by file",
        "{file} (sha256 {sha256}, {source_kind})",
    ),
    Step(
        "publication",
        ("document", "edition"),
        "select document, edition, name_zh, name_en, publisher, published_on, "
        "published_on_precision, licence from document "
        "where document = $document and edition = $edition",
        "{name_zh} ({name_en}), {publisher}, edition {edition}, published {published_on} "
        "({published_on_precision})",
    ),
)

# Values of the members behind a circle's value: what measures over members are computed from.
_MEMBERS = """
select
    lineage.role, cell.place_code, cell.place_name_zh, cell.indicator_id, cell.year, cell.value,
    cell.unit, cell.document, cell.edition, cell.value_text, cell.unit_raw, cell.method,
    cell.locator, cell.read_from, cell.read_locator, cell.fact_id
from circle_indicator_year as circle
inner join meta.lineage as lineage on circle.fact_id = lineage.fact_id
inner join city_indicator_year as cell on lineage.input_fact_id = cell.fact_id
where circle.circle_id = $circle_id and circle.year = $year and circle.vintage = $vintage
    and {which}
order by cell.indicator_id, cell.place_code, lineage.role
"""
_MEMBER_LINE = (
    "{role} {place_name_zh} {indicator_id} {year}: {value} {unit}, {document} {edition}, "
    "printed {value_text} {unit_raw} at {locator} (fact {fact_id})"
)


def _members(which: str, *needs: str) -> Step:
    return Step(
        "values of the members",
        ("circle_id", "year", "vintage", *needs),
        _MEMBERS.replace("{which}", which),
        _MEMBER_LINE,
    )


_BEST_LINE = (
    "{place_name_zh} {indicator_id} {year}: {value} {unit}, {document} {edition} (fact {fact_id})"
)
_BEST = "b.place_name_zh, b.indicator_id, b.year, b.value, b.unit, b.document, b.edition, b.fact_id"

# The days of a month, or ordinary days of one day of the week (rail_city_pair_season).
_SEASON = (
    "not {0}.is_gap_day and case $season_kind when 'month' "
    "then strftime({0}.service_date, '%Y-%m') = $season "
    "else {0}.day_type in ('workday', 'weekend') "
    "and cast(extract(isodow from {0}.service_date) as varchar) = $season end"
)

# Trains of pairs on days, each a row of evidence by itself.
_PAIR_DAYS = (
    "select p.service_date, p.day_type, p.place_level, p.origin_code, p.origin_name_zh, "
    "p.destination_code, p.destination_name_zh, p.direct_trains, p.fastest_minutes, "
    "p.median_minutes, p.timetable, s.file, s.sha256 from rail_city_pair_day as p "
    "left join meta.snapshot as s on p.snapshot_id = s.snapshot_id "
)
_PAIR_LINE = (
    "{service_date} {origin_name_zh} → {destination_name_zh}: {direct_trains} direct trains, "
    "fastest {fastest_minutes} minutes; {file} (rail_city_pair_day service_date={service_date} "
    "place_level={place_level} origin_code={origin_code} destination_code={destination_code})"
)

_HOURS = (
    "select h.place_raw, h.station_code, h.station_name, h.aqi_published, h.pm25_ugm3, "
    "h.pm10_ugm3, h.so2_ugm3, h.no2_ugm3, h.co_mgm3, h.o3_1h_ugm3, h.part, h.record, s.file, "
    "s.sha256 from tidy.air_station_hour as h "
    "left join meta.snapshot as s on h.snapshot_id = s.snapshot_id "
)
_HOUR_LINE = (
    "{place_raw} {station_code} {station_name}: index {aqi_published}, PM2.5 {pm25_ugm3}, PM10 "
    "{pm10_ugm3}, SO2 {so2_ugm3}, NO2 {no2_ugm3}, CO {co_mgm3}, O3 {o3_1h_ugm3}; record {record} "
    "of {part} in {file}"
)

_AIR_DAYS = (
    "select r.observed_on, r.aqi, r.is_official, r.missing_pollutants, d.raw_text, "
    "d.locator, s.file, d.line, s.sha256, d.read_from, d.read_locator, d.read_sha256 "
    "from air_city_day_recomputed as r "
    "inner join tidy.air_city_day as d on r.fact_id = d.fact_id "
    "left join meta.snapshot as s on d.snapshot_id = s.snapshot_id "
    "where r.place_code = $place_code and r.document = $document "
    "and $EDITION and r.observed_on between $period_start and $period_end "
    "order by r.observed_on"
)
_AIR_DAY_LINE = (
    "{observed_on} index {aqi}: {raw_text} at {locator} of {read_from}, held in {file} line {line}"
)

# Tables whose rows rest on many others, or on printed rows of their own.
OWN: dict[str, tuple[Step, ...]] = {
    "main.indicator": (
        Step(
            "publications that hold it",
            ("indicator_id",),
            "select document, count(distinct edition) as editions, min(year) as first_year, "
            "max(year) as last_year, count(*) as cells, count(distinct place_code) as places, "
            "count(method) = count(*) as is_derived from city_indicator_year "
            "where indicator_id = $indicator_id and value is not null "
            "group by document order by cells desc, document",
            "{document}: {cells} cells of {places} places, {first_year} to {last_year}, in "
            "{editions} editions; derived {is_derived}",
        ),
    ),
    "main.city_year_wide": (
        Step(
            "values of the row",
            ("place_code", "year"),
            "select indicator_id, value, unit, document, edition, method, fact_id "
            "from city_indicator_best where place_code = $place_code and year = $year "
            "order by indicator_id",
            "{indicator_id}: {value} {unit}, {document} {edition} (fact {fact_id})",
        ),
    ),
    "main.circle_indicator_year": (
        Step(
            "members",
            ("circle_id",),
            "select m.member_seq, m.member_name, m.place_code, m.coverage, m.weight, "
            "m.no_code_reason, m.locator, s.file from circle_member as m "
            "left join meta.snapshot as s on m.snapshot_id = s.snapshot_id "
            "where m.circle_id = $circle_id order by m.member_seq",
            "{member_seq}. {member_name} ({place_code}) {coverage}, at {locator} of {file}",
        ),
        Step(
            "missing",
            ("circle_id", "year"),
            "select place_code, indicator_id, reason, would_be_filled_by, needed_by from gap "
            "where circle_id = $circle_id and year = $year and indicator_id in "
            "($indicator_id, coalesce($numerator, ''), replace(coalesce($denominator, ''), "
            "'@province', '')) order by indicator_id, place_code",
            "{place_code} {indicator_id}: {reason} (would be filled by: {would_be_filled_by})",
        ),
    ),
    "main.revision": (
        Step(
            "the two vintages",
            ("place_code", "indicator_id", "year"),
            "select c.document, c.edition, c.value, c.unit, c.value_low, c.value_high, "
            "c.value_text, c.unit_raw, c.method, c.locator, s.file, o.line, c.read_from, "
            "c.read_locator, c.fact_id from city_indicator_year as c "
            "left join tidy.observation as o on c.fact_id = o.fact_id "
            "left join meta.snapshot as s on c.snapshot_id = s.snapshot_id "
            "where c.place_code = $place_code and c.indicator_id = $indicator_id "
            "and c.year = $year and c.scope = $scope and ("
            "(c.document = $from_document and c.edition = $from_edition) or "
            "(c.document = $to_document and c.edition = $to_edition)) "
            "order by c.published_on, c.document",
            "{document} {edition}: {value} {unit}, printed {value_text} {unit_raw} at {locator}, "
            "{file} line {line}",
        ),
    ),
    "main.gap": (
        Step(
            "held for other years",
            ("place_code", "indicator_id"),
            "select min(year) as first_year, max(year) as last_year, "
            "count(distinct year) as years from city_indicator_best "
            "where place_code = $place_code and indicator_id = $indicator_id having count(*) > 0",
            "{years} years between {first_year} and {last_year}",
        ),
        Step(
            "what the circle says of the member",
            ("circle_id", "place_code"),
            "select m.member_name, m.coverage, m.weight, m.no_code_reason, m.locator, s.file "
            "from circle_member as m left join meta.snapshot as s using (snapshot_id) "
            "where m.circle_id = $circle_id and m.place_code = $place_code",
            "{member_name} {coverage}, at {locator} of {file}",
        ),
        Step(
            "rejected cells of the place",
            ("place_code",),
            "select r.file, r.locator, r.raw_text, r.reason from rejects as r "
            "inner join division as d on contains(r.raw_text, d.place_name_zh) "
            "where d.place_code = $place_code order by r.file, r.locator",
            "{file} {locator}: {reason}",
        ),
    ),
    "main.printed_figure_check": (
        Step(
            "printed",
            ("figure_id",),
            "select f.document, f.locator, f.table_raw, f.value_text, f.unit_raw, f.place_raw, "
            "f.indicator_raw, f.period_text, f.comparator, f.read_from, f.read_locator, "
            "f.read_sha256, s.file, s.sha256 from tidy.printed_figure as f "
            "left join meta.snapshot as s on f.snapshot_id = s.snapshot_id "
            "where f.figure_id = $figure_id",
            "{value_text} for {place_raw}, {indicator_raw}, {period_text}: {document} {locator}, "
            "read from {read_from} {read_locator}, held in {file}",
        ),
        Step(
            "figures of the same document it follows from",
            ("figure_id",),
            "select r.role, r.rule, f.figure_id, f.value_text, f.unit_raw, f.place_raw, "
            "f.indicator_raw, f.locator from tidy.figure_relation as r "
            "inner join tidy.printed_figure as f on r.input_figure_id = f.figure_id "
            "where r.figure_id = $figure_id and $vintage = 'same_document' order by f.figure_id",
            "{role} {figure_id} {value_text} {place_raw} {indicator_raw} at {locator} ({rule})",
        ),
        # Shares that close to 100 and intensities follow from their own row of the table.
        Step(
            "figures of the same row",
            ("figure_id",),
            "select o.figure_id, o.value_text, o.place_raw, o.indicator_raw, o.period_text, "
            "o.locator from tidy.printed_figure as f inner join tidy.printed_figure as o "
            "on f.document = o.document and f.locator = o.locator and f.place_raw = o.place_raw "
            "and f.period_text = o.period_text and f.figure_id <> o.figure_id "
            "where f.figure_id = $figure_id and $vintage = 'same_document' and not exists "
            "(select 1 from tidy.figure_relation as r where r.figure_id = f.figure_id) "
            "order by o.figure_id",
            "{figure_id} {value_text} {place_raw} {indicator_raw} {period_text} at {locator}",
        ),
        Step(
            "GDP as first published",
            ("figure_id", "place_code"),
            "select c.place_name_zh, c.year, c.value, c.unit, c.document, c.edition, c.fact_id "
            "from tidy.printed_figure as f inner join city_indicator_year as c "
            "on c.place_code = $place_code and c.year = f.year_end and c.indicator_id = 'gdp' "
            "and c.is_first_published where f.figure_id = $figure_id "
            "and $vintage = 'same_document' and $indicator_id = 'rd_intensity' "
            "order by c.scope, c.document",
            "{place_name_zh} gdp {year}: {value} {unit}, {document} {edition} (fact {fact_id})",
        ),
        # A declared mix of two vintages is no value of the warehouse; its parts are.
        Step(
            "parts of a mix of vintages",
            ("circle_id", "computed_value"),
            "select case c.indicator_id when i.numerator then 'numerator' else 'denominator' end "
            "as role, c.indicator_id, c.year, c.vintage, c.value, c.unit, c.edition_min, "
            "c.edition_max, c.fact_id from tidy.printed_figure as f "
            "inner join indicator as i on i.indicator_id = $indicator_id "
            "inner join circle_indicator_year as c on c.circle_id = $circle_id "
            "and c.year = f.year_end and c.indicator_id in (i.numerator, i.denominator) "
            "where f.figure_id = $figure_id and $computed_fact_id is null "
            "and contains($vintage, c.vintage || '_' || split_part(c.indicator_id, '_', 1)) "
            "order by role desc, c.vintage",
            "{role} {indicator_id} {year} {vintage}: {value} {unit}, editions {edition_min} to "
            "{edition_max} (fact {fact_id})",
        ),
    ),
    "main.document_consistency_check": (
        Step(
            "as the reader of the document wrote it",
            ("check_id",),
            "select c.locator, c.what, c.result_text, c.expected_text, c.status, c.read_from, "
            "c.read_locator, c.read_sha256, s.file, s.sha256 from tidy.document_check as c "
            "left join meta.snapshot as s on c.snapshot_id = s.snapshot_id "
            "where c.check_id = $check_id",
            "{what}: {result_text} ({expected_text}), {status}, read from {read_from} "
            "{read_locator}, held in {file}",
        ),
        Step(
            "printed figures at the place",
            ("document", "locator"),
            "select f.figure_id, f.place_raw, f.indicator_raw, f.period_text, f.value_text, "
            "f.unit_raw, f.locator, f.read_from, f.read_locator from tidy.printed_figure as f "
            # L49-57,59 (与003第690行): the lines of the document itself.
            "where f.document = $document and exists (select 1 from (select unnest(string_split("
            "regexp_replace($locator, '^L| .*$', '', 'g'), ',')) as lines) where "
            "try_cast(substr(f.locator, 2) as integer) between "
            "try_cast(split_part(lines, '-', 1) as integer) and "
            "try_cast(split_part(lines, '-', -1) as integer)) "
            "order by f.figure_id",
            "{figure_id} {place_raw} {indicator_raw} {period_text}: {value_text} {unit_raw} at "
            "{locator}",
        ),
    ),
    "main.policy_target_progress": (
        Step(
            "printed",
            ("target_id",),
            "select t.document, t.locator, t.value_text, t.unit_raw, t.place_raw, "
            "t.indicator_raw, t.comparator, t.comparator_basis, t.horizon_basis, t.read_from, "
            "t.read_locator, t.read_sha256, s.file, s.sha256 from tidy.policy_target as t "
            "left join meta.snapshot as s on t.snapshot_id = s.snapshot_id "
            "where t.target_id = $target_id",
            "{value_text} for {place_raw}, {indicator_raw} ({comparator}, {comparator_basis}): "
            "{document} {locator}, read from {read_from} {read_locator}, held in {file}",
        ),
    ),
    "main.circle_inequality_year": (_members("circle.indicator_id = $indicator_id"),),
    "main.circle_core_periphery_year": (_members("circle.indicator_id = $indicator_id"),),
    "main.circle_primacy_year": (_members("circle.indicator_id = $indicator_id"),),
    "main.location_quotient_year": (_members("circle.indicator_id = $sector"),),
    "main.circle_structure_pair": (
        _members(
            "circle.indicator_id in ('primary_share', 'secondary_share', 'tertiary_share') "
            "and (cell.place_code in ($place_code_a, $place_code_b) or $place_code_b = 'REST')",
            "place_code_a",
        ),
        Step(
            "printed shares",
            ("place_code_a", "place_code_b"),
            "select f.figure_id, f.place_raw, f.indicator_raw, f.value_text, f.document, "
            "f.locator, f.read_from, f.read_locator from tidy.printed_figure as f "
            "where $vintage = 'as_printed' and starts_with(f.indicator_id, 'manufacturing_share') "
            "and f.year_end = $year and (f.place_code in ($place_code_a, $place_code_b) "
            "or $place_code_b = 'REST') order by f.place_code, f.figure_id",
            "{figure_id} {place_raw} {indicator_raw} {value_text}: {document} {locator}",
        ),
    ),
    "main.circle_trial_share": (
        Step(
            "units of the city",
            ("circle_id", "city_code"),
            f"select m.place_code is not null as is_included, {_BEST} "
            "from city_indicator_best as b "
            "inner join division as d on b.place_code = d.place_code and d.valid_to is null "
            "left join circle_member as m on b.place_code = m.place_code "
            "and m.circle_id = $circle_id where d.parent_code = $city_code and ("
            "(b.indicator_id = 'population_census' and b.year = $population_share_year) or "
            "(b.indicator_id = 'gdp_per_capita' and b.year = $output_share_year)) "
            "order by b.indicator_id, is_included desc, b.place_code",
            "included {is_included}: " + _BEST_LINE,
        ),
        _facts_of(
            "(select fact_id from city_indicator_best where place_code = $city_code "
            "and indicator_id = 'gdp' and year = $output_share_year)",
            "city_code",
        ),
    ),
    "main.circle_trial_account": (
        Step(
            "cities, whole and in part",
            ("circle_id", "year"),
            "select s.city_code is null as is_whole, case $method "
            "when 'population_share' then s.population_share when 'output_share' "
            f"then s.output_share end as share, s.population_share, s.output_share, {_BEST} "
            "from city_indicator_best as b left join circle_trial_share as s "
            "on b.place_code = s.city_code and s.circle_id = $circle_id "
            "where b.year = $year and b.indicator_id in ($indicator_id, case when $indicator_id = "
            "'gdp_per_capita_year_end' then 'gdp' end, case when $indicator_id = "
            "'gdp_per_capita_year_end' then 'population_resident' end) "
            "and b.indicator_id in ('gdp', 'population_resident') "
            "and case when $method = 'published_members' then b.place_code in (select place_code "
            "from circle_member where circle_id = $circle_id) else (s.city_code is not null or "
            "b.place_code in (select place_code from circle_member "
            "where circle_id = $circle_id and place_code like '44__00')) end "
            "order by b.indicator_id, is_whole desc, b.place_code",
            "whole {is_whole}, by population {population_share}, by output {output_share}: "
            + _BEST_LINE,
        ),
        Step(
            "how the shares are made",
            ("circle_id",),
            "select city_code, units_included_names, population_share_year, population_share, "
            "output_share_year, output_share, output_basis from circle_trial_share "
            "where circle_id = $circle_id order by city_code",
            "{city_code}: {units_included_names}; population {population_share}, output "
            "{output_share} ({output_basis})",
        ),
    ),
    "main.circle_comparison_year": (
        _facts_of(
            "coalesce((select fact_id from circle_indicator_year where circle_id = $area_id "
            "and indicator_id = $indicator_id and year = $year and vintage = 'latest' "
            "and value is not null), (select fact_id from city_indicator_best "
            "where place_code = $area_id and indicator_id = $indicator_id and year = $year))",
            "area_id",
            "indicator_id",
            "year",
        ),
        Step(
            "trial account",
            ("area_id", "method"),
            "select 'circle_trial_account' as table_name, circle_id, indicator_id, year, method, "
            "value, value_low, value_high, unit, state, series from circle_trial_account "
            "where circle_id = $area_id and indicator_id = $indicator_id and year = $year "
            "and 'trial account, ' || method = $method",
            "{table_name} circle_id={circle_id} indicator_id={indicator_id} year={year} "
            "method={method}: {value} {unit}, {state} from {series}",
        ),
    ),
    "main.implied_deflator_year": (
        Step(
            "levels of the two years in the edition, and the printed rate",
            ("place_code", "year", "document", "edition"),
            "select c.indicator_id, c.year, c.value, c.unit, c.document, c.edition, "
            "c.value_text, c.unit_raw, c.locator, c.read_from, c.read_locator, c.fact_id "
            "from city_indicator_year as c where c.place_code = $place_code "
            "and c.scope = 'whole_city' and ((c.indicator_id = 'gdp' "
            "and c.year in ($year, $year - 1) and c.document = $document "
            "and c.edition = $edition) or (c.indicator_id = 'gdp_growth_real' "
            "and c.year = $year and c.document || ' ' || c.edition = $rate_series)) "
            "order by c.indicator_id, c.year",
            "{indicator_id} {year}: {value} {unit}, printed {value_text} {unit_raw} at {locator}, "
            "read from {read_from} {read_locator}",
        ),
    ),
    "main.circle_growth_span": (
        Step(
            "rates of the years",
            ("circle_id", "indicator_id", "vintage"),
            "select year, value, unit, edition_min, edition_max, method, fact_id "
            "from circle_indicator_year where circle_id = $circle_id "
            "and indicator_id = $indicator_id and vintage = $vintage "
            "and year > $year_from and year <= $year_to order by year",
            "{year}: {value} {unit}, {method}, editions {edition_min} to {edition_max} "
            "(fact {fact_id})",
        ),
    ),
    "main.circle_city_size": (
        Step(
            "cities of the class",
            ("year", "source", "size_class", "city_names"),
            "select place_code, place_name_zh, population_city_proper, fact_id "
            "from city_size_class where year = $year and source = $source "
            "and size_class = $size_class and contains($city_names, place_name_zh) "
            "order by place_code",
            "{place_name_zh} ({place_code}): {population_city_proper} (fact {fact_id})",
        ),
    ),
    "main.circle_overlap": (
        Step(
            "members of both",
            ("circle_id", "other_circle_id"),
            "select m.circle_id, m.member_seq, m.member_name, m.place_code, m.coverage, "
            "m.locator, s.file from circle_member as m "
            "left join meta.snapshot as s on m.snapshot_id = s.snapshot_id "
            "where m.circle_id in ($circle_id, $other_circle_id) "
            "order by m.circle_id, m.member_seq",
            "{circle_id} {member_name} ({place_code}) {coverage}, at {locator} of {file}",
        ),
    ),
    "main.circle_industry_overlap": (
        Step(
            "industries as printed",
            ("document", "place_code_a", "place_code_b"),
            "select place_raw, industry_seq, industry_zh, group_code, is_open_list, locator, "
            "read_from, read_locator from tidy.strategic_industry where document = $document "
            "and place_code in ($place_code_a, $place_code_b) order by place_code, industry_seq",
            "{place_raw} {industry_seq}. {industry_zh} ({group_code}) at {locator}, read from "
            "{read_from} {read_locator}",
        ),
    ),
    "main.industry_cluster_city": (
        Step(
            "roles as printed",
            ("document", "cluster_type", "cluster_seq", "place_code"),
            "select r.cluster_zh, r.place_raw, r.locator, r.read_from, r.read_locator, s.file "
            "from tidy.cluster_city_role as r "
            "left join meta.snapshot as s on r.snapshot_id = s.snapshot_id "
            "where r.document = $document and r.cluster_type = $cluster_type "
            "and r.cluster_seq = $cluster_seq order by r.place_code <> $place_code, r.place_code",
            "{cluster_zh} {place_raw} at {locator}, read from {read_from} {read_locator}",
        ),
    ),
    "main.composite_score": (
        Step(
            "indicators of the panel",
            ("panel_id", "place_code", "year"),
            f"select w.system, w.direction, w.weight_entropy, w.value_min, w.value_max, {_BEST} "
            "from composite_weight as w "
            "inner join city_indicator_best as b on w.indicator_id = b.indicator_id "
            "where w.panel_id = $panel_id and b.place_code = $place_code and b.year = $year "
            "order by w.system, b.indicator_id",
            "{system} weight {weight_entropy}: " + _BEST_LINE,
        ),
    ),
    "main.composite_weight": (
        Step(
            "cells of the panel",
            ("panel_id", "indicator_id"),
            f"select {_BEST} from city_indicator_best as b "
            "inner join (select distinct place_code, year from composite_score "
            "where panel_id = $panel_id) as cell "
            "on b.place_code = cell.place_code and b.year = cell.year "
            "where b.indicator_id = $indicator_id order by b.year, b.place_code",
            _BEST_LINE,
        ),
    ),
    "main.rail_city_pair_day": (
        # Which trains the row counts; the counting itself is pipelines/rail/pairs.py.
        Step(
            "trains counted",
            ("service_date", "snapshot_id", "origin_code", "destination_code"),
            """
select
    train.codes, train.train_no, train.train_class,
    coalesce(a.station_name_zh, departs.stop_raw) as from_station,
    coalesce(b.station_name_zh, arrives.stop_raw) as to_station,
    train.origin_minute + departs.depart_minutes - 1440 * departs.depart_day as departs_minute,
    arrives.arrive_minutes - departs.depart_minutes as minutes,
    service.start_date, train.calendar,
    snapshot.file, departs.locator as departs_at, arrives.locator as arrives_at,
    departs.read_sha256, departs.read_locator as departs_read_at,
    arrives.read_locator as arrives_read_at
from tidy.rail_stop_time as departs
inner join tidy.rail_train as train using (timetable, edition, train_no)
inner join tidy.rail_service as service
    on departs.timetable = service.timetable and departs.edition = service.edition
    and departs.train_no = service.train_no
    and service.start_date + departs.depart_day = $service_date
inner join tidy.rail_stop_time as arrives
    on departs.timetable = arrives.timetable and departs.edition = arrives.edition
    and departs.train_no = arrives.train_no and departs.stop_seq < arrives.stop_seq
left join tidy.rail_station as a
    on departs.telecode = a.telecode and $service_date >= a.valid_from
    and (a.valid_to is null or $service_date <= a.valid_to)
left join tidy.rail_station as b
    on arrives.telecode = b.telecode and $service_date >= b.valid_from
    and (b.valid_to is null or $service_date <= b.valid_to)
left join meta.snapshot as snapshot on departs.snapshot_id = snapshot.snapshot_id
where departs.snapshot_id = $snapshot_id
    and $origin_code in (departs.place_code, coalesce(departs.county_code, ''))
    and $destination_code in (arrives.place_code, coalesce(arrives.county_code, ''))
qualify row_number() over (
    partition by train.train_no
    order by minutes, departs_minute, departs.stop_seq, arrives.stop_seq
) = 1
order by departs_minute, train.train_no
""",
            "{codes} {from_station} → {to_station} at minute {departs_minute}, {minutes} minutes; "
            "{file} {departs_at} (original {departs_read_at})",
        ),
    ),
    "main.rail_reach": (
        Step(
            "trains of the pair on the day",
            ("service_date", "place_level", "origin_code", "destination_code"),
            _PAIR_DAYS + "where p.service_date = $service_date and p.place_level = $place_level "
            "and p.origin_code = $origin_code and p.destination_code = $destination_code",
            _PAIR_LINE,
        ),
        # The journey itself, found again among the trains; the search over all is the model's.
        Step(
            "fastest journeys with one change",
            ("service_date", "origin_code", "destination_code", "one_change_minutes"),
            """
with run as (
    select
        service.timetable, service.edition, service.train_no, train.codes,
        date_diff('day', service.start_date, $service_date) as days_run,
        train.origin_minute - 1440 * date_diff('day', service.start_date, $service_date) as shift
    from tidy.rail_service as service
    inner join tidy.rail_train as train using (timetable, edition, train_no)
    where service.timetable = $timetable
        and service.start_date between $service_date - 7 and $service_date
),

leg as (
    select
        run.codes, run.train_no, coalesce(here.telecode, here.stop_raw) as from_station,
        coalesce(there.telecode, there.stop_raw) as to_station,
        here.place_code as from_place, here.county_code as from_county,
        there.place_code as to_place, there.county_code as to_county,
        run.shift + here.depart_minutes as leaves, run.shift + there.arrive_minutes as arrives,
        here.locator as leaves_at, there.locator as arrives_at, here.snapshot_id
    from run
    inner join tidy.rail_stop_time as here
        on run.timetable = here.timetable and run.edition = here.edition
        and run.train_no = here.train_no and run.days_run = here.depart_day
    inner join tidy.rail_stop_time as there
        on here.timetable = there.timetable and here.edition = there.edition
        and here.train_no = there.train_no and here.stop_seq < there.stop_seq
)

select
    a.codes as first_train, a.from_station, a.to_station as change_at, a.leaves, a.arrives,
    b.codes as second_train, b.leaves as leaves_again, b.to_station, b.arrives as arrives_there,
    b.leaves - a.arrives as change_minutes, b.arrives - a.leaves as minutes,
    snapshot.file, a.leaves_at, a.arrives_at as change_in_at, b.leaves_at as change_out_at,
    b.arrives_at
from leg as a
inner join leg as b
    on a.to_station = b.from_station and b.leaves >= a.arrives + $min_change_minutes
left join meta.snapshot as snapshot on a.snapshot_id = snapshot.snapshot_id
where $origin_code in (a.from_place, coalesce(a.from_county, ''))
    and $destination_code in (b.to_place, coalesce(b.to_county, ''))
    and b.arrives - a.leaves = $one_change_minutes
order by a.leaves, a.train_no, b.train_no, a.from_station, a.to_station, b.to_station
""",
            "{first_train} {from_station} at minute {leaves} → {change_at} {arrives}, change of "
            "{change_minutes}, {second_train} {leaves_again} → {to_station} {arrives_there}: "
            "{minutes} minutes; {file} {leaves_at}, {change_in_at}, {change_out_at}, {arrives_at}",
        ),
    ),
    "main.rail_city_pair_window": (
        Step(
            "days of the window",
            ("timetable", "place_level", "origin_code", "destination_code"),
            _PAIR_DAYS + "where p.timetable = $timetable and p.place_level = $place_level "
            "and p.origin_code = $origin_code and p.destination_code = $destination_code "
            "and (p.day_type = $day_type or $day_type = 'all') and not p.is_gap_day "
            "order by p.service_date",
            _PAIR_LINE,
        ),
        Step(
            "days held whole",
            ("timetable", "day_type"),
            "select service_date, day_type, trains, is_gap_day from rail_service_day "
            "where timetable = $timetable and (day_type = $day_type or $day_type = 'all') "
            "order by service_date",
            "{service_date} {day_type}: {trains} trains, gap day {is_gap_day}",
        ),
    ),
    "main.rail_city_pair_season": (
        Step(
            "days of the season with a train",
            ("timetable", "season_kind", "season", "origin_code", "destination_code"),
            _PAIR_DAYS + "where p.timetable = $timetable and p.place_level = 'prefecture' "
            "and p.origin_code = $origin_code and p.destination_code = $destination_code "
            f"and {_SEASON.format('p')} order by p.service_date",
            _PAIR_LINE,
        ),
        Step(
            "days held whole",
            ("timetable", "season_kind", "season"),
            "select d.service_date, d.day_type, d.trains from rail_service_day as d "
            f"where d.timetable = $timetable and {_SEASON.format('d')} order by d.service_date",
            "{service_date} {day_type}: {trains} trains",
        ),
    ),
    "main.economic_link_stability": (
        Step(
            "links under both variants, by the first",
            ("circle_id", "year", "variant", "other_variant"),
            "select 'economic_link_city_pair_year' as table_name, a.circle_id, a.year, "
            "a.origin_code, a.destination_code, a.link_rank, b.link_rank as other_rank, "
            "a.variant, b.variant as other_variant from economic_link_city_pair_year as a "
            "inner join economic_link_city_pair_year as b "
            "using (circle_id, year, origin_code, destination_code) "
            "where a.circle_id = $circle_id and a.year = $year and a.variant = $variant "
            "and b.variant = $other_variant order by a.link_rank, a.origin_code, "
            "a.destination_code",
            "{origin_code}–{destination_code}: {link_rank} by {variant}, {other_rank} by "
            "{other_variant} ({table_name})",
        ),
    ),
    "main.network_rank_difference": (
        Step(
            "economic link of the pair",
            ("circle_id", "year", "variant", "origin_code", "destination_code"),
            "select 'economic_link_city_pair_year' as table_name, * "
            "from economic_link_city_pair_year where circle_id = $circle_id and year = $year "
            "and variant = $variant and origin_code = $origin_code "
            "and destination_code = $destination_code",
            "{link_rank} of {pairs}: link {link}, share {link_share}, {mass} over {distance} "
            "{distance_basis} ({table_name})",
        ),
        Step(
            "trains of the pair on the day",
            ("service_date", "origin_code", "destination_code"),
            _PAIR_DAYS + "where p.service_date = $service_date and p.place_level = 'prefecture' "
            "and p.origin_code in ($origin_code, $destination_code) "
            "and p.destination_code in ($origin_code, $destination_code) "
            "order by p.origin_code",
            _PAIR_LINE,
        ),
        Step(
            "day held whole",
            ("service_date", "timetable"),
            "select d.service_date, d.timetable, d.trains, d.read_from, d.read_locator "
            "from rail_service_day as d where d.service_date = $service_date "
            "and d.timetable = $timetable",
            "{service_date}: {trains} trains of {timetable}, {read_from} {read_locator}",
        ),
    ),
    "main.rail_listing_check": (
        Step(
            "days of the nearest timetable",
            ("timetable", "origin_code", "destination_code"),
            _PAIR_DAYS + "where p.timetable = $timetable and p.place_level = 'prefecture' "
            "and p.origin_code = $origin_code and p.destination_code = $destination_code "
            "and not p.is_gap_day order by p.service_date",
            _PAIR_LINE,
        ),
    ),
    "main.rail_board_check": (
        Step(
            "trains listed",
            ("document", "edition", "station"),
            "select t.codes, t.origin_raw, t.terminal_raw, t.board_role, t.locator, s.file, "
            "s.sha256 from tidy.rail_listed_train as t "
            "left join meta.snapshot as s on t.snapshot_id = s.snapshot_id "
            "where t.document = $document and t.edition = $edition and t.touches_guangdong "
            "and coalesce(t.board_station, 'all') = $station order by s.file, t.locator",
            "{codes} {origin_raw} → {terminal_raw}: {file} {locator}",
        ),
    ),
    "main.rail_network_city_day": (
        Step(
            "trains from and to the city",
            ("service_date", "place_code", "region_id"),
            _PAIR_DAYS + "where p.service_date = $service_date and p.place_level = 'prefecture' "
            "and $place_code in (p.origin_code, p.destination_code) "
            "order by $region_id <> '440000' and not exists (select 1 from circle_member as m "
            "where m.circle_id = $region_id and m.place_code = case p.origin_code "
            "when $place_code then p.destination_code else p.origin_code end), "
            "p.direct_trains desc, p.origin_code, p.destination_code",
            _PAIR_LINE,
        ),
    ),
    "main.rail_planned_link": (
        Step(
            "project as printed",
            ("project_id",),
            "select p.name_raw, p.status_raw, p.places_named, p.places_read, p.document, "
            "p.locator, p.box, p.read_from, p.read_locator, p.read_sha256, s.file, s.sha256 "
            "from tidy.named_project as p "
            "left join meta.snapshot as s on p.snapshot_id = s.snapshot_id "
            "where p.project_id = $project_id",
            "{name_raw} ({status_raw}), cities {places_read}: {document} {locator}, read from "
            "{read_from} {read_locator}, held in {file}",
        ),
        Step(
            "trains of the pair on the day",
            ("service_date", "origin_code", "destination_code"),
            _PAIR_DAYS + "where p.service_date = $service_date and p.place_level = 'prefecture' "
            "and p.origin_code in ($origin_code, $destination_code) "
            "and p.destination_code in ($origin_code, $destination_code) "
            "order by p.origin_code",
            _PAIR_LINE,
        ),
    ),
    "main.economic_link_city_pair_year": (
        Step(
            "masses of the two cities",
            ("year", "mass", "origin_code", "destination_code"),
            f"select {_BEST} from city_indicator_best as b where b.year = $year "
            "and b.place_code in ($origin_code, $destination_code) and b.indicator_id in ("
            "case when $mass <> 'population' then 'gdp' end, "
            "case when $mass <> 'gdp' then 'population_resident' end) "
            "order by b.indicator_id, b.place_code",
            _BEST_LINE,
        ),
        Step(
            "points that the distance joins",
            ("distance_basis", "origin_code", "destination_code"),
            "select c.place_code, c.point_kind, c.longitude, c.latitude, c.datum, c.locator, "
            "s.file, s.sha256 from tidy.city_centre as c "
            "left join meta.snapshot as s on c.snapshot_id = s.snapshot_id "
            "where c.point_kind = $distance_basis "
            "and c.place_code in ($origin_code, $destination_code) order by c.place_code",
            "{place_code} {point_kind}: {longitude}, {latitude} ({datum}) at {locator} of {file}",
        ),
        Step(
            "trains of the pair on the newest ordinary workday",
            ("distance_basis", "origin_code", "destination_code"),
            _PAIR_DAYS + "where $distance_basis = 'rail_minutes' "
            "and p.place_level = 'prefecture' and p.service_date = (select max(service_date) "
            "from rail_service_day where day_type = 'workday' and not is_gap_day) "
            "and p.origin_code in ($origin_code, $destination_code) "
            "and p.destination_code in ($origin_code, $destination_code) "
            "order by p.origin_code",
            _PAIR_LINE,
        ),
    ),
    "main.network_claim_check": (
        Step(
            "links, the strongest first",
            ("network", "variant", "period"),
            "select 'economic_link_city_pair_year' as table_name, circle_id, year, variant, "
            "link_rank, origin_code, destination_code, link_share, link, mass, "
            "distance_basis, distance, exponent from economic_link_city_pair_year "
            "where $network = 'economic' and circle_id = 'GZ_PAPER9' and variant = $variant "
            "and cast(year as varchar) = $period "
            "order by link_rank, origin_code, destination_code",
            "{link_rank}. {origin_code}–{destination_code}: share {link_share}, {mass} over "
            "{distance} {distance_basis} to the power {exponent} ({table_name} "
            "circle_id={circle_id} year={year} variant={variant} origin_code={origin_code} "
            "destination_code={destination_code})",
        ),
        Step(
            "trains of both directions, the most first",
            ("network", "period"),
            _PAIR_DAYS + "where $network = 'railway' and cast(p.service_date as varchar) = $period "
            "and p.place_level = 'prefecture' and p.origin_code in (select place_code from "
            "circle_member where circle_id = 'GZ_PAPER9') and p.destination_code in "
            "(select place_code from circle_member where circle_id = 'GZ_PAPER9') "
            "order by sum(p.direct_trains) over (partition by least(p.origin_code, "
            "p.destination_code), greatest(p.origin_code, p.destination_code)) desc, "
            "least(p.origin_code, p.destination_code), "
            "greatest(p.origin_code, p.destination_code), p.origin_code",
            _PAIR_LINE,
        ),
    ),
    "main.rail_service_day": (
        Step(
            "as counted over the whole original",
            ("service_date", "timetable"),
            "select d.*, s.file, s.sha256 from tidy.rail_day as d "
            "left join meta.snapshot as s on d.snapshot_id = s.snapshot_id "
            "where d.service_date = $service_date and d.timetable = $timetable",
            "{trains} trains, {trains_skipping_only} skip this day alone, {trains_unreadable} "
            "unreadable: {read_from} {read_locator}, held in {file} {locator}",
        ),
        Step(
            "trains held that start on the day, by class",
            ("service_date", "timetable"),
            "select service.edition, train.train_class, count(*) as trains "
            "from tidy.rail_service as service "
            "inner join tidy.rail_train as train using (timetable, edition, train_no) "
            "where service.start_date = $service_date and service.timetable = $timetable "
            "group by service.edition, train.train_class "
            "order by service.edition, train.train_class",
            "{edition} {train_class}: {trains}",
        ),
    ),
    "main.air_city_period": (
        Step(
            "printed",
            ("place_code", "document", "edition"),
            "select b.measure, b.value_text, b.unit_raw, b.place_raw, b.indicator_raw, "
            "b.null_mark, b.locator, s.file, b.line, s.sha256, b.read_from, b.read_locator, "
            "b.read_sha256, b.superseded_by from tidy.bulletin_city_period as b "
            "left join meta.snapshot as s on b.snapshot_id = s.snapshot_id "
            "where b.document = $document and b.edition = $edition "
            "and b.period_start = $period_start and b.period_end = $period_end "
            "and (b.place_code = $place_code or $basis = 'recomputed') "
            "order by b.place_code <> $place_code, b.measure, b.place_code, b.locator",
            "{measure} {place_raw} {value_text} {unit_raw} at {locator}, read from {read_from} "
            "{read_locator}, held in {file} line {line}",
        ),
        Step(
            "daily records",
            ("place_code", "document", "edition"),
            _AIR_DAYS.replace("$EDITION", "r.edition = $edition"),
            _AIR_DAY_LINE,
        ),
    ),
    "main.air_hour_check": (
        Step(
            "records of the hour",
            ("document", "edition", "observed_on", "hour", "network", "state"),
            _HOURS + "where h.document = $document and h.edition = $edition "
            "and h.observed_on = $observed_on and h.hour = $hour and h.network = $network "
            "and h.state = $state and h.aqi_published is not null "
            "order by h.part, h.record, h.station_code",
            _HOUR_LINE,
        ),
        Step(
            "indices that differ",
            ("document", "edition", "observed_on", "hour"),
            "select place_raw, station_code, station_name, aqi_published, aqi, "
            "pollutants_missing, cause, part, record from air_hour_difference "
            "where document = $document and edition = $edition and observed_on = $observed_on "
            "and hour = $hour order by part, record, station_code",
            "{place_raw} {station_code} {station_name}: published {aqi_published}, recomputed "
            "{aqi} ({cause})",
        ),
    ),
    "main.air_hour_difference": (
        Step(
            "record",
            ("snapshot_id", "part", "record", "place_raw", "station_code"),
            _HOURS + "where h.snapshot_id = $snapshot_id and h.part = $part "
            "and h.record = $record and h.place_raw = $place_raw "
            "and h.station_code = $station_code",
            _HOUR_LINE,
        ),
    ),
    "main.water_section_class": (
        Step(
            "readings of the section",
            ("snapshot_id", "record"),
            "select r.item, r.item_raw, r.value_text, r.unit_raw, r.section_raw, r.moment_raw, "
            "r.record, s.file, s.sha256 from tidy.water_section_reading as r "
            "left join meta.snapshot as s on r.snapshot_id = s.snapshot_id "
            "where r.snapshot_id = $snapshot_id and r.record = $record order by r.item",
            "{section_raw} {moment_raw} {item_raw}: {value_text} {unit_raw}, record {record} of "
            "{file}",
        ),
    ),
    "main.air_reconciliation": (
        # A third party's means are printed too, and are what is held against the bulletin.
        Step(
            "printed, and held against it",
            ("place_code", "measure", "published_document", "published_edition"),
            "select b.document, b.measure, b.value_text, b.unit_raw, b.place_raw, b.indicator_raw, "
            "b.locator, s.file, b.line, s.sha256, b.read_from, b.read_locator, b.read_sha256 "
            "from tidy.bulletin_city_period as b "
            "left join meta.snapshot as s on b.snapshot_id = s.snapshot_id "
            "where ((b.document = $published_document and b.edition = $published_edition) "
            "or b.document = $recomputed_document) "
            "and b.place_code = $place_code and b.measure = $measure "
            "and b.period_start = $period_start and b.period_end = $period_end "
            "and b.superseded_by is null order by b.document <> $published_document, b.locator",
            "{document}: {measure} {place_raw} {value_text} {unit_raw} at {locator}, read from "
            "{read_from} {read_locator}, held in {file} line {line}",
        ),
        Step(
            "printed in a paper",
            ("place_code", "published_document", "published_locator", "published_text"),
            "select f.figure_id, f.document, f.table_raw, f.place_raw, f.indicator_raw, "
            "f.period_text, f.value_text, f.unit_raw, f.locator, f.read_from, f.read_locator, "
            "f.read_sha256, s.file, s.sha256 from tidy.printed_figure as f "
            "left join meta.snapshot as s on f.snapshot_id = s.snapshot_id "
            "where f.document = $published_document and f.locator = $published_locator "
            "and f.place_code = $place_code and f.value_text = $published_text "
            "order by f.figure_id",
            "{figure_id} {place_raw} {indicator_raw} {period_text}: {value_text} {unit_raw} at "
            "{locator} of {document}, read from {read_from} {read_locator}, held in {file}",
        ),
        Step(
            "recomputed period",
            ("place_code", "recomputed_document", "recomputed_network"),
            "select p.document, p.edition, p.network, p.method, p.valid_days, p.good_days, "
            "p.aqi_rate_pct, p.pm25_ugm3, p.pm10_ugm3, p.o3_8h_p90_ugm3, p.composite_index, "
            "p.not_official_reason, p.locator, s.file, s.sha256 from air_city_period as p "
            "left join meta.snapshot as s on p.snapshot_id = s.snapshot_id "
            "where p.basis = 'recomputed' and p.place_code = $place_code "
            "and p.document = $recomputed_document and p.network = $recomputed_network "
            "and p.period_start = $period_start and p.period_end = $period_end "
            "order by p.edition",
            "{document} {edition}, {network}: {method}, {valid_days} valid days; {file}",
        ),
        Step(
            "daily records",
            ("place_code", "recomputed_document", "recomputed_network"),
            _AIR_DAYS.replace("$EDITION", "r.network = $recomputed_network").replace(
                "$document", "$recomputed_document"
            ),
            _AIR_DAY_LINE,
        ),
    ),
    "main.air_region_period": (
        Step(
            "cities of the region",
            ("circle_id", "document", "basis", "network"),
            "select p.place_code, p.place_name_zh, p.edition, p.aqi_rate_pct, p.good_days, "
            "p.valid_days, p.pm25_ugm3, p.method, p.locator, s.file, s.sha256 "
            "from circle_member as m inner join air_city_period as p "
            "on m.place_code = p.place_code "
            "left join meta.snapshot as s on p.snapshot_id = s.snapshot_id "
            "where m.circle_id = $circle_id and m.coverage = 'whole' "
            "and p.document = $document and p.basis = $basis and p.network = $network "
            "and p.period_start = $period_start and p.period_end = $period_end "
            "order by p.place_code",
            "{place_name_zh}: rate {aqi_rate_pct} %, {good_days} of {valid_days} days, PM2.5 "
            "{pm25_ugm3} ug/m3; {edition} at {locator}, {file}",
        ),
        Step(
            "members",
            ("circle_id",),
            "select m.member_seq, m.member_name, m.place_code, m.coverage, m.locator, s.file "
            "from circle_member as m left join meta.snapshot as s "
            "on m.snapshot_id = s.snapshot_id where m.circle_id = $circle_id "
            "order by m.member_seq",
            "{member_seq}. {member_name} ({place_code}) {coverage}, at {locator} of {file}",
        ),
    ),
    "main.water_area_period": (
        Step(
            "printed",
            ("place_code", "document", "section_set"),
            "select b.measure, b.value_text, b.unit_raw, b.place_raw, b.indicator_raw, b.locator, "
            "s.file, b.line, s.sha256, b.read_from, b.read_locator, b.read_sha256 "
            "from tidy.bulletin_city_period as b "
            "left join meta.snapshot as s on b.snapshot_id = s.snapshot_id "
            "where b.document = $document and b.place_code = $place_code "
            "and b.section_set = $section_set and b.period_start = $period_start "
            "and b.period_end = $period_end and b.superseded_by is null "
            "order by b.measure, b.locator",
            "{measure} {place_raw} {value_text} {unit_raw} at {locator}, read from {read_from} "
            "{read_locator}, held in {file} line {line}",
        ),
    ),
    "main.air_city_day_recomputed": (
        Step(
            "record as published",
            ("fact_id",),
            "select d.raw_text, d.locator, s.file, d.line, s.sha256, d.read_from, "
            "d.read_locator, d.read_sha256, d.missing, d.note from tidy.air_city_day as d "
            "left join meta.snapshot as s on d.snapshot_id = s.snapshot_id "
            "where d.fact_id = $fact_id",
            "{raw_text} at {locator} of {read_from}, held in {file} line {line}",
        ),
        Step(
            "breakpoints of the largest individual index",
            ("standard", "primary_pollutant"),
            "select pollutant, averaging, iaqi, concentration, unit, locator, read_from "
            "from tidy.air_breakpoint where standard = $standard and report = 'daily' "
            "and list_contains(string_split($primary_pollutant, ','), pollutant) "
            "and valid_from <= $observed_on "
            "and (valid_to is null or valid_to >= $observed_on) order by pollutant, iaqi",
            "{pollutant} {averaging}: index {iaqi} at {concentration} {unit} ({locator})",
        ),
    ),
    "main.air_period_check": (
        Step(
            "printed, and what it follows from",
            ("document", "edition", "measure"),
            "select b.place_code, b.measure, b.place_raw, b.value_text, b.unit_raw, b.locator, "
            "s.file, b.line, b.read_from, b.read_locator, b.read_sha256 "
            "from tidy.bulletin_city_period as b "
            "left join meta.snapshot as s on b.snapshot_id = s.snapshot_id "
            "where b.document = $document and b.edition = $edition "
            "and b.period_start = $period_start and b.period_end = $period_end and ("
            "(b.place_code = $place_code and b.measure = $measure) or b.measure = case $measure "
            "when 'pm25_rank' then 'pm25_ugm3' when 'aqi_rank' then 'aqi_rate_pct' "
            "when 'composite_index_rank' then 'composite_index' else $measure end) "
            "and (b.place_code <> '440000' or $place_code = '440000') "
            "order by b.place_code <> $place_code, b.measure, b.place_code, b.locator",
            "{measure} {place_raw} {value_text} {unit_raw} at {locator}, "
            "held in {file} line {line}",
        ),
    ),
}

# Which columns a column is computed from, in the end; the models between are one query away.
LINEAGE = Step(
    "columns it is computed from",
    (),
    "select l.input_table, l.input_column, d.description_en from meta.column_lineage as l "
    "left join meta.column_dictionary as d "
    "on d.table_name = l.input_table and d.column_name = l.input_column "
    "where l.table_name = $asked_table and l.column_name = $asked_column and l.step = 'origin' "
    "order by l.input_table, l.input_column",
    "{input_table}.{input_column}: {description_en}",
)
