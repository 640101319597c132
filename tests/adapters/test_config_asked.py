"""`CONFIG_PATH`: the configuration file that a variable names, or needs if nobody sets it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from devctl.adapters.go.reader import read
from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.detect.config_file_env import reread
from devctl.domain.detect.service import detect_service
from devctl.domain.project.config import Config
from devctl.domain.project.model import Service
from tests.helpers import build_tree

REQUIRED = 'path := os.Getenv("CONFIG_PATH")\n\tif path == "" {\n\t\tlog.Fatal("CONFIG_PATH is not set")\n\t}'
BY_FLAG = (
    'path := *flag.String("config", "", "")\n\tif path == "" {\n\t\tpath = os.Getenv("CONFIG_PATH")\n\t}'
)
LOCAL = "http_server:\n  address: 0.0.0.0:8082\n  user: me\n"


def service(
    root: Path,
    files: Mapping[str, str],
    *,
    load: str = REQUIRED,
    env: Mapping[str, str] | None = None,
    dockerfile: str = "",
) -> Service:
    main = (
        'package main\n\nimport (\n\t"flag"\n\t"log"\n\t"net/http"\n\t"os"\n)\n\ntype HTTP struct {\n'
        '\tAddress string `yaml:"address" env-default:"localhost:8080"`\n'
        '\tUser string `yaml:"user" env:"HTTP_USER" env-required:"true"`\n}\n\n'
        f"func main() {{\n\t{load}\n\tcfg := load(path)\n\thttp.ListenAndServe(cfg.Address, nil)\n}}\n"
    )
    build_tree(root, {"go.mod": "module example.com/short\n\ngo 1.26\n", "main.go": main, **files})
    facts = parse(dockerfile, path="Dockerfile") if dockerfile else None
    spec = {"environment": dict(env or {})}
    return detect_service(read(root), config=Config(), compose=spec, dockerfile=facts)


@pytest.mark.parametrize("load", [REQUIRED, BY_FLAG])
def test_the_file_for_a_developers_machine_is_given(tmp_path: Path, load: str) -> None:
    files = {"config/prod.yaml": "http_server:\n  address: :80\n", "config/local.yaml": LOCAL}
    found = service(tmp_path, files, load=load)
    assert (found.start.env, found.serve.port) == ({"CONFIG_PATH": "config/local.yaml"}, 8082)
    assert (found.build.files, found.origins["port"]) == (("config/local.yaml",), "config/local.yaml:2")
    assert found.start.unset_env == ()  # nor HTTP_USER: the file has it


@pytest.mark.parametrize("value", ["config/dev.yml", "./config/dev.yml", "/app/config/dev.yml"])
def test_what_somebody_sets_is_kept_and_read(tmp_path: Path, value: str) -> None:
    files = {"config/dev.yml": LOCAL, "config/local.yaml": "address: :9090\n"}
    found = service(tmp_path, files, env={"CONFIG_PATH": value})
    assert (found.start.env, found.serve.port, found.build.files) == ({}, 8082, ("config/dev.yml",))


def test_an_env_line_of_the_dockerfile_counts(tmp_path: Path) -> None:
    dockerfile = "FROM golang:1.26\nENV CONFIG_PATH=config/dev.yml\nRUN go build .\n"
    found = service(tmp_path, {"config/dev.yml": LOCAL, "config/local.yaml": ""}, dockerfile=dockerfile)
    assert (found.serve.port, found.build.files, found.start.unset_env) == (8082, ("config/dev.yml",), ())


def test_nothing_is_given_where_only_production_has_a_file(tmp_path: Path) -> None:
    found = service(tmp_path, {"config/prod.yaml": LOCAL})
    assert (found.start.env, [v.value for v in found.start.unset_env]) == ({}, ["CONFIG_PATH"])


@pytest.mark.parametrize("name", ["AWS_CONFIG_FILE", "DOCKER_CONFIG", "KUBE_CONFIG"])
def test_the_file_of_another_tool_is_not_the_programs(tmp_path: Path, name: str) -> None:
    found = service(tmp_path, {"config/local.yaml": LOCAL}, load=f'path := os.Getenv("{name}")')
    assert (found.start.env, found.build.files, found.serve.port) == ({}, (), 8080)


def test_nothing_is_given_where_the_code_has_a_file_of_its_own(tmp_path: Path) -> None:
    load = f'{BY_FLAG}\n\tif path == "" {{\n\t\tpath = "config/config.yaml"\n\t}}\n\tos.ReadFile("config/config.yaml")'
    found = service(tmp_path, {"config/config.yaml": LOCAL, "config/local.yaml": ""}, load=load)
    assert (found.start.env, found.build.files) == ({}, ("config/config.yaml",))


def test_a_stage_of_devctls_has_what_the_dockerfile_sets(tmp_path: Path) -> None:
    dockerfile = (
        "FROM golang:1.26 AS build\nCOPY . .\nRUN go build -o /server .\n"
        "FROM alpine\nCOPY config/prod.yaml /etc/short/config.yaml\n"
        'ENV CONFIG_PATH=/etc/short/config.yaml GIN_MODE=release\nCOPY --from=build /server /server\nCMD ["/server"]\n'
    )
    found = service(tmp_path, {"config/prod.yaml": LOCAL, "config/local.yaml": ""}, dockerfile=dockerfile)
    assert found.start.image_env == {"CONFIG_PATH": "config/prod.yaml"}
    assert (found.start.env, found.serve.port, found.start.unset_env) == ({}, 8082, ())


def test_a_stage_of_devctls_has_what_the_code_reads_of_it(tmp_path: Path) -> None:
    dockerfile = (
        "FROM alpine\nRUN ./fetch-it\n"
        "ENV LISTEN_PORT=3100 LEVEL=warn DATA=/var/lib/short GIN_MODE=release\nCMD /server\n"
    )
    load = 'path := os.Getenv("LISTEN_PORT") + os.Getenv("LEVEL") + os.Getenv("DATA")'
    found = service(tmp_path, {}, load=load, dockerfile=dockerfile)
    assert found.build.derived is None
    assert found.start.image_env == {"LISTEN_PORT": "3100", "LEVEL": "warn"}


@pytest.mark.parametrize(
    ("opened", "again"),
    [
        ("config/dev.toml", True),
        ("config/dev.json", True),
        ("settings.json", True),
        ("tasks.json", False),  # as often what the program writes
        ("web/index.html", False),
    ],
)
def test_an_edit_of_a_configuration_file_starts_the_program_again(
    tmp_path: Path, opened: str, again: bool
) -> None:
    found = service(tmp_path, {opened: ""}, load=f'path := "{opened}"\n\tos.ReadFile("{opened}")')
    assert found.build.files == (opened,)
    assert reread(found) == ((opened,) if again else ())
