"""What tests on the real engine share: an engine that answers, and projects that leave nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from _pytest._code.code import ExceptionRepr
from msgspec import Struct

from devctl.adapters.system.identity import HomeIdentity
from devctl.domain.plan.engine_state import CACHE_LABEL, MACHINE_LABEL, ROOT_LABEL
from devctl.workflows.project.compose_model import compose_name
from tests.engine.cli import Result, devctl, docker, leave_nothing, said_by_containers, until
from tests.helpers import build_tree, open_to_others
from tests.ports import free_port

MODEL = ".devctl/of-a-test.json"
TEMPLATE = Path(__file__).parents[2] / "templates" / "go-service"


class Started(Struct, frozen=True):
    """A project of a test: a folder whose name is its compose project name, and a host port that was free."""

    root: Path
    name: str
    port: int

    def devctl(self, *args: str, code: int | None = 0, timeout: float = 900) -> Result:
        return devctl(*args, cwd=self.root, code=code, timeout=timeout)

    def write(self, files: Mapping[str, str]) -> None:
        build_tree(self.root, files)

    def model(self, mode: str = "dev") -> str:
        """The model that compose is given in this mode, as a file for plain compose; its path in the project."""
        told = self.devctl("config", "render", "--mode", mode).result["model"]
        self.write({MODEL: json.dumps(told)})
        return MODEL


@pytest.fixture(scope="session")
def answering_engine() -> str:
    """The engine's version; fails (never skips) where none answers."""
    return docker("version", "--format", "{{.Server.Version}}")


@pytest.fixture(autouse=True)
def _needs_engine(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("engine"):
        request.getfixturevalue("answering_engine")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the containers said, which are gone once the test is over."""
    report = yield
    if (
        call.when == "call"
        and item.get_closest_marker("engine")
        and isinstance(report.longrepr, ExceptionRepr)
    ):
        for heading, text in said_by_containers(f"label={MACHINE_LABEL}={HomeIdentity().machine}"):
            report.longrepr.addsection(heading, text)
    return report


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Makes projects: `project()` copies the template, `project(files={…})` writes only those files.

    The template's port is in `.env` as HOST_PORT. When the test is over, everything of it is gone.
    """
    with made_in(tmp_path) as make:
        yield make


@contextmanager
def made_in(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """What `project` gives to one test, for fixtures that several tests share."""
    made: list[Started] = []

    def make(files: Mapping[str, str] | None = None, *, folder: str = "") -> Started:
        unique = f"dt{uuid.uuid4().hex[:8]}"
        root, port = tmp_path / f"{folder}{unique}", free_port()
        name = compose_name(root.name)
        if files is None:
            shutil.copytree(TEMPLATE, root)
            build_tree(root, {".env": f"HOST_PORT={port}\n"})
        else:
            build_tree(root, {path: text.replace("HOST_PORT", str(port)) for path, text in files.items()})
        open_to_others(root)
        started = Started(root, name, port)
        made.append(started)
        return started

    try:
        yield make
    finally:
        for started in made:
            leave_nothing(started.root, started.name)


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails the run where its tests left something behind.

    Other sessions may use the engine at the same time: each has a state home and with it a machine of its own, and that one
    is on everything that devctl makes. Temporary files of this session go to a folder of its own.
    """
    folder = tmp_path_factory.mktemp("TMPDIR")
    before = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before[1]
        os.environ.pop("TMPDIR")
        if before[0] is not None:
            os.environ["TMPDIR"] = before[0]
    # The engine removes what was `run --rm` when that has ended, and a moment later.
    until(
        lambda: not _left_behind(folder),
        within=30,
        why=lambda: f"left behind by this session: {_left_behind(folder)}",
    )


def _left_behind(folder: Path) -> list[str]:
    """A browser leaves files of its own in the `folder` for temporary files."""
    notes = [f"note of {path}" for path in HomeIdentity().left_folders()]
    return [*_left_on_the_engine(), *(str(path) for path in folder.glob("devctl*")), *notes]


def _left_on_the_engine() -> list[str]:
    """All that carries our machine, but the shared cache of dev containers, which is there to stay."""
    label = f"label={MACHINE_LABEL}={HomeIdentity().machine}"
    found = []
    for kind in ("container", "image", "network", "volume"):
        ids = docker(
            kind, "ls", *(["--all"] if kind in ("container", "image") else []), "--quiet", "--filter", label
        )
        found += [f"{kind} {name}" for name in dict.fromkeys(ids.split())]
    shared = docker("volume", "ls", "--quiet", "--filter", f"label={CACHE_LABEL}").split()
    own = docker("volume", "ls", "--quiet", "--filter", f"label={ROOT_LABEL}").split()
    return [thing for thing in found if thing.removeprefix("volume ") not in set(shared) - set(own)]
