"""The dashboard on loopback: a static site and the releases beside it, over HTTP with ranges.

Belongs here: which files a browser may read, under which address, and how long it may keep them.
Not here: what the page shows (dashboard/), and no answer that is not the bytes of a file: any
static server that knows ranges can take this one's place.

    /                           dashboard/dist
    /data/current/release.json  the pointer; asked again each time
    /data/releases/<id>/…       the immutable folder of a release; kept for a year
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipelines.errors import MetrocircleError

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".geojson": "application/json; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
    ".parquet": "application/vnd.apache.parquet",
}
_TEXT = (".html", ".js", ".css", ".json", ".geojson", ".csv", ".txt")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_RELEASE = re.compile(r"[0-9a-f]{16}")
_SITE = re.compile(r'(<script type="application/json" id="site">).*?(</script>)', re.DOTALL)
_FOR_A_YEAR = "public, max-age=31536000, immutable"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Site:
    """What is served: the built page, the warehouse, and the reader's own boundaries or None."""

    dist: Path
    warehouse: Path
    boundaries: Path | None = None

    def find(self, path: str) -> tuple[Path, str] | None:
        """File and Cache-Control for a decoded address path; None when there is nothing to read."""
        if path == "/boundaries.geojson" and self.boundaries:
            return self.boundaries, "no-cache"
        if path == "/data/current/release.json":
            return self.warehouse / "current" / "release.json", "no-cache"
        parts = [part for part in path.split("/") if part]
        if any(part in (".", "..") or "\\" in part or "\0" in part for part in parts):
            return None
        if parts[:2] == ["data", "releases"]:
            if len(parts) < 4 or not _RELEASE.fullmatch(parts[2]):
                return None
            return _inside(self.warehouse / "releases" / parts[2], parts[3:], _FOR_A_YEAR)
        if parts[:1] == ["data"]:
            return None
        return _inside(self.dist, parts or ["index.html"], "no-cache")

    def page(self, content: bytes) -> bytes:
        """index.html, told of the reader's boundaries when there are any."""
        if not self.boundaries:
            return content
        block = json.dumps({"data": "data/", "boundaries": "boundaries.geojson"})
        text = content.decode("utf-8")
        return _SITE.sub(lambda m: m.group(1) + block + m.group(2), text).encode("utf-8")


def _inside(folder: Path, parts: list[str], keep: str) -> tuple[Path, str] | None:
    """The file, unless a link leads out of the folder."""
    path = folder.joinpath(*parts)
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        return None
    return path, keep


@lru_cache(maxsize=64)
def _packed(path: Path, _changed: int, content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


class Handler(BaseHTTPRequestHandler):
    """GET and HEAD of files; everything else is refused."""

    server_version = "metrocircle"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    # Set by `server`.
    site: Site

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        # A page of another site that resolves its own name to 127.0.0.1 sends that name here.
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        if host not in ("127.0.0.1", "localhost"):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, body)
            return
        found = self.site.find(unquote(urlsplit(self.path).path))
        if found is None or not found[0].is_file():
            self._refuse(HTTPStatus.NOT_FOUND, body)
            return
        path, keep = found
        facts = path.stat()
        mark = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        if self.headers.get("If-None-Match") == mark:
            self._head(HTTPStatus.NOT_MODIFIED, {"ETag": mark, "Cache-Control": keep})
            return
        headers = {
            "Content-Type": _TYPES.get(path.suffix, "application/octet-stream"),
            "Cache-Control": keep,
            "ETag": mark,
        }
        if path.suffix in _TEXT:
            self._text(path, facts.st_mtime_ns, headers, body)
        else:
            self._bytes(path, facts.st_size, headers, body)

    def _text(self, path: Path, changed: int, headers: dict[str, str], body: bool) -> None:
        content = path.read_bytes()
        if path.name == "index.html":
            content = self.site.page(content)
        if "gzip" in (self.headers.get("Accept-Encoding") or ""):
            content = _packed(path, changed, content)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        self._head(HTTPStatus.OK, headers | {"Content-Length": str(len(content))})
        if body:
            self.wfile.write(content)

    def _bytes(self, path: Path, size: int, headers: dict[str, str], body: bool) -> None:
        headers["Accept-Ranges"] = "bytes"
        start, end, status = 0, size - 1, HTTPStatus.OK
        asked = _RANGE.fullmatch((self.headers.get("Range") or "").strip())
        if asked and any(asked.groups()):
            first, last = asked.groups()
            start = int(first) if first else max(0, size - int(last))
            end = min(int(last), size - 1) if first and last else size - 1
            if start > end:
                wrong = {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
                self._head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, wrong)
                return
            status = HTTPStatus.PARTIAL_CONTENT
            headers["Content-Range"] = f"bytes {start}-{end}/{size}"
        self._head(status, headers | {"Content-Length": str(end - start + 1)})
        if not body:
            return
        with path.open("rb") as file:
            file.seek(start)
            left = end - start + 1
            while left and (chunk := file.read(min(_CHUNK, left))):
                self.wfile.write(chunk)
                left -= len(chunk)

    def _refuse(self, status: HTTPStatus, body: bool) -> None:
        content = f"{status.value} {status.phrase}\n".encode("ascii")
        headers = {"Content-Type": "text/plain", "Content-Length": str(len(content))}
        self._head(status, headers | {"Cache-Control": "no-store"})
        if body:
            self.wfile.write(content)

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        fixed = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy": "frame-ancestors 'none'",
        }
        for name, value in (headers | fixed).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a page asks for dozens of pieces."""


def server(site: Site, port: int = 0) -> ThreadingHTTPServer:
    """A server on 127.0.0.1, not yet running; port 0 takes a free one.

    Raises MetrocircleError when the page is not built or the boundaries are not a file.
    """
    if not (site.dist / "index.html").is_file():
        raise MetrocircleError(
            f"the dashboard is not built: {site.dist} has no index.html; run `make dashboard`"
        )
    if site.boundaries and not site.boundaries.is_file():
        raise MetrocircleError(f"boundaries: {site.boundaries} is not a file")
    handler = type("SiteHandler", (Handler,), {"site": site})
    try:
        served = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise MetrocircleError(f"port {port} on 127.0.0.1 cannot be used: {error}") from error
    served.daemon_threads = True
    return served
