"""What lies beside delve in the cache volume: a go that builds for debuggers, and what hands signals to the debugged program."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.helpers import build_tree
from tests.templates.dev_container import SERVES, WITHIN, is_alive, until
from tests.templates.inline import TEMPLATES

SHOWS = '#!/bin/sh\nprintf "%s\\n" "$@"\n'
DLV = """#!/bin/sh
echo "$@" >"$LOG/dlv"
[ "$1 $2 $3" = "exec --wd $LOG" ] || exit 1
pwd >"$LOG/settings"
cd "$3"
while [ "$1" != -- ]; do program=$1; shift; done
shift
setsid "$program" "$@" & wait; sleep 300
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ("go", "devctl-debug")
    build_tree(tmp_path, {f"debug/{n}": (TEMPLATES / "debug" / n).read_text() for n in names})
    build_tree(tmp_path, {"bin/go": SHOWS, "debug/dlv": DLV, "program": f"#!/bin/sh\n{SERVES}", "air/x": ""})
    text = (tmp_path / "debug/devctl-debug").read_text().replace("/tmp/air", str(tmp_path / "air"))
    (tmp_path / "debug/devctl-debug").write_text(text)
    for path in tmp_path.rglob("*"):
        path.chmod(0o755)
    return tmp_path


ADDED = ["-trimpath=false", "-gcflags=all=-N -l"]


@pytest.mark.parametrize(
    ("said", "built"),
    [
        ("build .", ["build", *ADDED, "."]),
        ("build -ldflags=-w -o main .", ["build", *ADDED, "-ldflags= ", "-o", "main", "."]),
        ("build -trimpath -ldflags '-s -w -X main.v=1' .", ["build", *ADDED, "-ldflags= -X main.v=1 ", "."]),
        ("install --ldflags '-X main.v=-s -w=true' .", ["install", *ADDED, "-ldflags= -X main.v=-s ", "."]),
        ("build -C cmd -o 'a b' .", ["build", "-C=cmd", *ADDED, "-o", "a b", "."]),
        ("run -C=cmd . -- x", ["run", "-C=cmd", *ADDED, ".", "--", "x"]),
        ("list -ldflags=-w ./...", ["list", "-ldflags=-w", "./..."]),
        ("", [""]),
    ],
)
def test_builds_optimise_nothing_and_keep_what_debuggers_read(
    folder: Path, said: str, built: list[str]
) -> None:
    env = {"PATH": f"{folder}/debug:{folder}/bin:/usr/bin:/bin", "DEVCTL_DEBUG": f"{folder}/debug"}
    done = subprocess.run(
        [folder / "debug/go", *shlex.split(said)], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == built


@pytest.mark.parametrize(("wait", "goes_on"), [("", True), ("1", False)])
def test_a_signal_is_for_the_program_and_delve_ends_with_it(folder: Path, wait: str, goes_on: bool) -> None:
    env = {"PATH": "/usr/bin:/bin", "LOG": str(folder), "DEVCTL_DEBUG": f"{folder}/debug"}
    env |= {"DEVCTL_DEBUG_LISTEN": ":2345", "DEVCTL_DEBUG_WAIT": wait}
    argv = [folder / "debug/devctl-debug", "./program", "a  b", "$HOME"]
    with subprocess.Popen(argv, env=env, start_new_session=True, cwd=folder) as shell:
        until((folder / "air/debugged").exists)
        server, program = map(int, (folder / "air/debugged").read_text().split())
        until((folder / "args").exists)
        assert is_alive(server) and is_alive(program)
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(WITHIN)
    assert "stopped" in (folder / "ran").read_text(), "it was asked"
    assert not is_alive(server) and not is_alive(program) and not (folder / "air/debugged").exists()
    assert (folder / "args").read_text().split("\0")[:-1] == ["a  b", "$HOME"]
    assert (folder / "settings").read_text() == f"{folder}/air\n", "delve leaves nothing in the source"
    assert ("--continue" in (folder / "dlv").read_text()) == goes_on


def test_a_delve_that_is_killed_leaves_no_program_behind(folder: Path) -> None:
    env = {
        "PATH": "/usr/bin:/bin",
        "LOG": str(folder),
        "DEVCTL_DEBUG": f"{folder}/debug",
        "DEVCTL_DEBUG_LISTEN": ":2345",
    }
    with subprocess.Popen([folder / "debug/devctl-debug", folder / "program"], env=env, cwd=folder) as shell:
        until((folder / "air/debugged").exists)
        server, program = map(int, (folder / "air/debugged").read_text().split())
        os.kill(server, signal.SIGKILL)
        shell.wait(WITHIN)
    until(lambda: not is_alive(program))
