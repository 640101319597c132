"""Published ports of a service beside the one that is probed: an address on which nothing listens is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from devctl.domain.failures.listeners import Listener
from devctl.domain.plan.engine_state import MODE_LABEL, ROOT_LABEL, Container
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Service
from devctl.errors import Problem
from devctl.workflows.project.compose_model import compose_place

WITHIN = 2.0
"""Seconds after the first answer within which a program listens on its other ports too."""
PAUSE = 0.25


def warn_of_silent_ports(
    box: Toolbox,
    service: Service,
    container: Container,
    listening: Callable[[Container], Iterable[Listener]],
) -> None:
    """Its own port has answered. Nothing is said where it cannot be seen what listens, or where the network is another's."""
    others = set(container.ports) - {service.port_in(container.labels.get(MODE_LABEL))}
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
    place = compose_place(box, Path(container.labels.get(ROOT_LABEL, ".")))(
        ("services", service.name, "ports")
    )
    for port in sorted(silent):
        host, published = container.ports[port]
        only = any(it.port == port for it in found)
        where = (
            f"{service.name} listens on localhost:{port} only"
            if only
            else f"nothing in {service.name} listens on port {port}"
        )
        shown = host if host not in ("", "0.0.0.0", "::") else "127.0.0.1"  # read, not bound
        box.reporter.warn(
            Problem(
                "port-silent",
                f"{where}, which {shown}:{published} leads to",
                f'listen on ":{port}", or take that port out of `ports`',
                place,
            )
        )
