"""demo on the real engine: every step of the main job, and nothing left of it however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.engine.cli import DEVCTL, devctl, docker

pytestmark = pytest.mark.engine
STEPS = "new up edit gomod preview size back down".split()


def nothing_left(temporary: Path, name: str) -> None:
    assert list(temporary.iterdir()) == []
    for kind in ("container", "volume", "network"):
        every = ["--all"] if kind == "container" else []
        assert docker(kind, "ls", "-q", *every, "--filter", f"label=com.docker.compose.project={name}") == ""
    assert docker("image", "ls", "-q", "--filter", f"reference={name}-*") == ""
    running = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if _readable(p)]
    assert [line for line in running if name.encode() in line] == []


def _readable(path: Path) -> bool:
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


def test_the_whole_main_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = devctl("demo", cwd=tmp_path)
    steps = {s["id"]: s for s in done.result["steps"]}
    assert list(steps) == STEPS
    assert {s["status"] for s in steps.values()} == {"ok"}
    assert all(isinstance(s["ms"], int) and s["detail"] for s in steps.values())
    assert re.search(r"saved → served in \d+\.\d\d s", steps["edit"]["detail"])
    assert "+ github.com/google/uuid v1.6.0" in steps["gomod"]["detail"]
    assert "uid 65532, read-only, no source, distroless" in steps["preview"]["detail"]
    sizes = [float(n) for n in re.findall(r"([\d.]+) MB", steps["size"]["detail"])]
    assert len(sizes) == 3
    assert sizes == sorted(sizes, reverse=True)
    assert "mode dev" in steps["back"]["detail"]
    assert 0 < done.result["time_to_first_response_ms"] < sum(s["ms"] for s in steps.values())
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", done.result["url"])
    name = re.search(r"devctl-demo-\w+", steps["new"]["detail"])
    assert name is not None
    nothing_left(tmp_path, name[0])


@pytest.mark.parametrize("after", ["up", "gomod"])
def test_ctrl_c_leaves_nothing(tmp_path: Path, after: str) -> None:
    """In the middle of the step that follows `after`."""
    following = STEPS[STEPS.index(after) + 1]
    child = subprocess.Popen(
        [*DEVCTL, "--json", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        process_group=0,
    )
    assert child.stdout is not None
    for line in child.stdout:
        event = json.loads(line)
        if (event["type"], event.get("name"), event.get("step")) == ("event", "step.started", following):
            break
    (name,) = (path.name for path in tmp_path.glob("devctl-demo-*"))
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=600)
    envelope = json.loads(out.splitlines()[-1])
    assert (child.returncode, envelope["exit_code"], err) == (130, 130, "")
    steps = {s["id"]: s["status"] for s in envelope["result"]["steps"]}
    assert (steps[after], steps[following], steps["back"], steps["down"]) == ("ok", "failed", "skipped", "ok")
    nothing_left(tmp_path, name)


def test_a_failed_step_ends_it_and_all_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `docker exec`: the step that adds a dependency cannot work, and nothing else is affected."""
    wrapper = tmp_path / "bin" / "docker"
    wrapper.parent.mkdir()
    real = subprocess.run(["sh", "-c", "command -v docker"], capture_output=True, text=True).stdout.strip()
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in exec*" go get "*) echo "no way out" >&2; exit 1;; esac\nexec {real} "$@"\n'
    )
    wrapper.chmod(0o755)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(temporary))
    done = devctl("demo", cwd=tmp_path, code=1)
    assert done.error["code"] == "module-not-had"
    steps = {s["id"]: s["status"] for s in done.result["steps"]}
    assert steps == dict(zip(STEPS, "ok ok ok failed skipped skipped skipped ok".split(), strict=True))
    assert list(temporary.iterdir()) == []


def test_the_text_tells_each_step_with_its_time(tmp_path: Path) -> None:
    done = subprocess.run([*DEVCTL, "demo", "--dry-run"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == STEPS
