"""The same requests put to dev and to prod: which are asked, and when two answers are not the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devctl.domain.ports_prober import Answer
from devctl.domain.project import Service

MOST_PATHS = 8
PLAIN: Mapping[str, str] = {"Accept": "*/*"}
BROWSER: Mapping[str, str] = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
}
CLIENTS: Mapping[str, Mapping[str, str]] = {"plain": PLAIN, "browser": BROWSER}
# A route with a variable part cannot be asked; a profile takes 30 s; the others are where careless code does something.
_NOT_ASKED = re.compile(
    r"[:{*]|/debug/|(?:log-?out|sign-?out|shutdown|quit|exit|kill|stop|restart|reset|delete|remove|purge|drop|crash|panic)",
    re.I,
)
_SMALL = 64
"""Bytes by which two lengths may differ whatever they are: times, counters and host names are in answers."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: `client` is a key of CLIENTS."""

    path: str
    client: str


@dataclass(frozen=True, slots=True)
class Unlike:
    """One request that the two answered differently; `prod` None: no answer."""

    asked: Asked
    dev: Answer
    prod: Answer | None

    @property
    def text(self) -> str:
        client = " as a browser" if self.asked.client == "browser" else ""
        return f"GET {self.asked.path}{client}: dev {_shown(self.dev)}, prod {_shown(self.prod)}"

    def as_json(self) -> dict[str, object]:
        return {
            "path": self.asked.path,
            "client": self.asked.client,
            "dev": _as_json(self.dev),
            "prod": _as_json(self.prod) if self.prod is not None else None,
        }


def requests_for(service: Service) -> tuple[Asked, ...]:
    """The probe's path, `/`, and the first of the routes that may be asked; each as a program and as a browser."""
    if service.probe in ("none", "tcp"):
        return ()
    routes = [r for r in service.routes if r.startswith("/") and not _NOT_ASKED.search(r)]
    paths = list(dict.fromkeys([service.probe, "/", *routes]))[:MOST_PATHS]
    return tuple(Asked(path, client) for path in paths for client in CLIENTS)


def unlike(dev: Mapping[Asked, Answer], prod: Mapping[Asked, Answer | None]) -> tuple[Unlike, ...]:
    """Those of the requests put to both whose answers differ, the worst first."""
    found = [Unlike(asked, dev[asked], prod[asked]) for asked in dev if asked in prod]
    return tuple(sorted((u for u in found if not alike(u.dev, u.prod)), key=_badness))


def alike(dev: Answer, prod: Answer | None) -> bool:
    if prod is None or (dev.status, dev.content_type, dev.location) != (
        prod.status,
        prod.content_type,
        prod.location,
    ):
        return False
    if not prod.complete:
        return not dev.complete
    if dev.length is None or prod.length is None:
        return dev.length == prod.length
    if 0 in (dev.length, prod.length):
        return dev.length == prod.length
    apart = abs(dev.length - prod.length)
    return apart <= _SMALL or apart <= max(dev.length, prod.length) // 4


def summary(found: Iterable[Unlike]) -> str:
    """One line; the same path asked by both clients is told once where the answers are the same."""
    first = list(dict.fromkeys(u.text.replace(" as a browser", "") for u in found))
    more = f" (and {len(first) - 1} more)" if len(first) > 1 else ""
    return f"{first[0]}{more}" if first else ""


def _badness(found: Unlike) -> int:
    return 0 if found.prod is None else 1 if found.prod.status >= 500 else 2


def _shown(answer: Answer | None) -> str:
    if answer is None:
        return "does not answer"
    where = f" to {answer.location}" if answer.location else ""
    size = "a stream" if answer.length is None else f"{answer.length} bytes"
    cut = "" if answer.complete else ", broken off"
    return " ".join([str(answer.status) + where, answer.content_type or "without type", size + cut])


def _as_json(answer: Answer) -> dict[str, object]:
    return {
        "status": answer.status,
        "content_type": answer.content_type or None,
        "length": answer.length,
        "location": answer.location or None,
    }
