"""devctl.yaml as data: every key with its type, its default and its line of docs/reference/config.md.

The parser, the JSON schema, `config show` and the reference page (checked by tests/domain/test_config.py) are derived from
these classes: a new key is declared here, and used where it counts. Every key is optional; detection supplies the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from devctl.domain.dockerfile.runtime_bases import DEFAULT_BASE, IMAGES, RUNTIME_BASES, BaseName
from devctl.domain.go.versions import minor
from devctl.domain.numbers import parse_size
from devctl.domain.regex import regex

CONFIG_FILE = "devctl.yaml"
# Read by pydantic (adapters/project_files/config_file.py): a misspelt key is an error, not a silent default.
_STRICT = {"extra": "forbid"}
Section = TypeVar("Section")


@dataclass(frozen=True, slots=True)
class Doc:
    """A key in the reference: what its value is, and what applies without it. Markdown."""

    value: str
    default: str


def _a_key_for_each_image(section: type[Section]) -> type[Section]:
    """`bases.NAME` for every runtime base that starts from an image."""
    for name, image in IMAGES.items():
        section.__annotations__[name] = Annotated[str | None, Doc(RUNTIME_BASES[name].purpose, f"`{image}`")]
        setattr(section, name, None)
    return section


@dataclass(frozen=True, slots=True, kw_only=True)
@_a_key_for_each_image
class Bases:
    """External images. `mirror` is a registry host that is tried before the public one."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    mirror: Annotated[
        str | None, Doc("a registry to try before the public ones, such as `registry.local:5000`", "none")
    ] = None
    golang: Annotated[
        str | None,
        Doc(
            "image to build and develop in; needs a C compiler if the code uses cgo",
            "`golang:GO-alpine`, with cgo `golang:GO`",
        ),
    ] = None

    def runtime(self, name: str) -> str | None:
        """The image that the file names for a runtime base."""
        image: str | None = getattr(self, name)
        return image


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How the Go binary is built, in addition to devctl's own flags."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    tags: Annotated[tuple[str, ...], Doc("build tags, as a list", "none")] = ()
    env: Annotated[
        dict[str, str],
        Doc(
            'environment of the build in both modes, such as `{CGO_ENABLED: "1"}`',
            "`CGO_ENABLED=1` if the packages that are built need it",
        ),
    ] = field(default_factory=dict)
    ldflags: Annotated[str, Doc("added to devctl's own `-s -w`", "none")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """`dir` is the folder of go.mod, `main` the package relative to it; `port` is the one in the container."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    dir: Annotated[str | None, Doc("folder of go.mod", "the module of the service's main package")] = None
    main: Annotated[
        str | None,
        Doc(
            "the `package main`, relative to `dir`",
            "the one that the Dockerfile builds, else the one that serves",
        ),
    ] = None
    args: Annotated[
        tuple[str, ...] | None,
        Doc(
            "arguments of the service, as a list; each is passed to the program unchanged, in both modes",
            "none",
        ),
    ] = None
    port: Annotated[
        int | None,
        Doc("the port in the container", "the compose file's, else the one that the code listens on"),
    ] = None
    host_port: Annotated[
        int | None,
        Doc(
            "the port on this machine; it must be free",
            "the compose file's, else `port`, else the next free one",
        ),
    ] = None
    probe: Annotated[
        str | None,
        Doc(
            "a path that answers when the service is up, or `tcp`, or `none`",
            "a health route found in the code, else `/`; `tcp` if the service does not speak HTTP",
        ),
    ] = None
    env: Annotated[
        dict[str, str],
        Doc(
            "environment variables, in both modes; values are taken literally (`yes`, `08`, `pa$word`), and `KEY:` is empty",
            "what the code needs to listen on `port`",
        ),
    ] = field(default_factory=dict)
    build: Build = field(default_factory=Build)
    files: Annotated[
        tuple[str, ...] | None,
        Doc(
            "opened at run time, relative to `dir`; they are copied into the production image",
            "existing paths that the code opens for reading",
        ),
    ] = None


_CHOICES = [f"`{name}`" for name in RUNTIME_BASES]
_RUNTIME = Doc(f"{', '.join(_CHOICES[:-1])} or {_CHOICES[-1]}", f"`{DEFAULT_BASE}`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prod:
    """The production-like run. `budget` is a size such as `12MB` or `10MiB`; `compare`: paths that a preview also requests
    from dev."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    base: Annotated[BaseName, _RUNTIME] = DEFAULT_BASE
    target: Annotated[
        str,
        Doc(
            "the stage of your Dockerfile that runs in production",
            "the one on `prod.base`, else the last production stage",
        ),
    ] = ""
    budget: Annotated[
        str | None, Doc("largest image that `devctl size` accepts: `12MB` (10⁶) or `12MiB` (2²⁰)", "none")
    ] = None
    writable: Annotated[
        tuple[str, ...], Doc("absolute paths that stay writable in the read-only container", "none")
    ] = ()
    env: Annotated[dict[str, str], Doc("environment variables in production only", "none")] = field(
        default_factory=dict
    )
    compare: Annotated[
        tuple[str, ...],
        Doc(
            "more paths that `prod-preview` requests from dev and from production, such as `[/api/items]`; a GET there must "
            "change nothing, since both use the same database",
            "none: only the probe's path and `/` are requested",
        ),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`also`: more paths whose change rebuilds the deps layer; `poll`: on network mounts, or if set here; `alert`: in addition
    to text."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    also: Annotated[
        tuple[str, ...], Doc("more files whose changes lead to a new image, as with go.mod", "none")
    ] = ()
    poll: Annotated[
        Literal["auto", "always", "never"],
        Doc(
            "poll for changes instead of waiting for file events: `auto`, `always`, `never`",
            "`auto`: on mounts that do not pass on file events",
        ),
    ] = "auto"
    alert: Annotated[
        Literal["none", "bell", "desktop", "both"],
        Doc(
            "how else to report a failed reload: `bell` (terminal bell in a foreground `up`), `desktop` (a notification by "
            "notify-send or osascript, also from the background watcher), `both`",
            "`none`",
        ),
    ] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole file; `services` by compose service name; `cache`: whose compiled packages dev containers use."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    version: Annotated[Literal[1], Doc("`1`: the version of this format", "`1`")] = 1
    name: Annotated[
        str | None,
        Doc(
            "compose's project name: lower case letters, digits, `-`, `_`",
            "the compose file's `name`, else the folder's name",
        ),
    ] = None
    go: Annotated[
        str | None,
        Doc(
            'Go version of the base image, such as `"1.26"`',
            "the higher of `go` and `toolchain` in go.mod; "
            "a `toolchain` newer than every known Go is ignored, as Go does",
        ),
    ] = None
    bases: Bases = field(default_factory=Bases)
    services: dict[str, ServiceConfig] = field(default_factory=dict)
    prod: Prod = field(default_factory=Prod)
    watch: Watch = field(default_factory=Watch)
    cache: Annotated[
        Literal["shared", "project"],
        Doc(
            "`shared`: dev containers use the compiled packages of all your projects; `project`: only those of this project "
            "([why](../explanation/security.md#a-hostile-neighbour-project))",
            "`shared`",
        ),
    ] = "shared"


def documented(section: type = Config, at: str = "") -> Iterator[tuple[str, Doc]]:
    """Every key by its path, `NAME` for the name of a service, with its text in the reference."""
    for key, hint in get_type_hints(section, include_extras=True).items():
        path, inner = (f"{key}.NAME", get_args(hint)[-1]) if get_origin(hint) is dict else (key, hint)
        if is_dataclass(inner):
            yield from documented(cast("type", inner), f"{at}{path}.")
        elif get_origin(hint) is Annotated:
            yield f"{at}{key}", hint.__metadata__[0]


def stated(section: Any, at: str = "") -> Iterator[tuple[str, object]]:
    """Every key of a section by its path, with its value as JSON has it."""
    for f in fields(section):
        value = getattr(section, f.name)
        if is_dataclass(value):
            yield from stated(value, f"{at}{f.name}.")
        else:
            yield f"{at}{f.name}", list(value) if isinstance(value, tuple) else value


_NAME = regex(r"[a-z0-9][a-z0-9_-]*")
_REQUEST = regex(r"/[!-\"$-~]*")
"""Printable ASCII without spaces; a fragment (`#`) is never sent."""
_SERVICE_NAME = regex(r"[a-zA-Z0-9._-]+")


def issues(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    """What types cannot express: key path and what is wrong with its value."""
    if config.name is not None and not _NAME.fullmatch(config.name):
        yield ("name",), "a compose project name may contain only lower case letters, digits, - and _"
    if config.go is not None and minor(config.go) is None:
        yield ("go",), f'`{config.go}` is not a Go version; write "1.26"'
    if config.prod.budget is not None:
        try:
            parse_size(config.prod.budget)
        except ValueError as wrong:
            yield ("prod", "budget"), str(wrong)
    for variable in config.prod.env:
        if not variable or "=" in variable:
            yield ("prod", "env", variable), f"`{variable}` is not a valid variable name"
    for path in config.prod.writable:
        if not path.startswith("/"):
            yield ("prod", "writable"), f"`{path}` must be an absolute path in the container"
    yield from _watched(config)
    for path in config.prod.compare:
        if not _REQUEST.fullmatch(path):
            yield ("prod", "compare"), f"`{path}` must be a request path, such as /api/items?page=1"
    for name, service in config.services.items():
        for key, message in _service_issues(name, service):
            yield ("services", name, *key), message


def _watched(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    for path in config.watch.also:
        if not path.strip() or path.startswith(("/", "~")) or ".." in path.split("/"):
            yield ("watch", "also"), f"`{path}` must be a path inside the project, relative to it"


def _service_issues(name: str, service: ServiceConfig) -> Iterator[tuple[tuple[str, ...], str]]:
    if not _SERVICE_NAME.fullmatch(name):
        yield (), f"`{name}` is not a valid name for a compose service"
    for key, port in (("port", service.port), ("host_port", service.host_port)):
        if port is not None and not 0 < port < 65536:
            yield (key,), f"{port} is not a port (1 to 65535)"
    probe = service.probe
    if probe is not None and probe not in ("tcp", "none") and not probe.startswith("/"):
        yield ("probe",), f"`{probe}` must be a path (`/healthz`), `tcp` or `none`"
    for key in service.env:
        if not key or "=" in key:
            yield ("env", key), f"`{key}` is not a valid variable name"
    for key in service.build.env:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
            yield ("build", "env", key), f"`{key}` is not a valid name for a build variable"
    for key, folder in (("dir", service.dir), ("main", service.main)):
        if folder is not None and (folder.startswith("/") or ".." in folder.split("/")):
            yield (key,), f"`{folder}` must be a relative path inside the project"
    for path in service.files or ():
        if path.startswith("/") or ".." in path.split("/"):
            yield ("files",), f"`{path}` must be a relative path inside the module"
