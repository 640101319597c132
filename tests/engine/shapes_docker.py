"""Repositories with a Dockerfile, a compose file, or both, as they have grown."""

from __future__ import annotations

from tests.engine.shapes import MOD, Shape, server
from tests.engine.shapes_code import TCP

# The cache is shared by all of them, so that the standard library is compiled once.
GO = (
    "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\n"
    "RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /server .\n"
)
PROD = 'FROM alpine:3.22\nCOPY --from=build /server /server\nENTRYPOINT ["/server"]\n'
# With the caches and the flags of our own air stage: compiled there already, so only linked here.
AIR = (
    "RUN --mount=type=cache,id=go-mod,target=/modcache --mount=type=cache,id=go-build-prod,target=/gocache \\\n"
    "    GOMODCACHE=/modcache GOCACHE=/gocache CGO_ENABLED=0 \\\n"
    "    go install -trimpath -ldflags='-s -w' github.com/air-verse/air@v1.67.2\n"
)
SUB_COMMAND = (
    server()
    .replace(
        "func main() {\n",
        'func main() {\n\tif len(os.Args) != 2 || os.Args[1] != "serve" {\n\t\treturn\n\t}\n',
    )
    .replace("import (\n", 'import (\n\t"os"\n')
)
COMPUTED = server(address='":" + strconv.Itoa(7000+70)', imports='\t"strconv"\n')
API = "services:\n  api:\n    build: .\n    ports: ['HOST_PORT:8080']\n"
DEV = (
    f"FROM golang:1.26-alpine AS development\n{AIR}WORKDIR /app\nENV GOFLAGS=-buildvcs=false HOME=/tmp\n"
    'CMD ["air", "-c", "air.toml"]\n\n'
)
AIR_TOML = (
    'root = "."\ntmp_dir = "/tmp/air"\n[build]\ncmd = "go build -o /tmp/air/main ."\nbin = "/tmp/air/main"\n'
)


def grown(
    compose: str | None, dockerfile: str | None = GO + PROD, *, main: str | None = None, **more: str
) -> dict[str, str]:
    files = {
        "go.mod": MOD,
        "main.go": main or server(),
        "compose.yaml": compose,
        "Dockerfile": dockerfile,
        **more,
    }
    return {path: text for path, text in files.items() if text is not None}


def ours(name: str = "shop") -> str:
    return f"version: 1\nservices:\n  {name}:\n    host_port: HOST_PORT\n"


DOCKER: dict[str, Shape] = {
    "dockerfile-without-compose": Shape(
        grown(None, f"# syntax=docker/dockerfile:1.3\n{GO}{PROD}") | {"devctl.yaml": ours()}
    ),
    "dockerfile-in-build-folder": Shape(
        grown(API.replace("build: .", "build: {context: ., dockerfile: build/package/Dockerfile}"), None)
        | {"build/package/Dockerfile": GO + PROD}
    ),
    "own-air-stage": Shape(
        grown(
            API.replace("8080", "7000").replace(
                "build: .", "build: {context: ., target: development}\n    volumes: ['.:/app']"
            ),
            DEV + GO + PROD,
            main=TCP,  # this stage compiles without a cache, and HTTP needs half of the standard library
        )
        | {"air.toml": AIR_TOML},
        speaks="tcp",
    ),
    "dev-stage-without-mount": Shape(
        grown(
            API.replace(
                "build: .",
                "build: {context: ., target: development}\n    develop: {watch: [{action: sync, path: ., target: /app}]}",
            ),
            f"{DEV}COPY . .\n{GO}{PROD}",
        )
        | {"air.toml": AIR_TOML},
    ),
    "data-on-volumes-of-somebody": Shape(
        grown(
            f"{API}    volumes: ['data:/data', './kept:/kept']\nvolumes:\n  data:\n",
            main=server(imports='\t"os"\n').replace(
                "func main() {\n",
                'func main() {\n\tfor _, path := range []string{"/data/x", "/kept/x"} {\n'
                "\t\tif err := os.WriteFile(path, nil, 0o600); err != nil && os.Getuid() != 65532 {\n"
                "\t\t\tpanic(err)\n\t\t}\n\t}\n",
            ),
        )
        | {"roots/x": ""},
        closed=("roots",),
    ),
    "one-of-several-targets": Shape(
        grown(
            API.replace("build: .", "build: {context: ., target: web}"),
            GO
            + PROD.replace("alpine:3.22", "alpine:3.22 AS web")
            + 'FROM alpine:3.22 AS jobs\nCMD ["sleep", "9"]\n',
        )
    ),
    "args-target": Shape(
        grown(
            API.replace("8080", "7000").replace(
                "build: .", "build: {context: ., args: ['target=development']}\n    volumes: ['.:/app']"
            ),
            DEV + GO + PROD,
            main=TCP,
        )
        | {"air.toml": AIR_TOML},
        speaks="tcp",
    ),
    "compose-without-go": Shape(
        grown("services:\n  cache:\n    image: alpine:3.22\n    command: sleep 1000\n    init: true\n", None)
        | {"devctl.yaml": ours()}
    ),
    "published-image": Shape(
        grown(
            "services:\n  web:\n    image: registry.invalid/acme/shop:1.2\n    ports: ['HOST_PORT:8080']\n"
            "    volumes: ['data:/data']\nvolumes:\n  data:\n"
        )
        | {"go.mod": "module example.com/acme/shop\n\ngo 1.26\n"}
    ),
    "one-shot-migration": Shape(
        grown(
            API + "    depends_on: {migrate: {condition: service_completed_successfully}}\n"
            "  migrate:\n    image: alpine:3.22\n    command: 'true'\n"
        )
    ),
    "waits-for-healthy": Shape(
        grown(
            API + "    depends_on: {db: {condition: service_healthy}}\n"
            "  db:\n    image: alpine:3.22\n    command: sh -c 'touch /tmp/ok; sleep 1000'\n    init: true\n"
            "    healthcheck: {test: ['CMD', 'test', '-e', '/tmp/ok'], interval: 200ms}\n"
        )
    ),
    "waited-for-until-healthy": Shape(
        grown(
            API
            + "    healthcheck: {test: ['CMD', 'wget', '-qO-', 'http://localhost:8080/'], interval: 200ms}\n"
            "  web:\n    image: alpine:3.22\n    command: sleep 1000\n    init: true\n"
            "    depends_on: {api: {condition: service_healthy}}\n"
        )
    ),
    "profiles-include-extends": Shape(
        grown(
            "include: [more/db.yaml]\nservices:\n  api:\n    extends: {file: common.yaml, service: base}\n"
            "    build: .\n    ports: ['HOST_PORT:8080']\n  admin:\n    image: alpine:3.22\n    profiles: [admin]\n"
        )
        | {
            "more/db.yaml": "services:\n  db:\n    image: alpine:3.22\n    command: sleep 1000\n    init: true\n",
            "common.yaml": "services:\n  base:\n    environment: {LEVEL: debug}\n",
        }
    ),
    "named-volume-over-app": Shape(grown(API + "    volumes: ['app:/app']\nvolumes:\n  app:\n")),
    "vendor-that-a-volume-left": Shape(
        grown(
            API + "    volumes: ['.:/app', '/app/vendor']\n",
            None,
            main=server("lib.Hello()", imports='\t"example.com/lib"\n'),
        )
        | {
            "go.mod": f"{MOD}\nrequire example.com/lib v0.0.0\n\nreplace example.com/lib => ./lib\n",
            "lib/go.mod": "module example.com/lib\n\ngo 1.26\n",
            "lib/lib.go": 'package lib\n\nfunc Hello() string { return "hello" }\n',
            "vendor/.keep": "",
        }
    ),
    "port-by-variable": Shape(
        grown(
            API.replace("8080", "9000") + "    environment: {PORT: '9000'}\n",
            main=server(address='":" + os.Getenv("PORT")', imports='\t"os"\n'),
        )
    ),
    "expose-only": Shape(grown(None, GO + PROD + "EXPOSE 7070\n", main=COMPUTED) | {"devctl.yaml": ours()}),
    "compose-port-only": Shape(grown(API.replace("8080", "7070"), None, main=COMPUTED)),
    "tags-of-the-dockerfile": Shape(
        grown(API, GO.replace("go build", "go build -tags shop,netgo") + PROD, main=server("word()"))
        | {"word.go": '//go:build shop\n\npackage main\n\nfunc word() string { return "hello" }\n'}
    ),
    "sub-command-of-the-dockerfile": Shape(
        grown(
            API,
            GO + PROD.replace('["/server"]', '["/server", "serve"]'),
            main=SUB_COMMAND,
        )
    ),
    "sub-command-of-compose": Shape(
        grown(
            API + "    command: ['serve']\n",
            main=SUB_COMMAND,
        )
    ),
    "file-that-the-dockerfile-copies": Shape(
        grown(
            API,
            GO
            + PROD.replace(
                'ENTRYPOINT ["/server"]',
                'COPY conf/word.txt /etc/shop/word.txt\nENTRYPOINT ["/server", "/etc/shop/word.txt"]',
            ),
            main=server("read()", imports='\t"os"\n')
            + "\nfunc read() string {\n\tb, err := os.ReadFile(os.Args[1])\n\tif err != nil {\n\t\treturn err.Error()\n\t}\n"
            "\treturn string(b)\n}\n",
        )
        | {"conf/word.txt": "hello"}
    ),
    "env-file-is-missing": Shape(
        grown(API + "    env_file: .env\n") | {".env.example": "LEVEL=debug\n"},
        refused=(3, "", "cp .env.example .env"),
    ),
    "shell-form-on-distroless": Shape(
        grown(
            API,
            GO
            + "FROM gcr.io/distroless/static-debian13:nonroot\nCOPY --from=build /server /server\nENTRYPOINT /server\n",
        ),
        preview_refused=(1, "not-ready", 'ENTRYPOINT ["/server"]'),
    ),
}
