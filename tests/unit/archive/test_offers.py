"""How a folder is looked at: each source is asked, the answer is remembered, nothing is lost."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipelines.archive import acquire, offers
from pipelines.archive.offers import Claim, Offer
from pipelines.errors import RefusedInput
from pipelines.rail import recognise as rail
from pipelines.settings import Settings

EDITIONS = ("210620", "210711")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "drop").mkdir()
    return Settings(warehouse=tmp_path / "warehouse", drop=tmp_path / "drop")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that the railway was asked about; it claims two editions in `trains`."""
    names: list[str] = []

    def recognise(offer: Offer, sources: Path) -> tuple[Claim, ...]:
        names.append(offer.name)
        if offer.text().startswith("trains"):
            return tuple(Claim("rail", "cr_timetable", e, "mirror", "cr") for e in EDITIONS)
        if offer.text().startswith("broken"):
            raise RefusedInput(f"{offer.name}: expected trains, found broken")
        return ()

    monkeypatch.setattr(rail, "recognise", recognise)
    return names


def dropped(settings: Settings, **files: str) -> None:
    assert settings.drop is not None
    for name, text in files.items():
        (settings.drop / name).write_text(text, encoding="utf-8")


def test_a_file_of_two_editions_joins_both_slices(settings: Settings, asked: list[str]) -> None:
    dropped(settings, one="trains")
    taken, refused = acquire.offered(settings)
    assert [(s.slice, s.reader, s.source_kind, s.file) for s in taken] == [
        (f"cr_timetable--{edition}", "cr", "mirror", "drop/one") for edition in EDITIONS
    ]
    assert refused == []
    assert set(acquire.slice_names(settings, "rail")) >= {s.slice for s in taken}


def test_an_unchanged_file_is_not_opened_again(settings: Settings, asked: list[str]) -> None:
    dropped(settings, one="trains", two="broken", three="else")
    first = acquire.offered(settings)
    assert asked == ["one", "three", "two"]
    assert acquire.offered(settings) == first
    assert asked == ["one", "three", "two"]
    # As many bytes, and a moment later: the time of change tells.
    dropped(settings, three="ELSE")
    acquire.offered(settings)
    assert asked == ["one", "three", "two", "three"]


@pytest.mark.parametrize("spoil", [b"", b"{", b"[]", b'{"code": 1}'])
def test_a_spoilt_memory_is_no_memory(settings: Settings, asked: list[str], spoil: bytes) -> None:
    dropped(settings, one="trains")
    first = acquire.offered(settings)
    (settings.build / "offers.json").write_bytes(spoil)
    assert acquire.offered(settings) == first
    assert asked == ["one", "one"]


def test_other_code_asks_again(
    settings: Settings, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped(settings, one="trains")
    acquire.offered(settings)
    monkeypatch.setattr(offers, "_SHARED", ("pipelines/archive", "workspace.yaml"))
    acquire.offered(settings)
    assert asked == ["one", "one"]


def test_what_a_client_fetched_is_offered_like_a_dropped_file(
    settings: Settings, asked: list[str]
) -> None:
    folder = settings.warehouse / acquire.FETCHED / "rail"
    folder.mkdir(parents=True)
    (folder / "live").write_text("trains", encoding="utf-8")
    dropped(settings, copy="trains")
    taken, refused = acquire.offered(settings)
    assert {s.file for s in taken} == {"drop/copy"}
    assert {r.file for r in refused} == {"fetched/rail/live"}
    assert {r.reason for r in refused} == {"the same bytes as drop/copy"}


@pytest.mark.parametrize(
    "packed",
    [
        "广州,深圳".encode(), "广州,深圳".encode("utf-8-sig"), "广州,深圳".encode("utf-16"),
        "广州,深圳".encode("gb18030"), gzip.compress("广州,深圳".encode()),
        gzip.compress("广州,深圳".encode("gb18030")),
    ],
    ids=["utf-8", "mark", "utf-16", "gb18030", "gzip", "gzip of gb18030"],
)  # fmt: skip
def test_a_head_is_read_as_the_text_it_is(packed: bytes) -> None:
    media = "gzip" if packed.startswith(b"\x1f\x8b") else "text"
    assert Offer("x", Path("x"), media, packed).text() == "广州,深圳"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "mark"])
@pytest.mark.parametrize("cut", [1, 2])
def test_a_character_cut_at_the_end_of_the_head_is_left_out(mark: bytes, cut: int) -> None:
    """Two cities' files of 64 KiB and more were taken for GB 18030: they begin with a mark."""
    head = mark + "广州".encode()[:-cut]
    assert Offer("x", Path("x"), "text", head).text() == "广"


def test_a_recogniser_that_fails_refuses_one_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rail, "recognise", lambda offer, sources: 1 / len(offer.name[3:]))
    dropped(settings, one="x")
    taken, (refusal,) = acquire.offered(settings)
    assert taken == []
    assert refusal.reason.startswith("one: cannot tell whether it belongs to rail: ZeroDivision")
