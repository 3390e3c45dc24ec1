"""The archive keeps bytes whole under their hash, and a log that survives a crash."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.archive import store
from pipelines.archive.acquire import acquisitions
from pipelines.archive.store import Snapshot, sha256_of, snapshot_id


def offered(folder: Path, data: bytes = b"a,b\n1,2\n") -> Snapshot:
    path = folder / "offered.csv"
    path.write_bytes(data)
    sha256 = sha256_of(path)
    return Snapshot(
        snapshot_id("yearbook", "d", "2022", sha256), "yearbook", "d", "2022", "d--2022",
        "drop/offered.csv", sha256, len(data), "transcription", path,
    )  # fmt: skip


def test_bytes_are_held_under_their_hash_read_only_and_once(tmp_path: Path) -> None:
    snapshot = offered(tmp_path)
    held = store.put(tmp_path / "archive", snapshot)
    assert held.name == snapshot.sha256 == sha256_of(held)
    assert held.stat().st_mode & 0o222 == 0
    written = held.stat()
    assert store.put(tmp_path / "archive", snapshot) == held
    assert held.stat() == written


def test_a_source_that_changes_meanwhile_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    snapshot = offered(tmp_path)
    snapshot.path.write_bytes(b"other")
    with pytest.raises(OSError, match=r"drop/offered\.csv changed while"):
        store.put(tmp_path / "archive", snapshot)
    assert list((tmp_path / "archive").iterdir()) == []


def test_a_killed_copy_leaves_no_file_under_the_final_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = offered(tmp_path)

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store.os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        store.put(tmp_path / "archive", snapshot)
    assert list((tmp_path / "archive").iterdir()) == []


def test_what_a_killed_copy_left_is_swept_and_a_copy_at_work_is_not(tmp_path: Path) -> None:
    left, young = tmp_path / ".incoming.left", tmp_path / ".incoming.young"
    for path in (left, young):
        path.write_bytes(b"half")
    os.utime(left, (0, 0))
    held = store.put(tmp_path, offered(tmp_path))
    os.utime(held, (0, 0))
    assert store.sweep(tmp_path) == 1
    assert (left.exists(), young.exists(), held.exists()) == (False, True, True)


def test_a_snapshot_id_tells_editions_apart_and_no_machine(tmp_path: Path) -> None:
    snapshot = offered(tmp_path)
    assert snapshot.snapshot_id == "".join(snapshot_id("yearbook", "d", "2022", snapshot.sha256))
    others = {snapshot_id(*parts, snapshot.sha256) for parts in (
        ("yearbook", "d", "2022"), ("yearbook", "d", "2023"), ("yearbook", "d2", "022"),
        ("rail", "d", "2022"),
    )}  # fmt: skip
    assert len(others) == 4
    moved = replace(snapshot, path=Path("/elsewhere"))
    assert moved.row() == snapshot.row()
    assert str(tmp_path) not in json.dumps(snapshot.row())


@pytest.mark.parametrize(
    "cut", [b'{"outcome": "arch', '{"outcome": "年'.encode()[:-1], b"[1]\n", b"\xff\xfe\n"]
)
def test_the_log_survives_a_line_cut_by_a_crash(tmp_path: Path, cut: bytes) -> None:
    store.log(tmp_path, "archived", file="一.csv")
    with (tmp_path / "acquisitions.jsonl").open("ab") as handle:
        handle.write(cut)
    store.log(tmp_path, "refused", file="二.csv", reason="a\u2028b")
    assert [(row["outcome"], row["file"]) for row in acquisitions(tmp_path)] == [
        ("archived", "一.csv"),
        ("refused", "二.csv"),
    ]


def test_no_log_is_an_empty_log(tmp_path: Path) -> None:
    assert acquisitions(tmp_path) == []
