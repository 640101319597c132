"""devctl.yaml as data (CONTRACT, devctl.yaml). Every key is optional; detection supplies the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from devctl.domain.goversion import minor

# Read by pydantic (adapters/config_file.py): a misspelt key is an error, not a silent default.
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bases:
    """Images from outside. `mirror` is a registry host that is asked before the public one."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    mirror: str | None = None
    golang: str | None = None
    distroless: str | None = None
    alpine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How the Go binary is built, beside our own flags."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    tags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    ldflags: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """`dir` is the folder of go.mod, `main` the package relative to it; `port` is the one in the container."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    dir: str | None = None
    main: str | None = None
    args: tuple[str, ...] | None = None
    port: int | None = None
    host_port: int | None = None
    probe: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    build: Build = field(default_factory=Build)
    files: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prod:
    """The production-like run. `budget` is a size such as `12MB` or `10MiB`."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    base: Literal["distroless", "alpine", "scratch"] = "distroless"
    target: str = ""
    budget: str | None = None
    writable: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`also`: more paths whose change rebuilds the deps layer; `poll`: on network mounts, or said here."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    also: tuple[str, ...] = ()
    poll: Literal["auto", "always", "never"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole file; `services` by compose service name."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    version: Literal[1] = 1
    name: str | None = None
    go: str | None = None
    bases: Bases = field(default_factory=Bases)
    services: dict[str, ServiceConfig] = field(default_factory=dict)
    prod: Prod = field(default_factory=Prod)
    watch: Watch = field(default_factory=Watch)


_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kKMGT]?i?B?|[kKMGT])")
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SERVICE_NAME = re.compile(r"[a-zA-Z0-9._-]+")


def parse_size(text: str) -> int:
    """Bytes of `12MB` (10^6), `10MiB` (2^20), `12M` (as MB) or `1000`; raises ValueError for anything else."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"`{text}` is no size; write 12MB or 10MiB")
    unit = found["unit"].removesuffix("B")
    binary = unit.endswith("i")
    power = _UNITS.get(unit.removesuffix("i").upper())
    if power is None or (binary and power == 0):
        raise ValueError(f"`{text}` is no size; write 12MB or 10MiB")
    factor: int = (1024 if binary else 1000) ** power
    return round(float(found["number"]) * factor)


def issues(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    """What types cannot say: key path and what is wrong with its value."""
    if config.name is not None and not _NAME.fullmatch(config.name):
        yield ("name",), "a compose project name has lower case letters, digits, - and _ only"
    if config.go is not None and minor(config.go) is None:
        yield ("go",), f'`{config.go}` is no version of Go; write "1.26"'
    if config.prod.budget is not None:
        try:
            parse_size(config.prod.budget)
        except ValueError as wrong:
            yield ("prod", "budget"), str(wrong)
    for path in config.prod.writable:
        if not path.startswith("/"):
            yield ("prod", "writable"), f"`{path}` must be an absolute path in the container"
    for name, service in config.services.items():
        for key, message in _service_issues(name, service):
            yield ("services", name, *key), message


def _service_issues(name: str, service: ServiceConfig) -> Iterator[tuple[tuple[str, ...], str]]:
    if not _SERVICE_NAME.fullmatch(name):
        yield (), f"`{name}` is no name of a compose service"
    for key, port in (("port", service.port), ("host_port", service.host_port)):
        if port is not None and not 0 < port < 65536:
            yield (key,), f"{port} is no port (1 to 65535)"
    probe = service.probe
    if probe is not None and probe not in ("tcp", "none") and not probe.startswith("/"):
        yield ("probe",), f"`{probe}` is neither a path (`/healthz`) nor `tcp` nor `none`"
    for key, folder in (("dir", service.dir), ("main", service.main)):
        if folder is not None and (folder.startswith("/") or ".." in folder.split("/")):
            yield (key,), f"`{folder}` must lie inside of the project, as a relative path"
    for path in service.files or ():
        if path.startswith("/") or ".." in path.split("/"):
            yield ("files",), f"`{path}` must lie inside of the module, as a relative path"
