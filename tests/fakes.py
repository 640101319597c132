"""A world in memory: files, images, containers, networks, volumes, locks, a compose that can fail in every way, and a clock
that costs nothing.

It knows no Docker and no Go. An image remembers the go.mod that it was built from, one for production the source too; source code
is the list of modules that it needs; it compiles where go.mod names them all. Everything else is what the real workflows do
with that. What compose and the engine do is done here in the same order, one change after the other.

    world = World()                                     # one Go service, no compose file
    world.compose({"api": {"build": "."}, "db": {"image": "postgres:17", "volumes": ["data:/data"]}}, volumes=["data"])
    up(UpRequest(project=world.root, detach=True), world.box())
    world.of("api").app, world.volumes, world.networks, world.watcher

*Processes.* Each `world.box()` is a process of its own, with a pid. What fails once is `world.fault`; what cannot be pulled is in
`world.unpullable`; ports of others are in `world.taken_ports`; a SIGTERM is ignored by services in `world.deaf_to_sigterm`;
`world.go_test` says for the words behind `go test` how it ends and what it prints, `world.go_list` what `go list` answers;
`world.meanwhile` happens whenever somebody waits;
those in `world.listens_after` refuse connections for so many seconds after their start;
`world.no_delve` is what the script ends with that installs delve
(`world.delve`: the command for it, and what that reads); `world.image_facts` overrides what a look into an image finds;
`world.base` is what Dockerfiles build on; with `world.containerd_store` a build removes the image whose last name it takes;
`world.rootless` and `world.far` are engines of those kinds; `world.planted` names links below `.devctl/`;
without `world.has_home` nothing can be kept there.

*Locks* are real: two threads with a box each wait for one another, `world.locked` tells who had the lock when. A holder that is no
thread of the test: `world.hold_lock("up", pid=77)`, for good or `until=` a time of `world.now`.

*kill -9.* Every change of the world is a step with a name; `world.steps` are those since `world.steps.clear()`. After
`world.kill_at(step)` the process that comes to that step dies before it: it raises `Killed`, and so does every later call of a port
of that box, so that no `except` and no `finally` has an effect. The kernel frees its locks. A thread of the product that
outlives the kill dies of it too: mark such a test with `KILLS`. `world.interrupt_at(step)` is Ctrl-C there, with `again=True` at
each step from there on, for as long as Ctrl-C is heard.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import itertools
import json
import posixpath
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import Struct, field
from msgspec.structs import replace

from devctl.adapters.project_files.config_file import check
from devctl.adapters.project_files.shipped_templates import ShippedTemplates
from devctl.adapters.project_files.sources import ProjectSources
from devctl.domain.command.events import Event
from devctl.domain.compose.model_json import from_compose, to_compose
from devctl.domain.compose.plain_yaml import yaml_text
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.recipe import Recipe, Recipes
from devctl.domain.go.facts import GoPackage, Located, Module, SourceFacts
from devctl.domain.go.gomod import parse_mod
from devctl.domain.image.facts import Binary, ImageFacts, Layer
from devctl.domain.plan.engine_state import (
    COMPOSE_PROJECT_LABEL,
    COMPOSE_SERVICE_LABEL,
    MACHINE_LABEL,
    MODE_LABEL,
    PROJECT_LABEL,
    TEMPORARY_LABEL,
    WORKING_DIR_LABEL,
    Container,
    Image,
    Kind,
    Labelled,
    LastRun,
    Observed,
)
from devctl.domain.ports.files import Holder
from devctl.domain.ports.http import Answer, Greeting
from devctl.domain.ports.private_state import PrivateState
from devctl.domain.ports.state_folder import Position, StateFolder
from devctl.domain.ports.toolbox import Finished, Toolbox
from devctl.domain.project.compose_inputs import ComposeInputs, Node
from devctl.domain.project.config import Config
from devctl.domain.project.container_files import EXIT_STATE
from devctl.domain.project.private_notes import Asked
from devctl.errors import FilesError, InterruptedByUser, MachineError, Problem, ProjectError
from devctl.workflows.dev.compile_check import AGAIN, BUILD, ONCE_MORE, SERVE

ROOT = Path("/home/dev/shop")
GONE = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
FAULTS = (
    "build-fails",
    "edit-before-read",
    "interrupt-build",
    "gone-at-build",
    "gone-at-start",
    "start-fails",
    "name-conflict",
    "interrupt-before-start",
    "interrupt-after-start",
    "interrupt-twice",
    "never-answers",
    "unhealthy",
    "exits",
)
"""What `World.fault` may be: it happens once, at the first occasion, and is forgotten."""
HOLDS_PORTS = ("running", "paused", "restarting")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
ZONES = "/usr/share/zoneinfo/UTC"


class Killed(SystemExit):
    """kill -9 of the process that a box belongs to."""


KILLS = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def go_mod(*modules: str, word: str = "") -> str:
    lines = [f"require example.com/{name} v1.0.0" for name in modules]
    return "\n".join(["module example.com/shop", "", "go 1.26", *lines, word, ""])


def _nothing() -> None:
    pass


class FakeImage(Struct):
    """`source`: what a production image was compiled from; None where the source is mounted."""

    id: str
    labels: dict[str, str]
    mod: str
    source: str | None = None
    user: str = ""


class FakeContainer(Struct):
    """`app`: the (go.mod of the image, source) that its process was built from; None where none runs. `sees_source`: False
    where its folder is the one that the engine made for a project that was moved away."""

    id: str
    service: str
    image: FakeImage
    ref: str
    spec: dict[str, Any]
    state: str = "running"
    health: str = "none"
    mute: bool = False
    exit_code: int = 0
    app: tuple[str, str] | None = None
    sees_source: bool = True
    log: list[str] = field(default_factory=list)
    build_state: str | None = None
    exit_state: str | None = None
    name: str = ""
    own_labels: dict[str, str] = field(default_factory=dict)
    starts: int = 0
    started: float = 0.0
    address: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """As the engine merges them: the image's, then what the container was made with."""
        return {**self.image.labels, **(self.spec.get("labels") or {}), **self.own_labels}

    @property
    def ports(self) -> dict[int, int]:
        """Container port → host port."""
        found = self.spec.get("ports") or []
        return {int(p["target"]): int(p["published"]) for p in found if p.get("published")}

    @property
    def debugger(self) -> str:
        """The line of /proc/net/tcp that shows it."""
        port = str((self.spec.get("environment") or {}).get("DEVCTL_DEBUG_LISTEN", "")).rpartition(":")[2]
        return f"0: 00000000:{int(port):04X} 00000000:0000 0A" if port else ""

    @property
    def is_ours(self) -> bool:
        return MODE_LABEL in self.labels and bool(self.service)


class Holding(Struct, frozen=True):
    """Who holds a lock; `thread` None: somebody outside this test, who releases it at `until`, or never."""

    command: str
    pid: int
    thread: threading.Thread | None = None
    until: float | None = None

    @property
    def holder(self) -> Holder:
        return Holder(self.command, self.pid, "12:00:00")


class Life:
    """A process: it makes changes, until it is killed."""

    def __init__(self, world: World, pid: int) -> None:
        self._world, self.pid = world, pid
        self.killed = False
        self.deaf = False
        self.guarded = False

    def step(self, name: str) -> None:
        """A change is about to be made."""
        world = self._world
        self.must_live()
        many = sum(s == name or s.startswith(f"{name} #") for s in world.steps)
        name = f"{name} #{many + 1}" if many else name
        if world.kill_step == name:
            world.kill_step = ""
            self.kill()
        if world.interrupt_step == name or world.interrupting:
            world.interrupt_step, world.interrupting = "", True
            if threading.current_thread() is threading.main_thread():  # no other gets signals
                world.interrupting = world.interrupt_again
                self._hear()
        world.steps.append(name)

    def _hear(self) -> None:
        if not self.deaf:
            self.deaf = self.guarded
            raise self._world.interrupt()

    def must_live(self) -> None:
        if self.killed:
            raise Killed

    def kill(self) -> None:
        self.killed = True
        with self._world.lock_freed:
            mine = [p for p, h in self._world.held.items() if h.pid == self.pid]
            for path in mine:
                del self._world.held[path]
            self._world.lock_freed.notify_all()
        raise Killed


class _Mortal:
    """A port of a process: who is dead asks nothing any more."""

    def __init__(self, port: object, life: Life) -> None:
        self._port, self._life = port, life

    def __getattr__(self, name: str) -> Any:
        self._life.must_live()
        return getattr(self._port, name)


class World:
    """`fault`: one of FAULTS, or "" ."""

    def __init__(self) -> None:
        self.root = ROOT
        self.files: dict[Path, str] = {}
        self.now = 1_000.0
        self.fault = ""
        self.images: dict[str, FakeImage] = {}
        self.tags: dict[str, str] = {}
        self.containers: dict[str, FakeContainer] = {}
        self.volumes: dict[str, dict[str, str]] = {}
        self.networks: dict[str, dict[str, str]] = {}
        self.events: list[Event] = []
        self.warnings: list[Problem] = []
        self.read_before: set[Problem] = set()
        self.calls: list[str] = []
        self.private: dict[tuple[Path, str], str] = {}
        self.folder = "1:1"
        self.permissions: dict[str, tuple[int, int, int]] = {}
        self.links: dict[str, str] = {}
        self.planted: set[str] = set()
        self.image_labels: dict[str, str] = {}
        self.base, self.go_list, self.meanwhile = "", "", _nothing
        self.engine_version, self.rootless, self.far, self.containerd_store = "28.3.0", False, False, False
        self.recipes: dict[str, Recipe] = {}
        self.room, self.at_once = (4, 8_000_000_000), 0
        self.env: dict[str, str] = {}
        self.agrees = self.reader_left = False
        self.press, self.opened, self.has_browser = _unheard, list[str](), True
        self.unpullable: set[str] = set()
        self.has_home, self.no_delve = True, 0
        self.delve: tuple[list[str], bytes] = ([], b"")
        self.go_test: Callable[[list[str]], tuple[int, list[str]]] = lambda words: (0, [])
        self.taken_ports: set[int] = set()
        self.deaf_to_sigterm: set[str] = set()
        self.listens_after, self.engine_ahead = dict[str, float](), 0.0
        self.image_facts: dict[str, Any] = {}
        self.held: dict[Path, Holding] = {}
        self.lock_freed = threading.Condition()
        self.locked: list[str] = []
        self.waited: list[tuple[str, str]] = []
        self.steps: list[str] = []
        self.kill_step = self.interrupt_step = ""
        self.interrupt_again = self.interrupting = False
        self.listeners: list[tuple[str, Callable[[str, str], None]]] = []
        self.machine = "here"
        self.alive = {"1-1"}
        self.temporary_folders: dict[Path, str] = {}
        self.others: list[Labelled] = []
        self._made = 0
        self._pids = 100
        self.save("go.mod", go_mod())
        self.save("main.go", "v1")

    def __deepcopy__(self, memo: dict[int, Any]) -> World:
        """Another world that continues from here; a held lock is held there as well."""
        made = memo[id(self)] = type(self).__new__(type(self))
        locks = {"held": dict(self.held), "lock_freed": threading.Condition()}
        vars(made).update(copy.deepcopy({**vars(self), **dict.fromkeys(locks)}, memo) | locks)
        return made

    # what a developer does

    def save(self, name: str, text: str | None) -> None:
        self.now += 1
        if text is None:
            self.files.pop(self.root / name, None)
        else:
            self.files[self.root / name] = text

    def save_source(self, text: str) -> None:
        """air sees it in every running dev container: what compiles is served, what does not is reported."""
        self.save("main.go", text)
        for container in self.containers.values():
            if container.state == "running" and container.labels.get(MODE_LABEL) == "dev":
                self.reload(container)

    def compose(self, services: Mapping[str, Mapping[str, Any]], *, volumes: Iterable[str] = ()) -> None:
        """Write a compose.yaml (in JSON, which is YAML): short forms of build, ports, volumes and depends_on are understood."""
        self.save("compose.yaml", json.dumps({"services": services, "volumes": dict.fromkeys(volumes)}))

    # what happens to processes

    def kill_at(self, step: str) -> None:
        self.kill_step = step

    def interrupt_at(self, step: str, *, again: bool = False) -> None:
        self.interrupt_step, self.interrupt_again = step, again

    def hold_lock(self, command: str, *, pid: int, until: float | None = None) -> None:
        """Another process holds the project's lock."""
        self.held[self.lock_file] = Holding(command, pid, until=until)

    # what is seen from outside

    @property
    def lock_file(self) -> Path:
        return self.root / ".devctl" / "lock"

    @property
    def watcher(self) -> int | None:
        """The pid of the watcher that lives."""
        found = self.held.get(self.root / ".devctl" / "watcher.lock")
        return None if found is None else found.pid

    @property
    def mod(self) -> str | None:
        return self.files.get(self.root / "go.mod")

    @property
    def source(self) -> str:
        return self.files.get(self.root / "main.go", "")

    @property
    def container(self) -> FakeContainer | None:
        """That of the first Go service."""
        return next((c for c in self.containers.values() if c.is_ours), None)

    def of(self, service: str) -> FakeContainer:
        """The one container of a service."""
        (found,) = (c for c in self.containers.values() if c.service == service)
        return found

    @property
    def served(self) -> tuple[str, str] | None:
        return self.app_of(self.container)

    @staticmethod
    def app_of(found: FakeContainer | None) -> tuple[str, str] | None:
        """What a container answers with."""
        if found is None or found.state != "running" or found.mute:
            return None
        return found.app

    def at_port(self, port: int) -> FakeContainer | None:
        """Who answers there; a container without a program of devctl's is a dependency, which answers as well."""
        found = (c for c in self.containers.values() if port in c.ports.values() and c.state == "running")
        return next((c for c in found if not c.mute and (c.app is not None or not c.is_ours)), None)

    def good(self) -> bool:
        """Whether the files as they are now can be built and compiled."""
        return self.builds(self.mod) and self.compiles(self.mod, self.source)

    def dangling(self) -> set[str]:
        """Images that neither a tag names nor a container uses."""
        used = {c.image.id for c in self.containers.values()}
        return set(self.images) - set(self.tags.values()) - used

    # what Go does

    @staticmethod
    def modules(mod: str | None) -> set[str] | None:
        try:
            return set(parse_mod(mod or "").versions())
        except FilesError:
            return None

    def builds(self, mod: str | None) -> bool:
        found = self.modules(mod)
        return found is not None and "example.com/missing" not in found

    def compiles(self, mod: str | None, source: str) -> bool:
        found = self.modules(mod)
        needed = {f"example.com/{word}" for word in source.split()[1:]}
        return found is not None and "example.com/missing" not in found and needed <= found

    def reload(self, container: FakeContainer) -> None:
        container.log.append("devctl: build start")
        if self.compiles(self.mod, self.source):
            container.app, container.exit_state = (container.image.mod, self.source), None
            container.log += ["devctl: build ok 1ms", "running..."]
            container.build_state = "ok 1"
        else:
            container.log += ["./main.go:1:1: undefined", "devctl: build failed 1ms"]
            container.build_state = f"failed 1{' 7' if container.app else ''}\n./main.go:1:1: undefined"

    def program_exits(self, container: FakeContainer, code: int) -> None:
        """Its reloader goes on."""
        container.app, container.exit_state = None, str(code)
        container.log.append(f"devctl: the program exited with code {code}")

    def serve_built(self, container: FakeContainer) -> None:
        """What the proof compiled takes the place of the program, with the modules of the new go.mod."""
        container.app = (self.mod, self.source)
        container.log += ["devctl: build start", "devctl: build ok 1ms", "running..."]
        container.build_state = "ok 1"

    # what the engine does

    def start(self, made: FakeContainer) -> Finished:
        """`docker start`."""
        taken = self.taken_ports | {p for c in self._live() if c is not made for p in c.ports.values()}
        for port in made.ports.values():
            if port in taken:
                bound = f"Bind for 127.0.0.1:{port} failed: port is already allocated"
                return Finished(1, "", f"Error response from daemon: driver failed programming: {bound}")
        made.state, made.exit_code, made.mute, made.health = "running", 0, False, "none"
        made.starts += 1
        made.sees_source = True
        made.started = self.now + self.engine_ahead
        used = {c.address for c in self._live() if c is not made}
        made.address = next(a for n in range(2, 250) if (a := f"172.18.0.{n}") not in used)
        if not made.is_ours:
            return Finished(0, "", "")
        fault = self.once("never-answers", "unhealthy", "exits")
        if made.image.source is not None:
            made.app = (made.image.mod, made.image.source)
        else:
            self.reload(made)
        if fault == "exits":
            self.stop(made, code=3)
        if fault == "unhealthy":
            made.health = "unhealthy"
        made.mute = bool(fault)
        return Finished(0, "", "")

    def stop(self, container: FakeContainer, *, code: int = 0) -> None:
        if container.state in HOLDS_PORTS:
            container.state, container.app, container.exit_code, container.address = "exited", None, code, ""
            for wanted, on_line in self.listeners:
                if wanted == container.id:
                    on_line("stdout", "kill\n")

    def with_id(self, words: Sequence[str]) -> FakeContainer:
        """The container that a command line names."""
        return next(c for c in self.containers.values() if c.id in words)

    def _live(self) -> list[FakeContainer]:
        return [c for c in self.containers.values() if c.state in HOLDS_PORTS]

    # helpers of the fakes

    def once(self, *names: str) -> str:
        """The fault, where it is one of these; it is used up."""
        if self.fault not in names:
            return ""
        fault, self.fault = self.fault, ""
        return fault

    def new_id(self, kind: str) -> str:
        self._made += 1
        return f"{kind}{self._made}"

    def new_pid(self) -> int:
        self._pids += 1
        return self._pids

    def interrupt(self) -> InterruptedByUser:
        return InterruptedByUser()

    def box(self) -> Toolbox:
        """The ports of a new process."""
        life = Life(self, self.new_pid())

        def mortal(port: object) -> Any:
            return cast("Any", _Mortal(port, life))

        return Toolbox(
            reporter=mortal(FakeReporter(self)),
            processes=mortal(FakeProcesses(self, life)),
            files=mortal(FakeFiles(self, life)),
            state=mortal(FakeStateFolder(self, life)),
            private=mortal(FakePrivateState(self, life)),
            identity=FakeIdentity(self),
            sources=mortal(FakeSources(self)),
            compose=mortal(FakeCompose(self, life)),
            engine=mortal(FakeEngine(self, life)),
            images=lambda: mortal(FakeImages(self)),
            prober=mortal(FakeProber(self)),
            clock=mortal(FakeClock(self)),
            host=mortal(FakeHost(self, life)),
            terminal=FakeTerminal(self),
            watcher=cast("Any", None),
            templates=mortal(FakeTemplates()),
            machine=lambda: cast("Any", SimpleNamespace(images=FakeStore())),
        )


def copies(make: Callable[[], World]) -> Callable[[], World]:
    """Makes that world once; each call gives a copy of it."""
    made = functools.cache(make)
    return functools.wraps(make)(lambda: copy.deepcopy(made()))


class _Port:
    """One that can change something. Without a process of its own, nobody kills it."""

    def __init__(self, world: World, life: Life | None = None) -> None:
        self._world = world
        self._life = life or Life(world, world.new_pid())


class FakeReporter:
    def __init__(self, world: World) -> None:
        self._world = world

    def emit(self, event: Event) -> None:
        self._world.events.append(event)

    def warn(self, problem: Problem, *, again: bool = False) -> None:
        self._world.warnings.append(problem)
        self._world.read_before |= {problem} if again else set()


class FakeClock:
    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        return self._world.now

    def monotonic(self) -> float:
        return self._world.now

    def sleep(self, seconds: float) -> None:
        self._world.now += max(seconds, 0.5)  # coarse, so that waiting in vain takes few rounds
        self._world.meanwhile()


class FakeHost(_Port):
    def env(self, name: str) -> str | None:
        return self._world.env.get(name)

    def asked(self) -> frozenset[str]:
        return frozenset()

    def cwd(self) -> Path:
        return self._world.root

    def is_linux(self) -> bool:
        return True

    def interactive(self) -> bool:
        return self._world.agrees

    def has_input(self) -> bool:
        return True

    def confirm(self, question: str) -> bool:
        return self._world.agrees

    def ask(self, question: str, *, secret: bool = False) -> str | None:
        return None

    def port_free(self, ip: str, port: int) -> bool:
        live = [c for c in self._world.containers.values() if c.state in HOLDS_PORTS]
        return port not in self._world.taken_ports | {p for c in live for p in c.ports.values()}

    def reader_left(self) -> bool:
        return self._world.reader_left

    def pid(self) -> int:
        return self._life.pid

    def own_program(self) -> list[str]:
        return ["devctl"]


class FakeTerminal:
    """Keys are pressed by the test: `world.press("p")`, in the thread that calls it."""

    def __init__(self, world: World) -> None:
        self._world = world

    @contextlib.contextmanager
    def keys(self, hear: Callable[[str], None]) -> Iterator[None]:
        self._world.press = hear
        try:
            yield
        finally:
            self._world.press = _unheard

    def interrupt(self) -> None:
        raise KeyboardInterrupt

    def show_page(self, url: str) -> bool:
        self._world.opened.append(url)
        return self._world.has_browser


def _unheard(key: str) -> None:
    raise AssertionError(f"nobody hears the key {key}")


class FakeStore:
    """Where base images come from: what `world.base` names is always here."""

    def find(self, ref: str) -> str:
        return ref


class FakeTemplates:
    def read(self, name: str) -> str:
        """The shipped ones, with a Dockerfile of one line: no base is ever asked for."""
        return "COPY go.mod go.su[m] ./\n" if name.endswith("Dockerfile") else _template(name)

    def tree(self, name: str) -> Mapping[str, str]:
        return ShippedTemplates().tree(name)


_plain_yaml = functools.cache(lambda text, path: ProjectSources().plain_yaml(text, path=path))


@functools.cache
def _template(name: str) -> str:
    return ShippedTemplates().read(name)


class FakeFiles(_Port):
    def __init__(self, world: World, life: Life | None = None) -> None:
        super().__init__(world, life)
        self._files = world.files

    def read_text(self, path: Path, *, within: Path | None) -> str | None:
        text = self._files.get(path)
        return self._files.get(Path(posixpath.normpath(path))) if text is None else text

    def read_bytes(self, path: Path, *, within: Path | None) -> bytes | None:
        text = self.read_text(path, within=within)
        return None if text is None else text.encode()

    def write_atomic(
        self, path: Path, text: str, *, within: Path, owner: object = None, mode: int = 0o644
    ) -> bool:
        if self._files.get(path) == text:
            return False
        self._life.step(f"write {self._named(path)}")
        self._files[path] = text
        return True

    def make_folder(self, folder: Path, *, within: Path, owner: object) -> None:
        pass

    def append(self, path: Path, text: str, *, within: Path) -> None:
        self._life.step(f"append {self._named(path)}")
        self._files[path] = self._files.get(path, "") + text

    def remove(self, path: Path) -> None:
        if path in self._files:
            self._life.step(f"remove {self._named(path)}")
            self._files.pop(path, None)

    def remove_folder(self, path: Path) -> bool:
        for file in [p for p in self._files if p.is_relative_to(path)]:
            del self._files[file]
        return True

    def exists(self, path: Path) -> bool:
        return path in self._files or self.is_dir(path)

    def is_dir(self, path: Path) -> bool:
        below = f"{path}/"
        return path == self._world.root or any(str(file).startswith(below) for file in self._files)

    def gone(self, path: Path) -> bool:
        return path != self._world.root and path not in self._files

    def names(self, folder: Path) -> list[str]:
        return sorted(p.name for p in self._files if p.parent == folder)

    def stamp(self, path: Path) -> list[int] | None:
        text = self._files.get(path)
        return None if text is None else [hash(text), len(text)]

    def tree(self, root: Path, *, without: Iterable[str]) -> str | None:
        below = {str(p): text for p, text in self._files.items() if root in p.parents}
        kept = sorted(item for item in below.items() if "/.devctl/" not in item[0])
        return hashlib.sha256(repr(kept).encode()).hexdigest()

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        yield

    def recorded(self) -> tuple[Asked, ...]:
        """Everything that there is: more than any command asks for."""
        theirs = ((path, text) for path, text in self._files.items() if ".devctl" not in path.parts)
        return tuple(("read", str(path), "", zlib.crc32(text.encode())) for path, text in theirs)

    def same(self, questions: Iterable[Asked]) -> bool:
        return sorted(map(repr, questions)) == sorted(map(repr, self.recorded()))

    def go_files(self, root: Path) -> list[tuple[str, float]]:
        return [("main.go", self._world.now)]

    def sources(self, root: Path, *, without: Iterable[str]) -> Mapping[str, Mapping[str, tuple[int, int]]]:
        found: dict[str, dict[str, tuple[int, int]]] = {".": {}}
        for path, text in self._files.items():
            folder, _, name = path.relative_to(root).as_posix().rpartition("/")
            if not folder.startswith(".") and name.endswith((".go", ".mod", ".sql", ".json")):
                found.setdefault(folder or ".", {})[name] = (hash(text), len(text))
        return found

    def newer(self, paths: Iterable[Path], *, than: int) -> Path | None:
        return None  # air builds each save of this world

    def identity(self, folder: Path) -> str:
        return self._world.folder

    def owner(self, path: Path) -> tuple[int, int]:
        return (1000, 1000)

    def permissions(self, path: Path) -> tuple[int, int, int] | None:
        return self._world.permissions.get(str(path))

    def real(self, path: str) -> str:
        return posixpath.normpath(self._world.links.get(path, path))

    def closed(self, root: Path) -> list[str]:
        return []

    @contextlib.contextmanager
    def lock(
        self, root: Path, *, command: str, timeout: float, waiting: Callable[[Holder], None]
    ) -> Iterator[None]:
        path = root / ".devctl" / "lock"
        self._wait_for(path, command, timeout, waiting)
        self._world.locked.append(command)
        try:
            yield
        finally:
            self._let_go(path)

    def lock_holder(self, root: Path) -> Holder | None:
        found = self._world.held.get(root / ".devctl" / "lock")
        return None if found is None else found.holder

    def _wait_for(self, path: Path, command: str, timeout: float, waiting: Callable[[Holder], None]) -> None:
        world, told, hung = self._world, False, time.monotonic() + 10
        with world.lock_freed:
            while (found := world.held.get(path)) is not None:
                if not told:
                    told = True
                    world.waited.append((command, found.command))
                    waiting(found.holder)
                    continue
                if found.until is not None and found.until <= world.now + timeout:
                    world.now = max(world.now, found.until)
                    del world.held[path]
                elif found.thread in (None, threading.current_thread()) or timeout <= 0:
                    world.now += timeout
                    raise MachineError(
                        f"{found.holder} is working on this project and did not finish within {timeout:g} s",
                        code="project-locked",
                        hint="wait for it",
                    )
                else:
                    world.lock_freed.wait(0.05)
                    assert time.monotonic() < hung, f"{command} waits for {found}, which never lets go"
            world.held[path] = Holding(command, self._life.pid, threading.current_thread())

    def _let_go(self, path: Path) -> None:
        with self._world.lock_freed:
            holder = self._world.held.get(path)
            if holder is not None and holder.pid == self._life.pid:
                del self._world.held[path]
            self._world.lock_freed.notify_all()

    @contextlib.contextmanager
    def hold(self, root: Path, name: str, *, note: str = "") -> Iterator[bool]:
        path = root / ".devctl" / name
        if path in self._world.held:
            yield False
            return
        self._world.held[path] = Holding("watch", self._life.pid, threading.current_thread())
        self._files[path] = note
        try:
            yield True
        finally:
            self._let_go(path)

    def held(self, root: Path, name: str) -> bool:
        return root / ".devctl" / name in self._world.held

    def eventless(self, path: Path) -> str | None:
        return None

    def _named(self, path: Path) -> str:
        return str(path.relative_to(self._world.root)) if path.is_relative_to(self._world.root) else str(path)


class FakeStateFolder(_Port, StateFolder):
    def __init__(self, world: World, life: Life | None = None) -> None:
        super().__init__(world, life)
        self._files = FakeFiles(world, self._life)

    def make(self, root: Path) -> Path:
        return self.path(root, "")

    def text(self, root: Path, name: str) -> str | None:
        return self._files.read_text(self._safe(root, name), within=root)

    def put(self, root: Path, name: str, text: str) -> bool:
        return self._files.write_atomic(self._safe(root, name), text, within=root)

    def remove(self, root: Path, name: str) -> None:
        self._files.remove(self._safe(root, name))

    def append(self, root: Path, name: str, text: str) -> None:
        self._files.append(self._safe(root, name), text, within=root)

    def _safe(self, root: Path, name: str) -> Path:
        if name in self._world.planted:
            place = f".devctl/{name}"
            raise FilesError(
                f"{place} is a link", code="state-folder-unsafe", hint=f"rm {place}", place=place
            )
        return self.path(root, name)

    def begin(self, root: Path, name: str) -> int:
        self.put(root, name, "")
        return -1

    def bound(self, root: Path, name: str) -> None:
        self._safe(root, name)

    def new_lines(self, root: Path, name: str, after: Position) -> tuple[Sequence[str], Position]:
        text = self.text(root, name) or ""
        return text[after.offset :].splitlines(), Position(1, len(text))


class FakePrivateState(_Port, PrivateState):
    def read(self, root: Path, name: str) -> str | None:
        return self._world.private.get((root, name))

    def write(self, root: Path, name: str, text: str) -> None:
        if not self._world.has_home:
            raise MachineError("no home", code="state-not-writable", hint="export XDG_STATE_HOME")
        self._life.step(f"keep {name}")
        self._world.private[root, name] = text

    def remove(self, root: Path, name: str) -> None:
        if (root, name) in self._world.private:
            self._life.step(f"forget {name}")
            self._world.private.pop((root, name), None)


class FakeIdentity:
    """`World.machine` is this machine; processes of `World.alive` run."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def machine(self) -> str:
        return self._world.machine

    def cache_scope(self, root: Path) -> str:
        return f"scope-{self.machine}-{root.name}-of-it"

    def temporary(self) -> Mapping[str, str]:
        return {MACHINE_LABEL: self.machine, TEMPORARY_LABEL: "1-1"}

    def ended(self, labels: Mapping[str, str]) -> bool:
        mark = labels.get(TEMPORARY_LABEL)
        return (
            labels.get(MACHINE_LABEL) == self.machine and mark is not None and mark not in self._world.alive
        )

    def note_folder(self, folder: Path) -> None:
        self._world.temporary_folders[folder] = "1-1"

    def forget_folder(self, folder: Path) -> None:
        self._world.temporary_folders.pop(folder, None)

    def left_folders(self) -> Sequence[Path]:
        return [f for f, mark in self._world.temporary_folders.items() if mark not in self._world.alive]


class FakeSources:
    def __init__(self, world: World) -> None:
        self._world = world

    def go(self, root: Path) -> SourceFacts:
        if self._world.mod is None:
            raise FilesError("no go.mod here", code="no-go-module", hint="go mod init")
        listens = (Located(":8080", "main.go:1"),)
        package = GoPackage(
            ".", "main", True, (), listens=listens, routes=(Located("/healthz", "main.go:2"),)
        )
        module = Module(".", "example.com/shop", "1.26", "", (), (package,), text=self._world.mod)
        return SourceFacts((module,))

    def config(self, root: Path) -> Config:
        return check(self._world.files.get(root / "devctl.yaml", ""))[0]

    def texts(self, path: Path) -> Sequence[tuple[str, int]]:
        lines = self._world.files.get(path, "").splitlines()
        return [(line, number) for number, line in enumerate(lines, start=1)]

    def plain_yaml(self, text: str, *, path: str) -> tuple[Node, str]:
        return _plain_yaml(text, path)

    def positions(self, path: Path) -> Callable[[tuple[str | int, ...]], int | None]:
        return lambda key: None

    def config_problems(self, root: Path) -> tuple[Problem, ...]:
        return ()

    def dockerfile(self, path: Path, *, root: Path) -> DockerfileFacts:
        return DockerfileFacts(path.relative_to(root).as_posix(), (), {})

    def dockerfile_text(self, text: str, *, path: str, args: Mapping[str, str]) -> DockerfileFacts:
        base = self._world.base
        names = ("dev", "runner-distroless") if base else ()
        stages = [Stage(name, base, n, 1, ()) for n, name in enumerate(names)]
        return DockerfileFacts(path, tuple(stages), {})


class FakeCompose(_Port):
    """docker compose. A container is made beside the old one, which is stopped and removed then; the new one starts at last."""

    def config(
        self, root: Path, files: Sequence[Path], *, env_files: Sequence[Path] = (), profiles: bool = False
    ) -> dict[str, object]:
        return self._read(root, self._world.files.get(root / "compose.yaml", ""), self._world.env)

    def render(
        self, inputs: ComposeInputs, *, profiles: bool, variables: Mapping[str, str]
    ) -> dict[str, object]:
        text = yaml_text(inputs.files[0][1], str)
        return self._read(inputs.folder, text, variables)

    def _read(self, root: Path, text: str, variables: Mapping[str, str]) -> dict[str, object]:
        try:
            dotenv = dict(
                line.partition("=")[::2] for line in self._world.files.get(root / ".env", "").splitlines()
            )
            text = re.sub(r"\$\{(\w+)\}", lambda found: {**dotenv, **variables}.get(found[1], ""), text)
            given = json.loads(text)
        except ValueError as error:
            raise FilesError(
                f"compose refuses: {error}", code="broken-compose", hint="fix that line"
            ) from None
        return _resolved(root, given)

    def build(
        self,
        root: Path,
        model: Mapping[str, Any],
        services: Sequence[str],
        *,
        recipes: Recipes,
        no_cache: bool = False,
    ) -> Finished:
        world = self._world
        world.recipes |= recipes
        world.calls.append("build")
        if world.once("interrupt-build"):
            raise world.interrupt()
        if world.once("gone-at-build"):
            return Finished(1, "", GONE)
        if world.once("edit-before-read"):
            world.save("go.mod", go_mod("a", "b", "edited"))
        if world.once("build-fails") or not world.builds(world.mod):
            return Finished(1, "", "failed to solve")
        read = from_compose(to_compose(model))  # by text, with variables filled in
        for service in services:
            spec = read["services"][service]
            labels = {**spec["build"].get("labels", {}), COMPOSE_PROJECT_LABEL: read["name"]}
            labels |= {COMPOSE_SERVICE_LABEL: service, **world.image_labels}
            prod = labels.get(MODE_LABEL) == "prod"
            if prod and not world.compiles(world.mod, world.source):
                return Finished(1, "", "./main.go:1:1: undefined: x\nfailed to solve")
            self._life.step(f"build {service}")
            image = self._image(labels, world.source if prod else None, no_cache=no_cache)
            ref = spec.get("image") or f"{read['name']}-{service}"
            before, world.tags[ref] = world.tags.get(ref), image.id
            if world.containerd_store and before not in (None, *world.tags.values()):
                del world.images[before]
        return Finished(0, "", "")

    def _image(self, labels: dict[str, str], source: str | None, *, no_cache: bool) -> FakeImage:
        """Equal layers and labels are the same image, unless the cache is not used."""
        world, user = self._world, "65532:65532" if source is not None else ""
        wanted = FakeImage("", labels, world.mod or "", source, user)
        for image in world.images.values():
            if replace(image, id="") == wanted and not no_cache:
                return image
        made = replace(wanted, id=world.new_id("image"))
        world.images[made.id] = made
        return made

    def up(
        self,
        root: Path,
        model: Mapping[str, Any],
        services: Sequence[str],
        *,
        no_deps: bool,
        timeout: float = 600,
    ) -> Finished:
        world = self._world
        world.calls.append("up")
        if world.once("gone-at-start"):
            return Finished(1, "", GONE)
        if world.once("name-conflict"):
            return Finished(1, "", 'The container name "/shop-1" is already in use by container "x"')
        read = from_compose(to_compose(model))  # by text, with variables filled in
        names = _ordered(read["services"], services, with_deps=not no_deps)
        failed = self._pull(read, names) or self._create_shared(read, names)
        if failed is not None:
            return failed
        for name in names:
            self._converge(read, name)
        for name in names:
            failed = self._start(read, name)
            if failed is not None:
                return failed
        return Finished(0, "", "")

    def pull(
        self,
        root: Path,
        model: Mapping[str, Any],
        services: Sequence[str],
        *,
        all_that_can: bool = False,
        timeout: float = 600,
    ) -> Finished:
        self._world.calls.append("pull")
        read = from_compose(to_compose(model))
        failed = None
        for name in services:
            failed = self._pull(read, [name]) or failed
            if failed is not None and not all_that_can:
                break
        return failed or Finished(0, "", "")

    def _start(self, model: dict[str, Any], name: str) -> Finished | None:
        world, found = self._world, self._of(model["name"], name)[0]
        if found.state == "running":
            return None
        if found.is_ours and world.once("start-fails"):
            return Finished(1, "", "failed to start")
        if found.is_ours and world.once("compose-killed"):
            return Finished(255, "", f" Container {name}  Starting")
        if found.is_ours and (world.once("interrupt-before-start") or self._pressed_again()):
            self._life.deaf = self._life.guarded
            raise world.interrupt()
        self._life.step(f"start {name}")
        done = world.start(found)
        if done.code != 0:
            return done
        if name in _jobs(model["services"]):
            world.stop(found)
        if found.is_ours and world.once("interrupt-after-start"):
            self._life.deaf = self._life.guarded
            raise world.interrupt()
        return None

    def _pressed_again(self) -> bool:
        """Ctrl-C at each start of a container, for as long as it is heard."""
        return self._world.fault == "interrupt-twice" and not self._life.deaf

    def _pull(self, model: dict[str, Any], names: Sequence[str]) -> Finished | None:
        world = self._world
        for name in names:
            ref = model["services"][name].get("image") or f"{model['name']}-{name}"
            if ref in world.tags:
                continue
            if ref in world.unpullable or model["services"][name].get("build"):
                return Finished(
                    1, "", f"Error response from daemon: manifest for {ref} not found: manifest unknown"
                )
            self._life.step(f"pull {ref}")
            image = FakeImage(world.new_id("image"), {}, "")
            world.images[image.id], world.tags[ref] = image, image.id
        return None

    def _create_shared(self, model: dict[str, Any], names: Sequence[str]) -> Finished | None:
        world, project = self._world, model["name"]
        mounts = [v for n in names for v in model["services"][n].get("volumes") or []]
        used = {v["source"] for v in mounts if v.get("type") == "volume"}
        kinds = (("network", world.networks, {"default"}), ("volume", world.volumes, used))
        for kind, there, wanted in kinds:
            said = model.get(f"{kind}s") or {}
            for key in sorted(wanted):
                spec = said.get(key) or {}
                name = spec.get("name") or f"{project}_{key}"
                if name in there:
                    continue
                if spec.get("external"):
                    return Finished(1, "", f'external {kind} "{name}" not found')
                self._life.step(f"create {kind} {name}")
                there[name] = {COMPOSE_PROJECT_LABEL: project, **(spec.get("labels") or {})}
        return None

    def _converge(self, model: dict[str, Any], name: str) -> None:
        """One container of this service, made from its spec and its image."""
        world, spec = self._world, model["services"][name]
        image = world.images[world.tags[spec.get("image") or f"{model['name']}-{name}"]]
        found = self._of(model["name"], name)
        fits = [c for c in found if _hash(c.spec) == _hash(spec) and c.image.id == image.id]
        for extra in (c for c in found if c is not (fits or found)[0]):
            self._life.step(f"remove {extra.name}")
            del world.containers[extra.id]
        if fits:
            return
        for old in found[:1]:
            self._life.step(f"create {name}")
            made = self._create(model, name, image)
            made.name = f"{old.id}_{made.name}"
            self._life.step(f"stop {name}")
            world.stop(old)
            self._life.step(f"replace {name}")
            del world.containers[old.id]
            made.name = f"{model['name']}-{name}-1"
        if not found:
            self._life.step(f"create {name}")
            self._create(model, name, image)

    def _create(self, model: dict[str, Any], name: str, image: FakeImage) -> FakeContainer:
        world, spec = self._world, model["services"][name]
        own = {COMPOSE_PROJECT_LABEL: model["name"], COMPOSE_SERVICE_LABEL: name}
        own[WORKING_DIR_LABEL] = str(world.root)
        ref = spec.get("image") or f"{model['name']}-{name}"
        made = FakeContainer(
            world.new_id("container"), name, image, ref, spec, state="created", own_labels=own
        )
        made.name = f"{model['name']}-{name}-1"
        world.containers[made.id] = made
        return made

    def stop(self, name: str, root: Path, *, timeout: float = 600) -> Finished:
        world = self._world
        world.calls.append("stop")
        for found in self._of(name):
            if found.state in HOLDS_PORTS:
                self._life.step(f"stop {found.service}")
                world.stop(found, code=_code(world, found))
        return Finished(0, "", "")

    def restart(self, name: str, root: Path, services: Sequence[str], *, timeout: float = 600) -> Finished:
        self._world.calls.append("restart")
        for found in self._named(name, services):
            self._life.step(f"stop {found.service}")
            self._world.stop(found)
            self._life.step(f"start {found.service}")
            done = self._world.start(found)
            if done.code != 0:
                return done
        return Finished(0, "", "")

    def down(self, name: str, root: Path, *, volumes: bool, timeout: float = 600) -> Finished:
        world = self._world
        world.calls.append("down")
        for found in self._of(name):
            self._life.step(f"stop {found.service}")
            world.stop(found, code=_code(world, found))
        for found in self._of(name):
            self._life.step(f"remove {found.service}")
            del world.containers[found.id]
        for kind, there in (("network", world.networks), ("volume", world.volumes if volumes else {})):
            for thing in [t for t, labels in there.items() if labels.get(COMPOSE_PROJECT_LABEL) == name]:
                self._life.step(f"remove {kind} {thing}")
                del there[thing]
        return Finished(0, "", "")

    def _named(self, name: str, services: Sequence[str]) -> list[FakeContainer]:
        return [c for c in self._of(name) if not services or c.service in services]

    def _of(self, project: str, service: str | None = None) -> list[FakeContainer]:
        every = list(self._world.containers.values())
        mine = [c for c in every if c.labels.get(COMPOSE_PROJECT_LABEL) == project]
        return [c for c in mine if service in (None, c.service)]


def _code(world: World, found: FakeContainer) -> int:
    return 137 if found.service in world.deaf_to_sigterm else 0


def _hash(spec: Mapping[str, Any]) -> str:
    """What compose compares: how an image is built is none of a container's."""
    return json.dumps({k: v for k, v in spec.items() if k not in ("build", "pull_policy")}, sort_keys=True)


def _jobs(specs: Mapping[str, Any]) -> set[str]:
    waits = (item for spec in specs.values() for item in (spec.get("depends_on") or {}).items())
    return {name for name, how in waits if how.get("condition") == "service_completed_successfully"}


def _ordered(specs: Mapping[str, Any], services: Sequence[str], *, with_deps: bool) -> list[str]:
    """What is needed goes first."""
    found: list[str] = []

    def add(name: str) -> None:
        needs = list(specs[name].get("depends_on") or {})
        for other in needs if with_deps else [n for n in needs if n in services]:
            add(other)
        if name not in found:
            found.append(name)

    for name in services or specs:
        add(name)
    return found


def _resolved(root: Path, given: dict[str, Any]) -> dict[str, object]:
    """As `docker compose config` writes it: long forms, absolute paths, names of networks and volumes."""
    name = str(given.get("name") or root.name)
    services = {key: _service(root, dict(spec)) for key, spec in given["services"].items()}
    volumes = {
        key: {"name": f"{name}_{key}", **(spec or {})} for key, spec in (given.get("volumes") or {}).items()
    }
    networks = {
        key: {"name": f"{name}_{key}", **(spec or {})}
        for key, spec in {"default": None, **(given.get("networks") or {})}.items()
    }
    model = {"name": name, "services": services, "networks": networks}
    files = {kind: given[kind] for kind in ("secrets", "configs") if kind in given}
    return {**model, **({"volumes": volumes} if volumes else {}), **files}


def _service(root: Path, spec: dict[str, Any]) -> dict[str, Any]:
    build = spec.get("build")
    if build is not None:
        build = {"context": build} if isinstance(build, str) else dict(build)
        build["context"] = posixpath.normpath(posixpath.join(str(root), build["context"]))
        spec["build"] = {"dockerfile": "Dockerfile", **build}
    waits = spec.get("depends_on") or {}
    if isinstance(waits, list):
        spec["depends_on"] = {n: {"condition": "service_started", "required": True} for n in waits}
    if "ports" in spec:
        spec["ports"] = [_port(p) if isinstance(p, str) else p for p in spec["ports"]]
    if "volumes" in spec:
        spec["volumes"] = [_volume(root, v) if isinstance(v, str) else v for v in spec["volumes"]]
    return {"command": None, "entrypoint": None, "networks": {"default": None}, **spec}


def _port(text: str) -> dict[str, Any]:
    *_, host, target = ("", *text.split(":"))
    found: dict[str, Any] = {"mode": "ingress", "target": int(target), "protocol": "tcp"}
    return {**found, "published": host} if host else found


def _volume(root: Path, text: str) -> dict[str, Any]:
    source, target = text.split(":")[:2]
    if source.startswith((".", "/")):
        return {"type": "bind", "source": posixpath.normpath(root / source), "target": target}
    return {"type": "volume", "source": source, "target": target}


class FakeEngine(_Port):
    def room(self) -> tuple[int, int]:
        return self._world.room

    def user_for(self, owner: tuple[int, int]) -> str:
        return "0:0" if self._world.rootless else f"{owner[0]}:{owner[1]}"

    def builds_remove_images(self) -> bool:
        return self._world.containerd_store

    def sees(self, path: Path) -> bool:
        return not self._world.far

    def version(self) -> str:
        return self._world.engine_version

    def observe(self, project: str) -> Observed:
        world = self._world
        volumes, networks = (
            {n: labels.get(PROJECT_LABEL, "") for n, labels in there.items() if _of_project(labels, project)}
            for there in (world.volumes, world.networks)
        )
        return replace(self.containers(project), volumes=volumes, networks=networks)

    def containers(self, project: str) -> Observed:
        every = list(self._world.containers.values())
        return Observed(containers=tuple(_seen(c) for c in every if _of_project(c.labels, project)))

    def running(self, project: str) -> list[str]:
        found = self.containers(project).containers
        return sorted(c.id for c in found if c.state == "running" and c.health != "unhealthy")

    def images(self, refs: Sequence[str]) -> Mapping[str, Image]:
        found = ((ref, self._find(ref)) for ref in refs)
        return {ref: Image(image.id, image.user, image.labels) for ref, image in found if image is not None}

    def _find(self, ref: str) -> FakeImage | None:
        return self._world.images.get(self._world.tags.get(ref, ref))

    def tag(self, image_id: str, ref: str) -> None:
        if image_id not in self._world.images:
            raise MachineError("no such image", code="engine-refused", hint="devctl up")
        if self._world.tags.get(ref) != image_id:
            self._life.step(f"tag {ref}")
            self._world.tags[ref] = image_id

    def remove_image(self, image_id: str, *, keep_cache: bool = False) -> bool:
        """By its id or its tag, which goes too; not what a container was made from, or what several tags name."""
        world = self._world
        name, image_id = image_id, world.tags.get(image_id, image_id)
        names = [ref for ref, i in world.tags.items() if i == image_id]
        used = any(c.image.id == image_id for c in world.containers.values())
        if name in names and len(names) > 1:
            self._life.step(f"untag {name}")
            del world.tags[name]
            return True
        if used or len(names) > 1 or image_id not in world.images:
            return False
        self._life.step("remove an image, not its cache" if keep_cache else "remove an image")
        for ref in names:
            del world.tags[ref]
        del world.images[image_id]
        return True

    def disk_use(self) -> Mapping[str, str]:
        return {"Images": "1.951GB", "Build Cache": "3.012GB"}

    def untagged(self, labels: Mapping[str, str]) -> Sequence[str]:
        world = self._world
        named = set(world.tags.values())
        return [
            i.id for i in world.images.values() if i.id not in named and labels.items() <= i.labels.items()
        ]

    def unpause(self, ids: Sequence[str]) -> None:
        for container in (c for c in self._world.containers.values() if c.id in ids):
            container.state = "running"

    def remove_containers(self, ids: Sequence[str]) -> None:
        for gone in ids:
            if gone in self._world.containers:
                self._life.step(f"remove {self._world.containers[gone].service}")
                self._world.containers.pop(gone)

    def commit(self, container: str, ref: str) -> None:
        self._life.step(f"commit {ref}")
        image = replace(self._of(container).image, id=self._world.new_id("image"))
        self._world.images[image.id], self._world.tags[ref] = image, image.id

    def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        if name not in self._world.volumes:
            self._life.step(f"create volume {name}")
            self._world.volumes[name] = dict(labels)

    def names(self, kind: Kind) -> frozenset[str]:
        return frozenset(self._world.networks if kind == "network" else self._world.volumes)

    def create(self, kind: Kind, name: str) -> None:
        self._life.step(f"create {kind} {name}")
        (self._world.networks if kind == "network" else self._world.volumes)[name] = {}

    def labelled(self, kind: Kind, label: str) -> Sequence[Labelled]:
        others = [t for t in self._world.others if t.kind == kind and label in t.labels]
        return [*self._made(kind, label), *others]

    def _made(self, kind: Kind, label: str) -> list[Labelled]:
        world = self._world
        if kind == "container":
            live = [(c, c.state in HOLDS_PORTS) for c in world.containers.values()]
            return [Labelled(kind, c.id, c.name, c.labels, used) for c, used in live if label in c.labels]
        if kind == "image":
            names = {i: ref for ref, i in world.tags.items()}
            every = world.images.values()
            return [Labelled(kind, i.id, names.get(i.id, i.id), i.labels) for i in every if label in i.labels]
        there = world.networks if kind == "network" else world.volumes
        return [Labelled(kind, name, name, labels) for name, labels in there.items() if label in labels]

    def remove(self, thing: Labelled) -> bool:
        world = self._world
        if thing in world.others:
            world.others.remove(thing)
            return True
        if thing.kind == "image":
            return self.remove_image(thing.name)
        if thing.kind == "container":
            self.remove_containers([thing.id])
            return True
        there = world.networks if thing.kind == "network" else world.volumes
        if thing.name in there:
            self._life.step(f"remove {thing.kind} {thing.name}")
            del there[thing.name]
        return True

    def logs(self, container: str, *, tail: int) -> str:
        return "\n".join(self._of(container).log[-tail:])

    def last_run(self, container: str, *, tail: int) -> LastRun | None:
        return None

    def image_bytes(self, ref: str) -> int | None:
        return 5_000_000 if self._find(ref) is not None else None

    def read_files(self, container: str, *paths: str) -> str | None:
        found = self._world.containers.get(container)
        if found is None:  # gone meanwhile
            return None
        if paths == (EXIT_STATE,):
            return found.exit_state
        return found.debugger if "/proc/net/tcp" in paths and found.debugger else found.build_state

    def ports_in_use(self) -> Mapping[int, str]:
        live = [c for c in self._world.containers.values() if c.state in HOLDS_PORTS]
        return {port: c.name for c in live for port in c.ports.values()}

    def _of(self, container: str) -> FakeContainer:
        return self._world.containers[container]


def _of_project(labels: Mapping[str, str], project: str) -> bool:
    return labels.get(COMPOSE_PROJECT_LABEL) == project


def _seen(found: FakeContainer) -> Container:
    spec = found.spec
    mounts = spec.get("volumes") or []
    return Container(
        id=found.id,
        name=found.name,
        service=found.service,
        state=found.state,
        health=cast("Any", found.health),
        exit_code=found.exit_code,
        image=found.ref,
        image_id=found.image.id,
        labels=found.labels,
        ports={target: ("127.0.0.1", host) for target, host in found.ports.items()},
        started_at=datetime.fromtimestamp(found.started + found.starts * 1e-6, UTC).isoformat(),
        user=spec.get("user") or found.image.user,
        read_only=bool(spec.get("read_only")),
        cap_drop=tuple(spec.get("cap_drop") or ()),
        cap_add=tuple(spec.get("cap_add") or ()),
        security_opt=tuple(spec.get("security_opt") or ()),
        bind_sources=tuple(m["source"] for m in mounts if m.get("type") == "bind"),
        env={k: str(v) for k, v in (spec.get("environment") or {}).items()},
        mounts=tuple(f"{m['target']} ({m['type']} {m['source']})" for m in mounts),
        init=bool(spec.get("init")),
        addresses=(f"shop_default {found.address}",) if found.address else (),
    )


class FakeImages:
    """Every production image is fine, unless `world.image_facts` says otherwise."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(
        self, ref: str, *, files: bool = False, start: tuple[Sequence[str], Sequence[str]] = ((), ())
    ) -> ImageFacts:
        image = self._world.images.get(self._world.tags.get(ref, ""))
        if image is None:
            raise ProjectError(f"no image {ref}", code="image-missing", hint="devctl prod-preview")
        facts = ImageFacts(
            ref=ref,
            id=image.id,
            size_bytes=5_000_000,
            layers=(Layer("COPY /server", 5_000_000),),
            entrypoint=("/server",),
            cmd=(),
            user=image.user,
            workdir="/",
            architecture="amd64",
            labels=image.labels,
            binary=Binary("/server", 4_000_000, 0o755, elf=True, machine="amd64"),
            files=frozenset({"/server", CERTIFICATES, ZONES}) if files else frozenset(),
        )
        return replace(facts, **self._world.image_facts)

    def binary(self, ref: str, path: str) -> bytes:
        return b""


class FakeProber:
    def __init__(self, world: World) -> None:
        self._world = world

    def http(self, url: str, *, timeout: float) -> int | None:
        return 200 if self._answers(url) else None

    def fetch(
        self,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        midway: Callable[[], object] | None = None,
    ) -> Answer | None:
        taken = self._answers(url)
        if midway is not None:
            midway()
        return Answer(200, "text/plain", length=2) if taken else None

    def tcp(self, host: str, port: int, *, timeout: float) -> bool:
        return self._world.at_port(port) is not None

    def greet(self, host: str, port: int, hello: bytes, *, timeout: float) -> Greeting:
        world = self._world
        found = next((c for c in world._live() if c.address == host), None)
        if found is None or world.now - found.started < world.listens_after.get(found.service, 0.0):
            return Greeting("refused")
        return Greeting("open", b"R")

    @contextlib.contextmanager
    def measure_gap(self, good: Callable[[], bool]) -> Iterator[Callable[[], int]]:
        yield lambda: 90

    def _answers(self, url: str) -> bool:
        port = re.search(r":(\d+)", url)
        return self._world.at_port(int(port[1]) if port else 80) is not None


class FakeRunning:
    """A `go test`: each look at it hears one more line. `code` is None while there are more."""

    def __init__(self, code: int, lines: Sequence[str], on_line: Callable[[str, str], None]) -> None:
        self._code, self._left, self._on_line = code, list(lines), on_line

    @property
    def code(self) -> int | None:
        return None if self._left else self._code

    def __call__(self) -> bool:
        if self._left:
            self._on_line("stdout", f"{self._left.pop(0)}\n")
        return bool(self._left)


class FakeProcesses(_Port):
    def run(self, argv: Sequence[str], **how: object) -> Finished:
        words = list(argv)
        verb = words[1] if words[:1] == ["docker"] else ""
        script = "".join(part for part in words if part.startswith("\n"))
        if BUILD in script:
            self._world.calls.append("prove")
            self._life.step("prove")
            if not self._world.compiles(self._world.mod, self._world.source):
                return Finished(1, "", "./main.go:1:1: undefined: x")
            if verb == "run":
                return Finished(0, "", "")
        if AGAIN in script:
            container = self._world.with_id(words)
            if SERVE in script and container.app:
                self._world.serve_built(container)
            if (container.build_state or "").startswith("failed"):
                self._world.reload(container)
        elif verb == "exec" and ONCE_MORE in words:
            self._life.step("run again")
            self._world.reload(self._world.with_id(words))
        if verb == "exec" and (asked := self._asked_inside(words)) is not None:
            return asked
        if "install" in words:
            self._life.step("install delve")
            self._world.delve = (words, cast("bytes", how["stdin"]))
            said = "dial tcp: no such host" if self._world.no_delve else ""
            return Finished(self._world.no_delve, "", said)
        if verb == "run" and "--name" in words:
            return self._run_named(words)
        if verb in ("start", "stop", "rm"):
            return self._change(verb, words[-1])
        return Finished(0, "", "")

    def _asked_inside(self, words: list[str]) -> Finished | None:
        """What a container answers; None where the words change something."""
        if words[-3:] == ["test", "-e", "/app/go.mod"]:
            return Finished(0 if self._world.with_id(words).sees_source else 1, "", "")
        if "list" in words:
            known = self._world.go_list
            return Finished(0, known, "") if known else Finished(1, "", "go: modules are not to be had")
        return None

    def _run_named(self, words: list[str]) -> Finished:
        world, name = self._world, words[words.index("--name") + 1]
        image = next((world.images[world.tags[w]] for w in words if w in world.tags), None)
        if any(c.name == name for c in world.containers.values()) or image is None:
            return Finished(125, "", f'Conflict. The container name "/{name}" is already in use')
        self._life.step(f"docker run {name}")
        labels = dict(w.partition("=")[::2] for flag, w in itertools.pairwise(words) if flag == "--label")
        made = FakeContainer(world.new_id("container"), "", image, "", {}, name=name, own_labels=labels)
        world.containers[made.id] = made
        return Finished(0, made.id, "")

    def _change(self, verb: str, named: str) -> Finished:
        world = self._world
        found = next((c for c in world.containers.values() if named in (c.id, c.name)), None)
        if found is None:
            return Finished(1, "", f"Error response from daemon: No such container: {named}")
        self._life.step(f"docker {verb} {found.service or found.name}")
        if verb == "start":
            return world.start(found) if found.state != "running" else Finished(0, named, "")
        if verb == "stop":
            world.stop(found, code=_code(world, found))
        else:
            del world.containers[found.id]
        return Finished(0, named, "")

    def side_by_side(self, works: Sequence[Callable[[], None]], *, at_once: int) -> None:
        """One after the other, so that each run has the same steps: the first is over before the second begins."""
        self._world.at_once = at_once
        for work in works:
            work()

    def hurried(self) -> bool:
        return False

    @contextlib.contextmanager
    def one_interrupt(self) -> Iterator[Callable[[], None]]:
        before, self._life.guarded = self._life.guarded, True

        def deafen() -> None:
            self._life.deaf = True

        try:
            yield deafen
        finally:
            self._life.deaf, self._life.guarded = False, before

    def attach(
        self,
        argv: Sequence[str],
        *,
        stop: Sequence[str],
        on_line: Callable[[str, str], None] | None = None,
    ) -> int:
        done = self.run(argv)
        for stream, text in (("stdout", done.stdout), ("stderr", done.stderr)):
            for line in text.splitlines(keepends=True) if on_line is not None else ():
                on_line(stream, line)
        return done.code

    @contextlib.contextmanager
    def follow(
        self,
        argv: Sequence[str],
        *,
        on_line: Callable[[str, str], None],
        together: bool = False,
        attended: bool = False,
    ) -> Iterator[Callable[[], bool]]:
        if attended:
            words = list(argv)
            code, lines = self._world.go_test(words[words.index("test") + 1 :])
            yield FakeRunning(code, lines, on_line)
            return
        wanted = next((w.partition("=")[2] for w in argv if w.startswith("container=")), "")
        listener = (wanted, on_line)
        self._world.listeners.append(listener)
        found = self._world.containers.get(argv[-1]) if "logs" in argv else None
        for line in found.log if found is not None else []:
            on_line("stderr", f"{line}\n")
        try:
            yield lambda: bool({"--follow", "events"} & set(argv))
        finally:
            self._world.listeners.remove(listener)

    def spawn(self, argv: Sequence[str], *, cwd: Path, out: Path | int, err: Path | int) -> int:
        """A watcher is a process that holds its lock; nothing of it runs."""
        pid = self._world.new_pid()
        lock = self._world.root / ".devctl" / "watcher.lock"
        if "watch-daemon" in argv and lock not in self._world.held:
            self._life.step("spawn the watcher")
            self._world.held[lock] = Holding("watch", pid)
            self._world.files[lock] = str(pid)
            mark = f"{pid}-1"
            self._world.alive.add(mark)
            said = {MACHINE_LABEL: self._world.machine, TEMPORARY_LABEL: mark}
            self._world.private[self._world.root, "watcher.json"] = json.dumps(said)
        return pid

    def ended(self, pid: int) -> bool:
        return all(holder.pid != pid for holder in self._world.held.values())

    def end_left_over(self, root: Path) -> None:
        """No program outlives its process here."""

    def terminate(self, pid: int) -> None:
        for path in [p for p, holder in self._world.held.items() if holder.pid == pid]:
            self._life.step("terminate the watcher")
            self._world.alive.discard(f"{pid}-1")
            del self._world.held[path]
