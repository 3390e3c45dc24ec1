"""A real headless Chromium on the built dashboard, served from a real release.

Skips, with the reason, where Chromium, npm or a built page cannot be had. Screenshots for a person
to look at go to dashboard/screenshots/ (not in git).
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import site
from tests.conftest import ROOT, Refreshed

DASHBOARD = ROOT / "dashboard"
SCREENSHOTS = DASHBOARD / "screenshots"


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built page; built here when it is missing or older than what it is built from."""
    made = DASHBOARD / "dist" / "index.html"
    sources = [*DASHBOARD.glob("src/**/*.*"), *DASHBOARD.glob("*.json"), *DASHBOARD.glob("*.mjs")]
    with (tmp_path_factory.getbasetemp().parent / ".dashboard.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(path.stat().st_mtime for path in [*sources, DASHBOARD / "index.html"])
        if not made.exists() or made.stat().st_mtime < newest:
            if not shutil.which("npm"):
                pytest.skip("the dashboard is not built and npm is not installed")
            built = subprocess.run(
                ["make", "-s", "site"], cwd=ROOT, capture_output=True, text=True, check=False
            )
            if built.returncode and "ENOTFOUND" in built.stderr + built.stdout:
                pytest.skip("the dashboard is not built and no npm registry answers")
            assert built.returncode == 0, built.stdout + built.stderr
    return made.parent


@contextmanager
def serving(dist: Path, warehouse: Path, boundaries: Path | None = None) -> Iterator[str]:
    """Address of the page over a warehouse."""
    with site.server(site.Site(dist, warehouse, boundaries)) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_port}/"
        web.shutdown()


@pytest.fixture(scope="session")
def address(dist: Path, refreshed: Refreshed) -> Iterator[str]:
    with serving(dist, refreshed.warehouse) as url:
        yield url


@dataclass
class Reader:
    """One tab, and everything that went wrong or out in it."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def listen(self) -> None:
        def said(message: Any) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(message.text)

        self.page.on("console", said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self, hash_: str) -> None:
        """The page anew at a hash (`overview?year=2020`), drawn, its charts too."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}#/{hash_}")
        self.drawn(hash_.split("?", maxsplit=1)[0])

    def drawn(self, view: str, after: str | None = None) -> None:
        self.page.wait_for_function(
            """([view, after]) => {
                const main = document.querySelector('main[data-drawn]')
                return main && main.dataset.view === view && main.dataset.drawn !== after
                    && [...document.querySelectorAll('.chart')].every((c) => c.dataset.drawn)
            }""",
            arg=[view, after],
            timeout=30_000,
        )

    def turn(self) -> str:
        return str(self.page.locator("main").get_attribute("data-drawn"))

    def act(self, view: str, action: Callable[[], None]) -> None:
        """An action that makes the view draw itself again."""
        before = self.turn()
        action()
        self.drawn(view, before)

    def strangers(self) -> list[str]:
        """Requests that left the origin."""
        own = (self.address, "about:", "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]


@pytest.fixture
def reader(chromium: Any, address: str) -> Iterator[Reader]:
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, locale="zh-CN", color_scheme="light"
    )
    made = Reader(context.new_page(), address)
    made.listen()
    yield made
    context.close()


@pytest.fixture(scope="session")
def parquet(refreshed: Refreshed) -> Callable[[str], pl.DataFrame]:
    """A released table, read from its Parquet by other means than the page's."""
    return lambda table: pl.read_parquet(refreshed.release / "parquet" / f"{table}.parquet")
