"""Random faults on the real engine, one after the other: `make chaos N=200 SEED=7`.

A seed and a number name a fault and the moment at which it strikes; each is replayed alone by `make chaos SEED=7 FIRST=31 N=1`. A
moment is a part of the time that a command usually takes, so on another machine it comes at about the same step.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.chaos import clocks, company, engine_faults, folders, kills  # noqa: F401 (each adds its faults)
from tests.chaos.faults import FAULTS
from tests.chaos.page import write
from tests.chaos.scene import FIRST, repository, scene
from tests.chaos.trying import Try, tries
from tests.engine.cli import docker
from tests.engine.conftest import Started
from tests.engine.own_engine import alone
from tests.engine.postgres import postgres_image

pytestmark = [pytest.mark.engine, pytest.mark.chaos]
N, SEED, BEGIN = (
    int(os.environ.get(name, usual)) for name, usual in (("N", "20"), ("SEED", "7"), ("FIRST", "0"))
)
OF_THE_ENGINE = 10
"""One of so many faults is one of the engine itself, which is another one then."""
BASES = ("golang:1.26-alpine", "gcr.io/distroless/static-debian13:nonroot")
TRIES: list[Try] = []
"""Those of the engine, for the table."""


def test_faults_of_the_engine(project: Callable[..., Started], tmp_path: Path) -> None:
    """The images are built on the machine's engine, and the project runs on another one."""
    postgres_image()
    made = project(FIRST)
    repository(made.root)
    made.devctl("-y", "up", "-d", "--no-watch")
    made.devctl("-y", "prod-preview")
    images = [image_of(made, service) for service in ("app", "db")]
    made.devctl("-y", "up", "-d", "--no-watch")
    images += [image_of(made, "app"), *BASES]
    made.devctl("down", "--volumes", "-y")
    docker("save", "--output", str(tmp_path / "images.tar"), *images)
    project_words = (str(made.root), made.name, str(made.port), str(tmp_path / "images.tar"))
    fault_words = (str(SEED), str(BEGIN // OF_THE_ENGINE), str(max(N // OF_THE_ENGINE, 1)))
    command = shlex.join([sys.executable, "-m", engine_faults.__name__, *project_words, *fault_words])
    within = 600 + 300 * (N // OF_THE_ENGINE)
    done = alone(command, cwd=Path(__file__).parents[2], room=engine_faults.ROOM, within=within)
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    told = [msgspec.json.decode(line, type=Try) for line in done.stdout.splitlines()]
    TRIES.extend(told)
    judge(told, "of the engine")


def image_of(made: Started, service: str) -> str:
    return docker("inspect", "--format", "{{.Config.Image}}", f"{made.name}-{service}-1")


def test_faults(project: Callable[..., Started]) -> None:
    postgres_image()
    told: list[Try] = []
    try:
        for done in tries(FAULTS, lambda: scene(project(FIRST)), SEED, range(BEGIN, BEGIN + N)):
            print(done.line, flush=True)
            told.append(done)
    finally:  # a run of hours that is interrupted is not for nothing
        write(SEED, [*TRIES, *told])
    judge(told, "of a project")


def judge(told: list[Try], whose: str) -> None:
    """A failed one is told with the line that replays it."""
    failed = [f"make chaos SEED={SEED} FIRST={t.number} N=1\n  {t.line}" for t in told if t.failed]
    assert not failed, f"{len(failed)} of {len(told)} faults {whose}:\n" + "\n".join(failed)
    struck = sum(t.struck for t in told)
    # Of a few, all may come when the command is just done.
    assert len(told) < 10 or 3 * struck >= len(told), (
        f"only {struck} of {len(told)} faults {whose} found something to strike"
    )
