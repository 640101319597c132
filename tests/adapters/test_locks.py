"""Locks between real processes: they cannot go stale, nor be deleted from under their holder, and looks are harmless."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devctl.adapters.system import locks
from devctl.adapters.system.files import SystemFiles
from devctl.domain.ports.files import Holder
from devctl.errors import MachineError

FILES = SystemFiles()
HOLD = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from devctl.adapters.system import locks
from devctl.adapters.system.files import SystemFiles
said = lambda holder: print("waiting for", holder, flush=True)
with SystemFiles().lock(Path({folder!r}), command={command!r}, timeout={timeout}, waiting=said):
    print("held", flush=True)
    sys.stdin.read()
"""
"""It holds the lock until its input ends, or it does."""


def process(folder: Path, command: str, *, timeout: float = 120) -> subprocess.Popen[str]:
    root = str(Path(__file__).parents[2])
    code = HOLD.format(root=root, folder=str(folder), command=command, timeout=timeout)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def release(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.close()


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().rstrip("\n")


@contextmanager
def holding(folder: Path, command: str = "up") -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock, until the context ends or it is released."""
    child = process(folder, command)
    try:
        assert line(child) == "held"
        yield child
    finally:
        killed(child)


def killed(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        assert pipe is not None
        pipe.close()


@contextmanager
def lock(
    folder: Path, timeout: float = 120, then: Callable[[], object] = lambda: None
) -> Iterator[list[Holder]]:
    """`then` is called whenever somebody is being waited for."""
    said: list[Holder] = []

    def waiting(holder: Holder) -> None:
        said.append(holder)
        then()

    with FILES.lock(folder, command="down", timeout=timeout, waiting=waiting):
        yield said


def refused(folder: Path) -> str:
    with pytest.raises(MachineError) as caught, lock(folder, timeout=0):
        pass
    assert caught.value.code == "project-locked"
    return caught.value.problem.message


def test_a_lock_that_is_held_names_its_holder_and_since_when(tmp_path: Path) -> None:
    with holding(tmp_path) as child:
        assert re.search(rf"`devctl up` \(pid {child.pid}, since \d\d:\d\d:\d\d\)", refused(tmp_path))


@pytest.mark.follows("wait until it finishes, then try again")
def test_who_calls_again_when_it_is_done_has_the_lock(tmp_path: Path, hinted: Callable[[str], str]) -> None:
    with holding(tmp_path) as child:
        with pytest.raises(MachineError) as caught, lock(tmp_path, timeout=0):
            pass
        hinted(caught.value.problem.hint)
        child.kill()
        child.wait()
        with lock(tmp_path, timeout=0):
            pass


def test_a_lock_waits_for_its_holder_and_outlives_no_process(tmp_path: Path) -> None:
    with holding(tmp_path) as child, lock(tmp_path, then=lambda: release(child)) as said:
        assert len(said) == 1
    with holding(tmp_path) as other:
        other.kill()
        other.wait()
        with lock(tmp_path, timeout=0):
            held = FILES.lock_holder(tmp_path)
            assert held is not None
            assert (held.command, held.pid) == ("down", os.getpid())
    assert FILES.lock_holder(tmp_path) is None


def test_who_waits_is_told_at_once(tmp_path: Path) -> None:
    with holding(tmp_path) as child, lock(tmp_path, then=lambda: release(child)) as said:
        assert [(who.command, who.pid) for who in said] == [("up", child.pid)]


def test_it_is_told_once_and_again_when_the_holder_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "GLANCE", 0)
    up, down, said = Holder("up", 7, "12:00:00"), Holder("down", 8, "12:00:09"), list[Holder]()
    notes = [up, up, Holder(), up, Holder(), down, down]
    waiting = locks.Waiting(iter(notes).__next__, said.append)
    for _ in notes:
        waiting()
    assert said == [up, down]


def test_the_folder_of_its_note_may_be_deleted_and_the_lock_still_holds(tmp_path: Path) -> None:
    with holding(tmp_path):
        shutil.rmtree(tmp_path / ".devctl")
        assert refused(tmp_path).startswith("another process is working on this project")
        assert FILES.lock_holder(tmp_path) == Holder()


def test_a_folder_that_was_recreated_is_locked_itself(tmp_path: Path) -> None:
    """Whoever waited for a folder that was replaced meanwhile does not end up with the one that is gone."""
    root = tmp_path / "shop"
    root.mkdir()
    with holding(root):
        waits = process(root, "down")
        try:
            assert line(waits).startswith("waiting for")
            root.rename(tmp_path / "old")
            root.mkdir()
            assert line(waits) == "held"
            assert FILES.lock_holder(root) is not None
            assert FILES.lock_holder(tmp_path / "old") is not None
        finally:
            killed(waits)


def test_a_note_that_is_not_ours_is_not_shown(tmp_path: Path) -> None:
    with holding(tmp_path):
        for text in ("up 12 \x1b[31m5\n", "up 1 2 3\n", "-\n" * 999, "rm 99999999999 1\n"):
            (tmp_path / ".devctl/lock").write_text(text)
            assert FILES.lock_holder(tmp_path) == Holder()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_wait_ends_on_a_signal(tmp_path: Path, number: int) -> None:
    with holding(tmp_path):
        waits = process(tmp_path, "down")
        assert line(waits).startswith("waiting for")
        waits.send_signal(number)
        try:
            assert waits.wait(60) != 0
        finally:
            killed(waits)


@contextmanager
def looked_at(look: Callable[[], object]) -> Iterator[None]:
    """Within the context somebody looks, without a pause."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            look()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_looks_keep_nobody_from_the_lock(tmp_path: Path) -> None:
    with looked_at(lambda: FILES.lock_holder(tmp_path)):
        for _ in range(30):
            with lock(tmp_path):
                pass
            time.sleep(0.001)


def test_looks_do_not_make_a_starting_watcher_give_up(tmp_path: Path) -> None:
    with looked_at(lambda: (FILES.held(tmp_path, "watcher.lock"), time.sleep(0.0005))):
        for _ in range(50):
            with FILES.hold(tmp_path, "watcher.lock", note="17") as mine:
                assert mine


def test_a_held_file_is_known_by_the_kernel_not_by_its_text(tmp_path: Path) -> None:
    path = tmp_path / ".devctl" / "watcher.lock"
    assert FILES.held(tmp_path, "watcher.lock") is False
    with FILES.hold(tmp_path, "watcher.lock", note="17") as mine:
        assert mine
        assert (FILES.held(tmp_path, "watcher.lock"), path.read_text()) == (True, "17")
        with FILES.hold(tmp_path, "watcher.lock", note="18") as second:
            assert second is False
        assert path.read_text() == "17"
        path.unlink()
        assert FILES.held(tmp_path, "watcher.lock") is False
        with FILES.hold(tmp_path, "watcher.lock", note="18") as successor:
            assert successor
    assert FILES.held(tmp_path, "watcher.lock") is False  # the text is still there
