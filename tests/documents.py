"""The commands and outputs that the documents show, run and compared.

A block that starts with ```console holds commands after `$ ` and what they print; a ```python block
is run as it stands. `python -m tests.documents --write` runs them all on the current warehouse and
writes what they print now, so that the documents stay true.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pipelines import report

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "dbt_project/analyses/README.md")
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RELEASE_ID = re.compile(r"\b[0-9a-f]{16}\b")


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """(kind, body) of every block that is run."""
    for match in BLOCK.finditer(text):
        yield match.group(1), match.group(2)


def commands(body: str) -> list[tuple[str, str]]:
    """(command, shown output) pairs of a console block; a trailing backslash joins lines."""
    pairs: list[tuple[str, str]] = []
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        lines = part.split("\n")
        command = lines.pop(0)
        while command.endswith("\\"):
            command = command[:-1] + lines.pop(0).strip()
        pairs.append((command, "\n".join(lines).strip("\n")))
    return pairs


def normalised(text: str, warehouse: Path) -> str:
    """Without what differs from machine to machine: paths, ids that are hashes, trailing blanks."""
    text = text.replace(str(warehouse.resolve()), "warehouse").replace(str(warehouse), "warehouse")
    text = RELEASE_ID.sub("<id>", text)
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))


def output(command: str, warehouse: Path) -> str:
    """What the command prints; `make refresh` is answered by the report of the release in use."""
    if command == "make refresh":
        return report.text(report.summary((warehouse / "current").resolve()), "warehouse/current")
    words = shlex.split(command)
    if words[0].endswith("metrocircle"):
        words = [sys.executable, "-m", "pipelines.cli", *words[1:]]
    environment = {**os.environ, "METROCIRCLE_WAREHOUSE": str(warehouse), "COLUMNS": "100"}
    result = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise AssertionError(f"{command}\nexit {result.returncode}\n{result.stderr}")
    return result.stdout


def rewritten(text: str, warehouse: Path) -> str:
    """The document with every shown output replaced by what the commands print now."""

    def block(match: re.Match[str]) -> str:
        kind, body = match.group(1), match.group(2)
        if kind == "python":
            return match.group(0)
        parts = []
        for part in re.split(r"(?=^\$ )", body, flags=re.MULTILINE):
            if not part.startswith("$ "):
                continue
            [(command, shown)] = commands(part)
            typed = part[: part.rindex(shown)] if shown else part
            parts.append(
                typed.rstrip("\n") + "\n" + normalised(output(command, warehouse), warehouse)
            )
        return f"```{kind}\n" + "\n\n".join(parts) + "\n```"

    return BLOCK.sub(block, text)


def main() -> int:
    for name in DOCUMENTS:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        new = rewritten(text, ROOT / "warehouse")
        if "--write" in sys.argv:
            path.write_text(new, encoding="utf-8")
        elif new != text:
            sys.stdout.write(f"{name} shows outputs that are no longer true\n")
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
