"""A real terminal: the machine's tmux, installed by apt where there is none."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import uuid
from pathlib import Path

from tests.engine.apt import install
from tests.engine.cli import until


class Terminal:
    """A program in a terminal of this size; `text` is what a person sees. The terminal stays when the program ends."""

    def __init__(self, words: list[str], folder: Path, size: tuple[int, int]) -> None:
        install("tmux", missing=lambda: shutil.which("tmux") is None)
        self._socket = f"dt{uuid.uuid4().hex[:8]}"
        width, height = (str(number) for number in size)
        # What the program leaves behind can be looked at.
        said = f"{shlex.join(words)}; echo ended with $?; exec cat"
        self.tmux("-f", os.devnull, "new-session", "-d", "-x", width, "-y", height, "-c", str(folder), said)
        # Where nobody looks at a window, tmux gives it its own size, whatever the session was made with.
        self.tmux("resize-window", "-x", width, "-y", height)

    def tmux(self, *args: str) -> str:
        done = subprocess.run(["tmux", "-L", self._socket, *args], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def text(self) -> str:
        return self.tmux("capture-pane", "-p")

    @property
    def shell(self) -> int:
        """The process whose child is the program."""
        return int(self.tmux("list-panes", "-F", "#{pane_pid}"))

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def shows(self, *words: str, within: float = 400) -> str:
        until(lambda: all(w in self.text for w in words), within, lambda: f"{words} not in\n{self.text}")
        return self.text

    def close(self) -> None:
        with contextlib.suppress(AssertionError):
            self.tmux("kill-server")
