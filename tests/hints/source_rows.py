"""Hints about Go source, go.mod, .air.toml and the files that a program reads."""

from __future__ import annotations

import re
from pathlib import Path

from tests.helpers import build_tree
from tests.hints.dockerfile_rows import BUILT, GO, GO_MOD, MAIN
from tests.hints.follow import Told, edit, into_yaml, line, no_line, row, said, shell, write

LIB = {"go.mod": GO_MOD, "lib.go": "package shop\n"}
OTHER = GO_MOD.replace("shop", "other")
AIR = 'root = "."\n[build]\ncmd = "go build -o ./tmp/main ."\nbin = "./tmp/main"\n'
NEEDS = MAIN.replace('import "net/http"', 'import (\n\t"net/http"\n\t"os"\n)').replace(
    "{ http", '{\n\tif os.Getenv("DATABASE_URL") == "" {\n\t\tpanic("DATABASE_URL is not set")\n\t}\n\thttp'
)
DOTENV = MAIN.replace(
    'import "net/http"', 'import (\n\t"log"\n\t"net/http"\n\t"os"\n\n\t"github.com/joho/godotenv"\n)'
).replace(
    "{ http",
    '{\n\tif err := godotenv.Load(); err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tprintln(os.Getenv("DATABASE_URL"))\n\thttp',
)
USES_DB = MAIN.replace('import "net/http"', 'import (\n\t"net/http"\n\n\t_ "example.com/shop/internal/db"\n)')
WITH_DOTENV = {
    "go.mod": GO_MOD + "\nrequire github.com/joho/godotenv v1.5.1\n",
    "go.sum": "",
    "main.go": DOTENV,
}


def moved_in(root: Path, _told: Told) -> None:
    (root / "internal/db").unlink()
    build_tree(root, {"internal/db/db.go": "package db\n"})


ROWS = [
    row(
        'listen on ":…"',
        "binds-localhost",
        {**GO, "main.go": MAIN.replace('":8080"', '"127.0.0.1:8080"')},
        edit("main.go", '"127.0.0.1:8080"', lambda hint: hint.removeprefix("listen on ")),
    ),
    row(
        "the compose file's `environment:`, or devctl.yaml: `services: {…: {env: {…}}}`",
        "variable-missing",
        {**GO, "main.go": NEEDS},
        into_yaml("devctl.yaml", 1, rest="postgres://db/shop"),
    ),
    row(
        "the compose file's `environment:`, or devctl.yaml: `services: {…: {env: {…}}}`",
        "variable-missing",
        {**GO, "main.go": NEEDS, "compose.yaml": BUILT},
        edit(
            "compose.yaml",
            "build: .",
            lambda hint: f"build: .\n    {said({'hint': hint})} {{DATABASE_URL: x}}",
        ),
    ),
    row(
        "create … with a line NAME=value for each of …",
        "env-file-missing",
        WITH_DOTENV,
        lambda root, told: (root / re.match(r"create (\S+) ", told["hint"])[1]).write_text(
            "DATABASE_URL=x\n"
        ),
    ),
    row(
        "cp … …, and fill in the missing values",
        "env-file-missing",
        {**WITH_DOTENV, ".env.example": "DATABASE_URL=x\n"},
        shell("(cp .*), and fill in"),
    ),
    row(
        "devctl.yaml: `services: {…: {main: …}}`",
        "which-main",
        {"go.mod": GO_MOD, "cmd/a/main.go": MAIN, "cmd/b/main.go": MAIN},
        into_yaml("devctl.yaml"),
    ),
    row(
        "devctl.yaml: `services: {…: {dir: …, main: …}}`",
        "which-main",
        {"svc/go.mod": GO_MOD, "svc/cmd/a/main.go": MAIN, "svc/cmd/b/main.go": MAIN},
        into_yaml("devctl.yaml"),
    ),
    row(
        "devctl.yaml: `services: {…: {dir: …, main: …}}`; or devctl -C … up",
        "which-main",
        {"a/go.mod": GO_MOD, "a/main.go": MAIN, "b/go.mod": OTHER, "b/main.go": MAIN},
        into_yaml("devctl.yaml"),
    ),
    row(
        "devctl.yaml: `services: {…: {main: …}}`; or devctl -C … up",
        "which-main",
        {"go.mod": GO_MOD, "cmd/x/main.go": MAIN, "z/go.mod": OTHER, "z/cmd/y/main.go": MAIN},
        into_yaml("devctl.yaml"),
    ),
    row(
        "go mod init example.com/NAME && go mod tidy",
        "no-go-module",
        {"main.go": MAIN},
        lambda root, told: (root / "go.mod").write_text(f"module {told['hint'].split()[3]}\n\ngo 1.26\n"),
    ),
    row(
        "test a library with go test ./...; to run a program, add cmd/NAME/main.go",
        "no-main",
        LIB,
        lambda root, told: write(re.search(r"add (\S+)$", told["hint"])[1].replace("NAME", "shop"), MAIN)(
            root, told
        ),
    ),
    row(
        r"save it as UTF-8 without BOM: sed -i '1s/^\xef\xbb\xbf//' …",
        "broken-go-mod",
        {**GO, "go.mod": b"\xef\xbb\xbf" + GO_MOD.encode()},
        shell("(sed .*)"),
    ),
    row(
        "fix line … of …; `… edit -fmt` shows what Go thinks",
        "broken-go-mod",
        {**GO, "go.mod": GO_MOD + "\nrequire (\n\texample.com/a v1.0.0\n"},
        lambda root, told: (root / "go.mod").write_text(GO_MOD),
    ),
    row(
        "… = …",
        "air-windows-path",
        {
            **GO,
            ".air.toml": AIR.replace("./tmp/main", "tmp\\\\\\\\main.exe", 1).replace(
                'bin = "./tmp/main"', "bin = 'tmp\\main.exe'"
            ),
        },
        line(),
    ),
    row(
        "without that line, the last good build keeps serving",
        "air-stops-on-error",
        {**GO, ".air.toml": AIR + "stop_on_error = true\n"},
        no_line,
    ),
    row(
        "go generate ./... (or what the README names for it: templ, sqlc, protoc), then save",
        "package-missing",
        {
            **GO,
            "main.go": USES_DB,
        },
        write("internal/db/db.go", "package db\n"),  # what a generator would write
    ),
    row(
        "move that folder into the project, so that the container finds …",
        "package-missing",
        {**GO, "main.go": USES_DB, "internal/cache/cache.go": "package cache\n"},
        moved_in,
        plant=lambda root: (root / "internal/db").symlink_to("/usr/share"),
    ),
]
