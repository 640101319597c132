"""A compose service that compiles the mounted source by itself is the Go service, whatever else the repository has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli import here
from tests.helpers import build_tree

pytestmark = pytest.mark.engine  # compose makes the model

SERVER = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
WORKER = "package main\n\nfunc main() { select {} }\n"
GO = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "cmd/api/main.go": SERVER,
    "cmd/worker/main.go": WORKER,
    "cmd/admin/main.go": SERVER,
}
PRODUCTION = """FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN go build -o /out/api ./cmd/api && go build -o /out/worker ./cmd/worker

FROM alpine:3.22
COPY --from=build /out/ /usr/local/bin/
CMD ["api", "--mode", "prod"]
"""


def compose(text: str, **more: str) -> dict[str, str]:
    return {**GO, "compose.yaml": f"services:\n{text}", **more}


def shown(root: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    values = here("config", "show", cwd=root).result["values"]
    services = here("config", "render", cwd=root).result["model"]["services"]
    return {key.removeprefix("services."): it["value"] for key, it in values.items()}, services


@pytest.mark.parametrize(
    "start",
    [
        'CMD ["go", "run", "-tags", "sweet", "./cmd/api", "--name", "a b"]',
        "CMD go run -tags sweet ./cmd/api --name 'a b'",
        'ENTRYPOINT ["./run.sh"]\nCMD ["--name", "a b"]',
    ],
)
def test_an_image_that_has_the_source_and_builds_nothing(tmp_path: Path, start: str) -> None:
    dockerfile = f"FROM golang:1.26-alpine\nWORKDIR /src\nCOPY . .\n{start}\n"
    files = {"Dockerfile": dockerfile, "run.sh": '#!/bin/sh\nexec go run -tags sweet ./cmd/api "$@"\n'}
    for mounts in ("", "\n    volumes: [./data:/data]"):
        text = f"\n  web:\n    build: .{mounts}\n"
        values, _ = shown(build_tree(tmp_path / f"shop{len(mounts)}", compose(text, **files)))
        assert values["web.main"] == "./cmd/api"
        assert (values["web.args"], values["web.build.tags"]) == (["--name", "a b"], ["sweet"])


def test_a_program_that_the_image_builds_is_what_it_starts(tmp_path: Path) -> None:
    start = "RUN go build -o run ./cmd/api\nCMD ./run --x || go run ./cmd/admin"
    dockerfile = f"FROM golang:1.26-alpine\nWORKDIR /src\nCOPY . .\n{start}\n"
    text = compose("\n  web:\n    build: .\n", Dockerfile=dockerfile)
    assert shown(build_tree(tmp_path / "shop", text))[0]["web.main"] == "./cmd/api"


def test_its_command_says_what_runs_and_where(tmp_path: Path) -> None:
    text = """
  web:
    image: golang:1.26-alpine
    working_dir: /src/cmd/api
    command: sh -c "go mod download && COLOR=blue go run -tags sweet . --name 'a b'"
    environment: {GOMODCACHE: /mods, LEVEL: debug}
    volumes: [".:/src", "mods:/mods", "data:/data"]
    ports: ["127.0.0.1:9000:8080"]
    depends_on: [db]
  db: {image: "postgres:17"}
volumes: {mods: {}, data: {}}
"""
    values, services = shown(build_tree(tmp_path / "shop", compose(text)))
    assert set(services) == {"web", "db"}
    assert (values["web.main"], values["web.args"], values["web.build.tags"]) == (
        "./cmd/api",
        ["--name", "a b"],
        ["sweet"],
    )
    web = services["web"]
    assert {v["target"] for v in web["volumes"]} == {"/src", "/app", "/data", "/cache"}
    said = web["environment"]
    assert (said["LEVEL"], said["COLOR"], said["DEVCTL_WORKDIR"]) == ("debug", "blue", "cmd/api")
    assert "GOMODCACHE" not in said and "db" in web["depends_on"] and web["command"] == ["--name", "a b"]
    assert web["build"]["args"]["GO_IMAGE"] == "golang:1.26-alpine"


def test_two_services_share_a_main_and_a_reloader_is_told_by_its_file(tmp_path: Path) -> None:
    text = """
  one: &one
    image: golang:1.26
    working_dir: /src
    command: go run ./cmd/worker --queue one
    volumes: [".:/src"]
  two: {<<: *one, command: "go run ./cmd/worker --queue two"}
  web:
    image: cosmtrek/air
    working_dir: /src
    volumes: [".:/src"]
"""
    air = "[build]\ncmd = 'go build -o ./tmp/main ./cmd/admin'\n"
    values, services = shown(build_tree(tmp_path / "shop", compose(text, **{".air.toml": air})))
    assert set(services) == {"one", "two", "web"}
    assert [values[f"{name}.main"] for name in ("one", "two", "web")] == ["./cmd/worker"] * 2 + [
        "./cmd/admin"
    ]
    assert services["two"]["command"] == ["--queue", "two"]
    assert services["web"]["build"]["args"]["GO_IMAGE"] == "golang:1.26-alpine"


def test_production_is_what_a_dockerfile_builds_of_the_same_program(tmp_path: Path) -> None:
    text = """
  web:
    image: golang:1.26
    working_dir: /src
    command: go run ./cmd/api{}
    volumes: [".:/src"]
"""
    for given, command in (("", None), (" --mode dev", ["api", "--mode", "dev"])):
        root = build_tree(tmp_path / f"shop{bool(given)}", compose(text.format(given), Dockerfile=PRODUCTION))
        values, services = shown(root)
        assert values["web.dev_stage"] == "devctl's own"
        assert services["web"]["build"]["target"] == "dev"
        assert values["web.prod_stages"] == {"alpine": "1"}
        prod = here("config", "render", "--mode", "prod", cwd=root).result["model"]["services"]["web"]
        assert prod.get("command") == command


def test_an_image_built_in_a_folder_without_code_is_one_too(tmp_path: Path) -> None:
    text = """
  web:
    build: docker/go
    working_dir: /src
    command: {}
    volumes: [".:/src"]
    ports: ["8080"]
"""
    for name, command, stage in (
        ("run", "go run ./cmd/api", "devctl's own"),
        ("reflex", "reflex -- go run ./cmd/api", "0"),
    ):
        dockerfile = (
            "FROM golang:1.26-alpine\nENV LEVEL=info\nRUN go install github.com/cespare/reflex@latest\n"
        )
        files = compose(text.format(command), **{"docker/go/Dockerfile": dockerfile})
        values, services = shown(build_tree(tmp_path / name, files))
        assert set(services) == {"web"} and values["web.main"] == "./cmd/api"
        assert values["web.dev_stage"] == stage, name
        assert name == "reflex" or services["web"]["environment"]["LEVEL"] == "info"


def test_a_service_that_devctl_yaml_names_is_not_a_dependency(tmp_path: Path) -> None:
    text = """
  web:
    image: golang:1.26
    working_dir: /src
    command: sleep infinity
    volumes: [".:/src"]
    environment: {LEVEL: debug}
"""
    said = "version: 1\nservices: {web: {main: ./cmd/api, args: [--x]}}\n"
    values, services = shown(build_tree(tmp_path / "shop", compose(text, **{"devctl.yaml": said})))
    assert set(services) == {"web"} and services["web"]["environment"]["LEVEL"] == "debug"
    assert (values["web.main"], services["web"]["command"]) == ("./cmd/api", ["--x"])


def test_what_comes_before_the_program_runs_at_each_start(tmp_path: Path) -> None:
    text = """
  web:
    image: golang:1.26
    working_dir: /src
    command: sh -c "go run ./cmd/worker up && go run ./cmd/api --x"
    volumes: [".:/src"]
"""
    values, services = shown(build_tree(tmp_path / "shop", compose(text)))
    assert values["web.main"] == "./cmd/api"
    (shell, flag, script, _), command = services["web"]["entrypoint"], services["web"]["command"]
    assert (shell, flag, command) == ("sh", "-c", ["--x"])
    assert script == '(cd /app && (go run ./cmd/worker up)) && exec devctl-run /tmp/air/main "$$@"'


def test_make_a_debugger_and_air_with_a_file_start_the_service(tmp_path: Path) -> None:
    mounted = 'image: golang:1.26-alpine, working_dir: /src, volumes: [".:/src"]'
    text = f"""
  made: {{{mounted}, command: make serve}}
  debugged:
    image: golang:1.26-alpine
    working_dir: /src
    volumes: [".:/src"]
    command: dlv debug ./cmd/admin --headless --listen=:2345 --build-flags="-tags=sweet" -- --level 3
  reloaded: {{{mounted}, command: sh -c "go install github.com/air-verse/air@latest && air -c deploy/worker.toml"}}
"""
    files = {
        "Makefile": "LEVEL ?= 2\nserve: prepare\n\tgo run ./cmd/api --level $(LEVEL)\nprepare:\n\t@./prepare.sh\n",
        "deploy/worker.toml": '[build]\ncmd = "go build -o tmp/w ./cmd/worker"\nargs_bin = ["--slow"]\nkill_delay = "7s"\n',
        ".air.toml": '[build]\ncmd = "go build -o tmp/a ./cmd/api"\n',
    }
    values, services = shown(build_tree(tmp_path / "shop", compose(text, **files)))
    assert set(services) == {"made", "debugged", "reloaded"}
    assert (values["made.main"], values["made.args"]) == ("./cmd/api", ["--level", "2"])
    assert (values["debugged.main"], values["debugged.args"], values["debugged.build.tags"]) == (
        "./cmd/admin",
        ["--level", "3"],
        ["sweet"],
    )
    assert (values["reloaded.main"], values["reloaded.args"]) == ("./cmd/worker", ["--slow"])
    assert services["reloaded"]["environment"]["DEVCTL_STOP_TIMEOUT"] == "7"
    told = here("config", "check", cwd=tmp_path / "shop").result["problems"]
    assert [p["place"] for p in told if p["code"] == "debugger-left-out"] == ["compose.yaml:8"]


def test_an_argument_that_only_a_shell_knows_is_named(tmp_path: Path) -> None:
    text = """
  web:
    image: golang:1.26-alpine
    working_dir: /src
    volumes: [".:/src"]
    command: sh -c 'go run ./cmd/api --x $$(cat args.txt) 2>&1 | tee log'
"""
    values, services = shown(build_tree(tmp_path / "shop", compose(text)))
    assert values["web.args"] == ["--x", "$(cat args.txt)"]
    assert services["web"]["command"] == ["--x", "$$(cat args.txt)"]
    told = here("config", "check", cwd=tmp_path / "shop").result["problems"]
    assert [p["place"] for p in told if p["code"] == "argument-of-shell"] == ["compose.yaml:7"]


def test_air_is_given_a_file_in_an_image_that_copies_the_source(tmp_path: Path) -> None:
    dockerfile = (
        "FROM golang:1.26-alpine\nRUN go install github.com/cosmtrek/air@v1.49.0\nWORKDIR /srv/app\nCOPY . .\n"
        'CMD ["air", "-c", ".docker/air.toml"]\n'
    )
    air = '[build]\ncmd = "go build -o tmp/w ./cmd/worker"\nentrypoint = ["tmp/w", "serve"]\n'
    tree = compose("  web: {build: .}\n", Dockerfile=dockerfile, **{".docker/air.toml": air})
    values, _ = shown(build_tree(tmp_path / "shop", tree))
    assert (values["web.main"], values["web.args"]) == ("./cmd/worker", ["serve"])


def test_an_air_toml_alone_says_how_the_program_is_started(tmp_path: Path) -> None:
    air = '[build]\ncmd = "go build -tags pro -o tmp/a ./cmd/admin"\nfull_bin = "LEVEL=dev PORT=9009 ./tmp/a serve --slow"\n'
    reads = SERVER.replace('":8080"', '":" + os.Getenv("PORT")').replace(
        'import "net/http"', 'import ("net/http"; "os")'
    )
    files = {**GO, "cmd/admin/main.go": reads, ".air.toml": air}
    values, services = shown(build_tree(tmp_path / "shop", files))
    assert values["admin.main"] == "./cmd/admin" and values["admin.build.tags"] == ["pro"]
    assert values["admin.args"] == ["serve", "--slow"] and values["admin.port"] == 9009
    assert services["admin"]["command"][-2:] != ["serve", "--slow"] and "serve --slow" in str(
        services["admin"]["command"]
    )
    assert (
        services["admin"]["environment"]["PORT"] == "9009" and "LEVEL" not in services["admin"]["environment"]
    )


def test_of_several_published_ports_the_one_that_a_flag_names_is_asked(tmp_path: Path) -> None:
    reads = 'package main\n\nimport ("flag"; "net/http")\n\nfunc main() {\n\tport := flag.String("port", "", "")\n\tflag.Parse()\n'
    reads += '\tgo http.ListenAndServe(":9100", nil)\n\thttp.ListenAndServe(":"+*port, nil)\n}\n'
    text = '  web: {build: ., command: api --port 7000, ports: ["9100:9100", "7000:7000"]}\n'
    files = compose(text, Dockerfile=PRODUCTION, **{"cmd/api/main.go": reads})
    values, _ = shown(build_tree(tmp_path / "shop", files))
    assert values["web.port"] == 7000


def test_an_entrypoint_that_is_empty_drops_that_of_the_image(tmp_path: Path) -> None:
    text = """
  web:
    build: .
    entrypoint: []
    command: [/usr/local/bin/api, --mode, dev]
"""
    root = build_tree(tmp_path / "shop", compose(text, Dockerfile=PRODUCTION.replace("CMD", "ENTRYPOINT")))
    model = here("config", "render", "--mode", "prod", cwd=root).result["model"]["services"]["web"]
    assert (model["entrypoint"], model["command"]) == (["/usr/local/bin/api"], ["--mode", "dev"])


def test_a_dockerfile_in_the_compose_file_is_one(tmp_path: Path) -> None:
    lines = "".join(f"        {line}\n" for line in PRODUCTION.replace('"prod"', '"$$5"').splitlines())
    text = f"  web:\n    build:\n      context: .\n      dockerfile_inline: |\n{lines}"
    root = build_tree(tmp_path / "shop", compose(text))
    values, _ = shown(root)
    assert (values["web.dockerfile"], values["web.args"]) == ("compose.yaml", ["--mode", "$5"])
    origins = here("config", "show", cwd=root).result["values"]
    assert origins["services.web.main"]["origin"] == "compose.yaml:9"
    assert origins["services.web.args"]["origin"] == "compose.yaml:13"
    assert "no-dockerfile" not in {p["code"] for p in here("config", "check", cwd=root).result["problems"]}


@pytest.mark.parametrize(
    ("bases", "unused"),
    [
        ("{golang: golang:1.25}", ["bases.golang (golang:1.25)"]),
        ("{distroless: example.com/static:1, alpine: alpine:3.21}", []),
        ("{mirror: registry.local:5000}", []),
    ],
)
def test_a_base_that_the_users_dockerfile_does_not_start_from_is_said(
    tmp_path: Path, bases: str, unused: list[str]
) -> None:
    files = compose("  api:\n    build: .\n", Dockerfile=PRODUCTION)
    root = build_tree(tmp_path / "shop", {**files, "devctl.yaml": f"version: 1\nbases: {bases}\n"})
    found = [p for p in here("config", "check", cwd=root).result["problems"] if p["code"] == "base-not-used"]
    assert [p["message"].partition(" has no")[0] for p in found] == unused
    assert [(p["place"], p["hint"].partition(",")[0]) for p in found] == [
        ("devctl.yaml:2", "write golang:1.25 into the FROM line at Dockerfile:1")
    ][: len(unused)]


@pytest.mark.parametrize("said", ["deploy: {replicas: '${WORKERS:-0}'}", "scale: 0"])
def test_a_service_of_which_compose_runs_no_container_is_left_alone(tmp_path: Path, said: str) -> None:
    text = f"  api:\n    build: .\n    depends_on: [worker, cache]\n  worker:\n    build: .\n    {said}\n"
    text += "  cache:\n    image: redis:7\n    scale: 0\n"
    root = build_tree(tmp_path / "shop", compose(text, Dockerfile=PRODUCTION))
    model = here("config", "render", cwd=root).result["model"]["services"]
    assert model["worker"].get("scale", model["worker"].get("deploy", {}).get("replicas")) == 0
    problems = here("config", "check", cwd=root).result["problems"]
    assert {p["message"].partition(" ")[0]: p["place"] for p in problems if p["code"] == "no-replica"} == {
        "worker": "compose.yaml:7",
        "cache": "compose.yaml:10",
    }
    for names in ((), ("api",), ("worker",)):
        plan = here("up", "--dry-run", *names, cwd=root).result["plan"]
        assert {step["service"] for step in plan} == ({"api"} if names != ("worker",) else set())


@pytest.mark.parametrize("said", ["deploy: {replicas: 3}", "scale: 3"])
def test_one_container_of_several_is_said(tmp_path: Path, said: str) -> None:
    root = build_tree(
        tmp_path / "shop", compose(f"  api:\n    build: .\n    {said}\n", Dockerfile=PRODUCTION)
    )
    problems = here("config", "check", cwd=root).result["problems"]
    [found] = [p for p in problems if p["code"] == "one-replica"]
    assert (found["place"], "not 3 times" in found["message"]) == ("compose.yaml:4", True)


def test_arguments_of_the_air_file_are_given_once_where_compose_names_only_the_image_of_air(
    tmp_path: Path,
) -> None:
    air = '[build]\ncmd = "go build -o tmp/a ./cmd/api"\nfull_bin = "LEVEL=dev ./tmp/a --from-air"\n'
    text = '\n  web:\n    image: cosmtrek/air\n    working_dir: /src\n    volumes: [".:/src"]\n'
    _, services = shown(build_tree(tmp_path / "shop", compose(text, **{".air.toml": air})))
    assert services["web"]["command"] == ["sh", "-c", "LEVEL=dev ./tmp/a --from-air", "sh"]


@pytest.mark.parametrize(
    ("dockerfile", "more"),
    [
        ("FROM golang:1.26\nWORKDIR /src\nCOPY . .\n", ""),
        ("FROM golang:1.26\nWORKDIR /src\n", ', volumes: [".:/src"]'),
    ],
)
def test_a_script_that_runs_tests_starts_a_tool(tmp_path: Path, dockerfile: str, more: str) -> None:
    text = f"""
  api: {{build: .}}
  test: {{build: {{context: ., dockerfile: Dockerfile.test}}, command: ./test.sh -v{more}}}
"""
    script = '#!/bin/sh\nset -e\nif [ -n "$CI" ]; then\n  go vet ./...\nfi\nexec go test "$@" ./...\n'
    files = {"Dockerfile": PRODUCTION, "Dockerfile.test": dockerfile, "test.sh": script}
    values, services = shown(build_tree(tmp_path / "shop", compose(text, **files)))
    assert "api.main" in values and "test.main" not in values
    assert services["test"]["command"] == ["./test.sh", "-v"]


UNREAD = {
    "a script in another language": (
        "image: golang:1.26, command: ./dev.py",
        "dev.py",
        "#!/usr/bin/env python3\n",
    ),
    "another runner": ("image: golang:1.26, command: task dev", "Taskfile.yml", "version: 3\n"),
    "a script that reads another": (
        "build: docker, command: ./dev.sh",
        "dev.sh",
        "#!/bin/sh\n. ./lib.sh\nserve\n",
    ),
    "nothing": ("image: golang:1.26, command: sleep infinity", "x", ""),
}


@pytest.mark.follows("devctl config check names those that run its code, and what would change that")
@pytest.mark.follows(
    "no action needed; devctl.yaml: `services: {…: {main: ./FOLDER}}` has it built and reloaded"
)
@pytest.mark.parametrize("kind", UNREAD)
def test_what_cannot_be_read_starts_as_written_and_nothing_beside_it(tmp_path: Path, kind: str) -> None:
    spec, name, script = UNREAD[kind]
    text = f'\n  web: {{{spec}, working_dir: /src, volumes: [".:/src"], ports: ["9000:8080"]}}\n  db: {{image: "redis:8"}}\n'
    files = {name: script, "docker/Dockerfile": "FROM golang:1.26\nWORKDIR /src\n"}
    root = build_tree(tmp_path / "shop", compose(text, **files))
    shown_there = here("config", "show", cwd=root)
    assert not [key for key in shown_there.result["values"] if key.startswith("services.")]
    model = here("config", "render", cwd=root).result["model"]["services"]
    assert set(model) == {"web", "db"}
    assert model["web"]["command"] == spec.partition("command: ")[2].split()
    assert [v["target"] for v in model["web"]["volumes"]] == ["/src"]
    told = here("config", "check", cwd=root).result["problems"]
    assert [p["place"] for p in told if p["code"] == "start-unread"] == ["compose.yaml:3"]
    for command in (
        ["env"],
        ["size"],
        ["prod-preview", "--dry-run"],
        ["test", "--dry-run"],
        ["shell", "--dry-run"],
    ):
        assert here(*command, cwd=root, code=2).error["code"] == "no-go-service", command
    (root / "devctl.yaml").write_text("version: 1\nservices: {web: {main: ./cmd/api}}\n")
    values, _ = shown(root)
    assert values["web.main"] == "./cmd/api"


@pytest.mark.parametrize(
    "spec",
    [
        'image: golang:1.26, command: go test ./..., volumes: [".:/src"]',
        'image: golang:1.26, command: ./dev.py, volumes: ["./docs:/src"]',
        'image: nginx:1.29, volumes: [".:/usr/share/nginx/html"]',
        'image: golangci/golangci-lint:v2, command: golangci-lint run, volumes: [".:/src"]',
    ],
)
def test_without_a_service_that_has_the_code_and_go_there_is_one(tmp_path: Path, spec: str) -> None:
    files = compose(f"\n  tool: {{{spec}}}\n", **{"docs/a.md": ""})
    values, services = shown(build_tree(tmp_path / "shop", {**files, "cmd/admin/main.go": WORKER}))
    assert values["api.main"] == "./cmd/api" and set(services) == {"api", "tool"}


PARTS = "./cmd:/src/cmd", "./go.mod:/src/go.mod"


def test_mounts_of_parts_of_the_source_are_the_source(tmp_path: Path) -> None:
    files = {
        "docker/air.toml": "[build]\ncmd = 'go build -o tmp/a ./cmd/admin'\nbin = 'tmp/a'\n",
        "main.go": SERVER,
    }
    for number, (start, main) in enumerate(
        [("go run ./cmd/api", "./cmd/api"), ("go run .", "."), ("air -c docker/air.toml", "./cmd/admin")]
    ):
        mounts = [*PARTS, "./main.go:/src/main.go", "./docker:/src/docker"]
        text = f"\n  web: {{image: golang:1.26, working_dir: /src, command: {start}, volumes: {mounts}}}\n"
        values, services = shown(build_tree(tmp_path / str(number), compose(text, **files)))
        assert values["web.main"] == main and set(services) == {"web"}
        assert services["web"]["environment"].get("DEVCTL_WORKDIR", ".") in (".", "/app")


@pytest.mark.parametrize(
    ("mounts", "stage"),
    [(PARTS, "0"), (PARTS[1:], "devctl's own"), (("./cmd/api:/src/cmd", *PARTS[1:]), "devctl's own")],
)
def test_a_dev_stage_may_be_given_the_source_in_parts(
    tmp_path: Path, mounts: tuple[str, ...], stage: str
) -> None:
    dockerfile = "FROM golang:1.26\nRUN go install github.com/air-verse/air@v1.67.2\nWORKDIR /src\nCMD air\n"
    files = {"Dockerfile.dev": dockerfile, ".air.toml": "[build]\ncmd = 'go build -o tmp/a ./cmd/api'\n"}
    text = f"\n  web: {{build: {{context: ., dockerfile: Dockerfile.dev}}, volumes: {[*mounts]}}}\n"
    root = build_tree(tmp_path / "shop", compose(text, **files))
    assert shown(root)[0]["web.dev_stage"] == stage
    told = {p["code"] for p in here("config", "check", cwd=root).result["problems"]}
    assert ("dev-without-source" in told) == (stage != "0")


@pytest.mark.follows(
    "no action needed if it runs without; a file below `configs` of the compose file is mounted in production too"
)
def test_what_production_does_not_mount_is_named(tmp_path: Path) -> None:
    mounts = (
        '["./shop.yaml:/etc/shop.yaml:ro", "./data:/data", ".:/src", "./tmp:/src/tmp", "./go.mod:/m/go.mod"]'
    )
    text = "\n  web:\n    build: .\n    restart: always\n    ports: ['9000:8080']\n    volumes: {}\n"
    files = {"Dockerfile": PRODUCTION, "shop.yaml": "a: 1\n"}
    root = build_tree(tmp_path / "shop", compose(text.format(mounts), **files))

    def told(code: str) -> list[tuple[str, str]]:
        problems = here("config", "check", cwd=root).result["problems"]
        return [
            (p["message"].partition(" in production")[0], p["place"]) for p in problems if p["code"] == code
        ]

    assert told("mount-left-out") == [
        ("web runs without shop.yaml (/etc/shop.yaml), data (/data)", "compose.yaml:7")
    ]
    assert [place for _, place in told("restart-left-out")] == ["compose.yaml:5"]
    other = text.format("[]").replace("restart: always", "configs: [{source: shop, target: /etc/shop.yaml}]")
    configs = "configs: {shop: {file: ./shop.yaml}}\n"
    build_tree(root, compose(other + configs, **files))
    model = here("config", "render", "--mode", "prod", cwd=root).result["model"]["services"]["web"]
    assert [each["target"] for each in model["configs"]] == ["/etc/shop.yaml"]
    assert told("mount-left-out") == told("restart-left-out") == []
