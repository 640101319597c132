"""The screen of a foreground `up` in a real terminal: its line, its keys, and what remains afterwards."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.cli import DEVCTL, get, serves
from tests.engine.conftest import Started
from tests.engine.tmux import tmux

pytestmark = pytest.mark.engine
UP = shlex.join([*DEVCTL, "up"])
TERMINAL = "stty -a | grep -o -- '-\\?\\(icanon\\|echo\\)\\b' | xargs echo modes:"


def edit(project: Started, old: str, new: str) -> None:
    web = project.root / "internal/web/web.go"
    text = web.read_text()
    assert old in text
    web.write_text(text.replace(old, new))


def mode(project: Started) -> str:
    return str(project.devctl("status").result["mode"])


def test_what_is_saved_and_what_is_served(project: Callable[..., Started], tmp_path: Path) -> None:
    shop = project()
    url = f"http://127.0.0.1:{shop.port}"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{tmp_path}/opened\n')
    browser.chmod(0o755)
    with tmux(shop.root, env={"BROWSER": str(browser)}) as at:
        at.run(f"{UP} --open")
        at.last_has("─ dev · current code", url, "? shows the keys")
        at.shows(f"opened {url}")
        assert (tmp_path / "opened").read_text().strip() == url

        edit(shop, "Hello from Go", "Hello from the screen")
        serves(shop.port, "from the screen")
        at.last_has("current", " s, ")

        edit(shop, "mux.HandleFunc", "mux.HandelFunc")
        at.last_has("old code since ")
        at.shows("app does not compile, serving old code", "mux.HandelFunc undefined")
        assert "from the screen" in get(shop.port)
        edit(shop, "mux.HandelFunc", "mux.HandleFunc")
        at.last_has("current code")
        at.press("C-c")
        at.shows("stopped; devctl up starts again")


def test_keys_to_production_and_back(project: Callable[..., Started]) -> None:
    shop = project()
    url = f"http://127.0.0.1:{shop.port}"
    with tmux(shop.root) as at:
        at.run(UP)
        at.last_has("─ dev · current code", url)
        at.type("?")
        at.shows("  p  production preview", "  d  detach: leave everything running")
        at.type("l")
        at.shows("there is only one service")

        at.type("t")
        at.last_has("test ")
        at.last_has("tests passed")
        at.shows(" passed")

        at.type("p")
        at.last_has("prod-preview", " s ·")
        at.type("r")
        at.shows("prod-preview is still running: press r again when it is done")
        at.last_has("─ prod ·", url)
        at.shows("production preview serves on")
        assert mode(shop) == "prod"
        at.type("t")
        at.shows("test needs dev mode")
        at.type("b")
        at.last_has("─ dev · current code", within=240)
        assert get(shop.port)
        at.type("d")
        at.shows("detached; devctl logs -f follows")


def test_it_survives_resizing_and_ctrl_z_and_ends_without_a_trace(project: Callable[..., Started]) -> None:
    shop = project()
    with tmux(shop.root) as at:
        at.run(UP)
        at.last_has("─ dev · current code")
        at.resize(60, 15)
        at.until(lambda: 0 < len(at.last) < 60 and at.last.endswith("? keys"))
        assert sum("─ dev" in row for row in at.screen()) == 1, at.screen()
        at.resize(80, 24)
        at.last_has("? shows the keys")
        at.type("c")
        at.until(lambda: len(at.screen()) == 1)

        # Ctrl-Z gives the terminal back, fg takes it again.
        at.press("C-z")
        at.shows("Stopped")
        assert "─" not in at.last
        at.run(TERMINAL)
        at.shows("modes: icanon echo")
        at.run("fg")
        at.last_has("─ dev · current code")
        at.press("Up")
        at.type("c")
        at.until(lambda: len(at.screen()) == 1)

        at.type("d")
        at.shows("detached; devctl logs -f follows")
        at.run(f"echo code $?; {TERMINAL}")
        at.shows("code 0", "modes: icanon echo")
        assert not [row for row in at.screen() if row.startswith("─")]
    assert get(shop.port)
    assert shop.devctl("status").result["watcher"]["state"] == "running"


def test_q_stops_the_production_that_p_started_also_in_plain_letters(project: Callable[..., Started]) -> None:
    """NO_COLOR, a locale without UTF-8, two services."""
    files = {
        "go.mod": "module example.com/plain\n\ngo 1.26\n",
        "main.go": 'package main\n\nimport "net/http"\n\n'
        'func main() { http.ListenAndServe(":8080", http.NotFoundHandler()) }\n',
        "compose.yaml": json.dumps(
            {
                "services": {
                    "web": {"build": ".", "ports": ["HOST_PORT:8080"]},
                    "side": {
                        "image": "alpine:3.22",
                        "command": "sh -c 'while sleep 0.5; do echo beside; done'",
                        "init": True,
                    },
                }
            }
        ),
        "devctl.yaml": "services: {web: {probe: tcp}}\n",
    }
    shop = project(files=files)
    with tmux(shop.root, width=78, height=20, env={"NO_COLOR": "1", "LANG": "C", "LC_ALL": "C"}) as at:
        at.run(f"{UP} -y; echo code $?")
        at.last_has("- dev | current code | ")
        at.shows("beside")
        at.type("l")
        at.last_has("log of ")
        first = at.last
        at.type("l")
        at.until(lambda: "log of " in at.last and at.last != first)
        at.type("l")
        at.until(lambda: "log of " not in at.last)
        at.type("p")
        at.last_has("- prod | ", within=240)
        assert all(row.isascii() for row in at.screen() if row.startswith("- "))
        assert not at.colours()
        at.type("q")
        at.shows("stopped; devctl up starts again", "code 0")
        at.run(TERMINAL)
        at.shows("modes: icanon echo")
    assert mode(shop) == "stopped"


def test_ctrl_c_and_a_dumb_terminal(project: Callable[..., Started]) -> None:
    shop = project()
    with tmux(shop.root, env={"TERM": "dumb"}) as at:
        at.run(f"TERM=dumb {UP}; echo code $?")
        at.shows("Ctrl-C stops, d detaches, ? shows all keys")
        at.type("?")
        at.shows("  q  quit")
        assert not [row for row in at.screen() if row.startswith(("─ ", "- "))]
        at.press("C-c")
        at.shows("stopped; devctl up starts again", "code 0")
    assert mode(shop) == "stopped"


def test_a_terminate_signal_restores_the_terminal(project: Callable[..., Started]) -> None:
    shop = project()
    with tmux(shop.root) as at:
        at.run(f"{UP}; echo code $?; {TERMINAL}")
        at.last_has("─ dev · current code")
        pid = shop.devctl("status").result["watcher"]["pid"]
        subprocess.run(["kill", str(pid)], check=True)
        at.shows("code 0", "modes: icanon echo")
        assert not [row for row in at.screen() if row.startswith("─")]


def test_another_terminal_changes_the_mode_and_the_line_says_so(project: Callable[..., Started]) -> None:
    shop = project()
    with tmux(shop.root) as at:
        at.run(f"{UP}; echo code $?")
        at.last_has("─ dev · current code")
        shop.devctl("-y", "prod-preview")
        at.last_has("─ prod ·")
        shop.devctl("up", "-d")
        at.last_has("─ dev · current code")
        shop.devctl("down")  # it ends the watcher, which is this one
        at.shows("nothing is running any more: another command stopped it", "code 0")
