"""The example notebook runs on a release, and is committed without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT, Refreshed

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_clean(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    for cell in book.cells:
        assert not cell.get("outputs") and not cell.get("execution_count")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_beside_a_warehouse(refreshed: Refreshed, path: Path, tmp_path: Path) -> None:
    (tmp_path / "warehouse").symlink_to(refreshed.warehouse)
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    shown = [
        output.data.get("text/html", output.data["text/plain"])
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    assert len(shown) == sum(cell.cell_type == "code" for cell in book.cells)
    assert "prefecture!T209" in shown[4] and "28232" in shown[4]
    assert refreshed.release.name in shown[-1]
