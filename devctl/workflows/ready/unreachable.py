"""Why a service that runs is not reached: what listens inside its container, and for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from devctl.domain.failures.listeners import Listener, listeners
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Service
from devctl.errors import Problem


@dataclass(frozen=True, slots=True)
class Unreached:
    """`ports`: where it listens for everybody, but not on the one that is asked."""

    code: str
    message: str
    hint: str
    ports: tuple[int, ...] = ()


def unreached(service: Service, found: Iterable[Listener]) -> Unreached | None:
    """What the listeners say; None where they do not tell (nothing listens yet, or all is as it should be)."""
    found = tuple(found)
    mine = [it for it in found if it.port == service.serve.port]
    others = sorted({it.port for it in found if not it.local})
    if mine and all(it.local for it in mine):
        return Unreached(
            code="localhost-only",
            message=f"{service.name} listens on localhost:{service.serve.port} only, which nobody outside reaches",
            hint=f'listen on ":{service.serve.port}", not on "localhost:{service.serve.port}"',
        )
    if not mine and others:
        return Unreached(
            code="other-port",
            message=f"{service.name} listens on port {others[0]}, but devctl probed {service.serve.port}",
            hint=f"devctl.yaml: `services: {{{service.name}: {{port: {others[0]}}}}}`",
            ports=tuple(others),
        )
    return None


def warn_of_unpublished(box: Toolbox, service: Service, container: str) -> None:
    """A service whose code does not tell a port, and which listens all the same."""
    if service.serve.port is not None:
        return
    found = sorted(listening_in(box.engine, container), key=lambda it: (it.local, it.port))
    for it in found[:1]:
        name, where = service.name, f"localhost:{it.port} only" if it.local else f"port {it.port}"
        text = f"{name} listens on {where}, which its code does not tell, so nothing is published"
        hint = f"devctl.yaml: `services: {{{name}: {{port: {it.port}}}}}`"
        if it.local:
            hint += f', and have it listen on ":{it.port}" (by its args or env there): localhost is its own container'
        box.reporter.warn(Problem("port-not-found", text, hint))


def listening_in(engine: Engine, container: str) -> tuple[Listener, ...]:
    """What listens in a running container; nothing where its image has no program to read with."""
    return listeners(engine.read_files(container, "/proc/net/tcp", "/proc/net/tcp6") or "")
