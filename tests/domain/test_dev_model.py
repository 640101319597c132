"""What the scripts of our dev stage are told by the rendered model: how to start, how to stop, which port."""

from __future__ import annotations

from typing import Any

import pytest

from devctl.domain.dockerfile.air_toml import users_air
from devctl.domain.plan.engine_state import Observed
from devctl.domain.plan.render import render
from devctl.domain.plan.run import dev_run, prod_run
from devctl.domain.project.model import ProgramStart, Project, ServedPort, Service, SourceCode

PROXY = "[proxy]\nenabled = true\nproxy_port = 9090\napp_port = 9005\n"


def spec_of(service: Service, said: dict[str, Any] | None = None, *, mode: str = "dev") -> dict[str, Any]:
    model: dict[str, object] = {"services": {"api": {"build": {"context": "/shop"}, **(said or {})}}}
    shop = Project(
        root="/shop", name="shop", services=(service,), model=model, generated=False, go_version="1.26",
        bases={"golang": "g", "air": "g", "distroless": "d", "alpine": "a"}, mirror=None, owner=(1, 1),
    )  # fmt: skip
    run = dev_run(shop, service) if mode == "dev" else prod_run(shop, service, base=None)
    rendered = render(shop, [run], observed=Observed(), cache_volume="c")["services"]["api"]
    assert isinstance(rendered, dict)
    return rendered


def test_the_container_is_given_the_arguments_of_the_program_and_nothing_else() -> None:
    spec = spec_of(
        Service("api", source=SourceCode(dir="svc"), start=ProgramStart(args=("serve", "a  b", "", "*")))
    )
    assert spec["command"] == ["serve", "a  b", "", "*"] and "entrypoint" not in spec
    assert spec["environment"]["DEVCTL_AIR"] == "/app/.devctl/api/air.toml"
    assert spec["environment"]["DEVCTL_WORKDIR"] == "svc"


@pytest.mark.parametrize(
    ("air", "said", "seconds", "container"),
    [
        ("", {}, "10", "12s"),
        ("", {"stop_grace_period": "1m30s"}, "90", "92s"),
        ("[build]\nkill_delay = '500ms'\n", {"stop_grace_period": "1m30s"}, "0.5", "3s"),
        ("[build]\nkill_delay = '0s'\n", {"stop_grace_period": "3s"}, "3", "5s"),
    ],
)
def test_a_program_has_the_time_to_stop_that_the_files_say_and_its_container_a_little_more(
    air: str, said: dict[str, str], seconds: str, container: str
) -> None:
    """So it is devctl-run that kills it, and says so."""
    service = Service("api", air=users_air(air, ".air.toml") if air else None)
    spec = spec_of(service, said)
    assert spec["environment"]["DEVCTL_STOP_TIMEOUT"] == seconds
    assert spec["stop_grace_period"] == container


def test_production_keeps_the_time_and_the_signal_of_the_compose_file() -> None:
    said = {"stop_grace_period": "3s", "stop_signal": "SIGQUIT"}
    prod = spec_of(Service("api"), said, mode="prod")
    assert (prod["stop_grace_period"], prod["stop_signal"]) == ("3s", "SIGQUIT")
    dev = spec_of(Service("api"), said)
    assert "stop_signal" not in dev, "devctl-run itself is stopped as ever"
    assert dev["environment"]["DEVCTL_STOP_SIGNAL"] == "QUIT"


def test_where_the_port_of_airs_proxy_is_published_production_leads_to_the_program() -> None:
    published = {"ports": [{"target": 9090, "published": "18102", "protocol": "tcp"}]}
    service = Service("api", air=users_air(PROXY, ".air.toml"), serve=ServedPort(port=9090))
    assert spec_of(service, published)["ports"][0]["target"] == 9090
    prod = spec_of(service, published, mode="prod")["ports"][0]
    assert (prod["target"], prod["published"]) == (9005, "18102")


def test_the_users_own_air_toml_says_what_is_started() -> None:
    air = users_air("[build]\ncmd = 'make'\nbin = 'tmp/api'\nargs_bin = ['-v']\n", ".air.toml")
    spec = spec_of(Service("api", air=air))
    assert (spec["entrypoint"], spec["command"]) == (["devctl-run"], ["/app/tmp/api", "-v"])
    assert spec["environment"]["DEVCTL_BINARY"] == "/app/tmp/api"


def test_nothing_of_it_is_left_in_production() -> None:
    air = users_air("env_files = ['.env']\n[build]\nrerun = true\nstop_on_error = true\n", ".air.toml")
    spec = spec_of(Service("api", air=air, start=ProgramStart(workdir="x")), mode="prod")
    assert not [name for name in spec["environment"] if name.startswith("DEVCTL_")]


@pytest.mark.parametrize(
    ("service", "policy"),
    [
        (Service("api", origins={"port": "no listen call found"}), "on-failure"),
        (
            Service(
                "api",
                origins={"port": "main.go:3"},
                serve=ServedPort(port=80),
                start=ProgramStart(args=("migrate",)),
            ),
            "on-failure",
        ),
        (
            Service(
                "api",
                origins={"port": "compose.yaml:3"},
                serve=ServedPort(port=80),
                start=ProgramStart(args=("serve",)),
            ),
            "always",
        ),
        (Service("api", origins={"port": "main.go:3"}, serve=ServedPort(port=80)), "always"),
    ],
)
def test_what_may_be_a_job_is_not_started_again_once_it_is_done(service: Service, policy: str) -> None:
    assert spec_of(service, {"restart": "always"}, mode="prod")["restart"] == policy
