"""Addresses as Go code writes them (`:8080`, `localhost:80`, `8080`), and names under which they are set."""

from __future__ import annotations

import re

from msgspec import Struct

from devctl.domain.regex import regex

_ADDRESS = regex(r"(?P<host>\[[0-9a-fA-F:.]*\]|[\w.\-]*):(?P<port>\d{1,5})")
_WORDS = regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_OURS = frozenset({"port", "addr", "address", "listen", "bind", "laddr", "hostport", "httpport", "httpaddr"})
_SCHEME = regex(r"^(?:tcp[46]?|https?)://")
_SOCKET = regex(r"(?:unix(?:packet)?(?:$|:)|@|\.{0,2}/)")
_PORT_WORD = regex(r"(?<!re)(?<!ex)(?<!sup)(?<!im)(?<!trans)(?<!pass)port(?![a-z])", re.IGNORECASE)
_NAMED = {"http": 80, "https": 443}
_HOSTS = frozenset(
    "host hostname ip ipv4 ipv6 domain interface iface network net proto protocol scheme socket sock unix".split()
)
_TALKED_TO = """db database sql redis postgres postgresql pg mysql maria mongo mongodb smtp mail email imap kafka nats amqp rabbit
    rabbitmq mq broker elastic elasticsearch es memcache memcached statsd jaeger otel otlp zipkin consul etcd zookeeper
    vault ldap ssh ftp dns upstream remote target proxy backend peer client dial metrics metric prometheus pprof debug
    admin cassandra clickhouse minio influx graphite telemetry mqtt bucket mac cache local loopback"""
_OTHERS = frozenset(_TALKED_TO.split())
# Ports of databases and brokers: a Go service that names one connects to it.
_NOT_SERVED = frozenset({
    22, 25, 53, 389, 465, 587, 636, 1433, 1521, 2181, 2379, 3306, 4222, 4317, 4318, 5432, 5672, 6379, 6831, 8086, 8125, 8500,
    9042, 9092, 9200, 11211, 14268, 15672, 26257, 27017,
})  # fmt: skip
SIDE_PORTS = frozenset({6060, 9090, 9100, 2112, 8081, 40000, 2345})
"""Ports that a service opens besides its own: profiling, metrics, a debugger."""


class Address(Struct, frozen=True):
    host: str
    port: int

    @property
    def only_inside(self) -> bool:
        """Bound to the loopback: nothing outside the container can reach it."""
        return self.host in ("localhost", "[::1]") or self.host.startswith("127.")


def parse_address(text: str) -> Address | None:
    """`:8080`, `0.0.0.0:80`, `[::]:80` or a bare `8080`; None for anything else, port 0 and above 65535 included."""
    found = _ADDRESS.fullmatch(text)
    port = int(found["port"]) if found else int(text) if re.fullmatch(r"\d{1,5}", text) else 0
    if not 0 < port < 65536:
        return None
    return Address(found["host"] if found else "", port)


def set_address(value: str) -> Address | None:
    """What a variable is set to: also `tcp://0.0.0.0:8080`, and `:http`, the name of a port."""
    plain = _SCHEME.sub("", value)
    host, colon, name = plain.rpartition(":")
    if colon and name in _NAMED:
        return parse_address(f"{host}:{_NAMED[name]}")
    return parse_address(plain)


def is_socket(value: str) -> bool:
    """A file instead of a port: `unix:///run/a.sock`, `/run/a.sock`, or the network that says so."""
    return _SOCKET.match(value) is not None


def names_host(name: str) -> bool:
    """Whether a variable in a listen call says where, but not on which port: HOST, LISTEN_NETWORK, SOCKET."""
    words = {word.lower() for word in _WORDS.findall(name)}
    return bool(words & _HOSTS) and not words & _OURS


def says_port(name: str) -> bool:
    """PORT, HTTPPORT, and not REPORT_DIR."""
    return _PORT_WORD.search(name) is not None


def names_our_port(name: str) -> bool:
    """Whether a variable, flag or field of this name says where the service listens (and not where a database is)."""
    words = {word.lower() for word in _WORDS.findall(name)}
    return bool(words & _OURS) and not words & _OTHERS


def is_brokers(value: str) -> bool:
    """The port of a database or broker, which a service may be itself: in a listen call it is what it serves on."""
    found = parse_address(value)
    return found is not None and found.port in _NOT_SERVED and found.port >= 1000


def serves_here(value: str) -> bool:
    """An address that a service may listen on by default. Nobody connects to 0.0.0.0: code that names it serves there."""
    found = parse_address(value)
    return (
        found is not None
        and (found.port not in _NOT_SERVED or found.host in ("0.0.0.0", "[::]"))
        and (found.port >= 1000 or found.port in (80, 443))
    )
