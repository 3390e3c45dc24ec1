"""A workbook written with merged headers comes back cell for cell, header path for header path."""

from __future__ import annotations

import io
import string

import openpyxl
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.yearbook import workbook

WORDS = st.text("增加值总额第一二三产业人口" + string.ascii_letters, min_size=1, max_size=6)
# A header is a tree: each column's path, outermost first; equal neighbours are merged.
LEAVES = st.lists(WORDS, min_size=1, max_size=3, unique=True)
GROUPS = st.lists(st.tuples(WORDS, LEAVES), min_size=1, max_size=4, unique_by=lambda g: g[0])
NUMBERS = st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: round(x, 6)) | st.sampled_from(
    ["—", "…", "12.5", "1,234"]
)


@settings(max_examples=40, deadline=None)
@given(
    GROUPS, st.lists(st.lists(NUMBERS, min_size=12, max_size=12), min_size=1, max_size=5), st.data()
)
def test_merged_headers_come_back(groups, body, data) -> None:  # type: ignore[no-untyped-def]
    book = openpyxl.Workbook()
    page = book.active
    above = data.draw(st.integers(0, 3), label="rows above")
    for row in range(above):
        page.cell(row + 1, 1, f"title {row}")
    top, column, expected = above + 1, 2, []
    page.cell(top, 1, "地 区")
    page.merge_cells(start_row=top, end_row=top + 1, start_column=1, end_column=1)
    for group, leaves in groups:
        page.cell(top, column, group)
        # A group of one may run down through both rows.
        through = len(leaves) == 1 and data.draw(st.booleans(), label="runs down")
        page.merge_cells(
            start_row=top, end_row=top + through, start_column=column,
            end_column=column + len(leaves) - 1,
        )  # fmt: skip
        for offset, leaf in enumerate(leaves):
            if not through:
                page.cell(top + 1, column + offset, leaf)
            same = through or leaf == group
            expected.append(group if same else f"{group} | {leaf}")
        column += len(leaves)
    for n, row in enumerate(body):
        page.cell(top + 2 + n, 1, f"place {n}")
        for offset in range(len(expected)):
            page.cell(top + 2 + n, 2 + offset, row[offset])
    out = io.BytesIO()
    book.save(out)
    frame = workbook.with_paths(workbook.read_cells(out.getvalue(), "xlsx")).filter(
        pl.col("role") == "value"
    )
    assert frame.height == len(body) * len(expected)
    for row, at, text, number, header, label in frame.select(
        "row", "column", "text", "number", "header_path", "row_path"
    ).iter_rows():
        printed = body[row - top - 2][at - 2]
        assert header == expected[at - 2]
        assert label == f"place {row - top - 2}"
        assert (number if isinstance(printed, float) else text) == printed
