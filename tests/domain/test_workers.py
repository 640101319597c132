"""Several services of one program: which of them need not listen."""

from __future__ import annotations

from typing import Any

import pytest

from devctl.domain.detect.workers import without_port
from devctl.domain.project.config import Config, ServiceConfig
from devctl.domain.project.model import ServedPort, Service, SourceCode

API = {"command": ["serve"], "ports": [{"target": 8080, "published": "8080"}]}


def ports(*, said: ServiceConfig | None = None, main: str = ".", **spec: Any) -> list[int | None]:
    services = [
        Service("api", serve=ServedPort(port=8080, probe="/")),
        Service("other", source=SourceCode(main=main), serve=ServedPort(port=8080, probe="/")),
    ]
    config = Config(services={"other": said} if said else {})
    found = without_port(services, {"api": API, "other": spec}, config)
    assert [s.serve.probe == "none" for s in found] == [s.serve.port is None for s in found]
    return [s.serve.port for s in found]


def test_a_worker() -> None:
    assert ports(command=["work"]) == [8080, None]


@pytest.mark.parametrize(
    "spec",
    [
        {"command": ["serve"]}, {"command": ["admin"], "expose": ["8080"]}, {"command": ["admin"], "ports": [{"target": 8080}]},
        {"command": ["work"], "healthcheck": {"test": ["CMD", "true"]}}, {"command": ["work"], "main": "./cmd/admin"},
        {"command": ["work"], "said": ServiceConfig(probe="/healthz")}, {"command": ["work"], "said": ServiceConfig(port=8080)},
    ],
)  # fmt: skip
def test_what_something_reaches_and_another_program(spec: dict[str, Any]) -> None:
    assert ports(**spec) == [8080, 8080]


def test_where_nobody_publishes_the_program_each_is_asked() -> None:
    services = [Service("a", serve=ServedPort(port=8080)), Service("b", serve=ServedPort(port=8080))]
    found = without_port(services, {"a": {"command": ["x"]}, "b": {"command": ["y"]}}, Config())
    assert [s.serve.port for s in found] == [8080, 8080]
