"""One Dockerfile for several programs, and Dockerfiles whose program is built outside Docker."""

from __future__ import annotations

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.detect.service import detect_service
from devctl.domain.dockerfile.prod_stages import no_prod_stage, prod_stages
from devctl.domain.dockerfile.purpose import brought, builds_go, for_dev, for_production, is_dockerfile
from devctl.domain.project.config import Config
from devctl.domain.project.model import Service
from tests.domain.test_detect import facts, pkg

BUILD = "FROM golang:1.26-alpine AS b\nCOPY . .\n{build}\n"
TWO = "RUN go build -o /out/api ./cmd/api && go build -o /out/worker ./cmd/worker"
TARGETS = (
    'FROM alpine:3.22 AS api\nCOPY --from=b /out/api /api\nENTRYPOINT ["/api"]\n'
    'FROM alpine:3.22 AS worker\nCOPY --from=b /out/worker /worker\nENTRYPOINT ["/worker"]\n'
)
ONE = 'FROM alpine:3.22\nCOPY --from=b /out/ /app/\nCMD ["/app/api"]\n'
SCRIPT = 'FROM alpine:3.22\nCOPY --from=b /go/bin/* /app/\nENTRYPOINT ["/app/entry.sh"]\nCMD ["api"]\n'
RENAMED = 'FROM alpine:3.22\nCOPY --from=b /out/worker /service\nENTRYPOINT ["/service"]\n'


def detected(text: str, **compose: object) -> Service:
    source = facts(pkg("cmd/api", listens=":8080"), pkg("cmd/worker", imports=()))
    return detect_service(
        source, config=Config(), name="x", compose={"build": {}, **compose}, dockerfile=parse(text)
    )


@pytest.mark.parametrize(
    ("build", "final", "compose", "main"),
    [
        (TWO, TARGETS, {"build": {"target": "api"}}, "./cmd/api"),
        (TWO, TARGETS, {"build": {"target": "worker"}}, "./cmd/worker"),
        (TWO, TARGETS, {}, "./cmd/worker"),
        (TWO, ONE, {}, "./cmd/api"),
        (TWO, ONE, {"command": ["/app/worker"]}, "./cmd/worker"),
        (TWO, ONE, {"entrypoint": ["/app/worker"]}, "./cmd/worker"),
        (TWO, ONE, {"command": ["./wait-for-it.sh", "db:1", "--", "/app/worker"]}, "./cmd/worker"),
        (TWO, RENAMED, {}, "./cmd/worker"),
        ("RUN go install ./cmd/...", SCRIPT, {}, "./cmd/api"),
        ("RUN go install ./cmd/...", SCRIPT, {"command": ["worker", "-v"]}, "./cmd/worker"),
        ("RUN make", ONE, {"command": "", "entrypoint": ["/app/worker"]}, "./cmd/worker"),
        ("RUN go build -o /out/server ./cmd/worker", ONE, {}, "./cmd/worker"),
    ],
)  # fmt: skip
def test_the_program_that_a_container_starts_is_the_main(
    build: str, final: str, compose: dict[str, object], main: str
) -> None:
    assert detected(BUILD.format(build=build) + final, **compose).source.main == main


@pytest.mark.parametrize(
    ("lines", "main"),
    [
        ("WORKDIR /w\nCOPY . .\nWORKDIR /w/cmd/worker\nRUN go build -o /x .", "./cmd/worker"),
        ("WORKDIR /w\nCOPY . .\nWORKDIR cmd/worker\nRUN go build -ldflags '-s -w' -o /x", "./cmd/worker"),
        ("WORKDIR /w\nCOPY . .\nRUN cd cmd/worker && CGO_ENABLED=0 go build -o /x", "./cmd/worker"),
        ("COPY . /src\nRUN cd /src/cmd/worker && go build -o /x main.go", "./cmd/worker"),
        ("COPY . .\nRUN go build -C cmd/worker -o /x", "./cmd/worker"),
        ("COPY . .\nRUN cd /elsewhere && go build -o /x ./cmd/worker", "./cmd/worker"),
        ("COPY . .\nRUN go build -o /x cmd/worker/run.go", "./cmd/worker"),
        ("COPY . .\nRUN go install example.com/tool@v1 && make", "./cmd/api"),
    ],
)
def test_a_package_is_built_from_the_folder_that_the_line_is_called_in(lines: str, main: str) -> None:
    assert (
        detected(
            f'FROM golang:1.26 AS b\n{lines}\nFROM scratch\nCOPY --from=b /x /x\nCMD ["/x"]\n'
        ).source.main
        == main
    )


@pytest.mark.parametrize("path", ["cmd/worker/Dockerfile", "Dockerfile.worker", "docker/worker/Dockerfile"])
def test_a_dockerfile_that_says_nothing_is_beside_its_main(path: str) -> None:
    source = facts(pkg("cmd/api", listens=":8080"), pkg("cmd/worker", imports=()))
    text = 'FROM golang:1.26\nCOPY . .\nRUN make\nCMD ["make", "run"]\n'
    service = detect_service(
        source, config=Config(), name="x", compose={"build": {}}, dockerfile=parse(text, path=path)
    )
    assert service.source.main == "./cmd/worker"


def test_the_stage_that_the_compose_file_builds_is_the_one_for_production() -> None:
    text = BUILD.format(build=TWO) + TARGETS
    assert detected(text, build={"target": "api"}).build.prod_stages == {"alpine": "api"}
    assert detected(text, build={"target": "worker"}).build.prod_stages == {"alpine": "worker"}
    only_builds = detected(BUILD.format(build=TWO) + ONE, build={"target": "b"})
    assert only_builds.build.prod_stages == {"alpine": "1"}


@pytest.mark.parametrize(
    ("final", "compose", "args", "command", "entrypoint"),
    [
        (ONE, {"command": ["/app/worker", "-v"]}, ("-v",), ("/app/worker", "-v"), None),
        (ONE, {"entrypoint": ["/app/worker"], "command": ["-v"]}, ("-v",), ("-v",), ("/app/worker",)),
        (ONE, {"command": ["sh", "-c", "/app/worker"]}, (), ("sh", "-c", "/app/worker"), None),
        (ONE, {"entrypoint": ["sh", "-c", "/app/worker"]}, (), None, ("sh", "-c", "/app/worker")),
        (
            ONE,
            {"command": ["sh", "-c", "api up && PORT=1 exec worker -v"]},
            ("-v",),
            ("sh", "-c", "api up && PORT=1 exec worker -v"),
            None,
        ),
        (SCRIPT, {"command": ["worker", "-v"]}, ("-v",), ("worker", "-v"), None),
    ],
)
def test_a_container_of_the_users_own_stage_starts_it_too(
    final: str,
    compose: dict[str, object],
    args: tuple[str, ...],
    command: tuple[str, ...] | None,
    entrypoint: tuple[str, ...] | None,
) -> None:
    found = detected(BUILD.format(build=TWO) + final, **compose)
    assert (found.start.args, found.start.own_command, found.start.own_entrypoint) == (
        args,
        command,
        entrypoint,
    )
    assert found.source.main == "./cmd/worker"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('FROM alpine:3.22\nWORKDIR /app\nCOPY bin/app .\nENTRYPOINT ["./app"]\n', 3),
        ('FROM scratch\nCOPY shop /usr/bin/server\nENTRYPOINT ["/usr/bin/server"]\n', 2),
        ("FROM alpine:3.22\nADD build build\nENTRYPOINT build/shop --port 80\n", 2),
        ('FROM alpine:3.22\nWORKDIR /app\nCOPY . .\nCMD ["./bin/shop"]\n', 3),
        ('FROM alpine:3.22\nCOPY . /app\nCMD ["/app/shop"]\n', 2),
        ('FROM alpine:3.22\nCOPY start.sh /\nCMD ["/start.sh"]\n', None),
        ('FROM nginx:1\nCOPY nginx.conf /etc/nginx/\nCMD ["nginx", "-g", "daemon off;"]\n', None),
        ('FROM nginx:1\nCOPY nginx /etc/nginx\nCMD ["nginx"]\n', None),
        ('FROM alpine:3.22\nCOPY shop /usr/local/bin/\nENTRYPOINT ["shop"]\n', 2),
        ('FROM node:20\nWORKDIR /app\nCOPY . .\nCMD ["node", "server.js"]\n', None),
        ('FROM node:20 AS b\nRUN npm run build\nFROM nginx:1\nCOPY --from=b /app /app\nCMD ["/app"]\n', None),
        ('FROM golang:1.26\nCOPY . .\nRUN make\nCMD ["./bin/shop"]\n', None),
    ],
)
def test_what_is_built_outside_has_no_production_stage_of_its_own(text: str, line: int | None) -> None:
    found = brought(parse(text))
    assert (found.line if found else None) == line
    if line is not None:
        assert prod_stages(parse(text)) == {}
        told = no_prod_stage(parse(text))
        assert (told.code, told.place) == ("built-outside", f"Dockerfile:{line}")


@pytest.mark.parametrize(
    ("text", "builds"),
    [
        ("FROM golang:1.26", True),
        ("FROM registry.example.com/build/go-builder:1", True),
        ("FROM registry.example.com/ubi9/go-toolset", True),
        ("FROM alpine:3.22\nRUN apk add --no-cache git go && make", True),
        ("FROM debian:13\nRUN apt-get install -y golang-go make", True),
        ("FROM some/image\nRUN xx-go build -o /x .", True),
        ("FROM mongo:7", False),
        ("FROM node:20\nRUN npm install && npm run go", False),
        ("FROM django:5\nRUN apt-get install -y ergo", False),
    ],
)
def test_whether_a_dockerfile_builds_go(text: str, builds: bool) -> None:
    assert builds_go(parse(text)) == builds


def test_the_dockerfile_for_production_beside_the_one_for_development() -> None:
    assert for_dev("Dockerfile.dev") and for_dev("compose/local/go/Dockerfile") and not for_dev("Dockerfile")
    assert for_production("Dockerfile.dev")[0] == "Dockerfile.prod" and "Dockerfile" in for_production(
        "Dockerfile.dev"
    )
    assert "compose/production/go/Dockerfile" in for_production("compose/local/go/Dockerfile")
    assert "docker/prod.Dockerfile" in for_production("docker/Dockerfile")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Dockerfile", True),
        ("Dockerfile.prod", True),
        ("prod.Dockerfile", True),
        ("Dockerfile.dockerignore", False),
        ("Dockerfile.prod.bak", False),
        ("Dockerfiles", False),
    ],
)
def test_what_a_dockerfile_is_called(name: str, is_one: bool) -> None:
    assert is_dockerfile(name) == is_one


@pytest.mark.parametrize(
    ("target", "builds"),
    [
        ("frontend", False),
        ("prod", True),
        ("dev", True),
        ("unknown", True),
        ("any", True),
        ("tools", True),
        ("team", True),
        ("both", True),
        ("", True),
    ],
)
def test_whether_the_target_of_a_build_is_made_from_go(target: str, builds: bool) -> None:
    text = """ARG KIND
FROM golang:1.26 AS build
RUN go build -o /main .
FROM alpine:3.22 AS prod
COPY --from=build /main /main
FROM cosmtrek/air AS dev
FROM build-$KIND AS any
FROM alpine:3.22 AS tools
RUN wget -qO- https://go.dev/dl/go1.26.0.linux-amd64.tar.gz | tar -xz
CMD air
FROM acme/dev:3 AS team
CMD make run
FROM node:22 AS both
COPY --from=golang:1.26 /usr/local/go /usr/local/go
FROM node:22 AS frontend
RUN npm install
CMD ["npm", "run", "dev"]
"""
    assert builds_go(parse(text), target) == builds
