"""The environment of a service as a program on the host needs it: `db:5432` is `127.0.0.1:49153` there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from devctl.domain.numbers import whole
from devctl.domain.regex import regex

LOOPBACK = "127.0.0.1"
_DEFAULT_PORTS = {
    "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "redis": 6379, "rediss": 6379, "mongodb": 27017,
    "amqp": 5672, "amqps": 5671, "nats": 4222, "http": 80, "https": 443, "clickhouse": 9000, "ldap": 389, "smtp": 25,
}  # fmt: skip
_HOST_IN_WORDS = regex(r"(?<![\w-])host=(?P<host>[\w.-]+)")
_PORT_IN_WORDS = regex(r"(?<![\w-])port=(?P<port>\d{1,5})(?!\d)")


class Reached(Struct, frozen=True):
    """A service with its names in the containers' network; `ports`: which of its ports are published, and where."""

    names: tuple[str, ...]
    ports: Mapping[int, tuple[str, int]] = field(default_factory=dict)


class FromHost(Struct, frozen=True):
    """`hidden`: a variable and the name in it that no host port leads to."""

    variables: Mapping[str, str]
    hidden: tuple[tuple[str, str], ...] = ()


def from_host(variables: Mapping[str, str], services: Iterable[Reached]) -> FromHost:
    """Each address of a service in a value is replaced with its address on the host; what is not published is unchanged."""
    known = {name: service for service in services for name in service.names}
    if not known:
        return FromHost(dict(variables))
    rewriting = _Rewriting(known)
    found = {name: rewriting.value(name, value) for name, value in variables.items()}
    found |= rewriting.parts(variables)
    return FromHost(found, tuple(dict.fromkeys(rewriting.hidden)))


class _Rewriting(Struct):
    known: Mapping[str, Reached]
    hidden: list[tuple[str, str]] = field(default_factory=list)
    _address: re.Pattern[str] | None = None

    def value(self, name: str, value: str) -> str:
        """`db:5432` on its own, `scheme://db/`, and `host=db port=5432`."""
        if self._address is None:
            hosts = "|".join(map(re.escape, sorted(self.known, key=len, reverse=True)))
            self._address = re.compile(
                rf"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<login>[^\s/?#]*@)?)?"
                rf"(?<![\w.-])(?P<host>{hosts})(?::(?P<port>\d{{1,5}})(?!\d)|(?![\w.:-]))"
            )

        def led(found: re.Match[str]) -> str:
            scheme, port = found["scheme"], found["port"]
            number = whole(port) if port else _DEFAULT_PORTS.get((scheme or "").partition("+")[0])
            if number is None:
                return found[0]
            where = self._published(name, found["host"], number)
            head = f"{scheme}://{found['login'] or ''}" if scheme else ""
            return found[0] if where is None else f"{head}{where[0]}:{where[1]}"

        return self._words(name, self._address.sub(led, value))

    def _words(self, name: str, value: str) -> str:
        """A libpq DSN."""
        host = _HOST_IN_WORDS.search(value)
        if host is None or host["host"] not in self.known:
            return value
        port = _PORT_IN_WORDS.search(value)
        where = self._published(name, host["host"], int(port["port"]) if port is not None else 5432)
        if where is None:
            return value
        value = _HOST_IN_WORDS.sub(f"host={where[0]}", value, count=1)
        if port is None:
            return f"{value} port={where[1]}"
        return _PORT_IN_WORDS.sub(f"port={where[1]}", value, count=1)

    def parts(self, variables: Mapping[str, str]) -> dict[str, str]:
        """`DB_HOST=db` and `DB_PORT=5432`."""
        found: dict[str, str] = {}
        for name, value in variables.items():
            service = self.known.get(value)
            if service is None or not name.upper().endswith("HOST"):
                continue
            beside = name[: -len("HOST")] + ("PORT" if name[-4:].isupper() else "port")
            port = whole(variables.get(beside, ""))
            if port is None and len(service.ports) == 1:
                port = next(iter(service.ports))
                beside = "" if service.ports[port][1] == port else beside
            where = self._published(name, value, port) if port is not None else None
            if where is not None:
                found |= {name: where[0]} | ({beside: str(where[1])} if beside else {})
        return found

    def _published(self, name: str, host: str, port: int) -> tuple[str, int] | None:
        where = self.known[host].ports.get(port)
        if where is None:
            self.hidden.append((name, f"{host}:{port}"))
        return where
