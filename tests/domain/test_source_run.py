"""What a container compiles and starts itself, of the source that is mounted into it."""

from __future__ import annotations

import shlex
import time
from typing import Any

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.final_stage import Copied, copied_places
from devctl.domain.detect.source_run import (
    SourceRun,
    begun_files,
    built_by,
    run_from_source,
    source_run,
    without_caches,
)
from devctl.domain.go.go_command import flag_of


def run(text: str, **env: str) -> SourceRun | None:
    return source_run(shlex.split(text), folder="/src", env=env)


@pytest.mark.parametrize(
    ("text", "package", "args"),
    [
        ("go run .", "/src", ()),
        ("go run ./cmd/api --flag 'a b'", "/src/cmd/api", ("--flag", "a b")),
        ("go run main.go other.go ./data", "/src", ("./data",)),
        ("go run cmd/api/main.go -v", "/src/cmd/api", ("-v",)),
        ("go -C svc run ./cmd/api", "/src/svc/cmd/api", ()),
        ("go run -C svc -tags a,b -v . serve", "/src/svc", ("serve",)),
        ("/usr/local/go/bin/go run /src/cmd/api", "/src/cmd/api", ()),
        ("gow run . x", "/src", ("x",)),
        ("wgo run ./cmd/api x", "/src/cmd/api", ("x",)),
        ("sh -c 'go mod download && go run .'", "/src", ()),
        ("bash -ec 'cd svc; exec go run ./cmd/api -n 1'", "/src/svc/cmd/api", ("-n", "1")),
        (r"reflex -r '\.go$' -s -- go run ./cmd/api --flag", "/src/cmd/api", ("--flag",)),
        (r"reflex -r '(\.go$| mod)' -s -- sh -c 'go run .'", "/src", ()),
        ("nodemon --exec 'go run main.go -p 1' --signal SIGTERM", "/src", ("-p", "1")),
        ("./wait-for db:5432 -- go run .", "/src", ()),
        ("CompileDaemon --build='go build -o api ./cmd/api' --command='./api --flag'", "/src/cmd/api", ("--flag",)),
        ("CompileDaemon -command ./api", None, ()),
        ("air -c .air.toml -- --flag", None, ("--flag",)),
        ("air", None, ()),
        ("go run github.com/air-verse/air@v1.67.2", None, ()),
        ("sh -c 'go install github.com/air-verse/air@latest && air'", None, ()),
        ("sh -c 'go build -o /tmp/app ./cmd/api && /tmp/app --flag'", "/src/cmd/api", ("--flag",)),
        ("sh -c 'go build && ./shop'", "/src", ()),
        ("sh -c 'go run . --x 2>&1 | tee /app/log.txt'", "/src", ("--x",)),
        ("sh -c 'go run . 2 >/out.log -v 2>> /err.log'", "/src", ("2", "-v")),
        ("sh -c 'go build -o /tmp/x . && /tmp/x serve </dev/null &>/dev/null'", "/src", ("serve",)),
        ("sh -c '2>/dev/null go run . a\\>b \">\" \";\" c2'", "/src", ("a>b", ">", ";", "c2")),
        (
            "sh -c 'go run . $(cat args.txt) --n=$((1 + 2)) ~/x *.go `id -u`'", "/src",
            ("$(cat args.txt)", "--n=$((1 + 2))", "~/x", "*.go", "`id -u`"),
        ),
    ],
)  # fmt: skip
def test_what_is_compiled_and_given(text: str, package: str | None, args: tuple[str, ...]) -> None:
    found = run(text)
    assert found is not None
    assert (found.package, found.args, found.steps) == (package, args, ())


@pytest.mark.parametrize(
    "text",
    [
        "go test ./...", "go build ./...", "sh -c 'go build -o /out/app . && echo done'", "go generate ./...", "sleep infinity",
        "go run github.com/pressly/goose@v3 up", "npm run dev", "", "sh -c", "sh ./dev.sh", "sh -c 'unclosed \"'",
        "/app --go run",
    ],
)  # fmt: skip
def test_what_is_not_a_program_of_the_source(text: str) -> None:
    assert run(text) is None


def test_flags_and_variables_of_the_command_hold() -> None:
    text = 'sh -c \'export COLOR=blue; CGO_ENABLED=1 go run -tags "a b" -ldflags "-X main.v=1" -mod=mod -race . --port=$PORT\''
    found = run(text, PORT="9000")
    assert found is not None
    assert (flag_of(found.flags, "tags"), flag_of(found.flags, "ldflags"), found.goflags) == (
        "a b",
        "-X main.v=1",
        "-mod=mod",
    )
    assert dict(found.env) == {"COLOR": "blue", "CGO_ENABLED": "1"} and found.args == ("--port=9000",)


def test_the_last_program_stays_and_what_comes_before_it_is_a_step() -> None:
    found = run("sh -c 'apk add git && go run ./cmd/migrate up && X=1 ./seed.sh \"a b\" && go run ./cmd/api'")
    assert found is not None and found.package == "/src/cmd/api"
    assert found.steps == ("go run ./cmd/migrate up", "X=1 ./seed.sh 'a b'")
    found = run("sh -c './seed.sh >/tmp/seeded 2>&1 && go run .'")
    assert found is not None and found.steps == ("./seed.sh > /tmp/seeded 2>&1",)


def test_a_variable_of_a_step_is_still_one_where_its_value_has_a_space() -> None:
    found = run("""sh -c 'X="a b" ./seed.sh && go run .'""")
    assert found is not None and found.steps == ("X='a b' ./seed.sh",)


SOURCE = {"type": "bind", "source": "/shop", "target": "/src"}
FOLDERS = ("cmd/api", "svc")


@pytest.mark.parametrize(
    ("spec", "folder", "package"),
    [
        ({"working_dir": "/src", "command": ["go", "run", "./cmd/api"]}, ".", "cmd/api"),
        ({"working_dir": "/src/cmd/api", "command": ["go", "run", "."]}, "cmd/api", "cmd/api"),
        ({"working_dir": "src", "command": ["go", "run", "."], "volumes": [{**SOURCE, "target": "/go/src"}]}, ".", "."),
        ({"command": ["go", "run", "/src/cmd/api"]}, "cmd/api", "cmd/api"),
        ({"entrypoint": ["go", "run"], "command": ["/src/svc"]}, "svc", "svc"),
        ({"image": "cosmtrek/air", "working_dir": "/src/svc"}, "svc", None),
        ({"image": "cosmtrek/air", "working_dir": "/src/svc", "command": ["-c", "x.toml"]}, "svc", None),
        ({"image": "acme/dev", "working_dir": "/src", "command": ["go", "run", "."]}, ".", "."),
        ({"working_dir": "/w/svc", "command": ["go", "run", "."],
          "volumes": [{**SOURCE, "source": "/shop/svc", "target": "/w/svc"}]}, "svc", "svc"),
    ],
)  # fmt: skip
def test_where_in_the_project_that_lies(spec: dict[str, Any], folder: str, package: str | None) -> None:
    found = mounted({"image": "golang:1.26", "volumes": [SOURCE], **spec})
    assert found is not None and (found.folder, found.package) == (folder, package)


@pytest.mark.parametrize(
    "spec",
    [
        {"image": "golang", "command": ["go", "run", "."], "working_dir": "/elsewhere"},
        {"image": "golang", "command": ["go", "run", "."], "working_dir": "/src/web"},
        {"image": "postgres:17"},
        {"image": "golang", "command": ["sleep", "infinity"], "working_dir": "/src"},
        {"image": "golang", "command": ["go", "run", "."], "working_dir": "/src", "volumes": [{**SOURCE, "source": "/other"}]},
    ],
)  # fmt: skip
def test_another_service_is_left_alone(spec: dict[str, Any]) -> None:
    assert mounted({"volumes": [SOURCE], **spec}) is None


def test_devctl_yaml_makes_one_of_it() -> None:
    spec = {"image": "golang", "command": ["sleep", "infinity"], "working_dir": "/src", "volumes": [SOURCE]}
    assert mounted(spec, asked=True) == SourceRun(".")


def mounted(spec: dict[str, Any], *, asked: bool = False) -> SourceRun | None:
    return run_from_source(spec, root="/shop", dockerfile=None, context=None, folders=FOLDERS, asked=asked)


def test_what_a_reloader_is_told_to_build() -> None:
    built = built_by("templ generate && go build -o ./tmp/main ./cmd/api", folder="svc")
    assert [command.package for command in built] == ["svc/cmd/api"]
    assert built_by("make build", folder=".") == []


def test_the_caches_of_its_own_compiler_are_left_out() -> None:
    spec = {
        "volumes": [SOURCE, {"type": "volume", "source": "m", "target": "/go/pkg/mod/"}, {"type": "volume", "target": "/c"},
                    {"type": "volume", "source": "data", "target": "/data"}],
        "environment": {"GOCACHE": "/c", "COLOR": "blue"},
    }  # fmt: skip
    without_caches(spec)
    assert [v["target"] for v in spec["volumes"]] == ["/src", "/data"]  # type: ignore[index]
    assert spec["environment"] == {"COLOR": "blue"}


MAKEFILES = {
    "/src/Makefile": """\
PORT ?= 9000
BIN := bin/api
.PHONY: run dev serve
help:
\t@echo no
run: generate
\tGOFLAGS=-mod=mod go run ./cmd/api --port $(PORT)
serve: build
\t./$(BIN) --port=$(PORT)
build:
\t@go build -tags pro -o $(BIN) ./cmd/api
generate:
\t./tools/generate.sh
dev:
\t$(MAKE) -C . run PORT=7
watch:
\tair -c deploy/air.toml
endless: endless
\tmake endless
""",
    "/src/svc/GNUmakefile": "all:\n\tcd cmd && go run ./web\n\tgo vet ./...\n",
}


@pytest.mark.parametrize(
    ("text", "package", "args", "steps"),
    [
        ("make run", "/src/cmd/api", ("--port", "9000"), ("./tools/generate.sh",)),
        ("make run PORT=1", "/src/cmd/api", ("--port", "1"), ("./tools/generate.sh",)),
        ("make serve", "/src/cmd/api", ("--port=9000",), ()),
        ("sh -c 'make -j2 serve'", "/src/cmd/api", ("--port=9000",), ()),
        ("make dev", "/src/cmd/api", ("--port", "7"), ("./tools/generate.sh",)),
        ("make -C svc", "/src/svc/cmd/web", (), ()),
        ("make watch", None, (), ()),
    ],
)
def test_what_make_runs_is_read_in_its_makefile(
    text: str, package: str | None, args: tuple[str, ...], steps: tuple[str, ...]
) -> None:
    found = source_run(shlex.split(text), folder="/src", env={}, read=MAKEFILES.get)
    assert found is not None
    assert (found.package, found.args, found.steps) == (package, args, steps)


@pytest.mark.parametrize("text", ["make help", "make nothing", "make endless", "make -f other.mk run"])
def test_what_make_does_that_starts_no_program(text: str) -> None:
    assert source_run(shlex.split(text), folder="/src", env={}, read=MAKEFILES.get) is None


@pytest.mark.parametrize(
    ("text", "air"),
    [
        ("air -c deploy/air.toml", "/src/deploy/air.toml"),
        ("air -c=/etc/air.toml -- -c x", "/etc/air.toml"),
        (
            "sh -c 'go install github.com/air-verse/air@latest && cd svc && air -c air.toml'",
            "/src/svc/air.toml",
        ),
        ("go run github.com/air-verse/air@v1.67.2 -c .air.docker.toml", "/src/.air.docker.toml"),
        ("air -- -c x", None),
        ("air", None),
    ],
)
def test_the_configuration_that_air_is_called_with(text: str, air: str | None) -> None:
    found = run(text)
    assert found is not None and found.air == air


@pytest.mark.parametrize(
    ("text", "package", "args", "tags"),
    [
        ("dlv debug", "/src", (), ""),
        ("dlv debug ./cmd/api --headless --listen=:2345 --api-version=2 --continue -- --port 9000", "/src/cmd/api",
         ("--port", "9000"), ""),
        ("dlv --listen :2345 --headless debug --build-flags '-tags=a,b -gcflags=all=-N' ./cmd/api -- serve", "/src/cmd/api",
         ("serve",), "a,b"),
        ("sh -c 'go build -gcflags \"all=-N -l\" -o /tmp/api ./cmd/api && dlv exec /tmp/api --headless -l :40000 -- serve'",
         "/src/cmd/api", ("serve",), ""),
        ("go run github.com/go-delve/delve/cmd/dlv@latest debug ./cmd/api", "/src/cmd/api", (), ""),
    ],
)  # fmt: skip
def test_what_a_debugger_compiles_and_starts(
    text: str, package: str, args: tuple[str, ...], tags: str
) -> None:
    found = run(text)
    assert found is not None and found.debugger == "dlv"
    assert (found.package, found.args, flag_of(found.flags, "tags"), found.steps) == (package, args, tags, ())


def test_a_debugger_that_tests_or_attaches_starts_no_program() -> None:
    assert run("dlv test ./...") is None and run("dlv attach 1") is None


def test_a_target_that_calls_others_again_and_again_is_not_followed_for_ever() -> None:
    read: list[str] = []

    def seen(path: str) -> str:
        read.append(path)
        return "all:\n" + "\tmake all\n" * 8

    assert source_run(["make"], folder="/src", env={}, read=seen) is None
    assert len(read) < 1000


def test_shells_within_shells_are_read_once_each() -> None:
    text = "go run ."
    for _ in range(10):
        text = shlex.join(["sh", "-c", text])
    began = time.thread_time()
    found = run(text)
    assert found is not None and found.package == "/src"
    assert time.thread_time() - began < 1


def test_what_is_exported_has_the_name_of_a_variable() -> None:
    found = run("sh -c \"export 'A;touch /x=1' B=2 && migrate && go run .\"")
    assert found is not None and found.env == {"B": "2"} and found.steps == ("B=2 migrate",)


SCRIPTS = {
    "/src/scripts/dev.sh": """\
#!/usr/bin/env bash
# Builds it, and doesn't stay.
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
until nc -z db 5432; do
  echo "waiting"
  sleep 1
done
go build -tags dev -o /tmp/api ./cmd/api
exec /tmp/api --port "${PORT:-8080}" "$@"
""",
    "/src/run.sh": "cd $(dirname $0)/svc\ngo run .\n",
    "/src/loop.sh": "#!/bin/sh\n./loop.sh\n",
    "/src/app.py": "#!/usr/bin/env python3\ngo run .\n",
}


@pytest.mark.parametrize(
    ("text", "package", "args", "steps"),
    [
        ("./scripts/dev.sh --title 'a b'", "/src/cmd/api", ("--port", "9000", "--title", "a b"),
         ("until nc -z db 5432; do echo waiting; sleep 1; done",)),
        ("sh run.sh", "/src/svc", (), ()),
        ("sh -c './tools/gen && exec bash ./run.sh'", "/src/svc", (), ("./tools/gen",)),
    ],
)  # fmt: skip
def test_a_script_of_the_project_is_read(
    text: str, package: str, args: tuple[str, ...], steps: tuple[str, ...]
) -> None:
    found = source_run(shlex.split(text), folder="/src", env={"PORT": "9000"}, read=SCRIPTS.get)
    assert found is not None
    assert (found.package, found.args, found.steps) == (package, args, steps)


@pytest.mark.parametrize("text", ["./loop.sh", "./app.py", "./none.sh", "sh"])
def test_a_script_that_starts_no_program_that_it_compiles(text: str) -> None:
    assert source_run(shlex.split(text), folder="/src", env={}, read=SCRIPTS.get) is None


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("until nc -z db 5432\ndo\n  sleep 1\ndone\ngo run .", ("until nc -z db 5432; do sleep 1; done",)),
        ("./migrate up || true; ./seed && go run .", ("./migrate up || true", "./seed")),
        ("./gen | tee log; go run .", ("./gen | tee log",)),
        ("if ! command -v air; then go install air@latest; fi; air", ()),
        ("while true; do go run .; sleep 1; done", ()),
        ("if [ -f x ]; then ./a; else go run .; fi", ()),
    ],
)
def test_what_a_shell_runs_as_one_is_one_step(text: str, steps: tuple[str, ...]) -> None:
    found = run(f"sh -c {shlex.quote(text)}")
    assert found is not None and found.steps == steps


@pytest.mark.parametrize("script", ["./a.sh\n" * 1000, "./a.sh x\n" * 30 + "y" * 7000])
def test_a_script_that_calls_itself_is_read_a_few_times(script: str) -> None:
    read: list[str] = []

    def seen(path: str) -> str:
        read.append(path)
        return f"#!/bin/sh\n{script}"

    assert source_run(["./a.sh"], folder="/src", env={}, read=seen) is None
    assert len(read) < 1000


def test_arguments_of_a_script_that_calls_itself_do_not_grow_without_end() -> None:
    read: list[str] = []

    def seen(path: str) -> str:
        read.append(path)
        return f"#!/bin/sh\n./a.sh{' $@' * 25}\n"

    assert source_run(["./a.sh", "x" * 99], folder="/src", env={}, read=seen) is None
    assert len(read) < 10


def test_what_is_read_for_one_reloader_is_not_taken_from_the_next() -> None:
    assert all(built_by("go build -o x .", folder="/src") for _ in range(1000))


@pytest.mark.parametrize(
    ("line", "reloads", "args"),
    [
        ("go run ./cmd/srv migrate && air -c .air.toml", True, ()),
        ("go run ./cmd/srv migrate; air", True, ()),
        ("go run ./cmd/srv serve || air", False, ("serve",)),
        ("command -v air && air || go run ./cmd/srv serve", False, ("serve",)),
    ],
)
def test_a_reloader_behind_another_run_is_what_stays(line: str, reloads: bool, args: tuple[str, ...]) -> None:
    found = source_run(("sh", "-c", line), folder="/code", env={})
    assert found is not None
    assert (found.reloads, found.args) == (reloads, args)
    assert not reloads or found.steps == ("go run ./cmd/srv migrate",)


@pytest.mark.parametrize(
    "text", ["sh -c 'T=mine make dev'", "sh -c 'export T=mine; make dev'", "make dev T=mine"]
)
def test_make_gets_what_its_command_sets(text: str) -> None:
    makefile = "T ?= none\ndev:\n\tgo run -tags $(T) .\n"
    found = source_run(shlex.split(text), folder="/src", env={}, read={"/src/Makefile": makefile}.get)
    assert found is not None and flag_of(found.flags, "tags") == "mine"


BEGUN = {
    "docker/entry.sh": '#!/bin/sh\n/opt/steps/wait.sh db\nexec "$@"\n',
    "docker/steps/wait.sh": "#!/bin/sh\nuntil nc -z $1 5432; do sleep 1; done\n",
    "svc/Makefile": "run:\n\t./server\n",
    "svc/server": "\x7fELF\0\0",
}
IMAGE = """\
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN go build -o /server .
FROM alpine:3.22 AS run
COPY docker/entry.sh /usr/local/bin/entry
COPY docker/steps /opt/steps
COPY --from=build /server /server
WORKDIR /srv
COPY svc .
"""


@pytest.mark.parametrize(
    ("start", "compose", "found"),
    [
        ('ENTRYPOINT ["entry"]\nCMD ["/server"]', {}, ["docker/entry.sh", "docker/steps/wait.sh"]),
        (
            'ENTRYPOINT ["tini", "--", "/usr/local/bin/entry", "/server"]',
            {},
            ["docker/entry.sh", "docker/steps/wait.sh"],
        ),
        ('CMD ["/server"]', {"entrypoint": ["sh", "/opt/steps/wait.sh"]}, ["docker/steps/wait.sh"]),
        ("CMD /opt/steps/wait.sh db && exec /server", {}, ["docker/steps/wait.sh"]),
        ("CMD make run", {}, ["svc/Makefile"]),
        ('CMD ["./server"]', {}, []),
        ('CMD ["/server", "/usr/local/bin/entry"]', {}, []),
        (
            'CMD ["/hook/start"]',
            {"volumes": [{"type": "bind", "source": "/shop/docker/entry.sh", "target": "/hook/start"}]},
            ["docker/entry.sh", "docker/steps/wait.sh"],
        ),
    ],
)
def test_the_scripts_that_a_container_starts_with(
    start: str, compose: dict[str, Any], found: list[str]
) -> None:
    told = begun_files(
        compose,
        root="/shop",
        dockerfile=parse(IMAGE + start + "\n"),
        context=".",
        copied={},
        read=BEGUN.get,
    )
    assert sorted(told) == found
    assert all(told[path] == BEGUN[path] for path in found)


@pytest.mark.parametrize(
    ("source", "target"),
    [("docker/entry.sh", "/entry.sh"), ("docker/entry.sh", "/"), ("docker", "/"), ("docker/*.sh", "/")],
)
def test_a_script_that_comes_from_the_build_stage_is_where_it_was_copied_from(
    source: str, target: str
) -> None:
    image = IMAGE + f'COPY --from=build /src/{source} {target}\nENTRYPOINT ["/entry.sh"]\n'
    told = begun_files(
        {},
        root="/shop",
        dockerfile=parse(image),
        context=".",
        copied=dict(copied_places([Copied((source,), target)], ".")),
        read=BEGUN.get,
    )
    assert sorted(told) == ["docker/entry.sh", "docker/steps/wait.sh"]
