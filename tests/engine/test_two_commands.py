"""Two commands at once, and a call of compose that hangs, with real processes and signals."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from devctl.adapters.system.files import SystemFiles
from tests.engine.cli import DEVCTL, docker, serves, until
from tests.engine.conftest import Started
from tests.engine.test_foreground import foreground, states

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]

MAIN = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
HANGS = {
    "go.mod": "module example.com/hangs\n\ngo 1.26\n",
    "main.go": MAIN,
    "compose.yaml": """services:
  app:
    build: .
    ports: ["HOST_PORT:8080"]
    depends_on: {migrate: {condition: service_completed_successfully}}
  migrate:
    image: alpine:3.22
    init: true
    command: [sh, -c, "echo half way; sleep 3600"]
""",
}


def begin(project: Started, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*DEVCTL, "--json", *args],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_it_has_the_lock(project: Started, command: str) -> None:
    def has() -> bool:
        holder = SystemFiles().lock_holder(project.root)
        return holder is not None and holder.command == command

    until(has)


def ended(child: subprocess.Popen[str], within: float = 900) -> dict[str, Any]:
    out, _ = child.communicate(timeout=within)
    return dict(json.loads(out.splitlines()[-1]))


def test_down_during_an_up_waits_and_removes_what_came_up(project: MakeProject) -> None:
    started = project()
    up = begin(started, "up", "-d")
    until_it_has_the_lock(started, "up")
    removed = started.devctl("down")
    assert ended(up)["exit_code"] == 0
    assert f"{started.name}-app-1" in [r["name"] for r in removed.result["removed"]]
    waits = [e for e in removed.named("step.started") if e["step"] == "wait"]
    assert f"`devctl up` (pid {up.pid}, since " in waits[0]["cause"]
    assert states(started) == []
    assert started.devctl("status").result["watcher"]["state"] == "absent"


def test_ctrl_c_while_production_takes_over_leaves_it_running(project: MakeProject) -> None:
    started = project()
    with foreground(started) as up:
        up.until("Ctrl-C stops")
        preview = begin(started, "prod-preview")
        until_it_has_the_lock(started, "prod-preview")
        assert up.end(signal.SIGINT) == 0
        assert f"waiting for `devctl prod-preview` (pid {preview.pid}, since " in up.text
        assert "left running: app in production mode" in up.text
        assert ended(preview)["result"]["mode"] == "prod"
    assert states(started) == ["running"]
    serves(started.port, "Hello")


def test_a_job_that_hangs_is_named_when_the_time_is_up(project: MakeProject) -> None:
    started = project(HANGS)
    failed = started.devctl("up", "-d", "--timeout", "20", code=1)  # compose has to get so far
    assert failed.error["code"] == "compose-timeout", failed.show
    assert "waiting for migrate to finish" in failed.error["message"]
    assert failed.error["hint"].startswith("devctl logs migrate")
    until(
        lambda: SystemFiles().lock_holder(started.root) is None
    )  # the watcher looks at once, and holds it for a moment


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_up_that_hangs(project: MakeProject, number: int) -> None:
    started = project(HANGS)
    up = begin(started, "up", "-d")
    until(lambda: "running" in states(started))
    began = time.monotonic()
    up.send_signal(number)
    assert ended(up)["exit_code"] == 130
    assert time.monotonic() - began < 120
    assert "migrate" in docker("ps", "--format", "{{.Names}}", "--filter", f"name={started.name}")
