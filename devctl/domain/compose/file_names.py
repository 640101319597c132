"""Compose files with names that compose itself does not look for: `docker-compose.dev.yml`, `local.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from devctl.domain.regex import regex
from devctl.errors import Problem

_NAMED = regex(
    r"(?P<before>(?:[\w.-]*[._-])?)(?:docker)?compose(?P<after>(?:[._-][\w.-]*)?)\.ya?ml", re.IGNORECASE
)
_PLAIN = regex(r"(?P<before>local|dev|development)\.ya?ml")
FOR_DEV = frozenset({"dev", "develop", "development", "local", "localhost"})
_ASIDE = frozenset({"override", "test", "tests", "testing", "ci", "e2e", "integration", "bench", "example"})
_FOR_PROD = frozenset({"prod", "production"})
_PROD = _FOR_PROD | {"release", "stage", "staging", "deploy", "swarm", "stack"}
FOR_OTHERS = _ASIDE | _PROD
OF_INIT = "# The same service as it runs in production, on top of "
"""How the file for production begins that `init` writes."""


def for_development(names: Iterable[str]) -> str | None:
    """Of the names in a folder, the compose file whose name says that it is for development."""
    words = {name: found for name in sorted(names) if (found := _words(name)) is not None}
    dev = [name for name, found in words.items() if found & FOR_DEV and not found & FOR_OTHERS]
    return min(dev, key=lambda name: len(words[name]), default=None)


def for_production(names: Iterable[str]) -> str | None:
    """The same for production."""
    words = {name: found for name in sorted(names) if (found := _words(name)) is not None}
    prod = [name for name, found in words.items() if found & _FOR_PROD and not found & (_ASIDE | FOR_DEV)]
    return min(prod, key=lambda name: len(words[name]), default=None)


def chosen_file(names: Iterable[str]) -> str | None:
    """Of the names in a folder, the compose file to develop with: one named for it, else the only one that serves no other
    purpose, else the only one there is; None if several are equally good."""
    words = {name: found for name in sorted(names) if (found := _words(name)) is not None}
    usable = [name for name, found in words.items() if not found & _ASIDE]
    dev = for_development(words)
    if dev is not None:
        return dev
    plain = [name for name in usable if not words[name] & _PROD]
    return next((found[0] for found in (plain, usable) if len(found) == 1), None)


def named_otherwise(path: str) -> Problem:
    """The warning about a compose file that compose would not find."""
    return Problem(
        "compose-file-named",
        f"using {path}, since there is no compose.yaml or docker-compose.yml",
        f"no action needed; COMPOSE_FILE={path} in .env makes `docker compose` use it too, or selects another file",
        path,
    )


def not_used(path: str, read: Sequence[str], *, whole: bool, preview: bool) -> Problem:
    """The warning about a compose file for development, or for production (`preview`), beside those that compose reads; `whole`:
    it needs no other file."""
    chosen = f"COMPOSE_FILE={path if whole else ':'.join([*read, path])}"
    return Problem(
        "compose-file-not-used",
        f"{path} is not used: compose reads only {' and '.join(read)}",
        f"to preview with it: {chosen} devctl prod-preview"
        if preview
        else f"to use it: echo '{chosen}' >> .env",
        path,
    )


def _words(name: str) -> frozenset[str] | None:
    found = _NAMED.fullmatch(name) or _PLAIN.fullmatch(name)
    if found is None:
        return None
    return frozenset(
        w.lower() for text in found.groups() for w in re.split(r"[._-]+", text) if w not in ("", "docker")
    )
