"""Workbooks made to hurt: one refusal each, in bounded memory, and no formula is ever run."""

from __future__ import annotations

import io
import resource
import struct
import zipfile
from collections.abc import Callable

import make_workbook as make
import openpyxl
import pytest

from pipelines.archive import guards
from pipelines.errors import RefusedInput
from pipelines.yearbook import workbook


def _edited(content: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    """The workbook with its first sheet's XML changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            is_sheet = entry.filename == "xl/worksheets/sheet1.xml"
            new.writestr(entry, edit(data) if is_sheet else data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def far_cell(cell: bytes = b'r="XFD1048576"') -> bytes:
    """One cell in the last corner: the whole rectangle would take 400 GB, and the reader would end
    the process. It takes other quotes, blanks and small letters for an address as well."""
    return _edited(make.xlsx([("城市", "x")]), lambda xml: xml.replace(b'r="B1"', cell))


def rows_of_cells(rows: dict[int, int], cell: bytes = b"<c><v>1</v></c>") -> bytes:
    """Rows with so many cells, which need no address: their order is one."""
    body = b"".join(b'<row r="%d">%s</row>' % (row, cell * many) for row, many in rows.items())

    def edit(xml: bytes) -> bytes:
        start, end = xml.index(b"<sheetData>") + 11, xml.index(b"</sheetData>")
        return xml[:start] + body + xml[end:]

    return _edited(make.xlsx([("城市", "x")]), edit)


def hidden_cell() -> bytes:
    """What looks like a comment inside an attribute hides nothing."""
    return _edited(
        make.xlsx([("城市", "x")]),
        lambda xml: xml.replace(
            b"<sheetData>",
            b"""<sheetPr codeName='<!--'/><sheetData><row r="9"><c r='XFD9999999'/></row>""",
        ),
    )


def moved_sheet() -> bytes:
    """The sheet under a name of its own: the relation tells where it is."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(far_cell())) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            data = old.read(entry).replace(b"worksheets/sheet1.xml", b"other/a.bin")
            name = entry.filename.replace("worksheets/sheet1.xml", "other/a.bin")
            new.writestr(name, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def other_spreadsheet() -> bytes:
    """A sheet of OpenDocument that calls itself .xlsx: repeated cells cost its writer nothing."""
    return make.zipped(
        {
            "[Content_Types].xml": b"<Types/>",
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": b"<x/>",
        }
    )


def far_record(row: int, column: int) -> bytes:
    """An .xls whose last number lies where [MS-XLS] has no column."""
    content = bytearray(make.xls([("a",), (None, "x", 1.23456789012)]))
    at = bytes(content).index(struct.pack("<HHHH", 0x0203, 14, 1, 2))
    struct.pack_into("<HH", content, at + 4, row, column)
    return bytes(content)


def boasting_sheet() -> bytes:
    """An .xls that says it has four thousand million rows: the reader makes room for them."""
    content = bytearray(make.xls([("a", 1)]))
    at = bytes(content).index(struct.pack("<HH", 0x0200, 14))
    struct.pack_into("<IIHH", content, at + 4, 0, 0xFFFFFFFF, 0, 0xFFFF)
    return bytes(content)


def broken_chain() -> bytes:
    """An .xls whose directory points beyond its sectors."""
    content = bytearray(make.xls([("a", 1)] * 50))
    struct.pack_into("<I", content, 60, 17)
    struct.pack_into("<I", content, 48, 0x00FFFFFF)
    return bytes(content)


def directory_of(content: bytes) -> tuple[int, int]:
    """Where the directory's first sector lies in the file, and its word of the sector table."""
    table, directory = (struct.unpack_from("<I", content, at)[0] for at in (76, 48))
    return (directory + 1) * 512, (table + 1) * 512 + 4 * directory


def circling_sectors() -> bytes:
    """The directory goes on with itself: the reader would collect it until the memory is full."""
    content = bytearray(make.xls([("a", 1)]))
    struct.pack_into("<I", content, directory_of(content)[1], (directory_of(content)[0] >> 9) - 1)
    return bytes(content)


def circling_tables() -> bytes:
    content = bytearray(make.xls([("a", 1)]))
    struct.pack_into("<I", content, 68, 0)
    struct.pack_into("<I", content, 512 + 508, 0)
    return bytes(content)


def boasting_stream() -> bytes:
    content = bytearray(make.xls([("a", 1)]))
    struct.pack_into("<I", content, directory_of(content)[0] + 128 + 120, 0xFFFFFFFF)
    return bytes(content)


def disguised_stream() -> bytes:
    """A far cell in a stream that is no workbook by its kind and by the length of its name."""
    content = bytearray(far_record(65_000, 65_000))
    struct.pack_into("<HB", content, directory_of(content)[0] + 128 + 64, 4, 1)
    return bytes(content)


def huge_merge() -> bytes:
    return _edited(
        make.xlsx([("城市", "x"), ("a", 1)], ["B1:C1"]),
        lambda xml: xml.replace(b'ref="B1:C1"', b'ref="B1:XFD1048576"'),
    )


ATTACKS = {
    "a cell in the last corner": (far_cell, "xlsx", "as far as row 1048576, column 16384"),
    "its address in other quotes": (
        lambda: far_cell(b"r='XFD1048576'"), "xlsx", "as far as row 1048576, column 16384"
    ),
    "its address with blanks": (lambda: far_cell(b'r = "XFD1048576"'), "xlsx", "row 1048576"),
    "its address in small letters": (lambda: far_cell(b'r="xfd1048576"'), "xlsx", "row 1048576"),
    "its address behind a bracket": (
        lambda: far_cell(b't=">" r="XFD1048576"'), "xlsx", "row 1048576"
    ),
    "cells without an address": (
        lambda: rows_of_cells({1: 3_000, 400_000: 1}), "xlsx", "row 400000, column 3000"
    ),
    "a sheet of a million columns": (
        lambda: rows_of_cells({1: 1_000_000}, b"<c/>"), "xlsx", "row 1, column 16385"
    ),
    "a cell behind a comment that is none": (hidden_cell, "xlsx", "row 9999999"),
    "a sheet under another name": (moved_sheet, "xlsx", "other/a.bin: a cell lies as far"),
    "another kind of spreadsheet": (other_spreadsheet, "xlsx", "no .xlsx inside"),
    "an xls cell in the last corner": (lambda: far_record(65_000, 65_000), "ole2", "row 65001"),
    "an xls of 300 columns": (lambda: far_record(1, 299), "ole2", "row 2, column 300"),
    "an xls that boasts": (boasting_sheet, "ole2", "as far as row 4294967295"),
    "an xls of broken sectors": (broken_chain, "ole2", "can be read"),
    "an xls whose sectors go in a circle": (circling_sectors, "ole2", "runs in a circle"),
    "an xls whose tables go in a circle": (circling_tables, "ole2", "runs in a circle"),
    "an xls with a stream of 4 GB": (boasting_stream, "ole2", "more than the whole file"),
    "an xls in disguise": (disguised_stream, "ole2", "row 65001"),
    "a CSV of a million columns": (lambda: b"," * 1_000_000, "text", "no sheet is wider"),
    "a span of a million": (
        lambda: make.page([("colspan=1000000|x",)]), "html", "spans 1000000 places"
    ),
    "spans that add up": (lambda: make.page([["colspan=16000|x"] * 3]), "html", "column 32000"),
    "a page named xls": (lambda: b"<html>404</html>", "html", "a page without a table"),
    "a truncated OLE2": (lambda: make.xls([("a", 1)] * 50)[:3000], "ole2", "can be read"),
    "no workbook at all": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 90, "ole2", "can be read"),
    "an xlsx cut short": (lambda: make.xlsx([("a", 1)])[:-400], "xlsx", "can be read"),
    "an empty CSV": (lambda: b"\n\n", "text", "no cell holds anything"),
    "a picture": (lambda: b"\x89PNG", "binary", "not a workbook"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_one_refusal_that_names_the_file(name: str) -> None:
    build, media, reason = ATTACKS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RefusedInput, match=reason) as refusal:
        workbook.with_paths(workbook.read_cells(build(), media, "evil.bin"))
    assert "evil.bin" in str(refusal.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB


def test_a_huge_merged_range_reaches_no_further_than_the_sheet() -> None:
    frame = workbook.with_paths(workbook.read_cells(huge_merge(), "xlsx", "evil.xlsx"))
    assert frame.height == 4


def test_a_workbook_in_a_zip_is_guarded_like_one_beside_it() -> None:
    evil = _edited(make.xlsx([("a", 1)]), lambda xml: b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + xml)
    with pytest.raises(RefusedInput, match="document type or entities"):
        guards.inspect_member("a.xlsx", evil)


def test_values_only_no_formula_is_run_and_no_link_followed() -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.append(["城市", "甲", "乙", "丙"])
    page.append(["广州", "=1+1", '=HYPERLINK("http://127.0.0.1:9/x")', "='[http://a/b.xls]S'!A1"])
    out = io.BytesIO()
    book.save(out)
    # openpyxl stores no result, so there is none to read: the text of the formula never counts.
    frame = workbook.with_paths(workbook.read_cells(out.getvalue(), "xlsx", "f.xlsx"))
    assert frame.filter(frame["role"] == "value").is_empty()
    stored = _edited(out.getvalue(), lambda xml: xml.replace(b"<v></v>", b"<v>7</v>").replace(
        b"<v />", b"<v>7</v>").replace(b"<v/>", b"<v>7</v>"))  # fmt: skip
    frame = workbook.with_paths(workbook.read_cells(stored, "xlsx", "f.xlsx"))
    assert frame.filter(frame["role"] == "value")["text"].to_list() == ["7", "7", "7"]
