"""Stages and findings, on Dockerfiles as the parser reads them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.detect.main_package import Main
from devctl.domain.detect.required_env import dockerfile_env
from devctl.domain.dockerfile.dev_stage import dev_stage
from devctl.domain.dockerfile.prod_stages import no_prod_stage, prod_stages
from devctl.domain.dockerfile.stages import (
    base_kind,
    expand,
    has_shell,
    kind_of,
    needed_by,
)
from devctl.domain.go.facts import GoPackage, Located, Module, Setting, SettingKind, Unbuilt
from devctl.domain.image.paths import SHELL_ONLY
from devctl.domain.lint.rules import RULES, Linted, blocking, lint, told_in

# The shape that many repositories copied from articles: every mistake of it has a rule.
OLD = """FROM golang:1.24-alpine as base
WORKDIR /app
FROM base as deps
COPY go.mod go.sum ./
RUN go mod download
FROM base as builder
COPY --from=deps /go/pkg /go/pkg
COPY . .
ARG CGO_ENABLED=0
ARG GOARCH=amd64
RUN go build -ldflags '-s -w' -o ./server
FROM alpine as runner
WORKDIR /app
COPY --from=builder /app/server .
ENTRYPOINT ["./server"]
FROM gcr.io/distroless/static-debian11:nonroot as runner-distroless
COPY --from=builder /app/server /server
ENTRYPOINT /server --port 8080
FROM golang:1.19-alpine as dev
RUN go install github.com/cosmtrek/air@v1.40.0
ENTRYPOINT ["air"]
"""
MODERN = """FROM golang:1.26-alpine AS base
WORKDIR /src
FROM base AS deps
COPY go.mod go.su[m] ./
RUN go mod download
FROM deps AS builder
RUN CGO_ENABLED=0 GOARCH=$TARGETARCH go build -o /server .
FROM deps AS dev
RUN go install github.com/air-verse/air@v1.67.2
CMD ["air"]
FROM alpine:3.22 AS runner
COPY --from=builder /server /server
ENTRYPOINT ["/server"]
FROM gcr.io/distroless/static-debian13:nonroot AS runner-distroless
COPY --from=builder /server /server
ENTRYPOINT ["/server"]
FROM scratch AS runner-scratch
COPY --from=builder /server /server
ENTRYPOINT ["/server"]
"""
BARE = Module(".", "x", "1.26", "", (), ())


def found(text: str, module: Module | None = BARE, **kwargs: object) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for finding in lint(Linted(dockerfile=parse(text), module=module, **kwargs)):  # type: ignore[arg-type]
        assert finding.hint
        assert finding.message
        result.setdefault(finding.id, []).append(finding.place)
    return result


def test_every_mistake_of_the_old_shape_is_named_with_its_line() -> None:
    assert found(OLD) == {
        "air-old-path": ["Dockerfile:20"],
        "shell-form-no-shell": ["Dockerfile:18"],
        "copy-missing-go-pkg": ["Dockerfile:7"],
        "copy-missing-go-sum": ["Dockerfile:4"],
        "golang-too-old": ["Dockerfile:1"],
        "relative-entrypoint": ["Dockerfile:15"],
        "base-untagged": ["Dockerfile:12"],
        "base-dead": ["Dockerfile:16"],
        "goarch-fixed": ["Dockerfile:10"],
    }


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("ENTRYPOINT exec /server  --name 'a  b' \"c d\"", 'ENTRYPOINT ["/server", "--name", "a  b", "c d"]'),
        ("CMD /server --glob '*.go' '$X'", 'CMD ["/server", "--glob", "*.go", "$X"]'),
        ('CMD /server --name "$X"', None),
        ("CMD /server *.go", None),
        ("CMD PORT=80 /server", None),
        ("CMD /migrate && /server", None),
        ("CMD /server 'a", None),
    ],
)
def test_the_exec_form_is_told_where_it_says_the_same(line: str, hint: str | None) -> None:
    text = f"FROM scratch\nCOPY server /server\n{line}\n"
    hints = {f.id: f.hint for f in lint(Linted(dockerfile=parse(text), module=BARE))}
    assert hints["shell-form-no-shell"] == (hint or SHELL_ONLY)


def test_the_lines_to_write() -> None:
    hints = {f.id: f.hint for f in lint(Linted(dockerfile=parse(OLD), module=BARE))}
    assert hints["shell-form-no-shell"] == 'ENTRYPOINT ["/server", "--port", "8080"]'
    assert hints["relative-entrypoint"] == 'ENTRYPOINT ["/app/server"]'
    assert hints["copy-missing-go-sum"] == "COPY go.mod go.su[m] ./"
    assert hints["golang-too-old"] == "FROM golang:1.26-alpine as base"
    assert hints["base-dead"] == "FROM gcr.io/distroless/static-debian13:nonroot as runner-distroless"
    assert "github.com/air-verse/air@v1.67.2" in hints["air-old-path"]


@pytest.mark.parametrize(
    ("line", "install", "code", "hint"),
    [
        (
            "FROM golang:1.20",
            "cosmtrek/air@latest",
            "air-old-path",
            "FROM golang:1.26, then RUN go install github.com",
        ),
        (
            "FROM golang:1.20-buster AS dev",
            "cosmtrek/air@latest",
            "air-old-path",
            "FROM golang:1.26 AS dev, then RUN go",
        ),
        ("FROM --platform=$BUILDPLATFORM golang:1.23-alpine3.21 AS dev", "x/y@v1", "golang-too-old", None),
        ("FROM golang AS dev", "x/y@v1", "base-untagged", "FROM golang:1.26-alpine AS dev"),
    ],
)
def test_a_from_line_to_write_keeps_its_name_and_its_kind_of_system(
    line: str, install: str, code: str, hint: str | None
) -> None:
    facts = parse(f"# a comment\n{line}\nRUN go install github.com/{install}\n")
    hints = {f.id: f.hint for f in lint(Linted(dockerfile=facts, module=BARE))}
    wanted = hint or "FROM --platform=$BUILDPLATFORM golang:1.26-alpine AS dev"
    assert hints[code].startswith(wanted) and (hint is not None or hints[code] == wanted)


def test_a_modern_dockerfile_has_no_finding() -> None:
    assert found(MODERN) == {}


def test_what_blocks_which_stage() -> None:
    facts = parse(OLD)
    findings = lint(Linted(dockerfile=facts, module=BARE))
    assert {f.severity for f in findings} == {"warn"}, "whether it stops anybody depends on the stage"

    def ids(mode: str, stage: str) -> list[str]:
        target = facts.stage(stage)
        assert target is not None
        found = blocking(findings, facts, mode=mode, stage=target)  # type: ignore[arg-type]
        assert {f.severity for f in found} == {"fail"}
        return [f.id for f in found]

    copies = ["copy-missing-go-pkg", "copy-missing-go-sum"]
    assert ids("prod", "runner-distroless") == ["shell-form-no-shell", *copies]
    assert ids("prod", "runner") == copies
    assert ids("dev", "dev") == ["air-old-path"]


def test_with_dependencies_and_go_sum_the_copies_are_fine() -> None:
    module = Module(".", "x", "1.24", "", ("a.b/c",), (), has_sum=True)
    assert not {"copy-missing-go-pkg", "copy-missing-go-sum", "golang-too-old"} & set(found(OLD, module))


@pytest.mark.parametrize(
    ("source", "wrong"),
    [("/shop/.\\data", True), ("/shop/data", False), ("C:\\shop\\data", False), ("data", False)],
)
def test_a_backslash_in_a_volume_is_not_a_folder_here(source: str, wrong: bool) -> None:
    volume = {"type": "bind", "source": source, "target": "/data"}
    result = found(MODERN, compose={"volumes": [volume]}, compose_place=lambda key: f"compose.yaml:{key[-1]}")
    assert result == ({"backslash-in-volume": ["compose.yaml:0"]} if wrong else {})


@pytest.mark.parametrize("args", [["target=dev"], {"target": "dev"}])
def test_a_build_argument_called_target_chooses_nothing(args: object) -> None:
    places: list[tuple[str | int, ...]] = []

    def place(key: tuple[str | int, ...]) -> str:
        places.append(key)
        return "compose.yaml:9"

    result = found(MODERN, compose={"build": {"context": ".", "args": args}}, compose_place=place)
    assert result == {"args-target": ["compose.yaml:9"]}
    assert places[0][:2] == ("build", "args")


@pytest.mark.parametrize("text", [f"ARG target=dev\n{MODERN}", f"{MODERN}ARG mode=x target\n"])
def test_one_that_the_dockerfile_asks_for_chooses_what_it_says(text: str) -> None:
    assert "args-target" not in found(text, compose={"build": {"context": ".", "args": {"target": "dev"}}})


@pytest.mark.parametrize(
    ("body", "dynamic"),
    [
        ("RUN go build -o /s .", True),
        ("ENV CGO_ENABLED=0\nRUN go build -o /s .", False),
        ("RUN CGO_ENABLED=0 go build .", False),
    ],
)
def test_a_build_that_may_need_a_libc(body: str, *, dynamic: bool) -> None:
    end = 'COPY --from=b /s /s\nENTRYPOINT ["/s"]\n'
    assert ("dynamic-on-static" in found(f"FROM golang:1.26 AS b\n{body}\nFROM scratch\n{end}")) is dynamic
    assert "dynamic-on-static" not in found(f"FROM golang:1.26 AS b\n{body}\nFROM debian:12-slim\n{end}")


def test_code_that_listens_on_the_loopback() -> None:
    bound = (Located("localhost:8080", "main.go:7"), Located("127.0.0.1:6060", "main.go:8"))
    package = GoPackage(".", "main", True, (), bound, loopback=bound)
    findings = lint(Linted(main=Main(BARE, package, (package,)), port=8080))
    assert [(f.id, f.place, f.hint) for f in findings] == [
        ("binds-localhost", "main.go:7", 'listen on ":8080"')
    ], "the port of the service alone: a debugger's is meant to stay inside"


def test_a_guess_is_not_a_proof() -> None:
    package = GoPackage(".", "main", True, (), (Located("localhost:8080", "main.go:7"),))
    assert lint(Linted(main=Main(BARE, package, (package,)), port=8080)) == ()


def test_what_matters_to_a_mode_is_what_it_builds() -> None:
    facts = parse(OLD)
    findings = lint(Linted(dockerfile=facts, module=BARE))

    def ids(mode: str, name: str | None) -> list[str]:
        stage = facts.stage(name) if name is not None else None
        return [f.id for f in told_in(mode, findings, facts=facts, stage=stage)]  # type: ignore[arg-type]

    assert ids("dev", None) == []
    assert ids("dev", "dev") == ["air-old-path"]
    assert ids("dev", "builder") == ["golang-too-old"]
    assert "base-untagged" in ids("prod", "runner") and "base-dead" not in ids("prod", "runner")
    everything = [
        f.id
        for mode in ("dev", "prod")
        for f in told_in(mode, findings, facts=facts, stage=None, any_stage=True)  # type: ignore[arg-type]
    ]
    assert set(everything) == {f.id for f in findings}, "`config check` tells all"


def test_a_flag_that_opens_it_up_is_passed() -> None:
    package = GoPackage(
        *(".", "main", True, (), (Located("localhost:8080", "main.go:7"),)),
        settings=(Setting("addr", "localhost:8080", "flag", "main.go:5"),),
    )
    (finding,) = lint(Linted(main=Main(BARE, package, (package,)), port=8080))
    assert (finding.id, finding.place) == ("localhost-by-default", "main.go:5")
    assert "--addr=:8080" in finding.hint


@pytest.mark.parametrize(
    ("kind", "start", "compose"),
    [
        ("flag", 'ENTRYPOINT ["/shop", "-addr", "0.0.0.0:8080"]', {}),
        ("flag", 'ENTRYPOINT ["/shop"]\nCMD ["--addr=:8080"]', {}),
        ("flag", "CMD /shop -addr :8080", {}),
        ("flag", 'ENTRYPOINT ["/shop"]', {"command": ["-addr=:8080"]}),
        ("env", "ENV addr=:8080", {}),
        ("env", "", {"environment": {"addr": ":8080"}}),
    ],
)
def test_a_default_that_the_users_files_replace_is_no_matter(
    kind: SettingKind, start: str, compose: dict[str, object]
) -> None:
    package = GoPackage(
        ".", "main", True, (), settings=(Setting("addr", "localhost:8080", kind, "main.go:5"),)
    )
    main = Main(BARE, package, (package,))
    facts = parse(f"FROM scratch\nCOPY shop /shop\n{start}\n")
    assert "localhost-by-default" not in {
        f.id for f in lint(Linted(dockerfile=facts, compose=compose, main=main, port=8080))
    }
    bare = parse("FROM scratch\nCOPY shop /shop\n")
    assert "localhost-by-default" in {f.id for f in lint(Linted(dockerfile=bare, main=main, port=8080))}


def test_a_package_of_the_module_that_is_not_there() -> None:
    package = GoPackage(".", "main", True, (f"{BARE.path}/gen", f"{BARE.path}/lib/x", "fmt"))
    main = Main(replace(BARE, packages=(package,)), package, (package,))
    (finding,) = lint(Linted(main=main, modules=(BARE.path, f"{BARE.path}/lib")))
    assert finding.id == "package-missing"
    assert f"{BARE.path}/gen" in finding.message
    assert "go generate" in finding.hint


def test_a_package_behind_a_link_out_of_the_project() -> None:
    package = GoPackage(".", "main", True, (f"{BARE.path}/internal/web",))
    main = Main(replace(BARE, packages=(package,)), package, (package,))
    linked = {"internal/web": "/elsewhere"}
    (finding,) = lint(Linted(main=main, modules=(BARE.path,), leads_to=linked.get))
    said = "internal/web is a link to /elsewhere, outside the project, which the container cannot see"
    assert finding.message == said
    assert "generate" not in finding.hint


def test_generated_go_that_is_not_there() -> None:
    package = GoPackage(
        "web", "main", True, (), ungenerated=(("page.templ", "page_templ.go", "templ generate"),)
    )
    (finding,) = lint(Linted(main=Main(BARE, package, (package,))))
    assert (finding.id, finding.place) == ("generated-missing", "web/page.templ")
    assert finding.message.startswith("page_templ.go, which is generated from page.templ, does not exist")
    assert finding.hint == "templ generate, then save"


def test_a_frontend_that_is_not_built() -> None:
    embeds = [
        Unbuilt(pattern, "web/dist", f"web/web.go:{line}", "make web", embedded=True)
        for line, pattern in ((5, "dist/*"), (8, "dist/index.html"))
    ]
    served = Unbuilt("./ui/dist", "ui/dist", "main.go:9", "", embedded=False)
    package = GoPackage("web", "main", True, (), unbuilt=(*embeds, served))
    found = {f.place: f for f in lint(Linted(main=Main(BARE, package, (package,))))}
    assert {f.id for f in found.values()} == {"frontend-missing"} and set(found) == {
        "web/web.go:5",
        "main.go:9",
    }
    assert found["web/web.go:5"].message.startswith("go:embed finds no file dist/*, so nothing compiles")
    assert found["web/web.go:5"].hint == "make web"
    assert found["main.go:9"].message.startswith(
        "ui/dist is served, but does not exist: the frontend has not been built"
    )
    assert "see the README" in found["main.go:9"].hint


def test_every_rule_is_named_once_and_tested_here() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    code = {
        "binds-localhost",
        "localhost-by-default",
        "package-missing",
        "generated-missing",
        "frontend-missing",
    }
    assert set(ids) == {
        *found(OLD),
        "args-target",
        "backslash-in-volume",
        "dynamic-on-static",
        "exec-form-variable",
        *code,
    }


TWO = """FROM golang:1.26-alpine AS build
RUN go build -o /bin/ ./cmd/...
FROM alpine:3.22 AS api
COPY --from=build /bin/api /
ENTRYPOINT ["/api"]
FROM gcr.io/distroless/static-debian13:nonroot AS app-api
COPY --from=build /bin/api /
ENTRYPOINT ["/api"]
FROM alpine:3.22 AS worker
COPY --from=build /bin/worker /
CMD ["/worker"]
FROM build AS api-dev
CMD ["air"]
FROM build AS worker-dev
CMD ["air"]
"""


@pytest.mark.parametrize(
    ("target", "stages"),
    [
        ("api", {"alpine": "api", "distroless": "app-api"}),
        ("worker", {"alpine": "worker"}),
        ("api-dev", {"alpine": "worker", "distroless": "app-api"}),
        ("build", {"alpine": "worker", "distroless": "app-api"}),
        ("", {"alpine": "worker", "distroless": "app-api"}),
    ],
)
def test_the_production_stage_that_the_compose_file_asks_for(target: str, stages: dict[str, str]) -> None:
    assert prod_stages(parse(TWO), {"build": {"target": target}}) == stages


def test_the_dev_stage_that_the_compose_file_asks_for() -> None:
    for target, stage in (("api-dev", "api-dev"), ("worker", "worker-dev")):
        found = dev_stage(parse(TWO), {**MOUNTED, "build": {"target": target}}).stage
        assert found is not None and found.name == stage


@pytest.mark.parametrize(
    ("ref", "kind", "shell"),
    [
        ("scratch", "scratch", False),
        ("gcr.io/distroless/static-debian13:nonroot", "distroless", False),
        ("gcr.io/distroless/static:debug", "distroless", True),
        ("cgr.dev/chainguard/static:latest", "distroless", False),
        ("alpine", "alpine", True),
        ("registry.local:5000/library/alpine:3.22@sha256:abc", "alpine", True),
        ("node:22-alpine", "alpine", True),
        ("golang:1.26-alpine", "other", True),
        ("debian:bookworm-slim", "debian", True),
        ("ubuntu", "debian", True),
        ("busybox:1.36", "other", True),
    ],
)
def test_what_an_image_is(ref: str, kind: str, *, shell: bool) -> None:
    assert (kind_of(ref), has_shell(ref)) == (kind, shell)


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        (OLD, {"distroless": "runner-distroless", "alpine": "runner"}),
        (MODERN, {"scratch": "runner-scratch", "alpine": "runner", "distroless": "runner-distroless"}),
        ("FROM golang:1.26 AS build\nRUN x\nFROM debian:12-slim\nCMD a\n", {"debian": "1"}),
        ("FROM golang:1.26\nCMD a\n", {"other": "0"}),
        ("FROM golang:1.26 AS dev\nCMD air\n", {}),
        ("FROM alpine:3 AS production\nCMD a\nFROM alpine:3 AS lint\nRUN b\n", {"alpine": "production"}),
        ("FROM scratch AS final\nCMD a\nFROM final AS test\nCMD b\n", {"scratch": "test"}),
        ("FROM scratch AS final\nCMD a\nFROM final AS local\nCMD b\n", {"scratch": "final"}),
    ],
)
def test_production_stages(text: str, stages: dict[str, str]) -> None:
    assert prod_stages(parse(text)) == stages


@pytest.mark.parametrize(
    "start",
    [
        "CMD air",
        'CMD ["air", "-c", ".air.toml"]',
        'ENTRYPOINT CompileDaemon --build="go build -o api" --command=./api',
        'CMD ["go", "run", "main.go"]',
        'ENTRYPOINT ["go"]\nCMD ["run", "."]',
        'CMD ["sh", "-c", "cd app && fresh"]',
        "CMD ./wait-for-it.sh db:5432 -- go run main.go",
    ],
)
def test_what_compiles_at_each_start_is_not_a_production_stage_and_its_line_says_so(start: str) -> None:
    facts = parse(f"FROM golang:1.26\nWORKDIR /app\nCOPY . .\n{start}\n")
    told = no_prod_stage(facts)
    assert prod_stages(facts) == {}
    assert told.place == "Dockerfile:4"
    assert told.message == (
        f"`{start.splitlines()[0]}` compiles at each start, which is only for development: using devctl's own production stage "
        "instead"
    )


@pytest.mark.parametrize(
    "start", ['CMD ["./air-quality", "run"]', "CMD ./migrate && ./server run", 'CMD ["/go"]']
)
def test_a_program_that_is_called_like_a_tool_is_one_that_was_built(start: str) -> None:
    assert prod_stages(parse(f"FROM golang:1.26\n{start}\n")) == {"other": "0"}


def test_a_dockerfile_for_development_alone_is_told_as_one() -> None:
    told = no_prod_stage(parse("FROM golang:1.26 AS base\nFROM base AS dev\nRUN go build -o /x .\n"))
    assert (told.code, told.place) == ("no-prod-stage", "Dockerfile:1")
    assert told.message.startswith("Dockerfile has no production stage that starts the built program: ")


def test_the_stages_that_one_is_built_from() -> None:
    facts = parse(MODERN)
    runner = facts.stage("runner")
    assert runner is not None
    assert [s.name for s in needed_by(facts, runner)] == ["base", "deps", "builder", "runner"]
    assert base_kind(facts, runner) == "alpine"


def mount(target: str) -> dict[str, Any]:
    return {"volumes": [{"type": "bind", "source": "/home/shop", "target": target}]}


MOUNTED = mount("/app")
DEV = "FROM golang:{go}-alpine AS {name}\n{run}\nCMD [{cmd}]\n"


@pytest.mark.parametrize(
    ("go", "name", "run", "cmd", "reason"),
    [
        ("1.26", "dev", "RUN go install github.com/air-verse/air@v1.67.2", '"air"', None),
        ("1.26", "development", "RUN go install github.com/air-verse/air@latest", '"air"', None),
        ("1.26", "Local", "COPY --from=cosmtrek/air /go/bin/air /air", '"/air"', None),
        ("1.26", "dev", "RUN go install github.com/cosmtrek/air@v1.40.0", '"air"', "air-old-path"),
        ("1.25", "dev", "RUN go install github.com/air-verse/air@latest", '"air"', "air-cannot-build"),
        ("1.26", "dev", "ARG V=latest\nRUN go install github.com/cosmtrek/air@$V", '"air"', "air-old-path"),
        (
            "1.26",
            "dev",
            "RUN <<EOF\nset -e\ngo install github.com/cosmtrek/air@latest\nEOF",
            '"air"',
            "air-old-path",
        ),
        ("1.24", "dev", "RUN go install github.com/air-verse/air@v1.62.0", '"air"', "go-too-old"),
        ("1.26", "dev", "RUN true", '"go", "run", "."', "dev-without-reload"),
        ("1.26", "builder", "RUN true", '"x"', "no-dev-stage"),
    ],
)
def test_a_dev_stage_that_can_work_or_the_reason(
    go: str, name: str, run: str, cmd: str, reason: str | None
) -> None:
    result = dev_stage(
        parse(DEV.format(go=go, name=name, run=run, cmd=cmd)),
        MOUNTED,
        go="1.26" if reason == "go-too-old" else go,
    )
    assert [r.code for r in result.reasons] == ([] if reason is None else [reason])
    assert (result.stage is not None) is (reason is None)
    assert all(r.hint and str(r.place).startswith("Dockerfile:") for r in result.reasons)


def test_a_last_stage_without_a_name_that_reloads_is_one_for_development() -> None:
    text = 'FROM golang:1.26-alpine\nWORKDIR /app\nRUN go install {air}\nCMD ["air"]\n'
    found = dev_stage(parse(text.format(air="github.com/air-verse/air@v1.67.2")), MOUNTED)
    assert found.stage is not None and found.stage.index == 0
    reasons = dev_stage(parse(text.format(air="github.com/cosmtrek/air@v1.40.0")), MOUNTED).reasons
    assert [r.code for r in reasons] == ["air-old-path"]


def test_a_dev_stage_may_get_its_command_from_compose() -> None:
    facts = parse("FROM golang:1.26-alpine AS dev\nWORKDIR /app\n")
    assert dev_stage(facts, {**MOUNTED, "command": ["air", "-c", ".air.toml"]}).stage is not None


@pytest.mark.parametrize(
    ("compose", "seen"),
    [
        ({}, False),
        (mount("/app"), True),
        (mount("/"), True),
        (mount("/app/config"), False),
        (mount("/application"), False),
        (mount("/srv") | {"working_dir": "/srv/api"}, True),
        (mount("/app") | {"working_dir": "/srv/api"}, False),
        ({"volumes": [{"type": "volume", "source": "code", "target": "/app"}]}, False),
    ],
)
def test_a_dev_stage_into_which_nothing_brings_the_source_would_see_no_edit(
    compose: dict[str, Any], seen: bool
) -> None:
    facts = parse('FROM golang:1.26-alpine AS base\nWORKDIR /app\nFROM base AS dev\nCMD ["air"]\n')
    found = dev_stage(facts, compose)
    assert [r.code for r in found.reasons] == ([] if seen else ["dev-without-source"])
    assert seen or found.reasons[0].place == "Dockerfile:3"


@pytest.mark.parametrize("folder", ["$GOPATH/src/shop", "/go/src/$NAME", "src/shop"])
def test_a_working_folder_may_be_made_of_variables(folder: str) -> None:
    facts = parse(
        f'FROM golang:1.26-alpine AS dev\nENV NAME=shop\nWORKDIR /go\nWORKDIR {folder}\nCMD ["air"]\n'
    )
    assert dev_stage(facts, mount("/go/src/shop")).stage is not None


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$A/${B}", "1/2"),
        ("${C:-x}", "x"),
        ("${A:-x}", "1"),
        ("${A:+y}", "y"),
        ("${C:+y}", ""),
        ("${C-z}", "z"),
        ("$C", ""),
    ],
)
def test_variables(text: str, result: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == result


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ('ENTRYPOINT ["/app", "$GREETING"]', ["Dockerfile:2"]),
        ('ENTRYPOINT ["/app"]\nCMD ["--match", "^/v[0-9]+/.*$", "5$", "${HOME}"]', ["Dockerfile:3"]),
        ('ENTRYPOINT ["/app", "--match", "^/v[0-9]+/.*$", "5$"]', None),
        ('ENTRYPOINT ["sh", "-c", "exec /app $GREETING"]', None),
        ('ENTRYPOINT ["tini", "--", "sh", "-c"]\nCMD ["exec /app $GREETING"]', None),
        ("ENTRYPOINT /app $GREETING", None),
    ],
)
def test_a_variable_in_the_exec_form_stays_a_word(lines: str, named: list[str] | None) -> None:
    assert found(f"FROM alpine:3.22\n{lines}\n").get("exec-form-variable") == named


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=5$", "5$"),
        ("A='pa$word x'", "pa$word x"),
        (r'A="a\$b \"c\" \d $B"', r'a$b "c" \d beta'),
        (r"A=a\ b\$B", "a b$B"),
        ("A=${B}-${C:-none}-$C", "beta-none-"),
        ("A='it'\"'\"'s'", "it's"),
        ("A one $B 'two'", "one beta two"),
        ('A=""', ""),
    ],
)
def test_values_of_a_dockerfile_are_those_that_the_builder_gives(line: str, value: str) -> None:
    text = f"FROM alpine:3.22\nENV B=beta\nENV {line}\n"
    assert dockerfile_env(parse(text))["A"] == value
