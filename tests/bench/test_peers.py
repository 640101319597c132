"""Save → served on a service with many dependencies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bench.harness import Row, Side, beside, go, keep, saves_in_turn
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 15
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


def test_save_to_served_of_a_large_service(project: Callable[..., Started]) -> None:
    mine, other = project(), project()
    for started in (mine, other):
        for path in {*started.root.rglob("*_test.go"), *(started.root / "internal").rglob("*.go")}:
            path.unlink()
        (started.root / "main.go").write_text(LARGE)
        go(started.root, "mod", "tidy")
        packages = go(
            started.root, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "."
        ).split()
        assert len(packages) >= 60
    (other.root / ".air.toml").unlink()
    mine.devctl("up", "-d")
    with beside(mine, other.root, "air") as port:
        ours, theirs = saves_in_turn(
            Side(mine.port, mine.root / "main.go"), Side(port, other.root / "main.go"), rounds=ROUNDS
        )
    keep(
        Row(
            "save → served, a large service", ours, theirs, "air's defaults in the same image", "devctl up -d; edit a file",
            note=f"gin, pgx and otel: {len(packages)} packages of others and its own",
        )
    )  # fmt: skip
    assert ours
