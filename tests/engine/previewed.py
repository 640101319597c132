"""What the tests of prod-preview share: a project that serves in dev, and how its containers look from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.engine.cli import Result, docker
from tests.engine.conftest import Started, made_in

FORMAT = "{{.Id}} {{.Image}} {{.State.Running}}"


def started(tmp: Path, files: Mapping[str, str]) -> Iterator[Started]:
    with made_in(tmp) as make:
        project = make(files)
        project.devctl("-y", "up", "-d", "--no-watch")
        yield project


def container(project: Started, service: str) -> tuple[str, str, str]:
    """Id, image and whether it runs."""
    container_id, image, running = docker("inspect", "-f", FORMAT, f"{project.name}-{service}-1").split()
    return container_id, image, running


def preview(project: Started, config: str, *args: str) -> Result:
    """One that must fail."""
    (project.root / "devctl.yaml").write_text(config)
    return project.devctl("-y", "prod-preview", *args, code=1)
