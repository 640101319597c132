"""A small project whose Dockerfile has one stage for each way in which a production image cannot work."""

from __future__ import annotations

from pathlib import Path

from devctl.cli.wiring import toolbox
from devctl.domain.command.events import Event
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import Problem
from tests.engine.dockerfile_stages import STAGES

_BUILDER = """\
FROM golang:1.26-alpine AS builder
WORKDIR /src
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS="-buildvcs=false -trimpath"
COPY . .
RUN --mount=type=cache,id=go-build-prod,target=/gocache export GOCACHE=/gocache; \\
    go build -ldflags '-s -w' -o /server . && \\
    go build -o /client ./client && \\
    go build -buildmode=pie -o /pie ./tiny && \\
    CGO_ENABLED=1 go build -buildmode=pie -o /with-c ./tiny && \\
    CGO_ENABLED=1 go build -buildmode=pie -ldflags '-I /lib/ld-musl-x86_64.so.1' -o /with-musl ./tiny && \\
    GOARCH=arm64 go build -o /arm ./tiny
ARG NPM_TOKEN=abc
RUN chmod 0755 /server && mkdir -p /link/bin && ln -s ../server /link/bin/run

"""
_OWN = """\
FROM good AS linked
COPY --from=builder /link/ /
ENTRYPOINT ["/bin/run"]

FROM scratch AS with-c
COPY --from=builder /with-c /server
USER 65532
ENTRYPOINT ["/server"]

FROM alpine:3.22 AS with-musl
COPY --from=builder /with-musl /server
USER 65532
ENTRYPOINT ["/server"]

FROM alpine:3.22 AS alpine-shell
COPY --from=builder /server /server
USER 65532
ENTRYPOINT /server

FROM scratch AS careless
COPY --from=builder /client /app/server
ENV API_TOKEN=abc
COPY . /app/
ARG NPM_TOKEN=abc
WORKDIR /app
EXPOSE 80
ENTRYPOINT ["./server"]
"""
DOCKERFILE = _BUILDER + STAGES + _OWN
TARGETS = tuple(
    line.rpartition(" AS ")[2]
    for line in DOCKERFILE.splitlines()
    if line.startswith("FROM") and "builder" not in line
)

_SERVER = """\
package main

import "net/http"

func main() {
	_ = http.ListenAndServe(":8080", nil)
}
"""
_CLIENT = """\
package main

import (
	"net/http"
	"time"
)

func main() {
	zone, err := time.LoadLocation("Asia/Tokyo")
	_, failed := http.Get("https://example.com/")
	println(zone, err, failed)
}
"""
_TINY = "package main\n\nfunc main() {}\n"


def project_files() -> dict[str, str]:
    return {
        "go.mod": "module example.com/broken\n\ngo 1.26\n",
        "main.go": _SERVER,
        "client/main.go": _CLIENT,
        "tiny/main.go": _TINY,
        ".env": "TOKEN=abc\n",
        "Dockerfile": DOCKERFILE,
    }


class Quiet:
    """A reporter that keeps warnings and drops progress."""

    def __init__(self) -> None:
        self.warnings: list[Problem] = []

    def emit(self, event: Event) -> None: ...

    def warn(self, problem: Problem, *, again: bool = False) -> None:
        self.warnings.append(problem)


def reading_box(root: Path) -> tuple[Toolbox, Project]:
    """The real ports, and as much of a project as looking at an image needs."""
    project = Project(
        root=root,
        name="broken",
        services=(),
        model={"services": {}},
        generated=True,
        go_version="1.26",
        bases={},
        mirror=None,
        owner=(0, 0),
    )
    return toolbox(Quiet()), project
