"""Whatever reading a project depends on is remembered: each edit that may change its result changes an answer."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.adapters.inputs import asked
from devctl.adapters.system.files import SystemFiles
from devctl.cli.wiring import toolbox
from devctl.domain.ports.toolbox import Toolbox
from devctl.workflows.project.load import load
from tests.fakes import FakeReporter, World
from tests.helpers import build_tree, save, syntax_nodes

ADAPTERS = Path(asked.__file__).parent.parent
MAIN = """package main

import (
	"embed"
	"net/http"
	"os"
)

//go:embed static/*
var static embed.FS

func main() {
	config, _ := os.ReadFile("config/app.yaml")
	println(config)
	http.ListenAndServe(":"+os.Getenv("PORT"), http.FileServer(http.FS(static)))
}
"""
PROJECT = {
    "go.mod": "module example.com/x\n\ngo 1.26\n",
    "main.go": MAIN,
    "main_test.go": "package main\n",
    "static/index.html": "hello\n",
    "config/app.yaml": "addr: :8080\n",
    "run.sh": "#!/bin/sh\nexec app --port 8080\n",
    "web.env": "PORT=8080\n",
    "more.yaml": "services: {base: {image: alpine}}\n",
    "build.sh": "docker build -t example.com/tool -f tool/Dockerfile .\n",
    "tool/Dockerfile": "FROM golang:1.26-alpine\nCOPY . .\nRUN go build -o /tool ./tool\nCMD [/tool]\n",
    "internal/data/data.go": "package data\n",
    "Dockerfile": "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\n"
    'FROM alpine:3.22\nCOPY --from=build /app /bin/app\nCOPY run.sh /run.sh\nENTRYPOINT ["/run.sh"]\n',
    "compose.yaml": "services: {app: {build: ., env_file: web.env}, tool: {image: example.com/tool}}\n",
    "README.md": "hello\n",
}


def box() -> Toolbox:
    return toolbox(FakeReporter(World()))


def questions(root: Path) -> tuple[asked.Asked, ...]:
    with SystemFiles().recording():
        load(box(), root)
        return SystemFiles().recorded()


def write(name: str, text: str) -> Callable[[Path], object]:
    def edit(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        save(root / name, text)

    return edit


def linked(root: Path) -> None:
    (root / "elsewhere").symlink_to(root / "internal")


SEEN = {
    "a pattern of go:embed": write("main.go", MAIN.replace("static/*", "static web")),
    "an embedded file": write("static/page", "new\n"),
    "another package": write("internal/more/more.go", "package more\n"),
    "a package's file": write("internal/data/data.go", "package data\n\nconst X = 1\n"),
    "the main package in another folder": lambda root: (root / "main.go").rename(root / "internal/main.go"),
    "a link to a folder of code": linked,
    "another module": write("lib/go.mod", "module example.com/lib\n"),
    "a workspace": write("go.work", "go 1.26\nuse .\n"),
    "sums": write("go.sum", "\n"),
    "a script that starts the program": write("run.sh", "#!/bin/sh\nexec app --port 9000\n"),
    "a configuration file": write("config/app.yaml", "addr: :9000\n"),
    "another configuration file": write("config/local.yaml", "addr: :9000\n"),
    "a folder of configuration": write("configs/app.toml", "addr = ':9000'\n"),
    "a configuration file beside go.mod": write("app.toml", "addr = ':9000'\n"),
    "an env file": write("web.env", "PORT=9000\n"),
    "variables of compose": write(".env", "PORT=9000\n"),
    "settings of air": write(".air.toml", "[build]\n"),
    "settings": write("devctl.yaml", "version: 1\n"),
    "an overriding compose file": write("compose.override.yaml", "services: {}\n"),
    "a Dockerfile": write("Dockerfile", "FROM golang:1.26-alpine\nCOPY . .\nRUN go build -o /app .\n"),
    "a script that builds an image": write("build.sh", "docker build -t example.com/tool .\n"),
    "a Makefile": write("Makefile", "image:\n\tdocker build -t example.com/tool .\n"),
    "a Dockerfile that this script names": write("tool/Dockerfile", "FROM alpine:3.22\n"),
}
UNSEEN = {
    "nothing": lambda root: None,
    "a test": write("main_test.go", "package main\n\nconst X = 1\n"),
    "a text": write("README.md", "hello, world\n"),
    "what the program writes": write("internal/data/stored.json", "{}\n"),
    "what devctl writes": write(".devctl/events.jsonl", "{}\n"),
    "an open editor": write(".main.go.swp", "x\n"),
}


@pytest.fixture(name="root")
def project(tmp_path: Path) -> Path:
    return build_tree(tmp_path / "shop", PROJECT)


@pytest.mark.parametrize("edit", SEEN)
def test_what_loading_depends_on_is_seen(root: Path, edit: str) -> None:
    before = questions(root)
    assert SystemFiles().same(before)
    SEEN[edit](root)
    assert not SystemFiles().same(before)


@pytest.mark.parametrize("edit", UNSEEN)
def test_what_it_does_not_depend_on_is_not(root: Path, edit: str) -> None:
    before = questions(root)
    UNSEEN[edit](root)
    assert SystemFiles().same(before)


def test_what_is_saved_while_it_is_read_is_seen(root: Path) -> None:
    with SystemFiles().recording():
        load(box(), root)
        save(root / "config/app.yaml", "addr: :9000\n")
        load(box(), root)
        assert not SystemFiles().same(SystemFiles().recorded())


def test_only_what_is_asked_meanwhile_is_remembered(tmp_path: Path) -> None:
    files = SystemFiles()
    files.exists(tmp_path)
    assert files.recorded() == ()
    with files.recording():
        assert files.recorded() == ()
        files.exists(tmp_path)
        files.read_text(Path("/proc/mounts"), within=None)
        assert files.recorded() == (("kind", str(tmp_path), "", "folder"),)
    assert files.recorded() == ()


@pytest.mark.parametrize(
    "question", [("unknown", "/", "", None), ("kind", "\0", "", "file"), ("owner", "/x", "", [])]
)
def test_what_cannot_be_asked_again_is_different(question: asked.Asked) -> None:
    assert not SystemFiles().same([question])


_DIRECT = frozenset(
    {"is_file", "is_dir", "exists", "iterdir", "glob", "rglob", "stat", "lstat", "listdir", "isfile", "isdir"}
)
_OWN = {"project_files/shipped_templates.py": "files of devctl itself"}


@pytest.mark.parametrize("folder", ["go", "project_files"])
def test_what_reads_a_project_asks_in_a_way_that_is_remembered(folder: str) -> None:
    found = [
        f"{path.name}:{node.lineno} {node.func.attr}"
        for path in sorted((ADAPTERS / folder).rglob("*.py"))
        if path.relative_to(ADAPTERS).as_posix() not in _OWN
        for node in syntax_nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if (node.func.attr in _DIRECT and ast.unparse(node.func.value) != "asked")
        or (
            node.func.attr in ("read_text", "read_bytes")
            and ast.unparse(node.func.value) not in ("regular_file", "beneath")
        )
    ]
    assert found == []
