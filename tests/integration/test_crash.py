"""A few kills, full disks and readers of `tests.crash`; a long run is a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_cli

pytestmark = pytest.mark.slow

# METROCIRCLE_KILLS=300 makes these the long run.
KILLS = int(os.environ.get("METROCIRCLE_KILLS") or 8)


@pytest.mark.parametrize("series", ["publish", "prune", "disk"])
def test_kills_and_full_disks(series: str) -> None:
    """In a process of its own: its victims are forks, and a fork of pytest holds many threads."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", "--only", series, "--kills", str(KILLS),
         "--disks", str(max(4, KILLS // 4))],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counts = {
        line[:28].strip(): int(line[28:].replace(",", "")) for line in done.stdout.splitlines()
    }
    if series == "disk":
        assert counts["full disk refused"] >= 4
    else:
        assert counts[f"{series} killed"] >= KILLS // 2
    if series == "publish":
        assert counts["reader queries"] > 0


HOLDER = """
import sys, time
from pathlib import Path
from pipelines.lock import exclusive
from pipelines.settings import Settings
with exclusive(Settings(warehouse=Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_refresh_says_who_is_at_work_and_changes_nothing(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(warehouse)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    try:
        second = run_cli("refresh", warehouse=warehouse)
    finally:
        holder.communicate("done\n")
    assert second.returncode == 1
    assert f"(pid {holder.pid}) is writing this warehouse" in second.stderr
    assert "Traceback" not in second.stderr
    assert [path.name for path in warehouse.iterdir()] == [".lock"]


NOBODY = """
import os, sys
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
from pipelines import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_read_only_disk_is_said_in_one_line(tmp_path: Path) -> None:
    """Root may write everywhere, so the command gives its rights away first."""
    warehouse = tmp_path / "warehouse"
    warehouse.mkdir()
    warehouse.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", NOBODY, "prune", "--keep", "1"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {
            "METROCIRCLE_WAREHOUSE": str(warehouse), "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(ROOT),
        },
    )  # fmt: skip
    if "No module named" in done.stderr:
        pytest.skip("the checkout cannot be read by another user here")
    assert done.returncode == 1
    assert done.stderr.startswith("metrocircle prune: [Errno 13] Permission denied")
    assert "Traceback" not in done.stderr
    assert list(warehouse.iterdir()) == []
