"""Hints of the failure dictionary, by a recorded output: the files that make a tool say it, what is done with the hint's words, and
what devctl makes of the files then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.dockerfile.dockerignore import hiding_line
from devctl.domain.image.readiness.input import Inspected
from devctl.domain.project.air_toml import users_air
from devctl.domain.project.model import Service
from tests.hints.dockerfile_rows import BUILT, GO, GO_MOD, MAIN
from tests.hints.follow import both, edit, into_service, into_yaml, said, shell, write
from tests.hints.rows.readiness_rows import (
    BUILDER,
    DYNAMIC,
    GET,
    LAST,
    STATIC,
    ZONES,
    Follow,
    at_end,
    image,
    instead,
)

Compose = Mapping[str, Any]


class Seen(Struct, frozen=True):
    """What devctl reads: `models` gives what compose is given, by mode, `image` what production is built of, `problems` the codes of
    `config check`."""

    root: Path
    service: Callable[[], Service]
    models: Callable[[str], Compose]
    image: Callable[[], Inspected]
    problems: Callable[[], set[str]]

    def api(self, mode: str) -> Any:
        return self.models(mode)["services"]["api"]

    def text(self, file: str = "Dockerfile") -> str:
        return (self.root / file).read_text()


Good = Callable[[Seen], object]


class Entry(Struct, frozen=True):
    files: Mapping[str, str]
    follow: Follow
    good: Good


def row(hint: str, sample: str, files: Mapping[str, str], follow: Follow, good: Good) -> Any:
    return pytest.param(sample, Entry(files, follow, good), marks=pytest.mark.follows(hint), id=sample)


# What is judged


def checked(*names: str) -> Good:
    """None of these checks of the image finds anything."""
    from devctl.domain.image.readiness.rules import checks

    return lambda seen: not [c for c in checks(seen.image()) if c.id in names and c.severity != "ok"]


def writable(folder: str) -> Good:
    """In production, which is read-only else."""

    def good(seen: Seen) -> bool:
        api = seen.api("prod")
        volumes = [volume["target"] for volume in api.get("volumes") or []]
        return folder in [*volumes, *(line.partition(":")[0] for line in api["tmpfs"])]

    return good


def given(mode: str, name: str, value: str) -> Good:
    """In the container's environment."""
    return lambda seen: seen.api(mode)["environment"].get(name) == value


def in_image(path: str) -> Good:
    return lambda seen: path in seen.image().image.files


def sources_there(seen: Seen) -> bool:
    """What COPY takes from the project exists, can be read, and ADD fetches nothing."""
    stages = parse(seen.text(), path="Dockerfile", args={}).stages
    lines = [i for s in stages for i in s.instructions if i.cmd in ("COPY", "ADD") and not i.flags]
    return all((seen.root / source).exists() for line in lines for source in line.value[:-1])


def stage(name: str) -> Good:
    return lambda seen: parse(seen.text(), path="Dockerfile", args={}).stage(name) is not None


def has_problem(code: str) -> Good:
    return lambda seen: code not in seen.problems()


def reaches(name: str) -> Good:
    """A service of that name, on a network of the test's."""

    def good(seen: Seen) -> bool:
        services = seen.models("dev")["services"]
        return name in services and bool(set(services[name]["networks"]) & set(services["api"]["networks"]))

    return good


# What is done


def service_yaml(at: int = 0, **values: str) -> Follow:
    return into_yaml("devctl.yaml", at, **values)


def composed(text: str = "", **files: str) -> dict[str, str]:
    return {**GO, "compose.yaml": BUILT + text, **files}


DB = "  db:\n    image: postgres:17\n"
DSN = "    environment: {DSN: 'postgres://shop@127.0.0.1:5432/shop'}\n"
PLAIN = {**GO, "compose.yaml": BUILT}
DEV = 'FROM golang:1.26-alpine AS dev\nWORKDIR /app\nRUN go install github.com/air-verse/air@v1.67.2\nCMD ["air"]\n'
SCRIPT = LAST.replace('["/server"]', '["/run.sh"]').replace("USER", "COPY --chmod=0755 run.sh /run.sh\nUSER")
AIR = '[build]\ncmd = "go build -o ./tmp/main ."\nbin = "./tmp/main"\n'


ROWS = [
    # Dockerfiles
    row(
        "put the file into the repository and COPY it; or try again when that address answers",
        "add-unreachable-1",
        image(LAST.replace("USER", "ADD https://127.0.0.1:9/x /x\nUSER")),
        both(write("x", "x"), instead("ADD https://127.0.0.1:9/x", lambda hint: hint.split()[7] + " x")),
        sources_there,
    ),
    row(
        "check the path (relative to build.context) and .dockerignore; if it comes from another stage, does that stage create it?",
        "copy-source-missing-1",
        image(LAST.replace("USER", "COPY config /config\nUSER"), **{"conf/config/a": "x"}),
        instead("COPY config", lambda _hint: "COPY conf/config"),
        sources_there,
    ),
    row(
        "name it: `FROM … AS …`, or fix build.target in the compose file",
        "stage-missing-1",
        image(
            DEV.replace(" AS dev", "") + BUILDER + LAST,
            "",
            **{"compose.yaml": "services:\n  api:\n    build: {context: ., target: dev}\n"},
        ),
        edit(
            "Dockerfile",
            re.compile("FROM golang:1.26-alpine$", re.M),
            lambda hint: said({"hint": hint}).replace("…", "golang:1.26-alpine"),
        ),
        stage("dev"),
    ),
    row(
        "name the stage: `FROM … AS …`, or fix COPY --from=…",
        "stage-missing-2",
        image(LAST, BUILDER.replace(" AS builder", "")),
        edit(
            "Dockerfile",
            re.compile("FROM golang:1.26-alpine$", re.M),
            lambda hint: said({"hint": hint}).replace("…", "golang:1.26-alpine"),
        ),
        stage("builder"),
    ),
    row(
        "NAME:TAG, in lower case; a build argument in FROM needs a default: ARG NAME=value above it",
        "image-reference-broken-2",
        image(LAST, BUILDER.replace("golang:1.26-alpine", "${GO_IMAGE}")),
        instead(
            "FROM ${",
            lambda hint: (
                hint.partition(": ")[2]
                .partition(" above")[0]
                .replace("NAME=value", "GO_IMAGE=golang:1.26-alpine")
                + "\nFROM ${"
            ),
        ),
        lambda seen: parse(seen.text(), path="Dockerfile", args={}).stages[0].base == "golang:1.26-alpine",
    ),
    row(
        "remove the `# syntax=` line if the file uses nothing newer than the engine's own builder",
        "syntax-image-missing-1",
        image(LAST, "# syntax=docker/dockerfile:1\n" + BUILDER),
        lambda root, told: edit("Dockerfile", re.compile(rf"^{said(told)}.*\n"), lambda _hint: "")(
            root, told
        ),
        lambda seen: "syntax=" not in seen.text(),
    ),
    row(
        "devctl init writes one; or build.dockerfile in the compose file names another path",
        "dockerfile-missing-1",
        {
            **GO,
            "compose.yaml": "services:\n  api:\n    build: {context: ., dockerfile: docker/Dockerfile}\n",
            "build/Dockerfile": BUILDER + LAST,
        },
        edit("compose.yaml", "docker/", lambda _hint: "build/"),
        lambda seen: seen.image(),
    ),
    row(
        "fix build.context in the compose file",
        "build-context-missing-1",
        {**image(), "compose.yaml": "services:\n  api:\n    build: {context: ./api}\n"},
        edit("compose.yaml", "./api", lambda _hint: "."),
        lambda seen: Path(seen.api("prod")["build"]["context"]).is_dir(),
    ),
    row(
        "compose file: `build: {secrets: […]}` and `secrets: {…: {file: PATH}}`",
        "build-secret-missing-1",
        image(**{"compose.yaml": "services:\n  api:\n    build: {context: .}\n", "netrc": "machine x"}),
        both(into_service(), into_yaml("compose.yaml", 1, PATH="./netrc")),
        lambda seen: seen.models("prod").get("secrets") and seen.api("prod")["build"].get("secrets"),
    ),
    row(
        "compose file: `build: {ssh: [default]}`, and ssh-add on this machine",
        "build-secret-missing-2",
        image(**{"compose.yaml": "services:\n  api:\n    build: {context: .}\n"}),
        into_service(),
        lambda seen: seen.api("prod")["build"].get("ssh"),
    ),
    row(
        "FROM --platform=$BUILDPLATFORM and cross-compile with GOARCH=$TARGETARCH, or remove `platform:`",
        "wrong-architecture-1",
        image(
            LAST,
            BUILDER.replace("FROM", "FROM --platform=linux/arm64").replace(
                "CGO_ENABLED=0 go", "CGO_ENABLED=0 GOARCH=arm64 go"
            ),
        ),
        both(
            instead("FROM --platform=linux/arm64", lambda hint: hint.partition(" and")[0]),
            instead(
                "RUN CGO_ENABLED=0 GOARCH=arm64",
                lambda hint: f"ARG TARGETARCH\nRUN CGO_ENABLED=0 {hint.split()[5].rstrip(',')}",
            ),
        ),
        checked("architecture"),
    ),
    row(
        "build it in the image, with GOARCH=$TARGETARCH; a binary built on the host may not match",
        "wrong-architecture-2",
        image(LAST, BUILDER.replace("CGO_ENABLED=0 go", "CGO_ENABLED=0 GOARCH=arm64 go")),
        instead(
            "RUN CGO_ENABLED=0 GOARCH=arm64",
            lambda hint: f"ARG TARGETARCH\nRUN CGO_ENABLED=0 {hint.split()[6].rstrip(';')}",
        ),
        checked("architecture"),
    ),
    # What an image lacks
    row(
        "COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ (scratch has none); for a company's own certificate: add it there",
        "certificates-missing-1",
        image(LAST.replace("alpine:3.22", "scratch"), **{"main.go": GET}),
        at_end(lambda hint: hint.partition(" (")[0]),
        checked("ca-certificates"),
    ),
    row(
        'import _ "time/tzdata" in the program; or on alpine: RUN apk add --no-cache tzdata',
        "time-zone-unknown-1",
        image(**{"main.go": ZONES}),
        at_end(lambda hint: hint.partition("alpine: ")[2]),
        checked("time-zones"),
    ),
    row(
        'import _ "time/tzdata" in the program; or on alpine: RUN apk add --no-cache tzdata',
        "time-zone-unknown-1",
        image(**{"main.go": ZONES}),
        edit("main.go", "import (", lambda hint: f"{hint.partition(' in ')[0]}\nimport ("),
        checked("time-zones"),
    ),
    row(
        "CGO_ENABLED=0 for a static binary, or a base with that C library: devctl prod-preview --base alpine",
        "dynamic-binary-1",
        image(LAST, DYNAMIC),
        instead("CGO_ENABLED=1", lambda hint: hint.split()[0]),
        checked("static-binary"),
    ),
    row(
        "CGO_ENABLED=0 for a static binary, or a base with the C library of the builder's Debian release",
        "libc-too-old-1",
        image(LAST.replace("alpine:3.22", "debian:13"), DYNAMIC),
        instead("CGO_ENABLED=1", lambda hint: hint.split()[0]),
        lambda seen: seen.image().image.binary.static,  # type: ignore[union-attr]
    ),
    row(
        "check that it exists; for a binary: CGO_ENABLED=0; for a script: sed -i 's/\\r$//' removes Windows line endings",
        "program-not-started-1",
        image(LAST, DYNAMIC),
        instead("CGO_ENABLED=1", lambda hint: hint.partition("binary: ")[2].partition(";")[0]),
        checked("static-binary"),
    ),
    row(
        "check that it exists; for a binary: CGO_ENABLED=0; for a script: sed -i 's/\\r$//' removes Windows line endings",
        "program-not-started-2",
        image(SCRIPT, **{"run.sh": "#!/bin/sh\r\n/server\r\n"}),
        shell("for a script: (.*) removes", then="{} run.sh"),
        lambda seen: b"\r" not in (seen.root / "run.sh").read_bytes(),
    ),
    row(
        "sed -i 's/\\r$//' that file if it has Windows line endings (.gitattributes: *.sh text eol=lf); else use #!/bin/sh, or RUN apk add --no-cache bash in that stage",
        "line-endings-1",
        image(SCRIPT, **{"run.sh": "#!/bin/sh\r\n/server\r\n"}),
        shell("(.*) that file", then="{} run.sh"),
        lambda seen: b"\r" not in (seen.root / "run.sh").read_bytes(),
    ),
    row(
        "sed -i 's/\\r$//' that file if it has Windows line endings (.gitattributes: *.sh text eol=lf); else use #!/bin/sh, or RUN apk add --no-cache bash in that stage",
        "line-endings-1",
        image(SCRIPT, **{"run.sh": "#!/bin/bash\n/server\n"}),
        at_end(lambda hint: hint.partition("or ")[2].partition(" in that")[0]),
        checked("entrypoint-exists"),
    ),
    row(
        "#!/bin/sh as the first line of the script, or RUN apk add --no-cache … (alpine) in that stage",
        "shell-needed-1",
        image(SCRIPT, **{"run.sh": "#!/bin/bash\n/server\n"}),
        edit("run.sh", "#!/bin/bash", lambda hint: hint.split()[0]),
        checked("entrypoint-exists"),
    ),
    row(
        "#!/bin/sh as the first line of the script, or RUN apk add --no-cache … (alpine) in that stage",
        "shell-needed-1",
        image(SCRIPT, **{"run.sh": "#!/bin/bash\n/server\n"}),
        at_end(lambda hint: hint.partition("or ")[2].partition(" (alpine")[0]),
        checked("entrypoint-exists"),
    ),
    row(
        'exec form: `ENTRYPOINT ["/server"]`, `command: ["/server"]`, and a health check without a shell',
        "no-shell-in-image-1",
        image(LAST.replace("alpine:3.22", STATIC).replace('["/server"]', "/server")),
        instead("ENTRYPOINT /server", lambda hint: said({"hint": hint})),
        checked("entrypoint-form"),
    ),
    row(
        "COPY … … in the production stage of the Dockerfile, or `configs:` in the compose file; production has no bind mounts",
        "image-lacks-file-1",
        image(**{"settings.json": "{}"}),
        at_end(lambda hint: hint.partition(" in the")[0].replace("…", "settings.json")),
        in_image("/etc/app/settings.json"),
    ),
    row(
        "devctl.yaml: `services: {…: {files: […]}}`, or a line COPY … … in the Dockerfile",
        "image-lacks-file-2",
        {**PLAIN, "templates/index.html": "<html>"},
        service_yaml(),
        lambda seen: seen.api("prod")["build"]["args"].get("FILES") == "templates/index.html",
    ),
    row(
        "devctl.yaml: `services: {…: {files: […]}}`, or a line COPY … … in the Dockerfile",
        "image-lacks-file-2",
        image(LAST.replace("COPY", "WORKDIR /app\nCOPY"), **{"templates/index.html": "<html>"}),
        at_end(
            lambda hint: hint.partition("a line ")[2].partition(" in the")[0].replace("…", "./templates/")
        ),
        in_image("/app/templates/index.html"),
    ),
    row(
        "copy it from its example to where the code looks for it; for production, add a COPY line to the Dockerfile, or devctl.yaml `services: {…: {files: [FOLDER]}}`",
        "config-file-missing-1",
        {**PLAIN, "configs/config.example.yaml": "port: 1\n"},
        both(
            shell("(copy) it", then=": {}; cp configs/config.example.yaml configs/config.yaml"),
            service_yaml(FOLDER="configs"),
        ),
        lambda seen: (
            (seen.root / "configs/config.yaml").exists()
            and seen.api("prod")["build"]["args"].get("FILES") == "configs"
        ),
    ),
    # Production
    *(
        row(
            "devctl.yaml: `prod: {env: {…: …}}`, or the compose file's `environment:`",
            sample,
            PLAIN,
            lambda root, told: into_yaml("devctl.yaml", text=re.sub("…", "given", said(told)))(root, told),
            given("prod", name, "given"),
        )
        for sample, name in (("variable-missing-1", "DATABASE_URL"), ("variable-missing-2", "API_KEY"))
    ),
    row(
        "write to a separate folder and declare it: devctl.yaml `prod: {writable: [/data]}`; a volume on … would hide what the image has there",
        "writes-to-disk-1",
        PLAIN,
        service_yaml(),
        writable("/data"),
    ),
    row(
        "devctl.yaml: `prod: {writable: […]}`, or a volume there",
        "writes-to-disk-2",
        PLAIN,
        service_yaml(),
        writable("/var/cache/app"),
    ),
    row(
        "write it to a separate folder and declare it: devctl.yaml `prod: {writable: [/data]}`, or a volume there",
        "writes-to-disk-3",
        PLAIN,
        service_yaml(),
        writable("/data"),
    ),
    row(
        "devctl.yaml: `prod: {writable: [/FOLDER]}` with the folder of the file, or a volume there",
        "writes-to-disk-5",
        PLAIN,
        service_yaml(FOLDER="data"),
        writable("/data"),
    ),
    row(
        "devctl.yaml: `prod: {writable: [/FOLDER]}` with the folder of the file, or a volume there",
        "writes-to-disk-5",
        PLAIN,
        edit("compose.yaml", "build: .", lambda hint: "build: .\n    volumes: ['data:/data']"),
        writable("/data"),
    ),
    row(
        "write to an absolute path: /tmp is writable, and so is every folder that you declare in devctl.yaml: `prod: {writable: [/data]}`",
        "writes-to-disk-4",
        PLAIN,
        service_yaml(),
        lambda seen: writable("/tmp")(seen) and writable("/data")(seen),
    ),
    *(
        row(
            "to read it: COPY --chmod=0444 … in the Dockerfile, or a mount that user 65532 may read; to write it: a volume that user 65532 owns",
            sample,
            image(LAST.replace("USER", f"COPY --chmod=0400 secret {path}\nUSER"), secret="x"),
            instead("COPY --chmod=0400", lambda hint: hint.partition("it: ")[2].partition(" …")[0]),
            lambda seen: "COPY --chmod=0444 secret" in seen.text(),
        )
        for sample, path in (("file-not-permitted-1", "/data/shop.db"), ("file-not-permitted-2", "/key.pem"))
    ),
    # The program
    row(
        "devctl.yaml `services: {…: {args: […]}}`, or `command:` in the compose file",
        "flag-unknown-1",
        {**PLAIN, "devctl.yaml": "version: 1\nservices: {api: {args: [-prot=1]}}\n"},
        service_yaml(rest="-port=1"),
        lambda seen: seen.api("dev")["command"] == ["-port=1"],
    ),
    row(
        "devctl.yaml: `services: {…: {build: {tags: [sqlite_…]}}}`; a Makefile or CI file may show the tags",
        "sqlite-module-missing-1",
        PLAIN,
        service_yaml(),
        lambda seen: seen.api("prod")["build"]["args"].get("GO_TAGS") == "sqlite_fts5",
    ),
    row(
        'give the engine more memory, or build fewer packages at once: devctl.yaml `services: {…: {build: {env: {GOFLAGS: "-p=1"}}}}`',
        "compiler-killed-1",
        PLAIN,
        service_yaml(),
        given("dev", "GOFLAGS", "-p=1"),
    ),
    row(
        "raise `mem_limit:` (deploy.resources.limits.memory) in the compose file, or use less",
        "out-of-memory-1",
        composed("    mem_limit: 8m\n"),
        lambda root, told: into_yaml("compose.yaml", text=f"services: {{api: {{{said(told)} 256m}}}}")(
            root, told
        ),
        lambda seen: seen.api("prod")["mem_limit"] == "256m",
    ),
    row(
        "close what it opens (response bodies, rows), or raise `ulimits: {nofile: 65536}` in the compose file",
        "too-many-files-1",
        PLAIN,
        into_service(),
        lambda seen: (seen.api("prod").get("ulimits") or {}).get("nofile") in ("65536", 65536),
    ),
    row(
        "choose a tag that supports it, or `platform: linux/amd64` in the compose file (emulated, slow)",
        "platform-not-had-2",
        PLAIN,
        into_service(),
        lambda seen: seen.api("dev").get("platform") == "linux/amd64",
    ),
    row(
        "mount it with exec: `tmpfs: […:exec]`, or set GOTMPDIR to another folder",
        "noexec-tmp-1",
        composed("    tmpfs: [/tmp]\n"),
        into_service(),
        lambda seen: seen.api("prod")["tmpfs"] == ["/tmp:exec"],  # in dev devctl leaves out what covers it
    ),
    row(
        "mount it with exec: `tmpfs: […:exec]`; or the file is not executable: chmod +x",
        "noexec-tmp-2",
        composed("    tmpfs: [/t]\n"),
        into_service(),
        lambda seen: seen.api("dev")["tmpfs"] == ["/t:exec"],
    ),
    row(
        "listen on 8080 or another port above 1023; the host's port may stay: `ports: […:8080]`",
        "port-not-permitted-1",
        composed("    ports: ['80:80']\n", **{"main.go": MAIN.replace(":8080", ":80")}),
        both(edit("main.go", ":80", lambda hint: ":" + hint.split()[2]), into_service()),
        lambda seen: seen.service().serve.port == 8080 and seen.api("dev")["ports"][0]["target"] == 8080,
    ),
    row(
        "devctl.yaml: `services: {…: {main: ./cmd/NAME}}`, or fix the path in the Dockerfile",
        "nothing-to-build-1",
        {
            **PLAIN,
            "devctl.yaml": "version: 1\nservices: {api: {main: ./cmd/api}}\n",
            "cmd/shop/main.go": MAIN,
        },
        service_yaml(NAME="shop"),
        lambda seen: seen.service().source.main == "./cmd/shop",
    ),
    row(
        "go test ./... runs it here; or add a main package that serves the handler with net/http, and name it in devctl.yaml (`main:`)",
        "lambda-handler-1",
        {
            **PLAIN,
            "main.go": 'package main\n\nimport "github.com/aws/aws-lambda-go/lambda"\n\nfunc main() { lambda.Start(nil) }\n',
        },
        both(
            write("cmd/local/main.go", MAIN),
            lambda root, told: into_yaml(
                "devctl.yaml", text=f"services: {{api: {{{said(told)} ./cmd/local}}}}"
            )(root, told),
        ),
        lambda seen: (seen.service().source.main, seen.service().serve.port) == ("./cmd/local", 8080),
    ),
    row(
        "`cap_add: [SYS_PTRACE]` for the service in a compose override file, if a profile or an old kernel forbids it; remove it when you are done",
        "ptrace-refused-1",
        PLAIN,
        lambda root, told: write("compose.override.yaml", f"services:\n  api:\n    {said(told)}\n")(
            root, told
        ),
        lambda seen: seen.api("dev").get("cap_add") == ["SYS_PTRACE"],
    ),
    row(
        "choose another: devctl.yaml `host_port:`; or sudo sysctl net.ipv4.ip_unprivileged_port_start=…",
        "port-privileged-1",
        {**PLAIN, "compose.yaml": BUILT + '    ports: ["127.0.0.1:80:8080"]\n'},
        write("devctl.yaml", "services: {api: {host_port: 8080}}\n"),
        lambda seen: [port["published"] for port in seen.api("dev")["ports"]] == ["8080"],
    ),
    row(
        "listen only once; is it used by a second server, a debugger or an old process?",
        "port-taken-inside-1",
        {
            **PLAIN,
            "main.go": MAIN.replace("func main() { ", 'func main() { go http.ListenAndServe(":8080", nil); '),
        },
        edit("main.go", 'go http.ListenAndServe(":8080", nil); ', lambda _hint: ""),
        lambda seen: seen.text("main.go").count('":8080"') == 1 and seen.service().serve.port == 8080,
    ),
    # What it reaches
    row(
        "the name must be a compose service on a network that both share; devctl status shows what runs",
        "dependency-name-unknown-1",
        PLAIN,
        edit("compose.yaml", "build: .\n", lambda _hint: "build: .\n" + DB),
        reaches("db"),
    ),
    row(
        "the name must be a compose service on a network that both share; devctl status shows what runs",
        "dependency-name-unknown-1",
        composed(DB + "    networks: [back]\nnetworks: {back: {}}\n"),
        edit("compose.yaml", "build: .\n", lambda _hint: "build: .\n    networks: [default, back]\n"),
        reaches("db"),
    ),
    row(
        "are both on the same compose network? is there a VPN or firewall between the container and …?",
        "dependency-times-out-1",
        composed(DB + "    networks: [back]\nnetworks: {back: {}}\n"),
        edit("compose.yaml", "    networks: [back]\n", lambda _hint: ""),
        reaches("db"),
    ),
    row(
        'give it the name of a compose service, such as `db:…`, in `environment:` there or in devctl.yaml `services: {…: {env: {NAME: …}}}`; for a program on the host: host.docker.internal:… with `extra_hosts: ["host.docker.internal:host-gateway"]`',
        "dependency-on-localhost-1",
        composed(DSN + DB),
        edit("compose.yaml", "127.0.0.1:5432", lambda hint: said({"hint": hint})),
        given("dev", "DSN", "postgres://shop@db:5432/shop"),
    ),
    row(
        'give it the name of a compose service, such as `db:…`, in `environment:` there or in devctl.yaml `services: {…: {env: {NAME: …}}}`; for a program on the host: host.docker.internal:… with `extra_hosts: ["host.docker.internal:host-gateway"]`',
        "dependency-on-localhost-1",
        composed(DSN + DB),
        into_yaml("devctl.yaml", 2, NAME="DSN", rest="db:5432"),
        given("dev", "DSN", "db:5432"),
    ),
    row(
        'give it the name of a compose service, such as `db:…`, in `environment:` there or in devctl.yaml `services: {…: {env: {NAME: …}}}`; for a program on the host: host.docker.internal:… with `extra_hosts: ["host.docker.internal:host-gateway"]`',
        "dependency-on-localhost-1",
        composed(DSN),
        both(
            into_service(3),
            edit("compose.yaml", "127.0.0.1:5432", lambda hint: hint.partition("host: ")[2].split()[0]),
        ),
        lambda seen: (
            seen.api("dev")["extra_hosts"] == ["host.docker.internal:host-gateway"]
            and "host.docker.internal:5432" in seen.api("dev")["environment"]["DSN"]
        ),
    ),
    row(
        "give the dependency a health check and `depends_on: {NAME: {condition: service_healthy}}`; check the port: between containers it is the container's, not the published one",
        "dependency-refuses-1",
        composed(DB),
        both(
            into_service(NAME="db"),
            into_yaml("compose.yaml", text="services: {db: {healthcheck: {test: [CMD, pg_isready]}}}"),
        ),
        lambda seen: seen.api("dev")["depends_on"]["db"]["condition"] == "service_healthy",
    ),
    row(
        "run the migrations first: a job with `depends_on: {migrate: {condition: service_completed_successfully}}`",
        "table-missing-1",
        composed("  migrate:\n    image: migrate:4\n"),
        into_service(),
        lambda seen: (
            seen.api("dev")["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        ),
    ),
    row(
        "make both sides read the same variable; a volume keeps the password it was created with: devctl down --volumes deletes it with its data, and the next start recreates it",
        "database-login-1",
        composed(
            "    environment: {PASSWORD: secret}\n" + DB + "    environment: {POSTGRES_PASSWORD: other}\n"
        ),
        both(
            edit("compose.yaml", re.compile("secret|other"), lambda _hint: "'${DB_PASSWORD}'"),
        ),
        lambda seen: (
            seen.api("dev")["environment"]["PASSWORD"]
            == seen.models("dev")["services"]["db"]["environment"]["POSTGRES_PASSWORD"]
        ),
    ),
    row(
        "create it, or set POSTGRES_DB/MYSQL_DATABASE before the volume is first created",
        "database-missing-1",
        composed(DB),
        lambda root, told: into_yaml(
            "compose.yaml",
            text=f"services: {{db: {{environment: {{{told['hint'].split()[4].partition('/')[0]}: shop}}}}}}",
        )(root, told),
        lambda seen: (
            (seen.models("dev")["services"]["db"].get("environment") or {}).get("POSTGRES_DB") == "shop"
        ),
    ),
    # Tools
    row(
        "fix that line; `RUN <<EOF` needs Docker Engine 23.0 or newer: write `RUN a && b` instead",
        "broken-dockerfile-1",
        image(LAST, BUILDER.replace("COPY", "COPPY")),
        instead("COPPY", lambda _hint: "COPY"),
        lambda seen: seen.image(),
    ),
    row(
        "fix that line; `RUN <<EOF` needs Docker Engine 23.0 or newer: write `RUN a && b` instead",
        "broken-dockerfile-2",
        image(LAST.replace("USER", "RUN <<EOF\nmkdir /a\nmkdir /b\nEOF\nUSER")),
        instead(
            "RUN <<EOF\nmkdir /a\nmkdir /b\nEOF",
            lambda hint: said({"hint": hint}, 1).replace("a", "mkdir /a").replace("b", "mkdir /b"),
        ),
        lambda seen: "<<" not in seen.text() and seen.image(),
    ),
    row(
        "fix that instruction; the first one must be FROM (only ARG may come before it)",
        "broken-dockerfile-4",
        image(LAST, "RUN true\n" + BUILDER),
        instead("RUN true\n", lambda _hint: "ARG A=1\n"),
        lambda seen: seen.image(),
    ),
    row(
        "exclude it with a line in .dockerignore, or chmod it",
        "context-not-readable-1",
        image(),
        write(".dockerignore", "pgdata\n"),
        lambda seen: hiding_line(seen.text(".dockerignore"), "pgdata"),
    ),
    row(
        "fix .air.toml; devctl init --diff shows a working one",
        "air-config-1",
        {**PLAIN, ".air.toml": AIR.replace("[build]", "[build")},
        edit(".air.toml", "[build", lambda _hint: "[build]"),
        lambda seen: users_air(seen.text(".air.toml"), ".air.toml").build["cmd"],
    ),
    row(
        "devctl init writes .air.toml; or fix the path after `air -c`",
        "air-config-2",
        image(LAST, DEV.replace('"air"', '"air", "-c", "none.toml"') + BUILDER, **{".air.toml": AIR}),
        instead("none.toml", lambda _hint: ".air.toml"),
        lambda seen: (seen.root / re.findall(r'"-c", "(.*?)"', seen.text())[0]).is_file(),
    ),
    row(
        "sudo chown -R $USER of that folder, or build to /tmp: `tmp_dir`, `bin` and the `-o` of `cmd` in .air.toml",
        "source-not-writable-1",
        {**PLAIN, ".air.toml": 'tmp_dir = "tmp"\n' + AIR},
        edit(".air.toml", re.compile('(?<=["/ ])(\\./)?tmp(?=["/])'), lambda _hint: "/tmp"),
        lambda seen: (
            [
                seen.text(".air.toml").count(f)
                for f in ('tmp_dir = "/tmp"', "-o /tmp/main", 'bin = "/tmp/main"')
            ]
            == [1, 1, 1]
        ),
    ),
    row(
        "ENV HOME=/tmp in the dev stage, or WORKDIR /app",
        "air-refuses-folder-1",
        image(LAST, DEV.replace("WORKDIR /app", "WORKDIR /root") + BUILDER),
        instead("WORKDIR /root", lambda hint: "WORKDIR /root\n" + hint.partition(" in the")[0]),
        lambda seen: (
            "ENV HOME=/tmp"
            in [i.original for i in parse(seen.text(), path="Dockerfile", args={}).stages[0].instructions]
        ),
    ),
    row(
        "ENV GOFLAGS=-buildvcs=false in the dev stage",
        "vcs-status-1",
        image(LAST, DEV + BUILDER),
        instead("WORKDIR /app", lambda hint: "WORKDIR /app\n" + hint.partition(" in the")[0]),
        lambda seen: (
            "ENV GOFLAGS=-buildvcs=false"
            in [i.original for i in parse(seen.text(), path="Dockerfile", args={}).stages[0].instructions]
        ),
    ),
    row(
        "lower the go or toolchain line of go.mod, or use a newer base image: devctl.yaml `go:`",
        "toolchain-not-had-1",
        {**PLAIN, "go.mod": GO_MOD.replace("1.26", "1.26\n\ntoolchain go1.99.0")},
        edit("go.mod", "\n\ntoolchain go1.99.0", lambda _hint: ""),
        lambda seen: "toolchain" not in seen.text("go.mod"),
    ),
]
