"""Stations of Guangdong: one name and place per telecode and day, filed under a prefecture.

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
        not_null("place_code"),
        refers_to("place_code", "division", "place_code"),
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
            "a telecode stands for one prefecture in every table",
            """
            select telecode, count(distinct place_code) as places from {batch}
            group by telecode
            having count(distinct place_code) > 1
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
