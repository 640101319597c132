"""SIGKILL of devctl at moments of its work on the real engine: `status` stays true, and the next `up` serves."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.cli import DEVCTL, docker, serves, until
from tests.engine.conftest import Started
from tests.engine.killing_docker import KillingDocker, left_running

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]


def kill_at(made: Started, step: str, *words: str, name: str = "step.started") -> None:
    """Start a command, and kill it when it reports that step."""
    argv = [*DEVCTL, "--json", "-y", *words]
    with subprocess.Popen(argv, cwd=made.root, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            event = json.loads(line)
            if (event.get("name"), event.get("step")) == (name, step):
                child.kill()
                break
    assert child.returncode == -signal.SIGKILL, f"devctl {' '.join(words)} ended before `{step}`"


def ends_well(made: Started) -> None:
    """What is reported is true, and `up` serves with one container and nothing left to recover."""
    state = made.devctl("status").result
    running = docker(
        "ps", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.project={made.name}"
    )
    if state["serving"]["state"] != "none":
        assert state["services"][0]["container"] in running
    made.devctl("up", "-d", "--no-watch")
    serves(made.port, "", within=30)
    every = docker(
        "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={made.name}"
    ).split()
    assert len(every) == 1, every
    image = docker("inspect", "-f", "{{.Image}}", every[0])
    assert (
        docker("image", "inspect", "-f", "{{.Id}}", docker("inspect", "-f", "{{.Config.Image}}", every[0]))
        == image
    )
    again = made.devctl("up", "-d", "--no-watch")
    assert again.result["steps"] == []
    assert again.result["serving"] == {"state": "current", "reason": None}
    assert left_running(made.root) == []


def test_a_kill_at_moments_of_every_command(project: MakeProject) -> None:
    made = project()
    kill_at(made, "start", "up", "-d", "--no-watch")
    ends_well(made)
    kill_at(made, "build", "rebuild")
    ends_well(made)
    kill_at(made, "start", "rebuild", name="step.done")
    ends_well(made)
    for step in ("check", "switch", "probe"):
        kill_at(made, step, "prod-preview")
        ends_well(made)
    made.devctl("prod-preview")
    kill_at(made, "start", "up", "-d", "--no-watch")
    ends_well(made)
    with subprocess.Popen([*DEVCTL, "down"], cwd=made.root, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        child.stderr.readline()
        child.kill()
    ends_well(made)


def greets(made: Started, word: str) -> None:
    made.write({"devctl.yaml": f"services: {{app: {{env: {{WORD: {word}}}}}}}\n"})


def has(made: Started, word: str) -> bool:
    """Whether the one container runs by what devctl.yaml says now."""
    (container,) = docker(
        "ps", "--quiet", "--filter", f"label=com.docker.compose.project={made.name}"
    ).split()
    return f"WORD={word}" in docker("inspect", "-f", "{{json .Config.Env}}", container)


def test_a_kill_at_any_call_of_the_short_way_and_at_calls_of_the_long_one(
    project: MakeProject, tmp_path: Path
) -> None:
    """`up` with nothing to do says so only if that is true, whatever ended before it."""
    made = project()
    killing = KillingDocker.made(tmp_path / "docker", made.root)
    up = ("up", "-d", "--no-watch")
    made.devctl(*up)
    short = killing.calls(*up)
    for number in range(1, short + 1):
        killing.kill(*up, at=number)
        ends_well(made)

    greets(made, "w0")
    long = killing.calls(*up)
    assert long > short and has(made, "w0")
    killed = 0
    for number in range(1, long + 1, max(long // 6, 1)):
        greets(made, f"w{number}")
        killed += killing.kill(*up, at=number, sure=False)  # how often it asks while it waits is not said
        made.devctl(*up)
        assert has(made, f"w{number}"), number
        ends_well(made)
    assert killed >= 4


def test_what_compose_continues_with_after_a_kill_is_ended_by_the_next_command(
    project: MakeProject, tmp_path: Path
) -> None:
    made = project()
    killing = KillingDocker.made(tmp_path / "docker", made.root)
    killing.kill("up", "-d", "--no-watch", on=" build ")
    ends_well(made)
    killing.kill("restart", on=" restart ")
    ends_well(made)
    killing.kill("rebuild", on=" up ")
    ends_well(made)
    for words in (("prod-preview",), ("prod-preview", "--drain")):
        killing.kill("-y", *words, on=" up ")
        ends_well(made)
    made.devctl("-y", "prod-preview")
    killing.kill("-y", "prod-preview", "--drain", on=" stop ")
    ends_well(made)
    killing.kill("down", on=" down ")
    ends_well(made)


def test_a_watcher_that_is_killed_in_its_round_is_replaced_and_its_change_is_applied(
    project: MakeProject, tmp_path: Path
) -> None:
    made = project()
    killing = KillingDocker.made(tmp_path / "docker", made.root)
    subprocess.run(
        [*DEVCTL, "up", "-d"], cwd=made.root, env=killing.environment, check=True, capture_output=True
    )
    first = made.devctl("status").result
    killing.arm(on=" build ")
    ignored = made.root / ".dockerignore"
    ignored.write_text(f"{ignored.read_text()}\nof-a-test.txt\n")
    until(lambda: killing.fired)
    until(lambda: made.devctl("status").result["watcher"]["state"] == "absent")
    made.devctl("up", "-d")
    now = made.devctl("status").result
    assert now["watcher"]["state"] == "running"
    assert now["watcher"]["pid"] != first["watcher"]["pid"]
    assert now["services"][0]["container"] != first["services"][0]["container"]
    made.devctl("down")
    ends_well(made)
