"""The builds of several services: in which order they start, and what is reported if one fails or Ctrl-C is pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.command.events import StepDone, StepEnded, StepFailed
from devctl.domain.command.requests import PreviewRequest, UpRequest
from devctl.domain.ports.toolbox import Finished, Toolbox
from devctl.errors import DevctlError, InterruptedByUser, ProjectError
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.project.load import load
from devctl.workflows.session.session import open_session
from tests.fakes import World

NAMES = ("api", "jobs", "web")


def three(**more: Any) -> World:
    world = World()
    world.compose({name: {"build": "."} for name in NAMES} | more)
    return world


class Broken(Struct, dict=True):
    """A compose that cannot build one of the services."""

    compose: Any
    broken: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.compose, name)

    def build(self, root: Any, model: Any, services: Sequence[str], **how: Any) -> Any:
        if self.broken in services:
            return Finished(
                1, "", f"#9 [{self.broken} deps 2/3] RUN false\n#9 0.2 no such module\nfailed to solve"
            )
        return self.compose.build(root, model, services, **how)


class Beside(Struct):
    """Processes that begin works in this order, and end the others where one fails, as far as they have begun."""

    processes: Any
    begun: Callable[[Sequence[Callable[[], None]]], None]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.processes, name)

    def side_by_side(self, works: Sequence[Callable[[], None]], *, at_once: int) -> None:
        self.begun(works)


def builds(world: World) -> list[str]:
    return [step.removeprefix("build ") for step in world.steps if step.startswith("build ")]


def start(world: World, box: Toolbox | None = None) -> None:
    up(UpRequest(project=world.root, detach=True, watch=False), box or world.box())


def test_dev_stages_are_built_side_by_side_within_what_the_engine_has() -> None:
    world = three()
    world.room = (16, 6_000_000_000)
    start(world)
    assert (builds(world), world.at_once) == (list(NAMES), 3)


def test_the_first_production_build_is_over_before_the_others_begin() -> None:
    world = three()
    start(world)
    world.steps.clear()
    seen: list[list[str]] = []

    def begun(works: Sequence[Callable[[], None]]) -> None:
        seen.append(builds(world))
        for work in works:
            work()

    box = world.box()
    prod_preview(PreviewRequest(project=world.root), replace(box, processes=Beside(box.processes, begun)))  # type: ignore[arg-type]
    assert (seen, builds(world)) == ([["api"]], list(NAMES))


def test_one_service_asks_the_engine_nothing_and_is_built_in_this_thread() -> None:
    world = World()
    start(world)
    assert world.at_once == 0


def test_the_one_that_fails_is_told_of_and_those_beside_it_are_not() -> None:
    world = three()
    box = world.box()

    def begun(works: Sequence[Callable[[], None]]) -> None:
        """The second fails while the first is under way."""
        with pytest.raises(ProjectError) as raised:
            works[1]()
        box.compose.build = ended  # type: ignore[method-assign]
        with pytest.raises(InterruptedByUser):
            works[0]()
        raise raised.value

    def ended(*_: Any, **__: Any) -> Finished:
        raise InterruptedByUser

    box = replace(
        box,
        compose=Broken(box.compose, "jobs"),  # type: ignore[arg-type]
        processes=Beside(box.processes, begun),  # type: ignore[arg-type]
    )
    with pytest.raises(DevctlError) as caught:
        start(world, box)
    assert "jobs" in str(caught.value)
    failed = [e for e in world.events if isinstance(e, StepFailed) and e.step == "build"]
    assert [(e.service, isinstance(e, StepEnded)) for e in failed] == [("jobs", False), ("api", True)]
    assert not world.containers


def test_ctrl_c_ends_all_and_nothing_is_started() -> None:
    world = three()
    world.interrupt_at("build jobs")
    with pytest.raises(InterruptedByUser):
        start(world)
    assert builds(world) == ["api", "jobs"] or builds(world) == ["api"]
    assert not world.containers
    start(world)
    assert {c.service for c in world.containers.values()} == set(NAMES)


def test_what_nobody_needs_may_fail() -> None:
    world = three(docs={"build": {"context": "docs"}})
    box = world.box()
    start(world, replace(box, compose=Broken(box.compose, "docs")))  # type: ignore[arg-type]
    assert builds(world) == list(NAMES)
    assert {c.service for c in world.containers.values()} == set(NAMES)
    assert any("docs is not running" in w.message for w in world.warnings)
    done = [e.service for e in world.events if isinstance(e, StepDone) and e.step == "build"]
    assert done == list(NAMES)


class Asked(Struct):
    """An engine, and which images it was asked for."""

    engine: Any
    refs: list[Sequence[str]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def images(self, refs: Sequence[str]) -> Any:
        self.refs.append(refs)
        return self.engine.images(refs)


def test_the_bases_of_all_services_are_asked_for_in_one_call() -> None:
    world = three()
    world.base = "golang:1.26-alpine"
    box = world.box()
    engine = Asked(box.engine, [])
    project = load(box, world.root)
    open_session(replace(box, engine=engine), project, mode="dev")  # type: ignore[arg-type]
    assert len([refs for refs in engine.refs if world.base in refs]) == 1
