"""Evidence for any cell of any released table: from a row back to what was printed, and where.

Belongs here: finding one row by its key, and the SELECTs that lead from it to inputs, printed text,
file, line and cell. Not here: making values, the comfort of `explain INDICATOR PLACE YEAR`
(`explain`), or lists of what exists (`find`).

Every step is one SELECT on the release with the columns of the row as parameters; `sql` of the
answer is what a notebook runs to get the same. What tables share is said once: values made from
other values are followed through `meta.lineage`, files through `meta.snapshot`, publications
through `document`. Tables whose rows are counted or computed from many others have own steps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import UnknownName, nearest
from pipelines.release.query import open_locked

Row = dict[str, Any]
_PARAMETER = re.compile(r"\$([a-z_0-9]+)")
_SHOWN = 12
_CANDIDATES = 8


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
_FACT_LINE = "{indent}{role} {place} {indicator_id} {year}: {value} {unit}, {publication}{printed}"


def _facts(column: str) -> Step:
    return Step(
        "value and what it was made from",
        (column,),
        _FACTS.replace("$FACT", f"${column}"),
        _FACT_LINE,
    )


# What any table may have in common, by the columns that say so.
_COMMON = (
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

# Tables whose rows rest on many others, or on printed rows of their own.
_OWN: dict[str, tuple[Step, ...]] = {
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
            "select r.observed_on, r.aqi, r.is_official, r.missing_pollutants, d.raw_text, "
            "d.locator, s.file, d.line, s.sha256, d.read_from, d.read_locator, d.read_sha256 "
            "from air_city_day_recomputed as r "
            "inner join tidy.air_city_day as d on r.fact_id = d.fact_id "
            "left join meta.snapshot as s on d.snapshot_id = s.snapshot_id "
            "where r.place_code = $place_code and r.document = $document "
            "and r.edition = $edition and r.observed_on between $period_start and $period_end "
            "order by r.observed_on",
            "{observed_on} index {aqi}: {raw_text} at {locator} of {read_from}, held in {file} "
            "line {line}",
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
_LINEAGE = Step(
    "columns it is computed from",
    (),
    "select l.input_table, l.input_column, d.description_en from meta.column_lineage as l "
    "left join meta.column_dictionary as d "
    "on d.table_name = l.input_table and d.column_name = l.input_column "
    "where l.table_name = $asked_table and l.column_name = $asked_column and l.step = 'origin' "
    "order by l.input_table, l.input_column",
    "{input_table}.{input_column}: {description_en}",
)


# ------------------------------------------------------------------------------------- asking


def evidence(
    release: Path, subject: str, conditions: dict[str, str] | None = None, column: str | None = None
) -> Row:
    """The row of a table that meets the conditions, and everything it rests on.

    subject: a table (`rail_city_pair_day`, `tidy.observation`), or alone the id of a printed
    figure, a target or a value (fact_id). conditions: column = value; place names stand for codes.
    Raises UnknownName, with the nearest names or the rows that match, unless exactly one row does.

    Keys: table, description, key, row, units, column, steps (title, sql, rows).
    """
    connection = open_locked(release)
    try:
        schemas = _schemas(connection)
        if not conditions:
            subject, conditions = _by_id(connection, subject, schemas)
        table = _table(subject, schemas)
        columns = schemas[table]
        key = _key(connection, table)
        row = _the_row(connection, table, columns, key, conditions)
        if column is not None and column not in columns:
            near = nearest(column, list(columns)) or "none"
            raise UnknownName(f"{table} has no column {column!r}; nearest: {near}")
        return {
            "table": table,
            "description": _one(
                connection,
                "select description_zh, description_en from meta.table_dictionary "
                "where table_name = ?",
                table,
            ),
            "key": {name: row[name] for name in key},
            "column": column,
            "row": row,
            "units": _units(connection, table, row),
            "steps": _steps(connection, table, row, column),
        }
    finally:
        connection.close()


def _fetch(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Any = None) -> list[Row]:
    result = connection.execute(sql, parameters)
    names = [entry[0] for entry in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _one(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> Row:
    found = _fetch(connection, sql, list(parameters))
    return found[0] if found else {}


def _schemas(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Columns and types of every released table, by `schema.table`."""
    found: dict[str, dict[str, str]] = {}
    for entry in _fetch(
        connection,
        "select table_name, column_name, data_type from meta.column_dictionary "
        "order by table_name, position",
    ):
        found.setdefault(entry["table_name"], {})[entry["column_name"]] = entry["data_type"]
    return found


def _key(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    row = _one(connection, "select row_key from meta.table_dictionary where table_name = ?", table)
    return [name.strip() for name in row["row_key"].split(",")]


def _table(subject: str, schemas: dict[str, dict[str, str]]) -> str:
    for candidate in (subject, *(f"{schema}.{subject}" for schema in ("main", "tidy", "meta"))):
        if candidate in schemas:
            return candidate
    names = [*schemas, *(name.partition(".")[2] for name in schemas)]
    raise UnknownName(
        f"no table is called {subject!r}; nearest: {nearest(subject, names) or 'none'}"
    )


def _by_id(
    connection: duckdb.DuckDBPyConnection, text: str, schemas: dict[str, dict[str, str]]
) -> tuple[str, dict[str, str]]:
    """The table and condition that an id alone stands for."""
    for table, column in (
        ("main.printed_figure_check", "figure_id"),
        ("main.policy_target_progress", "target_id"),
        ("main.city_indicator_year", "fact_id"),
        ("main.circle_indicator_year", "fact_id"),
        ("main.air_city_day_recomputed", "fact_id"),
        ("tidy.observation", "fact_id"),
        ("tidy.bulletin_city_period", "fact_id"),
    ):
        if column in schemas.get(table, {}) and _one(
            connection, f"select 1 from {table} where {column} = ? limit 1", text
        ):
            conditions = {column: text}
            if column == "figure_id":
                conditions["vintage"] = _vintage(connection, text)
            return table, conditions
    if any(text in (name, name.partition(".")[2]) for name in schemas):
        raise UnknownName(f"which row of {text}? say column=value for its key")
    raise UnknownName(f"{text!r} is no figure, target or value; name a table and column=value")


def _vintage(connection: duckdb.DuckDBPyConnection, figure_id: str) -> str:
    """The check that says most about a figure: one with a value, the nearest to the print."""
    row = _one(
        connection,
        "select vintage from printed_figure_check where figure_id = ? order by "
        "list_position(['reproduced', 'consistent', 'rounding', 'internally_consistent', "
        "'mismatch'], status) nulls last, vintage limit 1",
        figure_id,
    )
    return str(row["vintage"])


def _the_row(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: dict[str, str],
    key: list[str],
    conditions: dict[str, str],
) -> Row:
    wanted, values = [], []
    for name, text in conditions.items():
        if name not in columns:
            near = nearest(name, list(columns)) or "none"
            raise UnknownName(
                f"{table} has no column {name!r}; nearest: {near}; key: {', '.join(key)}"
            )
        # Compared as text: dates and numbers as they are shown.
        wanted.append(f'cast("{name}" as varchar) = ?')
        values.append(_code(connection, text) if name.endswith("_code") else text)
    found = _fetch(
        connection,
        f"select * from {table} where {' and '.join(wanted)} "
        f"order by {', '.join(chr(34) + name + chr(34) for name in key)} limit {_CANDIDATES + 1}",
        values,
    )
    if len(found) == 1:
        return found[0]
    asked = " ".join(f"{name}={value}" for name, value in zip(conditions, values, strict=True))
    if not found:
        held = _nearest_values(connection, table, conditions, values)
        raise UnknownName(f"{table} has no row with {asked}{held}")
    shown = [" ".join(f"{k}={row[k]}" for k in key) for row in found[:_CANDIDATES]]
    more = "\n  …" if len(found) > _CANDIDATES else ""
    raise UnknownName(
        f"several rows of {table} have {asked}; say which:\n  " + "\n  ".join(shown) + more
    )


def _code(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The division code that a name stands for; anything else as it is."""
    row = _one(
        connection,
        "select place_code from division where place_name_zh in ($1, $1 || '市', $1 || '省', "
        "$1 || '区', $1 || '县') or lower(place_name_en) = lower($1) order by "
        "case place_level when 'province' then 0 when 'prefecture' then 1 else 2 end, "
        "valid_from desc limit 1",
        text,
    )
    return str(row["place_code"]) if row else text


def _nearest_values(
    connection: duckdb.DuckDBPyConnection, table: str, conditions: dict[str, str], values: list[str]
) -> str:
    """For the first condition that no row meets by itself: what the column does hold."""
    for name, value in zip(conditions, values, strict=True):
        text = f'cast("{name}" as varchar)'
        if _one(connection, f"select 1 from {table} where {text} = ? limit 1", value):
            continue
        known = _fetch(connection, f"select distinct {text} as v from {table} where v is not null")
        names = sorted(str(row["v"]) for row in known)
        near = nearest(value, names) or ", ".join(names[:5]) or "nothing"
        return f"; {name} holds {near}{' …' if len(names) > 5 else ''}"
    return ""


def _units(connection: duckdb.DuckDBPyConnection, table: str, row: Row) -> dict[str, str]:
    """Unit of each column of the row; a unit that another column names is looked up there."""
    units = {}
    for entry in _fetch(
        connection,
        "select column_name, unit from meta.column_dictionary where table_name = ?",
        [table],
    ):
        unit = entry["unit"]
        if unit.startswith("see:"):
            unit = row.get(unit.removeprefix("see:"))
        if unit not in (None, "none"):
            units[entry["column_name"]] = str(unit)
    return units


def _steps(
    connection: duckdb.DuckDBPyConnection, table: str, row: Row, column: str | None
) -> list[Row]:
    values = dict(row)
    steps = [*_OWN.get(table, ()), *_COMMON]
    if table == "main.city_year_wide" and column is not None:
        # The cell of a wide table is a value of its own.
        best = _one(
            connection,
            "select fact_id from city_indicator_best where place_code = ? and year = ? "
            "and indicator_id = ?",
            row["place_code"], row["year"], column,
        )  # fmt: skip
        values |= best
        steps = list(_COMMON)
    if column is not None:
        steps.append(_LINEAGE)
        values |= {"asked_table": table, "asked_column": column}
    answers = []
    for step in steps:
        if any(values.get(name) is None for name in step.needs):
            continue
        names = dict.fromkeys(_PARAMETER.findall(step.sql))
        if not names.keys() <= values.keys():
            continue  # a column that this release does not have
        parameters = {name: values[name] for name in names}
        try:
            rows = _fetch(connection, step.sql, parameters)
        except (duckdb.BinderException, duckdb.CatalogException):
            # An older release, made before a column or table had its present name.
            rows = []
            answers.append({"title": f"{step.title}: not in this release", "rows": rows,
                            "sql": _written(step.sql, parameters), "line": ""})  # fmt: skip
        if step.line is _FACT_LINE and not (len(rows) > 1 or _is_a_value(rows)):
            continue  # the id of a record that is no value of an indicator
        if rows:
            answers.append(
                {
                    "title": step.title,
                    "rows": rows,
                    "sql": _written(step.sql, parameters),
                    "line": step.line,
                }
            )
    return answers


def _is_a_value(rows: list[Row]) -> bool:
    return any(row["indicator_id"] or row["value_text"] is not None for row in rows)


def _written(sql: str, parameters: Row) -> str:
    """The statement with its values in it, to be run anywhere."""

    def literal(match: re.Match[str]) -> str:
        value = parameters[match.group(1)]
        if value is None:
            return "null"
        if isinstance(value, bool | int | float):
            return str(value)
        prefix = "date " if isinstance(value, date) else ""
        return prefix + "'" + str(value).replace("'", "''") + "'"

    return _PARAMETER.sub(literal, sql).strip()


# ------------------------------------------------------------------------------------- telling


def number(value: Any) -> str:
    """A value as people read it: up to four decimals, no trailing noughts."""
    if value is None:
        return "no value"
    if isinstance(value, float | Decimal):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return str(value)


def text(answer: Row, with_sql: bool = False) -> str:
    """The answer for a terminal; with_sql adds the statement of each step."""
    described = answer["description"]
    key = " ".join(f"{name}={value}" for name, value in answer["key"].items())
    lines = [f"{answer['table']}  {key}"]
    if described:
        first = described["description_en"].partition(". ")[0]
        lines.append(f"  {described['description_zh']} / {first}")
    for name in [answer["column"]] if answer["column"] else answer["row"]:
        value = answer["row"][name]
        if answer["column"] or (value is not None and name not in answer["key"]):
            lines.append(f"  {name} = {number(value)} {answer['units'].get(name, '')}".rstrip())
    for step in answer["steps"]:
        rows = step["rows"]
        lines += ["", step["title"] + (f" ({len(rows)})" if len(rows) > 1 else "")]
        lines += [f"  {_line(step['line'], row)}" for row in rows[:_SHOWN]]
        if len(rows) > _SHOWN:
            lines.append(f"  … {len(rows) - _SHOWN} more (--json has them all)")
        if with_sql:
            lines += ["", *(f"    {part}" for part in step["sql"].splitlines())]
    return "\n".join(lines)


def sql(answer: Row) -> str:
    """The statements of the answer, for a notebook on the released DuckDB."""
    return "\n\n".join(f"-- {step['title']}\n{step['sql']};" for step in answer["steps"])


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def _line(template: str, row: Row) -> str:
    numbers = (float, Decimal)
    values = {name: number(v) if isinstance(v, numbers) else v for name, v in row.items()}
    values = {name: "–" if v is None else v for name, v in values.items()}
    if template is _FACT_LINE:
        values["indent"] = "  " * row["depth"]
        values["printed"] = _printed(row)
    return template.format_map(values)


def _printed(row: Row) -> str:
    if row["value_text"] is None:
        return f" ({row['method']})" if row["method"] else ""
    parts = [f"printed {row['value_text']!r}", row["unit_raw"] or ""]
    if row["conversion"] not in (None, 1.0):
        parts.append(f"× {number(row['conversion'])}")
    said = " ".join(part for part in parts if part)
    said += f" at {row['locator']}, read from {row['read_from']} {row['read_locator']}"
    said += f", held in {row['file']} line {row['line']}"
    if row["correction_id"]:
        said += f", corrected: {row['correction_id']}"
    if row["note"]:
        said += f"; {row['note']}"
    return f"\n{'  ' * (row['depth'] + 2)}{said}"


def conditions_of(words: list[str]) -> dict[str, str]:
    """`column=value` words as a dictionary; UnknownName for a word without an equals sign."""
    found = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise UnknownName(f"{word!r} is not column=value")
        found[name] = value
    return found
