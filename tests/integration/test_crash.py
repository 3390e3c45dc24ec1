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
        second = run_cli("refresh", "--wait", "1", warehouse=warehouse)
    finally:
        holder.communicate("done\n")
    assert second.returncode == 1
    assert f"(pid {holder.pid}) is writing this warehouse" in second.stderr
    assert "Traceback" not in second.stderr
    assert [path.name for path in warehouse.iterdir()] == [".lock"]


SMALL_DISK = """
import sys
from pathlib import Path
sys.path.insert(0, "tests/fixtures")
from make_tiny_build import make_tiny_build
from pipelines import cli
from pipelines.release.publish import current_release, verify
from pipelines.release.query import query
import subprocess

disk = Path(sys.argv[1])
build = make_tiny_build(disk / "warehouse", few_tables=True)
build.mark(1)
old = build.publish().release_id
build.mark(2)
filler = disk / "filler"
with filler.open("wb") as handle:
    try:
        while True:
            handle.write(bytes(1 << 16))
            handle.flush()
    except OSError as error:
        assert error.errno == 28, error
try:
    build.publish()
except Exception as error:
    print("full:", type(error).__name__)
else:
    raise SystemExit("a full disk took a release")
current = current_release(build.settings)
assert current.release_id == old and verify(current.path) == []
filler.unlink()
new = build.publish().release_id
assert new != old and not list(build.settings.releases.glob(".*"))
subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
assert cli.main(["prune", "--keep", "1"]) == 1
assert query(current_release(build.settings).path, "select count(*) n from indicator")["n"][0]
print("read-only: prune refused, readers read")
"""


def test_a_full_and_a_read_only_disk(tmp_path: Path) -> None:
    """On a real small disk, in a mount namespace of its own; needs the right to mount."""
    mount = f"mount -t tmpfs -o size=24m none {tmp_path}"
    tried = subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("a small disk cannot be mounted here (needs root and unshare)")
    script = tmp_path.parent / "small_disk.py"
    script.write_text(SMALL_DISK)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{mount} && exec "$0" "$@"', sys.executable, str(script),
         str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {
            "PYTHONPATH": str(ROOT), "METROCIRCLE_WAREHOUSE": f"{tmp_path}/warehouse",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("full:")
    assert "metrocircle prune: [Errno 30] Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
