"""What a tool of a Dockerfile reads is read in the project alone, whatever name it has there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.adapters.project_files.dockerfile import read
from devctl.adapters.system.files import SystemFiles
from devctl.workflows.project.go_services import dockerfile_at
from tests.helpers import build_tree

BUILD = 'go build -ldflags "-X main.key=$(KEY)" -o /shop .\n'


@pytest.mark.parametrize(
    ("run", "makefile"),
    [
        ("make", f"include ../credentials\nall:\n\t{BUILD}"),
        ("make", f"include ../../../src/../credentials\nall:\n\t{BUILD}"),
        ("make -f ../credentials", ""),
        ("cd .. && make -f credentials", ""),
        ("sh ../build.sh", ""),
    ],
)
def test_a_makefile_outside_of_the_project_is_not_read(tmp_path: Path, run: str, makefile: str) -> None:
    (tmp_path / "credentials").write_text(f"KEY = SECRET\nall:\n\t{BUILD}")
    (tmp_path / "build.sh").write_text("go build -ldflags '-X main.key=SECRET' .\n")
    text = f"FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN {run}\n"
    root = build_tree(tmp_path / "shop", {"Dockerfile": text, "Makefile": makefile})
    box = SimpleNamespace(files=SystemFiles(), sources=SimpleNamespace(dockerfile=read))
    facts = dockerfile_at(cast("Any", box).files, cast("Any", box).sources, root, ".", "Dockerfile")
    assert facts is not None and "SECRET" not in facts.stages[0].instructions[-1].runs
