"""The project's folder is moved, deleted, read-only; `.devctl/` is deleted; files come from tomorrow."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.chaos.faults import Done, fault
from tests.chaos.kills import during
from tests.chaos.scene import Scene, copied, ended, wait
from tests.engine.cli import DEVCTL

Restore = Callable[[], None]


def _meanwhile(here: Scene, rng: Random, change: Callable[[], Restore]) -> Done:
    """A change of the folder in the middle of a command, which ends before it is taken back."""
    restores: list[Restore] = []

    def strike(_here: Scene, _rng: Random, _child: subprocess.Popen[bytes]) -> bool:
        restores.append(change())
        return True

    try:
        return during(here, rng, strike)
    finally:
        for restore in restores:
            restore()


def _moved(root: Path) -> Restore:
    away = root.with_name(f"{root.name}-moved")
    root.rename(away)

    def restore() -> None:
        _leave(root)
        away.rename(root)

    return restore


def _leave(root: Path) -> None:
    """Compose or the engine make a folder again that they are to mount; nothing of the user's is in it."""
    made = [path for path in root.rglob("*") if path.is_file() and ".devctl" not in path.parts]
    assert made == [], f"files in a folder that was not there: {made}"
    if root.exists():
        shutil.rmtree(root)


def _deleted(root: Path) -> Restore:
    copy = root.with_name(f"{root.name}-copy")
    copied(root, copy)
    for attempt in range(50):  # what is being written to may gain a file meanwhile
        with contextlib.suppress(OSError):
            shutil.rmtree(root)
            break
        time.sleep(0.01 * attempt)

    def restore() -> None:
        _leave(root)
        copy.rename(root)

    return restore


def _read_only(root: Path) -> Restore:
    """A mount: root may write into whatever its mode is."""
    subprocess.run(["mount", "--bind", root, root], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", root], check=True)
    return lambda: _unmount(root)


def _unmount(root: Path) -> None:
    subprocess.run(["umount", "--lazy", root], check=True)


def _without_state(root: Path) -> Restore:
    shutil.rmtree(root / ".devctl", ignore_errors=True)
    return lambda: None


@fault("the folder is moved, and back after the command")
def folder_is_moved(here: Scene, rng: Random) -> Done:
    return _meanwhile(here, rng, lambda: _moved(here.root))


@fault("the folder is deleted, and cloned again after the command")
def folder_is_deleted(here: Scene, rng: Random) -> Done:
    return _meanwhile(here, rng, lambda: _deleted(here.root))


@fault("the folder becomes read-only for a command")
def folder_is_read_only(here: Scene, rng: Random) -> Done:
    return _meanwhile(here, rng, lambda: _read_only(here.root))


@fault("`.devctl/` is deleted in a command")
def state_is_deleted(here: Scene, rng: Random) -> Done:
    return _meanwhile(here, rng, lambda: _without_state(here.root))


def _idle(here: Scene, rng: Random, change: Callable[[], Restore]) -> Done:
    """While nothing but the watcher runs, for as long as a person may need to notice."""
    here.bring(rng.choice(("dev", "prod")))
    mode, here.mode, moment = here.mode, "", rng.random() * 3
    restore = change()
    wait(moment)
    restore()
    return Done(f"nothing, {mode}", f"for {moment:.2f} s")


@fault("the folder is moved, and back")
def folder_is_moved_for_a_moment(here: Scene, rng: Random) -> Done:
    return _idle(here, rng, lambda: _moved(here.root))


@fault("the folder is deleted, and cloned again")
def folder_is_deleted_for_a_moment(here: Scene, rng: Random) -> Done:
    return _idle(here, rng, lambda: _deleted(here.root))


@fault("`.devctl/` is deleted")
def state_is_deleted_for_good(here: Scene, rng: Random) -> Done:
    return _idle(here, rng, lambda: _without_state(here.root))


@fault("`up` in a read-only folder")
def read_only_from_the_start(here: Scene, rng: Random) -> Done:
    """It says why it cannot work, or it needs nothing written."""
    here.bring(rng.choice(("dev", "stopped")))
    mode, here.mode, restore = here.mode, "", _read_only(here.root)
    try:
        with here.output("out").open("wb") as out, here.output("err").open("wb") as err:
            child = subprocess.Popen(
                [*DEVCTL, "--json", "-y", "up", "-d"],
                cwd=here.root,
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
            )
            told = ended(here, child)
    finally:
        restore()
    assert told is not None and told["exit_code"] in (0, 4), told
    return Done(f"nothing, {mode}", f"exit code {told['exit_code']}")


@fault("the files come from tomorrow, or from long ago")
def files_have_another_time(here: Scene, rng: Random) -> Done:
    """What a clock that jumps leaves behind: files that are newer than now."""
    here.bring("dev")
    shift = rng.choice((86_400, -86_400 * 365))
    for path in here.root.iterdir():
        if path.is_file():
            os.utime(path, (time.time() + shift, time.time() + shift))
    return Done("nothing, dev", f"{shift} s")
