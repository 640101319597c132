"""Code that needs a C compiler: a base that has one is taken without being asked for, and production links the C in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.engine.alone import DEBIAN_GO, alone
from tests.engine.cli import get, port_of, serves
from tests.engine.conftest import Started
from tests.engine.debian import run

pytestmark = pytest.mark.engine

FILES = {
    "go.mod": "module example.com/roots\n\ngo 1.26\n",
    "main.go": """package main

// #cgo LDFLAGS: -lm
// #include <math.h>
// static double root(double x) { return sqrt(x); }
import "C"

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "root: ", C.root(81)) })
	http.ListenAndServe(":8080", nil)
}
""",
}


@pytest.fixture
def no_compiler() -> Iterator[None]:
    """No golang image of Debian that the project could take is here, until the test is over."""
    with alone(DEBIAN_GO):
        refs = run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "golang").split()
        debian = [ref for ref in refs if ref.startswith("golang:1.26") and "alpine" not in ref]
        for number, ref in enumerate(debian):
            run("docker", "tag", ref, f"devctl-tests/kept:{number}")
            run("docker", "rmi", ref)
        try:
            yield
        finally:
            for number, ref in enumerate(debian):
                run("docker", "tag", f"devctl-tests/kept:{number}", ref)
                run("docker", "rmi", f"devctl-tests/kept:{number}")


def test_c_is_compiled_by_a_base_that_nobody_asked_for(
    no_compiler: None, project: Callable[..., Started]
) -> None:
    roots = project(FILES)
    refused = roots.devctl("up", "-d", code=4)
    assert refused.error["code"] == "base-lacks-c-compiler", refused.show
    assert 'import "C" needs cgo' in refused.error["message"]
    assert "devctl bases build" in refused.error["hint"]

    roots.devctl("bases", "build")
    base = roots.devctl("config", "show").result["values"]["bases.golang"]
    assert base["value"] == "golang:1.26" and 'import "C"' in base["origin"]
    up = roots.devctl("up", "-d")
    assert not [w for w in up.warnings if w["code"] != "port-moved"], up.show
    port = port_of(up)
    assert get(port) == "root: 9"
    roots.write({"main.go": FILES["main.go"].replace("81", "64")})
    serves(port, "root: 8")

    for base in ("distroless", "alpine", "scratch"):
        preview = roots.devctl("prod-preview", "--base", base)
        assert preview.result["image"]["base"] == base
        assert preview.result["binary"]["static"] is True
        found = {check["id"]: check["status"] for check in preview.result["checks"]}
        assert (found["cgo"], found["static-binary"]) == ("ok", "ok")
        assert get(port) == "root: 8"


def test_a_dev_stage_without_a_compiler_is_refused_with_what_to_write_in_it(
    project: Callable[..., Started],
) -> None:
    dockerfile = 'FROM golang:1.26-alpine AS dev\nRUN go install github.com/air-verse/air@v1.67.2\nWORKDIR /app\nCMD ["air"]\n'
    compose = "services:\n  roots:\n    build: {context: ., target: dev}\n    volumes: [.:/app]\n"
    refused = project({**FILES, "Dockerfile": dockerfile, "compose.yaml": compose}).devctl("up", "-d", code=4)
    assert refused.error["code"] == "base-lacks-c-compiler", refused.show
    assert "`RUN apk add --no-cache gcc musl-dev` in stage dev of Dockerfile" in refused.error["hint"]
    assert "services: {roots: {build: {env: {CGO_ENABLED: '0'}}}}" in refused.error["hint"]
