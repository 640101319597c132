"""What an image exposes: secrets in its configuration, history and files, and source that was copied along."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from devctl.domain.image.facts import ImageFacts
from devctl.domain.regex import regex

_SECRET = regex(
    r"(?:^|_)(?:TOKEN|PASSWORD|PASSWD|SECRET|API_?KEY|ACCESS_?KEY|PRIVATE_KEY|CREDENTIALS)(?:_|$)", re.I
)
_BUILD_ARG = regex(r"(?:^\|\d+ |\s|^ARG )(?P<name>[A-Za-z_]\w*)=(?P<value>[^\s=]+)")
_SECRET_FILES = regex(
    r"/(?:\.netrc|\.env|\.npmrc|\.pgpass|id_rsa|id_ecdsa|id_ed25519)$|\.ssh/.*key|/\.aws/credentials$"
)


def secrets(image: ImageFacts) -> tuple[str, ...]:
    """Names of things that look like secrets with their value in the image; never the values."""
    found = [f"ENV {e.partition('=')[0]}" for e in image.env if _is_secret(*e.partition("=")[::2])]
    found += _in_history(image.history)
    found += sorted(path for path in image.files if _SECRET_FILES.search(path))
    return tuple(dict.fromkeys(found))


def source(image: ImageFacts) -> tuple[str, ...]:
    """`.git` folders and Go files, `.git` first."""
    git = sorted(path for path in image.files if path.endswith("/.git"))
    return (*git, *sorted(path for path in image.files if path.endswith(".go")))


def _is_secret(name: str, value: str) -> bool:
    # A path (`/run/secrets/x`, or a name with _FILE) or `$(cat …)` says where the secret is, not what it is.
    return bool(
        value
        and _SECRET.search(name)
        and not value.startswith(("/", "$"))
        and not name.upper().endswith("_FILE")
    )


def _in_history(history: Iterable[str]) -> Iterator[str]:
    for line in history:
        # `|2 TOKEN=x A=b /bin/sh -c …`: the builder writes the arguments of a RUN in front of it.
        for found in _BUILD_ARG.finditer(line):
            if _is_secret(found["name"], found["value"]):
                kind = "ENV" if line.startswith("ENV ") else "build argument"
                yield f"{kind} {found['name']}"
