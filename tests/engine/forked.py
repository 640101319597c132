"""A command of devctl in a process of its own that need not start an interpreter and import devctl first.

A server that has imported all of it forks for each command. The command has its own pid, folder, environment and output, as one
that a shell started. How devctl is imported, what it imports when, and its entry point are the subject of other tests.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.engine.imported"])
_ONE_AT_A_TIME = threading.Lock()
"""multiprocessing looks after all children whenever it starts one, and two threads must not collect the same one."""


def run(
    argv: Sequence[str], *, cwd: Path, timeout: float = 600, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run([*DEVCTL, *argv], capture_output=True, text=True)`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        files = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (out, err)]
        child = _SERVER.Process(
            target=_run, args=(list(argv), str(cwd), dict(os.environ if env is None else env), files)
        )
        with _ONE_AT_A_TIME:
            child.start()
        ended = wait([child.sentinel], timeout)
        if not ended:
            child.kill()
        with _ONE_AT_A_TIME:
            child.join()
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
        if not ended:
            raise subprocess.TimeoutExpired(list(argv), timeout, *said)
        assert child.exitcode is not None
        return subprocess.CompletedProcess(list(argv), child.exitcode, *said)


def _run(argv: list[str], cwd: str, env: dict[str, str], files: list[str]) -> None:
    for number, file in enumerate(files, 1):
        opened = os.open(file, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    tempfile.tempdir = None
    sys.argv = ["devctl", *argv]
    from devctl.__main__ import main

    sys.exit(main())
