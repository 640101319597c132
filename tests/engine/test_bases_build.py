"""`bases build` for references as people write them, on the test's own engine: there `alpine` belongs to nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from devctl.adapters.stand_ins.fetch import Fetcher
from devctl.adapters.system.host import SystemHost, cache_folder
from devctl.adapters.system.process import SystemProcesses
from tests.engine.cli import docker
from tests.engine.conftest import Started
from tests.engine.own_engine import alone, devctl_line
from tests.engine.test_fixed_engine import ALPINE

pytestmark = pytest.mark.engine
DIGEST = f"sha256:{'0' * 64}"
PACKAGES = ("busybox-static", "musl", "tzdata", "ca-certificates")
FILES = {
    "go.mod": "module example.com/bare\n\ngo 1.26\n",
    "main.go": "package main\n\nfunc main() {}\n",
    "compose.yaml": "services:\n  app:\n    build: .\n    ports: ['HOST_PORT:8080']\n",
}
DOCKERFILE = """FROM golang:1.26-alpine AS builder
WORKDIR /app
COPY . .
RUN go build -o /server .

FROM {} AS runner
COPY --from=builder /server /server
ENTRYPOINT ["/server"]
"""
ENGINE = "dockerd --log-level fatal & until docker version >/dev/null 2>&1; do sleep 0.1; done"


def built(shop: Started, *then: str) -> tuple[dict[str, Any], list[str]]:
    """`bases build` where any Go is here, and nothing else; its last line, and what was asked afterwards."""
    Fetcher(SystemProcesses(), SystemHost(), cache_folder()).packages(
        PACKAGES
    )  # there is no network in there
    docker("save", "--output", str(shop.root / "any.tar"), ALPINE)
    here = "; ".join(f"docker tag {ALPINE} golang:{tag}" for tag in ("1.26", "1.26-alpine"))
    done = alone(
        ENGINE, "docker load --quiet --input any.tar >/dev/null", here, devctl_line("bases", "build"), *then, cwd=shop.root
    )  # fmt: skip
    lines = done.stdout.splitlines()
    said = [json.loads(line) for line in lines if line.startswith("{")]
    assert said and said[-1]["type"] == "result", done.stdout + done.stderr
    return said[-1], lines[len(said) :]


def test_a_base_without_a_tag_is_made_as_what_docker_looks_for(project: Callable[..., Started]) -> None:
    shop = project(FILES | {"Dockerfile": DOCKERFILE.format("alpine")})
    label = '{{index .Config.Labels "dev.devctl.assembled"}}'
    done, asked = built(
        shop, f"docker image inspect --format '{label}' alpine:latest", "docker run --rm alpine echo it runs"
    )
    assert asked == ["true", "it runs"], done
    found = {base["ref"]: base for base in done["result"]["bases"]}
    assert (found["alpine"]["present"], found["alpine"]["source"]) == (True, "assembled")


@pytest.mark.parametrize("ref", [f"alpine@{DIGEST}", f"alpine:3.22@{DIGEST}"])
def test_a_base_by_digest_is_not_made_and_said(project: Callable[..., Started], ref: str) -> None:
    """Only one image in the world has that digest: devctl's would be another."""
    shop = project(FILES | {"Dockerfile": DOCKERFILE.format(ref)})
    done, _ = built(shop)
    assert (done["exit_code"], done["error"]["code"]) == (4, "base-missing"), done
    assert ref in done["error"]["message"]
    assert {base["ref"]: base["present"] for base in done["result"]["bases"]}[ref] is False
