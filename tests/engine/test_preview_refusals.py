"""Every image that is not ready for production, on the real engine: the whole message, and that dev was never touched.

What runs is looked at from outside: by the engine's own client and by a request. The project is shared by all cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.broken_projects import CGO, STAGED, STAGES_MAIN, UNKNOWN_C, WITHOUT_CGO, line_of, stage_line
from tests.engine.cli import Result, get
from tests.engine.conftest import Started, made_in
from tests.engine.previewed import container, preview, started

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    yield from started(tmp_path_factory.mktemp("staged"), STAGED)


def refusal(message: str, hint: str, instruction: str, *, stage: str) -> dict[str, object]:
    place = f"Dockerfile:{stage_line(instruction, stage=stage)}"
    return {"code": "not-ready", "message": message, "hint": hint, "place": place}


READY = "not ready for production: "
REFUSALS = {
    "shell": refusal(
        "stage `shell` of app cannot run: shell-form ENTRYPOINT needs /bin/sh, but scratch has no shell",
        'ENTRYPOINT ["/server"]',
        "ENTRYPOINT",
        stage="shell",
    ),
    "nowhere": refusal(
        f"{READY}/nope is not in the image",
        "COPY --from=builder … /nope, or name a file that exists in the image",
        "ENTRYPOINT",
        stage="nowhere",
    ),
    "unset": refusal(
        f"{READY}/server is not executable (mode 0644)",
        "RUN chmod 0755 … in the builder, or COPY --chmod=0755 … /server",
        "ENTRYPOINT",
        stage="unset",
    ),
    "idle": refusal(
        f"{READY}the image starts nothing",
        'ENTRYPOINT ["/server"]',
        "FROM",
        stage="idle",
    ),
    "pie": refusal(
        f"{READY}/server is linked dynamically, but its interpreter /lib64/ld-linux-x86-64.so.2 is not in the image",
        "RUN CGO_ENABLED=0 go build … in the builder stage",
        "ENTRYPOINT",
        stage="pie",
    ),
    "arm": refusal(
        f"{READY}the binary is for arm64, the image for amd64",
        "ARG TARGETARCH, then GOARCH=$TARGETARCH go build … in the builder stage",
        "FROM",
        stage="arm",
    ),
    "named": refusal(
        f"{READY}user nobody is a name, but the image has no /etc/passwd to look it up in",
        "USER 65532:65532",
        "USER",
        stage="named",
    ),
    "health": refusal(
        f"{READY}the health check is in shell form, but the image has no /bin/sh: it would always be unhealthy",
        'HEALTHCHECK NONE, or exec form: HEALTHCHECK CMD ["/server", "-healthcheck"]',
        "HEALTHCHECK",
        stage="health",
    ),
    "lacking": refusal(
        f"{READY}the health check runs /healthcheck, which is not in the image",
        'HEALTHCHECK NONE, or exec form: HEALTHCHECK CMD ["/server", "-healthcheck"]',
        "HEALTHCHECK",
        stage="lacking",
    ),
}


@pytest.mark.parametrize("stage", REFUSALS)
def test_what_cannot_work_is_refused_and_dev_is_never_touched(staged: Started, stage: str) -> None:
    before = container(staged, "app"), container(staged, "beside")

    refused = preview(staged, f"version: 1\nprod: {{target: {stage}}}\n")

    assert refused.error == REFUSALS[stage], refused.show
    assert (container(staged, "app"), container(staged, "beside")) == before
    assert get(staged.port) == "it serves"
    assert not refused.named("switch")


Warnings = dict[str, tuple[str, str, str]]
CARELESS: Warnings = {
    "entrypoint-absolute": (
        "./server is found only through WORKDIR or PATH, which a base or a compose file may change",
        'ENTRYPOINT ["/app/server"]',
        "ENTRYPOINT",
    ),
    "user": ("the image runs as root by default", "USER 65532:65532", "FROM"),
    "ca-certificates": (
        "the program makes TLS connections, but the image has no CA certificates",
        "COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/",
        "FROM",
    ),
    "time-zones": (
        "the program loads time zones by name, but the image has none",
        'import _ "time/tzdata" in package main',
        "FROM",
    ),
    "privileged-port": (
        "port 80 is below 1024: outside Docker a non-root process cannot listen on it",
        "listen on 8080 and let the platform map the port",
        "EXPOSE",
    ),
    "secrets": (
        "anyone who can pull the image can read: ENV API_TOKEN",
        "use RUN --mount=type=secret,id=… in the build, and pass secrets to the container when it starts",
        "ENV",
    ),
    "source": (
        "the image contains source: /app/main.go",
        "COPY --from=builder only the binary into a separate stage",
        "COPY main.go",
    ),
}
SHELLED: Warnings = {
    "time-zones": (
        "the program loads time zones by name, but the image has none",
        'import _ "time/tzdata" in package main',
        "FROM",
    ),
    "entrypoint-form": (
        "shell-form entrypoint: the shell gets SIGTERM, the service may not",
        'ENTRYPOINT ["/server"]',
        "ENTRYPOINT",
    ),
    "user": (
        "user nobody is a name: Kubernetes cannot verify that it is not root",
        "USER 65532:65532",
        "USER",
    ),
    "secrets": (
        "anyone who can pull the image can read: build argument NPM_TOKEN, /app/.env",
        "use RUN --mount=type=secret,id=… in the build, and pass secrets to the container when it starts",
        "ARG",
    ),
    "source": (
        "the image contains source: /app/.git",
        "COPY --from=builder only the binary into a separate stage",
        "COPY .git",
    ),
}


def warned(done: Result) -> dict[str, dict[str, object]]:
    """What the checks found, by name. `answers-differ` is of another kind: asked of dev while it still serves."""
    return {c["id"]: c for c in done.result["checks"] if c["status"] != "ok" and c["id"] != "answers-differ"}


def as_checks(warnings: Warnings, *, stage: str) -> dict[str, dict[str, object]]:
    return {
        name: {
            "id": name,
            "status": "warn",
            "detail": detail,
            "hint": hint,
            "place": f"Dockerfile:{stage_line(instruction, stage=stage)}",
        }
        for name, (detail, hint, instruction) in warnings.items()
    }


def test_what_may_fail_elsewhere_is_reported_with_its_line_and_the_preview_serves(staged: Started) -> None:
    beside = container(staged, "beside")
    (staged.root / "devctl.yaml").write_text("version: 1\nprod: {target: careless}\n")

    done = staged.devctl("-y", "prod-preview")

    found = warned(done)
    assert found.pop("opened-files") == {
        "id": "opened-files",
        "status": "warn",
        "detail": "opened at run time, relative to /app, but not in the image: templates/page.html",
        "hint": "COPY templates/page.html /app/templates/page.html",
        "place": f"main.go:{line_of('templates/page.html', source=STAGES_MAIN)}",
    }
    assert found == as_checks(CARELESS, stage="careless")
    assert get(staged.port) == "it serves" and "no such file" in get(staged.port, "/page")
    staged.devctl("up", "-d", "--no-watch")
    assert "a page" in get(staged.port, "/page")
    assert container(staged, "beside") == beside


def test_on_a_base_with_a_shell_the_same_is_only_told(staged: Started) -> None:
    (staged.root / "devctl.yaml").write_text("version: 1\nprod: {target: shelled}\n")

    done = staged.devctl("-y", "prod-preview")

    found = warned(done)
    found.pop("opened-files")
    assert found == as_checks(SHELLED, stage="shelled")
    assert get(staged.port) == "it serves"


def test_cgo_without_a_compiler_is_refused_and_cgo_left_out_is_told(tmp_path: Path) -> None:
    with made_in(tmp_path) as make:
        made = make(CGO)

        refused = made.devctl("-y", "prod-preview", code=4)
        assert refused.error == {
            "code": "base-lacks-c-compiler",
            "message": "cgo is on, but the image has no C compiler (gcc); a package of the service is partly written in C",
            "hint": "CGO_ENABLED=0 if no C is needed, else RUN apk add --no-cache gcc musl-dev",
            "place": None,
        }, refused.show

        made.write({"devctl.yaml": WITHOUT_CGO})
        done = made.devctl("-y", "prod-preview", "--base", "scratch")
        assert warned(done)["cgo"] == {
            "id": "cgo",
            "status": "warn",
            "detail": (
                "github.com/mattn/go-sqlite3 needs cgo, but the program was built with CGO_ENABLED=0: it fails when it "
                "uses that package"
            ),
            "hint": "RUN CGO_ENABLED=1 go build … in a builder with a C compiler, or use a package that does not need C",
            "place": ".",
        }, done.show


def test_c_of_an_unknown_module_is_found_in_what_go_really_builds(tmp_path: Path) -> None:
    """Both build without cgo; nothing but Go itself can say that they are other ones then."""
    told = {
        "id": "cgo",
        "status": "warn",
        "detail": "corp.example/ledger needs cgo, but the program was built with CGO_ENABLED=0: it fails when it uses that package "
        "(stub.go:7: ledger is a stub: built without cgo it keeps nothing); also built without cgo: corp.example/digest",
        "hint": "RUN CGO_ENABLED=1 go build … in a builder with a C compiler, or use a package that does not need C",
        "place": "store",
    }
    with made_in(tmp_path) as make:
        made = make(UNKNOWN_C)
        done = made.devctl("-y", "prod-preview", "--base", "scratch")
        assert "cgo" not in warned(done), done.show  # no Go was at hand

        made.devctl("-y", "up", "-d", "--no-watch")
        done = made.devctl("-y", "prod-preview", "--base", "scratch")
        assert warned(done)["cgo"] == told, done.show
        assert get(made.port) == "it serves1"

        again = made.devctl("-y", "prod-preview", "--base", "scratch")  # nothing to build, and none to ask
        assert warned(again)["cgo"] == told, again.show
