"""The template's files, read without an engine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).parents[2] / "templates" / "go-service"


class Loader(yaml.SafeLoader):
    """Knows compose's `!reset`."""


Loader.add_constructor("!reset", lambda loader, node: None)


def read(name: str) -> str:
    return (TEMPLATE / name).read_text()


def compose(name: str) -> Any:
    return yaml.load(read(name), Loader)


def test_air_config_only_hands_over_what_the_rule_built() -> None:
    build = tomllib.loads(read(".air.toml"))["build"]
    (rule,) = build["rules"]
    assert build["include_ext"] == ["air-swap"]  # air reacts to the handover alone
    assert "go" in rule["include_ext"] and "air-build" in rule["include_ext"]
    assert build["delay"] >= 1 and rule["delay"] >= 1  # 0 means 1000 ms
    assert re.search(rule["exclude_regex"][0], "/app/main_test.go")
    assert "/tmp/air/state" in build["cmd"]


def test_compose_chooses_the_stage_by_target() -> None:
    dev, prod = compose("compose.yaml"), compose("compose.prod.yaml")
    assert dev["services"]["app"]["build"]["target"] == "dev"
    assert prod["services"]["app"]["build"]["target"] == "runner-distroless"
    assert dev["services"]["app"]["image"] != prod["services"]["app"]["image"]
    assert dev["services"]["app"]["ports"] == ["127.0.0.1:${HOST_PORT:-8080}:8080"]
    assert "version" not in dev and "version" not in prod


def test_dockerfile_uses_nothing_newer_than_dockerfile_1_2() -> None:
    text = read("Dockerfile")
    instructions = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert not re.search(r"(?im)^#\s*syntax\s*=", text)
    assert "<<" not in instructions and "--link" not in instructions and ":latest" not in instructions
    stages = re.findall(r"^FROM .+ AS (\S+)$", text, re.MULTILINE)
    assert stages == [
        "base",
        "air",
        "deps",
        "dev",
        "builder",
        "runner",
        "runner-distroless",
        "runner-scratch",
    ]
    assert text.count("\nCOPY go.mod go.su[m] ./\n") == 1  # devctl replaces this line in workspaces
    assert text.count('ENTRYPOINT ["/server"]') == text.count("USER 65532:65532") == 3
