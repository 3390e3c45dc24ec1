"""The dashboard in headless Chromium: milliseconds until a view can be used, bytes transferred.

The work: open each view of the release in use in a fresh browser profile, from the address to the
drawn view, charts included. The first line is the same browser opening one file of the same server.
The limit: the first view in under two seconds on loopback. Processor milliseconds are those of the
page's main thread, which depend least on what else the machine does; its load is printed, and a
busy one shows a multiple of the times on the wall.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
from pathlib import Path
from typing import Any

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import measure
from pipelines import settings as settings_module
from pipelines import site
from tests.browser.conftest import DASHBOARD
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS

VIEWS = (
    "overview", "map", "rail", "trends", "inequality", "environment", "figures", "reproduction",
    "targets", "quality",
)  # fmt: skip
LIMIT_MS = 2000
README = DASHBOARD / "README.md"
DRAWN = """() => {
    const main = document.querySelector('main[data-drawn]')
    return main && [...document.querySelectorAll('.chart')].every((c) => c.dataset.drawn)
}"""


def visit(browser: Any, address: str, view: str | None) -> tuple[float, float, int, int]:
    """Milliseconds to a drawn view, those of the processor, bytes and requests; nothing cached."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Performance.enable", {"timeDomain": "threadTicks"})
    bytes_, requests = [0], [0]

    def finished(event: dict[str, Any]) -> None:
        bytes_[0] += int(event["encodedDataLength"])
        requests[0] += 1

    wire.on("Network.loadingFinished", finished)
    if view is None:
        page.goto(f"{address}coast.json")
        took = page.evaluate("performance.now()")
    else:
        page.goto(f"{address}#/{view}")
        page.wait_for_function(DRAWN, polling=10, timeout=60_000)
        took = page.evaluate("performance.now()")
    metrics = wire.send("Performance.getMetrics")["metrics"]
    busy = next(m["value"] for m in metrics if m["name"] == "TaskDuration") * 1000
    context.close()
    return took, busy, bytes_[0], requests[0]


def main() -> int:
    options = measure.arguments(__doc__ or "").parse_args()
    if CHROMIUM is None:
        print("no Chromium: apt-get install chromium")  # noqa: T201
        return 1
    if measure.release_in_use() is None:
        print("no release yet: run `make refresh`")  # noqa: T201
        return 1
    from playwright.sync_api import sync_playwright

    found: dict[str | None, list[tuple[float, float, int, int]]] = {}
    settings = settings_module.load()
    with (
        site.server(site.Site(DASHBOARD / "dist", settings.warehouse)) as web,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=web.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        for _ in range(options.rounds):
            for view in (None, *VIEWS):
                one = visit(browser, f"http://127.0.0.1:{web.server_port}/", view)
                found.setdefault(view, []).append(one)
        browser.close()
        web.shutdown()
    lines = [
        f"| view | ms until drawn (median of {options.rounds}) | processor ms | kB | requests |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for view, visits in found.items():
        took = statistics.median(one[0] for one in visits)
        busy = statistics.median(one[1] for one in visits)
        kilobytes = statistics.median(one[2] for one in visits) / 1000
        requests = statistics.median(one[3] for one in visits)
        name = f"`#/{view}`" if view else "one file of the server, `coast.json`"
        lines.append(f"| {name} | {took:,.0f} | {busy:,.0f} | {kilobytes:,.0f} | {requests:g} |")
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    text = "\n".join(lines)
    print(f"{text}\nload per core: {load:.1f}")  # noqa: T201
    first = statistics.median(one[0] for one in found["overview"])
    if options.write:
        note = f"Load of the machine while this was measured: {load:.1f} per core."
        measure.write("dashboard", f"{text}\n\n{note}", README)
    if first > LIMIT_MS and load < 1.5:
        print(f"the first view took {first:.0f} ms; the limit is {LIMIT_MS}")  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
