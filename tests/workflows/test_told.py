"""A person reads a warning once, and again when it has changed; JSON has every variable of them."""

from __future__ import annotations

import json

from devctl.domain.command.requests import PreviewRequest, UpRequest
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.preview.preview import prod_preview
from tests.fakes import World


def _written(world: World, *variables: str, above: str = "") -> None:
    env = {name: f"${{{name}}}" for name in variables}
    model = {"services": {"api": {"build": ".", "environment": env}}}
    world.save("compose.yaml", above + json.dumps(model, indent=1))


def _up(world: World) -> tuple[list[str], list[str]]:
    """The variables that an `up` which starts everything from scratch reports: the first time, and once more."""
    world.warnings, world.read_before = [], set()
    world.containers.clear()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    return _told(world)


def _told(world: World) -> tuple[list[str], list[str]]:
    told = [w for w in world.warnings if w.code == "compose-variable-unset"]
    return [w.message for w in told if w not in world.read_before], [
        w.message for w in told if w in world.read_before
    ]


def test_once_and_again_when_it_changed() -> None:
    world = World()
    _written(world, "DSN")
    new, old = _up(world)
    assert len(new) == 1 and "DSN" in new[0] and old == []
    assert _up(world) == ([], new)
    _written(world, "DSN", above="\n\n")
    assert _up(world) == ([], new), "the line moved"
    _written(world, "DSN", "TOKEN")
    more, known = _up(world)
    assert len(more) == 1 and "TOKEN" in more[0] and known == new
    _written(world)
    assert _up(world) == ([], [])
    _written(world, "DSN")
    assert _up(world) == (new, []), "it went away, and came back"


def test_the_preview_does_not_repeat_what_up_told() -> None:
    world = World()
    _written(world, "DSN")
    new, _ = _up(world)
    world.warnings, world.read_before = [], set()
    prod_preview(PreviewRequest(project=world.root), world.box())
    assert _told(world) == ([], new)
