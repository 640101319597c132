"""Requests from the host that prove serving: any HTTP answer is alive, a TCP connect alone proves nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devctl.domain.ports_prober import Answer

if TYPE_CHECKING:
    from http.client import HTTPResponse

MOST_READ = 4 * 1024 * 1024
"""Bytes of a body that are read: what is longer counts as this long."""


class SocketProber:
    """`Prober` on the standard library: one request, no redirects, no pool."""

    def http(self, url: str, *, timeout: float) -> int | None:
        # By hand, since only the status line counts: http.client takes 25 ms to import, which `up` with nothing to do
        # would pay each time.
        at, ask = _request(url, {})
        try:
            with socket.create_connection(at, timeout=timeout) as connection:
                connection.sendall(ask)
                with connection.makefile("rb") as answer:
                    words = answer.readline(65536).split()
        except OSError:
            return None
        return (
            int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() else None
        )

    def body(self, url: str, *, timeout: float) -> str | None:
        import http.client

        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
        try:
            connection.request("GET", parts.path or "/", headers={"Connection": "close"})
            answer = connection.getresponse()
            return answer.read().decode(errors="replace") if answer.status // 100 == 2 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def fetch(
        self,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        midway: Callable[[], object] | None = None,
    ) -> Answer | None:
        end = time.monotonic() + timeout
        held = {} if midway is None else {"Connection": "keep-alive", "Content-Length": "1"}
        at, ask = _request(url, {**(headers or {}), **held})
        try:
            with socket.create_connection(at, timeout=timeout) as connection:
                connection.sendall(ask)
                if midway is not None:
                    midway()
                    connection.sendall(b" ")
                return _answer(connection, end)
        except OSError:
            return None

    def tcp(self, host: str, port: int, *, timeout: float) -> bool:
        """Connected and not closed at once: docker-proxy accepts for an app that does not listen, then hangs up."""
        try:
            with socket.create_connection((host, port), timeout=timeout) as connection:
                connection.settimeout(0.2)
                try:
                    return connection.recv(1) != b""
                except TimeoutError:
                    return True
        except OSError:
            return False

    def measure_gap(self, good: Callable[[], bool]) -> AbstractContextManager[Callable[[], int]]:
        return _measure_gap(good)


def _request(url: str, headers: Mapping[str, str]) -> tuple[tuple[str, int], bytes]:
    """Whom to connect to, and the bytes of one GET."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    said = {"Host": f"{host}:{port}", "User-Agent": "devctl", "Connection": "close", **headers}
    lines = [f"GET {parts.path or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items())]
    return (host, port), "\r\n".join([*lines, "", ""]).encode()


def _answer(connection: socket.socket, end: float) -> Answer | None:
    """Read an answer until `end`. None where none began; one that broke off is not `complete`."""
    import http.client

    answer = http.client.HTTPResponse(connection, method="GET")
    with contextlib.closing(answer):
        try:
            answer.begin()
        except (OSError, http.client.HTTPException):
            return None
        length, complete = _read(answer, connection, end)
        return Answer(
            status=answer.status,
            content_type=(answer.getheader("Content-Type") or "").partition(";")[0].strip().lower(),
            location=answer.getheader("Location") or "",
            length=length,
            complete=complete,
        )


def _read(answer: HTTPResponse, connection: socket.socket, end: float) -> tuple[int | None, bool]:
    """The length of the body (None: still coming when the time was over), and whether all of it came."""
    import http.client

    promised, length = answer.length, 0
    while length < MOST_READ:
        left = end - time.monotonic()
        if left <= 0:
            return None, True
        connection.settimeout(left)
        try:
            part = answer.read1(65536)
        except TimeoutError:
            return None, True
        except (OSError, http.client.HTTPException):
            return length, False
        if not part:
            return length, promised is None or length >= promised
        length += len(part)
    return length, True


@contextlib.contextmanager
def _measure_gap(good: Callable[[], bool]) -> Iterator[Callable[[], int]]:
    ended, closing, closed = threading.Event(), threading.Event(), threading.Event()
    last_good = time.monotonic()
    longest = 0.0

    def ask() -> None:
        nonlocal last_good, longest
        while not ended.is_set():
            began, last_one = time.monotonic(), closing.is_set()
            if good():
                longest = max(longest, time.monotonic() - last_good)
                last_good = began
                if last_one:
                    closed.set()
            ended.wait(0.005)

    def gap() -> int:
        """Waits for one answer to a request made from now on, so that the last gap is closed and counted."""
        closing.set()
        closed.wait(2)
        return round(longest * 1000)

    client = threading.Thread(target=ask, daemon=True)
    client.start()
    try:
        yield gap
    finally:
        ended.set()
        client.join(2)
