"""A hint that is given before there is a project, or after what a command worked on is gone."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.domain.command.requests import PreviewRequest, UpRequest
from devctl.domain.debug.debugging import Debugging
from devctl.domain.plan.engine_state import Observed
from devctl.domain.plan.users_air import _program_line
from devctl.domain.ports.toolbox import Finished
from devctl.domain.project.air_toml import users_air
from devctl.domain.project.model import Service
from devctl.errors import ProjectError
from devctl.workflows.dev.compile_check import BUILD
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.engine.execute import TIMED_OUT
from devctl.workflows.preview.drain import drain
from devctl.workflows.preview.preview import _Preview, prod_preview
from devctl.workflows.project.load import load
from devctl.workflows.ready.wait import _Wait, wait_ready
from tests.cli.conftest import Ran
from tests.fakes import FakeProcesses, World, go_mod
from tests.helpers import build_tree
from tests.hints.dockerfile_rows import GO
from tests.workflows.test_ready import slow
from tests.workflows.test_transaction import Running

UP = ("up", "--dry-run")


@pytest.mark.follows(
    "cd into the project; or `devctl new DIR` creates one, `go mod init NAME` creates a module here"
)
@pytest.mark.parametrize("way", ["cd", "new", "init"])
def test_a_folder_that_holds_no_project(
    way: str,
    tmp_path: Path,
    devctl: Callable[..., Ran],
    hinted: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(build_tree(tmp_path, {f"shop/{name}": text for name, text in GO.items()}))
    monkeypatch.setenv("PATH", "")  # no docker: a dry run asks nothing of it here
    error = devctl("--json", *UP).envelope["error"]
    new, init = [shlex.split(said) for said in hinted(error["hint"]).split("`")[1::2]]
    if way == "cd":
        monkeypatch.chdir("shop")
    if way == "new":
        assert devctl(*(word.replace("DIR", "store") for word in new[1:])).code == 0
        monkeypatch.chdir("store")
    if way == "init":
        assert init[:3] == ["go", "mod", "init"]
        build_tree(tmp_path, {**GO, "go.mod": f"module {init[3].lower()}\n\ngo 1.26\n"})
    found = devctl("--json", "config", "check").envelope["error"]
    assert (found or {}).get("code") != error["code"]


@pytest.fixture
def world() -> World:
    made = World()
    up(UpRequest(project=made.root, detach=True, watch=False), made.box())
    return made


@pytest.mark.follows("devctl up starts it again")
def test_a_container_that_is_gone_while_it_is_waited_for(hinted: Callable[[str], str]) -> None:
    world, _, box, project = slow({}, answers_at=10_000)
    world.containers.clear()
    with pytest.raises(ProjectError) as raised:
        wait_ready(box, project.name, project.services[0], timeout=5)
    assert hinted(raised.value.problem.hint).split()[1] == "up"
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    assert world.served is not None


@pytest.mark.follows("workflows/preview/drain.py | devctl prod-preview")
def test_a_container_that_is_gone_before_it_is_drained(world: World, hinted: Callable[[str], str]) -> None:
    project = load(world.box(), world.root)
    world.containers.clear()
    with pytest.raises(ProjectError) as raised:
        drain(world.box(), project, project.services[0], timeout=5)
    assert hinted(raised.value.problem.hint) == "devctl prod-preview"
    prod_preview(PreviewRequest(project=world.root, drain=True), world.box())
    assert world.served is not None


@pytest.mark.follows("workflows/preview/preview.py | devctl prod-preview")
def test_a_preview_that_is_gone_before_it_is_told(world: World, hinted: Callable[[str], str]) -> None:
    gone = cast("Any", SimpleNamespace(images={}))
    with pytest.raises(ProjectError) as raised:
        _Preview._figures(gone, Observed(), "shop")
    assert hinted(raised.value.problem.hint) == "devctl prod-preview"
    assert prod_preview(PreviewRequest(project=world.root), world.box()).result["mode"] == "prod"


@pytest.mark.follows("the next save tries again; until then, the old container keeps running")
def test_a_compiler_that_takes_too_long(
    hinted: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, run = Running(), FakeProcesses.run

    def slow_compiler(self: FakeProcesses, argv: Any, **how: object) -> Finished:
        hangs = any(BUILD in word for word in argv)
        return Finished(TIMED_OUT, "", "") if hangs else run(self, argv, **how)

    running.world.save("go.mod", go_mod("a"))
    with monkeypatch.context() as patch:
        patch.setattr(FakeProcesses, "run", slow_compiler)
        with pytest.raises(ProjectError) as raised:
            up(UpRequest(project=running.world.root, detach=True, watch=False), running.box)
    assert "next save" in hinted(raised.value.problem.hint)
    assert running.world.container is running.first and running.world.served is not None
    running.world.save("go.mod", go_mod("a", "b"))
    assert running.round() is False
    assert running.world.served == (go_mod("a", "b"), "v1")


@pytest.mark.follows('a simple command can be started under it, such as `full_bin = "./tmp/main serve"`')
def test_a_line_of_air_that_hides_its_program_from_the_debugger(hinted: Callable[[str], str]) -> None:
    """What air runs under the debugger once the line is as the hint writes it."""

    def answers(line: str) -> str:
        air = users_air(f"[build]\n{line}\n", ".air.toml")
        run = _program_line(tomllib.loads(line)["full_bin"], "under")
        wait = SimpleNamespace(
            container=SimpleNamespace(debugging=Debugging(2345, waits=False)),
            service=Service("api", air=air),
            _serves_debugger=lambda _: "under ./tmp/main" in run,
        )
        _Wait._must_be_debugged(cast("Any", wait))
        return run

    with pytest.raises(ProjectError) as raised:
        answers('full_bin = "xargs ./tmp/main < args"')
    line = hinted(raised.value.problem.hint).split("`")[1]
    assert answers(line) == "under ./tmp/main serve"
