"""Runs of trains: dated, of a train that is held, not from the future.

Belongs here: what must hold of a run. Not here: the train itself (rail_train).
"""

from __future__ import annotations

from expectations import (
    ENGINEERING,
    Suite,
    between,
    broken_rows,
    files_match_contract,
    unique,
)

SUITE = Suite(
    "rail_service",
    (
        files_match_contract("rail_service"),
        unique("timetable", "service_date", "train_no", "start_date"),
        between("days_run", 0, 7),
        broken_rows(
            "days_run_agree",
            "days_run is the service date minus the start date",
            """
            select train_no, service_date, start_date, days_run from {batch}
            where days_run <> service_date - start_date
            """,
            owner=ENGINEERING,
        ),
        broken_rows(
            "train_is_held",
            "every run is of a train of its date",
            """
            select t.timetable, t.service_date, t.train_no from {batch} t
            where not exists (
                select 1 from rail_train k
                where k.timetable = t.timetable and k.service_date = t.service_date
                    and k.train_no = t.train_no)
            """,
            owner=ENGINEERING,
            needs=("rail_train",),
        ),
    ),
)
