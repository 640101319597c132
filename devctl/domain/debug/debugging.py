"""A service under delve: what its container is told, and which delve its Go can build."""

from __future__ import annotations

import re

from msgspec import Struct

from devctl.domain.numbers import whole

PORTS = range(1024, 2**16)
"""Those that a user who is not root can listen on."""
FIRST_PORT = 2345
"""What delve's own documentation and the editors take."""

# The newest delve that each Go can build, by the `go` line of delve's own go.mod at each tag.
DELVE: tuple[tuple[int, str], ...] = (
    (25, "v1.27.2"),
    (24, "v1.26.2"),
    (22, "v1.25.2"),
    (21, "v1.24.2"),
    (17, "v1.21.2"),
    (16, "v1.20.2"),
)
"""Minor of Go 1, version of delve; the newest first."""


class Debugging(Struct, frozen=True):
    """`port`: of this machine, and the same one in the container; `waits`: the program starts once a debugger is connected."""

    port: int
    waits: bool = False

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def label(self) -> str:
        return f"{self.port} wait" if self.waits else str(self.port)


def read_label(text: str) -> Debugging | None:
    """What a container's label says; None where it says nothing of that kind."""
    port, _, word = text.partition(" ")
    number = whole(port)
    return Debugging(number, word == "wait") if number is not None and number in PORTS else None


def tools_folder(digest: str) -> str:
    """Where delve and its scripts lie in the cache volume: other scripts, or another table of versions, have another folder."""
    return f"/cache/debug/{digest}"


def runs_under_debugger(dockerfile: str) -> bool:
    """Whether the scripts in a Dockerfile of the user's, which `init` wrote perhaps long ago, know of debuggers."""
    return re.search(r"\bDEVCTL_DEBUG\b", dockerfile) is not None
