"""Bad input to `up` on the real engine: one clear message, the right exit code, and what stays."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.cli import DEVCTL, Result, docker, serves, until
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine


def edited(project: Started, old: str, new: str, file: str = "main.go") -> None:
    path = project.root / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def stays(failed: Result) -> None:
    """On exit 1 the container and the watcher stay."""
    assert failed.result["services"][0]["state"] == "running", failed.show
    assert failed.result["watcher"]["state"] == "running", failed.show


def test_a_compile_error_at_first_up_ends_early_and_the_next_save_fixes_it(
    project: Callable[..., Started],
) -> None:
    broken = project()
    edited(broken, "func main() {", "func main() { undefinedThing()")
    failed = broken.devctl("up", "-d", code=1)
    assert failed.error["code"] == "does-not-compile", failed.show
    assert failed.error["place"].startswith("main.go:")
    assert failed.result["serving"]["state"] == "none"
    assert "undefinedThing" in failed.result["serving"]["reason"]
    stays(failed)
    again = broken.devctl("up", "-d", code=1)
    assert again.error["code"] == "does-not-compile", again.show
    edited(broken, " undefinedThing()", "")
    serves(broken.port, "Hello from Go")
    ready = broken.devctl("up", "-d").result
    assert ready["serving"] == {"state": "current", "reason": None}
    assert ready["services"][0]["container"] == failed.result["services"][0]["container"]


def test_a_worker_that_never_compiled_is_not_called_up(project: Callable[..., Started]) -> None:
    """Nothing probes a service without a port; the last failure is reported, not the first."""
    worker = 'package main\n\nimport "time"\n\nfunc main() { firstThing(); time.Sleep(time.Hour) }\n'
    broken = project({"go.mod": "module example.com/worker\n\ngo 1.26\n", "main.go": worker})
    broken.devctl("up", "-d", code=1)
    edited(broken, "firstThing", "secondThing")
    until(lambda: "secondThing" in str(broken.devctl("status").result["serving"]["reason"]))
    again = broken.devctl("up", "-d", code=1)
    assert again.error["code"] == "does-not-compile", again.show
    assert "secondThing" in again.show and "firstThing" not in again.error["message"]
    assert again.result["serving"]["state"] == "none"
    edited(broken, "secondThing(); ", "")
    until(lambda: broken.devctl("status").result["serving"]["state"] == "current")
    broken.devctl("up", "-d")
    edited(broken, "func main() {", "func main() { thirdThing();")
    until(lambda: "thirdThing" in str(broken.devctl("status").result["serving"]["reason"]))
    assert broken.devctl("status").result["serving"]["state"] == "old"


SPARE = """
services:
  app:
    build: .
    ports: ["HOST_PORT:8080"]
  db: {image: "golang:1.26-alpine", command: sleep 600, init: true}
  docs: {image: "registry.invalid/docs:1"}
  linter: {image: "registry.invalid/linter:1", depends_on: [db]}
  front: {build: front}
  proxy: {image: "busybox", depends_on: [app, front]}
"""
FRONT = "FROM registry.invalid/node:22\nCOPY . .\n"


def test_a_service_that_nothing_needs_is_left_out_where_its_image_is_not_available(
    project: Callable[..., Started],
) -> None:
    template = Path(__file__).parents[2] / "templates/go-service"
    code = {name: (template / name).read_text() for name in ("go.mod", "Dockerfile", ".air.toml")}
    served = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
    spare = project({**code, "main.go": served, "compose.yaml": SPARE, "front/Dockerfile": FRONT})
    ready = spare.devctl("up", "-d")
    states = {s["name"]: s["state"] for s in ready.result["services"]}
    absent = ("docs", "linter", "front", "proxy")
    assert states == {"app": "running", "db": "running", **dict.fromkeys(absent, "absent")}
    left = {w["message"].split()[0]: w["hint"] for w in ready.warnings if w["code"] == "dependency-left-out"}
    assert left.keys() == set(absent), ready.show
    assert "devctl up docs" in left["docs"]

    for name, said in {
        "docs": "registry-unreachable",
        "front": "base-missing",
        "proxy": "registry-unreachable",
    }.items():
        assert spare.devctl("up", "-d", name, code=4).error["code"] == said
    named = spare.devctl("up", "-d", "app", "--dry-run").result["plan"]
    assert named == []
    preview = spare.devctl("prod-preview")
    assert not [w for w in preview.warnings if w["code"] == "dependency-left-out"], preview.show

    compose = spare.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("build: .", "build: .\n    depends_on: [docs]"))
    assert spare.devctl("up", "-d", code=4).error["code"] == "registry-unreachable"


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ('panic("no way")', "panics-at-start", "no way"),
        ("os.Exit(7)", "exits-at-start", "7"),
    ],
)
def test_a_service_that_ends_at_start_fails_early(
    project: Callable[..., Started], line: str, code: str, word: str
) -> None:
    ending = project()
    edited(ending, "func main() {", f"func main() {{ if true {{ {line} }}; _ = os.Args")
    failed = ending.devctl("up", "-d", code=1)
    assert failed.error["code"] == code, failed.show
    assert word in failed.error["message"]
    stays(failed)


def test_a_service_that_listens_elsewhere_is_given_up_after_the_timeout(
    project: Callable[..., Started],
) -> None:
    elsewhere = project()
    edited(elsewhere, 'return "8080"', 'return "9999"')
    began = time.monotonic()
    failed = elsewhere.devctl("up", "-d", "--timeout", "15", code=1)
    assert time.monotonic() - began >= 15
    assert failed.error["code"] == "never-answers", failed.show
    assert str(elsewhere.port) in failed.error["message"]
    assert "listens on port 9999" in failed.error["message"] and "port: 9999" in failed.error["hint"]
    stays(failed)
    edited(elsewhere, 'return "9999"', 'return "8080"')
    serves(elsewhere.port, "Hello from Go")


def test_a_taken_port_is_named_with_its_holder(project: Callable[..., Started]) -> None:
    taken = project()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", taken.port))
        holder.listen()
        failed = taken.devctl("up", "-d", code=4)
    assert failed.error["code"] == "port-taken", failed.show
    assert str(taken.port) in failed.error["message"]
    assert not docker("ps", "-q", "--filter", f"label=com.docker.compose.project={taken.name}")
    taken.devctl("up", "-d")


def test_a_port_held_by_a_container_names_that_container(project: Callable[..., Started]) -> None:
    first, second = project(), project()
    first.devctl("up", "-d", "--no-watch")
    (second.root / ".env").write_text(f"HOST_PORT={first.port}\n")
    failed = second.devctl("up", "-d", code=4)
    assert failed.error["code"] == "port-taken", failed.show
    assert f"{first.name}-app-1" in failed.error["message"]


def test_no_engine_is_one_sentence(project: Callable[..., Started], monkeypatch: pytest.MonkeyPatch) -> None:
    alone = project()
    with monkeypatch.context() as changed:
        changed.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
        failed = alone.devctl("up", "-d", code=4)
        assert failed.error["code"] == "engine-unreachable", failed.show
        assert failed.error["hint"] and {e.get("step") for e in failed.events} == {"read", "look"}
        assert "step.done" not in {e["name"] for e in failed.events if e.get("step") == "look"}, (
            "nothing needs one"
        )


def test_a_second_up_waits_for_the_first_and_gives_up_naming_it(project: Callable[..., Started]) -> None:
    busy = project()
    first: list[Result] = []
    thread = threading.Thread(target=lambda: first.append(busy.devctl("up", "-d")))
    thread.start()
    lock = busy.root / ".devctl/lock"
    until(lambda: lock.exists() and len(lock.read_text().split()) == 3)
    holder = lock.read_text().split()[1]
    refused = busy.devctl("up", "-d", "--timeout", "0.2", code=4)
    assert refused.error["code"] == "project-locked", refused.show
    assert holder in refused.error["message"]
    second = busy.devctl("up", "-d")
    thread.join()
    assert second.result["services"] == first[0].result["services"]
    assert second.result["watcher"] == first[0].result["watcher"]


def test_ctrl_c_before_ready_says_what_still_runs(project: Callable[..., Started]) -> None:
    slow = project()
    edited(slow, 'return "8080"', 'return "9999"')  # it never gets ready
    child = subprocess.Popen(
        [*DEVCTL, "--json", "up"], cwd=slow.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        told = json.loads(line)
        if told.get("name") == "step.started" and told["step"] == "probe":
            break
    time.sleep(0.3)
    child.send_signal(2)
    out, err = child.communicate(timeout=900)  # compose tidies up first
    last = json.loads(out.splitlines()[-1])
    assert (child.returncode, last["exit_code"]) == (130, 130), err
    assert "app still runs" in last["error"]["message"]
    assert last["result"]["services"][0]["state"] == "running"
    edited(slow, 'return "9999"', 'return "8080"')
    serves(slow.port, "Hello from Go")
    slow.devctl("up", "-d")


def test_ctrl_c_during_a_build_leaves_nothing_half_made(project: Callable[..., Started]) -> None:
    building = project()
    edited(
        building, " AS dev\n", " AS dev\nRUN sleep 60\n", "Dockerfile"
    )  # no cached build outruns the signal
    child = subprocess.Popen(
        [*DEVCTL, "--json", "up", "-d"],
        cwd=building.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        told = json.loads(line)
        if told.get("name") == "step.started" and told["step"] == "build":
            break
    time.sleep(0.2)
    os.kill(child.pid, 15)
    out, err = child.communicate(timeout=900)  # compose tidies up first
    last = json.loads(out.splitlines()[-1])
    assert (child.returncode, last["error"]["code"]) == (130, "interrupted"), err
    assert "nothing is running" in last["error"]["message"]
    assert not list((building.root / ".devctl").glob("**/.*.??????*"))
    edited(building, "RUN sleep 60\n", "", "Dockerfile")
    building.devctl("up", "-d")
