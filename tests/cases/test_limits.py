"""What a compose file says for production alone: dev still compiles, and production keeps every word of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.cases.steps import edit, inspect
from tests.engine.cli import get, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine


def test_limits_that_fit_the_program_and_strangle_the_compiler(case: Callable[[str], Started]) -> None:
    acorn = case("limits_for_production")
    acorn.devctl("up", "-d")
    assert get(acorn.port) == "acorn holds one\n"
    edit(acorn, "main.go", "one", "two")
    serves(acorn.port, "acorn holds two")

    acorn.devctl("prod-preview")
    assert get(acorn.port) == "acorn holds two\n"
    limits = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}"
    assert inspect(acorn, "acorn", limits) == "50331648 500000000 24"


def test_a_compose_file_that_is_as_strict_as_production(case: Callable[[str], Started]) -> None:
    bunker = case("hardened_for_production")
    bunker.devctl("up", "-d")
    assert get(bunker.port) == "bunker resists one\n"
    edit(bunker, "main.go", "one", "two")
    serves(bunker.port, "bunker resists two")
    bunker.devctl("test")

    bunker.devctl("prod-preview")
    assert get(bunker.port) == "bunker resists two\n"
    assert inspect(bunker, "bunker", "{{.HostConfig.ReadonlyRootfs}} {{.Config.User}}") == "true 10001:10001"
    assert json.loads(inspect(bunker, "bunker", "{{json .HostConfig.Tmpfs}}")) == {
        "/tmp": "size=16m,mode=1777"
    }
    assert json.loads(inspect(bunker, "bunker", "{{json .HostConfig.CapDrop}}")) == ["ALL"]

    bunker.devctl("up", "-d")
    assert get(bunker.port) == "bunker resists two\n"
