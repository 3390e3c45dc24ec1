"""Readings of river sections: an item once per record, of a known class and item.

Belongs here: what must hold of a reading as it was published. Not here: its class (dbt).
"""

from __future__ import annotations

from expectations import (
    Suite,
    between,
    files_match_contract,
    not_null,
    one_of,
    refers_to,
    unique,
)

SUITE = Suite(
    "water_section_reading",
    (
        files_match_contract("water_section_reading"),
        unique("snapshot_id", "record", "item"),
        not_null("snapshot_id"),
        not_null("section_raw"),
        one_of("source_kind", "original", "mirror", "transcription", "secondary"),
        between("class_published", 1, 6),
        between("hour", 0, 24),
        refers_to("place_code", "division", "place_code"),
    ),
    may_be_empty=True,
)
