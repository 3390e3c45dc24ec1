"""Connections that reach only where they may, and that end.

Belongs here: which origins and addresses may be connected to, sockets that a deadline can close,
bodies read under caps. Not here: when to ask, how often, and what an answer must look like (fetch).

A name on the allow-list may still be pointed at a machine inside (DNS), so the address is judged
when the connection is made. Time-outs of a socket bound one read, not an answer: a server that
sends a byte a minute never ends, so a watchdog shuts the connection at the deadline.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import extract_cookies_to_jar
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from pipelines.errors import MetrocircleError

CHUNK = 1 << 16
# Enough for a host of two stacks; a name that answers with hundreds is no reason to try them all.
MOST_ADDRESSES = 4
# The only part of IPv6 that hosts of the internet have been given (RFC 4291, IANA).
_UNICAST = ipaddress.IPv6Network("2000::/3")
# Protocol assignments and 6to4 relays of the local network (RFC 6890, RFC 7526).
_RELAYS = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("192.88.99.0/24"))
_PORTS = {"http": 80, "https": 443}


class OffLimits(MetrocircleError):
    """An address that must not be asked: not on the allow-list, or on a private network."""


class TooSlow(Exception):
    """The answer was not whole by the deadline."""


class TooLarge(Exception):
    """The answer, packed or unpacked, is larger than allowed."""


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port: what an allow-list names."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine by its number or by the one name that means it everywhere."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def origin_of(url: str) -> Origin:
    """The origin of an http(s) address; OffLimits for anything else, user names included."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise OffLimits(f"{url!r} is no address: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        raise OffLimits(f"{url!r}: expected http(s)://host/… without a user name")
    # 0 is a port, and not the default one.
    return Origin(
        parts.scheme, parts.hostname.lower(), _PORTS[parts.scheme] if port is None else port
    )


def reachable(host: str, port: int) -> list[str]:
    """The numeric addresses of a host that may be connected to, in the resolver's order.

    A loopback host leads to loopback addresses, any other only to public ones; OffLimits when none
    is left. Raises socket.gaierror when the name does not resolve.
    """
    wants_loopback = Origin("http", host, port).is_loopback
    found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    good = [a for a in dict.fromkeys(map(str, found)) if _may_reach(a, wants_loopback)]
    if not good:
        raise OffLimits(
            f"{host} leads to {', '.join(dict.fromkeys(map(str, found)))}: not a public address"
        )
    return good[:MOST_ADDRESSES]


def _may_reach(address: str, wants_loopback: bool) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        # A private address may hide in the IPv6 forms that carry an IPv4 one.
        ip = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)
    if wants_loopback:
        return ip.is_loopback
    # `is_global` is what the registry of special addresses leaves, and that is not all there is:
    # translators (64:ff9b::, ::ffff:0:), old site-local and unassigned space pass it.
    if isinstance(ip, ipaddress.IPv6Address):
        return ip in _UNICAST and ip.is_global
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in _RELAYS)


class _Live:
    """Second handles on the open sockets, so that a watchdog can end what a read waits for.

    A duplicate shuts the connection even after TLS took the first handle over.
    """

    def __init__(self) -> None:
        self.handles: set[socket.socket] = set()
        self.closed: set[socket.socket] = set()
        self.is_over = False

    def end(self) -> None:
        self.is_over = True
        for handle in (*self.handles, *self.closed):
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def sweep(self) -> None:
        """Give up the handles of closed connections: a peer sees the end only then."""
        while self.closed:
            self.closed.pop().close()


class _Guarded(urllib3.connection.HTTPConnection):
    """A connection to a reachable address only, with a handle for the watchdog."""

    live: _Live
    handle: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        try:
            addresses = reachable(self.host, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        failure: OSError | None = None
        for address in addresses:
            if self.live.is_over:
                break
            try:
                sock = urllib3.util.connection.create_connection(
                    (address, self.port), self.timeout, socket_options=self.socket_options
                )
            except OSError as error:
                failure = error
                continue
            self._drop_handle()
            self.handle = sock.dup()
            self.live.handles.add(self.handle)
            if self.live.is_over:
                self.live.end()
            return sock
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, f"connecting to {self.host} took too long")
        raise NewConnectionError(self, f"no connection to {self.host}: {failure}")

    def close(self) -> None:
        # An answer without a length is still being read when its connection object is closed.
        self._drop_handle()
        super().close()

    def _drop_handle(self) -> None:
        handle, self.handle = self.handle, None
        if handle is not None:
            self.live.handles.discard(handle)
            self.live.closed.add(handle)


class _GuardedTLS(_Guarded, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Guarded

    def __init__(self, *arguments: Any, live: _Live, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.live = live

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        connection.live = self.live
        return connection


class _PoolTLS(_Pool, urllib3.HTTPSConnectionPool):
    ConnectionCls = _GuardedTLS


class _Adapter(HTTPAdapter):
    def __init__(self, live: _Live) -> None:
        self.live = live
        super().__init__(pool_connections=4, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_Pool, live=self.live),  # type: ignore[dict-item]
            "https": partial(_PoolTLS, live=self.live),  # type: ignore[dict-item]
        }


@dataclass(frozen=True)
class Bounds:
    """How long one answer may take, in seconds, and how many bytes it may have.

    connect_s, read_s: for making the connection and for each wait in it. deadline_s: for the whole.
    most_bytes: of the body as sent and of the body unpacked, each.
    """

    connect_s: float = 20.0
    read_s: float = 30.0
    deadline_s: float = 120.0
    most_bytes: int = 64 << 20


class Wire:
    """A session that keeps cookies, follows no redirect by itself and asks no proxy.

    Proxies and passwords of the environment are left alone on purpose: an answer must come from the
    host on the allow-list, and a secret in a `.netrc` is nobody's business there.
    """

    def __init__(self, bounds: Bounds, user_agent: str) -> None:
        self.bounds = bounds
        self.live = _Live()
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers = requests.structures.CaseInsensitiveDict(
            {"User-Agent": user_agent, "Accept-Encoding": "gzip", "Accept": "*/*"}
        )
        for scheme in _PORTS:
            self.session.mount(f"{scheme}://", _Adapter(self.live))

    @contextmanager
    def open(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[tuple[requests.Response, Iterator[bytes]]]:
        """One request: its answer's head, and its body in pieces, both under the bounds.

        Raises requests.RequestException or urllib3's HTTPError on a broken connection or a body cut
        short, TooSlow, TooLarge, and OffLimits for an address that must not be reached.
        """
        self.live.is_over = False
        watchdog = threading.Timer(self.bounds.deadline_s, self.live.end)
        watchdog.daemon = True
        watchdog.start()
        try:
            # Not session.send: it reads the body of a redirect whole, however large, and raises
            # on an address that it cannot read.
            prepared = self.session.prepare_request(
                requests.Request(method, url, data=body, headers=dict(headers))
            )
            response = self.session.get_adapter(url).send(
                prepared, stream=True, timeout=(self.bounds.connect_s, self.bounds.read_s)
            )
            extract_cookies_to_jar(self.session.cookies, prepared, response.raw)
            try:
                yield response, self._body(response)
            finally:
                response.close()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            # What the watchdog cuts looks like a fault of the peer.
            if self.live.is_over:
                raise TooSlow(f"no whole answer in {self.bounds.deadline_s:g} s") from None
            raise
        finally:
            watchdog.cancel()
            self.live.sweep()

    def _body(self, response: requests.Response) -> Iterator[bytes]:
        size, most = 0, self.bounds.most_bytes
        while piece := response.raw.read1(CHUNK, decode_content=True):
            size += len(piece)
            if max(size, response.raw.tell()) > most:
                raise TooLarge(f"the answer has more than {most} bytes")
            yield piece
        # A body without a length ends when the connection does, also when the watchdog ended it.
        if self.live.is_over:
            raise TooSlow(f"no whole answer in {self.bounds.deadline_s:g} s")
