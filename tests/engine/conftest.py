"""What tests on the real engine share: an engine that answers, and projects that leave nothing behind."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from devctl.workflows.compose_model import compose_name
from tests.engine.cli import Result, devctl, docker, free_port, leave_nothing
from tests.helpers import build_tree

TEMPLATE = Path(__file__).parents[2] / "templates" / "go-service"


@dataclass(frozen=True)
class Started:
    """A project of a test: a folder whose name is its compose project name, and a host port that was free."""

    root: Path
    name: str
    port: int

    def devctl(self, *args: str, code: int | None = 0, timeout: float = 300) -> Result:
        return devctl(*args, cwd=self.root, code=code, timeout=timeout)

    def write(self, files: Mapping[str, str]) -> None:
        build_tree(self.root, files)


@pytest.fixture(scope="session")
def answering_engine() -> str:
    """The engine's version; fails (never skips) where none answers."""
    return docker("version", "--format", "{{.Server.Version}}")


@pytest.fixture(autouse=True)
def _needs_engine(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("engine"):
        request.getfixturevalue("answering_engine")


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
        for opened in (root, *list(root.parents)[:3]):  # pytest closes its folders to other users
            opened.chmod(0o755)
        started = Started(root, name, port)
        made.append(started)
        return started

    try:
        yield make
    finally:
        for started in made:
            leave_nothing(started.root, started.name)
