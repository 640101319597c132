"""Volumes of a service in devctl's dev stage: whichever user runs it may write to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.command.requests import UpRequest
from devctl.domain.compose.mounted_files import means_file
from devctl.domain.dockerfile.stages import find_stage
from devctl.domain.project.model import ImageBuild, Project, Service
from devctl.errors import FilesError
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.session.bind_mounts import at_end, with_volumes
from tests.fakes import World

TEMPLATE = (Path(__file__).parents[2] / "templates" / "go-service" / "Dockerfile").read_text()
SERVICE = Service("api")


def project(*volumes: tuple[str, str]) -> Project:
    spec = {"volumes": [{"type": kind, "source": "x", "target": target} for kind, target in volumes]}
    return Project(
        root=Path("/shop"), name="shop", services=(SERVICE,), model={"services": {"api": spec}}, generated=False,
        go_version="1.26", bases={}, mirror=None, owner=(1000, 1000),
    )  # fmt: skip


def test_a_folder_for_each_volume_in_the_dev_stage() -> None:
    text = with_volumes(TEMPLATE, project(("volume", "/data/"), ("volume", "/app/up loads")), SERVICE)
    added = "RUN mkdir -p /data '/app/up loads' && chmod 1777 /data '/app/up loads'\n"
    assert added in text.partition(" AS dev\n")[2].partition("\nFROM ")[0]
    assert len(text.splitlines()) == len(TEMPLATE.splitlines()) + 2


@pytest.mark.parametrize("says_cache", [True, False])
def test_a_dev_stage_of_the_users_ends_with_them(says_cache: bool) -> None:
    theirs = "FROM golang:1.26 AS dev\nUSER dev\nCMD air"
    text, service = f"{theirs}\nFROM dev AS build\n", Service("api", build=ImageBuild(says_cache=says_cache))
    facts = parse(text, path="Dockerfile", args={})
    stage = find_stage(facts, "dev")
    assert stage is not None
    made = "/data" if says_cache else "/cache /data"
    assert at_end(text, facts, stage, project(("volume", "/data")), service).splitlines() == [
        *theirs.splitlines(), "", "# A new volume starts as a copy of the folder at its path: any user may write there.",
        "USER 0:0", f"RUN mkdir -p {made} && chmod 1777 {made}", "FROM dev AS build",
    ]  # fmt: skip


def test_what_a_volume_line_of_such_a_stage_names_is_among_them() -> None:
    text = 'FROM golang:1.26 AS base\nVOLUME /app/x\nFROM base AS dev\nVOLUME ["/data", "/my files/"]\nVOLUME $WHERE /app\n'
    facts = parse(text, path="Dockerfile", args={})
    stage = find_stage(facts, "dev")
    assert stage is not None
    made = at_end(text, facts, stage, project(("volume", "/data")), SERVICE).splitlines()[-1]
    assert made.partition(" && ")[0] == "RUN mkdir -p /cache /data '/my files' /app/x"


@pytest.mark.parametrize(
    "target",
    [
        ("bind", "/data"),
        ("volume", "/app"),
        ("volume", "/cache"),
        ("volume", "/app/vendor"),
        ("volume", "/x\nRUN --mount=type=secret,id=netrc cat /run/secrets/netrc"),
    ],
)
def test_what_is_not_a_volume_of_data_changes_nothing(target: tuple[str, str]) -> None:
    assert with_volumes(TEMPLATE, project(target), SERVICE) == TEMPLATE


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/shop/nginx.conf", True),
        ("/shop/.env", True),
        ("/shop/.env.local", True),
        ("/shop/Caddyfile", True),
        ("/shop/init.SQL", True),
        ("/shop/data", False),
        ("/shop/conf.d", False),
        ("/shop/.cache", False),
        ("/shop/v1.2", False),
        ("/shop/.conf", False),
    ],
)
def test_what_means_a_file(path: str, file: bool) -> None:
    assert means_file(path) is file


def mounting(service: str, *volumes: str) -> World:
    world = World()
    specs: dict[str, dict[str, object]] = {
        "api": {"build": ".", "depends_on": ["db"]},
        "db": {"image": "pg"},
        "spare": {"image": "x"},
    }
    specs[service]["volumes"] = list(volumes)
    world.compose(specs)
    return world


def up_d(world: World) -> None:
    up(UpRequest(project=world.root, detach=True, yes=True), world.box())


@pytest.mark.parametrize("service", ["api", "db"])
def test_a_file_that_is_not_there_is_refused_before_anything_is_made(service: str) -> None:
    world = mounting(service, "./data:/data", "./conf/app.yaml:/etc/app.yaml:ro")
    world.save("conf/app.yaml.example", "x")
    with pytest.raises(FilesError) as error:
        up_d(world)
    problem = error.value.problem
    assert (problem.code, problem.place) == ("mount-file-missing", "compose.yaml:1")
    assert problem.message.startswith(f"{service} mounts the file conf/app.yaml, which does not exist")
    assert problem.hint == "cp conf/app.yaml.example conf/app.yaml, or remove the mount"
    assert not world.images and not world.containers
    assert not world.private
    world.save("conf/app.yaml", "x")
    up_d(world)  # the folder is none of our business
    assert world.of("api").state == "running"


def test_nobody_waits_for_the_file_of_a_dependency_that_nobody_needs() -> None:
    world = mounting("spare", "./prometheus.yml:/etc/prometheus.yml")
    up_d(world)
    assert {c.service for c in world.containers.values()} == {"api", "db"}
    assert [w.message for w in world.warnings if w.code == "dependency-left-out"] == [
        "spare is not running: it mounts the file prometheus.yml, which does not exist; Docker would create a folder in its "
        "place; no service of this project needs spare"
    ]
