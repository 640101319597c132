"""What a command was asked for, frozen: flags go in here once and are not read again.

No slots here: they double the time that making a class takes, and each command imports this page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devctl.domain.debug.debugging import Debugging

LOCK_TIMEOUT = 600.0
"""Seconds a changing command waits for the project's lock, unless --timeout says otherwise."""
PROBE_TIMEOUT = 60.0
"""Seconds until a service must answer."""
COMPOSE_TIMEOUT = 600.0
"""Seconds for a call of compose that starts or stops containers, unless --timeout says otherwise: it waits for jobs and for
health checks, and it pulls."""
COMPOSE_GRACE = 30.0
"""What such a call gets beyond --timeout: the containers that it replaces may take some time to stop."""
ONBOARD_TIMEOUT = 300.0
"""The same for the very first time: a new user's cache is empty, and a dev stage of the project's own does not say when it
compiles. What visibly fails ends it at once all the same."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What every command knows: the project (None: found from here), and the global flags that change what is done."""

    project: Path | None = None
    dry_run: bool = False
    yes: bool = False
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class ChangeRequest(Request):
    services: tuple[str, ...] = ()
    timeout: float = PROBE_TIMEOUT
    lock_timeout: float = LOCK_TIMEOUT
    compose_timeout: float = COMPOSE_TIMEOUT


@dataclass(frozen=True, kw_only=True)
class UpRequest(ChangeRequest):
    detach: bool = False
    watch: bool = True
    pretty: bool = False
    debugged: Mapping[str, Debugging] = field(default_factory=dict)
    """By service; the others run without a debugger."""


@dataclass(frozen=True, kw_only=True)
class DebugRequest(ChangeRequest):
    """`port`: of this machine, None for one that devctl chooses. `editor`: whose configuration is printed, or written."""

    waits: bool = False
    port: int | None = None
    editor: str | None = None
    write: bool = False


@dataclass(frozen=True, kw_only=True)
class PreviewRequest(ChangeRequest):
    base: str | None = None
    drain: bool = False
    keep_failed: bool = False


@dataclass(frozen=True, kw_only=True)
class RestartRequest(ChangeRequest):
    pass


@dataclass(frozen=True, kw_only=True)
class RebuildRequest(ChangeRequest):
    pass


@dataclass(frozen=True, kw_only=True)
class DownRequest(ChangeRequest):
    volumes: bool = False


@dataclass(frozen=True, kw_only=True)
class StatusRequest(Request):
    verbose: bool = False


@dataclass(frozen=True, kw_only=True)
class LogsRequest(Request):
    services: tuple[str, ...] = ()
    follow: bool = False
    tail: int | None = None
    pretty: bool = False


@dataclass(frozen=True, kw_only=True)
class ExecRequest(Request):
    service: str
    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GoTestRequest(Request):
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ShellRequest(Request):
    service: str | None = None


@dataclass(frozen=True, kw_only=True)
class SizeRequest(Request):
    budget: str | None = None
    bases: tuple[str, ...] = ()
    html: Path | None = None
    reproducible: bool = False


@dataclass(frozen=True, kw_only=True)
class NewRequest(Request):
    directory: Path


@dataclass(frozen=True, kw_only=True)
class InitRequest(Request):
    diff: bool = False


@dataclass(frozen=True, kw_only=True)
class DoctorRequest(Request):
    fix: bool = False


@dataclass(frozen=True, kw_only=True)
class BasesRequest(Request):
    action: str = "list"
    file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ConfigRequest(Request):
    action: str = "show"
    mode: str = "dev"


@dataclass(frozen=True, kw_only=True)
class OnboardRequest(ChangeRequest):
    timeout: float = ONBOARD_TIMEOUT
    note: bool = False


@dataclass(frozen=True, kw_only=True)
class DemoRequest(Request):
    keep: bool = False


@dataclass(frozen=True, kw_only=True)
class CleanRequest(ChangeRequest):
    caches: bool = False


@dataclass(frozen=True, kw_only=True)
class WatchRequest(Request):
    pass
