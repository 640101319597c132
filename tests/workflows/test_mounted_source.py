"""A compose service that compiles the mounted source by itself is the Go service, whatever else the repository has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli import here
from tests.helpers import build_tree

pytestmark = pytest.mark.engine  # compose makes the model

SERVER = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
WORKER = "package main\n\nfunc main() { select {} }\n"
GO = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "cmd/api/main.go": SERVER,
    "cmd/worker/main.go": WORKER,
    "cmd/admin/main.go": SERVER,
}
PRODUCTION = """FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN go build -o /out/api ./cmd/api && go build -o /out/worker ./cmd/worker

FROM alpine:3.22
COPY --from=build /out/ /usr/local/bin/
CMD ["api", "--mode", "prod"]
"""


def compose(text: str, **more: str) -> dict[str, str]:
    return {**GO, "compose.yaml": f"services:\n{text}", **more}


def shown(root: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    values = here("config", "show", cwd=root).result["values"]
    services = here("config", "render", cwd=root).result["model"]["services"]
    return {key.removeprefix("services."): it["value"] for key, it in values.items()}, services


def test_its_command_says_what_runs_and_where(tmp_path: Path) -> None:
    text = """
  web:
    image: golang:1.26-alpine
    working_dir: /src/cmd/api
    command: sh -c "go mod download && COLOR=blue go run -tags sweet . --name 'a b'"
    environment: {GOMODCACHE: /mods, LEVEL: debug}
    volumes: [".:/src", "mods:/mods", "data:/data"]
    ports: ["127.0.0.1:9000:8080"]
    depends_on: [db]
  db: {image: "postgres:17"}
volumes: {mods: {}, data: {}}
"""
    values, services = shown(build_tree(tmp_path / "shop", compose(text)))
    assert set(services) == {"web", "db"}
    assert (values["web.main"], values["web.args"], values["web.build.tags"]) == (
        "./cmd/api",
        ["--name", "a b"],
        ["sweet"],
    )
    web = services["web"]
    assert {v["target"] for v in web["volumes"]} == {"/src", "/app", "/data", "/cache"}
    said = web["environment"]
    assert (said["LEVEL"], said["COLOR"], said["DEVCTL_WORKDIR"]) == ("debug", "blue", "cmd/api")
    assert "GOMODCACHE" not in said and "db" in web["depends_on"] and web["command"] == ["--name", "a b"]
    assert web["build"]["args"]["GO_IMAGE"] == "golang:1.26-alpine"


def test_two_services_share_a_main_and_a_reloader_is_told_by_its_file(tmp_path: Path) -> None:
    text = """
  one: &one
    image: golang:1.26
    working_dir: /src
    command: go run ./cmd/worker --queue one
    volumes: [".:/src"]
  two: {<<: *one, command: "go run ./cmd/worker --queue two"}
  web:
    image: cosmtrek/air
    working_dir: /src
    volumes: [".:/src"]
"""
    air = "[build]\ncmd = 'go build -o ./tmp/main ./cmd/admin'\n"
    values, services = shown(build_tree(tmp_path / "shop", compose(text, **{".air.toml": air})))
    assert set(services) == {"one", "two", "web"}
    assert [values[f"{name}.main"] for name in ("one", "two", "web")] == ["./cmd/worker"] * 2 + [
        "./cmd/admin"
    ]
    assert services["two"]["command"] == ["--queue", "two"]
    assert services["web"]["build"]["args"]["GO_IMAGE"] == "golang:1.26-alpine"


def test_production_is_what_a_dockerfile_builds_of_the_same_program(tmp_path: Path) -> None:
    text = """
  web:
    image: golang:1.26
    working_dir: /src
    command: go run ./cmd/api{}
    volumes: [".:/src"]
"""
    for given, command in (("", None), (" --mode dev", ["api", "--mode", "dev"])):
        root = build_tree(tmp_path / f"shop{bool(given)}", compose(text.format(given), Dockerfile=PRODUCTION))
        values, services = shown(root)
        assert values["web.dev_stage"] == "devctl's own"
        assert services["web"]["build"]["target"] == "dev"
        assert values["web.prod_stages"] == {"alpine": "1"}
        prod = here("config", "render", "--mode", "prod", cwd=root).result["model"]["services"]["web"]
        assert prod.get("command") == command


def test_an_image_built_in_a_folder_without_code_is_one_too(tmp_path: Path) -> None:
    text = """
  web:
    build: docker/go
    working_dir: /src
    command: {}
    volumes: [".:/src"]
    ports: ["8080"]
"""
    for name, command, stage in (
        ("run", "go run ./cmd/api", "devctl's own"),
        ("reflex", "reflex -- go run ./cmd/api", "0"),
    ):
        dockerfile = (
            "FROM golang:1.26-alpine\nENV LEVEL=info\nRUN go install github.com/cespare/reflex@latest\n"
        )
        files = compose(text.format(command), **{"docker/go/Dockerfile": dockerfile})
        values, services = shown(build_tree(tmp_path / name, files))
        assert set(services) == {"web"} and values["web.main"] == "./cmd/api"
        assert values["web.dev_stage"] == stage, name
        assert name == "reflex" or services["web"]["environment"]["LEVEL"] == "info"


def test_a_service_that_devctl_yaml_names_is_no_dependency(tmp_path: Path) -> None:
    text = """
  web:
    image: golang:1.26
    working_dir: /src
    command: sleep infinity
    volumes: [".:/src"]
    environment: {LEVEL: debug}
"""
    said = "version: 1\nservices: {web: {main: ./cmd/api, args: [--x]}}\n"
    values, services = shown(build_tree(tmp_path / "shop", compose(text, **{"devctl.yaml": said})))
    assert set(services) == {"web"} and services["web"]["environment"]["LEVEL"] == "debug"
    assert (values["web.main"], services["web"]["command"]) == ("./cmd/api", ["--x"])


def test_what_comes_before_the_program_runs_at_each_start(tmp_path: Path) -> None:
    text = """
  web:
    image: golang:1.26
    working_dir: /src
    command: sh -c "go run ./cmd/worker up && go run ./cmd/api --x"
    volumes: [".:/src"]
"""
    values, services = shown(build_tree(tmp_path / "shop", compose(text)))
    assert values["web.main"] == "./cmd/api"
    (shell, flag, script, _), command = services["web"]["entrypoint"], services["web"]["command"]
    assert (shell, flag, command) == ("sh", "-c", ["--x"])
    assert script == '(cd /app && (go run ./cmd/worker up)) && exec devctl-run /tmp/air/main "$$@"'
