"""Private modules by git, over ssh or with a password: what opens them is in no layer and no history of an image."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.cli import bridge_address, serves
from tests.engine.conftest import Started
from tests.engine.private_git import GitServer, git_base, git_server
from tests.engine.shapes import MOD, server
from tests.engine.test_private_modules import built, found_in
from tests.helpers import build_tree

pytestmark = pytest.mark.engine
PASSWORD = f"pw{uuid.uuid4().hex}"
CONFIG = "version: 1\nbases: {golang: 'BASE'}\nservices:\n  shop:\n    host_port: HOST_PORT\n"


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitServer]:
    """What a developer of the company has set, but for the way in."""
    gateway = bridge_address()
    folder = tmp_path / "git"
    folder.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GOPRIVATE", "corp.example")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with git_server(folder, gateway, password=PASSWORD) as running:
        yield running


def git_asks(folder: Path, address: str, git: GitServer) -> None:
    """`git config --global url.ADDRESS.insteadOf …`, and a token for another host, as is usual."""
    rules = {address: git.module.rpartition("/")[0], f"https://ci:{PASSWORD}@other.example/": "other.example"}
    text = "".join(f'[url "{new}"]\n\tinsteadOf = https://{old}/\n' for new, old in rules.items())
    build_tree(folder / "config", {"git/config": text})


def started_with(project: Callable[..., Started], git: GitServer) -> Started:
    code = server("secret.Hello()", imports=f'\tsecret "{git.module}"\n')
    config = CONFIG.replace("BASE", git_base())
    return project(files={**manifests(git, "v1.0.0"), "main.go": code, "devctl.yaml": config})


def manifests(git: GitServer, version: str) -> dict[str, str]:
    return {"go.mod": f"{MOD}\nrequire {git.module} {version}\n", "go.sum": git.go_sum(version)}


def keeps_quiet(started: Started) -> None:
    words = (PASSWORD, base64.b64encode(f"ci:{PASSWORD}".encode()).decode())
    assert found_in(built(started, "deps"), started.root, words, below=git_base()) == []


def test_over_ssh_and_its_next_version(
    project: Callable[..., Started], git: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(git.agent))
    git_asks(tmp_path, git.ssh, git)
    started = started_with(project, git)
    started.devctl("up", "-d", "--timeout", "240")
    serves(started.port, "hello from a private module")
    started.write(manifests(git, "v1.1.0"))  # the running container has no key: it is proven on the image
    serves(started.port, "hello from a newer module")
    started.devctl("prod-preview", "--timeout", "240")
    serves(started.port, "hello from a newer module")
    keeps_quiet(started)


def test_with_a_password(
    project: Callable[..., Started], git: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_asks(tmp_path, git.http, git)
    started = started_with(project, git)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    locked_out = started.devctl("prod-preview", code=1)
    assert locked_out.error["code"] == "private-module"
    netrc = tmp_path / "netrc"
    host = git.http.removeprefix("http://").partition(":")[0]
    netrc.write_text(f"machine {host} login ci password {PASSWORD}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    started.devctl("prod-preview", "--timeout", "240")
    serves(started.port, "hello from a private module")
    keeps_quiet(started)
