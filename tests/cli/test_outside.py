"""A machine or a project that refuses something ends a command with its own code, not as a bug of devctl."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran
from tests.helpers import build_tree

Devctl = Callable[..., Ran]
SERVICE = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "main.go": 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n',
}


@pytest.mark.parametrize(
    "words", [["status"], ["up", "-d"], ["bases"], ["down"], ["doctor"], ["clean"], ["logs"]]
)
def test_no_docker_on_the_path(
    devctl: Devctl,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    build_tree(tmp_path, SERVICE)
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = devctl("--json", "-C", str(tmp_path), *words)
    assert (ran.code, ran.envelope["error"]["code"]) in [(4, "docker-missing"), (4, "machine-not-ready")]


def test_doctor_without_docker_still_looks_at_the_rest(
    devctl: Devctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    build_tree(tmp_path / "shop", SERVICE)
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = devctl("--json", "-C", str(tmp_path / "shop"), "doctor")
    checks = {check["id"]: check["status"] for check in ran.envelope["result"]["checks"]}
    assert [name for name, status in checks.items() if status == "fail"] == ["docker-cli", "engine"]
    assert {"docker-config", "inotify", "lock", "ownership", "file-system", "modules"} <= set(checks)
    assert (ran.code, ran.envelope["error"]["message"]) == (
        4,
        "the docker command is not installed (and 1 more)",
    )


@pytest.mark.parametrize("said", ["Cannot connect to the Docker daemon", "das Gerät antwortet nicht"])
@pytest.mark.parametrize("words", [["bases"], ["bases", "pull"], ["bases", "build"]])
def test_without_an_engine_no_base_is_said_to_be_missing(
    devctl: Devctl, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever docker prints about it, and in whatever words: its exit code is enough."""
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ran = devctl("--json", *words)
    assert (ran.code, ran.envelope["error"]["code"]) == (4, "engine-unreachable")
    assert ran.envelope["result"] == {}


def test_an_unreadable_env_file(devctl: Devctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/shop\n\ngo 1.26\n")
    (tmp_path / ".env").symlink_to(".env")
    ran = devctl("--json", "-C", str(tmp_path), "config", "show")
    assert (ran.code, ran.envelope["error"]["place"]) == (3, ".env")
    assert ran.envelope["error"]["hint"] == "rm .env"


@pytest.mark.follows("cd to an existing folder, or name the project: devctl -C DIR")
def test_a_folder_that_was_removed_below_the_shell(
    devctl: Devctl,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    hinted: Callable[[str], str],
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for words in (["status"], ["-C", ".", "up", "--dry-run"]):
        removed = devctl("--json", *words)
        assert (removed.code, removed.envelope["error"]["code"]) == (2, "project-dir-missing"), removed
    ran = devctl("--json", "status")
    assert (ran.code, ran.envelope["error"]["code"]) == (2, "project-dir-missing")
    named = hinted(ran.envelope["error"]["hint"]).partition(": devctl ")[2].replace("DIR", str(tmp_path))
    build_tree(tmp_path, SERVICE)
    assert devctl("--json", *named.split(), "config", "check").code == 0
    monkeypatch.chdir(tmp_path)
    assert devctl("--json", "config", "check").code == 0


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 2), (0, 1, 2)])
def test_a_stream_that_is_closed_is_written_to_nobody(closed: tuple[int, ...], tmp_path: Path) -> None:
    shut = " ".join(f"{number}>&-" if number else "<&-" for number in closed)
    call = f'"{sys.executable}" -P -m devctl new "{tmp_path}/hello" {shut}'
    done = subprocess.run(["sh", "-c", call], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "hello" / "go.mod").exists()


@pytest.mark.parametrize("words", [["--version"], ["--json", "--version"], ["--help"]])
def test_a_full_disk_behind_the_output_is_named(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "devctl", *words], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 4
    assert "No space left on device" in done.stderr or "--json" in words
