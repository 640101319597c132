"""Faults of the engine itself, on an engine that belongs to the test: it is not there, its disk is full."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli import docker
from tests.engine.conftest import Started
from tests.engine.own_engine import alone, devctl_line
from tests.engine.shapes import server

pytestmark = pytest.mark.engine
ALPINE = "alpine:3.22"
DOCTOR = """
import json, sys
from devctl.cli.wiring import toolbox
from devctl.workflows.doctor.doctor import run_doctor
class Silent:
    def emit(self, event): pass
    def warn(self, problem, *, again=False): pass
report = run_doctor(toolbox(Silent()).machine(), fix=True, bases=[])
print(json.dumps(report.as_json()))
"""
"""`doctor --fix` but for the bases: an empty engine would be given all of them."""


@pytest.mark.fixes("no engine is running", by="`doctor --fix`", code="engine-unreachable")
@pytest.mark.fixes(
    "the engine was killed and left its pid file", by="`doctor --fix`", code="engine-unreachable"
)
def test_an_engine_that_does_not_run_is_started(tmp_path: Path) -> None:
    doctor = shlex.join([sys.executable, "-c", DOCTOR])
    killed = 'kill -9 "$(cat /run/docker.pid)"; while docker version >/dev/null 2>&1; do sleep 0.1; done'
    done = alone(
        "docker version >/dev/null 2>&1 && exit 99",
        doctor,
        killed,
        "ls /run/docker.pid",
        doctor,
        cwd=tmp_path,
    )
    first, pid_file, second = done.stdout.splitlines()
    assert pid_file == "/run/docker.pid"
    for report in (first, second):
        engine = next(c for c in json.loads(report)["checks"] if c["id"] == "engine")
        assert (engine["status"], engine["fixed"]) == ("ok", True), done.stderr
        assert engine["did"].startswith("started the engine (")


FULL = {
    "go.mod": "module example.com/full\n\ngo 1.26\n",
    "main.go": server(),
    "compose.yaml": "services:\n  app:\n    build: {context: ., target: dev}\n    ports: ['HOST_PORT:8080']\n"
    "    volumes: ['.:/app']\n",
    "Dockerfile": "FROM golang:1.26-alpine AS builder\nWORKDIR /app\nCOPY . .\nRUN go build -o /server .\n\n"
    "FROM alpine:3.22 AS dev\nWORKDIR /app\nRUN dd if=/dev/zero of=/modules bs=1M count=200\nCMD air\n",
}
WHO = shlex.join(
    [
        sys.executable,
        "-c",
        "from devctl.adapters.system.identity import HomeIdentity as I; print(I().machine)",
    ]
)
LEFT = (
    "docker create --name left --label dev.devctl.project=gone --label com.docker.compose.project.working_dir=/gone "
    f"--label dev.devctl.machine=$({WHO})"
)
FILL = "dd if=/dev/zero of=/var/lib/docker/full bs=64k 2>/dev/null"
ON_FULL_DISK = (
    "dockerd --log-level fatal & until docker version >/dev/null 2>&1; do sleep 0.1; done",
    "docker load --quiet --input alpine.tar >/dev/null",
    f"{LEFT} alpine:3.22 true >/dev/null; docker cp alpine.tar left:/kept; docker commit left gone-app:dev >/dev/null",
    devctl_line("up", "-d"),
    FILL,
    devctl_line("up", "-d"),
    devctl_line("doctor"),
    devctl_line("clean"),
    devctl_line("doctor"),
)


def test_a_full_disk_is_named_by_build_and_doctor_and_clean_makes_room(
    project: Callable[..., Started],
) -> None:
    """Full while a command of the Dockerfile writes, and before anything was begun; what a gone project left goes first."""
    shop = project(FULL)
    docker("save", "--output", str(shop.root / "alpine.tar"), ALPINE)
    (shop.root / ".dockerignore").write_text("alpine.tar\n")
    done = alone(*ON_FULL_DISK, cwd=shop.root, room="100m")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    in_build, before_it, full, cleaned, freed = [line for line in said if line["type"] == "result"]
    for up in (in_build, before_it):
        assert up["exit_code"] == 4, done.stdout
        assert up["error"] == {
            "code": "disk-full",
            "message": "the disk is full; images, volumes and build caches share it",
            "hint": "devctl clean; docker system df shows what takes up space",
            "place": None,
        }
    disk = check(full, "disk")
    assert (disk["status"], disk["what"]) == ("fail", "0 MB free where the engine keeps images")
    assert disk["hint"] == "devctl clean; docker system df shows what takes up space"
    assert [thing["name"] for thing in cleaned["result"]["removed"]] == ["left", "gone-app:dev"]
    assert not check(freed, "disk")["what"].startswith("0 MB"), "there is room again"


def check(envelope: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(c) for c in envelope["result"]["checks"] if c["id"] == name)
