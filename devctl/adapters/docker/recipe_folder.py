"""The Dockerfiles of a build, written where no container can change them before the builder reads them.

`.devctl/` is in the folder that dev containers mount: a loop in one of them could replace a Dockerfile between writing and
reading, and the build gives it keys (docs/explanation/security.md).
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devctl.adapters.system.host import make_private, state_folder, write_private
from devctl.adapters.system.identity import machine_place, process_ended, process_mark

if TYPE_CHECKING:
    from devctl.domain.dockerfile.recipe import Recipes
    from devctl.domain.project.compose_model import Model

DOCKERFILE = "Dockerfile"
BUILDS = "builds"


@contextlib.contextmanager
def read_from_outside(model: Model, recipes: Recipes) -> Iterator[Mapping[str, object]]:
    """The model, with each build in `recipes` reading its Dockerfile from a folder of this process, which is removed
    afterwards.

    `dockerfile_inline` would need no file, but has no .dockerignore of its own: that is looked up beside the Dockerfile.
    """
    if not recipes:
        yield model
        return
    folder = _folder()
    try:
        services: dict[str, Any] = dict(model["services"])
        for number, (name, recipe) in enumerate(recipes.items()):
            dockerfile = folder / str(number) / DOCKERFILE
            dockerfile.parent.mkdir(mode=0o700)
            write_private(dockerfile, recipe.dockerfile)
            write_private(dockerfile.with_name(f"{DOCKERFILE}.dockerignore"), recipe.ignored)
            spec = services[name]
            services[name] = {**spec, "build": {**spec["build"], "dockerfile": str(dockerfile)}}
        yield {**model, "services": services}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    """In the state home; for a user without one, a temporary folder that only this user can access."""
    import secrets
    import tempfile

    try:
        builds = (
            state_folder() / BUILDS / machine_place()
        )  # a home may be shared between machines, and pids are not unique then
        make_private(builds)
        _sweep(builds)
        folder = builds / f"{process_mark(os.getpid())}.{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
    except (OSError, RuntimeError):
        return Path(tempfile.mkdtemp(prefix="devctl-"))
    return folder


def _sweep(builds: Path) -> None:
    """What a killed process left behind."""
    for folder in builds.iterdir():
        if process_ended(folder.name.partition(".")[0]):
            shutil.rmtree(folder, ignore_errors=True)
