"""A Dockerfile for production alone: its dev stage is made of the user's own lines, and starts as their image does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from tests.engine.cli import get, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine

SERVE = """package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	program, _ := os.Executable()
	beside, _ := os.ReadFile(filepath.Join(filepath.Dir(program), "banner.txt"))
	settings, _ := os.ReadFile("/etc/ledger/settings.json")
	relative, _ := os.ReadFile("greeting.txt")
	migrated, _ := os.ReadFile("/var/lib/ledger/migrated")
	said := map[string]any{
		"word": "WORD", "args": os.Args[1:], "mode": os.Getenv("MODE"), "built": os.Getenv("BUILT_WITH"),
		"beside": string(beside), "settings": string(settings), "relative": string(relative), "migrated": string(migrated),
	}
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(said) })
	log.Fatal(http.ListenAndServe(":8080", nil))
}
"""
MIGRATE = """package main

import (
	"os"
	"strings"
)

func main() {
	if err := os.WriteFile("/var/lib/ledger/migrated", []byte(strings.Join(os.Args[1:], " ")), 0o644); err != nil {
		panic(err)
	}
}
"""
FILES = {
    "go.mod": "module example.com/ledger\n\ngo 1.26\n",
    "cmd/ledger/main.go": SERVE.replace("WORD", "one"),
    "cmd/migrate/main.go": MIGRATE,
    "settings/prod.json": '{"a": 1}',
    "texts/greeting.txt": "hello",
    "texts/banner.txt": "banner",
    "entrypoint.sh": '#!/bin/sh\nset -e\nmigrate up --all\nexec "$@"\n',
    "Dockerfile": """\
FROM golang:1.26-alpine AS build
ENV BUILT_WITH=nothing
WORKDIR /src
COPY go.mod ./
RUN go mod download
COPY . .
RUN --mount=type=cache,id=go-build-prod,target=/gocache export GOCACHE=/gocache && \\
    CGO_ENABLED=0 go build -trimpath -o /out/ledger ./cmd/ledger && CGO_ENABLED=0 go build -o /out/migrate ./cmd/migrate

FROM alpine:3.22
RUN addgroup -S ledger && adduser -S -G ledger ledger
ENV MODE=strict
WORKDIR /opt/ledger
COPY settings/prod.json /etc/ledger/settings.json
COPY texts/ .
COPY entrypoint.sh /
RUN chmod +x /entrypoint.sh && chown -R ledger /opt/ledger && mkdir -p /var/lib/ledger && chmod 1777 /var/lib/ledger
COPY --from=build /out/ledger ./ledger
COPY --from=build /out/migrate /usr/local/bin/
ENTRYPOINT ["/entrypoint.sh", "./ledger"]
CMD ["serve", "--title", "big  world", "*", "", "$HOME"]
""",
    "compose.yaml": "services:\n  ledger:\n    build: .\n    ports: ['HOST_PORT:8080']\n    tmpfs: ['/var/lib/ledger']\n",
}


def test_the_users_own_lines_are_the_dev_stage(project: Callable[..., Started]) -> None:
    it = project(files=FILES)
    up = it.devctl("up", "-d", "--timeout", "240")
    assert up.warnings == [], up.show
    said = json.loads(get(it.port, "/"))
    assert said == {
        "word": "one", "args": ["serve", "--title", "big  world", "*", "", "$HOME"], "mode": "strict", "built": "nothing",
        "beside": "banner", "settings": '{"a": 1}', "relative": "hello", "migrated": "up --all",
    }  # fmt: skip
    (it.root / "texts/greeting.txt").write_text("changed")
    main = it.root / "cmd/ledger/main.go"
    main.write_text(main.read_text().replace('"one"', '"two"'))
    serves(it.port, '"word":"two"')
    edited = json.loads(get(it.port, "/"))
    assert edited == said | {"word": "two", "relative": "changed"}

    it.devctl("prod-preview", "--timeout", "60")
    assert json.loads(get(it.port, "/")) == edited | {"built": ""}
    it.devctl("up", "-d", "--timeout", "120")
    assert json.loads(get(it.port, "/")) == edited


def test_also_in_a_folder_of_somebody_else_and_with_a_program_at_the_root(
    project: Callable[..., Started],
) -> None:
    dockerfile = (
        "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\n"
        "RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /ledger ./cmd/ledger\n"
        'FROM scratch\nCOPY texts /\nCOPY --from=build /ledger /ledger\nENTRYPOINT ["/ledger"]\n'
    )
    it = project(files={**{k: v for k, v in FILES.items() if k not in ("compose.yaml", "entrypoint.sh")}, "Dockerfile": dockerfile,
                        "compose.yaml": "services:\n  ledger:\n    build: .\n    ports: ['HOST_PORT:8080']\n"})  # fmt: skip
    for path in (it.root, *it.root.rglob("*")):
        os.chown(path, 4321, 4321)
    up = it.devctl("up", "-d", "--timeout", "240")
    assert up.warnings == [], up.show
    said = json.loads(get(it.port, "/"))
    assert (said["beside"], said["relative"]) == ("banner", "hello")
    main = it.root / "cmd/ledger/main.go"
    main.write_text(main.read_text().replace('"one"', '"two"'))
    serves(it.port, '"word":"two"')
    assert json.loads(get(it.port, "/")) == said | {"word": "two"}
