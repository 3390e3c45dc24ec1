"""Reading a workbook into cells with paths, against pandas (openpyxl, xlrd) and plain calamine.

Generated workbooks of about a million cells with merged two-row headers, as .xlsx and .xls, and the
largest original held (the 2010 prefectures, where the folder of originals is there).

The first table of a workbook is of whole commands, so imports count: `nothing` is a command that
only imports polars and calamine. The second is of the reading alone, in a process that has read a
small workbook before. `ours` gives header path, label path, role and block of each cell; `ours,
cells only` stops where the others stop.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import measure

ORIGINALS = Path(os.environ.get("METROCIRCLE_ORIGINALS") or measure.ROOT.parent / "shared")
LARGEST = "data/yearbook/china_city_yearbook/layout_samples/2010_prefecture_original.xlsx"
READERS = ("ours", "ours, cells only", "plain calamine", "pandas", "nothing")


def generate_xlsx(path: Path, cells: int) -> None:
    """One sheet, 200 columns: labels in two languages and pairs under merged headers."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    columns = 198
    for left in range(3, columns + 3, 2):
        sheet.merged_cells.ranges.add(
            openpyxl.worksheet.cell_range.CellRange(
                min_row=2, max_row=2, min_col=left, max_col=left + 1
            )
        )
    sheet.append(["中国2024年地级以上城市数据"])
    names = [f"指标{n // 2}（万元）" if n % 2 == 0 else None for n in range(columns)]
    sheet.append(["城 市", "City", *names])
    sheet.append([None, None, *["全市" if n % 2 == 0 else "市辖区" for n in range(columns)]])
    for row in range(cells // (columns + 2)):
        values = [_value(row, n) for n in range(columns)]
        sheet.append([f"  城{row}市", f" City{row}", *values])
    book.save(path)


def _value(row: int, column: int) -> float | str:
    """Two numbers, then a number as text: older editions print both."""
    number = (row * 7919 + column * 104_729) % 999_983
    return number / 100 if column % 3 else str(number)


def generate_xls(path: Path, cells: int) -> None:
    """As above in BIFF: at most 65,536 rows of 256 columns."""
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    columns = 198
    sheet.write(0, 0, "中国2024年地级以上城市数据")
    sheet.write(1, 0, "城 市")
    sheet.write(1, 1, "City")
    for n in range(0, columns, 2):
        sheet.write_merge(1, 1, n + 2, n + 3, f"指标{n // 2}（万元）")
        sheet.write(2, n + 2, "全市")
        sheet.write(2, n + 3, "市辖区")
    for row in range(cells // (columns + 2)):
        sheet.write(row + 3, 0, f"  城{row}市")
        sheet.write(row + 3, 1, f" City{row}")
        for n in range(columns):
            sheet.write(row + 3, n + 2, _value(row, n))
    book.save(str(path))


def read(reader: str, path: Path) -> int:
    """Read the workbook; the number of cells that hold something."""
    if reader == "nothing":
        import polars
        import python_calamine

        return bool(polars and python_calamine)
    media = "ole2" if path.suffix == ".xls" else "xlsx"
    if reader.startswith("ours"):
        from pipelines.yearbook import workbook

        cells = workbook.read_cells(path.read_bytes(), media, path.name)
        return (workbook.with_paths(cells) if reader == "ours" else cells.frame).height
    if reader == "plain calamine":
        from python_calamine import CalamineWorkbook

        book = CalamineWorkbook.from_path(path)
        rows = [
            row
            for name in book.sheet_names
            for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        ]
        return sum(cell != "" for row in rows for cell in row)
    import pandas

    engine = "xlrd" if media == "ole2" else "openpyxl"
    sheets = pandas.read_excel(path, sheet_name=None, header=None, engine=engine)
    return int(sum(frame.notna().to_numpy().sum() for frame in sheets.values()))


def warm(reader: str, path: Path, small: Path) -> float:
    """Processor seconds of all threads for reading a workbook, imports and first calls done."""
    read(reader, small)
    start = time.process_time()
    read(reader, path)
    return time.process_time() - start


def compare_warm(path: Path, small: Path, cells: int, rounds: int) -> str:
    """Markdown of the reading alone; each reader in a process of its own, taking turns."""
    readers = [reader for reader in READERS if reader != "nothing"]
    seconds: dict[str, list[float]] = {reader: [] for reader in readers}
    for _ in range(rounds):
        for reader in readers:
            command = measure.python(__file__, "--warm", reader, str(path), str(small))
            done = subprocess.run(
                command, cwd=measure.ROOT, capture_output=True, text=True, check=True
            )
            seconds[reader].append(float(done.stdout))
    base = statistics.median(seconds["ours"])
    lines = [
        "| reading alone | processor s | ratio | cells per processor s |",
        "| --- | ---: | ---: | ---: |",
    ]
    for reader in readers:
        took = statistics.median(seconds[reader])
        lines.append(f"| {reader} | {took:.2f} | {took / base:.2f} | {cells / took:,.0f} |")
    return "\n".join(lines)


def compare(path: Path, small: Path, rounds: int) -> str:
    cells = read("plain calamine", path)
    contenders = [
        measure.Contender(
            reader,
            measure.python(__file__, "--read", reader, str(path)),
            rows=0 if reader == "nothing" else cells,
        )
        for reader in READERS
    ]
    title = (
        f"`{path.name}`: {cells:,} cells that hold something, {path.stat().st_size / 1e6:.1f} MB"
    )
    commands = measure.table(measure.compare(contenders, rounds), "cells")
    return f"{title}\n\n{commands}\n\n{compare_warm(path, small, cells, rounds)}"


def main() -> int:
    if sys.argv[1:2] == ["--read"]:
        return 0 if read(sys.argv[2], Path(sys.argv[3])) else 1
    if sys.argv[1:2] == ["--warm"]:
        sys.stdout.write(str(warm(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))))
        return 0
    options = measure.arguments(__doc__.split("\n")[0]).parse_args()
    cells = int(1_000_000 * options.scale)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = {".xlsx": folder / "small.xlsx", ".xls": folder / "small.xls"}
        books = []
        for suffix, generate in ((".xlsx", generate_xlsx), (".xls", generate_xls)):
            books.append(folder / f"generated{suffix}")
            generate(books[-1], cells)
            generate(small[suffix], 1_000)
        if (ORIGINALS / LARGEST).is_file():
            books.append(ORIGINALS / LARGEST)
        text = "\n\n".join(compare(path, small[path.suffix], options.rounds) for path in books)
    sys.stdout.write(f"{text}\n")
    if options.write:
        measure.write("workbook", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
