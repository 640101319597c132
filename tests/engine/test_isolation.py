"""A hostile project on the real engine: it is developed and previewed, and nothing of it runs on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.cli import until
from tests.engine.conftest import Started
from tests.planted import plant, poisoned_path, what_ran

pytestmark = pytest.mark.engine
SCRIPT = Path(sys.executable).with_name("devctl")


@pytest.fixture
def hostile(project: Callable[..., Started]) -> Iterator[tuple[Started, Path]]:
    made = project()
    ran = plant(made.root)
    (made.root / ".dockerignore").write_text("*.py\n")
    git = ["git", "-C", str(made.root)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.gitProxy",
        "diff.external",
        "gpg.program",
        "core.pager",
    ):
        subprocess.run([*git, "config", key, f"{made.root}/git"], check=True)
    yield made, ran


def run(root: Path, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [SCRIPT, "-y", *words],
        cwd=root,
        env={**os.environ, "PATH": poisoned_path()},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr


def test_up_its_watcher_bases_doctor_and_onboard(hostile: tuple[Started, Path]) -> None:
    made, ran = hostile
    run(made.root, "up", "-d")
    pid = (made.root / ".devctl/watcher.lock").read_text().strip()
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    run(made.root, "bases", "build")
    subprocess.run(
        [SCRIPT, "-y", "doctor", "--fix"],
        cwd=made.root,
        env={**os.environ, "PATH": poisoned_path()},
        capture_output=True,
    )
    run(made.root, "onboard")
    run(made.root, "down")
    assert what_ran(ran) == ""


def test_a_foreground_up(hostile: tuple[Started, Path]) -> None:
    made, ran = hostile
    said = made.root.with_suffix(".out")
    with (
        said.open("w") as out,
        subprocess.Popen(
            [SCRIPT, "up"], cwd=made.root, env={**os.environ, "PATH": poisoned_path()}, stdout=out, stderr=out
        ) as up,
    ):
        try:
            until(lambda: "http://" in said.read_text() or up.poll() is not None)
            assert up.poll() is None, said.read_text()
        finally:
            up.send_signal(signal.SIGINT)
        assert up.wait(180) == 0, said.read_text()
    assert what_ran(ran) == ""


def test_git_is_not_run_for_an_include_nor_for_a_build(hostile: tuple[Started, Path]) -> None:
    """The container has the source writable, including `.git/config`: anyone who runs git there runs what it says."""
    made, ran = hostile
    git = ["git", "-C", str(made.root), "config"]
    subprocess.run([*git, "protocol.ext.allow", "always"], check=True)
    subprocess.run([*git, f"url.ext::{made.root}/git x.insteadOf", "https://127.0.0.1:9/"], check=True)
    compose = made.root / "compose.yaml"
    whole = compose.read_text()
    made.write({"compose.yaml": f'include: ["https://127.0.0.1:9/x.git"]\n{whole}'})
    assert "COMPOSE_EXPERIMENTAL_GIT_REMOTE=true" in run(made.root, "config", "check", code=3)
    assert what_ran(ran) == ""
    subprocess.run(
        ["docker", "compose", "config"],
        cwd=made.root,
        env={**os.environ, "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "true"},
        capture_output=True,
    )
    assert what_ran(ran) == "program git\n"  # it is possible, and would be by default
    compose.write_text(whole)
    ran.unlink()


def test_a_dotenv_chooses_no_engine_and_no_programs(hostile: tuple[Started, Path]) -> None:
    made, ran = hostile
    plugins = made.root / "cfg/cli-plugins"
    plugins.mkdir(parents=True)
    for name in ("docker-compose", "docker-buildx"):
        (plugins / name).write_bytes((made.root / name).read_bytes())
        (plugins / name).chmod(0o755)
    evil = {
        "DOCKER_HOST": "tcp://127.0.0.1:9",
        "DOCKER_CONTEXT": "evil",
        "DOCKER_CONFIG": made.root / "cfg",
        "PATH": made.root,
        "PYTHONPATH": made.root,
        "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "true",
    }
    with (made.root / ".env").open("a") as env:
        env.write("".join(f"{name}={value}\n" for name, value in evil.items()))
    run(made.root, "up", "--dry-run")
    run(made.root, "doctor", code=0)
    assert what_ran(ran) == ""


def test_a_provider_is_refused_before_anything_runs(project: Callable[..., Started]) -> None:
    made = project()
    ran = plant(made.root, modules=False)
    compose = made.root / "compose.yaml"
    compose.write_text(f"{compose.read_text()}\n", encoding="utf-8")
    text = compose.read_text().replace("services:\n", "services:\n  evil:\n    provider: {type: ./git}\n", 1)
    compose.write_text(text)
    refused = made.devctl("up", "-d", code=3)
    assert refused.error["code"] == "program-on-host"
    assert refused.error["place"].startswith("compose.yaml:")
    assert what_ran(ran) == ""
