"""What listens in a network namespace, read from the text of /proc/net/tcp and /proc/net/tcp6."""

from __future__ import annotations

from dataclasses import dataclass

_LISTEN = "0A"
_ENGINE_DNS = "0B00007F"  # 127.0.0.11, the engine's own resolver
_LOCAL_V6 = "00000000000000000000000001000000"


@dataclass(frozen=True, slots=True)
class Listener:
    """`local`: bound to the loopback address alone."""

    port: int
    local: bool


def listeners(text: str) -> tuple[Listener, ...]:
    found = set()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 4 or words[3] != _LISTEN or ":" not in words[1]:
            continue
        host, _, port = words[1].rpartition(":")
        if host != _ENGINE_DNS:
            local = host == _LOCAL_V6 or (len(host) == 8 and host.endswith("7F"))
            found.add(Listener(int(port, 16), local))
    return tuple(sorted(found, key=lambda it: (it.port, it.local)))
