"""A service under delve: the settings of its container, and which delve its Go can build."""

from __future__ import annotations

import re

from msgspec import Struct

from devctl.domain.numbers import whole

PORTS = range(1024, 2**16)
"""Ports that a user who is not root can listen on."""
FIRST_PORT = 2345
"""The default of delve's documentation and of the editors."""

# The newest delve that each Go can build, according to the `go` line of delve's own go.mod at each tag.
DELVE: tuple[tuple[int, str], ...] = (
    (25, "v1.27.2"),
    (24, "v1.26.2"),
    (22, "v1.25.2"),
    (21, "v1.24.2"),
    (17, "v1.21.2"),
    (16, "v1.20.2"),
)
"""Minor version of Go 1, version of delve; newest first."""


class Debugging(Struct, frozen=True):
    """`port`: on this machine, and the same one in the container; `waits`: the program starts once a debugger connects."""

    port: int
    waits: bool = False

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def label(self) -> str:
        return f"{self.port} wait" if self.waits else str(self.port)


def read_label(text: str) -> Debugging | None:
    """What a container's label says; None if it contains nothing of that kind."""
    port, _, word = text.partition(" ")
    number = whole(port)
    return Debugging(number, word == "wait") if number is not None and number in PORTS else None


def tools_folder(digest: str) -> str:
    """Where delve and its scripts are in the cache volume: other scripts, or another table of versions, get another folder."""
    return f"/cache/debug/{digest}"


def runs_under_debugger(dockerfile: str) -> bool:
    """Whether the scripts in the user's Dockerfile, which `init` may have written long ago, support debuggers."""
    return re.search(r"\bDEVCTL_DEBUG\b", dockerfile) is not None
