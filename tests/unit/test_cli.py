"""The command: help everywhere, exit codes, JSON that parses, sentences instead of tracebacks."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import make_yearbook
import pytest

from pipelines import cli
from pipelines.settings import ROOT, Settings

COMMANDS = next(
    action.choices
    for action in cli.parser()._actions
    if isinstance(action, argparse._SubParsersAction)
)


@pytest.fixture(autouse=True)
def empty_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("METROCIRCLE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("METROCIRCLE_WAREHOUSE", str(tmp_path / "warehouse"))
    return tmp_path / "warehouse"


@pytest.mark.parametrize("command", ["", *sorted(COMMANDS)])
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main([*command.split(), "--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: metrocircle {command}".strip() in shown
    assert all(name in shown for name in (COMMANDS if not command else ()))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_its_function(command: str) -> None:
    assert callable(getattr(cli, f"command_{command.replace('-', '_')}"))


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["query"], ["refresh", "--nonsense"], ["query", "x", "--limit"]]
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2


# arguments, environment, words of the one message on stderr
MISTAKES: list[tuple[list[str], dict[str, str], str]] = [
    (["refresh", "--slice", "yearbook/guangdong_yearbook-2024"], {},
     "nearest: yearbook/guangdong_yearbook--2024"),
    (["refresh", "--slice", "qqqqqqqqqqqq"], {}, "nearest: none"),
    (["refresh", "--drop", "{here}/nowhere"], {}, "nowhere is not a folder"),
    (["refresh", "--drop", "{here}/file"], {}, "file is not a folder"),
    (["status", "--drop", "{here}/nowhere"], {}, "nowhere is not a folder"),
    (["status"], {"METROCIRCLE_DROP": "{here}/nowhere"}, "nowhere is not a folder"),
    (["status"], {"METROCIRCLE_THREADS": "many"}, "expected 1, 2, 3, …, found 'many'"),
    (["status"], {"METROCIRCLE_THREADS": "0"}, "METROCIRCLE_THREADS"),
    (["query", "select 1"], {}, "no release yet"),
    (["verify"], {}, "no release yet"),
    (["verify", "../.."], {}, ""),
    (["use", "nonsense"], {}, ""),
    (["use", "../evil"], {}, "is not a release id"),
    (["transcribe", "{here}/nowhere"], {}, "nowhere is not a folder"),
    (["refresh"], {"METROCIRCLE_WAREHOUSE": "{here}/file"}, "file"),
    (["contract"], {"METROCIRCLE_SOURCES": "{here}"}, "contract.yml"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "environment", "says"), MISTAKES)
def test_a_mistake_is_one_message_and_exit_code_1(
    arguments: list[str],
    environment: dict[str, str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("x")
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(here=tmp_path))
    assert cli.main([part.format(here=tmp_path) for part in arguments]) == 1
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err
    assert says in shown.err


def test_status_json_says_what_is_stale(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["release_id"] is None
    assert facts["slices"] == len(facts["stale"]) > 30
    assert "yearbook/guangdong_yearbook--2024" in facts["stale"]
    assert "yearbook/guangdong_yearbook--2024: new" in facts["reasons"]


def test_a_dry_run_does_nothing(empty_warehouse: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["refresh", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["release_stale"] is True
    assert not empty_warehouse.exists()


def test_rejects_and_doctor_answer_on_an_empty_warehouse(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["rejects", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    cli.main(["doctor", "--json"])
    findings = {f["what"]: f["is_well"] for f in json.loads(capsys.readouterr().out)}
    assert findings["warehouse"] is False and findings["sources"] is True


def test_rejects_show_the_row_as_it_came_and_the_files_that_were_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of each kind in one dropped file, a file beside it that no parser may open."""
    drop = tmp_path / "drop"
    drop.mkdir()
    odd = make_yearbook.text(
        {"place": "广洲市"}, {"indicator": "gdpp"}, {"value": "12,34"}, {"period": "20x1"},
        {"unit": "亿圆"}, {"unit": "平方公里"}, {"edition": "2099"}, {"status": "sure"},
        {"value": "9\x1b[31m9"}, {"place": ""},
    )  # fmt: skip
    (drop / "odd.csv").write_text(odd, encoding="utf-8")
    (drop / "bomb.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    settings = Settings(warehouse=tmp_path / "warehouse", drop=drop)
    make_yearbook.extract_slice(settings)
    assert cli.main(["rejects", "--drop", str(drop)]) == 0
    shown = capsys.readouterr().out
    lines = dict(zip(shown.splitlines(), shown.splitlines()[1:], strict=False))
    for place, reason, row in (
        ("L2:place", "unknown or ambiguous place", "广洲市 | gdp | 2021 | 全市 | 28231.97 | 亿元"),
        ("L3:indicator", "the header is not mapped", "gdpp"),
        ("L4:value", "the value is not a number", "12,34"),
        ("L5:period", "the period cannot be read", "20x1"),
        ("L6:unit", "unknown unit", "亿圆"),
        ("L7:unit", "the unit cannot measure gdp", "平方公里"),
        ("L8:document", "the row belongs to another slice", "2021"),
        ("L9:status", "unknown status", "广州市"),
        ("L10:value", "the value is not a number", "9\\x1b[31m9"),
        ("L11:place", "unknown or ambiguous place", " | gdp | 2021 | 全市"),
    ):
        (line,) = (line for line in lines if f"drop/odd.csv {place}: {reason}" in line)
        assert lines[line].lstrip().startswith("as it came: ") and row in lines[line]
    assert "L5:place" not in shown  # a consequence of the period alone
    assert "refused  drop/bomb.zip: damaged zip" in shown
    assert "\x1b" not in shown
    assert cli.main(["rejects", "--drop", str(drop), "--severity", "refused", "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)
    assert (file["file"], file["severity"]) == ("drop/bomb.zip", "refused")
    # The slices of rejects are extracted again, with the same folder, and no other.
    asked: list[tuple[Path | None, list[str]]] = []

    def refresh(known: Settings, options: argparse.Namespace) -> int:
        asked.append((known.drop, options.slice))
        return 0

    monkeypatch.setattr(cli, "command_refresh", refresh)
    assert cli.main(["rejects", "--drop", str(drop), "--severity", "error", "--rerun"]) == 0
    assert asked == [(drop, [f"yearbook/{make_yearbook.DOCUMENT}--{make_yearbook.EDITION}"])]


def test_doctor_changes_nothing(empty_warehouse: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 1
    assert "BAD  warehouse" in capsys.readouterr().out
    assert not empty_warehouse.exists()


def test_the_contract_command_finds_the_tree_in_order() -> None:
    assert cli.main(["contract"]) == 0


def test_a_reader_that_leaves_early_is_no_traceback() -> None:
    """`metrocircle … | head -1`: the pipe closes while much is still to be written."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m pipelines.cli status --json | head -c 1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "{" and done.stderr == ""
