"""More of what the lint says, of the Dockerfile and of code that something else makes."""

from __future__ import annotations

from tests.hints.dockerfile_rows import BUILD, DEV, GO, GO_MOD, MAIN, RUNNER, dockerfile
from tests.hints.follow import both, edit, line, row, write

EMBEDS = 'import (\n\t"embed"\n\t"net/http"\n)\n\n//go:embed dist\nvar pages embed.FS\n'
ROWS = [
    row(
        "FROM …, then RUN go install …",
        "air-old-path",
        dockerfile(
            DEV.replace("air-verse/air@v1.67.2", "cosmtrek/air@v1.40.0").replace(
                "1.26-alpine AS dev", "1.19-alpine"
            ),
            **{"go.mod": GO_MOD.replace("1.26", "1.19")},
        ),
        both(
            line(lambda hint: hint.partition(", then ")[2]),
            edit("Dockerfile", "FROM golang:1.19-alpine", lambda hint: hint.partition(", then ")[0]),
        ),
    ),
    row(
        "build it (npm run build, make or go generate: see the README)",
        "frontend-missing",
        dockerfile(BUILD + RUNNER, **{"main.go": MAIN.replace('import "net/http"\n', EMBEDS)}),
        write("dist/index.html", "<html>"),  # what such a build makes
    ),
    row(
        "…, then save",
        "generated-missing",
        {**GO, "page.templ": "package main\n"},
        write("page_templ.go", "package main\n"),  # what the command writes
    ),
]
