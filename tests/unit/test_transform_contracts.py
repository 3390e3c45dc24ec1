"""The committed model files are the ones that the contract gives."""

from __future__ import annotations

from pathlib import Path

from pipelines import contract
from pipelines.settings import Settings
from pipelines.transform import contracts

SETTINGS = Settings()
KNOWN = contract.load(SETTINGS.contract)


def test_committed_model_files_equal_the_rendered_ones() -> None:
    models = SETTINGS.dbt_project / "models"
    for path, text in contracts.rendered(KNOWN).items():
        assert (models / path).read_text(encoding="utf-8") == text, (
            f"{path}: run `metrocircle contract --write`"
        )


def test_no_rendered_file_outlives_its_table() -> None:
    models = SETTINGS.dbt_project / "models"
    made = {
        path.relative_to(models)
        for path in models.rglob("*.yml")
        if path.read_text(encoding="utf-8").startswith(contracts.HEADER)
    }
    assert made == set(contracts.rendered(KNOWN))


def test_writing_twice_writes_once(tmp_path: Path) -> None:
    assert len(contracts.write(KNOWN, tmp_path)) == len(KNOWN.dbt_models())
    assert contracts.write(KNOWN, tmp_path) == []
