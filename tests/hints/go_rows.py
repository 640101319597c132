"""What Go says about modules and code, in a container with Go: each is explained, followed, and built again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.hints.dockerfile_rows import GO_MOD
from tests.hints.follow import Told, both, edit, filled, row, said, write

UUID = "github.com/google/uuid"
GENPROTO = "google.golang.org/genproto"
USES = 'package main\n\nimport "github.com/google/uuid"\n\nfunc main() { println(uuid.NewString()) }\n'
PLAIN = 'package main\n\nfunc main() { println("hello") }\n'
REQUIRED = GO_MOD + f"\nrequire {UUID} v1.6.0\n"
SUM = f"{UUID} v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n{UUID} v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n"
STALE_SUM = """golang.org/x/net v0.40.0 h1:79Xs7wF06Gbdcg4kdCCIQArK11Z1hr5POQ6+fIYHNuY=
golang.org/x/net v0.40.0/go.mod h1:y0hY0exeL2Pku80/zKK7tpntoX23cqL3Oa6njdgRtds=
golang.org/x/text v0.25.0 h1:qVyWApTSYLk/drJRO5mDlNYskwQznZmkpV2c8q9zls4=
golang.org/x/text v0.25.0/go.mod h1:WEdwpYrmk1qmdHvhkSTNPm3app7v4rsT8F2UD6+VHIA=
golang.org/x/text v0.3.0/go.mod h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ=
"""
BUILD = "go build -o /tmp/built ."
NOBODYS = "/tmp/nobody-cache"
"""The build cache of the user `nobody`."""
Files = Mapping[str, str]


def go(
    hint: str,
    code: str,
    files: Files,
    follow: Callable[[Path, Told], object],
    *,
    run: str = BUILD,
    **more: Any,
) -> Any:
    return row(hint, code, {"go.mod": GO_MOD, "main.go": PLAIN, **files}, follow, words=(run,), **more)


def then(command: Callable[[str], str], run: str = BUILD) -> Callable[[Path, Told], tuple[str]]:
    """A command that the hint says, made of its text; then the build."""
    return lambda _root, told: (f"{command(told['hint'])} && {run}",)


def whole(hint: str) -> str:
    return hint


def after(words: str) -> Callable[[str], str]:
    return lambda hint: hint.partition(words)[2]


ROWS = [
    go(
        "entry go-sum-missing | go mod tidy",
        "go-sum-missing",
        {"go.mod": REQUIRED, "main.go": USES},
        then(whole),
    ),
    go(
        "upgrade the module that used to contain it: go get -u MODULE, then go mod tidy",
        "ambiguous-import",
        {
            "go.mod": GO_MOD
            + f"\nrequire (\n\t{GENPROTO} v0.0.0-20200526211855-cb27e3aa2013\n\t{GENPROTO}/googleapis/rpc v0.0.0-20240318140521-94a12d6c2237\n)\n",
            "main.go": f'package main\n\nimport _ "{GENPROTO}/googleapis/rpc/status"\n\nfunc main() {{}}\n',
        },
        then(lambda hint: after("contain it: ")(hint).replace("MODULE", GENPROTO).replace(", then", " &&")),
        run=f"go mod tidy && {BUILD}",
    ),
    go(
        "devctl doctor checks it from inside a container; HTTPS_PROXY or GOPROXY must reach the build",
        "proxy-unreachable",
        {"go.mod": REQUIRED, "go.sum": SUM, "main.go": USES},
        then(lambda hint: f"go env {after('HTTPS_PROXY or ')(hint).split()[0]}"),
        run=f"go clean -modcache && GOPROXY=http://127.0.0.1:9 {BUILD}",
    ),
    go("go get …", "requirement-missing", {"main.go": USES}, then(whole)),
    go(
        "import it by its module path: the module line of go.mod, then the folder",
        "package-unknown",
        {
            "main.go": 'package main\n\nimport "shop/store"\n\nfunc main() { store.Open() }\n',
            "store/store.go": "package store\n\nfunc Open() {}\n",
        },
        edit("main.go", '"shop/store"', lambda _hint: '"example.com/shop/store"'),
    ),
    go(
        "entry go-mod-stale | go mod tidy",
        "go-mod-stale",
        {
            "go.sum": STALE_SUM,
            "go.mod": GO_MOD + "\nrequire (\n\tgolang.org/x/net v0.40.0\n\tgolang.org/x/text v0.3.0\n)\n",
            "main.go": 'package main\n\nimport (\n\t"golang.org/x/net/idna"\n\t_ "golang.org/x/text/width"\n)\n\nfunc main() { println(idna.ToASCII("a")) }\n',
        },
        then(whole),
    ),
    go(
        "go mod vendor",
        "vendoring-stale",
        {"go.mod": REQUIRED, "go.sum": SUM, "main.go": USES, "vendor/modules.txt": "## nothing\n"},
        then(whole),
    ),
    go(
        "was the version tagged again, or does a proxy change files? If the change is intended: go clean -modcache, remove its lines from go.sum, go mod tidy",
        "checksum-mismatch",
        {"go.mod": REQUIRED, "go.sum": SUM.replace("NIva", "AAAA"), "main.go": USES},
        both(
            write("go.sum", ""),
            lambda _root, told: (f"go clean -modcache && {told['hint'].rpartition(', ')[2]} && {BUILD}",),
        ),
        run=f"go clean -modcache && {BUILD}",
    ),
    go(
        "go work edit -dropuse=./…; in an image: COPY its go.mod, and remove it from .dockerignore",
        "go-work-member-missing",
        {"go.work": "go 1.26\n\nuse (\n\t.\n\t./lib\n)\n"},
        then(lambda hint: hint.partition(";")[0]),
    ),
    go(
        "go work use .",
        "not-in-workspace",
        {"go.work": "go 1.26\n\nuse ./a\n", "a/go.mod": GO_MOD.replace("shop", "a"), "a/a.go": "package a\n"},
        then(whole),
    ),
    go(
        "COPY that folder, which must be in the build context; or, if the code no longer needs it: go mod edit -dropreplace=… && go mod tidy",
        "replacement-missing",
        {"go.mod": f"{REQUIRED}\nreplace {UUID} => ./uuid\n", "main.go": USES},
        then(after("needs it: ")),
    ),
    go(
        "import it as …, then: go mod edit -droprequire=… && go mod tidy",
        "module-renamed",
        {
            "go.mod": GO_MOD + "\nrequire github.com/Sirupsen/logrus v1.9.3\n",
            "main.go": 'package main\n\nimport "github.com/Sirupsen/logrus"\n\nfunc main() { logrus.Info("x") }\n',
        },
        both(edit("main.go", "Sirupsen", lambda _hint: "sirupsen"), then(after("then: "))),
        run=f"go mod download; {BUILD}",
    ),
    go(
        "fix that line of go.mod",
        "broken-go-mod",
        {"go.mod": GO_MOD + "\nrequire x\n"},
        write("go.mod", GO_MOD),
    ),
    go(
        "remove leftovers of a merge, then go mod tidy",
        "broken-go-sum",
        {"go.mod": REQUIRED, "go.sum": f"<<<<<<< HEAD\n{SUM}=======\n{SUM}>>>>>>> other\n", "main.go": USES},
        both(write("go.sum", SUM), then(after("then "))),
    ),
    go(
        "unset GOPROXY, or go mod vendor where there is network access",
        "proxy-off",
        {"go.mod": REQUIRED, "go.sum": SUM, "main.go": USES},
        then(
            lambda hint: "go clean -modcache; GOFLAGS= " + hint.partition(", or ")[2].partition(" where")[0],
            run=f"GOPROXY=off {BUILD}",
        ),
        run=f"go clean -modcache && GOPROXY=off {BUILD}",
    ),
    go(
        "for private modules: go env -w GONOSUMDB=…; without access to it: GONOSUMDB or GOFLAGS=-mod=vendor",
        "sumdb-unreachable",
        {"go.mod": REQUIRED, "main.go": USES},
        lambda _root, told: (
            f"export GOENV=/tmp/goenv; {told['hint'].partition(': ')[2].partition(';')[0]} && GOSUMDB='sum.golang.org https://127.0.0.1:9' go mod tidy && {BUILD}",
        ),
        run=f"go clean -modcache && export GOSUMDB='sum.golang.org https://127.0.0.1:9' GOENV=/tmp/goenv && go mod tidy && {BUILD}",
    ),
    go(
        'devctl.yaml: `go: "…"`, or lower the go line of go.mod',
        "go-too-old",
        {"go.mod": GO_MOD.replace("1.26", "1.99")},
        edit("go.mod", "go 1.99", lambda _hint: "go 1.26"),
        run=f"GOTOOLCHAIN=local {BUILD}",
    ),
    go("go work use", "go-work-too-old", {"go.work": "go 1.24\n\nuse .\n"}, then(whole)),
    go(
        "go mod edit -go=…",
        "language-too-old",
        {
            "go.mod": GO_MOD.replace("1.26", "1.17"),
            "main.go": "package main\n\nfunc f[T any](t T) {}\n\nfunc main() { f(1) }\n",
        },
        then(whole),
    ),
    go(
        "CGO_ENABLED=0 if no C is needed, else RUN apk add --no-cache gcc musl-dev",
        "base-lacks-c-compiler",
        {"main.go": 'package main\n\nimport "net"\n\nfunc main() { net.LookupHost("x") }\n'},
        lambda _root, told: (f"{told['hint'].split()[0]} {BUILD}",),
        run=f"CGO_ENABLED=1 PATH=/usr/local/go/bin {BUILD}",
    ),
    go(
        "if it uses cgo: CGO_ENABLED=1 and a C compiler in the base; else the tags it needs: devctl.yaml `services: {…: {build: {tags: [TAG]}}}`",
        "cgo-disabled",
        {
            "main.go": 'package main\n\nimport "example.com/shop/search"\n\nfunc main() { search.Open() }\n',
            "search/s.go": "//go:build bleve\n\npackage search\n\nfunc Open() {}\n",
        },
        lambda _root, told: (
            f"{BUILD} -tags {tags(filled(said(told), TAG='bleve'))}".replace(
                " . -tags bleve", " -tags bleve ."
            ),
        ),
    ),
    go(
        "use that module's public packages",
        "internal-import",
        {
            "main.go": 'package main\n\nimport "example.com/other/internal/deep"\n\nfunc main() { deep.Do() }\n',
            "go.mod": GO_MOD + "\nrequire example.com/other v0.0.0\n\nreplace example.com/other => ./other\n",
            "other/go.mod": GO_MOD.replace("shop", "other"),
            "other/open/o.go": "package open\n\nfunc Do() {}\n",
            "other/internal/deep/d.go": "package deep\n\nfunc Do() {}\n",
        },
        both(
            edit("main.go", "internal/deep", lambda _hint: "open"),
            edit("main.go", "deep.Do", lambda _hint: "open.Do"),
        ),
    ),
    go(
        "generate or commit those files; in an image: COPY them before go build, and check .dockerignore",
        "embed-matches-nothing",
        {
            "main.go": 'package main\n\nimport "embed"\n\n//go:embed static/*.html\nvar files embed.FS\n\nfunc main() { _ = files }\n'
        },
        write("static/index.html", "<html>\n"),
    ),
    go(
        "go mod init example.com/NAME; in an image: COPY go.mod and set WORKDIR before RUN go",
        "no-go-module",
        {},
        then(lambda hint: hint.partition(";")[0].replace("NAME", "shop")),
        run=f"rm -f go.mod; {BUILD}",
    ),
    go(
        "ENV GOCACHE=/tmp/go-build, or chmod 1777 that folder in the image; `devctl doctor --fix` repairs the cache that devctl keeps",
        "cache-not-writable",
        {},
        lambda _root, told: (
            f"su nobody -s /bin/sh -c 'export {told['hint'].split()[1].rstrip(',')}-nobody; PATH=$PATH:/usr/local/go/bin go build -o /tmp/nobody .'",
        ),
        run="su nobody -s /bin/sh -c 'export GOCACHE=/root/cache; PATH=$PATH:/usr/local/go/bin go build -o /tmp/nobody .'",
    ),
    go(
        "ENV GOFLAGS=-modcacherw and chmod -R a+w /go in the image, or ENV GOMODCACHE=/tmp/mod",
        "modules-not-writable",
        {"go.mod": REQUIRED, "go.sum": SUM, "main.go": USES},
        lambda _root, told: (
            f"su nobody -s /bin/sh -c 'export GOCACHE={NOBODYS} {told['hint'].split()[-1]}; PATH=$PATH:/usr/local/go/bin go build -o /tmp/nobody .'",
        ),
        run=f"su nobody -s /bin/sh -c 'export GOCACHE={NOBODYS} GOMODCACHE=/root/mod; PATH=$PATH:/usr/local/go/bin go build -o /tmp/nobody .'",
    ),
    go(
        "chmod a+r that file, or chown it to the owner of the project's folder",
        "source-not-readable",
        {},
        lambda _root, told: (
            f"{told['hint'].partition(' that')[0]} main.go; su nobody -s /bin/sh -c 'export GOCACHE={NOBODYS}; PATH=$PATH:/usr/local/go/bin go build -o /tmp/nobody .'",
        ),
        run=f"chmod 600 main.go; su nobody -s /bin/sh -c 'export GOCACHE={NOBODYS}; PATH=$PATH:/usr/local/go/bin go build -o /tmp/nobody .'",
    ),
    go(
        "in the stage that calls it: RUN go install MODULE@VERSION for a Go program, else apk add … (alpine) or apt-get install -y … (debian)",
        "tool-missing",
        {"main.go": PLAIN + "\n//go:generate stringer -type=Day\ntype Day int\n\nconst Monday Day = 0\n"},
        then(
            lambda hint: (
                hint.partition("RUN ")[2]
                .partition(" for")[0]
                .replace("MODULE@VERSION", "golang.org/x/tools/cmd/stringer@v0.30.0")
            ),
            run=f"PATH=$PATH:/go/bin go generate ./... && {BUILD}",
        ),
        run=f"go generate ./... && {BUILD}",
    ),
]


def tags(text: str) -> str:
    """Of lines of devctl.yaml, as devctl gives them to Go."""
    from devctl.adapters.project_files.config_file import check

    config, problems = check(f"version: 1\n{text}\n")
    assert not problems
    [service] = config.services.values()
    return ",".join(service.build.tags)
