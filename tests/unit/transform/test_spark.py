"""The setting that chooses Spark, and what its session is set to; none of this needs Java."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import MetrocircleError
from pipelines.settings import Settings, load
from pipelines.transform import project, spark


def test_the_environment_chooses_the_engine_for_dagster_too() -> None:
    assert load({}).engine == "duckdb"
    assert load({"METROCIRCLE_ENGINE": "spark"}).engine == "spark"
    with pytest.raises(MetrocircleError, match="expected duckdb or spark, found 'sparc'"):
        load({"METROCIRCLE_ENGINE": "sparc"})


def test_a_missing_environment_says_how_to_make_it(tmp_path: Path) -> None:
    absent = tmp_path / "bin" / "python"
    settings = replace(Settings(), warehouse=tmp_path, engine="spark", spark_python=absent)
    with pytest.raises(MetrocircleError, match="make spark"):
        project.build(settings)


def test_a_user_sets_sizes_and_not_what_a_number_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METROCIRCLE_SPARK_MASTER", "spark://host:7077")
    monkeypatch.setenv(
        "METROCIRCLE_SPARK_CONF", "spark.executor.memory=8g spark.sql.ansi.enabled=false"
    )
    found = spark.configuration(tmp_path)
    assert found["spark.master"] == "spark://host:7077"
    assert found["spark.executor.memory"] == "8g"
    assert found["spark.sql.ansi.enabled"] == "true"


def test_what_suits_small_tables_stays_out_of_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METROCIRCLE_SPARK_CONF", raising=False)
    monkeypatch.setenv("METROCIRCLE_SPARK_MASTER", "spark://host:7077")
    assert not set(spark.LOCAL) & set(spark.configuration(tmp_path))
    monkeypatch.setenv("METROCIRCLE_SPARK_MASTER", "local[2]")
    assert set(spark.LOCAL) <= set(spark.configuration(tmp_path))
