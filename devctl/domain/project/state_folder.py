"""`.devctl/`, the folder of a project that may be deleted at any time: every name below it, and the notes in it.

The folder is mounted into dev containers, whose code can read it and write anything there: nothing in it is a secret, and what
decides something is stored elsewhere (`PrivateState`). docs/explanation/security.md has the table of what a forged file can
cause.
"""

from __future__ import annotations

from hashlib import sha256
from typing import ClassVar

from msgspec import Struct, field

from devctl.errors import Problem

STATE_FOLDER = ".devctl"

FORMER = ("compose.json", "up.json", "stages.json", "builders.json")
"""Files of earlier versions, the first with values of variables."""

# Locks, and the background watcher
LOCK = "lock"
WATCHER_LOCK = "watcher.lock"
EVENTS = "events.jsonl"
"""The background watcher's events, one JSON event per line; started again with each watcher."""
WATCHER_LOG = "watcher.log"
TRIAL = "events/saved.probe"
"""Written to find out whether file events arrive in the container."""
CONTROL = "events/control.probe"
"""Written in the container, to find out whether events arrive there at all."""


def dockerfile_copy(service: str) -> str:
    """The Dockerfile that a service was built from; `.dockerignore` is beside it."""
    return f"{service}/Dockerfile"


def air_toml_copy(service: str) -> str:
    return f"{service}/air.toml"


def build_note(service: str) -> str:
    """Where the scripts of a dev container write `starting CONTAINER`, `ok CONTAINER` or `failed CONTAINER`."""
    return f"{service}/build"


def kill_note(service: str) -> str:
    """Where devctl-run writes how many seconds a program had before it was killed when its container stopped."""
    return f"{service}/killed"


def served_go_mod(service: str) -> str:
    """The go.mod that serves now, so that the next change can be described."""
    return f"{service}.go.mod"


class Note(Struct, frozen=True):
    """A note is one JSON file. Each field has a default: a note that is absent, broken, foreign or huge reads as `kind()`."""

    file: ClassVar[str]


class FolderNote(Note, frozen=True):
    """A note below `.devctl/`, where containers may rewrite it: it is shown to people, or decides nothing that matters."""


class OldCode(Struct, frozen=True):
    container: str
    reason: str


class ServingNote(FolderNote, frozen=True):
    """Why old code serves, by service: believed only while that container runs."""

    file: ClassVar[str] = "serving.json"
    old: dict[str, OldCode] = field(default_factory=dict)


class FileEventsNote(FolderNote, frozen=True):
    """Whether the container gets an event for a write in the project's folder; None if that was not tried."""

    file: ClassVar[str] = "events.json"
    arrive: bool | None = None


class ToldNote(FolderNote, frozen=True):
    """The warnings that a person saw last, by mode, in the form of `told_key`."""

    file: ClassVar[str] = "told.json"
    told: dict[str, tuple[str, ...]] = field(default_factory=dict)


def told_key(problem: Problem) -> str:
    """The same key for a warning whose line moved."""
    path = (problem.place or "").partition(":")[0]
    return sha256(
        "\0".join((problem.code, problem.message, problem.hint, path)).encode(errors="surrogatepass")
    ).hexdigest()[:16]


# Defined beside its subject: `BudgetNote` (budget.json, domain/size/growth.py: the last images that were within their budget).
