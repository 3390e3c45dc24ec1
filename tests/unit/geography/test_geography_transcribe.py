"""The committed files are what the originals say: transcribing again gives the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.geography.transcribe import list_start, transcribe
from pipelines.settings import Settings

ROOT = Settings().root


def test_transcribing_again_gives_the_committed_bytes(originals: Path, tmp_path: Path) -> None:
    shutil.copy(Settings().sources / "contract.yml", tmp_path)
    transcribe(originals, tmp_path)
    committed = {
        path.name: path.read_bytes() for path in (Settings().sources / "geography").glob("*.csv")
    }
    written = {path.name: path.read_bytes() for path in (tmp_path / "geography").glob("*.csv")}
    assert sorted(written) == sorted(committed)
    assert [name for name in sorted(written) if written[name] != committed[name]] == []


@pytest.mark.parametrize(
    ("revision", "first_day"),
    [("201412", "2014-01-01"), ("201506", "2015-06-01"), ("201610", "2016-10-01")],
)
def test_a_december_list_stands_for_its_year_and_another_for_its_month(
    revision: str, first_day: str
) -> None:
    assert list_start(revision).isoformat() == first_day
