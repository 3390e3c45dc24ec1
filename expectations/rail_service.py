"""Runs of trains: dated, of a train that is held, not from the future.

Belongs here: what must hold of a run. Not here: the train itself (rail_train).
"""

from __future__ import annotations

from expectations import (
    ENGINEERING,
    Suite,
    broken_rows,
    files_match_contract,
    unique,
)

SUITE = Suite(
    "rail_service",
    (
        files_match_contract("rail_service"),
        unique("timetable", "edition", "train_no", "start_date"),
        broken_rows(
            "starts_in_window",
            "a run starts on a date of its timetable, or in the week before a single date of it",
            """
            select t.timetable, t.edition, t.train_no, t.start_date from {batch} t
            where not exists (
                select 1 from rail_day d
                where d.timetable = t.timetable and d.edition = t.edition
                    and t.start_date between d.service_date - 7 and d.service_date)
            """,
            needs=("rail_day",),
        ),
        broken_rows(
            "train_is_held",
            "every run is of a train that is held",
            """
            select t.timetable, t.edition, t.train_no from {batch} t
            where not exists (
                select 1 from rail_train k
                where k.timetable = t.timetable and k.edition = t.edition
                    and k.train_no = t.train_no)
            """,
            owner=ENGINEERING,
            needs=("rail_train",),
        ),
    ),
)
