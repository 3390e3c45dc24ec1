"""Titles of the province's bulletins: which document a page is, and which months it is about.

Belongs here: subject and period of a page, read from its title. Not here: tables and sentences
(bulletin), and nothing that is slow to import: every dropped text passes through here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipelines.environment.pages import Line, plain

DOCUMENT = "gd_env_bulletin"
# In order of time: 城市环境空气质量状况; 城市空气和水环境质量及排名情况 (cumulative, 2021-2022);
# 城市环境空气质量及排名情况 and 地表水环境质量及排名情况 (apart, since 2024 at the latest).
_SUBJECT = re.compile(r"广东省(?:城市(?:环境空气|空气和水环境)|地表水环境|城市空气)质量")
_PERIOD = re.compile(r"\((20\d\d)年(?:(\d{1,2})[-~—–至])?(\d{1,2})月\)")
# A title is set over a few lines at most; further down a period belongs to the text.
_REACH = 3


def months(year: str, first: str | None, last: str) -> tuple[str, str] | None:
    """(edition, period) of months of a year as a transcription writes them; None if impossible.

    `2021-12` and `2021-12`, or `2021-01_2021-10` and `2021-01/2021-10`.
    """
    if not 1 <= int(first or 1) <= int(last) <= 12:
        return None
    end = f"{year}-{int(last):02d}"
    if first is None:
        return end, end
    start = f"{year}-{int(first):02d}"
    return f"{start}_{end}", f"{start}/{end}"


def _found(lines: Iterable[Line]) -> Iterator[tuple[str, str]]:
    reach = 0
    for line in lines:
        text = plain(line.text)
        if not text:
            continue
        subject = _SUBJECT.search(text)
        if subject:
            reach, text = _REACH, text[subject.end() :]
        if reach and (match := _PERIOD.search(text)) and (found := months(*match.groups())):
            yield found
        reach = max(0, reach - 1)


def periods(lines: Iterable[Line]) -> list[tuple[str, str]]:
    """Every (edition, period) that a title on the page names, each once, in order.

    Never from an address or the body: ids do not follow periods, and 年 gets lost in the body.
    """
    return list(dict.fromkeys(_found(lines)))


def is_meant(text: str) -> bool:
    """Whether the text names the subject of a bulletin at all."""
    return bool(_SUBJECT.search(plain(text)))
