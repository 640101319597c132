"""Several services of one project: each its own port of the host, one container each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from devctl.domain.observed import Container, Observed
from devctl.domain.project import Project, Service
from devctl.domain.render import render
from devctl.domain.runs import dev_run
from devctl.workflows.hostports import choose_host_ports

SERVICES = tuple(Service(name, port=8080, probe="/") for name in ("a", "b", "c"))


def project(specs: dict[str, Any]) -> Project:
    build: dict[str, Any] = {s.name: {"build": {"context": "."}} for s in SERVICES}
    return Project(
        root="/shop", name="shop", services=SERVICES, model={"services": {**build, **specs}}, generated=False,
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


def test_a_port_that_the_compose_file_publishes_is_no_choice_of_ours() -> None:
    published = {"db": {"ports": [{"target": 80, "published": "8080"}, {"target": 1}]}}
    assert ports(published) == {"a": 8082, "b": 8083, "c": 8085}


def test_a_remembered_port_that_another_service_has_is_chosen_anew() -> None:
    made = [
        Container(name, name, name, "created", "none", 0, "x", "y", ports={8080: ("127.0.0.1", 8082)})
        for name in ("a", "b")
    ]
    assert ports({}, *made) == {"a": 8082, "b": 8080, "c": 8083}


def test_a_service_of_ours_runs_once_and_others_as_often_as_asked() -> None:
    many = {"build": {"context": "."}, "scale": 3, "deploy": {"replicas": 2, "resources": {}}}
    shop = project({"a": many, "web": {"image": "x", "deploy": {"replicas": 2}}})
    model = render(shop, [dev_run(shop, SERVICES[0])], observed=Observed(), cache_volume="cache")
    assert model["services"]["a"]["deploy"] == {"replicas": 1, "resources": {}}
    assert "scale" not in model["services"]["a"]
    assert model["services"]["web"]["deploy"]["replicas"] == 2
