"""devctl.yaml as data (CONTRACT, devctl.yaml). Every key is optional; detection supplies the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bases:
    """Images from outside. `mirror` is a registry host that is asked before the public one."""

    mirror: str | None = None
    golang: str | None = None
    distroless: str | None = None
    alpine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How the Go binary is built, beside our own flags."""

    tags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    ldflags: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """`dir` is the folder of go.mod, `main` the package relative to it; `port` is the one in the container."""

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

    base: Literal["distroless", "alpine", "scratch"] = "distroless"
    target: str = ""
    budget: str | None = None
    writable: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`also`: more paths whose change rebuilds the deps layer; `poll`: on network mounts, or said here."""

    also: tuple[str, ...] = ()
    poll: Literal["auto", "always", "never"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    version: Literal[1] = 1
    name: str | None = None
    go: str | None = None
    bases: Bases = field(default_factory=Bases)
    services: dict[str, ServiceConfig] = field(default_factory=dict)
    prod: Prod = field(default_factory=Prod)
    watch: Watch = field(default_factory=Watch)
