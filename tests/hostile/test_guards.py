"""Every attack is refused with its reason, is never opened by a parser, and never hangs."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import make_hostile
import pytest

from pipelines.archive import acquire, guards, store
from pipelines.errors import MetrocircleError, RefusedInput
from pipelines.orchestration import sensors
from pipelines.settings import Settings


@pytest.fixture(autouse=True)
def within_ten_seconds() -> Iterator[None]:
    """A guard that waits (on a pipe, a device, a bomb) fails instead of hanging the run."""

    def stop(*_: object) -> None:
        raise TimeoutError("the guard waits for something")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("build", "says"), make_hostile.ATTACKS, ids=lambda v: getattr(v, "__name__", "")
)
def test_an_attack_is_refused_with_its_reason(
    build: make_hostile.Build, says: str, drop: Path, tmp_path: Path
) -> None:
    path = build(drop)
    with pytest.raises(RefusedInput, match=says):
        guards.inspect(drop, path)

    taken, refused = acquire.offered(Settings(drop=drop))
    assert taken == []
    assert [(r.outcome, bool(re.search(says, r.reason))) for r in refused] == [("refused", True)]
    # The refusal is a log row: printable on a terminal, and writable as UTF-8.
    (refusal,) = refused
    assert refusal.file.isprintable() and refusal.reason.isprintable()
    store.log(tmp_path, refusal.outcome, file=refusal.file, reason=refusal.reason)
    (row,) = acquire.acquisitions(tmp_path)
    assert row["reason"] == refusal.reason


def test_a_file_above_the_limit_is_refused_before_it_is_read(drop: Path) -> None:
    path = drop / "big.csv"
    with path.open("wb") as handle:
        handle.truncate(2 << 30)  # sparse: costs no disk
    with pytest.raises(RefusedInput, match="2147483648 bytes, more than"):
        guards.inspect(drop, path)


@pytest.mark.skipif(not hasattr(os, "mknod") or os.geteuid() != 0, reason="devices need root")
def test_a_device_is_refused_without_being_opened(drop: Path) -> None:
    try:
        os.mknod(drop / "2022.csv", 0o020666, os.makedev(1, 5))  # /dev/zero never ends
    except PermissionError:
        pytest.skip("devices are not allowed here")
    (refusal,) = acquire.offered(Settings(drop=drop))[1]
    assert refusal.outcome == "refused" and "not a regular file" in refusal.reason


def test_a_path_outside_the_folder_is_refused(drop: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n")
    with pytest.raises(RefusedInput, match="outside"):
        guards.inside(drop, drop / ".." / "secret.csv")


class Endless:
    """A folder that holds a folder that holds a folder, as `os.scandir` lists it."""

    name = "d"

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        return True

    def __enter__(self) -> list[Endless]:
        return [self]

    def __exit__(self, *_: object) -> None:
        pass


def test_folders_in_folders_without_end_stop_nothing(
    drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deeper than any recursion goes, and then than any path may be long."""
    (drop / "note.txt").write_text("x")
    (drop / "d").mkdir()
    real = os.scandir

    def endless(path: Path = Path()) -> object:
        return Endless() if Path(path).is_relative_to(drop / "d") else real(path)

    monkeypatch.setattr(os, "scandir", endless)
    _, refused = acquire.offered(Settings(drop=drop))
    assert [r.outcome for r in refused] == ["refused", "no_parser"]
    assert refused[0].reason.endswith("the folder lies more than 64 folders deep")
    assert sensors.listing(drop) == sensors.listing(drop)


def test_a_folder_that_cannot_be_read_is_no_empty_one(
    drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in it would count as withdrawn, and its numbers would leave the release."""
    (drop / "sub").mkdir()
    real = os.scandir

    def locked(path: Path) -> object:
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(MetrocircleError, match=r"sub cannot be read \(Permission denied\)"):
        acquire.offered(Settings(drop=drop))


def test_an_unreadable_file_is_one_refusal_and_the_rest_goes_on(
    drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (drop / "locked.txt").write_text("x")
    (drop / "note.txt").write_text("x")
    real = guards.media_type

    def locked(path: Path) -> str:
        if path.name == "locked.txt":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(guards, "media_type", locked)
    _, refused = acquire.offered(Settings(drop=drop))
    assert [(r.file, r.outcome) for r in refused] == [
        ("locked.txt", "unreadable"),
        ("note.txt", "no_parser"),
    ]


@pytest.mark.parametrize("name", ["年鉴 2022（下）.csv", "表 1-1.csv", "naïve\u3000name.csv"])
def test_an_honest_name_passes(name: str, drop: Path) -> None:
    (drop / name).write_text("a,b\n")
    assert guards.inspect(drop, drop / name) == "text"


def test_honest_files_pass(drop: Path) -> None:
    assert guards.inspect(drop, make_hostile.ole2(drop, sectors=20)) == "ole2"
    honest = make_hostile._xlsx(drop, "xl/workbook.xml", b'<?xml version="1.0"?><workbook/>')
    assert guards.inspect(drop, honest) == "xlsx"


def test_real_originals_pass(originals: Path) -> None:
    """The folder of originals is a real drop folder: none of its files may be refused."""
    folder = (originals / "data" / "yearbook").resolve()
    _, refused = acquire.offered(Settings(drop=folder))
    assert [json.dumps(r.__dict__) for r in refused if r.outcome == "refused"] == []
