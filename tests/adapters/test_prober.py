"""Requests that prove serving, against real sockets on this machine."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import ClassVar

import pytest
from msgspec.structs import replace

from devctl.adapters.system import http_probe
from devctl.adapters.system.http_probe import SocketProber
from devctl.domain.ports.http import BODY_KEPT, Answer

PROBE = SocketProber()


class Handler(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302 if self.path == "/moved" else 503 if self.path == "/bad" else 200)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        return None


@pytest.fixture
def web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        yield made


def test_http_gives_the_status_and_follows_nothing(web: str) -> None:
    assert [PROBE.http(web + path, timeout=2) for path in ("/", "/moved", "/bad")] == [200, 302, 503]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/healthz?full=1&a=b%20c", "/healthz?full=1&a=b%20c"),
        ("/a b/é?q=x y", "/a%20b/%C3%A9?q=x%20y"),
        ("/?q=1\x01\x7f", "/?q=1%01%7F"),  # nothing that would end the request line
    ],
)
def test_path_and_query_are_asked_as_they_stand(web: str, path: str, asked: str) -> None:
    Handler.asked.clear()
    assert PROBE.http(web + path, timeout=2) == 200
    assert PROBE.fetch(web + path, timeout=2) is not None
    assert Handler.asked == [asked] * 2


def test_nobody_there_is_none() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and nobody else has it, though nobody listens
        port = unused.getsockname()[1]
        assert PROBE.http(f"http://127.0.0.1:{port}/", timeout=1) is None
        assert PROBE.tcp("127.0.0.1", port, timeout=1) is False


def test_one_that_accepts_and_says_nothing_is_not_an_answer(listening: socket.socket) -> None:
    assert PROBE.http(f"http://127.0.0.1:{listening.getsockname()[1]}/", timeout=0.3) is None


def test_one_that_talks_no_http_is_not_an_answer(listening: socket.socket) -> None:
    def talk() -> None:
        connection, _ = listening.accept()
        connection.sendall(b"+PONG\r\n")
        connection.close()

    threading.Thread(target=talk, daemon=True).start()
    assert PROBE.http(f"http://127.0.0.1:{listening.getsockname()[1]}/", timeout=1) is None


def test_a_listener_that_waits_for_us_is_up_on_tcp(listening: socket.socket) -> None:
    assert PROBE.tcp("127.0.0.1", listening.getsockname()[1], timeout=1) is True


def test_a_proxy_that_hangs_up_at_once_is_not(listening: socket.socket) -> None:
    """What docker-proxy does for a container in which nothing listens."""

    def hang_up() -> None:
        connection, _ = listening.accept()
        connection.close()

    threading.Thread(target=hang_up, daemon=True).start()
    assert PROBE.tcp("127.0.0.1", listening.getsockname()[1], timeout=1) is False


def test_the_gap_is_the_longest_time_without_a_good_answer() -> None:
    answers, asked = [True], threading.Semaphore(0)

    def good() -> bool:
        now = answers[0]
        asked.release()
        return now

    def asked_again() -> None:
        """Of those that may be under way, none had the answer of before."""
        for _ in range(2 * http_probe.MOST_WAITING):
            assert asked.acquire(timeout=60)

    began = time.monotonic()
    with PROBE.measure_gap(good) as gap:
        asked_again()
        answers[0] = False
        asked_again()
        failing = time.monotonic()
        time.sleep(0.3)
        lasted = time.monotonic() - failing
        answers[0] = True
        asked_again()
        assert lasted * 1000 - 1 <= gap() <= (time.monotonic() - began) * 1000


def test_a_request_that_hangs_does_not_hide_that_others_are_answered() -> None:
    asked, let_go, answered = 0, threading.Event(), threading.Event()

    def good() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            return not let_go.wait(60)
        if asked > 20:
            answered.set()
        return True

    with PROBE.measure_gap(good):
        assert answered.wait(60)
    let_go.set()


BIG = b"x" * 300_000
WHOLE = Answer(200, "text/html", "", len(BIG), body=BIG[:BODY_KEPT])


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        broken = self.path == "/broken"
        self.send_response(200)
        self.send_header("Content-Type", f"text/html; agent={self.headers['User-Agent']}")
        self.send_header("Content-Length", str(len(BIG)))
        self.end_headers()
        self.wfile.write(BIG[:1000] if broken else BIG)

    def log_message(self, *args: object) -> None:
        return None


@pytest.fixture
def pages() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_answer_is_read_to_its_end(pages: str, web: str) -> None:
    assert PROBE.fetch(pages, timeout=5) == WHOLE
    assert PROBE.fetch(f"{web}/moved", timeout=5) == Answer(302, "", "/elsewhere", 0)


def test_an_answer_that_breaks_off_is_not_complete(pages: str) -> None:
    assert PROBE.fetch(f"{pages}/broken", timeout=5) == replace(
        WHOLE, length=1000, complete=False, body=BIG[:1000]
    )


def test_a_stream_has_no_length(listening: socket.socket) -> None:
    def stream() -> None:
        connection, _ = listening.accept()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        over.wait(60)
        connection.close()

    over = threading.Event()
    threading.Thread(target=stream, daemon=True).start()
    found = PROBE.fetch(f"http://127.0.0.1:{listening.getsockname()[1]}/", timeout=2)
    over.set()
    assert found == Answer(200, "text/event-stream", "", None, body=b"data: 1\n\n")


def test_one_that_hangs_up_gives_nothing(listening: socket.socket) -> None:
    def hang_up() -> None:
        connection, _ = listening.accept()
        connection.close()

    threading.Thread(target=hang_up, daemon=True).start()
    assert PROBE.fetch(f"http://127.0.0.1:{listening.getsockname()[1]}/", timeout=5) is None


def test_a_request_ends_only_after_its_midway(pages: str) -> None:
    called = threading.Event()
    assert PROBE.fetch(pages, timeout=5, midway=called.set) == WHOLE
    assert called.is_set()


def test_one_that_goes_away_midway_gives_nothing(listening: socket.socket) -> None:
    def hang_up() -> None:
        connection, _ = listening.accept()
        while not connection.recv(65536).endswith(b"\r\n\r\n"):
            pass
        connection.close()

    there = threading.Thread(target=hang_up, daemon=True)
    there.start()
    asked = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    assert PROBE.fetch(asked, timeout=5, midway=lambda: there.join(60)) is None


def test_what_midway_takes_is_not_the_servers_time(pages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    late = [0.0]
    monkeypatch.setattr(http_probe, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + late[0]))
    assert PROBE.fetch(pages, timeout=5, midway=lambda: late.append(late.pop() + 60)) == WHOLE
