"""Requests from the host that prove serving: any HTTP answer is alive, a TCP connect alone proves nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from urllib.parse import urlsplit


class SocketProber:
    """`Prober` on the standard library: one request, no redirects, no pool."""

    def http(self, url: str, *, timeout: float) -> int | None:
        # By hand, since only the status line counts: http.client takes 25 ms to import, which `up` with nothing to do
        # would pay each time.
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
        ask = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: devctl\r\nConnection: close\r\n\r\n"
        try:
            with socket.create_connection((host, port), timeout=timeout) as connection:
                connection.sendall(ask.encode())
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
