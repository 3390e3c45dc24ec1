"""Tables as CSV for spreadsheets that run what looks like a formula.

Belongs here: text cells that a spreadsheet would execute, made harmless and readable back. Not
here: which rows are exported.

A cell that begins with `=`, `@`, a tab or a line end, or with `+` or `-` and is no number, gets an
apostrophe in front; so does a cell that begins with an apostrophe itself. Whoever takes one leading
apostrophe away therefore has every cell exactly as it is in the release (`original`). Numbers, also
those that stand as text (`-0.5`), and the lone dash of an empty cell stay as they are. Parquet,
DuckDB and JSON are exact and never changed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

MARK = "'"
# Full-width twins count: some spreadsheets fold them before they look.
_SIGNED_NUMBER = r"[+\-]?[0-9][0-9,]*(\.[0-9]+)?([eE][+\-]?[0-9]+)?%?"
_HARMLESS = rf"^({_SIGNED_NUMBER}|[+\-]|--+)$"
_FORMULA = r"^['=@\t\r\n+\-＝＠＋－]"
_harmless, _formula = re.compile(_HARMLESS), re.compile(_FORMULA)


def harmless(text: str) -> str:
    """The cell as it goes into a CSV."""
    return MARK + text if _formula.match(text) and not _harmless.match(text) else text


def original(text: str) -> str:
    """The cell of the release behind a cell of the CSV."""
    return text.removeprefix(MARK)


def to_csv(frame: pl.DataFrame, *, raw: bool = False) -> str:
    """CSV text; raw: cells exactly as they are, for a program that runs nothing."""
    import polars as pl

    if raw:
        return frame.write_csv()
    cells = [
        pl.when(pl.col(name).str.contains(_FORMULA) & ~pl.col(name).str.contains(_HARMLESS))
        .then(pl.lit(MARK) + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name, dtype in frame.schema.items()
        if dtype == pl.String
    ]
    return frame.with_columns(cells).rename(harmless).write_csv()
