"""A user's dev stage, or one derived from theirs, is replaced by devctl's own if it turns out not to work: for example because
something it installs is no longer available.

Which one was replaced is recorded, so that it is not built again at each `up`. The note is believed while the Dockerfile and
devctl are the same.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from devctl import __version__
from devctl.domain.debug.debugging import runs_under_debugger
from devctl.domain.dockerfile.build_and_start import shown_stage
from devctl.domain.dockerfile.entrypoint import begun_words, is_other
from devctl.domain.dockerfile.facts import Stage
from devctl.domain.dockerfile.stages import find_stage
from devctl.domain.ports.files import Files
from devctl.domain.ports.private_state import PrivateState
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project, Service
from devctl.domain.project.private_notes import DebuggedNote, StagesNote
from devctl.errors import DevctlError, MachineError, Problem
from devctl.workflows.project.users_dockerfile import users_dockerfile, users_text

# Failures of the stage itself. Those of the project's modules or of the machine would affect devctl's as well.
_OF_THE_STAGE = frozenset(
    """add-unreachable build-failed builder-too-old tool-missing stand-in-lacks-packages git-missing git-unreachable no-go-module
    module-not-found module-refused copy-source-missing go-too-old toolchain-not-had program-not-started command-not-found
    shell-needed air-config air-refuses-folder""".split()
)


def without_noted(files: Files, private: PrivateState, root: Path, service: Service) -> Service:
    """The service as detected, without a dev stage that was replaced at an earlier `up`, or is replaced while it is debugged."""
    if service.build.dev_stage is None and service.build.derived is None:
        return service
    failed = private.note(root, StagesNote).failed.get(service.name) == _state(files, root, service)
    debugged = service.name in private.note(root, DebuggedNote).services
    if failed or (debugged and not knows_debuggers(files, root, service)):
        return service.with_build(dev_stage=None, derived=None)
    return service


def knows_debuggers(files: Files, root: Path, service: Service) -> bool:
    """Whether the dev stage can start the program under a debugger: devctl's can, and so can one written by `init`."""
    return service.build.dev_stage is None or runs_under_debugger(
        users_text(files, root, service, str(service.build.dockerfile))
    )


def note_debugged(private: PrivateState, root: Path, services: Collection[str]) -> bool:
    """Record exactly these services; returns whether others were recorded before, so that the project is a different one now."""
    before = private.note(root, DebuggedNote)
    if sorted(before.services) == sorted(services):
        return False
    private.keep(root, DebuggedNote(tuple(sorted(services))))
    return True


def noted_debugged(private: PrivateState, root: Path) -> frozenset[str]:
    return frozenset(private.note(root, DebuggedNote).services)


def try_again(private: PrivateState, root: Path, services: Collection[str]) -> bool:
    """Forget which dev stages of these were replaced; returns whether any were."""
    failed = private.note(root, StagesNote).failed
    kept = {name: state for name, state in failed.items() if name not in services}
    if kept == failed:
        return False
    private.keep(root, StagesNote(kept))
    return True


def give_way(box: Toolbox, project: Project, name: str | None, error: DevctlError) -> Project:
    """The project with devctl's dev stage in place of the failed one of `name`, recorded and reported; raises `error` if the
    failure is not that of a user's stage."""
    service = project.service(name) if name is not None else None
    if service is None or service.build.dockerfile is None or error.code not in _OF_THE_STAGE:
        raise error
    if service.build.dev_stage is None and service.build.derived is None:
        raise error
    root = project.root
    stage: Stage | None
    if service.build.derived is not None:
        stage = service.build.derived.build.stage
        tried = f"the dev stage derived from {service.build.dockerfile}"
    else:
        facts = users_dockerfile(box.sources, root, service, service.build.dockerfile)
        stage, tried = find_stage(facts, str(service.build.dev_stage)), f"stage `{service.build.dev_stage}`"
    why = (
        f"{error}: {error.detail.splitlines()[-1]}"
        if error.code == "build-failed" and error.detail
        else error
    )
    left = _not_started_by_ours(box, project, service)
    first = (
        f"devctl.yaml: `services: {{{service.name}: {{args: […]}}}}` gives it arguments"
        if left
        else "no action needed"
    )
    box.reporter.warn(
        Problem(
            "dev-stage-fails",
            f"{tried} does not work here ({why}): using devctl's own dev stage instead{left}",
            f"{first}; editing {service.build.dockerfile} tries it again, and so does: devctl rebuild {service.name}",
            error.problem.place
            or (
                f"{service.build.dockerfile}:{stage.line}" if stage is not None else service.build.dockerfile
            ),
        )
    )
    failed = box.private.note(root, StagesNote).failed
    with suppress(MachineError):  # no home to write to: the next `up` tries it again
        box.private.keep(root, StagesNote({**failed, service.name: _state(box.files, root, service)}))
    ours = service.with_build(dev_stage=None, derived=None, shares_cache=False)
    return replace(project, services=tuple(ours if s is service else s for s in project.services))


def _not_started_by_ours(box: Toolbox, project: Project, service: Service) -> str:
    """A user's script that starts the program: devctl's stage starts that itself, and only the script knows its arguments."""
    if service.start.args or service.build.derived is None:
        return ""
    facts = users_dockerfile(box.sources, project.root, service, str(service.build.dockerfile))
    spec = project.spec(service.name)
    words = begun_words(facts, shown_stage(facts, spec), spec)
    return f", without `{' '.join(words)}`" if words and is_other(words[0]) else ""


def _state(files: Files, root: Path, service: Service) -> str:
    text = users_text(files, root, service, str(service.build.dockerfile))
    return sha256(f"{__version__}\0{service.build.dev_stage}\0{text}".encode()).hexdigest()[:16]
