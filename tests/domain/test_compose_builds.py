"""Compose files as they are met: names of their own, services that name an image and no build, profiles."""

from __future__ import annotations

from typing import Any

import pytest

from devctl.domain.compose.built_here import lend_builds
from devctl.domain.compose.file_names import chosen_file
from devctl.domain.compose.profiles import choose_profiles, has_profiles


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["docker-compose.dev.yml", "docker-compose.prod.yml", "docker-compose.test.yml"], "docker-compose.dev.yml"),
        (["docker-compose-local.yaml"], "docker-compose-local.yaml"),
        (["dev.docker-compose.yml", "go.mod"], "dev.docker-compose.yml"),
        (["local.yml", "production.yml"], "local.yml"),
        (["compose.development.yaml", "compose.dev.db.yaml"], "compose.development.yaml"),
        (["docker-compose.infra.yml"], "docker-compose.infra.yml"),
        (["docker-compose.infra.yml", "docker-compose.prod.yml"], "docker-compose.infra.yml"),
        (["docker-compose.prod.yml"], "docker-compose.prod.yml"),
        (["docker-compose.db.yml", "docker-compose.kafka.yml"], None),
        (["docker-compose.test.yml", ".golangci.yml", "config.yml", "composer.yml"], None),
    ],
)  # fmt: skip
def test_which_file_is_meant(names: list[str], chosen: str | None) -> None:
    assert chosen_file(names) == chosen


def test_the_image_that_another_service_builds_is_built_for_each() -> None:
    specs: dict[str, dict[str, Any]] = {
        "one": {"image": "kv", "build": {"context": "/shop", "target": "x"}},
        "two": {"image": "kv:latest", "command": ["-id", "2"]},
        "other": {"image": "kv:2"},
        "nameless": {"build": {"context": "/shop"}},
    }
    lend_builds(specs)
    assert specs["two"]["build"] == {"context": "/shop", "target": "x"}
    assert "build" not in specs["other"]


@pytest.mark.parametrize(
    ("profiles", "ours", "chosen", "left"),
    [
        ({"api": ["app"], "worker": ["app", "jobs"]}, ("api", "worker"), ("app", "jobs"), {"api", "worker", "db"}),
        ({"api-dev": ["dev"], "api-prod": ["prod"]}, ("api-dev", "api-prod"), ("dev",), {"api-dev", "db"}),
        ({"api": ["backend"], "e2e": ["test"]}, ("api", "e2e"), ("backend",), {"api", "db"}),
        ({"api": ["prod"]}, ("api",), ("prod",), {"api", "db"}),
        ({"api": ["app"], "ui": ["tools"]}, ("api",), ("app",), {"api", "db"}),
    ],
)  # fmt: skip
def test_profiles_of_the_services_that_are_built(
    profiles: dict[str, list[str]], ours: tuple[str, ...], chosen: tuple[str, ...], left: set[str]
) -> None:
    specs: dict[str, dict[str, Any]] = {name: {"profiles": said} for name, said in profiles.items()}
    specs["db"] = {"profiles": ["data"]}
    specs[ours[0]]["depends_on"] = {"db": {}}
    assert choose_profiles(specs, ours) == chosen
    assert set(specs) == left and not any("profiles" in spec for spec in specs.values())


def test_a_file_that_has_profiles() -> None:
    assert has_profiles("services:\n  a:\n    profiles: [x]\n") and not has_profiles(
        "# profiles:\nservices: {}\n"
    )
