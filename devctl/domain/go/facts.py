"""Facts read from Go source by adapters; what `domain/detect/service.py` and `domain/lint/rules.py` decide on."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Located(Struct, frozen=True, eq=False):
    """A value and where it was read: `path:line`, relative to the project; `about`: the names that the code has for it there."""

    value: str
    place: str
    about: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Located) and (self.value, self.place) == (other.value, other.place)

    def __hash__(self) -> int:
        return hash((self.value, self.place))


SettingKind = Literal["env", "flag", "key", "field"]


class Setting(Struct, frozen=True):
    """A default that can be set from outside: `name` is the variable, flag, key of a configuration or field, `value` an
    address or a port."""

    name: str
    value: str
    kind: SettingKind
    place: str


class EnvFile(Struct, frozen=True):
    """A file of variables (`path` relative to the module) that the program exits without, and the line that loads it.

    `there`: it is in the folder; `example`: a file beside it to copy, "" where there is none.
    """

    path: str
    place: str
    there: bool = False
    example: str = ""


class Unbuilt(Struct, frozen=True):
    """What a frontend's build makes and is not there: `pattern` as the code names it at `place`, `path` relative to the project,
    the `command` that makes it ("" where none is seen). `embedded`: the code does not compile without it."""

    pattern: str
    path: str
    place: str
    command: str
    embedded: bool


class ConfigFile(Struct, frozen=True):
    """A configuration file in one of the usual folders, `path` relative to the module; `settings`: its addresses and ports."""

    path: str
    settings: tuple[Setting, ...] = ()


class GoPackage(Struct, frozen=True):
    """One folder of Go files, tests and excluded build tags left out. `dir` is relative to the project (`.`, `cmd/api`).

    `listens`: addresses or ports handed to a listen call or server field ("" where the code computes it); `routes`:
    literal paths registered for GET (`/healthz`); `env_reads`: variables read; `env_required`: those without which the
    program ends; `opens`: literal paths, relative to the module, that are opened at run time and exist; `settings`:
    defaults of addresses and ports; `tls`: the place of a listen call that speaks TLS; `opens_beside`: what is opened
    lies in the folder of this main, not in that of the module; `embeds`: patterns of go:embed, `embedded`: what they fit, as
    endings (`*.txt`) and, for files without one, paths relative to the project; `port_env`: variables that stand in a listen call
    whose address is not known; `configs`: names of configuration files without folder or ending, as viper is told them;
    `ungenerated`: files without the Go code that is generated from them, each with the name of that and the command;
    `unbuilt`: what of a frontend is embedded or served, and not there; `loopback`: those of `listens` that are
    written as an address of the loopback; `loads_zone`: where it asks for a time zone by name.
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
    settings: tuple[Setting, ...] = ()
    tls: str | None = None
    opens_beside: bool = False
    env_required: tuple[Located, ...] = ()
    embedded: tuple[str, ...] = ()
    port_env: tuple[Located, ...] = ()
    configs: tuple[Located, ...] = ()
    env_files: tuple[EnvFile, ...] = ()
    ungenerated: tuple[tuple[str, str, str], ...] = ()
    unbuilt: tuple[Unbuilt, ...] = ()
    loopback: tuple[Located, ...] = ()
    loads_zone: str | None = None


class Module(Struct, frozen=True):
    """A go.mod: `dir` relative to the project, `path` the module path, `go` its go line ("" when absent).

    `requires`: module paths; `go_line` the line of `go`; `config_files`: those in the usual folders, whether or not the
    code names them; `text`: the go.mod as it was read.
    """

    dir: str
    path: str
    go: str
    toolchain: str
    requires: tuple[str, ...]
    packages: tuple[GoPackage, ...]
    has_sum: bool = False
    go_line: int | None = None
    config_files: tuple[ConfigFile, ...] = ()
    text: str = ""


class SourceFacts(Struct, frozen=True):
    """All modules below a project; `work` is the path of go.work if there is one; `loose_go`: a Go file without any,
    and `loose_name` what the imports of such files call the module that is missing; `frontends`: folders with a package.json."""

    modules: tuple[Module, ...]
    work: str | None = None
    loose_go: str | None = None
    loose_name: str = ""
    frontends: tuple[str, ...] = ()
