"""The two scripts of .air.toml and how they hand a binary over, run by a shell with folders and a compiler of the test's own."""

from __future__ import annotations

import subprocess
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import build_tree
from tests.templates.conftest import TEMPLATE

WITHIN = 60.0
COMPILER = '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho "binary $(cat version)" >"$2"\n'


@dataclass(frozen=True)
class Scripts:
    """`air` in the container's /tmp/air, `shm` in its /dev/shm. The parent of both scripts, this process, is their air."""

    root: Path
    air: Path
    shm: Path
    swap: str

    def start(self) -> subprocess.Popen[bytes]:
        return self._run(self.swap)

    def swapped(self) -> None:
        """What air does at an event: the same script again, to its end."""
        assert self.start().wait(WITHIN) == 0

    def build(self, version: str) -> None:
        (self.root / "version").write_text(version)
        assert self._run(f"exec sh {self.air}/build.sh").wait(WITHIN) == 0

    def event(self) -> bool:
        """Whether air was told that there is something new; the event is taken."""
        there = (self.shm / "now.air-swap").exists()
        (self.shm / "now.air-swap").unlink(missing_ok=True)
        return there

    def started(self) -> str:
        """What air runs now; the program's start ends the swap."""
        (self.air / "swapping").unlink(missing_ok=True)
        return (self.air / "main").read_text().strip()

    def _run(self, script: str) -> subprocess.Popen[bytes]:
        env = {"PATH": f"{self.root / 'bin'}:/usr/bin:/bin"}
        return subprocess.Popen(["sh", "-c", script], cwd=self.root, env=env, stderr=subprocess.DEVNULL)


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    root = build_tree(tmp_path / "app", {"go.mod": "module example.com/x\n", "bin/go": COMPILER})
    (root / "bin/go").chmod(0o755)
    air, shm = tmp_path / "air", tmp_path / "shm"
    air.mkdir()
    shm.mkdir()
    script = tomllib.loads((TEMPLATE / ".air.toml").read_text())["build"]["cmd"]
    for theirs, ours in (("/tmp/air", air), ("/dev/shm", shm), ("/cache", tmp_path / "no-cache")):
        script = script.replace(theirs, str(ours))
    return Scripts(root, air, shm, script)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def first(scripts: Scripts) -> None:
    """air starts, and its first build is good."""
    waiting = scripts.start()
    until((scripts.shm / "now.air-build").exists)
    scripts.build("1")
    assert waiting.wait(WITHIN) == 0


def test_the_first_binary_is_taken_by_who_waits_for_it_and_told_to_nobody(scripts: Scripts) -> None:
    first(scripts)
    assert scripts.started() == "binary 1"
    assert not scripts.event()


def test_a_save_is_told_and_swapped(scripts: Scripts) -> None:
    first(scripts)
    scripts.started()
    scripts.build("2")
    assert scripts.event()
    scripts.swapped()
    assert scripts.started() == "binary 2"


def test_an_event_with_nothing_new_starts_again_what_runs(scripts: Scripts) -> None:
    first(scripts)
    scripts.swapped()
    assert scripts.started() == "binary 1"
    scripts.build("2")
    assert scripts.event()


def test_a_second_build_before_the_first_was_taken_is_told(scripts: Scripts) -> None:
    waiting = scripts.start()
    until((scripts.shm / "now.air-build").exists)
    waiting.kill()  # stands for one that the machine gives no time to
    waiting.wait()
    scripts.build("1")
    assert not scripts.event()
    (scripts.air / "swapping").unlink()  # as if ten seconds had passed without a start
    scripts.build("2")
    assert scripts.event()
    scripts.swapped()
    assert scripts.started() == "binary 2"


def test_one_that_was_ended_while_it_waited_is_waited_for_again(scripts: Scripts) -> None:
    first(scripts)
    scripts.started()
    (scripts.shm / "air.pid").unlink()  # the container was restarted: what ran is there, and may be old
    (scripts.shm / "now.air-build").unlink()
    again = scripts.start()
    until((scripts.shm / "now.air-build").exists)
    again.kill()
    again.wait()
    other = scripts.start()
    scripts.build("2")
    assert other.wait(WITHIN) == 0
    assert scripts.started() == "binary 2"
