"""Facts read from Go source and Dockerfiles by adapters; what `domain/detect.py` and `domain/lint.py` decide on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Located:
    """A value and where it was read: `path:line`, relative to the project."""

    value: str
    place: str


@dataclass(frozen=True, slots=True)
class GoPackage:
    """One folder of Go files, tests and excluded build tags left out. `dir` is relative to the project (`.`, `cmd/api`).

    `listens`: literal addresses or ports handed to a listen call or server field; `routes`: literal paths registered
    (`/healthz`); `env_defaults`: variables read; `opens`: literal relative paths opened at run time.
    """

    dir: str
    name: str
    has_main: bool
    imports: tuple[str, ...]
    listens: tuple[Located, ...] = ()
    routes: tuple[Located, ...] = ()
    env_reads: tuple[Located, ...] = ()
    opens: tuple[Located, ...] = ()
    embeds: tuple[str, ...] = ()
    uses_cgo: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """A go.mod: `dir` relative to the project, `path` the module path, `go` its go line ("" when absent)."""

    dir: str
    path: str
    go: str
    toolchain: str
    requires: tuple[str, ...]
    packages: tuple[GoPackage, ...]
    vendored: bool = False


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """All modules below a project; `work` is the path of go.work if there is one."""

    modules: tuple[Module, ...]
    work: str | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One Dockerfile instruction. `cmd` is upper case; `json` tells exec form; lines count from 1."""

    cmd: str
    value: tuple[str, ...]
    flags: tuple[str, ...]
    json: bool
    line: int
    original: str


@dataclass(frozen=True, slots=True)
class Stage:
    """`FROM base AS name`: `base` is the reference with ARG defaults filled in, `index` counts from 0."""

    name: str
    base: str
    index: int
    line: int
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class DockerfileFacts:
    path: str
    stages: tuple[Stage, ...]
    global_args: dict[str, str]

    def stage(self, name: str) -> Stage | None:
        return next((s for s in self.stages if s.name.lower() == name.lower()), None)
