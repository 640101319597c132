"""`up` in the foreground: ready line, logs and reloads, Ctrl-C, SIGTERM, and `d` on a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.engine.cli import DEVCTL, docker, get, serves, until
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

    def until(self, word: str, within: float = 400) -> str:
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

    def end(self, number: int | None = None, within: float = 400) -> int:
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
        up.until("app reloaded in ")
        up.until('"msg":"listening"')
        assert "devctl: " not in up.text and "app | " not in up.text, "one service needs no name"
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


def test_it_detaches_when_its_reader_leaves(project: Callable[..., Started]) -> None:
    started = project()
    argv = [*DEVCTL, "up"]
    with subprocess.Popen(
        argv, cwd=started.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as up:
        assert up.stdout is not None
        assert up.stdout.readline().startswith(b"ready in ")
        up.stdout.close()
        assert up.wait(180) == 0
    assert get(started.port)
    assert started.devctl("status").result["watcher"]["state"] == "running"


def test_ctrl_c_on_a_terminal_reaches_it_once(project: Callable[..., Started]) -> None:
    started = project()
    with foreground(started, terminal=True) as up:
        up.until("d detaches")
        up.end(signal.SIGINT)
        assert up.child.returncode == 0, up.text
    assert states(started) == ["exited"]


PROGRAM = """package main

import ("fmt"; "net/http"; "os")

func main() {
	fmt.Fprint(os.Stderr, "half a line, ")
	fmt.Fprintln(os.Stderr, "building...")
	http.HandleFunc("/exit", func(w http.ResponseWriter, r *http.Request) { os.Exit(3) })
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "one") })
	fmt.Fprintln(os.Stderr, "devctl: build start \\xff \\x1b[1mone\\x1b[0m")
	http.ListenAndServe(":8080", nil)
}
"""
AIR = """[build]
cmd = "echo generated && go build -o ./tmp/main ."
pre_cmd = ["echo about to build"]
post_cmd = ["echo the end"]
"""


def test_the_log_holds_the_programs_lines_and_one_for_each_thing_that_happened(
    project: Callable[..., Started],
) -> None:
    """From `up` through an edit, an error and its correction to the end of the program, with the user's own .air.toml."""
    said = "services: {app: {port: 8080, host_port: HOST_PORT}}\n"
    files = {"go.mod": "module example.com/talks\n\ngo 1.26\n", "main.go": PROGRAM, ".air.toml": AIR}
    shop = project(files={**files, "devctl.yaml": said})
    main = shop.root / "main.go"
    shop.devctl("-y", "up", "-d")
    main.write_text(PROGRAM.replace("one", "two"))
    serves(shop.port, "two")
    main.write_text(PROGRAM.replace("one", "two").replace("os.Exit(3)", "os.Exit(three)"))
    until(lambda: shop.devctl("status").result["serving"]["state"] == "old")
    main.write_text(PROGRAM.replace("one", "six"))
    serves(shop.port, "six")

    def shown(*words: str) -> list[str]:
        argv = [*DEVCTL, "logs", *words]
        done = subprocess.run(
            argv, cwd=shop.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
        )
        return done.stdout.decode(errors="surrogateescape").splitlines()

    until(
        lambda: sum("app reloaded in" in line for line in shown()) == 2
    )  # before that, it ended at its start
    with contextlib.suppress(OSError):
        get(shop.port, "/exit")
    until(lambda: any("exited with code" in line for line in shown()))

    def start(word: str) -> list[str]:  # the engine's log is JSON: what is not UTF-8 is lost there
        return ["half a line, building...", f"devctl: build start \ufffd \x1b[1m{word}\x1b[0m"]

    times = re.compile(r"(?<= in )[\d.]+(?= s$)|(?<=since )\d\d:\d\d")
    assert [times.sub("T", line) for line in shown()] == [
        *start("one"),
        "app reloaded in T s",
        *start("two"),
        "app does not compile, serving old code since T:",
        "  about to build",
        "  generated",
        "  # example.com/talks",
        "  ./main.go:8:82: undefined: three",
        "app reloaded in T s",
        *start("six"),
        "app exited with code 3",
    ]
    assert shown("--tail", "1") == [*start("six")[1:], "app exited with code 3"]
    said_by = {e["stream"]: e["line"] for e in shop.devctl("logs").events if e["name"] == "log"}
    assert said_by["stderr"] == "devctl: build start \ufffd \x1b[1msix\x1b[0m"
    assert said_by["build"].startswith("devctl: the program exited")


def test_the_services_survive_that_the_state_folder_is_deleted(project: Callable[..., Started]) -> None:
    """As by `git clean -dfx`; what is saved afterwards is reported."""
    started = project()
    with foreground(started) as up:
        up.until("Ctrl-C stops")
        shutil.rmtree(started.root / ".devctl")
        until((started.root / ".devctl/watcher.lock").exists)
        web = started.root / "internal/web/web.go"
        web.write_text(web.read_text().replace("Hello from Go", "Hello again"))
        serves(started.port, "Hello again")
        up.until("app reloaded in")
        assert "running" in states(started)
        assert up.end(signal.SIGINT) == 0
    assert "exited" in states(started)
