"""The command line as a user's script sees it: a process, JSON lines, an exit code."""

from __future__ import annotations

import contextlib
import http.client
import io
import ipaddress
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field

from devctl.cli.app import main
from tests.engine import forked

DEVCTL = [sys.executable, "-P", "-m", "devctl"]


class Result(Struct, frozen=True):
    """`envelope`: the last line; `events`: the lines before it. `show` is what an assertion prints."""

    code: int
    envelope: dict[str, Any]
    events: list[dict[str, Any]]
    stderr: str = ""
    argv: tuple[str, ...] = field(default=())

    @property
    def result(self) -> dict[str, Any]:
        return dict(self.envelope["result"])

    @property
    def error(self) -> dict[str, Any]:
        return dict(self.envelope["error"] or {})

    @property
    def warnings(self) -> list[dict[str, Any]]:
        return list(self.envelope["warnings"])

    def named(self, name: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["name"] == name]

    @property
    def show(self) -> str:
        tail = "\n".join(str(e.get("line", e)) for e in self.events[-25:])
        return f"{' '.join(self.argv)} → {self.code}\n{tail}\n{self.envelope}\n{self.stderr}"


def devctl(*args: str, cwd: Path, code: int | None = 0, timeout: float = 900) -> Result:
    """Run a command with --json; `code`: what it must end with (None: whatever). Every line must be JSON."""
    if _needs_no_process(args):
        return here(*args, cwd=cwd, code=code)
    done = forked.run(["--json", *args], cwd=cwd, timeout=timeout)
    assert done.stdout, f"{' '.join(args)} → {done.returncode}, nothing on stdout\n{done.stderr}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["event"] * (len(lines) - 1) + ["result"], done.stdout
    found = Result(done.returncode, lines[-1], lines[:-1], done.stderr, args)
    assert found.envelope["exit_code"] == done.returncode, found.show
    assert code is None or found.code == code, found.show
    return found


STARTS_NOTHING = {"status", "config", "down"}
"""Commands that leave no process behind, run so often that an interpreter for each would be minutes."""


def _needs_no_process(args: tuple[str, ...]) -> bool:
    """Only one thread at a time can have the output and the working directory of a process."""
    command = next((word for word in args if not word.startswith("-")), "")
    quick = command in STARTS_NOTHING or "--dry-run" in args
    return quick and threading.current_thread() is threading.main_thread()


def docker(*args: str) -> str:
    done = subprocess.run(["docker", *args], capture_output=True, text=True)
    assert done.returncode == 0, f"docker {' '.join(args)}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def said_by_containers(wanted: str) -> list[tuple[str, str]]:
    """The end of the logs of all containers that this filter wants, for people: (heading, text)."""
    names = docker("ps", "--all", "--format", "{{.Names}}", "--filter", wanted).split()
    logs = {name: ["docker", "logs", "--timestamps", "--tail", "80", name] for name in names}
    return [
        (f"log of {name}", subprocess.run(argv, stdout=PIPE, stderr=STDOUT, text=True).stdout)
        for name, argv in logs.items()
    ]


def bridge_address() -> str:
    """By which containers and builds reach this machine; an engine that has just made its bridge does not tell it."""
    config = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]
    return str(config.get("Gateway") or next(ipaddress.ip_network(config["Subnet"]).hosts()))


def get(port: int, path: str = "/") -> str:
    """The body of one GET; raises OSError or HTTPException where nothing good answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def port_of(up: Result) -> int:
    """The host port that devctl chose for the first service."""
    return urlsplit(up.result["services"][0]["url"]).port or 0


def serves(port: int, text: str, *, within: float = 400) -> float:
    """Wait until the front page holds `text`; the seconds it took."""
    began, last = time.monotonic(), "no answer"
    while time.monotonic() - began < within:
        try:
            last = get(port)
        except (OSError, http.client.HTTPException) as error:
            last = repr(error)
        if text in last:
            return time.monotonic() - began
        time.sleep(0.02)
    raise AssertionError(f"{text!r} not served on {port} within {within} s; last: {last}")


def until(
    good: Callable[[], bool],
    within: float = 400,
    why: Callable[[], str] = lambda: "it did not come to that",
) -> None:
    """Wait for a state, `within` seconds."""
    deadline = time.monotonic() + within
    while not good():
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)


def leave_nothing(root: Path, name: str) -> None:
    """End a test's project: containers, volumes, networks, watcher, and the images that were built for it."""
    done = devctl("down", "--volumes", "-y", cwd=root, code=None)
    for kind in (["ps", "--all", "--quiet"], ["volume", "ls", "--quiet"], ["network", "ls", "--quiet"]):
        left = docker(*kind, "--filter", f"label=com.docker.compose.project={name}")
        assert not left, f"{kind[0]} left behind: {left}\n{done.show}"
    images = docker("image", "ls", "--quiet", "--filter", f"label=dev.devctl.project={name}").split()
    if images:
        subprocess.run(["docker", "image", "rm", "--force", *dict.fromkeys(images)], capture_output=True)


def here(*args: str, cwd: Path, code: int | None = 0) -> Result:
    """As `devctl`, in this process: where another interpreter would be most of the time."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = main(["--json", *args])
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    found = Result(ended, lines[-1], lines[:-1], err.getvalue(), args)
    assert found.envelope["exit_code"] == ended, found.show
    assert code is None or found.code == code, found.show
    return found
