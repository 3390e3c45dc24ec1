"""Cities of 12306: each one division, or none with a reason.

Belongs here: what must hold of the map from 12306's cities to divisions. Not here: stations.
"""

from __future__ import annotations

from expectations import (
    Suite,
    broken_rows,
    files_match_contract,
    not_null,
    one_of,
    refers_to,
    unique,
)

SUITE = Suite(
    "rail_city",
    (
        files_match_contract("rail_city"),
        unique("city_code_12306"),
        not_null("city_name_12306"),
        not_null("place_code"),
        not_null("basis"),
        one_of("place_level", "province", "prefecture", "county"),
        refers_to("place_code", "division", "place_code", where="and t.place_code like '44%'"),
        broken_rows(
            "guangdong_is_its_prefectures",
            "a city code 15xx is a prefecture of Guangdong, and no other code is",
            """
            select city_code_12306, city_name_12306, place_code from {batch}
            where (city_code_12306 like '15%') <> (place_code like '44__00')
            """,
        ),
        broken_rows(
            "level_agrees_with_code",
            "a prefecture ends in 00, a county unit does not",
            """
            select city_name_12306, place_code, place_level from {batch}
            where is_division and place_level <> case
                when place_code like '__0000' then 'province'
                when place_code like '____00' then 'prefecture' else 'county' end
            """,
        ),
    ),
)
