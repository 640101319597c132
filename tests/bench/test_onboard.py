"""git clone → the first response of a service with a dependency, on a machine that has the engine and the bases and nothing
else of it: devctl onboard against the sum of the service's own steps (image with its modules, start, first answer).

Cold without touching what others have: the ids of the Dockerfile's cache mounts are names of this run alone, so no module, no
compiled package and no layer above the base is here yet (a layer's key holds those ids; the reloader is compiled anew too),
and the folder belongs to a user number of this run alone, for whom there is no cache volume. The Go module proxy and its
cache are as they are: that is the network.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from tests.bench.harness import Row, body, go, keep, ms, replace_in, run
from tests.bench.test_rebuild import MAIN, MODULE, VERSIONS
from tests.engine.cli import Result, devctl, leave_nothing
from tests.engine.conftest import TEMPLATE
from tests.ports import free_port

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 3
WARM_ROUNDS = 7
AIM = 1.1
PREVIEW_AIM = 4_000.0
"""ms."""
FIRST_UID = 300_000
WITHIN = 900.0


class Cold(Struct, frozen=True):
    """What to clone, and the word that nothing on this machine has heard yet."""

    origin: Path
    clone: Path
    name: str
    port: int
    uid: int

    def cloned(self) -> None:
        run("git", "clone", "--quiet", str(self.origin), str(self.clone))
        (self.clone / ".env").write_text(f"HOST_PORT={self.port}\n")
        for path in (self.clone, *self.clone.rglob("*")):
            os.chown(path, self.uid, self.uid, follow_symlinks=False)


@pytest.fixture
def cold(tmp_path: Path) -> Iterator[Callable[[], Cold]]:
    made: list[Cold] = []

    def make() -> Cold:
        name = f"dt{uuid.uuid4().hex[:8]}"
        origin = tmp_path / f"{name}-origin"
        shutil.copytree(TEMPLATE, origin)
        for path in {*origin.rglob("*_test.go"), *(origin / "internal").rglob("*.go")}:
            path.unlink()
        (origin / "main.go").write_text(MAIN)
        go(origin, "get", f"{MODULE}@{VERSIONS[0]}")
        go(origin, "mod", "tidy")
        replace_in(origin / "Dockerfile", "id=go-", f"id={name}-go-")
        # Its commands hold the name as well: by that the builder's entries of this run are found afterwards, and the standard
        # library is compiled anew, which knows nothing of a project.
        for folder in ("/modcache", "/gocache"):
            replace_in(origin / "Dockerfile", folder, f"/{name}{folder[1:]}")
        compiles = "umask 0 && mkdir -p /cache/go-build"
        replace_in(origin / "Dockerfile", compiles, f": {name} && {compiles}")
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(origin)]
        run("git", "init", "--quiet", str(origin))
        run(*git, "add", "--all")
        run(*git, "commit", "--quiet", "--message", "a service")
        uid = FIRST_UID + int(name[2:6], 16)
        made.append(Cold(origin, tmp_path / name, name, free_port(), uid))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            if one.clone.exists():
                leave_nothing(one.clone, one.name)
            subprocess.run(["docker", "volume", "rm", f"devctl-go1.26-{one.uid}"], capture_output=True)
            forget(one.name)


def forget(name: str) -> None:
    """Take this run's entries out of the builder's cache, by their ids."""
    connection = socket.socket(socket.AF_UNIX)
    with connection:
        connection.connect(
            run("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")[7:].strip()
        )
        connection.sendall(b"GET /system/df HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    entries = json.loads(answer.partition(b"\r\n\r\n")[2])["BuildCache"] or []
    ids = [re.escape(e["ID"]) for e in entries if name in e["Description"]]
    if ids:
        run("docker", "builder", "prune", "--force", "--all", "--filter", f"id=^({'|'.join(ids)})$")


@contextlib.contextmanager
def client(port: int) -> Iterator[list[float]]:
    """Somebody who asks every 10 ms; the list holds when the service first answered."""
    answered: list[float] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set() and not answered:
            if body(port) is not None:
                answered.append(time.perf_counter())
            ended.wait(0.01)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answered
    finally:
        ended.set()
        thread.join()


def own_steps(done: Result) -> float:
    """ms of what the service itself takes: image (its modules are downloaded there), start, until it answers."""
    steps = [e for e in done.named("step.done") if e["step"] in ("build", "start", "probe")]
    return float(sum(e["ms"] for e in steps))


def onboarded(one: Cold, *, clone: bool) -> tuple[float, float]:
    """ms until the first response, and of the service's own steps in the same run."""
    with client(one.port) as answered:
        began = time.perf_counter()
        if clone:
            one.cloned()
        done = devctl("onboard", cwd=one.clone, timeout=WITHIN)
    assert answered
    return (answered[0] - began) * 1000, own_steps(done)


def by_hand(one: Cold) -> float:
    """ms for somebody who knows every command and types them without a pause."""
    with client(one.port) as answered:
        began = time.perf_counter()
        one.cloned()
        run("docker", "compose", "build", cwd=one.clone)
        run("docker", "compose", "up", "--detach", cwd=one.clone)
        while not answered:
            assert time.perf_counter() - began < WITHIN
            time.sleep(0.01)
    took = (answered[0] - began) * 1000
    run("docker", "compose", "down", "--volumes", cwd=one.clone)
    return took


def test_clone_to_first_response(cold: Callable[[], Cold]) -> None:
    ours, steps, plain, previews = [], [], [], []
    for number in range(ROUNDS):
        plain += [by_hand(cold())] if number % 2 else []
        mine = cold()
        whole, own = onboarded(mine, clone=True)
        ours.append(whole)
        steps.append(own)
        previews.append(ms(lambda mine=mine: devctl("-y", "prod-preview", cwd=mine.clone, timeout=WITHIN)))  # type: ignore[misc]
        devctl("down", cwd=mine.clone)
        plain += [] if number % 2 else [by_hand(cold())]
    against = "the sum of build (with its download), start and first answer in the same runs"
    note = "cold: no module, compiled package or layer above the base is here; one dependency; the reloader is compiled too"
    keep(
        Row(
            "git clone → first response",
            ours,
            steps,
            against,
            "git clone; devctl onboard",
            aim=AIM,
            note=note,
        )
    )
    against = "git clone; docker compose build; docker compose up -d, until it answers, as cold"
    keep(
        Row("git clone → first response, by hand", ours, plain, against, "git clone; devctl onboard", aim=AIM)
    )

    first = [PREVIEW_AIM] * len(previews)
    keep(Row("first preview after it", previews, first, "the aim, 4 s", "devctl prod-preview", aim=1.0))

    warm, own_warm = [], []
    for _ in range(WARM_ROUNDS):
        devctl("down", cwd=mine.clone)
        whole, own = onboarded(mine, clone=False)
        warm.append(whole)
        own_warm.append(own)
    against = "start and first answer in the same runs"
    keep(Row("onboard again, image and caches here", warm, own_warm, against, "devctl down; devctl onboard"))
