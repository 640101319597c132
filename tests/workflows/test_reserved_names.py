"""What devctl adds to a model has names of its own: a user's name that begins so is refused before anything is decided."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from devctl.domain.command.requests import UpRequest
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.plan.run import dev_run
from devctl.errors import FilesError
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.project.load import load
from devctl.workflows.session.overlay import overlay_files
from tests.fakes import World


def refused(top: dict[str, Any], **service: Any) -> FilesError:
    world = World()
    spec = {"build": {"context": ".", **service.pop("build", {})}, **service}
    world.save("compose.yaml", json.dumps({"services": {"shop": spec}, **top}))
    with pytest.raises(FilesError) as found:
        up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    assert world.calls == []
    return found.value


@pytest.mark.parametrize(
    ("kind", "name", "definition"),
    [
        ("secrets", "devctl-netrc", {"file": "/home/dev/shop/words"}),
        ("secrets", "devctl-gitconfig", {"environment": "HOME"}),
        ("volumes", "devctl-cache", {"driver_opts": {"o": "bind", "device": "/"}}),
        ("networks", "devctl-net", {}),
        ("configs", "devctl-x", {"content": "x"}),
    ],
)
def test_a_definition(kind: str, name: str, definition: dict[str, Any]) -> None:
    error = refused({kind: {name: definition}})
    assert (error.code, error.exit_code) == ("reserved-name", 3)
    assert name in str(error)
    assert name in error.problem.hint
    assert error.problem.place == "compose.yaml"


def test_a_context_of_a_build() -> None:
    error = refused({}, build={"additional_contexts": {"devctl-stage-0": "docker-image://x"}})
    assert error.code == "reserved-name"
    assert "services.shop.build.additional_contexts has the name devctl-stage-0" in str(error)


def test_a_service_may_be_called_so() -> None:
    world = World()
    world.save("compose.yaml", json.dumps({"services": {"devctl-shop": {"build": "."}}}))
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    assert world.container is not None


def test_a_stage_that_is_called_as_devctl_calls_one_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    box = world.box()
    project = load(box, world.root)
    run = replace(dev_run(project, project.services[0]), ours=False, dockerfile="Dockerfile", stage="0")
    stages = (Stage("", "golang:1.26", 0, 1, ()), Stage("Devctl-stage-0", "scratch", 1, 2, ()))
    facts = DockerfileFacts("Dockerfile", stages, {})
    monkeypatch.setattr(box.sources, "dockerfile_text", lambda *_, **__: facts)
    world.save("Dockerfile", "FROM golang:1.26\nFROM scratch AS Devctl-stage-0\n")
    with pytest.raises(FilesError, match="a stage is named Devctl-stage-0") as found:
        overlay_files(box, project, run)
    assert (found.value.code, found.value.problem.place) == ("reserved-name", "Dockerfile:2")
