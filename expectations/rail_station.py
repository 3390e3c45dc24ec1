"""Stations: one name and city per telecode and day; in Guangdong all filed under a prefecture.

Belongs here: what must hold of the station table. Not here: stop times (rail_stop_time).
"""

from __future__ import annotations

from expectations import (
    Suite,
    broken_rows,
    files_match_contract,
    not_null,
    refers_to,
    unique,
)

SUITE = Suite(
    "rail_station",
    (
        files_match_contract("rail_station"),
        unique("telecode", "valid_from"),
        not_null("station_name_zh"),
        refers_to("city_code_12306", "rail_city", "city_code_12306"),
        refers_to("place_code", "division", "place_code", where="and t.place_code like '44%'"),
        broken_rows(
            "guangdong_is_mapped",
            "every station that 12306 files under Guangdong (15) has its prefecture",
            """
            select telecode, station_name_zh, city_name_12306, place_code from {batch}
            where city_code_12306 like '15%'
                and (place_code is null or place_code not like '44__00')
            """,
        ),
        refers_to("county_code", "division", "place_code"),
        broken_rows(
            "county_lies_in_city",
            "the county unit lies in the prefecture",
            """
            select t.telecode, t.station_name_zh, t.place_code, t.county_code from {batch} t
            where t.county_code is not null and not exists (
                select 1 from division d
                where d.place_code = t.county_code and d.parent_code = t.place_code)
            """,
            needs=("division",),
        ),
        broken_rows(
            "place_does_not_move",
            "a telecode of Guangdong stands for one prefecture in every table",
            """
            select telecode, count(distinct place_code) as places from {batch}
            group by telecode
            having count(distinct place_code) > 1
                and bool_or(place_code like '44%')
            """,
        ),
        broken_rows(
            "validity_does_not_overlap",
            "a telecode has one name on any day",
            """
            select a.telecode, a.valid_from, a.valid_to, b.valid_from as next_valid_from
            from {batch} a
            join {batch} b on b.telecode = a.telecode and b.valid_from > a.valid_from
            where a.valid_to is null or a.valid_to >= b.valid_from
            """,
        ),
    ),
)
