"""publish, the pointer, the history and the lock."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pipelines.errors import ReleaseRefused
from pipelines.release import publish as room
from pipelines.release.publish import WriterBusy, current_release, exclusive, use, verify


def history(few) -> list[dict]:
    text = (few.settings.warehouse / "history.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def change(few, value: int) -> None:
    few.sql(f"UPDATE city_indicator_year SET value = {value}")


def test_nothing_published_yet(few) -> None:
    assert current_release(few.settings) is None


def test_publish_makes_a_read_only_verified_release_and_points_at_it(few) -> None:
    release = few.publish()
    assert release.is_new
    assert current_release(few.settings) == room.Release(
        release.release_id, release.path, release.rows
    )
    assert few.settings.current.readlink() == Path(f"releases/{release.release_id}")
    assert verify(release.path) == []
    modes = {path.stat().st_mode & 0o777 for path in release.path.rglob("*") if path.is_file()}
    assert modes == {0o444}
    assert [path.name for path in few.settings.releases.iterdir()] == [release.release_id]


def test_the_same_build_again_keeps_the_folder(few) -> None:
    first = few.publish()
    before = first.path.stat().st_mtime_ns
    again = few.publish()
    assert (again.release_id, again.is_new) == (first.release_id, False)
    assert first.path.stat().st_mtime_ns == before
    assert len(history(few)) == 1


def test_identical_parquet_is_shared_and_changed_parquet_is_not(few) -> None:
    first = few.publish()
    change(few, 2)
    second = few.publish()
    shared = {
        path.name
        for path in second.path.rglob("*.parquet")
        if path.samefile(first.path / path.relative_to(second.path))
    }
    assert {"unit.parquet", "gap.parquet"} <= shared
    assert "city_indicator_year.parquet" not in shared
    assert verify(first.path) == verify(second.path) == []


def test_a_damaged_file_of_the_previous_release_is_not_shared(few) -> None:
    first = few.publish()
    damaged = first.path / "parquet" / "gap.parquet"
    damaged.chmod(0o644)
    content = bytearray(damaged.read_bytes())
    content[-20] ^= 1
    damaged.write_bytes(content)
    change(few, 2)
    second = few.publish()
    assert not (second.path / "parquet" / "gap.parquet").samefile(damaged)
    assert verify(second.path) == []


def test_a_damaged_release_is_set_aside_and_made_again(few) -> None:
    first = few.publish()
    (first.path / "release.json").unlink()
    again = few.publish()
    assert (again.release_id, again.is_new) == (first.release_id, True)
    assert verify(again.path) == []
    assert len(list(few.settings.releases.glob(".broken-*"))) == 1


def test_history_tells_from_to_and_rows(few) -> None:
    first = few.publish()
    change(few, 2)
    second = few.publish()
    use(few.settings, first.release_id)
    steps = [(entry["from"], entry["to"]) for entry in history(few)]
    assert steps == [
        (None, first.release_id),
        (first.release_id, second.release_id),
        (second.release_id, first.release_id),
    ]
    assert {entry["rows"] for entry in history(few)} == {first.rows}


def test_history_survives_a_cut_line_and_settles_a_missing_one(few) -> None:
    first = few.publish()
    path = few.settings.warehouse / "history.jsonl"
    path.write_text('{"time": "2026-', encoding="utf-8")
    change(few, 2)
    second = few.publish()
    _, *entries = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(entry)["to"] for entry in entries] == [first.release_id, second.release_id]


def test_a_failed_check_of_severity_error_refuses_the_release(few) -> None:
    first = few.publish()
    change(few, 2)
    row = few.ledger[:1].with_columns(status=pl.lit("fail"), observed=pl.lit("7 rows"))
    few.ledger.extend(row.with_columns(rule_id=pl.lit("r9")))
    with pytest.raises(ReleaseRefused, match=r"r9 on observation \(2022\): 7 rows"):
        few.publish()
    assert current_release(few.settings).release_id == first.release_id


def test_a_staged_release_that_does_not_verify_is_refused(few, monkeypatch) -> None:
    first = few.publish()
    change(few, 2)
    original = room.write_database

    def forget_a_row(folder: Path, exported, threads=None, macros=()) -> Path:
        path = original(folder, exported, threads, macros)
        import duckdb

        with duckdb.connect(str(path)) as connection:
            connection.execute("DELETE FROM gap WHERE year = 1")
        return path

    monkeypatch.setattr(room, "write_database", forget_a_row)
    with pytest.raises(ReleaseRefused, match=r"metrocircle\.duckdb main\.gap: rows"):
        few.publish()
    assert current_release(few.settings).release_id == first.release_id
    assert [path.name for path in few.settings.releases.iterdir()] == [first.release_id]


@pytest.mark.parametrize("target", ["releases/gone", "/etc", "releases/.."])
def test_a_pointer_that_leads_nowhere_is_reported(few, target: str) -> None:
    few.settings.warehouse.mkdir(exist_ok=True)
    few.settings.current.symlink_to(target)
    assert current_release(few.settings).problem
    release = few.publish()
    assert current_release(few.settings).release_id == release.release_id
    assert not current_release(few.settings).problem


def test_a_pointer_that_is_a_folder_is_reported_and_left_alone(few) -> None:
    few.settings.current.mkdir(parents=True)
    assert "is not a link" in current_release(few.settings).problem
    with pytest.raises(ReleaseRefused, match="is not a link"):
        few.publish()


@pytest.mark.parametrize("name", ["", ".", "..", ".broken-1", "none", "../../etc", "/etc"])
def test_use_refuses_what_is_no_release(few, name: str) -> None:
    few.publish()
    with pytest.raises(ReleaseRefused):
        use(few.settings, name)


HOLDER = """
import sys, time
from pathlib import Path
from pipelines.lock import exclusive
from pipelines.settings import Settings
with exclusive(Settings(warehouse=Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_refused_at_once_and_told_who_holds(few) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(few.settings.warehouse)], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(WriterBusy, match=f"pid {holder.pid}"):
            few.publish()
        assert not few.settings.releases.exists()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert few.publish().is_new


def test_the_holder_may_ask_again(few) -> None:
    with exclusive(few.settings), exclusive(few.settings):
        assert few.publish().is_new


def test_what_dead_publishes_left_is_swept(few) -> None:
    (few.settings.releases / ".staging-dead" / "release").mkdir(parents=True)
    (few.settings.warehouse / ".current-dead").symlink_to("releases/gone")
    release = few.publish()
    assert [path.name for path in few.settings.releases.iterdir()] == [release.release_id]
    assert not list(few.settings.warehouse.glob(".current-*"))
