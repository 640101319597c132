"""debug on the engine, with a debugger that speaks as an editor does."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.cli import Result, docker, get, port_of, serves, until
from tests.engine.conftest import Started
from tests.engine.dap import Client

pytestmark = pytest.mark.engine
LONG = 1800.0
"""Seconds: the first who debugs on a machine compiles delve, and the standard library without optimisation."""
OWN_STAGE = """FROM golang:1.26-alpine AS dev
WORKDIR /src
RUN go install github.com/air-verse/air@v1.67.2
CMD ["air"]
"""
PRODUCTION_ALONE = """FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache go build -trimpath -ldflags="-s -w" -o /server .
FROM alpine:3.22
COPY --from=build /server /server
USER 1000
ENTRYPOINT ["/server"]
"""
AIR = '[build]\ncmd = "go build -o ./tmp/main ."\nfull_bin = "GREETING=hello ./tmp/main"\n'
MAIN = """package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		greeting := os.Getenv("GREETING") + " one"
		fmt.Fprintln(w, greeting)
	})
	http.ListenAndServe(":8080", nil)
}
"""
COMPOSE = """services:
  app:
    build: {context: ., target: dev}
    ports: ["127.0.0.1:HOST_PORT:8080"]
    volumes: [".:/src"]
"""
GO_MOD = "module example.com/greeter\n\ngo 1.26\n"


def debugs(started: Started, *words: str) -> Result:
    return started.devctl("-y", "debug", *words, timeout=LONG)


def line_of(file: Path, text: str) -> int:
    return next(n for n, line in enumerate(file.read_text().splitlines(), 1) if text in line)


@contextmanager
def requested(port: int) -> Iterator[list[str]]:
    """A request that a breakpoint may hold; its answer is there at the end."""
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(_asked(port)))
    asking.start()
    yield answers
    asking.join()


def _asked(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def stops_at(told: Result, file: Path, text: str, port: int) -> dict[str, str]:
    """The variables where the program stops in the file; then it continues, and has answered."""
    debugger = told.result["debugger"]
    editor = Client(debugger["port"])
    paths = {it["host"]: it["container"] for it in debugger["paths"]}
    assert editor.attach(paths, str(file), [line_of(file, text)]) == [True]
    with requested(port) as answers:
        frame, variables = editor.stopped()
        assert (frame["source"]["path"], frame["line"]) == (str(file), line_of(file, text))
        editor.go_on()
    assert answers, "it went on"
    editor.leave(str(file))
    return variables


def programs(told: Result) -> str:
    """All that runs in the container of the first service."""
    return docker("exec", told.result["services"][0]["container"], "ps", "-o", "args")


def process(name: str) -> str:
    """What devctl-run started last."""
    return docker("exec", f"{name}-app-1", "sh", "-c", "cat /tmp/air/program || :")


def rights(name: str) -> tuple[object, ...]:
    host = json.loads(docker("inspect", f"{name}-app-1"))[0]["HostConfig"]
    return host["CapAdd"], host["CapDrop"], host["SecurityOpt"], host["Privileged"], host["PidMode"]


def test_an_editor_stops_the_program_before_and_after_a_save(project: Callable[..., Started]) -> None:
    shop = project()
    shop.devctl("-y", "up", "-d")
    before, files = rights(shop.name), sorted(shop.root.iterdir())
    told = debugs(shop)
    assert rights(shop.name) == before, "delve traces its own child, and needs no right for it"
    assert told.result["debugger"]["port"] == int(
        docker("port", f"{shop.name}-app-1", f"{told.result['debugger']['port']}").removeprefix("127.0.0.1:")
    )
    assert sorted(shop.root.iterdir()) == files
    web = shop.root / "internal/web/web.go"
    variables = stops_at(told, web, "NewEncoder(w)", shop.port)
    assert '"message": "Hello from Go"' in variables["body"]
    web.write_text(web.read_text().replace("Hello from Go", "Hello again"))
    serves(shop.port, "Hello again")
    variables = stops_at(told, web, "NewEncoder(w)", shop.port)
    assert '"message": "Hello again"' in variables["body"]
    log = docker("logs", f"{shop.name}-app-1")
    assert '"msg":"stopping"' in log, "the program was asked to stop, and not killed"
    state = shop.devctl("status").result["services"][0]
    assert state["debugger"] == f"127.0.0.1:{told.result['debugger']['port']}"
    assert "dlv" in programs(told) and "dlv" not in programs(shop.devctl("-y", "up", "-d"))
    assert rights(shop.name) == before
    assert shop.devctl("status").result["services"][0]["debugger"] is None


def test_a_program_that_is_held_does_not_hold_up_a_save(project: Callable[..., Started]) -> None:
    shop = project()
    told = debugs(shop, "--wait")
    assert told.result["serving"]["state"] == "none" and told.result["debugger"]["waits"]
    web, port = shop.root / "internal/web/web.go", told.result["debugger"]["port"]
    held = process(shop.name)
    web.write_text(web.read_text().replace("Hello from Go", "Hello later"))
    name = f"{shop.name}-app-1"
    until(lambda: process(shop.name) not in ("", held), within=LONG)
    until(lambda: f":{port:04X} " in docker("exec", name, "cat", "/proc/net/tcp6"))
    editor = Client(port)
    editor.attach({str(shop.root): "/app"}, str(web), [])
    editor.leave(str(web))
    serves(shop.port, "Hello later")


@pytest.mark.parametrize(
    "dockerfile", [OWN_STAGE, PRODUCTION_ALONE], ids=["a dev stage of the user's", "production alone"]
)
def test_the_users_own_stages_are_debugged_too(project: Callable[..., Started], dockerfile: str) -> None:
    files = {"go.mod": GO_MOD, "main.go": MAIN, "Dockerfile": dockerfile}
    theirs = {"compose.yaml": COMPOSE, ".air.toml": AIR} if dockerfile == OWN_STAGE else {}
    greeter = project(files | theirs)
    first = greeter.devctl("-y", "up", "-d", timeout=LONG)
    told = debugs(greeter)
    variables = stops_at(told, greeter.root / "main.go", "fmt.Fprintln", port_of(told))
    assert variables["greeting"].endswith(' one"')
    assert "dlv" in programs(told) and "dlv" not in programs(greeter.devctl("-y", "up", "-d"))
    assert get(port_of(first)).endswith("one\n")
