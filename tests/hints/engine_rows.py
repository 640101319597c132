"""What the engine says to `docker compose up`: each is explained, followed in the compose file, and started again.

`NAME` is the name of the project, which nothing else on the machine has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.hints.follow import Told, both, edit, into_service, into_yaml, row, said, shell, write

UP = "docker compose -p NAME up -d"
APP = "services:\n  api:\n    image: alpine:3.22\n    command: [sleep, '60']\n"


def up(
    hint: str,
    code: str,
    text: str,
    follow: Callable[[Path, Told], object],
    *,
    files: Mapping[str, str] = {},
    run: str = UP,
    **more: Any,
) -> Any:
    return row(hint, code, {"compose.yaml": APP + text, **files}, follow, words=(run,), **more)


def taken_out(key: str, named: str = "") -> Callable[[Path, Told], None]:
    """A person takes out the line with a key that the hint names, or with what is around it."""

    def follow(root: Path, told: Told) -> None:
        assert f"`{named or key}:" in told["hint"], told["hint"]
        edit("compose.yaml", re.compile(rf"^ *{key}:.*\n", re.MULTILINE), lambda _hint: "")(root, told)

    return follow


def changed(key: str, old: str, new: str) -> Callable[[Path, Told], None]:
    def follow(root: Path, told: Told) -> None:
        assert f"`{key}:" in told["hint"], told["hint"]
        edit("compose.yaml", old, lambda _hint: new)(root, told)

    return follow


def first(hint: str) -> str:
    return re.split(r", or |, if |;", hint)[0]


def does(command: Callable[[str], str] = first, run: str = UP) -> Callable[[Path, Told], tuple[str]]:
    return lambda _root, told: (f"{command(told['hint'])} && {run}",)


ROWS = [
    up(
        "compose file: publish on 127.0.0.1, or on an address that `ip addr` shows",
        "address-not-of-host",
        "    ports: ['10.9.9.9::8080']\n",
        edit("compose.yaml", "10.9.9.9", lambda hint: hint.split()[4].rstrip(",")),
    ),
    up(
        "docker network ls and docker network rm NAME, or another `subnet:` in the compose file",
        "subnet-overlaps",
        "networks: {default: {ipam: {config: [{subnet: 10.213.7.0/28}]}}}\n",
        does(lambda hint: hint.partition(" and ")[2].partition(",")[0].replace("NAME", "NAME-other")),
        run=f"docker network create --subnet 10.213.7.0/28 NAME-other; {UP}",
    ),
    up(
        "compose file: `networks: {default: {ipam: {config: [{subnet: SUBNET}]}}}` with a subnet that contains the address, or remove `ipv4_address`",
        "static-address",
        "    networks: {default: {ipv4_address: 10.213.9.9}}\n",
        into_yaml("compose.yaml", SUBNET="10.213.9.0/28"),
    ),
    up(
        "compose file: `networks: {default: {ipam: {config: [{subnet: SUBNET}]}}}` with a subnet that contains the address, or remove `ipv4_address`",
        "static-address",
        "    networks: {default: {ipv4_address: 10.213.9.9}}\n",
        edit("compose.yaml", "ipv4_address: 10.213.9.9", lambda _hint: ""),
    ),
    up(
        "docker network create …, or start the project that creates it",
        "network-missing",
        "networks: {default: {external: true, name: NAME-back}}\n",
        does(),
    ),
    up(
        "docker network rm …, or `external: true` in the compose file",
        "network-not-ours",
        "",
        does(),
        run=f"docker network create NAME_default; {UP}",
    ),
    up(
        "docker network rm …, or `external: true` in the compose file",
        "network-not-ours",
        "networks: {default: {name: NAME_back}}\n",
        edit("compose.yaml", "{name:", lambda hint: f"{{{said({'hint': hint})}, name:"),
        run=f"docker network create NAME_back; {UP}",
    ),
    up(
        "docker volume create …, or restore it from a backup",
        "volume-missing",
        "    volumes: ['data:/data']\nvolumes: {data: {external: true, name: NAME-data}}\n",
        does(),
    ),
    up(
        "fix `driver:` of the volume in the compose file, or docker plugin install …",
        "volume-driver-unknown",
        "    volumes: ['data:/data']\nvolumes: {data: {driver: nope}}\n",
        changed("driver", "nope", "local"),
    ),
    up(
        "fix `driver_opts: {device: …}` in the compose file, or create that folder",
        "volume-not-mounted",
        "    volumes: ['data:/data']\nvolumes: {data: {driver_opts: {type: none, o: bind, device: ROOT/there}}}\n",
        lambda root, told: (root / "there").mkdir(),
    ),
    up(
        "create it, or fix `volumes:` in the compose file",
        "bind-source-missing",
        "    volumes: [{type: bind, source: ROOT/there, target: /t, bind: {create_host_path: false}}]\n",
        lambda root, told: (root / "there").mkdir(),
    ),
    up(
        "Docker creates an empty folder if a mounted file is missing: check …; if it is such a folder, replace it with the file",
        "mount-kind-differs",
        "    volumes: ['./conf:/etc/passwd']\n",
        both(lambda root, told: (root / "conf").rmdir(), write("conf", "root:x:0:0::/:/bin/sh\n")),
    ),
    up(
        "docker rm …, if it is not needed; or remove `container_name:` from the compose file",
        "container-name-taken",
        "    container_name: NAME-api\n",
        does(),
        run=f"docker create --name NAME-api --label com.docker.compose.project=NAME alpine:3.22; {UP}",
    ),
    up(
        "docker rm …, if it is not needed; or remove `container_name:` from the compose file",
        "container-name-taken",
        "    container_name: NAME-api\n",
        taken_out("container_name"),
        run=f"docker create --name NAME-api alpine:3.22; {UP}",
    ),
    up(
        "fix `command:`, `entrypoint:` or the Dockerfile; a mount over its folder also hides it",
        "command-not-in-image",
        "    entrypoint: [nothere]\n",
        changed("entrypoint", "[nothere]", "[sleep, '60']"),
    ),
    up(
        "chmod +x that file; in the Dockerfile: COPY --chmod=0755",
        "command-not-executable",
        "    volumes: ['./run.sh:/run.sh']\n    entrypoint: [/run.sh]\n",
        shell("(chmod .x)", then="{} run.sh"),
        files={"run.sh": "#!/bin/sh\nsleep 60\n"},
    ),
    up(
        "use a number: `user: 65532:65532`; or create it in the Dockerfile: RUN adduser -D …",
        "user-unknown",
        "    user: app\n",
        into_service(),
    ),
    up(
        "raise `mem_limit:` in the compose file",
        "memory-limit-low",
        "    mem_limit: 1m\n",
        changed("mem_limit", "1m", "64m"),
    ),
    up("lower `cpus:` in the compose file", "cpu-limit-high", "    cpus: 999\n", changed("cpus", "999", "1")),
    up(
        "fix `cap_add:` or `cap_drop:` in the compose file",
        "capability-unknown",
        "    cap_add: [SYS_PTRASE]\n",
        changed("cap_add", "PTRASE", "PTRACE"),
    ),
    up(
        "remove it from `devices:`, or move it to an override file for machines that have it",
        "device-missing",
        "    devices: ['/dev/nope:/dev/nope']\n",
        taken_out("devices"),
    ),
    up(
        "remove `runtime:` from the compose file, or install it (nvidia: nvidia-container-toolkit)",
        "runtime-unknown",
        "    runtime: nvidia\n",
        taken_out("runtime"),
    ),
    up(
        "install nvidia-container-toolkit, or remove `devices:` from the compose file",
        "gpu-missing",
        "    deploy: {resources: {reservations: {devices: [{driver: nvidia, capabilities: [gpu]}]}}}\n",
        taken_out("deploy", "devices"),
    ),
    up(
        "fix `logging: {driver: …}` in the compose file",
        "log-driver-unknown",
        "    logging: {driver: nope}\n",
        changed("logging", "nope", "json-file"),
    ),
    up(
        "set it on the machine: sudo sysctl …=…, and remove it from `sysctls:`",
        "sysctl-refused",
        "    sysctls: {kernel.nope: '1'}\n",
        taken_out("sysctls"),
    ),
    up(
        "fix `working_dir:` or WORKDIR",
        "working-dir-broken",
        "    working_dir: /etc/passwd\n",
        changed("working_dir", "/etc/passwd", "/etc"),
    ),
    up(
        "write the secret into it, or fix `secrets:` in the compose file",
        "secret-file-missing",
        "    secrets: [token]\nsecrets: {token: {file: ./token}}\n",
        write("token", "x"),
    ),
    up(
        "stop what uses it, or choose another: devctl.yaml `host_port:`",
        "port-taken",
        "    ports: ['127.0.0.1:PORT:8080']\n",
        does(lambda _hint: "docker rm -f NAME-holder"),
        run=f"docker run -d --name NAME-holder -p 127.0.0.1:PORT:80 alpine:3.22 sleep 60; {UP}",
    ),
    up(
        "add a first line to the compose file, `name: app` for example",
        "broken-compose",
        "",
        lambda root, told: write("compose.yaml", f"{said(told)}\n{(root / 'compose.yaml').read_text()}")(
            root, told
        ),
        run="mkdir -p ___ && cp compose.yaml ___ && cd ___ && docker compose config -q",
    ),
    up(
        "keep a copy of that file here and include the copy; or, if you trust this folder, export COMPOSE_EXPERIMENTAL_GIT_REMOTE=true",
        "git-include-off",
        "include: ['https://git.example/shop/db.git']\n",
        both(
            write("db.yaml", "services:\n  db:\n    image: alpine:3.22\n"),
            edit("compose.yaml", "https://git.example/shop/db.git", lambda _hint: "db.yaml"),
        ),
        run="COMPOSE_EXPERIMENTAL_GIT_REMOTE=false docker compose config -q",
    ),
]
