"""The volume that dev containers compile in: a new one is filled once, and nothing depends on that."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.command.events import Remark
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.ports.toolbox import Finished, Sources, Toolbox
from devctl.workflows.engine.compiler_cache import ensure_cache
from devctl.workflows.project.load import load
from devctl.workflows.session.session import open_session
from devctl.workflows.session.steps import Steps
from devctl.workflows.size import reproducible
from tests.engine.conftest import TEMPLATE
from tests.fakes import ROOT, FakeImage, World


def reading(box: Toolbox) -> Toolbox:
    """A box for which every Dockerfile is the template."""

    def dockerfile_text(text: str, *, path: str, args: Mapping[str, str]) -> DockerfileFacts:
        return parse((TEMPLATE / "Dockerfile").read_text())

    return replace(box, sources=cast("Sources", SimpleNamespace(dockerfile_text=dockerfile_text)))


def built(world: World, box: Toolbox) -> list[object]:
    """The steps of `ensure_cache` on a project whose images are there."""
    session, steps = (
        open_session(world.box(), load(world.box(), ROOT), mode="dev"),
        Steps(box.reporter, box.clock),
    )
    ensure_cache(box, session, steps)
    assert session.project.cache_volume in world.volumes
    return [step.step for step in steps.done]


def test_a_new_volume_is_filled_and_one_that_is_there_is_left_alone() -> None:
    world = World()
    asked: list[Any] = []
    box = reading(world.box())
    run = box.processes.run
    processes = SimpleNamespace(run=lambda argv, **how: asked.append(argv) or run(argv, **how))
    box = replace(box, processes=cast("Any", processes))
    assert built(world, box) == ["cache"]
    assert any("/cache" in word for word in asked[0]) and world.calls == ["build"]
    assert not world.tags, "the image that it was filled from is there for that moment only"
    assert "remove an image, not its cache" in world.steps, "podman's builder would compile it all again"
    assert built(world, box) == [] and world.calls == ["build"]


@pytest.mark.parametrize("fails", ["build", "run"])
def test_what_cannot_be_filled_stops_nothing(fails: str) -> None:
    world = World()
    box = reading(world.box())
    failed = SimpleNamespace(run=lambda argv, **how: Finished(125, "", "no room"))
    if fails == "run":
        box = replace(box, processes=cast("Any", failed))
    else:
        world.fault = "build-fails"
    assert built(world, box) == ["cache"]
    assert not world.tags


def test_a_dockerfile_without_that_stage_fills_nothing() -> None:
    world = World()
    assert built(world, world.box()) == [] and world.calls == []


def test_the_users_names_of_images_stay_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    box = reading(world.box())
    world.tags["shop-shop:std"] = "theirs"
    world.images["theirs"] = FakeImage("theirs", {}, "", None)
    session = open_session(world.box(), load(world.box(), ROOT), mode="dev")
    build = session.model["services"]["shop"]["build"]
    build |= {"tags": ["shop:latest"], "cache_to": ["type=local,dest=/home/me"]}
    given: list[Any] = []
    compose = SimpleNamespace(
        build=lambda root, model, names, **how: given.append(model) or Finished(1, "", "failed to solve")
    )
    ensure_cache(replace(box, compose=cast("Any", compose)), session, Steps(box.reporter, box.clock))
    (model,) = given
    assert not {"tags", "cache_to"} & model["services"]["shop"]["build"].keys()
    assert model["services"]["shop"]["image"] not in ("shop-shop:std", "shop-shop:dev")
    assert world.tags["shop-shop:std"] == "theirs"
    assert any("that failed" in event.text for event in world.events if isinstance(event, Remark))


def test_a_second_build_takes_no_name_of_the_users() -> None:
    session = open_session(World().box(), load(World().box(), ROOT), mode="dev")
    spec = {"build": {"context": ".", "tags": ["shop:latest"], "labels": {}, "cache_to": ["type=inline"]}}
    again = reproducible._spec(World().box().identity, session.runs[0], spec)
    assert again["build"] == {"context": ".", "labels": dict(World().box().identity.temporary())}
