"""Proxies in front of a service (nginx and others) that looked up its address once, at their own start.

A container that replaces another may get another address: a proxy would keep using the old one, where nothing answers any more,
or another service does. So what waits for a service (`depends_on`) is restarted if that service's address has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from devctl.domain.command.events import Remark
from devctl.domain.plan.engine_state import Observed
from devctl.domain.ports.toolbox import Toolbox
from devctl.workflows.session.session import Session


@contextmanager
def followed(box: Toolbox, session: Session, services: Iterable[str]) -> Iterator[None]:
    """Use around the call that recreates containers of `services`."""
    fronts = _in_front(session, frozenset(services))
    before = box.engine.containers(session.project.name) if fronts else Observed()
    yield
    if fronts:
        _start_again(box, session, fronts, before)


def _in_front(session: Session, names: frozenset[str]) -> dict[str, frozenset[str]]:
    """Services that are not Go services and not among `names`, with those among them that they wait for."""
    ours = frozenset(s.name for s in session.project.services)
    found = {
        name: frozenset(spec.get("depends_on") or ()) & names & ours
        for name, spec in session.project.specs.items()
        if name not in ours | names
    }
    return {name: waited for name, waited in found.items() if waited}


def _start_again(box: Toolbox, session: Session, fronts: dict[str, frozenset[str]], before: Observed) -> None:
    now = box.engine.containers(session.project.name)
    for front, waited in fronts.items():
        container, moved = now.of(front), sorted(name for name in waited if _moved(name, before, now))
        if not moved or container is None or container.state != "running":
            continue
        done = box.compose.restart(session.project.name, session.root, [front])
        did = "was restarted" if done.code == 0 else f"must be restarted (devctl restart {front})"
        why = f"{', '.join(moved)} has a new address, but a proxy keeps using the old one"
        box.reporter.emit(Remark(f"  {front} {did}: {why}"))


def _moved(service: str, before: Observed, now: Observed) -> bool:
    old, new = before.of(service), now.of(service)
    return old is not None and new is not None and old.addresses != new.addresses
