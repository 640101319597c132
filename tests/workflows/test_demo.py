"""demo, where its service is never seen: what it says can be looked at is there to be looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import DemoRequest, StatusRequest
from devctl.errors import MachineError, ProjectError
from devctl.workflows.logs.status_and_logs import status
from devctl.workflows.start import scaffold
from devctl.workflows.start.demo import CAUSES, _Demo, demo
from devctl.workflows.start.demo_service import DemoService
from devctl.workflows.start.step_list import Walk
from tests.fakes import FakeFiles, World, go_mod
from tests.workflows.test_hostports import lose


@pytest.mark.follows("devctl demo --keep leaves it running for inspection")
def test_what_is_kept_runs_on(hinted: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def new(*_: object) -> Outcome:
        world.save("go.mod", go_mod())
        world.save("main.go", "v1")
        return Outcome(result={"files": []})

    monkeypatch.setattr(scaffold, "new", new)
    monkeypatch.setattr(FakeFiles, "temporary_folder", lambda self, prefix: Path(world.root), raising=False)
    with pytest.raises(ProjectError) as raised:
        demo(DemoRequest(), world.box())
    assert raised.value.code == "never-served" and not world.containers
    _, _, option, *_ = hinted(raised.value.problem.hint).split()
    with pytest.raises(ProjectError):
        demo(DemoRequest(keep=option == "--keep"), world.box())
    assert status(StatusRequest(project=world.root), world.box()).result["mode"] == "dev"


@pytest.mark.follows("docker ps -a --filter label=com.docker.compose.project=…; rm -r …")
def test_what_could_not_be_removed_is_found_by_the_commands_of_the_hint(
    hinted: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    box = world.box()
    service = DemoService(box, world.root)
    show = _Demo(box, Walk(box, CAUSES, after_interruption=""), service)
    service.up()
    with monkeypatch.context() as patch:
        patch.setattr(FakeFiles, "remove_folder", lambda self, path: False)
        with pytest.raises(MachineError) as raised:
            show.down()
    look, _, remove = hinted(raised.value.problem.hint).partition("; ")
    assert box.engine.observe(look.rpartition("=")[2]) == box.engine.observe(world.root.name)
    assert box.files.remove_folder(Path(remove.removeprefix("rm -r "))) and not world.files


@pytest.mark.parametrize("lost", [(8080,), (8080, 8081)])
def test_a_port_that_somebody_takes_meanwhile_is_chosen_again(lost: tuple[int, ...]) -> None:
    world = World()
    world.compose({"app": {"build": ".", "ports": ["${HOST_PORT}:8080"]}})
    lose(world, *lost)
    service = DemoService(world.box(), world.root)
    service.up_on_a_free_port()
    assert service.url == f"http://127.0.0.1:{lost[-1] + 1}"


def test_it_is_given_up_where_every_port_is_lost() -> None:
    world = World()
    world.compose({"app": {"build": ".", "ports": ["${HOST_PORT}:8080"]}})
    lose(world, *range(8080, 8180))
    with pytest.raises(MachineError) as raised:
        DemoService(world.box(), world.root).up_on_a_free_port()
    assert raised.value.code == "port-taken" and len(world.taken_ports) == 4


def test_the_table_of_steps_fits_into_80_columns() -> None:
    walk = Walk(World().box(), {}, "")
    walk.skip(
        "gomod",
        "+ github.com/google/uuid v1.6.0: new deps layer and container 2.5 s, from go get to served 3.3 s",
    )
    walk.skip("up", "")
    assert walk.table().splitlines() == [
        "– gomod           + github.com/google/uuid v1.6.0: new deps layer and container",
        "                  2.5 s, from go get to served 3.3 s",
        "– up",
    ]
