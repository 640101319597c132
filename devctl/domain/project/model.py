"""What devctl knows about a project before it queries the engine."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from devctl.domain.derive.dev_stage import SOURCE, DerivedStage
from devctl.domain.derive.production_stage import ProductionStage
from devctl.domain.go.facts import EnvFile, Located, SourceFacts, Unbuilt
from devctl.domain.project.air_toml import UsersAir
from devctl.domain.project.compose_inputs import ComposeInputs
from devctl.domain.project.compose_model import Key, Model, Spec
from devctl.errors import Problem, UsageError

NOT_LISTENING = "no listen call found"
"""The evidence of a service without a port."""
TEMPLATE_SOURCE = "/app"
"""Where the dev stage of devctl's own Dockerfile has the project."""


class Origin(Struct, frozen=True):
    """Where a value comes from: `devctl.yaml`, `compose.yaml:12`, `main.go:31`, or `default`."""

    value: object
    origin: str


class SourceCode(Struct, frozen=True):
    """Where a service's code is in the project, and what the code needs besides the compiler.

    `dir` is the folder of go.mod, `main` the package to build relative to it (`.`, `./cmd/api`), `module` the module path.
    `embedded`: extensions (`*.txt`) and paths of files that are compiled into the program, `embeds` the files and folders that
    the code names for that; `unbuilt`: parts of a frontend that it embeds or serves, but that do not exist. `cgo`: what needs
    a C compiler. `packages`: the folders of the project that the program is built from. `loads_zone`: where it loads a time
    zone by name.
    """

    dir: str = "."
    main: str = "."
    module: str = ""
    embedded: tuple[str, ...] = ()
    embeds: tuple[str, ...] = ()
    unbuilt: tuple[Unbuilt, ...] = ()
    cgo: Located | None = None
    packages: tuple[str, ...] = ()
    loads_zone: str | None = None


class ImageBuild(Struct, frozen=True):
    """How its images are built.

    `dockerfile` is the user's file if there is one, `prod_dockerfile` another one that production is built from, and
    `spare_dockerfile` one for production that the compose file does not select; `dev_stage`/`prod_stages` the stages in it
    that can work; if there is none, `derived` is a dev stage derived from theirs, and otherwise devctl's own stage from
    `.devctl/` replaces it. `production`: their production stage, if it can be moved to another base; otherwise devctl's own
    runs there. `go_image`: the image in which devctl's stages compile. `shares_cache`: the dev stage keeps GOCACHE below
    /cache, as devctl's does, so the volume there may be the one that projects share; `says_cache`: it sets the location of
    Go's build cache. `files`: what devctl's stages copy in addition to the program. `go_files`: in the main's folder, if the
    user's build names files instead of the package. `inline`: the text of `dockerfile`, if it is written in the compose file,
    on the same lines. `unread`: the line whose build has flags that only its shell or its tool knows.
    """

    context: str = "."
    dockerfile: str | None = None
    prod_dockerfile: str | None = None
    spare_dockerfile: str | None = None
    dev_stage: str | None = None
    prod_stages: dict[str, str] = field(default_factory=dict)
    derived: DerivedStage | None = None
    unread: str = ""
    production: ProductionStage | None = None
    go_image: str | None = None
    shares_cache: bool = False
    says_cache: bool = False
    tags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    ldflags: str = ""
    files: tuple[str, ...] = ()
    go_files: tuple[str, ...] = ()
    inline: str = ""

    @property
    def needs_c(self) -> bool:
        """Whether it is built with a C compiler."""
        return self.env.get("CGO_ENABLED") == "1"


class ProgramStart(Struct, frozen=True):
    """How the program is started.

    `args` are its arguments, `own_command` what a container of the user's production stage gets for that (None: its image
    knows), `own_entrypoint` what replaces its ENTRYPOINT, `workdir` (relative to the folder of go.mod) where it is started.
    `unset_env`: variables without which it exits and that nothing sets, each with the line that reads it; `env_files`: files
    of variables without which it exits. `image_env`: variables that the user's image sets and the program needs, for devctl's
    stages. `writable`: folders that it writes to in production. `steps`: what a service that compiles mounted source itself
    (`go run .`) runs before the program at each start of the container, in a shell. `air_file`: the configuration that it
    calls air with, and `air_folder` where; `debugger`: what it starts the program under, and a dev container does not.
    `unknown`: those of `args` whose value only a shell knows (`$HOME`, `*.go`). `scripts`: the user's scripts and Makefiles
    that a container starts with, by path, with their texts.
    """

    args: tuple[str, ...] = ()
    own_command: tuple[str, ...] | None = None
    own_entrypoint: tuple[str, ...] | None = None
    workdir: str = "."
    env: dict[str, str] = field(default_factory=dict)
    prod_env: dict[str, str] = field(default_factory=dict)
    image_env: dict[str, str] = field(default_factory=dict)
    unset_env: tuple[Located, ...] = ()
    env_files: tuple[EnvFile, ...] = ()
    writable: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    air_file: str = ""
    air_folder: str = "."
    debugger: str = ""
    unknown: tuple[str, ...] = ()
    scripts: dict[str, str] = field(default_factory=dict)


class ServedPort(Struct, frozen=True):
    """Where the program answers: `port` inside the container (None: it has none), `probe` a path (`/healthz`), `tcp` or
    `none`; `compare`: further paths that a preview may request in both modes; `tls`: it uses TLS there."""

    port: int | None = None
    host_port: int | None = None
    probe: str = "none"
    compare: tuple[str, ...] = ()
    tls: bool = False


class Service(Struct, frozen=True):
    """A compose service that is built from Go here. Paths are relative to the project, posix style.

    `air`: the user's own .air.toml. `origins`: where a value was found, by its key in devctl.yaml.
    """

    name: str
    source: SourceCode = field(default_factory=SourceCode)
    build: ImageBuild = field(default_factory=ImageBuild)
    start: ProgramStart = field(default_factory=ProgramStart)
    serve: ServedPort = field(default_factory=ServedPort)
    air: UsersAir | None = None
    origins: dict[str, str] = field(default_factory=dict)

    def with_build(self, **changes: Any) -> Service:
        return replace(self, build=replace(self.build, **changes))

    def with_start(self, **changes: Any) -> Service:
        return replace(self, start=replace(self.start, **changes))

    @property
    def mounted_at(self) -> str:
        """Where a devctl dev stage has the project."""
        return TEMPLATE_SOURCE if self.build.derived is None else SOURCE

    @property
    def module_mounted_at(self) -> str:
        return posixpath.normpath(posixpath.join(self.mounted_at, self.source.dir))

    def port_in(self, mode: str | None) -> int | None:
        """The port in the container; in production nothing listens on that of air's live reload, which may be published."""
        proxy = self.air.proxy if self.air is not None else None
        return (
            proxy[1]
            if mode == "prod" and proxy is not None and self.serve.port == proxy[0]
            else self.serve.port
        )

    @property
    def may_finish(self) -> bool:
        """Whether it is done if it exits with code 0: nothing in its code listens, or its arguments say what to do (`api migrate`)
        and that it listens is only a guess from the shared code."""
        origin = self.origins.get("port", "")
        guessed = self.serve.port is None or re.search(r"\.go:\d+$", origin) is not None
        return (bool(self.start.args) and guessed) or (self.serve.port is None and origin == NOT_LISTENING)

    @property
    def needs_debian(self) -> bool:
        """Whether it is built with what golang:X has and golang:X-alpine does not: a C compiler, or make."""
        return self.build.needs_c or (self.air is not None and self.air.builds and self.air.calls_make)


class Project(Struct, frozen=True):
    """A folder with a Go module and its compose name; `model` is compose's resolved model, as data.

    `generated`: the user has no compose file, so the model is devctl's. `bases`: reference by role (`golang`, `air`, and the
    names of the runtime bases that have an image); `owner`: uid and gid of the project folder. `left_out_builders`: builders
    that `# syntax` lines name and that are not available (workflows/bases/go_base.py). `compose_dir`: the folder of the
    compose file, relative to `root`; `compose_files`: those that are read. `machine` and `cache_scope`: as in the port
    `Identity`; `folder`: which folder `root` is, whatever its path (`Files.identity`); `build_cache`: the name of its builds'
    cache mounts, `cache_scope` unless the caller's shell sets another; `own_cache`: its dev containers share their cache with
    no other project. `inputs`: what `model` was made from; `source`: the Go code as it was then; `place`: the line of a key in
    the compose files, as in `compose_place`.
    """

    root: Path
    name: str
    services: tuple[Service, ...]
    model: Model
    generated: bool
    go_version: str
    bases: dict[str, str]
    mirror: str | None
    owner: tuple[int, int]
    prod_base: str | None = None
    prod_target: str = ""
    watch_also: tuple[str, ...] = ()
    watch_poll: str = "auto"
    watch_alert: str = "none"
    warnings: tuple[Problem, ...] = ()
    left_out_builders: tuple[str, ...] = ()
    compose_dir: str = "."
    compose_files: tuple[str, ...] = ()
    folder: str = ""
    machine: str = ""
    cache_scope: str = ""
    build_cache: str = ""
    own_cache: bool = False
    inputs: ComposeInputs | None = None
    place: Callable[[Key], str] = lambda key: "compose.yaml"
    source: SourceFacts = SourceFacts(())

    def __repr__(self) -> str:
        """Without what it was made from."""
        shown = {k: v for k, v in asdict(self).items() if k not in {"folder", "inputs", "place", "source"}}
        return f"Project({', '.join(f'{key}={value!r}' for key, value in shown.items())})"

    @property
    def first(self) -> Service:
        """Raises UsageError if the compose file starts the code in a way of its own, which devctl leaves as it is."""
        if not self.services:
            raise UsageError(
                "no service of this project is built by devctl: all of them start as the compose file says",
                code="no-go-service",
                hint="devctl config check names those that run its code, and what would change that",
            )
        return self.services[0]

    @property
    def go_minor(self) -> str:
        """`1.26` of `1.26.3`: part of the build cache's name."""
        return ".".join(self.go_version.split(".")[:2])

    @property
    def cache_volume(self) -> str:
        """The build cache of dev containers: of all projects of this owner with this Go, or of only this project."""
        shared = f"devctl-go{self.go_minor}-{self.owner[0]}"
        return f"{shared}-{self.cache_scope[:16]}" if self.own_cache else shared

    @property
    def specs(self) -> Mapping[str, Spec]:
        """The services of the model, by name."""
        return self.model.get("services") or {}

    @property
    def needs_c(self) -> Located | None:
        """The code in a service built with a C compiler that needs one."""
        return next((s.source.cgo for s in self.services if s.build.needs_c and s.source.cgo), None)

    @property
    def compose_paths(self) -> tuple[Path, ...]:
        """The compose files that are read, the overriding one first."""
        return tuple(self.root / name for name in self.compose_files)

    @property
    def env_files(self) -> tuple[Path, ...]:
        """The `.env` files that compose reads, each overriding those before."""
        if self.inputs is None:
            return (self.root / self.compose_dir / ".env",)
        return tuple(map(Path, self.inputs.env_files))

    def spec(self, name: str) -> Spec:
        """A service of the model; empty if there is none of that name."""
        return self.specs.get(name) or {}

    def source_mounted_at(self, name: str) -> str | None:
        """Where the compose file mounts the whole project into a service; None if it does not."""
        mounts = self.spec(name).get("volumes") or []
        return next((str(v["target"]) for v in mounts if str(v.get("source")) == str(self.root)), None)

    def service(self, name: str) -> Service | None:
        return next((s for s in self.services if s.name == name), None)


def is_shared_cache(volume: str) -> bool:
    """Whether a `cache_volume` is the one that all projects of an owner share."""
    return re.fullmatch(r"devctl-go[\d.]+-\d+", volume) is not None
