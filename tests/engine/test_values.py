"""What was written reaches the program to the byte: arguments, variables, flags of the linker and the path that is probed,
in dev, after a reload and in production."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.cli import docker, get, here, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine

MAIN = """package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"
)

var version = "unset"

func main() {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	said := map[string]any{"build": "BUILD", "version": version, "args": os.Args[1:], "env": env}
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(said) })
	http.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "full=1&a=b%20c" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	http.HandleFunc("GET /file", func(w http.ResponseWriter, _ *http.Request) {
		text, err := os.ReadFile("old $templates/it's.txt")
		log.Println(err)
		w.Write(text)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
"""
ARGS = [
    "serve",
    "--title",
    "Polly's  big  day",
    "--only",
    "*.go",
    "--suffix",
    "",
    '--filter={"kind":"a b"}',
    "^a$",
    "$HOME",
    "${HOME:-x}",
    "5$",
    "$(id)",
    "`id`",
    "back\\slash\\",
    "two\nlines",
    "--",
    "-x",
    "é😀",
    "~",
    "#no",
    "a;b&c|d",
    "%25",
    "\ttab ",
    "yes",
    "08",
    "1e3",
]
ENV = {
    "PASSWORD": "pa$word",
    "HASH": "$2y$10$abc",
    "BRACED": "${HOME}",
    "DOUBLE": "a$$b",
    "QUOTES": "'\"`",
    "LINES": "a\nb\n",
    "EQUAL": "a=b=c",
    "BACK": "\\n\\",
    "STAR": "*",
    "EMPTY": "",
    "SPACE": "  a ",
    "UNI": "é😀\u2028",
    "WORD": "yes",
    "OCTAL": "08",
    "SIX": "1:30",
    "EXP": "1e3",
    "AIR_KEY": "k",
}
SERVICE = {
    "args": ARGS,
    "env": ENV,
    "probe": "/healthz?full=1&a=b%20c",
    "build": {"ldflags": "-X 'main.version=1 $a \\b'", "env": {"GOFLAGS": "-p=2 -v"}},
    "files": ["old $templates"],
}
GO = {"go.mod": "module example.com/said\n\ngo 1.26\n", "old $templates/it's.txt": "text"}


def said(port: int) -> dict[str, Any]:
    return dict(json.loads(get(port)))


def check(found: dict[str, Any]) -> None:
    assert found["args"] == ARGS
    assert {name: found["env"].get(name) for name in ENV} == ENV
    assert found["version"] == "1 $a \\b"


def test_what_devctl_yaml_says(project: Callable[..., Started]) -> None:
    config = {
        "version": 1,
        "services": {"said": {**SERVICE, "host_port": "PORT"}},
        "prod": {"env": {"SALT": "$ea"}},
    }
    one = project({**GO, "main.go": MAIN, "devctl.yaml": json.dumps(config).replace('"PORT"', "HOST_PORT")})
    one.devctl("up", "-d")
    check(said(one.port))
    one.write({"main.go": MAIN.replace("BUILD", "second")})
    serves(one.port, '"second"')
    check(said(one.port))
    one.devctl("restart")
    serves(one.port, '"second"')
    check(said(one.port))
    for base in ("distroless", "alpine"):
        one.devctl("prod-preview", "--base", base)
        check(said(one.port))
        assert said(one.port)["env"]["SALT"] == "$ea"
        assert get(one.port, "/file") == "text"


DOCKERFILE = """FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -trimpath -o /said .

FROM gcr.io/distroless/static-debian13:nonroot
COPY --from=build /said /said
ENTRYPOINT ["/said", "--match", "^/v[0-9]+/.*$", "$GREETING"]
CMD ["--price", "5$"]
"""


def test_what_the_compose_file_and_the_dockerfile_say(project: Callable[..., Started]) -> None:
    """Words of a user's own files, `$$` and env_file included; the same as plain compose gives to the program."""
    compose = """services:
  said:
    build: .
    ports: ["HOST_PORT:8080"]
    environment: {PASSWORD: pa$$word, TWICE: "$$$$", EMPTY: "", HOST: "${GREETING:-fallback $$}"}
    env_file: said.env
    labels: {example.price: "5$$"}
    healthcheck: {test: ["CMD", "/said", "$$x"], disable: true}
"""
    envs = "RAW='pa$word'\nOTHER=a=b\n"
    one = project(
        {
            **GO,
            "main.go": MAIN,
            "Dockerfile": DOCKERFILE,
            "compose.yaml": compose,
            "said.env": envs,
            "devctl.yaml": "services: {said: {probe: /}}\n",
        }
    )
    wanted = {
        "PASSWORD": "pa$word",
        "TWICE": "$$",
        "EMPTY": "",
        "HOST": "fallback $",
        "RAW": "pa$word",
        "OTHER": "a=b",
    }
    for command in (("up", "-d"), ("prod-preview",)):
        one.devctl(*command)
        found = said(one.port)
        assert found["args"] == ["--match", "^/v[0-9]+/.*$", "$GREETING", "--price", "5$"]
        assert {name: found["env"].get(name) for name in wanted} == wanted


def test_init_writes_what_plain_compose_gives_to_the_program(project: Callable[..., Started]) -> None:
    config = {"version": 1, "services": {"said": {**SERVICE, "host_port": "PORT"}}}
    text = json.dumps(config).replace('"PORT"', "HOST_PORT")
    one = project({**GO, "main.go": MAIN, "devctl.yaml": text})
    one.devctl("init")

    def compose(*words: str) -> None:
        subprocess.run(["docker", "compose", *words], cwd=one.root, check=True, capture_output=True)

    # The cache of the project's own would compile the standard library, which takes minutes on a busy machine.
    shared = here("config", "render", cwd=one.root).result["model"]["volumes"]["devctl-cache"]["name"]
    docker("volume", "create", shared)
    one.write({"cache.yaml": f"volumes: {{cache: {{external: true, name: {shared}}}}}\n"})
    dev = ("-f", "compose.yaml", "-f", "cache.yaml")
    prod = ("-f", "compose.yaml", "-f", "compose.prod.yaml")
    try:
        for files in (dev, prod):
            compose(*files, "up", "--detach", "--build")
            serves(one.port, "BUILD")
            check(said(one.port))
    finally:
        compose(*dev, "down", "--volumes", "--rmi", "all")
        compose(*prod, "down", "--rmi", "all")
