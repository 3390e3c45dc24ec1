"""The static server: which bytes a browser gets, in pieces or whole, and what is refused."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import site
from pipelines.errors import MetrocircleError

ROOT = Path(__file__).resolve().parents[2]
RELEASE = "0123456789abcdef"
PARQUET = f"/data/releases/{RELEASE}/parquet/circle.parquet"
CONTENT = bytes(range(256)) * 4


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A page and a warehouse of a few bytes, served on a free port."""
    root = tmp_path_factory.mktemp("site")
    (root / "dist").mkdir()
    (root / "dist" / "index.html").write_bytes((ROOT / "dashboard" / "index.html").read_bytes())
    folder = root / "warehouse" / "releases" / RELEASE
    (folder / "parquet").mkdir(parents=True)
    (folder / "parquet" / "circle.parquet").write_bytes(CONTENT)
    (folder / "release.json").write_text(json.dumps({"release_id": RELEASE}), encoding="utf-8")
    (root / "warehouse" / "current").symlink_to(f"releases/{RELEASE}")
    (root / "warehouse" / "archive").mkdir()
    (root / "warehouse" / "archive" / "secret").write_text("not for browsers")
    (folder / "parquet" / "way_out.parquet").symlink_to(root / "warehouse" / "archive" / "secret")
    borders = root / "own.geojson"
    borders.write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    with site.server(site.Site(root / "dist", root / "warehouse", borders)) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield web.server_port
        web.shutdown()


def ask(
    port: int, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        lower = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, lower, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-3", 206, 0, 4),
        ("bytes=1000-", 206, 1000, 1024),
        ("bytes=-10", 206, 1014, 1024),
        ("bytes=1020-5000", 206, 1020, 1024),
        ("bytes=-5000", 206, 0, 1024),
        # Not a range that is understood: the whole file, as the standard (RFC 9110, 14.2) allows.
        ("bytes=a-b", 200, 0, 1024),
        ("bytes=0-1,4-5", 200, 0, 1024),
    ],
)
def test_ranges(served: int, asked: str, status: int, start: int, end: int) -> None:
    code, headers, body = ask(served, PARQUET, Range=asked)
    assert (code, body) == (status, CONTENT[start:end])
    assert headers["content-length"] == str(end - start)
    assert headers["accept-ranges"] == "bytes"
    if status == 206:
        assert headers["content-range"] == f"bytes {start}-{end - 1}/1024"


def test_a_range_beyond_the_file_is_refused(served: int) -> None:
    code, headers, body = ask(served, PARQUET, Range="bytes=2000-2001")
    assert (code, headers["content-range"], body) == (416, "bytes */1024", b"")


def test_the_pointer_is_asked_again_and_a_release_is_kept(served: int) -> None:
    code, headers, body = ask(served, "/data/current/release.json")
    assert (code, json.loads(body)) == (200, {"release_id": RELEASE})
    assert headers["cache-control"] == "no-cache"
    assert "immutable" in ask(served, PARQUET)[1]["cache-control"]
    mark = headers["etag"]
    assert ask(served, "/data/current/release.json", If_None_Match=mark)[0] == 304


def test_text_is_packed_for_who_asks(served: int) -> None:
    plain = ask(served, "/data/current/release.json")[2]
    code, headers, body = ask(served, "/data/current/release.json", Accept_Encoding="gzip")
    assert (code, headers["content-encoding"], gzip.decompress(body)) == (200, "gzip", plain)
    # Parquet is packed already, and its ranges count its own bytes.
    assert "content-encoding" not in ask(served, PARQUET, Accept_Encoding="gzip")[1]


def test_head_says_the_length_and_sends_nothing(served: int) -> None:
    code, headers, body = ask(served, PARQUET, method="HEAD")
    assert (code, headers["content-length"], body) == (200, "1024", b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../warehouse/archive/secret",
        "/%2e%2e/warehouse/archive/secret",
        "/..%2fwarehouse/archive/secret",
        "/data/archive/secret",
        "/data/current/metrocircle.duckdb",
        f"/data/releases/{RELEASE}/../../archive/secret",
        "/data/releases/..%2f..%2farchive/secret",
        "/data/releases/" + "0" * 16 + "/release.json",
        f"/data/releases/{RELEASE}/parquet/way_out.parquet",
        f"/data/releases/{RELEASE}/parquet",
        "/pyproject.toml",
        "/%00",
    ],
)
def test_nothing_else_is_served(served: int, path: str) -> None:
    code, _, body = ask(served, path)
    assert code == 404
    assert b"not for browsers" not in body


def test_a_name_that_is_not_this_machine_is_refused(served: int) -> None:
    """A page elsewhere that resolves its own name to 127.0.0.1 must not read releases."""
    assert ask(served, "/data/current/release.json", Host="elsewhere.example:80")[0] == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_reading(served: int, method: str) -> None:
    assert ask(served, "/", method=method)[0] == 501


def test_the_page_is_told_of_the_readers_own_boundaries(served: int) -> None:
    page = ask(served, "/")[2].decode()
    assert '{"data": "data/", "boundaries": "boundaries.geojson"}' in page
    assert ask(served, "/boundaries.geojson")[0] == 200


def test_without_a_built_page_or_with_wrong_boundaries_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MetrocircleError, match="make dashboard"):
        site.server(site.Site(tmp_path, tmp_path))
    (tmp_path / "index.html").write_text("")
    with pytest.raises(MetrocircleError, match="not a file"):
        site.server(site.Site(tmp_path, tmp_path, tmp_path / "none.geojson"))


def test_a_port_in_use_is_said(served: int, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("")
    with pytest.raises(MetrocircleError, match=str(served)):
        site.server(site.Site(tmp_path, tmp_path), served)


def test_the_page_may_load_nothing_from_elsewhere_and_the_lock_names_no_host() -> None:
    page = (ROOT / "dashboard" / "index.html").read_text(encoding="utf-8")
    policy = page.split('Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.startswith("default-src 'none'")
    assert set(policy.replace(";", " ").split()) <= {
        "default-src", "script-src", "style-src", "font-src", "img-src", "connect-src", "base-uri",
        "form-action", "'none'", "'self'", "data:", "blob:",
    }  # fmt: skip
    sources = [page, *(p.read_text(encoding="utf-8") for p in _sources())]
    remote = [
        line
        for text in sources
        for line in text.splitlines()
        if "://" in line and "www.w3.org/2000/svg" not in line
    ]
    assert remote == []
    lock = (ROOT / "dashboard" / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in lock and '"resolved"' not in lock
    assert json.loads(lock)["packages"]


def _sources() -> list[Path]:
    return [
        Path(folder) / name
        for folder, _, names in os.walk(ROOT / "dashboard" / "src")
        for name in names
    ]
