"""What listens in a network namespace, read from the text of /proc/net/tcp and /proc/net/tcp6."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from devctl.domain.regex import regex

_LISTEN = "0A"
_PORT = regex(r"[0-9A-Fa-f]{1,4}")
_ENGINE_DNS = "0B00007F"  # 127.0.0.11, the engine's own resolver
_LOCAL_V6 = "00000000000000000000000001000000"


class Listener(Struct, frozen=True):
    """`local`: bound only to the loopback address."""

    port: int
    local: bool


def listening(text: str) -> Iterator[tuple[str, int, str]]:
    """Address as the kernel writes it, port, and the inode of the socket ("" in a truncated table)."""
    for line in text.splitlines():
        words = line.split()
        host, _, port = words[1].rpartition(":") if len(words) > 3 else ("", "", "")
        if words[3:4] == [_LISTEN] and _PORT.fullmatch(port):  # the text may come from a container
            yield host, int(port, 16), words[9] if len(words) > 9 else ""


def listeners(text: str) -> tuple[Listener, ...]:
    found = {
        Listener(port, local=host == _LOCAL_V6 or (len(host) == 8 and host.endswith("7F")))
        for host, port, _ in listening(text)
        if host != _ENGINE_DNS
    }
    return tuple(sorted(found, key=lambda it: (it.port, it.local)))
