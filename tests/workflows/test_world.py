"""The fake world does what compose and the engine do, and dies as a process does."""

from __future__ import annotations

import json
import posixpath
import threading
from typing import Any

import pytest

from devctl.domain.command.requests import (
    CleanRequest,
    DownRequest,
    PreviewRequest,
    RestartRequest,
    UpRequest,
)
from devctl.domain.plan.engine_state import PROJECT_LABEL, Container
from devctl.domain.ports.files import Holder
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project, Service, SourceCode
from devctl.errors import InterruptedByUser, MachineError
from devctl.workflows.dev.lifecycle import down, restart, up
from devctl.workflows.doctor.clean import clean
from devctl.workflows.engine.execute import tell_kills
from devctl.workflows.preview.preview import hardening, prod_preview
from devctl.workflows.project.load import load
from tests.fakes import KILLS, Killed, World, copies, go_mod

SHOP = {
    "api": {"build": ".", "depends_on": ["db"]},
    "worker": {"build": "."},
    "db": {"image": "postgres:17", "volumes": ["data:/var/lib/postgresql/data"], "ports": ["5432:5432"]},
}


def up_d(world: World, box: Toolbox | None = None) -> dict[str, Any]:
    request = UpRequest(project=world.root, detach=True, yes=True)
    return up(request, box or world.box()).result


def shop() -> World:
    world = World()
    world.compose(SHOP, volumes=["data"])
    up_d(world)
    return world


def test_several_services_with_what_they_need() -> None:
    world = shop()
    assert [world.of(name).state for name in SHOP] == ["running"] * 3
    assert world.of("api").ports != world.of("worker").ports
    assert set(world.volumes) == {"shop_data", "devctl-go1.26-1000"}
    assert world.volumes["shop_data"][PROJECT_LABEL] == "shop"
    assert set(world.networks) == {"shop_default"}
    assert world.watcher is not None


def test_a_copy_goes_its_own_way() -> None:
    made = copies(shop)
    one, other = made(), made()
    assert one.watcher == other.watcher is not None
    down(DownRequest(project=one.root), one.box())
    assert (one.containers, one.watcher) == ({}, None)
    assert [other.of(name).state for name in SHOP] == ["running"] * 3
    assert other.watcher is not None and other.private.keys() == made().private.keys()


def test_down_keeps_volumes_unless_told() -> None:
    world = shop()
    down(DownRequest(project=world.root), world.box())
    assert (world.containers, world.networks, world.watcher) == ({}, {}, None)
    assert "shop_data" in world.volumes
    up_d(world)
    down(DownRequest(project=world.root, volumes=True, yes=True), world.box())
    assert set(world.volumes) == {"devctl-go1.26-1000"}


@pytest.mark.parametrize("command", ["down", "restart", "up"])
def test_a_program_that_was_killed_when_it_stopped_is_told_once(command: str) -> None:
    world = shop()
    box = world.box()
    box.state.put(world.root, "api/killed", "10\n")  # as devctl-run leaves it in the mounted folder
    for _ in range(2):
        if command == "down":
            down(DownRequest(project=world.root), box)
        elif command == "restart":
            restart(RestartRequest(project=world.root), box)
        else:
            world.compose({**SHOP, "api": {**SHOP["api"], "tty": True}}, volumes=["data"])
            up_d(world, box)
    told = [p for p in world.warnings if p.code == "killed-at-stop"]
    message = "api did not stop within 10 s and was killed before its shutdown finished"
    assert [(p.message, p.place) for p in told] == [(message, "compose.yaml")]


def test_what_gives_a_program_more_time_is_in_a_file_that_is_there() -> None:
    world = World()
    box, told = world.box(), []
    for air in ("", '[build]\nkill_delay = "5s"\n'):
        world.save(".air.toml", air or None)
        project = load(box, world.root)
        box.state.put(world.root, "shop/killed", "10\n")
        tell_kills(box.reporter, box.state, project, ["shop"])
        told.append((world.warnings[-1].hint, world.warnings[-1].place))
    assert told == [
        ("devctl init writes a compose.yaml, in which stop_grace_period: 30s gives it more time", None),
        ('kill_delay = "30s" gives it more time', ".air.toml:2"),
    ]


def test_a_preview_and_back() -> None:
    world = World()
    up_d(world)
    result = prod_preview(PreviewRequest(project=world.root, drain=True), world.box()).result
    assert (result["mode"], result["drain"]["exit_code"]) == ("prod", 0)
    assert result["hardening"] == {
        "user": "65532:65532",
        "read_only": True,
        "cap_drop": ["ALL"],
        "no_new_privileges": True,
        "source_mounted": False,
    }
    world.save_source("v2")
    assert world.served == (go_mod(), "v1"), "an image has the source of then"
    assert up_d(world)["mode"] == "dev"
    assert world.served == (go_mod(), "v2")


def test_restart_and_clean() -> None:
    world = World()
    up_d(world)
    restart(RestartRequest(project=world.root), world.box())
    assert world.of("shop").starts == 2
    assert clean(CleanRequest(project=world.root, yes=True), world.box()).result == {"removed": []}


def test_two_processes_wait_for_the_lock() -> None:
    world = World()
    first, second = world.box(), world.box()
    told: list[Holder] = []
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with first.files.lock(world.root, command="up", timeout=0, waiting=told.append):
            begun.set()
            go_on.wait(5)

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait(5)
    with pytest.raises(MachineError, match=r"`devctl up` \(pid 101"):
        second.files.lock(world.root, command="down", timeout=0, waiting=told.append).__enter__()
    go_on.set()
    with second.files.lock(world.root, command="down", timeout=1, waiting=told.append):
        assert world.locked == ["up", "down"]
    thread.join()
    world.hold_lock("rebuild", pid=7, until=world.now + 5)
    down(DownRequest(project=world.root, lock_timeout=10), second)
    assert world.waited == [("down", "up")] * 2 + [("down", "rebuild")]


@KILLS
def test_who_is_killed_changes_nothing_more() -> None:
    world = World()
    up_d(world)
    world.save("go.mod", go_mod("a"))
    box = world.box()
    world.kill_at("start shop #2")
    with pytest.raises(Killed):
        up_d(world, box)
    assert world.of("shop").state == "created"
    before = json.dumps([sorted(world.tags.items()), len(world.images)])
    with pytest.raises(Killed):
        box.engine.observe("shop")
    assert json.dumps([sorted(world.tags.items()), len(world.images)]) == before
    assert world.lock_file not in world.held


def test_ctrl_c_at_a_step() -> None:
    world = World()
    world.interrupt_at("start shop")
    with pytest.raises(InterruptedByUser):
        up_d(world)
    assert world.of("shop").state == "created"


@pytest.mark.parametrize(
    ("source", "mounted"),
    [
        (".", True),
        ("..", True),
        ("cmd", True),
        ("cmd/api", True),
        ("secrets/token", False),
        ("cmd/api2", False),
    ],
)
def test_only_a_folder_with_the_source_is_the_source(source: str, mounted: bool) -> None:
    root = "/home/dev/shop"
    shop = Project(
        root=root, name="shop", services=(Service("api", source=SourceCode(main="./cmd/api")),), model={}, generated=False,
        go_version="1.26", bases={}, mirror=None, owner=(1000, 1000),
    )  # fmt: skip
    path = posixpath.normpath(posixpath.join(root, source))
    container = Container("c", "n", "api", "running", "none", 0, "x", "sha256:1", bind_sources=(path,))
    assert hardening(container, shop)["source_mounted"] is mounted
