"""Stops in Guangdong: at known stations, in the order of the journey, times that only grow.

Belongs here: what must hold of a stop. Not here: the train as a whole (rail_train).
"""

from __future__ import annotations

from expectations import (
    ENGINEERING,
    Suite,
    broken_rows,
    files_match_contract,
    not_null,
    refers_to,
    unique,
)

SUITE = Suite(
    "rail_stop_time",
    (
        files_match_contract("rail_stop_time"),
        unique("timetable", "edition", "train_no", "stop_seq"),
        not_null("place_code"),
        refers_to("telecode", "rail_station", "telecode"),
        broken_rows(
            "train_is_held",
            "every stop is of a train that is held and within its number of stops",
            """
            select t.timetable, t.edition, t.train_no, t.stop_seq from {batch} t
            where not exists (
                select 1 from rail_train k
                where k.timetable = t.timetable and k.edition = t.edition
                    and k.train_no = t.train_no and t.stop_seq between 1 and k.stops_total)
            """,
            owner=ENGINEERING,
            needs=("rail_train",),
        ),
        broken_rows(
            "times_grow",
            "a train departs after it arrives, and arrives after it left the stop before",
            """
            select train_no, edition, stop_seq, arrive_minutes, depart_minutes, left_before
            from (
                select *, lag(depart_minutes) over (
                    partition by timetable, edition, train_no order by stop_seq) as left_before
                from {batch})
            where depart_minutes < arrive_minutes or arrive_minutes < left_before
            """,
        ),
        broken_rows(
            "day_agrees",
            "depart_day counts the midnights since the train left its first stop",
            """
            select t.train_no, t.edition, t.stop_seq, t.depart_minutes, t.depart_day
            from {batch} t
            join rail_train k on k.timetable = t.timetable and k.edition = t.edition
                and k.train_no = t.train_no
            where t.depart_day <> (k.origin_minute + t.depart_minutes) // 1440
                or t.arrive_day <> (k.origin_minute + t.arrive_minutes) // 1440
            """,
            owner=ENGINEERING,
        ),
    ),
)
