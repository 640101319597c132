"""A base of devctl.yaml that no stage starts from: the hint names the lines that do say the image."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.cli import wiring
from tests.cli.conftest import Ran
from tests.cli.scripted_docker import ScriptedDocker
from tests.helpers import build_tree

GO = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "main.go": 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n',
}
DEV = (
    "FROM golang:1.26-alpine\nWORKDIR /src\nRUN go install github.com/air-verse/air@v1.67.2\nCOPY . .\n"
    'CMD ["air"]\n'
)
BUILD = "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /server .\n"
STATIC = "gcr.io/distroless/static-debian13:nonroot"
FINAL = 'COPY --from=build /server /server\nENTRYPOINT ["/server"]\n'
ONE_STAGE = f"FROM {STATIC}\n{FINAL}"
BUILT = "services:\n  api:\n    build: .\n"
APART = "services:\n  api:\n    build: {context: ., dockerfile: Dockerfile.dev}\n    volumes: ['.:/src']\n"
ARGS = f"ARG GO_IMAGE=golang:1.26-alpine\nARG RUNTIME={STATIC}\n"
FROM_ARGS = ARGS + BUILD.replace("golang:1.26-alpine", "${GO_IMAGE}") + f"FROM $RUNTIME\n{FINAL}"
STATIC_1, GO_1 = "distroless: example.com/static:1", "golang: golang:1.26.3-alpine"


Hints = Callable[[dict[str, str]], list[str]]


@pytest.fixture
def hints(tmp_path: Path, devctl: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> Hints:
    """What `config check` says to do in a project of these files about a base that is not used."""

    def found(files: dict[str, str]) -> list[str]:
        docker = ScriptedDocker("answers", present=True, env=os.environ)
        monkeypatch.setattr(wiring, "SystemProcesses", lambda: docker)
        root = build_tree(tmp_path / "shop", files)
        told = devctl("-C", str(root), "--json", "config", "check").envelope["result"]["problems"]
        return [p["hint"] for p in told if p["code"] == "base-not-used"]

    return found


@pytest.mark.parametrize(
    ("base", "files", "named"),
    [
        pytest.param(
            STATIC_1,
            {
                "compose.yaml": APART,
                "Dockerfile.dev": DEV,
                "Dockerfile": BUILD + ONE_STAGE,
            },
            "the FROM line at Dockerfile:5",
            id="development in a file of its own",
        ),
        pytest.param(
            GO_1,
            {
                "compose.yaml": APART,
                "Dockerfile.dev": "# air\n" + DEV,
                "Dockerfile": BUILD + ONE_STAGE,
            },
            "the FROM line at Dockerfile.dev:2 and the FROM line at Dockerfile:1",
            id="both files compile",
        ),
        pytest.param(
            STATIC_1,
            {
                "compose.yaml": "services:\n  api:\n    image: golang:1.26-alpine\n    working_dir: /src\n"
                "    volumes: ['.:/src']\n    command: go run .\n",
                "Dockerfile": BUILD + ONE_STAGE,
            },
            "the FROM line at Dockerfile:5",
            id="source that is mounted",
        ),
        pytest.param(
            GO_1,
            {
                "compose.yaml": APART,
                "Dockerfile.dev": DEV.replace("golang:1.26-alpine", "example.com/go:1"),
                "Dockerfile": BUILD.replace("golang:1.26-alpine", "example.com/go:1") + ONE_STAGE,
            },
            "the FROM line at Dockerfile.dev:1",
            id="no image of that name",
        ),
        pytest.param(
            STATIC_1,
            {
                "compose.yaml": BUILT,
                "Dockerfile": BUILD + f"FROM {STATIC} AS base\nFROM base\n{FINAL}",
            },
            "the FROM line at Dockerfile:5",
            id="a stage on another stage",
        ),
        pytest.param(
            STATIC_1,
            {"compose.yaml": BUILT, "Dockerfile": FROM_ARGS},
            "the ARG line at Dockerfile:2",
            id="ARG",
        ),
        pytest.param(
            GO_1,
            {"compose.yaml": BUILT, "Dockerfile": FROM_ARGS},
            "the ARG line at Dockerfile:1",
            id="ARG of Go",
        ),
        pytest.param(
            GO_1,
            {
                "compose.yaml": BUILT,
                "Dockerfile": "ARG GO=1.26\n" + BUILD.replace("golang:1.26", "golang:${GO}") + ONE_STAGE,
            },
            "the FROM line at Dockerfile:2",
            id="an ARG that is only a part",
        ),
        pytest.param(
            GO_1,
            {
                "compose.yaml": "services:\n  api:\n    build:\n      context: .\n      args:\n"
                "        GO_IMAGE: golang:1.26-alpine\n",
                "Dockerfile": FROM_ARGS,
            },
            "the build argument at compose.yaml:6",
            id="an ARG that the compose file gives",
        ),
    ],
)
def test_the_lines_that_name_the_image_are_told(
    base: str, files: dict[str, str], named: str, hints: Hints
) -> None:
    role, ref = base.split(": ")
    assert hints({**GO, **files, "devctl.yaml": f"version: 1\nbases: {{{base}}}\n"}) == [
        f"write {ref} into {named}, and remove bases.{role} from devctl.yaml"
    ]
