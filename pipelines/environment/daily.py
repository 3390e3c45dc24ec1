"""Daily archives of cities as other sites keep them: any known layout as rows of a transcription.

Belongs here: telling a layout by its first line (maps/daily_layouts.csv), and a file's lines in the
columns of `air.COLUMNS`. Not here: numbers, places, rejects of cells (air). Nothing slow to import:
the recogniser asks here which years a file holds.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-/](\d{1,2})[-/](\d{1,2})(?!\d)")


class Layout(NamedTuple):
    """columns: role of each column in order, `-` for one that is not read."""

    document: str
    first_line: str
    has_header: bool
    columns: tuple[str, ...]


def layouts(sources: Path) -> list[Layout]:
    with (sources / "environment/maps/daily_layouts.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    found = []
    for row in rows:
        roles = row["columns"].split()
        has_header = roles[0] == "header"
        columns = tuple(roles[1:] if has_header else roles)
        found.append(Layout(row["document"], row["first_line"], has_header, columns))
    return found


def layout_of(text: str, known: list[Layout]) -> Layout | None:
    """The layout whose first line this is, blanks and quotes aside."""
    first = text.lstrip("\ufeff").partition("\n")[0]
    plain = re.sub(r'[\s"]', "", first)
    return next((layout for layout in known if re.search(layout.first_line, plain)), None)


def years(text: str) -> list[str]:
    """Years of the days that a file lists, each once, in order."""
    return sorted({match[1] for match in _DATE.finditer(text)})


def records(text: str, layout: Layout, file: str) -> Iterator[dict[str, str | int]]:
    """Lines in the columns of `air.COLUMNS`; the city is a column or the file's name.

    A line of another width keeps its text as its date: it becomes a reject, not a guess.
    """
    city = re.split(r"[-_.]", PurePosixPath(file).name)[0]
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""))
    if layout.has_header:
        next(reader, None)
    start = reader.line_num + 1
    for values in reader:
        line, start = start, reader.line_num + 1
        if not values:
            continue
        row: dict[str, str | int] = {"line": line, "locator": f"L{line}", "place": city}
        if len(values) != len(layout.columns):
            yield row | {"date": ",".join(values)[:200]}
            continue
        row |= {
            role: value.strip()
            for role, value in zip(layout.columns, values, strict=True)
            if role != "-"
        }
        if match := _DATE.fullmatch(str(row["date"])):
            row["date"] = f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}"
        yield row
