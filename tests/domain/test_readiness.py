from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.go.facts import Located
from devctl.domain.image.facts import Binary, ImageFacts
from devctl.domain.image.paths import (
    SHELL_ONLY,
    candidates,
    command,
    interpreter,
    program,
    resolve,
    with_aliases,
)
from devctl.domain.image.readiness.input import HealthCheck, Inspected
from devctl.domain.image.readiness.rules import checks, not_ready, reads_program
from devctl.domain.project.model import ImageBuild, ServedPort, Service, SourceCode
from devctl.errors import Finding, Problem

DOCKERFILE = """\
FROM golang:1.26-alpine AS builder
RUN go build -o /server .
FROM gcr.io/distroless/static-debian13:nonroot AS prod
ENV API_TOKEN=abc
EXPOSE 80
COPY --from=builder /server /server
USER 65532
HEALTHCHECK CMD curl -f localhost
ENTRYPOINT /server
"""
SERVICE = Service(name="api", serve=ServedPort(port=8080))
GOOD = ImageFacts(
    ref="shop-api:prod-distroless",
    id="sha256:1",
    size_bytes=8_000_000,
    layers=(),
    entrypoint=("/server",),
    cmd=(),
    user="65532:65532",
    workdir="/",
    architecture="amd64",
    env=("PATH=/bin",),
    binary=Binary("/server", 6_000_000, 0o755, True, "", "amd64"),
    files=frozenset(
        {"/server", "/etc/passwd", "/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo/UTC"}
    ),
)
SHELL = frozenset({"/bin/sh"})
BARE = frozenset({"/server"})


def facts() -> DockerfileFacts:
    return parse(DOCKERFILE, path="Dockerfile", args={})


def judge(
    image: ImageFacts,
    *,
    service: Service = SERVICE,
    functions: frozenset[str] = frozenset(),
    theirs: bool = False,
    health: HealthCheck | None = None,
    settings: Mapping[str, str] | None = None,
    zone: str = "",
) -> dict[str, Finding]:
    dockerfile = facts() if theirs else None
    stage = dockerfile.stage("prod") if dockerfile else None
    found = checks(
        Inspected(image, service, functions, dockerfile, stage, settings or {}, health=health, zone=zone)
    )
    return {c.id: c for c in found}


def test_a_good_image_passes_every_check() -> None:
    found = judge(GOOD, functions=frozenset({"time.LoadLocation", "crypto/tls.dial"}))
    assert {c.severity for c in found.values()} == {"ok"}
    assert found["static-binary"].message == "static binary"
    assert found["entrypoint-exists"].message == "/server exists and is executable"


def test_shell_form_without_a_shell_is_refused_with_the_line() -> None:
    shell_form = replace(GOOD, entrypoint=("/bin/sh", "-c", "exec /server -v"))
    found = judge(shell_form, theirs=True)["entrypoint-form"]
    assert (found.severity, found.place) == ("fail", "Dockerfile:9")
    assert found.hint == 'ENTRYPOINT ["/server", "-v"]'
    with_shell = judge(
        replace(shell_form, entrypoint=("/bin/sh", "-c", "/server -v"), files=GOOD.files | SHELL)
    )["entrypoint-form"]
    assert with_shell.severity == "warn"
    assert judge(replace(shell_form, files=GOOD.files | SHELL))["entrypoint-form"].severity == "ok"
    assert "SIGTERM" in with_shell.message
    filled_in = replace(shell_form, entrypoint=("/bin/sh", "-c", '/server "$X"'))
    assert judge(filled_in, theirs=True)["entrypoint-form"].hint == SHELL_ONLY
    assert "exec" in judge(replace(filled_in, files=GOOD.files | SHELL))["entrypoint-form"].hint


@pytest.mark.parametrize(
    ("interpreter", "there", "missing"),
    [
        ("/bin/sh", BARE, "/bin/sh"),
        ("/bin/sh -e", SHELL, ""),
        ("/usr/bin/env bash", frozenset({"/usr/bin/env"}), "bash"),
        ("/usr/bin/env bash", frozenset({"/usr/bin/env", "/bin/bash"}), ""),
        ("/usr/bin/env bash", SHELL, "/usr/bin/env"),
        ("", BARE, ""),
    ],
)
def test_a_script_needs_its_interpreter(interpreter: str, there: frozenset[str], missing: str) -> None:
    script = Binary("/run.sh", 1, 0o755, elf=False, interpreter=interpreter)
    found = judge(replace(GOOD, entrypoint=("/run.sh",), binary=script, files=there))["entrypoint-exists"]
    assert found.severity == ("fail" if missing else "ok")
    assert not missing or found.message == f"/run.sh is started by {missing}, which is not in the image"


@pytest.mark.parametrize("first", [b"#!/bin/sh\r\n", b"#!/bin/sh -e \r\n", b"#! /usr/bin/env bash\r\n"])
def test_a_script_with_crlf_line_endings_does_not_start(first: bytes) -> None:
    script = Binary("/app/run.sh", 1, 0o755, elf=False, interpreter=interpreter(first + b"exec /server\r\n"))
    image = replace(
        GOOD, entrypoint=("/app/run.sh",), binary=script, files=SHELL | {"/usr/bin/env", "/bin/bash"}
    )
    found = judge(image)["entrypoint-exists"]
    assert (found.severity, found.message) == (
        "fail",
        "/app/run.sh has CRLF line endings, so its #! line does not work",
    )
    assert found.hint.startswith("sed -i 's/\\r$//' on the file that becomes /app/run.sh;")


def test_the_file_with_crlf_line_endings_is_named_as_the_project_has_it() -> None:
    script = Binary("/docker-entrypoint.sh", 1, 0o755, elf=False, interpreter="/bin/sh -e\r")
    image = replace(GOOD, entrypoint=("/docker-entrypoint.sh",), binary=script, files=SHELL)
    dockerfile = parse("FROM alpine:3.22\nCOPY docker/entrypoint.sh /docker-entrypoint.sh\n")
    service = replace(SERVICE, build=ImageBuild(context="backend"))
    checked = checks(Inspected(image, service, dockerfile=dockerfile, stage=dockerfile.stages[0]))
    hint = next(c.hint for c in checked if c.id == "entrypoint-exists")
    file = "backend/docker/entrypoint.sh"
    assert hint == f"sed -i 's/\\r$//' {file}; `{file} text eol=lf` in .gitattributes keeps it so"


def test_an_init_must_be_there() -> None:
    wrapped = replace(GOOD, entrypoint=("tini", "--", "/server"))
    without = judge(wrapped)["entrypoint-exists"]
    assert (without.severity, without.message) == (
        "fail",
        "/server is started by tini, which is not in the image",
    )
    within = judge(replace(wrapped, files=wrapped.files | {"/bin/tini"}))
    assert within["entrypoint-exists"].severity == "ok"


def test_a_dynamic_binary_needs_its_interpreter() -> None:
    binary = Binary("/server", 1, 0o755, True, "/lib/ld-musl-x86_64.so.1", "amd64")
    without = judge(replace(GOOD, binary=binary))["static-binary"]
    assert without.severity == "fail"
    assert "/lib/ld-musl-x86_64.so.1 is not in the image" in without.message
    assert "CGO_ENABLED=0" in without.hint
    within = judge(replace(GOOD, binary=binary, files=GOOD.files | {"/lib/ld-musl-x86_64.so.1"}))
    assert within["static-binary"].severity == "ok"


def test_another_architecture_is_refused() -> None:
    found = judge(replace(GOOD, architecture="arm64"))["architecture"]
    assert (found.severity, found.message) == ("fail", "the binary is for amd64, the image for arm64")


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"binary": None}, "/server is not in the image"),
        ({"binary": None, "entrypoint": ()}, "the image starts nothing"),
        ({"binary": Binary("/server", 1, 0o644, True, "", "amd64")}, "/server is not executable (mode 0644)"),
    ],
)
def test_an_entrypoint_that_cannot_start(change: dict[str, object], detail: str) -> None:
    found = judge(replace(GOOD, **change))["entrypoint-exists"]  # type: ignore[arg-type]
    assert (found.severity, found.message) == ("fail", detail)
    assert found.hint


def test_a_relative_entrypoint_gets_its_absolute_path() -> None:
    image = replace(
        GOOD, entrypoint=("./server", "-v"), workdir="/app", binary=Binary("/app/server", 1, 0o755, True)
    )
    found = judge(image)["entrypoint-absolute"]
    assert (found.severity, found.hint) == ("warn", 'ENTRYPOINT ["/app/server", "-v"]')


@pytest.mark.parametrize(
    ("user", "files", "status"),
    [
        ("", GOOD.files, "warn"),
        ("root", GOOD.files, "warn"),
        ("0:0", GOOD.files, "warn"),
        ("nonroot", GOOD.files, "warn"),
        ("nonroot", BARE, "fail"),
        ("65532", BARE, "ok"),
    ],
)
def test_users(user: str, files: frozenset[str], status: str) -> None:
    assert judge(replace(GOOD, user=user, files=files))["user"].severity == status


@pytest.mark.parametrize(
    ("test", "status"),
    [
        (("CMD-SHELL", "curl -f localhost"), "fail"),
        (("CMD", "/usr/bin/curl", "-f"), "fail"),
        (("CMD", "/server", "-healthcheck"), "ok"),
    ],
)
def test_health_checks_that_cannot_run(test: tuple[str, ...], status: str) -> None:
    found = judge(replace(GOOD, healthcheck=test), theirs=True)["health-check"]
    assert found.severity == status
    assert found.place == ("Dockerfile:8" if status == "fail" else None)


WGET = frozenset({"/bin/sh", "/bin/wget"})


@pytest.mark.parametrize(
    ("test", "files", "status"),
    [
        (("CMD", "wget", "-qO-", "http://localhost"), GOOD.files, "fail"),
        (("CMD", "wget", "-qO-", "http://localhost"), GOOD.files | WGET, "ok"),
        (("CMD-SHELL", "curl -f localhost || exit 1"), GOOD.files | WGET, "fail"),
        (("CMD-SHELL", "wget -q localhost || exit 1"), GOOD.files | WGET, "ok"),
        (("CMD-SHELL", "[ -e /tmp/ok ]"), GOOD.files | WGET, "ok"),
        (("CMD-SHELL", "wget -q localhost"), GOOD.files, "fail"),
    ],
)
def test_the_compose_files_health_check_goes_before_the_images(
    test: tuple[str, ...], files: frozenset[str], status: str
) -> None:
    image = replace(GOOD, files=files, healthcheck=("CMD", "/not-there"))
    found = judge(image, theirs=True, health=HealthCheck(test, "compose.yaml:7"))["health-check"]
    assert (found.severity, found.place) == (status, "compose.yaml:7" if status == "fail" else None)


def test_our_stage_is_not_asked_for_what_a_compose_files_health_check_runs() -> None:
    asked = HealthCheck(("CMD", "wget", "-q", "localhost"), "compose.yaml:7")
    found = judge(GOOD, health=asked)["health-check"]
    assert (found.severity, found.place) == ("warn", "compose.yaml:7")
    assert "health-check" not in judge(GOOD, theirs=True, health=HealthCheck(("NONE",), "compose.yaml:7"))


def test_no_health_check_is_not_a_finding() -> None:
    assert "health-check" not in judge(GOOD)
    assert "health-check" not in judge(replace(GOOD, healthcheck=("NONE",)))


def test_certificates_only_where_the_program_dials() -> None:
    bare = replace(GOOD, files=BARE)
    assert "ca-certificates" not in judge(bare, functions=frozenset({"crypto/tls.(*Conn).clientHandshake"}))
    dials = frozenset({"net/http.(*Transport).dialConn"})
    found = judge(bare, functions=dials, theirs=True)["ca-certificates"]
    assert (found.severity, found.place) == ("warn", "Dockerfile:3")
    assert found.hint.startswith("COPY --from=builder /etc/ssl/certs/ca-certificates.crt")
    assert judge(bare, functions=dials)["ca-certificates"].hint == "devctl prod-preview --base distroless"
    rooted = dials | {"golang.org/x/crypto/x509roots/fallback.init.0"}
    assert judge(bare, functions=rooted)["ca-certificates"].severity == "ok"


def test_time_zones_only_where_they_are_loaded() -> None:
    bare = replace(GOOD, files=BARE)
    assert "time-zones" not in judge(bare)
    loads, local = frozenset({"time.LoadLocation"}), frozenset({"time.loadLocation"})
    assert "time-zones" not in judge(bare, functions=loads), "a library could"
    assert judge(bare, functions=local, zone="Asia/Tokyo")["time-zones"].message.startswith(
        "TZ is Asia/Tokyo, but"
    )
    asks = replace(SERVICE, source=SourceCode(loads_zone="main.go:7"))
    found = judge(bare, service=asks, functions=loads)["time-zones"]
    assert (found.severity, found.hint) == ("warn", 'import _ "time/tzdata" in package main')
    assert found.place == "main.go:7"
    assert judge(bare, service=asks, functions=loads | {"time/tzdata.init.0"})["time-zones"].severity == "ok"
    named = replace(bare, files=bare.files | {"/zones.zip"}, env=("ZONEINFO=/zones.zip",))
    assert judge(named, service=asks, functions=loads)["time-zones"].severity == "ok"
    with_go = replace(bare, files=bare.files | {"/usr/local/go/lib/time/zoneinfo.zip"})
    assert judge(with_go, service=asks, functions=loads)["time-zones"].severity == "ok"
    trimmed = judge(with_go, service=asks, functions=loads, settings={"-trimpath": "true"})["time-zones"]
    assert trimmed.severity == "warn"


def test_files_opened_relative_to_the_working_directory() -> None:
    service = replace(
        SERVICE,
        origins={"files": "web.go:12"},
        source=replace(SERVICE.source, dir="cmd/api"),
        build=replace(SERVICE.build, files=("templates", "static")),
    )
    image = replace(GOOD, workdir="/app", files=GOOD.files | {"/app/static"})
    found = judge(image, service=service)["opened-files"]
    assert (found.severity, found.place) == ("warn", "web.go:12")
    assert found.message == "opened at run time, relative to /app, but not in the image: templates"
    assert found.hint == "COPY cmd/api/templates /app/templates"
    there = replace(image, files=image.files | {"/app/templates"})
    assert judge(there, service=service)["opened-files"].severity == "ok"


@pytest.mark.parametrize(("theirs", "status"), [(True, "ok"), (False, "warn")])
def test_a_file_that_is_an_argument_is_where_the_users_image_is_told(*, theirs: bool, status: str) -> None:
    service = replace(
        SERVICE,
        build=replace(SERVICE.build, files=("conf/word.txt",)),
        start=replace(SERVICE.start, args=("-c=conf/word.txt",)),
    )
    assert judge(GOOD, service=service, theirs=theirs)["opened-files"].severity == status


def test_a_port_below_1024() -> None:
    found = judge(replace(GOOD, exposed=(80,)), theirs=True)["privileged-port"]
    assert (found.severity, found.place) == ("warn", "Dockerfile:5")


def test_secrets_are_named_and_never_shown() -> None:
    image = replace(
        GOOD,
        env=("API_TOKEN=hunter2", "DB_PASSWORD=", "DB_PASSWORD_FILE=/run/secrets/x", "MONKEY=1"),
        history=("|1 NPM_TOKEN=hunter2 /bin/sh -c make", "RUN TOKEN=$(cat /run/secrets/t) make", "ENV A=1"),
        files=GOOD.files | {"/app/.env", "/home/app/.ssh/id_rsa"},
    )
    found = judge(image, theirs=True)["secrets"]
    assert (found.severity, found.place) == ("warn", "Dockerfile:4")
    assert found.message.endswith(
        ": ENV API_TOKEN, build argument NPM_TOKEN, /app/.env, /home/app/.ssh/id_rsa"
    )
    assert "hunter2" not in str(found)


def test_source_in_the_image() -> None:
    image = replace(GOOD, files=GOOD.files | {"/app/.git", "/app/main.go"})
    found = judge(image)["source"]
    assert (found.severity, found.message) == ("warn", "the image contains source: /app/.git and 1 more")


def test_the_first_failure_is_named_and_all_that_was_found_is_in_the_result() -> None:
    image = replace(GOOD, binary=None, user="nobody", files=frozenset())
    found = checks(Inspected(image, SERVICE))
    error = not_ready("not ready for production", found)
    hint = "COPY --from=builder … /server, or name a file that exists in the image"
    assert error.problem == Problem(
        "not-ready", "not ready for production: /server is not in the image (and 1 more)", hint
    )
    assert error.result == {"checks": [f.as_json() for f in found]}
    (first, _) = (f.as_json() for f in found if f.severity == "fail")
    assert first == {
        "id": "entrypoint-exists",
        "status": "fail",
        "detail": "/server is not in the image",
        "hint": hint,
        "place": None,
    }


@pytest.mark.parametrize(
    ("entrypoint", "cmd", "named"),
    [
        (("/server",), ("serve",), "/server"),
        ((), ("./server",), "./server"),
        (("/sbin/tini", "--", "/server"), (), "/server"),
        (("/usr/bin/dumb-init", "--"), ("/server", "-v"), "/server"),
        (("/bin/sh", "-c", "exec /server"), (), "/server"),
        (("/bin/sh", "-c", "A=1 /server"), (), "/server"),
        ((), ("sh", "-c", "migrate up && exec server -v"), "server"),
        (("/sbin/tini", "--", "bash", "-ec", "seed; ./server"), (), "./server"),
        ((), (), ""),
    ],
)
def test_the_program_of_an_image(entrypoint: tuple[str, ...], cmd: tuple[str, ...], named: str) -> None:
    assert program(entrypoint, cmd) == named


def test_where_a_program_is_looked_for() -> None:
    assert candidates("./server", workdir="/app", env=()) == ("/app/server",)
    assert candidates("server", workdir="/app", env=("PATH=/a:/b",)) == ("/a/server", "/b/server")
    assert candidates("", workdir="/", env=()) == ()


def test_links_lead_on_inside_the_image() -> None:
    links = {"/bin": "usr/bin", "/usr/bin/sh": "dash", "/loop": "/loop"}
    assert resolve("/bin/sh", links) == "/usr/bin/dash"
    assert resolve("/loop/x", links).startswith("/")
    assert "/bin/dash" in with_aliases({"/usr/bin/dash"}, links)


@given(st.lists(st.text(max_size=20), max_size=5), st.lists(st.text(max_size=20), max_size=5))
def test_any_configuration_is_judged(entrypoint: list[str], cmd: list[str]) -> None:
    image = replace(GOOD, entrypoint=tuple(entrypoint), cmd=tuple(cmd), binary=None)
    found = checks(Inspected(image, SERVICE))
    assert all(c.hint for c in found if c.severity != "ok")
    assert isinstance(command(entrypoint, cmd), tuple)


@given(st.lists(st.text(max_size=20), max_size=5), st.lists(st.text(max_size=20), max_size=5))
def test_every_check_that_is_not_ok_has_a_hint(env: list[str], test: list[str]) -> None:
    image = replace(GOOD, env=tuple(env), healthcheck=tuple(test), files=frozenset(env), history=tuple(env))
    assert all(c.hint for c in checks(Inspected(image, SERVICE)) if c.severity != "ok")


def test_what_needs_c_is_told_by_how_it_was_built() -> None:
    service = replace(
        SERVICE, source=replace(SERVICE.source, cgo=Located("github.com/mattn/go-sqlite3", "store"))
    )

    def said(image: ImageFacts, **settings: str) -> dict[str, Finding]:
        return {c.id: c for c in checks(Inspected(image, service, settings=settings))}

    assert "cgo" not in said(GOOD) and said(GOOD, CGO_ENABLED="1")["cgo"].severity == "ok"
    without = said(GOOD, CGO_ENABLED="0")["cgo"]
    assert (without.severity, without.place) == ("warn", "store") and "CGO_ENABLED=1" in without.hint
    assert GOOD.binary is not None
    dynamic = replace(GOOD, binary=replace(GOOD.binary, interpreter="/lib/ld-musl-x86_64.so.1"))
    assert "CGO_ENABLED=0" not in said(dynamic, CGO_ENABLED="1")["static-binary"].hint
    assert reads_program(GOOD, service) and not reads_program(GOOD, SERVICE)


def test_an_image_that_compiles_says_what_it_is_and_which_command_shows_the_program_alone() -> None:
    image = replace(GOOD, size_bytes=277_770_000, files=GOOD.files | {"/usr/local/go/bin/go"})
    found = judge(image, theirs=True)["toolchain"]
    assert (found.severity, found.place) == ("warn", "Dockerfile:3")
    assert "277.77 MB, of which the program is 6.00 MB" in found.message
    assert found.hint == "devctl prod-preview --base distroless"
    both = replace(SERVICE, build=replace(SERVICE.build, prod_stages={"other": "prod", "scratch": "slim"}))
    other = judge(image, theirs=True, service=both)["toolchain"]
    assert "; stage `slim` contains none of it" in other.message
    assert other.hint == "`build: {target: slim}` in the compose file"
    beside = replace(SERVICE, build=replace(SERVICE.build, spare_dockerfile="Dockerfile.prod"))
    spare = judge(image, theirs=True, service=beside)["toolchain"]
    assert "; Dockerfile.prod builds an image without it" in spare.message
    assert spare.hint == "`build: {dockerfile: Dockerfile.prod}` in the compose file"
