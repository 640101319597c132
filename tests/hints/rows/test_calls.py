"""Hints about how devctl was called: what they say to call instead ends well."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from devctl.adapters.system.host import SystemHost
from devctl.cli import wiring
from tests.cli.conftest import Ran
from tests.cli.scripted_docker import ScriptedDocker
from tests.helpers import build_tree
from tests.hints.dockerfile_rows import BUILD, BUILT, GO, RUNNER

FILES = {**GO, "Dockerfile": BUILD + RUNNER, "compose.yaml": BUILT}
THEN = {"-C": ("status",), "debug": ("--dry-run",), "ui": ("--dry-run",)}
"""What else is reported: there is no engine to build on."""


def row(hint: str, said: str, **gaps: str) -> object:
    """`said`: after `devctl`. `gaps`: what the caller puts for the capitals of the hint."""
    return pytest.param((shlex.split(said), gaps), marks=pytest.mark.follows(hint), id=said)


@pytest.mark.parametrize(
    "call",
    [
        row("devctl --help", "--nope"),
        row("devctl …", "statsu"),
        row("devctl exec SERVICE -- CMD, which has", "--json shell", SERVICE="api", CMD="true"),
        row("devctl debug --editor vscode --write", "debug --write"),
        row("devctl debug --port 2345", "debug --port 70000"),
        row("devctl ui --web --port …", "ui --port 8765"),
        row("devctl ui --web --port 8765", "ui --web --port 70000"),
        row("`devctl -C DIR` with a folder that exists", "-C nowhere status", DIR="."),
    ],
)
def test_the_call_that_a_hint_names_is_one_that_works(
    call: tuple[list[str], Mapping[str, str]],
    devctl: Callable[..., Ran],
    hinted: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    said, gaps = call
    monkeypatch.chdir(build_tree(tmp_path / "shop", FILES))
    monkeypatch.setattr(SystemHost, "port_free", lambda *_: True)
    docker = ScriptedDocker("runs", present=True, env=os.environ)
    monkeypatch.setattr(wiring, "SystemProcesses", lambda: docker)
    refused = devctl("--json", *said)
    assert refused.code == 2
    hint = hinted(refused.envelope["error"]["hint"])
    words = [gaps.get(word, word) for word in re.sub(r", which does|`|with a folder.*", "", hint).split()]
    ran = devctl(*(word for word in said if word == "--json"), *words[1:], *THEN.get(words[1], ()))
    assert ran.code == 0, ran
