from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.adapters.dockerfile_source import parse
from devctl.domain.gofacts import DockerfileFacts, Located
from devctl.domain.image import Binary, ImageFacts
from devctl.domain.image_paths import candidates, command, program, resolve, with_aliases
from devctl.domain.inspected import HealthCheck
from devctl.domain.project import Service
from devctl.domain.readiness import Check, Inspected, blocking, checks, reads_program

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
SERVICE = Service(name="api", port=8080)
GOOD = ImageFacts(
    ref="shop-api:prod-distroless",
    id="sha256:1",
    size_bytes=8_000_000,
    layers=(),
    layer_digests=(),
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
) -> dict[str, Check]:
    dockerfile = facts() if theirs else None
    stage = dockerfile.stage("prod") if dockerfile else None
    found = checks(Inspected(image, service, functions, dockerfile, stage, health=health))
    return {c.id: c for c in found}


def test_a_good_image_passes_every_check() -> None:
    found = judge(GOOD, functions=frozenset({"time.LoadLocation", "crypto/tls.dial"}))
    assert {c.status for c in found.values()} == {"ok"}
    assert blocking(found.values()) is None
    assert found["static-binary"].detail == "static binary"
    assert found["entrypoint-exists"].detail == "/server is there and executable"


def test_shell_form_without_a_shell_is_refused_with_the_line() -> None:
    shell_form = replace(GOOD, entrypoint=("/bin/sh", "-c", "exec /server -v"))
    found = judge(shell_form, theirs=True)["entrypoint-form"]
    assert (found.status, found.place) == ("fail", "Dockerfile:9")
    assert found.hint == 'ENTRYPOINT ["/server", "-v"]'
    with_shell = judge(replace(shell_form, files=GOOD.files | SHELL))["entrypoint-form"]
    assert with_shell.status == "warn"
    assert "SIGTERM" in with_shell.detail


def test_a_dynamic_binary_needs_its_interpreter() -> None:
    binary = Binary("/server", 1, 0o755, True, "/lib/ld-musl-x86_64.so.1", "amd64")
    without = judge(replace(GOOD, binary=binary))["static-binary"]
    assert without.status == "fail"
    assert "/lib/ld-musl-x86_64.so.1 is not in the image" in without.detail
    assert "CGO_ENABLED=0" in without.hint
    within = judge(replace(GOOD, binary=binary, files=GOOD.files | {"/lib/ld-musl-x86_64.so.1"}))
    assert within["static-binary"].status == "ok"


def test_another_architecture_is_refused() -> None:
    found = judge(replace(GOOD, architecture="arm64"))["architecture"]
    assert (found.status, found.detail) == ("fail", "the binary is for amd64, the image for arm64")


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
    assert (found.status, found.detail) == ("fail", detail)
    assert found.hint


def test_a_relative_entrypoint_gets_its_absolute_path() -> None:
    image = replace(
        GOOD, entrypoint=("./server", "-v"), workdir="/app", binary=Binary("/app/server", 1, 0o755, True)
    )
    found = judge(image)["entrypoint-absolute"]
    assert (found.status, found.hint) == ("warn", 'ENTRYPOINT ["/app/server", "-v"]')


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
    assert judge(replace(GOOD, user=user, files=files))["user"].status == status


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
    assert found.status == status
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
    assert (found.status, found.place) == (status, "compose.yaml:7" if status == "fail" else None)


def test_our_stage_is_not_asked_for_what_a_compose_files_health_check_runs() -> None:
    asked = HealthCheck(("CMD", "wget", "-q", "localhost"), "compose.yaml:7")
    found = judge(GOOD, health=asked)["health-check"]
    assert (found.status, found.place) == ("warn", "compose.yaml:7")
    assert "health-check" not in judge(GOOD, theirs=True, health=HealthCheck(("NONE",), "compose.yaml:7"))


def test_no_health_check_is_no_finding() -> None:
    assert "health-check" not in judge(GOOD)
    assert "health-check" not in judge(replace(GOOD, healthcheck=("NONE",)))


def test_certificates_only_where_the_program_dials() -> None:
    bare = replace(GOOD, files=BARE)
    assert "ca-certificates" not in judge(bare, functions=frozenset({"crypto/tls.(*Conn).clientHandshake"}))
    dials = frozenset({"net/http.(*Transport).dialConn"})
    found = judge(bare, functions=dials, theirs=True)["ca-certificates"]
    assert (found.status, found.place) == ("warn", "Dockerfile:3")
    assert found.hint.startswith("COPY --from=builder /etc/ssl/certs/ca-certificates.crt")
    assert judge(bare, functions=dials)["ca-certificates"].hint == "devctl prod-preview --base distroless"
    rooted = dials | {"golang.org/x/crypto/x509roots/fallback.init.0"}
    assert judge(bare, functions=rooted)["ca-certificates"].status == "ok"


def test_time_zones_only_where_they_are_loaded() -> None:
    bare = replace(GOOD, files=BARE)
    assert "time-zones" not in judge(bare)
    loads = frozenset({"time.LoadLocation"})
    found = judge(bare, functions=loads)["time-zones"]
    assert (found.status, found.hint) == ("warn", 'import _ "time/tzdata" in package main')
    assert judge(bare, functions=loads | {"time/tzdata.init.0"})["time-zones"].status == "ok"


def test_files_opened_relative_to_the_working_directory() -> None:
    service = replace(SERVICE, dir="cmd/api", files=("templates", "static"), origins={"files": "web.go:12"})
    image = replace(GOOD, workdir="/app", files=GOOD.files | {"/app/static"})
    found = judge(image, service=service)["opened-files"]
    assert (found.status, found.place) == ("warn", "web.go:12")
    assert found.detail == "opened at run time, relative to /app, and not in the image: templates"
    assert found.hint == "COPY cmd/api/templates /app/templates"
    there = replace(image, files=image.files | {"/app/templates"})
    assert judge(there, service=service)["opened-files"].status == "ok"


@pytest.mark.parametrize(("theirs", "status"), [(True, "ok"), (False, "warn")])
def test_a_file_that_is_an_argument_lies_where_the_users_image_is_told(*, theirs: bool, status: str) -> None:
    service = replace(SERVICE, files=("conf/word.txt",), args=("-c=conf/word.txt",))
    assert judge(GOOD, service=service, theirs=theirs)["opened-files"].status == status


def test_a_port_below_1024() -> None:
    found = judge(replace(GOOD, exposed=(80,)), theirs=True)["privileged-port"]
    assert (found.status, found.place) == ("warn", "Dockerfile:5")


def test_secrets_are_named_and_never_shown() -> None:
    image = replace(
        GOOD,
        env=("API_TOKEN=hunter2", "DB_PASSWORD=", "DB_PASSWORD_FILE=/run/secrets/x", "MONKEY=1"),
        history=("|1 NPM_TOKEN=hunter2 /bin/sh -c make", "RUN TOKEN=$(cat /run/secrets/t) make", "ENV A=1"),
        files=GOOD.files | {"/app/.env", "/home/app/.ssh/id_rsa"},
    )
    found = judge(image, theirs=True)["secrets"]
    assert (found.status, found.place) == ("warn", "Dockerfile:4")
    assert found.detail.endswith(
        ": ENV API_TOKEN, build argument NPM_TOKEN, /app/.env, /home/app/.ssh/id_rsa"
    )
    assert "hunter2" not in str(found)


def test_source_in_the_image() -> None:
    image = replace(GOOD, files=GOOD.files | {"/app/.git", "/app/main.go"})
    found = judge(image)["source"]
    assert (found.status, found.detail) == ("warn", "the image holds source: /app/.git and 1 more")


def test_the_first_blocking_check_is_named() -> None:
    image = replace(GOOD, binary=None, user="nobody", files=frozenset())
    found = checks(Inspected(image, SERVICE))
    first = blocking(found)
    assert first is not None
    assert first.id == "entrypoint-exists"
    assert first.as_json() == {
        "id": "entrypoint-exists",
        "status": "fail",
        "detail": "/server is not in the image",
        "hint": "COPY --from=builder … /server, or name what is there",
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
    assert all(c.hint for c in found if c.status != "ok")
    assert isinstance(command(entrypoint, cmd), tuple)


@given(st.lists(st.text(max_size=20), max_size=5), st.lists(st.text(max_size=20), max_size=5))
def test_every_check_that_is_not_ok_has_a_hint(env: list[str], test: list[str]) -> None:
    image = replace(GOOD, env=tuple(env), healthcheck=tuple(test), files=frozenset(env), history=tuple(env))
    assert all(c.hint for c in checks(Inspected(image, SERVICE)) if c.status != "ok")


def test_what_needs_c_is_told_by_how_it_was_built() -> None:
    service = replace(SERVICE, cgo=Located("github.com/mattn/go-sqlite3", "store"))

    def said(image: ImageFacts, **settings: str) -> dict[str, Check]:
        return {c.id: c for c in checks(Inspected(image, service, settings=settings))}

    assert "cgo" not in said(GOOD) and said(GOOD, CGO_ENABLED="1")["cgo"].status == "ok"
    without = said(GOOD, CGO_ENABLED="0")["cgo"]
    assert (without.status, without.place) == ("warn", "store") and "CGO_ENABLED=1" in without.hint
    assert GOOD.binary is not None
    dynamic = replace(GOOD, binary=replace(GOOD.binary, interpreter="/lib/ld-musl-x86_64.so.1"))
    assert "CGO_ENABLED=0" not in said(dynamic, CGO_ENABLED="1")["static-binary"].hint
    assert reads_program(GOOD, service) and not reads_program(GOOD, SERVICE)
