"""The dependencies that a service calls: the port that each listens on, and how its protocol shows that it is ready."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator

from msgspec import Struct

from devctl.domain.compose.depends_on import Specs, talked_to
from devctl.domain.numbers import whole
from devctl.domain.project.compose_model import Spec

LAST_PORT = 65_535

_PORTS = {
    "postgres": 5432, "postgis": 5432, "pgvector": 5432, "timescaledb": 5432, "timescaledb-ha": 5432, "mysql": 3306,
    "mysql-server": 3306, "mariadb": 3306, "redis": 6379, "redis-stack": 6379, "redis-stack-server": 6379, "valkey": 6379,
    "mongo": 27017, "rabbitmq": 5672, "nats": 4222, "kafka": 9092, "cp-kafka": 9092, "memcached": 11211,
    "elasticsearch": 9200,
}  # fmt: skip
"""The ports of well-known images, for those that publish none."""


class Peer(Struct, frozen=True):
    """A dependency and the TCP port on which a service calls it. `hello`: what is sent to it, b"" if it speaks first or its
    protocol is unknown; `is_ready` judges the first bytes of its answer; None if only the open port can be observed."""

    name: str
    port: int
    sure: bool = True
    """Whether there is more evidence than an address that it listens there."""
    hello: bytes = b""
    is_ready: Callable[[bytes], bool] | None = None


def usual_port(image: str) -> int | None:
    """The port of a well-known image. The whole name must match: `mongo-express` is not a database."""
    return _PORTS.get(image.rpartition("/")[2].partition(":")[0].partition("@")[0])


def called_by(specs: Specs, service: str, *, built: Collection[str]) -> Iterator[Peer]:
    """What a service calls at its start and compose does not wait for. `built`: the services built here, which are probed anyway.

    Compose waits if the condition is a health check or an exit, but not without a condition, or if the dependency is only named
    in an address.
    """
    waits = specs[service].get("depends_on") or {}
    here = {name for name, how in waits.items() if (how or {}).get("condition") != "service_started"}
    networks = {str((specs.get(name) or {}).get("network_mode") or "") for name in (service, *built)}
    for name in sorted((set(waits) | talked_to(specs, [service])) - here - set(built) - {service}):
        spec = specs.get(name) or {}
        usual, (tcp, udp) = usual_port(str(spec.get("image") or "")), _declared_ports(spec)
        # What it publishes may be the port of one that lives in its network, and that starts after it.
        if f"service:{name}" in networks:
            tcp -= {int(port["target"]) for port in spec.get("ports") or ()}
        known = tcp if usual is None else {*tcp, usual}
        named = _named_ports(specs[service], name) - udp
        for port in sorted(named):
            yield _peer(name, port, spec, sure=port in known)
        if not named and (usual is not None or len(tcp) == 1):
            yield _peer(name, usual if usual is not None else min(tcp), spec, sure=True)


def _named_ports(caller: Spec, name: str) -> set[int]:
    """The ports of a dependency that the caller's environment or command names. `name:1234@` is a user and a password."""
    told = json.dumps([caller.get("environment"), caller.get("command")])
    found = re.findall(rf"(?<![\w.-]){re.escape(name)}:(\d{{1,5}})(?![\w@.])", told)
    return {port for text in found if 0 < (port := int(text)) <= LAST_PORT}


def _declared_ports(spec: Spec) -> tuple[set[int], set[int]]:
    """The ports that `ports` and `expose` name: the TCP ports, and those that are only UDP."""
    found: dict[str, set[int]] = {"tcp": set(), "udp": set()}
    for port in spec.get("ports") or ():
        found.setdefault(str(port.get("protocol") or "tcp"), set()).add(int(port["target"]))
    for text in spec.get("expose") or ():
        number, _, protocol = str(text).partition("/")
        if (exposed := whole(number)) is not None:
            found.setdefault(protocol or "tcp", set()).add(exposed)
    return found["tcp"], found["udp"] - found["tcp"]


def _peer(name: str, port: int, spec: Spec, *, sure: bool) -> Peer:
    if port != usual_port(str(spec.get("image") or "")):
        return Peer(name, port, sure)
    match port:
        case 5432:
            return Peer(name, port, sure, _postgres_hello(spec), _postgres_is_ready)
        case 3306:
            return Peer(name, port, sure, b"", _mysql_is_ready)
        case 6379:
            return Peer(name, port, sure, b"PING\r\n", _redis_is_ready)
        case 5672:
            return Peer(name, port, sure, b"AMQP\x00\x00\x09\x01", bool)
        case 4222:
            return Peer(name, port, sure, b"", _nats_is_ready)
        case _:
            return Peer(name, port, sure)


def _postgres_hello(spec: Spec) -> bytes:
    """A StartupMessage, as pg_isready sends it, with the user and database that the image creates: with others the server would
    log that the role does not exist. https://www.postgresql.org/docs/current/protocol-message-formats.html"""
    said = spec.get("environment") or {}
    user = str(said.get("POSTGRES_USER") or "postgres")
    words = ["user", user, "database", str(said.get("POSTGRES_DB") or user), "", ""]
    body = (196608).to_bytes(4, "big") + "\0".join(words).encode()
    return (len(body) + 4).to_bytes(4, "big") + body


def _postgres_is_ready(said: bytes) -> bool:
    """It accepts connections if it asks for a password or refuses the login. 57P03: it is starting up or shutting down."""
    return said != b"" and not (said[:1] == b"E" and b"57P03" in said)


def _mysql_is_ready(said: bytes) -> bool:
    """A packet with its greeting, or an error about the client. The server that the image starts for its set-up has no port."""
    return len(said) > 4


def _redis_is_ready(said: bytes) -> bool:
    """+PONG, or a request for a password; not while it loads its data from disk."""
    return said != b"" and not said.startswith(b"-LOADING")


def _nats_is_ready(said: bytes) -> bool:
    return said.startswith(b"INFO")
