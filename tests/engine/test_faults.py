"""Faults provoked on the real engine: the sentence, its cause, the place and the remedy reach the user."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine import forked
from tests.engine.cli import docker, serves
from tests.engine.conftest import Started
from tests.engine.shapes_docker import GO, PROD

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]

MOD = "module example.com/faults\n\ngo 1.26\n"
MAIN = """package main

import (
	"net/http"
	"os"
)

var keep [][]byte

func main() {
	if os.Getuid() == 65532 {
		PROD
	}
	http.ListenAndServe(":8080", nil)
}

func eat() {
	for {
		b := make([]byte, 1<<20)
		for i := range b {
			b[i] = 1
		}
		keep = append(keep, b)
	}
}
"""
COMPOSE = 'services:\n  app:\n    build: .\n    ports: ["HOST_PORT:8080"]\n'
BESIDE = "  beside:\n    image: alpine:3.22\n    init: true\n    command: [sleep, '3600']\n"


def files(compose: str = COMPOSE, prod: str = "", **more: str) -> dict[str, str]:
    return {"compose.yaml": compose, "go.mod": MOD, "main.go": MAIN.replace("PROD", prod), **more}


def text_of(project: Started, *args: str) -> tuple[int, str]:
    """What a person sees on stderr."""
    done = forked.run(["--color", "never", *args], cwd=project.root)
    return done.returncode, done.stderr


STAYS = "the container keeps running: the next save tries again, devctl down stops them"


def test_a_panic_is_told_with_its_own_line(project: MakeProject) -> None:
    made = project(files())
    main = made.root / "main.go"
    main.write_text(MAIN.replace("PROD", "").replace("func main() {", 'func main() {\n\tpanic("no dsn")', 1))
    failed = made.devctl("up", "-d", "--no-watch", code=1)
    assert failed.error["code"] == "panics-at-start", failed.show
    assert failed.error["message"] == f"app panics at startup: panic: no dsn; {STAYS}"
    assert failed.error["place"] == "main.go:11", failed.show


def test_a_missing_checksum_is_told_with_line_and_command(project: MakeProject) -> None:
    source = MAIN.replace("PROD", "").replace('"os"', '"os"\n\n\t_ "github.com/google/uuid"')
    mod = f"{MOD}\nrequire github.com/google/uuid v1.6.0\n"
    made = project({**files(), "go.mod": mod, "main.go": source})
    failed = made.devctl("up", "-d", "--no-watch", code=1)
    assert failed.error == {
        "code": "go-sum-missing",
        "message": f"app does not compile: go.sum lacks the checksum of a required module; {STAYS}; "
        "go.mod requires a module whose checksum was never recorded",
        "hint": "go mod tidy",
        "place": "main.go:7:2",
    }, failed.show


def test_an_unhealthy_service_is_told_so(project: MakeProject) -> None:
    check = "    healthcheck: {test: [CMD, 'false'], interval: 300ms, retries: 1}\n"
    elsewhere = 'http.ListenAndServe(":9999", nil)'  # it must not answer before its check has failed
    made = project(files(COMPOSE + check, prod=elsewhere, Dockerfile=GO + PROD))
    failed = made.devctl("-y", "prod-preview", "--timeout", "30", code=1)
    assert failed.error["code"] == "unhealthy", failed.show
    assert (
        failed.error["message"] == "app is unhealthy: its health check fails; nothing is running, as before"
    )
    assert failed.error["hint"].startswith("does the image contain the program that the health check runs"), (
        failed.show
    )


def test_a_health_check_that_the_image_cannot_run_is_refused_and_left_out_of_devctls(
    project: MakeProject,
) -> None:
    curl = "    healthcheck: {test: [CMD, curl, -f, 'http://localhost:8080'], interval: 300ms, retries: 1}\n"
    made = project(files(COMPOSE + curl, Dockerfile=GO + PROD))
    refused = made.devctl("-y", "prod-preview", code=1).error
    assert (refused["code"], refused["place"]) == ("not-ready", "compose.yaml:5")
    assert "the health check runs curl, which is not in the image" in refused["message"]
    (made.root / "Dockerfile").unlink()
    served = made.devctl("-y", "prod-preview")
    (check,) = [c for c in served.result["checks"] if c["id"] == "health-check"]
    assert (check["status"], check["place"]) == ("warn", "compose.yaml:5")
    assert served.result["services"][0]["health"] == "none"


def test_a_service_killed_for_its_memory_is_told_so(project: MakeProject) -> None:
    made = project(files(COMPOSE + "    mem_limit: 48m\n    memswap_limit: 48m\n", prod="eat()"))
    failed = made.devctl("-y", "prod-preview", code=1)
    assert failed.error == {
        "code": "out-of-memory",
        "message": "app exited with code 137: it was killed because it used more memory than its limit allows; "
        "nothing is running, as before; the engine reports an OOM kill",
        "hint": "raise `mem_limit:` (deploy.resources.limits.memory) in the compose file, or use less",
        "place": None,
    }, failed.show


def test_a_restart_loop_is_seen_at_its_first_turn(project: MakeProject) -> None:
    made = project(files(COMPOSE + "    restart: always\n", prod="os.Exit(3)"))
    failed = made.devctl("-y", "prod-preview", code=1)
    assert failed.error["code"] == "exits-at-start", failed.show
    assert failed.error["message"].endswith("before it answered; nothing is running, as before"), failed.show


def test_what_compose_refuses_is_told_in_text_too(project: MakeProject) -> None:
    made = project(files(COMPOSE + "    volumes: [data:/data]\n"))
    assert text_of(made, "up", "-d") == (
        3,
        "error: app uses the volume data, which is not defined\n"
        "  → compose file: `volumes: {data: {}}` at the top level\n",
    )
    port = COMPOSE.replace("HOST_PORT", str(made.port))
    made.write({"compose.yaml": port + "    environment:\n      DSN: ${DSN:?set it}\n"})
    code, text = text_of(made, "up", "-d")
    assert code == 3
    assert text == (
        "error: the compose file needs the variable DSN (for services.app.environment.DSN)\n"
        "  → echo 'DSN=…' >> .env\n"
    )
    made.write({"compose.yaml": port + "    env_file: [.env.local]\n"})
    code, text = text_of(made, "up", "-d")
    assert (code, text.splitlines()[0]) == (3, "error: the env file .env.local does not exist")


def test_dependencies_that_cannot_start_are_told_by_name(project: MakeProject) -> None:
    def compose(beside: str, condition: str = "service_started") -> dict[str, str]:
        wait = f"    depends_on: {{beside: {{condition: {condition}}}}}\n"
        text = COMPOSE.replace("HOST_PORT", str(made.port)) + wait + BESIDE + beside
        return {"compose.yaml": text}

    made = project(files())
    made.write(compose("    user: nobody-here\n"))
    failed = made.devctl("up", "-d", "--no-watch", code=3)
    assert failed.error["code"] == "user-unknown", failed.show
    assert failed.error["message"] == "the image has no user nobody-here"

    made.write(compose("    entrypoint: ['false']\n", "service_completed_successfully"))
    failed = made.devctl("up", "-d", "--no-watch", code=1)
    assert failed.error["code"] == "migration-failed", failed.show
    assert failed.error["message"].startswith(
        "the job beside failed with exit code 1, and a service waits for it"
    )
    assert failed.error["hint"] == "devctl logs beside"

    made.write(compose("    networks: [back]\nnetworks:\n  back: {external: true, name: devctl-not-there}\n"))
    failed = made.devctl("up", "-d", "--no-watch", code=4)
    assert failed.error["code"] == "network-missing", failed.show
    assert failed.error["hint"].startswith("docker network create devctl-not-there")

    made.write(compose(""))
    made.devctl("up", "-d", "--no-watch")
    serves(made.port, "404")
    assert docker("ps", "--quiet", "--filter", f"name={made.name}-beside-1")


def test_a_dev_stage_that_does_not_build_is_replaced_by_devctls_until_its_file_is_edited(
    project: MakeProject,
) -> None:
    dockerfile = (
        "FROM golang:1.26-alpine AS dev\nWORKDIR /app\nCOPY config/app.yaml /etc/app.yaml\n"
        'CMD ["air", "-c", ".air.toml"]\n'
    )
    made = project(
        files(
            COMPOSE.replace("build: .", "build: {context: ., target: dev}\n    volumes: ['.:/app']"),
            Dockerfile=dockerfile,
        )
    )
    first = made.devctl("-y", "up", "-d", "--no-watch")
    (said,) = (w for w in first.warnings if w["code"] == "dev-stage-fails")
    assert said["message"].startswith("stage `dev` does not work here (COPY cannot find config"), said
    assert said["place"] == "Dockerfile:3"
    serves(made.port, "404")
    again = made.devctl("up", "-d", "--no-watch")
    assert (again.named("step.started"), again.warnings) == ([], []), again.show
    made.write({"Dockerfile": f"{dockerfile}# fixed\n"})
    plan = made.devctl("up", "--dry-run").result["plan"]
    assert [s["step"] for s in plan][:1] == ["build"], plan
