"""Look at a built image before anything is switched to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from devctl.domain.air import endings
from devctl.domain.gobinary import build_info, functions
from devctl.domain.golist import Listing
from devctl.domain.image import ImageFacts
from devctl.domain.inspected import HealthCheck
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.domain.readiness import Check, Inspected, blocking, checks, reads_program
from devctl.domain.render import SOURCE_TARGET
from devctl.domain.runs import Run
from devctl.domain.stages import find_stage
from devctl.errors import Problem, ProjectError
from devctl.workflows.compose_model import compose_place


def inspect(box: Toolbox, project: Project, service: Service, *, run: Run) -> tuple[Check, ...]:
    """Every check of the image of a run; nothing is started. Raises ProjectError `image-missing`."""
    return checks(look(box, project, service, run=run))


def look(
    box: Toolbox, project: Project, service: Service, *, run: Run, listed: Listing | None = None
) -> Inspected:
    """The image of a run and what it was built from, as facts for `checks`; its `image` saves a second reading."""
    image = box.images().read(run.image, files=True)
    if run.ours and service.files:  # the base says nothing of where our stage is started
        image = replace(image, workdir=SOURCE_TARGET)
    root, own = Path(project.root), None if run.ours else run.dockerfile
    dockerfile = box.sources.dockerfile(root / own, root=root) if own is not None else None
    stage = None
    if dockerfile is not None:
        stage = find_stage(dockerfile, run.stage) if run.stage else dockerfile.stages[-1]
    names, settings = _program(box, image, service, listed)
    # How a dev stage of the user's builds is theirs.
    rebuilt = endings(box.templates.read("go-service/.air.toml")) if service.dev_stage is None else None
    health = _health(box, project, service)
    return Inspected(image, service, names, dockerfile, stage, settings, listed, rebuilt, health)


def compose_health(project: Project, service: Service) -> tuple[str, ...]:
    """The test of the compose file's health check, as compose resolved it."""
    said = (project.specs.get(service.name) or {}).get("healthcheck") or {}
    return ("NONE",) if said.get("disable") else tuple(str(word) for word in said.get("test") or ())


def _health(box: Toolbox, project: Project, service: Service) -> HealthCheck | None:
    test = compose_health(project, service)
    if not test:
        return None
    return HealthCheck(
        test, compose_place(box, Path(project.root))(("services", service.name, "healthcheck"))
    )


def must_be_ready(found: Iterable[Check]) -> None:
    """Raise ProjectError `not-ready` naming the first blocking check; all of them are in its `result`."""
    every = tuple(found)
    first = blocking(every)
    if first is None:
        return
    others = sum(c.status == "fail" for c in every) - 1
    more = f" (and {others} more)" if others else ""
    raise ProjectError(
        f"not ready for production: {first.detail}{more}",
        code="not-ready",
        hint=first.hint,
        place=first.place,
        result={"checks": [c.as_json() for c in every]},
    )


def warnings(found: Iterable[Check]) -> tuple[Problem, ...]:
    """What does not stop the preview and is worth a line."""
    return tuple(Problem(c.id, c.detail, c.hint, c.place) for c in found if c.status == "warn")


def _program(
    box: Toolbox, image: ImageFacts, service: Service, listed: Listing | None
) -> tuple[frozenset[str], Mapping[str, str]]:
    """The functions of the Go program and how it was built; read only where a check turns on it."""
    if image.binary is None or not reads_program(image, service, listed=listed):
        return frozenset(), {}
    content = box.images().binary(image.ref, image.binary.path)
    info = build_info(content)
    return frozenset(f.name for f in functions(content)), info.settings if info is not None else {}
