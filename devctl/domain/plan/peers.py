"""The dependencies that a service calls: on which port each listens, and how its protocol says that it is ready."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from msgspec import Struct

from devctl.domain.compose.depends_on import Specs, talked_to
from devctl.domain.numbers import whole

Spec = Mapping[str, Any]

_PORTS = {
    "postgres": 5432, "postgis": 5432, "pgvector": 5432, "timescaledb": 5432, "mysql": 3306, "mariadb": 3306,
    "redis": 6379, "valkey": 6379, "mongo": 27017, "rabbitmq": 5672, "nats": 4222, "kafka": 9092, "memcached": 11211,
    "elasticsearch": 9200,
}  # fmt: skip
"""Where images listen that publish nothing."""


class Peer(Struct, frozen=True):
    """A dependency and the TCP port on which a service calls it. `hello`: what is sent to it, b"" where it speaks first or
    its protocol is not known; `is_ready` judges the first bytes of its answer; None if an open port is all there is to see."""

    name: str
    port: int
    hello: bytes = b""
    is_ready: Callable[[bytes], bool] | None = None


def usual_port(image: str) -> int | None:
    """Where a well-known image listens."""
    name = _short(image)
    return next((port for word, port in _PORTS.items() if name.startswith(word)), None)


def called_by(specs: Specs, service: str, *, built: Collection[str]) -> Iterator[Peer]:
    """Whom a service calls at its start and compose does not wait for. `built`: our own services, which wait for themselves.

    Compose waits where the condition is a health check or an end, and not where there is no condition, or where the dependency is
    only named in an address.
    """
    waits = specs[service].get("depends_on") or {}
    here = {name for name, how in waits.items() if (how or {}).get("condition") != "service_started"}
    for name in sorted((set(waits) | talked_to(specs, [service])) - here - set(built) - {service}):
        for port in _called_ports(specs[service], name, specs.get(name) or {}):
            yield _peer(name, port, specs[name])


def _called_ports(caller: Spec, name: str, spec: Spec) -> list[int]:
    """The ports that its environment or command names, else the one of the image, else the only one that the file tells of."""
    told = json.dumps([caller.get("environment"), caller.get("command")])
    named = {int(port) for port in re.findall(rf"(?<![\w.-]){re.escape(name)}:(\d{{1,5}})\b", told)}
    if named:
        return sorted(named)
    usual = usual_port(str(spec.get("image") or ""))
    if usual is not None:
        return [usual]
    published = {int(p["target"]) for p in spec.get("ports") or () if p.get("protocol", "tcp") == "tcp"}
    exposed = {
        port for p in spec.get("expose") or () if (port := whole(str(p).partition("/")[0])) is not None
    }
    return sorted(published | exposed) if len(published | exposed) == 1 else []


def _short(image: str) -> str:
    return image.rpartition("/")[2].partition(":")[0].partition("@")[0]


def _peer(name: str, port: int, spec: Spec) -> Peer:
    image = _short(str(spec.get("image") or ""))
    if port != usual_port(image):
        return Peer(name, port)
    match port:
        case 5432:
            return Peer(name, port, _postgres_hello(spec), _postgres_is_ready)
        case 3306:
            return Peer(name, port, b"", _mysql_is_ready)
        case 6379:
            return Peer(name, port, b"PING\r\n", _redis_is_ready)
        case 5672:
            return Peer(name, port, b"AMQP\x00\x00\x09\x01", bool)
        case 4222:
            return Peer(name, port, b"", _nats_is_ready)
        case _:
            return Peer(name, port)


def _postgres_hello(spec: Spec) -> bytes:
    """A StartupMessage, as pg_isready sends one: of the user and the database that the image creates, or the server's log would
    tell of a role that does not exist. https://www.postgresql.org/docs/current/protocol-message-formats.html"""
    said = spec.get("environment") or {}
    user = str(said.get("POSTGRES_USER") or "postgres")
    words = ["user", user, "database", str(said.get("POSTGRES_DB") or user), "", ""]
    body = (196608).to_bytes(4, "big") + "\0".join(words).encode()
    return (len(body) + 4).to_bytes(4, "big") + body


def _postgres_is_ready(said: bytes) -> bool:
    """Asked who we are, or refused us: it takes connections. 57P03: it starts up, or shuts down."""
    return said != b"" and not (said[:1] == b"E" and b"57P03" in said)


def _mysql_is_ready(said: bytes) -> bool:
    """A packet with its greeting, or with an error about us. The server that an image starts for its own set-up has no port."""
    return len(said) > 4


def _redis_is_ready(said: bytes) -> bool:
    """+PONG, or that it wants a password; not while it reads its data from the disk."""
    return said != b"" and not said.startswith(b"-LOADING")


def _nats_is_ready(said: bytes) -> bool:
    return said.startswith(b"INFO")
