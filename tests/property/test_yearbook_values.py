"""Whatever is printed: numbers come back exactly, doubt never becomes a number, no row is lost."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from make_yearbook import ROW
from yearbook_maps import observe

from pipelines.yearbook.maps import NULL_MARKS

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WIDE = str.maketrans("0123456789.,-+", "０１２３４５６７８９．，－＋")


def observed(*changes: dict[str, str]) -> tuple[list[dict[str, Any]], list[Any]]:
    with tempfile.TemporaryDirectory() as folder:
        return observe(Path(folder), *changes)


def values(printed: list[str]) -> list[dict[str, Any]]:
    return observed(*({"value": text, "read_locator": f"L{n}"} for n, text in enumerate(printed)))[
        0
    ]


NUMBERS = st.lists(
    st.tuples(
        st.decimals(min_value=-(10**12), max_value=10**12, places=4, allow_nan=False),
        st.integers(0, 4),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["", " ", "\u3000", "\n"]),
    ),
    min_size=30,
    max_size=60,
)


@QUICK
@given(NUMBERS)
def test_a_number_comes_back_as_printed(
    numbers: list[tuple[Decimal, int, bool, bool, str]],
) -> None:
    wanted, printed = [], []
    for number, places, grouped, wide, around in numbers:
        rounded = round(number, places)
        text = f"{rounded:,.{places}f}" if grouped else f"{rounded:.{places}f}"
        wanted.append((rounded + 0, places))
        printed.append(around + (text.translate(WIDE) if wide else text) + around)
    found = [(row["value"], row["decimals"]) for row in values(printed)]
    assert found == wanted


@QUICK
@given(
    st.lists(
        st.tuples(st.integers(-999_999, 999_999), st.integers(0, 3), st.integers(-5, 8)),
        min_size=30,
        max_size=60,
    )
)
def test_exponents(parts: list[tuple[int, int, int]]) -> None:
    printed = [f"{mantissa / 10**places:.{places}f}e{power}" for mantissa, places, power in parts]
    for text, row in zip(printed, values(printed), strict=True):
        assert row["value"] == Decimal(text), text


@QUICK
@given(st.lists(st.sampled_from(NULL_MARKS), min_size=1), st.sampled_from(["", " ", "\u3000"]))
def test_every_null_mark_is_no_figure_and_never_zero(marks: list[str], around: str) -> None:
    for mark, row in zip(marks, values([around + mark + around for mark in marks]), strict=True):
        assert row["value"] is None and row["decimals"] is None
        assert row["null_mark"] == mark


LOOK_ALIKES = "OoQDlI|SsBZzo。·〇①²³½٣零一"


@QUICK
@given(
    st.lists(
        st.tuples(st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,2})?", fullmatch=True),
                  st.sampled_from(LOOK_ALIKES), st.integers(0, 9)),
        min_size=30, max_size=60,
    )
)  # fmt: skip
def test_a_look_alike_is_never_silently_a_digit(cells: list[tuple[str, str, int]]) -> None:
    printed = [text[:at] + odd + text[at:] for text, odd, at in cells]
    rows, rejects = observed(
        *({"value": text, "read_locator": f"L{n}"} for n, text in enumerate(printed))
    )
    assert all(row["value"] is None and row["null_mark"] == "damaged" for row in rows)
    warned = {r.locator for r in rejects if r.severity == "warning"}
    assert warned == {f"L{n}:value" for n in range(2, len(printed) + 2)}


@QUICK
@given(st.permutations(range(12)))
def test_fact_ids_are_unique_and_do_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    changes = [
        {"place": place, "indicator": indicator, "locator": f"t1!{indicator}{n}"}
        for n, place in enumerate(("广州市", "深圳市", "佛山市", "广洲"))
        for indicator in ("gdp", "population", "unheard of")
    ]
    plain, _ = observed(*changes)
    mixed, _ = observed(*(changes[n] for n in order))
    ids = [row["fact_id"] for row in plain]
    assert len(set(ids)) == len(changes)
    assert [row["fact_id"] for row in mixed] == [ids[n] for n in order]


GARBAGE = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=30
) | st.sampled_from(["\x00", "\x1f", "../..", "{}", "%s", "'; drop table x; --", "9" * 400, "\\"])


@QUICK
@given(st.lists(st.dictionaries(st.sampled_from(sorted(ROW)), GARBAGE), min_size=1, max_size=25))
def test_no_garbage_loses_a_row_or_ends_the_run(changes: list[dict[str, str]]) -> None:
    assume(any(changes))
    rows, rejects = observed(*changes)
    assert len(rows) == len(changes)
    assert len({row["fact_id"] for row in rows}) == len(rows)
    for row, change in zip(rows, changes, strict=True):
        for column, raw in (("place", "place_raw"), ("value", "value_text"), ("unit", "unit_raw")):
            assert (row[raw] or "") == change.get(column, ROW[column])
        assert (row["value"] is None) != (row["null_mark"] is None)
    # What is null has a reason somewhere: every row without an id is named by a reject.
    named = {int(r.locator[1:].split(":")[0]) for r in rejects if r.locator.startswith("L")}
    for line, row in enumerate(rows, start=2):
        if None in (row["place_code"], row["indicator_id"], row["unit_id"], row["period_end"]):
            assert line in named
