"""Save → served against wgo, which people use beside air; and on a service with many dependencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.harness import Row, keep, run, until_served
from tests.bench.test_reload import greeting_file, saves
from tests.engine.cli import free_port
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 15
WGO = "github.com/bokwoon95/wgo@v0.5.6"
LARGE = """package main

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel"
)

func main() {
	router := gin.New()
	router.GET("/", func(c *gin.Context) {
		_, span := otel.Tracer("large").Start(c, "greet")
		defer span.End()
		c.String(http.StatusOK, "Hello from Go")
	})
	router.GET("/rows", func(c *gin.Context) {
		_, err := pgxpool.New(c, "postgres://db")
		c.JSON(http.StatusOK, gin.H{"error": err})
	})
	_ = router.Run(":8080")
}
"""


@contextmanager
def beside(mine: Started, root: Path, *command: str) -> Iterator[int]:
    """The dev image of `mine` on another folder, with the same caches and another command; its port."""
    port = free_port()
    volume = f"devctl-go1.26-{root.stat().st_uid}"
    argv = ["docker", "run", "--detach", "--init", "--publish", f"127.0.0.1:{port}:8080"]
    argv += ["--volume", f"{root}:/app", "--volume", f"{volume}:/cache", f"{mine.name}-app:dev", *command]
    container = run(*argv).strip()
    try:
        until_served(port, "Hello from Go", within=300)
        yield port
    finally:
        run("docker", "rm", "--force", container)


def test_save_to_served_against_wgo(project: Callable[..., Started]) -> None:
    mine, other = project(), project()
    mine.devctl("up", "-d")
    watch = "wgo -file '[.]go$' go build -buildvcs=false -o /tmp/server . :: /tmp/server"
    with beside(mine, other.root, "sh", "-c", f"go install {WGO} && PATH=$PATH:/go/bin && {watch}") as port:
        theirs = saves(port, greeting_file(other.root), rounds=ROUNDS)
        ours = saves(mine.port, greeting_file(mine.root), rounds=ROUNDS)
    keep(Row("save → served, beside wgo", ours, theirs, "wgo in the same image", "devctl up -d; edit a file"))
    assert ours


def test_save_to_served_of_a_large_service(project: Callable[..., Started]) -> None:
    mine, other = project(), project()
    for started in (mine, other):
        for path in {*started.root.rglob("*_test.go"), *(started.root / "internal").rglob("*.go")}:
            path.unlink()
        (started.root / "main.go").write_text(LARGE)
        go = [
            "docker",
            "run",
            "--rm",
            "--volume",
            f"{started.root}:/app",
            "--workdir",
            "/app",
            "golang:1.26-alpine",
            "go",
        ]
        run(*go, "mod", "tidy")
        packages = run(*go, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").split()
        assert len(packages) >= 60
    (other.root / ".air.toml").unlink()
    mine.devctl("up", "-d")
    with beside(mine, other.root, "air") as port:
        theirs = saves(port, other.root / "main.go", rounds=ROUNDS)
        ours = saves(mine.port, mine.root / "main.go", rounds=ROUNDS)
    keep(
        Row(
            "save → served, a large service", ours, theirs, "air's defaults in the same image", "devctl up -d; edit a file",
            note=f"gin, pgx and otel: {len(packages)} packages of others and its own",
        )
    )  # fmt: skip
    assert ours
