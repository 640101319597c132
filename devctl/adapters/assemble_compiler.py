"""The C and C++ compilers, make and bash of a Debian golang image, from Debian's packages, onto a stand-in's root."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from devctl.adapters.assemble_archive import Layer

PACKAGES = ("gcc", "g++", "libc6-dev", "make", "bash")
"""What golang:X installs or has from its own base, as far as code with C in it asks for it."""

# What they depend on and no build that is not sanitized or profiled calls; libnsl's headers bring Kerberos and OpenSSL.
_SPARE = re.compile(
    r"lib(asan|lsan|tsan|ubsan|gprofng|ssl|krb5|k5crypto|gssapi|com-err|keyutils|tirpc|nsl|itm|quadmath)|rpcsvc|debianutils"
)
_SPARE_FILES = re.compile(
    r"share/.*|lib/gcc/[^/]+/[^/]+/(lto1|lib[alt]san.*|libubsan.*)|bin/(gp-.*|gprofng.*)"
)


def needed(names: Iterable[str]) -> list[str]:
    return [name for name in names if not _SPARE.match(name)]


def fill_compiler(layer: Layer, packages: Iterable[Path]) -> None:
    """Libraries lie in usr/ and are reached by links, as on a Debian of today, whichever Debian the packages are of."""
    layer.link("lib", "usr/lib")
    layer.link("lib64", "usr/lib64")
    layer.link("bin/bash", "/usr/bin/bash")
    for package in packages:
        for folder in ("lib", "lib64", "bin"):
            if (package / folder).is_dir():
                layer.tree(package / folder, f"usr/{folder}")
        layer.tree(package / "usr", "usr", skip=lambda path: _SPARE_FILES.fullmatch(path) is not None)
