"""No bytes crash a parser: it reads them, refuses them or rejects them, and says why.

Small seeds are cut, doubled, spliced and salted with what has broken parsers before. Bytes that
once crashed one are kept in tests/fixtures/corpus/<parser>/ and tried first.
METROCIRCLE_FUZZ=5000 tries so many inputs per parser instead of the few of an ordinary run.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
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
from pipelines.environment import air, bulletin, hours, pages, water
from pipelines.errors import MetrocircleError
from pipelines.rail import calendar, cr, listings, twin
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
TITLE = "广东省城市环境空气质量状况(2021年12月)"
ROWS_OF_PAGE = [
    ("序号", "城市", "AQI达标率", "PM2.5浓度", "PM10浓度", "O3评价浓度", "PM2.5排名", "AQI排名"),
    ("1", "汕尾市", "100%", "24", "37", "133", "1", "1"),
    ("2", "佛山市", "90%", "33", "59", "124", "17", "20"),
]
LINES = [TITLE, "", "附表12021年12月广东省城市环境空气质量状况及排名"]
PAGE = "\n".join([*LINES, *(cell for row in ROWS_OF_PAGE for cell in row), "注:1.浓度单位"])
BARS = "\n".join([*LINES, *(f"|{'|'.join(row)}|" for row in ROWS_OF_PAGE), "注:1.浓度单位"])
TIMETABLE = """240000G10100,G101,
GZQ,,08:00
SZQ,09:00,09:02

6i000D0,D1,b20240417
SZQ,,23:50
GZQ,00:10,
"""
LISTED = [
    "G77\n北京西\t08:00\t08:00\n广州南\t18:00\t18:05\n\n".encode("gb18030"),
    "高速动车,始,G1,广州南,北京西,-,08:00\n快速,过,K9,深圳,韶关,01:10,01:20\n".encode("gb18030"),
    ",station_train_code,train_no\n0,D1(北京-沈阳南),24000000D121\n".encode("gb18030"),
    make.xlsx(
        [listings.SHEET_HEADER, ("C1", *[""] * 7, "广州南", "----", "23:50:00", "", "", "ALL")],
        sheet=listings.SHEET,
    ),
]
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


MEDIA = ("ole2", "xlsx", "html", "text")


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
    """By every reader: one that refuses must not keep the bytes from the next."""
    refusals = []
    for media in MEDIA:
        try:
            workbook.read_cells(data, media, "a")
        except MetrocircleError as error:
            refusals.append(error)
    if len(refusals) == len(MEDIA):
        raise refusals[0]


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


def listing(data: bytes, folder: Path) -> None:
    if data.startswith(b"PK"):
        listings.read_workbook(data, "a.xlsx")
    for read in (listings.read_text, listings.read_board, listings.read_codes):
        read(data.decode("gb18030", "replace"))


def expression(data: bytes, folder: Path) -> None:
    window = calendar.Window(date(2024, 4, 10), date(2024, 4, 10), date(2024, 5, 10))
    calendar.running_mask(data.decode("utf-8", "replace"), window)


def definition(data: bytes, folder: Path) -> None:
    path = folder / "circle.yml"
    path.write_bytes(data)
    circle.read_definition(path)


def held(data: bytes, folder: Path, reader: str, name: str = "a_20190723.json") -> Snapshot:
    path = folder / "held"
    path.write_bytes(data)
    return Snapshot("s", "environment", "d", "2019", "d--2019", name, "0" * 64, 1, "mirror", path,
                    reader)  # fmt: skip


def platform(data: bytes, folder: Path) -> None:
    hours.platform_records(data, "a")


def hourly(data: bytes, folder: Path) -> None:
    for _ in hours.read(held(data, folder, "site_hours", "广州.csv")):
        pass


def wide(data: bytes, folder: Path) -> None:
    hours.wide_hours(data, "a")


def packed(data: bytes, folder: Path) -> None:
    """The seed is spoilt before it is packed: what a tar says of itself is believed by nobody."""
    hourly(gzip.compress(data, 1), folder)


def water_reply(data: bytes, folder: Path) -> None:
    water._rows(held(data, folder, "water_readings"), [])


def days(data: bytes, folder: Path) -> None:
    air._archive_rows(held(data, folder, "daily", "广州.csv"))


def pair_of_files(data: bytes, folder: Path) -> None:
    text = data.decode("utf-8", "replace")
    twin.read(text, TWIN[1])
    twin.read(TWIN[0], text)


RECORD = {"Area": "广州市", "TimePoint": "2019-07-23T10:00:00", "PM2_5": "11", "CO": "—"}


def wcf_of(record: dict[str, str]) -> bytes:
    def name(text: str) -> bytes:
        return bytes([len(text)]) + text.encode()

    fields = (b"\x5f" + name(k) + b"\x99" + bytes([len(v.encode())]) + v.encode()
              for k, v in record.items())  # fmt: skip
    return b"\x40" + name("R") + b"\x5f" + name(hours.RECORD) + b"".join(fields) + b"\x01\x01"


def xml_of(record: dict[str, str]) -> bytes:
    inner = "".join(f"<{k}>{v}</{k}>" for k, v in record.items())
    return f"<R><{hours.RECORD}>{inner}</{hours.RECORD}></R>".encode()


def tar_of(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


SITE = (
    "\ufeffDate,Hour,WatchPoint,AQI,Level,PrimaryPollution,PM2.5,PM10,CO,NO2,O3_1h,O3_8h,SO2\n"
    "20200101,00,麓湖,40,优,NaN,21,34,0.9,30,3,2,6\n"
    '20200101,01,麓湖,55,良,"\n  颗粒物(PM10)\n",NaN,5O,-1,30,3,2,6\n'
).encode()
WIDE = "date,hour,type,广州,深圳\n20190723,10,PM2.5,11,\n20190723,10,CO,0.5,0.7\n".encode()
DAYS = (
    "日期,AQI,AQI级别,PM2.5,PM10,SO2,CO,NO2,O3_8h,排名\n2019-01-01,60,良,40,60,8,0.9,30,50,1\n"
    "2019-01-02,,,,,,,,,\n"
)
TWIN = ("GZQ,,08:00,G101,1,b20240417\nSZQ,09:00,09:02,,2,\n", "G101,240000G10100,GZQ,SZQ\n")
WATER = json.dumps(
    {"thead": ["省份", "流域", "断面名称", "监测时间", "水质类别", "pH<br/>(x)"],
     "tbody": [["广东省", "珠江流域", "<span title='所在地市:广州市'>猎德</span>", "08-21 20:00",
                "6", "<span title='原始值：7.6'>7.60</span>"]]}
).encode()  # fmt: skip
SAVED = (
    f"<html><head><title>{TITLE}</title></head><body><p>{LINES[2]}</p><table>"
    + "".join(
        f"<tr>{''.join(f'<td><p>{cell}</p></td>' for cell in row)}</tr>" for row in ROWS_OF_PAGE
    )
    + "</table></body></html>"
)
EXPRESSIONS = [
    text.encode()
    for text in ("240410-12|0505", "!240417|0505", "停240417", "w671&240410-28", "单", "b01111")
]
BOOKS = [
    make.xlsx(ROWS), make.xls(ROWS), make.page(ROWS), make.page(ROWS, charset="gbk"),
    "\n".join(",".join(row) for row in ROWS).encode("gb18030"),
]  # fmt: skip
PARSERS: dict[str, tuple[Callable[[bytes, Path], None], list[bytes]]] = {
    "guard": (guard, [*BOOKS, TRANSCRIPTION.encode()]),
    "offer": (offer, [TRANSCRIPTION.encode(), *BOOKS[2:]]),
    "cells": (cells, BOOKS),
    "transcription": (transcription, [TRANSCRIPTION.encode()]),
    "page": (page, [text.encode() for text in (PAGE, BARS, SAVED)]),
    "timetable": (timetable, [TIMETABLE.encode()]),
    "listing": (listing, LISTED),
    "expression": (expression, EXPRESSIONS),
    "definition": (definition, [CIRCLE.encode()]),
    "platform": (
        platform,
        [
            wcf_of(RECORD),
            xml_of(RECORD),
            json.dumps([RECORD] * 2).encode(),
            json.dumps({"features": [{"properties": RECORD}]}).encode(),
        ],
    ),
    "hourly": (
        hourly,
        [SITE, gzip.compress(SITE), gzip.compress(tar_of(("广州.csv", SITE)))],
    ),
    "wide": (wide, [WIDE]),
    "packed": (packed, [tar_of(("a/广州.csv", SITE), ("a/深圳.csv", SITE)), SITE]),
    "water_reply": (water_reply, [WATER]),
    "days": (days, [DAYS.encode(), DAYS.encode("gb18030"), gzip.compress(DAYS.encode())]),
    "pair_of_files": (pair_of_files, [text.encode() for text in TWIN]),
}


def survives(parser: Callable[[bytes, Path], None], data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            parser(data, Path(folder))
        except MetrocircleError as error:
            assert str(error), "a refusal says why"


@pytest.mark.parametrize("name", PARSERS)
def test_the_seeds_are_read(name: str, tmp_path: Path) -> None:
    """Bytes that are refused at the door try nothing behind it."""
    parser, seeds = PARSERS[name]
    for number, seed in enumerate(seeds):
        folder = tmp_path / str(number)
        folder.mkdir()
        parser(seed, folder)


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
