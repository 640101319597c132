"""The examples of docs/explanation/testing.md that need no engine are tests: they pass."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.go.reader import read
from devctl.domain.command.requests import UpRequest
from devctl.domain.detect.service import detect_service
from devctl.domain.project.config import Config
from devctl.workflows.dev.up import up
from tests.cli.conftest import Ran
from tests.fakes import KILLS, Killed, World, go_mod
from tests.helpers import build_tree

PAGE = Path(__file__).parents[2] / "docs/explanation/testing.md"
IN_REACH: dict[str, Any] = {
    "Callable": Callable, "Config": Config, "Killed": Killed, "Path": Path, "Ran": Ran, "UpRequest": UpRequest, "World": World,
    "build_tree": build_tree, "detect_service": detect_service, "go_mod": go_mod, "pytest": pytest, "read": read, "up": up,
}  # fmt: skip
"""What a test module would import."""


@KILLS
@pytest.mark.parametrize("kind", ["Adapter", "Command", "The world in memory"])
def test_an_example_passes(kind: str, request: pytest.FixtureRequest) -> None:
    found = re.search(
        rf"\*\*{kind}(?:\.\*\*|\*\*).*?```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S
    )
    assert found is not None
    module = dict(IN_REACH)
    exec(compile(found[1], str(PAGE), "exec"), module)
    tests = [what for name, what in module.items() if name.startswith("test_")]
    assert len(tests) == 1
    tests[0](**{name: request.getfixturevalue(name) for name in inspect.signature(tests[0]).parameters})
