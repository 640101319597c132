"""scripts/setup.sh: silent when nothing changed, and a hint if it cannot continue."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "scripts/setup.sh", tmp_path / "scripts")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def program(checkout: Path, name: str, script: str) -> None:
    path = checkout / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def setup(checkout: Path, python: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{checkout}/bin:/usr/bin:/bin", "PYTHON": python}
    argv = ["sh", str(checkout / "scripts/setup.sh")]
    return subprocess.run(
        argv, env=env, capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL
    )


def test_nothing_is_done_twice(checkout: Path) -> None:
    (checkout / ".venv/bin").mkdir(parents=True)
    script = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    (checkout / ".venv/bin/python").write_text(script)
    (checkout / ".venv/bin/python").chmod(0o755)
    shutil.copy(checkout / "pyproject.toml", checkout / ".venv/.setup")
    done = setup(checkout, "no-such-python")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_old_python_is_named_with_the_way_out(checkout: Path) -> None:
    program(checkout, "python3.9", "exit 1")
    done = setup(checkout, "python3.9")
    assert done.returncode == 1
    assert "make setup PYTHON=" in done.stderr


def test_without_venv_and_root_the_package_is_named(checkout: Path) -> None:
    program(checkout, "pythonx", 'case "$2" in *ensurepip*) exit 1 ;; *print*) echo 3.11 ;; esac')
    program(checkout, "id", "echo 1000")
    done = setup(checkout, "pythonx")
    assert done.returncode == 1
    assert "sudo apt-get install python3.11-venv" in done.stderr


def test_the_package_is_installed_by_root(checkout: Path) -> None:
    program(
        checkout, "pythonx", 'case "$2" in *ensurepip*) exit 1 ;; *print*) echo 3.11 ;; venv) exit 3 ;; esac'
    )
    program(checkout, "id", "echo 0")
    program(checkout, "apt-get", f'echo "$@" >>{checkout}/asked')
    assert setup(checkout, "pythonx").returncode == 3
    assert (checkout / "asked").read_text().splitlines() == [
        "-q update",
        "-q install -y --no-install-recommends python3.11-venv",
    ]
