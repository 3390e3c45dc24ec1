"""Tables that rest on the same are taken over from the release in use, and no others."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.orchestration import profile
from pipelines.release.publish import current_release, verify

# What each table rests on at first; a table that is not named is written every time.
RESTS_ON = dict.fromkeys(("city_indicator_year", "city_indicator_best", "gap", "indicator"), "a")


def written(few, rests_on: dict[str, str]) -> int:
    """Publish; how many tables were written."""
    before, _ = profile.counts().get("tables", (0, 0))
    few.publish(rests_on)
    return profile.counts()["tables"][0] - before


def first_value(few) -> float:
    path = current_release(few.settings).path / "metrocircle.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("select max(value) from city_indicator_best").fetchone()[0]


def test_a_table_is_made_again_when_what_it_rests_on_changed(few) -> None:
    every = written(few, RESTS_ON)
    first = current_release(few.settings)
    few.mark(7)
    # Nobody said that it changed, so its rows are taken over: what a room says is what counts.
    assert written(few, RESTS_ON | {"city_indicator_year": "b"}) == every - len(RESTS_ON) + 1
    second = current_release(few.settings)
    assert second.release_id != first.release_id
    assert first_value(few) != 7
    same = {"city_indicator_best", "gap", "indicator"}
    for name in RESTS_ON:
        file = f"parquet/{name}.parquet"
        assert (second.path / file).samefile(first.path / file) == (name in same)
    assert written(few, RESTS_ON | {"city_indicator_best": "b"}) > 0
    assert first_value(few) == 7
    assert verify(first.path) == verify(second.path) == []


def test_a_release_that_is_there_already_is_taken_over_from_too(few) -> None:
    few.publish()
    every = written(few, RESTS_ON)
    few.mark(7)
    changed = RESTS_ON | {"city_indicator_year": "b", "city_indicator_best": "b"}
    assert written(few, changed) == every - 2


def test_taken_over_or_written_the_release_is_the_same(few, make) -> None:
    few.publish(RESTS_ON)
    few.mark(7)
    changed = RESTS_ON | {"city_indicator_year": "b", "city_indicator_best": "b"}
    other = make("other", few_tables=True)
    other.mark(7)
    assert few.publish(changed).release_id == other.publish().release_id
    hashes = [
        (current_release(build.settings).path / "MANIFEST.sha256").read_text(encoding="utf-8")
        for build in (few, other)
    ]
    parquet = [[line for line in text.splitlines() if "parquet" in line] for text in hashes]
    assert parquet[0] == parquet[1]


def test_an_open_table_also_rests_on_the_registry_that_adds_its_columns(tiny) -> None:
    rests_on = {"indicator": "a", "city_year_wide": "a"}
    every = written(tiny, rests_on)
    tiny.sql("update city_indicator_year set value = 7")
    assert written(tiny, rests_on) == every - 2
    tiny.sql("update city_indicator_year set value = 8")
    assert written(tiny, rests_on | {"indicator": "b"}) == every


@pytest.mark.parametrize("spoil", ["flip", "remove", "link"])
def test_a_damaged_file_is_not_carried_on(few, spoil: str) -> None:
    every = written(few, RESTS_ON)
    damaged = current_release(few.settings).path / "parquet" / "gap.parquet"
    damaged.chmod(0o644)
    if spoil == "flip":
        content = bytearray(damaged.read_bytes())
        content[-20] ^= 1
        damaged.write_bytes(content)
    elif spoil == "link":
        damaged.rename(few.settings.warehouse / "elsewhere.parquet")
        damaged.symlink_to(few.settings.warehouse / "elsewhere.parquet")
    else:
        damaged.unlink()
    few.mark(7)
    changed = RESTS_ON | {"city_indicator_year": "b", "city_indicator_best": "b"}
    assert written(few, changed) == every - len(RESTS_ON) + 3
    assert verify(current_release(few.settings).path) == []
