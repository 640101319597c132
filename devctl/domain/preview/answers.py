"""The same requests to dev and to prod: which ones are sent, and when two answers differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from devctl.domain.ports.http import Answer
from devctl.domain.project.model import Service
from devctl.domain.regex import regex

PLAIN: Mapping[str, str] = {"Accept": "*/*"}
BROWSER: Mapping[str, str] = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
}
CLIENTS: Mapping[str, Mapping[str, str]] = {"plain": PLAIN, "browser": BROWSER}


class Asked(Struct, frozen=True):
    """One request: `client` is a key of CLIENTS."""

    path: str
    client: str


class Unlike(Struct, frozen=True):
    """One request that the two answered differently; `prod` None: no answer. `line`: the first one of the body that differs,
    if only the body does."""

    asked: Asked
    dev: Answer
    prod: Answer | None
    line: int | None = None

    @property
    def text(self) -> str:
        client = " as a browser" if self.asked.client == "browser" else ""
        said = f"GET {self.asked.path}{client}: dev {_shown(self.dev)}, prod {_shown(self.prod)}"
        return f"{said}: the body differs from line {self.line} on" if self.line is not None else said

    def as_json(self) -> dict[str, object]:
        return {
            "path": self.asked.path,
            "client": self.asked.client,
            "dev": _as_json(self.dev),
            "prod": _as_json(self.prod) if self.prod is not None else None,
            "body_differs_from_line": self.line,
        }


def requests_for(service: Service) -> tuple[Asked, ...]:
    """The probe's path, `/`, and what devctl.yaml lists; each as a program and as a browser.

    No route is taken from the code: it is unknown what a GET does there (`/migrate`, `/jobs/run`), and both modes share the
    database.
    """
    if service.serve.probe in ("none", "tcp"):
        return ()
    paths = dict.fromkeys([service.serve.probe, "/", *service.serve.compare])
    return tuple(Asked(path, client) for path in paths for client in CLIENTS)


def unlike(
    dev: Mapping[Asked, Answer], prod: Mapping[Asked, Answer | None], again: Mapping[Asked, Answer | None]
) -> tuple[Unlike, ...]:
    """The requests sent to both whose answers differ, the worst first. `again`: prod's answer to a second request."""
    found = []
    for asked in dev:
        if asked not in prod:
            continue
        one, other = dev[asked], prod[asked]
        if other is None or not _same_head(one, other):
            found.append(Unlike(asked, one, other))
        elif (line := first_unlike_line(one, other, again.get(asked))) is not None:
            found.append(Unlike(asked, one, other, line))
        elif not (one.body or other.body) and one.length != other.length:
            found.append(Unlike(asked, one, other))
    return tuple(sorted(found, key=_badness))


def to_ask_again(dev: Mapping[Asked, Answer], prod: Mapping[Asked, Answer | None]) -> tuple[Asked, ...]:
    """If only the body differs: what changes from one answer to the next is not a difference between dev and prod."""
    return tuple(
        asked
        for asked, answer in prod.items()
        if answer is not None
        and _same_head(dev[asked], answer)
        and first_unlike_line(dev[asked], answer, None) is not None
    )


def _same_head(dev: Answer, prod: Answer) -> bool:
    head = (dev.status, dev.content_type, dev.location) == (prod.status, prod.content_type, prod.location)
    return head and (prod.complete or not dev.complete)


def first_unlike_line(dev: Answer, prod: Answer, again: Answer | None) -> int | None:
    """The line from which on the bodies differ, None if they are equivalent.

    Times, durations, ids and addresses, recognised by their form, may differ; so may any word that differs in `again`, a
    second answer of prod; and for streams, answers that were cut off and pages with air's script, whose length is unknown,
    everything.
    """
    whole = dev.complete and prod.complete and None not in (dev.length, prod.length)
    if not whole or not (dev.body or prod.body):
        return None
    if dev.body == prod.body and dev.length == prod.length:
        return None
    one, other = _words(dev.body), _words(prod.body)
    third = _words(again.body) if again is not None else other
    if len(other) != len(third):  # its output is never the same twice
        return None
    for here, there, later in zip(one, other, third, strict=False):
        if here.text != there.text and there.text == later.text:
            return here.line
    rest = max(one, other, key=len)[min(len(one), len(other)) :]
    return rest[0].line if rest else None


class _Word(Struct, frozen=True):
    text: str
    line: int


_NAMED = (
    # RFC 3339, RFC 1123, `2026/11/30 12:00:00` and parts of them; seconds since 1970 and finer units
    r"\d{4}[-/]\d{2}[-/]\d{2}(?:[T ]\d{2}:\d{2}:\d{2}[\d.,]*(?:Z| ?[+-]\d{2}:?\d{2})?(?: \w{3,4}\b)?)?",
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? \d{1,2} \w{3} \d{4} \d{2}:\d{2}:\d{2}(?: \w+)?",
    r"\b\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\b",
    r"\b\d{9,}\b",
    # durations as Go prints them
    r"\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?(?:ns|µs|us|ms|s)\b",
    # UUIDs, container ids (a host name), hashes, session tokens
    r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b",
    r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b",
    # addresses
    r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b",
)
_OWN = regex("|".join(_NAMED))
_WORD = regex(r"\n|[^\W_][\w.-]*|[^\w\s]", re.UNICODE)


def _words(body: bytes) -> list[_Word]:
    found, line = [], 1
    for match in _WORD.finditer(_OWN.sub("~", body.decode(errors="replace"))):
        if match[0] == "\n":
            line += 1
        else:
            found.append(_Word(match[0], line))
    return found


def summary(found: Iterable[Unlike]) -> str:
    """One line; the same path requested as both clients is reported once if the answers are the same."""
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
    cut = "" if answer.complete else ", cut off"
    return " ".join([str(answer.status) + where, answer.content_type or "without type", size + cut])


def _as_json(answer: Answer) -> dict[str, object]:
    return {
        "status": answer.status,
        "content_type": answer.content_type or None,
        "length": answer.length,
        "location": answer.location or None,
    }
