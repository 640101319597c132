"""Makes docs/pictures/devctl-ui.svg from a real run: a project on the real engine, saved, broken, fixed, and previewed.

.venv/bin/python scripts/picture_of_ui.py
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from devctl.cli import wiring
from devctl.domain.board.view import Look
from devctl.ui.board.app import BoardApp
from devctl.ui.text import HumanRenderer
from devctl.workflows.board.observed import ObservedProject, observing
from devctl.workflows.project.load import load

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "pictures" / "devctl-ui.svg"
SIZE = (112, 34)
COMPOSE = """
  pantry:
    image: golang:1.26
    command: [sh, -c, "while :; do echo shelves are stocked; sleep 20; done"]
    init: true
"""
SAVES = ("rolled", "rolled oats", "cut", "cut oats", "toasted", "toasted oats", "oats")


def devctl(folder: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-P", "-m", "devctl", *words], cwd=folder, check=True)


def until(good: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not good():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def live(folder: Path, board: ObservedProject) -> None:
    """A morning's work."""
    web = folder / "internal/web/web.go"
    text = web.read_text(encoding="utf-8")

    def saved(new: str) -> None:
        known = board.view().moments
        web.write_text(new, encoding="utf-8")
        until(lambda: board.view().moments != known)
        time.sleep(0.5)

    until(lambda: board.view().state.watcher.state == "running")
    for word in SAVES:
        saved(text.replace("Hello from Go", f"Hello from {word}"))
    saved(text.replace("mux.HandleFunc", "mux.HandelFunc"))
    saved(text)
    devctl(folder, "exec", "app", "--", "go", "get", "github.com/google/uuid@v1.6.0")
    until(lambda: (change := board.view().go_mod) is not None and change.outcome is not None)
    for word in reversed(SAVES):
        saved(text.replace("Hello from Go", f"Hello from {word}"))
    devctl(folder, "prod-preview")
    devctl(folder, "up", "-d")
    saved(text)
    until(lambda: board.view().state.serving.state == "current")


async def drawn(board: ObservedProject) -> str:
    app = BoardApp(board, Look())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(1)
        svg = app.export_screenshot(title="devctl ui")
    # Fonts of a content delivery network: a picture of a document asks nobody.
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def main() -> None:
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above) / "oatmill"
        devctl(Path(above), "new", "oatmill")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            (folder / ".env").write_text(f"HOST_PORT={free.getsockname()[1]}\n", encoding="utf-8")
        compose = folder / "compose.yaml"
        text = compose.read_text(encoding="utf-8").replace(
            "\nvolumes:\n  cache", f"{COMPOSE}\nvolumes:\n  cache"
        )
        compose.write_text(text, encoding="utf-8")
        try:
            devctl(folder, "up", "-d")
            renderer = HumanRenderer(quiet=True, verbose=False, colors=(False, False), discard=lambda: None)
            box = wiring.toolbox(renderer)
            with observing(box, load(box, folder)) as board:
                live(folder, board)
                svg = asyncio.run(drawn(board))
        finally:
            devctl(folder, "down", "--volumes", "-y")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
