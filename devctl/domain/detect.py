"""From facts to a Service: which main, port, probe, files; every value with its evidence. devctl.yaml has the last word."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from devctl.domain.cgo import needs_cgo
from devctl.domain.config import Config, ServiceConfig
from devctl.domain.config_files import asked_config, required_names, with_named
from devctl.domain.dev_stage import dev_stage
from devctl.domain.gofacts import DockerfileFacts, Located, Module, SourceFacts
from devctl.domain.gomod import GoMod
from devctl.domain.goversion import DEFAULT_GO, minor, needed
from devctl.domain.library_servers import library_port
from devctl.domain.mains import Chosen, Main, choose_main, word_of
from devctl.domain.production import prod_stages, up_to_asked
from devctl.domain.programs import builds_go
from devctl.domain.project import Origin, Service
from devctl.domain.serving import Port, find_port, find_probe
from devctl.domain.stages import target_name
from devctl.domain.started import Started, started
from devctl.domain.unset_env import dockerfile_env, environment, unset_env

NOT_LISTENING = "no listen call found"
"""The evidence of a service without a port."""

# Folders that say where a main lies, and not what it is.
_NAMELESS = frozenset({".", "cmd", "app", "main", "src", "pkg", "internal"})


@dataclass(frozen=True)
class _Decided:
    """What was concluded of one service before it is put together; `why_…`: its evidence."""

    said: ServiceConfig
    chosen: Chosen
    port: Port | None
    begun: Started
    probe: str
    why_probe: str
    args: tuple[str, ...]
    copied: tuple[str, ...]
    asked: Mapping[str, str]

    @property
    def main(self) -> Main:
        return self.chosen.main

    @property
    def env(self) -> dict[str, str]:
        return {**dict(self.port.env if self.port else ()), **self.asked, **self.said.env}


def detect_service(
    facts: SourceFacts,
    *,
    config: Config,
    name: str | None = None,
    compose: Mapping[str, object] | None = None,
    compose_file: str = "compose.yaml",
    dockerfile: DockerfileFacts | None = None,
    context: str = ".",
) -> Service:
    """The service `name` of the compose model (its part of it is `compose`), or of a project that has none.

    Raises FilesError (`no-go-module`, `no-main`) or UsageError (`which-main`).
    """
    spec, said = compose or {}, _said(config, name)
    seen = up_to_asked(dockerfile, spec) if dockerfile is not None else None
    chosen = choose_main(
        facts,
        name=name,
        context=context,
        wanted_dir=said.dir,
        wanted_main=said.main,
        dockerfile=seen,
        compose=spec,
    )
    called = posixpath.basename(chosen.main.package.dir)
    begun = started(seen, spec, compose_file=compose_file, called=called)
    image = begun.in_source(dockerfile_env(seen))
    there = {**image, **environment(spec), **said.env}
    asked = asked_config(chosen.main, there)
    chosen = replace(chosen, main=with_named(chosen.main, {**there, **asked}))
    flags = begun if said.args is None else Started(args=said.args, places={"args": "devctl.yaml"})
    port = _port(chosen.main, said, spec, compose_file=compose_file, dockerfile=seen, begun=flags)
    decided = _decide(chosen, said, port, begun, at_root=context == ".", asked=asked)
    service = _service(decided, config, name=name)
    if dockerfile is not None:
        service = _built_by(service, dockerfile, decided, spec)
    given_env = {**decided.env, **config.prod.env}
    unset = unset_env(decided.main, compose=spec, dockerfile=dockerfile, said=given_env)
    env_files = tuple({f.path: f for package in decided.main.closure for f in package.env_files}.values())
    needed = {name: value for name, value in image.items() if name in required_names(decided.main)}
    return replace(service, context=context, unset_env=unset, env_files=env_files, image_env=needed)


def _decide(
    chosen: Chosen,
    said: ServiceConfig,
    port: Port | None,
    begun: Started,
    *,
    at_root: bool,
    asked: Mapping[str, str],
) -> _Decided:
    main = chosen.main
    local, copied = begun.args_in_source() if at_root and main.module.dir == "." else (begun.args, ())
    probe, why = (said.probe, "devctl.yaml") if said.probe is not None else find_probe(main, port)
    if said.args is not None:
        args, copied = said.args, ()
    else:
        args = (*local, *(port.args if port else ()))
    return _Decided(said, chosen, port, begun, probe, why, args, copied, asked)


def _service(decided: _Decided, config: Config, *, name: str | None) -> Service:
    main, said, begun, port = decided.main, decided.said, decided.begun, decided.port
    files, why_files = _files(main, said, decided.copied)
    cgo = needs_cgo(main)
    return Service(
        name=name or next(iter(config.services), None) or default_name(main),
        dir=main.module.dir,
        main=main.relative,
        args=decided.args,
        own_command=_own_command(said, begun, port),
        own_entrypoint=begun.entrypoint if said.args is None else None,
        workdir=_workdir(main),
        port=port.port if port else None,
        host_port=said.host_port,
        probe=decided.probe,
        env=decided.env,
        build_tags=said.build.tags or begun.tags,
        build_env={**begun.env, **({"CGO_ENABLED": "1"} if cgo else {}), **said.build.env},
        ldflags=said.build.ldflags,
        files=files,
        prod_env=config.prod.env,
        writable=config.prod.writable,
        embedded=tuple(sorted({name for package in main.closure for name in package.embedded})),
        embeds=main.embeds,
        unbuilt=tuple(item for package in main.closure for item in package.unbuilt),
        routes=tuple(dict.fromkeys(r.value for package in main.closure for r in package.routes)),
        origins={
            **_origins(decided.chosen, port, decided.why_probe, why_files, name=name, said=said),
            **_begun_origins(begun, said, port, cgo),
        },
        module=main.module.path,
        cgo=cgo,
    )


def _built_by(
    service: Service, dockerfile: DockerfileFacts, decided: _Decided, spec: Mapping[str, object]
) -> Service:
    """The service with the stages of the Dockerfile that builds it today."""
    dev = dev_stage(dockerfile, spec, go=decided.main.module.go)
    return replace(
        service,
        dockerfile=dockerfile.path,
        dev_stage=target_name(dev.stage) if dev.stage else None,
        prod_stages=prod_stages(dockerfile, spec),
    )


def _own_command(said: ServiceConfig, begun: Started, port: Port | None) -> tuple[str, ...] | None:
    """What a container of the user's own production stage is given; None leaves it to its image."""
    if said.args is not None:
        return said.args
    return begun.command if not port or not port.args else (*(begun.command or begun.cmd), *port.args)


def _begun_origins(
    begun: Started, said: ServiceConfig, port: Port | None, cgo: Located | None
) -> dict[str, str]:
    found = {}
    if said.args is None and (begun.args or (port and port.args)):
        found["args"] = begun.places.get("args") or (port.origin if port else "default")
    if not said.build.tags and begun.tags:
        found["build.tags"] = begun.places["tags"]
    if cgo is not None and "CGO_ENABLED" not in said.build.env:
        found["build.env"] = f"{cgo.place} ({cgo.value})"
    return found


def _workdir(main: Main) -> str:
    """The folder that the program must be started in, relative to the module: that of the main beside whose code the files lie."""
    return main.relative.removeprefix("./") if main.package.opens_beside else "."


def _said(config: Config, name: str | None) -> ServiceConfig:
    if name is None:
        return next(iter(config.services.values()), ServiceConfig())
    return config.services.get(name, ServiceConfig())


def _port(
    main: Main,
    said: ServiceConfig,
    spec: Mapping[str, object],
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
    # What the code reads must agree with the port that devctl.yaml names.
    env = tuple((key, value.replace(str(found.port), str(said.port))) for key, value in found.env)
    args = tuple(a.replace(str(found.port), str(said.port)) for a in found.args)
    return Port(said.port, "devctl.yaml", env, args)


def _files(main: Main, said: ServiceConfig, given: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Paths that the code opens, and those that the program is given as arguments."""
    if said.files is not None:
        return said.files, "devctl.yaml"
    opened = [item for package in main.closure for item in package.opens]
    return tuple(sorted({*given, *(item.value for item in opened)})), opened[0].place if opened else "default"


def _origins(
    chosen: Chosen, port: Port | None, probe: str, files: str, *, name: str | None, said: ServiceConfig
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
    return origins


def _why_no_port(main: Main) -> str:
    return f"{main.place} listens, and no file says where" if main.serves else NOT_LISTENING


def module_file(module: Module) -> str:
    return posixpath.normpath(posixpath.join(module.dir, "go.mod"))


def default_name(main: Main) -> str:
    """cmd/api → api, src/cmd → the module's: the first folder upwards that says something, else what the module is called."""
    below = posixpath.relpath(main.package.dir, main.module.dir).split("/")
    word = next((w for w in reversed(below) if w not in _NAMELESS), word_of(main.module.path))
    return re.sub(r"[^a-z0-9_-]+", "-", word.lower()).strip("-_") or "app"


def detect_go(module: Module, config: Config) -> Origin:
    """The Go minor to build with (`1.26`): devctl.yaml, else the higher of go and toolchain in go.mod."""
    if config.go is not None:
        return Origin(config.go, "devctl.yaml")
    wanted = needed(GoMod(go=module.go, toolchain=module.toolchain))
    place = f"{module_file(module)}:{module.go_line}" if module.go_line else module_file(module)
    return Origin(wanted, place if minor(module.go) or module.toolchain else f"default {DEFAULT_GO}")


def is_go_service(
    spec: Mapping[str, object], facts: SourceFacts, *, context: str, dockerfile: DockerfileFacts | None = None
) -> bool:
    """Whether a compose service is built from Go code of this repository (`context` relative to it).

    A Dockerfile without any Go in it (a web server, a database with extras) is another's.
    """
    if not spec.get("build") or (dockerfile is not None and not builds_go(dockerfile)):
        return False
    folders = [package.dir for module in facts.modules for package in module.packages]
    return any(context in (".", folder) or folder.startswith(f"{context}/") for folder in folders)
