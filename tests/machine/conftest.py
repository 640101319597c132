"""The real ports of `bases` and `doctor`, and images of our own names that are gone afterwards."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct, field

from devctl.adapters.docker.image_store import WhalesImageStore
from devctl.adapters.doctor.installer import SystemInstaller
from devctl.adapters.doctor.machine import SystemMachine
from devctl.adapters.stand_ins.assemble import StandInAssembler
from devctl.adapters.system.host import SystemClock, SystemHost, cache_folder
from devctl.adapters.system.process import SystemProcesses
from devctl.domain.bases.references import stand_in
from devctl.domain.command.events import Event
from devctl.domain.ports.machine import MachineBox
from devctl.errors import Problem

MINE = f"devctltest{os.getpid()}"
"""In the names of a worker's images: the others make and remove theirs at the same time."""
ALPINE = f"alpine:3.22-{MINE}"
DISTROLESS = f"gcr.io/distroless/static-debian13:nonroot-{MINE}"
GOLANG = f"golang:1.21-{MINE}"


class Recorder(Struct):
    """A reporter that keeps what it receives."""

    events: list[Event] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def warn(self, problem: Problem, *, again: bool = False) -> None:
        self.warnings.append(problem)


def docker(*args: str) -> str:
    done = subprocess.run(["docker", *args], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"docker {' '.join(args)}\n{done.stdout}{done.stderr}"
    return done.stdout


def remove(*refs: str) -> None:
    subprocess.run(["docker", "image", "rm", *refs], capture_output=True, timeout=600)


def make_box(cache: Path) -> MachineBox:
    processes, host = SystemProcesses(), SystemHost()
    store = WhalesImageStore(processes)
    return MachineBox(
        reporter=Recorder(),
        clock=SystemClock(),
        host=host,
        images=store,
        assembler=StandInAssembler(processes, host, store, cache=cache),
        installer=SystemInstaller(processes, host, cache=cache),
        machine=SystemMachine(processes, host),
    )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def box(cache: Path) -> MachineBox:
    return make_box(cache)


@pytest.fixture(scope="session")
def stand_ins() -> Iterator[MachineBox]:
    """One stand-in of each kind, made on this machine of what `bases build` has downloaded before; golang of an old minor, so
    any host Go will do."""
    made = make_box(cache_folder())
    for ref in (ALPINE, DISTROLESS, GOLANG):
        recipe = stand_in(ref)
        assert recipe is not None
        made.assembler.assemble(ref, recipe)
    yield made
    remove(ALPINE, DISTROLESS, GOLANG)
