"""What is remembered about a project in the user's state home: notes that decide something, which no container may write."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import field

from devctl.domain.command.state import State
from devctl.domain.project.state_folder import Note

Asked = tuple[str, str, str, Any]
"""A question about the file system, and its answer: what is asked (`read`, `kind`, `names`, …), the path, how it is asked, and
what makes another answer different from this one. JSON can store it."""


class PrivateNote(Note, frozen=True):
    """Read and written by `box.private`."""


class UpNote(PrivateNote, frozen=True):
    """The result of the last `up`; while nothing of it changed, another `up` has nothing to do."""

    file: ClassVar[str] = "up.json"
    version: str = ""
    project: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str | None] = field(default_factory=dict)
    """Name → a keyed digest of the value, None if it is not set. Of the words of `texts` only those that are set: any other may be
    part of a secret."""
    state: State | None = None
    probes: dict[str, str] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)
    """Reference → the id of each image that was built on."""
    compiled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Service → the files and folders that its program is built from."""
    asked: tuple[Asked, ...] = ()
    """What it asked the file system, with the answers."""
    texts: tuple[str, ...] = ()
    """The paths of the compose files and env files, each of whose words may be a variable."""


class BuildersNote(PrivateNote, frozen=True):
    """What `# syntax` lines name and no registry provided; the engine's own builder reads those Dockerfiles."""

    file: ClassVar[str] = "builders.json"
    left_out: tuple[str, ...] = ()


class JobsNote(PrivateNote, frozen=True):
    """The fingerprint of what each job was built from."""

    file: ClassVar[str] = "jobs.json"
    built: dict[str, str] = field(default_factory=dict)


class StagesNote(PrivateNote, frozen=True):
    """The user's dev stages that did not build or start, by service, each with the state of its Dockerfile then."""

    file: ClassVar[str] = "stages.json"
    failed: dict[str, str] = field(default_factory=dict)


class DebuggedNote(PrivateNote, frozen=True):
    """The services that are debugged. A user's dev stage whose reloader does not support debuggers is replaced by devctl's
    meanwhile."""

    file: ClassVar[str] = "debugged.json"
    services: tuple[str, ...] = ()


# Defined beside their subjects: `ImagesNote` (images.json, workflows/preview/known_images.py), `Intent` (intent.json,
# workflows/switch/intent.py), `Applied` (applied.json, workflows/switch/applied_model.py), `Approved` (inputs.json,
# workflows/project/approved_inputs.py), `LastPreview` (preview.json, domain/preview/last_preview.py).
