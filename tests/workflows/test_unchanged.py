"""The note of an `up` with nothing to do: it is where no container can write, and variables count by their values."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from devctl.domain.command.requests import PreviewRequest, UpRequest
from devctl.workflows.dev.unchanged import _digests, note_up, state_if_unchanged
from devctl.workflows.dev.up import up
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.project.load import load
from devctl.workflows.state.snapshot import snapshot
from tests.fakes import World

SECRET = "hunter2"


class Shell:
    def __init__(self, **values: str) -> None:
        self.values = values

    def env(self, name: str) -> str | None:
        return self.values.get(name)


def digests(world: World, *, make_key: bool = False, **values: str) -> dict[str, str | None] | None:
    box = world.box()
    fake = type("Box", (), {"host": Shell(**values), "private": box.private})()
    return _digests(cast("Any", fake), world.root, ["A", "B"], make_key=make_key)


def test_a_value_is_known_again_and_not_written_down() -> None:
    world = World()
    first = digests(world, make_key=True, A=SECRET)
    assert first is not None
    assert (first["B"], SECRET in str(first)) == (None, False)
    assert digests(world, A=SECRET) == first
    assert digests(world, A="other") != first
    assert digests(world, A=SECRET, B="") != first
    assert digests(World(), make_key=True, A=SECRET) != first, "another project has another key"


def test_without_a_key_nothing_is_ever_unchanged() -> None:
    assert digests(World(), A=SECRET) is None
    assert digests(World()) == {"A": None, "B": None}


def up_d(world: World) -> dict[str, Any]:
    return up(UpRequest(project=world.root, detach=True, watch=False), world.box()).result


def settled() -> World:
    world = World()
    up_d(world)
    world.locked.clear()
    assert up_d(world)["serving"] == {"state": "current", "reason": None}
    assert not world.locked, "nothing to do takes the short way"
    return world


def test_what_a_container_writes_into_the_folder_says_neither_that_all_is_done_nor_whom_to_ask() -> None:
    world = settled()
    note = json.loads(world.private.pop((world.root, "up.json")))
    note["state"]["services"][0]["url"] = "http://169.254.169.254/latest"
    note["probes"] = {"shop": "/meta-data"}
    world.files[world.root / ".devctl/up.json"] = json.dumps(note)
    asked: list[str] = []
    box = world.box()

    class Asks:
        def __getattr__(self, name: str) -> Any:
            def ask(url: str, *rest: Any, **how: Any) -> Any:
                asked.append(str(url))
                return getattr(box.prober, name)(url, *rest, **how)

            return ask

    up(UpRequest(project=world.root, detach=True, watch=False), replace(box, prober=cast("Any", Asks())))
    assert world.locked == ["up"], "the long way decides"
    assert not [url for url in asked if "169.254" in url]


NOTE = json.loads(settled().private[World().root, "up.json"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_a_note_of_any_kind_ends_in_one_of_the_two_ways(data: st.DataObject) -> None:
    def changed(value: Any) -> Any:
        if data.draw(st.integers(0, 9)) == 0:
            return data.draw(JSON)
        if isinstance(value, dict):
            return {k: changed(v) for k, v in value.items() if data.draw(st.integers(0, 19))}
        return [changed(v) for v in value] if isinstance(value, list) else value

    world = settled()
    world.private[world.root, "up.json"] = json.dumps(changed(NOTE))
    assert up_d(world)["mode"] == "dev"


@pytest.mark.parametrize("left", ["nothing", "a note of before"])
def test_where_nothing_can_be_kept_each_up_goes_the_long_way(left: str) -> None:
    world = settled()
    if left == "nothing":
        world.private.pop((world.root, "up.json"))
    world.save("compose.yaml", json.dumps({"services": {"shop": {"build": "."}}}))
    world.has_home = False
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    world.locked.clear()
    up_d(world)
    assert world.locked == ["up"]


@pytest.mark.parametrize("probe", ["tcp", "/"])
def test_what_no_longer_answers_takes_the_long_way(probe: str) -> None:
    world = World()
    box = world.box()
    project = load(box, world.root)
    project = replace(
        project,
        services=(
            replace(project.services[0], serve=replace(project.services[0].serve, probe=probe, port=8080)),
        ),
    )
    up_d(world)
    state = snapshot(box, project)
    note_up(box, project, state, ())
    assert state_if_unchanged(box, world.root, watcher=False) is not None
    world.of("shop").mute = True
    assert state_if_unchanged(box, world.root, watcher=False) is None


def test_a_folder_that_was_deleted_and_cloned_again_is_another_one() -> None:
    world = settled()
    served = world.served
    assert up_d(world)["steps"] == []
    world.folder = "1:2"
    box = world.box()
    serving = snapshot(box, load(box, world.root)).serving
    assert (serving.state, "folder was replaced" in str(serving.reason)) == ("old", True)
    assert next((s["step"], s["cause"]) for s in up_d(world)["steps"]) == (
        "start",
        "the project's folder was replaced",
    )
    assert world.served == served
    assert snapshot(box, load(box, world.root)).serving.state == "current"
    assert up_d(world)["steps"] == []


def test_a_folder_that_is_another_one_is_noticed_after_a_preview_too() -> None:
    world = settled()
    prod_preview(PreviewRequest(project=world.root), world.box())
    up_d(world)
    world.folder = "1:2"
    box = world.box()
    assert "folder was replaced" in str(snapshot(box, load(box, world.root)).serving.reason)


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ({"environment": {"PORT": None}}, "PORT"),
        ({"command": ["--port", "${PORT:-8080}"]}, "PORT"),
        ({"build": {"context": ".", "args": {"TOKEN": None}}}, "TOKEN"),
        ({"env_file": "web.env"}, "LEVEL"),
        ({}, "COMPOSE_PROFILES"),
        ({}, "DOCKER_DEFAULT_PLATFORM"),
    ],
    ids=str,
)
def test_a_variable_that_only_the_shell_has_is_seen(service: dict[str, Any], name: str) -> None:
    world = World()
    world.save("web.env", "WORD=${LEVEL}\n")
    world.compose({"shop": {"build": ".", **service}})
    up_d(world)
    world.locked.clear()
    up_d(world)
    assert world.locked == []
    world.env["OTHER"] = "1"
    up_d(world)
    assert world.locked == []
    world.env[name] = "9000"
    up_d(world)
    assert world.locked == ["up"]
    assert "9000" not in world.private[world.root, "up.json"]


@pytest.mark.parametrize("text", ['{"include": ["more.yaml"], ', '{"x-a": {}, "include": ["more.yaml"], '])
def test_files_that_only_compose_reads_take_the_long_way(text: str) -> None:
    world = World()
    world.save("more.yaml", "services: {}\n")
    world.save("compose.yaml", text + '"services": {"shop": {"build": "."}}}')
    up_d(world)
    world.locked.clear()
    up_d(world)
    assert world.locked == ["up"]


def test_a_source_that_was_saved_may_be_another_service() -> None:
    world = settled()
    world.save_source("v2")
    up_d(world)
    assert world.locked == ["up"]
    world.locked.clear()
    assert up_d(world)["steps"] == []
    assert not world.locked
