"""A docker on PATH that kills the devctl which calls it, at a call that a test names; the call itself continues, as after a
real kill."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from devctl.adapters.system.left_over import WORK, work_mark
from tests.engine import forked

SCRIPT = """#!/bin/sh
echo "$*" >> {folder}/calls
at=$(cat {folder}/at 2>/dev/null) words=$(cat {folder}/words 2>/dev/null)
kill=
[ -z "$at" ] || [ "$(wc -l < {folder}/calls)" -lt "$at" ] || kill=yes
[ -z "$words" ] || case " $* " in *"$words"*) kill=yes;; esac
[ -z "$kill" ] || {{ rm -f {folder}/at {folder}/words; kill -9 $PPID; }}
exec {docker} "$@"
"""


class KillingDocker(Struct, frozen=True):
    """`root`: the project that it is called for."""

    folder: Path
    root: Path

    @classmethod
    def made(cls, folder: Path, root: Path) -> KillingDocker:
        folder.mkdir()
        docker = folder / "docker"
        docker.write_text(SCRIPT.format(folder=folder, docker=shutil.which("docker")))
        docker.chmod(0o755)
        return cls(folder, root)

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}

    def calls(self, *words: str) -> int:
        """How often a command that is not killed calls docker."""
        (self.folder / "calls").unlink(missing_ok=True)
        done = forked.run(words, cwd=self.root, env=self.environment)
        assert done.returncode == 0, done.stderr
        return len((self.folder / "calls").read_text().splitlines())

    def kill(self, *words: str, at: int = 0, on: str = "", sure: bool = True) -> bool:
        """Run a command that is killed at its `at`th call, or at the call that has the words `on`; returns whether it came so far,
        which must be where that is `sure`."""
        self.arm(at=at, on=on)
        done = forked.run(words, cwd=self.root, env=self.environment)
        killed = done.returncode == -signal.SIGKILL
        assert killed or (not sure and done.returncode == 0), (words, at, on, done.stderr)
        return killed

    def arm(self, *, at: int = 0, on: str = "") -> None:
        """The next process that makes that call is killed."""
        (self.folder / "calls").unlink(missing_ok=True)
        (self.folder / "at").write_text(str(at or ""))
        (self.folder / "words").write_text(on)

    @property
    def fired(self) -> bool:
        return not (self.folder / "words").exists()


def left_running(root: Path) -> list[int]:
    """The processes that work on the project in `root` for some devctl, whether it lives or not."""
    project = work_mark(root)[WORK].split()[0]
    return [int(pid) for pid in os.listdir("/proc") if pid.isdecimal() and _works(int(pid), project)]  # noqa: PTH208


def _works(pid: int, project: str) -> bool:
    try:
        return f"\0{WORK}={project} ".encode() in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
