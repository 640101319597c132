"""onboard as people meet it: on a terminal, interrupted again and again, and under an account that is new on the machine."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import sysconfig
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, field

from devctl.cli.wiring import toolbox
from devctl.domain.command.events import Event, StepStarted
from devctl.domain.command.requests import OnboardRequest
from devctl.errors import InterruptedByUser, Problem
from devctl.workflows.start.onboard import NEXT, onboard
from tests.engine.alone import PACKAGES, alone
from tests.engine.cli import DEVCTL, docker, get, leave_nothing, serves
from tests.engine.conftest import TEMPLATE, Started
from tests.helpers import open_to_others
from tests.ports import free_port

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]
STEPS = ["doctor", "bases", "env", "up", "first-response"]
NEW_UID = 12345
"""Its build cache is that of other tests too, so nothing is compiled twice for being new."""


class Interrupting(Struct):
    """A reporter that presses Ctrl-C when a step begins."""

    at: str
    warnings: list[Problem] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == self.at:
            raise KeyboardInterrupt

    def warn(self, problem: Problem, *, again: bool = False) -> None:
        self.warnings.append(problem)


def test_it_continues_wherever_it_was_interrupted(project: Callable[..., Started]) -> None:
    clone = project()
    clone.write({".env.example": "GREETING=hello\n"})
    request = OnboardRequest(project=clone.root)
    for at in ("doctor", "bases", "env", "up", "build", "start", "probe", "first-response"):
        with pytest.raises(InterruptedByUser) as caught:
            onboard(request, toolbox(Interrupting(at)))
        assert caught.value.problem.hint == "devctl onboard continues where it stopped"
        steps: Any = caught.value.result["steps"]
        assert [s["id"] for s in steps] == STEPS
        failed = at if at in STEPS else "up"
        assert next(s["id"] for s in steps if s["status"] == "failed") == failed
    done: Any = onboard(request, toolbox(Interrupting(""))).result
    assert [s["status"] for s in done["steps"]] == ["ok"] * 5
    assert "Hello from Go" in get(clone.port)
    assert (clone.root / ".env").read_text() == f"HOST_PORT={clone.port}\nGREETING=hello\n"


HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
"""What begins and ends a live line."""


def converse(argv: Sequence[str], answers: dict[str, str], *, cwd: Path) -> tuple[int, str]:
    """Run on a terminal of its own; each answer is typed when its question appears. All that was shown is returned."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(["setsid", "--ctty", *argv], cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown, left = "", dict(answers)
    try:
        with contextlib.suppress(OSError):  # EIO: the last one who held the terminal let go of it
            while data := os.read(ours, 65536):
                shown += data.decode(errors="replace")
                for question in [q for q in left if q in shown]:
                    os.write(ours, f"{left.pop(question)}\n".encode())
        return child.wait(300), shown
    finally:
        child.kill()
        child.wait()
        os.close(ours)


def test_on_a_terminal_only_what_has_no_default_is_asked_for(project: Callable[..., Started]) -> None:
    clone = project()
    clone.write({".env.example": "GREETING=hello there\nSHOP_NAME=\nAPI_TOKEN=\n# optional\nTRACE=\n"})
    answers = {"SHOP_NAME: ": "corner shop", "API_TOKEN: ": "s3cret"}
    code, shown = converse([*DEVCTL, "--color", "never", "onboard"], answers, cwd=clone.root)
    assert code == 0, shown
    own = (clone.root / ".env").read_text()
    expected = "GREETING=hello there\nSHOP_NAME='corner shop'\nAPI_TOKEN=s3cret\nTRACE=\n"
    assert own == f"HOST_PORT={clone.port}\n{expected}"
    assert "GREETING: " not in shown and "TRACE: " not in shown
    assert "s3cret" not in shown, "a secret is not echoed"
    for question in answers:
        before = shown.partition(question)[0]
        drawn, taken_away = before.rfind(HIDE_CURSOR), before.rfind(SHOW_CURSOR)
        assert 0 <= drawn < taken_away, "the live line would be drawn over the question"
    for step in STEPS:
        assert any(line.startswith(f"✓ {step}") and " s" in line for line in shown.splitlines()), shown
    assert "time to first response: " in shown
    assert len(NEXT) == 3 and all(f"  {command} " in shown for command, _ in NEXT)


class Newcomer(Struct, frozen=True):
    """An account that is new on the machine, in the group that may speak to the engine, with a home of its own."""

    name: str
    home: Path

    def run(self, *argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        become = ["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups", "env", "-i"]
        paths = f"{ROOT}:{sysconfig.get_path('purelib')}"
        env = [f"HOME={self.home}", f"USER={self.name}", f"PYTHONPATH={paths}", f"PATH={os.environ['PATH']}"]
        env += [f"DOCKER_HOST={os.environ['DOCKER_HOST']}"] if "DOCKER_HOST" in os.environ else []
        return subprocess.run([*become, *env, *argv], cwd=cwd, capture_output=True, text=True, timeout=900)

    def devctl(self, *words: str, cwd: Path) -> dict[str, Any]:
        done = self.run(python_for_all(), "-m", "devctl", "--json", *words, cwd=cwd)
        assert done.stdout, done.stderr
        envelope: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert envelope["ok"], done.stdout[-3000:] + done.stderr
        return envelope


def python_for_all() -> str:
    """This Python, or the system's of the same version if this one is in a closed home."""
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (Path(sys.executable).resolve(), Path("/usr/bin", minor)):
        if candidate.exists() and all(folder.stat().st_mode & 0o001 for folder in candidate.parents):
            return str(candidate)
    raise AssertionError(f"no {minor} that every user may run")


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    name = f"dt{uuid.uuid4().hex[:8]}"
    open_to_others(tmp_path)
    group = Path("/var/run/docker.sock").stat().st_gid
    home = tmp_path / name
    flags = ["--non-unique", "--uid", str(NEW_UID), "--user-group", "--groups", str(group)]
    with alone(PACKAGES):
        subprocess.run(["useradd", *flags, "--create-home", "--home-dir", home, name], check=True)
    try:
        yield Newcomer(name, home)
    finally:
        with alone(PACKAGES):
            subprocess.run(["userdel", "--force", name], check=True, capture_output=True)
            subprocess.run(["groupdel", name], capture_output=True)


def test_a_new_account_goes_from_git_clone_to_a_changed_line(newcomer: Newcomer, tmp_path: Path) -> None:
    name, port = f"dt{uuid.uuid4().hex[:8]}", free_port()
    origin, clone = tmp_path / "origin.git", newcomer.home / name
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(TEMPLATE)]
    subprocess.run(["git", "init", "-q", "--bare", str(origin)], check=True)
    work = [*git, f"--git-dir={origin}", f"--work-tree={TEMPLATE}"]
    subprocess.run([*work, "add", "--all"], check=True)
    subprocess.run([*work, "commit", "-qm", "a service"], check=True)
    subprocess.run(["chown", "-R", str(NEW_UID), str(origin)], check=True)

    cloned = newcomer.run("git", "clone", "-q", str(origin), str(clone), cwd=newcomer.home)
    assert cloned.returncode == 0, cloned.stderr
    (clone / ".env.example").write_text(f"HOST_PORT={port}\n")
    os.chown(clone / ".env.example", NEW_UID, NEW_UID)
    os.chown(clone / ".env.example", NEW_UID, -1)
    try:
        done = newcomer.devctl("onboard", cwd=clone)["result"]
        assert [s["status"] for s in done["steps"]] == ["ok"] * 5
        assert done["url"] == f"http://127.0.0.1:{port}"
        assert "Hello from Go" in get(port)

        source = clone / "internal/web/web.go"
        source.write_text(source.read_text().replace("Hello from Go", "Hello from a newcomer"))
        serves(port, "Hello from a newcomer", within=120)

        checks = newcomer.devctl("doctor", cwd=clone)["result"]["checks"]
        bad = {c["id"] for c in checks if c["status"] != "ok"} & {"ownership", "mount", "git", "engine"}
        assert not bad, checks
        newcomer.devctl("down", cwd=clone)
        assert not [p for p in clone.rglob("*") if p.lstat().st_uid != NEW_UID], "files of somebody else"
        assert not docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={name}")
    finally:
        leave_nothing(clone, name)
