"""SIGKILL and signals, at random moments: of devctl, of what it started, of its watcher."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tests.chaos.faults import Done, fault
from tests.chaos.scene import BUILDING, COMMANDS, Command, Scene, ended, wait
from tests.engine.cli import until
from tests.engine.killing_docker import left_running

Strike = Callable[[Scene, Random, subprocess.Popen[bytes]], bool]


def during(
    here: Scene, rng: Random, strike: Strike, commands: Sequence[Command] = COMMANDS, part: float = 0.85
) -> Done:
    """A command from where it starts, struck at a random moment of the first `part` of it, and waited for. `strike` returns
    whether there was anything to strike."""
    command = rng.choice(commands)
    here.bring(command.begins)
    moment, began = here.moment(rng, command.name, part), time.monotonic()
    child = here.begin(command)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(moment)
    running = child.returncode is None
    struck, at = strike(here, rng, child), here.last_event()
    told = ended(here, child)
    if told is not None and told["exit_code"] == 0:
        here.takes[command.name] = time.monotonic() - began
    end = "killed" if told is None else f"exit code {told['exit_code']}"
    why = (
        f", {told['error']['code']}: {told['error']['message']}" if told is not None and told["error"] else ""
    )
    return Done(command.name, f"after {moment:.2f} s ({at}): {end}{why}", running and struck)


def kill(pid: int, number: int = signal.SIGKILL) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def at_work(here: Scene, *words: str) -> list[int]:
    """The programs that a devctl has started for the project, with one of these words in their command line."""
    return [pid for pid in left_running(here.root) if any(word in _words(pid) for word in words)]


def _words(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    return []


def _when_at_work(here: Scene, child: subprocess.Popen[bytes], *words: str) -> bool:
    """Kill what has one of the words as soon as it is there; False if the command ends without it."""
    while child.poll() is None:
        if found := at_work(here, *words):
            return sum(map(kill, found)) > 0
        time.sleep(0.01)
    return False


@fault("kill -9 of devctl")
def devctl_is_killed(here: Scene, rng: Random) -> Done:
    return during(here, rng, lambda _here, _rng, child: kill(child.pid))


@fault("kill -9 of devctl and of all that it started")
def everything_is_killed(here: Scene, rng: Random) -> Done:
    def strike(_here: Scene, _rng: Random, child: subprocess.Popen[bytes]) -> bool:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # it leads a session of its own
            return True
        return False

    return during(here, rng, strike)


@fault("kill -9 of compose")
def compose_is_killed(here: Scene, rng: Random) -> Done:
    return during(here, rng, lambda _here, _rng, child: _when_at_work(here, child, "compose"), part=0.6)


@fault("kill -9 of the build")
def build_is_killed(here: Scene, rng: Random) -> Done:
    return during(here, rng, lambda _here, _rng, child: _when_at_work(here, child, "build"), BUILDING, 0.3)


@fault("Ctrl-C or SIGTERM")
def devctl_is_interrupted(here: Scene, rng: Random) -> Done:
    number = rng.choice((signal.SIGINT, signal.SIGTERM))
    return during(here, rng, lambda _here, _rng, child: kill(child.pid, number))


def watcher(here: Scene) -> int:
    told = here.made.devctl("status").result["watcher"]
    assert told["state"] == "running", told
    return int(told["pid"])


@fault("kill -9 of the watcher")
def watcher_is_killed(here: Scene, rng: Random) -> Done:
    here.bring(rng.choice(("dev", "prod")))
    mode, pid = here.mode, watcher(here)
    kill(pid)
    here.mode = ""
    until(lambda: here.made.devctl("status").result["watcher"]["state"] == "absent")
    return Done(f"nothing, {mode}", "idle")


def in_a_round(here: Scene, rng: Random, *words: str) -> Done:
    """A new dependency is saved, and at a random moment of the watcher's round one of its programs is killed; without words, the
    watcher itself."""
    here.bring("dev")
    pid, moment = watcher(here), here.moment(rng, "rebuild", 0.85 if not words else 0.5)
    here.mode = ""
    here.commit(here.turn())
    wait(moment)
    found = [pid]
    for _attempt in range(500 if words else 0):
        if found := at_work(here, *words):
            break
        wait(0.01)
    return Done("a round of the watcher", f"after {moment:.2f} s", sum(map(kill, found)) > 0)


@fault("kill -9 of the watcher in a round")
def watcher_is_killed_in_a_round(here: Scene, rng: Random) -> Done:
    return in_a_round(here, rng)


@fault("kill -9 of the watcher's compose")
def compose_is_killed_in_a_round(here: Scene, rng: Random) -> Done:
    return in_a_round(here, rng, "compose")
