"""What a command was asked to do, frozen: flags are put in here once and not read again.

No slots here: they double the time it takes to create a class, and each command imports this module.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devctl.domain.debug.debugging import Debugging

LOCK_TIMEOUT = 600.0
"""Seconds that a changing command waits for the project's lock by default."""
PROBE_TIMEOUT = 60.0
"""Seconds until a service must answer."""
COMPOSE_TIMEOUT = 600.0
"""Seconds for a compose call that starts or stops containers by default: it waits for jobs and health checks, and it pulls."""
COMPOSE_GRACE = 30.0
"""What such a call gets beyond --timeout: the containers that it replaces may take a while to stop."""
ONBOARD_TIMEOUT = 300.0
"""The same for the very first time: a new user's cache is empty, and the project's own dev stage does not report when it
compiles. A visible failure ends the wait immediately."""


class Request(Struct, frozen=True, kw_only=True):
    """What every command has: the project (None: found from the current folder), and the global flags that change what is
    done."""

    project: Path | None = None
    dry_run: bool = False
    yes: bool = False
    json: bool = False


class ChangeRequest(Request, frozen=True, kw_only=True):
    services: tuple[str, ...] = ()
    timeout: float = PROBE_TIMEOUT
    lock_timeout: float = LOCK_TIMEOUT
    compose_timeout: float = COMPOSE_TIMEOUT


class UpRequest(ChangeRequest, frozen=True, kw_only=True):
    detach: bool = False
    watch: bool = True
    pretty: bool = False
    open: bool = False
    debugged: Mapping[str, Debugging] = field(default_factory=dict)
    """By service; the others run without a debugger."""


class DebugRequest(ChangeRequest, frozen=True, kw_only=True):
    """`port`: on this machine, None if devctl chooses it. `editor`: whose configuration is printed or written."""

    waits: bool = False
    port: int | None = None
    editor: str | None = None
    write: bool = False


class PreviewRequest(ChangeRequest, frozen=True, kw_only=True):
    """`back`: what goes back to dev, in the text for people."""

    back: str = "devctl up"
    base: str | None = None
    drain: bool = False
    keep_failed: bool = False


class RestartRequest(ChangeRequest, frozen=True, kw_only=True):
    pass


class RebuildRequest(ChangeRequest, frozen=True, kw_only=True):
    pass


class DownRequest(ChangeRequest, frozen=True, kw_only=True):
    volumes: bool = False


class StatusRequest(Request, frozen=True, kw_only=True):
    verbose: bool = False


class LogsRequest(Request, frozen=True, kw_only=True):
    services: tuple[str, ...] = ()
    follow: bool = False
    tail: int | None = None
    since: str | None = None
    pretty: bool = False


class EnvRequest(Request, frozen=True, kw_only=True):
    service: str | None = None
    form: str = "sh"


class BoardRequest(Request, frozen=True, kw_only=True):
    """`port`: of 127.0.0.1, 0 for a free one. `color`: False for no colours."""

    web: bool = False
    port: int = 0
    color: bool = True


class ExecRequest(Request, frozen=True, kw_only=True):
    service: str
    command: tuple[str, ...]


class GoTestRequest(Request, frozen=True, kw_only=True):
    """`packages`: with the flags of `go test` among them; `junit`: relative to where devctl was called."""

    packages: tuple[str, ...] = ()
    race: bool = False
    cover: bool = False
    junit: Path | None = None
    verbose: bool = False


class ShellRequest(Request, frozen=True, kw_only=True):
    service: str | None = None


class SizeRequest(Request, frozen=True, kw_only=True):
    budget: str | None = None
    bases: tuple[str, ...] = ()
    html: Path | None = None
    reproducible: bool = False


class NewRequest(Request, frozen=True, kw_only=True):
    directory: Path


class InitRequest(Request, frozen=True, kw_only=True):
    diff: bool = False
    devcontainer: bool = False


class DoctorRequest(Request, frozen=True, kw_only=True):
    fix: bool = False


class BasesRequest(Request, frozen=True, kw_only=True):
    action: str = "list"
    file: Path | None = None


class ConfigRequest(Request, frozen=True, kw_only=True):
    action: str = "show"
    mode: str = "dev"


class OnboardRequest(ChangeRequest, frozen=True, kw_only=True):
    timeout: float = ONBOARD_TIMEOUT
    note: bool = False


class DemoRequest(Request, frozen=True, kw_only=True):
    keep: bool = False


class CleanRequest(ChangeRequest, frozen=True, kw_only=True):
    caches: bool = False


class WatchRequest(Request, frozen=True, kw_only=True):
    pass
