"""Tiny builds for the tests of the release room."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures"))

from make_tiny_build import TinyBuild, make_tiny_build, open_tiny_build


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Finished builds to copy: with all tables (False) and with few tables (True)."""
    folder = tmp_path_factory.mktemp("templates")
    for few in (False, True):
        make_tiny_build(folder / str(few), few_tables=few)
    return {few: folder / str(few) for few in (False, True)}


@pytest.fixture
def make(tmp_path: Path, templates: dict[bool, Path]) -> Callable[..., TinyBuild]:
    """make(name, threads=2, few_tables=False): a build in a warehouse of its own."""

    def build(name: str, threads: int = 2, few_tables: bool = False) -> TinyBuild:
        shutil.copytree(templates[few_tables], tmp_path / name)
        return open_tiny_build(tmp_path / name, threads)

    return build


@pytest.fixture
def tiny(make: Callable[..., TinyBuild]) -> TinyBuild:
    """A build with all tables."""
    return make("warehouse")


@pytest.fixture
def few(make: Callable[..., TinyBuild]) -> TinyBuild:
    """A build with few tables, for tests that publish often."""
    return make("warehouse", few_tables=True)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One release folder with all tables, for tests that only read."""
    return make_tiny_build(tmp_path_factory.mktemp("published")).publish().path


@pytest.fixture(scope="session")
def published_few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One release folder with few tables, for tests that read it often."""
    return make_tiny_build(tmp_path_factory.mktemp("few"), few_tables=True).publish().path
