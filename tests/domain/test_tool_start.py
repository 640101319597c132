"""A compose service that runs a tool in the image that builds the program is not the program."""

from __future__ import annotations

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.detect.tool_start import starts_tool

TEXT = """\
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /app .
FROM alpine:3.22
COPY scripts/docker-entrypoint /usr/local/bin/
COPY --from=build /app /usr/bin/shop
{start}
"""


def is_tool(compose: dict[str, object], start: str = 'ENTRYPOINT ["shop"]', *, beside: bool = True) -> bool:
    return starts_tool(parse(TEXT.format(start=start)), compose, beside=beside)


@pytest.mark.parametrize(
    "words",
    [
        ["go", "test", "./..."],
        ["go", "-C", "api", "vet", "./..."],
        ["go", "generate"],
        ["go", "run", "golang.org/x/perf/cmd/benchstat@latest"],
        ["go", "tool", "sqlc", "generate"],
        ["env", "CGO_ENABLED=1", "go", "test", "-race"],
        ["sh", "-c", "go test -coverprofile=c.out ./... && go tool cover -func c.out"],
        ["sh", "-c", "sleep 5 && go test ./..."],
        ["sqlc", "generate"],
        ["pkgsite", "-http=:6060"],
        ["migrate", "-path", "./migrations", "up"],
        ["true"],
        ["/bin/sh"],
        ["bash", "-l"],
    ],
)
def test_what_runs_a_tool(words: list[str]) -> None:
    assert is_tool({"build": {"target": "build"}, "command": words})
    assert is_tool({"build": {"target": "build"}, "entrypoint": words[:1], "command": words[1:]})


@pytest.mark.parametrize(
    "words",
    [
        ["/app", "worker"],
        ["app"],
        ["nice", "-n", "5", "/app", "serve"],
        ["sh", "-c", "sleep 5; exec /app serve"],
        ["go", "run", "./cmd/migrate", "up"],
        ["go", "tool", "air", "-c", "x"],
        ["sh", "-c", "go build -o /tmp/x . && /tmp/x"],
        ["air"],
        ["reflex", "-s", "--", "go", "run", "."],
        ["make", "dev"],
        ["sleep", "infinity"],
        ["tail", "-f", "/dev/null"],
        ["sh", "./scripts/test.sh"],
        ["./scripts/start"],
        ["python3", "run.py"],
        ["supervisord", "-c", "/src/supervisord.conf"],
        ["$PROGRAM"],
    ],
)
def test_what_may_start_the_program(words: list[str]) -> None:
    assert not is_tool({"build": {"target": "build"}, "command": words})


def test_the_image_with_the_program_may_have_wrappers() -> None:
    assert not is_tool({"command": ["serve"]})
    for start in ("", 'CMD ["shop"]'):
        assert not is_tool({"command": ["docker-entrypoint", "serve"]}, start)
        assert not is_tool({"command": ["s6-setuidgid", "app", "start"]}, start)
        assert is_tool({"command": ["go", "version"]}, start)
    assert not is_tool({"command": ["go", "test"]})  # words for its ENTRYPOINT
    assert not is_tool({"build": {"target": "build"}})


def test_a_shell_without_a_command_is_where_somebody_develops() -> None:
    assert not is_tool({"build": {"target": "build"}, "command": ["sh"]}, beside=False)
    assert not is_tool({"build": {"target": "build"}, "command": ["sh", "-i"]}, beside=False)


@pytest.mark.parametrize("words", [["sh", "-c", "exit 3"], ["false"], ["echo", "later"]])
def test_words_that_only_end_are_beside_a_service_or_what_somebody_works_on(words: list[str]) -> None:
    assert is_tool({"entrypoint": words})
    assert not is_tool({"entrypoint": words}, beside=False)


ONLY_GO = "FROM golang:1.26\nWORKDIR /src\nCOPY . .\n"
SCRIPTS = {
    ("./test.sh",): [("cd", "/src"), ("go", "vet", "./..."), ("go", "test", "./...")],
    ("make", "test"): [("golangci-lint", "run"), ("go", "test", "./...")],
    ("./wait.sh",): [("until", "nc", "-z", "db", "5432"), ("do", "sleep", "1"), ("done",), ("go", "test")],
    ("./all.sh",): [("go", "test"), ("go", "run", "./cmd/api")],
    ("./serve.sh",): [("go", "test"), ("/src/bin/api",)],
    ("./watch.sh",): [("go", "vet"), ("reflex", "-c", "reflex.conf")],
    ("./lint.sh",): [("golangci-lint", "run")],
}


@pytest.mark.parametrize(
    ("name", "text"), [("of an image that builds", TEXT), ("of one that does not", ONLY_GO)]
)
def test_a_script_is_what_it_starts(name: str, text: str) -> None:
    facts = parse(text.format(start=""))
    target = "build" if text == TEXT else ""

    def tool(*words: str, said: bool = True) -> bool:
        compose = {"build": {"target": target}, "command": list(words)}
        told = {w: tuple(c) for w, c in SCRIPTS.items()} if said else {}
        return starts_tool(facts, compose, beside=False, said=lambda w: told.get(tuple(w)))

    assert all(tool(*words) for words in [("./test.sh",), ("make", "test"), ("./wait.sh",)])
    assert not any(tool(*words) for words in [("./all.sh",), ("./serve.sh",), ("./watch.sh",)])
    assert not any(tool(*words, said=False) for words in SCRIPTS)
    assert tool("./lint.sh") == (text == TEXT)  # it may start something by a file of its own


def test_the_start_of_an_image_that_compiles_nothing() -> None:
    def tool(dockerfile: str) -> bool:
        return starts_tool(parse(dockerfile), {}, beside=True)

    assert tool(ONLY_GO + 'CMD ["go", "test", "./..."]\n')
    assert not tool(ONLY_GO + 'CMD ["sh"]\n') and not tool(ONLY_GO)
    assert not tool(ONLY_GO + 'RUN make\nCMD ["go", "test"]\n')
