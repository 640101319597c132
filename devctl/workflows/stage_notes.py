"""A dev stage of the user's that turns out not to work gives way to our own: what it installs is not to be had any more, say.

Which one did is noted in `.devctl/`, so that it is not built again at each `up`. The note is believed while the Dockerfile
is the same.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from devctl.domain.overlay import OVERLAY, STAGES_NOTE
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.domain.stages import find_stage
from devctl.errors import DevctlError, Problem
from devctl.workflows.notes import read_note, write_note

# Failures of the stage itself. Those of the project's modules or of the machine would be ours as well.
_OF_THE_STAGE = frozenset(
    {
        "build-failed",
        "tool-missing",
        "stand-in-lacks-packages",
        "git-missing",
        "git-unreachable",
        "no-go-module",
    }
    | {"module-not-found", "module-refused", "copy-source-missing", "go-too-old", "toolchain-not-had"}
    | {"program-not-started", "shell-needed", "air-config", "air-refuses-folder"}
)
_COMMAND_NOT_FOUND = "exited with 127"


def without_noted(box: Toolbox, root: Path, service: Service) -> Service:
    """The service as detected, without a dev stage that gave way at an earlier `up`."""
    if service.dev_stage is None or read_note(box, root, STAGES_NOTE).get(service.name) != _state(
        box, root, service
    ):
        return service
    return replace(service, dev_stage=None)


def give_way(box: Toolbox, project: Project, name: str | None, error: DevctlError) -> Project:
    """The project with our dev stage in place of the one of `name` that failed, noted and said; raises `error` where that is
    no failure of a stage of the user's."""
    service = project.service(name) if name is not None else None
    fits = error.code in _OF_THE_STAGE or _COMMAND_NOT_FOUND in str(error)
    if service is None or service.dockerfile is None or service.dev_stage is None or not fits:
        raise error
    root = Path(project.root)
    stage = find_stage(box.sources.dockerfile(root / service.dockerfile, root=root), service.dev_stage)
    box.reporter.warn(
        Problem(
            "dev-stage-fails",
            f"stage `{service.dev_stage}` does not work here ({error}): devctl's own dev stage runs instead",
            f"nothing must be done; an edit of {service.dockerfile} tries it again, and so does: rm {OVERLAY}/{STAGES_NOTE}",
            f"{service.dockerfile}:{stage.line}" if stage is not None else service.dockerfile,
        )
    )
    noted = {**read_note(box, root, STAGES_NOTE), service.name: _state(box, root, service)}
    write_note(box, root, STAGES_NOTE, noted, owner=project.owner)
    ours = replace(service, dev_stage=None, shares_cache=False)
    return replace(project, services=tuple(ours if s is service else s for s in project.services))


def _state(box: Toolbox, root: Path, service: Service) -> str:
    text = box.files.read_text(root / str(service.dockerfile)) or ""
    return sha256(f"{service.dev_stage}\0{text}".encode()).hexdigest()[:16]
