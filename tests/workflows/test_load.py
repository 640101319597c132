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


def test_a_service_that_runs_a_tool_is_not_the_program_again(tmp_path: Path) -> None:
    stages = "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\n"
    final = 'FROM alpine:3.22\nCOPY --from=build /app /app\nENTRYPOINT ["/app"]\n'
    tool = "build: {context: ., target: build}, command:"
    services = (
        f"services: {{api: {{build: .}}, test: {{{tool} go test ./...}}, shell: {{{tool} sh, tty: true}}}}\n"
    )
    root = build_tree(tmp_path, {**GO, "Dockerfile": stages + final, "compose.yaml": services})
    values = here("config", "show", cwd=root).envelope["result"]["values"]
    assert {name.split(".")[1] for name in values if name.startswith("services.")} == {"api"}
