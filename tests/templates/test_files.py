"""The template's files, read without an engine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from devctl.domain.dockerfile.runtime_bases import DEFAULT_BASE, NONROOT, RUNTIME_BASES

STAGES = sorted(base.stage for base in RUNTIME_BASES.values())
TEMPLATE = Path(__file__).parents[2] / "templates" / "go-service"


class Loader(yaml.SafeLoader):
    """Knows compose's `!reset`."""


Loader.add_constructor("!reset", lambda loader, node: None)


def read(name: str) -> str:
    return (TEMPLATE / name).read_text()


def compose(name: str) -> Any:
    return yaml.load(read(name), Loader)


def test_air_only_watches_and_our_scripts_build_and_run() -> None:
    text = read(".air.toml")
    build = tomllib.loads(text)["build"]
    assert build["cmd"] == "devctl-build go build -ldflags=-w -o /tmp/air/main ."
    assert build["entrypoint"] == ["true"]  # air would stop the program when a build fails
    assert "go" in build["include_ext"] and "mod" not in build["include_ext"]
    assert build["delay"] >= 1  # 0 means 1000 ms
    assert re.search(build["exclude_regex"][0], "/app/main_test.go")
    assert len(text.splitlines()) < 30, "recognized at a glance"


def test_compose_chooses_the_stage_by_target() -> None:
    dev, prod = compose("compose.yaml"), compose("compose.prod.yaml")
    assert dev["services"]["app"]["build"]["target"] == "dev"
    assert prod["services"]["app"]["build"]["target"] == RUNTIME_BASES[DEFAULT_BASE].stage
    assert dev["services"]["app"]["image"] != prod["services"]["app"]["image"]
    assert dev["services"]["app"]["ports"] == ["127.0.0.1:${HOST_PORT:-8080}:8080"]
    assert "version" not in dev and "version" not in prod


def test_dockerfile_uses_nothing_newer_than_dockerfile_1_2() -> None:
    text = read("Dockerfile")
    instructions = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert not re.search(r"(?im)^#\s*syntax\s*=", text)
    assert "<<" not in instructions and "--link" not in instructions and ":latest" not in instructions
    stages = re.findall(r"^FROM .+ AS (\S+)$", text, re.MULTILINE)
    assert stages == ["base", "std", "air", "deps", "dev", "builder", *STAGES]
    assert text.count("\nCOPY go.mod go.su[m] ./\n") == 1  # devctl replaces this line in workspaces
    assert text.count('ENTRYPOINT ["/server"]') == text.count(f"USER {NONROOT}") == len(STAGES)
