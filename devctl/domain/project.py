"""What devctl knows of a project before it asks the engine anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from devctl.domain.gofacts import EnvFile, Located, Unbuilt
from devctl.domain.goversion import minor
from devctl.errors import Problem


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: `devctl.yaml`, `compose.yaml:12`, `main.go:31`, or `default`."""

    value: object
    origin: str


@dataclass(frozen=True, slots=True)
class Service:
    """A compose service built from Go here. Paths are relative to the project, posix style.

    `module` is the module path, `dir` the folder of go.mod, `main` the package to build relative to it (`.`, `./cmd/api`),
    `args` is what the program is given, `own_command` what a container of the user's production stage is given for that
    (None: its image knows), `own_entrypoint` what takes the place of its ENTRYPOINT,
    `workdir` (relative to `dir`) where the program is started,
    `port` the port inside the container (None: serves no port), `probe` a path (`/healthz`), `tcp` or `none`.
    `dockerfile` is the user's file if there is one,
    `prod_dockerfile` another one that production is built from; `dev_stage`/`prod_stages` the stages in it that can work;
    where there is none, our own stage from `.devctl/` takes its place. `shares_cache`: the dev stage keeps
    GOCACHE below /cache, as ours does, so the volume there may be the one that projects share. `routes`: literal paths
    that the code registers for GET. `unset_env`: variables that the program ends without and that nothing sets, each with the
    line that reads it. `env_files`: files of variables that it ends without. `embedded`: endings (`*.txt`) and paths of files
    that are compiled into the program, `embeds` the files and folders that the code names for that; `unbuilt`: what of a
    frontend it embeds or serves, and is not there. `cgo`: what of it needs a C compiler. `image_env`: variables that the
    user's image sets and the program needs, for stages of ours.
    """

    name: str
    dir: str = "."
    main: str = "."
    args: tuple[str, ...] = ()
    own_command: tuple[str, ...] | None = None
    own_entrypoint: tuple[str, ...] | None = None
    workdir: str = "."
    port: int | None = None
    host_port: int | None = None
    probe: str = "none"
    env: dict[str, str] = field(default_factory=dict)
    build_tags: tuple[str, ...] = ()
    build_env: dict[str, str] = field(default_factory=dict)
    ldflags: str = ""
    files: tuple[str, ...] = ()
    context: str = "."
    dockerfile: str | None = None
    prod_dockerfile: str | None = None
    dev_stage: str | None = None
    prod_stages: dict[str, str] = field(default_factory=dict)
    prod_env: dict[str, str] = field(default_factory=dict)
    writable: tuple[str, ...] = ()
    shares_cache: bool = False
    routes: tuple[str, ...] = ()
    unset_env: tuple[Located, ...] = ()
    env_files: tuple[EnvFile, ...] = ()
    embedded: tuple[str, ...] = ()
    embeds: tuple[str, ...] = ()
    unbuilt: tuple[Unbuilt, ...] = ()
    origins: dict[str, str] = field(default_factory=dict)
    module: str = ""
    cgo: Located | None = None
    image_env: dict[str, str] = field(default_factory=dict)

    @property
    def needs_c(self) -> bool:
        """Whether it is built with a C compiler."""
        return self.build_env.get("CGO_ENABLED") == "1"


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a Go module and its compose name; `model` is compose's resolved model, as data.

    `generated`: the user has no compose file, so the model is ours. `bases`: reference by role
    (`golang`, `air`, `distroless`, `alpine`); `owner`: uid and gid of the project folder. `replaced`: Go bases that cannot
    be had, with the newer one that builds in their place (workflows/go_bases.py). `compose_dir`: the folder of the compose
    file, relative to `root`; `compose_files`: those that are read. `frontends`: folders with a package.json.
    """

    root: str
    name: str
    services: tuple[Service, ...]
    model: dict[str, object]
    generated: bool
    go_version: str
    bases: dict[str, str]
    mirror: str | None
    owner: tuple[int, int]
    prod_base: str | None = None
    prod_target: str = ""
    watch_also: tuple[str, ...] = ()
    watch_poll: str = "auto"
    warnings: tuple[Problem, ...] = ()
    replaced: dict[str, str] = field(default_factory=dict)
    compose_dir: str = "."
    frontends: tuple[str, ...] = ()
    compose_files: tuple[str, ...] = ()

    @property
    def go_minor(self) -> str:
        """`1.26` of `1.26.3`: what the build cache is named by, so that of the base that is really used."""
        used = minor(self.replaced.get(self.bases.get("golang", ""), "").rpartition(":")[2])
        return f"{used[0]}.{used[1]}" if used else ".".join(self.go_version.split(".")[:2])

    @property
    def cache_volume(self) -> str:
        """The build cache that all projects of this owner and this Go share."""
        return f"devctl-go{self.go_minor}-{self.owner[0]}"

    def base(self, role: str) -> str:
        """The base that builds use for a role: the one that was asked for, or what takes its place."""
        return self.replaced.get(self.bases[role], self.bases[role])

    @property
    def specs(self) -> Mapping[str, Any]:
        """The services of the model, by name."""
        return cast("Mapping[str, Any]", self.model.get("services") or {})

    def service(self, name: str) -> Service | None:
        return next((s for s in self.services if s.name == name), None)
