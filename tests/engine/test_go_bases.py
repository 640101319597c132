"""Go versions whose base cannot be had: the nearest newer one builds, and it is said; a Go that does not exist is an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.cli import serves
from tests.engine.conftest import Started
from tests.engine.shapes import server, yaml

pytestmark = pytest.mark.engine
OLD = {"go.mod": "module example.com/shop\n\ngo 1.13\n", "main.go": server(), "devctl.yaml": yaml("shop")}


@pytest.mark.mends("the base of the Go that go.mod asks for cannot be had", by="`up`")
def test_an_old_go_line_is_built_with_the_nearest_newer_base(project: Callable[..., Started]) -> None:
    started = project(files=OLD)
    for args in (("up", "--dry-run"), ("up", "-d"), ("prod-preview",)):
        (said,) = [w for w in started.devctl(*args).warnings if w["code"] == "go-base-replaced"]
        assert "golang:1.13-alpine" in said["message"]
        assert said["place"] == "go.mod:3"
    serves(started.port, "hello")
    refs = [base["ref"] for base in started.devctl("bases").result["bases"]]
    assert "golang:1.13-alpine" in refs


def test_a_from_line_is_replaced_too(project: Callable[..., Started]) -> None:
    dockerfile = (
        "ARG GO=1.13\nFROM golang:${GO}-alpine AS build\nCOPY . /src\nRUN cd /src && go build -o /server .\n"
    )
    started = project(
        files={
            **OLD,
            "Dockerfile": f'{dockerfile}FROM scratch\nCOPY --from=build /server /server\nENTRYPOINT ["/server"]\n',
        }
    )
    (said,) = started.devctl("prod-preview", "--dry-run").warnings
    assert (said["code"], said["place"]) == ("go-base-replaced", "Dockerfile:2")


@pytest.mark.parametrize("args", [("up", "-d"), ("up", "--dry-run"), ("prod-preview",)])
def test_a_go_that_does_not_exist_ends_before_anything_is_built(
    project: Callable[..., Started], args: tuple[str, ...]
) -> None:
    started = project(files={**OLD, "go.mod": "module example.com/shop\n\ngo 1.99\n"})
    ended = started.devctl(*args, code=4)
    assert ended.error["code"] == "go-too-old"
    assert ended.error["place"] == "go.mod:3"
    assert "go mod edit -go=1." in ended.error["hint"]
    assert [e["step"] for e in ended.named("step.started")] == []
