"""What the steps of a case have in common: a save in an editor, and a look at a container from outside."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.engine.cli import docker
from tests.engine.conftest import Started
from tests.helpers import save


def edit(project: Started, path: str, old: str, new: str) -> None:
    file = project.root / path
    text = file.read_bytes()  # with the line endings that it has
    assert old.encode() in text, f"{old!r} is not in {path}"
    save(file, text.replace(old.encode(), new.encode()).decode())


def holds(true: Callable[[], bool], seconds: float = 3) -> bool:
    """Whether it stays so: for what must not happen by itself, again and again."""
    end = time.monotonic() + seconds
    while (so := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return so


def builds(project: Started) -> int:
    """How often the reloader of the running container has begun to build."""
    return [event.get("line") for event in project.devctl("logs").events].count("devctl: build start")


def inspect(project: Started, service: str, form: str) -> str:
    return docker("inspect", "--format", form, f"{project.name}-{service}-1")
