"""A private git server, as companies have them: ssh with a key, one module. And a Go base that has git and ssh."""

from __future__ import annotations

import base64
import re
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from msgspec import Struct

from tests.engine.cli import docker, until
from tests.engine.debian import unpacked
from tests.engine.private_proxy import go_sum_of
from tests.ports import free_port

BASE = "devctl-tests/go-git:1.26-alpine"
_WANTED = re.compile(r"git$|openssh-(client|server)$|lib(?!.*perl)|zlib1g$")
_DOCKERFILE = """\
FROM golang:1.26-alpine
COPY root/usr /usr/
COPY root/lib /lib/
COPY root/lib64 /lib64/
COPY root/etc/ssh /etc/ssh/
RUN echo sshd:x:101:65534::/run/sshd:/bin/false >>/etc/passwd && mkdir -p /run/sshd
"""
# The git of Debian looks for its commands where Debian has them; the shell of the login does as well.
_SERVE = """
set -e
git config --global user.email ci@corp.example && git config --global user.name ci
git init -q -b main /srv/secret && cd /srv/secret && cp /given/go.mod /given/secret.go . && git add . && git commit -q -m 1
git tag v1.0.0
sed -i s/private/newer/ secret.go && git commit -q -a -m 2 && git tag v1.1.0
git clone -q --bare . /given/secret.git && git -C /given/secret.git update-server-info
ln -s secret.git /given/secret
mkdir -p ~/.ssh && cp /given/key.pub ~/.ssh/authorized_keys && chmod 700 ~/.ssh && chmod 600 ~/.ssh/* && chown -R 0:0 ~
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
exec /usr/sbin/sshd -D -e -f /dev/null -o UsePAM=no -o HostKey=/etc/ssh/ssh_host_ed25519_key
"""
_AGENT = "ssh-agent -D -a /given/agent & sleep 1; until SSH_AUTH_SOCK=/given/agent ssh-add /key; do sleep 0.2; done; wait"


class GitServer(Struct, frozen=True):
    """`module`: its content, as v1.0.0 and v1.1.0. `ssh`, `http`: the address that replaces `https://corp.example/ID/`.
    `agent`: the socket of an ssh-agent that has the key to it."""

    module: str
    ssh: str
    http: str
    agent: Path

    def go_sum(self, version: str) -> str:
        word = "private" if version == "v1.0.0" else "newer"
        return go_sum_of(self.module, version, _files(self.module, word))


def git_base() -> str:
    """The name of the image; it is made once and kept, as the bases are."""
    if subprocess.run(["docker", "image", "inspect", BASE], capture_output=True).returncode != 0:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            unpacked(folder, ("git", "openssh-client", "openssh-server"), _WANTED)
            (folder / "Dockerfile").write_text(_DOCKERFILE)
            docker("build", "--quiet", "-t", BASE, str(folder))
    return BASE


@contextmanager
def git_server(folder: Path, host: str, *, password: str) -> Iterator[GitServer]:
    """On an address that builds reach; `folder` takes the repository, the key and the agent's socket."""
    module = f"corp.example/{uuid.uuid4().hex}/secret.git"
    for name, text in _files(module, "private").items():
        (folder / name).write_text(text)
    docker(
        "run",
        "--rm",
        "-v",
        f"{folder}:/given",
        git_base(),
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-f",
        "/given/key",
    )
    port = free_port()
    made = [f"dt-{uuid.uuid4().hex[:8]}-{name}" for name in ("sshd", "agent")]
    common = ("run", "--detach", "--volume", f"{folder}:/given")
    try:
        docker(*common, "--name", made[0], "--publish", f"{host}:{port}:22", BASE, "sh", "-c", _SERVE)
        docker(*common, "--name", made[1], "--volume", f"{folder}/key:/key:ro", BASE, "sh", "-c", _AGENT)
        until(lambda: "Identity added" in _logs(made[1]))
        until(lambda: "Server listening" in _logs(made[0]))
        with _http(folder, host, password) as http:
            yield GitServer(module, f"ssh://root@{host}:{port}/srv/", http, folder / "agent")
    finally:
        for name in made:
            subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True)


@contextmanager
def _http(folder: Path, host: str, password: str) -> Iterator[str]:
    """The repository as files, for those who know the password."""
    wanted = "Basic " + base64.b64encode(f"ci:{password}".encode()).decode()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") == wanted:
                return super().do_GET()
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="corp"')
            self.end_headers()
            return None

        def log_message(self, format: str, *args: object) -> None:
            return None

    with ThreadingHTTPServer((host, 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _logs(container: str) -> str:
    done = subprocess.run(["docker", "logs", container], capture_output=True, text=True)
    return done.stdout + done.stderr


def _files(module: str, word: str) -> dict[str, str]:
    return {
        "go.mod": f"module {module}\n\ngo 1.21\n",
        "secret.go": f'package secret\n\nfunc Hello() string {{ return "hello from a {word} module" }}\n',
    }
