"""Requests from the host that prove serving: any HTTP answer means alive, a TCP connect alone proves nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, urlsplit

from msgspec import Struct, field

from devctl.adapters.system.border import bordered
from devctl.domain.numbers import whole
from devctl.domain.ports.http import BODY_KEPT, Answer, Greeting

if TYPE_CHECKING:
    from http.client import HTTPResponse

MOST_READ = 4 * 1024 * 1024
"""Bytes read of a body: a longer one counts as this long."""

GREETING = 4096
"""Bytes of a server's first words that are read."""
PACE = 0.005
"""Seconds between two checks whether the next request of a polling client is due."""
HANGS = 0.01
"""Seconds after which the next request no longer waits for the previous one; if answers take long, twice as long as they take."""
MOST_WAITING = 32


@bordered()
class SocketProber:
    """`Prober` on the standard library: one request, no redirects, no pool."""

    def http(self, url: str, *, timeout: float) -> int | None:
        # By hand, since only the status line counts: http.client takes 25 ms to import, which `up` with nothing to do would
        # pay each time.
        at, ask = _request(url, {})
        try:
            with socket.create_connection(at, timeout=timeout) as connection:
                connection.sendall(ask)
                with connection.makefile("rb") as answer:
                    words = answer.readline(65536).split()
        except OSError:
            return None
        return whole(words[1].decode("latin-1")) if len(words) > 1 and words[0].startswith(b"HTTP/") else None

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
                    began = time.monotonic()
                    midway()
                    end += time.monotonic() - began
                    connection.sendall(b" ")
                return _answer(connection, end)
        except OSError:
            return None

    def tcp(self, host: str, port: int, *, timeout: float) -> bool:
        """Connected and not closed immediately: docker-proxy accepts for an app that does not listen, then hangs up."""
        try:
            with socket.create_connection((host, port), timeout=timeout) as connection:
                connection.settimeout(0.2)
                try:
                    return connection.recv(1) != b""
                except TimeoutError:
                    return True
        except OSError:
            return False

    def greet(self, host: str, port: int, hello: bytes, *, timeout: float) -> Greeting:
        try:
            with socket.create_connection((host, port), timeout=timeout) as connection:
                try:
                    connection.sendall(hello)
                    return Greeting("open", connection.recv(GREETING))
                except OSError:  # it is silent, or hung up
                    return Greeting("open")
        except ConnectionRefusedError:
            return Greeting("refused")
        except OSError:
            return Greeting("unreachable")

    @contextlib.contextmanager
    def measure_gap(self, good: Callable[[], bool]) -> Iterator[Callable[[], int]]:
        gap = _Gap(good)
        threading.Thread(target=gap.pace, daemon=True).start()
        try:
            yield gap.told
        finally:
            gap.ended.set()


def _request(url: str, headers: Mapping[str, str]) -> tuple[tuple[str, int], bytes]:
    """Where to connect, and the bytes of one GET."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    said = {"Host": f"{host}:{port}", "User-Agent": "devctl", "Connection": "close", **headers}
    lines = [f"GET {_target(parts)} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items())]
    return (host, port), "\r\n".join([*lines, "", ""]).encode()


def _target(parts: SplitResult) -> str:
    """The request target: path and query, with only the characters allowed there (RFC 3986)."""
    query = f"?{parts.query}" if parts.query else ""
    return quote(f"{parts.path or '/'}{query}", safe="%/?:@!$&'()*+,;=-._~")


def _answer(connection: socket.socket, end: float) -> Answer | None:
    """Read an answer until `end`. None if none began; one that was cut off is not `complete`."""
    import http.client

    answer = http.client.HTTPResponse(connection, method="GET")
    with contextlib.closing(answer):
        try:
            answer.begin()
        except (OSError, http.client.HTTPException):
            return None
        kept = bytearray()
        length, complete = _read(answer, connection, end, kept)
        return Answer(
            status=answer.status,
            content_type=(answer.getheader("Content-Type") or "").partition(";")[0].strip().lower(),
            location=answer.getheader("Location") or "",
            length=length,
            complete=complete,
            body=bytes(kept),
        )


def _read(
    answer: HTTPResponse, connection: socket.socket, end: float, kept: bytearray
) -> tuple[int | None, bool]:
    """The length of the body (None: still arriving when time was up), and whether all of it arrived; its beginning goes to
    `kept`."""
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
        kept += part[: BODY_KEPT - len(kept)]
    return length, True


class _Gap(Struct):
    """Keeps sending requests whether an earlier one hangs or not: an engine accepts connections before the container can take
    them, and a swallowed request must not hide that others are answered by now."""

    good: Callable[[], bool]
    last_good: float = field(default_factory=time.monotonic)
    longest: float = 0.0
    patience: float = HANGS
    waiting: list[float] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pace(self) -> None:
        while not self.ended.wait(PACE):
            began = time.monotonic()
            if self._is_due(began):
                threading.Thread(target=self._ask, args=(began,), daemon=True).start()

    def told(self) -> int:
        """Waits for one answer to a request made from now on, so that the last gap is closed and counted."""
        self.closing.set()
        self.closed.wait(2)
        return round(self.longest * 1000)

    def _is_due(self, now: float) -> bool:
        with self._lock:
            hangs = not self.waiting or now - self.waiting[-1] >= self.patience
            due = hangs and len(self.waiting) < MOST_WAITING
            if due:
                self.waiting.append(now)
        return due

    def _ask(self, began: float) -> None:
        last_one = self.closing.is_set()
        good = self.good()
        with self._lock:
            now = time.monotonic()
            self.waiting.remove(began)
            if not good:
                return
            self.longest = max(self.longest, now - self.last_good)
            self.last_good = max(self.last_good, began)
            self.patience = max(HANGS, 2 * (now - began))
            if last_one:
                self.closed.set()
