"""Facts read from Go source by adapters; `domain/detect/service.py` and `domain/lint/rules.py` decide on them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

PLAIN_LISTENER = "(listener)"
"""Among the names around an address: a listener that nothing in its package serves HTTP on."""
SOCKET = "(socket)"
"""The same of a variable that only names a file to listen on (`net.Listen("unix", path)`)."""


class Located(Struct, frozen=True, eq=False):
    """A value and where it was read: `path:line`, relative to the project; `about`: the names in the code around it."""

    value: str
    place: str
    about: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Located) and (self.value, self.place) == (other.value, other.place)

    def __hash__(self) -> int:
        return hash((self.value, self.place))


SettingKind = Literal["env", "flag", "key", "field"]


class Setting(Struct, frozen=True):
    """A default that can be set from outside: `name` is the variable, flag, configuration key or field, `value` an address or
    a port."""

    name: str
    value: str
    kind: SettingKind
    place: str


class EnvFile(Struct, frozen=True):
    """A file of variables (`path` relative to the module) without which the program exits, and the line that loads it.

    `there`: it exists in the folder; `example`: a file beside it to copy, "" if there is none.
    """

    path: str
    place: str
    there: bool = False
    example: str = ""


class Unbuilt(Struct, frozen=True):
    """The missing output of a frontend build: `pattern` as the code names it at `place`, `path` relative to the project, the
    `command` that creates it ("" if none is found). `embedded`: the code does not compile without it."""

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
    """One folder of Go files, without tests and files excluded by build tags. `dir` is relative to the project (`.`,
    `cmd/api`).

    `listens`: addresses or ports passed to a listen call or server field ("" if the code computes it); `routes`: literal paths
    registered for GET (`/healthz`); `env_reads`: variables read; `env_required`: those without which the program exits;
    `opens`: literal paths, relative to the module, that are opened at run time and exist; `settings`: defaults of addresses
    and ports; `tls`: the place of a listen call that uses TLS; `opens_beside`: what is opened is in the folder of this main,
    not in that of the module; `embeds`: patterns of go:embed, `embedded`: what they match, as extensions (`*.txt`) and, for
    files without one, paths relative to the project; `port_env`: variables in a listen call whose address is unknown (those of
    one call have its place);
    `configs`: names of configuration files without folder or extension, as given to viper; `ungenerated`: files without the Go
    code that is generated from them, each with the missing name and the command; `unbuilt`: parts of a frontend that are
    embedded or served, but do not exist; `loopback`: those of `listens` that are written as a loopback address; `loads_zone`:
    where it loads a time zone by name; `dotenv`: what the program's own `.env` sets of the variables that may hold its port.
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
    dotenv: tuple[tuple[str, str], ...] = ()


class Module(Struct, frozen=True):
    """A go.mod: `dir` relative to the project, `path` the module path, `go` its go line ("" if absent).

    `requires`: module paths; `go_line` the line number of `go`; `config_files`: those in the usual folders, whether or not the
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
    """All modules below a project; `work` is the path of go.work if there is one; `loose_go`: a Go file without a module, and
    `loose_name` the name that the imports of such files give the missing module; `frontends`: folders with a package.json."""

    modules: tuple[Module, ...]
    work: str | None = None
    loose_go: str | None = None
    loose_name: str = ""
    frontends: tuple[str, ...] = ()
