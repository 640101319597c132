"""Hints about devctl.yaml, about what the code is built from and about what would keep a service from starting."""

from __future__ import annotations

import re

from tests.hints.dockerfile_rows import BUILD, BUILT, GO, GO_MOD, MAIN, RUNNER, dockerfile
from tests.hints.follow import both, edit, line, row, said, write

DRY = ("up", "--dry-run")
LIBRARY = {
    "go.mod": GO_MOD + "\nrequire example.com/greet v0.0.0\n\nreplace example.com/greet => ./greet\n",
    "main.go": MAIN,
}
UNTAGGED = BUILD.replace("golang:1.26-alpine", "golang")

ROWS = [
    row(
        "replace `…` with `…`",
        "broken-config",
        {**GO, "devctl.yaml": "version: 1\nserivces: {shop: {port: 8080}}\n"},
        edit("devctl.yaml", "serivces", lambda hint: said({"hint": hint}, 1)),
    ),
    row(
        "adapters/project_files/config_file.py | one of: …",
        "broken-config",
        {**GO, "devctl.yaml": "version: 1\nxyz: {poll: always}\n"},
        edit(
            "devctl.yaml",
            "xyz",
            lambda hint: next(key for key in hint.removeprefix("one of: ").split(", ") if key == "watch"),
        ),
    ),
    row(
        "…; `devctl config check` lists all …",
        "broken-config",
        {**GO, "devctl.yaml": "version: 1\nserivces: {}\nwacth: {}\n"},
        both(
            write("devctl.yaml", "version: 1\n"),
            lambda _root, told: tuple(re.findall(r"`devctl ([^`]+)` lists", told["hint"])[0].split()),
        ),
        words=DRY,
    ),
    row(
        "fix …:……:……; the usual cause is a tab, a missing space after a colon or an unclosed quote",
        "broken-config",
        {**GO, "devctl.yaml": 'version: 1\nname: "shop\n'},
        edit("devctl.yaml", '"shop', lambda _hint: '"shop"'),
    ),
    row("FROM … AS …", "base-untagged", dockerfile(UNTAGGED + RUNNER), line()),
    row("FROM …", "base-untagged", dockerfile(BUILD + RUNNER.replace("alpine:3.22", "alpine")), line()),
    row(
        "FROM … AS …",
        "base-dead",
        dockerfile(BUILD + RUNNER.replace("alpine:3.22", "gcr.io/distroless/static-debian11:nonroot AS run")),
        line(),
    ),
    row(
        "domain/lint/rules.py | …:…",
        "backslash-in-volume",
        {**GO, "Dockerfile": BUILD + RUNNER, "compose.yaml": BUILT + "    volumes: ['./a\\b:/data']\n"},
        edit("compose.yaml", "./a\\b:/data", lambda hint: f"./{hint}"),
    ),
    row(
        "go work edit …, or restore the folder, or build without go.work: GOWORK=off devctl up",
        "broken-go-work",
        {**GO, "go.work": "go 1.26\n\nuse (\n\t.\n\t./lib\n)\n"},
        edit("go.work", "\t./lib\n", lambda hint: "" if "-dropuse=./lib" in hint else "?"),
        words=DRY,
    ),
    row(
        "go work edit …, or restore the folder, or build without go.work: GOWORK=off devctl up",
        "broken-go-work",
        {**GO, "go.work": "go 1.26\n\nuse (\n\t.\n\t./lib\n)\n"},
        write("lib/go.mod", GO_MOD.replace("shop", "lib")),
        words=DRY,
    ),
    row(
        "cd … && go mod init …",
        "replaced-missing",
        {**LIBRARY, "greet/greet.go": "package greet\n"},
        lambda root, told: write(
            f"{told['hint'].split()[1]}/go.mod", f"module {told['hint'].split()[-1]}\n\ngo 1.26\n"
        )(root, told),
        words=DRY,
    ),
    row(
        "restore …; or, if the code no longer needs it: go mod edit … && go mod tidy",
        "replaced-missing",
        LIBRARY,
        write("go.mod", GO_MOD),
        words=DRY,
    ),
    row(
        "devctl -C … up: that folder contains both, and its compose file may say `build: {context: .}`",
        "replaced-outside",
        {
            "go.mod": GO_MOD
            + "\nrequire example.com/greet v0.0.0\n\nreplace example.com/greet => ../greet\n",
            "main.go": MAIN,
            "../greet/go.mod": GO_MOD.replace("shop", "greet"),
        },
        lambda _root, told: (*told["hint"].partition(":")[0].split()[1:], "--dry-run"),
        words=DRY,
    ),
    row(
        "workflows/session/steps.py | one of: …",
        "unknown-service",
        GO,
        lambda _root, told: ("up", told["hint"].removeprefix("one of: "), "--dry-run"),
        words=("up", "nope", "--dry-run"),
    ),
    row(
        "devctl.yaml: `main:` one of: …",
        "no-main",
        {**GO, "devctl.yaml": "version: 1\nservices: {shop: {main: ./cmd/none}}\n"},
        edit("devctl.yaml", "./cmd/none", lambda hint: hint.rpartition("one of: ")[2].partition(" ")[0]),
        words=DRY,
    ),
    row(
        "go mod init … && go mod tidy",
        "no-go-module",
        {"main.go": MAIN, "Gopkg.toml": ""},
        lambda root, told: write("go.mod", f"module {told['hint'].split()[3]}\n\ngo 1.26\n")(root, told),
    ),
]
