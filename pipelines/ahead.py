"""The next item made while this one is used: reading and writing on two cores.

Belongs here: that one pattern of threads. Not here: what the items are. polars, numpy and pyarrow
let another thread run while they work, so a slice is written while the next one is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")
_END: Final = object()


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The items in their order, each made in another thread while the caller has the one before.

    Two at most are held at a time. What `items` raises, it raises where that item would have come.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as maker:
        iterator = iter(items)
        coming = maker.submit(next, iterator, _END)
        while (item := coming.result()) is not _END:
            coming = maker.submit(next, iterator, _END)
            yield item  # type: ignore[misc]
