"""What `init --devcontainer` writes: the second compose project, and how an editor enters it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from devctl.domain.project.model import ImageBuild, Project, ServedPort, Service
from devctl.domain.scaffold.devcontainer import devcontainer_files, needs_dockerfile

ROOT = Path("/home/ada/mill")
RESET = "reset"


class Resets(yaml.SafeLoader):
    """Reads compose's `!reset` as a word."""


Resets.add_constructor("!reset", lambda loader, node: RESET)


def project(service: Service, model: dict[str, Any], *, generated: bool = False) -> Project:
    return Project(
        root=ROOT, name="mill", services=(service,), model=model, generated=generated, go_version="1.26", bases={},
        mirror=None, owner=(1000, 1000),
    )  # fmt: skip


def written(of: Project, *files: str) -> tuple[dict[str, Any], dict[str, Any]]:
    texts = devcontainer_files(of, of.services[0], [ROOT / name for name in files])
    config = json.loads(texts[".devcontainer/devcontainer.json"])
    return config, yaml.load(texts[".devcontainer/compose.yaml"], Loader=Resets)


def test_a_new_project_is_opened_where_its_compose_file_mounts_it() -> None:
    of = project(Service(name="app", serve=ServedPort(port=8080)), {"services": {"app": {}}}, generated=True)
    config, compose = written(of, "compose.yaml")
    assert config["dockerComposeFile"] == ["../compose.yaml", "compose.yaml"]
    assert (config["service"], config["runServices"], config["workspaceFolder"]) == ("app", ["app"], "/app")
    assert (config["overrideCommand"], config["remoteUser"], config["forwardPorts"]) == (False, "dev", [8080])
    assert config["customizations"]["vscode"]["extensions"] == ["golang.go"]
    assert compose["name"] == "${DEVCONTAINER_NAME:-mill-devcontainer}"
    app = compose["services"]["app"]
    assert (app["build"]["target"], app["user"]) == ("dev", "0:0")
    assert "volumes" not in app and "volumes" not in compose
    assert not needs_dockerfile(of, of.services[0])


STAGE = ImageBuild(dockerfile="docker/Dockerfile", dev_stage="tools", context=".")
MODEL = {
    "services": {
        "api": {
            "ports": [{"target": 8080}], "container_name": "mill", "image": "mill:1", "mem_limit": "64m",
            "environment": {"STORE": "store:5432", "GOPRIVATE": "git.example.com"},
        },
        "store": {
            "ports": [{"target": 5432}],
            "volumes": [
                {"type": "bind", "source": "/home/ada/mill/pg", "target": "/var/lib/postgresql/data"},
                {"type": "bind", "source": "/home/ada/mill/init", "target": "/docker-entrypoint-initdb.d"},
            ],
        },
        "unrelated": {"container_name": "unrelated"},
    },
    "volumes": {"a": {"name": "mill_a"}, "b": {"name": "ours"}, "c": {"name": "shared", "external": True}},
}  # fmt: skip


def test_nothing_that_an_engine_has_once_is_requested_twice() -> None:
    config, compose = written(
        project(Service(name="api", build=STAGE), MODEL), "deploy/compose.yaml", "deploy/more.yaml"
    )
    assert config["dockerComposeFile"] == ["../deploy/compose.yaml", "../deploy/more.yaml", "compose.yaml"]
    assert config["runServices"] == ["api", "store"]
    assert "forwardPorts" not in config
    api, store = compose["services"]["api"], compose["services"]["store"]
    assert {key for key, value in api.items() if value == RESET} == {
        "ports", "container_name", "image", "mem_limit",
    }  # fmt: skip
    assert store == {"ports": RESET, "volumes": ["/var/lib/postgresql/data"]}
    assert set(compose["services"]) == {"api", "store"}
    assert compose["volumes"] == {"b": {"name": RESET}}


def test_the_stage_of_up_is_built_and_what_the_compose_file_says_wins() -> None:
    config, compose = written(project(Service(name="api", build=STAGE), MODEL), "deploy/compose.yaml")
    api = compose["services"]["api"]
    assert (api["build"]["target"], api["build"]["dockerfile"]) == ("tools", "docker/Dockerfile")
    assert set(api["environment"]) == {"GOPROXY", "GOSUMDB"}
    assert api["volumes"] == ["..:/workspace"]
    assert config["workspaceFolder"] == "/workspace"


def test_without_a_dev_stage_devctls_own_is_used_with_a_cache() -> None:
    of = project(Service(name="api", build=ImageBuild(dockerfile="Dockerfile")), MODEL)
    _, compose = written(of, "compose.yaml")
    assert needs_dockerfile(of, of.services[0])
    api = compose["services"]["api"]
    assert (api["build"]["dockerfile"], api["build"]["target"]) == (".devcontainer/Dockerfile", "dev")
    assert api["volumes"] == [".:/workspace", "devcontainer-cache:/cache"]
    assert compose["volumes"] == {"b": {"name": RESET}, "devcontainer-cache": None}


def test_a_project_that_is_already_mounted_stays_there() -> None:
    mounts = [{"type": "bind", "source": str(ROOT), "target": "/src"}]
    model = {"services": {"api": {"volumes": mounts}}}
    config, compose = written(project(Service(name="api", build=STAGE), model), "compose.yaml")
    assert config["workspaceFolder"] == compose["services"]["api"]["working_dir"] == "/src"
    assert "volumes" not in compose["services"]["api"]
