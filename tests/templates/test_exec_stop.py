"""What `templates/exec/stop` promises: all that an exec has started ends, and nothing else does."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

STOP = (Path(__file__).parents[2] / "templates/exec/stop").read_text()


@contextmanager
def started(script: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Returns once it has printed a line. The mark is not the first variable, as in a container."""
    words = ["env", "-i", "PATH=/usr/bin:/bin", *(f"{k}={v}" for k, v in env.items()), "sh", "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline()
            yield process
        finally:
            process.kill()


def stop(mark: str, signal: str) -> None:
    subprocess.run(["sh", "-c", STOP, "stop", f"DEVCTL_EXEC={mark}", signal], timeout=300, check=False)


@pytest.mark.parametrize("signal", ["INT", "HUP"])
def test_the_first_signal_is_the_one_asked_for(signal: str) -> None:
    mark = uuid.uuid4().hex
    script = f"trap 'echo got {signal}; exit 5' {signal}; echo up; while :; do sleep 0.05; done"
    with started(script, DEVCTL_EXEC=mark) as process:
        stop(mark, signal)
        assert (process.communicate(timeout=60)[0], process.returncode) == (f"got {signal}\n", 5)


@pytest.mark.parametrize(("deaf", "code"), [("INT", -15), ("INT TERM", -9)])
def test_what_does_not_hear_it_is_terminated_and_then_killed(deaf: str, code: int) -> None:
    mark = uuid.uuid4().hex
    with started(f"trap '' {deaf}; echo up; while :; do sleep 0.05; done", DEVCTL_EXEC=mark) as process:
        stop(mark, "INT")
        assert process.wait(60) == code


def test_others_are_left_alone() -> None:
    mark = uuid.uuid4().hex
    with ExitStack() as running:
        ours = running.enter_context(started("echo up; exec sleep 60", DEVCTL_EXEC=mark))
        longer = running.enter_context(started("echo up; exec sleep 60", DEVCTL_EXEC=f"{mark}0"))
        none = running.enter_context(started("echo up; exec sleep 60"))
        stop(mark, "INT")
        assert ours.wait(60) == -2
        assert longer.poll() is None and none.poll() is None
