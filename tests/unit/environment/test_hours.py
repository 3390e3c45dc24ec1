"""Hourly records: every wrapping gives the same rows; ozone names, marks, hostile replies."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
from contextlib import suppress
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.archive.guards import inspect
from pipelines.archive.offers import HEAD_BYTES, Claim, Offer
from pipelines.archive.store import Snapshot
from pipelines.environment import cells, hours, wcf
from pipelines.environment.recognise import recognise
from pipelines.errors import LayoutDrift, RefusedInput, Reject
from pipelines.geography.divisions import read_aliases, read_divisions
from pipelines.settings import Settings

SOURCES = Settings().sources
CONTEXT = cells.read_context(
    SOURCES,
    read_divisions(SOURCES, lambda file: file)[0],
    read_aliases(SOURCES, lambda file: file)[0],
)
# Two stations as the platform sends them: `O3_24h` is the current hour, `O3` the day's highest.
RECORDS = [
    {
        "AQI": "28", "Area": "广州市", "CO": "0.5", "CO_24h": "0.9", "NO2": "32", "NO2_24h": "35",
        "O3": "123", "O3_24h": "88", "O3_8h": "84", "O3_8h_24h": "74", "PM10": "1",
        "PM10_24h": "62", "PM2_5": "11", "PM2_5_24h": "71", "PositionName": "麓湖",
        "PrimaryPollutant": "—", "Quality": "优", "SO2": "1", "SO2_24h": "3",
        "StationCode": "1345A", "TimePoint": "2019-07-23T10:00:00", "Latitude": "23.1",
        "Longitude": "113.2",
    },
    {
        "AQI": "—", "Area": "深圳市", "CO": "—", "NO2": "7", "O3": "40", "O3_24h": "12",
        "O3_8h": "30", "O3_8h_24h": "20", "PM10": "-;", "PM2_5": "0", "PositionName": "荔园",
        "PrimaryPollutant": "细颗粒物(PM2.5)", "Quality": "—", "SO2": "2",
        "StationCode": "1356A", "TimePoint": "2019-07-23T00:00:00",
    },
]  # fmt: skip


def as_xml(rows: list[dict[str, str]]) -> bytes:
    tag = f"b:{hours.RECORD}"
    inner = "".join(
        f"<{tag}>{''.join(f'<b:{k}>{v}</b:{k}>' for k, v in row.items())}</{tag}>" for row in rows
    )
    # The saved reply writes an entity that XML does not know.
    return f'<R xmlns:b="x">{inner}</R>'.replace("—", "&mdash;").encode()


def as_wcf(rows: list[dict[str, str]]) -> bytes:
    """[MC-NBFX]: short elements, texts of 8- and 16-bit characters, a moment in ticks."""

    def name(text: str) -> bytes:
        return bytes([len(text)]) + text.encode()

    def value(field: str, text: str) -> bytes:
        if field == "TimePoint":
            day, hour = text.split("T")
            days = date.fromisoformat(day).toordinal() - 1
            ticks = (days * 86400 + int(hour[:2]) * 3600) * 10_000_000
            return b"\x97" + struct.pack("<Q", ticks | 1 << 63)
        if field == "Area":
            data = text.encode("utf-16-le")
            return b"\xb7" + bytes([len(data)]) + data
        data = text.encode()
        return b"\x99" + bytes([len(data)]) + data

    out = b"\x40" + name("GetAQIDataPublishLivesResponse") + b"\x08" + name("http://x")
    for row in rows:
        out += b"\x5f" + name(hours.RECORD)
        out += b"".join(b"\x5f" + name(k) + value(k, v) for k, v in row.items()) + b"\x01"
    return out + b"\x01"


def as_geojson(rows: list[dict[str, str]]) -> bytes:
    features = []
    for row in rows:
        properties = {k.lower(): v for k, v in row.items() if k not in ("Latitude", "Longitude")}
        point = [float(row.get("Longitude", 0)), float(row.get("Latitude", 0))]
        features.append({"properties": properties, "geometry": {"coordinates": point}})
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def as_json(rows: list[dict[str, str]]) -> bytes:
    return json.dumps(rows, ensure_ascii=False).encode()


WRAPPINGS = {"xml": as_xml, "wcf": as_wcf, "geojson": as_geojson, "json": as_json}


def held(path: Path, reader: str, slice_: str) -> Snapshot:
    document, edition = slice_.split("--")
    return Snapshot(
        "snap", "environment", document, edition, slice_, f"drop/{path.name}", "0" * 64, 1,
        "mirror", path, reader,
    )  # fmt: skip


def extract(
    path: Path, reader: str = "platform_records", slice_: str = "cnemc_hourly--2019-07-23"
) -> tuple[pl.DataFrame, list[Reject]]:
    rejects: list[Reject] = []
    frames = list(hours.hour_frames([held(path, reader, slice_)], slice_, CONTEXT, rejects))
    return (pl.concat(frames) if frames else pl.DataFrame()), rejects


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_wrapping_of_the_platform_gives_the_same_rows(wrapping: str, tmp_path: Path) -> None:
    path = tmp_path / "reply"
    path.write_bytes(WRAPPINGS[wrapping](RECORDS))
    frame, rejects = extract(path)
    assert rejects == []
    columns = (
        "place_code", "station_code", "observed_on", "hour", "aqi_published", "pm25_ugm3",
        "pm10_ugm3", "co_mgm3", "o3_1h_ugm3", "o3_1h_max_ugm3", "o3_8h_ugm3", "o3_8h_max_ugm3",
        "is_pm10_mark", "primary_raw", "state",
    )  # fmt: skip
    assert frame.select(columns).rows() == [
        # PM10 of 1 below PM2.5 stands for nothing measured.
        ("440100", "1345A", date(2019, 7, 23), 10, 28, 11.0, None, 0.5, 88.0, 123.0, 74.0, 84.0,
         True, None, "reference"),
        # 00:00 is hour 24 of the day before.
        ("440300", "1356A", date(2019, 7, 22), 24, None, 0.0, None, None, 12.0, 40.0, 20.0, 30.0,
         False, "细颗粒物(PM2.5)", "reference"),
    ]  # fmt: skip


def test_ozone_goes_by_its_order_and_stays_empty_where_it_does_not_tell(tmp_path: Path) -> None:
    rows = [
        {"area": "广州", "station_code": f"{n}A", "time_point": "2016-01-09T07:00:00Z",
         "o3": 7, "o3_24h": 59, "pm10": 0, "pm2_5": 1, "aqi": 30}
        for n in range(20)
    ]  # fmt: skip
    path = tmp_path / "air.json"
    path.write_bytes(json.dumps(rows).encode())
    frame, rejects = extract(path, slice_="pm25in_hourly--2016-01-09")
    assert frame["o3_1h_ugm3"].unique().to_list() == [7.0]  # not crossed here
    assert frame["hour"].unique().to_list() == [7]  # the Z is false
    assert frame["pm10_ugm3"].null_count() == 20
    for row in rows[:10]:
        row["o3"], row["o3_24h"] = 59, 7
    path.write_bytes(json.dumps(rows).encode())
    frame, rejects = extract(path, slice_="pm25in_hourly--2016-01-09")
    assert frame["o3_1h_ugm3"].null_count() == 20
    assert ["cannot be told" in reject.reason for reject in rejects] == [True]


def test_a_later_reply_for_the_same_hour_counts(tmp_path: Path) -> None:
    first, late = tmp_path / "1.json", tmp_path / "2.json"
    first.write_bytes(as_json(RECORDS))
    late.write_bytes(as_json([{**RECORDS[0], "PM2_5": "12"}]))
    snapshots = [held(p, "platform_records", "cnemc_hourly--2019-07-23") for p in (first, late)]
    (frame,) = hours.hour_frames(snapshots, "cnemc_hourly--2019-07-23", CONTEXT, [])
    assert sorted(frame["pm25_ugm3"].to_list()) == [0.0, 12.0]


SITE_CSV = (
    "\ufeffDate,Hour,WatchPoint,AQI,Level,PrimaryPollution,PM2.5,PM10,CO,NO2,O3_1h,O3_8h,SO2\n"
    "20200101,00,麓湖,40,优,NaN,21,34,0.9,30,3,2,6\n"
    '20200101,01,麓湖,55,良,"\n  颗粒物(PM10)\n  \n  细颗粒物(PM2.5)\n",NaN,5O,-1,30,3,2,6\n'
    "20210101,00,麓湖,41,优,NaN,22,34,0.9,30,3,2,6\n"
)


@pytest.mark.parametrize("packed", [False, True], ids=["csv", "tar.gz"])
def test_site_hours_of_a_year_by_city_of_the_file(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / ("archive.tar.gz" if packed else "广州.csv")
    if packed:
        with tarfile.open(path, "w:gz") as archive:
            member = tarfile.TarInfo("data/广州.csv")
            data = SITE_CSV.encode()
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    else:
        path.write_text(SITE_CSV, "utf-8")
    frame, rejects = extract(path, "site_hours", "kksk_sites_hourly--2020")
    assert frame.select(
        "place_code", "station_name", "observed_on", "hour", "pm25_ugm3"
    ).rows() == [
        ("440100", "麓湖", date(2019, 12, 31), 24, 21.0),
        ("440100", "麓湖", date(2020, 1, 1), 1, None),
    ]
    assert frame["primary_raw"].to_list() == [None, "颗粒物(PM10),细颗粒物(PM2.5)"]
    prefix = "data/广州.csv!" if packed else ""
    assert [(r.locator, r.found) for r in rejects] == [
        (f"{prefix}R2:pm10", "5O"), (f"{prefix}R2:co", "-1"),
    ]  # fmt: skip


def test_numbers_parsed_with_the_file_are_those_of_its_text(tmp_path: Path) -> None:
    """A file without a flaw takes the short way; one bad cell sends the same hours the long one."""
    header = SITE_CSV.splitlines()[0]
    sound = [
        f"201912{day:02d},{hour:02d},麓湖,NaN,优,NaN,{hour}.5,1e1,0.{day},NaN,007,{hour * 3},"
        for day in (30, 31) for hour in range(24)
    ]  # fmt: skip
    flaw = "20191231,05,荔园,1,优,NaN,x,1,1,1,1,1,1"
    frames = []
    for lines in ([header, *sound], [header, *sound, flaw]):
        path = tmp_path / "广州.csv"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        is_short = hours._sound_numbers(path.read_bytes()) is not None
        frame, rejects = extract(path, "site_hours", "kksk_sites_hourly--2019")
        assert (is_short, len(rejects)) == (flaw not in lines, int(flaw in lines))
        frames.append(frame.filter(pl.col("station_name") == "麓湖"))
    assert frames[0].height == len(sound)
    assert frames[0].equals(frames[1])


def test_wide_hours_are_addressed_by_name_never_by_place(tmp_path: Path) -> None:
    types = ("AQI", "PM2.5", "PM10", "CO", "O3", "O3_24h")
    for header, grain, code in (("深圳,广州", "city", "440100"), ("1356A,1345A", "station", None)):
        lines = [f"date,hour,type,{header}"]
        for hour in (0, 1):
            lines += [f"20220104,{hour},{t},,{n + hour}" for n, t in enumerate(types, start=20)]
        path = tmp_path / "china_20220104.csv"
        path.write_text("\n".join(lines), "utf-8")
        kind = "cities" if grain == "city" else "sites"
        frame, _ = extract(path, "wide_hours", f"quotsoft_{kind}--2022-01")
        assert frame.select("grain", "place_code", "observed_on", "hour", "pm25_ugm3").rows() == [
            (grain, code, date(2022, 1, 3), 24, 21.0), (grain, code, date(2022, 1, 4), 1, 22.0),
        ]  # fmt: skip


def test_an_hour_that_a_wide_file_lists_again_is_said(tmp_path: Path) -> None:
    """The last line counts, as everywhere; what the lines before it said differently is counted."""
    path = tmp_path / "china_20220104.csv"
    plain = ["date,hour,type,1345A,1356A", "20220104,1,PM2.5,21,5", "20220104,1,PM10,34,"]
    path.write_text("\n".join(plain), "utf-8")
    before, rejects = extract(path, "wide_hours", "quotsoft_sites--2022-01")
    assert [r.locator for r in rejects if "again" in r.reason] == []

    path.write_text("\n".join([*plain, plain[1], plain[2], "20220104,1,PM2.5,22,5"]), "utf-8")
    frame, rejects = extract(path, "wide_hours", "quotsoft_sites--2022-01")
    assert [(r.locator, r.found, r.severity) for r in rejects if "again" in r.reason] == [
        ("*:type", "3 records again, 1 of them with other values", "warning")
    ]
    same = [name for name in frame.columns if name not in {"pm25_ugm3", "record"}]
    assert frame.select(same).equals(before.select(same))
    assert (before["pm25_ugm3"].to_list(), frame["pm25_ugm3"].to_list()) == (
        [21.0, 5.0],
        [22.0, 5.0],
    )


# ------------------------------------------------------------------------------- recognition


def offer(path: Path) -> Offer:
    return Offer(path.name, path, inspect(path.parent, path), path.read_bytes()[:HEAD_BYTES])


@pytest.mark.parametrize(
    ("name", "data", "document", "edition", "reader"),
    [
        ("a.bin", as_wcf(RECORDS[:1]), "cnemc_hourly", "2019-07-23", "platform_records"),
        ("a.bin.gz", gzip.compress(as_wcf(RECORDS[:1])), "cnemc_hourly", "2019-07-23",
         "platform_records"),
        ("a.xml", b'<?xml version="1.0"?>' + as_xml(RECORDS[:1]), "cnemc_hourly", "2019-07-23",
         "platform_records"),
        ("a.geojson", as_geojson(RECORDS[:1]), "cnemc_hourly", "2019-07-23", "platform_records"),
        ("a.csv", SITE_CSV[:200].encode(), "kksk_sites_hourly", "2020", "site_hours"),
        ("x", b"date,hour,type,1001A\n20220104,0,AQI,1\n", "quotsoft_sites", "2022-01",
         "wide_hours"),
        ("x", "date,hour,type,北京\n20220104,0,AQI,1\n".encode(), "quotsoft_cities", "2022-01",
         "wide_hours"),
    ],
)  # fmt: skip
def test_hourly_files_are_known_by_content(
    name: str, data: bytes, document: str, edition: str, reader: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    (claim,) = recognise(offer(path), SOURCES)
    assert (claim.document, claim.edition, claim.reader) == (document, edition, reader)
    assert isinstance(claim, Claim)


# ------------------------------------------------------------------------------- hostile


HOSTILE = {
    "cut binary": as_wcf(RECORDS)[:-40],
    "unknown record": b"\x40\x01x\x7f",
    "endless length": b"\x40" + b"\xff" * 9,
    "damaged json": b'[{"stationcode":',
    "entities": b'<!DOCTYPE x [<!ENTITY a "b">]><x/>',
    "no records": b"<x/>",
    "json of another kind": b'["a"]',
    "nothing": b"",
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_reply_that_cannot_be_read_is_one_reject(attack: str, tmp_path: Path) -> None:
    path = tmp_path / "reply"
    path.write_bytes(HOSTILE[attack])
    frame, rejects = extract(path)
    assert frame.is_empty()
    assert [(r.severity, r.reason) for r in rejects] == [("error", "the file cannot be read")]


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60), st.integers(0, 400))
def test_no_bytes_crash_the_decoder(noise: bytes, at: int) -> None:
    data = as_wcf(RECORDS[:1])
    with suppress(LayoutDrift):
        wcf.records(data[:at] + noise + data[at:], hours.RECORD)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.dictionaries(st.sampled_from(sorted(RECORDS[0])), st.text(max_size=9))))
def test_no_content_of_fields_crashes_the_reader(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]
) -> None:
    clean = [{k: v.encode("utf-8", "ignore").decode() for k, v in row.items()} for row in rows]
    path = tmp_path_factory.mktemp("hours") / "x.json"
    path.write_bytes(json.dumps(clean).encode())
    with suppress(RefusedInput):
        extract(path)
