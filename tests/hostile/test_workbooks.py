"""Workbooks made to hurt: one refusal each, in bounded memory, and no formula is ever run."""

from __future__ import annotations

import io
import resource
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


def far_cell() -> bytes:
    """One cell in the last corner: the whole rectangle would take 400 GB."""
    return _edited(
        make.xlsx([("城市", "x")]), lambda xml: xml.replace(b'r="B1"', b'r="XFD1048576"')
    )


def huge_merge() -> bytes:
    return _edited(
        make.xlsx([("城市", "x"), ("a", 1)], ["B1:C1"]),
        lambda xml: xml.replace(b'ref="B1:C1"', b'ref="B1:XFD1048576"'),
    )


ATTACKS = {
    "a cell in the last corner": (far_cell, "xlsx", "as far as row 1048576, column 16384"),
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
