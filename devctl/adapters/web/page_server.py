"""The page of `devctl ui --web`: textual-serve on 127.0.0.1, behind a token (decision 27).

It guards against other users of this machine, who can reach the port, and against other pages in your browser, which can send
requests to it: through a name that resolves to 127.0.0.1 (DNS rebinding), or from their own address.
"""

from __future__ import annotations

import errno
import logging
import secrets
import shlex
import socket
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from textual_serve.server import Server

from devctl.domain.regex import regex
from devctl.errors import MachineError

HOST = "127.0.0.1"
COOKIE = "devctl-ui"
END = 1.0
"""Seconds that the processes of open pages have to exit when the server ends."""
_FROM_ELSEWHERE = regex(r'<link\b[^>]*\bhref="https://[^>]*>')
_FONT = """<style>@font-face { font-family: "Roboto Mono"; src: url("static/fonts/RobotoMono-VariableFont_wght.ttf"); }</style>"""
"""In place of the same font from Google, which the page of textual-serve requests although a copy comes with it."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve_page(
    words: Sequence[str], title: str, port: int, ready: Callable[[str], None], *, token: str | None = None
) -> None:
    """Until SIGINT or SIGTERM. `words`: the command that draws a page, started for each page that is opened; `token`: for tests.
    Raises MachineError `port-taken`."""
    listening = _listening(port)
    page = GuardedPage(words, title, listening.getsockname()[1], token=token or secrets.token_urlsafe(32))
    ready(page.address)
    page.run(listening)


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        why = "is taken" if error.errno == errno.EADDRINUSE else "is not open to this user"
        raise MachineError(
            f"port {port} of {HOST} {why}",
            code="port-taken",
            hint="devctl ui --web chooses a free one",
        ) from error
    listening.listen()
    return listening


class GuardedPage(Server):
    """`textual-serve` starts its command through a shell, and answers everyone. So the words are quoted here, and each request
    goes through `_guard`."""

    def __init__(self, words: Sequence[str], title: str, port: int, *, token: str) -> None:
        super().__init__(shlex.join(words), host=HOST, port=port, title=title)
        self._token = token
        self._name = f"{COOKIE}-{port}"  # browsers keep one cookie jar for all ports of a host
        # And send a cookie to every one of these ports, whoever listens there, for paths below the cookie's path.
        self._folder = f"/{secrets.token_urlsafe(18)}"
        self.address = f"{self.public_url}{self._folder}/?token={token}"

    def run(self, listening: socket.socket) -> None:
        logging.getLogger("textual-serve").addHandler(logging.NullHandler())
        web.run_app(
            self._make_app(), sock=listening, print=lambda *args: None, access_log=None, shutdown_timeout=END
        )

    async def _make_app(self) -> web.Application:
        page, whole = await super()._make_app(), web.Application()
        page.middlewares.append(self._guard)
        whole.add_subapp(self._folder, page)
        return whole

    async def on_startup(self, app: web.Application) -> None:
        """Overridden, since textual-serve prints its banner here."""

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        why = self._refused(request)
        if why is not None:
            return web.Response(status=403, text=f"{why}\n", headers=self._headers)
        response = await handler(request)
        if not response.prepared:  # as a websocket is, which has ended by now
            response.headers.update(self._headers)
            if self._path(request) == "/" and isinstance(response, web.Response):
                response.text = _FROM_ELSEWHERE.sub(_FONT, response.text or "")
                response.set_cookie(
                    self._name, self._token, httponly=True, samesite="Strict", path=self._folder
                )
        return response

    def _refused(self, request: web.Request) -> str | None:
        """Why a request is refused; None if it is answered."""
        if request.headers.getall("Host", []) != [f"{HOST}:{self.port}"]:
            return f"open the address that devctl ui printed, which begins with http://{HOST}"
        origins = request.headers.getall("Origin", [])
        needed = self._path(request) == "/ws"  # a browser always says where a websocket comes from
        if (needed or origins) and origins != [self.public_url]:
            return "requests from other pages are refused"
        given = request.query.get("token", "") if self._path(request) == "/" else ""
        if not any(self._is_token(text) for text in (given, request.cookies.get(self._name, ""))):
            return "the address has no valid token: open the address that devctl ui printed"
        return None

    def _path(self, request: web.Request) -> str:
        return request.path.removeprefix(self._folder)

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(errors="replace"), self._token.encode())

    @property
    def _headers(self) -> dict[str, str]:
        """Nothing is loaded from elsewhere, no other page can embed this one, and the token is not passed on."""
        here = f"'self' ws://{HOST}:{self.port}"
        return {
            "Content-Security-Policy": f"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
            f"img-src 'self' data:; font-src 'self' data:; connect-src {here}; frame-ancestors 'none'; base-uri 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
