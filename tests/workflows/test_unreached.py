"""Why a service that runs is not reached, told by what listens inside its container."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from devctl.adapters.project_files.config_file import check
from devctl.domain.command.requests import UpRequest
from devctl.domain.failures.listeners import Listener
from devctl.domain.project.model import ServedPort, Service
from devctl.errors import Problem
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.ready.unreachable import (
    listening_in,
    unreached,
    warn_of_silent_ports,
    warn_of_unpublished,
)
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


@pytest.mark.follows("devctl.yaml: `services: {…: {port: …}}`")
def test_the_port_of_the_hint_is_the_one_that_is_asked_then(hinted: Callable[[str], str]) -> None:
    found = [Listener(9999, local=False)]
    cause = unreached(SERVICE, found)
    assert cause is not None
    config, problems = check("version: 1\n" + hinted(cause.hint).split("`")[1])
    port = config.services["api"].port
    assert problems == () and unreached(Service("api", serve=ServedPort(port=port)), found) is None


@pytest.mark.follows('listen on ":…", not on "localhost:…"')
def test_who_listens_as_the_hint_says_is_reached(hinted: Callable[[str], str]) -> None:
    cause = unreached(SERVICE, [Listener(8080, local=True)])
    assert cause is not None
    _, everybody, _, here, _ = hinted(cause.hint).split('"')
    assert (everybody, here) == (":8080", "localhost:8080")
    assert unreached(SERVICE, [Listener(int(everybody[1:]), local=False)]) is None


@pytest.mark.follows(
    ', and make it listen on ":…" (with args or env there): localhost is only its own container'
)
def test_a_port_that_devctl_yaml_tells_is_told_no_more(hinted: Callable[[str], str]) -> None:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    box, container = world.box(), next(iter(world.containers.values()))
    container.build_state = LISTENING.format(port=1338, host="0100007F")
    warn_of_unpublished(box.reporter, box.engine, Service("app"), container.id)
    hint = hinted(world.warnings.pop().hint)
    config, problems = check("version: 1\n" + hint.split("`")[1])
    assert problems == () and 'listen on ":1338"' in hint
    container.build_state = LISTENING.format(port=1338, host="00000000")
    given = Service("app", serve=ServedPort(port=config.services["app"].port))
    warn_of_unpublished(box.reporter, box.engine, given, container.id)
    assert world.warnings == [] and unreached(given, listening_in(box.engine, container.id)) is None


@pytest.mark.follows('listen on ":…", or remove that port from `ports`')
@pytest.mark.parametrize("listens", [True, False])
def test_a_port_that_is_listened_on_or_published_no_more_is_told_no_more(
    hinted: Callable[[str], str], *, listens: bool
) -> None:
    world = World()
    world.compose(SECOND)
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    service, found = Service("app", serve=ServedPort(port=8080)), [Listener(8080, local=False)]

    def told() -> list[Problem]:
        world.warnings.clear()
        container = world.box().engine.containers("shop").of("app")
        assert container is not None
        warn_of_silent_ports(world.box(), service, container, lambda _: found)
        return [w for w in world.warnings if w.code == "port-silent"]

    (problem,) = told()
    port = int(hinted(problem.hint).split('"')[1].removeprefix(":"))
    if listens:
        found.append(Listener(port, local=False))
    else:
        world.compose({"app": {"build": ".", "ports": ["8080:8080"]}})
        up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    assert told() == []
