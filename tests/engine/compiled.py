"""The standard library as the template's stage `std` has it, compiled once per machine: each time takes 40 s of a processor."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.cli import docker
from tests.engine.conftest import TEMPLATE

PLACE = "/cache/go-build"


@contextmanager
def image() -> Iterator[str]:
    """golang, with the compiled packages at PLACE. Its layers are in the builder's cache: each dev stage of devctl has them."""
    name = f"std-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "compose.json"
        build = {"context": str(TEMPLATE), "target": "std"}
        model.write_text(json.dumps({"name": name, "services": {"std": {"image": name, "build": build}}}))
        docker("compose", "-f", str(model), "build")
    try:
        yield name
    finally:
        docker("image", "rm", name)


def into_volume(name: str, *labels: str, target: str = "/cache") -> None:
    """A new volume with the compiled packages: `target` is /cache, or PLACE for what is in that folder."""
    docker("volume", "create", *(f"--label={label}" for label in labels), name)
    with image() as std:  # the engine copies what an image has where a new volume is mounted
        docker("run", "--rm", "--network=none", "-v", f"{name}:{target}", std, "true")


def into_project(project: str, volume: str, *, target: str = "/cache") -> None:
    """The same, as a volume that the compose file of a project declares and that compose would make at the first start."""
    labels = (f"com.docker.compose.project={project}", f"com.docker.compose.volume={volume}")
    into_volume(f"{project}_{volume}", *labels, target=target)
