"""The user's final stage on another base: their words in their places, and what that base cannot do is left out and said."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.owners import made_by
from devctl.domain.derive.production_stage import ProductionStage, Rebased, production_stage
from devctl.domain.dockerfile.prod_stages import prod_stages
from devctl.domain.dockerfile.runtime_bases import IMAGES, RUNTIME_BASES

BUILD = """\
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /shop .
"""
SHOP = 'COPY --from=build /shop /shop\nENTRYPOINT ["/shop"]\n'


def of(text: str, compose: Mapping[str, object] | None = None) -> ProductionStage | None:
    facts = parse(text)
    target = next(iter(prod_stages(facts, compose)))
    return production_stage(
        facts, compose or {}, target=prod_stages(facts, compose)[target], package=".", module="example.com/shop", go="1.26"
    )  # fmt: skip


def on(base: str, text: str, compose: Mapping[str, object] | None = None) -> Rebased:
    found = of(text, compose)
    assert found is not None
    moved = found.on(RUNTIME_BASES[base], IMAGES, needs_c=False)
    parse(moved.text)
    return moved


def changed(before: str, after: str) -> list[str]:
    """The lines that are others than the user's."""
    old = before.splitlines()
    return [line for n, line in enumerate(after.splitlines()) if n >= len(old) or line != old[n]]


def codes(moved: Rebased) -> list[str]:
    return [problem.code for problem in moved.told]


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        (
            f'FROM alpine:3.22 AS runtime\nENTRYPOINT ["/shop"]\n{BUILD}FROM runtime\nCOPY --from=build /shop /shop\n',
            {"alpine": "2"},
        ),
        (
            f'FROM alpine:3.22 AS app\nCMD ["/shop"]\n{BUILD}FROM app AS image\nCOPY --from=build /shop /shop\n',
            {"alpine": "image"},
        ),
        (
            f'{BUILD}FROM alpine:3.22 AS release\n{SHOP}FROM alpine:3.22\n{SHOP}CMD ["-c", "/etc/conf"]\n',
            {"alpine": "2"},
        ),
        (
            f"{BUILD}FROM alpine:3.22 AS prod\n{SHOP}FROM alpine:3.22 AS image\n{SHOP}FROM image AS dev\n",
            {"alpine": "image"},
        ),
        # What starts nothing is no production stage.
        (
            f"{BUILD}FROM alpine:3.22 AS prod\n{SHOP}FROM scratch AS files\nCOPY --from=build /shop /\n",
            {"alpine": "prod"},
        ),
        # Names decide among the other kinds, first what has a kind in its name.
        (
            f"{BUILD}FROM alpine:3.22 AS prod-alpine\n{SHOP}FROM alpine:3.22 AS prod\n{SHOP}FROM scratch\n{SHOP}",
            {"scratch": "3", "alpine": "prod-alpine"},
        ),
    ],
)
def test_the_last_stage_for_production_is_the_default_whatever_others_are_called(
    text: str, stages: dict[str, str]
) -> None:
    assert list(prod_stages(parse(text)).items()) == list(stages.items())


def test_a_stage_that_the_asked_one_is_built_on_is_part_of_it() -> None:
    text = f"{BUILD}FROM alpine:3.22 AS prod\n{SHOP}FROM prod AS image\nUSER app\nFROM alpine:3.22\n{SHOP}"
    assert prod_stages(parse(text), {"build": {"target": "image"}}) == {"alpine": "image"}


EVERYTHING = f"""{BUILD}
# what runs
FROM --platform=linux/amd64 debian:bookworm-slim AS run
ARG VERSION=1
ENV GREETING="two  words" \\
    MODE=shop
LABEL org.example.a=b
WORKDIR /app
COPY --chmod=0644 config /etc/shop/
COPY --from=docker.io/acme/tool:1 /tool /tool
EXPOSE 8080
VOLUME /data
USER 10001:10002
HEALTHCHECK CMD ["/shop", "-healthcheck"]
STOPSIGNAL SIGINT
{SHOP}CMD ["serve", "*"]
"""


@pytest.mark.parametrize("base", RUNTIME_BASES)
def test_what_every_base_can_do_stays_word_for_word(base: str) -> None:
    moved = on(base, EVERYTHING)
    ref = IMAGES.get(base, "scratch")
    assert changed(EVERYTHING, moved.text) == [f"FROM --platform=linux/amd64 {ref} AS run"]
    assert moved.told == ()
    (stage,) = [s for s in moved.facts.stages if s.name == "run"]
    assert stage.base == ref and {i.cmd: i.line for i in stage.instructions}["CMD"] == 22


RUNS = f"""{BUILD}
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y \\
      ca-certificates tzdata
RUN mkdir -p /data && chmod 1777 /data
{SHOP}"""


def test_without_a_shell_no_run_line_stays_and_one_warning_names_them() -> None:
    moved = on("distroless", RUNS)
    assert changed(RUNS, moved.text) == [
        f"FROM {IMAGES['distroless']}",
        "# RUN apt-get update && apt-get install -y \\",
        "#       ca-certificates tzdata",
        "# RUN mkdir -p /data && chmod 1777 /data",
    ]
    (told,) = moved.told
    assert (told.code, told.place) == ("run-left-out", "Dockerfile:7")
    assert told.message == (
        "left out on distroless, which has no shell: `RUN apt-get update && apt-get install -y ca-certificates tzdata`, and line 9"
    )


def test_alpine_keeps_what_needs_a_shell_and_not_another_package_manager() -> None:
    moved = on("alpine", RUNS)
    assert "\nRUN mkdir -p /data && chmod 1777 /data\n" in moved.text
    (told,) = moved.told
    assert "which has other packages: `RUN apt-get" in told.message and "and line" not in told.message


def test_files_of_packages_that_are_left_out_are_brought() -> None:
    certificates = f"COPY --from={IMAGES['distroless']} /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/"
    zones = f"COPY --from={IMAGES['distroless']} /usr/share/zoneinfo /usr/share/zoneinfo"
    assert on("scratch", RUNS).text.splitlines()[-2:] == [certificates, zones]
    assert on("alpine", RUNS).text.splitlines()[-1] == zones
    assert "zoneinfo" not in on("distroless", RUNS).text
    without = RUNS.replace(" tzdata", "").replace("ca-certificates", "ca-certificates-java")
    assert "COPY --from=gcr" not in on("scratch", without).text


def test_run_lines_of_the_same_family_stay() -> None:
    text = (
        f"{BUILD}FROM golang:1.26-alpine\nRUN apk add --no-cache tini && adduser -D app\n"
        'COPY --from=build --chown=app /shop /shop\nUSER app\nENTRYPOINT ["/shop"]\n'
    )
    moved = on("alpine", text)
    assert changed(text, moved.text) == [f"FROM {IMAGES['alpine']}"]
    assert moved.told == ()


USERS = """\
FROM alpine:3.22
ARG UID=10001
RUN addgroup -g 10002 crew && adduser -D -u ${UID} -G crew app
COPY --from=build --chown=app:crew /shop /shop
USER app
ENTRYPOINT ["/shop"]
"""


def test_a_user_that_nobody_makes_is_a_number() -> None:
    moved = on("distroless", BUILD + USERS)
    assert "COPY --from=build --chown=10001:10002 /shop /shop\nUSER 10001:10002\n" in moved.text
    assert moved.text.endswith(
        "ENV USER=app HOME=/home/app\n"
    )  # Go's user.Current needs it if /etc/passwd has no such user
    assert codes(moved) == ["run-left-out"]
    assert moved.owners.written("app") == "10001:10002" and moved.owners.written("7:8") == "7:8"
    given = on("scratch", BUILD + USERS, {"build": {"args": {"UID": "7"}}})
    assert "\nUSER 7:10002\n" in given.text


@pytest.mark.follows(
    "give the user a number where it is created (`-u 10001`), or use the number: `USER 10001:10001`, `--chown=10001:10001`"
)
def test_a_user_without_a_number_is_devctls_and_that_is_said(hinted: Callable[[str], str]) -> None:
    text = (BUILD + USERS).replace(" -u ${UID}", "")
    moved = on("distroless", text)
    assert "--chown=65532:65532" in moved.text and "\nUSER 65532:65532\n" in moved.text
    assert codes(moved) == ["run-left-out", "user-unknown"]
    assert moved.told[1].place == "Dockerfile:8"
    assert "no user app:crew" in moved.told[1].message
    assert "ENV USER" not in moved.text  # it is the base's own nonroot
    made, user, owner = re.findall(r"`([^`]+)`", hinted(moved.told[1].hint))
    for mended in (
        text.replace("adduser -D", f"adduser -D {made}"),
        text.replace("USER app", user).replace("--chown=app:crew", owner),
    ):
        assert codes(on("distroless", mended)) == ["run-left-out"]
    assert on("scratch", (BUILD + USERS).replace(" -u ${UID}", "")).text.endswith(
        "ENV USER=app HOME=/home/app\n"
    )


@pytest.mark.parametrize(
    ("base", "user", "written"),
    [
        ("distroless", "nobody", "nobody"),
        ("scratch", "nobody", "65534:65534"),
        ("alpine", "nonroot:nonroot", "65532:65532"),
        ("scratch", "1000", "1000"),
    ],
)
def test_users_that_bases_have(base: str, user: str, written: str) -> None:
    moved = on(base, f"{BUILD}FROM debian:12\nUSER {user}\n{SHOP}")
    assert f"\nUSER {written}\n" in moved.text
    assert "user-unknown" not in codes(moved)


def test_a_list_of_users_that_the_image_brings_is_believed() -> None:
    text = f"{BUILD}RUN adduser -D app\nFROM alpine:3.22\nCOPY --from=build /etc/passwd /etc/group /etc/\nUSER app\n{SHOP}"
    assert changed(text, on("scratch", text).text) == ["FROM scratch"]


def test_the_user_of_the_base_that_is_replaced_stays() -> None:
    text = f"{BUILD}FROM gcr.io/distroless/static:nonroot\n{SHOP}"
    assert changed(text, on("scratch", text).text) == ["FROM scratch", "USER 65532:65532"]
    named = text.replace("COPY --from", "USER 7\nCOPY --from")
    assert changed(named, on("scratch", named).text) == ["FROM scratch"]


@pytest.mark.parametrize(
    ("check", "kept"),
    [
        ("HEALTHCHECK --interval=3s CMD wget -q 127.0.0.1", {"alpine"}),
        ("HEALTHCHECK CMD curl -f 127.0.0.1", set()),
        ('HEALTHCHECK CMD ["/shop", "-check"]', {"alpine", "distroless", "scratch"}),
        ("HEALTHCHECK NONE", {"alpine", "distroless", "scratch"}),
    ],
)
def test_a_health_check_that_cannot_run_is_left_out(check: str, kept: set[str]) -> None:
    text = f"{BUILD}FROM debian:12\n{check}\n{SHOP}"
    found = {base: on(base, text) for base in RUNTIME_BASES}
    assert {base for base, moved in found.items() if f"\n{check}" in moved.text} == kept
    assert {base for base, moved in found.items() if "health-check-left-out" not in codes(moved)} == kept


def test_a_stage_below_the_final_one_comes_along_and_others_on_it_stay_as_they_are() -> None:
    text = f"""\
FROM alpine:3.22 AS common
ENV TZ=UTC
RUN apk add --no-cache curl
{BUILD}FROM common AS assets
RUN curl -o /x http://example.invalid
FROM common AS final
COPY --from=assets /x /x
{SHOP}"""
    lines = on("scratch", text).text.splitlines()
    assert lines[:3] == text.splitlines()[:3]
    at = lines.index("FROM scratch AS final")
    assert lines[at : at + 4] == [
        "FROM scratch AS final",
        "ENV TZ=UTC",
        "# RUN apk add --no-cache curl",
        "COPY --from=assets /x /x",
    ]


def test_a_program_of_the_image_runs_without_a_shell() -> None:
    text = f'{BUILD}FROM debian:12\nCOPY --from=build /shop /shop\nRUN ["/shop", "-init"]\nRUN ["/bin/true"]\nCMD ["/shop"]\n'
    moved = on("distroless", text)
    assert '\nRUN ["/shop", "-init"]\n# RUN ["/bin/true"]\n' in moved.text


STATIC = 'ENV CGO_LDFLAGS="-g -O2 -static" GOFLAGS="${GOFLAGS} -tags=netgo,osusergo"'
OFF = "ENV CGO_ENABLED=0"


@pytest.mark.parametrize(
    ("go", "build", "needs_c", "said"),
    [
        ("golang:1.26", "go build -o /shop .", False, {"alpine": OFF, "scratch": OFF}),
        ("golang:1.26", "go build -o /shop .", True, {"alpine": STATIC, "scratch": STATIC}),
        ("golang:1.26", "CGO_ENABLED=0 go build -o /shop .", True, {}),
        ("golang:1.26-alpine", "go build -o /shop .", True, {}),
        ("golang:1.26-alpine", "apk add gcc musl-dev && go build -o /shop .", True, {"scratch": STATIC}),
        ("golang:1.26-alpine", "CGO_ENABLED=1 go build -o /shop .", False, {"scratch": STATIC}),
        ("golang:1.26", "go build -ldflags '-extldflags \"-static\"' -o /shop .", True, {}),
    ],
)
def test_the_build_is_told_to_need_no_c_library_that_the_base_lacks(
    go: str, build: str, needs_c: bool, said: dict[str, str]
) -> None:
    text = f"{BUILD}FROM debian:12\n{SHOP}".replace("golang:1.26-alpine", go)
    found = of(text.replace("CGO_ENABLED=0 go build -o /shop .", build))
    assert found is not None
    for base in ("alpine", "scratch"):
        lines = found.on(RUNTIME_BASES[base], IMAGES, needs_c=needs_c).text.splitlines()
        assert lines[1] == said.get(base, "WORKDIR /src")


@pytest.mark.parametrize(
    "text",
    [
        'FROM golang:1.26\nCOPY . .\nRUN go build -o /shop .\nENTRYPOINT ["/shop"]\n',
        f'{BUILD}FROM build AS prod\nENTRYPOINT ["/shop"]\n',
        f"{BUILD}FROM alpine:3.22\n{SHOP}".replace("golang:1.26", "golang:1.22"),
    ],
)
def test_without_a_build_stage_that_can_there_is_nothing_to_put_elsewhere(text: str) -> None:
    assert of(text) is None


def test_who_is_made_by_which_words() -> None:
    made = made_by(
        "RUN groupadd --gid 1001 web \\\n && useradd --uid=1002 -g web -m shop; addgroup -S x || adduser -S -D -H -u 7 -G x y"
    )
    assert made.groups == {"web": "1001"}
    assert made.users == {"shop": ("1002", "web", "/home/shop"), "y": ("7", "x", "/home/y")}
    assert made_by("RUN adduser -h /srv -D -u 7 app").users == {"app": ("7", "app", "/srv")}
