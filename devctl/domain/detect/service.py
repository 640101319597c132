"""From facts to a Service: main package, port, probe, files; every value with its evidence. devctl.yaml has the last word."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec.structs import replace

from devctl.domain.command.argv import ShellWord
from devctl.domain.derive.dev_stage import derived_stage
from devctl.domain.derive.production_stage import production_stage
from devctl.domain.detect.air_start import AirStart, air_start
from devctl.domain.detect.cgo import needs_cgo
from devctl.domain.detect.config_file_env import asked_config, read_names, required_names, with_named
from devctl.domain.detect.main_package import Chosen, Main, choose_main, mains, word_of
from devctl.domain.detect.port_and_probe import Port, find_port, find_probe, library_port, own_env
from devctl.domain.detect.required_env import dockerfile_env, environment, unset_env
from devctl.domain.detect.source_run import SourceRun
from devctl.domain.dockerfile.build_and_start import Started, shown_stage, started
from devctl.domain.dockerfile.dev_stage import dev_stage
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.go_build_lines import GO_VARIABLES, GoBuild, linked_in
from devctl.domain.dockerfile.prod_stages import prod_stages, up_to_asked
from devctl.domain.dockerfile.stages import external_base, golang_tag, target_name
from devctl.domain.dockerfile.walk import walk
from devctl.domain.go.facts import Module, SourceFacts
from devctl.domain.go.go_command import flag_of, tags_of
from devctl.domain.go.gomod import GoMod
from devctl.domain.go.versions import DEFAULT_GO, minor, needed, refuses
from devctl.domain.paths import is_below
from devctl.domain.project.air_toml import UsersAir
from devctl.domain.project.compose_model import Spec
from devctl.domain.project.config import Config, ServiceConfig
from devctl.domain.project.model import (
    NOT_LISTENING,
    ImageBuild,
    Origin,
    ProgramStart,
    ServedPort,
    Service,
    SourceCode,
)
from devctl.domain.regex import regex

_OF_BUILDS = regex(r"(?:PATH|HOME)$|GO[A-Z]|CGO_")
"""Variables that an image sets for compiling."""
# Folders that say where a main package is, not what it is.
_NAMELESS = frozenset({".", "cmd", "app", "main", "src", "pkg", "internal"})


def detect_service(
    facts: SourceFacts,
    *,
    config: Config,
    name: str | None = None,
    compose: Mapping[str, object] | None = None,
    compose_file: str = "compose.yaml",
    dockerfile: DockerfileFacts | None = None,
    context: str = ".",
    is_folder: Callable[[str], bool] = lambda _: False,
    run: SourceRun | None = None,
    air: UsersAir | None = None,
) -> Service:
    """The service `name` of the compose model (its part of it is `compose`), or of a project without one. `run`: what its
    container compiles and starts itself, in paths of the project; `air`: the .air.toml that develops this service, which
    counts if no Dockerfile says more.

    `is_folder`: of a path in the project. Raises FilesError (`no-go-module`, `no-main`) or UsageError (`which-main`).
    """
    spec, said = compose or {}, _said(config, name)
    seen = up_to_asked(dockerfile, spec) if dockerfile is not None else None
    reloaded = air_start(air) if air is not None else None
    chosen = choose_main(
        facts,
        name=name,
        context=context,
        wanted_dir=said.dir,
        wanted_main=said.main,
        dockerfile=seen if run is None else None,
        compose=spec,
        ran=(run.package, compose_file) if run is not None and run.package is not None else None,
        reloaded=(reloaded.package, reloaded.built_at) if reloaded is not None and reloaded.package else None,
    )
    called = posixpath.basename(chosen.main.package.dir)
    if run is None:
        words = (
            posixpath.relpath(chosen.main.package.dir, context),
            posixpath.normpath(chosen.main.relative),
        )
        begun = started(seen, spec, compose_file=compose_file, called=called, packages=words)
    else:
        begun = _started_from_source(run, spec, chosen.main, compose_file)
    if reloaded is not None and reloaded.package not in (None, chosen.main.package.dir):
        reloaded = None  # it builds another program
    spec = _with_command(spec, run) if run is not None else spec
    own = environment(spec)
    if reloaded is not None and (seen is None or not prod_stages(seen, spec)):
        begun = _as_reloaded(begun, reloaded)
        spec, compose_file = _with_variables(spec, compose_file, reloaded)
    image = begun.in_source(dockerfile_env(seen))
    there = {**image, **environment(spec), **said.env}
    asked = asked_config(chosen.main, there)
    main = with_named(chosen.main, {**there, **asked})
    flags = begun if said.args is None else Started(args=said.args, places={"args": "devctl.yaml"})
    port = _port(main, said, spec, compose_file=compose_file, dockerfile=seen, begun=flags)
    if port is not None:
        given = reloaded.variables if reloaded is not None else {}
        of_port = {n: v for n, v in given.items() if n not in own and re.search(rf"(?:^|:){port.port}$", v)}
        unset = tuple(_unset(port.env, main, spec, seen))
        port = replace(port, env=(*unset, *of_port.items()))
    service = _service(
        replace(chosen, main=main), port, begun, config, name=name, at_root=context == ".", asked=asked
    )
    told = config.go is not None or config.bases.golang is not None
    if run is not None:
        service = _as_run(service, run, go=main.module.go if not told else None)
    if dockerfile is not None:
        others = tuple(m.package.dir for m in mains(facts) if m.module.dir == main.module.dir)
        service = _built_by(
            service,
            main,
            dockerfile,
            spec,
            context=context,
            is_folder=is_folder,
            others=others if run is None else None,
            built=begun.built,
        )
        if not told and service.build.go_image is None and not service.build.needs_c:
            base, place = _their_go(dockerfile, go=main.module.go)
            origins = {**service.origins, **({"go_image": place} if base is not None else {})}
            service = replace(service.with_build(go_image=base), origins=origins)
    missing = unset_env(
        main, compose=spec, dockerfile=dockerfile, said={**service.start.env, **config.prod.env}
    )
    env_files = tuple({f.path: f for package in main.closure for f in package.env_files}.values())
    # Optional files of the code do not get a path that only that image has.
    read = {n for n in read_names(main) & set(image) if not image[n].startswith("/")}
    names = {n for n in (image if run is not None else read) if not _OF_BUILDS.match(n)}
    names |= required_names(main)
    needed = {name: value for name, value in image.items() if name in names and "$" not in value}
    service = service.with_build(context=context)
    return service.with_start(unset_env=missing, env_files=env_files, image_env=needed)


def _unset(
    detected: Iterable[tuple[str, str]], main: Main, spec: Spec, dockerfile: DockerfileFacts | None
) -> Iterator[tuple[str, str]]:
    """Of the detected variables those that nothing of the user's sets. A Dockerfile that sets one only in some of its stages
    gives the value for the others, and so does the program's own `.env`, which production does not have."""
    told, image = environment(spec), {**own_env(main), **dockerfile_env(dockerfile)}
    everywhere = _set_in_every_image(dockerfile, spec, main) if dockerfile is not None else set[str]()
    for name, value in detected:
        if name not in told and name not in everywhere and "$" not in image.get(name, ""):
            yield name, image.get(name, value)


def _set_in_every_image(dockerfile: DockerfileFacts, spec: Spec, main: Main) -> set[str]:
    """The variables that ENV sets both in production and in development."""
    run = (shown_stage(dockerfile, spec), _dev_stage(dockerfile, spec, main))
    sets = [
        {name for line in walk(dockerfile, stage) if line.cmd == "ENV" for name in line.set}
        for stage in run
        if stage is not None
    ]
    return set.intersection(*sets) if sets else set()


def _dev_stage(dockerfile: DockerfileFacts, spec: Spec, main: Main) -> Stage | None:
    packages = (posixpath.relpath(package.dir, main.module.dir) for package in main.closure)
    return dev_stage(dockerfile, spec, go=main.module.go, packages=packages).stage


def _with_command(spec: Spec, run: SourceRun) -> Spec:
    """`PORT=9000 go run .`: what the command sets for the program, whatever the container has."""
    own = {name: value for name, value in run.env.items() if name not in GO_VARIABLES}
    return {**spec, "environment": {**environment(spec), **own}} if own else spec


def _started_from_source(run: SourceRun, spec: Spec, main: Main, place: str) -> Started:
    """What `go run` says, as a Dockerfile would say it."""
    env = {key: value for key, value in run.env.items() if key in GO_VARIABLES}
    if run.goflags:
        env["GOFLAGS"] = f"{env.get('GOFLAGS', environment(spec).get('GOFLAGS', ''))} {run.goflags}".strip()
    args = run.args if main.package.dir == run.package or run.package is None else ()
    tags = tags_of(run.flags)
    places = {key: place for key, said in (("tags", tags), ("args", args)) if said}
    return Started(tags, env, args, places=places)


def _as_reloaded(begun: Started, air: AirStart) -> Started:
    """The arguments and variables from .air.toml, if nothing else provides any; also in production, which has no other source."""
    args = begun.args or begun.command is not None
    return replace(
        begun,
        args=begun.args if args else air.args,
        tags=begun.tags or air.tags,
        places={"args": air.place, "tags": air.built_at, **begun.places}
        if not args
        else {"tags": air.built_at, **begun.places},
    )


def _with_variables(spec: Spec, compose_file: str, air: AirStart) -> tuple[Mapping[str, object], str]:
    """Variables that its `full_bin` sets are set when the program starts: the port may be one of them."""
    own = environment(spec)
    new = {name: value for name, value in air.variables.items() if name not in own}
    return ({**spec, "environment": {**own, **new}}, air.set_at) if new else (spec, compose_file)


def _as_run(service: Service, run: SourceRun, *, go: str | None) -> Service:
    """It runs in its container's working folder, and what the command sets only for it applies. `go`: the version that the
    module requires of the image; None if devctl.yaml names the build image."""
    usable = go is not None and run.image is not None and _compiles(run.image, go)
    said = {key: value for key, value in run.env.items() if key not in GO_VARIABLES}
    ldflags = service.build.ldflags or flag_of(run.flags, "ldflags")
    return service.with_build(ldflags=ldflags, go_image=run.image if usable else None).with_start(
        workdir=posixpath.relpath(run.folder, service.source.dir),
        env={**said, **service.start.env},
        steps=run.steps,
        debugger=run.debugger,
    )


def _their_go(dockerfile: DockerfileFacts, *, go: str) -> tuple[str | None, str]:
    """The image in which the Dockerfile compiles, for devctl's stages beside it; and its place."""
    bases = ((stage.line, external_base(dockerfile, stage)) for stage in dockerfile.stages)
    found = ((ref, f"{dockerfile.path}:{line}") for line, ref in bases if _compiles(ref, go))
    return next(found, (None, ""))


def _compiles(image: str, go: str) -> bool:
    """Whether it is a Go image, and its tag says that it is new enough."""
    tag = golang_tag(image) or ""
    return minor(tag) is not None and not refuses(tag, go)


def _service(
    chosen: Chosen,
    port: Port | None,
    begun: Started,
    config: Config,
    *,
    name: str | None,
    at_root: bool,
    asked: Mapping[str, str],
) -> Service:
    main, said, cgo = chosen.main, _said(config, name), needs_cgo(chosen.main)
    local, copied = begun.args_in_source() if at_root and main.module.dir == "." else (begun.args, ())
    args = (*local, *(port.args if port else ()))
    if said.args is not None:
        args, copied = said.args, ()
    probe, why_probe = (said.probe, "devctl.yaml") if said.probe is not None else find_probe(main, port)
    files, why_files = _files(main, said, copied)
    origins = _origins(chosen, said, port, begun, name=name, probe=why_probe, files=why_files)
    if cgo is not None and "CGO_ENABLED" not in said.build.env:
        origins["build.env"] = f"{cgo.place} ({cgo.value})"
    return Service(
        name=name or next(iter(config.services), None) or default_name(main),
        origins=origins,
        source=SourceCode(
            dir=main.module.dir,
            main=main.relative,
            embedded=tuple(sorted({name for package in main.closure for name in package.embedded})),
            embeds=main.embeds,
            unbuilt=tuple(item for package in main.closure for item in package.unbuilt),
            module=main.module.path,
            cgo=cgo,
            packages=tuple(package.dir for package in main.closure),
            loads_zone=next((package.loads_zone for package in main.closure if package.loads_zone), None),
        ),
        start=ProgramStart(
            args=tuple(map(str, args)),
            unknown=tuple(str(word) for word in args if isinstance(word, ShellWord)),
            own_command=_own_command(said, begun, port),
            own_entrypoint=begun.entrypoint if said.args is None else None,
            # That of the main package beside whose code the files are.
            workdir=main.relative.removeprefix("./") if main.package.opens_beside else ".",
            env={**dict(port.env if port else ()), **asked, **said.env},
            prod_env=config.prod.env,
            writable=config.prod.writable,
        ),
        serve=ServedPort(
            port=port.port if port else None,
            host_port=said.host_port,
            probe=probe,
            compare=config.prod.compare,
            tls=any(package.tls == why_probe for package in main.closure),
        ),
        build=ImageBuild(
            tags=said.build.tags or begun.tags,
            env={**begun.env, **({"CGO_ENABLED": "1"} if cgo else {}), **said.build.env},
            ldflags=said.build.ldflags,
            files=files,
        ),
    )


def _built_by(
    service: Service,
    main: Main,
    dockerfile: DockerfileFacts,
    spec: Spec,
    *,
    context: str,
    is_folder: Callable[[str], bool],
    others: tuple[str, ...] | None,
    built: GoBuild | None,
) -> Service:
    """The service with the stages of the Dockerfile that currently builds it. `others`: the mains of its module, None if no
    stage is derived; `built`: the line that compiles it."""
    dev, stages = _dev_stage(dockerfile, spec, main), prod_stages(dockerfile, spec)
    module, package = (posixpath.relpath(folder, context) for folder in (main.module.dir, main.package.dir))
    derived, production = None, None
    if dev is None and others is not None and not module.startswith(".."):
        derived = derived_stage(
            dockerfile,
            spec,
            package=package,
            module=main.module.path,
            go=main.module.go,
            started_in=posixpath.normpath(posixpath.join(module, service.start.workdir)),
            context=context,
            mains=tuple(posixpath.relpath(other, context) for other in others),
            is_folder=lambda path: is_folder(posixpath.join(context, path)),
        )
    # One that compiles by itself cannot be moved.
    for target in stages.values() if not module.startswith("..") else ():
        production = production or production_stage(
            dockerfile, spec, target=target, package=package, module=main.module.path, go=main.module.go
        )
    linked = linked_in(built.flags) if built is not None and not service.build.ldflags else ""
    files = built.files if built is not None else ()
    place = f"{dockerfile.path}:{built.line}" if built is not None else ""
    told = {"build.ldflags": linked, "build.go_files": files}
    origins = {**service.origins, **{key: place for key, said in told.items() if said}}
    line = built or (derived.build.own_build if derived is not None else None)
    told_tags = service.build.tags != () and "build.tags" not in service.origins  # by devctl.yaml
    unread = line is not None and not told_tags and (built is None or built.has_unknown)
    env = dict(service.build.env)
    if derived is not None and env.get("GOFLAGS"):  # it hides that of the stage
        env["GOFLAGS"] = " ".join((env["GOFLAGS"], *_missing(env["GOFLAGS"], derived.flags)))
    return replace(service, origins=origins).with_build(
        env=env,
        unread=f"{dockerfile.path}:{line.line}" if line is not None and unread else "",
        ldflags=linked or service.build.ldflags,
        go_files=files,
        dockerfile=dockerfile.path,
        dev_stage=target_name(dev) if dev else None,
        derived=derived,
        prod_stages=stages,
        production=production,
    )


def _missing(said: str, flags: Iterable[str]) -> Iterator[str]:
    """The flags that it does not name."""
    named = {word.partition("=")[0] for word in said.split()}
    return (flag for flag in flags if flag.partition("=")[0] not in named)


def _own_command(said: ServiceConfig, begun: Started, port: Port | None) -> tuple[str, ...] | None:
    """What a container of the user's own production stage gets; None leaves it to its image."""
    if said.args is not None:
        return said.args
    return begun.command if not port or not port.args else (*(begun.command or begun.cmd), *port.args)


def _said(config: Config, name: str | None) -> ServiceConfig:
    if name is None:
        return next(iter(config.services.values()), ServiceConfig())
    return config.services.get(name, ServiceConfig())


def _port(
    main: Main,
    said: ServiceConfig,
    spec: Spec,
    *,
    compose_file: str,
    dockerfile: DockerfileFacts | None,
    begun: Started,
) -> Port | None:
    found = find_port(main, compose=spec, compose_file=compose_file, dockerfile=dockerfile, begun=begun)
    found = library_port(main, found, begun.args)
    if said.port is None:
        return found
    if found is None:
        return Port(said.port, "devctl.yaml")
    # What the code reads must match the port in devctl.yaml.
    env = tuple((key, value.replace(str(found.port), str(said.port))) for key, value in found.env)
    args = tuple(a.replace(str(found.port), str(said.port)) for a in found.args)
    return Port(said.port, "devctl.yaml", env, args)


def _files(main: Main, said: ServiceConfig, given: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Paths that the code opens, and those that the program gets as arguments."""
    if said.files is not None:
        return said.files, "devctl.yaml"
    opened = [item for package in main.closure for item in package.opens]
    return tuple(sorted({*given, *(item.value for item in opened)})), opened[0].place if opened else "default"


def _origins(
    chosen: Chosen,
    said: ServiceConfig,
    port: Port | None,
    begun: Started,
    *,
    name: str | None,
    probe: str,
    files: str,
) -> dict[str, str]:
    module = chosen.main.module
    origins = {
        "name": "compose.yaml" if name is not None else module_file(module),
        "dir": "devctl.yaml" if said.dir is not None else module_file(module),
        "main": chosen.origin,
        "go": f"{module_file(module)}:{module.go_line}" if module.go_line else module_file(module),
        "port": port.origin if port else _why_no_port(chosen.main),
        "probe": probe,
        "files": files,
    }
    if said.args is not None:
        origins["args"] = "devctl.yaml"
    elif begun.args or (port and port.args):
        origins["args"] = begun.places.get("args") or (port.origin if port else "default")
    if not said.build.tags and begun.tags:
        origins["build.tags"] = begun.places["tags"]
    return origins


def _why_no_port(main: Main) -> str:
    return f"{main.place} listens, but no file says where" if main.serves else NOT_LISTENING


def module_file(module: Module) -> str:
    return posixpath.normpath(posixpath.join(module.dir, "go.mod"))


def default_name(main: Main) -> str:
    """cmd/api → api, src/cmd → the module's: the nearest folder upwards with a meaningful name, else the module's name."""
    below = posixpath.relpath(main.package.dir, main.module.dir).split("/")
    word = next((w for w in reversed(below) if w not in _NAMELESS), word_of(main.module.path))
    return re.sub(r"[^a-z0-9_-]+", "-", word.lower()).strip("-_") or "app"


def detect_go(module: Module, config: Config) -> Origin:
    """The Go minor version to build with (`1.26`): devctl.yaml, else the higher of go and toolchain in go.mod."""
    if config.go is not None:
        return Origin(config.go, "devctl.yaml")
    wanted = needed(GoMod(go=module.go, toolchain=module.toolchain))
    place = f"{module_file(module)}:{module.go_line}" if module.go_line else module_file(module)
    return Origin(wanted, place if minor(module.go) or module.toolchain else f"default {DEFAULT_GO}")


def is_go_service(spec: Spec, facts: SourceFacts, *, context: str) -> bool:
    """Whether a compose service may be built from Go code of this repository (`context` relative to it)."""
    if not spec.get("build"):
        return False
    folders = [package.dir for module in facts.modules for package in module.packages]
    return any(is_below(folder, context) for folder in folders)
