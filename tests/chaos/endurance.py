"""What a long sitting leaves behind, as figures; a run of `make soak` writes them to docs/reference/endurance.md."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from devctl.adapters.system.state_folder import LIMIT
from tests.chaos.invariants import containers
from tests.chaos.scene import Scene
from tests.engine.cli import docker

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "endurance.md"


class Look(Struct, frozen=True):
    """One look at the watcher's process and at what the project has on the engine and on disk. `programs`: processes in the
    service's container."""

    pid: int
    memory_mb: float
    descriptors: int
    threads: int
    programs: int
    containers: int
    images: int
    volumes: int
    networks: int
    notes_kb: float


class Sitting(Struct, frozen=True):
    """`times`: seconds of each; `looks`: before the first, after each tenth, after the last."""

    what: str
    times: Sequence[float]
    looks: Sequence[Look]


def look(here: Scene, pid: int) -> Look:
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    label = f"label=dev.devctl.project={here.made.name}"
    of_compose = f"label=com.docker.compose.project={here.made.name}"
    notes = [*_files(here.root / ".devctl"), *_files(Path(os.environ["XDG_STATE_HOME"]))]
    return Look(
        pid=pid,
        memory_mb=int(status["VmRSS"].split()[0]) / 1024,
        descriptors=len(list((process / "fd").iterdir())),
        threads=int(status["Threads"]),
        programs=len(docker("top", f"{here.made.name}-app-1").splitlines()) - 1,
        containers=len(containers(here)),
        images=len(set(docker("image", "ls", "--quiet", "--filter", label).split())),
        volumes=len(docker("volume", "ls", "--quiet", "--filter", of_compose).split()),
        networks=len(docker("network", "ls", "--quiet", "--filter", of_compose).split()),
        notes_kb=sum(path.stat().st_size for path in notes) / 1024,
    )


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def grown(sitting: Sitting) -> list[str]:
    """What is more at the end than it was after the first tenth, when everything has been loaded once: a leak grows with what is
    repeated. Hence the room: Python's allocator keeps some memory for later, and the record of events grows up to a limit."""
    warm, last = asdict(sitting.looks[1]), asdict(sitting.looks[-1])
    room = {"memory_mb": 8.0, "descriptors": 2, "threads": 1, "programs": 12, "notes_kb": LIMIT / 1024}
    return [
        f"{sitting.what}: {name} was {warm[name]}, is {last[name]}"
        for name in warm
        if name != "pid" and last[name] > warm[name] + room.get(name, 0)
    ] + ([f"{sitting.what}: the watcher was replaced"] if warm["pid"] != last["pid"] else [])


HEAD = """# Endurance

Written by `make soak {asked}` ({machine}): one sitting on one project with
PostgreSQL and a client that writes all the time; no row was lost. One watcher process served it from beginning to end.
"Before" is what was there before the first of each, "after" what was there after the last one; the greatest value
between them is in parentheses.

| what | times | seconds of each: median, 95th percentile |
| --- | --- | --- |
"""
TITLES = {
    "memory_mb": "memory of the watcher, MB",
    "descriptors": "its open descriptors",
    "threads": "its threads",
    "programs": "programs in the service's container",
    "containers": "containers of the project",
    "images": "images of the project",
    "volumes": "volumes of the project",
    "networks": "networks of the project",
    "notes_kb": "notes of devctl on disk, KB",
}
TAIL = """
A record of events makes the notes longer, one line for each reload or rebuild; at 4 MB it starts over. A compiler that is at
work counts as a program in the container, and is one until it is done.

The engine's build cache is not among them: it belongs to all projects, grows with each build, and is left to the engine's own
rules.
"""


def write(sittings: Sequence[Sitting], asked: str) -> None:
    engine = docker("version", "--format", "{{.Server.Version}}")
    text = HEAD.format(asked=asked, machine=f"{os.cpu_count()} cores, engine {engine}")
    for sitting in sittings:
        times = sorted(sitting.times)
        last = times[int(len(times) * 0.95)]
        text += f"| {sitting.what} | {len(times)} | {statistics.median(times):.1f}, {last:.1f} |\n"
    text += f"\n| figure | {' | '.join(f'{s.what}: before → after' for s in sittings)} |\n"
    text += f"| --- |{' --- |' * len(sittings)}\n"
    for name, title in TITLES.items():
        text += f"| {title} | {' | '.join(_course(s, name) for s in sittings)} |\n"
    PAGE.write_text(text + TAIL, encoding="utf-8")


def _course(sitting: Sitting, name: str) -> str:
    values = [float(getattr(each, name)) for each in sitting.looks]
    return f"{values[0]:.0f} → {values[-1]:.0f} ({max(values):.0f})"
