"""Makes docs/pictures/devctl-up.svg from a real `devctl up` in a terminal: a save, a new dependency, code that does not compile.

.venv/bin/python scripts/picture_of_up.py        (it needs tmux and the engine)
"""

from __future__ import annotations

import io
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "devctl-up.svg"
COLUMNS, LINES = 110, 34
WITHIN = 90


class Terminal:
    """A tmux of its own, so that nothing of the user's settings is seen."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "tmux"
        shell = f"PS1='$ ' PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH exec sh"
        size = ("-x", str(COLUMNS), "-y", str(LINES))
        self.tmux("new-session", "-d", *size, "-c", str(folder / "rookery"), shell)

    def tmux(self, *words: str) -> str:
        command = ["tmux", "-f", os.devnull, "-S", str(self.socket), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def type(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def shown(self) -> str:
        return self.tmux("capture-pane", "-p")

    def until(self, pattern: str) -> None:
        deadline = time.monotonic() + WITHIN
        while re.search(pattern, self.shown()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{pattern} is not on the screen:\n{self.shown()}")
            time.sleep(0.1)


def a_morning(terminal: Terminal, folder: Path) -> str:
    """Returns the screen, with its colours."""
    web = folder / "internal/web/web.go"
    text = web.read_text(encoding="utf-8")
    terminal.until(r"\$")
    terminal.type("devctl up", "Enter")
    terminal.until(r"(?m)^─ dev · current code")
    web.write_text(text.replace("Hello from Go", "Hello from the rooks"), encoding="utf-8")
    terminal.until(r"app reloaded in")
    subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "devctl",
            "exec",
            "app",
            "--",
            "go",
            "get",
            "github.com/google/uuid@v1.6.0",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    terminal.until(r"app serves with the new dependencies")
    web.write_text(text.replace("mux.HandleFunc", "mux.HandelFunc", 1), encoding="utf-8")
    terminal.until(r"does not compile[^\0]*\n─ dev · old code since")
    return terminal.tmux("capture-pane", "-e", "-p")


def drawn(screen: str) -> str:
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi(screen.rstrip()))
    svg = console.export_svg(title="devctl up", unique_id="up")
    # Fonts of a content delivery network: a picture of a document asks nobody.
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def main() -> None:
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above) / "rookery"
        devctl = [sys.executable, "-P", "-m", "devctl"]
        subprocess.run([*devctl, "new", "rookery"], cwd=above, check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            (folder / ".env").write_text(f"HOST_PORT={free.getsockname()[1]}\n", encoding="utf-8")
        terminal = Terminal(Path(above))
        try:
            screen = a_morning(terminal, folder)
        finally:
            terminal.tmux("kill-server")
            subprocess.run([*devctl, "down", "--volumes", "-y"], cwd=folder, check=True)
    PICTURE.write_text(drawn(screen), encoding="utf-8")


if __name__ == "__main__":
    main()
