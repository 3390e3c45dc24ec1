"""One item is made while the one before is used, in order, and never more than two are held."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pipelines.ahead import ahead


def test_the_next_item_is_made_while_the_caller_has_the_one_before() -> None:
    started = [threading.Event() for _ in range(5)]

    def items() -> Iterator[int]:
        for number in range(4):
            started[number].set()
            yield number

    seen = []
    for item in ahead(items()):
        if item < 3:
            # Would wait for ever if the next one were made only when it is asked for.
            assert started[item + 1].wait(timeout=10)
        assert not started[min(item + 2, 4)].is_set()
        seen.append(item)
    assert seen == [0, 1, 2, 3]


def test_an_error_comes_where_its_item_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    seen = []
    with pytest.raises(ValueError, match="the second"):
        for item in ahead(items()):
            seen.append(item)
    assert seen == [1]
    assert list(ahead([])) == []
