"""What is in each stand-in: the files of golang, alpine and distroless static, from unpacked packages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devctl.adapters.assemble_archive import Layer
from devctl.adapters.assemble_fetch import Toolchain
from devctl.adapters.assemble_scripts import TZDATA, scripts

NONROOT = 65532
CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
DISTROLESS_PACKAGES = ("base-files", "netbase", "tzdata", "media-types")

_PASSWD = """\
root:x:0:0:root:/root:{login}
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
"""
_GROUP = "root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n"
_NSSWITCH = "hosts: files dns\n"
# Compiled tests and test data of the toolchain itself: a third of its size, of no use in a base.
_GOROOT_UNUSED = ("api", "test", "doc", "misc", "pkg/obj")


def fill_shell(layer: Layer, busybox: Path, applets: Sequence[str], *, ref: str) -> None:
    """A root with busybox as its shell: users, /tmp and an applet link each."""
    for folder in (
        "bin",
        "sbin",
        "usr/bin",
        "usr/sbin",
        "usr/local/bin",
        "etc",
        "home",
        "opt",
        "run",
        "srv",
        "var/cache",
    ):
        layer.folder(folder)
    for folder in ("tmp", "var/tmp"):
        layer.folder(folder, mode=0o1777)
    layer.folder("root", mode=0o700)
    layer.file_from("bin/busybox", busybox / "bin" / "busybox", mode=0o755)
    for applet in applets:
        layer.link(f"bin/{applet}", "busybox")  # never over bin/busybox: a path is written once
    layer.link("usr/bin/env", "/bin/busybox")
    for path, content in scripts(ref).items():
        layer.text(path, content, mode=0o755)
    layer.text("etc/passwd", _PASSWD.format(login="/bin/sh"))
    layer.text("etc/group", _GROUP)
    layer.text("etc/shadow", "root:*::0:::::\n", mode=0o640)
    layer.text("etc/nsswitch.conf", _NSSWITCH)
    layer.text("etc/shells", "/bin/sh\n/bin/ash\n")


def fill_golang(layer: Layer, toolchain: Toolchain, *, tzdata: bytes) -> None:
    layer.text(TZDATA, tzdata)
    layer.tree(toolchain.root, "usr/local/go", skip=_unused_in_goroot, follow=True)
    layer.folder("go", mode=0o1777)
    layer.folder("go/src", mode=0o1777)
    layer.folder("go/bin", mode=0o1777)


def _unused_in_goroot(path: str) -> bool:
    first = path in _GOROOT_UNUSED or path.endswith("__init__.py")
    return first or (path.startswith("src/") and (path.endswith("_test.go") or "/testdata" in path))


def fill_alpine(layer: Layer, musl: Path, *, release: str, tzdata: bytes) -> None:
    layer.tree(musl / "lib", "lib")
    layer.tree(musl / "etc", "etc")
    layer.text("etc/alpine-release", f"{release}\n")
    layer.text(TZDATA, tzdata)
    layer.text(
        "etc/os-release",
        f'NAME="Alpine Linux"\nID=alpine\nVERSION_ID={release}\n'
        f'PRETTY_NAME="stand-in of Alpine Linux {release}, assembled by devctl"\n',
    )


def fill_distroless(
    layer: Layer, packages: Sequence[Path], *, certificates: str, busybox: Path | None
) -> None:
    layer.folder("tmp", mode=0o1777)
    layer.folder("root", mode=0o700)
    layer.folder("home")
    layer.folder("home/nonroot", mode=0o700, owner=NONROOT)
    layer.text("etc/passwd", _PASSWD.format(login="/sbin/nologin"))
    layer.text("etc/group", _GROUP)
    layer.text("etc/nsswitch.conf", _NSSWITCH)
    layer.text(CA_FILE, certificates)
    for package in packages:
        layer.tree(package, "")
    if busybox is not None:
        layer.file_from("busybox/busybox", busybox / "bin" / "busybox", mode=0o755)


def certificates_of(package: Path) -> str:
    """Mozilla's roots as one bundle, as update-ca-certificates makes it."""
    files = sorted((package / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    return "".join(file.read_text().rstrip("\n") + "\n" for file in files)
