"""Trains: keyed by train_no, classed by their code, each with a run and a stop in Guangdong.

Belongs here: what must hold of a train. Not here: its times (rail_stop_time) or when it starts
(rail_service).
"""

from __future__ import annotations

from expectations import (
    ENGINEERING,
    Suite,
    between,
    broken_rows,
    files_match_contract,
    one_of,
    unique,
)

SUITE = Suite(
    "rail_train",
    (
        files_match_contract("rail_train"),
        unique("timetable", "edition", "train_no"),
        one_of("train_class", "G", "D", "C", "S", "Z", "T", "K", "L", "Y", "P", "number"),
        between("origin_minute", 0, 1439),
        between("total_minutes", 1, 10080),
        broken_rows(
            "train_runs",
            "every train has a run",
            """
            select t.timetable, t.edition, t.train_no from {batch} t
            where not exists (
                select 1 from rail_service s
                where s.timetable = t.timetable and s.edition = t.edition
                    and s.train_no = t.train_no)
            """,
            owner=ENGINEERING,
            needs=("rail_service",),
        ),
        broken_rows(
            "train_calls_in_guangdong",
            "every train held has a stop in Guangdong",
            """
            select t.timetable, t.edition, t.train_no from {batch} t
            where not exists (
                select 1 from rail_stop_time s
                where s.timetable = t.timetable and s.edition = t.edition
                    and s.train_no = t.train_no)
            """,
            owner=ENGINEERING,
            needs=("rail_stop_time",),
        ),
    ),
)
