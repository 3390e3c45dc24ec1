"""An edition from a local portal: error pages, half files, slow answers, names to be guessed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from fake_portal import FAULTS, FakePortal, workbook
from local_server import LocalServer, serving
from python_calamine import CalamineWorkbook
from yearbook_maps import known_maps

from pipelines.archive import acquire
from pipelines.archive.fetch import Fetcher, Stopped
from pipelines.settings import Settings
from pipelines.yearbook import client, maps
from tests.conftest import ROOT

GDP = "全省各市地区生产总值"
ROWS: list[list[object]] = [["广  州", "Guangzhou", 28839.0, 30355.73]]


def portal(*stems: str, edition: int = 2024, **options: object) -> FakePortal:
    tables = {stem: (f"{stem} {GDP}", ROWS) for stem in stems}
    return FakePortal(edition, tables, **options)  # type: ignore[arg-type]


def fetch(
    warehouse: Path,
    server: LocalServer,
    edition: int,
    tables: tuple[str, ...] = (),
    chapters: tuple[str, ...] = (),
) -> client.Report:
    settings = Settings(warehouse=warehouse, fetch_pace=0)
    site = client.SITE.at(server.base)
    quick = replace(site.manners, bounds=replace(site.manners.bounds, read_s=0.2, deadline_s=2))
    with Fetcher(settings, replace(site, manners=quick), "test", sleep=lambda _: None) as fetcher:
        return client.collect(fetcher, settings, edition, tables, chapters)


def members(warehouse: Path) -> dict[str, bytes]:
    (path,) = warehouse.glob("fetched/yearbook/*.zip")
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.startswith("page/")]
        return {name: archive.read(name) for name in names}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_passes_the_portal_is_a_whole_workbook(fault: str, tmp_path: Path) -> None:
    stems = ("02-15-0", "02-15-1", "03-07")
    fake = portal(*stems, edition=2025, faults={"02-15-1": (fault, 3)})
    with serving(fake) as server:
        report = fetch(tmp_path, server, 2025, ("02-15", "03-07"))
    assert (report.workbooks, report.failed, report.tables) == (list(stems), [], 2)
    held = members(tmp_path)
    assert set(held) == {f"directory/{stem[:2]}/excel/{stem}.xls" for stem in stems}
    for stem in stems:
        body = held[f"directory/{stem[:2]}/excel/{stem}.xls"]
        assert body == workbook(f"{stem} {GDP}", ROWS)
        path = tmp_path / "table.xls"
        path.write_bytes(body)
        assert (
            CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()[3][3]
            == 30355.73
        )
    # The known name was asked for until it came, and the names beside it once.
    assert server.asked["GET /tjnj/2025/directory/02/excel/02-15-1.xls"] == 4
    assert server.asked["GET /tjnj/2025/directory/03/excel/03-07.xls"] == 1


def test_a_workbook_that_stays_an_error_page_is_taken_as_its_page(tmp_path: Path) -> None:
    fake = portal("03-06", "03-07", edition=2025, faults={"03-06": ("error_page", 99)})
    with serving(fake) as server:
        report = fetch(tmp_path, server, 2025, ("03-06", "03-07"))
    assert (report.workbooks, report.pages, report.failed) == (["03-07"], ["03-06"], [])
    page = members(tmp_path)["directory/03/html/03-06.htm"]
    assert GDP in page.decode("gb18030")


def test_what_the_portal_never_gives_is_named_and_asked_again_next_time(tmp_path: Path) -> None:
    fake = portal("03-07", edition=2025, missing_is_page=True)
    with serving(fake) as server:
        report = fetch(tmp_path, server, 2025, ("03-06", "03-07"))
        assert [row["table"] for row in report.failed] == ["03-06"]
        assert "found html" in report.failed[0]["workbook"]
        assert list(members(tmp_path)) == ["directory/03/excel/03-07.xls"]
        fake.tables["03-06"] = (GDP, ROWS)
        report = fetch(tmp_path, server, 2025, ("03-06", "03-07"))
    assert (report.failed, report.workbooks, report.asked) == ([], ["03-06", "03-07"], 1)


@pytest.mark.parametrize("missing_is_page", [False, True], ids=["404", "error_page"])
def test_names_of_an_unknown_edition_are_found(missing_is_page: bool, tmp_path: Path) -> None:
    """Chapters end where three numbers in a row are not there; a split table has parts from -0."""
    stems = ("02-01", "02-02-0", "02-02-1", "02-02-2", "02-05", "02-09")
    fake = portal(*stems, missing_is_page=missing_is_page)
    with serving(fake) as server:
        report = fetch(tmp_path, server, 2024, chapters=("02",))
    assert report.workbooks == list(stems[:-1])
    # Beyond three missing numbers nobody looks: the gap is a bound, and it is said.
    assert report.not_there == ["02-03", "02-04", "02-06", "02-07", "02-08"]


def test_a_part_that_is_named_is_asked_for_as_it_is(tmp_path: Path) -> None:
    with serving(portal("02-15-0", "02-15-1")) as server:
        report = fetch(tmp_path, server, 2024, ("02-15-1",))
    assert (report.workbooks, report.asked) == (["02-15-1"], 1)


def test_a_portal_that_is_down_is_left_alone(tmp_path: Path) -> None:
    with serving(portal(edition=2025, is_down=True)) as server:
        with pytest.raises(Stopped, match="5 questions in a row failed"):
            fetch(tmp_path, server, 2025, chapters=("02",))
    assert len(server.requests) == 5 * client.SITE.manners.attempts


def test_the_zip_is_the_same_bytes_for_the_same_files_and_is_offered(tmp_path: Path) -> None:
    fake = portal("02-15-0", "02-15-1", edition=2025)
    with serving(fake) as server:
        for folder in ("one", "two"):
            fetch(tmp_path / folder, server, 2025, ("02-15",))
    one, two = ((tmp_path / f).glob("fetched/yearbook/*.zip") for f in ("one", "two"))
    assert next(one).read_bytes() == next(two).read_bytes()
    # The tables print nothing newer than 2023: the edition is the portal's, not theirs plus one.
    taken, refused = acquire.offered(Settings(warehouse=tmp_path / "one"))
    assert [(s.file, s.document, s.edition, s.reader) for s in taken] == [
        ("fetched/yearbook/广东统计年鉴2025.zip", "guangdong_yearbook", "2025", "tables")
    ]
    assert refused == []
    # It loads by map, and what nobody asked for is no error: the set is not the whole book.
    rows, rejects = maps.observations({s.slice: [s] for s in taken}, known_maps())
    assert {
        (r["indicator_id"], r["place_code"], r["period"], float(r["number"]), r["locator"])
        for r in rows.filter(pl.col("superseded_by").is_null()).to_dicts()
    } == {
        ("gdp", "440100", year, value, f"directory/02/excel/02-15-0.xls:Sheet1!{cell}")
        for year, value, cell in (("2022", 28839.0, "C4"), ("2023", 30355.73, "D4"))
    }
    assert {r.locator for r in rejects if "should hold" in r.reason} >= {"population", "rd"}
    # The second part repeats the first here, which no real one does.
    assert {r.reason for r in rejects if r.severity == "error"} == {"the same cell is listed twice"}


def test_killed_and_taken_up_again(tmp_path: Path) -> None:
    stems = [f"02-{n:02d}" for n in range(1, 31)]
    fake = portal(*stems)
    with serving(fake) as server:
        kills = 0
        for wanted in (4, 9, 17):
            process = start(tmp_path, server)
            while process.poll() is None and len(server.requests) < wanted:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
        done = start(tmp_path, server)
        _, err = done.communicate(timeout=60)
        assert done.returncode == 0, err
    twice = [target for target, n in server.asked.items() if n > 1]
    assert kills == 3 and len(twice) <= kills
    assert len(members(tmp_path)) == 30


def start(warehouse: Path, server: LocalServer) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if "METROCIRCLE" not in k}
    environment |= {"METROCIRCLE_WAREHOUSE": str(warehouse), "METROCIRCLE_FETCH_PACE": "0"}
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "fetch", "yearbook", "--at", server.base,
         "--edition", "2024", "--chapter", "02"],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
