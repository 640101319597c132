"""The runtime bases: what a production image can be based on. One entry each; everything else that names them reads this table.

Besides the entry, a base needs its stage in templates/go-service/Dockerfile (tests/templates/test_bases.py compares the two).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from devctl.domain.regex import regex

NONROOT = "65532:65532"
"""The user of devctl's production stages; numeric, so that it also works in an image without /etc/passwd."""
SCRATCH = "scratch"
"""Docker's own name for no image at all."""


class RuntimeBase(Struct, frozen=True):
    """`stage`: the one in devctl's Dockerfile. `pattern`: the references of this kind, in lower case, without a digest.

    `image`: what `stage` starts from, unless `bases.NAME` in devctl.yaml names another one; None: no image. `argument`: the
    ARG for it in devctl's Dockerfile; `purpose`: what the reference page says about the key. `published_bytes`: the size of
    the real image on amd64, for figures based on a stand-in. `users`: names that exist in it; `files`: packages of files that
    it contains.
    """

    name: str
    stage: str
    pattern: re.Pattern[str]
    has_shell: bool
    published_bytes: int
    image: str | None = None
    argument: str = ""
    purpose: str = ""
    users: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()


# The default first, then by how often they are used.
_TABLE = (
    RuntimeBase(
        name="distroless",
        stage="runner-distroless",
        pattern=regex(r".*distroless.*|cgr\.dev/(.*/)?(static|glibc-dynamic)(:[^/]*)?"),
        has_shell=False,
        # The files that upstream's build lists (static/BUILD of GoogleContainerTools/distroless), measured in the packages of
        # Debian 13.
        published_bytes=2_262_293,
        image="gcr.io/distroless/static-debian13:nonroot",
        argument="RUNTIME_IMAGE",
        purpose="base of the production image",
        users=frozenset({"root", "nobody", "nonroot"}),
        files=frozenset({"ca-certificates", "tzdata"}),
    ),
    RuntimeBase(
        name="alpine",
        stage="runner",
        pattern=regex(r"(.*/)?(alpine(:[^/]*)?|(?!golang:)[^/:]*:[^/]*alpine[^/]*)"),
        has_shell=True,
        # What `docker images` shows for the published image (its layer unpacked; 3.8 MB compressed).
        published_bytes=8_300_000,
        image="alpine:3.22",
        argument="ALPINE_IMAGE",
        purpose="base for `--base alpine`, and of the shell beside a production container",
        users=frozenset({"root", "nobody"}),
        files=frozenset({"ca-certificates"}),
    ),
    RuntimeBase(
        name=SCRATCH,
        stage="runner-scratch",
        pattern=regex(SCRATCH),
        has_shell=False,
        published_bytes=0,
    ),
)
RUNTIME_BASES = {base.name: base for base in _TABLE}
IMAGES = {base.name: base.image for base in _TABLE if base.image is not None}
DEFAULT_BASE = _TABLE[0].name
SHELL_BASE = next(base.name for base in _TABLE if base.has_shell)
"""The one that provides a shell for images without one."""
BY_SIZE = tuple(sorted(RUNTIME_BASES, key=lambda name: -RUNTIME_BASES[name].published_bytes))
"""The largest first, as tables show them."""

if TYPE_CHECKING:
    BaseName = str
else:
    BaseName = Literal[tuple(RUNTIME_BASES)]
    """The names as a type: typer makes the choices of an option from it, pydantic those of a key."""


def runtime_base(ref: str) -> RuntimeBase | None:
    """The base of an image reference; None for any other image."""
    name = ref.partition("@")[0].lower()
    return next((base for base in _TABLE if base.pattern.fullmatch(name)), None)


def enumerated(names: tuple[str, ...]) -> str:
    """`a, b and c`."""
    return f"{', '.join(names[:-1])} and {names[-1]}"
