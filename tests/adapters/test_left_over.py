"""What a killed devctl left running: found by its mark, never by a number that another process may have now."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devctl.adapters.system.left_over import WORK, end_left_over, work_mark

DEVCTL = """
import sys
from pathlib import Path
from devctl.adapters.system.left_over import work_mark
from devctl.adapters.system.process import SystemProcesses
root, *words = sys.argv[1:]
SystemProcesses().run(words, env=work_mark(Path(root)), timeout=1000)
"""
SHELL = "echo $$ > {told}; {rest}"


@contextmanager
def at_work(
    root: Path, told: Path, rest: str = "exec sleep 1000"
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A devctl that runs a program for the project in `root`, and the pid of that program."""
    os.mkfifo(told)
    words = ["sh", "-c", SHELL.format(told=told, rest=rest)]
    with subprocess.Popen([sys.executable, "-c", DEVCTL, str(root), *words]) as devctl:
        child = int(told.read_text())
        try:
            yield devctl, child
        finally:
            devctl.kill()
            if lives(child):
                os.kill(child, signal.SIGKILL)


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def killed(devctl: subprocess.Popen[bytes]) -> None:
    devctl.kill()
    devctl.wait()


def test_what_a_killed_devctl_left_is_ended_and_nothing_else(tmp_path: Path) -> None:
    root, other = tmp_path / "shop", tmp_path / "other"
    with at_work(root, tmp_path / "told") as (devctl, child):
        end_left_over(root)
        assert lives(child), "its devctl is running"
        killed(devctl)
        assert lives(child), "nobody ended it"
        end_left_over(other)
        assert lives(child), "it works for another project"
        end_left_over(root)
        assert not lives(child)


def started_by_it(tmp_path: Path, program: str) -> tuple[str, Callable[[], int]]:
    """What a shell runs to start another one in the background, and how to hear its pid."""
    os.mkfifo(tmp_path / "other")
    return f"{program} & echo $! > {tmp_path}/other; wait", lambda: int((tmp_path / "other").read_text())


def test_a_program_whose_starter_has_ended_is_found_too(tmp_path: Path) -> None:
    """docker starts its plugin, which outlives a docker that is killed."""
    rest, other = started_by_it(tmp_path, "sleep 1000")
    with at_work(tmp_path, tmp_path / "told", rest) as (devctl, child):
        plugin = other()
        while Path(f"/proc/{plugin}/comm").read_text() != "sleep\n":
            os.sched_yield()  # while it is being started it has no environment for a moment
        killed(devctl)
        os.kill(child, signal.SIGKILL)
        assert lives(plugin)
        end_left_over(tmp_path)
        assert not lives(plugin)


def test_what_made_itself_a_session_of_its_own_is_left_alone(tmp_path: Path) -> None:
    """A connection that ssh keeps for the next call of docker."""
    rest, other = started_by_it(tmp_path, "setsid sleep 1000")
    with at_work(tmp_path, tmp_path / "told", rest) as (devctl, child):
        connection = other()
        while os.getsid(connection) == os.getsid(0):
            os.sched_yield()
        killed(devctl)
        end_left_over(tmp_path)
        assert not lives(child)
        assert lives(connection)
        os.kill(connection, signal.SIGKILL)


@pytest.mark.parametrize(
    "mark", ["", "x", "a b c", "{project} 1 2", "{project} x-1 {sid}", "{project} {alive} {sid}"]
)
def test_a_mark_that_says_nothing_of_a_dead_devctl_ends_nothing(tmp_path: Path, mark: str) -> None:
    project, alive, sid = work_mark(tmp_path)[WORK].split()
    said = mark.format(project=project, alive=alive, sid=sid)
    with subprocess.Popen(["sleep", "1000"], env={**os.environ, WORK: said}) as innocent:
        end_left_over(tmp_path)
        assert innocent.poll() is None
        innocent.kill()
