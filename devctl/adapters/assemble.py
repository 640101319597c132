"""Stand-ins of base images, made without a registry (DESIGN §6): fetch, write one layer, load, label as assembled."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from devctl.adapters import assemble_trees as trees
from devctl.adapters.assemble_archive import Config, Layer, write_archive
from devctl.adapters.assemble_compiler import PACKAGES, fill_compiler, needed
from devctl.adapters.assemble_fetch import Fetcher
from devctl.domain.bases import StandIn
from devctl.domain.observed import ASSEMBLED_LABEL
from devctl.domain.ports import Processes
from devctl.domain.ports_host import Host
from devctl.domain.ports_machine import ImageStore

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STANDS_FOR = "dev.devctl.stands-for"
ALPINE_RELEASE = "3.22"


class StandInAssembler:
    """`Assembler` from Debian packages and a Go toolchain."""

    def __init__(self, processes: Processes, host: Host, store: ImageStore, *, cache: Path) -> None:
        self._processes = processes
        self._store = store
        self._cache = cache
        self._fetch = Fetcher(processes, host, cache)

    def assemble(self, ref: str, stand_in: StandIn) -> None:
        before = self._store.find(ref)
        if before is not None and before.labels.get(ASSEMBLED_LABEL) != "true":
            return  # a real image is never put aside for a stand-in
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="image-") as made:
            layer = Layer(Path(made) / "layer.tar")
            with layer:
                config = self._filled(layer, ref, stand_in)
            archive = Path(made) / "image.tar"
            write_archive(archive, layer, config, ref=ref)
            self._store.load(archive)
        after = self._store.find(ref)
        if before is not None and after is not None and before.id != after.id:
            self._store.remove_unused(before.id)

    def _filled(self, layer: Layer, ref: str, stand_in: StandIn) -> Config:
        if stand_in.kind == "golang":
            return self._golang(layer, ref, stand_in)
        if stand_in.kind == "alpine":
            return self._alpine(layer, ref, stand_in)
        return self._distroless(layer, ref, stand_in)

    def _golang(self, layer: Layer, ref: str, stand_in: StandIn) -> Config:
        toolchain = self._fetch.toolchain(stand_in.version)
        self._shell(layer, ref)
        if not stand_in.alpine:
            fill_compiler(layer, self._fetch.packages(needed(self._fetch.all_of(PACKAGES))))
        trees.fill_golang(layer, toolchain, tzdata=self._tzdata())
        bundle = self._fetch.ca_bundle()
        layer.text(trees.CA_FILE, bundle.read_bytes() if bundle is not None else self._certificates())
        env = {
            "PATH": f"/go/bin:/usr/local/go/bin:{PATH}",
            "GOLANG_VERSION": toolchain.version,
            "GOPATH": "/go",
            "GOTOOLCHAIN": "local",
            **self._fetch.go_settings(),
        }
        return self._config(ref, env=env, workdir="/go", cmd=("sh",), comment=f"Go {toolchain.version}")

    def _alpine(self, layer: Layer, ref: str, stand_in: StandIn) -> Config:
        self._shell(layer, ref)
        release = stand_in.version or ALPINE_RELEASE
        trees.fill_alpine(layer, self._fetch.package("musl"), release=release, tzdata=self._tzdata())
        layer.text(trees.CA_FILE, self._certificates())
        return self._config(ref, env={"PATH": PATH}, cmd=("/bin/sh",), comment=f"Alpine {release}")

    def _distroless(self, layer: Layer, ref: str, stand_in: StandIn) -> Config:
        packages = [self._fetch.package(name) for name in trees.DISTROLESS_PACKAGES]
        busybox = self._fetch.package("busybox-static") if stand_in.debug else None
        trees.fill_distroless(layer, packages, certificates=self._certificates(), busybox=busybox)
        if busybox is not None:
            for applet in self._applets(busybox):
                layer.link(f"busybox/{applet}", "busybox")
        return self._config(
            ref,
            env={
                "PATH": f"{PATH}:/busybox" if stand_in.debug else PATH,
                "SSL_CERT_FILE": f"/{trees.CA_FILE.strip('/')}",
            },
            user=str(trees.NONROOT) if stand_in.nonroot else "0",
            workdir="/home/nonroot" if stand_in.nonroot else "/",
            entrypoint=("/busybox/sh",) if stand_in.debug else (),
            comment=f"distroless static, Debian {stand_in.version}",
        )

    def _config(
        self,
        ref: str,
        *,
        env: dict[str, str],
        user: str = "",
        workdir: str = "/",
        entrypoint: tuple[str, ...] = (),
        cmd: tuple[str, ...] = (),
        comment: str,
    ) -> Config:
        return Config(
            architecture=self._fetch.architecture(),
            labels={ASSEMBLED_LABEL: "true", STANDS_FOR: ref},
            env=env,
            user=user,
            workdir=workdir,
            entrypoint=entrypoint,
            cmd=cmd,
            comment=f"stand-in of {ref}: {comment}",
        )

    def _shell(self, layer: Layer, ref: str) -> None:
        busybox = self._fetch.package("busybox-static")
        trees.fill_shell(layer, busybox, self._applets(busybox), ref=ref)

    def _applets(self, busybox: Path) -> list[str]:
        done = self._processes.run([str(busybox / "bin" / "busybox"), "--list"])
        return done.stdout.split()

    def _certificates(self) -> str:
        return trees.certificates_of(self._fetch.package("ca-certificates"))

    def _tzdata(self) -> bytes:
        """The zone files as an archive that `apk add tzdata` unpacks: absent until asked for, as in the real image."""
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="tzdata-") as made:
            archive = Layer(Path(made) / "tzdata.tar")
            with archive:
                archive.tree(self._fetch.package("tzdata") / "usr/share/zoneinfo", "zoneinfo")
            return gzip.compress(archive.file.read_bytes(), mtime=0)
