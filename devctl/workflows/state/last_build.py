"""What the build script of a dev container has not built yet: a build is still running, or its reloader leaves a file out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from devctl.domain.project.state_folder import build_note

if TYPE_CHECKING:
    from devctl.domain.ports.toolbox import Toolbox


def saved_since_build(
    box: Toolbox, root: Path, service: str, container: str, paths: Iterable[str]
) -> str | None:
    """One of `paths`, files and folders of the project, that was saved after the last build of this container; None where there is
    none, or no build is known. Both times are of this machine: the clock of a container may be another one."""
    note = build_note(service)
    _, _, built_in = (box.state.text(root, note) or "").strip().partition(" ")
    stamp = box.files.stamp(box.state.path(root, note))
    if not built_in or not container.startswith(built_in) or stamp is None:
        return None
    found = box.files.newer((root / path for path in paths), than=stamp[0])
    return str(found.relative_to(root)) if found is not None else None
