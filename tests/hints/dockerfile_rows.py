"""Hints about the Dockerfile, on a service with two stages."""

from __future__ import annotations

from tests.hints.follow import both, edit, into_service, line, no_line, row

GO_MOD = "module example.com/shop\n\ngo 1.26\n"
MAIN = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
BUILD = "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /server .\n"
RUNNER = 'FROM alpine:3.22\nCOPY --from=build /server /server\nENTRYPOINT ["/server"]\n'
DEV = 'FROM golang:1.26-alpine AS dev\nWORKDIR /src\nRUN go install github.com/air-verse/air@v1.67.2\nCOPY . .\nCMD ["air"]\n'
GO = {"go.mod": GO_MOD, "main.go": MAIN}
BUILT = "services:\n  api:\n    build: .\n"


def dockerfile(text: str, **files: str) -> dict[str, str]:
    return {**GO, "Dockerfile": text, **files}


ROWS = [
    row(
        "RUN go install …",
        "air-old-path",
        dockerfile(DEV.replace("air-verse/air@v1.67.2", "cosmtrek/air@v1.49.0") + BUILD + RUNNER),
        line(),
    ),
    row(
        "FROM … AS …, then RUN go install …",
        "air-old-path",
        dockerfile(
            DEV.replace("air-verse/air@v1.67.2", "cosmtrek/air@v1.40.0").replace("1.26", "1.19")
            + BUILD
            + RUNNER,
            **{"go.mod": GO_MOD.replace("1.26", "1.19")},
        ),
        both(
            line(lambda hint: hint.partition(", then ")[2]),
            edit("Dockerfile", "FROM golang:1.19-alpine AS dev", lambda hint: hint.partition(", then ")[0]),
        ),
    ),
    row(
        "let the program read the variable …, or write out its value",
        "exec-form-variable",
        dockerfile(BUILD + RUNNER.replace('"/server"', '"/server", "--port=$PORT"')),
        edit("Dockerfile", "$PORT", lambda _hint: "8080"),
    ),
    row(
        'ENTRYPOINT ["/…"…]',
        "relative-entrypoint",
        dockerfile(BUILD + RUNNER.replace('"/server"', '"./server", "-v"')),
        line(),
    ),
    row(
        "FROM … AS … instead of the COPY (one stage can be built on another)",
        "copy-missing-go-pkg",
        dockerfile(
            "FROM golang:1.26-alpine AS base\nFROM base AS deps\nWORKDIR /src\nCOPY . .\n"
            "FROM base AS builder\nCOPY --from=deps /go/pkg /go/pkg\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /server .\n"
            + RUNNER.replace("=build", "=builder")
        ),
        both(no_line, edit("Dockerfile", "FROM base AS builder", lambda hint: hint.partition(" instead")[0])),
    ),
    row(
        "ARG TARGETARCH, and GOARCH=$TARGETARCH in the build",
        "goarch-fixed",
        dockerfile(BUILD.replace("CGO_ENABLED=0", "CGO_ENABLED=0 GOARCH=amd64") + RUNNER),
        edit(
            "Dockerfile",
            "RUN CGO_ENABLED=0 GOARCH=amd64",
            lambda hint: f"{hint.partition(',')[0]}\nRUN CGO_ENABLED=0 {hint.split()[3]}",
        ),
    ),
    row(
        "ENV CGO_ENABLED=0 before the build",
        "dynamic-on-static",
        dockerfile(
            BUILD.replace("CGO_ENABLED=0 ", "").replace("-alpine", "")
            + RUNNER.replace("alpine:3.22", "gcr.io/distroless/static-debian13:nonroot")
        ),
        edit(
            "Dockerfile",
            "RUN go build",
            lambda hint: f"{hint.removesuffix(' before the build')}\nRUN go build",
        ),
    ),
    row(
        "`build: {target: …}` instead of that line",
        "args-target",
        dockerfile(
            BUILD + RUNNER.replace("22\n", "22 AS runner\n") + "FROM build AS other\n",
            **{
                "compose.yaml": "services:\n  api:\n    build:\n      context: .\n      args: {target: runner}\n"
            },
        ),
        both(no_line, into_service()),
    ),
    row(
        "ENTRYPOINT …",
        "shell-form-no-shell",
        dockerfile(BUILD + RUNNER.replace("alpine:3.22", "scratch").replace('["/server"]', "/server -v")),
        line(),
    ),
]
