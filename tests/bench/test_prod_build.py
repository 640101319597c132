"""A one-line edit, then the production image: devctl's build against the article's way (COPY, no cache mounts)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.bench.harness import Row, keep, ms, replace_in, run
from tests.bench.test_reload import greeting_file
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 7
PLAIN = """FROM golang:1.26-alpine AS builder
WORKDIR /app
COPY . .
ARG CGO_ENABLED=0
RUN go build -ldflags '-s -w' -o ./server
FROM gcr.io/distroless/static-debian13:nonroot
WORKDIR /app
COPY --from=builder /app/server .
ENTRYPOINT ["./server"]
"""
COMPOSE = "services:\n  app:\n    build: .\n    image: NAME-plain\n"


def test_production_image_after_an_edit(project: Callable[..., Started]) -> None:
    mine, other = project(), project()
    mine.devctl("up", "-d", "--no-watch")
    mine.devctl("prod-preview")
    (other.root / "Dockerfile").write_text(PLAIN)
    (other.root / "compose.yaml").write_text(COMPOSE.replace("NAME", other.name))
    run("docker", "compose", "build", cwd=other.root)
    ours, theirs, before = [], [], "Hello from Go"
    edited = (greeting_file(mine.root), greeting_file(other.root))
    compose = ("docker", "compose", "-p", mine.name, "-f", mine.model("prod"), "build")
    run_id = time.time_ns()  # an earlier run's text would be in the build cache
    for number in range(ROUNDS):
        now = f"edit {number} of {run_id}"
        for source in edited:
            replace_in(source, before, now)
        before = now
        ours.append(ms(lambda: run(*compose, cwd=mine.root)))
        theirs.append(ms(lambda: run("docker", "compose", "build", cwd=other.root)))
        time.sleep(0.2)
    run("docker", "image", "rm", "--force", f"{other.name}-plain")
    keep(
        Row(
            "production image after an edit",
            ours,
            theirs,
            "COPY, no cache mounts",
            "the build of devctl prod-preview",
            aim=0.08,
        )
    )
    assert ours
