"""The manifest that Dagster loads: whole, whoever else loads or builds at that moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipelines.settings import Settings
from pipelines.transform import project
from tests.conftest import ROOT

ASK = """
import json, sys
from pathlib import Path
from pipelines.settings import Settings
from pipelines.transform import project
path = project.ensure_manifest(Settings(warehouse=Path(sys.argv[1])))
json.loads(path.read_bytes())
print(path)
"""


def test_several_processes_that_ask_at_once_read_one_whole_manifest(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ASK, str(tmp_path)]
    asking = [
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=300) for process in asking]
    assert [process.returncode for process in asking] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    # dbt writes the manifest of its own in place: who loads the graph must neither read half of it
    # nor write into the folder of a build that is going on.
    assert not project.manifest_path(Settings(warehouse=tmp_path)).exists()
