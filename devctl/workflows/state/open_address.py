"""Opens a running service in a browser: `up --open`, and the key `o` of a foreground `up`."""

from __future__ import annotations

from collections.abc import Iterable

from devctl.domain.command.events import Remark
from devctl.domain.command.state import ServiceState
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.terminal import Terminal


def main_url(services: Iterable[ServiceState]) -> str | None:
    """The address of the first service that a browser can show; else that of the first that has one."""
    urls = [s.url for s in services if s.url is not None and s.kind == "service"]
    return next((url for url in urls if url.startswith("http")), next(iter(urls), None))


def open_address(terminal: Terminal, reporter: Reporter, url: str | None) -> None:
    """Without a browser here, prints the address."""
    if url is None or not url.startswith("http"):
        where = f": {url} is not an HTTP address" if url is not None else ""
        reporter.emit(Remark(f"nothing to open in a browser{where}"))
    elif terminal.show_page(url):
        reporter.emit(Remark(f"opened {url}"))
    else:
        reporter.emit(Remark(f"no browser here: open {url} on your machine"))
