"""What the scripts of a dev container report: its last build, and how its program exited."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from devctl.domain.numbers import whole
from devctl.domain.project.container_files import EXIT_STATE
from devctl.domain.project.state_folder import build_note

if TYPE_CHECKING:
    from devctl.domain.ports.engine import Engine
    from devctl.domain.ports.toolbox import Toolbox


def saved_since_build(
    box: Toolbox, root: Path, service: str, container: str, paths: Iterable[str]
) -> str | None:
    """One of `paths`, files and folders of the project, that was saved after the last build of this container; None if there
    is none, or no build is known. Both times are from this machine: a container's clock may differ."""
    stamp = box.files.stamp(box.state.path(root, build_note(service)))
    if not _word(box, root, service, container) or stamp is None:
        return None
    found = box.files.newer((root / path for path in paths), than=stamp[0])
    return str(found.relative_to(root)) if found is not None else None


def waits_for_the_old_one(box: Toolbox, root: Path, service: str, container: str) -> bool:
    """Whether the last build of this container is good, but the program before it has not stopped yet."""
    return _word(box, root, service, container) == "starting"


def exit_code(engine: Engine, container: str) -> int | None:
    """Of the program in a running dev container; None while it runs, and if none of devctl's scripts started it."""
    return whole((engine.read_files(container, EXIT_STATE) or "").strip())


def _word(box: Toolbox, root: Path, service: str, container: str) -> str:
    """What the build script wrote last: `ok`, `failed`, `starting`; "" if that is unknown for this container."""
    word, _, built_in = (box.state.text(root, build_note(service)) or "").strip().partition(" ")
    return word if built_in and container.startswith(built_in) else ""
