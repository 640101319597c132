"""What the Dockerfile and the compose file say about how the program is built and started."""

from __future__ import annotations

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.dockerfile.build_and_start import started

BUILD = "FROM golang:1.26-alpine AS b\nRUN {build}\nFROM scratch\nCOPY --from=b /app /app\n{start}\n"


def dockerfile(start: str = 'ENTRYPOINT ["/app"]', build: str = "go build -o /app .") -> str:
    return BUILD.format(build=build, start=start)


@pytest.mark.parametrize(
    ("start", "command", "args", "given"),
    [
        ('ENTRYPOINT ["/app"]', None, (), None),
        ('ENTRYPOINT ["/app", "serve"]', None, ("serve",), None),
        ('ENTRYPOINT ["/app"]\nCMD ["serve", "-v"]', None, ("serve", "-v"), None),
        ('CMD ["/app", "serve"]', None, ("serve",), None),
        ('CMD ["/app"]', ["./app", "serve"], ("serve",), ("./app", "serve")),
        ('ENTRYPOINT ["/app"]', ["serve"], ("serve",), ("serve",)),
        ('ENTRYPOINT ["/app"]', ["air", "-c", "x"], (), None),
        ('ENTRYPOINT ["/app"]', ["go", "run", "."], (), None),
        ("ENTRYPOINT /app serve", None, ("serve",), None),
        ('ENTRYPOINT ["sh", "-c", "/app serve"]', None, ("serve",), None),
        (
            "CMD /app --listen \"$LISTEN\" --opt 'q  r' 2>&1",
            None,
            ("--listen", "$LISTEN", "--opt", "q  r"),
            None,
        ),
        ("CMD ./migrate up && exec /app serve", None, ("serve",), None),
        ('ENTRYPOINT ["/sbin/tini", "-g", "--", "/app"]\nCMD ["serve"]', None, ("serve",), None),
        ('ENTRYPOINT ["dumb-init", "--rewrite", "15:2", "/app", "serve"]', None, ("serve",), None),
        ('ENTRYPOINT ["tini", "--"]\nCMD ["su-exec", "app", "/app", "serve"]', None, ("serve",), None),
        ('ENTRYPOINT ["tini", "--", "/start.sh"]\nCMD ["/app", "serve"]', None, ("serve",), None),
        ('ENTRYPOINT ["/start.sh"]\nCMD ["serve"]', None, (), None),
        ('ENTRYPOINT ["tini", "--"]\nCMD ["/app"]', ["/app", "serve"], ("serve",), ("/app", "serve")),
        ('ENTRYPOINT ["tini", "--", "/app"]', ["serve"], ("serve",), ("serve",)),
        (
            'ENTRYPOINT ["/app"]',
            ["sh", "-c", "/app && /app serve"],
            ("serve",),
            ("sh", "-c", "/app && /app serve"),
        ),
        ('CMD ["/app"]', ["sh", "-c", "exec /app -v; true"], ("-v",), ("sh", "-c", "exec /app -v; true")),
        ('CMD ["/app"]', ["sh", "-c", "go mod download && go run ."], (), None),
        ('CMD ["/app"]', ["make", "dev"], (), None),
        ('CMD ["/app"]', ["sh", "-c", "go build -o /tmp/app . && /tmp/app"], (), None),
        ('CMD ["/app"]', ["sh", "-c", "trap : TERM; sleep infinity & wait"], (), None),
        ('CMD ["/app"]', ["sh", "-c", "while :; do sleep 60; done"], (), None),
        ('CMD ["/app"]', ["tail", "-f", "/dev/null"], (), None),
        *(
            ('CMD ["/app", "--own"]', ["sh", "-c", text], ("--one", "a b"), ("sh", "-c", text))
            for text in (
                "sleep 5 && /app --one 'a b'",
                "/app --one 'a b' 2>&1 | tee -a /app.log",
                "sleep 5 && exec /app --one 'a b'",
                "until nc -z db 5432; do sleep 1; done; exec /app --one 'a b'",
                "/app --one 'a b' || sleep 30",
                "while true; do /app --one 'a b'; sleep 2; done",
                "tail -f /dev/null & X=1 exec /app --one 'a b'",
                "if ! /app --one 'a b'; then tail -f /dev/null; fi",
            )
        ),
        ('CMD ["/app"]', ["./wait.sh", "db", "--", "/app"], (), ("./wait.sh", "db", "--", "/app")),
    ],
)
def test_the_arguments(
    start: str, command: list[str] | None, args: tuple[str, ...], given: tuple[str, ...] | None
) -> None:
    found = started(parse(dockerfile(start)), {"command": command})
    assert (found.args, found.command) == (args, given)


def test_the_arguments_of_the_stage_that_the_compose_file_asks_for() -> None:
    start = 'ENTRYPOINT ["/app", "one"]\nFROM scratch AS two\nENTRYPOINT ["/app", "two"]\nFROM scratch\nCMD ["/app", "three"]'
    text = dockerfile(start).replace("FROM scratch\nCOPY", "FROM scratch AS first\nCOPY")
    for target, word in (("first", "one"), ("two", "two"), ("b", "three"), ("", "three")):
        assert started(parse(text), {"build": {"target": target}}).args == (word,)


@pytest.mark.parametrize(
    ("build", "tags", "env"),
    [
        ("go build -tags prod,netgo -o /app .", ("prod", "netgo"), {}),
        ("go build -o /app -tags 'a b' .", ("a", "b"), {}),
        ("GOEXPERIMENT=jsonv2 go build -o /app .", (), {"GOEXPERIMENT": "jsonv2"}),
        ("go build -tags $TAGS -o /app .", (), {}),
        ("go test -tags x ./... && go build .", (), {}),
    ],
)
def test_tags_and_experiments(build: str, tags: tuple[str, ...], env: dict[str, str]) -> None:
    found = started(parse(dockerfile(build=build)), {})
    assert (found.tags, found.env) == (tags, env)


TWO = """\
FROM golang:1.26-alpine AS base
WORKDIR /src
COPY . .
FROM base AS others
RUN GOEXPERIMENT=jsonv2 GOFLAGS=-mod=mod go build -tags other -o /out/job ./cmd/job
FROM base AS lint
RUN go build -tags lint ./...
FROM base AS b
{build}
FROM alpine:3.22 AS job
COPY --from=others /out/job /
ENTRYPOINT ["/job"]
FROM alpine:3.22 AS api
COPY --from=b /out/api /
ENTRYPOINT ["/api"]
"""


@pytest.mark.parametrize(
    ("build", "tags", "env"),
    [
        ("RUN go build -o /out/api ./cmd/api", (), {}),
        ("RUN go build -tags real -o /out/api ./cmd/api", ("real",), {}),
        ("RUN go build -tags job -o /out/job ./cmd/job\nRUN go build -tags real -o /out/api ./cmd/api", ("real",), {}),
        ("RUN GOAMD64=v3 go build -tags job -o /out/job ./cmd/job && go build -o /out/api ./cmd/api", (), {}),
        ("RUN for c in job api; do go build -tags real,$c -o /out/$c ./cmd/$c; done", ("real", "api"), {}),
        ("RUN go build -race -tags slow -o /out/race ./cmd/api && go build -tags real -o /out/api ./cmd/api", ("real",), {}),
        ("RUN go build -tags real -o /out/ ./cmd/...", ("real",), {}),
        ("RUN go build -tags real -o /out/api $(./which)", ("real",), {}),
        ("RUN go build -tags job -o /out/job ./cmd/job", ("lint",), {}),
        ("RUN GOBIN=/out go install -tags real ./cmd/api", ("real",), {}),
        ("RUN go build -tags=first -tags real -o /out/api ./cmd/api", ("real",), {}),
        ('ARG T=real\nRUN go build ${T:+-tags "$T"} ${NONE:+-tags none} -o /out/api ./cmd/api', ("real",), {}),
        ('RUN T=real; [ -n "$T" ] && T="$T,more"; go build -tags "$T" -o /out/api ./cmd/api', ("real", "more"), {}),
        ('RUN [ -n "$T" ] && T=x; [ -z "$T" ] || T=y; go build -tags "real,$T" -o /out/api ./cmd/api', ("real",), {}),
        ("RUN T=real && go build -tags $T -o /out/api ./cmd/api", ("real",), {}),
        ("RUN T=a; if ls x; then T=b; fi; go build -tags real,$T -o /out/api ./cmd/api", ("real",), {}),
        ("RUN T=a; ls x || T=b; go build -tags real,$T -o /out/api ./cmd/api", ("real",), {}),
        ("RUN (cd web && ls) && go build -tags real -o /out/api ./cmd/api", ("real",), {}),
        (
            'RUN export GOAMD64=v3 GOFLAGS="-tags=more -v" && go build -tags real -o /out/api ./cmd/api',
            ("real",), {"GOAMD64": "v3", "GOFLAGS": "-tags=more -v"},
        ),
        ("ARG GOFLAGS=-v\nRUN go build -o /out/api ./cmd/api", (), {"GOFLAGS": "-v"}),
        ("RUN GOFLAGS=$UNKNOWN go build -mod=vendor -o /out/api ./cmd/api", (), {"GOFLAGS": "-mod=vendor"}),
    ],
)  # fmt: skip
def test_flags_are_those_of_the_programs_own_build(
    build: str, tags: tuple[str, ...], env: dict[str, str]
) -> None:
    found = started(parse(TWO.format(build=build)), {}, packages=("cmd/api",))
    assert (found.tags, found.env) == (tags, env)


def test_tags_that_the_compose_file_gives_to_the_build() -> None:
    text = dockerfile(build="true").replace("RUN true", "ARG TAGS\nRUN go build -tags $TAGS -o /app .")
    assert started(parse(text), {"build": {"args": {"TAGS": "shop"}}}).tags == ("shop",)


@pytest.mark.parametrize(
    ("copy", "argument", "local", "files"),
    [
        (
            "COPY conf/prod.yml /etc/shop/config.yml",
            "/etc/shop/config.yml",
            "conf/prod.yml",
            ("conf/prod.yml",),
        ),
        (
            "COPY conf/prod.yml /etc/shop/",
            "--config=/etc/shop/prod.yml",
            "--config=conf/prod.yml",
            ("conf/prod.yml",),
        ),
        ("COPY ./conf /etc/shop", "/etc/shop/a.yml", "conf/a.yml", ("conf/a.yml",)),
        ("COPY --from=b /conf /etc/shop", "/etc/shop/a.yml", "/etc/shop/a.yml", ()),
        ("COPY conf/*.yml /etc/shop/", "/etc/shop/a.yml", "/etc/shop/a.yml", ()),
        ("COPY conf /etc/shop", "/etc/shopping", "/etc/shopping", ()),
    ],
)
def test_a_file_that_the_image_has_is_in_the_source_too(
    copy: str, argument: str, local: str, files: tuple[str, ...]
) -> None:
    found = started(parse(dockerfile(f'{copy}\nENTRYPOINT ["/app", "{argument}"]')), {})
    assert found.args == (argument,)
    assert found.args_in_source() == ((local,), files)


@pytest.mark.parametrize(
    ("more", "compose", "args"),
    [
        ("VOLUME /data/conf\n", {}, ("serve",)),
        ("VOLUME /data/conf\nCOPY configs /data/conf\n", {}, ("serve", "-conf", "configs")),
        ("VOLUME /data/conf\n", {"volumes": [{"target": "/data/conf"}]}, ("serve", "-conf", "/data/conf")),
        ("", {}, ("serve", "-conf", "/data/conf")),
    ],
)
def test_an_argument_that_names_a_volume_which_nobody_fills_is_left_out(
    more: str, compose: dict[str, object], args: tuple[str, ...]
) -> None:
    text = dockerfile(f'{more}CMD ["/app", "serve", "-conf", "/data/conf"]')
    assert started(parse(text), compose).args_in_source()[0] == args


@pytest.mark.parametrize("words", ['"--conf=/data/conf/app.yaml"', '"-c", "/data/conf/app.yaml"'])
def test_a_file_in_such_a_volume_is_left_out_with_its_flag(words: str) -> None:
    text = dockerfile(f'VOLUME ["/data/conf"]\nCMD ["/app", "-v", {words}]')
    assert started(parse(text), {}).args == ("-v",)


@pytest.mark.parametrize("command", [["tini", "--"], ["gosu", "app"], ["sh", "-c", ""], [""]])
def test_words_that_start_nothing(command: list[str]) -> None:
    found = started(parse(dockerfile("ENTRYPOINT /app")), {"command": command})
    assert found.args == () and found.command == tuple(command)


WRAPPED = (
    "FROM golang:1.26 AS b\nRUN go build -o /out/app .\nFROM alpine:3.22\nWORKDIR /srv\n"
    "COPY --from=b /out/app {at}\n{start}\n"
)


@pytest.mark.parametrize(
    ("at", "start", "command", "args"),
    [
        ("/app", 'ENTRYPOINT ["nice", "-n", "5", "/app", "serve"]', None, ("serve",)),
        ("/app", 'ENTRYPOINT ["/usr/bin/env", "A=1", "/app", "serve"]', None, ("serve",)),
        ("/app", 'ENTRYPOINT ["doppler", "run", "--", "/app", "serve"]', None, ("serve",)),
        ("/app", 'ENTRYPOINT ["setpriv", "--reuid=1000", "/app"]\nCMD ["serve"]', None, ("serve",)),
        ("/app", 'ENTRYPOINT ["/app-wrapper", "/app", "serve"]', None, ("serve",)),
        ("/app", 'ENTRYPOINT ["nice"]', ["/app", "serve"], ("serve",)),
        ("/bin/", 'CMD ["/bin/busybox", "timeout", "9", "app", "serve"]', None, ("serve",)),
        ("./shop", 'CMD ["./wait-for", "db:5432", "--", "./shop", "serve"]', None, ("serve",)),
        ("./app", 'CMD ["./app"]', ["./wait-for", "db:5432", "--", "./app", "serve"], ("serve",)),
        ("/bin/", 'CMD ["goreman", "start"]', None, ()),
        ("/bin/", 'CMD ["crond", "-f"]', None, ()),
        ("/bin/", 'CMD ["supervisord", "-c", "/etc/app"]', None, ()),
        ("/bin/", 'CMD ["app"]', ["supervisord", "-c", "/etc/x"], ()),
        ("/bin/", 'ENTRYPOINT ["docker-entrypoint"]\nCMD ["serve", "-x"]', None, ()),
        ("/bin/", 'ENTRYPOINT ["docker-entrypoint"]', ["serve"], ()),
        ("/bin/", 'ENTRYPOINT ["docker-entrypoint"]\nCMD ["app", "serve"]', None, ("serve",)),
        ("/bin/", "CMD $APP serve", None, ()),
        ("/x/one", 'RUN ln -s /x/one /bin/shop\nCMD ["shop", "serve"]', None, ("serve",)),
    ],
)
def test_words_of_a_wrapper_are_no_arguments(
    at: str, start: str, command: list[str] | None, args: tuple[str, ...]
) -> None:
    facts = parse(WRAPPED.format(at=at, start=start))
    assert started(facts, {"command": command}, called="shop").args == args
    if command and "ENTRYPOINT" not in start:
        assert started(facts, {"entrypoint": command}, called="shop").args == args


def test_the_name_of_a_program_that_a_tool_packs_is_known_by_its_place() -> None:
    text = WRAPPED.format(at="/bin/shop", start='CMD ["shop", "serve"]').replace(
        "RUN go build -o /out/app .", "RUN go build -o /tmp/x . && upx -o /out/app /tmp/x"
    )
    assert started(parse(text), {}).args == ("serve",)
