"""What this machine knows of private modules: Go's settings, and the file with the passwords, which no layer may hold."""

from __future__ import annotations

import re
from pathlib import Path

from devctl.domain.ports import Toolbox

SETTINGS = ("GOPROXY", "GOSUMDB", "GOPRIVATE")
"""What our Dockerfile takes as build arguments; they end up in the history of a build stage, so no password goes there."""
# A proxy that the build can reach, and without a password in its address.
_PROXY = re.compile(r"https?://(?!localhost|127\.|\[::1\])[^/@\s]+(?:/[^@\s]*)?")


def go_settings(box: Toolbox) -> dict[str, str]:
    """Those that the host has set, by variable or by `go env -w`; what Go does by itself is not said again."""
    home = box.host.env("HOME") or "/"
    config = box.host.env("XDG_CONFIG_HOME") or f"{home}/.config"
    text = box.files.read_text(Path(box.host.env("GOENV") or f"{config}/go/env")) or ""
    written = dict(line.partition("=")[::2] for line in text.splitlines())
    told = {name: box.host.env(name) or written.get(name, "") for name in SETTINGS}
    if not _PROXY.fullmatch(told["GOPROXY"].partition(",")[0]):
        told["GOPROXY"] = ""
    return {name: value for name, value in told.items() if value}


def netrc(box: Toolbox, settings: dict[str, str]) -> str | None:
    """The file with passwords, where modules are private: by GOPRIVATE, or by a proxy of one's own."""
    if not settings.keys() & {"GOPRIVATE", "GOPROXY"}:
        return None
    path = Path(box.host.env("NETRC") or f"{box.host.env('HOME') or '/'}/.netrc")
    return str(path) if box.files.exists(path) else None
