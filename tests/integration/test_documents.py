"""The README tells the truth: its commands run and print what it shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Refreshed
from tests.documents import DOCUMENTS, ROOT, blocks, commands, normalised, output

SHOWN = [
    (name, command, shown)
    for name in DOCUMENTS
    for kind, body in blocks((ROOT / name).read_text(encoding="utf-8"))
    if kind == "console"
    for command, shown in commands(body)
]
SNIPPETS = [
    (name, body)
    for name in DOCUMENTS
    for kind, body in blocks((ROOT / name).read_text(encoding="utf-8"))
    if kind == "python"
]


def test_the_readme_shows_something() -> None:
    assert len(SHOWN) >= 5
    assert SNIPPETS


@pytest.mark.parametrize(("name", "command", "shown"), SHOWN, ids=[s[1][:60] for s in SHOWN])
def test_commands_print_what_is_shown(
    refreshed: Refreshed, name: str, command: str, shown: str
) -> None:
    printed = normalised(output(command, refreshed.warehouse), refreshed.warehouse)
    assert printed == normalised(shown, refreshed.warehouse), (
        f"{name}: run `python -m tests.documents --write`"
    )


@pytest.mark.parametrize(("name", "code"), SNIPPETS)
def test_snippets_run_beside_a_warehouse(
    refreshed: Refreshed, tmp_path: Path, name: str, code: str
) -> None:
    (tmp_path / "warehouse").symlink_to(refreshed.warehouse)
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{name}: {result.stderr}"
