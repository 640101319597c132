"""Whether events arrive is tried once, and only what was tried counts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.domain.command.requests import UpRequest
from devctl.domain.ports.toolbox import Finished, Toolbox
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.project.load import load
from devctl.workflows.session.event_trial import known_to_fail, try_once
from tests.fakes import FakeProcesses, World


class Listener(FakeProcesses):
    """`docker exec … air`: its output, and whether it keeps listening. `later`: what it says of a write inside; None where that
    cannot be done."""

    def __init__(self, world: World, *lines: str, lives: bool, later: tuple[str, ...] | None) -> None:
        super().__init__(world)
        self.lines, self.lives, self.later, self.started = lines, lives, later, 0
        self.on_line: Callable[[str, str], None] = lambda stream, line: None

    def run(self, argv: Any, **how: Any) -> Finished:
        if not any("control.probe" in word for word in argv):
            return super().run(argv, **how)
        for line in self.later or ():
            self.on_line("stderr", line)
        return Finished(0 if self.later is not None else 1, "", "")

    @contextlib.contextmanager
    def follow(self, argv: Any, *, on_line: Callable[[str, str], None]) -> Iterator[Callable[[], bool]]:
        self.started, self.on_line = self.started + 1, on_line
        for line in self.lines:
            on_line("stderr", line)
        yield lambda: self.lives


HEARD, INSIDE = "saved.probe has changed", "control.probe has changed"


def tried(
    *lines: str, lives: bool = True, later: tuple[str, ...] | None = (INSIDE,)
) -> tuple[Toolbox, World, Listener, bool | None]:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    listener = Listener(world, *lines, lives=lives, later=later)
    box = replace(world.box(), processes=cast("Any", listener))
    project = load(box, world.root)
    container = box.engine.containers(project.name).of(project.services[0].name)
    assert container is not None
    polls = try_once(box, project, container)
    try_once(box, project, container)
    return box, world, listener, polls


@pytest.mark.parametrize(
    ("lines", "lives", "later", "polls", "noted", "tries"),
    [
        (("watching .", HEARD), True, (), False, True, 1),
        (("watching .",), True, (INSIDE,), True, False, 1),
        (("watching .",), True, None, True, False, 1),
        (("watching .",), True, (HEARD, INSIDE), False, True, 1),  # a busy machine
        (("watching .",), True, (), None, None, 2),  # a very busy one
        ((), True, (), None, None, 2),  # it never got to watch: that says nothing
        (("air: not found",), False, (), None, None, 2),
    ],
)
def test_what_is_heard_decides(
    *,
    lines: tuple[str, ...],
    lives: bool,
    later: tuple[str, ...] | None,
    polls: bool | None,
    noted: bool | None,
    tries: int,
) -> None:
    box, world, listener, began = tried(*lines, lives=lives, later=later)
    assert (began, listener.started) == (polls, tries)
    text = world.files.get(world.root / ".devctl/events.json")
    assert (json.loads(text)["arrive"] if text else None) is noted
    assert known_to_fail(box.reporter, box.state, load(box, world.root)) is bool(polls)


def test_a_note_that_says_nothing_counts_for_nothing() -> None:
    box, world, _, _ = tried("watching .")
    world.files[world.root / ".devctl/events.json"] = "{"
    assert known_to_fail(box.reporter, box.state, load(box, world.root)) is False
