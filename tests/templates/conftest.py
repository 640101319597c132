"""Runs copies of the service template with plain docker compose: nothing of devctl takes part here."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct, field

from tests.engine.cli import get, until
from tests.engine.compiled import into_volume
from tests.helpers import save
from tests.ports import free_port

TEMPLATE = Path(__file__).parents[2] / "templates" / "go-service"
GREETING = "Hello from Go"


def run(*argv: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """The command's stdout; fails with everything it said."""
    done = subprocess.run(argv, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Poller(Struct):
    """A client that asks every 5 ms; `failures` are requests that got no good answer."""

    port: int
    asked: int = 0
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[Poller]:
        stop = threading.Event()
        thread = threading.Thread(target=self._ask, args=(stop,))
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()

    def _ask(self, stop: threading.Event) -> None:
        while not stop.wait(0.005):
            self.asked += 1
            try:
                get(self.port)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))


class Running(Struct):
    """A copy of the template under a compose project of its own."""

    root: Path
    project: str
    port: int
    files: tuple[str, ...] = ("compose.yaml",)
    cache: str = ""
    env: dict[str, str] = field(default_factory=dict)

    def compose(self, *args: str) -> str:
        chosen = [part for name in self.files for part in ("-f", name)]
        if self.cache:
            chosen += ["-f", str(_with_cache(self.root.parent / "cache.yaml", self.cache))]
        env = {"HOST_PORT": str(self.port), "COMPOSE_PROJECT_NAME": self.project, **self.env}
        return run("docker", "compose", *chosen, *args, cwd=self.root, env=env)

    def container(self) -> str:
        return self.compose("ps", "-aq", "app").strip()

    def inspect(self, path: str) -> str:
        return run("docker", "inspect", "-f", path, self.container()).strip()

    def sh(self, line: str) -> str:
        return run("docker", "exec", self.container(), "sh", "-c", line)

    def pid(self) -> str:
        """The service's process in its container, and when it began: pids may come again."""
        return self.sh("p=$(pidof main); echo $p; cut -d' ' -f22 /proc/$p/stat").strip()

    def log(self) -> str:
        done = subprocess.run(["docker", "logs", self.container()], capture_output=True, text=True)
        return done.stdout + done.stderr

    def serves(self, text: str, *, within: float = 400) -> float:
        """Wait until the front page holds `text`; the seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            try:
                if text in get(self.port):
                    return time.monotonic() - began
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.005)
        raise AssertionError(f"{text!r} not served within {within} s\n{self.log()}")

    def says(self, text: str, *, times: int = 1, within: float = 400) -> None:
        until(lambda: self.log().count(text) >= times, within, lambda: f"log lacks {text!r}\n{self.log()}")

    def save(self, greeting: str, *, broken: bool = False) -> None:
        source = (TEMPLATE / "internal/web/web.go").read_text().replace(GREETING, greeting)
        save(
            self.root / "internal/web/web.go",
            source + ("\nvar wrong int = undefinedName\n" if broken else ""),
        )


def _with_cache(file: Path, volume: str) -> Path:
    """The volume of the compose file, under a name that outlives the project: the standard library compiles once."""
    file.write_text(f"volumes:\n  cache:\n    name: {volume}\n    external: true\n")
    return file


def copy_template(target: Path) -> Path:
    shutil.copytree(TEMPLATE, target)
    for folder in (target.parent, target.parent.parent, target.parent.parent.parent):
        folder.chmod(0o755)  # pytest closes its folders to other users, and the container may run as one
    return target


@contextmanager
def built(
    root: Path, target: str, *, args: dict[str, str] | None = None, platform: str = ""
) -> Iterator[str]:
    """An image of one stage, gone afterwards. Built by compose, which needs no buildx."""
    ref = f"tpl-{uuid.uuid4().hex[:8]}:{target}"
    build = {"context": str(root), "target": target, "args": args or {}}
    service = {"image": ref, "build": build, **({"platform": platform} if platform else {})}
    model = root.parent / f"{target}.json"
    model.write_text(json.dumps({"name": ref.partition(":")[0], "services": {"app": service}}))
    run("docker", "compose", "-f", str(model), "build")
    try:
        yield ref
    finally:
        run("docker", "image", "rm", ref)


@pytest.fixture(scope="session")
def cache() -> Iterator[str]:
    """A volume for the compiled packages of all tests of this run; the standard library is in it."""
    volume = f"tpl{uuid.uuid4().hex[:8]}-cache"
    into_volume(volume)
    yield volume
    run("docker", "volume", "rm", volume)


@pytest.fixture
def service(tmp_path: Path, cache: str) -> Iterator[Running]:
    """A fresh copy, not started; container, network and images go when the test is over."""
    project = f"tpl{uuid.uuid4().hex[:8]}"
    running = Running(copy_template(tmp_path / "app"), project, free_port(), cache=cache)
    yield running
    running.compose("down", "--volumes", "--rmi", "all", "--timeout", "2")


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory, cache: str) -> Iterator[Running]:
    """One dev container for the tests of a module: each leaves it serving good code."""
    root = copy_template(tmp_path_factory.mktemp("tpl") / "app")
    running = Running(root, f"tpl{uuid.uuid4().hex[:8]}", free_port(), cache=cache)
    try:
        running.compose("up", "--build", "--detach")
        running.serves(GREETING, within=300)
        yield running
    finally:
        running.compose("down", "--volumes", "--rmi", "all", "--timeout", "2")


def image_layers(ref: str) -> list[str]:
    layers = json.loads(run("docker", "image", "inspect", "-f", "{{json .RootFS.Layers}}", ref))
    return [str(layer) for layer in layers or []]
