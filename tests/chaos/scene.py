"""What faults happen to: a service that writes into PostgreSQL, its repository, a client that never stops, and containers
beside it that are none of devctl's business."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct, field

from tests.engine.cli import DEVCTL, docker
from tests.engine.conftest import Started
from tests.engine.ledger_project import LEDGER, Client
from tests.helpers import build_tree

GREETING = "a ledger"
OTHER_GREETING = "a ledger 00000000-0000-0000-0000-000000000000"
UUID_SUM = (
    "github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n"
    "github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n"
)
FIRST = {
    **LEDGER,
    "main.go": LEDGER["main.go"].replace(
        "i == 300", "i == 100"
    ),  # it gives up after 10 s, as devctl waits for its end
    "compose.yaml": LEDGER["compose.yaml"].replace("HOST_PORT:", "${PORT:-HOST_PORT}:"),
    ".gitignore": ".env\n",
}
OTHER = {
    "go.mod": f"{LEDGER['go.mod']}require github.com/google/uuid v1.6.0\n",
    "go.sum": UUID_SUM + LEDGER["go.sum"],
    "main.go": FIRST["main.go"]
    .replace('\t_ "github.com', '\t"github.com/google/uuid"\n\t_ "github.com')
    .replace('"a ledger")', '"a ledger ", uuid.Nil)'),
}
"""The same program with another dependency: what a branch, a rebase or a save may bring."""
USUAL = {"up": 6.0, "back": 5.0, "prod-preview": 8.0, "rebuild": 8.0, "restart": 3.0, "down": 3.0}
"""Seconds of each command until it was seen here; a random moment is a part of them."""


class Command(Struct, frozen=True):
    """A command of devctl and the mode that it starts from."""

    name: str
    begins: str
    words: tuple[str, ...]


COMMANDS = (
    Command("up", "stopped", ("up", "-d")),
    Command("prod-preview", "dev", ("prod-preview",)),
    Command("back", "prod", ("up", "-d")),
    Command("rebuild", "dev", ("rebuild",)),
    Command("restart", "dev", ("restart",)),
    Command("down", "dev", ("down",)),
)
BUILDING = tuple(c for c in COMMANDS if c.name in ("up", "prod-preview", "rebuild"))


class Scene(Struct):
    """`mode`: that of the project as far as the suite brought it there; `head`: the commit that is checked out."""

    made: Started
    client: Client
    bystanders: Mapping[str, str]
    mode: str = "stopped"
    head: str = ""
    greeting: str = GREETING
    takes: dict[str, float] = field(default_factory=lambda: dict(USUAL))
    checked: int = 0
    """Rows up to this number were looked at."""

    @property
    def root(self) -> Path:
        return self.made.root

    def git(self, *words: str, at: Path | None = None) -> str:
        return git(at or self.root, *words)

    def bring(self, mode: str) -> None:
        """Into that mode, by the commands a person would use."""
        if mode == self.mode:
            return
        if mode == "stopped":
            self.made.devctl("down")
        elif mode == "prod":
            self.made.devctl("-y", "prod-preview")
        else:
            self.made.devctl("-y", "up", "-d")
        self.mode = mode

    def begin(self, command: Command) -> subprocess.Popen[bytes]:
        """The command as a process; its output goes into files beside the project, so that a full pipe never holds it up."""
        self.mode = ""
        with (self.output("out")).open("wb") as out, self.output("err").open("wb") as err:
            return subprocess.Popen(
                [*DEVCTL, "--json", "-y", "--project", str(self.root), *command.words],
                cwd=self.root.parent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def output(self, stream: str) -> Path:
        return self.root.parent / f"{self.root.name}.{stream}"

    def last_event(self) -> str:
        """What the command told last, for people: the step and how it stood."""
        told = [json.loads(line) for line in _whole_lines(self.output("out"))]
        steps = [f"{e['step']} {e['name'].rpartition('.')[2]}" for e in told if "step" in e]
        return steps[-1] if steps else "before its first step"

    def commit(self, files: Mapping[str, str]) -> None:
        """Save files and commit them: the fault's own change."""
        build_tree(self.root, files)
        self.git("commit", "--quiet", "--all", "--message", "a change")
        self.head = self.git("rev-parse", "HEAD")

    def turn(self) -> Mapping[str, str]:
        """The files of the program that is not checked out, and its greeting from now on."""
        other = self.greeting == GREETING
        self.greeting = OTHER_GREETING if other else GREETING
        return OTHER if other else {path: FIRST[path] for path in OTHER}

    def moment(self, rng: Random, name: str, part: float = 0.85) -> float:
        """Seconds, anywhere in the first part of the time that the command usually takes."""
        return rng.random() * self.takes[name] * part


def git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "gc.auto=0")
    done = subprocess.run(["git", *identity, *words], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, f"git {' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


@contextlib.contextmanager
def scene(made: Started, *, bystanders: bool = True) -> Iterator[Scene]:
    """Everything in place, serving, and written to until the end."""
    beside = _bystanders(made.name) if bystanders else []
    try:
        here = Scene(made, Client(made.port, pause=0.03), started_at(beside))
        here.head = repository(made.root)
        here.bring("dev")
        with here.client.writing():
            yield here
    finally:
        if beside:
            docker("rm", "--force", *beside)


def repository(root: Path) -> str:
    """The commit of all that is in the folder."""
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "a ledger")
    return git(root, "rev-parse", "HEAD")


def _bystanders(name: str) -> list[str]:
    """A container that nobody manages, and one of another compose project whose service has the name of ours."""
    of_compose = {
        "com.docker.compose.project": f"{name}x",
        "com.docker.compose.service": "app",
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.container-number": "1",
    }
    labels = [word for key, value in of_compose.items() for word in ("--label", f"{key}={value}")]
    sleep = ("--init", "alpine:3.22", "sleep", "1000000")
    return [
        docker("run", "--detach", "--name", f"{name}-beside", *sleep),
        docker("run", "--detach", "--name", f"{name}x-app-1", *labels, *sleep),
    ]


def started_at(containers: list[str]) -> Mapping[str, str]:
    return {
        c["Id"]: c["State"]["StartedAt"] if c["State"]["Running"] else "not running"
        for c in inspected(containers)
    }


def inspected(containers: list[str]) -> list[dict[str, Any]]:
    """Those that are still there: something may remove one at any moment."""
    done = subprocess.run(["docker", "container", "inspect", *containers], capture_output=True, text=True)
    return list(json.loads(done.stdout)) if containers else []


def ended(here: Scene, child: subprocess.Popen[bytes], within: float = 600) -> dict[str, Any] | None:
    """The last line of a command that came to its end; None for one that was killed. It keeps to the contract: one of its exit
    codes, never that of a bug, and an error has a hint."""
    try:
        child.wait(within)
    except subprocess.TimeoutExpired as late:
        child.kill()
        child.wait()
        raise AssertionError(f"a command still ran after {within:.0f} s: {here.last_event()}") from late
    if child.returncode < 0:
        return None
    lines = _whole_lines(here.output("out"))
    assert lines, f"exit code {child.returncode} and no line: {here.output('err').read_text()}"
    told: dict[str, Any] = json.loads(lines[-1])
    assert told.get("type") == "result", told
    assert told["exit_code"] == child.returncode, told
    assert child.returncode in (0, 1, 2, 3, 4, 130), told
    assert child.returncode == 0 or (told["error"]["message"] and told["error"]["hint"]), told
    return told


def _whole_lines(path: Path) -> list[str]:
    text = path.read_text()
    return text[: text.rfind("\n") + 1].splitlines()


def copied(root: Path, to: Path) -> None:
    shutil.copytree(root, to, symlinks=True, ignore=shutil.ignore_patterns(".devctl"))


def wait(seconds: float) -> None:
    """A random moment is the point of these tests; nothing else waits for a time."""
    time.sleep(seconds)
