"""The scripts beside delve in the cache volume: a go that builds for debuggers, and one that passes signals to the debugged
program."""

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

SHOWS = """#!/bin/sh
[ "$1" != env ] || { echo "$GOFLAGS"; exit; }
printf "%s\\n" "$@"
echo "$GOFLAGS" >"${0%/*}/flags"
"""
GO = """#!/bin/sh
case $* in "env GOVERSION") echo go1.26.8 ;; "env GOHOSTARCH") echo amd64 ;; esac
[ "$1" = install ] || exit 0
: >"$LOG/installs"
until [ ! -e "$LOG/hold" ]; do sleep 0.01; done
echo "#!" >"$GOBIN/dlv" && chmod 0755 "$GOBIN/dlv"
"""
DLV = """#!/bin/sh
echo $$ >"$LOG/pid"
until [ ! -e "$LOG/hold" ]; do sleep 0.01; done
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
        ("build -ldflags=-w -o main .", ["build", *ADDED, "-ldflags=", "-o", "main", "."]),
        ("build -trimpath -ldflags '-s -w -X main.v=1' .", ["build", *ADDED, "-ldflags=  -X main.v=1", "."]),
        ("install --ldflags '-X main.v=-s -w=true' .", ["install", *ADDED, "-ldflags=-X main.v=-s ", "."]),
        ("build -C cmd -o 'a b' .", ["build", "-C=cmd", *ADDED, "-o", "a b", "."]),
        ("run -C=cmd . -- x", ["run", "-C=cmd", *ADDED, ".", "--", "x"]),
        ("list -ldflags=-w ./...", ["list", "-ldflags=-w", "./..."]),
        ("build . -ldflags", ["build", *ADDED, ".", "-ldflags"]),
        ("build -ldflags", ["build", *ADDED, "-ldflags"]),
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


def debugged(folder: Path) -> tuple[int, int]:
    """delve and the program, once there is one."""
    found: list[int] = []

    def there() -> bool:
        if (folder / "air/debugged").exists():
            found[:] = map(int, (folder / "air/debugged").read_text().split())
        return len(set(found)) == 2

    until(there)
    return found[0], found[1]


@pytest.mark.parametrize(("wait", "goes_on"), [("", True), ("1", False)])
def test_a_signal_is_for_the_program_and_delve_ends_with_it(folder: Path, wait: str, goes_on: bool) -> None:
    env = {"PATH": "/usr/bin:/bin", "LOG": str(folder), "DEVCTL_DEBUG": f"{folder}/debug"}
    env |= {"DEVCTL_DEBUG_LISTEN": ":2345", "DEVCTL_DEBUG_WAIT": wait}
    argv = [folder / "debug/devctl-debug", "./program", "a  b", "$HOME"]
    with subprocess.Popen(argv, env=env, start_new_session=True, cwd=folder) as shell:
        server, program = debugged(folder)
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
        server, program = debugged(folder)
        os.kill(server, signal.SIGKILL)
        shell.wait(WITHIN)
    until(lambda: not is_alive(program))


def starting(folder: Path) -> dict[str, str]:
    (folder / "hold").touch()
    return {
        "PATH": "/usr/bin:/bin",
        "LOG": str(folder),
        "DEVCTL_DEBUG": f"{folder}/debug",
        "DEVCTL_DEBUG_LISTEN": ":2345",
    }


def test_a_stop_while_delve_is_starting_is_for_the_program_that_it_starts(folder: Path) -> None:
    env = starting(folder)
    with subprocess.Popen([folder / "debug/devctl-debug", folder / "program"], env=env, cwd=folder) as shell:
        until((folder / "air/debugged").exists)
        shell.send_signal(signal.SIGTERM)
        until(lambda: not pending(shell.pid))
        (folder / "hold").unlink()
        shell.wait(WITHIN)
    server = int((folder / "pid").read_text())
    assert not is_alive(server) and not (folder / "air/debugged").exists()


def test_a_kill_while_delve_is_starting_finds_it(folder: Path) -> None:
    env = starting(folder)
    with subprocess.Popen([folder / "debug/devctl-debug", folder / "program"], env=env, cwd=folder) as shell:
        until((folder / "air/debugged").exists)
        shell.kill()
        servers = {int(word) for word in (folder / "air/debugged").read_text().split()}
        assert len(servers) == 1
        os.kill(servers.pop(), signal.SIGKILL)


def pending(pid: int) -> bool:
    """Whether the shell has not yet taken a signal."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["ShdPnd"], 16) != 0


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("-ldflags=-s -tags=w", "-ldflags= -tags=w"),
        ("-mod=mod '-ldflags=-s -w -X main.v=-s'", "-mod=mod '-ldflags=  -X main.v=-s'"),
        ("", ""),
    ],
)
def test_goflags_strip_nothing_either(folder: Path, said: str, kept: str) -> None:
    env = {"PATH": f"{folder}/debug:{folder}/bin:/usr/bin:/bin", "DEVCTL_DEBUG": f"{folder}/debug"}
    subprocess.run([folder / "debug/go", "build"], env=env | {"GOFLAGS": said}, check=True)
    assert (folder / "bin/flags").read_text() == f"{kept}\n"


def installing(folder: Path) -> subprocess.Popen[bytes]:
    (folder / "bin/go").write_text(GO)
    words = [TEMPLATES / "debug/install", folder / "cache/debug/1", "25:v1.27.2", "go", "text"]
    env = {"PATH": f"{folder}/bin:/usr/bin:/bin", "LOG": str(folder)}
    return subprocess.Popen(["sh", *words], env=env)


def test_two_that_install_at_once_leave_one_folder(folder: Path) -> None:
    (folder / "hold").touch()
    with installing(folder) as late:
        until((folder / "installs").exists)
        (folder / "cache/debug/1").mkdir()
        (folder / "cache/debug/1/dlv").touch(0o755)
        (folder / "hold").unlink()
        assert late.wait(WITHIN) == 0
    assert sorted(p.name for p in (folder / "cache/debug").rglob("*")) == ["1", "dlv"]


def test_an_installation_is_whole(folder: Path) -> None:
    with installing(folder) as one:
        assert one.wait(WITHIN) == 0
    assert sorted(p.name for p in (folder / "cache/debug").rglob("*")) == ["1", "dlv", "go"]


def test_an_installation_that_is_ended_leaves_nothing(folder: Path) -> None:
    (folder / "hold").touch()
    with installing(folder) as ended:
        until((folder / "installs").exists)
        ended.terminate()
        assert ended.wait(WITHIN) == 1
    assert list((folder / "cache/debug").iterdir()) == []
