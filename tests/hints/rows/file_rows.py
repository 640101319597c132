"""Hints about files of the project that a command refuses, on the disk and before a docker that answers from memory."""

from __future__ import annotations

from tests.hints.dockerfile_rows import BUILD, BUILT, GO, GO_MOD, MAIN, RUNNER, dockerfile
from tests.hints.follow import Told, both, edit, row, said, shell, write

PREVIEW = ("prod-preview", "--dry-run")
DRY = ("up", "--dry-run")
SCRATCH = RUNNER.replace("alpine:3.22", "scratch").replace("ENTRYPOINT", "CMD")
SHELL = BUILT + "    command: [sh, -c, 'migrate && /server']\n"
PACKAGE = {
    "go.mod": GO_MOD,
    "main.go": MAIN.replace(
        'import "net/http"', 'import (\n\t"net/http"\n\n\t_ "example.com/shop/internal/gen"\n)'
    ),
    "internal/gen/a.pb.go": "package gen\n",
}
AIRED = (
    "services:\n  api:\n    image: golang:1.26-alpine\n    working_dir: /src\n    volumes: ['.:/src']\n"
    "    command: air -c air/dev.toml\n"
)
UNCHOSEN = {"go.mod": GO_MOD, "cmd/a/main.go": MAIN, "cmd/b/main.go": MAIN}


def words(told: Told, at: int = 0) -> tuple[str, ...]:
    """The words after `devctl` in a command in backticks."""
    program, *rest = said(told, at).split()
    assert program == "devctl", told["hint"]
    return tuple(rest)


ROWS = [
    row(
        "write … into …, and remove bases.… from devctl.yaml",
        "base-not-used",
        dockerfile(BUILD + RUNNER, **{"devctl.yaml": "version: 1\nbases: {golang: golang:1.26.3-alpine}\n"}),
        both(
            edit("Dockerfile", "golang:1.26-alpine", lambda hint: hint.split()[1]),
            edit("devctl.yaml", "bases: {golang: golang:1.26.3-alpine}\n", lambda _hint: ""),
        ),
    ),
    row(
        "name the package in that line: `go build …` builds all of its files; or add the missing ones",
        "files-left-out",
        dockerfile(BUILD.replace("/server .", "/server main.go") + RUNNER, **{"debug.go": "package main\n"}),
        edit("Dockerfile", "/server main.go", lambda hint: f"/server {said({'hint': hint}).split()[-1]}"),
    ),
    row(
        "name the package in that line: `go build …` builds all of its files; or add the missing ones",
        "files-left-out",
        dockerfile(BUILD.replace("/server .", "/server main.go") + RUNNER, **{"debug.go": "package main\n"}),
        edit("Dockerfile", "main.go", lambda _hint: "main.go debug.go"),
    ),
    row(
        "list the files in … that the dependencies are built from",
        "broken-config",
        {**GO, "config/app.toml": "", "devctl.yaml": "version: 1\nwatch:\n  also:\n    - config\n"},
        edit("devctl.yaml", "- config", lambda hint: f"- {hint.split()[4]}/app.toml"),
    ),
    row(
        "correct …; devctl init --diff shows one that works",
        "air-config",
        {**GO, ".air.toml": "[build\n"},
        edit(
            ".air.toml",
            "[build\n",
            lambda _hint: '[build]\ncmd = "go build -o ./tmp/main ."\nbin = "./tmp/main"\n',
        ),
    ),
    row(
        "create …, or fix the path after `air -c`",
        "air-config",
        {**GO, "compose.yaml": AIRED},
        lambda root, told: write(
            told["hint"].split()[1].rstrip(","),
            '[build]\ncmd = "go build -o ./tmp/main ."\nbin = "./tmp/main"\n',
        )(root, told),
    ),
    row(
        "give the build argument in that line a non-empty default (ARG), or a value in `build.args`",
        "broken-dockerfile",
        dockerfile("ARG V=\n" + BUILD + RUNNER.replace("alpine:3.22", "alpine:${V}")),
        edit("Dockerfile", "ARG V=\n", lambda _hint: "ARG V=3.22\n"),
        words=("bases",),
    ),
    row(
        "give the build argument in that line a non-empty default (ARG), or a value in `build.args`",
        "broken-dockerfile",
        {
            **dockerfile("ARG V=\n" + BUILD + RUNNER.replace("alpine:3.22", "alpine:${V}")),
            "compose.yaml": BUILT,
        },
        edit(
            "compose.yaml",
            "build: .",
            lambda hint: f"build: {{context: ., {said({'hint': hint}).partition('.')[2]}: {{V: '3.22'}}}}",
        ),
        words=("bases",),
    ),
    row(
        "rename stage …, or name stage … of …",
        "reserved-name",
        {
            **dockerfile(BUILD + RUNNER + "FROM scratch AS devctl-stage-1\n"),
            "compose.yaml": "services:\n  api:\n    build: {context: ., target: '1'}\n",
        },
        edit(
            "Dockerfile",
            "AS devctl-stage-1",
            lambda hint: "AS other" if "rename stage devctl-stage-1," in hint else "?",
        ),
        words=PREVIEW,
    ),
    row(
        "…, and fill in the missing values; or: devctl onboard",
        "compose-variable-missing",
        {
            **GO,
            "Dockerfile": BUILD + RUNNER,
            "compose.yaml": BUILT + "    environment: {DSN: '${DSN:?}'}\n",
            ".env.example": "DSN=x\n",
        },
        shell("(cp .*), and fill in"),
        words=DRY,
    ),
    row(
        "devctl new DIR with the name of a new folder",
        "folder-not-empty",
        {"shop": "a file\n"},
        lambda _root, told: (*told["hint"].replace("DIR", "store").split()[1:3],),
        words=("new", "shop"),
    ),
    row(
        "devctl new DIR with another folder; for existing code: devctl init",
        "folder-not-empty",
        GO,
        lambda _root, told: (*told["hint"].replace("DIR", "store").split()[1:3],),
        words=("new", "."),
    ),
    row(
        "devctl new DIR with another folder; for existing code: devctl init",
        "folder-not-empty",
        GO,
        lambda _root, told: tuple(told["hint"].rpartition("devctl ")[2].split()),
        words=("new", "."),
    ),
    row(
        "…; or devctl init -y uses that one",
        "which-main",
        UNCHOSEN,
        lambda _root, told: tuple(told["hint"].rpartition("devctl ")[2].split()[:2]),
        words=("init",),
    ),
]
