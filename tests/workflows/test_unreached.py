"""Why a service that runs is not reached, told by what listens inside its container."""

from __future__ import annotations

import pytest

from devctl.domain.command.requests import UpRequest
from devctl.domain.failures.listeners import Listener
from devctl.domain.project.model import ServedPort, Service
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.ready.unreachable import unreached, warn_of_silent_ports, warn_of_unpublished
from tests.fakes import World

SERVICE = Service("api", serve=ServedPort(port=8080))


@pytest.mark.parametrize(
    ("found", "code", "word"),
    [
        ([], None, ""),
        ([Listener(8080, local=False)], None, ""),
        ([Listener(8080, local=True), Listener(8080, local=False)], None, ""),
        ([Listener(6060, local=True)], None, ""),
        ([Listener(8080, local=True)], "localhost-only", 'listen on ":8080"'),
        ([Listener(8080, local=True), Listener(9090, local=False)], "localhost-only", 'listen on ":8080"'),
        ([Listener(9999, local=False), Listener(6060, local=True)], "other-port", "port: 9999"),
    ],
)
def test_what_the_listeners_say(found: list[Listener], code: str | None, word: str) -> None:
    cause = unreached(SERVICE, found)
    assert (cause.code if cause else None) == code
    assert cause is None or word in cause.hint


LISTENING = (
    "  sl  local_address rem_address   st\n   0: {host}:{port:04X} 00000000:0000 0A 00000000:00000000\n"
)


@pytest.mark.parametrize(
    ("known", "port", "host", "said"),
    [
        (None, 1338, "00000000", "port 1338"),
        (None, 1338, "0100007F", "localhost:1338 only"),
        (8080, 1338, "00000000", None),
        (None, None, "", None),
    ],
)
def test_a_port_that_the_code_does_not_tell_is_seen_in_the_container(
    known: int | None, port: int | None, host: str, said: str | None
) -> None:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    container = next(iter(world.containers.values()))
    container.build_state = LISTENING.format(port=port, host=host) if port is not None else None
    warn_of_unpublished(
        world.box().reporter, world.box().engine, Service("app", serve=ServedPort(port=known)), container.id
    )
    told = [w for w in world.warnings if w.code == "port-not-found"]
    assert len(told) == (said is not None)
    assert said is None or f"listens on {said}," in told[0].message
    assert said is None or "devctl.yaml: `services: {app: {port: 1338}}`" in told[0].hint


SECOND = {"app": {"build": ".", "ports": ["8080:8080", "9100:9100"]}}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([Listener(8080, local=False)], "nothing in app listens on port 9100"),
        ([Listener(8080, local=False), Listener(9100, local=True)], "app listens on localhost:9100 only"),
        ([Listener(8080, local=False), Listener(9100, local=False)], None),
        ([], None),
    ],
    ids=["nothing", "the loopback", "all", "cannot be seen"],
)
def test_a_published_port_beside_the_one_that_answers_is_looked_at(
    found: list[Listener], said: str | None
) -> None:
    world = World()
    world.compose(SECOND)
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    box = world.box()
    container = box.engine.containers("shop").of("app")
    assert container is not None and set(container.ports) == {8080, 9100}
    world.warnings.clear()
    warn_of_silent_ports(box, Service("app", serve=ServedPort(port=8080)), container, lambda _: found)
    told = [w.message for w in world.warnings if w.code == "port-silent"]
    assert told == ([f"{said}, which 127.0.0.1:9100 leads to"] if said else [])


def test_a_program_has_its_time_to_listen_on_its_other_ports() -> None:
    world = World()
    world.compose(SECOND)
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    box = world.box()
    container = box.engine.containers("shop").of("app")
    assert container is not None
    rounds = [[Listener(8080, local=False)], [Listener(8080, local=False), Listener(9100, local=False)]]
    warn_of_silent_ports(box, Service("app", serve=ServedPort(port=8080)), container, lambda _: rounds.pop(0))
    assert rounds == [] and not [w for w in world.warnings if w.code == "port-silent"]
