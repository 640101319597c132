"""`init --devcontainer`, opened by the command that editors use, while `devctl up` serves the same project."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.cli import docker, get, serves
from tests.engine.compiled import into_project
from tests.engine.conftest import Started
from tests.engine.devcontainer_command import installed

pytestmark = pytest.mark.engine
SERVER = """package main

import (
	"fmt"
	"log"
	"net/http"
)

func greeting() string { return "Hello from Go" }

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, greeting()) })
	log.Fatal(http.ListenAndServe(":8080", nil))
}
"""
TEST = """package main

import "testing"

func TestGreeting(t *testing.T) {
	if greeting() == "" {
		t.Fatal("no greeting")
	}
}
"""
OWN = {
    "go.mod": "module example.com/mossgate\n\ngo 1.26\n",
    "main.go": SERVER,
    "main_test.go": TEST,
    "Dockerfile": """\
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /mossgate .

FROM alpine:3.22
COPY --from=build /mossgate /mossgate
USER 1000
ENTRYPOINT ["/mossgate"]
""",
    "compose.yaml": """\
services:
  api:
    build: .
    container_name: UNIQUE-api
    read_only: true
    mem_limit: 64m
    ports: ["HOST_PORT:8080"]
    depends_on: [store]
  store:
    image: alpine:3.22
    container_name: UNIQUE-store
    command: [sleep, infinity]
    init: true
    volumes: ["kept:/kept"]
volumes:
  kept: {name: UNIQUE-kept}
""",
}
"""Without a dev stage, and with names that can exist only once per engine."""


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("devcontainer"))


@pytest.fixture
def opened(command: Path) -> Iterator[Callable[..., str]]:
    """Runs the command on a project; its dev container is removed at the end."""
    used: set[str] = set()

    def run(it: Started, *words: str) -> str:
        used.add(f"{it.name}-devcontainer")
        done = subprocess.run(
            [command, words[0], "--workspace-folder", it.root, *words[1:]],
            cwd=it.root,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
        return done.stdout

    yield run
    for name in used:
        docker("compose", "-p", name, "down", "--volumes", "--timeout", "1")
        images = docker("image", "ls", "--quiet", f"{name}-*").split()
        docker("image", "rm", "--force", *images)


@pytest.mark.parametrize("own", [False, True], ids=["new", "own-files"])
def test_the_dev_container_works_beside_up(
    project: Callable[..., Started], opened: Callable[..., str], tmp_path: Path, own: bool
) -> None:
    files = {path: text.replace("UNIQUE", f"dt{uuid.uuid4().hex[:8]}") for path, text in OWN.items()}
    it = project(files=files) if own else project()
    if os.geteuid() == 0:
        for path in (it.root, *it.root.rglob("*")):
            os.chown(path, 1234, 1235)
    written = {f["path"] for f in it.devctl("init", "--devcontainer").result["files"]}
    beside = {".devcontainer/Dockerfile"} if own else set()
    assert written == {".devcontainer/devcontainer.json", ".devcontainer/compose.yaml"} | beside

    it.devctl("up", "-d")
    serves(it.port, "Hello from Go")
    before = it.devctl("status").result["services"][0]["container"]
    into_project(f"{it.name}-devcontainer", "devcontainer-cache" if own else "cache")
    opened(it, "up")
    assert "ok" in opened(it, "exec", "go", "test", "./...")
    assert it.devctl("status").result["services"][0]["container"] == before
    assert "Hello from Go" in get(it.port)

    # What gopls asks first, and where it and `go get` write.
    assert "example.com/" in opened(it, "exec", "go", "list", "-m")
    opened(
        it,
        "exec",
        "sh",
        "-c",
        'touch "$(go env GOMODCACHE)/cache/download/of-a-test" "$(go env GOPATH)/bin/of-a-test"',
    )

    # A save in the dev container reaches `devctl up`, and what is made there belongs to the folder's owner.
    source = next(
        p for p in it.root.rglob("*.go") if "Hello from Go" in p.read_text() and "_test" not in p.name
    )
    place = source.relative_to(it.root).as_posix()
    opened(
        it,
        "exec",
        "sh",
        "-c",
        f"sed -i 's/Hello from Go/Hello from inside/' {place} && mkdir made && touch made/file",
    )
    serves(it.port, "Hello from inside")
    owner = it.root.stat()
    for made in (source, it.root / "made", it.root / "made" / "file"):
        assert (made.stat().st_uid, made.stat().st_gid) == (owner.st_uid, owner.st_gid)
