"""Whom a service calls in vain is named as the project names it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.adapters.project_files.config_file import check
from devctl.domain.detect.required_env import unset_hint, unset_message
from devctl.domain.failures import explain
from devctl.domain.plan.engine_state import Container, Observed
from devctl.domain.project.model import Service
from devctl.workflows.ready.peers import by_name


def _beside(name: str, image: str, **more: Any) -> Container:
    return Container(name, f"shop-{name}-1", name, "running", "none", 0, image, "sha256:1", **more)


def _hint(log: str, env: dict[str, str], *others: Container) -> tuple[str, str]:
    known = explain("start", log, exit_code=1, service="api")
    assert known is not None
    own = _beside("api", "shop-api:dev", env=env)
    engine = SimpleNamespace(containers=lambda _project: Observed(containers=(own, *others)))
    box = cast("Any", SimpleNamespace(engine=engine))
    told = by_name(box.engine, "shop", Service("api"), own, known=known, log=log)
    return told.message, told.hint


MOVED = {5432: ("127.0.0.1", 5433)}
LOCAL = "dial tcp 127.0.0.1:{}: connect: connection refused"


@pytest.mark.parametrize(
    ("port", "env", "other", "said"),
    [
        (3306, {"DATABASE_HOST": "localhost"}, _beside("mysql", "mysql:8"), ("mysql:3306", "{DATABASE_HOST: mysql}")),
        (5433, {"DSN": "postgres://u:p@localhost:5433/x"}, _beside("store", "acme/pg", ports=MOVED),
         ("store:5432", "in DSN,")),
        (6379, {"OTHER": "localhost:1"}, _beside("cache", "docker.io/redis:7"), ("cache:6379", "where it reads that address")),
    ],
)  # fmt: skip
def test_the_service_and_the_variable_are_those_of_the_project(
    port: int, env: dict[str, str], other: Container, said: tuple[str, str]
) -> None:
    _, hint = _hint(LOCAL.format(port), env, _beside("web", "nginx"), other)
    assert said[0] in hint and said[1] in hint
    assert "u:p" not in hint, "a value may be a secret"


def test_the_line_can_be_written_as_it_stands() -> None:
    cache = _beside("cache", "redis:7")
    _, hint = _hint(LOCAL.format(6379), {"REDIS_ADDR": "localhost:6379"}, cache)
    assert hint.endswith("devctl.yaml: `services: {api: {env: {REDIS_ADDR: cache:6379}}}`")


SAID = [
    pytest.param(
        {"REDIS_ADDR": "localhost:6379"},
        "REDIS_ADDR",
        marks=pytest.mark.follows(
            "… is …:… for …: set that in …, in the compose file's `environment:` or devctl.yaml: `services: {…: {env: {…: …:…}}}`",
            "… is …:… for …: set that in …, in the compose file's `environment:` or devctl.yaml: `services: {…: {env: {…: …}}}`",
        ),
    ),
    pytest.param(
        {},
        "NAME",
        marks=pytest.mark.follows(
            "… is …:… for …: set that where it reads that address, in the compose file's `environment:` or "
            "devctl.yaml: `services: {…: {env: {…: …:…}}}`",
            "… is …:… for …: set that where it reads that address, in the compose file's `environment:` or "
            "devctl.yaml: `services: {…: {env: {…: …}}}`",
        ),
    ),
]


@pytest.mark.parametrize(("env", "variable"), SAID)
def test_who_says_so_calls_it_by_its_name(
    env: dict[str, str], variable: str, hinted: Callable[[str], str]
) -> None:
    """The line goes into devctl.yaml unchanged; what only the reader knows is filled in."""
    cache = _beside("cache", "redis:7")
    hint = hinted(_hint(LOCAL.format(6379), env, cache)[1])
    address = hint.split()[2]
    line = hint.rpartition("devctl.yaml: ")[2].strip("`").replace("NAME", "REDIS").replace("…", address)
    config, problems = check(f"version: 1\n{line}\n")
    given = config.services["api"].env
    assert problems == () and given == {variable.replace("NAME", "REDIS"): "cache:6379"}
    refused = "dial tcp cache:6379: connect: connection refused"
    assert _hint(refused, dict(given), cache)[0] == "it calls cache:6379, but nothing listens there yet"


def test_where_nothing_of_the_project_listens_there_nothing_is_made_up() -> None:
    known = explain("start", LOCAL.format(7777), exit_code=1, service="api")
    assert known is not None
    assert _hint(LOCAL.format(7777), {"A": "localhost:7777"}, _beside("web", "nginx")) == (
        known.message,
        known.hint,
    )


def test_an_address_of_a_network_is_the_service_that_has_it() -> None:
    db = _beside("mysql", "mysql:8", addresses=("shop_default 172.18.0.2",))
    message, hint = _hint("dial tcp 172.18.0.2:3306: connect: connection refused", {}, db)
    assert message == "it calls mysql:3306, but nothing listens there yet"
    assert "depends_on: {mysql: {condition: service_healthy}}" in hint


def test_all_variables_are_named() -> None:
    assert unset_message(["A", "B"]).endswith("variables A, B, and nothing sets them")
    assert "{env: {A: …, B: …}}" in unset_hint("api", ["A", "B"])
