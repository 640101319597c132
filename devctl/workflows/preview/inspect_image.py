"""Examines a built image before anything is switched to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from devctl.domain.derive.health_check import cannot_run, compose_test
from devctl.domain.detect.required_env import environment
from devctl.domain.dockerfile.runtime_bases import RUNTIME_BASES
from devctl.domain.dockerfile.stages import find_stage
from devctl.domain.go.golist import Listing
from devctl.domain.image.facts import ImageFacts
from devctl.domain.image.go_binary import build_info, functions
from devctl.domain.image.readiness.input import HealthCheck, Inspected
from devctl.domain.image.readiness.rules import not_ready, reads_program
from devctl.domain.plan.run import Run, start_of
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.air_toml import endings
from devctl.domain.project.model import TEMPLATE_SOURCE, Project, Service
from devctl.errors import Finding
from devctl.workflows.project.users_dockerfile import users_dockerfile


def look(
    box: Toolbox, project: Project, service: Service, *, run: Run, listed: Listing | None = None
) -> Inspected:
    """The image of a run and what it was built from, as facts for `checks`; nothing is started.

    Its `image` saves reading it again. Raises ProjectError `image-missing`.
    """
    image = box.images().read(run.image, files=True, start=start_of(service, run))
    if run.ours and service.build.files:  # the base says nothing about where devctl's stage is started
        image = replace(image, workdir=TEMPLATE_SOURCE)
    root, own = project.root, None if run.ours else run.dockerfile
    dockerfile = users_dockerfile(box.sources, root, service, own) if own is not None else None
    stage = find_stage(dockerfile, run.stage) if dockerfile is not None else None
    names, settings = _program(box, image, service, listed)
    # How a user's dev stage builds is up to them.
    rebuilt = endings(box.templates.read("go-service/.air.toml")) if service.build.dev_stage is None else None
    health = _health(project, service, run)
    zone = _zone(project, service, image)
    return Inspected(image, service, names, dockerfile, stage, settings, listed, rebuilt, health, zone)


def _zone(project: Project, service: Service, image: ImageFacts) -> str:
    of_image = dict(line.split("=", 1) for line in image.env if "=" in line)
    start, said = service.start, environment(project.spec(service.name))
    zone = {**of_image, **said, **start.env, **start.prod_env}.get("TZ") or "UTC"
    return "" if zone.removeprefix(":") in ("UTC", "Etc/UTC", "GMT") else zone


def _health(project: Project, service: Service, run: Run) -> HealthCheck | None:
    """That of the compose file, unless it is left out on another base."""
    test = compose_test(project.spec(service.name))
    if not test or (run.rebased and cannot_run(test, RUNTIME_BASES[str(run.base)])):
        return None
    return HealthCheck(test, project.place(("services", service.name, "healthcheck")))


def must_be_ready(found: Sequence[Finding]) -> None:
    """Raise ProjectError `not-ready` naming the first check that fails; its `result` has all of them."""
    if any(f.severity == "fail" for f in found):
        raise not_ready("not ready for production", found)


def _program(
    box: Toolbox, image: ImageFacts, service: Service, listed: Listing | None
) -> tuple[frozenset[str], Mapping[str, str]]:
    """The functions of the Go program and how it was built; read only if a check depends on it."""
    if image.binary is None or not reads_program(image, service, listed=listed):
        return frozenset(), {}
    content = box.images().binary(image.ref, image.binary.path)
    info = build_info(content)
    return frozenset(f.name for f in functions(content)), info.settings if info is not None else {}
