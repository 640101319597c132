"""A service that calls its database when it starts; the database is slow to start and has no health check."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.cli import docker, get, until
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine

MAIN = """package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	log.Print("first words")
	if c, err := net.Dial("tcp", os.Getenv("DB_ADDR")); err != nil {
		log.Fatal(err)
	} else {
		c.Close()
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "there") })
	http.ListenAndServe(":8080", nil)
}
"""
COMPOSE = """services:
  api:
    build: .
    ports: ["HOST_PORT:8080"]
    environment: {DB_ADDR: "db:5432"}
    depends_on: [db]
  db:
    image: golang:1.26-alpine
    init: true
    command: sh -c "sleep 4; while :; do nc -l -p 5432; done"
"""
FILES = {"go.mod": "module example.com/wadi\n\ngo 1.26\n", "main.go": MAIN, "compose.yaml": COMPOSE}


def test_it_starts_when_the_database_listens(project: Callable[..., Started]) -> None:
    made = project(FILES)
    up = made.devctl("up", "-d")
    assert get(made.port) == "there"
    assert ("probe", "db") in [(s["step"], s["service"]) for s in up.result["steps"]]
    docker("compose", "-p", made.name, "stop")
    made.devctl("up", "-d")  # nothing is compiled, so the service is the faster one
    assert get(made.port) == "there"
    made.devctl("down")
    made.devctl("prod-preview")
    assert get(made.port) == "there"


def test_up_restarts_a_program_that_exited(project: Callable[..., Started]) -> None:
    made = project({**FILES, "compose.yaml": COMPOSE.replace("db:5432", "later:5432")})
    failed = made.devctl("up", "-d", code=1)
    assert failed.error["code"] != "internal"
    again = made.devctl("up", "-d", code=1)
    assert len([line for line in again.result["log"] if "first words" in line]) == 1, "of its last run alone"
    network = docker("network", "ls", "-q", "--filter", f"name={made.name}_default").strip()
    name = f"{made.name}-later"
    docker(
        "run", "-d", "--rm", "--init", "--name", name, "--network", network, "--network-alias", "later",
        "golang:1.26-alpine", "sh", "-c", "timeout 300 sh -c 'while :; do nc -l -p 5432; done'",
    )  # fmt: skip
    try:
        until(lambda: "5432" in docker("exec", name, "netstat", "-ltn"))
        container = docker("ps", "-q", "--filter", f"name={made.name}-api")
        made.devctl("up", "-d")
        assert get(made.port) == "there"
        assert docker("ps", "-q", "--filter", f"name={made.name}-api") == container
    finally:
        docker("rm", "--force", name)
