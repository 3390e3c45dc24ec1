"""Slices as Dagster partitions: which ranges cover what is stale.

Belongs here: names and ranges of partitions. Not here: what makes a slice stale (staleness).
"""

from __future__ import annotations

from collections.abc import Sequence

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def ranges(stale: Sequence[str], every: Sequence[str]) -> list[tuple[str, str]]:
    """Runs of neighbouring stale partitions as (first, last), in partition order.

    One Dagster run takes one range, and starting a run costs more than extracting an edition.
    """
    wanted = set(stale)
    found: list[tuple[str, str]] = []
    previous = None
    for name in every:
        if name in wanted:
            if previous in wanted:
                found[-1] = (found[-1][0], name)
            else:
                found.append((name, name))
        previous = name
    return found


def range_tags(first: str, last: str) -> dict[str, str]:
    """Run tags with which Dagster runs a range of partitions as one run."""
    return {RANGE_START: first, RANGE_END: last}
