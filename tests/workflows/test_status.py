"""`status` says "current" only where what runs is what is on disk."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from devctl.domain.command.requests import PreviewRequest, StatusRequest, UpRequest
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.dev.unchanged import state_if_unchanged
from devctl.workflows.logs.status_and_logs import status
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.switch.intent import Target
from tests.fakes import FakeImage, Holding, World, go_mod


def up_d(world: World) -> None:
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())


def serving(world: World) -> tuple[str, str | None]:
    found: Any = status(StatusRequest(project=world.root), world.box()).result["serving"]
    return found["state"], found["reason"]


def compose(**more: Any) -> Callable[[World], None]:
    return lambda world: world.compose({"api": {"build": ".", "environment": {"LEVEL": "${LEVEL}"}, **more}})


def saved(name: str, text: str) -> Callable[[World], None]:
    return lambda world: world.save(name, text)


CHANGES: dict[str, tuple[Callable[[World], None], str]] = {
    "go.mod": (saved("go.mod", go_mod("a")), "api: dependencies changed; `devctl up` applies it"),
    "compose": (compose(labels={"x": "y"}), "api: its settings changed; `devctl up` applies it"),
    "variable": (
        lambda world: world.env.update(LEVEL="debug"),
        "api: its settings changed; `devctl up` applies it",
    ),
    "broken compose": (saved("compose.yaml", "services: ["), "compose refuses"),
    "broken go.mod": (
        saved("go.mod", "\ufeffmodule example.com/shop\n"),
        "go.mod is broken: it begins with a byte order mark",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_while_nobody_watches_is_old(change: str) -> None:
    world = World()
    compose()(world)
    up_d(world)
    assert serving(world) == ("current", None)
    edit, reason = CHANGES[change]
    edit(world)
    state, said = serving(world)
    assert state == "old" and (said or "").startswith(reason), said


def test_a_comment_in_go_mod_changes_nothing() -> None:
    world = World()
    up_d(world)
    world.save("go.mod", go_mod(word="// a comment"))
    assert serving(world) == ("current", None)


def test_after_up_it_is_current_again() -> None:
    world = World()
    compose()(world)
    up_d(world)
    CHANGES["go.mod"][0](world)
    up_d(world)
    assert serving(world) == ("current", None)


def test_production_is_old_once_the_source_or_its_settings_changed() -> None:
    world = World()
    compose()(world)
    up_d(world)
    prod_preview(PreviewRequest(project=world.root), world.box())
    assert serving(world) == ("current", None)
    world.save("main.go", "v2")
    assert serving(world) == (
        "old",
        "api: files that its image is built from changed; `devctl prod-preview` applies it",
    )
    prod_preview(PreviewRequest(project=world.root), world.box())
    assert serving(world) == ("current", None)
    compose(labels={"x": "y"})(world)
    assert serving(world) == ("old", "api: its settings changed; `devctl prod-preview` applies it")


def test_a_preview_on_another_base_is_what_it_was_asked_for() -> None:
    world = World()
    compose()(world)
    up_d(world)
    prod_preview(PreviewRequest(project=world.root, base="scratch"), world.box())
    assert serving(world) == ("current", None)


def on_base(world: World, name: str) -> None:
    """What the Dockerfile names is this image from now on."""
    world.base = "golang:1.26"
    world.images[name], world.tags[world.base] = FakeImage(name, {}, ""), name


def test_a_changed_base_image_is_told_and_built_on() -> None:
    world = World()
    on_base(world, "base-1")
    up_d(world)
    assert serving(world) == ("current", None)
    assert state_if_unchanged(world.box(), world.root, watcher=False) is not None
    first = world.of("shop").image.id

    on_base(world, "base-2")
    assert serving(world) == ("old", "shop: a base image changed; `devctl up` applies it")
    assert state_if_unchanged(world.box(), world.root, watcher=False) is None
    up_d(world)
    assert world.of("shop").image.id != first
    assert serving(world) == ("current", None)
    world.calls.clear()
    up_d(world)
    assert "build" not in world.calls


def test_a_base_that_is_not_here_says_nothing() -> None:
    """It was removed after the build, say: the image that was built on it still runs."""
    world = World()
    on_base(world, "base-1")
    up_d(world)
    del world.tags[world.base]
    assert serving(world) == ("current", None)


def test_a_job_that_ran_to_its_end_is_shown_as_finished() -> None:
    """In JSON it keeps the engine's word."""
    world = World()
    once = {"condition": "service_completed_successfully"}
    world.compose({"api": {"build": ".", "depends_on": {"migrate": once}}, "migrate": {"image": "migrate:1"}})
    up_d(world)
    found = status(StatusRequest(project=world.root), world.box())
    states: Any = {s["name"]: s["state"] for s in found.result["services"]}  # type: ignore[attr-defined]
    assert states == {"api": "running", "migrate": "exited"}
    assert re.search(r"migrate +dependency finished$", found.text, re.M)
    world.of("migrate").exit_code = 3
    text = status(StatusRequest(project=world.root), world.box()).text
    assert re.search(r"migrate +dependency exited$", text, re.M)


def test_what_took_the_place_of_a_job_may_be_taken_back() -> None:
    """The job that ran before is done at once, and need not answer."""
    assert Target("seed", 8080, "/", may_finish=True).service().may_finish
    assert not Target("api", 8080, "/").service().may_finish


@pytest.mark.parametrize(
    ("holder", "then"),
    [
        (None, "`devctl up` applies it"),
        (Holding("watch", 7), "`devctl watch` (pid 7, since 12:00:00) is running"),
    ],
)
def test_what_is_being_applied_is_nobodys_to_apply(holder: Holding | None, then: str) -> None:
    world = World()
    up(UpRequest(project=world.root, detach=True), world.box())
    world.save("go.mod", go_mod("a"))
    if holder is not None:
        world.held[world.root / ".devctl" / "lock"] = holder
    said = status(StatusRequest(project=world.root), world.box()).text
    assert f"serving old: shop: dependencies changed; {then}" in said


def test_verbose_says_what_takes_the_engines_disk() -> None:
    world = World()
    up_d(world)
    assert "build cache 3.012GB" in status(StatusRequest(project=world.root, verbose=True), world.box()).text
    assert "3.012GB" not in status(StatusRequest(project=world.root), world.box()).text


def test_while_the_old_program_stops_what_serves_is_old() -> None:
    world = World()
    up_d(world)
    note = world.root / ".devctl/shop/build"
    assert world.container is not None
    for word, state in (("ok", "current"), ("starting", "old"), ("ok", "current")):
        world.files[note] = f"{word} {world.container.id[:12]}\n"
        assert serving(world)[0] == state
        assert (state_if_unchanged(world.box(), world.root, watcher=False) is None) == (state == "old")
    world.files[note] = "starting another\n"
    assert serving(world) == ("current", None)
