"""Bases of a team by the real command line: a registry of its own as the mirror, and a file for a machine without one."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.system.host import cache_folder
from tests.engine.cli import Result, docker
from tests.engine.conftest import Started
from tests.registry import serving

pytestmark = pytest.mark.engine
REF = f"alpine:3.22-devctlteam{uuid.uuid4().hex[:6]}"
DOCKERFILE = f"""FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /server .

FROM {REF}
COPY --from=build /server /server
ENTRYPOINT ["/server"]
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry that has the base, under another name, and an engine that does not."""
    folder = tmp_path / "registry"
    folder.mkdir()
    with serving(cache_folder(), folder) as address:
        there = f"{address}/library/{REF}"
        docker("tag", "alpine:3.22", there)
        try:
            docker("push", "-q", there)
            docker("image", "rm", there)
            yield address
        finally:
            subprocess.run(["docker", "image", "rm", there, REF], capture_output=True)


def base(done: Result) -> dict[str, Any]:
    return next(dict(b) for b in done.result["bases"] if b["ref"] == REF)


def test_a_base_comes_from_the_teams_mirror_and_travels_by_file(
    project: Callable[..., Started], registry: str, tmp_path: Path
) -> None:
    main = "package main\n\nfunc main() {}\n"
    shop = project(
        {"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": main, "Dockerfile": DOCKERFILE}
    )
    shop.write({"devctl.yaml": f"bases:\n  mirror: {registry}\n"})
    assert base(shop.devctl("bases"))["present"] is False
    shop.devctl("bases", "pull", code=None)  # distroless and others are in no registry here
    assert base(shop.devctl("bases"))["present"] is True
    assert f"{registry}/library/alpine@sha256:" in docker(
        "image", "inspect", "--format", "{{.RepoDigests}}", REF
    )

    file = tmp_path / "bases.tar"
    saved = shop.devctl("bases", "save", str(file))
    assert base(saved)["present"] and file.stat().st_size > 0
    docker("image", "rm", REF, f"{registry}/library/{REF}")
    shop.write({"devctl.yaml": ""})
    assert base(shop.devctl("bases"))["present"] is False
    assert base(shop.devctl("bases", "load", str(file)))["present"] is True
    assert docker("image", "inspect", "--format", "{{.Id}}", REF) == docker(
        "image", "inspect", "--format", "{{.Id}}", "alpine:3.22"
    )

    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 2 // 3])
    docker("image", "rm", REF)
    refused = shop.devctl("bases", "load", str(file), code=3)
    assert refused.error["code"] == "load-failed", refused.show
    assert base(shop.devctl("bases"))["present"] is False, "nothing of it was loaded"
