"""The services of a project's compose model that are built from its Go code."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

from devctl.domain.compose.built_here import lend_builds, own_image
from devctl.domain.compose.depends_on import jobs
from devctl.domain.compose.profiles import choose_profiles, has_profiles, in_profiles
from devctl.domain.derive.build_tools import with_tools
from devctl.domain.detect.service import detect_service, is_go_service
from devctl.domain.detect.source_run import (
    SourceRun,
    air_called,
    built_by,
    mounted_run,
    without_caches,
)
from devctl.domain.detect.workers import without_port
from devctl.domain.dockerfile.build_and_start import command_with
from devctl.domain.dockerfile.entrypoint import name_program
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.purpose import brought, builds_go, for_dev, for_production
from devctl.domain.dockerfile.stages import chain, external_base, find_stage, golang_tag
from devctl.domain.go.facts import SourceFacts
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.air_toml import UsersAir
from devctl.domain.project.compose_model import OwnModel, OwnSpec
from devctl.domain.project.config import Config
from devctl.domain.project.model import Service
from devctl.errors import FilesError, Problem
from devctl.workflows.project.compose_model import compose_place
from devctl.workflows.project.dev_stage_fallback import without_noted
from devctl.workflows.project.find import ComposeFiles, compose_files, named
from devctl.workflows.project.users_air import air_at, air_in
from devctl.workflows.project.users_dockerfile import inline_dockerfile


@dataclass(frozen=True, slots=True)
class Composed:
    """The model as it will run, and which of its services are built from Go."""

    model: OwnModel
    services: tuple[Service, ...] = ()
    warnings: tuple[Problem, ...] = ()


def composed_services(
    box: Toolbox,
    root: Path,
    found: ComposeFiles | None,
    *,
    config: Config,
    facts: SourceFacts,
    ask: Callable[[bool], dict[str, object]],
) -> Composed:
    """`ask`: gives compose's model, with True the services of every profile. Where only services in profiles are built from
    Go, their profiles are active."""
    if found is None:
        return Composed({"services": {}})
    model = ask(False)
    services = _of_model(box, root, config=config, facts=facts, specs=_specs(model))
    if services or not any(
        has_profiles(box.files.read_text(path, within=None) or "") for path in found.files
    ):
        return Composed(model, services)
    whole = ask(True)
    services = _of_model(box, root, config=config, facts=facts, specs=_specs(whole))
    if not services:
        return Composed(model)
    chosen = choose_profiles(_specs(whole), [s.name for s in services])
    services = tuple(s for s in services if s.name in _specs(whole))
    return Composed(whole, services, (in_profiles(chosen, services[0].name, compose_place(box, root)),))


def _specs(model: OwnModel) -> dict[str, OwnSpec]:
    return cast("dict[str, OwnSpec]", model.setdefault("services", {}))


def _of_model(
    box: Toolbox, root: Path, *, config: Config, facts: SourceFacts, specs: dict[str, OwnSpec]
) -> tuple[Service, ...]:
    """The services of a compose model that are built from Go; those that run the image of this repository where there are none."""
    lend_builds(specs)
    for outside in (False, True):
        found = _compose_services(box, root, config=config, facts=facts, specs=specs, outside=outside)
        if found:
            # A job (migrations, seeding) runs once and is waited for: its container is started as its image says, by compose.
            waited = jobs(specs)
            serving = tuple(s for s in found if s.name not in waited) or found
            return without_port(serving, specs, config)
    published = [name for name, spec in specs.items() if own_image(spec, facts)]
    return _published_services(box, root, config=config, facts=facts, specs=specs, names=published)


def _compose_services(
    box: Toolbox,
    root: Path,
    *,
    config: Config,
    facts: SourceFacts,
    specs: Mapping[str, OwnSpec],
    outside: bool = False,
) -> tuple[Service, ...]:
    """Those whose Dockerfile builds Go; with `outside` those whose Dockerfile starts what was built outside of Docker."""
    found = []
    for name, spec in specs.items():
        name_program(spec)
        context = _inside(root, (spec.get("build") or {}).get("context"))
        built = context is not None and is_go_service(spec, facts, context=context)
        dockerfile = _dockerfile_of(box, root, name, spec, context=context or ".") if built else None
        run = _run_from_source(box, root, config=config, facts=facts, name=name, spec=spec)
        detect = partial(
            detect_service,
            facts,
            config=config,
            name=name,
            compose=spec,
            compose_file=named(root, compose_files(box, root)[-1]),
            is_folder=lambda path: box.files.is_dir(root / path),
        )
        if run is not None and (run.package is not None or not built):
            own = _own_dockerfile(box, root, name, spec)
            found.append(_inlined(_from_source(box, root, spec, run, detect, own=own), spec, own))
            continue
        if context is None or not built:
            continue
        if dockerfile is not None and not (brought(dockerfile) if outside else builds_go(dockerfile)):
            continue
        detect = partial(detect, context=context)
        if run is None and dockerfile is not None:
            run = air_called(spec, dockerfile, context=context)
        detect = partial(detect, air=_air_of(box.files, root, run))
        service = _with_cache(
            without_noted(box.files, box.private, root, detect(dockerfile=dockerfile)), dockerfile
        )
        service = _inlined(_with_theirs(box, root, service, dockerfile, detect), spec, dockerfile)
        found.append(_with_air(service, run))
    return tuple(found)


def _run_from_source(
    box: Toolbox, root: Path, *, config: Config, facts: SourceFacts, name: str, spec: OwnSpec
) -> SourceRun | None:
    """How a service compiles and runs source that is mounted into it."""
    if not spec.get("volumes"):
        return None
    return mounted_run(
        spec,
        root=str(root),
        dockerfile=_own_dockerfile(box, root, name, spec),
        folders=[package.dir for module in facts.modules for package in module.packages],
        asked=name in config.services and not spec.get("build"),
        read=partial(_text_in, box, root, root),
    )


def _own_dockerfile(box: Toolbox, root: Path, name: str, spec: OwnSpec) -> DockerfileFacts | None:
    if (inline := inline_dockerfile(box, root, name, spec)) is not None:
        return inline
    build = spec.get("build") or {}
    context = _inside(root, build.get("context"))
    return (
        dockerfile_at(box, root, context, str(build.get("dockerfile") or "Dockerfile")) if context else None
    )


def _from_source(
    box: Toolbox,
    root: Path,
    spec: OwnSpec,
    run: SourceRun,
    detect: Callable[..., Service],
    *,
    own: DockerfileFacts | None,
) -> Service:
    """One that compiles what is mounted into it: developed in as it says, and in production what a Dockerfile builds of it."""
    without_caches(spec)
    beside = {posixpath.join(folder, "Dockerfile.dev") for folder in (run.folder, ".")}
    theirs = list(
        _for_production(box, root, (own.path,) if own is not None else sorted(beside, key=len, reverse=True))
    )
    if run.package is None:
        run = replace(run, package=_reloaded(box.files, root, run) or _built_package(theirs, detect))
    detected = detect(dockerfile=own, run=run, context=run.folder, air=_air_of(box.files, root, run))
    service = _with_air(detected, run)
    context = _inside(root, (spec.get("build") or {}).get("context"))
    service = _with_cache(
        without_noted(
            box.files,
            box.private,
            root,
            replace(service, build=replace(service.build, context=context or service.source.dir)),
        ),
        own,
    )
    if own is None:
        spec["build"] = {"context": str(root / service.source.dir)}
    for file in () if service.build.prod_stages else theirs:
        built = detect(dockerfile=file)
        if built.build.prod_stages and (built.source.dir, built.source.main) == (
            service.source.dir,
            service.source.main,
        ):
            command = command_with(file, next(iter(built.build.prod_stages.values())), service.start.args)
            folder = posixpath.dirname(file.path) or "."
            return replace(
                service,
                build=replace(
                    service.build,
                    context=folder,
                    prod_dockerfile=file.path,
                    prod_stages=built.build.prod_stages,
                ),
                start=replace(service.start, own_command=command),
            )
    return service


def _inlined(service: Service, spec: OwnSpec, dockerfile: DockerfileFacts | None) -> Service:
    if dockerfile is None or "dockerfile_inline" not in (spec.get("build") or {}):
        return service
    return replace(service, build=replace(service.build, inline=dockerfile.text))


def _with_air(service: Service, run: SourceRun | None) -> Service:
    if run is None or run.air is None:
        return service
    return replace(service, start=replace(service.start, air_file=run.air, air_folder=run.folder))


def _reloaded(files: Files, root: Path, run: SourceRun) -> str | None:
    """What the .air.toml builds that lies where a reloader starts, or that it is given."""
    air = _air_of(files, root, run)
    built = built_by(str(air.build.get("cmd") or ""), folder=run.folder) if air is not None else []
    return built[-1].package if built else None


def _air_of(files: Files, root: Path, run: SourceRun | None) -> UsersAir | None:
    if run is None or not run.reloads:
        return None
    found = (
        air_in(files, root, (run.folder,))
        if run.air is None
        else air_at(files, root, run.air, folder=run.folder)
    )
    return found[0]


def _built_package(theirs: list[DockerfileFacts], detect: Callable[..., Service]) -> str | None:
    built = [detect(dockerfile=file) for file in theirs[:1]]
    return next((posixpath.normpath(posixpath.join(s.source.dir, s.source.main)) for s in built), None)


def _published_services(
    box: Toolbox,
    root: Path,
    *,
    config: Config,
    facts: SourceFacts,
    specs: dict[str, OwnSpec],
    names: list[str],
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
            compose_file=named(root, compose_files(box, root)[-1]),
            dockerfile=None if ours else dockerfile,
            is_folder=lambda path: box.files.is_dir(root / path),
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
    """Where the Dockerfile is for development alone, production is what the one beside it says that builds the same program; where
    what it builds is the image that compiles, that one is known at least. `detect`: the service as another Dockerfile would
    build it."""
    if named is None or brought(named):
        return service
    ours = "AIR_GO_IMAGE" in named.global_args
    stages = service.build.prod_stages.values()
    stage = find_stage(named, next(iter(stages))) if stages else None
    takes = ours or for_dev(named.path) or stage is None
    if not takes and stage is not None and golang_tag(external_base(named, stage)) is None:
        return service
    for theirs in _for_production(box, root, (named.path,)):
        found = detect(dockerfile=theirs)
        if not found.build.prod_stages or (found.source.dir, found.source.main) != (
            service.source.dir,
            service.source.main,
        ):
            continue
        if not takes:
            return replace(service, build=replace(service.build, spare_dockerfile=theirs.path))
        return replace(
            service,
            build=replace(
                service.build,
                prod_dockerfile=theirs.path,
                prod_stages=found.build.prod_stages,
                production=found.build.production,
            ),
        )
    return service


def _for_production(box: Toolbox, root: Path, paths: Iterable[str]) -> Iterator[DockerfileFacts]:
    """The Dockerfiles of the user's that build Go and lie beside these, which are for development."""
    for path in (Path(name) for dev in paths for name in for_production(dev)):
        theirs = dockerfile_at(box, root, path.parent.as_posix(), path.name)
        if theirs is not None and "AIR_GO_IMAGE" not in theirs.global_args and builds_go(theirs):
            yield theirs


def _dockerfile_of(
    box: Toolbox, root: Path, name: str, spec: OwnSpec, *, context: str
) -> DockerfileFacts | None:
    """Raises FilesError where the compose file names one that is not there; where it names none, none is needed."""
    if (inline := inline_dockerfile(box, root, name, spec)) is not None:
        return with_tools(inline, partial(_text_in, box, root, root / context))
    said = str(spec["build"].get("dockerfile") or "Dockerfile")
    found = dockerfile_at(box, root, context, said)
    key = ("services", name, "build", "dockerfile")
    if found is None and any(
        box.sources.positions(path)(key) is not None for path in compose_files(box, root)
    ):
        raise FilesError(
            f"service {name} is built from {said}, but there is no such file in {context}",
            code="dockerfile-missing",
            hint="correct `build.dockerfile`, or remove it: devctl then builds with a Dockerfile of its own",
            place=compose_place(box, root)(key),
        )
    return found


def dockerfile_at(box: Toolbox, root: Path, context: str, name: str) -> DockerfileFacts | None:
    path = Path(name) if Path(name).is_absolute() else root / context / name
    if not box.files.exists(path):
        return None
    beside = partial(_text_in, box, root, root / context)
    return with_tools(box.sources.dockerfile(path, root=root), beside)


def _text_in(box: Toolbox, root: Path, context: Path, name: str) -> str | None:
    """Of the project alone, whatever name it has in an image: a Makefile may say `include ../.aws/credentials`, and what it says of
    a build comes to stand in files that containers see."""
    if not Path(posixpath.normpath(context / name)).is_relative_to(root):
        return None
    try:
        return box.files.read_text(context / name, within=root)
    except FilesError:
        return None


def _with_cache(service: Service, facts: DockerfileFacts | None) -> Service:
    """Whether the dev stage keeps its build cache where ours does: then the volume may be the shared one."""
    stage = (
        find_stage(facts, service.build.dev_stage) if facts is not None and service.build.dev_stage else None
    )
    if facts is None or stage is None:
        return service
    said = [i.original for s in chain(facts, stage) for i in s.instructions if i.cmd == "ENV"]
    return replace(
        service, build=replace(service.build, shares_cache=any("GOCACHE=/cache/" in text for text in said))
    )


def _inside(root: Path, context: object) -> str | None:
    """The build context relative to the project, None where it is a URL or lies elsewhere."""
    if not isinstance(context, str) or "://" in context:
        return None
    path = Path(posixpath.normpath(posixpath.join(root.as_posix(), context)))
    return named(root, path) if path.is_relative_to(root) else None
