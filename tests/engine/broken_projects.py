"""Small projects that run well in dev and cannot run in production, each way by one stage or one variable."""

from __future__ import annotations

from tests.engine.dockerfile_stages import STAGES as COMMON
from tests.engine.dockerfile_stages import line_in

COMPOSE = """\
services:
  app:
    build: .
    ports: ["HOST_PORT:8080"]
    depends_on: [beside]
  beside:
    image: alpine:3.22
    init: true
    command: [sleep, "3600"]
"""
MOD = "module example.com/app\n\ngo 1.26\n"

# --- One stage for each finding before the switch -------------------------------------------------------------------------

_BUILDER = """\
FROM golang:1.26-alpine AS builder
WORKDIR /src
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS="-buildvcs=false -trimpath" GOCACHE=/gocache
COPY go.mod main.go ./
COPY tiny ./tiny
RUN --mount=type=cache,id=go-build-prod,target=/gocache go build -ldflags '-s -w' -o /server . && \\
    go build -buildmode=pie -o /pie ./tiny && \\
    GOARCH=arm64 go build -o /arm ./tiny

"""
_OWN = """\
FROM scratch AS idle
COPY --from=builder /server /server
USER 65532

FROM good AS lacking
HEALTHCHECK CMD ["/healthcheck"]

FROM scratch AS careless
WORKDIR /app
COPY --from=builder /server /app/server
COPY main.go /app/
ENV API_TOKEN=abc
EXPOSE 8080 80
ENTRYPOINT ["./server"]

FROM alpine:3.22 AS shelled
ARG NPM_TOKEN=abc
RUN mkdir -p /app
COPY --from=builder /server /server
COPY .env /app/
COPY .git /app/.git
USER nobody
ENTRYPOINT /server
"""
STAGES = _BUILDER + COMMON + _OWN
STAGES_MAIN = """\
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "it serves") })
	http.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		page, err := os.ReadFile("templates/page.html")
		fmt.Fprint(w, string(page), err)
	})
	http.HandleFunc("POST /far", func(w http.ResponseWriter, r *http.Request) {
		zone, err := time.LoadLocation(r.FormValue("zone"))
		answer, failed := http.Get("https://example.com/")
		fmt.Fprint(w, zone, err, answer, failed)
	})
	if err := http.ListenAndServe(":8080", nil); err != nil {
		panic(err)
	}
}
"""
STAGED = {
    "go.mod": MOD,
    "main.go": STAGES_MAIN,
    "tiny/main.go": "package main\n\nfunc main() {}\n",
    "templates/page.html": "<p>a page</p>\n",
    ".dockerignore": "# nothing is left out\n",
    ".env": "TOKEN=abc\n",
    ".git/HEAD": "ref: refs/heads/main\n",
    "Dockerfile": STAGES,
    "compose.yaml": COMPOSE,
}


def stage_line(instruction: str, *, stage: str) -> int:
    return line_in(STAGES, instruction, stage=stage)


def line_of(text: str, *, source: str) -> int:
    return next(i for i, line in enumerate(source.splitlines(), 1) if text in line)


# --- One value of FAIL for each start that fails; only production is given it ---------------------------------------------

FAILING_MAIN = """\
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "it serves") })
	if how := os.Getenv("FAIL"); how != "" {
		fail(how)
	} else {
		_ = os.WriteFile("/data/app.db", nil, 0o600) // in dev, and so of root
	}
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func fail(how string) {
	switch how {
	case "exits":
		log.Print("no luck today")
		os.Exit(3)
	case "panics":
		var counts map[string]int
		counts["first"] = 1
	case "silent":
		time.Sleep(time.Hour)
	case "of-the-system":
		must(os.WriteFile("/etc/app.db", nil, 0o600))
	case "read-only":
		must(os.WriteFile("/var/data.db", nil, 0o600))
	case "not-allowed":
		must(os.WriteFile("/data/app.db", nil, 0o600))
	case "no-file":
		_, err := os.ReadFile("/etc/app/settings.json")
		must(err)
	case "no-template":
		_, err := os.ReadFile("pages/first.html")
		must(err)
	case "no-variable":
		required("DATABASE_URL")
	case "elsewhere":
		log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), nil))
	case "alpine":
		if _, err := os.Stat("/etc/alpine-release"); err == nil {
			log.Fatal("not on alpine")
		}
	}
}

func required(name string) {
	if os.Getenv(name) == "" {
		log.Fatal(name, " is not set")
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
"""
FAILING = {
    "go.mod": MOD,
    "main.go": FAILING_MAIN,
    "compose.yaml": COMPOSE.replace("    depends_on", "    volumes: [data:/data]\n    depends_on")
    + "volumes:\n  data:\n",
}
TWO = {
    "go.mod": MOD,
    "web/main.go": FAILING_MAIN,
    "worker/main.go": FAILING_MAIN.replace('"FAIL"', '"FAIL_WORKER"').replace('"it serves"', '"it works"'),
    "compose.yaml": """\
services:
  web:
    build: .
    ports: ["HOST_PORT:8080"]
  worker:
    build: .
    ports: ["8080"]
""",
}


def prod_env(**env: str) -> str:
    """devctl.yaml that gives production these variables, and dev none."""
    return "version: 1\nprod:\n  env:\n" + "".join(f"    {key}: {value!r}\n" for key, value in env.items())


TWO_CONFIG = "services:\n  web: {main: ./web}\n  worker: {main: ./worker}\n"

# --- What only C can do, and a base without a compiler --------------------------------------------------------------------

CGO = {
    "go.mod": f"{MOD}\nrequire github.com/mattn/go-sqlite3 v1.14.0\n\n"
    "replace github.com/mattn/go-sqlite3 => ./third_party/sqlite3\n",
    "main.go": FAILING_MAIN.replace('"time"\n', '"time"\n\n\t_ "github.com/mattn/go-sqlite3"\n'),
    "third_party/sqlite3/go.mod": "module github.com/mattn/go-sqlite3\n\ngo 1.26\n",
    "third_party/sqlite3/static_mock.go": "//go:build !cgo\n\npackage sqlite3\n",
    "third_party/sqlite3/sqlite3.go": 'package sqlite3\n\n// int one() { return 1; }\nimport "C"\n\nvar One = C.one()\n',
    "compose.yaml": 'services:\n  app:\n    build: .\n    ports: ["HOST_PORT:8080"]\n',
    "devctl.yaml": "version: 1\nbases: {golang: golang:1.26-alpine}\n",
}
WITHOUT_CGO = "version: 1\nservices: {app: {build: {env: {CGO_ENABLED: '0'}}}}\n"

# --- C in little-known modules, vendored: a stub that fails when it is used, and another way to the same result ----


def _vendored(name: str, with_c: str, plain: str) -> dict[str, str]:
    folder = f"vendor/corp.example/{name}"
    c = f'package {name}\n\n// int {name}(void) {{ return 1; }}\nimport "C"\n\n'
    return {
        f"{folder}/{with_c}": f"{c}func Do() int {{ return int(C.{name}()) }}\n",
        f"{folder}/{plain}": f"//go:build !cgo\n\npackage {name}\n\n",
    }


_LOSES = 'import "errors"\n\nfunc Do() int { panic(errors.New("ledger is a stub: built without cgo it keeps nothing")) }\n'
_VENDORED = _vendored("ledger", "ledger.go", "stub.go") | _vendored("digest", "digest.go", "digest_plain.go")
_VENDORED["vendor/corp.example/ledger/stub.go"] += _LOSES
_VENDORED["vendor/corp.example/digest/digest_plain.go"] += "func Do() int { return 1 }\n"
UNKNOWN_C = {
    "go.mod": f"{MOD}\nrequire (\n\tcorp.example/digest v1.0.0\n\tcorp.example/ledger v1.2.0\n)\n",
    "main.go": FAILING_MAIN.replace('"time"\n', '"time"\n\n\t"example.com/app/store"\n').replace(
        '"it serves")', '"it serves", store.Sum())'
    ),
    "store/store.go": 'package store\n\nimport (\n\t"corp.example/digest"\n\t"corp.example/ledger"\n)\n\n'
    "func Sum() int { return digest.Do() }\n\nfunc Keep() int { return ledger.Do() }\n",
    "vendor/modules.txt": "".join(
        f"# corp.example/{name}\n## explicit\ncorp.example/{name.split()[0]}\n"
        for name in ("digest v1.0.0", "ledger v1.2.0")
    ),
    "compose.yaml": CGO["compose.yaml"],
    **_VENDORED,
}
