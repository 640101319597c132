"""clean: remove what devctl made and nobody needs any more. Only what carries our labels is looked at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from devctl.domain.events import Outcome
from devctl.domain.observed import CACHE_LABEL, PROJECT_LABEL, ROOT_LABEL, WORKING_DIR_LABEL, Labelled
from devctl.domain.overlay import OVERLAY
from devctl.domain.planner import Step
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.requests import CleanRequest
from devctl.errors import DevctlError, ExitCode, UsageError
from devctl.workflows.lifecycle import plan_outcome
from devctl.workflows.load import load

HOLDER = "-network-holder"


@dataclass(frozen=True, slots=True)
class Unneeded:
    """One thing to remove, and why."""

    thing: Labelled
    cause: str


def clean(request: CleanRequest, box: Toolbox) -> Outcome:
    """Left-overs of projects whose folder is gone, superseded images of this one; shared caches with consent."""
    project = _here(request, box)
    if request.dry_run:
        return plan_outcome([_step(u) for u in unneeded(box, project, caches=request.caches)])
    if request.caches:
        _consent(request, box)
    with _locked(request, box, project):
        found = unneeded(box, project, caches=request.caches)
        removed = [u for u in found if box.engine.remove(u.thing)]
    lines = [f"removed {u.thing.kind} {u.thing.name}  ({u.cause})" for u in removed]
    lines += [f"kept {u.thing.kind} {u.thing.name}: still in use" for u in found if u not in removed]
    lines += _orphaned_data(box)
    return Outcome(
        result={"removed": [{"kind": u.thing.kind, "name": u.thing.name} for u in removed]},
        text="\n".join(lines) or "nothing to clean",
    )


def _here(request: CleanRequest, box: Toolbox) -> Project | None:
    """The project we stand in, if any: outside of one only the others' left-overs are cleaned."""
    try:
        return load(box, request.project, lenient=True)
    except DevctlError as error:
        if error.exit_code == ExitCode.MACHINE or request.project is not None:
            raise
        return None


def _locked(request: CleanRequest, box: Toolbox, project: Project | None) -> AbstractContextManager[None]:
    if project is None or not box.files.exists(Path(project.root) / OVERLAY):
        return contextlib.nullcontext()
    return box.files.lock(Path(project.root), command="clean", timeout=request.lock_timeout)


def _consent(request: CleanRequest, box: Toolbox) -> None:
    caches = [c.name for c in _caches(box)]
    if not caches or request.yes or box.host.confirm(f"delete the build caches {', '.join(caches)}?"):
        return
    raise UsageError(
        f"clean --caches deletes {', '.join(caches)}: every project's next build starts cold",
        code="consent-missing",
        hint="devctl clean --caches --yes",
    )


def unneeded(box: Toolbox, project: Project | None, *, caches: bool) -> list[Unneeded]:
    """What may go, containers first: they hold the images."""
    found = [*_containers(box, project), *_networks(box), *_images(box, project)]
    if caches:
        found += [Unneeded(c, "a shared cache, asked for") for c in _caches(box)]
    return found


def _containers(box: Toolbox, project: Project | None) -> Iterator[Unneeded]:
    for thing in box.engine.labelled("container", PROJECT_LABEL):
        mine = project is not None and thing.labels[PROJECT_LABEL] == project.name
        if thing.name.endswith(HOLDER):
            # Whoever switches holds the project's lock: ours is held by us, so this one was left behind.
            if mine or not _at_work(box, thing):
                yield Unneeded(thing, "left behind by a switch")
        elif not thing.in_use and _gone(box, thing):
            yield Unneeded(thing, "its project's folder is gone")


def abandoned_containers(box: Toolbox) -> list[Labelled]:
    """Those that run, though the folder of their project is gone: ended only when somebody agrees."""
    every = box.engine.labelled("container", PROJECT_LABEL)
    return [c for c in every if c.in_use and not c.name.endswith(HOLDER) and _gone(box, c)]


def _networks(box: Toolbox) -> Iterator[Unneeded]:
    """Those of projects whose containers all point to folders that are gone."""
    gone = _gone_projects(box)
    for thing in box.engine.labelled("network", PROJECT_LABEL):
        if thing.labels[PROJECT_LABEL] in gone:
            yield Unneeded(thing, "its project's folder is gone")


def _images(box: Toolbox, project: Project | None) -> Iterator[Unneeded]:
    gone = _gone_projects(box)
    for thing in box.engine.labelled("image", PROJECT_LABEL):
        name = thing.labels[PROJECT_LABEL]
        if name in gone or _gone(box, thing):
            yield Unneeded(thing, "its project's folder is gone")
        elif project is not None and name == project.name and thing.name == thing.id:
            yield Unneeded(thing, "superseded by a newer build")


def _caches(box: Toolbox) -> Sequence[Labelled]:
    """A volume with our project's label as well is a project's data and not a cache."""
    every = box.engine.labelled("volume", CACHE_LABEL)
    return [v for v in every if PROJECT_LABEL not in v.labels]


def _gone_projects(box: Toolbox) -> frozenset[str]:
    """Projects whose folder is gone, by what their containers (all of them stopped) and images say of it."""
    containers = [c for c in box.engine.labelled("container", PROJECT_LABEL) if not c.name.endswith(HOLDER)]
    images = [i for i in box.engine.labelled("image", PROJECT_LABEL) if _folder(i)]
    every = [*containers, *images]
    alive = {thing.labels[PROJECT_LABEL] for thing in every if thing.in_use or not _gone(box, thing)}
    return frozenset(thing.labels[PROJECT_LABEL] for thing in every) - alive


def _folder(thing: Labelled) -> str:
    return thing.labels.get(WORKING_DIR_LABEL) or thing.labels.get(ROOT_LABEL) or ""


def _gone(box: Toolbox, thing: Labelled) -> bool:
    """Nothing is known to be gone whose folder is not known."""
    folder = _folder(thing)
    return folder != "" and not box.files.exists(Path(folder))


def _at_work(box: Toolbox, thing: Labelled) -> bool:
    folder = _folder(thing)
    return folder == "" or box.files.held(Path(folder) / OVERLAY / "lock")


def _orphaned_data(box: Toolbox) -> list[str]:
    """Data is never removed here; what nobody else would tell is said."""
    gone = _gone_projects(box)
    volumes = box.engine.labelled("volume", PROJECT_LABEL)
    return [
        f"kept volume {v.name}: data of a project whose folder is gone (docker volume rm {v.name})"
        for v in volumes
        if v.labels[PROJECT_LABEL] in gone
    ]


def _step(unneeded: Unneeded) -> Step:
    return Step("remove", None, f"{unneeded.thing.kind} {unneeded.thing.name}: {unneeded.cause}")
