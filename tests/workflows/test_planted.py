"""A link under each name that devctl reads or writes in a project: what it leads to is neither changed nor told to anybody.

Files are real ones here, and the engine is the fake one. Which names there are is asked of the code: every name that it opens
while the commands run on a sound project.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.shipped_templates import ShippedTemplates
from devctl.adapters.project_files.sources import ProjectSources
from devctl.adapters.system import beneath
from devctl.adapters.system.files import SystemFiles
from devctl.adapters.system.state_folder import SystemStateFolder
from devctl.domain.command.requests import (
    CleanRequest,
    ConfigRequest,
    DownRequest,
    InitRequest,
    LogsRequest,
    NewRequest,
    OnboardRequest,
    PreviewRequest,
    RebuildRequest,
    RestartRequest,
    SizeRequest,
    StatusRequest,
    UpRequest,
)
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import DevctlError
from devctl.workflows.advice.config_command import config
from devctl.workflows.dev.lifecycle import down, rebuild, restart
from devctl.workflows.dev.up import up
from devctl.workflows.dev.watch_round import catch_up
from devctl.workflows.doctor.clean import clean
from devctl.workflows.logs.status_and_logs import logs, status
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.project.find import COMPOSE_FILES, OVERRIDES
from devctl.workflows.project.load import load
from devctl.workflows.size.size import size
from devctl.workflows.start.onboard import _Onboarding, _write_note
from devctl.workflows.start.scaffold import init, new
from devctl.workflows.start.step_list import Walk
from tests.fakes import FakeSources, World, go_mod
from tests.helpers import build_tree, spread

SECRET = "zqsecretqz"
MAIN = """package main

import (
	"embed"
	"net/http"

	"github.com/spf13/viper"
)

//go:embed web
var files embed.FS

func main() {
	viper.SetConfigFile("config/config.yaml")
	http.ListenAndServe(":8080", nil)
}
"""
TREE = {
    "go.mod": go_mod(),
    "go.sum": "",
    "main.go": MAIN,
    "lib/lib.go": "package lib\n",
    "web/index.html": "",
    "config/config.yaml": "log: info\n",
    "package.json": "{}",
    "Makefile": "all:\n\ttrue\n",
    ".dockerignore": ".git\n",
    ".env.example": "A=1\n",
    "devctl.yaml": "version: 1\n",
}
COMPOSE = json.dumps({"services": {"api": {"build": ".", "ports": ["8080:8080"], "volumes": [".:/app"]}}})
DOCKERFILE = """FROM golang:1.26 AS dev
WORKDIR /app
RUN go install github.com/air-verse/air@v1.67.2
COPY go.mod go.sum ./
RUN go mod download
COPY . .
CMD ["air"]
FROM dev AS build
RUN go build -o /shop .
FROM scratch AS runner
COPY --from=build /shop /shop
ENTRYPOINT ["/shop"]
"""
SHAPES = {
    "alone": TREE,
    "composed": {
        **TREE,
        "compose.yaml": COMPOSE,
        "Dockerfile": DOCKERFILE,
        "Dockerfile.dockerignore": ".git\n",
    },
}
READ_BY_COMPOSE = {".env", *COMPOSE_FILES, *OVERRIDES}
"""Where those lead out of the project, that is a person's word, or a right (docs/decisions/0012-rights-of-a-round.md)."""
SAID = {
    ".go": f'package main\n\nimport _ "example.com/{SECRET}"\n\nfunc main() {{ panic("{SECRET}") }}\n',
    ".mod": f"module example.com/{SECRET}\n\ngo 1.26\n\nrequire example.com/{SECRET} v1.0.0\n",
    ".yaml": f"name: {SECRET}\naddr: {SECRET}\n",
    ".json": json.dumps(
        {"scripts": {"build": SECRET}, "old": {SECRET: {"container": SECRET, "reason": SECRET}}}
    ),
    "": f"{SECRET}={SECRET}\n",
}


class OnDisk:
    """Files are real, locks are the world's."""

    def __init__(self, fake: object) -> None:
        self._fake, self._real = fake, SystemFiles()

    def __getattr__(self, name: str) -> Any:
        locks = ("lock", "lock_holder", "hold", "held", "eventless")
        return getattr(self._fake if name in locks else self._real, name)


class Spawning:
    """A watcher is given open files, which its parent closes."""

    def __init__(self, fake: Any) -> None:
        self._fake = fake

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fake, name)

    def spawn(self, argv: Any, *, cwd: Path, out: int, err: int) -> object:
        for handle in (out, err):
            os.close(handle)
        return self._fake.spawn(argv, cwd=cwd, out=out, err=err)


class DiskSources(ProjectSources):
    """The Dockerfile that the fake templates hold has no stage."""

    def __init__(self, world: World) -> None:
        self._fake = FakeSources(world)

    def dockerfile_text(self, *args: Any, **how: Any) -> Any:
        return self._fake.dockerfile_text(*args, **how)


class DiskWorld(World):
    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.save("go.mod", go_mod())
        self.save("main.go", "v1")
        self.told: list[str] = []

    def box(self) -> Toolbox:
        box = super().box()
        return replace(
            box,
            files=cast("Any", OnDisk(box.files)),
            state=SystemStateFolder(),
            sources=DiskSources(self),
            processes=cast("Any", Spawning(box.processes)),
        )


def shipped(box: Toolbox) -> Toolbox:
    return replace(box, templates=ShippedTemplates(), sources=ProjectSources())


def env_step(root: Path, box: Toolbox) -> object:
    walk = cast("Walk", None)
    return _Onboarding(box, OnboardRequest(project=root, yes=True), root, walk).env()


def note(root: Path, box: Toolbox) -> None:
    _write_note(box.reporter, box.files, root, Walk(box, {}, after_interruption=""))


COMMANDS: dict[str, Callable[[Path, Toolbox], object]] = {
    "config show": lambda root, box: config(ConfigRequest(project=root), box),
    "config check": lambda root, box: config(ConfigRequest(project=root, action="check"), box),
    "init --diff": lambda root, box: init(InitRequest(project=root, diff=True), shipped(box)),
    "onboard: env": env_step,
    "onboard --note": note,
    "up": lambda root, box: up(UpRequest(project=root, detach=True, yes=True), box),
    "up again": lambda root, box: up(UpRequest(project=root, detach=True, yes=True), box),
    "status": lambda root, box: status(StatusRequest(project=root), box),
    "logs": lambda root, box: logs(LogsRequest(project=root), box),
    "round": lambda root, box: catch_up(box, load(box, root)),
    "rebuild": lambda root, box: rebuild(RebuildRequest(project=root), box),
    "prod-preview": lambda root, box: prod_preview(PreviewRequest(project=root, yes=True), box),
    "restart": lambda root, box: restart(RestartRequest(project=root), box),
    "size": lambda root, box: size(SizeRequest(project=root, yes=True, bases=("scratch",)), box),
    "init": lambda root, box: init(InitRequest(project=root), shipped(box)),
    "new": lambda root, box: new(NewRequest(directory=root), shipped(box)),
    "down": lambda root, box: down(DownRequest(project=root), box),
    "clean": lambda root, box: clean(CleanRequest(project=root, yes=True), box),
}


BEFORE_INIT = [name for name in COMMANDS if name not in ("init", "new", "onboard: env", "onboard --note")]


def run_all(world: DiskWorld, names: Any = COMMANDS) -> None:
    for name in names:
        try:
            world.told.append(f"{name}: {COMMANDS[name](world.root, world.box())!r}")
        except DevctlError as error:
            world.told.append(f"{name}: {error.problem!r} {error.detail} {error.result!r}")


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    signal.alarm(1800)  # a FIFO hangs for ever; a busy machine only for long
    yield
    signal.alarm(0)


OPENED: dict[str, set[str]] = {}
"""By root: what is opened by its whole path, as nothing should be; Python reports every opening."""


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and OPENED and isinstance(args[0], str):
        for root, seen in OPENED.items():
            if args[0].startswith(f"{root}/") and not Path(args[0]).is_dir():
                seen.add(args[0].removeprefix(f"{root}/"))


sys.addaudithook(_hear)


@contextlib.contextmanager
def recorded(root: Path) -> Iterator[set[str]]:
    """The names that are opened below a project meanwhile, there or not."""
    seen: set[str] = set()
    read, refuse = beneath.Beneath.read, beneath.refuse

    def reading(self: Any, name: str, **how: Any) -> bytes:
        seen.add(name)
        return read(self, name, **how)

    def refusing(above: int, root: Path, name: str) -> None:
        seen.add(name)
        refuse(above, root, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beneath.Beneath, "read", reading)
        patch.setattr(beneath, "refuse", refusing)
        patch.setitem(OPENED, str(root), seen)
        yield seen


def sound(at: Path, shape: str) -> DiskWorld:
    world = DiskWorld(build_tree(at, SHAPES[shape]))
    text = SHAPES[shape].get("compose.yaml")
    if text is not None:
        world.save("compose.yaml", text)
    return world


@cache
def names_of_the_code(shape: str) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        world = sound(Path(folder, "shop"), shape)
        with recorded(world.root) as seen:
            run_all(world)
    assert len(seen) > 20, world.told
    return tuple(sorted(os.path.normpath(name) for name in seen))


def everything(outside: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in (outside, *outside.rglob("*")):
        facts = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (facts.st_mode, facts.st_uid, facts.st_gid, facts.st_mtime_ns, content)
    return found


def told(world: DiskWorld) -> Iterator[tuple[str, str]]:
    """All that anybody, a container included, gets to see."""
    yield "answers", repr(world.told)
    yield "events", repr(world.events)
    yield "warnings", repr(world.warnings)
    yield "state home", repr(world.private)
    yield "engine", repr([world.containers, world.images, world.tags, world.volumes, world.networks])
    for folder, _, names in os.walk(world.root):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(world.root)), path.read_text(errors="replace")


def lead_out(path: Path, target: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_of_each_name_that_is_a_link_out(tmp_path: Path, shape: str) -> None:
    names = names_of_the_code(shape)
    if shape == "alone":  # those of .devctl/ are the same, but for the name of the service
        names = tuple(name for name in names if not name.startswith(".devctl/"))
    for number, name in enumerate(spread(names, len(shape))):
        world = sound(tmp_path / f"{number}/shop", shape)
        outside = tmp_path / f"{number}/outside"
        build_tree(outside, {name: SAID.get(Path(name).suffix, SAID[""])})
        lead_out(world.root / name, outside / name)
        judge(world, outside, name)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_folder_of_each_name_that_is_a_link_out(tmp_path: Path, shape: str) -> None:
    names = names_of_the_code(shape)
    folders = {str(parent) for name in names for parent in Path(name).parents if str(parent) != "."}
    assert folders >= {".devctl", ".devctl/shop" if shape == "alone" else ".devctl/api", "config", "lib"}
    for number, folder in enumerate(spread(sorted(folders), len(shape))):
        world = sound(tmp_path / f"{number}/shop", shape)
        below = [name for name in names if name.startswith(f"{folder}/")]
        outside = build_tree(
            tmp_path / f"{number}/outside", {name: SAID.get(Path(name).suffix, SAID[""]) for name in below}
        )
        lead_out(world.root / folder, outside / folder)
        judge(world, outside, folder)


def judge(world: DiskWorld, outside: Path, name: str) -> None:
    before = everything(outside)
    run_all(world)
    assert everything(outside) == before, name
    if name not in READ_BY_COMPOSE:
        leaks = [where for where, text in told(world) if SECRET in text]
        assert leaks == [], (name, world.told)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_link_that_stays_inside_changes_nothing(tmp_path: Path, shape: str) -> None:
    plain = sound(tmp_path / "one/shop", shape)
    run_all(plain, BEFORE_INIT)
    linked = sound(tmp_path / "two/shop", shape)
    for name in (
        "go.mod",
        "go.sum",
        "main.go",
        "config/config.yaml",
        ".dockerignore",
        "devctl.yaml",
        "lib/lib.go",
    ):
        path = linked.root / name
        kept = linked.root / "kept" / f"{name.replace('/', '-')}.kept"
        kept.parent.mkdir(exist_ok=True)
        path.rename(kept)
        path.symlink_to(os.path.relpath(kept, path.parent))
    run_all(linked, BEFORE_INIT)
    assert [text.replace("/two/shop", "/one/shop") for text in linked.told] == plain.told


LOOKS = ("config check", "up", "status", "logs", "round", "down")


@pytest.mark.parametrize("shape", SHAPES)
def test_nobody_waits_for_a_fifo_of_any_name(tmp_path: Path, shape: str) -> None:
    for number, name in enumerate(spread(names_of_the_code(shape), len(shape))):
        world = sound(tmp_path / f"{number}/shop", shape)
        path = world.root / name
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)
        run_all(world, LOOKS)
        assert path.is_fifo(), name
