"""What listens inside a running service's container, and for whom: why it cannot be reached, and which published ports besides
the probed one have no listener."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct

from devctl.domain.failures.listeners import Listener, listeners
from devctl.domain.plan.engine_state import ROOT_LABEL, Container
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Service
from devctl.errors import Problem
from devctl.workflows.project.compose_model import compose_place
from devctl.workflows.project.find import compose_files

WITHIN = 2.0
"""Seconds after the first answer within which a program listens on its other ports too."""
PAUSE = 0.25

Listening = Callable[[Container], Iterable[Listener]]


class Unreached(Struct, frozen=True):
    """`ports`: where it listens on all addresses, but not on the probed port."""

    code: str
    message: str
    hint: str
    ports: tuple[int, ...] = ()


def unreached(service: Service, found: Iterable[Listener]) -> Unreached | None:
    """What the listeners say; None if they say nothing (nothing listens yet, or all is as it should be)."""
    found = tuple(found)
    mine = [it for it in found if it.port == service.serve.port]
    others = sorted({it.port for it in found if not it.local})
    if mine and all(it.local for it in mine):
        return Unreached(
            code="localhost-only",
            message=(
                f"{service.name} listens only on localhost:{service.serve.port}, which cannot be reached from outside the "
                "container"
            ),
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


def warn_of_unpublished(reporter: Reporter, engine: Engine, service: Service, container: str) -> None:
    """A service whose code does not show a port, but which listens anyway."""
    if service.serve.port is not None:
        return
    found = sorted(listening_in(engine, container), key=lambda it: (it.local, it.port))
    for it in found[:1]:
        name, where = service.name, f"localhost:{it.port} only" if it.local else f"port {it.port}"
        text = f"{name} listens on {where}, which cannot be seen in its code, so no port is published"
        hint = f"devctl.yaml: `services: {{{name}: {{port: {it.port}}}}}`"
        if it.local:
            hint += f', and make it listen on ":{it.port}" (with args or env there): localhost is only its own container'
        reporter.warn(Problem("port-not-found", text, hint))


def listening_in(engine: Engine, container: str) -> tuple[Listener, ...]:
    """What listens in a running container; nothing if its image has no program to read with."""
    return listeners(engine.read_files(container, "/proc/net/tcp", "/proc/net/tcp6") or "")


def warn_of_silent_ports(box: Toolbox, service: Service, container: Container, listening: Listening) -> None:
    """Its own port has answered. Nothing is reported if the listeners cannot be seen, or the network is another's."""
    others = set(container.ports) - {service.port_in(container.mode)}
    if not others or container.network_of:
        return
    until = box.clock.monotonic() + WITHIN
    while True:
        found = tuple(listening(container))
        silent = others - {it.port for it in found if not it.local}
        if not found or not silent:
            return
        if box.clock.monotonic() >= until:
            break
        box.clock.sleep(PAUSE)
    root = Path(container.labels.get(ROOT_LABEL, "."))
    places = compose_place(box.sources, root, compose_files(box.files, box.host, root))
    place = places(("services", service.name, "ports"))
    for port in sorted(silent):
        only = any(it.port == port for it in found)
        where = (
            f"{service.name} listens on localhost:{port} only"
            if only
            else f"nothing in {service.name} listens on port {port}"
        )
        host, published = container.published(port) or ("", 0)
        box.reporter.warn(
            Problem(
                "port-silent",
                f"{where}, which {host}:{published} leads to",
                f'listen on ":{port}", or remove that port from `ports`',
                place,
            )
        )
