"""No bytes crash a parser: it reads them, refuses them or rejects them, and says why.

Small seeds are cut, doubled, spliced and salted with what has broken parsers before. Bytes that
once crashed one are kept in tests/fixtures/corpus/<parser>/ and tried first.
METROCIRCLE_FUZZ=5000 tries so many inputs per parser instead of the few of an ordinary run.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import make_workbook as make
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import circle
from pipelines.archive import acquire, guards
from pipelines.archive.offers import TRANSCRIPTION_COLUMNS
from pipelines.archive.store import Snapshot, sha256_of
from pipelines.environment import bulletin, pages
from pipelines.errors import MetrocircleError
from pipelines.rail import calendar, cr
from pipelines.settings import ROOT, Settings
from pipelines.yearbook import maps, workbook

TRIES = int(os.environ.get("METROCIRCLE_FUZZ") or 40)
CORPUS = ROOT / "tests" / "fixtures" / "corpus"
SOURCES = ROOT / "sources"

ROWS = [("城市", "地区生产总值", "2021"), ("广州市", "28225.2", "—"), ("合计", "=1+1", "-0.5")]
HEADER = ",".join(TRANSCRIPTION_COLUMNS)
TRANSCRIPTION = (
    f"{HEADER}\nguangdong_yearbook,2022,2-7!C12,广州市,地区生产总值,2021,全市,亿元,28225.2,final,"
    f"transcription,a.xls,{'0' * 64},C12,\n"
)
PAGE = """2022年1月广东省城市环境空气质量状况
城市 PM2.5 AQI达标率 排名
广州 25 96.8 1
佛山 26 95.1 2
"""
TIMETABLE = """240000G10100,G101,
GZQ,,08:00
SZQ,09:00,09:02

6i000D0,D1,b20240417
SZQ,,23:50
GZQ,00:10,
"""
CIRCLE = "circle_id: MINE\nmembers:\n  - 广州市\n  - {place: 肇庆市, share: 0.5, basis: x}\n"

SALT = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n\n", b'"', b"'", b",", b"\t", b"<", b"&",
    b"%", b"<!DOCTYPE", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"1e999", b"-", b"NaN", b"0x1",
    b"99999999999999999999", "—".encode(), "广".encode("gbk"), "\u202e".encode(),
    "\ud800".encode("utf-8", "surrogatepass"), b"*a", b"&a ", b"!!python/name:os", b"{", b"[" * 200,
    b"=1+1", b"colspan=99999", b"<td>" * 50,
]  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A seed after a few edits."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, min(64, len(data) - at)))
        with_ = draw(
            st.one_of(
                st.just(b""),
                st.sampled_from(SALT),
                st.binary(max_size=16),
                st.just(data[at : at + length] * 3),
            )
        )
        data = data[:at] + with_ + data[at + length :]
    return data


def guard(data: bytes, folder: Path) -> None:
    for name in ("a.xls", "a.xlsx", "a.zip", "a.csv", "a.xml", "a.html", "a"):
        path = folder / name
        path.write_bytes(data)
        try:
            guards.inspect(folder, path)
        except MetrocircleError:
            continue


def offer(data: bytes, folder: Path) -> None:
    (folder / "drop").mkdir(exist_ok=True)
    (folder / "drop" / "a.csv").write_bytes(data)
    acquire.offered(Settings(warehouse=folder / "warehouse", drop=folder / "drop"))


def cells(data: bytes, folder: Path) -> None:
    for media in ("ole2", "xlsx", "html", "text"):
        workbook.read_cells(data, media, "a")


def transcription(data: bytes, folder: Path) -> None:
    path = folder / "a.csv"
    path.write_bytes(data)
    sha256 = sha256_of(path)
    maps.read_rows(
        Snapshot("s", "yearbook", "d", "e", "d--e", "a.csv", sha256, 1, "transcription", path)
    )


HEADERS = pl.read_csv(SOURCES / "environment" / "maps" / "headers.csv", infer_schema=False)


def page(data: bytes, folder: Path) -> None:
    bulletin.read_page(pages.lines_of(data, "a"), HEADERS)


def timetable(data: bytes, folder: Path) -> None:
    cr.read(data.decode("utf-8", "replace"))


def expression(data: bytes, folder: Path) -> None:
    window = calendar.Window(date(2024, 4, 10), date(2024, 4, 10), date(2024, 5, 10))
    calendar.running_mask(data.decode("utf-8", "replace"), window)


def definition(data: bytes, folder: Path) -> None:
    path = folder / "circle.yml"
    path.write_bytes(data)
    circle.read_definition(path)


BOOKS = [
    make.xlsx(ROWS), make.xls(ROWS), make.page(ROWS), make.page(ROWS, charset="gbk"),
    "\n".join(",".join(row) for row in ROWS).encode("gb18030"),
]  # fmt: skip
PARSERS: dict[str, tuple[Callable[[bytes, Path], None], list[bytes]]] = {
    "guard": (guard, [*BOOKS, TRANSCRIPTION.encode()]),
    "offer": (offer, [TRANSCRIPTION.encode(), *BOOKS[2:]]),
    "cells": (cells, BOOKS),
    "transcription": (transcription, [TRANSCRIPTION.encode()]),
    "page": (page, [PAGE.encode(), make.page([tuple(PAGE.split())])]),
    "timetable": (timetable, [TIMETABLE.encode()]),
    "expression": (expression, [b"b20240417", b"w135", b"0410-0420", b"!0415&w1", "单".encode()]),
    "definition": (definition, [CIRCLE.encode()]),
}


def survives(parser: Callable[[bytes, Path], None], data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            parser(data, Path(folder))
        except MetrocircleError as error:
            assert str(error), "a refusal says why"


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_reads_or_refuses_any_bytes(name: str) -> None:
    parser, seeds = PARSERS[name]
    for path in sorted((CORPUS / name).glob("*")):
        survives(parser, path.read_bytes())

    @settings(
        max_examples=TRIES, deadline=None, derandomize=TRIES < 1000,
        suppress_health_check=list(HealthCheck), database=None,
    )  # fmt: skip
    @given(spoilt(seeds))
    def tried(data: bytes) -> None:
        survives(parser, data)

    tried()


def test_the_corpus_stays_small() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert all(path.parent.name in PARSERS for path in files if path.name != "README.md")
    assert sum(path.stat().st_size for path in files) < 100_000
