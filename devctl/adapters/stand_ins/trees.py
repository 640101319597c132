"""The content of each stand-in: the files of golang, alpine and distroless static, from unpacked packages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from devctl.adapters.stand_ins.fetch import Toolchain
from devctl.adapters.stand_ins.layer import LayerWriter
from devctl.adapters.stand_ins.scripts import TZDATA, scripts
from devctl.domain.dockerfile.runtime_bases import NONROOT
from devctl.domain.regex import regex

UID = int(NONROOT.partition(":")[0])
CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
DISTROLESS_PACKAGES = ("base-files", "netbase", "tzdata", "media-types")

_PASSWD = f"""\
root:x:0:0:root:/root:{{login}}
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:{NONROOT}:nonroot:/home/nonroot:/sbin/nologin
"""
_GROUP = f"root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:{UID}:\n"
_NSSWITCH = "hosts: files dns\n"
# Compiled tests and test data of the toolchain itself: a third of its size, and useless in a base image.
_GOROOT_UNUSED = ("api", "test", "doc", "misc", "pkg/obj")

COMPILER_PACKAGES = ("gcc", "g++", "libc6-dev", "make", "bash")
"""What golang:X installs or gets from its own base, as far as code with C needs it."""

# Dependencies of those that only sanitized or profiled builds use; libnsl's headers bring in Kerberos and OpenSSL.
_SPARE = regex(
    r"lib(asan|lsan|tsan|ubsan|gprofng|ssl|krb5|k5crypto|gssapi|com-err|keyutils|tirpc|nsl|itm|quadmath)|rpcsvc|debianutils"
)
_SPARE_FILES = regex(r"share/.*|lib/gcc/[^/]+/[^/]+/(lto1|lib[alt]san.*|libubsan.*)|bin/(gp-.*|gprofng.*)")


def fill_shell(layer: LayerWriter, busybox: Path, applets: Sequence[str], *, ref: str) -> None:
    """A root with busybox as its shell: users, /tmp and a link for each applet."""
    folders = "bin sbin usr/bin usr/sbin usr/local/bin etc home opt run srv var/cache"
    for folder in folders.split():
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


def fill_golang(layer: LayerWriter, toolchain: Toolchain, *, tzdata: bytes) -> None:
    layer.text(TZDATA, tzdata)
    layer.tree(toolchain.root, "usr/local/go", skip=_unused_in_goroot, follow=True)
    layer.folder("go", mode=0o1777)
    layer.folder("go/src", mode=0o1777)
    layer.folder("go/bin", mode=0o1777)


def _unused_in_goroot(path: str) -> bool:
    first = path in _GOROOT_UNUSED or path.endswith("__init__.py")
    return first or (path.startswith("src/") and (path.endswith("_test.go") or "/testdata" in path))


def without_spare(names: Iterable[str]) -> list[str]:
    return [name for name in names if not _SPARE.match(name)]


def fill_compiler(layer: LayerWriter, packages: Iterable[Path]) -> None:
    """The C and C++ compilers, make and bash of a Debian golang image, from Debian's packages.

    Libraries are in usr/ and reached through links, as on current Debian, whichever release the packages are from.
    """
    layer.link("lib", "usr/lib")
    layer.link("lib64", "usr/lib64")
    layer.link("bin/bash", "/usr/bin/bash")
    for package in packages:
        for folder in ("lib", "lib64", "bin"):
            if (package / folder).is_dir():
                layer.tree(package / folder, f"usr/{folder}")
        layer.tree(package / "usr", "usr", skip=lambda path: _SPARE_FILES.fullmatch(path) is not None)


def fill_alpine(layer: LayerWriter, musl: Path, *, release: str, tzdata: bytes) -> None:
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
    layer: LayerWriter, packages: Sequence[Path], *, certificates: str, busybox: Path | None
) -> None:
    layer.folder("tmp", mode=0o1777)
    layer.folder("root", mode=0o700)
    layer.folder("home")
    layer.folder("home/nonroot", mode=0o700, owner=UID)
    layer.text("etc/passwd", _PASSWD.format(login="/sbin/nologin"))
    layer.text("etc/group", _GROUP)
    layer.text("etc/nsswitch.conf", _NSSWITCH)
    layer.text(CA_FILE, certificates)
    for package in packages:
        layer.tree(package, "")
    if busybox is not None:
        layer.file_from("busybox/busybox", busybox / "bin" / "busybox", mode=0o755)


def certificates_of(package: Path) -> str:
    """Mozilla's roots as one bundle, as update-ca-certificates creates it."""
    files = sorted((package / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    return "".join(file.read_text().rstrip("\n") + "\n" for file in files)
