"""The status line of a foreground `up`: the last row of the terminal, redrawn below whatever is printed
(docs/decisions/0026-live-screen.md)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from devctl.domain.command.events import Event, OnTerminal
from devctl.ui.style import Part, Style, rendered

if TYPE_CHECKING:
    from devctl.domain.screen.status import Status

TICK = 0.2
"""Seconds between two checks whether the line has changed: its seconds, or the width of the terminal."""
USUAL_WIDTH = 80
# The cursor stays at the start of the line, so that all of it is after the cursor even if a narrower terminal has wrapped it.
_ERASE = "\r\x1b[J"
# A program's colour that spans several of its lines is kept; a line that is too long is cut off, not wrapped.
_BEFORE, _AFTER = "\x1b7\x1b[m\x1b[?7l", "\x1b[?7h\x1b8"
_CLEAR = "\x1b[H\x1b[2J"


class StatusLine:
    """Keeps the status, and draws its line while keys are read. The caller holds `lock`."""

    def __init__(
        self,
        stream: TextIO,
        *,
        enabled: bool,
        style: Style,
        utf8: bool,
        now: Callable[[], datetime],
        lock: AbstractContextManager[object],
    ) -> None:
        self._stream, self._enabled, self._style, self._utf8 = stream, enabled, style, utf8
        self._now, self._lock = now, lock
        self._status: Status | None = None
        self._shown = ""
        self._ticking: threading.Event | None = None

    @property
    def drawn(self) -> bool:
        return self._ticking is not None

    def hear(self, event: Event) -> None:
        if not self._enabled:
            return
        from devctl.domain.screen.status import Status, after

        before = self._status or Status()
        self._status = after(before, event, self._now())
        if isinstance(event, OnTerminal):
            self._begin() if event.ours else self.end()
        elif self._status is before:  # for example after each line of a log
            return
        self._draw()

    def hidden(self, write: Callable[[], None]) -> None:
        """Write something above the line."""
        shown = self._shown
        self._erase()
        try:
            write()
        finally:
            if shown:
                self._put(shown)

    def clear_screen(self) -> None:
        if self.drawn:
            self._write(_CLEAR)
            self._shown = ""
            self._draw()

    def end(self) -> None:
        self._erase()
        if self._ticking is not None:
            self._ticking.set()
            self._ticking = None

    def _begin(self) -> None:
        if self._ticking is None:
            self._ticking = threading.Event()
            threading.Thread(target=self._tick, args=(self._ticking,), daemon=True).start()

    def _tick(self, ended: threading.Event) -> None:
        while not ended.wait(TICK):
            with self._lock:
                if not ended.is_set():
                    self._draw()

    def _draw(self) -> None:
        if self._ticking is None or self._status is None or self._status.mode is None:
            return
        text = self._text(self._status)
        if text != self._shown:
            self._put(text)

    def _put(self, text: str) -> None:
        self._write(f"{_ERASE}{_BEFORE}{text}{_AFTER}")
        self._shown = text

    def _text(self, status: Status) -> str:
        from devctl.domain.screen.status import line

        look: Mapping[str, Callable[[str], Part]] = {
            "plain": str,
            "good": self._style.good,
            "bad": self._style.bad,
            "warn": self._style.warn,
            "dim": self._style.dim,
        }
        pieces = line(status, at=self._now(), width=self._width(), utf8=self._utf8)
        return rendered(tuple(look[piece.look](piece.text) for piece in pieces))

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or USUAL_WIDTH
        except (OSError, ValueError):
            return USUAL_WIDTH

    def _erase(self) -> None:
        if self._shown:
            self._write(_ERASE)
            self._shown = ""

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # the terminal may be gone
            self._stream.write(text)
            self._stream.flush()
