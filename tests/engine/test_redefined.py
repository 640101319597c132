"""A dependency that runs, and whose definition in the compose file changed: recreated by `up`, with its data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.cli import docker, get
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine

MAIN = """package main

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "there") })
	http.ListenAndServe(":8080", nil)
}
"""
COMPOSE = """services:
  api:
    build: .
    ports: ["HOST_PORT:8080"]
    environment: {DB_ADDR: "db:5432"}
    depends_on:
      db: {condition: service_healthy, restart: true}
      migrate: {condition: service_completed_successfully}
  db:
    image: alpine:3.22
    init: true
    environment: {PASSWORD: one}
    command: sh -c "date +%s%N >> /anonymous/starts; while :; do nc -l -p 5432; done"
    healthcheck: {test: [CMD, "true"], interval: 1s}
    volumes: ["/anonymous", "data:/data"]
  migrate:
    image: alpine:3.22
    command: sh -c "echo one >> /data/migrated"
    volumes: ["data:/data"]
    depends_on: [db]
  beside:
    image: alpine:3.22
    init: true
    command: sleep 1d
    network_mode: service:db
volumes: {data: {}}
"""
FILES = {"go.mod": "module example.com/wadi\n\ngo 1.26\n", "main.go": MAIN, "compose.yaml": COMPOSE}


def test_up_recreates_it_with_its_volumes_and_only_it(project: Callable[..., Started]) -> None:
    made = project(FILES)

    def ids() -> dict[str, str]:
        words = docker("ps", "-a", "--filter", f"name={made.name}-", "--format", "{{.Names}} {{.ID}}").split()
        names = (name.removeprefix(f"{made.name}-").removesuffix("-1") for name in words[::2])
        return dict(zip(names, words[1::2], strict=True))

    def serving() -> dict[str, str]:
        found: dict[str, str] = made.devctl("status").result["serving"]
        return found

    def edit(*changes: tuple[str, str]) -> None:
        text = COMPOSE
        for old, new in changes:
            text = text.replace(old, new)
        made.write({"compose.yaml": text.replace("HOST_PORT", str(made.port))})

    made.devctl("up", "-d", "--no-watch")
    first = ids()
    assert set(first) == {"api", "db", "migrate", "beside"}
    made.devctl("prod-preview")
    made.devctl("up", "-d", "--no-watch")
    made.devctl("restart")
    edit(("services:", "# a comment\nservices:"))
    made.devctl("up", "-d", "--no-watch")
    assert {**ids(), "api": ""} == {**first, "api": ""}, "nothing changed about the others"
    assert serving() == {"state": "current", "reason": None}

    before, began = ids(), docker("inspect", "-f", "{{.State.StartedAt}}", ids()["api"])
    edit(("PASSWORD: one", "PASSWORD: two"))
    assert serving() == {"state": "old", "reason": "db: its settings changed; `devctl up` applies it"}
    made.devctl("up", "-d", "--no-watch")
    now = ids()
    assert now["api"] == before["api"]
    assert docker("inspect", "-f", "{{.State.StartedAt}}", now["api"]) != began, "restart: true"
    assert {name for name in now if now[name] != before[name]} == {"db", "migrate", "beside"}
    assert docker("exec", now["db"], "sh", "-c", "echo $PASSWORD") == "two"
    assert len(docker("exec", now["db"], "cat", "/anonymous/starts").split()) == 2, "its anonymous volume"
    assert docker("exec", now["db"], "cat", "/data/migrated").split() == ["one", "one"]
    assert docker("inspect", "-f", "{{.HostConfig.NetworkMode}}", now["beside"]) == (
        f"container:{docker('inspect', '-f', '{{.Id}}', now['db'])}"
    )
    assert get(made.port) == "there"
    assert serving() == {"state": "current", "reason": None}

    edit(("PASSWORD: one", "PASSWORD: two"), ("echo one", "echo two"), ('"db:5432"', '"db:5432/"'))
    made.devctl("up", "-d", "--no-watch")
    again = ids()
    assert {name for name in again if again[name] != now[name]} == {"api", "migrate"}
    assert docker("exec", again["db"], "cat", "/data/migrated").split() == ["one", "one", "two"]
    assert made.devctl("up", "-d", "--no-watch", "--dry-run").result["plan"] == []
