"""A repository as an old article lays it out: it runs unchanged, gets told what is wrong with it, and is never edited."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.cli import docker, get, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]

DOCKERFILE = """\
FROM golang:1.19-alpine as base
WORKDIR /app

FROM base as deps
COPY go.mod go.sum ./
RUN go mod download

FROM base as builder
COPY --from=deps /go/pkg /go/pkg
COPY . .
ARG CGO_ENABLED=0
ARG GOOS=linux
ARG GOARCH=amd64
RUN go build -ldflags '-s -w' -o ./server

FROM alpine as runner
WORKDIR /app
RUN addgroup --system --gid 10001 nonroot
RUN adduser --system --uid 10001 nonroot
COPY --from=builder --chown=nonroot:nonroot /app/server .
ENTRYPOINT ["./server"]
USER nonroot
EXPOSE 8080

FROM gcr.io/distroless/static-debian12:nonroot as runner-distroless
WORKDIR /app
USER nonroot
COPY --from=builder /app/server .
ENTRYPOINT ["./server"]
EXPOSE 8080

FROM golang:1.19-alpine as dev
WORKDIR /app
RUN go install github.com/cosmtrek/air@v1.40.0
ENTRYPOINT ["air"]
"""
COMPOSE = """\
version: "3.3"

services:
  go:
    build:
      context: .
      dockerfile: Dockerfile
      args:
        - target=dev
    volumes:
      - .:/app
    ports:
      - HOST_PORT:8080
"""
MAIN = """\
package main

import (
	"fmt"
	"net/http"
	IMPORT
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, GREETING)
	})
	if err := http.ListenAndServe(":8080", nil); err != nil {
		panic(err)
	}
}
"""
GO_SUM = """\
github.com/pkg/errors v0.9.1 h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4=
github.com/pkg/errors v0.9.1/go.mod h1:bwawxfHBFNV+L2hUp1rHADufV3IMtnDRdf1r5NINEl0=
"""


def files(*, dependency: bool, dockerfile: str = DOCKERFILE) -> dict[str, str]:
    plain = {
        "Dockerfile": dockerfile,
        "docker-compose.yml": COMPOSE,
        "go.mod": "module example.com/seed\n\ngo 1.19\n",
        "main.go": MAIN.replace("\tIMPORT\n", "").replace("GREETING", '"from the seed"'),
    }
    if not dependency:
        return plain
    return plain | {
        "go.mod": plain["go.mod"] + "\nrequire github.com/pkg/errors v0.9.1\n",
        "go.sum": GO_SUM,
        "main.go": MAIN.replace("IMPORT", '"github.com/pkg/errors"').replace(
            "GREETING", 'errors.New("from the seed")'
        ),
    }


def line_of(text: str, part: str) -> int:
    return 1 + next(i for i, line in enumerate(text.splitlines()) if part in line)


def container(seed: Started) -> str:
    return docker("ps", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.project={seed.name}")


def test_the_article_runs_in_our_dev_stage_and_is_told_each_line(project: MakeProject) -> None:
    seed = project(files(dependency=False))
    before = {p.name: p.read_bytes() for p in seed.root.iterdir()}

    done = seed.devctl("-y", "up", "-d")

    serves(seed.port, "from the seed")
    assert done.result["mode"] == "dev" and done.result["serving"]["state"] == "current", done.show
    # Whether a base image has to be made first, and is made with a newer Go, depends on what ran here before.
    of_the_files = [w for w in done.warnings if w["code"] not in ("dev-stage-fails", "newer-go-in-base")]
    assert len(of_the_files) == 1, of_the_files
    (air,) = of_the_files
    assert air["place"] == f"Dockerfile:{line_of(DOCKERFILE, 'cosmtrek')}", (
        "what production needs is not about `up`"
    )
    told = seed.devctl("config", "check").result["problems"]
    warned = {(w["code"], w["place"]): w for w in told}
    assert len(warned) == len(told), "each line is reported once"
    air = warned["air-old-path", f"Dockerfile:{line_of(DOCKERFILE, 'cosmtrek')}"]
    assert "air-verse/air" in air["message"] and "using devctl's own dev stage instead" in air["message"]
    assert "go install github.com/air-verse/air@v" in air["hint"]
    target = warned["args-target", f"docker-compose.yml:{line_of(COMPOSE, 'target=dev')}"]
    assert target["hint"] == "`build: {target: dev}` instead of that line"
    missing = warned["copy-missing-go-pkg", f"Dockerfile:{line_of(DOCKERFILE, '/go/pkg')}"]
    assert "FROM deps AS builder" in missing["hint"]
    assert ("copy-missing-go-sum", f"Dockerfile:{line_of(DOCKERFILE, 'go.sum')}") in warned
    assert ("base-untagged", f"Dockerfile:{line_of(DOCKERFILE, 'FROM alpine')}") in warned
    assert ("goarch-fixed", f"Dockerfile:{line_of(DOCKERFILE, 'GOARCH')}") in warned
    assert {p.name: p.read_bytes() for p in seed.root.iterdir() if p.name != ".devctl"} == before

    again = seed.devctl("up", "-d")
    assert again.result["steps"] == [] and again.warnings == [], "a second `up` has nothing new to say"


def test_a_module_without_dependencies_is_refused_before_anything_is_built(project: MakeProject) -> None:
    seed = project(files(dependency=False))
    seed.devctl("-y", "up", "-d")
    serves(seed.port, "from the seed")
    running = container(seed)

    refused = seed.devctl("-y", "prod-preview", code=1)

    assert refused.error["code"] == "not-ready"
    assert refused.error["place"] == f"Dockerfile:{line_of(DOCKERFILE, '/go/pkg')}"
    assert "FROM deps AS builder" in refused.error["hint"]
    assert {c["id"] for c in refused.result["checks"]} == {"copy-missing-go-pkg", "copy-missing-go-sum"}
    assert not {s["step"] for s in refused.named("step.started")} & {"build", "switch"}, "nothing was begun"
    assert container(seed) == running and "from the seed" in get(seed.port)

    elsewhere = seed.devctl("-y", "prod-preview", "--base", "scratch", code=1)  # the same build
    assert elsewhere.error["place"] == refused.error["place"]


def test_a_shell_form_entrypoint_is_refused_with_the_line_to_write(project: MakeProject) -> None:
    shell = DOCKERFILE.replace(
        'COPY --from=builder /app/server .\nENTRYPOINT ["./server"]',
        "COPY --from=builder /app/server .\nENTRYPOINT ./server",
    )
    seed = project(files(dependency=True, dockerfile=shell))
    seed.devctl("-y", "up", "-d")
    serves(seed.port, "from the seed")
    running = container(seed)

    refused = seed.devctl("-y", "prod-preview", code=1)

    assert refused.error["code"] == "not-ready"
    assert refused.error["place"] == f"Dockerfile:{line_of(shell, 'ENTRYPOINT ./server')}"
    assert refused.error["hint"] == 'ENTRYPOINT ["./server"]'
    assert "has no shell" in refused.error["message"]
    assert container(seed) == running and "from the seed" in get(seed.port)
    assert seed.devctl("status").result["mode"] == "dev"

    fixed = seed.root / "Dockerfile"
    fixed.write_text(shell.replace("ENTRYPOINT ./server", refused.error["hint"]))
    done = seed.devctl("-y", "prod-preview")
    assert done.result["mode"] == "prod" and done.result["image"]["base"] == "distroless", done.show
    assert done.result["hardening"]["source_mounted"] is False
    assert "from the seed" in get(seed.port)


def test_the_dev_base_must_compile_c_where_the_code_needs_it(project: MakeProject) -> None:
    source = files(dependency=False)
    source["main.go"] = source["main.go"].replace(
        "import (", '// int one(void) { return 1; }\nimport "C"\n\nimport ('
    )
    named = "version: 1\nbases: {golang: golang:1.19-alpine}\n"  # unnamed, it would be one with a compiler
    seed = project({**source, "docker-compose.yml": COMPOSE, "devctl.yaml": named})

    refused = seed.devctl("-y", "up", "-d", code=4)

    assert (
        refused.error["code"] == "base-lacks-c-compiler" and "golang:1.19-alpine" in refused.error["message"]
    )
    assert "golang:1.19-bookworm" in refused.error["hint"]
    assert container(seed) == ""
