"""What a `go build` line of a Dockerfile says holds in development too."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.run_lines import compiles
from devctl.domain.dockerfile.go_build_lines import go_builds, linked_in, own_build
from devctl.domain.dockerfile.purpose import builds_go

TITLE = "-ldflags \"-X 'main.title=two words' -X=main.plain=1\""


@pytest.mark.parametrize(
    ("line", "linked"),
    [
        ("go build -ldflags '-s -w -X main.version=1.2.3 -X main.commit=abc' .", "-X main.version=1.2.3 -X main.commit=abc"),
        ('go build -trimpath -ldflags="-X main.version=${VERSION} -w" -o /out/ ./cmd/...', "-X main.version=4.5.6"),
        (f"go build {TITLE} .", "-X 'main.title=two words' -X main.plain=1"),
        ("go build -ldflags \"-X main.commit=$(git rev-parse HEAD) -X main.kind=api\" .", "-X main.kind=api"),
        ('go build -ldflags "-X main.commit=$UNKNOWN" .', ""),
        ("go build -ldflags=\"-linkmode external -extldflags '-static'\" .", ""),
        ("go build -tags a,b .", ""),
    ],
)  # fmt: skip
def test_values_that_are_linked_in_are_kept(line: str, linked: str) -> None:
    facts = parse(f"FROM golang:1.26\nARG VERSION=1\nRUN {line}\n")
    [build] = go_builds(facts, facts.stages[0], {"VERSION": "4.5.6"})
    assert linked_in(build.flags) == linked


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("go build -o /shop main.go routes.go", ("main.go", "routes.go")),
        ("go build -o /shop ./cmd/shop/main.go 'cmd/shop/routes.go'", ("main.go", "routes.go")),
        ("go build -o /shop ./cmd/shop", ()),
        ("go build -overlay=x.go .", ()),
        ("go build -ldflags=-X=main.v=$(git describe | cut -c2-) -o /shop main.go", ("main.go",)),
        ("go build $FLAGS -o /shop main.go", ("main.go",)),
        ('CompileDaemon -build="go build -o /shop cmd/shop/main.go" -command=/shop', ("main.go",)),
        ('sh -c "cd cmd/shop && go build -o /shop main.go"', ("main.go",)),
    ],
)
def test_the_files_that_alone_are_built(line: str, files: tuple[str, ...]) -> None:
    facts = parse(f"FROM golang:1.26\nRUN {line}\n")
    [build] = go_builds(facts, facts.stages[0])
    assert build.files == files


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("go build -o main server/main.go", "server"),
        ("go build -o main cmd/main.go", "cmd"),
        ("go build -o main /src/cmd/main.go", "cmd"),
        ("go build -o main internal/app_v2/main.go internal/app_v2/routes.go", "internal/app_v2"),
        ("go build -o main 'my server/main.go'", "my server"),
        ("cd server && go build -o /main main.go", "server"),
        ("go -C server build -o /main main.go", "server"),
        ("go -C=server build -tags a -o /main .", "server"),
        ("go -C 'server' build -o /main .", "server"),
        ("go --C /src/server install .", "server"),
        ("go -C services build -o /main ./api", "services/api"),
        ("CGO_ENABLED=0 go -C server build -C ./api .", "server/api"),
    ],
)
def test_files_and_folders_that_the_line_works_in_are_paths(line: str, package: str) -> None:
    facts = parse(f"FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN {line}\n")
    assert [b.packages[0] for b in go_builds(facts, facts.stages[0])] == [package]
    assert builds_go(facts)
    assert compiles(line)


def test_a_file_whose_folder_only_a_shell_knows_is_no_package() -> None:
    facts = parse(
        "FROM golang:1.26\nRUN go build -o main $(cat where)/main.go\nRUN go build example.com/shop\n"
    )
    assert list(go_builds(facts, facts.stages[0])) == []


def test_each_of_several_in_one_line_works_in_its_own_folder() -> None:
    line = "go build -C services/api -o /out/api . && go -C services/jobs build -tags jobs -o /out/jobs ."
    facts = parse(f"FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN {line}\n")
    api, jobs = go_builds(facts, facts.stages[0])
    assert (api.packages[0], api.flags, api.output) == ("services/api", (), "/out/api")
    assert (jobs.packages[0], jobs.flags, jobs.output) == ("services/jobs", ("-tags=jobs",), "/out/jobs")
    for packages, own in (
        (("services/jobs", "."), jobs),
        (("services/api", "."), api),
        (("services/jobs",), jobs),
    ):
        assert own_build((api, jobs), packages) is own
    facts = parse("FROM golang:1.26\nRUN go build -o /x .\n")
    [root] = go_builds(facts, facts.stages[0])
    assert own_build((jobs, root), (".", ".")) is root


@pytest.mark.parametrize(
    "run",
    [
        "for c in api worker; do go build -o /bin/$c ./cmd/${c}; done",
        "set -e; for c in $ALL ; do \\\n  go build -o /bin/$c ./cmd/$c ; \\\n done",
    ],
)
def test_a_loop_builds_a_program_for_each_of_its_words(run: str) -> None:
    facts = parse(f"FROM golang:1.26\nENV ALL='api worker'\nRUN {run}\n")
    built = [(b.packages[1], b.output) for b in go_builds(facts, facts.stages[0])]
    assert built == [("cmd/api", "/bin/api"), ("cmd/worker", "/bin/worker")]


@pytest.mark.parametrize(
    "middle",
    [
        f"for a in{' ' * 300_000}",
        "for a in b;do " * 15_000,
        f"for a in b;do x{';' * 300_000}",
        f"for a in {'b ' * 1000}; do {'$a' * 900} ; done",
    ],
)
def test_a_loop_that_is_long_or_has_no_end_is_searched_once(middle: str) -> None:
    facts = parse("FROM golang:1.26\nRUN x\n")
    stage = facts.stages[0]
    run = replace(stage.instructions[-1], original=f"RUN {middle}\ngo build -o /shop .")
    facts = replace(facts, stages=(replace(stage, instructions=(run,)),))
    assert [build.output for build in go_builds(facts, facts.stages[0])] == ["/shop"]


@pytest.mark.parametrize(
    ("command", "uses"),
    [("apk add --no-cache git go", True), ("apk add git && echo go", False), ("apk " * 100_000, False)],
)
def test_a_line_that_installs_go_uses_it(command: str, *, uses: bool) -> None:
    facts = parse("FROM alpine:3.22\nRUN x\n")
    stage = facts.stages[0]
    run = replace(stage.instructions[-1], original=f"RUN {command}")
    assert builds_go(replace(facts, stages=(replace(stage, instructions=(run,)),))) is uses


@pytest.mark.parametrize(
    ("words", "package", "files"),
    [
        ("app/*.go", "/src/app", ()),
        ("*.go", "/src", ()),
        ("./cmd/api/*", "/src/cmd/api/...", ()),
        ("cmd/*", "/src/cmd/...", ()),
        ("cmd/api/main.go", "/src/cmd/api", ("main.go",)),
    ],
)
def test_what_a_shell_lists_is_the_package(words: str, package: str, files: tuple[str, ...]) -> None:
    facts = parse(f"FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN go build -o /shop {words}\n")
    [build] = go_builds(facts, facts.stages[0])
    assert (build.packages[0], build.files) == (package.removeprefix("/src/").replace("/src", "."), files)
