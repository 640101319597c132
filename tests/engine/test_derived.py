"""A Dockerfile for production alone: its dev stage is made of the user's own lines, and starts as their image does."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

import pytest

from tests.engine.cli import docker, get, serves
from tests.engine.conftest import Started
from tests.helpers import save

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
        "word": "one", "args": ["serve", "--title", "big  world", "*", "", "$HOME"], "mode": "strict", "built": "",
        "beside": "banner", "settings": '{"a": 1}', "relative": "hello", "migrated": "up --all",
    }  # fmt: skip
    (it.root / "texts/greeting.txt").write_text("changed")
    main = it.root / "cmd/ledger/main.go"
    main.write_text(main.read_text().replace('"one"', '"two"'))
    serves(it.port, '"word":"two"')
    edited = json.loads(get(it.port, "/"))
    assert edited == said | {"word": "two", "relative": "changed"}

    it.devctl("prod-preview", "--timeout", "60")
    assert json.loads(get(it.port, "/")) == edited
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


CHANGES_ITS_FILES = """\
FROM golang:1.26-alpine AS build
ENV APP_ENV=ci
WORKDIR /src
COPY . .
RUN mkdir -p docs && echo made >docs/made.txt
RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /app .

FROM alpine:3.22
WORKDIR /srv
COPY config ./config
COPY entry.sh /entry.sh
COPY --from=build /src/docs ./docs
COPY --from=build /app /usr/local/bin/app
RUN app version >/etc/app-version
ENTRYPOINT ["/entry.sh"]
CMD ["app"]
"""
READS = """package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	os.WriteFile("state.txt", []byte("written"), 0o644)
	os.WriteFile("/data/state.txt", []byte("written"), 0o644)
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		absolute, _ := os.ReadFile("/srv/config/app.yaml")
		relative, _ := os.ReadFile("config/app.yaml")
		folder, _ := os.Getwd()
		fmt.Fprintf(w, "%s|%s|%s|%s", folder, absolute, relative, os.Getenv("APP_ENV"))
	})
	http.ListenAndServe(":8080", nil)
}
"""


def test_a_container_changes_no_file_of_the_repository(project: Callable[..., Started]) -> None:
    entry = (
        '#!/bin/sh\nsed -i "s/__HOST__/$HOST_NAME/" config/app.yaml /srv/config/app.yaml\nrm -f /srv/config/old.txt\n'
        'echo more >>/srv/config/log.txt\nexec "$@"\n'
    )
    files = {
        "go.mod": "module example.com/ledger\n\ngo 1.26\n", "main.go": READS, "Dockerfile": CHANGES_ITS_FILES, "entry.sh": entry,
        "config/app.yaml": "one __HOST__", "config/old.txt": "old", "config/log.txt": "", "uploads/keep.txt": "",
        ".air.toml": '[build]\ncmd = "go build -o ./tmp/main ."\nbin = "./tmp/main"\n',
        "compose.yaml": "services:\n  ledger:\n    build: .\n    ports: ['HOST_PORT:8080']\n"
        "    environment: {HOST_NAME: shop.local}\n    volumes: ['data:/data', './uploads:/srv/uploads']\nvolumes: {data: {}}\n",
    }  # fmt: skip
    it = project(files=files)
    (it.root / "entry.sh").chmod(0o755)
    for path in (it.root, *it.root.rglob("*")):
        os.chown(path, 4321, 4321)
    before = {p: p.read_bytes() for p in it.root.rglob("*") if p.is_file()}
    up = it.devctl("up", "-d", "--timeout", "240")
    assert [w["message"].rpartition("; ")[2] for w in up.warnings] == ["left out: lines 5, 14"], up.show
    assert get(it.port, "/") == "/srv|one shop.local|one shop.local|"
    ours = (it.root / ".devctl", it.root / "tmp")
    after = {p: p.read_bytes() for p in it.root.rglob("*") if p.is_file() and not {*ours} & {*p.parents}}
    assert after == before, "nothing of the repository, nor of a folder that is mounted"
    inside = docker("exec", f"{it.name}-ledger-1", "ls", "-A", "/data", "/srv/uploads")
    assert inside.split() == ["/data:", "state.txt", "/srv/uploads:", "keep.txt"]

    (it.root / "config/app.yaml").write_text("two __HOST__")
    it.devctl("restart", "--timeout", "120")
    serves(it.port, "/srv|two shop.local|two shop.local|")
    it.devctl("down")
    (it.root / "config/app.yaml").write_text("three __HOST__")
    (it.root / "entry.sh").write_text(entry.replace("$HOST_NAME", "again"))
    it.devctl("up", "-d", "--timeout", "120")
    serves(it.port, "/srv|three again|three again|")
    assert (it.root / "config/app.yaml").read_text() == "three __HOST__"


STEPS = """package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	if os.Args[1] == "migrate" {
		os.WriteFile("/tmp/migrated", []byte("migrated"), 0o644)
		return
	}
	migrated, _ := os.ReadFile("/tmp/migrated")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "one ", string(migrated), os.Args[1:]) })
	panic(http.ListenAndServe(":8080", nil))
}
"""


@pytest.mark.parametrize("last", ['exec app "$@"', 'app "$@"'], ids=["exec", "no exec"])
def test_a_script_goes_on_when_the_program_has_done_its_first_step(
    project: Callable[..., Started], last: str
) -> None:
    """`app migrate`, then `app serve`: one program, and only its last call serves."""
    dockerfile = (
        "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\n"
        "RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /app .\n"
        "FROM alpine:3.22\nCOPY --from=build /app /usr/local/bin/\nCOPY entry.sh /entry.sh\nRUN chmod 755 /entry.sh\n"
        'ENTRYPOINT ["/entry.sh"]\nCMD ["serve"]\n'
    )
    it = project(
        files={
            "go.mod": "module example.com/steps\n\ngo 1.26\n",
            "main.go": STEPS,
            "entry.sh": f"#!/bin/sh\nset -e\napp migrate\n{last}\n",
            "Dockerfile": dockerfile,
            "compose.yaml": "services:\n  app:\n    build: .\n    ports: ['HOST_PORT:8080']\n",
        }
    )
    it.devctl("up", "-d", "--timeout", "240")
    assert get(it.port, "/") == "one migrated[serve]"
    main = it.root / "main.go"
    main.write_text(main.read_text().replace('"one "', '"two "'))
    serves(it.port, "two migrated[serve]")

    script = it.root / "entry.sh"
    script.write_text(script.read_text().replace('"$@"', '"$@" saved'))
    serves(it.port, "two migrated[serve saved]")
    os.kill(it.devctl("status").result["watcher"]["pid"], signal.SIGKILL)
    script.write_text(script.read_text().replace("saved", "while nobody watched"))
    it.devctl("up", "-d", "--timeout", "120")
    assert get(it.port, "/") == "two migrated[serve while nobody watched]"


BESIDE = """package main

import (
	"bufio"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Println("WORD", os.Args[1:])
		return
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt)
	go func() {
		<-asked
		fmt.Println("interrupted")
		os.Exit(0)
	}()
	go func() {
		_, err := bufio.NewReader(os.Stdin).ReadString('\\n')
		fmt.Println("stdin ends:", err)
	}()
	home, _ := os.UserHomeDir()
	keys, _ := os.ReadFile(home + "/.shop/keys")
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "WORD ", home, " ", string(keys)) })
	log.Fatal(http.ListenAndServe(":8080", nil))
}
"""


def test_the_program_is_called_beside_the_service_and_stopped_as_the_image_says(
    project: Callable[..., Started],
) -> None:
    """`devctl exec app -- /app version` once took the reloader away from the service."""
    dockerfile = (
        "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\n"
        "RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /app .\n"
        "FROM alpine:3.22\nRUN adduser -D shop\nUSER shop\nSTOPSIGNAL SIGINT\n"
        'COPY --from=build /app /app\nENTRYPOINT ["/app"]\n'
    )
    compose = (
        "services:\n  app:\n    build: .\n    stdin_open: true\n    ports: ['HOST_PORT:8080']\n"
        "    volumes: ['./keys:/home/shop/.shop/keys:ro']\n"
    )
    files = {
        "go.mod": "module example.com/beside\n\ngo 1.26\n",
        "Dockerfile": dockerfile,
        "keys": "k1",
        "compose.yaml": compose,
    }
    it = project(files={**files, "main.go": BESIDE.replace("WORD", "one")})
    it.devctl("up", "-d", "--timeout", "240")
    for word in ("version", "migrate"):
        called = it.devctl("exec", "app", "--", "/app", word)
        assert [e["line"] for e in called.named("log")] == [f"one [{word}]"], called.show
    save(it.root / "main.go", BESIDE.replace("WORD", "two"))
    serves(it.port, "two /home/shop k1")
    called = it.devctl("exec", "app", "--", "/app", "version")
    assert [e["line"] for e in called.named("log")] == ["two [version]"], called.show
    it.devctl("restart")
    lines = [str(e.get("line")) for e in it.devctl("logs", "--tail", "500").named("log")]
    assert lines.count("interrupted") == 2, "at the reload, and at the restart"
    assert not [line for line in lines if line.startswith("stdin ends")]
