"""Services start once the dependencies that they call answer. Compose waits for health checks and exits only; a service whose
binary is cached would otherwise be up before its database, and its first call would fail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from devctl.domain.command.events import Remark
from devctl.domain.compose.depends_on import healthy_before, needed
from devctl.domain.plan.engine_state import Container
from devctl.domain.plan.peers import Peer, called_by
from devctl.domain.ports.host import Clock
from devctl.domain.ports.toolbox import Toolbox
from devctl.workflows.engine.execute import compose_up
from devctl.workflows.ready.unreachable import listening_in
from devctl.workflows.session.session import Session
from devctl.workflows.session.steps import Steps

AT_MOST = 60.0
"""Seconds that a dependency has to answer; then the service starts anyway, since it may retry by itself."""
GUESSED = 5.0
"""The same if only an address suggests that it listens on that port."""
PATIENCE = 1.0
"""Seconds for a connection, and for the first bytes of a server that speaks first."""
SILENT = 0.2
"""The same if no greeting is expected."""
POLL = 0.05
"""Seconds between two attempts; a refusal is immediate."""
LOOK = 1.0
"""Seconds between two checks of the container's state."""


def start_in_order(
    box: Toolbox,
    session: Session,
    names: Sequence[str],
    steps: Steps,
    *,
    cause: str,
    step: str,
    timeout: float,
) -> None:
    """`compose up` for all of `names`: first the dependencies that services built here call, then, once they answer, the rest."""
    specs, ours = session.model["services"], {service.name for service in session.project.services}
    peers = {peer for name in names if name in ours for peer in called_by(specs, name, built=ours)}
    first = needed(specs, {peer.name for peer in peers})
    before = [] if first & ours else [name for name in names if name in first]
    rest = [name for name in names if name not in before]

    def start(together: Sequence[str]) -> None:
        with steps.step(step, cause, service=together[0] if len(together) == 1 else None):
            compose_up(box, session, together, timeout=timeout)

    if before:
        start(before)
    for peer in sorted(peers, key=lambda it: (it.name, it.port)):
        _wait(box, session.project.name, peer, steps)
    for name in sorted(healthy_before(specs, ours.intersection(names)) - {*names}):
        _wait_for_health(box, session.project.name, name, steps, timeout)
    if rest:
        start(rest)


def _wait(box: Toolbox, project: str, peer: Peer, steps: Steps) -> None:
    """Returns at once if it already answers, is not running, or has had its time."""
    within = AT_MOST if peer.sure else GUESSED
    container = box.engine.containers(project).of(peer.name)
    if container is None or not _starts_up(box.clock, container, within) or _answers(box, container, peer):
        return
    until = box.clock.monotonic() + within  # the engine's clock may differ
    with steps.step("probe", f"until it listens on port {peer.port}", service=peer.name):
        while (
            container is not None
            and _starts_up(box.clock, container, within)
            and box.clock.monotonic() < until
        ):
            again = min(until, box.clock.monotonic() + LOOK)
            while box.clock.monotonic() < again:
                box.clock.sleep(POLL)
                if _answers(box, container, peer) or box.processes.hurried():
                    return
            container = box.engine.containers(project).of(peer.name)
    if container is not None and container.state == "running":
        text = f"  {peer.name} has not answered on port {peer.port} within {within:g} s; starting its callers anyway"
        box.reporter.emit(Remark(text))


def _wait_for_health(box: Toolbox, project: str, name: str, steps: Steps, timeout: float) -> None:
    """Of a dependency that runs already: one that was recreated before the services that compose is given without it."""

    def starting() -> bool:
        container = box.engine.containers(project).of(name)
        return container is not None and container.state == "running" and container.health == "starting"

    if not starting():
        return
    until = box.clock.monotonic() + timeout
    with steps.step("probe", "until it is healthy", service=name):
        while starting() and box.clock.monotonic() < until and not box.processes.hurried():
            box.clock.sleep(LOOK)


def _starts_up(clock: Clock, container: Container, within: float) -> bool:
    """An exited container is reported with the service that needs it; one that has run for longer will not listen any more."""
    try:
        started = datetime.fromisoformat(container.started_at).timestamp()
    except ValueError:  # an engine with another time format
        started = clock.now()
    return container.state == "running" and clock.now() - started < within


def _answers(box: Toolbox, container: Container, peer: Peer) -> bool:
    """Whether it accepts connections; also true if that cannot be observed from here."""
    within = SILENT if peer.is_ready is None else PATIENCE
    found = [box.prober.greet(host, peer.port, peer.hello, timeout=within) for host in container.hosts[:1]]
    if found and found[0].outcome == "open":
        return peer.is_ready is None or peer.is_ready(found[0].said)
    if found and found[0].outcome == "refused":
        return False
    # With an engine in a virtual machine, its networks are not reachable from here.
    inside = listening_in(box.engine, container.id)
    return not inside or any(it.port == peer.port and not it.local for it in inside)
