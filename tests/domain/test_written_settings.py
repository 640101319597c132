"""What the compose file says about a container applies in both modes: production adds only where it says nothing, and a dev
container does without what was meant for the program alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.compose.depends_on import jobs
from devctl.domain.derive.production_stage import production_stage
from devctl.domain.dockerfile.runtime_bases import IMAGES
from devctl.domain.plan.development import relaxed, taken_back
from devctl.domain.plan.engine_state import Container, Observed
from devctl.domain.plan.planner import Dependency, Wanted, plan_up
from devctl.domain.plan.production import SETTINGS, added
from devctl.domain.plan.render import render
from devctl.domain.plan.run import dev_run, prod_run
from devctl.domain.project.model import ImageBuild, Project, Service

LIMITS = {"resources": {"limits": {"memory": "48M", "pids": 24, "cpus": 0.5}}}


def test_production_adds_everything_where_nothing_is_said() -> None:
    assert added({}, user="1000:1000") == {**SETTINGS, "user": "1000:1000"}


@pytest.mark.parametrize(
    ("said", "without"),
    [
        ({"user": "10001:10001"}, {"user"}),
        ({"tmpfs": ["/tmp:size=16m"]}, {"tmpfs"}),
        ({"volumes": [{"type": "tmpfs", "target": "/tmp/"}]}, {"tmpfs"}),
        ({"cap_drop": ["NET_RAW"]}, {"cap_drop"}),
        ({"privileged": True}, {"cap_drop"}),
        ({"security_opt": ["no-new-privileges:false"]}, {"security_opt"}),
        ({"mem_limit": "1"}, {"mem_limit"}),
        ({"deploy": LIMITS}, {"mem_limit", "pids_limit"}),
        ({"deploy": {"restart_policy": {"condition": "none"}}}, {"restart"}),
        ({"restart": "no"}, {"restart"}),
    ],
)
def test_production_adds_nothing_beside_what_is_said(said: dict[str, Any], without: set[str]) -> None:
    assert set(added(said, user=None)) == set(SETTINGS) - without


def test_a_limit_is_added_beside_those_below_deploy() -> None:
    said = {
        "deploy": {"replicas": 1, "resources": {"limits": {"memory": "96M"}, "reservations": {"cpus": "1"}}}
    }
    found = added(said, user=None)
    assert found["deploy"]["resources"]["limits"] == {"memory": "96M", "pids": SETTINGS["pids_limit"]}
    assert found["deploy"]["replicas"] == 1 and found["deploy"]["resources"]["reservations"] == {"cpus": "1"}
    assert not {"mem_limit", "pids_limit"} & set(found)
    assert said["deploy"]["resources"]["limits"] == {"memory": "96M"}, "the file's own is not changed"  # type: ignore[index]


def test_lists_are_added_to() -> None:
    found = added(
        {"security_opt": ["seccomp:x.json"], "tmpfs": ["/run"], "cap_add": ["NET_BIND_SERVICE"]}, user=None
    )
    assert found["security_opt"] == ["seccomp:x.json", "no-new-privileges:true"]
    assert found["tmpfs"] == ["/run", *SETTINGS["tmpfs"]]  # type: ignore[misc]
    assert found["cap_drop"] == ["ALL"] and "cap_add" not in found


def test_the_compiler_is_not_bound_by_what_was_meant_for_the_program() -> None:
    spec = {
        "read_only": True, "mem_limit": "48m", "pids_limit": 24, "cpus": 0.5, "cap_drop": ["ALL"], "user": "1:1",
        "tmpfs": ["/tmp:size=16m", "/run"],
        "volumes": [{"type": "tmpfs", "target": "/cache"}, {"type": "volume", "source": "data", "target": "/data"}],
        "deploy": LIMITS | {"replicas": 1},
    }  # fmt: skip
    assert relaxed(spec) == {
        "cap_drop": ["ALL"], "user": "1:1", "tmpfs": ["/run"],
        "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
        "deploy": {"resources": {}, "replicas": 1},
    }  # fmt: skip
    assert spec["deploy"] == LIMITS | {"replicas": 1}, "the file's own is not changed"
    said = [key for key, _ in taken_back(spec)]
    assert said == [
        "read_only",
        "mem_limit",
        "cpus",
        "pids_limit",
        "deploy.resources.limits",
        "tmpfs",
        "volumes",
    ]
    assert list(taken_back(relaxed(spec))) == []


def test_a_job_is_what_somebody_waits_for_to_end() -> None:
    waits = {
        "migrate": {"condition": "service_completed_successfully"},
        "db": {"condition": "service_healthy"},
    }
    assert jobs({"api": {"depends_on": waits}, "migrate": {}, "db": {}}) == {"migrate"}


def test_a_job_that_shares_a_volume_with_a_dev_container_runs_as_the_same_user() -> None:
    """Else the one could not write to the database that the other made."""
    data = {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}
    logs = {"volumes": [{"type": "bind", "source": "/shop/logs", "target": "/logs"}]}
    once = {"condition": "service_completed_successfully"}
    names = ("migrate", "report", "chown")
    api = {"build": {"context": "/shop"}, **data, "depends_on": dict.fromkeys(names, once)}
    model: dict[str, object] = {
        "services": {
            "api": api,
            "migrate": {"build": {"context": "/shop"}, "user": "10001", **data},
            "report": {"build": {"context": "/shop"}, **logs},
            "chown": {"image": "alpine:3.22", **data},
        }
    }
    shop = Project(
        root=Path("/shop"), name="shop", services=(Service("api"),), model=model, generated=False, go_version="1.26",
        bases={"golang": "g", "air": "g", **IMAGES}, mirror=None, owner=(1, 1),
    )  # fmt: skip
    dev = replace(dev_run(shop, shop.services[0]), user="1234:1234")
    services = render(shop, [dev], observed=Observed())["services"]
    assert [services[name].get("user") for name in names] == ["1234:1234", None, None]
    prod = prod_run(shop, shop.services[0], base=None)
    services = render(shop, [prod], observed=Observed())["services"]
    assert [services[name].get("user") for name in names] == ["10001", None, None]


@pytest.mark.parametrize(
    ("started", "again"), [("2026-01-01T00:00:02Z", True), ("2026-01-01T00:00:01.05Z", False), ("", False)]
)
def test_a_container_in_the_network_of_one_that_was_started_again_is_started_again(
    started: str, again: bool
) -> None:
    wanted = Wanted("api", "dev", "shop-api:dev", "d", "r", "i")
    labels = {"dev.devctl.mode": "dev", "dev.devctl.deps": "d", "dev.devctl.inputs": "i"}
    api = Container(
        "2", "shop-api-1", "api", "running", "none", 0, "x", "y", labels=labels, started_at="2026-01-01T00:00:01.5Z", network_of="1"
    )  # fmt: skip
    tunnel = Container("1", "shop-tunnel-1", "tunnel", "running", "none", 0, "x", "y", started_at=started)
    plan = plan_up([wanted], [Dependency("tunnel")], observed=Observed((api, tunnel)), images={})
    assert [(s.step, s.service) for s in plan] == ([("restart", "api"), ("probe", "api")] if again else [])


@pytest.mark.parametrize(
    ("base", "user", "test", "kept"),
    [
        ("alpine", "app", ["CMD-SHELL", "curl -f localhost"], True),  # as their Dockerfile says
        ("scratch", "10001:10001", ["CMD-SHELL", "curl -f localhost"], False),
        ("distroless", "10001:10001", ["CMD", "/shop", "-check"], True),
    ],
)
def test_what_a_compose_file_says_of_another_base(base: str, user: str, test: list[str], kept: bool) -> None:
    facts = parse(
        "FROM golang:1.26-alpine AS build\nCOPY . .\nRUN go build -o /shop .\n"
        'FROM alpine:3.22\nRUN adduser -D -u 10001 app\nCOPY --from=build /shop /shop\nCMD ["/shop"]\n'
    )
    stage = production_stage(facts, {}, target="1", package=".", module="example.com/shop", go="1.26")
    service = Service(
        name="api", build=ImageBuild(dockerfile="Dockerfile", prod_stages={"alpine": "1"}, production=stage)
    )
    spec = {
        "build": {"context": "/shop"},
        "user": "app",
        "healthcheck": {"test": test},
        "command": ["/shop", "a  b"],
    }
    started = replace(service, start=replace(service.start, own_command=("/shop", "a  b")))
    project = Project(
        root=Path("/shop"), name="shop", services=(started,), model={"services": {"api": spec}},
        generated=False, go_version="1.26", bases={"golang": "g", "air": "a", **IMAGES}, mirror=None, owner=(0, 0),
    )  # fmt: skip
    model = render(project, [prod_run(project, project.services[0], base=base)], observed=Observed())
    written = model["services"]["api"]
    assert (written["user"], "healthcheck" in written) == (user, kept)
    assert written["command"] == ["/shop", "a  b"]
    assert written["build"]["target"] == "devctl-stage-1"


@pytest.mark.parametrize(
    ("dev_stage", "said", "user"),
    [
        (None, "10001:10001", "10001:10001"),
        ("dev", "10001:10001", "10001:10001"),
        ("dev", "0:0", SETTINGS["user"]),
        ("dev", "developer", SETTINGS["user"]),
    ],
)
def test_the_user_of_a_compose_file_holds_in_production_unless_it_is_root_or_a_name_of_a_dev_stage(
    dev_stage: str | None, said: str, user: str
) -> None:
    service = Service(
        name="api",
        build=ImageBuild(dockerfile="Dockerfile", dev_stage=dev_stage, prod_stages={"scratch": "run"}),
    )
    spec = {"build": {"context": "/shop"}, "user": said}
    project = Project(
        root=Path("/shop"), name="shop", services=(service,), model={"services": {"api": spec}}, generated=False, go_version="1.26",
        bases={"golang": "g", "air": "a", **IMAGES}, mirror=None, owner=(0, 0),
    )  # fmt: skip
    model = render(project, [prod_run(project, service, base=None)], observed=Observed())
    assert model["services"]["api"]["user"] == user
