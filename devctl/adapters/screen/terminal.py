"""Single keys of the terminal, read by a thread. The terminal's settings are restored whenever another process uses it."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from devctl.adapters.screen.browser import opened
from devctl.adapters.system.border import bordered
from devctl.domain.regex import regex

LOOK = 0.1
"""Seconds between two checks whether to end, and which process the terminal belongs to."""
GIVEN_BACK_WITHIN = 1.0
"""Seconds that Ctrl-Z waits until the thread has restored the terminal."""
ESCAPED = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\x1b])?"


@bordered()
class SystemTerminal:
    """`Terminal` of this process."""

    def __init__(self, *, ours: Callable[[bool], None] = lambda yes: None) -> None:
        """`ours`: called with True when keys are read from now on, and with False just before the terminal is restored."""
        self._ours = ours

    @contextlib.contextmanager
    def keys(self, hear: Callable[[str], None]) -> Iterator[None]:
        if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
            yield
            return
        reader = _Reader(sys.stdin.fileno(), hear, self._ours)
        with reader.stopped_like_others():
            try:
                reader.start()
                yield
            finally:
                reader.end()

    def interrupt(self) -> None:
        # Not SIGINT, which may be ignored: devctl takes SIGTERM for the same (cli/app.py).
        os.kill(os.getpid(), signal.SIGTERM)

    def show_page(self, url: str) -> bool:
        return opened(url)


def key_of(typed: bytes) -> str:
    """The key that was pressed; "" for arrow keys and the like, and for several characters at once: pasted by mistake."""
    key = regex(ESCAPED).sub("", typed.decode(errors="replace"))
    return key if len(key) == 1 else ""


class _Reader:
    """In cbreak mode, not raw: Ctrl-C and Ctrl-Z remain signals."""

    def __init__(self, terminal: int, hear: Callable[[str], None], ours: Callable[[bool], None]) -> None:
        self._terminal, self._hear, self._ours = terminal, hear, ours
        self._before: list[Any] | None = None
        self._ended, self._pausing, self._given_back = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        # Ctrl-C may arrive just before anyone can call `end`.
        atexit.register(self.end)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        with contextlib.suppress(RuntimeError):  # Ctrl-C came before the thread had begun
            self._thread.join()
        atexit.unregister(self.end)

    @contextlib.contextmanager
    def stopped_like_others(self) -> Iterator[None]:
        """Ctrl-Z restores the terminal before it stops this process. Only the main thread may set signal handlers."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTSTP, self._stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGTSTP, before)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._given_back.clear()
        self._pausing.set()
        # The thread may wait for a lock of the code that this handler has interrupted: then it is not waited for.
        self._given_back.wait(GIVEN_BACK_WITHIN)
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        # The default action and not SIGSTOP: if no shell could continue this process, the kernel does not stop it.
        signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)
        self._pausing.clear()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                if self._pausing.is_set() or not self._in_the_foreground():
                    self._give_back()
                    self._given_back.set()
                    self._ended.wait(LOOK)
                else:
                    self._take()
                    self._read()
        finally:
            self._give_back()

    def _read(self) -> None:
        ready, _, _ = select.select([self._terminal], [], [], LOOK)
        if not ready:
            return
        try:
            typed = os.read(self._terminal, 1024)
        except OSError:
            typed = b""
        if not typed:  # the terminal is gone
            self._ended.set()
            return
        if key := key_of(typed):
            self._hear(key)

    def _in_the_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._terminal) == os.getpgrp()
        except OSError:  # not the controlling terminal: no shell stops this process either
            return True

    def _take(self) -> None:
        if self._before is None:
            self._before = termios.tcgetattr(self._terminal)
            tty.setcbreak(self._terminal, termios.TCSADRAIN)
            self._ours(True)

    def _give_back(self) -> None:
        before, self._before = self._before, None
        if before is None:
            return
        try:
            self._ours(False)
        finally:
            if self._in_the_foreground():  # in the background the shell has already set it
                with contextlib.suppress(termios.error):
                    termios.tcsetattr(self._terminal, termios.TCSADRAIN, before)
