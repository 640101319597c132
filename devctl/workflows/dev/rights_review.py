"""Whether a round of the watcher may apply what the files say now: only if it grants no more than a person has applied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from devctl.domain.plan.engine_state import INPUTS_LABEL, LABEL
from devctl.domain.plan.render import CACHE_KEY
from devctl.domain.plan.run import Run
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.ports.private_state import PrivateState
from devctl.domain.project.compose_model import Model
from devctl.domain.project.model import Project
from devctl.domain.rights.grants import SHARED, Grant, grants, lent_out_of_sight
from devctl.workflows.project.approved_inputs import UP, Approved, HeldBack, held
from devctl.workflows.session.session import Session
from devctl.workflows.switch.applied_model import applied, links_of

DESCRIBING = (
    f"{LABEL}.",
    "com.docker.compose.",
    "org.opencontainers.image.",
    "org.label-schema.",
    "maintainer",
)
"""Labels that devctl and compose write, and those that describe an image to people."""


def new_mirror(private: PrivateState, project: Project) -> str | None:
    """Why no image may be fetched: what a mirror provides is tagged as the requested image, for every project on this machine."""
    known = applied(private, project)
    if known is None or project.mirror in (None, known.mirror):
        return None
    return held([f"base images from {project.mirror} (devctl.yaml, bases.mirror)"])


def held_back(files: Files, private: PrivateState, session: Session, services: Collection[str]) -> str | None:
    """Why none of this may be applied automatically, in words; None if it may."""
    changing = [n for n in services if any(s.service == n for s in session.plan())]
    known = applied(private, session.project)
    if known is None and not all(_as_it_runs(session, name) for name in changing):
        return f"not applied: it is not known what devctl applied here before (another user or another machine?); {UP}"
    told = [
        f"{path.removeprefix(f'{session.root}/')}, now a link to {target}"
        for path, target in links_of(files, session, changing).items()
        if known is None or known.links.get(path) != target
    ]
    before = known.model if known is not None else _without_definitions(session.model)
    told += [f"{name} {text}" for name in changing for text in _granted(files, session, before, name)]
    told += [
        f"{name} what `devctl up` read for other services"
        for name in _not_started(private, session, changing)
    ]
    return held(told) if told else None


def refuse_new_labels(engine: Engine, session: Session, name: str) -> None:
    """Raise HeldBack if the built image gives its container labels that the running one does not have: a Dockerfile may
    change, but a proxy or an updater that acts on labels takes those of an image as set by the user."""
    image = engine.images([session.run(name).image]).get(session.run(name).image)
    running = session.observed.of(name)
    if image is None or running is None:
        return
    said = session.model["services"][name].get("labels") or {}
    new = {
        label: value
        for label, value in image.labels.items()
        if not label.startswith(DESCRIBING) and label not in said and running.labels.get(label) != value
    }
    told = [f"{name} a label that other programs may act on: {label}={value}" for label, value in new.items()]
    if told:
        raise HeldBack([f"{text} (a LABEL of its image)" for text in told])


def _not_started(private: PrivateState, session: Session, changing: Collection[str]) -> list[str]:
    """Services that a person did not start from this model, which compose made with that person's whole environment."""
    approved, inputs = private.note(session.root, Approved), session.project.inputs
    if inputs is None or approved.digest != inputs.digest:
        return []
    return [n for n in changing if n not in approved.services and not _as_it_runs(session, n)]


def _as_it_runs(session: Session, name: str) -> bool:
    """The engine's label, which no container can change, says that exactly this model runs: only dependencies changed."""
    wanted = session.wanted_of(name)
    found = session.observed.of(name)
    return found is not None and found.labels.get(INPUTS_LABEL) == wanted.inputs


def _without_definitions(model: Model) -> Mapping[str, Any]:
    """The services run as the model says; what they use may be defined differently by now. devctl itself defines the cache."""
    cache = {key: it for key, it in (model.get("volumes") or {}).items() if key == CACHE_KEY}
    return {**model, **{kind: {} for kind in SHARED}, "volumes": cache}


def _granted(files: Files, session: Session, before: Mapping[str, Any], name: str) -> list[str]:
    found = grants(before, session.model, [name], real=files.real, ours=devctls_own(session.runs))
    found += lent_out_of_sight(session.model, [name], seen=[run.service for run in session.runs])
    return [f"{grant.what}{_place(session.project, grant)}" for grant in found]


def devctls_own(runs: Iterable[Run]) -> list[str]:
    """The services whose Dockerfile no container can change. One derived from the user's contains the user's lines."""
    return [run.service for run in runs if run.written is None]


def _place(project: Project, grant: Grant) -> str:
    if not project.compose_files:
        return ""
    return f" ({project.place(grant.key)})"
