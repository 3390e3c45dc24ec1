"""The committed environment files are sound, and the originals still give exactly these bytes."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from pipelines.environment import transcribe as module
from pipelines.environment.transcribe import transcribe
from pipelines.settings import Settings

ROOT = Settings().root
ENVIRONMENT = Settings().sources / "environment"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_originals_give_the_committed_bytes(originals: Path, tmp_path: Path) -> None:
    report = transcribe(originals, tmp_path)
    made = tmp_path / "environment"
    written = {path.relative_to(made) for path in made.rglob("*.csv")}
    kept = {path.relative_to(ENVIRONMENT) for path in ENVIRONMENT.glob("transcriptions/*/*.csv")}
    assert written == kept | {Path(f"{n}.csv") for n in ("breakpoints", "limits", "originals")}
    for name in sorted(written):
        assert (made / name).read_bytes() == (ENVIRONMENT / name).read_bytes(), name
    assert "gd_env_bulletin: 468 of 468 listed values equal the cells read" in report


def test_every_row_names_a_listed_original() -> None:
    listed = {row["path"]: row["sha256"] for row in table(ENVIRONMENT / "originals.csv")}
    files = [*ENVIRONMENT.glob("transcriptions/*/*.csv"), ENVIRONMENT / "limits.csv"]
    for path in [*files, ENVIRONMENT / "breakpoints.csv"]:
        for row in table(path):
            assert listed[row["read_from"]].startswith(row["read_sha256"]), row
            assert len(row["read_sha256"]) == 12


def test_every_edition_is_listed_once_and_no_map_row_is_idle() -> None:
    editions = [(r["document"], r["edition"]) for r in table(ENVIRONMENT / "editions.csv")]
    held = {(p.parent.name, p.stem) for p in ENVIRONMENT.glob("transcriptions/*/*.csv")}
    # An undated document has no date to list.
    assert set(editions) == {e for e in held if e[1] != "undated"}
    assert len(editions) == len(set(editions))
    printed = {
        row["indicator"]
        for path in ENVIRONMENT.glob(f"transcriptions/{module.BULLETIN}/*.csv")
        for row in table(path)
    }
    mapped = {row["header"]: row["note"] for row in table(ENVIRONMENT / "maps" / "headers.csv")}
    assert printed <= mapped.keys()
    # A header that no page held in full prints says where it was seen.
    assert all(mapped[header] for header in mapped.keys() - printed)


def test_files_stay_small_and_name_no_machine() -> None:
    files = [path for path in ENVIRONMENT.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1.5e6
    for path in files:
        assert not re.search(r"/(work|home|root|Users)/", path.read_text(encoding="utf-8")), path
