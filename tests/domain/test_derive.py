"""A dev stage that is made of the user's Dockerfile: their words, in their order, up to what compiles; then what the image sets."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import to_builtins

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.dev_stage import DerivedStage, derived_stage, dev_dockerfile

AIR = "FROM ${AIR_GO_IMAGE} AS air\nRUN go install air\n"
STD = "FROM ${GO_IMAGE} AS std\nARG CGO_ENABLED=0\nRUN compile std\n"
MODULES = "FROM base AS deps\nCOPY go.mod ./\nRUN cd /app && go mod download\n"
PLAIN = """\
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go build -o /shop .
FROM scratch
COPY --from=build /shop /shop
ENTRYPOINT ["/shop"]
"""


def derived(
    text: str, *, package: str = ".", compose: Mapping[str, object] | None = None, started_in: str = "."
) -> DerivedStage:
    found = derived_stage(
        parse(text), compose or {}, package=package, module="example.com/shop", started_in=started_in,
        is_folder=lambda path: "." not in path or path == ".",
    )  # fmt: skip
    assert isinstance(found, DerivedStage), found
    return found


def written(found: DerivedStage) -> list[str]:
    text = dev_dockerfile(found, air=AIR, std=STD, modules=MODULES, scripts={}, context=".")
    return text.splitlines()


@pytest.mark.parametrize("brings", ["COPY . .\n", "COPY cmd ./cmd\n", "WORKDIR /app\n"])
def test_what_is_found_can_be_noted(brings: str) -> None:
    """A service is recorded next to the facts of its image (`known_images.py`), and every value in it goes into that note."""
    found = derived(PLAIN.replace("COPY . .\n", brings))
    assert json.loads(json.dumps(to_builtins(found), default=sorted))


def test_the_source_the_modules_and_the_build_are_left_out() -> None:
    lines = written(derived(PLAIN))
    assert lines[:3] == ["ARG AIR_GO_IMAGE", "FROM golang:1.26-alpine AS build", "WORKDIR /src"]
    assert "RUN /devctl/program /shop reload . /shop" in lines
    at = lines.index("FROM ${AIR_GO_IMAGE} AS devctl-std")
    assert lines[at + 1] == "ENV CGO_ENABLED=0", "an argument of the user's is for their own stages"
    assert lines[-1] == 'ENTRYPOINT ["/shop"]'
    text = "\n".join(lines)
    assert "COPY . ." not in text and "go build" not in text
    assert text.count("go mod download") == 1 and "cd /devctl/deps && go mod download" in text
    parse(text)


def test_what_the_build_stage_sets_and_installs_comes_along() -> None:
    lines = written(
        derived("""\
FROM golang:1.26-alpine AS base
ENV GOWORK=off
FROM base AS build
ARG VERSION=1
WORKDIR /src
COPY certs /usr/local/share/ca-certificates/
RUN --mount=type=cache,target=/x apk add --no-cache git && go mod download && GOFLAGS=-mod=mod go build -tags "a b" -o /out/shop .
FROM alpine:3.22
COPY --from=build /out/shop /usr/bin/shop
CMD ["shop"]
""")
    )
    for line in (
        "ENV GOWORK=off",
        "ARG VERSION=1",
        "COPY certs /usr/local/share/ca-certificates/",
        "RUN --mount=type=cache,target=/x apk add --no-cache git",
        "RUN /devctl/program /usr/bin/shop reload . /usr/bin/shop",
        'ENV HOME=/tmp GOPATH=/go GOOS= GOARCH= GOFLAGS="-mod=mod -modcacherw"',
        'CMD ["shop"]',
    ):
        assert line in lines
    assert lines.index("ENV GOWORK=off") < lines.index("ARG VERSION=1")


def test_what_another_stage_puts_into_the_source_is_hidden_by_the_mount() -> None:
    found = derived(
        PLAIN.replace("FROM golang", "FROM node:22 AS web\nFROM golang", 1).replace(
            "COPY . .\n",
            "COPY --from=web /dist ./dist\nCOPY --from=web /dist /src/web/dist\n"
            "COPY --from=alpine:3.22 /bin/x /usr/bin/x\nCOPY . .\n",
        )
    )
    lines = written(found)
    assert "COPY --from=alpine:3.22 /bin/x /usr/bin/x" in lines and not any("web" in line for line in lines)


@pytest.mark.parametrize(
    ("build", "mains", "paths"),
    [
        ("go build -v -o /usr/local/bin/app ./...", (".",), ["/usr/local/bin/app"]),
        ("go build -o /out/ ./...", (".",), ["/out/shop"]),
        ("go build -o /out ./...", (".", "cmd/job"), ["/out/shop", "/out/job"]),
        ("go build -o /out . ./cmd/job", (".", "cmd/job"), ["/out/shop", "/out/job"]),
        ("mkdir -p -m 755 /x /out && go build -o /out .", (".",), ["/out/shop"]),
        ("mkdir bin && go build -o bin ./...", (".",), ["/src/bin/shop"]),
        ("go build -o /usr/local/bin .", (".",), ["/usr/local/bin/shop"]),
        ("go build -o . .", (".",), ["/src/shop"]),
        ("go build -o /etc/shop ./...", (".",), ["/etc/shop"]),
        ("GOBIN=/out go install ./...", (".", "cmd/job"), ["/out/shop", "/out/job"]),
        ("go build -o /dev/null ./... && go build -o /app .", (".",), ["/app"]),
    ],
)
def test_what_o_names_is_a_folder_only_if_go_takes_it_for_one(
    build: str, mains: tuple[str, ...], paths: list[str]
) -> None:
    text = f'FROM golang:1.26-alpine\nWORKDIR /src\nCOPY . .\nRUN {build}\nCMD ["{paths[0]}"]\n'
    found = derived_stage(
        parse(text), {}, package=".", module="example.com/shop", started_in=".", mains=mains
    )
    assert found is not None and list(found.final.programs) == paths and found.program == paths[0]


def test_what_the_final_stage_sets_comes_after_it() -> None:
    found = derived("""\
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN go build -o /out/ ./cmd/api ./cmd/migrate
FROM alpine:3.22
RUN apk add --no-cache tzdata
ENV MODE=strict
WORKDIR /srv
COPY --from=build /out/* /usr/local/bin/
COPY config/ /etc/app/
COPY --from=build /src/migrations ./migrations
COPY entrypoint.sh /
RUN chmod +x /entrypoint.sh
VOLUME /data
USER nobody
HEALTHCHECK CMD wget localhost
ENTRYPOINT ["/entrypoint.sh"]
CMD ["api", "--title", "a  b"]
""", package="cmd/api")  # fmt: skip
    assert found.final.programs == {
        "/usr/local/bin/api": "cmd/api",
        "/usr/local/bin/migrate": "cmd/migrate",
    }
    assert found.program == "/usr/local/bin/api"
    assert found.final.lines == (
        "RUN apk add --no-cache tzdata",
        "ENV MODE=strict",
        "WORKDIR /srv",
        "RUN /devctl/program /usr/local/bin/api reload cmd/api /usr/local/bin/api",
        "RUN /devctl/program /usr/local/bin/migrate once cmd/migrate ''",
        "COPY config/ /etc/app/",
        'COPY ["migration[s]", "/srv/migrations"]',
        "COPY entrypoint.sh /",
        "RUN chmod +x /entrypoint.sh",
        "RUN mkdir -p /data && chmod 1777 /data",
    )
    assert found.start == (
        'ENTRYPOINT ["/devctl/start", "/entrypoint.sh"]',
        'CMD ["api", "--title", "a  b"]',
    )
    assert found.final.alone == (
        'COPY ["config", "/etc/app/"]',
        'COPY ["migration[s]", "/srv/migrations"]',
        'COPY ["entrypoint.sh", "/"]',
    )
    assert found.folder == "/srv", "what it writes beside its files is not written to the source"


def test_the_signal_that_stops_the_image_is_for_the_program() -> None:
    """The reloader has one of its own."""
    text = PLAIN.replace("FROM scratch\n", "FROM scratch\nSTOPSIGNAL sigquit\n")
    lines = written(derived(text.replace("WORKDIR /src\n", "WORKDIR /src\nSTOPSIGNAL SIGHUP\n")))
    assert "ENV DEVCTL_STOP_SIGNAL=SIGQUIT" in lines
    assert not any(line.startswith("STOPSIGNAL") for line in lines)


def test_the_shell_of_the_build_stage_holds_in_that_stage_alone() -> None:
    text = PLAIN.replace("WORKDIR /src\n", 'SHELL ["/bin/sh", "-euc"]\nWORKDIR /src\n').replace(
        "scratch", "alpine:3.22"
    )
    text = text.replace('ENTRYPOINT ["/shop"]', "CMD exec /shop -p $PORT")
    assert derived(text).final.lines[0] == 'SHELL ["/bin/sh", "-c"]'
    assert "SHELL" not in "".join(derived(text.replace("FROM alpine:3.22", "FROM build")).final.lines)


@pytest.mark.parametrize(
    ("base", "kept"),
    [("alpine:3.22", True), ("debian:bookworm-slim", False), ("gcr.io/distroless/static", False)],
)
def test_packages_are_installed_where_the_build_stage_has_the_same_ones(base: str, kept: bool) -> None:
    text = PLAIN.replace("FROM scratch\n", f"FROM {base}\nRUN apk add ffmpeg\n")
    found = derived(text)
    assert ("RUN apk add ffmpeg" in found.final.lines) is kept
    assert [line.line for line in found.final.left_out] == ([] if kept else [8])


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("RUN apk add --no-cache su-exec", True),
        ("COPY --from=tianon/gosu:1.17 /gosu /usr/local/bin/", True),
        ("RUN apk add --no-cache tini", False),
    ],
)
def test_an_entry_script_does_not_change_the_user_in_a_dev_container(line: str, stays: bool) -> None:
    start = 'COPY entry.sh /\nENTRYPOINT ["/entry.sh"]\nCMD ["/shop"]'
    text = PLAIN.replace("FROM scratch", f"FROM alpine:3.22\n{line}").replace('ENTRYPOINT ["/shop"]', start)
    scripts = {"program": "p", "stay": "s"}
    lines = dev_dockerfile(
        derived(text), air=AIR, std=STD, modules=MODULES, scripts=scripts, context="."
    ).splitlines()
    assert ("RUN /devctl/stay su-exec gosu chown" in lines) is stays
    assert any(" >/devctl/stay " in each for each in lines) is stays
    assert not stays or lines.index(line) < lines.index("RUN /devctl/stay su-exec gosu chown")


@pytest.mark.parametrize(
    ("start", "known"),
    [
        ('["/entry.sh", "serve"]', True),
        ('["sh", "/entry.sh", "serve"]', True),
        ('["/bin/bash", "-e", "/docker-entrypoint"]', True),
        ('["docker-entrypoint"]', True),
        ('["supervisord", "-c", "/etc/supervisord.conf"]', True),
        ('["crond", "-f"]', True),
        ('["python3", "/run.py"]', True),
        ('["sh", "-c", "$PROGRAM serve"]', True),
        ('["go", "run", "."]', False),
        ('["sleep", "infinity"]', False),
        ('["sh"]', False),
        ('["sh", "-i"]', False),
    ],
)
def test_a_script_may_start_the_program_also_one_that_a_shell_is_given(start: str, *, known: bool) -> None:
    text = PLAIN.replace("FROM scratch", "FROM alpine:3.22").replace('["/shop"]', start)
    found = derived_stage(parse(text), {}, package=".", module="example.com/shop", started_in=".")
    assert (found is not None) is known


def test_one_stage_that_builds_and_starts() -> None:
    found = derived("""\
FROM golang:1.26
WORKDIR /app
COPY go.* ./
RUN go mod download
COPY . .
RUN go build -o server .
EXPOSE 8080
CMD ["./server"]
""")
    assert found.program == "/app/server"
    assert found.final.lines == (
        "WORKDIR /app",
        "COPY . .",
        "RUN /devctl/program /app/server reload . /app/server",
    )
    lines = written(found)
    assert "FROM golang:1.26 AS devctl-stage-0" in lines and "FROM devctl-stage-0 AS devctl-final" in lines
    assert lines[-3:] == ["WORKDIR /app", 'ENTRYPOINT ["/devctl/start"]', 'CMD ["./server"]']


def test_a_stage_by_its_number_and_another_image() -> None:
    found = derived("""\
FROM node:22 AS web
COPY web .
RUN npm run build
FROM alpine:3.22 AS certs
RUN apk add --no-cache ca-certificates
FROM golang:1.26-alpine
COPY . /src
WORKDIR /src
RUN go build -o /shop
FROM scratch
COPY --from=2 /shop /shop
COPY --from=web /dist /public
COPY --from=certs /etc/ssl/certs /etc/ssl/certs
COPY --from=alpine:3.22 /etc/passwd /etc/passwd
COPY --from=2 /usr/local/go/lib/time/zoneinfo.zip /zoneinfo.zip
ENTRYPOINT ["/shop"]
""")
    lines = written(found)
    assert lines.index("RUN apk add --no-cache ca-certificates") < lines.index(
        "FROM golang:1.26-alpine AS devctl-stage-2"
    )
    assert "COPY --from=certs /etc/ssl/certs /etc/ssl/certs" in lines
    assert "COPY --from=alpine:3.22 /etc/passwd /etc/passwd" in lines
    assert any("cp -R /usr/local/go/lib/time/zoneinfo.zip /zoneinfo.zip" in line for line in lines)
    # What another stage builds is not built to develop in Go.
    assert not any("web" in line for line in lines) and [i.line for i in found.final.left_out] == [12]


@pytest.mark.parametrize(
    ("lines", "folder"),
    [
        ("WORKDIR /srv\nCOPY cmd/api/config.yml .\n", "/srv"),
        ("WORKDIR /srv\nCOPY config.yml .\n", "/srv"),
        ("WORKDIR /srv\nCOPY texts/ .\n", "/srv"),
        ("WORKDIR /srv\nCOPY texts texts/\n", "/srv"),
        ("WORKDIR /srv\nCOPY templates ./templates\n", "/srv"),
        ("WORKDIR /srv\nCOPY web/*.html ./\n", "/srv"),
        ("COPY config/prod.yml /config.yml\n", "/"),
        ("COPY config/prod.yml /etc/shop/\nCOPY .env /app/\n", ""),
        ("COPY migrations /migrations\n", ""),
        ("WORKDIR /srv\nCOPY x.yml /etc/x.yml\n", ""),
    ],
)
def test_it_is_started_where_its_files_lie(lines: str, folder: str) -> None:
    assert derived(PLAIN.replace("FROM scratch\n", f"FROM scratch\n{lines}")).folder == folder


def test_it_is_started_where_its_volumes_are() -> None:
    text = PLAIN.replace("FROM scratch\n", "FROM scratch\nWORKDIR /srv\n")
    volume = {"type": "volume", "source": "data", "target": "/srv/data"}
    assert derived(text, compose={"volumes": [volume]}).folder == "/srv"
    assert derived(text, compose={"volumes": [{**volume, "target": "/data"}]}).folder == ""
    build, bind = {"context": "/shop"}, {"type": "bind", "source": "/shop/data", "target": "/srv"}
    assert derived(text, compose={"build": build, "volumes": [bind]}).folder == "/srv"
    assert derived(text, compose={"build": build, "volumes": [{**bind, "source": "/shop"}]}).folder == ""


def test_the_compose_file_says_what_is_started() -> None:
    text = PLAIN.replace("-o /shop .", "-o /out/ ./cmd/...").replace(
        "COPY --from=build /shop /shop", "COPY --from=build /out/ /bin/"
    )
    assert derived(text, package="cmd/worker", compose={"command": ["/bin/worker"]}).program == "/bin/worker"


@pytest.mark.parametrize(
    ("old", "new", "there"),
    [
        ("RUN go build -o /shop .\n", "", False),
        ('ENTRYPOINT ["/shop"]\n', "", False),
        ('["/shop"]', '["/busybox"]', True),
        ('["/shop"]', '["air", "-c", "x"]', False),
        ("AS build", "AS devctl-build", False),
        ("golang:1.26", "golang:1.21", False),
    ],
)
def test_there_is_none(old: str, new: str, *, there: bool) -> None:
    text = PLAIN.replace(old, new).replace(
        "--from=build", "--from=devctl-build" if "devctl-" in new else "--from=build"
    )
    found = derived_stage(parse(text), {}, package=".", module="example.com/shop", started_in=".", go="1.26")
    assert (found is not None) == there


def test_lines_in_other_forms_stay_as_they_are() -> None:
    text = """\
# syntax=docker/dockerfile:1
ARG GO=1.26
FROM golang:${GO}-alpine AS build
WORKDIR /src
RUN <<EOF
apk add git
EOF
COPY . .
RUN --mount=type=cache,target=/x \\
    # a comment
    CGO_ENABLED=0 go build \\
    -o /shop .

# the image
FROM scratch AS run
COPY --from=build /shop /shop
ENTRYPOINT [ "/shop", "--name", \\
  "$HOME" ]
"""
    lines = written(derived(text))
    assert lines[0] == "# syntax=docker/dockerfile:1"
    assert lines[1:3] == ["ARG GO=1.26", "ARG AIR_GO_IMAGE"]
    at = lines.index("RUN <<EOF")
    assert lines[at : at + 3] == ["RUN <<EOF", "apk add git", "EOF"]
    assert lines[-2:] == ['ENTRYPOINT [ "/shop", "--name", \\', '  "$HOME" ]']


def test_modules_are_fetched_with_the_keys_that_the_users_lines_get() -> None:
    text = PLAIN.replace(
        "RUN go mod download",
        "RUN --mount=type=secret,id=token --mount=type=cache,target=/x git config a b && go mod download",
    )
    modules = MODULES.replace("RUN cd", "RUN --mount=type=cache,id=go-mod,target=/modcache cd")
    lines = dev_dockerfile(
        derived(text), air=AIR, std=STD, modules=modules, scripts={}, context="."
    ).splitlines()
    assert "RUN --mount=type=secret,id=token --mount=type=cache,target=/x git config a b" in lines
    assert (
        "RUN --mount=type=secret,id=token --mount=type=cache,id=go-mod,target=/modcache cd /devctl/deps && go mod download"
        in lines
    )


def test_our_own_stages_are_what_is_looked_for_in_them() -> None:
    text = (Path(__file__).parents[2] / "templates/go-service/Dockerfile").read_text()
    assert text.count('export HOME=/dev/shm && ln -sf /run/secrets/netrc "$HOME/.netrc" && ') == 1
    assert text.count("FROM base AS deps\n") == 1 and text.count(" AS air\n") == 1


def test_every_program_of_a_pattern_is_there() -> None:
    text = """FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN go build -o /out/ ./cmd/...
FROM alpine:3.22
COPY --from=build /out/ /usr/local/bin/
CMD ["api"]
"""
    found = derived_stage(
        parse(text), {"command": ["sh", "-c", "migrate up && api"]}, package="cmd/api", module="example.com/shop",
        started_in=".", mains=("cmd/api", "cmd/migrate", "tools/gen"),
    )  # fmt: skip
    assert isinstance(found, DerivedStage)
    assert found.final.programs == {"/usr/local/bin/api": "cmd/api", "/usr/local/bin/migrate": "cmd/migrate"}
    assert found.program == "/usr/local/bin/api"


MADE = """\
FROM golang:1.26-alpine AS build
WORKDIR /src
RUN apk add --no-cache make
COPY . .
RUN {tool}
FROM alpine:3.22
COPY --from=build {copied}
COPY templates /srv/templates
ENTRYPOINT ["{start}"]
CMD ["serve"]
"""


@pytest.mark.parametrize(
    ("tool", "copied", "start"),
    [
        ("make build", "/src/bin/shop /usr/bin/shop", "/usr/bin/shop"),
        ("CGO_ENABLED=0 make -j2 build", "/src/bin/shop-linux /shop", "/shop"),
        ("./scripts/build.sh", "/src/out/shop ./", "./shop"),
        ("sh hack/build-all.sh release", "/src/bin/ /usr/local/bin/", "shop"),
        ("mage", "/src/dist /opt", "/opt/shop"),
    ],
)
def test_what_a_tool_compiles_is_what_a_container_starts(tool: str, copied: str, start: str) -> None:
    found = derived(MADE.format(tool=tool, copied=copied, start=start))
    lines = written(found)
    assert posixpath.basename(found.program) == "shop"
    assert f"RUN /devctl/program {found.program} reload {found.build.package} {found.program}" in lines
    assert "RUN apk add --no-cache make" in lines and f"RUN {tool}" not in lines
    assert lines.count("COPY templates /srv/templates") == 1


def test_one_stage_in_which_a_tool_compiles() -> None:
    found = derived('FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN make\nCMD ["./bin/shop", "serve"]\n')
    assert found.program == "/src/bin/shop"


@pytest.mark.parametrize(
    "brought",
    [
        "WORKDIR /app\nCOPY backend/go.mod ./\nRUN go mod download\nCOPY backend/ .\nRUN go build -o /out/server ./cmd/server",
        "WORKDIR /api\nCOPY shared /shared\nCOPY --link backend /api\nRUN <<EOT\nset -e\ngo build -o /out/server ./cmd/server\nEOT",
        "WORKDIR /code\nCOPY . .\nCOPY gen ./\nCOPY VERSION .\nRUN cd backend && go build -o /out/server ./cmd/server",
        "WORKDIR /code\nCOPY backend ./backend\nRUN go build -C backend -o /out/server ./cmd/server/main.go",
    ],
)
def test_a_module_that_is_a_folder_of_the_context(brought: str) -> None:
    text = (
        f"FROM golang:1.26-alpine AS build\n{brought}\nFROM alpine\nWORKDIR /srv\n"
        'COPY --from=build /out/server .\nCMD ["./server"]\n'
    )
    found = derived(text, package="backend/cmd/server")
    assert (found.program, found.final.programs) == ("/srv/server", {"/srv/server": "backend/cmd/server"})


def test_files_of_a_folder_of_the_context_come_from_there() -> None:
    text = (
        "FROM golang:1.26-alpine AS build\nWORKDIR /app\nCOPY backend .\nRUN go build -o server .\n"
        'FROM alpine\nCOPY --from=build /app/server /server\nCOPY --from=build /app/web /srv/web\nCMD ["/server"]\n'
    )
    found = derived(text, package="backend")
    assert [(each.sources, each.target) for each in found.final.copies] == [(("backend/web",), "/srv/web")]


def test_a_module_in_a_folder_that_is_called_as_ours_keeps_its_name() -> None:
    modules = (
        "FROM base AS deps\nCOPY app/go.mod ./app/\nCOPY apps/api/go.mod ./apps/api/\n"
        'RUN cd "/app/${MODULE_DIR}" && go mod download\n'
    )
    text = dev_dockerfile(derived(PLAIN), air=AIR, std=STD, modules=modules, scripts={}, context=".")
    assert "COPY app/go.mod ./app/\nCOPY apps/api/go.mod ./apps/api/\n" in text
    assert 'cd "/devctl/deps/${DEVCTL_MODULE_DIR}"' in text


def test_what_the_image_gives_to_its_user_may_be_written_by_whoever_develops() -> None:
    text = PLAIN.replace("RUN go build", "RUN mkdir /made && go build").replace(
        "FROM scratch", "FROM alpine:3.22"
    )
    started = text.replace(
        "ENTRYPOINT",
        "RUN adduser -D app && mkdir /data && chown app /data\nCOPY --from=build --chown=app /made /var/made\nENTRYPOINT",
    )
    lines = written(derived(started))
    made = lines.index("RUN adduser -D app && mkdir /data && chown app /data")
    assert lines.index("RUN find / -xdev ! -user 0 ! -type l -exec chmod a+rwX {} +") > made
    assert (
        "RUN [ ! -e /made ] || { mkdir -p /var && cp -R /made /var/made && chmod -R a+rwX /var/made; }"
        in lines
    )
    assert "chmod a+rwX" not in "\n".join(written(derived(text)))


def test_a_folder_of_the_compose_file_is_the_one_that_the_program_is_started_in() -> None:
    assert derived(PLAIN, compose={"working_dir": "/var/shop"}).folder == "/var/shop"
    assert derived(PLAIN, compose={"working_dir": "data"}).folder == "/data"
    assert derived(PLAIN, compose={"working_dir": "/"}).folder == ""
    source = [{"type": "bind", "source": "/shop", "target": "/app"}]
    assert derived(PLAIN, compose={"working_dir": "/app/cmd", "volumes": source}).folder == ""
    lines = written(derived(PLAIN, compose={"working_dir": "/var/shop"}))
    assert "RUN mkdir -p /var/shop && chmod 1777 /var/shop" in lines


def test_words_with_a_line_break_begin_no_line_of_the_dockerfile() -> None:
    text = PLAIN.replace(
        "ENTRYPOINT", 'ARG WHERE\nWORKDIR $WHERE\nCOPY ["a\\nRUN evil", "/srv/"]\nENTRYPOINT'
    )
    compose = {"build": {"args": {"WHERE": "/srv\nRUN evil"}}, "working_dir": "/data\nRUN evil"}
    lines = written(derived(text, compose=compose))
    assert not any(line.startswith("RUN evil") for line in lines)
    parse("\n".join(lines))


@pytest.mark.parametrize("context", ["my app", "a\\g<9>", "a,rw", "x PATH=/evil", "a\nRUN evil"])
def test_a_context_with_another_name_than_a_plain_word(context: str) -> None:
    found = derived_stage(
        parse(PLAIN), {}, package=".", module="example.com/shop", started_in=".", context=context
    )
    assert found is None


@pytest.mark.parametrize(
    ("start", "written_as"),
    [
        ('ENTRYPOINT ["/shop"]', ('ENTRYPOINT ["/devctl/start", "/shop"]',)),
        ("ENTRYPOINT []\nCMD /shop", ('ENTRYPOINT ["/devctl/start"]', "CMD /shop")),
        ("CMD /shop -p $PORT", ('ENTRYPOINT ["/devctl/start"]', "CMD /shop -p $PORT")),
        (
            'ENTRYPOINT exec /shop\nCMD ["x"]',
            ('SHELL ["/devctl/start", "/bin/sh", "-c"]', "ENTRYPOINT exec /shop", 'CMD ["x"]'),
        ),
        (
            'SHELL ["/bin/bash", "-euc"]\nENTRYPOINT exec /shop',
            ('SHELL ["/devctl/start", "/bin/bash", "-euc"]', "ENTRYPOINT exec /shop"),
        ),
        ('ENTRYPOINT \\\n [ "/shop" ]', ('ENTRYPOINT \\\n ["/devctl/start",  "/shop" ]',)),
    ],
)
def test_a_container_starts_with_its_files_as_they_have_been_saved(
    start: str, written_as: tuple[str, ...]
) -> None:
    text = PLAIN.replace('ENTRYPOINT ["/shop"]', start)
    assert "devctl/start" not in "".join(derived(text).start), "nothing is copied from the source"
    assert derived(text.replace("FROM scratch", "FROM scratch\nCOPY texts /srv/texts")).start == written_as


@pytest.mark.parametrize(
    ("line", "kept", "alone"),
    [
        ("COPY --chown=app:app --chmod=755 a.txt /srv/", "COPY --chmod=755 a.txt /srv/", 'COPY ["a.txt", "/srv/"]'),
        ("COPY --parents web/x ./", "COPY --parents web/x ./", 'COPY --parents ["web/x", "/srv/"]'),
        ("COPY --exclude=*.map web public", "COPY --exclude=*.map web public", 'COPY --exclude=*.map ["web", "/srv/public"]'),
        ('COPY ["my web", "it\'s", "/a b/"]', 'COPY ["my web", "it\'s", "/a b/"]', 'COPY ["my web", "it\'s", "/a b/"]'),
        ("ADD site.tar.gz /var/www", "ADD site.tar.gz /var/www", 'ADD ["site.tar.gz", "/var/www"]'),
        ("COPY $WHERE /etc/x", "COPY $WHERE /etc/x", None),
    ],
)  # fmt: skip
def test_what_comes_from_the_context_is_copied_as_it_stands(line: str, kept: str, alone: str | None) -> None:
    final = derived(PLAIN.replace("FROM scratch", f"FROM scratch\nWORKDIR /srv\n{line}")).final
    assert kept in final.lines and final.alone == ((alone,) if alone else ())
    lines = written(derived(PLAIN.replace("FROM scratch", f"FROM scratch\nWORKDIR /srv\n{line}")))
    assert ("FROM scratch AS devctl-copied" in lines) is bool(alone)
    assert not any("ln -s" in each for each in lines)


def test_no_line_of_the_image_calls_a_program_that_it_does_not_have() -> None:
    text = PLAIN.replace("FROM scratch", "FROM alpine:3.22").replace(
        "ENTRYPOINT",
        "RUN shop version > /etc/version\nRUN chmod +x /shop && touch /x\nRUN cd / && ./shop x\nENTRYPOINT",
    )
    final = derived(text).final
    assert "RUN chmod +x /shop && touch /x" in final.lines
    assert [text.splitlines()[line.line - 1] for line in final.left_out] == [
        "RUN shop version > /etc/version",
        "RUN cd / && ./shop x",
    ]


def test_what_one_stage_does_after_it_has_compiled() -> None:
    text = """\
FROM golang:1.26-alpine
WORKDIR /src
COPY . .
RUN go build -o /usr/local/bin/app .
RUN mkdir -p /var/lib/app && echo seed > /var/lib/app/seed.txt
RUN adduser -D app; chown app /var/lib/app
RUN apk del git
RUN app selfcheck
RUN go clean -cache && rm -rf /usr/local/go
CMD ["app"]
"""
    final = derived(text).final
    assert final.lines[-2:] == (
        "RUN mkdir -p /var/lib/app && echo seed > /var/lib/app/seed.txt",
        "RUN adduser -D app; chown app /var/lib/app",
    )
    assert [line.line for line in final.left_out] == [7, 8, 9]


def test_what_the_build_stage_creates_may_be_missing() -> None:
    text = PLAIN.replace(
        "RUN go build", "RUN mkdir docs && echo {} > docs/x.json && date > /etc/made.txt\nRUN go build"
    ).replace(
        "ENTRYPOINT",
        "COPY --from=build /src/docs ./docs\nCOPY --from=build /etc/made.txt /etc/made.txt\n"
        "COPY --from=build /src/web /web\nENTRYPOINT",
    )
    final = derived(text).final
    assert 'COPY ["doc[s]", "/docs"]' in final.lines and 'COPY ["we[b]", "/web"]' in final.lines
    assert [line.line for line in final.left_out] == [6], "named once"


def test_what_only_the_build_stage_sets_is_not_for_the_program() -> None:
    text = (
        PLAIN.replace("WORKDIR", "ENV APP_ENV=ci BOTH=a URL=sqlite://b\nWORKDIR", 1)
        .replace("FROM scratch", "FROM scratch\nENV BOTH=b")
        .replace("RUN go build", "RUN CGO_ENABLED=0 go build")
    )
    found = derived(text, compose={"environment": {"URL": "x"}})
    assert found.of_build == {"APP_ENV": "ci", "CGO_ENABLED": "0"}
    assert any(line.endswith(">/devctl/of-build && chmod 0755 /devctl/of-build") for line in written(found))
    one = text.partition("FROM scratch")[0] + 'CMD ["/shop"]\n'
    assert derived(one).of_build == {"CGO_ENABLED": "0"}, "its own image has them"


def test_our_lines_continue_as_the_directive_says() -> None:
    text = "# syntax=docker/dockerfile:1\n# escape=`\n# check=error=true\n" + PLAIN.replace(
        "RUN go build -o", 'ENV P="c:\\dir"\nRUN NAME=\'a"b\' go build `\n  -o'
    )
    air = "FROM ${AIR_GO_IMAGE} AS air\nRUN one && \\\n  two\n"
    made = dev_dockerfile(derived(text), air=air, std=STD, modules=MODULES, scripts={}, context=".")
    assert made.startswith("# syntax=docker/dockerfile:1\n# escape=`\nARG AIR_GO_IMAGE")
    assert "check=" not in made and "RUN one && `\n  two\n" in made


def test_the_root_is_not_made_a_folder() -> None:
    text = PLAIN.replace("FROM scratch\n", "FROM scratch\nCOPY config/prod.yml /config.yml\n")
    assert derived(text).folder == "/" and not any("chmod 1777 /" in line for line in written(derived(text)))


def test_a_path_may_have_blanks() -> None:
    text = PLAIN.replace("-o /shop", '-o "/out/my shop"').replace(
        "COPY --from=build /shop /shop", 'COPY --from=build ["/out/my shop", "/usr/bin/my shop"]'
    )
    found = derived(text.replace('["/shop"]', '["/usr/bin/my shop"]'))
    assert found.program == "/usr/bin/my shop"
    assert "RUN /devctl/program '/usr/bin/my shop' reload . '/usr/bin/my shop'" in found.final.lines


def test_each_program_is_built_with_its_own_flags() -> None:
    text = PLAIN.replace("COPY --from=build /shop /shop", "COPY --from=build /out/ /bin/").replace(
        "RUN go build -o /shop .",
        "RUN go build -tags postgres -o /out/api ./cmd/api\nRUN go build -tags mysql -o /out/migrate ./cmd/migrate\n"
        "RUN go build -o /out/plain ./cmd/plain",
    )
    lines = derived(text.replace('["/shop"]', '["api"]'), package="cmd/api").final.lines
    assert "RUN /devctl/program /bin/api reload cmd/api /bin/api" in lines
    assert "RUN /devctl/program /bin/migrate once cmd/migrate '-tags= -tags=mysql'" in lines
    assert "RUN /devctl/program /bin/plain once cmd/plain '-tags='" in lines


@pytest.mark.parametrize(
    ("build", "starts"),
    [
        ("GOOS=js GOARCH=wasm go build", False),
        ("GOOS=wasip1 GOARCH=wasm go build", False),
        ("GOOS=windows go build", False),
        ("for os in windows darwin; do GOOS=$os go build -o /out/x/$os ./cmd/other; done; GOOS=plan9 go build", False),
        ("export GOOS=darwin; go build", False),
        ("go build -buildmode=plugin", False),
        ("go build -buildmode c-shared", False),
        ("CGO_ENABLED=1 go build -buildmode=c-archive", False),
        ("go build -buildmode=pie", True),
        ("GOOS=linux GOARCH=arm64 go build", True),
        ("GOOS=$TARGETOS GOARCH=${TARGETARCH} go build", True),
        ("GOOS=$(go env GOOS) go build", True),
    ],
)  # fmt: skip
def test_only_a_program_of_the_containers_platform_becomes_a_script(build: str, *, starts: bool) -> None:
    text = PLAIN.replace("COPY --from=build /shop /shop", "COPY --from=build /out/ /srv/").replace(
        "RUN go build -o /shop .",
        f"ARG TARGETOS TARGETARCH\nRUN go build -o /out/shop .\nRUN {build} -o /out/x/other ./cmd/other",
    )
    final = derived(text.replace('["/shop"]', '["/srv/shop"]')).final
    assert set(final.programs) == {"/srv/shop", *(["/srv/x/other"] if starts else [])}
    assert any("/srv/x/" in line for line in final.lines) is starts
    assert [line.line for line in final.left_out] == ([] if starts else [8])


def test_the_program_of_another_platform_is_left_out_of_one_stage_too() -> None:
    text = (
        "FROM golang:1.26-alpine\nWORKDIR /src\nCOPY . .\nENV GOOS=windows\nRUN go build -o /srv/shop.exe .\n"
        'ENV GOOS=\nRUN go build -tags x -o /srv/shop .\nCMD ["/srv/shop"]\n'
    )
    found = derived(text)
    assert (found.program, set(found.final.programs)) == ("/srv/shop", {"/srv/shop"})
    assert [line.line for line in found.final.left_out] == [5]
    assert found.flags == ("-tags=x",)


@pytest.mark.parametrize(
    ("build", "start", "program"),
    [
        (
            "RUN go build && mv shop /out/x",
            'COPY --from=build /out/x /usr/bin/\nENTRYPOINT ["x"]',
            "/usr/bin/x",
        ),
        (
            "RUN go build\nRUN mkdir /out && cp ./shop /out/",
            "COPY --from=build /out /bin\nCMD shop a",
            "/bin/shop",
        ),
        ("RUN cd cmd && go build -o x .. && ln x /bin/y", 'COPY --from=build /bin/y /y\nCMD ["/y"]', "/y"),
    ],
)
def test_a_program_is_where_it_was_moved_to(build: str, start: str, program: str) -> None:
    found = derived(
        f"FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\n{build}\nFROM alpine:3.22\n{start}\n"
    )
    assert (found.program, found.final.left_out) == (program, ())


def test_one_stage_starts_the_program_that_it_has_moved() -> None:
    found = derived(
        'FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN go build && mv shop /bin/x && cp -r assets /assets\nCMD ["/bin/x"]\n'
    )
    assert found.program == "/bin/x"
    assert found.final.lines[-1] == "RUN cp -r assets /assets"


@pytest.mark.parametrize(
    ("build", "left"),
    [
        ("RUN go build -o /out/api . && cp -r assets /out/assets", [4]),
        ("RUN go build -o /out/api .\nRUN ./gen > /out/config.json", [5]),
        ("RUN go build -o /out/api .\nRUN go run ./tools/gen -o /out/data", [5]),
        ("RUN mkdir -p /out && go build -o /out/api . && strip /out/api && chmod +x /out/api", []),
        ("RUN go build -o /out/api . && upx /out/api\nRUN rm -rf /out/cache", []),
    ],
)
def test_what_the_build_stage_makes_besides_programs_is_named(build: str, left: list[int]) -> None:
    text = f"FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\n{build}\nFROM alpine:3.22\n"
    found = derived(f'{text}COPY --from=build /out /srv\nCMD ["/srv/api"]\n')
    assert [line.line for line in found.final.left_out] == left


@pytest.mark.parametrize(
    ("stage", "made"),
    [
        ("FROM alpine:3.22 AS conf\nRUN echo '{}' > /c.json", True),
        ("FROM alpine:3.22 AS conf\nCOPY conf /in\nRUN cat /in/* > /c.json", False),
        ("FROM node:22 AS conf\nRUN npm install x && cp x /c.json", False),
    ],
)
def test_a_stage_that_makes_files_without_the_source_is_one_of_the_dev_image_too(
    stage: str, made: bool
) -> None:
    text = f"{stage}\nFROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/api .\nFROM alpine:3.22\n"
    found = derived(
        f'{text}COPY --from=build /out/api /api\nCOPY --from=conf /c.json /c.json\nCMD ["/api"]\n'
    )
    assert ("COPY --from=conf /c.json /c.json" in found.final.lines) == made
    assert [line.original for line in found.final.left_out] == (
        [] if made else ["COPY --from=conf /c.json /c.json"]
    )
