"""Repositories that need more than one file of Go or of Docker to tell: gRPC, compose files beside the code, two services."""

from __future__ import annotations

from tests.engine.shapes import MOD, Shape, server, yaml
from tests.engine.shapes_code import TCP
from tests.engine.shapes_docker import AIR_TOML, API, DEV, GO, PROD, grown

_GRPC = """package main

import (
	"net"

	"github.com/golang/protobuf/ptypes/wrappers"
	"google.golang.org/grpc"
)

func answer(_ interface{}, stream grpc.ServerStream) error {
	return stream.SendMsg(&wrappers.StringValue{Value: "hello"})
}

func main() {
	l, err := net.Listen("tcp", ":9090")
	if err != nil {
		panic(err)
	}
	panic(grpc.NewServer(grpc.UnknownServiceHandler(answer)).Serve(l))
}
"""
# An old release, because it is built twice here and needs a third of what a new one needs.
_GRPC_MOD = f"""{MOD}
require (
	github.com/golang/protobuf v1.3.5
	google.golang.org/grpc v1.2.1
)

require (
	golang.org/x/net v0.38.0 // indirect
	golang.org/x/text v0.23.0 // indirect
)
"""
_GRPC_SUM = """github.com/golang/protobuf v1.3.5 h1:F768QJ1E9tib+q5Sc8MkdJi1RxLTbRcTf8LJV56aRls=
github.com/golang/protobuf v1.3.5/go.mod h1:6O5/vntMXwX2lRkT1hjjk0nAC1IDOTvTlVgjlRvqsdk=
golang.org/x/net v0.38.0 h1:vRMAPTMaeGqVhG5QyLJHqNDwecKTomGeqbnfZyKlBI8=
golang.org/x/net v0.38.0/go.mod h1:ivrbrMbzFq5J41QOQh0siUuly180yBYtLp+CKbEaFx8=
golang.org/x/text v0.23.0 h1:D71I7dUrlY+VX0gQShAThNGHFxZ13dGLBHQLVl1mJlY=
golang.org/x/text v0.23.0/go.mod h1:/BLNzu4aZCJ1+kcD0DNRotWKage4q2rGVAg4o22unh4=
google.golang.org/grpc v1.2.1 h1:uXbsPclX7+aYIzPCched4e5D5dguzKH7wW8cyJ9r2Pk=
google.golang.org/grpc v1.2.1/go.mod h1:yo6s7OP7yaDglbqo1J04qKzAhqBH6lvTonzMVmEdcZw=
"""

MORE: dict[str, Shape] = {
    "grpc": Shape(
        {"go.mod": _GRPC_MOD, "go.sum": _GRPC_SUM, "main.go": _GRPC, "devctl.yaml": yaml("shop")},
        speaks="grpc",
    ),
    "frontend-that-cannot-be-built-here": Shape(
        {
            "go.mod": MOD,
            "main.go": server(),
            "Dockerfile": GO + PROD,
            "web/Dockerfile": "FROM node.example.invalid/node:22\nCOPY . .\n",
            "compose.yaml": f"{API}  web:\n    build: ./web\n    depends_on: [api]\n"
            "  proxy:\n    image: nginx.example.invalid/nginx:1\n    depends_on: [api, web]\n",
        }
    ),
    "frontend-stage-that-cannot-be-had": Shape(
        {
            "go.mod": MOD,
            "main.go": server(),
            "Dockerfile": "FROM node.example.invalid/node:22 AS web\n"
            + GO.replace("RUN", "COPY --from=web /dist ./dist\nRUN", 1)
            + PROD,
            "devctl.yaml": yaml("shop"),
        },
        preview_refused=(
            4,
            "base-missing",
            "node.example.invalid/node:22",
        ),
    ),
    "compose-in-deploy": Shape(
        {
            "go.mod": MOD,
            "main.go": server(),
            "build/Dockerfile": GO + PROD,
            "deploy/docker-compose.yml": API.replace(
                "build: .", "build: {context: .., dockerfile: build/Dockerfile}"
            ),
        }
    ),
    "built-outside-of-docker": Shape(
        grown(None, 'FROM alpine:3.22\nWORKDIR /app\nCOPY bin/app .\nEXPOSE 8080\nENTRYPOINT ["./app"]\n')
        | {
            ".dockerignore": "*\n!bin\n",
            "docker-compose.dev.yml": API,
            "docker-compose.prod.yml": API.replace("build: .", "image: acme/shop"),
        }
    ),
    "image-of-go-in-a-profile": Shape(
        grown(
            "services:\n  api:\n    image: golang:1.26-alpine\n    profiles: [app]\n    command: go run .\n"
            "    working_dir: /src\n    volumes: ['.:/src', 'mod:/go/pkg/mod']\n    ports: ['HOST_PORT:8080']\n"
            "volumes:\n  mod:\n",
            None,
        )
    ),
    "dockerfiles-for-dev-and-prod": Shape(
        grown(
            API.replace("8080", "7000").replace(
                "build: .", "build: {context: ., dockerfile: Dockerfile.dev}\n    volumes: ['.:/app']"
            ),
            None,
            main=TCP,
        )
        | {
            "air.toml": AIR_TOML,
            "Dockerfile.dev": DEV.replace(" AS development", ""),
            "Dockerfile.prod": GO + PROD,
        },
        speaks="tcp",
    ),
    "one-image-two-programs": Shape(
        {
            "cmd/web/main.go": server(),
            "cmd/api/main.go": server('"other"', '":8081"'),
            "go.mod": MOD,
            "Dockerfile": GO.replace(
                "GOCACHE=/gocache CGO_ENABLED=0 go build -o /server .",
                "for each in api web; do GOCACHE=/gocache CGO_ENABLED=0 go build -o /out/$each ./cmd/$each; done",
            )
            + "FROM alpine:3.22\nCOPY --from=build /out/ /app/\n"
            "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n"
            'CMD ["/app/api"]\n',
            "compose.yaml": "services:\n  main:\n    image: acme/shop\n    build: .\n"
            "  other:\n    image: acme/shop\n    command: /app/web\n    ports: ['HOST_PORT:8080']\n",
        }
    ),
}

# One Dockerfile for both, the package chosen by an argument. Neither is named like its package.
TWO_SERVICES = {
    "go.mod": MOD,
    "cmd/api/main.go": server('"hello from api"'),
    "cmd/web/main.go": server('"hello from web"', '":8081"'),
    "Dockerfile": GO.replace("RUN", "ARG APP\nRUN").replace("/server .", "/server ./cmd/${APP}") + PROD,
    "compose.yaml": "services:\n  backend:\n    build: {context: ., args: {APP: api}}\n    ports: ['HOST_PORT:8080']\n"
    "  frontend:\n    build: {context: ., args: {APP: web}}\n    depends_on: [backend]\n",
}
