"""Locks between processes: an flock, which the kernel releases when its holder dies, on what is really at a path."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field

from devctl.domain.ports.files import Holder
from devctl.domain.project.state_folder import LOCK, STATE_FOLDER
from devctl.domain.regex import regex
from devctl.errors import MachineError

POLL = 0.05
"""Seconds between two tries."""
GLANCE = 0.2
"""Seconds that a lock may be taken before anyone is told about it: `held` takes it, shared, just to look."""
_NOTE = regex(r"([a-z-]{1,20}) (\d{1,10}) (\d{1,12})\n")


def take(
    path: Path, opened: Callable[[], int], *, patience: float, waiting: Callable[[], None] = lambda: None
) -> int | None:
    """A descriptor that holds the lock until it is closed; None if somebody else still holds it after `patience` seconds.

    `opened`: opens what is at `path`. It is called again for each try: what was deleted or replaced no longer keeps anybody
    out.
    """
    deadline = time.monotonic() + max(patience, GLANCE)
    while True:
        handle = opened()
        try:
            if _locked(handle, fcntl.LOCK_EX) and _lies_at(handle, path):
                kept, handle = handle, -1
                return kept
        finally:
            if handle >= 0:
                os.close(handle)
        if time.monotonic() >= deadline:
            return None
        waiting()
        time.sleep(POLL)


def given_up(holder: Holder, timeout: float) -> MachineError:
    """The project's lock could not be taken within `timeout` seconds."""
    return MachineError(
        f"{holder} is working on this project and did not finish within {timeout:g} s",
        code="project-locked",
        hint="wait until it finishes, then try again",
        place=f"{STATE_FOLDER}/{LOCK}",
    )


def held(opened: Callable[[], int]) -> bool:
    """Whether a living process holds it: this comes from the kernel, so no pid can lie."""
    handle = opened()
    try:
        return not _locked(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _locked(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise MachineError(
            f"the project's file system does not support locks ({errno.errorcode.get(error.errno or 0, error.errno)})",
            code="lock-unavailable",
            hint="move the project to a local file system",
        ) from None
    return True


def _lies_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


class Waiting(Struct):
    """Reports who is being waited for: once the lock is held for more than a look, and again if the holder changes."""

    holder: Callable[[], Holder]
    say: Callable[[Holder], None]
    began: float = field(default_factory=time.monotonic)
    said: Holder | None = None

    def __call__(self) -> None:
        if time.monotonic() - self.began < GLANCE:
            return
        holder = self.holder()
        # A missing note means that the holder has just started, or is ending.
        if holder != self.said and (self.said is None or holder.pid):
            self.said = holder
            self.say(holder)


def note(command: str) -> str:
    """What a holder leaves for those who wait; only text, the lock itself belongs to the kernel."""
    return f"{command} {os.getpid()} {time.time():.0f}\n"


def holder(text: str | None) -> Holder:
    """A note in devctl's strict form; containers may be able to write to its folder."""
    found = _NOTE.fullmatch(text or "")
    if found is None:
        return Holder()
    since = time.strftime("%H:%M:%S", time.localtime(int(found[3])))
    return Holder(found[1], int(found[2]), since)
