"""Numbers as documents print them: digits, Chinese numerals, and words that stand for a number.

Belongs here: finding and reading a printed number, and its printed decimals. Not here: units,
intervals and comparisons (dbt).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

_DIGITS = {
    "零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "兩": 2, "三": 3, "四": 4, "五": 5, "六": 6,
    "七": 7, "八": 8, "九": 9,
}  # fmt: skip
_PLACES = {"十": 10, "百": 100, "千": 1000}
# Words that print a number without a numeral. A level such as 千亿级 is a number of 亿元 or 万亿元.
WORDS = {
    "四分之一": Decimal("0.25"),
    "一半": Decimal(50),
    "半": Decimal("0.5"),
    "最大": Decimal(1),
    "缺乏": Decimal(0),
    "全覆盖": Decimal(100),
    "全覆蓋": Decimal(100),
    "万亿级": Decimal(1),
    "萬億級": Decimal(1),
    "千亿": Decimal(1000),
    "千億": Decimal(1000),
    "百亿": Decimal(100),
}
_WORD = "|".join(sorted(map(re.escape, WORDS), key=len, reverse=True))
TOKEN = re.compile(rf"{_WORD}|[-−]?[0-9]+(?:\.[0-9]+)?|[{''.join(_DIGITS | _PLACES)}]+")


@dataclass(frozen=True)
class Number:
    """A printed number: its text, its value and its decimals (None where words give none)."""

    text: str
    value: Decimal
    decimals: int | None


def read_number(text: str) -> Number | None:
    """The number that this text is, as a whole; None if it is none.

    '4.00' has two decimals, '四' none; '十五' is 15, '四分之一' a quarter without decimals.
    """
    if text in WORDS:
        return Number(text, WORDS[text], None)
    try:
        value = Decimal(text.replace("−", "-"))
    except InvalidOperation:
        numeral = _numeral(text)
        return None if numeral is None else Number(text, Decimal(numeral), 0)
    if not value.is_finite() or not re.fullmatch(r"[-−]?[0-9]+(\.[0-9]+)?", text):
        return None
    return Number(text, value, len(text.partition(".")[2]))


def _numeral(text: str) -> int | None:
    """A Chinese numeral below ten thousand."""
    if not text or any(c not in _DIGITS and c not in _PLACES for c in text):
        return None
    total, digit = 0, None
    for character in text:
        if character in _PLACES:
            total += (1 if digit is None else digit) * _PLACES[character]
            digit = None
        elif digit is None:
            digit = _DIGITS[character]
        else:
            return None
    return total + (digit or 0)


def find_numbers(text: str) -> list[Number]:
    """Every number that a printed text holds, in order."""
    found = [read_number(match.group()) for match in TOKEN.finditer(text)]
    return [number for number in found if number is not None]
