"""Several services of one project: each its own port of the host, one container each."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from msgspec.structs import replace

from devctl.domain.command.requests import UpRequest
from devctl.domain.compose.host_ports import moved
from devctl.domain.plan.engine_state import (
    MACHINE_LABEL,
    WORKING_DIR_LABEL,
    Container,
    Labelled,
    Observed,
)
from devctl.domain.plan.render import render
from devctl.domain.plan.run import dev_run
from devctl.domain.ports.toolbox import Finished
from devctl.domain.project.model import Project, ServedPort, Service
from devctl.errors import MachineError
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.session.host_ports import check_host_ports, choose_host_ports
from tests.fakes import FakeContainer, World

SERVICES = tuple(Service(name, serve=ServedPort(port=8080, probe="/")) for name in ("a", "b", "c"))


def project(specs: dict[str, Any]) -> Project:
    build: dict[str, Any] = {s.name: {"build": {"context": "."}} for s in SERVICES}
    return Project(
        root=Path("/shop"), name="shop", services=SERVICES, model={"services": {**build, **specs}}, generated=False,
        go_version="1.26", bases={"golang": "g", "air": "g", "distroless": "d", "alpine": "a"}, mirror=None, owner=(1, 1),
    )  # fmt: skip


def ports(specs: dict[str, Any], *containers: Container) -> dict[str, int | None]:
    told: list[Any] = []
    box = SimpleNamespace(
        engine=SimpleNamespace(ports_in_use=lambda: {8081: "other"}),
        host=SimpleNamespace(port_free=lambda _ip, port: port != 8084),
        reporter=SimpleNamespace(warn=told.append),
    )
    return choose_host_ports(cast("Any", box), project(specs), observed=Observed(containers))


def test_services_with_the_same_port_get_different_ones_of_the_host() -> None:
    assert ports({}) == {"a": 8080, "b": 8082, "c": 8083}


def test_a_port_that_the_compose_file_publishes_is_not_a_choice_of_devctls() -> None:
    published = {"db": {"ports": [{"target": 80, "published": "8080"}, {"target": 1}]}}
    assert ports(published) == {"a": 8082, "b": 8083, "c": 8085}


def test_a_remembered_port_that_another_service_has_is_chosen_again() -> None:
    made = [
        Container(name, name, name, "created", "none", 0, "x", "y", ports={8080: ("127.0.0.1", 8082)})
        for name in ("a", "b")
    ]
    assert ports({}, *made) == {"a": 8082, "b": 8080, "c": 8083}


def test_a_service_of_devctls_runs_once_and_others_as_often_as_asked() -> None:
    many = {"build": {"context": "."}, "scale": 3, "deploy": {"replicas": 2, "resources": {}}}
    shop = project({"a": many, "web": {"image": "x", "deploy": {"replicas": 2}}})
    model = render(shop, [dev_run(shop, SERVICES[0])], observed=Observed())
    assert model["services"]["a"]["deploy"] == {"replicas": 1, "resources": {}}
    assert "scale" not in model["services"]["a"]
    assert model["services"]["web"]["deploy"]["replicas"] == 2


def refused(
    specs: dict[str, Any],
    *,
    used: dict[int, str],
    own: tuple[Container, ...] = (),
    labelled: tuple[Labelled, ...] = (),
) -> MachineError:
    shop = project(specs)
    box = SimpleNamespace(
        engine=SimpleNamespace(ports_in_use=lambda: used, labelled=lambda kind, label: labelled),
        identity=SimpleNamespace(machine="here"),
        host=SimpleNamespace(port_free=lambda _ip, port: port != 8084, env=lambda name: None),
        files=SimpleNamespace(
            read_text=lambda path, within: None,
            exists=lambda path: False,
            is_dir=lambda path: False,
            names=lambda path: [],
            gone=lambda path: path == Path("/moved"),
        ),
        sources=SimpleNamespace(positions=lambda path: lambda key: None),
        reporter=SimpleNamespace(warn=lambda problem: None),
    )
    observed = Observed(own)
    found = choose_host_ports(cast("Any", box), shop, observed=observed)
    runs = [replace(dev_run(shop, s), host_port=found[s.name]) for s in SERVICES]
    model = render(shop, runs, observed=observed)
    with pytest.raises(MachineError) as error:
        check_host_ports(cast("Any", box), shop, model, starting=list(model["services"]), observed=observed)
    return error.value


def entry(target: int, host: str, **more: str) -> dict[str, Any]:
    return {"mode": "ingress", "target": target, "published": host, "protocol": "tcp", **more}


@pytest.mark.parametrize(
    ("name", "port", "used", "said"),
    [
        ("a", entry(8080, "5000"), {5000: "other"}, "port 5000 of the host is taken by container other; a needs it"),
        ("a", entry(9100, "5001"), {5001: "other"}, "port 5001 of the host is taken by container other; a needs it"),
        ("db", entry(5432, "5432"), {5432: "other"}, "port 5432 of the host is taken by container other; db needs it"),
        ("db", entry(5432, "8084"), {}, "port 8084 of the host is taken by a process on this machine; db needs it"),
        ("a", entry(8080, "8084-8085"), {8085: "x"}, "ports 8084 to 8085 of the host are all taken; a needs one"),
    ],
)  # fmt: skip
def test_whatever_is_published_is_asked_for_before_anything_is_built(
    name: str, port: dict[str, Any], used: dict[int, str], said: str
) -> None:
    error = refused({name: {"build": {"context": "."}, "ports": [port]}}, used=used)
    assert (str(error), error.code) == (said, "port-taken")
    line = re.search(r"`(services: .*?)`", error.problem.hint)
    assert line is not None and yaml.safe_load(line[1])["services"][name], (
        "a line that can be written unchanged"
    )
    assert error.problem.place


@pytest.mark.parametrize(("folder", "left_over"), [("/moved", True), ("/there", False)])
def test_what_a_project_left_running_when_its_folder_went_is_named_as_such(
    folder: str, left_over: bool
) -> None:
    labels = {MACHINE_LABEL: "here", WORKING_DIR_LABEL: folder}
    old = Labelled("container", "1", "old-app-1", labels, in_use=True)
    mine = {"a": {"build": {"context": "."}, "ports": [entry(8080, "5000")]}}
    error = refused(mine, used={5000: "old-app-1"}, labelled=(old,))
    assert ("left over from a deleted project" in str(error)) == left_over
    assert error.problem.hint.startswith("devctl doctor --fix") == left_over
    assert ("docker stop" in error.problem.hint) != left_over


def test_ports_that_the_project_holds_itself_are_its_own() -> None:
    mine = Container(
        "1", "shop-db-1", "db", "running", "none", 0, "x", "y", ports={5432: ("127.0.0.1", 5432)}
    )
    specs = {"db": {"image": "x", "ports": [entry(5432, "5432"), entry(5433, "5433"), entry(1, "7000-7001")]}}
    theirs = {"a": {"build": {}, "ports": [entry(8080, "9999")]}}
    used = {5432: "shop-db-1", 5433: "shop-db-1", 7000: "other", 9999: "other"}
    assert "port 9999" in str(refused({**specs, **theirs}, used=used, own=(mine,)))  # and none before that


def test_a_range_that_is_published_is_not_a_choice_of_devctls_and_leaves_the_choice_to_the_engine() -> None:
    others = {"db": {"ports": [entry(80, "8080-8083"), entry(81, "8085", protocol="udp")]}}
    assert ports(others) == {"a": 8085, "b": 8086, "c": 8087}
    own = {
        "a": {"build": {}, "ports": [entry(8080, "9000-9005")]},
        "b": {"build": {}, "ports": [{"target": 8080}]},
    }
    assert ports(own) == {"a": None, "b": None, "c": 8080}


def test_devctl_yaml_moves_the_port_of_a_dependency() -> None:
    ports = [
        entry(5432, "5432"),
        {**entry(5432, "5432"), "host_ip": "::1"},
        entry(8080, "8081"),
        entry(53, "53") | {"protocol": "udp"},
    ]
    assert [p["published"] for p in moved(ports, 5433)] == ["5433", "5433", "8081", "53"]
    assert moved([entry(53, "53") | {"protocol": "udp"}], 5433)[0]["published"] == "53"


def test_two_services_that_publish_one_port_are_told_apart_before_anything_is_built() -> None:
    def published(**more: str) -> dict[str, Any]:
        first = {"build": {"context": "."}, "ports": [entry(8080, "5000", host_ip="127.0.0.1")]}
        other = {"build": {"context": "."}, "ports": [entry(8080, "5000", **more)]}
        return {"a": first, "b": other, "c": {"build": {}, "ports": [entry(8080, "5009")]}}

    error = refused(published(), used={5009: "other"})
    assert (str(error), error.code) == ("a and b both publish port 5000 of the host", "port-taken")
    assert "`services: {b: {host_port: 5001}}`" in error.problem.hint
    elsewhere = refused(published(host_ip="192.0.2.1"), used={5009: "other"})
    assert "port 5009" in str(elsewhere)


def lose(world: World, *ports: int) -> None:
    """Somebody takes each of these just before a container that was to have it is started."""
    start = world.start

    def late(made: FakeContainer) -> Finished:
        world.taken_ports |= set(made.ports.values()) & set(ports)
        return start(made)

    world.start = late  # type: ignore[method-assign]


def test_a_chosen_port_that_somebody_takes_meanwhile_is_chosen_again() -> None:
    world = World()
    lose(world, 8080, 8081)
    outcome = up(UpRequest(project=world.root, detach=True), world.box())
    assert [s["url"] for s in outcome.result["services"]] == ["http://127.0.0.1:8082"]  # type: ignore[attr-defined]
    assert [p.message for p in world.warnings if p.code == "port-moved"] == [
        "port 8080 is taken; shop uses 8081 instead", "port 8080 is taken; shop uses 8082 instead"
    ]  # fmt: skip


def test_a_port_of_the_compose_file_is_not_moved() -> None:
    world = World()
    world.compose({"app": {"build": ".", "ports": ["8080:8080"]}})
    lose(world, 8080)
    with pytest.raises(MachineError) as caught:
        up(UpRequest(project=world.root, detach=True), world.box())
    assert caught.value.code == "port-taken"


def test_it_is_given_up_where_every_port_is_lost() -> None:
    world = World()
    lose(world, *range(8080, 8180))
    with pytest.raises(MachineError) as caught:
        up(UpRequest(project=world.root, detach=True), world.box())
    assert caught.value.code == "port-taken" and len(world.taken_ports) == 4
