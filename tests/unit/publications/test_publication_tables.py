"""The publications as committed: complete, parsed, cited, and what hostile rows turn into."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipelines import contract
from pipelines.errors import ContractBroken, Reject
from pipelines.geography.divisions import Flaw
from pipelines.publications import tables
from pipelines.publications.assets import READERS
from pipelines.publications.numbers import find_numbers, read_number
from pipelines.publications.transcribe import transcribe
from pipelines.settings import Settings

ROOT, SOURCES = Settings().root, Settings().sources
CONTRACT = contract.load(SOURCES / "contract.yml")


@pytest.fixture(autouse=True)
def fresh_names() -> Iterator[None]:
    tables.read_names.cache_clear()
    yield
    tables.read_names.cache_clear()


def load(name: str, sources: Path = SOURCES) -> tuple[pl.DataFrame, list[Reject]]:
    return READERS[name](sources, lambda file: f"snapshot of {file}", CONTRACT.table(name))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of what the publications read, to be spoiled."""
    for folder in ("publications", "geography"):
        shutil.copytree(SOURCES / folder, tmp_path / folder)
    for file in ("contract.yml", "units.csv", "indicators.csv"):
        shutil.copy(SOURCES / file, tmp_path)
    return tmp_path


def spoil(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


# printed text | number meant | value | decimals
NUMBERS = [
    ("68089.47", "68089.47", "68089.47", 2),
    ("4.00", "4.00", "4", 2),
    ("100", "100", "100", 0),
    ("200km", "200", "200", 0),
    ("3.2：48.9：47.9", "48.9", "48.9", 1),
    ("2.9：41.3：55.8", "2.9", "2.9", 1),
    ("-2.0", "-2.0", "-2", 1),
    ("下降了2.6个百分点", "2.6", "-2.6", 1),
    ("約 3257 萬人", "3257", "3257", 0),
    ("超 2800 万", "2800", "2800", 0),
    ("五大都市圈", "五", "5", 0),
    ("“五主四辅”", "四", "4", 0),
    ("十五分鐘", "十五", "15", 0),
    ("十里", "十", "10", 0),
    ("半小时", "半", "0.5", None),
    ("四分之一", "四分之一", "0.25", None),
    ("一半以上", "一半", "50", None),
    ("千亿级", "千亿", "1000", None),
    ("全覆蓋", "全覆蓋", "100", None),
    ("缺乏 I 型大城市", "缺乏", "0", None),
]


@pytest.mark.parametrize(
    ("text", "meant", "value", "decimals"), NUMBERS, ids=[n[0] for n in NUMBERS]
)
def test_a_printed_number_is_read_with_its_decimals(
    text: str, meant: str, value: str, decimals: int | None
) -> None:
    number = tables.printed_number(text, meant)
    assert not isinstance(number, Flaw)
    assert (number.value, number.decimals) == (Decimal(value), decimals)


@pytest.mark.parametrize("text", ["", "—", "abc", "1e3", "NaN", "inf", "1,000", "五六"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text) is None


def test_a_number_the_text_does_not_print_is_a_flaw() -> None:
    flaw = tables.printed_number("3.2：48.9：47.9", "48.8")
    assert isinstance(flaw, Flaw) and flaw.candidates == "3.2, 48.9, 47.9"


def test_numerals_and_digits_are_found_in_order() -> None:
    assert [n.text for n in find_numbers("3 小时联通泛珠三角城市")] == ["3", "三"]


@pytest.mark.parametrize("name", READERS)
def test_committed_rows_load_by_contract_and_none_is_refused(name: str) -> None:
    frame, rejects = load(name)
    assert [reject.message() for reject in rejects] == []
    assert dict(frame.schema) == contract.polars_schema(CONTRACT.table(name))
    assert frame.select(CONTRACT.table(name).key).is_unique().all()
    assert frame["snapshot_id"].null_count() == 0


def test_every_figure_and_target_is_there_and_mapped_or_reasoned() -> None:
    figures, targets = load("printed_figure")[0], load("policy_target")[0]
    assert figures["figure_id"].to_list() == [f"F{n:04d}" for n in range(1, 456)]
    assert targets["target_id"].to_list() == [f"T{n:04d}" for n in range(1, 86)]
    for frame in (figures, targets):
        assert frame.filter(
            pl.col("indicator_id").is_null() == pl.col("indicator_reason").is_null()
        ).is_empty()
        places = pl.sum_horizontal(
            pl.col("place_code", "circle_id", "place_reason").is_not_null().cast(int)
        )
        assert frame.filter(places != 1).is_empty()
        assert frame.filter(~pl.col("locator").str.contains(r"^L\d+$")).is_empty()
        assert frame["value_text"].str.len_chars().max() <= 25


def test_every_quantitative_target_and_every_figure_but_a_dash_has_a_number() -> None:
    figures, targets = load("printed_figure")[0], load("policy_target")[0]
    assert figures.filter(pl.col("value").is_null())["value_text"].unique().to_list() == ["—"]
    unread = targets.filter(pl.col("is_quantitative") == pl.col("value").is_null())
    assert unread.is_empty()
    assert targets.filter(~pl.col("is_quantitative")).height == 5


@pytest.mark.parametrize(
    ("file", "before", "after", "reason", "near"),
    [
        ("printed_figures.csv", ",gdp_current,", ",gdp_curent,", "unknown indicator",
         "gdp_current"),
        ("printed_figures.csv", ",广东,n_metro", ",广东省份,n_metro", "unknown place", "广东"),
        ("printed_figures.csv", ",亿元,2021,printed,=,68089.47", ",亿,2021,printed,=,68089.47",
         "unknown unit of gdp_current", "亿元, 万亿元"),
        ("printed_figures.csv", "68418.4,68418.4", "68418.4,68418.5", "no such number", "68418.4"),
        ("printed_figures.csv", "F0002,", "F0001,", "the key stands twice", ""),
        ("policy_targets.csv", ",=,inferred", ",≥,inferred", "unknown comparator", ""),
        ("policy_targets.csv", ",88%,88,", ",88%,八八,", "no such number", "88"),
    ],
)  # fmt: skip
def test_a_bad_row_is_rejected_with_candidates_and_the_others_load(
    copied: Path, file: str, before: str, after: str, reason: str, near: str
) -> None:
    spoil(copied / "publications" / file, before, after)
    name = {"printed_figures.csv": "printed_figure", "policy_targets.csv": "policy_target"}[file]
    frame, rejects = load(name, copied)
    assert len(rejects) == 1 and frame.height == {"printed_figure": 454, "policy_target": 84}[name]
    assert rejects[0].reason.startswith(reason)
    assert all(part in rejects[0].candidates for part in near.split(", "))
    assert rejects[0].severity == "error" and rejects[0].locator.startswith("L")


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [
        ("indicator_aliases.csv", ",gdp,cny_100m,", ",gpd,cny_100m,", "nearest: gdp"),
        ("indicator_aliases.csv", ",gdp,cny_100m,", ",gdp,person,", "does not measure gdp"),
        ("place_aliases.csv", "GZ_PAPER9", "GZ_PAPER8", "nearest: GZ_PAPER9"),
        ("place_aliases.csv", "440000", "449999", "unknown place_code"),
    ],
)
def test_an_alias_that_leads_nowhere_stops_the_extract(
    copied: Path, file: str, before: str, after: str, told: str
) -> None:
    spoil(copied / "publications" / file, before, after)
    with pytest.raises(ContractBroken, match=told):
        load("printed_figure", copied)


def test_no_row_holds_a_sentence() -> None:
    for path in sorted((SOURCES / "publications").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                assert not [cell for cell in row.values() if "。" in cell or "，" in cell], path


def test_transcribing_again_gives_the_committed_bytes(originals: Path, tmp_path: Path) -> None:
    shutil.copy(SOURCES / "contract.yml", tmp_path)
    shutil.copytree(SOURCES / "geography", tmp_path / "geography")
    transcribe(originals, tmp_path)
    folder = SOURCES / "publications"
    committed = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    written = {p.name: p.read_bytes() for p in (tmp_path / "publications").glob("*.csv")}
    assert sorted(written) == sorted(committed)
    assert [name for name in sorted(written) if written[name] != committed[name]] == []
