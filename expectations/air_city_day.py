"""Daily air records: placed, dated, once per city and day, and possible.

Belongs here: what must hold of a record as it was published. Not here: the recomputed index and
whether it equals the published one (dbt, tests/acceptance).
"""

from __future__ import annotations

from expectations import (
    DOMAIN,
    ENGINEERING,
    Suite,
    between,
    broken_rows,
    division_code,
    files_match_contract,
    not_null,
    one_of,
    refers_to,
    unique,
)

GRADES = ("优", "良", "轻度污染", "中度污染", "重度污染", "严重污染")

SUITE = Suite(
    "air_city_day",
    (
        files_match_contract("air_city_day"),
        not_null("fact_id"),
        unique("fact_id"),
        not_null("snapshot_id"),
        not_null("locator"),
        one_of("source_kind", "original", "mirror", "transcription", "secondary"),
        one_of("grade_raw", *GRADES, owner=DOMAIN),
        division_code("place_code"),
        refers_to("place_code", "division", "place_code"),
        broken_rows(
            "resolved_or_rejected",
            "a record that counts has place, day and network, or lies in rejects",
            """
            select t.slice, t.fact_id, t.locator, t.place_raw, t.date_raw from {batch} t
            where t.superseded_by is null
                and (t.place_code is null or t.observed_on is null or t.network is null)
                and not exists (
                    select 1 from rejects r
                    where r.snapshot_id = t.snapshot_id
                        and split_part(r.locator, ':', 1) = 'L' || t.line)
            """,
            owner=ENGINEERING,
            by_slice=True,
        ),
        broken_rows(
            "day_held_once",
            "one record that counts per document, edition, city and day",
            """
            select min(slice) as slice, document, edition, place_code, observed_on
            from {batch} where superseded_by is null and place_code is not null
            group by document, edition, place_code, observed_on having count(*) > 1
            """,
            owner=ENGINEERING,
            by_slice=True,
        ),
        broken_rows(
            "document_is_known",
            "the document is registered in table document",
            """
            select distinct t.slice, t.document, t.edition from {batch} t
            where not exists (select 1 from document k where k.document = t.document)
            """,
            owner=ENGINEERING,
            needs=("document",),
        ),
        between("aqi_published", 1, 500),
        # Should a column that moved, or sub-indices under the names of concentrations, pass the
        # gate of the reader, the release stops here.
        broken_rows(
            "columns_hold_what_they_head",
            "in no slice do most days have PM2.5 above PM10, CO above 4 mg/m3 or PM2.5 above the "
            "index printed beside it",
            """
            select slice, file_id, days from (
                select slice, snapshot_id as file_id, count(*) as days,
                    count(*) filter (pm25_ugm3 > pm10_ugm3) as particles,
                    count(*) filter (co_mgm3 > 4) as monoxide,
                    count(*) filter (
                        pm25_ugm3 > coalesce(aqi_published, aqi_mean_of_hours)) as moved
                from {batch} group by slice, snapshot_id)
            where days >= 20 and 2 * greatest(particles, monoxide, moved) > days
            """,
            by_slice=True,
        ),
        broken_rows(
            "nothing_in_quarantine",
            "no file was set aside because its columns cannot hold what they head",
            "select slice, fact_id, locator, quarantined from {batch} "
            "where quarantined is not null",
            severity="warning",
            by_slice=True,
        ),
        broken_rows(
            "within_breakpoints",
            "no concentration lies above the last breakpoint of its daily report",
            """
            with last as (
                select pollutant, max(concentration) as most from air_breakpoint
                where report = 'daily' group by pollutant),
            value as (
                select slice, fact_id, 'pm25' as pollutant, pm25_ugm3 as held from {batch}
                union all select slice, fact_id, 'pm10', pm10_ugm3 from {batch}
                union all select slice, fact_id, 'so2', so2_ugm3 from {batch}
                union all select slice, fact_id, 'no2', no2_ugm3 from {batch}
                union all select slice, fact_id, 'co', co_mgm3 from {batch}
                union all select slice, fact_id, 'o3_8h', o3_8h_ugm3 from {batch})
            select value.* from value join last using (pollutant) where held > most
            """,
            severity="warning",
            by_slice=True,
            needs=("air_breakpoint",),
        ),
        # Two feeds cross the names of 1-hour and 8-hour ozone: the order tells.
        broken_rows(
            "ozone_in_order",
            "the highest hour of ozone is no less than the highest 8-hour mean",
            "select slice, fact_id, locator, o3_1h_max_ugm3, o3_8h_ugm3 from {batch} "
            "where o3_1h_max_ugm3 < o3_8h_ugm3",
            by_slice=True,
        ),
        # The particles are measured by two instruments, so this happens on clean and humid days.
        broken_rows(
            "pm10_holds_pm25",
            "PM10 is no less than PM2.5, which is a part of it",
            "select slice, fact_id, locator, pm10_ugm3, pm25_ugm3 from {batch} "
            "where pm10_ugm3 < pm25_ugm3",
            severity="warning",
            by_slice=True,
        ),
        # A station that hangs repeats its last reading; six pollutants never agree by chance.
        broken_rows(
            "frozen_values",
            "the concentrations of a city are not the same on three days running",
            """
            with concentrations as (
                select slice, fact_id, document, edition, place_code, observed_on,
                    concat_ws('|', pm25_ugm3, pm10_ugm3, so2_ugm3, no2_ugm3, co_mgm3, o3_8h_ugm3)
                        as held
                from {batch} where superseded_by is null and place_code is not null)
            select slice, fact_id, place_code, observed_on, held from (
                select *, lag(held) over days as one, lag(held, 2) over days as two,
                    lag(observed_on, 2) over days as first
                from concentrations
                window days as (partition by document, edition, place_code order by observed_on))
            where held <> '' and held = one and held = two and first = observed_on - 2
            """,
            severity="warning",
            by_slice=True,
        ),
        broken_rows(
            "grade_fits_index",
            "the printed grade is that of the printed index",
            """
            select slice, fact_id, locator, aqi_published, grade_raw from {batch}
            where aqi_published is not null and grade_raw is distinct from case
                when aqi_published <= 50 then '优' when aqi_published <= 100 then '良'
                when aqi_published <= 150 then '轻度污染' when aqi_published <= 200 then '中度污染'
                when aqi_published <= 300 then '重度污染' else '严重污染' end
            """,
            severity="warning",
            by_slice=True,
        ),
    ),
)
