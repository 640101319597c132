"""Small repositories, each one shape that is met in the wild. HOST_PORT stands for a port that is free."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

MOD = "module example.com/shop\n\ngo 1.26\n"
OVERRIDE = "version: 1\nservices:\n  NAME:\n    host_port: HOST_PORT\n"


class Shape(Struct, frozen=True):
    """`files` by path. The answer contains the word `hello`, which the test changes in the first file that has it.

    `refused` and `preview_refused`: exit code, error code ("" any) and a word of the remedy of `up` and `prod-preview`.
    `closed`: folders that only root may open.
    """

    files: dict[str, str]
    speaks: Literal["http", "https", "tcp", "grpc", "log"] = "http"
    folder: str = ""
    refused: tuple[int, str, str] | None = None
    preview_refused: tuple[int, str, str] | None = None
    closed: tuple[str, ...] = ()


def server(body: str = '"hello"', address: str = '":8080"', imports: str = "") -> str:
    """A main that answers each request with the expression `body`."""
    return (
        f'package main\n\nimport (\n\t"fmt"\n\t"net/http"\n{imports})\n\nfunc main() {{\n'
        '\thttp.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, '
        f"{body}) }})\n\tif err := http.ListenAndServe({address}, nil); err != nil {{\n\t\tpanic(err)\n\t}}\n}}\n"
    )


def yaml(name: str, more: str = "") -> str:
    return OVERRIDE.replace("NAME", name) + more


SHAPES: dict[str, dict[str, str]] = {
    "plain": {"go.mod": MOD, "main.go": server(), "devctl.yaml": yaml("shop")},
    "cmd-and-internal": {
        "go.mod": MOD,
        "cmd/api/main.go": server("text.Hello()", imports='\t"example.com/shop/internal/text"\n'),
        "internal/text/text.go": 'package text\n\nfunc Hello() string { return "hello" }\n',
        "devctl.yaml": yaml("api"),
    },
    "server-and-cli": {
        "go.mod": MOD,
        "cmd/server/main.go": server(),
        "cmd/cli/main.go": 'package main\n\nfunc main() { println("cli") }\n',
        "devctl.yaml": yaml("server"),
    },
    "module-below": {"backend/go.mod": MOD, "backend/main.go": server(), "devctl.yaml": yaml("shop")},
    "workspace": {
        "go.work": "go 1.26\n\nuse (\n\t./app\n\t./lib\n)\n",
        "app/go.mod": "module example.com/app\n\ngo 1.26\n",
        "app/main.go": server("lib.Hello()", imports='\t"example.com/lib"\n'),
        "lib/go.mod": "module example.com/lib\n\ngo 1.26\n",
        "lib/lib.go": 'package lib\n\nfunc Hello() string { return "hello" }\n',
        "devctl.yaml": yaml("app"),
    },
    "local-replace": {
        "go.mod": f"{MOD}\nrequire example.com/lib v0.0.0\n\nreplace example.com/lib => ./lib\n",
        "main.go": server("lib.Hello()", imports='\t"example.com/lib"\n'),
        "lib/go.mod": "module example.com/lib\n\ngo 1.26\n",
        "lib/lib.go": 'package lib\n\nfunc Hello() string { return "hello" }\n',
        "devctl.yaml": yaml("shop"),
    },
    "vendored": {
        "go.mod": f"{MOD}\nrequire example.com/lib v1.0.0\n",
        "main.go": server('"hello " + lib.Hello()', imports='\t"example.com/lib"\n'),
        "vendor/modules.txt": "# example.com/lib v1.0.0\n## explicit; go 1.26\nexample.com/lib\n",
        "vendor/example.com/lib/lib.go": 'package lib\n\nfunc Hello() string { return "hello" }\n',
        "go.sum": "",
        "devctl.yaml": yaml("shop"),
    },
    "read-at-run-time": {
        "go.mod": MOD,
        "main.go": server("read()", imports='\t"os"\n')
        + '\nfunc read() string {\n\tb, err := os.ReadFile("templates/page.html")\n'
        "\tif err != nil {\n\t\treturn err.Error()\n\t}\n\treturn string(b)\n}\n",
        "templates/page.html": "hello",
        "devctl.yaml": yaml("shop"),
    },
    "port-variable": {
        "go.mod": MOD,
        "main.go": server(address='":" + os.Getenv("PORT")', imports='\t"os"\n'),
        "devctl.yaml": yaml("shop"),
    },
    "flag": {
        "go.mod": MOD,
        "main.go": server(address="addr()", imports='\t"flag"\n')
        + '\nfunc addr() string {\n\ta := flag.String("addr", ":4000", "address")\n\tflag.Parse()\n\treturn *a\n}\n',
        "devctl.yaml": yaml("shop"),
    },
    "sub-command": {
        "go.mod": MOD,
        "main.go": server(address="addr()", imports='\t"os"\n')
        + '\nfunc addr() string {\n\tif len(os.Args) < 2 || os.Args[1] != "serve" {\n\t\tos.Exit(0)\n\t}\n\treturn ":8080"\n}\n',
        "devctl.yaml": yaml("shop", "    args: [serve]\n    port: 8080\n"),
    },
    "hidden-from-the-context": {
        "go.mod": MOD,
        "main.go": server(),
        ".dockerignore": ".*\n**/Dockerfile*\n",
        "devctl.yaml": yaml("shop"),
    },
    "go-chosen-in-devctl-yaml": {
        "go.mod": "module example.com/shop\n\ngo 1.21\n",
        "main.go": server(),
        "devctl.yaml": yaml("shop", 'go: "1.26"\n'),
    },
    "dependency": {
        "go.mod": MOD,
        "main.go": server(),
        "app.env": "LEVEL=debug\n",
        "Dockerfile": "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\n"
        "RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /server .\n\n"
        "FROM alpine:3.22\nCOPY --from=build /server /server\n"
        'ENTRYPOINT ["/server"]\n',
        "compose.yaml": "services:\n  api:\n    build: .\n    ports: ['HOST_PORT:8080']\n    env_file: app.env\n"
        "    depends_on: [db]\n  db:\n    image: alpine:3.22\n    command: sleep 1000\n"
        "    init: true\n    volumes: ['data:/data']\n  extra:\n    image: alpine:3.22\n    profiles: [more]\n"
        "volumes:\n  data:\n",
    },
}
