"""What compose could not start is known before anything is built, and leaves alone what runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devctl.domain.command.events import StepDone, StepFailed
from devctl.domain.command.requests import PreviewRequest, UpRequest
from devctl.errors import DevctlError, Problem
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.preview.preview import prod_preview
from tests.fakes import World

PULLED = "registry.example/team/cache:7"
Files = dict[str, Any]


def project(service: str, spec: Files, **sections: Files) -> World:
    """`spec` is added to one of a service, the dependency that it needs, and one that nobody needs."""
    world = World()
    write(world, service, spec, **sections)
    return world


def write(world: World, service: str, spec: Files, **sections: Files) -> None:
    specs: Files = {
        "api": {"build": ".", "depends_on": ["db"]},
        "db": {"image": "pg"},
        "spare": {"image": "proxy"},
    }
    specs[service] |= spec
    world.save("compose.yaml", json.dumps({"services": specs, **sections}))


def up_d(world: World) -> None:
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())


def preview(world: World) -> None:
    prod_preview(PreviewRequest(project=world.root), world.box())


NETWORK = ({"networks": {"back": None}}, {"networks": {"back": {"external": True, "name": "corp"}}})
VOLUME = ({"volumes": ["old:/data"]}, {"volumes": {"old": {"external": True, "name": "archive"}}})
SECRET = (
    {"secrets": [{"source": "token", "target": "token"}]},
    {"secrets": {"token": {"file": "/home/dev/shop/token.txt"}}},
)
CASES = {
    "network": (*NETWORK, "network-missing", "the external network corp does not exist"),
    "volume": (*VOLUME, "volume-missing", "the external volume archive does not exist"),
    "secret": (*SECRET, "secret-file-missing", "token.txt, the file of the secret token of"),
}


@pytest.mark.parametrize("service", ["api", "db"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_not_there_is_named_before_anything_is_built(case: str, service: str) -> None:
    spec, sections, code, message = CASES[case]
    world = project(service, spec, **sections)
    with pytest.raises(DevctlError) as error:
        up_d(world)
    problem = error.value.problem
    assert (problem.code, problem.message[: len(message)]) == (code, message)
    assert problem.place == "compose.yaml"
    assert not world.images and not world.containers and "build" not in world.calls


@pytest.mark.parametrize("command", [up_d, preview])
@pytest.mark.parametrize("case", CASES)
def test_what_runs_is_left_alone_by_a_change_that_cannot_start(case: str, command: Any) -> None:
    spec, sections, code, _ = CASES[case]
    world = World()
    write(world, "api", {})
    up_d(world)
    before, served = dict(world.containers), world.served
    write(world, "api", spec, **sections)
    world.steps.clear()
    with pytest.raises(DevctlError) as error:
        command(world)
    assert error.value.code == code
    assert "is serving again" not in error.value.problem.message  # it never stopped
    notes = ("intent", "told.json", "preview.json", "devctl-previous")
    assert not [step for step in world.steps if not any(note in step for note in notes)]
    assert world.containers == before and world.served == served


def test_an_image_that_is_not_available_is_named_whole_before_anything_is_built() -> None:
    world = project("db", {"image": PULLED})
    world.unpullable.add(PULLED)
    with pytest.raises(DevctlError) as error:
        up_d(world)
    assert error.value.code == "image-unknown" and PULLED in error.value.problem.message
    assert "build" not in world.calls and not world.containers


def test_the_preview_does_not_build_for_a_dependency_that_is_not_available() -> None:
    world = World()
    write(world, "api", {})
    up_d(world)
    served = world.served
    write(world, "db", {"image": PULLED})
    world.unpullable.add(PULLED)
    world.containers.pop(world.of("db").id)
    world.calls.clear()
    with pytest.raises(DevctlError) as error:
        preview(world)
    assert error.value.code == "image-unknown" and PULLED in error.value.problem.message
    assert "build" not in world.calls and world.served == served


@pytest.mark.parametrize("case", [*CASES, "image"])
def test_a_dependency_that_nobody_needs_is_left_out(case: str) -> None:
    spec, sections = CASES[case][:2] if case in CASES else ({"image": PULLED}, {})
    world = project("spare", spec, **sections)
    world.unpullable.add(PULLED)
    up_d(world)
    assert {c.service for c in world.containers.values()} == {"api", "db"}
    left: list[Problem] = [w for w in world.warnings if w.code == "dependency-left-out"]
    assert [w.message.partition(":")[0] for w in left] == ["spare is not running"]
    pulls = [type(e) for e in world.events if isinstance(e, StepDone | StepFailed) and e.step == "pull"]
    assert pulls[-1] == (StepFailed if case == "image" else StepDone)


def test_available_images_are_fetched_before_the_build() -> None:
    world = project("db", {"image": PULLED})
    up_d(world)
    assert world.calls.index("pull") < world.calls.index("build")
    assert world.of("db").state == "running"
