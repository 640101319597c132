"""A real terminal with a shell in it: tmux, installed by apt where there is none."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from tests.engine.apt import install

PROMPT = "prompt> "


class Tmux(Struct, frozen=True):
    """One server of its own for each test, so that nobody else's is touched."""

    folder: Path
    name: str = field(default_factory=lambda: f"devctl-{uuid.uuid4().hex[:8]}")

    def call(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-f", os.devnull, "-L", self.name, *words],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"tmux {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def type(self, text: str) -> None:
        """Keys as they are; `run` adds Enter."""
        self.call("send-keys", "-l", text)

    def press(self, key: str) -> None:
        """A key by tmux's name for it: C-c, C-z, Up."""
        self.call("send-keys", key)

    def run(self, line: str) -> None:
        self.type(line)
        self.press("Enter")

    def screen(self) -> list[str]:
        """The rows that are not empty, as a person sees them."""
        return [row.rstrip() for row in self.call("capture-pane", "-p").splitlines() if row.strip()]

    def colours(self) -> bool:
        return "\x1b[3" in self.call("capture-pane", "-p", "-e")

    @property
    def last(self) -> str:
        """The last row that is not empty: the status line, while there is one."""
        return (self.screen() or [""])[-1]

    def resize(self, width: int, height: int) -> None:
        self.call("resize-window", "-x", str(width), "-y", str(height))

    def until(self, good: Callable[[], bool], within: float = 400) -> None:
        deadline = time.monotonic() + within
        while not good():
            assert time.monotonic() < deadline, "that never happened:\n" + "\n".join(self.screen())
            time.sleep(0.05)

    def shows(self, *words: str, within: float = 400) -> None:
        """Wait until each stands somewhere on the screen."""
        self.until(lambda: all(any(word in row for row in self.screen()) for word in words), within)

    def last_has(self, *words: str, within: float = 400) -> str:
        """Wait until the status line has each of these."""
        self.until(lambda: all(word in self.last for word in words), within)
        return self.last


@contextlib.contextmanager
def tmux(
    folder: Path, *, width: int = 80, height: int = 24, env: Mapping[str, str] | None = None
) -> Iterator[Tmux]:
    """A terminal of this size with bash in the folder."""
    install("tmux", missing=lambda: shutil.which("tmux") is None)
    assert shutil.which("tmux") is not None, "no terminal to look at: sudo apt-get install tmux"
    made = Tmux(folder)
    variables = {"LANG": "C.UTF-8", **(env or {})}
    settings = [part for name, value in variables.items() for part in ("-e", f"{name}={value}")]
    size = ("-x", str(width), "-y", str(height))
    shell = f"PS1='{PROMPT}' exec bash --norc --noprofile"  # a shell that is not interactive drops it
    made.call("new-session", "-d", *size, *settings, "-c", str(folder), shell)
    try:
        made.shows(PROMPT.strip())
        yield made
    finally:
        made.call("kill-server")
