"""`$XDG_STATE_HOME/devctl/machines`: the random words that identify this machine, one file per machine and namespace."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from devctl.adapters.system.border import bordered
from devctl.adapters.system.host import make_private, state_folder, write_private
from devctl.domain.numbers import whole
from devctl.domain.plan.engine_state import MACHINE_LABEL, TEMPORARY_LABEL
from devctl.domain.ports.identity import Identity

MACHINE_ID = Path("/etc/machine-id")
INTERFACES = Path("/sys/class/net")
PROC = Path("/proc")


@bordered(writes=("note_folder", "forget_folder"))
class HomeIdentity:
    """`Identity` in the user's state home.

    If nothing can be stored there, this process uses its own words: every other process then leaves alone what it creates.
    """

    @property
    def machine(self) -> str:
        return str(self._kept["machine"])

    def cache_scope(self, root: Path) -> str:
        key = str(self._kept["secret"]).encode()
        return hashlib.blake2b(os.fsencode(root), key=key, digest_size=16).hexdigest()

    def temporary(self) -> Mapping[str, str]:
        return {MACHINE_LABEL: self.machine, TEMPORARY_LABEL: process_mark(os.getpid())}

    def ended(self, labels: Mapping[str, str]) -> bool:
        return labels.get(MACHINE_LABEL) == self.machine and process_ended(labels.get(TEMPORARY_LABEL, ""))

    def note_folder(self, folder: Path) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            note = {"folder": str(folder), "machine": self.machine, "process": process_mark(os.getpid())}
            _write(_note(folder), note)

    def forget_folder(self, folder: Path) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            _note(folder).unlink()

    def left_folders(self) -> Sequence[Path]:
        try:
            notes = [_read(file) for file in sorted((state_folder() / "temporary").iterdir())]
        except (OSError, RuntimeError):
            return []
        mine = (note for note in notes if note.get("machine") == self.machine)
        return [Path(note["folder"]) for note in mine if process_ended(str(note.get("process", "")))]

    @cached_property
    def _kept(self) -> Mapping[str, Any]:
        import secrets

        fresh = {
            "machine": secrets.token_hex(16),
            "secret": secrets.token_hex(32),
            "addresses": _addresses(),
        }
        try:
            file = state_folder() / "machines" / f"{machine_place()}.json"
            found = _read(file)
            if not found or _cloned(found["addresses"], fresh["addresses"]):
                file.unlink(missing_ok=True)
                _write(file, fresh)
            return _read(file) or fresh  # another process may have been first
        except (OSError, RuntimeError, KeyError):
            return fresh


def flags(identity: Identity) -> list[str]:
    """For a `docker run` that lives no longer than this process."""
    return [f"--label={name}={value}" for name, value in identity.temporary().items()]


def machine_place() -> str:
    """Machines may share a home, and so may containers on one machine: the PID namespace is the same on every plain host."""
    try:
        machine = MACHINE_ID.read_text().strip()
    except OSError:
        machine = ""
    try:
        namespace = str((PROC / "self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return hashlib.sha256("\0".join((machine, os.uname().nodename, namespace)).encode()).hexdigest()[:16]


def _addresses() -> list[str]:
    """Hardware addresses of real network cards: a cloned virtual machine gets different ones, a docking station adds one."""
    found = []
    with contextlib.suppress(OSError):
        for interface in INTERFACES.iterdir():
            if (interface / "device").exists():
                with contextlib.suppress(OSError):
                    found.append((interface / "address").read_text().strip())
    return sorted(found)


def _cloned(before: Sequence[str], now: Sequence[str]) -> bool:
    return bool(before and now) and not set(before) & set(now)


def process_mark(pid: int) -> str:
    """`PID-START`: a pid is reused, the tick at which its process started is not. Only the pid without /proc (macOS)."""
    if not PROC.is_dir():
        os.kill(pid, 0)  # raises ProcessLookupError for a process that has ended
        return f"{pid}-0"
    # The name of the program is in parentheses and may contain anything: man 5 proc_pid_stat, field 22 is starttime.
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return f"{pid}-{fields[19]}"


def process_ended(mark: str) -> bool:
    """Whether the process with that mark is gone; False if that cannot be determined."""
    pid = whole(mark.partition("-")[0])
    if pid is None:
        return False
    try:
        return process_mark(pid) != mark
    except (FileNotFoundError, ProcessLookupError):
        return True
    except (OSError, IndexError):
        return False


def pids() -> Iterator[int]:
    with contextlib.suppress(OSError):
        yield from (pid for name in os.listdir(PROC) if (pid := whole(name)) is not None)  # noqa: PTH208


def lives_here(pid: int, *namespaces: str) -> bool:
    """Whether it belongs to this user and to the same namespaces. OSError if that may not be read."""
    process, mine = PROC / str(pid), PROC / "self"
    return process.stat().st_uid == os.geteuid() and all(
        (process / "ns" / kind).readlink() == (mine / "ns" / kind).readlink() for kind in namespaces
    )


def _note(folder: Path) -> Path:
    return state_folder() / "temporary" / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(file: Path, content: Mapping[str, Any]) -> None:
    """The first one wins; half a file is never visible."""
    import secrets

    make_private(file.parent)
    made = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        write_private(made, json.dumps(content))
        with contextlib.suppress(FileExistsError):
            os.link(made, file)
    finally:
        made.unlink(missing_ok=True)
