"""A withdrawn edition is left out of what is offered, with its reason, and can come back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import make_yearbook
import pytest

from pipelines.archive import acquire, withdraw
from pipelines.errors import ContractBroken, MetrocircleError

NAME = ("china_city_yearbook", "2014")
HELD = ["china_city_yearbook 2013", "china_city_yearbook 2014"]


def test_neither_the_embedded_nor_a_dropped_copy_counts(tmp_path: Path) -> None:
    house = make_yearbook.house(tmp_path / "house")
    drop = tmp_path / "drop"
    drop.mkdir()
    own = {"document": NAME[0], "edition": NAME[1]}
    (drop / "rows.csv").write_text(make_yearbook.text(own), encoding="utf-8")
    settings = replace(house, drop=drop)
    assert [s.slice for s in acquire.offered(settings)[0]] == ["china_city_yearbook--2014"]
    withdraw.withdraw(settings.sources, HELD, *NAME, "rows of two provinces are exchanged")
    slices = {s.slice for s in acquire.embedded(settings)}
    assert "china_city_yearbook--2014" not in slices
    assert "china_city_yearbook--2013" in slices
    assert "china_city_yearbook--2014" not in acquire.slice_names(settings, "yearbook")
    taken, refused = acquire.offered(settings)
    assert taken == []
    assert json.dumps([r.__dict__ for r in refused]) == json.dumps([{
        "file": "rows.csv", "outcome": "withdrawn",
        "reason": "china_city_yearbook 2014 is withdrawn: rows of two provinces are exchanged",
    }])  # fmt: skip
    withdraw.restore(settings.sources, *NAME)
    assert "china_city_yearbook--2014" in {s.slice for s in acquire.embedded(settings)}


@pytest.mark.parametrize(
    ("edition", "reason", "message"),
    [
        ("2041", "x", "no edition china_city_yearbook 2041 is held; nearest: china_city_yearbook"),
        ("2014", " ", "say why"),
    ],
)
def test_what_cannot_be_withdrawn(edition: str, reason: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(MetrocircleError, match=message):
        withdraw.withdraw(tmp_path, HELD, NAME[0], edition, reason)
    assert withdraw.read(tmp_path) == {}


def test_twice_and_back_and_damaged(tmp_path: Path) -> None:
    withdraw.withdraw(tmp_path, HELD, *NAME, "why")
    with pytest.raises(MetrocircleError, match="withdrawn already: why"):
        withdraw.withdraw(tmp_path, HELD, *NAME, "again")
    withdraw.restore(tmp_path, *NAME)
    with pytest.raises(MetrocircleError, match="is not withdrawn"):
        withdraw.restore(tmp_path, *NAME)
    (tmp_path / withdraw.FILE).write_text("document,edition,reason\na,2014,\n", encoding="utf-8")
    with pytest.raises(ContractBroken, match=r"withdrawn\.csv L2"):
        withdraw.read(tmp_path)
