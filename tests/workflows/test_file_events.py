"""Whether events arrive is tried once, and only what was tried counts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.domain.command.requests import UpRequest
from devctl.domain.ports.toolbox import Toolbox
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.project.load import load
from devctl.workflows.session.event_trial import known_to_fail, try_once
from tests.fakes import FakeProcesses, World


class Listener(FakeProcesses):
    """`docker exec … air`: its output, and whether it keeps listening."""

    def __init__(self, world: World, *lines: str, lives: bool = True) -> None:
        super().__init__(world)
        self.lines, self.lives, self.started = lines, lives, 0

    @contextlib.contextmanager
    def follow(self, argv: Any, *, on_line: Callable[[str, str], None]) -> Iterator[Callable[[], bool]]:
        self.started += 1
        for line in self.lines:
            on_line("stderr", line)
        yield lambda: self.lives


def tried(*lines: str, lives: bool = True) -> tuple[Toolbox, World, Listener, bool | None]:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    listener = Listener(world, *lines, lives=lives)
    box = replace(world.box(), processes=cast("Any", listener))
    project = load(box, world.root)
    container = box.engine.containers(project.name).of(project.services[0].name)
    assert container is not None
    polls = try_once(box, project, container)
    try_once(box, project, container)
    return box, world, listener, polls


@pytest.mark.parametrize(
    ("lines", "lives", "polls", "noted", "tries"),
    [
        (("watching .", "saved.probe has changed"), True, False, True, 1),
        (("watching .",), True, True, False, 1),
        ((), True, None, None, 2),  # it never got to watch: that says nothing
        (("air: not found",), False, None, None, 2),
    ],
)
def test_what_is_heard_decides(
    lines: tuple[str, ...], lives: bool, polls: bool | None, noted: bool | None, tries: int
) -> None:
    box, world, listener, began = tried(*lines, lives=lives)
    assert (began, listener.started) == (polls, tries)
    text = world.files.get(world.root / ".devctl/events.json")
    assert (json.loads(text)["arrive"] if text else None) is noted
    assert known_to_fail(box.reporter, box.state, load(box, world.root)) is bool(polls)


def test_a_note_that_says_nothing_counts_for_nothing() -> None:
    box, world, _, _ = tried("watching .")
    world.files[world.root / ".devctl/events.json"] = "{"
    assert known_to_fail(box.reporter, box.state, load(box, world.root)) is False
