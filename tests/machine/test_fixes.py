"""What `doctor --fix` fixes in files, with consent: real files and folders, with a healthy engine."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from devctl.adapters.doctor.installer import SystemInstaller
from devctl.adapters.doctor.machine import SystemMachine
from devctl.adapters.system.host import SystemClock, SystemHost
from devctl.adapters.system.process import SystemProcesses
from devctl.domain.doctor.all import CheckResult
from devctl.domain.doctor.facts import InsideFacts, MachineFacts
from devctl.domain.ports.machine import MachineBox
from devctl.workflows.doctor.doctor import DoctorReport, run_doctor
from devctl.workflows.doctor.project import Subject
from tests.domain.test_checks import HEALTHY
from tests.machine.conftest import Recorder
from tests.machine.test_bases_flow import Store

SCRIPT = "#!/bin/sh\necho hello\n"
DOCKERFILE = 'FROM alpine:3.22\nCOPY run.sh /\nENTRYPOINT ["/run.sh"]\n'


class Here(SystemMachine):
    """This machine, as far as it consists of files: the engine's answers are those of a healthy one."""

    def facts(self) -> MachineFacts:
        own = super().facts()
        return replace(
            HEALTHY,
            docker_config=own.docker_config,
            inotify_watches=own.inotify_watches,
            inotify_instances=own.inotify_instances,
        )

    def inside(self, image: str, **rest: Any) -> InsideFacts:
        raise AssertionError("no base image is available to look from")

    def available(self, ref: str) -> bool:
        return False


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., DoctorReport]:
    """`doctor(yes=True)`: in `tmp_path/shop`, docker's configuration in `docker`, the kernel's limits in `inotify`."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("shop", "docker", "inotify"):
        (tmp_path / name).mkdir()
    for name, value in (("max_user_watches", 65536), ("max_user_instances", 128)):
        (tmp_path / "inotify" / name).write_text(f"{value}\n")
    processes, host, store = SystemProcesses(), SystemHost(), Store()
    box = MachineBox(
        Recorder(),
        SystemClock(),
        host,
        store,
        store,
        SystemInstaller(
            processes, host, cache=tmp_path, inotify=tmp_path / "inotify", sysctl=tmp_path / "sysctl.d"
        ),
        Here(processes, host, inotify=tmp_path / "inotify"),
    )

    def run(**how: bool) -> DoctorReport:
        root = tmp_path / "shop"
        owner = (root.stat().st_uid, root.stat().st_gid)
        return run_doctor(box, fix=True, bases=[], subject=Subject(root=root, owner=owner), **how)

    return run


def line(report: DoctorReport, check: str) -> CheckResult:
    return next(result for result in report.checks if result.check.id == check)


def fixed(doctor: Callable[..., DoctorReport], check: str) -> str:
    """Nothing is done without consent; with it the check is ok when judged again. Returns what is reported as done."""
    refused = line(doctor(), check)
    assert refused.finding.severity != "ok" and refused.finding.hint.startswith("devctl doctor --fix --yes")
    agreed = line(doctor(yes=True), check)
    assert agreed.finding.severity == "ok" and agreed.did is not None
    assert line(doctor(), check).did is None, "there is nothing left to do"
    return agreed.did


@pytest.mark.fixes("a script that a container starts is not executable", by="`doctor --fix --yes`")
def test_a_script_without_its_x_bit(doctor: Callable[..., DoctorReport], tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    (shop / "Dockerfile").write_text(DOCKERFILE)
    for name in ("run.sh", "other.sh"):
        (shop / name).write_text(SCRIPT)
    with pytest.raises(PermissionError):
        subprocess.run([str(shop / "run.sh")])
    assert fixed(doctor, "x-bits") == "chmod +x run.sh"
    assert subprocess.run([str(shop / "run.sh")], capture_output=True).stdout == b"hello\n"
    assert (shop / "other.sh").stat().st_mode & 0o111 == 0, "no container starts it"


def test_a_script_whose_dockerfile_speaks_of_chmod_is_left_to_it(
    doctor: Callable[..., DoctorReport], tmp_path: Path
) -> None:
    (tmp_path / "shop/run.sh").write_text(SCRIPT)
    (tmp_path / "shop/Dockerfile").write_text(DOCKERFILE + "RUN chmod +x /run.sh\n")
    assert line(doctor(yes=True), "x-bits").finding.severity == "ok"
    (tmp_path / "shop/Dockerfile").write_text("CMD sh run.sh\n")
    assert line(doctor(yes=True), "x-bits").finding.severity == "ok", "a shell reads it"


@pytest.mark.fixes(
    "the kernel's limits for file watchers are too low", by="`doctor --fix --yes`", code="inotify-limit"
)
def test_limits_of_watchers(doctor: Callable[..., DoctorReport], tmp_path: Path) -> None:
    (tmp_path / "inotify/max_user_watches").write_text("4096\n")
    (tmp_path / "inotify/max_user_instances").write_text("2048\n")
    kept = tmp_path / "sysctl.d/60-devctl-inotify.conf"
    did = fixed(doctor, "inotify")
    assert did == f"raised fs.inotify.max_user_watches 524288 (kept in {kept})"
    assert (tmp_path / "inotify/max_user_watches").read_text() == "524288\n"
    assert (tmp_path / "inotify/max_user_instances").read_text() == "2048\n", "more than is asked for"
    assert kept.read_text() == "fs.inotify.max_user_watches = 524288\n"


@pytest.mark.fixes(
    "docker's configuration names a credential helper that no longer exists", by="`doctor --fix --yes`"
)
def test_a_credential_helper_that_is_gone(doctor: Callable[..., DoctorReport], tmp_path: Path) -> None:
    config = tmp_path / "docker/config.json"
    before = {
        "auths": {"r.example": {}},
        "credsStore": "nowhere",
        "credHelpers": {"a": "nowhere", "b": "nor-here"},
    }
    config.write_text(json.dumps(before))
    config.chmod(0o600)
    did = fixed(doctor, "docker-config")
    assert did.startswith("took the credential helper nor-here and the credential helper nowhere out of ")
    assert json.loads(config.read_text()) == {"auths": {"r.example": {}}, "credHelpers": {}}
    assert config.stat().st_mode & 0o777 == 0o600
    assert json.loads(config.with_name("config.json.before-devctl").read_text()) == before


@pytest.mark.fixes("docker's configuration is not JSON", by="`doctor --fix --yes`")
def test_a_configuration_that_nobody_can_read(doctor: Callable[..., DoctorReport], tmp_path: Path) -> None:
    config = tmp_path / "docker/config.json"
    config.write_text('{"auths": {')
    assert fixed(doctor, "docker-config").startswith(f"moved {config} to config.json.broken")
    assert not config.exists()
    assert config.with_name("config.json.broken").read_text() == '{"auths": {'


@pytest.mark.fixes(
    "the docker context in use names a socket that no longer exists", by="`doctor --fix --yes`"
)
def test_a_context_whose_socket_is_gone(doctor: Callable[..., DoctorReport], tmp_path: Path) -> None:
    config = tmp_path / "docker/config.json"
    config.write_text('{"currentContext": "desktop-linux"}')
    meta = tmp_path / "docker/contexts/meta" / hashlib.sha256(b"desktop-linux").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    socket = tmp_path / "docker.sock"
    meta.write_text(
        json.dumps({"Name": "desktop-linux", "Endpoints": {"docker": {"Host": f"unix://{socket}"}}})
    )
    assert fixed(doctor, "docker-config").startswith("took the context desktop-linux out of ")
    assert json.loads(config.read_text()) == {}

    config.write_text('{"currentContext": "desktop-linux"}')
    socket.touch()
    assert line(doctor(yes=True), "docker-config").finding.severity == "ok", (
        "it is there: whether it answers is another question"
    )
    meta.write_text(json.dumps({"Endpoints": {"docker": {"Host": "ssh://me@far"}}}))
    assert line(doctor(yes=True), "docker-config").finding.severity == "ok"
    assert "desktop-linux" in config.read_text()
