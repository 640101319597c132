"""A team's registry: Debian's docker-registry on a free port of this machine, unpacked, not installed."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devctl.adapters.stand_ins.fetch import Fetcher
from devctl.adapters.system.host import SystemHost
from devctl.adapters.system.process import SystemProcesses
from tests.ports import free_port

STARTS_WITHIN = 60.0


@contextmanager
def serving(cache: Path, folder: Path) -> Iterator[str]:
    """Its address, `127.0.0.1:PORT`, while the context lasts."""
    program = (
        Fetcher(SystemProcesses(), SystemHost(), cache).package("docker-registry") / "usr/bin/docker-registry"
    )
    address = f"127.0.0.1:{free_port()}"
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}}}}}\nhttp: {{addr: {address}}}\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", config], stdout=log, stderr=log)
    try:
        _wait_for(address)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the registry did not start")
