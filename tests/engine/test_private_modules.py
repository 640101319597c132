"""Private modules: fetched with a password that no layer, no history and no environment of an image holds."""

from __future__ import annotations

import base64
import json
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.engine.cli import bridge_address, docker, serves
from tests.engine.conftest import Started
from tests.engine.private_proxy import MODULE, VERSION, Proxy, go_sum, private_proxy
from tests.engine.shapes import MOD, server

pytestmark = pytest.mark.engine
PASSWORD = f"pw{uuid.uuid4().hex}"
WORDS = (PASSWORD, base64.b64encode(f"ci:{PASSWORD}".encode()).decode())
WITHIN = 120.0
GO = {
    "go.mod": f"{MOD}\nrequire {MODULE} {VERSION}\n",
    "go.sum": go_sum(),
    "main.go": server("secret.Hello()", imports=f'\t"{MODULE}"\n'),
}
OURS = "version: 1\nbases: {golang: 'BASE'}\nservices:\n  shop:\n    host_port: HOST_PORT\n"
THEIRS = {
    "compose.yaml": "services:\n  shop:\n    build:\n      context: .\n      secrets: [netrc]\n"
    "    ports: ['HOST_PORT:8080']\nsecrets:\n  netrc:\n    file: ./netrc\n",
    "Dockerfile": "FROM BASE AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\n"
    "RUN --mount=type=secret,id=netrc NETRC=/run/secrets/netrc GOPROXY=ADDRESS go mod download\n"
    "COPY main.go ./\n"
    "RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /server .\n"
    'FROM alpine:3.22\nCOPY --from=build /server /server\nENTRYPOINT ["/server"]\n',
}


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """On the address by which builds reach this machine."""
    gateway = bridge_address()
    folder = tmp_path / "proxy"
    folder.mkdir()
    with private_proxy(folder, gateway, password=PASSWORD) as running:
        yield running


@pytest.fixture
def base(proxy: Proxy) -> Iterator[str]:
    """A Go base that trusts the proxy's certificate, as that of a company does."""
    ref = f"dt{uuid.uuid4().hex[:8]}-go:1.26-alpine"
    dockerfile = (
        "FROM golang:1.26-alpine\nCOPY ca.pem /ca.pem\nRUN cat /ca.pem >>/etc/ssl/certs/ca-certificates.crt\n"
    )
    build = ["docker", "build", "-t", ref, "-f", "-", str(proxy.certificate.parent)]
    done = subprocess.run(build, input=dockerfile, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    yield ref
    docker("image", "rm", "--force", ref)


def test_a_password_of_this_machine(
    project: Callable[..., Started], proxy: Proxy, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in the repository speaks of it: Go's own settings and the netrc file of the user are enough."""
    started = project(files={**GO, "devctl.yaml": OURS.replace("BASE", base)})
    netrc = proxy.certificate.with_name("netrc")
    netrc.write_text(password_for(proxy))
    monkeypatch.setenv("GOPROXY", proxy.url)
    monkeypatch.setenv("NETRC", str(netrc))
    opens_the_module_and_stays_out(started, proxy, base, stage="deps")


def test_a_secret_of_the_compose_file(project: Callable[..., Started], proxy: Proxy, base: str) -> None:
    theirs = {p: text.replace("BASE", base).replace("ADDRESS", proxy.url) for p, text in THEIRS.items()}
    started = project(files={**GO, **theirs, "netrc": password_for(proxy)})
    opens_the_module_and_stays_out(started, proxy, base, stage="build")


@pytest.mark.parametrize("line", ["RUN echo PASSWORD >/etc/netrc", "COPY netrc /etc/", "ENV TOKEN=PASSWORD"])
def test_the_search_finds_what_is_there(tmp_path: Path, line: str) -> None:
    (tmp_path / "netrc").write_text(PASSWORD)
    (tmp_path / "Dockerfile").write_text(f"FROM alpine:3.22\n{line.replace('PASSWORD', PASSWORD)}\n")
    ref = f"dt{uuid.uuid4().hex[:8]}:leaks"
    docker("build", "--quiet", "-t", ref, str(tmp_path))
    try:
        assert found_in(ref, tmp_path, WORDS)
    finally:
        docker("image", "rm", "--force", ref)


def password_for(proxy: Proxy) -> str:
    return f"machine {proxy.url.partition('//')[2]} login ci password {PASSWORD}\n"


def opens_the_module_and_stays_out(started: Started, proxy: Proxy, base: str, *, stage: str) -> None:
    started.devctl("prod-preview", "--timeout", "240")
    serves(started.port, "hello from a private module", within=WITHIN)
    assert any(path.endswith(".zip") for path in proxy.served)
    assert found_in(built(started, stage), started.root, WORDS, below=base) == []
    final = docker("inspect", "-f", "{{.Image}}", container(started))
    assert found_in(final, started.root, WORDS) == []


def container(started: Started) -> str:
    (found,) = docker("ps", "-q", "--filter", f"label=com.docker.compose.project={started.name}").split()
    return found


def built(started: Started, stage: str) -> str:
    """The stage that fetched the modules, which the final image does not show, as an image: built from the cache."""
    model = json.loads((started.root / started.model("prod")).read_text())
    (service,) = model["services"].values()
    service["image"] = f"{started.name}:stage"
    service["build"]["target"] = stage
    other = started.root / ".devctl" / "stage.json"
    other.write_text(json.dumps(model))
    done = subprocess.run(
        ["docker", "compose", "-f", str(other), "build"], capture_output=True, text=True, cwd=started.root
    )
    assert done.returncode == 0, done.stderr
    return str(service["image"])


def found_in(ref: str, folder: Path, words: Sequence[str], *, below: str | None = None) -> list[str]:
    """Where one of the words is seen: in the configuration (ENV, labels, history) and in the files of each layer.

    The layers of `below` were there before the words were.
    """
    needles = [word.encode() for word in words]
    told = docker("image", "inspect", ref) + docker("image", "history", "--no-trunc", ref)
    found = ["configuration"] if any(needle.decode() in told for needle in needles) else []
    saved = folder / "image.tar"
    docker("image", "save", "-o", str(saved), ref)
    with tarfile.open(saved) as image:
        layers = json.loads(content(image, "manifest.json"))[0]["Layers"]
        known = json.loads(docker("image", "inspect", below))[0]["RootFS"]["Layers"] if below else []
        assert len(layers) > len(known)
        for name in layers[len(known) :]:
            data = content(image, name)
            assert data, name
            found += [name for needle in needles if needle in data]
    saved.unlink()
    return found


def content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()
