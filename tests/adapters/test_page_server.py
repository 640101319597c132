"""The page of `devctl ui --web`, tested with real HTTP and websocket clients: who may see it, who may not, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from msgspec import Struct

from devctl.adapters.web.page_server import GuardedPage, serve_page
from devctl.errors import MachineError

APP = """
import os, sys
from pathlib import Path
from textual.app import App
from textual.widgets import Static
class Hello(App):
    def compose(self):
        Path(sys.argv[1]).write_text(str(os.getpid()) + chr(10) + repr(sys.argv[2:]))
        yield Static("a page of tests")
Hello().run()
"""
SERVER = """
import json, sys
from devctl.adapters.web.page_server import serve_page
words, port = json.loads(sys.argv[1]), int(sys.argv[2])
serve_page(words, "devctl <oatmill>", port, lambda url: print(url, flush=True))
"""
HOSTILE = ("$(touch pwned)", "; touch pwned;", "a'b\"c", "two\nlines", "--", "`touch pwned`")


OVER = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)


class Serving(Struct, frozen=True):
    child: subprocess.Popen[str]
    address: str
    drawn: Path

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def page(self) -> str:
        """The address of the page, without its token or a slash."""
        return self.address.partition("/?")[0]

    @property
    def drawer(self) -> int:
        """The process that draws the page."""
        until(lambda: self.drawn.exists() and "\n" in self.drawn.read_text())
        return int(self.drawn.read_text().partition("\n")[0])


@contextmanager
def served(folder: Path) -> Iterator[Serving]:
    drawn = folder / "drawn by"
    words = [sys.executable, "-P", "-c", APP, str(drawn), *HOSTILE]
    with subprocess.Popen(
        [sys.executable, "-P", "-c", SERVER, json.dumps(words), "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        try:
            yield Serving(child, child.stdout.readline().strip(), drawn)
        finally:
            child.terminate()  # it ends what draws its pages
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(60)
            child.kill()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    with served(tmp_path) as it:
        yield it


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for all refused requests: it never starts a process that draws a page."""
    with served(tmp_path_factory.mktemp("refusing")) as it:
        yield it
        assert not it.drawn.exists()


def until(good: Callable[[], bool], within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not good():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Not even one that only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def run(work: Callable[[aiohttp.ClientSession], Coroutine[Any, Any, Any]], **cookies: str) -> Any:
    async def session() -> Any:
        jar = aiohttp.CookieJar(unsafe=True)  # of an address that is a number
        async with aiohttp.ClientSession(cookie_jar=jar, cookies=cookies) as client:
            return await work(client)

    return asyncio.run(asyncio.wait_for(session(), 60))


def asked(
    address: str, headers: Mapping[str, str] | None = None, **cookies: str
) -> tuple[int, str, Mapping[str, str]]:
    async def work(client: aiohttp.ClientSession) -> tuple[int, str, Mapping[str, str]]:
        async with client.get(address, headers=headers or {}, allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers

    found: tuple[int, str, Mapping[str, str]] = run(work, **cookies)
    return found


def cookie_of(it: Serving) -> dict[str, str]:
    token = it.address.partition("token=")[2]
    return {f"devctl-ui-{it.port}": token}


async def draws(client: aiohttp.ClientSession, it: Serving, **how: Any) -> str:
    """What the websocket shows until the page of the test is there."""
    text = b""
    async with client.ws_connect(f"{it.page.replace('http', 'ws', 1)}/ws?width=80&height=24", **how) as ws:
        while b"a page of tests" not in text:
            message = await ws.receive(timeout=60)
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
            text += message.data if isinstance(message.data, bytes) else message.data.encode()
    return text.decode(errors="replace")


def test_the_address_opens_the_page_and_its_cookie_the_rest(serving: Serving) -> None:
    code, page, headers = asked(serving.address)
    assert code == 200 and "devctl &lt;oatmill&gt;" in page
    assert len(serving.address.partition("token=")[2]) >= 40
    cookie = headers["Set-Cookie"]
    assert (
        "HttpOnly" in cookie
        and "SameSite=Strict" in cookie
        and cookie.startswith(f"devctl-ui-{serving.port}=")
    )
    assert f"Path={serving.page.removeprefix(serving.origin)}" in cookie, (
        "no other port of this address is sent it"
    )
    assert asked(f"{serving.origin}/", **cookie_of(serving))[0] == 404
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")

    script = f"{serving.page}/static/js/textual.js"
    assert asked(script, **cookie_of(serving))[0] == 200
    assert asked(f"{serving.page}/", **cookie_of(serving))[0] == 200, (
        "the page without its token in the address"
    )
    run(lambda client: draws(client, serving, origin=serving.origin), **cookie_of(serving))
    assert serving.drawn.read_text().partition("\n")[2] == repr(list(HOSTILE)), "words stay words"
    assert not (serving.drawn.parent / "pwned").exists()


def test_the_page_loads_nothing_from_elsewhere(refusing: Serving) -> None:
    page = asked(refusing.address)[1]
    links = [
        part.partition('"')[0]
        for part in page.replace("'", '"').split('"')
        if "://" in part[:8] and "w3.org/2000/svg" not in part
    ]
    assert len(links) > 3 and all(
        link.startswith((refusing.origin, f"ws://127.0.0.1:{refusing.port}")) for link in links
    ), links


@pytest.mark.parametrize(
    "path", ["/", "/static/js/textual.js", "/static/css/xterm.css", "/nowhere", "/download/x"]
)
def test_without_the_token_every_request_is_refused(refusing: Serving, path: str) -> None:
    wrong = {f"devctl-ui-{refusing.port}": "x" * 43}
    for given in ({}, wrong, {"devctl-ui": cookie_of(refusing)[f"devctl-ui-{refusing.port}"]}):
        assert asked(f"{refusing.page}{path}", **given)[0] == 403
    token = refusing.address.partition("token=")[2]
    for text in ("", token[:-1], f"{token}x", "é"):
        assert asked(f"{refusing.page}{path}?token={text}")[0] == 403
    if path != "/":  # the token is that of the page; the rest wants its cookie
        assert asked(f"{refusing.page}{path}?token={token}")[0] == 403


@pytest.mark.parametrize(
    "host",
    ["localhost:{port}", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.nip.io:{port}", ""],
)
def test_another_host_name_is_refused_with_the_token_too(refusing: Serving, host: str) -> None:
    """A foreign name that resolves to 127.0.0.1 would give a foreign page the same origin."""
    given = {"Host": host.format(port=refusing.port)}
    assert asked(refusing.address, given)[0] == 403
    assert asked(f"{refusing.page}/static/js/textual.js", given, **cookie_of(refusing))[0] == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:1", "http://localhost:{port}", "null", None]
)
def test_a_websocket_of_another_page_is_refused(refusing: Serving, origin: str | None) -> None:
    """To a browser, a service of the project is the same site: it sends the cookie along."""
    said = origin.format(port=refusing.port) if origin is not None else None
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        run(lambda client: draws(client, refusing, origin=said), **cookie_of(refusing))
    assert refused.value.status == 403
    if said is not None:
        assert asked(refusing.address, {"Origin": said})[0] == 403
    assert not refusing.drawn.exists(), "no process was started for it"


def test_a_websocket_without_the_cookie_is_refused(refusing: Serving) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        run(lambda client: draws(client, refusing, origin=refusing.origin))
    assert refused.value.status == 403
    assert not refusing.drawn.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_the_processes_that_it_started(serving: Serving, number: int) -> None:
    async def work(client: aiohttp.ClientSession) -> None:
        async with client.ws_connect(
            f"{serving.page.replace('http', 'ws', 1)}/ws", origin=serving.origin
        ) as ws:
            await ws.receive(timeout=60)
            await asyncio.to_thread(lambda: serving.drawer)
            os.kill(serving.child.pid, number)
            while (await ws.receive(timeout=60)).type not in OVER:
                pass

    run(work, **cookie_of(serving))
    assert serving.child.wait(60) == 0
    until(lambda: not lives(serving.drawer))


def test_closing_a_page_ends_the_process_that_draws_it(serving: Serving) -> None:
    run(lambda client: draws(client, serving, origin=serving.origin), **cookie_of(serving))
    until(lambda: not lives(serving.drawer))
    assert serving.child.poll() is None


def test_it_listens_on_the_loopback_only(refusing: Serving) -> None:
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    mine = [
        line.split()[1]
        for line in listening.splitlines()
        if f":{refusing.port:04X} " in line and " 0A " in line
    ]
    assert [address.partition(":")[0] for address in mine] == ["0100007F"]


@pytest.mark.follows("devctl ui --web chooses a free one")
def test_a_taken_port_is_an_error(hinted: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(MachineError, match=f"port {port} of 127.0.0.1 is taken") as raised:
            serve_page(["true"], "x", port, print)
        assert raised.value.code == "port-taken"
        assert hinted(raised.value.problem.hint).startswith("devctl ui --web ")
        monkeypatch.setattr(GuardedPage, "run", lambda self, listening: listening.close())
        told: list[str] = []
        serve_page(["true"], "x", 0, told.append)
        assert urlsplit(told[0]).port not in (0, port)
