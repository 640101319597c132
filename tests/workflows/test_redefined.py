"""A dependency whose definition changed in the compose file: `up` recreates it, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from devctl.domain.command.events import DepsFailed
from devctl.domain.command.requests import PreviewRequest, StatusRequest, UpRequest
from devctl.domain.plan.engine_state import DEFINITION_LABEL
from devctl.domain.ports.toolbox import Finished
from devctl.errors import DevctlError
from devctl.workflows.dev.up import up
from devctl.workflows.dev.watch_round import catch_up
from devctl.workflows.logs.status_and_logs import status
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.project.load import load
from tests.fakes import FakeContainer, World

DATABASE: dict[str, Any] = {"image": "postgres:17", "environment": {"POSTGRES_PASSWORD": "a"}}
SHOP: dict[str, Any] = {
    "build": ".",
    "environment": {"DATABASE_URL": "postgres://db:5432/x"},
    "depends_on": {
        "db": {"condition": "service_started"},
        "migrate": {"condition": "service_completed_successfully"},
    },
}
JOB: dict[str, Any] = {"image": "migrate:1", "command": ["up"], "depends_on": {"db": {}}}
CHANGED = "its settings changed"


def compose(
    world: World, *, shop: dict[str, Any] | None = None, job: dict[str, Any] | None = None, **database: Any
) -> None:
    db = {**DATABASE, **database}
    world.compose({"shop": {**SHOP, **(shop or {})}, "db": db, "migrate": {**JOB, **(job or {})}})


def bring_up(world: World, *services: str, dry_run: bool = False) -> dict[str, Any]:
    request = UpRequest(project=world.root, services=services, detach=True, watch=False, dry_run=dry_run)
    world.steps.clear()
    return up(request, world.box()).result


def serving(world: World) -> tuple[str, str | None]:
    found: Any = status(StatusRequest(project=world.root), world.box()).result["serving"]
    return found["state"], found["reason"]


def ids(world: World) -> list[str]:
    return [world.of(name).id for name in ("shop", "db", "migrate")]


@pytest.fixture
def world() -> World:
    made = World()
    compose(made)
    bring_up(made)
    return made


@pytest.mark.parametrize(
    "changed",
    [
        {"environment": {"POSTGRES_PASSWORD": "b"}},
        {"command": ["postgres", "-c", "fsync=off"]},
        {"image": "postgres:18"},
        {"healthcheck": {"test": ["CMD", "true"]}},
        {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]},
    ],
)
def test_up_recreates_it_and_status_says_so_before(world: World, changed: dict[str, Any]) -> None:
    shop, db, _ = ids(world)
    assert serving(world) == ("current", None)
    compose(world, **changed)
    assert serving(world) == ("old", f"db: {CHANGED}; `devctl up` applies it")
    plan = bring_up(world, dry_run=True)["plan"]
    assert {"step": "start", "service": "db", "cause": CHANGED} in plan
    bring_up(world)
    assert (world.of("shop").id, world.of("db").id == db) == (shop, False)
    assert serving(world) == ("current", None)
    before = ids(world)
    assert bring_up(world, dry_run=True)["plan"] == []
    bring_up(world)
    assert ids(world) == before


def test_a_job_runs_again_when_its_command_changed_and_when_its_database_is_another(world: World) -> None:
    _, db, job = ids(world)
    compose(world, job={"command": ["up", "2"]})
    assert serving(world) == ("old", f"migrate: {CHANGED}; `devctl up` applies it")
    bring_up(world)
    assert (world.of("db").id, world.of("migrate").id == job) == (db, False)
    job = world.of("migrate").id
    compose(world, job={"command": ["up", "2"]}, image="postgres:18")
    bring_up(world)
    assert (world.of("db").id == db, world.of("migrate").id == job) == (False, False)


@pytest.mark.parametrize(
    "edit",
    [
        lambda world: compose(world, depends_on={}, profiles=[], pull_policy="missing"),
        lambda world: world.save("compose.yaml", f"{world.files[world.root / 'compose.yaml']} "),
    ],
)
def test_what_compose_recreates_nothing_for_recreates_nothing(
    world: World, edit: Callable[[World], None]
) -> None:
    before = ids(world)
    edit(world)
    assert serving(world) == ("current", None)
    bring_up(world)
    assert ids(world) == before


def test_production_and_back_recreate_only_the_service(world: World) -> None:
    _, *others = ids(world)
    for _ in range(2):
        prod_preview(PreviewRequest(project=world.root), world.box())
        assert ids(world)[1:] == others
        bring_up(world)
        assert ids(world)[1:] == others


def test_a_preview_applies_it_too(world: World) -> None:
    prod_preview(PreviewRequest(project=world.root), world.box())
    db = world.of("db").id
    compose(world, image="postgres:18")
    assert serving(world)[0] == "old"
    prod_preview(PreviewRequest(project=world.root), world.box())
    assert world.of("db").id != db
    assert serving(world) == ("current", None)


def test_a_container_of_an_earlier_devctl_stays_until_it_is_recreated_anyway(world: World) -> None:
    for name in ("db", "migrate"):
        del world.of(name).spec["labels"][DEFINITION_LABEL]
    before = ids(world)
    world.private.clear()
    compose(world, shop={"labels": {"x": "y"}})
    bring_up(world)
    assert ids(world)[1:] == before[1:]
    assert world.of("shop").id != before[0]
    assert serving(world) == ("current", None)


def test_it_starts_and_answers_before_the_service_that_calls_it_is_replaced(world: World) -> None:
    world.listens_after["db"] = 4.0
    compose(world, shop={"labels": {"x": "y"}}, image="postgres:18")
    bring_up(world)
    assert world.of("shop").started - world.of("db").started >= 4.0


class Checked(World):
    """Its database has a health check."""

    def start(self, made: FakeContainer) -> Finished:
        done = super().start(made)
        if made.service == "db":
            made.health, self.meanwhile = "starting", self.check
        return done

    def check(self) -> None:
        db = self.of("db")
        db.health = "starting" if self.now - db.started < 4.0 else "healthy"


def test_or_is_healthy_where_compose_would_wait_for_that() -> None:
    world, shop = Checked(), {"depends_on": {"db": {"condition": "service_healthy"}}}
    compose(world, shop=shop)
    bring_up(world)
    compose(world, shop={**shop, "labels": {"x": "y"}}, image="postgres:18")
    bring_up(world)
    assert world.of("shop").started - world.of("db").started >= 4.0


def test_another_services_up_leaves_it_and_a_failure_later_brings_back_what_ran(world: World) -> None:
    world.compose({"shop": {"build": "."}, "db": DATABASE})
    bring_up(world)
    db = world.of("db")
    world.compose({"shop": {"build": ".", "labels": {"x": "y"}}, "db": {**DATABASE, "image": "postgres:18"}})
    bring_up(world, "shop")
    assert world.of("db") is db
    running: Any = json.loads(world.private[world.root, "running.json"])
    assert running["services"]["db"]["image"] == "postgres:17"
    assert running["services"]["shop"]["labels"]["x"] == "y"
    bring_up(world)
    running = json.loads(world.private[world.root, "running.json"])
    assert running["services"]["db"]["image"] == "postgres:18"


def test_a_preview_that_fails_leaves_it_since_its_data_may_be_of_the_new_version(world: World) -> None:
    compose(world, image="postgres:18")
    world.fault = "never-answers"
    with pytest.raises(DevctlError):
        prod_preview(PreviewRequest(project=world.root), world.box())
    assert (world.of("db").spec["image"], world.of("db").state) == ("postgres:18", "running")
    assert serving(world) == ("current", None)


@pytest.mark.parametrize("shop", [{}, {"labels": {"x": "y"}}])
def test_one_that_does_not_start_again_is_brought_back(world: World, shop: dict[str, Any]) -> None:
    compose(world, shop=shop, image="postgres:18")
    world.interrupt_at("start db")
    with pytest.raises(DevctlError):
        bring_up(world)
    assert (world.of("db").spec["image"], world.of("db").state) == ("postgres:17", "running")
    assert serving(world)[0] == "old"
    bring_up(world)
    assert world.of("db").spec["image"] == "postgres:18"
    assert serving(world) == ("current", None)


def test_the_watcher_says_it_once_and_leaves_it() -> None:
    def compose(world: World, **database: str) -> None:
        world.compose({"shop": {"build": "."}, "db": {**DATABASE, **database}})

    world = World()
    compose(world)
    bring_up(world)
    db, project = world.of("db").id, load(world.box(), world.root)
    compose(world, image="postgres:18")
    world.events.clear()
    for _ in range(2):
        catch_up(world.box(), project)
    assert [e for e in world.events if isinstance(e, DepsFailed)] == [
        DepsFailed("db", f"{CHANGED}; `devctl up` applies it"),
    ]
    assert world.of("db").id == db
    bring_up(world)
    world.locked.clear()
    bring_up(world)
    assert not world.locked, "nothing waits any more, so the short way is taken"
    compose(world)
    catch_up(world.box(), project)
    compose(world, image="postgres:18")
    catch_up(world.box(), project)
    bring_up(world)
    world.locked.clear()
    bring_up(world)
    assert not world.locked, "what was edited back is not waited for"


def test_the_label_says_nothing_of_a_secret(world: World) -> None:
    said = world.of("db").labels[DEFINITION_LABEL]
    assert len(said) == 16
    assert int(said, 16) >= 0
