"""verify finds every kind of damage, also when the MANIFEST was rewritten to match it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.release import metadata
from pipelines.release.verify import _check_manifest, verify
from tests.conftest import ROOT


@pytest.fixture
def release(published_few: Path, tmp_path: Path) -> Path:
    """A writable copy, under another name: a release may be carried elsewhere."""
    folder = tmp_path / "copy"
    shutil.copytree(published_few, folder)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def kinds(folder: Path) -> set[tuple[str, str]]:
    return {(problem.path, problem.kind) for problem in verify(folder)}


OLD_CLIENT = """
import sys, duckdb
from pathlib import Path
from pipelines.release.verify import verify
assert duckdb.__version__ == sys.argv[1], duckdb.__version__
print(verify(Path(sys.argv[2]), 1))
"""


def test_an_older_client_finds_the_same(release: Path) -> None:
    """METROCIRCLE_OLD_DUCKDB: a folder that holds another version of the duckdb package."""
    folder = os.environ.get("METROCIRCLE_OLD_DUCKDB")
    if not folder:
        pytest.skip("METROCIRCLE_OLD_DUCKDB names no older client (tests/README.md)")
    (found,) = Path(folder).glob("duckdb-*.dist-info")
    version = found.stem.removeprefix("duckdb-")
    done = subprocess.run(
        [sys.executable, "-c", OLD_CLIENT, version, str(release)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": f"{folder}:{ROOT}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_a_sound_copy_has_no_problem(release: Path) -> None:
    assert verify(release) == []


def test_a_flipped_bit_is_found_in_every_file(release: Path) -> None:
    files = [path for path in sorted(release.rglob("*")) if path.is_file()]
    for path in files:
        before = path.read_bytes()
        for place in {0, len(before) // 2, len(before) - 1}:
            damaged = bytearray(before)
            damaged[place] ^= 1
            path.write_bytes(damaged)
            # The MANIFEST alone: reading the tables again for every bit would take minutes.
            problems, _ = _check_manifest(release)
            assert problems, f"{path.name} at {place}"
        path.write_bytes(before)
    assert verify(release) == []


def test_a_damaged_database_is_reported_and_not_opened(release: Path) -> None:
    path = release / "metrocircle.duckdb"
    path.write_bytes(path.read_bytes()[:5000])
    assert kinds(release) == {("metrocircle.duckdb", "bytes")}


DAMAGE: dict[str, tuple[Callable[[Path], object], tuple[str, str]]] = {
    "file removed": (
        lambda r: (r / "parquet" / "gap.parquet").unlink(),
        ("parquet/gap.parquet", "missing"),
    ),
    "database removed": (
        lambda r: (r / "metrocircle.duckdb").unlink(),
        ("metrocircle.duckdb", "missing"),
    ),
    "file added": (
        lambda r: (r / "parquet" / "new.parquet").write_bytes(b"x"),
        ("parquet/new.parquet", "extra"),
    ),
    "write-ahead log left": (
        lambda r: (r / "metrocircle.duckdb.wal").write_bytes(b""),
        ("metrocircle.duckdb.wal", "extra"),
    ),
    "link added": (lambda r: (r / "link").symlink_to("release.json"), ("link", "extra")),
    "linked folder added": (lambda r: (r / "more").symlink_to("parquet"), ("more", "extra")),
    "file replaced by a link": (
        lambda r: (
            (r / "quality" / "ledger.csv").rename(r.parent / "ledger.csv"),
            (r / "quality" / "ledger.csv").symlink_to(r.parent / "ledger.csv"),
        ),
        ("quality/ledger.csv", "extra"),
    ),
    "manifest removed": (
        lambda r: (r / "MANIFEST.sha256").unlink(),
        ("MANIFEST.sha256", "missing"),
    ),
    "manifest garbled": (
        lambda r: (r / "MANIFEST.sha256").write_bytes(b"\xff\xfe"),
        ("MANIFEST.sha256", "manifest"),
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(release: Path, name: str) -> None:
    damage, expected = DAMAGE[name]
    damage(release)
    assert expected in kinds(release)


def rewrite(path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    change(pl.read_parquet(path)).write_parquet(path)


def in_database(folder: Path, statement: str) -> None:
    with duckdb.connect(str(folder / "metrocircle.duckdb")) as connection:
        connection.execute(statement)


def in_document(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "release.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


FORGERY: dict[str, tuple[Callable[[Path], object], tuple[str, str]]] = {
    "a row left out of Parquet": (
        lambda r: rewrite(r / "parquet" / "gap.parquet", lambda f: f[1:]),
        ("parquet/gap.parquet", "rows"),
    ),
    "a value changed in Parquet": (
        lambda r: rewrite(
            r / "parquet" / "gap.parquet", lambda f: f.with_columns(reason=pl.lit("none"))
        ),
        ("parquet/gap.parquet", "content"),
    ),
    "a type changed in Parquet": (
        lambda r: rewrite(
            r / "parquet" / "gap.parquet", lambda f: f.with_columns(pl.col("year").cast(pl.Int64))
        ),
        ("parquet/gap.parquet", "schema"),
    ),
    "Parquet is no Parquet": (
        lambda r: (r / "parquet" / "gap.parquet").write_bytes(b"PAR1 no PAR1"),
        ("parquet/gap.parquet", "unreadable"),
    ),
    "a value changed in DuckDB": (
        lambda r: in_database(r, "UPDATE gap SET reason = '' WHERE year = 1"),
        ("metrocircle.duckdb main.gap", "content"),
    ),
    "a row left out of DuckDB": (
        lambda r: in_database(r, "DELETE FROM tidy.unit WHERE unit_id = 'unit_id-000001'"),
        ("metrocircle.duckdb tidy.unit", "rows"),
    ),
    "a table dropped from DuckDB": (
        lambda r: in_database(r, "DROP TABLE meta.lineage"),
        ("metrocircle.duckdb", "missing"),
    ),
    "a table added to DuckDB": (
        lambda r: in_database(r, "CREATE TABLE guess AS SELECT 1 AS x"),
        ("metrocircle.duckdb", "extra"),
    ),
    "DuckDB is no DuckDB": (
        lambda r: (r / "metrocircle.duckdb").write_bytes(b"no"),
        ("metrocircle.duckdb", "unreadable"),
    ),
    "another id in release.json": (
        lambda r: in_document(r, lambda d: d.update(release_id="0" * 16)),
        ("release.json", "document"),
    ),
    "another hash in release.json": (
        lambda r: in_document(r, lambda d: d["tables"]["main.gap"].update(content_hash="0" * 64)),
        ("release.json", "document"),
    ),
    "other rows in release.json": (
        lambda r: in_document(r, lambda d: d["tables"]["main.gap"].update(rows=5)),
        ("parquet/gap.parquet", "rows"),
    ),
    "a table left out of release.json": (
        lambda r: in_document(r, lambda d: d["tables"].pop("main.gap")),
        ("parquet/gap.parquet", "extra"),
    ),
    "release.json is a list": (
        lambda r: (r / "release.json").write_text("[]"),
        ("release.json", "document"),
    ),
    "release.json is not there": (
        lambda r: (r / "release.json").unlink(),
        ("release.json", "missing"),
    ),
}


@pytest.mark.parametrize("name", FORGERY)
def test_a_matching_manifest_hides_nothing(release: Path, name: str) -> None:
    damage, expected = FORGERY[name]
    damage(release)
    metadata.write_manifest(release)
    assert expected in kinds(release)


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert kinds(tmp_path / "none") == {("none", "missing")}
