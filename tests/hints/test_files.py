"""Hints about the project's files: each is followed with its own words, and what it was given for is gone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.adapters.system.host import SystemHost
from devctl.cli import wiring
from tests.cli.conftest import Ran
from tests.cli.scripted_docker import ScriptedDocker
from tests.hints.compose_rows import ROWS as COMPOSE
from tests.hints.dockerfile_rows import ROWS as DOCKERFILES
from tests.hints.follow import Fault, Told
from tests.hints.more_rows import ROWS as MORE
from tests.hints.rows.file_rows import ROWS as FILES
from tests.hints.rows.lint_rows import ROWS as LINT
from tests.hints.rows.project_rows import ROWS as PROJECTS
from tests.hints.source_rows import ROWS as SOURCES

Follows = Callable[[Fault], None]


@pytest.fixture
def follows(
    hinted: Callable[[str], str], tmp_path: Path, devctl: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> Follows:
    """Make the fault, do what devctl says, and see that it is gone and that nothing else is wrong then."""

    def follow(fault: Fault) -> None:
        monkeypatch.chdir(fault.made(tmp_path / "followed"))
        before = told(devctl, ("-C", ".", *fault.words))
        *_, problem = (problem for problem in before if problem["code"] == fault.code)
        hinted(problem["hint"])
        words = fault.follow(Path.cwd(), problem)
        after = told(devctl, words if isinstance(words, tuple) else ("-C", ".", *fault.words))
        asks = {problem["code"] for problem in after if not problem["hint"].startswith("no action needed")}
        assert asks == set(fault.leaves) and fault.code not in {problem["code"] for problem in after}, after

    return follow


def told(devctl: Callable[..., Ran], words: tuple[str, ...]) -> list[Told]:
    envelope = devctl("--json", *words).envelope
    found = [*(envelope["result"] or {}).get("problems", []), *envelope["warnings"]]
    found += [envelope["error"]] if envelope["error"] else []
    return [problem for at, problem in enumerate(found) if problem not in found[:at]]


@pytest.mark.parametrize("fault", [*DOCKERFILES, *LINT, *MORE, *FILES, *PROJECTS, *SOURCES])
def test_a_hint_that_is_followed_ends_well(
    fault: Fault, follows: Follows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a docker that answers from memory, on a machine where every port is free."""
    monkeypatch.setattr(SystemHost, "port_free", lambda *_: True)
    docker = ScriptedDocker("answers", present=True, env=os.environ)
    monkeypatch.setattr(wiring, "SystemProcesses", lambda: docker)
    follows(fault)


@pytest.mark.engine
@pytest.mark.parametrize("fault", COMPOSE)
def test_a_hint_about_a_compose_file_that_is_followed_ends_well(
    fault: Fault, follows: Follows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemHost, "port_free", lambda *_: True)  # whatever else runs on this machine
    follows(fault)
