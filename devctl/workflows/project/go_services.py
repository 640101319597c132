"""The services of a project's compose model that are built from its Go code."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.compose.built_here import lend_builds, own_image
from devctl.domain.compose.depends_on import jobs
from devctl.domain.compose.profiles import choose_profiles, has_profiles, in_profiles
from devctl.domain.compose.replicas import runs_none
from devctl.domain.derive.build_tools import with_tools
from devctl.domain.derive.final_stage import copied_places
from devctl.domain.detect.service import detect_service, is_go_service
from devctl.domain.detect.source_run import (
    SourceRun,
    air_called,
    begun_commands,
    begun_files,
    built_by,
    run_from_source,
    without_caches,
)
from devctl.domain.detect.tool_start import Said, starts_tool, starts_unread
from devctl.domain.detect.workers import without_port
from devctl.domain.dockerfile.build_and_start import command_with
from devctl.domain.dockerfile.dev_stage import dev_stage
from devctl.domain.dockerfile.entrypoint import name_program
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.purpose import brought, builds_go, for_dev, for_production
from devctl.domain.dockerfile.stages import chain, external_base, find_stage, golang_tag
from devctl.domain.dockerfile.walk import given_target
from devctl.domain.go.facts import SourceFacts
from devctl.domain.go.go_command import PLACES_CACHE
from devctl.domain.paths import is_below
from devctl.domain.ports.files import Files
from devctl.domain.ports.private_state import PrivateState
from devctl.domain.ports.toolbox import Sources, Toolbox
from devctl.domain.project.air_toml import UsersAir
from devctl.domain.project.compose_model import Key, OwnModel, OwnSpec
from devctl.domain.project.config import Config
from devctl.domain.project.model import Service
from devctl.errors import FilesError, Problem
from devctl.workflows.project.compose_model import compose_place
from devctl.workflows.project.dev_stage_fallback import without_noted
from devctl.workflows.project.find import ComposeFiles, named
from devctl.workflows.project.script_builds import lend_script_builds
from devctl.workflows.project.users_air import air_at, air_in
from devctl.workflows.project.users_dockerfile import inline_dockerfile


class Composed(Struct, frozen=True):
    """The model as it will run, and which of its services are built from Go. `as_written`: those that run the code in a way of
    their own, which only the compose file says: nothing may be started in their place, or beside them."""

    model: OwnModel
    services: tuple[Service, ...] = ()
    warnings: tuple[Problem, ...] = ()
    as_written: tuple[str, ...] = ()


def composed_services(
    box: Toolbox,
    root: Path,
    found: ComposeFiles | None,
    *,
    config: Config,
    facts: SourceFacts,
    ask: Callable[[bool], dict[str, object]],
) -> Composed:
    """`ask`: returns compose's model, with True the services of every profile. If only services in profiles are built from Go,
    their profiles are active."""
    if found is None:
        return Composed({"services": {}})
    model, place = ask(False), compose_place(box.sources, root, found.files)
    reading = _Reading(box.files, box.sources, box.private, root, found, place, config, facts)
    services, theirs = reading.of_model(_specs(model)), reading.as_written(_specs(model))
    unread = tuple(map(reading.unread, theirs))
    if (
        services
        or theirs
        or not any(has_profiles(box.files.read_text(path, within=None) or "") for path in found.files)
    ):
        return Composed(model, services, unread, theirs)
    whole = ask(True)
    services = reading.of_model(_specs(whole))
    if not services:
        return Composed(model)
    chosen = choose_profiles(_specs(whole), [s.name for s in services])
    services = tuple(s for s in services if s.name in _specs(whole))
    return Composed(whole, services, (in_profiles(chosen, services[0].name, place),))


def _specs(model: OwnModel) -> dict[str, OwnSpec]:
    return cast("dict[str, OwnSpec]", model.setdefault("services", {}))


class _Reading(Struct, frozen=True):
    """A compose model's services, with the project's other files; `place`: as in `compose_place`."""

    files: Files
    sources: Sources
    private: PrivateState
    root: Path
    found: ComposeFiles
    place: Callable[[Key], str]
    config: Config
    facts: SourceFacts

    def of_model(self, specs: dict[str, OwnSpec]) -> tuple[Service, ...]:
        """Those that are built from Go; if there are none, those that run the image of this repository."""
        lend_builds(specs)
        lend_script_builds(self.files, self.root, specs)
        for outside, beside in ((False, True), (True, True), (False, False)):
            each = (self._service(name, spec, outside=outside, beside=beside) for name, spec in specs.items())
            found = [service for service in each if service is not None]
            if found:
                # A job (migrations, seeding) runs once while others wait for it: compose starts its container as its image
                # says.
                waited = jobs(specs)
                serving = [s for s in found if s.name not in waited] or found
                serving_here = without_port(serving, specs, self.config)
                return tuple(s for s in serving_here if not runs_none(specs[s.name])) or serving_here
        published = [name for name, spec in specs.items() if own_image(spec, self.facts)]
        dockerfile = dockerfile_at(self.files, self.sources, self.root, ".", "Dockerfile")
        theirs = dockerfile if dockerfile is not None and builds_go(dockerfile) else None
        return tuple(self._detect(name, specs[name])(dockerfile=theirs) for name in published)

    def as_written(self, specs: Mapping[str, OwnSpec]) -> tuple[str, ...]:
        """Those that have the code and an image with Go, and start it in a way that cannot be read, or wait until somebody does."""
        waited = jobs(specs)
        return tuple(
            name
            for name, spec in specs.items()
            if name not in waited and not runs_none(spec) and self._has_code(name, spec)
        )

    def unread(self, name: str) -> Problem:
        return Problem(
            "start-unread",
            f"{name} runs the code of this project in a way that devctl cannot read, so it starts as the compose file says: "
            "devctl neither reloads it nor builds a production image",
            f"no action needed; devctl.yaml: `services: {{{name}: {{main: ./FOLDER}}}}` has it built and reloaded",
            self.place(("services", name)),
        )

    def _has_code(self, name: str, spec: OwnSpec) -> bool:
        name_program(spec)
        context = _inside(self.root, (spec.get("build") or {}).get("context"))
        image = spec.get("image")
        if spec.get("build"):
            dockerfile = self._dockerfile(name, spec, context)
            return dockerfile is not None and self._is_unread(name, spec, dockerfile, context)
        if name in self.config.services or not isinstance(image, str) or not spec.get("volumes"):
            return False
        facts = self.sources.dockerfile_text(f"FROM {image}\n", path="compose.yaml", args={})
        run = self._run_from_source(name, spec, None, None)
        return (
            run is None
            and self._mounts_code(spec)
            and builds_go(facts)
            and not self._is_tool(name, spec, facts, None, beside=False)
        )

    def _mounts_code(self, spec: OwnSpec) -> bool:
        binds = [str(v["source"]) for v in spec.get("volumes") or [] if v.get("type") == "bind"]
        places = [place for source in binds if (place := _inside(self.root, source)) is not None]
        folders = [package.dir for module in self.facts.modules for package in module.packages]
        return any(is_below(folder, place) for folder in folders for place in places)

    def _is_unread(self, name: str, spec: OwnSpec, dockerfile: DockerfileFacts, context: str | None) -> bool:
        """Whether an image with Go that compiles nothing starts the code in a way that cannot be read."""
        here = context is not None and is_go_service(spec, self.facts, context=context)
        return (
            name not in self.config.services
            and (here or self._mounts_code(spec))
            and builds_go(dockerfile, given_target(spec))
            and dev_stage(dockerfile, spec).stage is None
            and self._run_from_source(name, spec, dockerfile, context) is None
            and (context is None or air_called(spec, dockerfile, context=context) is None)
            and starts_unread(dockerfile, spec, said=self._said(spec, dockerfile, context))
        )

    def _detect(self, name: str, spec: OwnSpec) -> Callable[..., Service]:
        return partial(
            detect_service,
            self.facts,
            config=self.config,
            name=name,
            compose=spec,
            compose_file=named(self.root, self.found.files[-1]),
            is_folder=lambda path: self.files.is_dir(self.root / path),
        )

    def _service(self, name: str, spec: OwnSpec, *, outside: bool, beside: bool) -> Service | None:
        """One that compiles mounted source, or whose Dockerfile builds Go; with `outside`, whose Dockerfile starts what was
        built outside Docker. One that runs a tool is none, unless devctl.yaml names it; `beside`: as in
        `starts_tool`."""
        name_program(spec)
        context = _inside(self.root, (spec.get("build") or {}).get("context"))
        built = context is not None and is_go_service(spec, self.facts, context=context)
        dockerfile = self._dockerfile(name, spec, context) if built or spec.get("volumes") else None
        if built and dockerfile is None:
            self._refuse_missing(name, spec, str(context))
        detect, run = self._detect(name, spec), self._run_from_source(name, spec, dockerfile, context)
        if (
            dockerfile is not None
            and run is None
            and self._is_tool(name, spec, dockerfile, context, beside=beside)
        ):
            return None
        if built and dockerfile is not None and self._is_unread(name, spec, dockerfile, context):
            return None
        if run is not None and (run.package is not None or not built):
            service = self._from_source(spec, run, detect, own=dockerfile, context=context)
        elif not built or (
            dockerfile is not None
            and not (brought(dockerfile) if outside else builds_go(dockerfile, given_target(spec)))
        ):
            return None
        else:
            if run is None and dockerfile is not None:
                run = air_called(spec, dockerfile, context=str(context))
            detect = partial(detect, context=context, air=self._air_of(run))
            service = self._with_theirs(
                self._noted(detect(dockerfile=dockerfile), dockerfile), dockerfile, detect
            )
        if dockerfile is not None and "dockerfile_inline" in (spec.get("build") or {}):
            service = service.with_build(inline=dockerfile.text)
        if run is not None and run.air is not None:
            service = service.with_start(air_file=run.air, air_folder=run.folder)
        if dockerfile is not None and context is not None:
            service = service.with_start(scripts=self._scripts(spec, service, dockerfile, context))
        return service

    def _scripts(
        self, spec: OwnSpec, service: Service, dockerfile: DockerfileFacts, context: str
    ) -> dict[str, str]:
        """Of a stage of the user's, or one derived from theirs: devctl's own starts no script."""
        build, derived = spec.get("build") or {}, service.build.derived
        if derived is None and service.build.dev_stage is None:
            return {}
        if service.build.dev_stage is not None:
            spec = {**spec, "build": {**build, "target": service.build.dev_stage}}
        return begun_files(
            spec,
            root=str(self.root),
            dockerfile=dockerfile,
            context=context,
            copied=dict(copied_places(derived.final.copies, context)) if derived is not None else {},
            read=partial(_text_in, self.files, self.root, self.root),
        )

    def _is_tool(
        self, name: str, spec: OwnSpec, dockerfile: DockerfileFacts, context: str | None, *, beside: bool
    ) -> bool:
        said = self._said(spec, dockerfile, context)
        return name not in self.config.services and starts_tool(dockerfile, spec, beside=beside, said=said)

    def _said(self, spec: OwnSpec, dockerfile: DockerfileFacts, context: str | None) -> Said:
        return begun_commands(
            spec,
            root=str(self.root),
            dockerfile=dockerfile,
            context=context,
            read=partial(_text_in, self.files, self.root, self.root),
        )

    def _dockerfile(self, name: str, spec: OwnSpec, context: str | None) -> DockerfileFacts | None:
        inline = inline_dockerfile(self.sources, self.place, name, spec)
        if inline is not None:
            return with_tools(inline, partial(_text_in, self.files, self.root, self.root / (context or ".")))
        said = str((spec.get("build") or {}).get("dockerfile") or "Dockerfile")
        return (
            dockerfile_at(self.files, self.sources, self.root, context, said) if context is not None else None
        )

    def _refuse_missing(self, name: str, spec: OwnSpec, context: str) -> None:
        """Raises FilesError if the compose file names a missing Dockerfile; if it names none, none is needed."""
        key = ("services", name, "build", "dockerfile")
        places = (self.sources.positions(path)(key) for path in self.found.files)
        if any(place is not None for place in places):
            said = spec["build"].get("dockerfile")
            raise FilesError(
                f"service {name} is built from {said}, but there is no such file in {context}",
                code="dockerfile-missing",
                hint="correct `build.dockerfile`, or remove it: devctl then uses its own Dockerfile",
                place=self.place(key),
            )

    def _run_from_source(
        self, name: str, spec: OwnSpec, dockerfile: DockerfileFacts | None, context: str | None
    ) -> SourceRun | None:
        """How a service compiles and runs source that is mounted into it, or that its image has."""
        if not spec.get("volumes") and dockerfile is None:
            return None
        return run_from_source(
            spec,
            root=str(self.root),
            dockerfile=dockerfile,
            context=context,
            folders=[package.dir for module in self.facts.modules for package in module.packages],
            asked=name in self.config.services
            and not (context is not None and is_go_service(spec, self.facts, context=context)),
            read=partial(_text_in, self.files, self.root, self.root),
        )

    def _from_source(
        self,
        spec: OwnSpec,
        run: SourceRun,
        detect: Callable[..., Service],
        *,
        own: DockerfileFacts | None,
        context: str | None,
    ) -> Service:
        """One that compiles mounted source: developed the way it does it, and in production built by a Dockerfile."""
        without_caches(spec)
        beside = {posixpath.join(folder, "Dockerfile.dev") for folder in (run.folder, ".")}
        theirs = list(self._for_production((own.path,) if own else sorted(beside, key=len, reverse=True)))
        if run.package is None:
            built = (detect(dockerfile=file).source for file in theirs[:1])
            package = (posixpath.normpath(posixpath.join(source.dir, source.main)) for source in built)
            run = replace(run, package=self._reloaded(run) or next(package, None))
        service = self._noted(detect(dockerfile=own, run=run, context=run.folder, air=self._air_of(run)), own)
        service = service.with_build(context=context or service.source.dir)
        if own is None:
            spec["build"] = {"context": str(self.root / service.source.dir)}
        found = _of_same_program(service, () if service.build.prod_stages else theirs, detect)
        if found is None:
            return service
        file, stages = found[0], found[1].build.prod_stages
        command = command_with(file, next(iter(stages.values())), service.start.args)
        context = posixpath.dirname(file.path) or "."
        service = service.with_build(context=context, prod_dockerfile=file.path, prod_stages=stages)
        return service.with_start(own_command=command)

    def _reloaded(self, run: SourceRun) -> str | None:
        """What the .air.toml builds that is in the folder where a reloader starts, or that it is given."""
        air = self._air_of(run)
        built = built_by(str(air.build.get("cmd") or ""), folder=run.folder) if air is not None else []
        return built[-1].package if built else None

    def _air_of(self, run: SourceRun | None) -> UsersAir | None:
        if run is None or not run.reloads:
            return None
        if run.air is None:
            return air_in(self.files, self.root, (run.folder,))[0]
        return air_at(self.files, self.root, run.air, folder=run.folder)[0]

    def _noted(self, service: Service, facts: DockerfileFacts | None) -> Service:
        """Without a dev stage that was replaced, and with whether it keeps its build cache where devctl does: then the volume
        may be the shared one."""
        service = without_noted(self.files, self.private, self.root, service)
        name = service.build.dev_stage
        stage = find_stage(facts, name) if facts is not None and name else None
        if facts is None or stage is None:
            return service
        said = [i.original for s in chain(facts, stage) for i in s.instructions if i.cmd == "ENV"]
        shared = any("GOCACHE=/cache/" in text for text in said)
        says = any(PLACES_CACHE.search(text) for text in said)
        return service.with_build(shares_cache=shared, says_cache=says)

    def _with_theirs(
        self, service: Service, named: DockerfileFacts | None, detect: Callable[..., Service]
    ) -> Service:
        """If the Dockerfile is only for development, production is what a Dockerfile beside it says that builds the same
        program; if its image is the one that compiles, at least that one is known. `detect`: the service as another Dockerfile
        would build it."""
        if named is None or brought(named):
            return service
        stages = service.build.prod_stages.values()
        stage = find_stage(named, next(iter(stages))) if stages else None
        takes = "AIR_GO_IMAGE" in named.global_args or for_dev(named.path) or stage is None
        if not takes and stage is not None and golang_tag(external_base(named, stage)) is None:
            return service
        found = _of_same_program(service, self._for_production((named.path,)), detect)
        if found is None:
            return service
        theirs, built = found
        if not takes:
            return service.with_build(spare_dockerfile=theirs.path)
        same = built.build
        return service.with_build(
            prod_dockerfile=theirs.path, prod_stages=same.prod_stages, production=same.production
        )

    def _for_production(self, paths: Iterable[str]) -> Iterator[DockerfileFacts]:
        """The user's Dockerfiles that build Go and are beside these, which are for development."""
        for path in (Path(name) for dev in paths for name in for_production(dev)):
            theirs = dockerfile_at(self.files, self.sources, self.root, path.parent.as_posix(), path.name)
            if theirs is not None and "AIR_GO_IMAGE" not in theirs.global_args and builds_go(theirs):
                yield theirs


def _of_same_program(
    service: Service, files: Iterable[DockerfileFacts], detect: Callable[..., Service]
) -> tuple[DockerfileFacts, Service] | None:
    """The first of these Dockerfiles that has a production stage for the same program, and the service as it would build it."""
    for file in files:
        found = detect(dockerfile=file)
        same = (found.source.dir, found.source.main) == (service.source.dir, service.source.main)
        if found.build.prod_stages and same:
            return file, found
    return None


def dockerfile_at(
    files: Files, sources: Sources, root: Path, context: str, name: str
) -> DockerfileFacts | None:
    path = Path(name) if Path(name).is_absolute() else root / context / name
    if not files.exists(path):
        return None
    return with_tools(sources.dockerfile(path, root=root), partial(_text_in, files, root, root / context))


def _text_in(files: Files, root: Path, context: Path, name: str) -> str | None:
    """Only from the project, whatever name it has in an image: a Makefile may say `include ../.aws/credentials`, and what it
    says about a build ends up in files that containers see."""
    if not Path(posixpath.normpath(context / name)).is_relative_to(root):
        return None
    try:
        return files.read_text(context / name, within=root)
    except FilesError:
        return None


def _inside(root: Path, context: object) -> str | None:
    """The build context relative to the project, None if it is a URL or elsewhere."""
    if not isinstance(context, str) or "://" in context:
        return None
    path = Path(posixpath.normpath(posixpath.join(root.as_posix(), context)))
    return named(root, path) if path.is_relative_to(root) else None
