"""Own circles: what a definition may say, and how a bad one is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import circle
from pipelines.circle import BadDefinition, Definition, Member

GOOD = """
circle_id: MY_CIRCLE
name_zh: 广佛肇
valid_from: 2021
members:
  - 广州市
  - 441202
  - {place: 清远, share: 0.5174, basis: 2020 census}
"""

# What stands in the file; what the answer must name.
REFUSED = [
    ("members: [广州, 佛山]\nmembres: 1", "unknown key 'membres'; nearest: members"),
    ("members: [广州]\nmembers: [佛山]", "the key 'members' stands twice"),
    ("members: []", "members: expected a list of places"),
    # A dozen lines of this kind stand for more rows than any memory holds.
    ("- &a [x, x]\n- &b [*a, *a]\n- [*b, *b]", "an alias has no place in a definition"),
    ("members: 广州", "members: expected a list of places"),
    ("- 广州", "expected the keys circle_id"),
    ("", "expected the keys circle_id"),
    ("members: [{place: 肇庆, share: 0.5}]", "say in `basis` what that share rests on"),
    ("members: [{place: 肇庆, share: 0, basis: x}]", "above 0 and up to 1, found '0'"),
    ("members: [{place: 肇庆, share: 1.2, basis: x}]", "above 0 and up to 1"),
    ("members: [{place: 肇庆, share: .nan, basis: x}]", "above 0 and up to 1"),
    ("members: [{place: 肇庆, share: yes, basis: x}]", "above 0 and up to 1"),
    ("members: [{name: 肇庆}]", "member 1: unknown key 'name'"),
    ("members: [[广州]]", "expected a name, a code or"),
    ("members: [广州]\nvalid_from: 21", "valid_from: expected a year"),
    ("members: [广州]\ncircle_id: my circle", "circle_id: expected capitals"),
    ('members: [广州]\ncircle_id: "A\'; drop table circle; --"', "circle_id: expected capitals"),
    ("members: !!python/object/apply:os.system ['true']", "not readable as YAML"),
    ("members: [*a]", "not readable as YAML"),
    ("? [a]\n: b", "a key must be a word"),
    ("members: [广州", "not readable as YAML"),
]


def _file(folder: Path, text: str) -> Path:
    path = folder / "own.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_definition_is_read_as_written(tmp_path: Path) -> None:
    found = circle.read_definition(_file(tmp_path, GOOD))
    assert found == Definition(
        "MY_CIRCLE",
        "广佛肇",
        None,
        2021,
        (
            Member("广州市", 1.0, "whole", "own.yml member 1"),
            Member("441202", 1.0, "whole", "own.yml member 2"),
            Member("清远", 0.5174, "2020 census", "own.yml member 3"),
        ),
    )


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_a_bad_definition_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadDefinition) as caught:
        circle.read_definition(_file(tmp_path, text))
    assert said in str(caught.value)
    assert "own.yml" in str(caught.value)


def test_a_file_too_large_is_not_parsed(tmp_path: Path) -> None:
    with pytest.raises(BadDefinition, match="at most 64000 bytes"):
        circle.read_definition(_file(tmp_path, "# " + "x" * 64_000))


def test_codes_keep_their_noughts(tmp_path: Path) -> None:
    found = circle.read_definition(_file(tmp_path, "members: [010203, 0x10, 2021-01-01]"))
    assert [member.place for member in found.members] == ["010203", "0x10", "2021-01-01"]


def test_arguments_carry_a_share() -> None:
    found = circle.from_arguments(["广州", "肇庆=0.53"], 2021)
    assert [(m.place, m.share) for m in found.members] == [("广州", 1.0), ("肇庆", 0.53)]
    with pytest.raises(BadDefinition, match="--member 1: share"):
        circle.from_arguments(["广州=much"])
