"""`$XDG_STATE_HOME/devctl/projects`: what devctl remembers of a project where no container can write."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from devctl.adapters.system.border import bordered
from devctl.adapters.system.files import SystemFiles
from devctl.adapters.system.host import make_private, state_folder
from devctl.domain.ports.private_state import PrivateState
from devctl.errors import DevctlError, MachineError


@bordered(writes=("write", "remove"))
class HomePrivateState(PrivateState):
    """`PrivateState` in the user's home, one folder per project, named by the real path of the project's folder."""

    def __init__(self) -> None:
        self._files = SystemFiles()

    def read(self, root: Path, name: str) -> str | None:
        try:
            return (_folder(root) / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, RuntimeError):
            return None

    def write(self, root: Path, name: str, text: str) -> None:
        try:
            folder = _folder(root)
            make_private(folder)
            self._files.write_atomic(folder / name, text, within=folder, mode=0o600)
        except (OSError, RuntimeError, DevctlError) as error:
            full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise MachineError(
                f"devctl cannot store the state of this project in your home folder: {why[:1].lower()}{why[1:].rstrip('.')}",
                code="state-not-writable",
                hint="df -h ~ shows the disk; free some space on it"
                if full
                else "export XDG_STATE_HOME=/a/folder/that/you/may/write",
            ) from error

    def remove(self, root: Path, name: str) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            folder = _folder(root)
            (folder / name).unlink(missing_ok=True)
            folder.rmdir()  # refused while something else is stored there


def _folder(root: Path) -> Path:
    """RuntimeError: a user without a home, or whose home is the project, which containers mount."""
    import hashlib

    real, home = root.resolve(), state_folder()
    if home.resolve().is_relative_to(real):
        raise RuntimeError(f"{home} is inside the project, where containers can write")
    return home / "projects" / f"{real.name}-{hashlib.sha256(os.fsencode(real)).hexdigest()[:16]}"
