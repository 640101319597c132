"""The last line of stdout with --json, whatever happens (docs/reference/json-output.md: the shape is schema 1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from devctl.domain.command.events import LogLine, Outcome, Ready, Recorded, Remark, StepDone, StepStarted
from devctl.domain.command.requests import StatusRequest
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import Finding, Problem, ProjectError
from devctl.workflows.logs import status_and_logs as observe
from tests.cli.conftest import Ran

Devctl = Callable[..., Ran]
KEYS = ["type", "schema", "command", "ok", "exit_code", "result", "warnings", "error"]
WARNING = Problem("old-air", "the dev stage installs an old air", "devctl init --diff", "Dockerfile:7")


def test_success(devctl: Devctl, monkeypatch: pytest.MonkeyPatch) -> None:
    def status(request: StatusRequest, box: Toolbox) -> Outcome:
        box.reporter.emit(StepStarted("build", "no image", "api"))
        box.reporter.emit(Remark("for people"))
        box.reporter.emit(LogLine("api", "stdout", "line \u2028 of a log"))
        box.reporter.emit(Ready("for people"))
        box.reporter.emit(Recorded('{"type":"event","name":"switch"}'))
        box.reporter.emit(StepDone("build", "no image", 12, "api"))
        box.reporter.warn(WARNING)
        box.reporter.warn(WARNING)
        return Outcome(result={"mode": "dev", "path": Path("x")}, text="for people")

    monkeypatch.setattr(observe, "status", status)
    ran = devctl("--json", "status")
    assert [line.get("name", line["type"]) for line in ran.lines] == [
        "step.started",
        "log",
        "switch",
        "step.done",
        "result",
    ]
    assert len(ran.out.splitlines()) == ran.out.count("\n")
    assert ran.err == ""
    assert list(ran.envelope) == KEYS
    assert ran.envelope == {
        "type": "result",
        "schema": 1,
        "command": "status",
        "ok": True,
        "exit_code": 0,
        "result": {"mode": "dev", "path": "x"},
        "warnings": [WARNING.as_json()],
        "error": None,
    }
    first = ran.lines[0]
    assert first.pop("at").endswith("Z")
    assert first == {
        "type": "event",
        "name": "step.started",
        "step": "build",
        "cause": "no image",
        "service": "api",
    }
    assert datetime.fromisoformat(ran.lines[1]["at"]).microsecond % 1000 == 0


def test_a_failure_keeps_what_is_known(devctl: Devctl, monkeypatch: pytest.MonkeyPatch) -> None:
    def status(request: StatusRequest, box: Toolbox) -> Outcome:
        raise ProjectError("too big", code="over-budget", hint="devctl size", result={"rows": [1]})

    monkeypatch.setattr(observe, "status", status)
    ran = devctl("status", "--json")
    assert (ran.code, ran.envelope["exit_code"], ran.envelope["ok"]) == (1, 1, False)
    assert ran.envelope["result"] == {"rows": [1]}
    assert ran.envelope["error"] == {
        "code": "over-budget",
        "message": "too big",
        "hint": "devctl size",
        "place": None,
    }


@pytest.mark.parametrize("message", ["x.tar is damaged", "/nowhere/x.tar is damaged"])
def test_a_place_that_is_not_in_the_project_is_in_the_message(
    devctl: Devctl, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    problem = Problem("load-failed", message, "copy it again", "/nowhere/x.tar")

    def status(request: StatusRequest, box: Toolbox) -> Outcome:
        box.reporter.warn(problem)
        found = Finding("x", "fail", message, "hint", problem.place).as_json()
        return Outcome(result={"checks": [found]}, exit_code=1, problem=problem)

    monkeypatch.setattr(observe, "status", status)
    envelope = devctl("status", "--json").envelope
    for told in (envelope["error"], envelope["warnings"][0]):
        assert told["place"] is None
        assert told["message"].startswith("/nowhere/x.tar") and told["message"].count("/nowhere") == 1
    (check,) = envelope["result"]["checks"]
    assert (check["place"], check["detail"]) == (None, envelope["error"]["message"])


def test_an_outcome_may_carry_its_own_code_and_problem(
    devctl: Devctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def status(request: StatusRequest, box: Toolbox) -> Outcome:
        return Outcome(result={"command_exit_code": 3}, exit_code=3, problem=WARNING)

    monkeypatch.setattr(observe, "status", status)
    ran = devctl("status", "--json")
    assert (ran.code, ran.envelope["exit_code"], ran.envelope["ok"]) == (3, 3, False)
    assert ran.envelope["error"] == WARNING.as_json()


@pytest.mark.parametrize(
    ("words", "command", "code"),
    [
        ([], "devctl", "usage"),
        (["upp"], "devctl", "usage"),
        (["up", "--bogus"], "up", "usage"),
        (["ps", "--bogus"], "status", "usage"),
        (["exec", "api"], "exec", "usage"),
        (["bases", "bulid"], "bases", "usage"),
        (["config"], "config", "usage"),
        (["prod-preview", "--base", "debian"], "prod-preview", "usage"),
        (["logs", "--tail", "x"], "logs", "usage"),
        (["up", "--color", "blue"], "up", "usage"),
        (["shell"], "shell", "usage"),
        (["-C", "/nowhere/at/all", "up"], "up", "project-dir-missing"),
        (["-C", "/nowhere/at/all", "new", "x"], "new", "project-dir-missing"),
        (["-C", "\udcff", "up"], "up", "project-dir-missing"),
        (["-C", "/nowhere/at/all", "ps"], "status", "project-dir-missing"),
        (["-C", "/nowhere/at/all/down", "-q", "ps"], "status", "project-dir-missing"),
        (["-C", "down", "status"], "status", "project-dir-missing"),
        (["--color", "down", "-q", "status"], "status", "usage"),
        (["-C", "/nowhere/at/all", "stauts", "up"], "devctl", "project-dir-missing"),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("first", [True, False])
def test_usage_errors_have_an_envelope(
    devctl: Devctl, words: list[str], command: str, code: str, first: bool
) -> None:
    ran = devctl(*(["--json", *words] if first else [*words, "--json"]))
    assert ran.code == 2
    assert ran.err == ""
    assert len(ran.lines) == 1
    assert list(ran.envelope) == KEYS
    assert ran.envelope["command"] == command
    assert ran.envelope["error"]["code"] == code
    assert ran.envelope["error"]["message"]
    assert ran.envelope["error"]["hint"]
    assert ran.envelope["result"] == {}


def test_version_is_json_too(devctl: Devctl) -> None:
    ran = devctl("up", "--version", "--json")
    assert ran.code == 0
    assert list(ran.envelope["result"]) == ["version"]


def test_json_behind_two_dashes_is_not_ours(devctl: Devctl) -> None:
    ran = devctl("up", "--bogus", "--", "--json")
    assert (ran.code, ran.out) == (2, "")
