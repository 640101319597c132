"""Faults injected on the real engine that are fixed automatically: the fix is reported, and the thing works again."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.system.identity import HomeIdentity
from devctl.domain.plan.engine_state import MACHINE_LABEL, PROJECT_LABEL, WORKING_DIR_LABEL
from tests.engine.cli import Result, docker, serves
from tests.engine.conftest import Started
from tests.engine.shapes import server
from tests.ports import free_port

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]
GO = "golang:1.26-alpine"
COMPOSE = """version: "3.8"
services:
  app:
    build: .
    ports: ["HOST_PORT:8080"]
    networks: [default, back]
    volumes: [data:/data]
networks:
  default: {ipam: {config: [{subnet: 10.213.77.0/24}]}}
  back: {external: true, name: NAME-back}
volumes:
  data: {external: true, name: NAME-data}
"""


WORKSPACE = {
    "go.work": "go 1.26.0\n\nuse (\n\t./api\n\t./lib\n)\n",
    "api/go.mod": "module example.com/api\n\ngo 1.26.0\n\nrequire example.com/lib v0.0.0\n\nreplace example.com/lib => ../lib\n",
    "api/main.go": 'package main\n\nimport "example.com/lib"\n\nfunc main() { println(lib.Major()) }\n',
    "lib/go.mod": "module example.com/lib\n\ngo 1.26.0\n",
    "lib/lib.go": 'package lib\n\nimport "golang.org/x/mod/semver"\n\nfunc Major() string { return semver.Major("v1.2.3") }\n',
}


def check(done: Result, name: str) -> dict[str, Any]:
    return next(dict(c) for c in done.result["checks"] if c["id"] == name)


def causes(done: Result, step: str) -> list[str]:
    return [s["cause"] for s in done.result["steps"] if s["step"] == step]


@contextlib.contextmanager
def removed(*things: str) -> Iterator[None]:
    """`container a`, `network b`: gone afterwards, however the test ends."""
    try:
        yield
    finally:
        for kind, name in (thing.split() for thing in things):
            flags = ["--force"] if kind == "container" else []
            subprocess.run(["docker", kind, "rm", *flags, name], capture_output=True)


@pytest.mark.fixes("the container was removed by hand", by="`up`")
@pytest.mark.fixes("the container was stopped by hand", by="`up`")
@pytest.mark.fixes("the container is paused", by="`up`")
@pytest.mark.fixes("the project's network was removed by hand", by="`up`")
@pytest.mark.fixes("the image was removed by hand", by="`up`")
def test_what_was_done_behind_devctls_back_is_brought_back(project: MakeProject) -> None:
    shop = project()
    container, network, image = f"{shop.name}-app-1", f"{shop.name}_default", f"{shop.name}-app:dev"

    def up_says(step: str, cause: str) -> None:
        assert causes(shop.devctl("up", "-d", "--no-watch", "--timeout", "300"), step) == [cause]
        serves(shop.port, "Hello from Go", within=120)
        assert shop.devctl("up", "-d", "--no-watch", "--timeout", "300").result["steps"] == [], (
            "nothing is left to do"
        )

    up_says("start", "no container yet")
    docker("rm", "--force", container)
    up_says("start", "no container yet")
    docker("stop", "--time", "1", container)
    up_says("start", "is exited")
    docker("pause", container)
    up_says("start", "is paused")
    docker("stop", "--time", "1", container)
    docker("network", "rm", network)
    up_says("start", "is exited")
    docker("rm", "--force", container)
    docker("image", "rm", "--force", image)
    up_says("build", "no image yet")


@pytest.mark.fixes(
    "an external network of the compose file is missing", by="`doctor --fix --yes`", code="network-missing"
)
@pytest.mark.fixes(
    "an external volume of the compose file is missing", by="`doctor --fix --yes`", code="volume-missing"
)
@pytest.mark.fixes("a container of a deleted project uses the port", by="`doctor --fix --yes`")
@pytest.mark.fixes(
    "a network of a deleted project uses the subnet", by="`doctor --fix --yes`", code="subnet-overlaps"
)
@pytest.mark.follows("devctl doctor --fix removes it")
def test_what_a_compose_file_wants_and_what_gone_projects_hold(
    project: MakeProject, tmp_path: Path, hinted: Callable[[str], str]
) -> None:
    files = {"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": server()}
    shop = project({**files, "compose.yaml": COMPOSE})
    shop.write({"compose.yaml": (shop.root / "compose.yaml").read_text().replace("NAME", shop.name)})
    gone, held = f"{shop.name}gone", f"127.0.0.1:{shop.port}:8080"
    labels = [f"--label={PROJECT_LABEL}={gone}", f"--label={MACHINE_LABEL}={HomeIdentity().machine}"]
    where = f"--label={WORKING_DIR_LABEL}={tmp_path / 'gone'}"
    back, data = f"{shop.name}-back", f"{shop.name}-data"
    with removed(f"container {gone}-1", f"network {gone}_default", f"network {back}"):
        docker("network", "create", *labels, "--subnet", "10.213.77.0/24", f"{gone}_default")
        docker("run", "-d", "--init", "--name", f"{gone}-1", *labels, where, "-p", held, GO, "sleep", "600")
        refused = shop.devctl("up", "-d", code=4).error
        assert refused["code"] == "port-taken"
        assert f"{gone}-1, left over from a deleted project" in refused["message"]
        hinted(refused["hint"])
        done = shop.devctl("doctor", "--fix", "--yes")
        assert check(done, "externals")["did"] == f"created network {back}, volume {data}"
        assert check(done, "abandoned")["did"] == f"removed container {gone}-1, network {gone}_default"
        up = shop.devctl("up", "-d", "--no-watch", "--timeout", "300")
        assert up.warnings == [], "`version:` is no matter of `up`"
        serves(shop.port, "hello", within=120)
        shop.devctl("down")
        docker("volume", "rm", data)


@pytest.mark.follows("docker … create …")
def test_the_same_by_hand(project: MakeProject, tmp_path: Path, hinted: Callable[[str], str]) -> None:
    shop = project(
        {"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": server(), "compose.yaml": COMPOSE}
    )
    shop.write({"compose.yaml": (shop.root / "compose.yaml").read_text().replace("NAME", shop.name)})
    gone, back, data = f"{shop.name}gone-1", f"{shop.name}-back", f"{shop.name}-data"
    labels = [f"--label={PROJECT_LABEL}={gone}", f"--label={MACHINE_LABEL}={HomeIdentity().machine}"]
    where = f"--label={WORKING_DIR_LABEL}={tmp_path / 'gone'}"
    with removed(f"container {gone}", f"network {back}", f"volume {data}"):
        docker("run", "-d", "--init", "--name", gone, *labels, where, GO, "sleep", "600")
        for name in ("externals", "externals"):  # the network, the volume
            by_hand = check(shop.devctl("doctor", code=None), name)["hint"].partition(", or: ")[2]
            docker(*hinted(by_hand).split()[1:])
        done = shop.devctl("doctor")
        assert check(done, "externals")["status"] == "ok"


@pytest.mark.fixes("the docker context in use no longer exists", by="`doctor --fix --yes`")
@pytest.mark.fixes("the compose plugin is a dangling link", by="`doctor --fix`")
def test_what_an_uninstalled_docker_desktop_leaves_behind(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = project()
    config = tmp_path / "docker"
    (config / "cli-plugins").mkdir(parents=True)
    (config / "cli-plugins/docker-compose").symlink_to("/Applications/Docker.app/docker-compose")
    (config / "config.json").write_text('{"currentContext": "desktop-linux", "credsStore": "desktop"}')
    monkeypatch.setenv("DOCKER_CONFIG", str(config))
    assert subprocess.run(["docker", "version"], capture_output=True).returncode != 0
    assert shop.devctl("up", "--dry-run", code=4).error["hint"] == "devctl doctor --fix"

    refused = shop.devctl("doctor", "--fix", code=4)
    assert "desktop-linux" in check(refused, "docker-config")["what"], "nobody agreed"
    assert f"at {config}" in check(refused, "compose")["did"], "which is devctl's to do"
    done = shop.devctl("doctor", "--fix", "--yes")
    assert (
        "took the credential helper desktop and the context desktop-linux out"
        in check(done, "docker-config")["did"]
    )
    assert json.loads((config / "config.json").read_text()) == {}
    assert docker("version", "--format", "{{.Server.Version}}")
    assert shop.devctl("up", "--dry-run").result["plan"]


@pytest.mark.fixes(
    "go.mod lacks a module that the code imports", by="`doctor --fix --yes`", code="requirement-missing"
)
@pytest.mark.fixes("go.sum lacks a checksum", by="`doctor --fix --yes`", code="go-sum-missing")
@pytest.mark.fixes("vendor/ is older than go.mod", by="`doctor --fix --yes`", code="vendoring-stale")
def test_modules_that_do_not_agree_are_completed(project: MakeProject) -> None:
    main = 'package main\n\nimport "golang.org/x/mod/semver"\n\nfunc main() { println(semver.Major("v1.2.3")) }\n'
    shop = project({"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": main})

    def listed() -> int:
        argv = [
            "docker",
            "run",
            "--rm",
            "--volume",
            f"{shop.root}:/src",
            "--workdir=/src",
            "--env=GOPATH=/tmp/go",
        ]
        return subprocess.run([*argv, GO, "go", "list", "-deps", "./..."], capture_output=True).returncode

    def fixed(said: str) -> None:
        assert listed() != 0
        done = check(shop.devctl("doctor", "--fix", "--yes"), "modules")
        assert (done["status"], done["did"]) == ("ok", said)
        assert listed() == 0

    fixed("go mod tidy, since go.mod names no module for the import golang.org/x/mod/semver")
    assert "golang.org/x/mod v" in (shop.root / "go.mod").read_text()
    (shop.root / "go.sum").unlink()
    fixed("go mod tidy, since go.sum has no checksum of golang.org/x/mod")
    (shop.root / "vendor").mkdir()
    (shop.root / "vendor/modules.txt").write_text(
        "# golang.org/x/mod v0.1.0\n## explicit\ngolang.org/x/mod/semver\n"
    )
    fixed("go mod vendor, since vendor does not contain golang.org/x/mod as go.mod requires it")


def test_the_modules_of_a_workspace_are_completed(project: MakeProject) -> None:
    """Its members are published nowhere, so `go mod tidy` cannot do it; a read-only build says whether it was done."""
    shop = project(WORKSPACE)

    def built() -> int:
        argv = ["docker", "run", "--rm", "--volume", f"{shop.root}:/src:ro", "--workdir=/src/api"]
        argv += ["--env=GOPATH=/tmp/go", GO, "go", "list", "-deps", "./..."]
        return subprocess.run(argv, capture_output=True).returncode

    def fixed(said: str) -> None:
        assert built() != 0
        done = check(shop.devctl("doctor", "--fix", "--yes"), "modules")
        assert (done["status"], done["did"]) == ("ok", said)
        assert built() == 0

    fixed(
        "go get golang.org/x/mod/semver, since lib/go.mod names no module for the import golang.org/x/mod/semver"
    )
    assert (shop.root / "api/go.mod").read_text() == WORKSPACE["api/go.mod"]
    (shop.root / "lib/go.sum").unlink()
    fixed("go list -deps ./..., since no go.sum of the workspace has a checksum of golang.org/x/mod")
    (shop.root / "vendor").mkdir()
    (shop.root / "vendor/modules.txt").write_text("## workspace\n# golang.org/x/mod v0.1.0\n## explicit\n")
    fixed("go work vendor, since vendor does not contain golang.org/x/mod as go.mod requires it")


@pytest.mark.fixes(
    "the port in the code is taken, and no file pins a port",
    by="`up`, if no file pins it",
    code="port-taken",
)
def test_a_port_that_nobody_fixed_moves(project: MakeProject) -> None:
    port = free_port()
    shop = project(
        {"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": server(address=f'":{port}"')}
    )
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        done = shop.devctl("up", "-d", "--no-watch", "--timeout", "300")
    (said,) = [w for w in done.warnings if w["code"] == "port-moved"]
    assert (
        said["message"].startswith(f"port {port} is taken; shop uses ")
        or f"port {port} is taken" in said["message"]
    )
    url = done.result["services"][0]["url"]
    assert url != f"http://127.0.0.1:{port}"
    serves(int(url.rpartition(":")[2]), "hello", within=120)


@pytest.mark.fixes("the .env that the compose file reads is missing", by="`onboard`", code="env-file-missing")
@pytest.mark.fixes(
    "a variable that the compose file needs is unset", by="`onboard`", code="compose-variable-missing"
)
def test_what_env_example_knows_is_written_down(project: MakeProject) -> None:
    compose = (
        "services:\n  app:\n    build: .\n    ports: ['HOST_PORT:8080']\n    env_file: [.env]\n"
        "    environment:\n      GREETING: ${GREETING:?what it says}\n"
    )
    main = server('os.Getenv("GREETING")', imports='\t"os"\n')
    chosen = free_port()  # the one key of devctl.yaml wins over the literal port of the compose file
    shop = project(
        {
            "go.mod": "module example.com/shop\n\ngo 1.26\n",
            "main.go": main,
            "compose.yaml": compose,
            ".env.example": "GREETING=good day\n",
            "devctl.yaml": f"services:\n  app:\n    host_port: {chosen}\n",
        }
    )
    assert shop.devctl("up", "-d", code=3).error["code"] in ("env-file-missing", "compose-variable-missing")
    done = shop.devctl("onboard", "--timeout", "500")
    assert (shop.root / ".env").read_text() == "GREETING=good day\n"
    assert any(".env: + GREETING" in json.dumps(step) for step in done.result["steps"]), done.show
    assert done.result["url"] == f"http://127.0.0.1:{chosen}"
    serves(chosen, "good day", within=120)
