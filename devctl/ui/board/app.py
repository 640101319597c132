"""The full view of a running project (decision 27): it reads a `Board` and changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.filter import Monochrome
from textual.widgets import Footer, Input, OptionList

from devctl.domain.board.view import Board, BoardView, Look
from devctl.ui.board.go_mod import GoModPanel
from devctl.ui.board.logs import LogView
from devctl.ui.board.preview import PreviewPanel
from devctl.ui.board.services import ServiceList
from devctl.ui.board.status import ProjectLine
from devctl.ui.board.styles import CSS as STYLES
from devctl.ui.board.timeline import Timeline

SIZES = ((0, "-low"), (18, "-usual"), (34, "-tall"))
"""The class of a screen with at least that many lines."""
OFTEN = 0.2
"""Seconds between two checks for what the threads have found."""
DARK, LIGHT = "textual-dark", "textual-light"


class BoardApp(App[None]):
    CSS = STYLES
    ENABLE_COMMAND_PALETTE = False
    VERTICAL_BREAKPOINTS = [*SIZES]  # noqa: RUF012 (an attribute of instances there)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/", priority=True),
        Binding("s", "service", "next service"),
        Binding("a", "all", "all logs"),
        Binding("o", "open", "open URL"),
        Binding("t", "ground", "light/dark"),
        Binding("tab", "app.focus_next", "switch pane", show=False),
        Binding("q", "quit", "quit"),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
        Binding("escape", "all", "all logs", show=False),
    ]

    def __init__(self, board: Board, look: Look) -> None:
        super().__init__()
        self._board, self._look = board, look
        self._shown: BoardView | None = None
        # Kept here: the timer may fire once more while they are being removed.
        self._status, self._services, self._timeline = ProjectLine(), ServiceList(), Timeline()
        self._go_mod, self._preview, self._logs = GoModPanel(), PreviewPanel(), LogView()
        self._search = Input(placeholder="text to search for in the logs", id="search")
        self.theme = LIGHT if look.dark is False else DARK
        if not look.color and not self.no_color:
            self._filters.append(Monochrome())

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._services
        with Horizontal(id="middle"):
            yield self._timeline
            with Vertical(id="side"):
                yield self._go_mod
                yield self._preview
        yield self._logs
        yield self._search
        yield Footer()

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # The tests' loop is not that of a main thread.
            with contextlib.suppress(RuntimeError, ValueError):
                loop.add_signal_handler(number, self.exit)
        self.title = self._board.view().project
        self._read()
        self.set_interval(OFTEN, self._read)

    def _read(self) -> None:
        if self._board.broken():
            self.exit()
            return
        self._logs.add(self._board.new_lines())
        view = self._board.view()
        if view is not self._shown:
            self._shown = view
            self._draw(view)

    def _draw(self, view: BoardView) -> None:
        self._status.show(view)
        self._services.show(view.state.services)
        self._timeline.show(view.moments)
        self._go_mod.show(view.go_mod)
        self._preview.show(view.preview)

    def on_resize(self) -> None:
        if self._shown is not None:
            self.call_after_refresh(self._draw, self._shown)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a service: only its logs; Enter again: all logs."""
        service = self._services.at(event.option_index)
        same = service is not None and service.name == self._logs.service
        self._only(service=None if service is None or same else service.name)

    def action_service(self) -> None:
        names = [None, *self._services.names]
        now = self._logs.service
        self._only(service=names[(names.index(now) + 1) % len(names)] if now in names else None)

    def action_all(self) -> None:
        self._search.value = ""
        self._search.display = False
        self._only(service=None, wanted="")
        self._logs.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a search text is typed, `/` is a part of it."""
        return action != "search" or self.focused is not self._search

    def action_search(self) -> None:
        """Immediately, since the first characters of the text may already have been typed."""
        self._search.display = True
        self.screen.set_focus(self._search)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._only(wanted=event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A text stays visible; an empty line disappears."""
        self._search.display = bool(event.value)
        self._logs.focus()

    def action_open(self) -> None:
        services = self._services
        service = services.at(services.highlighted)
        url = service.url if service is not None else None
        if url is None or not url.startswith("http"):
            self.notify("this service has no address to open in a browser", severity="warning")
        elif not self._look.can_open:
            self.notify(url, title="no browser here; open this address")
        else:
            self.open_url(url)

    def action_ground(self) -> None:
        self.theme = DARK if self.theme == LIGHT else LIGHT

    def _only(self, *, service: str | object | None = ..., wanted: str | None = None) -> None:
        chosen = self._logs.service if service is ... else service
        assert chosen is None or isinstance(chosen, str)
        self._logs.only(service=chosen, wanted=self._logs.wanted if wanted is None else wanted)


def show(board: Board, look: Look) -> None:
    """Until the user quits. A failure of the view is raised here, since Textual does not raise it."""
    app = BoardApp(board, look)
    app.run()
    if app.return_code:
        raise RuntimeError("the view ended with an error") from app._exception
