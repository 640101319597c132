"""clean: remove what devctl created and nobody needs any more.

Only what has this machine's label is judged: an engine may be shared, and whether another machine's folder exists cannot be
seen from here (docs/decisions/0016-machine-id.md).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from msgspec import Struct

from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import CleanRequest, DownRequest
from devctl.domain.plan.engine_state import (
    CACHE_LABEL,
    MACHINE_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    TEMPORARY_LABEL,
    Kind,
    Labelled,
)
from devctl.domain.plan.planner import Step
from devctl.domain.plan.run import image_ref
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.ports.identity import Identity
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.domain.project.state_folder import STATE_FOLDER
from devctl.errors import DevctlError, ExitCode, UsageError
from devctl.workflows.dev import lifecycle
from devctl.workflows.project.find import root_of
from devctl.workflows.project.load import load
from devctl.workflows.session.made_here import folder_of, is_gone, made_here
from devctl.workflows.session.steps import Steps, looking, plan_outcome
from devctl.workflows.switch.intent import read_intent
from devctl.workflows.switch.lock import locked
from devctl.workflows.switch.switch import PREVIOUS

KILLED = "left behind by a devctl process that was killed"
_KINDS: tuple[Kind, ...] = ("container", "image")


class Unneeded(Struct, frozen=True):
    """One thing to remove, and why."""

    thing: Labelled
    cause: str


def clean(request: CleanRequest, box: Toolbox) -> Outcome:
    """Leftovers of projects whose folder is gone, superseded images of this one; shared caches with consent."""
    agreed = _consent(request, box)
    folders = _end_left_folders(request, box)
    with _locked(request, box):
        with looking(box.reporter, box.clock, "leftovers"):
            project = _here(request, box)
            found = [*unneeded(box, project), *(Unneeded(c, "a shared cache, requested") for c in agreed)]
        if request.dry_run:
            steps = [Step("remove", None, f"folder {f}: {KILLED}") for f in folders]
            return plan_outcome(
                [*steps, *(Step("remove", None, f"{u.thing.kind} {u.thing.name}: {u.cause}") for u in found)]
            )
        removed = _remove(box, found)
    lines = [f"removed folder {folder}  ({KILLED})" for folder in folders]
    lines += [f"removed {u.thing.kind} {u.thing.name}  ({u.cause})" for u in removed]
    lines += [f"kept {u.thing.kind} {u.thing.name}: still in use" for u in found if u not in removed]
    lines = [*(lines or ["nothing to clean"]), *_build_cache(box.engine)]
    lines += [*_orphaned_data(box), *_of_older(box.files, box.engine)]
    return Outcome(
        result={
            "removed": [
                *({"kind": "folder", "name": str(folder)} for folder in folders),
                *({"kind": u.thing.kind, "name": u.thing.name} for u in removed),
            ]
        },
        text="\n".join(lines),
    )


def _remove(box: Toolbox, found: Sequence[Unneeded]) -> list[Unneeded]:
    if not found:
        return []
    with Steps(box.reporter, box.clock).step("remove", "no longer needed"):
        return [u for u in found if box.engine.remove(u.thing)]


def _end_left_folders(request: CleanRequest, box: Toolbox) -> list[Path]:
    """Temporary projects of a `demo` that was killed: everything that runs for them is stopped, and the folder is removed.
    What was built for them is then left over from a deleted folder. Not the project of the current folder."""
    left = [f for f in box.identity.left_folders() if f != root_of(box.files, box.host, request.project)]
    for folder in left if not request.dry_run else ():
        if box.files.is_dir(folder):
            down = DownRequest(project=folder, volumes=True, yes=True, lock_timeout=request.lock_timeout)
            lifecycle.down(down, box)
            box.files.remove_folder(folder)
        box.identity.forget_folder(folder)
    return left


def _here(request: CleanRequest, box: Toolbox) -> Project | None:
    """The project of the current folder, if any: outside a project only the leftovers of others are cleaned."""
    try:
        return load(box, request.project, lenient=True)
    except DevctlError as error:
        if error.exit_code == ExitCode.MACHINE or request.project is not None:
            raise
        return None


def _locked(request: CleanRequest, box: Toolbox) -> AbstractContextManager[None]:
    """Of the project of the current folder, if devctl was ever used in it."""
    root = root_of(box.files, box.host, request.project)
    if request.dry_run or root is None or not box.files.exists(root / STATE_FOLDER):
        return contextlib.nullcontext()
    return locked(box, root, command="clean", timeout=request.lock_timeout)


def _consent(request: CleanRequest, box: Toolbox) -> Sequence[Labelled]:
    """The shared caches that may be removed: those that were named when somebody agreed, whatever is created meanwhile."""
    found = _caches(box.identity, box.engine) if request.caches else ()
    caches = [c.name for c in found]
    if (
        not caches
        or request.dry_run
        or request.yes
        or box.host.confirm(f"delete the build caches {', '.join(caches)}?")
    ):
        return found
    raise UsageError(
        f"clean --caches deletes {', '.join(caches)}: the next build of every project starts cold",
        code="consent-missing",
        hint="devctl clean --caches --yes",
    )


def unneeded(box: Toolbox, project: Project | None) -> list[Unneeded]:
    """What may be removed, containers first: they use the images."""
    stopped = [c for c in made_here(box.identity, box.engine, "container") if not c.in_use]
    images = [i for i in made_here(box.identity, box.engine, "image") if _named_by_us(i)]
    networks = made_here(box.identity, box.engine, "network")
    caches = _caches(box.identity, box.engine)
    gone = _gone_projects(box)
    lost = {t.id for t in (*stopped, *images, *caches) if is_gone(box.files, t)}
    lost |= {t.id for t in (*networks, *images) if t.labels[PROJECT_LABEL] in gone}
    intent = read_intent(box.private, project.root) if project is not None else None
    # An interrupted switch may go back to it.
    needed = set(intent.tags.values()) if intent is not None else set()
    old = [
        i
        for i in images
        if project is not None
        and i.labels[PROJECT_LABEL] == project.name
        and (i.name == i.id or _is_previous(i))
        and i.id not in lost
    ]
    return [
        *_left_behind(box.identity, box.engine, "container"),
        *(Unneeded(t, "its project's folder is gone") for t in (*stopped, *networks) if t.id in lost),
        *_left_behind(box.identity, box.engine, "image"),
        *(Unneeded(i, "its project's folder is gone") for i in images if i.id in lost - needed),
        *(Unneeded(i, "superseded by a newer build") for i in old if i.id not in needed),
        *(Unneeded(v, "its project's folder is gone") for v in caches if v.id in lost),
    ]


def _left_behind(identity: Identity, engine: Engine, kind: Kind) -> Iterator[Unneeded]:
    """What should have ended with a command that was killed."""
    for thing in engine.labelled(kind, TEMPORARY_LABEL):
        if identity.ended(thing.labels):
            yield Unneeded(thing, KILLED)


def _named_by_us(image: Labelled) -> bool:
    """An image that somebody builds on one of devctl's (`FROM shop-app:dev`) has its labels too, and its own name."""
    service = image.labels.get(SERVICE_LABEL)
    if service is None or image.name == image.id or _is_previous(image):
        return True
    return image.name.startswith(image_ref(image.labels[PROJECT_LABEL], service, ""))


def _is_previous(image: Labelled) -> bool:
    """Named for a rollback by a command that was killed."""
    return image.name.startswith(f"{PREVIOUS}:")


def _caches(identity: Identity, engine: Engine) -> Sequence[Labelled]:
    """A volume that also has devctl's project label is a project's data and not a cache."""
    return [v for v in made_here(identity, engine, "volume", CACHE_LABEL) if PROJECT_LABEL not in v.labels]


def _gone_projects(box: Toolbox) -> frozenset[str]:
    """Projects whose folder is gone, according to their containers (all of them stopped) and images."""
    every = [
        *made_here(box.identity, box.engine, "container"),
        *(i for i in made_here(box.identity, box.engine, "image") if folder_of(i)),
    ]
    alive = {thing.labels[PROJECT_LABEL] for thing in every if thing.in_use or not is_gone(box.files, thing)}
    return frozenset(thing.labels[PROJECT_LABEL] for thing in every) - alive


def _orphaned_data(box: Toolbox) -> list[str]:
    """Data is never removed here; it is only reported, since nothing else would."""
    gone = _gone_projects(box)
    volumes = box.engine.labelled("volume", PROJECT_LABEL)
    return [
        f"kept volume {v.name}: data of a project whose folder is gone (docker volume rm {v.name})"
        for v in volumes
        if v.labels[PROJECT_LABEL] in gone
    ]


def _build_cache(engine: Engine) -> Iterator[str]:
    """Its owner is unknown, so nothing of it is removed here."""
    size = engine.disk_use().get("Build Cache", "")
    if size.endswith(("GB", "TB")):
        yield (
            f"the engine's build cache, shared by all projects, takes {size}: `docker builder prune --filter until=168h` "
            "removes what has not been used for a week"
        )


def _of_older(files: Files, engine: Engine) -> list[str]:
    """Created before there was a label for the machine: its owner is unknown, so a person decides."""
    found = [t for kind in _KINDS for t in engine.labelled(kind, PROJECT_LABEL)]
    old = [t for t in found if MACHINE_LABEL not in t.labels and not t.in_use and is_gone(files, t)]
    return [
        f"kept {t.kind} {t.name}: created by an older devctl; remove it with docker {t.kind} rm {t.name}"
        for t in old
    ]
