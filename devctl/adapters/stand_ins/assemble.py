"""Stand-ins for base images, assembled without a registry: fetch, write one layer, import it into the engine, label it as
assembled.

For users: docs/how-to/use-without-a-registry.md.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from devctl.adapters.stand_ins import trees
from devctl.adapters.stand_ins.fetch import Fetcher
from devctl.adapters.stand_ins.layer import LayerWriter
from devctl.adapters.system.border import bordered
from devctl.domain.bases.references import StandIn, full_name, parse
from devctl.domain.dockerfile.runtime_bases import IMAGES
from devctl.domain.plan.engine_state import ASSEMBLED_LABEL
from devctl.domain.ports.host import Host
from devctl.domain.ports.machine import ImageStore
from devctl.domain.ports.toolbox import Processes

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STANDS_FOR = "dev.devctl.stands-for"
CONTENT = "dev.devctl.content"
"""Digest of the layer and the configuration: the engine stamps the time into each image, so equal ones have different ids."""
ALPINE_RELEASE = parse(IMAGES["alpine"]).tag


class ImageConfig(Struct, frozen=True):
    """The metadata of an image."""

    env: Mapping[str, str]
    comment: str
    user: str = ""
    workdir: str = "/"
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()

    def lines(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """As Dockerfile lines."""
        return (
            *(f"LABEL {key}={_quoted(value)}" for key, value in labels.items()),
            *(f"ENV {key}={_quoted(value)}" for key, value in self.env.items()),
            f"WORKDIR {self.workdir}",
            *((f"USER {self.user}",) if self.user else ()),
            *((f"ENTRYPOINT {json.dumps(self.entrypoint)}",) if self.entrypoint else ()),
            *((f"CMD {json.dumps(self.cmd)}",) if self.cmd else ()),
        )


def _quoted(value: str) -> str:
    """One word of a Dockerfile, which cannot contain a line break."""
    return '"' + re.sub(r'(["\\$])', r"\\\1", " ".join(value.splitlines())) + '"'


@bordered(writes=("assemble",))
class StandInAssembler:
    """`Assembler` based on Debian packages and a Go toolchain."""

    def __init__(self, processes: Processes, host: Host, store: ImageStore, *, cache: Path) -> None:
        self._processes = processes
        self._store = store
        self._cache = cache
        self._fetch = Fetcher(processes, host, cache)

    def assemble(self, ref: str, stand_in: StandIn) -> str:
        before = self._store.find(ref)
        if before is not None and before.labels.get(ASSEMBLED_LABEL) != "true":
            return ""  # a real image is never replaced by a stand-in
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="image-") as made:
            layer = LayerWriter(Path(made) / "layer.tar")
            with layer:
                config = self._filled(layer, ref, stand_in)
            labels = {ASSEMBLED_LABEL: "true", STANDS_FOR: ref}
            parts = (layer.digest(), *config.lines(labels))
            labels[CONTENT] = hashlib.sha256("\n".join(parts).encode()).hexdigest()
            if before is None or before.labels.get(CONTENT) != labels[CONTENT]:
                self._store.create(
                    full_name(ref),
                    layer.file,
                    config.lines(labels),
                    platform=f"linux/{self._fetch.architecture()}",
                    comment=f"stand-in of {ref}: {config.comment}",
                )
        after = self._store.find(ref)
        if before is not None and after is not None and before.id != after.id:
            self._store.remove_unused(before.id)
        return config.env.get("GOLANG_VERSION", "")

    def _filled(self, layer: LayerWriter, ref: str, stand_in: StandIn) -> ImageConfig:
        if stand_in.kind == "golang":
            return self._golang(layer, ref, stand_in)
        if stand_in.kind == "alpine":
            return self._alpine(layer, ref, stand_in)
        return self._distroless(layer, stand_in)

    def _golang(self, layer: LayerWriter, ref: str, stand_in: StandIn) -> ImageConfig:
        toolchain = self._fetch.toolchain(stand_in.version)
        self._shell(layer, ref)
        if not stand_in.alpine:
            packages = trees.without_spare(self._fetch.all_of(trees.COMPILER_PACKAGES))
            trees.fill_compiler(layer, self._fetch.packages(packages))
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
        return ImageConfig(env, f"Go {toolchain.version}", workdir="/go", cmd=("sh",))

    def _alpine(self, layer: LayerWriter, ref: str, stand_in: StandIn) -> ImageConfig:
        self._shell(layer, ref)
        release = stand_in.version or ALPINE_RELEASE
        trees.fill_alpine(layer, self._fetch.package("musl"), release=release, tzdata=self._tzdata())
        layer.text(trees.CA_FILE, self._certificates())
        return ImageConfig({"PATH": PATH}, f"Alpine {release}", cmd=("/bin/sh",))

    def _distroless(self, layer: LayerWriter, stand_in: StandIn) -> ImageConfig:
        packages = [self._fetch.package(name) for name in trees.DISTROLESS_PACKAGES]
        busybox = self._fetch.package("busybox-static") if stand_in.debug else None
        trees.fill_distroless(layer, packages, certificates=self._certificates(), busybox=busybox)
        if busybox is not None:
            for applet in self._applets(busybox):
                layer.link(f"busybox/{applet}", "busybox")
        return ImageConfig(
            {
                "PATH": f"{PATH}:/busybox" if stand_in.debug else PATH,
                "SSL_CERT_FILE": f"/{trees.CA_FILE.strip('/')}",
            },
            f"distroless static, Debian {stand_in.version}",
            user=str(trees.UID) if stand_in.nonroot else "0",
            workdir="/home/nonroot" if stand_in.nonroot else "/",
            entrypoint=("/busybox/sh",) if stand_in.debug else (),
        )

    def _shell(self, layer: LayerWriter, ref: str) -> None:
        busybox = self._fetch.package("busybox-static")
        trees.fill_shell(layer, busybox, self._applets(busybox), ref=ref)

    def _applets(self, busybox: Path) -> list[str]:
        done = self._processes.run([str(busybox / "bin" / "busybox"), "--list"])
        return done.stdout.split()

    def _certificates(self) -> str:
        return trees.certificates_of(self._fetch.package("ca-certificates"))

    def _tzdata(self) -> bytes:
        """The zone files as an archive that `apk add tzdata` unpacks: absent until requested, as in the real image."""
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="tzdata-") as made:
            archive = LayerWriter(Path(made) / "tzdata.tar")
            with archive:
                archive.tree(self._fetch.package("tzdata") / "usr/share/zoneinfo", "zoneinfo")
            return gzip.compress(archive.file.read_bytes(), mtime=0)
