"""A world in memory: files, images, containers, a compose that can fail in every way, and a clock that costs nothing.

It knows no Docker and no Go. An image remembers the go.mod that it was built from; source code is the list of modules that
it needs; it compiles where go.mod names them all. Everything else is what the real workflows do with that.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from devctl.domain.config import Config
from devctl.domain.events import Event
from devctl.domain.gofacts import DockerfileFacts, GoPackage, Located, Module, SourceFacts
from devctl.domain.gomod import parse_mod
from devctl.domain.observed import Container, Image, Labelled, Observed
from devctl.domain.ports import Finished, Toolbox
from devctl.errors import FilesError, InterruptedByUser, MachineError, Problem
from devctl.workflows.prove import AGAIN, BUILD

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


def go_mod(*modules: str, word: str = "") -> str:
    lines = [f"require example.com/{name} v1.0.0" for name in modules]
    return "\n".join(["module example.com/shop", "", "go 1.26", *lines, word, ""])


@dataclass
class FakeImage:
    id: str
    labels: dict[str, str]
    mod: str


@dataclass
class FakeContainer:
    """`app`: the (go.mod of the image, source) that its process was built from; None where none runs."""

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
    log: list[str] = field(default_factory=list)
    build_state: str | None = None


class World:
    """`fault`: one of FAULTS, or "" ."""

    def __init__(self) -> None:
        self.root = ROOT
        self.files: dict[Path, str] = {}
        self.now = 1_000.0
        self.fault = ""
        self.deaf = False
        self.images: dict[str, FakeImage] = {}
        self.tags: dict[str, str] = {}
        self.containers: dict[str, FakeContainer] = {}
        self.events: list[Event] = []
        self.warnings: list[Problem] = []
        self.calls: list[str] = []
        self._made = 0
        self.save("go.mod", go_mod())
        self.save("main.go", "v1")

    # what a developer does

    def save(self, name: str, text: str | None) -> None:
        self.now += 1
        if text is None:
            self.files.pop(self.root / name, None)
        else:
            self.files[self.root / name] = text

    def save_source(self, text: str) -> None:
        """air sees it in every running dev container: what compiles is served, what does not is said."""
        self.save("main.go", text)
        for container in self.containers.values():
            if container.state == "running":
                self.reload(container)

    # what is seen from outside

    @property
    def mod(self) -> str | None:
        return self.files.get(self.root / "go.mod")

    @property
    def source(self) -> str:
        return self.files[self.root / "main.go"]

    @property
    def container(self) -> FakeContainer | None:
        return next(iter(self.containers.values()), None)

    @property
    def served(self) -> tuple[str, str] | None:
        found = self.container
        if found is None or found.state != "running" or found.mute:
            return None
        return found.app

    def good(self) -> bool:
        """Whether the files as they are now can be built and compiled."""
        return self.builds(self.mod) and self.compiles(self.mod, self.source)

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
            container.app = (container.image.mod, self.source)
            container.log += ["devctl: build ok 1ms", "running..."]
            container.build_state = "ok 1"
        else:
            container.log += ["./main.go:1:1: undefined", "devctl: build failed 1ms"]
            container.build_state = "failed 1\n./main.go:1:1: undefined"

    # helpers of the fakes

    def once(self, *names: str) -> str:
        """The fault, where it is one of these; it is used up."""
        if self.fault not in names:
            return ""
        fault, self.fault = self.fault, ""
        return fault

    def pressed_again(self) -> bool:
        """Ctrl-C at each start of a container, for as long as it is heard."""
        return self.fault == "interrupt-twice" and not self.deaf

    def new_id(self, kind: str) -> str:
        self._made += 1
        return f"{kind}{self._made}"

    def interrupt(self) -> InterruptedByUser:
        return InterruptedByUser("interrupted", code="interrupted", hint="devctl status")

    def box(self) -> Toolbox:
        compose = FakeCompose(self)
        return Toolbox(
            reporter=cast("Any", FakeReporter(self)),
            processes=cast("Any", FakeProcesses(self)),
            files=cast("Any", FakeFiles(self)),
            sources=cast("Any", FakeSources(self)),
            compose=cast("Any", compose),
            engine=cast("Any", FakeEngine(self)),
            images=cast("Any", None),
            prober=cast("Any", FakeProber(self)),
            clock=cast("Any", FakeClock(self)),
            host=cast("Any", FakeHost()),
            watcher=cast("Any", None),
            templates=cast("Any", FakeTemplates()),
            machine=lambda: cast("Any", None),  # no base is ever asked for: the fake Dockerfile has no stage
        )


class FakeReporter:
    def __init__(self, world: World) -> None:
        self._world = world

    def emit(self, event: Event) -> None:
        self._world.events.append(event)

    def warn(self, problem: Problem) -> None:
        self._world.warnings.append(problem)


class FakeClock:
    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        return self._world.now

    def monotonic(self) -> float:
        return self._world.now

    def sleep(self, seconds: float) -> None:
        self._world.now += max(seconds, 0.5)  # coarse, so that waiting in vain takes few rounds


class FakeHost:
    def env(self, name: str) -> str | None:
        return None

    def is_linux(self) -> bool:
        return True

    def interactive(self) -> bool:
        return False

    def port_free(self, ip: str, port: int) -> bool:
        return True

    def pid(self) -> int:
        return 1

    def executable(self) -> str:
        return "python"


class FakeTemplates:
    def read(self, name: str) -> str:
        return f"# {name}\nCOPY go.mod go.su[m] ./\n"


class FakeFiles:
    def __init__(self, world: World) -> None:
        self._files, self._world = world.files, world

    def read_text(self, path: Path) -> str | None:
        return self._files.get(Path(posixpath.normpath(path)))

    def read_bytes(self, path: Path) -> bytes | None:
        text = self.read_text(path)
        return None if text is None else text.encode()

    def write_atomic(self, path: Path, text: str, *, owner: object = None, mode: int = 0o644) -> bool:
        changed = self._files.get(path) != text
        self._files[path] = text
        return changed

    def make_folder(self, folder: Path, *, owner: object) -> None:
        pass

    def append(self, path: Path, text: str) -> None:
        self._files[path] = self._files.get(path, "") + text

    def remove(self, path: Path) -> None:
        self._files.pop(path, None)

    def exists(self, path: Path) -> bool:
        return path in self._files

    def is_dir(self, path: Path) -> bool:
        return path == self._world.root

    def names(self, folder: Path) -> list[str]:
        return sorted(p.name for p in self._files if p.parent == folder)

    def modified(self, path: Path) -> float | None:
        return None

    def stamp(self, path: Path) -> list[int] | None:
        text = self._files.get(path)
        return None if text is None else [hash(text), len(text)]

    def go_names(self, root: Path) -> str:
        return ""

    def go_files(self, root: Path) -> list[tuple[str, float]]:
        return [("main.go", self._world.now)]

    def owner(self, path: Path) -> tuple[int, int]:
        return (1000, 1000)

    def closed(self, root: Path) -> list[str]:
        return []

    def state_dir(self, root: Path) -> Path:
        return root / ".devctl"

    @contextlib.contextmanager
    def lock(self, root: Path, *, command: str, timeout: float) -> Iterator[None]:
        yield

    @contextlib.contextmanager
    def hold(self, path: Path, *, note: str = "") -> Iterator[bool]:
        yield True

    def held(self, path: Path) -> bool:
        return False

    def eventless(self, path: Path) -> str | None:
        return None


class FakeSources:
    def __init__(self, world: World) -> None:
        self._world = world

    def go(self, root: Path, *, tags: Sequence[str] = ()) -> SourceFacts:
        if self._world.mod is None:
            raise FilesError("no go.mod here", code="no-go-module", hint="go mod init")
        listens = (Located(":8080", "main.go:1"),)
        package = GoPackage(
            ".", "main", True, (), listens=listens, routes=(Located("/healthz", "main.go:2"),)
        )
        return SourceFacts((Module(".", "example.com/shop", "1.26", "", (), (package,)),))

    def config(self, root: Path) -> Config:
        return Config()

    def texts(self, path: Path) -> Sequence[tuple[str, int]]:
        return ()

    def positions(self, path: Path) -> Callable[[tuple[str | int, ...]], int | None]:
        return lambda key: None

    def config_problems(self, root: Path) -> tuple[Problem, ...]:
        return ()

    def dockerfile_text(self, text: str, *, path: str, args: Mapping[str, str]) -> DockerfileFacts:
        return DockerfileFacts(path, (), {})


class FakeCompose:
    def __init__(self, world: World) -> None:
        self._world = world

    def _model(self, file: Path, service: str) -> dict[str, Any]:
        return dict(json.loads(self._world.files[file])["services"][service])

    def build(self, file: Path, services: Sequence[str], *, no_cache: bool = False) -> Finished:
        world = self._world
        world.calls.append("build")
        if world.once("interrupt-build"):
            raise world.interrupt()
        if world.once("gone-at-build"):
            return Finished(1, "", GONE)
        if world.once("edit-before-read"):
            world.save("go.mod", go_mod("a", "b", "edited"))
        if world.once("build-fails") or not world.builds(world.mod):
            return Finished(1, "", "failed to solve")
        for service in services:
            spec = self._model(file, service)
            image = FakeImage(world.new_id("image"), spec["build"]["labels"], world.mod or "")
            world.images[image.id] = image
            world.tags[spec["image"]] = image.id
        return Finished(0, "", "")

    def up(self, file: Path, services: Sequence[str], *, no_deps: bool, recreate: bool = False) -> Finished:
        world = self._world
        world.calls.append("up")
        if world.once("gone-at-start"):
            return Finished(1, "", GONE)
        if world.once("name-conflict"):
            return Finished(1, "", 'The container name "/shop-1" is already in use by container "x"')
        for service in services:
            spec = self._model(file, service)
            image = world.images[world.tags[spec["image"]]]
            old = world.containers.get(service)
            if old is not None and (old.spec, old.image.id, old.state) == (spec, image.id, "running"):
                continue
            if world.once("start-fails"):
                if old is not None:
                    old.state, old.app = "exited", None
                return Finished(1, "", "failed to start")
            if world.once("interrupt-before-start") or world.pressed_again():
                if old is not None:
                    old.state, old.app = "exited", None
                raise world.interrupt()
            world.containers[service] = self._start(service, spec, image)
            if world.once("interrupt-after-start"):
                raise world.interrupt()
        return Finished(0, "", "")

    def _start(self, service: str, spec: dict[str, Any], image: FakeImage) -> FakeContainer:
        world = self._world
        made = FakeContainer(world.new_id("container"), service, image, spec["image"], spec)
        fault = world.once("never-answers", "unhealthy", "exits")
        world.reload(made)
        if fault == "exits":
            made.state, made.app, made.exit_code = "exited", None, 3
        if fault == "unhealthy":
            made.health = "unhealthy"
        made.mute = bool(fault)
        return made


class FakeEngine:
    def __init__(self, world: World) -> None:
        self._world = world

    def observe(self, project: str) -> Observed:
        return self.containers(project)

    def containers(self, project: str) -> Observed:
        return Observed(containers=tuple(self._container(c) for c in self._world.containers.values()))

    def _container(self, found: FakeContainer) -> Container:
        port = found.spec["ports"][0]
        return Container(
            id=found.id,
            name=f"shop-{found.service}-1",
            service=found.service,
            state=found.state,
            health=cast("Any", found.health),
            exit_code=found.exit_code,
            image=found.ref,
            image_id=found.image.id,
            labels={**found.spec["labels"]},
            ports={port["target"]: ("127.0.0.1", int(port["published"]))},
            started_at=found.id,
        )

    def images(self, refs: Sequence[str]) -> Mapping[str, Image]:
        tags = self._world.tags
        return {
            ref: Image(tags[ref], "", self._world.images[tags[ref]].labels) for ref in refs if ref in tags
        }

    def tag(self, image_id: str, ref: str) -> None:
        if image_id not in self._world.images:
            raise MachineError("no such image", code="engine-refused", hint="devctl up")
        self._world.tags[ref] = image_id

    def remove_image(self, image_id: str) -> bool:
        used = any(c.image.id == image_id for c in self._world.containers.values())
        if used or image_id in self._world.tags.values():
            return False
        return self._world.images.pop(image_id, None) is not None

    def unpause(self, ids: Sequence[str]) -> None:
        assert not ids, "nothing is ever paused in this world"

    def remove_containers(self, ids: Sequence[str]) -> None:
        containers = self._world.containers
        for service in [s for s, c in containers.items() if c.id in ids]:
            del containers[service]

    def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        return None

    def labelled(self, kind: object, label: str) -> Sequence[Labelled]:
        return ()

    def logs(self, container: str, *, tail: int) -> str:
        return "\n".join(self._of(container).log[-tail:])

    def read_file(self, container: str, path: str) -> str | None:
        return self._of(container).build_state

    def ports_in_use(self) -> Mapping[int, str]:
        return {}

    def _of(self, container: str) -> FakeContainer:
        return next(c for c in self._world.containers.values() if c.id == container)


class FakeProber:
    def __init__(self, world: World) -> None:
        self._world = world

    def http(self, url: str, *, timeout: float) -> int | None:
        return 200 if self._world.served is not None else None

    def tcp(self, host: str, port: int, *, timeout: float) -> bool:
        return self._world.served is not None


class FakeProcesses:
    def __init__(self, world: World) -> None:
        self._world = world

    def run(self, argv: Sequence[str], **how: object) -> Finished:
        script = "".join(part for part in argv if part.startswith("\n"))
        if BUILD in script:
            self._world.calls.append("prove")
            if not self._world.compiles(self._world.mod, self._world.source):
                return Finished(1, "", "./main.go:1:1: undefined: x")
        if AGAIN in script:
            container = next(c for c in self._world.containers.values() if c.id in argv)
            if (container.build_state or "").startswith("failed"):
                self._world.reload(container)
        return Finished(0, "", "")

    @contextlib.contextmanager
    def one_interrupt(self) -> Iterator[Callable[[], None]]:
        def deafen() -> None:
            self._world.deaf = True

        try:
            yield deafen
        finally:
            self._world.deaf = False

    @contextlib.contextmanager
    def follow(
        self, argv: Sequence[str], *, on_line: Callable[[str, str], None]
    ) -> Iterator[Callable[[], bool]]:
        found = next((c for c in self._world.containers.values() if c.id == argv[-1]), None)
        for line in found.log if found is not None else []:
            on_line("stderr", line)
        yield lambda: "logs" in argv  # no other program that could be followed is in this world

    def spawn(self, argv: Sequence[str], *, cwd: Path, out: Path, err: Path) -> int:
        return 2

    def terminate(self, pid: int) -> None:
        return None
