"""`up` in the foreground: ready line, logs and reloads, Ctrl-C, SIGTERM, and `d` on a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.engine.cli import DEVCTL, docker, get, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine


class Foreground:
    """`devctl up` as a child whose output can be waited for."""

    def __init__(self, project: Started, *args: str, terminal: bool = False) -> None:
        self.project, self.text, self._master = project, "", -1
        if terminal:
            self._master, slave = pty.openpty()
        else:
            read, write = os.pipe()
            self._master, slave = read, write
        self.child = subprocess.Popen(
            [*DEVCTL, *args, "up"],
            cwd=project.root,
            stdin=slave if terminal else subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def until(self, word: str, within: float = 180) -> str:
        deadline = time.monotonic() + within
        while word not in self.text:
            assert time.monotonic() < deadline, f"{word!r} never came:\n{self.text}"
            assert self._read(0.2) or self.child.poll() is None, f"ended without {word!r}:\n{self.text}"
        return self.text

    def _read(self, timeout: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], timeout)
        try:
            got = os.read(self._master, 65536) if ready else b""
        except OSError:
            return False
        self.text += got.decode()
        return bool(got)

    def press(self, key: str) -> None:
        os.write(self._master, key.encode())

    def end(self, number: int | None = None, within: float = 180) -> int:
        if number is not None:
            self.child.send_signal(number)
        deadline = time.monotonic() + within
        while self.child.poll() is None:
            assert time.monotonic() < deadline, self.text
            self._read(0.1)
        while self._read(0.1):
            pass
        return self.child.returncode

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self._master)


@contextmanager
def foreground(project: Started, *args: str, terminal: bool = False) -> Iterator[Foreground]:
    running = Foreground(project, *args, terminal=terminal)
    try:
        yield running
    finally:
        running.close()


def states(project: Started) -> list[str]:
    shown = docker(
        "ps",
        "--all",
        "--filter",
        f"label=com.docker.compose.project={project.name}",
        "--format",
        "{{.State}}",
    )
    return shown.splitlines()


def test_logs_and_reloads_as_plain_lines_until_ctrl_c_stops_the_services(
    project: Callable[..., Started],
) -> None:
    started = project()
    with foreground(started) as up:
        up.until("ready in")
        assert f"http://127.0.0.1:{started.port}" in up.text
        up.until("Ctrl-C stops")
        state = started.devctl("status").result
        assert state["watcher"] == {"state": "running", "pid": up.child.pid}
        time.sleep(1)
        web = started.root / "internal/web/web.go"
        web.write_text(web.read_text().replace("Hello from Go", "from the foreground"))
        serves(started.port, "from the foreground")
        up.until("saved → served")
        up.until("app | ")
        assert up.end(signal.SIGINT) == 0
        assert "stopped" in up.text
        assert "\x1b" not in up.text
        assert "detaches" not in up.text
    assert states(started) == ["exited"]
    assert started.devctl("status").result["watcher"]["state"] == "absent"
    started.devctl("up", "-d")


def test_a_changed_go_mod_brings_a_new_container_whose_log_follows(project: Callable[..., Started]) -> None:
    started = project()
    with foreground(started, "--json") as up:
        up.until('"step.done", "at"')
        serves(started.port, "Hello")
        time.sleep(1)
        before = docker("ps", "-q", "--filter", f"label=com.docker.compose.project={started.name}")
        mod = started.root / "go.mod"
        mod.write_text(mod.read_text() + "\nexclude example.com/x v1.0.0\n")
        up.until("deps.rebuilt")
        assert docker("ps", "-q", "--filter", f"label=com.docker.compose.project={started.name}") != before
        up.until("listening")
        assert up.end(signal.SIGTERM) == 0
    lines = [json.loads(line) for line in up.text.splitlines()]
    assert lines[-1]["type"] == "result"
    assert lines[-1]["result"]["mode"] == "stopped"
    assert {line["type"] for line in lines[:-1]} == {"event"}
    assert states(started) == ["exited"]


def test_d_on_a_terminal_detaches_and_a_watcher_takes_over(project: Callable[..., Started]) -> None:
    started = project()
    with foreground(started, terminal=True) as up:
        up.until("d detaches")
        up.press("d")
        assert up.end() == 0, up.text
        assert "detached" in up.text
    assert get(started.port)
    watcher = started.devctl("status").result["watcher"]
    assert watcher["state"] == "running"
    assert watcher["pid"] != up.child.pid


def test_ctrl_c_on_a_terminal_reaches_it_once(project: Callable[..., Started]) -> None:
    started = project()
    with foreground(started, terminal=True) as up:
        up.until("d detaches")
        up.end(signal.SIGINT)
        assert up.child.returncode == 0, up.text
    assert states(started) == ["exited"]
