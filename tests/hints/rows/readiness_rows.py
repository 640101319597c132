"""Hints about a built image: the Dockerfile that it was built from, and what it holds after the edit."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.hints.dockerfile_rows import BUILD, BUILT, GO, MAIN
from tests.hints.follow import Told, both, edit, into_service, into_yaml, row, said, write
from tests.hints.rows.built import CRYPTO

BUILDER = BUILD.replace("AS build\n", "AS builder\n")
LAST = 'FROM alpine:3.22\nCOPY --from=builder /server /server\nUSER 65532:65532\nENTRYPOINT ["/server"]\n'
SCRIPTED = LAST.replace("USER", "{}\nUSER").replace('"/server"]', '"/docker-entrypoint.sh"]')
CRLF = "#!/bin/sh -e\r\nexec /server\r\n"
GET = MAIN.replace("func main() { ", 'func main() { http.Get("https://example.com"); ')
ZONES = 'package main\n\nimport (\n\t"net/http"\n\t"time"\n)\n\nfunc main() { time.LoadLocation("Europe/Berlin"); http.ListenAndServe(":8080", nil) }\n'
SQLITE = MAIN.replace('import "net/http"', 'import (\n\t"net/http"\n\t_ "github.com/mattn/go-sqlite3"\n)')
STATIC = "gcr.io/distroless/static-debian13:nonroot"
CGO = {"go.mod": GO["go.mod"] + "\nrequire github.com/mattn/go-sqlite3 v1.14.22\n", "main.go": SQLITE}
Follow = Callable[[Path, Told], object]


def image(last: str = LAST, builder: str = BUILDER, /, **files: str) -> dict[str, str]:
    return {**GO, "compose.yaml": BUILT, "Dockerfile": builder + last, **files}


def at_end(text: Callable[[str], str] = str) -> Follow:
    """A line before what starts the program."""
    return edit(
        "Dockerfile",
        re.compile(r"(?m)^(?=(USER .*\n)?(ENTRYPOINT|CMD) )(?![\s\S]*^FROM)"),
        lambda h: text(h) + "\n",
    )


def instead(old: str, new: Callable[[str], str] = str, file: str = "Dockerfile") -> Follow:
    return edit(file, old, new)


def without_rest(hint: str) -> str:
    """The first of what it offers."""
    return hint.partition(", or ")[0]


def the_other(hint: str) -> str:
    return hint.partition(", or ")[2]


def go_build(before: str = "RUN CGO_ENABLED=0 go build -o", *, then: str = "-o") -> Follow:
    """`RUN … go build …` of the hint, with what the line has."""

    def new(hint: str) -> str:
        found = re.search(r"(?:RUN )?((?:\w+=\S+ )?go build (?:-ldflags '[^']*' )?)…", hint)
        assert found is not None, hint
        return f"RUN {found[1]}{then}"

    return edit("Dockerfile", before, new)


def with_c(root: Path, told: Told) -> None:
    """The builder of these rows is alpine's, whose C compiler is a package."""
    go_build()(root, told)
    instead("RUN CGO_ENABLED=1", lambda _hint: "RUN apk add --no-cache gcc musl-dev\nRUN CGO_ENABLED=1")(
        root, told
    )


DYNAMIC = BUILDER.replace("CGO_ENABLED=0 ", "CGO_ENABLED=1 ").replace("-alpine", "")
COMPOSED = "services:\n  api:\n    build: {context: .}\n"
HEALTH = {"compose.yaml": BUILT + "    healthcheck: {test: [CMD, curl, -f, localhost]}\n"}
ROWS = [
    row(
        "ARG TARGETARCH, then GOARCH=$TARGETARCH go build … in the builder stage",
        "architecture",
        image(LAST, BUILDER.replace("CGO_ENABLED=0 go", "CGO_ENABLED=0 GOARCH=arm64 go")),
        instead(
            "RUN CGO_ENABLED=0 GOARCH=arm64",
            lambda hint: f"{hint.partition(',')[0]}\nRUN CGO_ENABLED=0 {hint.split()[3]}",
        ),
    ),
    row(
        "COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/",
        "ca-certificates",
        image(LAST.replace("alpine:3.22", "scratch"), **{"main.go": GET}),
        at_end(),
    ),
    row(
        "COPY --from=builder only the binary into a separate stage",
        "source",
        image(
            LAST.replace("/server /server", "/src /src").replace('"/server"', '"/src/server"'),
            BUILDER.replace("/server", "server"),
        ),
        instead("/src /src", lambda hint: "/src/server /src/server"),
    ),
    row(
        "COPY --from=builder … …, or name a file that exists in the image",
        "entrypoint-exists",
        image(LAST.replace("/server\nU", "/app/server\nU")),
        at_end(lambda hint: without_rest(hint).replace("…", "/server")),
    ),
    row(
        "COPY --from=builder … …, or name a file that exists in the image",
        "entrypoint-exists",
        image(LAST.replace("/server\nU", "/app/server\nU")),
        instead('["/server"]', lambda hint: '["/app/server"]'),
    ),
    row(
        "COPY … …",
        "opened-files",
        image(
            **{
                "main.go": MAIN.replace('import "net/http"', 'import (\n\t"net/http"\n\t"os"\n)').replace(
                    "func main() { ", 'func main() { os.ReadFile("web/index.html"); '
                ),
                "web/index.html": "<html>",
            }
        ),
        at_end(),
    ),
    row(
        'ENTRYPOINT ["/server"]',
        "entrypoint-exists",
        image(LAST.replace('ENTRYPOINT ["/server"]\n', "")),
        edit("Dockerfile", "USER 65532:65532", lambda hint: f"USER 65532:65532\n{hint}"),
    ),
    row(
        'HEALTHCHECK NONE, or exec form: HEALTHCHECK CMD ["/server", "-healthcheck"]',
        "health-check",
        image(LAST + "HEALTHCHECK CMD curl -f localhost\n"),
        instead("HEALTHCHECK CMD curl -f localhost", without_rest),
    ),
    row(
        'HEALTHCHECK NONE, or exec form: HEALTHCHECK CMD ["/server", "-healthcheck"]',
        "health-check",
        image(LAST.replace("alpine:3.22", STATIC) + "HEALTHCHECK CMD /server -healthcheck\n"),
        instead("HEALTHCHECK CMD /server -healthcheck", lambda hint: hint.partition("form: ")[2]),
    ),
    row(
        "use RUN --mount=type=secret,id=… in the build, and pass secrets to the container when it starts",
        "secrets",
        image(LAST.replace("USER", "ARG API_TOKEN=hunter2\nRUN fetch $API_TOKEN\nUSER")),
        instead(
            "ARG API_TOKEN=hunter2\nRUN fetch $API_TOKEN",
            lambda hint: (
                f"{hint.removeprefix('use ').partition(' in the build')[0].replace('…', 'token')} fetch $(cat /run/secrets/token)"
            ),
        ),
    ),
    row(
        "use RUN --mount=type=secret,id=… in the build, and pass secrets to the container when it starts",
        "secrets",
        image(LAST.replace("USER", "ENV API_TOKEN=hunter2\nUSER")),
        both(
            instead("ENV API_TOKEN=hunter2\n", lambda _hint: ""),
            into_yaml("devctl.yaml", text="services: {api: {env: {API_TOKEN: hunter2}}}"),
        ),
    ),
    row(
        "RUN CGO_ENABLED=0 go build … in the builder stage",
        "static-binary",
        image(LAST, DYNAMIC),
        go_build("RUN CGO_ENABLED=1 go build -o"),
    ),
    row(
        "a base with that C library, or go build -ldflags '-linkmode external -extldflags -static' … in the builder",
        "static-binary",
        image(LAST, DYNAMIC, **CGO),
        go_build("RUN CGO_ENABLED=1 go build -o"),
    ),
    row(
        "a base with that C library, or go build -ldflags '-linkmode external -extldflags -static' … in the builder",
        "static-binary",
        image(LAST, DYNAMIC, **CGO),
        instead("FROM alpine:3.22", lambda hint: "FROM debian:13"),
    ),
    row(
        "RUN chmod 0755 … in the builder, or COPY --chmod=0755 … …",
        "entrypoint-exists",
        image(LAST, BUILDER + "RUN chmod 0644 /server\n"),
        instead("RUN chmod 0644 /server", lambda hint: hint.partition(" in the")[0].replace("…", "/server")),
    ),
    row(
        "RUN chmod 0755 … in the builder, or COPY --chmod=0755 … …",
        "entrypoint-exists",
        image(LAST, BUILDER + "RUN chmod 0644 /server\n"),
        instead(
            "COPY --from=builder /server /server",
            lambda hint: the_other(hint).replace("COPY", "COPY --from=builder").replace("…", "/server"),
        ),
    ),
    row(
        "sed -i 's/\\r$//' …; `… text eol=lf` in .gitattributes keeps it so",
        "entrypoint-exists",
        image(
            SCRIPTED.format("COPY --chmod=0755 docker/entrypoint.sh /docker-entrypoint.sh"),
            **{"docker/entrypoint.sh": CRLF},
        ),
        lambda root, told: subprocess.run(shlex.split(told["hint"].partition(";")[0]), cwd=root, check=True),
    ),
    row(
        "sed -i 's/\\r$//' on the file that becomes …; `text eol=lf` for it in .gitattributes keeps it so",
        "entrypoint-exists",
        image(
            SCRIPTED.format("COPY --from=builder --chmod=0755 /made.sh /docker-entrypoint.sh"),
            BUILDER + "COPY docker/entrypoint.sh /made.sh\n",
            **{"docker/entrypoint.sh": CRLF},
        ),
        lambda root, told: subprocess.run(
            [*shlex.split(told["hint"].partition(" on the file")[0]), "docker/entrypoint.sh"],
            cwd=root,
            check=True,
        ),
    ),
    row("USER …", "user", image(LAST.replace("USER 65532:65532", "USER nobody")), instead("USER nobody")),
    row("USER …", "user", image(LAST.replace("USER 65532:65532\n", "")), at_end()),
    row(
        "`build: {target: …}` in the compose file",
        "toolchain",
        image(
            'FROM builder AS all\nUSER 65532:65532\nENTRYPOINT ["/server"]\n'
            + LAST.replace("22\n", "22 AS slim\n"),
            BUILDER,
            **{"compose.yaml": "services:\n  api:\n    build: {context: ., target: all}\n"},
        ),
        into_service(),
    ),
    row(
        "`build: {dockerfile: …}` in the compose file",
        "toolchain",
        image(
            'USER 65532:65532\nENTRYPOINT ["/server"]\n',
            BUILDER,
            **{"compose.yaml": COMPOSED, "Dockerfile.prod": BUILDER + LAST},
        ),
        into_service(),
    ),
    row(
        "`exec` before the program, so that it replaces the shell",
        "entrypoint-form",
        image(LAST.replace('["/server"]', "/server --port=$PORT")),
        instead("ENTRYPOINT /server", lambda hint: f"ENTRYPOINT {said({'hint': hint})} /server"),
    ),
    row(
        '`healthcheck: {disable: true}`, or a check that the program answers itself: `test: ["CMD", "/server", "-healthcheck"]`',
        "health-check",
        image(**HEALTH),
        into_service(),
    ),
    row(
        '`healthcheck: {disable: true}`, or a check that the program answers itself: `test: ["CMD", "/server", "-healthcheck"]`',
        "health-check",
        image(**HEALTH),
        edit("compose.yaml", "test: [CMD, curl, -f, localhost]", lambda hint: said({"hint": hint}, 1)),
    ),
    row(
        'import _ "time/tzdata" in package main',
        "time-zones",
        image(**{"main.go": ZONES}),
        edit("main.go", "import (", lambda hint: f"{hint.partition(' in ')[0]}\nimport ("),
    ),
    row(
        "listen on 8080 and let the platform map the port",
        "privileged-port",
        image(LAST.replace("USER", "EXPOSE 80\nUSER"), **{"main.go": MAIN.replace(":8080", ":80")}),
        both(
            edit("main.go", ":80", lambda hint: ":" + hint.split()[2]),
            edit("Dockerfile", "EXPOSE 80", lambda hint: "EXPOSE " + hint.split()[2]),
        ),
    ),
    row(
        "…, or use a package that does not need C",
        "cgo",
        image(**CGO),
        with_c,
    ),
    row(
        "test what uses it in the preview; to build with C: …",
        "cgo",
        image(**{"main.go": SQLITE.replace("github.com/mattn/go-sqlite3", CRYPTO)}),
        with_c,
    ),
    row(
        "…, or use a package that does not need C",
        "cgo",
        image(**CGO),
        both(
            write("go.mod", GO["go.mod"] + "\nrequire modernc.org/sqlite v1.34.0\n"),
            edit("main.go", "github.com/mattn/go-sqlite3", lambda _hint: "modernc.org/sqlite"),
        ),
    ),
]
