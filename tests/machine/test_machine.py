"""doctor on this machine: the facts are real, a missing base is put right, a missing plugin too."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.adapters.doctor.installer import SystemInstaller
from devctl.adapters.system.host import SystemHost
from devctl.adapters.system.process import SystemProcesses
from devctl.domain.bases.references import Base
from devctl.domain.ports.machine import MachineBox
from devctl.workflows.doctor.doctor import run_doctor
from tests.failures.samples import told_by
from tests.machine.conftest import remove

pytestmark = pytest.mark.engine


def test_a_healthy_machine(box: MachineBox) -> None:
    report = run_doctor(box, bases=[])
    found = {line.check.id: line.finding.severity for line in report.checks}
    assert report.problem is None
    assert found["docker-cli"] == found["engine"] == found["compose"] == "ok"


def test_facts_are_those_of_the_engine(box: MachineBox) -> None:
    facts = box.machine.facts()
    shown = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}} {{.Client.Version}}"],
        capture_output=True,
        text=True,
    )
    assert [facts.engine, facts.docker_cli] == shown.stdout.split()
    assert facts.cli_engine_id == facts.sdk_engine_id != ""
    assert facts.disk_free_bytes is not None
    assert facts.disk_free_bytes > 0


@pytest.mark.fixes(
    "a base image is missing, and no registry has it", by="`doctor --fix`", code="base-missing"
)
def test_a_missing_base_is_found_and_fixed(stand_ins: MachineBox) -> None:
    ref = "alpine:3.20-devctldoctor"
    bases = [Base(ref, "runtime")]
    try:
        before = run_doctor(stand_ins, bases=bases)
        assert before.problem is not None
        assert before.problem.problem.hint == "devctl bases build"
        after = run_doctor(stand_ins, fix=True, yes=True, bases=bases)
        assert after.problem is None
        assert [line.check.id for line in after.checks if line.did is not None] == ["bases"]
        assert stand_ins.images.find(ref) is not None
    finally:
        remove(ref)


@pytest.mark.fixes("the compose plugin is missing", by="`doctor --fix`", code="compose-missing")
@pytest.mark.follows("entry compose-missing | devctl doctor --fix")
def test_the_compose_plugin_is_put_in_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path, hinted: Callable[[str], str]
) -> None:
    hinted(told_by("compose-missing-1"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    found = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
    SystemInstaller(SystemProcesses(), SystemHost(), cache=cache).provide_compose()
    shown = subprocess.run(["docker", "compose", "version", "--short"], capture_output=True, text=True)
    assert shown.returncode == 0
    # A plugin of the system stays the one that is used.
    assert (tmp_path / "cli-plugins/docker-compose").exists() is not found


def test_an_engine_that_answers_is_left_alone(cache: Path) -> None:
    class Watched(SystemProcesses):
        def spawn(self, *args: object, **rest: object) -> int:  # type: ignore[override]
            raise AssertionError("a second engine was started")

    said = SystemInstaller(Watched(), SystemHost(), cache=cache).provide_engine()
    assert said.endswith("answers already")
