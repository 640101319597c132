"""`devctl ui` on a real terminal (tmux) and in a real browser, attached to a real project."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.engine.browser import browser
from tests.engine.cli import DEVCTL, docker, serves, until
from tests.engine.conftest import Started
from tests.engine.terminal import Terminal
from tests.engine.test_foreground import foreground

pytestmark = pytest.mark.engine


@contextmanager
def terminal(project: Started, *words: str, size: tuple[int, int] = (80, 24)) -> Iterator[Terminal]:
    opened = Terminal([*DEVCTL, *words], project.root, size)
    try:
        yield opened
    finally:
        opened.close()


def content(root: Path) -> dict[str, str]:
    """Every file of a project, except what its watcher and its reloader may write at any time."""
    theirs = (
        root / ".devctl/watcher.log",
        root / ".devctl/lock",
        *(root / ".devctl").glob("events*"),
        root / "tmp",
    )
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not {path, *path.parents} & {*theirs}
    }


def containers(project: Started) -> str:
    label = f"label=com.docker.compose.project={project.name}"
    return docker("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}", "--filter", label)


def save(project: Started, old: str, new: str) -> None:
    web = project.root / "internal/web/web.go"
    text = web.read_text()
    assert old in text
    web.write_text(text.replace(old, new))


def test_it_shows_what_happens_to_a_detached_project_and_changes_nothing(
    project: Callable[..., Started],
) -> None:
    started = project()
    started.devctl("up", "-d")
    files, ids = content(started.root), containers(started)
    with terminal(started, "ui") as seen:
        seen.shows("● app", "running", f"http://127.0.0.1:{started.port}", "listening")
        seen.shows("serving current", "watcher running")
        now = content(started.root)
        assert {name for name in {*now, *files} if now.get(name) != files.get(name)} == set()
        assert containers(started) == ids

        save(started, "Hello from Go", "Hello from the mill")
        serves(started.port, "Hello from the mill")
        seen.shows("✓ reloaded in", "last ")
        save(started, "mux.HandleFunc", "mux.HandelFunc")
        seen.shows("serving old: does not compile", "✗", "1 failed", "reload failed: internal/web/web.go")
        save(started, "mux.HandelFunc", "mux.HandleFunc")
        seen.shows("serving current")

        mod = started.root / "go.mod"
        mod.write_text(mod.read_text() + "\nexclude example.com/x v1.0.0\n")
        seen.shows("serves with the new dependencies", "served in", "+")

        seen.press("/", "listening", "Enter")
        seen.shows("logs with “listening”")
        assert "reload failed" not in seen.text
        started.devctl("down")
        seen.shows("stopped: devctl up -d starts it")
        seen.press("q")
        seen.shows("ended with 0")
        assert "Traceback" not in seen.text


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGHUP])
def test_it_attaches_to_a_foreground_up_and_leaves_the_terminal_as_it_was(
    project: Callable[..., Started], number: int | None
) -> None:
    started = project()
    with foreground(started) as up:
        up.until("Ctrl-C stops")
        with terminal(started, "ui", size=(120, 40)) as seen:
            seen.shows("serving current", "listening")
            save(started, "Hello from Go", "Hello from the mill")
            serves(started.port, "Hello from the mill")
            seen.shows("✓ reloaded in", "last ")
            pid = _child(seen)
            if number is None:
                seen.press("C-c")
            else:
                os.kill(pid, number)
            seen.shows("ended with 0")
            assert "reloaded" not in seen.text, "the screen of before is back"
            seen.press("typed", "Enter")
            seen.shows("typed")
        assert up.child.poll() is None
        assert up.end(signal.SIGINT) == 0
    until(lambda: not _followers(started))


def _child(seen: Terminal) -> int:
    return _children(seen.shell)[0]


def _followers(project: Started) -> list[str]:
    """`docker logs` processes of the project that still run."""
    ids = [line.split()[0] for line in containers(project).splitlines()]
    shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    return [line for line in shown.splitlines() if "logs" in line and any(i in line for i in ids)]


def test_a_preview_is_shown_with_its_size(project: Callable[..., Started]) -> None:
    started = project()
    started.devctl("up", "-d")
    with terminal(started, "ui", size=(120, 40)) as seen:
        seen.shows("not yet: devctl prod-preview")
        done = started.devctl("prod-preview")
        size = f"{done.result['image']['size_bytes'] / 1e6:.2f} MB"
        seen.shows("✓ ready", size, "distroless", "switch", "dev → prod")


@contextmanager
def page(project: Started) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`devctl ui --web`, and the address that it printed."""
    with subprocess.Popen(
        [*DEVCTL, "ui", "--web"],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as served:
        assert served.stdout is not None
        address = served.stdout.readline().strip()
        try:
            assert address.startswith("http://127.0.0.1:"), address
            yield served, address
        finally:
            served.kill()


DRAWN = """
const screen = document.querySelector(".xterm-screen");
return document.body.classList.contains("-first-byte") && screen !== null && screen.clientWidth > 400;
"""


def test_in_a_browser_and_ctrl_c_ends_it(project: Callable[..., Started], tmp_path: Path) -> None:
    started = project(folder="a 'b\" $(touch pwned);")
    started.devctl("up", "-d")
    with page(started) as (served, address), browser() as window:
        window.requested(), window.complaints()
        window.driver.set_window_size(1400, 900)
        window.driver.get(address)
        until(lambda: bool(window.run(DRAWN)), why=lambda: str(window.complaints()))
        drawers = _children(served.pid)
        assert len(drawers) == 1
        # The browser asks for the icon of a site at its root, wherever the page is.
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(address))
        asked = [url for url in window.requested() if not url.startswith(("data:", "blob:", f"{origin}/"))]
        assert asked == []
        refused = ("Security Policy", "Refused", "Failed", "Error")
        assert not [
            c for c in window.complaints() if any(word in c for word in refused) and "favicon" not in c
        ]
        before = window.driver.get_screenshot_as_png()
        save(started, "Hello from Go", "Hello from the mill")
        serves(started.port, "Hello from the mill")
        until(lambda: window.driver.get_screenshot_as_png() != before)
        os.kill(served.pid, signal.SIGINT)
        assert served.wait(180) == 0
        until(lambda: not any(map(_lives, drawers)))
    assert not [p for p in (started.root / "pwned", Path("pwned"), tmp_path / "pwned") if p.exists()]


def test_a_killed_server_leaves_no_process(project: Callable[..., Started]) -> None:
    started = project()
    started.devctl("up", "-d")
    with page(started) as (served, address), browser() as window:
        window.driver.get(address)
        until(lambda: bool(window.run(DRAWN)), why=lambda: str(window.complaints()))
        drawers = _children(served.pid)
        served.kill()
        until(lambda: not any(map(_lives, drawers)))
    until(lambda: not _followers(started))


def _lives(pid: int) -> bool:
    """Not even one that only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_without_anything_to_see_it_says_so(project: Callable[..., Started], tmp_path: Path) -> None:
    started = project()
    for words, code in ((("ui",), 2), (("ui", "--web"), 2)):
        found = started.devctl(*words, code=code)
        assert "status --json" in found.error["hint"]
    empty = tmp_path / "nothing here"
    empty.mkdir()
    for folder, code, word in ((started.root, 2, "no service of"), (empty, 3, "not a Go project")):
        done = subprocess.run([*DEVCTL, "ui", "--web"], cwd=folder, capture_output=True, text=True)
        assert (done.returncode, word in done.stderr) == (code, True), done.stderr
    piped = subprocess.run([*DEVCTL, "ui"], cwd=started.root, capture_output=True, text=True)
    assert piped.returncode == 2 and "needs a terminal" in piped.stderr
