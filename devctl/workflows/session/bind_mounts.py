"""A service's data folders must be writable by the project's owner, as whom the dev container runs.

A new volume takes over the folder at its path in the image; if there is none it belongs to root, and so does a folder that the
engine creates for a bind mount.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from devctl.domain.dockerfile.facts import DockerfileFacts, Stage, with_ends
from devctl.domain.dockerfile.stages import chain
from devctl.domain.plan.render import CACHE_TARGET
from devctl.domain.ports.files import Files
from devctl.domain.project.model import Project, Service
from devctl.errors import FilesError

_WHY = "# A new volume starts as a copy of the folder at its path: any user may write there.\n"
_DEV_STAGE = "COPY --from=air /dev-root/ /\n"


def volume_folders(project: Project, service: Service) -> list[str]:
    """What the dev stage needs a folder for."""
    targets = [str(v["target"]).rstrip("/") for v in _volumes(project, service) if v.get("type") == "volume"]
    return [
        t
        for t in targets
        if t not in (service.mounted_at, CACHE_TARGET)
        and posixpath.basename(t) != "vendor"
        and t.isprintable()  # a line break in it would begin a line of the Dockerfile, which gets keys
    ]


def with_volumes(dockerfile: str, project: Project, service: Service) -> str:
    """devctl's Dockerfile with a folder in its dev stage for each volume of the service."""
    made = _made(volume_folders(project, service))
    return dockerfile.replace(_DEV_STAGE, f"{_DEV_STAGE}{_WHY}{made}", 1) if made else dockerfile


def at_end(text: str, facts: DockerfileFacts, stage: Stage, project: Project, service: Service) -> str:
    """A user's Dockerfile with the same at the end of its dev stage; the build cache is such a volume too, and so is each
    VOLUME."""
    cache = [] if service.build.says_cache else [CACHE_TARGET]
    said = (w for s in chain(facts, stage) for i in s.instructions if i.cmd == "VOLUME" for w in i.value)
    own = (posixpath.normpath(word) for word in said if word.startswith("/") and "$" not in word)
    own = (path for path in own if path.isprintable() and path != service.mounted_at)
    made = _made(dict.fromkeys([*cache, *volume_folders(project, service), *own]))
    if not made:
        return text
    lines = with_ends(text)
    after = next((s.line - 1 for s in facts.stages if s.index == stage.index + 1), len(lines))
    return "".join([*lines[:after], f"\n{_WHY}USER 0:0\n{made}", *lines[after:]])


def _made(targets: Iterable[str]) -> str:
    folders = " ".join(shlex.quote(target) for target in targets)
    return f"RUN mkdir -p {folders} && chmod 1777 {folders}\n" if folders else ""


def make_mounted(files: Files, project: Project, service: Service) -> None:
    """The folders of the project that its bind mounts name and that do not exist yet."""
    for volume in _volumes(project, service):
        source = str(volume.get("source") or "")
        inside = volume.get("type") == "bind" and source.startswith(f"{project.root}/")
        if inside and not files.exists(Path(source)):
            _make(files, project, Path(source))


def _make(files: Files, project: Project, source: Path) -> None:
    try:
        files.make_folder(source, within=project.root, owner=project.owner)
    except FilesError as error:
        if error.code != "unsafe-path":  # behind a link: creating it is up to the engine
            raise


def _volumes(project: Project, service: Service) -> list[dict[str, Any]]:
    return list(project.spec(service.name).get("volumes") or [])
