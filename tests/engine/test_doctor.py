"""doctor on the real engine: a healthy project, and faults that are really there, each told and, where it may be, fixed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.system.files import SystemFiles
from devctl.adapters.system.identity import HomeIdentity
from devctl.domain.plan.engine_state import MACHINE_LABEL, PROJECT_LABEL
from tests.engine.cli import DEVCTL, Result, docker
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]
SOMEBODY = 1234
SCRIPT = "#!/bin/sh\r\necho hello\r\n"
HEALTHY = {
    *"docker-cli engine endpoint rootless storage compose buildx bases disk inotify lock clock dns".split(),
    *"go-proxy registry ca-bundle ports ownership mount file-events file-system git scripts".split(),
}


def check(done: Result, name: str) -> dict[str, Any]:
    found = [c for c in done.result["checks"] if c["id"] == name]
    assert len(found) == 1, done.show
    return dict(found[0])


def fixed(shop: Started, name: str, *flags: str) -> dict[str, Any]:
    """Well, and reported as fixed, after `--fix`: judged by newly gathered facts."""
    cured = check(shop.devctl("doctor", "--fix", *flags), name)
    assert (cured["status"], cured["fixed"]) == ("ok", True)
    return cured


def git_repository(root: Path) -> None:
    subprocess.run(["git", "init", "-q", str(root)], check=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """git's global settings of this test alone."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return tmp_path


def test_a_healthy_project(project: MakeProject, home: Path) -> None:
    shop = project()
    git_repository(shop.root)
    done = shop.devctl("doctor")
    found = {c["id"]: c["status"] for c in done.result["checks"]}
    assert {name for name, status in found.items() if status == "ok"} >= HEALTHY, done.show
    assert all(c["looked_at"] and c["why"] for c in done.result["checks"])
    assert not (shop.root / ".devctl").exists(), "a look leaves nothing behind"


def test_a_port_held_by_a_process_and_by_a_container(project: MakeProject) -> None:
    shop = project()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", shop.port))
        holder.listen()
        done = shop.devctl("doctor", code=4)
    held = check(done, "ports")
    assert held["status"] == "fail"
    assert f"(pid {os.getpid()})" in held["what"]
    assert "HOST_PORT=" in held["hint"] and "in .env" in held["hint"]
    assert done.error["hint"] == held["hint"]

    name = f"{shop.name}-holder"
    published = f"127.0.0.1:{shop.port}:8080"
    docker("run", "-d", "--name", name, "-p", published, "golang:1.26-alpine", "sleep", "300")
    try:
        held = check(shop.devctl("doctor", code=4), "ports")
        assert f"port {shop.port} is in use by container {name}" in held["what"]
        up = shop.devctl("up", "-d", code=4)
        assert up.error["code"] == "port-taken"
        assert up.error["hint"].startswith("HOST_PORT=")
        assert f"docker stop {name}" in up.error["hint"]
    finally:
        docker("rm", "--force", name)
    assert check(shop.devctl("doctor"), "ports")["status"] == "ok"


@pytest.mark.fixes(
    "a script that an image runs has Windows line endings", by="`doctor --fix --yes`", code="line-endings"
)
def test_a_script_with_crlf_is_fixed_when_agreed(project: MakeProject) -> None:
    shop = project()
    shop.write({"scripts/entry.sh": "", "notes.sh": ""})
    for name in ("scripts/entry.sh", "notes.sh"):
        (shop.root / name).write_bytes(SCRIPT.encode())
    script = shop.root / "scripts/entry.sh"
    script.chmod(0o755)
    with (shop.root / "Dockerfile").open("a") as file:
        file.write("COPY scripts/entry.sh /entry.sh\n")
    refused = check(shop.devctl("doctor", "--fix", code=4), "scripts")
    assert "scripts/entry.sh" in refused["what"] and "notes.sh" not in refused["what"]
    assert script.read_bytes() == SCRIPT.encode(), "nobody agreed"
    assert fixed(shop, "scripts", "--yes")["did"] == "LF line endings in scripts/entry.sh"
    assert script.read_bytes() == b"#!/bin/sh\necho hello\n"
    assert script.stat().st_mode & 0o777 == 0o755
    assert (shop.root / "notes.sh").read_bytes() == SCRIPT.encode(), "no image runs it"


@pytest.mark.fixes("the project contains files of another user", by="`doctor --fix --yes`")
def test_files_of_somebody_else_are_given_back_when_agreed(project: MakeProject, home: Path) -> None:
    shop = project()
    git_repository(shop.root)
    for path in (shop.root, *shop.root.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
    strange = shop.root / "tmp-of-root"
    strange.write_text("x")
    link = shop.root / "link"
    link.symlink_to("/etc/hostname")

    found = check(shop.devctl("doctor"), "ownership")
    assert (found["status"], "2 files" in found["what"]) == ("warn", True)
    assert (
        fixed(shop, "ownership", "--yes")["did"] == f"changed the owner of 2 files to {SOMEBODY}:{SOMEBODY}"
    )
    assert (strange.stat().st_uid, link.lstat().st_uid) == (SOMEBODY, SOMEBODY)
    assert Path("/etc/hostname").stat().st_uid == 0, "a link is changed, not followed"

    # The folder now belongs to another user: git said so, and was told to trust it by the same --yes.
    assert str(shop.root) in (home / "gitconfig").read_text()


@pytest.mark.fixes("git distrusts the folder (dubious ownership)", by="`doctor --fix --yes`")
def test_a_folder_that_git_distrusts(project: MakeProject, home: Path) -> None:
    shop = project()
    git_repository(shop.root)
    for path in (shop.root, *shop.root.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
    left = check(shop.devctl("doctor", "--fix"), "git")
    assert "dubious ownership" in left["what"] and str(shop.root) in left["hint"]
    assert fixed(shop, "git", "--yes")["did"] == f"git trusts {shop.root}"


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a watcher's command line, of a project that is gone. In a mount namespace of its own: a `doctor --fix` of
    another worker would end it too."""
    words = ["-m", "devctl", "--json", "--project", str(tmp_path / "gone"), "watch-daemon"]
    sleeps = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(3000)", *words]
    with subprocess.Popen(["unshare", "--mount", *sleeps], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"up\n"
            yield process
        finally:
            process.kill()


def beside(process: subprocess.Popen[bytes], shop: Started, *words: str) -> Result:
    """A command where the process is."""
    inside = ["nsenter", f"--mount=/proc/{process.pid}/ns/mnt", f"--wd={shop.root}"]
    done = subprocess.run([*inside, *DEVCTL, "--json", *words], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = Result(done.returncode, lines[-1], lines[:-1], done.stderr, words)
    assert found.code == 0, found.show
    return found


@pytest.mark.fixes("the watcher of a deleted project still runs", by="`doctor --fix`")
@pytest.mark.fixes("a stopped container of a deleted project", by="`doctor --fix`")
@pytest.mark.fixes("an image of a deleted project", by="`doctor --fix`")
@pytest.mark.fixes("a network of a deleted project", by="`doctor --fix`")
def test_left_overs_of_a_gone_project_are_removed(
    project: MakeProject, orphan: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    shop = project()
    gone = f"{shop.name}gone"
    labels = [f"--label={PROJECT_LABEL}={gone}", f"--label={MACHINE_LABEL}={HomeIdentity().machine}"]
    where = f"--label=com.docker.compose.project.working_dir={tmp_path / 'gone'}"
    docker("network", "create", *labels, f"{gone}_default")
    docker("create", "--name", f"{gone}-api-1", *labels, where, "golang:1.26-alpine", "true")
    docker("commit", f"{gone}-api-1", f"{gone}-api:dev")
    try:
        found = check(beside(orphan, shop, "doctor"), "leftovers")
        assert found["status"] == "warn" and found["fixable"]
        did = check(beside(orphan, shop, "doctor", "--fix"), "leftovers")["did"]
        left = (f"container {gone}-api-1", f"network {gone}_default", f"image {gone}-api:dev")
        for what in (f"stopped watcher {orphan.pid}", *left):
            assert what in did
        for kind, name in (thing.split() for thing in left):
            assert subprocess.run(["docker", kind, "inspect", name], capture_output=True).returncode != 0
        assert orphan.wait(60) != 0
    finally:
        subprocess.run(["docker", "rm", "--force", f"{gone}-api-1"], capture_output=True)
        subprocess.run(["docker", "network", "rm", f"{gone}_default"], capture_output=True)
        subprocess.run(["docker", "image", "rm", f"{gone}-api:dev"], capture_output=True)


def test_a_project_of_somebody_else_whose_folder_may_not_be_entered(project: MakeProject) -> None:
    """Whether it is gone cannot be seen: nothing of it is left over, and nothing is removed."""
    theirs, mine = project(folder="theirs/"), project()
    theirs.devctl("up", "-d")
    private = theirs.root.parent
    as_another = [
        "setpriv",
        "--bounding-set=-dac_override,-dac_read_search",
    ]  # root, without what opens every folder

    def run(*words: str) -> Result:
        done = subprocess.run(
            [*as_another, *DEVCTL, "--json", *words], cwd=mine.root, capture_output=True, text=True
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return Result(done.returncode, lines[-1], lines[:-1], done.stderr, words)

    os.chown(private, SOMEBODY, SOMEBODY)
    private.chmod(0o700)
    try:
        assert subprocess.run([*as_another, "ls", theirs.root], capture_output=True).returncode != 0
        looked, fixing, cleaned = run("doctor"), run("doctor", "--fix"), run("clean")
    finally:
        os.chown(private, 0, 0)
        private.chmod(0o755)
    for done in (looked, fixing):
        assert done.code == 0, done.show
        assert theirs.name not in json.dumps(done.result), done.show
    assert cleaned.code == 0, cleaned.show
    assert theirs.name not in json.dumps(cleaned.result), cleaned.show
    state = theirs.devctl("status").result
    assert (state["mode"], state["watcher"]["state"]) == ("dev", "running")


def test_files_that_cannot_be_read_are_said_beside_what_can_be_looked_at(project: MakeProject) -> None:
    shop = project({"go.mod": "module example.com/x\n\ngo 1.26\n", "compose.yaml": "services: [\n"})
    done = shop.devctl("doctor")
    (said,) = done.warnings
    assert (said["code"], said["place"]) == ("broken-compose", "compose.yaml:2:1")
    assert check(done, "ownership")["status"] == "ok"
    shop.write({"compose.yaml": "services: {}\n", "main.go": "package main\n\nfunc main() {}\n"})
    assert shop.devctl("doctor").warnings == []


def test_a_lock_that_is_held_names_its_holder(project: MakeProject) -> None:
    shop = project()
    with SystemFiles().lock(shop.root, command="up", timeout=5, waiting=lambda holder: None):
        held = check(shop.devctl("doctor"), "lock")
    assert held["status"] == "warn"
    assert f"`devctl up` (pid {os.getpid()}" in held["what"]
    assert check(shop.devctl("doctor"), "lock")["status"] == "ok", "what is written in it is not believed"


def test_a_proxy_that_is_the_container_itself(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The docker CLI gives its `proxies` to every container, so the Go proxy is really not reached."""
    config = tmp_path / "docker"
    config.mkdir()
    plugins = Path.home() / ".docker/cli-plugins"
    if plugins.is_dir():
        (config / "cli-plugins").symlink_to(plugins)
    proxy = "http://127.0.0.1:9"
    (config / "config.json").write_text(f'{{"proxies": {{"default": {{"httpsProxy": "{proxy}"}}}}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(config))
    shop = project()
    done = shop.devctl("doctor")
    assert proxy in check(done, "proxy")["what"]
    refused = check(done, "go-proxy")
    assert refused["status"] == "warn"
    assert "127.0.0.1:9" in refused["what"]
