"""Broken files of a project: each one clear error with the place, and nothing is made in the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.cli import here
from tests.helpers import build_tree

GO = {
    "go.mod": "module example.com/x\n\ngo 1.26\n",
    "main.go": 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n',
}


@pytest.mark.parametrize(
    ("files", "code", "place"),
    [
        ({}, "no-go-module", None),
        ({"README": "hi\n"}, "no-go-module", None),
        ({**GO, "devctl.yaml": "version: 1\nservices: [\n"}, "broken-config", "devctl.yaml:3:1"),
        ({**GO, "devctl.yaml": "version: 1\nservces: {}\n"}, "broken-config", "devctl.yaml:2:1"),
        (
            {**GO, "go.mod": "module example.com/x\n\ngo 1.26\n\nrequire (\n broken\n"},
            "broken-go-mod",
            "go.mod:6",
        ),
        (
            {**GO, "Dockerfile": "FROM golang:1.26-alpine\nRUNN go build\n"},
            "broken-dockerfile",
            "Dockerfile:2",
        ),
    ],
)
def test_bad_input(tmp_path: Path, files: dict[str, str], code: str, place: str | None) -> None:
    root = build_tree(tmp_path, files)
    found = here("up", "-d", "--dry-run", cwd=root, code=3)
    assert (found.error["code"], found.error["place"]) == (code, place)
    assert found.error["hint"]
    assert {path.name for path in root.iterdir()} == set(files)


def test_a_folder_that_was_named_before_is_the_project_in_it_too(tmp_path: Path) -> None:
    build_tree(tmp_path, {f"services/app/{name}": text for name, text in GO.items()})
    assert here("down", cwd=tmp_path, code=3).error["code"] == "no-go-module"
    (tmp_path / ".devctl").mkdir()  # `devctl -C . up` made it
    assert here("config", "show", cwd=tmp_path).envelope["ok"]
