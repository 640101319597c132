"""Hints about the compose file, of devctl and of compose itself. The real `docker compose config` reads what was followed."""

from __future__ import annotations

import re
from pathlib import Path

from tests.hints.dockerfile_rows import BUILT, GO
from tests.hints.follow import (
    Told,
    both,
    edit,
    into_service,
    into_yaml,
    line,
    no_line,
    row,
    said,
    shell,
    write,
)

DB = BUILT + "  db:\n    image: postgres:17\n"


def composed(text: str, **files: str) -> dict[str, str]:
    return {**GO, "compose.yaml": text, **files}


def with_key(text: str) -> dict[str, str]:
    """A line of the service."""
    return composed(f"{BUILT}    {text}\n")


def without(key: str) -> object:
    """A person takes a key out, wherever the file has it."""
    return edit("compose.yaml", re.compile(rf"^ *{key}:.*\n", re.MULTILINE), lambda hint: "")


def define_base(root: Path, told: Told) -> None:
    missing = re.search(r"or define (\S+)$", told["hint"])
    assert missing is not None
    into_yaml("compose.yaml", text=f"services: {{{missing[1]}: {{image: alpine}}}}")(root, told)


ROWS = [
    row(
        "compose file: `…s: {…: {}}` at the top level",
        "compose-undefined",
        with_key("networks: [back]"),
        into_yaml("compose.yaml"),
    ),
    row(
        "compose file: `…s: {…: {}}` at the top level",
        "compose-undefined",
        with_key("volumes: ['data:/data']"),
        into_yaml("compose.yaml"),
    ),
    row(
        "compose file: `…s: {…: {file: ./PATH}}` at the top level",
        "compose-undefined",
        with_key("secrets: [token]"),
        both(into_yaml("compose.yaml", PATH="token"), write("token", "x")),
    ),
    row(
        "compose file: `…s: {…: {file: ./PATH}}` at the top level",
        "compose-undefined",
        with_key("configs: [app]"),
        both(into_yaml("compose.yaml", PATH="app.json"), write("app.json", "{}")),
    ),
    row(
        "define it, fix the name, or activate its profile: COMPOSE_PROFILES=NAME",
        "compose-undefined",
        composed(BUILT + "    depends_on: [db]\n  db:\n    image: postgres:17\n    profiles: [data]\n"),
        lambda root, told: write(".env", told["hint"].split(": ")[-1].replace("NAME", "data"))(root, told),
    ),
    row(
        "echo '…=…' >> .env",
        "compose-variable-missing",
        with_key("environment: {DSN: '${DATABASE_URL:?set it}'}"),
        shell(rest="postgres://db"),
    ),
    row(
        "copy it from its example file, or `env_file: [{path: …, required: false}]`",
        "env-file-missing",
        with_key("env_file: [settings.env]"),
        into_service(rest="settings.env"),
    ),
    row(
        "one NAME=value per line; quote values with spaces",
        "env-file-broken",
        composed(BUILT, **{".env": "A=1\nB C=2\n"}),
        edit(".env", "B C=2", lambda _hint: "B='C D'"),
    ),
    row(
        "indent with spaces",
        "broken-compose",
        with_key("\tinit: true"),
        edit("compose.yaml", "\t", lambda _hint: ""),
    ),
    row(
        "keep one of the two",
        "broken-compose",
        with_key("build: ."),
        edit("compose.yaml", "    build: .\n    build: .\n", lambda _hint: "    build: .\n"),
    ),
    row(
        "fix that line or the one above it: indentation, a missing space after `:`, quotes around a value with `: `",
        "broken-compose",
        with_key("labels: {a: b: c}"),
        edit("compose.yaml", "b: c", lambda _hint: "'b: c'"),
    ),
    row(
        "fix the spelling (or the indentation) of …; custom keys start with x-",
        "broken-compose",
        with_key("enviroment: {A: 1}"),
        edit("compose.yaml", "enviroment", lambda _hint: "environment"),
    ),
    row(
        "fix the spelling (or the indentation) of …; custom keys start with x-",
        "broken-compose",
        composed(BUILT + "mine: 1\n"),
        edit("compose.yaml", "mine", lambda hint: f"{hint.split()[-1]}mine"),
    ),
    row(
        "fix the value of …; `docker compose config` shows the same error",
        "broken-compose",
        with_key("ports: '8080:8080'"),
        edit("compose.yaml", "'8080:8080'", lambda _hint: "['127.0.0.1:8080:8080']"),
    ),
    row(
        "sizes as 64m or 1g, durations as 10s",
        "broken-compose",
        with_key("mem_limit: 64apples"),
        edit("compose.yaml", "64apples", lambda hint: hint.split()[2]),
    ),
    row(
        "sizes as 64m or 1g, durations as 10s",
        "broken-compose",
        with_key("stop_grace_period: soon"),
        edit("compose.yaml", "soon", lambda hint: hint.split()[-1]),
    ),
    row(
        "`${NAME}` is a variable, `$$` a dollar sign",
        "broken-compose",
        with_key("labels: {price: 'US${5'}"),
        edit("compose.yaml", "$", lambda hint: said({"hint": hint}, 1)),
    ),
    row(
        '`"HOST:CONTAINER"`, numbers from 1 to 65535, in quotes',
        "compose-bad-port",
        with_key("ports: ['80800:8080']"),
        edit(
            "compose.yaml",
            "'80800:8080'",
            lambda hint: said({"hint": hint}).replace("HOST", "8080").replace("CONTAINER", "8080"),
        ),
    ),
    row(
        "fix `extends:` of …, or define …",
        "compose-file-missing",
        composed("services:\n  api:\n    build: .\n    extends: {service: base}\n"),
        define_base,
    ),
    row(
        "fix `include:`, or the file that `extends:` names",
        "compose-file-missing",
        composed("include: [db.yaml]\n" + BUILT),
        without("include"),
    ),
    row(
        "remove one `depends_on` from the cycle",
        "compose-cycle",
        composed(BUILT + "    depends_on: [db]\n  db:\n    image: postgres:17\n    depends_on: [api]\n"),
        edit("compose.yaml", "    depends_on: [api]\n", lambda _hint: ""),
    ),
    row(
        "`build: .` for what is built here, `image: NAME:TAG` for the rest",
        "compose-no-image",
        composed("services:\n  api: {init: true}\n  db: {image: postgres:17}\n"),
        into_service(),
    ),
    row(
        "`build: .` for what is built here, `image: NAME:TAG` for the rest",
        "compose-no-image",
        composed(BUILT + "  db: {init: true}\n"),
        into_service(1, service="db", NAME="postgres", TAG="17"),
    ),
    row(
        "remove one of them",
        "broken-compose",
        with_key("network_mode: host\n    networks: [default]"),
        without("networks"),
    ),
    row(
        "remove `container_name:` from …; compose generates a name",
        "broken-compose",
        composed(
            BUILT + "    container_name: shop\n  db:\n    image: postgres:17\n    container_name: shop\n"
        ),
        edit("compose.yaml", "    container_name: shop\n  db:", lambda _hint: "  db:"),
    ),
    row(
        "devctl init writes one; or delete it: devctl up works without one",
        "broken-compose",
        composed(""),
        lambda root, _told: (root / "compose.yaml").unlink(),
    ),
    # devctl's own
    row(
        "no action needed; to make it explicit, replace it with `build: .` in …",
        "image-built-here",
        composed("services:\n  api:\n    image: localhost:5000/shop:1\n"),
        line(lambda hint: f"    {said({'hint': hint})}"),
    ),
    row(
        "no action needed; COMPOSE_FILE=… in .env makes `docker compose` use it too, or selects another file",
        "compose-file-named",
        {**GO, "docker-compose.dev.yml": BUILT},
        shell("(COMPOSE_FILE=[^ ]+)", then="echo {} >> .env"),
    ),
    row(
        "to use it: echo 'COMPOSE_FILE=…' >> .env",
        "compose-file-not-used",
        {**GO, "compose.yaml": BUILT, "docker-compose.dev.yml": BUILT},
        shell("to use it: (.*)"),
    ),
    row(
        "to preview with it: COMPOSE_FILE=… devctl prod-preview",
        "compose-file-not-used",
        {
            **GO,
            "compose.yaml": BUILT,
            "docker-compose.prod.yml": "services:\n  api:\n    environment: {MODE: live}\n",
        },
        shell("with it: (COMPOSE_FILE=[^ ]+)", then="echo {} >> .env"),
    ),
    row(
        "no action needed; COMPOSE_PROFILES=… in .env does the same for `docker compose`, or selects other profiles",
        "profile-chosen",
        with_key("profiles: [dev]"),
        shell("(COMPOSE_PROFILES=[^ ]+)", then="echo {} >> .env"),
    ),
    row(
        "give … a profile (`profiles: [host]`) and start it yourself: docker compose up …",
        "program-on-host",
        composed(BUILT + "  ai:\n    provider: {type: model}\n"),
        into_service(service="ai"),
        words=("up", "--dry-run"),
    ),
    row(
        "rename … everywhere in the compose file",
        "reserved-name",
        composed(BUILT + "    volumes: ['devctl-data:/data']\nvolumes: {devctl-data: {}}\n"),
        edit("compose.yaml", "devctl-data", lambda _hint: "data"),
    ),
    row("delete that line", "compose-version-obsolete", composed("version: '3'\n" + BUILT), no_line),
    row(
        "echo '…=…' >> .env, or ${…:-default} in …",
        "compose-variable-unset",
        with_key("environment: {MODE: '$MODE'}"),
        shell("(echo .*), or ", rest="fast"),
    ),
    row(
        "echo '…=…' >> .env, or ${…:-default} in …",
        "compose-variable-unset",
        with_key("environment: {MODE: '$MODE'}"),
        edit("compose.yaml", "$MODE", lambda hint: hint.split(", or ")[1].split()[0]),
    ),
    row(
        "no action needed; docker compose itself starts as many as the compose file asks for",
        "one-replica",
        with_key("scale: 2"),
        without("scale"),
    ),
    row(
        "no action needed; `docker compose` starts none either, until that number is 1",
        "no-replica",
        composed(BUILT + "  worker:\n    image: alpine\n    scale: 0\n"),
        without("scale"),
    ),
    row(
        "`…: {…: {file: ./…}}` is mounted instead, which works with read_only",
        "read-only-left-out",
        composed(BUILT + "    configs: [app.json]\nconfigs:\n  app.json:\n    content: '{}'\n"),
        both(
            lambda root, told: write(said(told).split("./")[1].rstrip("}"), "{}")(root, told),
            into_yaml("compose.yaml"),
            edit("compose.yaml", re.compile(r"^ *content:.*\n", re.MULTILINE), lambda _hint: ""),
        ),
    ),
    row(
        "correct `build.dockerfile`, or remove it: devctl then uses its own Dockerfile",
        "dockerfile-missing",
        composed(BUILT.replace("build: .", "build: {context: ., dockerfile: docker/Dockerfile}")),
        edit("compose.yaml", ", dockerfile: docker/Dockerfile", lambda _hint: ""),
    ),
]
