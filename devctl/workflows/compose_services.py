"""The services of a project's compose model that are built from its Go code."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from devctl.domain.compose_builds import lend_builds
from devctl.domain.compose_profiles import choose_profiles, has_profiles, in_profiles
from devctl.domain.config import Config
from devctl.domain.detect import detect_service, is_go_service
from devctl.domain.gofacts import DockerfileFacts, SourceFacts
from devctl.domain.ports import Toolbox
from devctl.domain.programs import brought, builds_go, for_dev, for_production
from devctl.domain.project import Service
from devctl.domain.published import own_image
from devctl.domain.stages import chain, find_stage
from devctl.errors import Problem
from devctl.workflows.compose_model import compose_model, compose_place
from devctl.workflows.find import ComposeFiles, compose_files
from devctl.workflows.stage_notes import without_noted

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Composed:
    """The model as it will run, and which of its services are built from Go."""

    model: dict[str, object]
    services: tuple[Service, ...] = ()
    warnings: tuple[Problem, ...] = ()


def composed_services(
    box: Toolbox,
    root: Path,
    found: ComposeFiles | None,
    *,
    config: Config,
    facts: SourceFacts,
    model: dict[str, object] | None = None,
) -> Composed:
    """`model`: what is known of it already. Where only services in profiles are built from Go, their profiles are active."""
    if found is None:
        return Composed({"services": {}})
    model = model if model is not None else compose_model(box, root, found)
    services = _of_model(box, root, config=config, facts=facts, specs=_specs(model))
    if services or not any(has_profiles(box.files.read_text(path) or "") for path in found.files):
        return Composed(model, services)
    whole = compose_model(box, root, found, profiles=True)
    services = _of_model(box, root, config=config, facts=facts, specs=_specs(whole))
    if not services:
        return Composed(model)
    chosen = choose_profiles(_specs(whole), [s.name for s in services])
    services = tuple(s for s in services if s.name in _specs(whole))
    return Composed(whole, services, (in_profiles(chosen, services[0].name, compose_place(box, root)),))


def _specs(model: dict[str, object]) -> dict[str, Spec]:
    return cast("dict[str, Spec]", model.setdefault("services", {}))


def _of_model(
    box: Toolbox, root: Path, *, config: Config, facts: SourceFacts, specs: dict[str, Spec]
) -> tuple[Service, ...]:
    """The services of a compose model that are built from Go; those that run the image of this repository where there are none."""
    folders = [str(root / package.dir) for module in facts.modules for package in module.packages]
    lend_builds(specs, folders=folders)
    for outside in (False, True):
        found = _compose_services(box, root, config=config, facts=facts, specs=specs, outside=outside)
        if found:
            return found
    published = [name for name, spec in specs.items() if own_image(spec, facts)]
    return _published_services(box, root, config=config, facts=facts, specs=specs, names=published)


def _compose_services(
    box: Toolbox,
    root: Path,
    *,
    config: Config,
    facts: SourceFacts,
    specs: Mapping[str, Spec],
    outside: bool = False,
) -> tuple[Service, ...]:
    """Those whose Dockerfile builds Go; with `outside` those whose Dockerfile starts what was built outside of Docker."""
    found = []
    for name, spec in specs.items():
        context = _inside(root, (spec.get("build") or {}).get("context"))
        if context is None or not is_go_service(spec, facts, context=context):
            continue
        dockerfile = dockerfile_at(box, root, context, str(spec["build"].get("dockerfile") or "Dockerfile"))
        if dockerfile is not None and not (brought(dockerfile) if outside else builds_go(dockerfile)):
            continue
        detect = partial(
            detect_service,
            facts,
            config=config,
            name=name,
            compose=spec,
            compose_file=compose_files(box, root)[-1].relative_to(root).as_posix(),
            context=context,
        )
        service = _with_cache(without_noted(box, root, detect(dockerfile=dockerfile)), dockerfile)
        found.append(_with_theirs(box, root, service, dockerfile, detect))
    return tuple(found)


def _published_services(
    box: Toolbox, root: Path, *, config: Config, facts: SourceFacts, specs: dict[str, Spec], names: list[str]
) -> tuple[Service, ...]:
    """Services that run this repository's own image from a registry: here they are built from the code that lies here."""
    dockerfile = dockerfile_at(box, root, ".", "Dockerfile")
    ours = dockerfile is None or not builds_go(dockerfile)
    found = []
    for name in names:
        service = detect_service(
            facts,
            config=config,
            name=name,
            compose=specs[name],
            compose_file=compose_files(box, root)[-1].relative_to(root).as_posix(),
            dockerfile=None if ours else dockerfile,
        )
        found.append(service)
    return tuple(found)


def _with_theirs(
    box: Toolbox,
    root: Path,
    service: Service,
    named: DockerfileFacts | None,
    detect: Callable[..., Service],
) -> Service:
    """Where the Dockerfile is for development alone, production is what the one beside it says that builds the same program.
    `detect`: the service as another Dockerfile would build it."""
    ours = named is not None and "AIR_GO_IMAGE" in named.global_args
    if named is None or not (ours or for_dev(named.path) or not service.prod_stages) or brought(named):
        return service
    for path in (Path(name) for name in for_production(named.path)):
        theirs = dockerfile_at(box, root, path.parent.as_posix(), path.name)
        if theirs is None or "AIR_GO_IMAGE" in theirs.global_args or not builds_go(theirs):
            continue
        found = detect(dockerfile=theirs)
        if found.prod_stages and (found.dir, found.main) == (service.dir, service.main):
            return replace(service, prod_dockerfile=theirs.path, prod_stages=found.prod_stages)
    return service


def dockerfile_at(box: Toolbox, root: Path, context: str, name: str) -> DockerfileFacts | None:
    path = Path(name) if Path(name).is_absolute() else root / context / name
    return box.sources.dockerfile(path, root=root) if box.files.exists(path) else None


def _with_cache(service: Service, facts: DockerfileFacts | None) -> Service:
    """Whether the dev stage keeps its build cache where ours does: then the volume may be the shared one."""
    stage = find_stage(facts, service.dev_stage) if facts is not None and service.dev_stage else None
    if facts is None or stage is None:
        return service
    said = [i.original for s in chain(facts, stage) for i in s.instructions if i.cmd == "ENV"]
    return replace(service, shares_cache=any("GOCACHE=/cache/" in text for text in said))


def _inside(root: Path, context: object) -> str | None:
    """The build context relative to the project, None where it is a URL or lies elsewhere."""
    if not isinstance(context, str) or "://" in context:
        return None
    path = Path(posixpath.normpath(posixpath.join(root.as_posix(), context)))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else None
