"""Hints of the failure dictionary: each is followed in the project's files, and devctl reads from them what the hint promises."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.system.host import SystemHost
from devctl.cli import wiring
from devctl.domain.project.model import Project
from devctl.workflows.project.load import load
from tests.cli.conftest import Ran
from tests.cli.scripted_docker import ScriptedDocker
from tests.failures.samples import told_by
from tests.fakes import FakeReporter, World
from tests.helpers import build_tree
from tests.hints.rows.built import built
from tests.hints.rows.dictionary_rows import ROWS, Entry, Seen


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemHost, "port_free", lambda *_: True)
    docker = ScriptedDocker("answers", present=True, env=os.environ)
    monkeypatch.setattr(wiring, "SystemProcesses", lambda: docker)


@pytest.mark.parametrize(("sample", "entry"), ROWS)
def test_what_the_dictionary_says_helps(
    sample: str,
    entry: Entry,
    hinted: Callable[[str], str],
    devctl: Callable[..., Ran],
    tmp_path: Path,
) -> None:
    def project() -> Project:
        return load(wiring.toolbox(FakeReporter(World())), tmp_path)

    def model(mode: str) -> Any:
        ran = devctl("-C", str(tmp_path), "--json", "config", "render", "--mode", mode)
        return ran.envelope["result"]["model"]

    def problems() -> set[str]:
        envelope = devctl("-C", str(tmp_path), "--json", "config", "check").envelope
        return {problem["code"] for problem in envelope["result"]["problems"]}

    def good() -> bool:
        try:
            return bool(entry.good(seen))
        except Exception:  # what cannot even be read is not good
            return False

    seen = Seen(
        tmp_path,
        service=lambda: project().services[0],
        models=model,
        image=lambda: built(tmp_path, project(), project().services[0]),
        problems=problems,
    )
    build_tree(tmp_path, dict(entry.files))
    assert not good(), "nothing is wrong before the hint is followed"
    entry.follow(tmp_path, {"hint": hinted(told_by(sample)), "place": None})
    assert entry.good(seen)
