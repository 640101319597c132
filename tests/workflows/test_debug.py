"""debug starts one service under a debugger, whatever else happens; up ends it, and nothing of it stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from devctl.domain.command.events import DepsRebuilt, Outcome
from devctl.domain.command.requests import (
    DebugRequest,
    DownRequest,
    PreviewRequest,
    RebuildRequest,
    StatusRequest,
    UpRequest,
)
from devctl.domain.debug.editors import Connection
from devctl.domain.plan.engine_state import DEBUG_LABEL, MODE_LABEL
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, FilesError, InterruptedByUser, MachineError, ProjectError, UsageError
from devctl.workflows.debug.debug import _chosen, debug
from devctl.workflows.dev import compile_check
from devctl.workflows.dev.lifecycle import debugging_these, down, rebuild
from devctl.workflows.dev.up import up
from devctl.workflows.dev.watch_round import catch_up
from devctl.workflows.logs.status_and_logs import status
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.project.load import load
from devctl.workflows.state.snapshot import url_of
from tests.fakes import FakeFiles, World, copies, go_mod
from tests.workflows.test_hostports import lose


@copies
def running() -> World:
    world = World()
    ups(world)
    return world


def ups(world: World) -> Outcome:
    return up(UpRequest(project=world.root, detach=True), world.box())


def debugs(world: World, *services: str, **how: Any) -> Outcome:
    return debug(DebugRequest(project=world.root, services=services, **how), world.box())


def debugger(world: World, service: str = "shop") -> str | None:
    return world.of(service).labels.get(DEBUG_LABEL)


def published(world: World, service: str = "shop") -> set[tuple[str, int, int]]:
    ports = world.of(service).spec.get("ports") or []
    return {(p["host_ip"], int(p["target"]), int(p["published"])) for p in ports}


def test_the_program_runs_under_a_debugger_on_the_loopback_and_gets_no_right_for_it() -> None:
    world = running()
    before = world.of("shop").spec
    told = debugs(world)
    spec = world.of("shop").spec
    assert published(world) == {("127.0.0.1", 8080, 8080), ("127.0.0.1", 2345, 2345)}
    rights = ("cap_add", "security_opt", "privileged", "pid", "devices", "user", "volumes")
    assert {key: spec.get(key) for key in rights} == {key: before.get(key) for key in rights}
    assert told.result["debugger"] == {
        "service": "shop",
        "host": "127.0.0.1",
        "port": 2345,
        "waits": False,
        "paths": [{"container": "/app", "host": str(world.root)}],
    }
    assert "build shop" not in world.steps[world.steps.index("install delve") :], "the image is the same"
    assert "debugger on 127.0.0.1:2345" in told.text and "devctl up ends debugging" in told.text


def test_status_says_that_it_is_debugged() -> None:
    world = running()
    debugs(world)
    told = status(StatusRequest(project=world.root), world.box())
    assert told.result["services"][0]["debugger"] == "127.0.0.1:2345"  # type: ignore[index]
    assert "debugger on 127.0.0.1:2345" in told.text and told.result["serving"]["state"] == "current"  # type: ignore[index]


def test_from_nothing_too() -> None:
    world = World()
    debugs(world)
    assert debugger(world) == "2345" and world.served is not None


def test_up_ends_it_and_the_ordinary_container_is_back() -> None:
    world = running()
    before = world.of("shop").spec
    debugs(world)
    ups(world)
    assert world.of("shop").spec == before
    assert ups(world).result["steps"] == [], "and that is all there is to do"


def test_a_round_of_the_watcher_keeps_it_at_its_address() -> None:
    world = running()
    debugs(world)
    first, known = world.of("shop").id, load(world.box(), world.root)
    world.save("go.mod", go_mod("a"))
    catch_up(world.box(), known)
    assert world.of("shop").id != first and debugger(world) == "2345"
    rebuild(RebuildRequest(project=world.root), world.box())
    assert debugger(world) == "2345"


def test_an_up_of_another_service_keeps_it() -> None:
    world = World()
    world.compose({"api": {"build": ".", "ports": ["8080:8080"]}, "db": {"image": "postgres:17"}})
    ups(world)
    debugs(world, "api")
    up(UpRequest(project=world.root, detach=True, services=("db",)), world.box())
    assert debugger(world, "api") == "2345"


def test_where_no_delve_can_be_installed_nothing_is_touched_and_that_is_said() -> None:
    world = running()
    first = world.of("shop").id
    world.no_delve = 1
    with pytest.raises(MachineError) as raised:
        debugs(world)
    assert raised.value.code == "debugger-not-installed" and "no such host" in str(raised.value)
    assert "GOPROXY" in raised.value.problem.hint
    assert world.of("shop").id == first and world.served is not None


@pytest.mark.follows(
    "fix the code, then run devctl debug … again; until then, it keeps running without a debugger"
)
def test_code_that_does_not_compile_leaves_what_serves(hinted: Callable[[str], str]) -> None:
    world = running()
    first, served = world.of("shop").id, world.served
    world.save_source("v2 b")
    with pytest.raises(ProjectError) as raised:
        debugs(world)
    assert raised.value.code == "does-not-compile"
    assert (world.of("shop").id, world.served, debugger(world)) == (first, served, "")
    assert raised.value.problem.message == "shop does not compile", "on no image, new or old"
    assert "devctl debug shop" in hinted(raised.value.problem.hint)
    world.save_source("v2")
    debugs(world, "shop")
    assert debugger(world) == "2345"


@pytest.mark.follows("devctl debug … tries again; until then, it keeps running without a debugger")
def test_a_compiler_that_takes_too_long_is_tried_again_by_debug(
    hinted: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = running()
    with monkeypatch.context() as slow:
        slow.setattr(compile_check, "TIMED_OUT", 0)  # whatever it does
        with pytest.raises(ProjectError) as raised:
            debugs(world)
    assert raised.value.code == "build-timeout"
    assert hinted(raised.value.problem.hint).startswith("devctl debug shop ")
    debugs(world, "shop")
    assert debugger(world) == "2345"


@pytest.mark.follows("… continues, devctl down removes what is running", "… starts again")
def test_what_was_interrupted_is_continued_by_debug(hinted: Callable[[str], str]) -> None:
    for world in (running(), World()):
        world.interrupt_at("install delve")
        with pytest.raises(InterruptedByUser) as raised:
            debugs(world)
        assert hinted(raised.value.problem.hint).startswith("devctl debug shop ")
        debugs(world, "shop")
        assert debugger(world) == "2345"


def test_its_steps_say_what_begins_ends_and_is_probed() -> None:
    world = running()
    assert causes(debugs(world, waits=True)) == {
        "start": "debugging begins",
        "probe": "until the debugger answers",
    }
    assert causes(ups(world)) == {"start": "debugging ends", "probe": "until it answers"}
    assert "the program runs under it" in debugs(world).text
    again = debugs(world)
    assert causes(again) == {} and again.text.startswith("already up") and "started" not in again.text


def causes(told: Outcome) -> dict[str, str]:
    steps: Any = told.result["steps"]
    return {s["step"]: s["cause"] for s in steps if s["step"] in ("start", "probe")}


def test_the_debuggers_port_is_not_an_address_of_the_service() -> None:
    world = running()
    told = debugs(world, waits=True)
    found, service = (
        world.box().engine.containers("shop").of("shop"),
        load(world.box(), world.root).service("shop"),
    )
    assert found is not None and service is not None
    worker = replace(service, serve=replace(service.serve, port=None))
    assert url_of(replace(found, ports={2345: ("127.0.0.1", 2345)}), worker) is None
    assert (
        url_of(replace(found, ports={2345: ("127.0.0.1", 2345), 9000: ("127.0.0.1", 9000)}), worker)
        is not None
    )
    assert told.text.startswith("started in") and "(starts the program once connected)" in told.text


def test_a_job_is_not_debugged() -> None:
    world = World()
    after = {"migrate": {"condition": "service_completed_successfully"}}
    world.compose(
        {
            "api": {"build": ".", "ports": ["8080:8080"], "depends_on": after},
            "migrate": {"build": ".", "command": ["true"]},
        }
    )
    with pytest.raises(UsageError) as raised:
        debugs(world, "migrate")
    assert (
        raised.value.problem.message
        == "migrate is a job, which runs once and exits: only services can be debugged"
    )


def test_what_does_not_answer_under_it_is_rolled_back() -> None:
    world = running()
    before = world.of("shop").spec
    world.fault = "never-answers"
    with pytest.raises(ProjectError) as raised:
        debugs(world)
    assert "the previous container is running again" in str(raised.value)
    assert world.of("shop").spec == before and world.served is not None


def test_a_program_that_waits_for_a_debugger_need_not_answer() -> None:
    world = running()
    world.fault = "never-answers"
    told = debugs(world, waits=True)
    assert debugger(world) == "2345 wait"
    serving: Any = told.result["serving"]
    assert serving["state"] == "none" and "is waiting for a debugger on 127.0.0.1:2345" in serving["reason"]


def test_production_has_no_debugger_and_neither_has_what_comes_back() -> None:
    world = running()
    debugs(world)
    prod_preview(PreviewRequest(project=world.root), world.box())
    assert world.of("shop").labels[MODE_LABEL] == "prod"
    assert not [key for key in world.of("shop").spec.get("environment") or {} if "DEBUG" in key]
    assert {target for _, target, _ in published(world)} == {8080}
    ups(world)
    assert debugger(world) == ""


def test_a_preview_that_fails_goes_back_to_the_debugged_program() -> None:
    world = running()
    debugs(world)
    world.fault = "never-answers"
    with pytest.raises(DevctlError):
        prod_preview(PreviewRequest(project=world.root), world.box())
    assert debugger(world) == "2345" and world.served is not None


def test_down_ends_it_and_nothing_is_remembered() -> None:
    world = running()
    debugs(world)
    down(DownRequest(project=world.root), world.box())
    ups(world)
    assert debugger(world) == ""


@pytest.mark.follows("workflows/debug/debug.py | devctl debug … --port …")
def test_a_port_that_is_taken_is_not_chosen_and_the_chosen_one_stays() -> None:
    world = running()
    world.taken_ports.add(2345)
    debugs(world)
    assert debugger(world) == "2346"
    world.taken_ports.clear()
    debugs(world, waits=True)
    assert debugger(world) == "2346 wait"
    debugs(world, port=4000)
    assert debugger(world) == "4000"
    world.taken_ports.add(5000)
    for port in (8080, 5000):
        with pytest.raises(MachineError) as raised:
            debugs(world, port=port)
        assert raised.value.code == "port-taken"
        assert raised.value.problem.hint == f"devctl debug shop --port {port + 1}"
        assert ("by shop of this project" in str(raised.value)) == (port == 8080)
    assert debugger(world) == "4000"
    debugs(world, port=5001)
    assert debugger(world) == "5001"


def test_a_port_that_somebody_takes_before_the_debugger_has_it_is_chosen_again() -> None:
    world = running()
    lose(world, 2345)
    told = debugs(world, editor="vscode")
    editor: Any = told.result["editor"]
    assert debugger(world) == "2346" and '"port": 2346' in editor["text"]
    lose(world, 4000)
    with pytest.raises(MachineError) as raised:
        debugs(world, port=4000)
    assert raised.value.code == "port-taken" and debugger(world) == "2346"


@pytest.mark.follows("workflows/session/host_ports.py | devctl debug … --port …")
def test_a_debugger_whose_port_was_taken_is_given_another_by_debug_and_by_no_file() -> None:
    world = running()
    debugs(world)
    world.stop(world.of("shop"))
    world.taken_ports.add(2345)
    with pytest.raises(MachineError) as raised:
        rebuild(RebuildRequest(project=world.root), world.box())
    assert (raised.value.code, raised.value.problem.hint) == ("port-taken", "devctl debug shop --port 2346")
    debugs(world, "shop", port=2346)
    assert debugger(world) == "2346" and world.served is not None


def test_one_service_is_debugged_and_a_choice_is_the_callers() -> None:
    world = World()
    world.compose(
        {
            "api": {"build": ".", "ports": ["8080:8080"]},
            "web": {"build": ".", "ports": ["8081:8080"]},
            "db": {"image": "postgres:17"},
            "beside": {"build": ".", "network_mode": "service:api"},
        }
    )
    with pytest.raises(UsageError) as raised:
        debugs(world)
    assert raised.value.code == "which-service" and "api, web" in raised.value.problem.hint
    for name in ("db", "beside"):
        with pytest.raises(UsageError) as raised:
            debugs(world, name)
        assert raised.value.code == "not-debuggable"
    with pytest.raises(UsageError) as raised:
        debugs(world, "nobody")
    assert raised.value.code == "unknown-service"
    debugs(world, "web")
    assert debugger(world, "web") == "2345"


def test_a_dry_run_changes_nothing() -> None:
    world = running()
    world.steps.clear()
    told = debugs(world, dry_run=True, editor="vscode", write=True)
    plan: Any = told.result["plan"]
    assert [(s["step"], s["service"]) for s in plan] == [
        ("start", "shop"),
        ("probe", "shop"),
        ("write", None),
    ]
    assert world.steps == [] and debugger(world) == ""


def test_an_editors_file_is_written_once_and_never_over_another() -> None:
    world = running()
    path = world.root / ".vscode/launch.json"
    told: Any = debugs(world, editor="vscode").result["editor"]
    assert told["action"] == "printed" and path not in world.files
    for action in ("written", "kept"):
        told = debugs(world, editor="vscode", write=True).result["editor"]
        assert told["action"] == action
    ran = debugs(world, editor="vscode", write=True, port=2346)
    assert 'has "devctl debug shop" already and was left unchanged: change its port to 2346' in ran.text
    (one,) = json.loads(world.files[path])["configurations"]
    assert one["substitutePath"] == [{"from": "${workspaceFolder}", "to": "/app"}] and one["port"] == 2345
    world.save(".vscode/launch.json", "// mine\n{}\n")
    ran = debugs(world, editor="vscode", write=True)
    told = ran.result["editor"]
    assert told["action"] == "differs" and world.files[path] == "// mine\n{}\n"
    assert (
        "was left unchanged; add this to its `configurations`" in ran.text and '"mode": "remote"' in ran.text
    )


@pytest.mark.parametrize("of_an_image", [False, True])
def test_only_devctl_says_that_a_service_is_debugged(of_an_image: bool) -> None:
    said = {DEBUG_LABEL: "8080 wait"}
    world = World()
    world.image_labels |= said if of_an_image else {}
    labels = {} if of_an_image else {"labels": said}
    world.compose(
        {
            "api": {"build": ".", "ports": ["8080:8080"], **labels},
            "db": {"image": "postgres:17", "labels": said},
        }
    )
    ups(world)
    known = load(world.box(), world.root)
    world.save("go.mod", go_mod("a"))
    catch_up(world.box(), known)
    told: Any = status(StatusRequest(project=world.root), world.box())
    assert "install delve" not in world.steps
    assert [s["debugger"] for s in told.result["services"]] == [None, None]
    assert ups(world).result["steps"] == []


def test_a_password_of_a_proxy_is_not_a_word_of_a_command() -> None:
    world = World()
    proxies = {"HTTPS_PROXY": "http://ann:hidden@proxy:3128", "NO_PROXY": "a\nb", "OTHER": "x"}
    world.compose({"api": {"build": ".", "ports": ["8080:8080"], "environment": proxies}})
    debugs(world)
    words, read = world.delve
    assert not [word for word in words if "hidden" in word]
    assert read == b"HTTPS_PROXY=http://ann:hidden@proxy:3128\n" and "/dev/stdin" in words


def refuses(monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """As the real ones do, where a link, a folder or a pipe is in the place of an editor's file."""
    real = getattr(FakeFiles, verb)

    def refused(self: FakeFiles, path: Path, *words: Any, **how: Any) -> Any:
        if path.name == "launch.json":
            raise FilesError("it is a pipe", code="unsafe-path", hint="")
        return real(self, path, *words, **how)

    monkeypatch.setattr(FakeFiles, verb, refused)


def test_an_editors_file_that_cannot_be_read_is_told_before_anything_is_switched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = running()
    refuses(monkeypatch, "read_text")
    world.steps.clear()
    with pytest.raises(FilesError):
        debugs(world, editor="vscode")
    assert debugger(world) == "" and "install delve" not in world.steps


def test_an_editors_file_that_cannot_be_written_is_a_warning_and_is_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = running()
    refuses(monkeypatch, "write_atomic")
    told = debugs(world, editor="vscode", write=True)
    editor: Any = told.result["editor"]
    assert editor["action"] == "printed" and '"mode": "remote"' in told.text
    assert debugger(world) == "2345" and "it is a pipe" in str(world.warnings)


def test_a_folder_that_no_editor_can_be_told_of_is_refused_before_anything_is_switched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = running()
    monkeypatch.setattr(Connection, "can_be_written", False)
    with pytest.raises(UsageError):
        debugs(world, editor="nvim")
    assert debugger(world) == ""


def test_a_project_without_a_go_service_has_none_to_choose_from() -> None:
    project = replace(load(World().box(), World().root), services=())
    with pytest.raises(UsageError) as raised:
        _chosen(project, ())
    assert raised.value.code == "not-debuggable" and "one of" not in raised.value.problem.hint


def test_a_network_of_other_projects_is_told() -> None:
    world = World()
    service = {"build": ".", "ports": ["8080:8080"], "networks": ["default", "shared"]}
    networks = {"shared": {"external": True}}
    world.save("compose.yaml", json.dumps({"services": {"api": service}, "networks": networks}))
    world.networks["shop_shared"] = {}
    debugs(world)
    assert [p.code for p in world.warnings if "network shared" in p.message] == ["debugger-on-network"]


def test_a_round_whose_program_waits_for_a_debugger_does_not_say_that_it_serves() -> None:
    world = running()
    debugs(world, waits=True)
    known = load(world.box(), world.root)
    world.save("go.mod", go_mod("a"))
    catch_up(world.box(), known)
    assert [e.debugger for e in world.events if isinstance(e, DepsRebuilt)] == ["127.0.0.1:2345"]


def second(*words: object) -> Project:
    raise MachineError("the second one", code="no-home", hint="")


def test_what_is_wrong_with_the_files_is_told_where_who_is_debugged_changes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = running()
    known = load(world.box(), world.root)
    monkeypatch.setattr("devctl.workflows.dev.lifecycle.load", second)
    with pytest.raises(MachineError, match="the second one"):
        debugging_these(world.box(), known, {"shop"})


def test_what_fails_in_a_rollback_does_not_hide_why(monkeypatch: pytest.MonkeyPatch) -> None:
    world = running()
    world.no_delve = 1
    ways: Iterator[Callable[..., Project]] = iter((debugging_these, second))

    def one(*words: Any) -> Project:
        return next(ways)(*words)

    monkeypatch.setattr("devctl.workflows.debug.debug.debugging_these", one)
    with pytest.raises(MachineError) as raised:
        debugs(world)
    assert raised.value.code == "debugger-not-installed"
    assert [p.message for p in world.warnings if "the second one" in p.message]
