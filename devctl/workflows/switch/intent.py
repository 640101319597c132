"""What a command is about to change and how to roll it back, stored outside the project until the change is proven.

The holder of the project's lock writes it before the first change and removes it after the last. An intent that the next
holder finds can only be from a process that was killed; `workflows/switch/switch.py` finishes it or rolls it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.project.private_notes import PrivateNote

if TYPE_CHECKING:
    from devctl.domain.ports.private_state import PrivateState
    from devctl.domain.project.model import Service

Kind = Literal["switch", "removal"]


class Target(Struct, frozen=True):
    """A service that is switched, with what is needed to probe it, since its files may be broken by then. `may_finish`: it is
    a job, which need not listen."""

    name: str
    port: int | None = None
    probe: str = "none"
    may_finish: bool = False

    def service(self) -> Service:
        from devctl.domain.project.model import NOT_LISTENING, ServedPort, Service

        if self.may_finish:
            return Service(name=self.name, origins={"port": NOT_LISTENING})
        return Service(name=self.name, serve=ServedPort(port=self.port, probe=self.probe))


class Ran(Struct, frozen=True):
    """A previous container."""

    id: str
    service: str
    running: bool
    mode: str = ""


class Intent(PrivateNote, frozen=True):
    """`at`: seconds since the epoch. `tags`: reference → previous image id, None if there was none. `files`: what is built
    from, path below `.devctl/` → text, None if there was no such file. `old`: the model of what ran, None if nothing did;
    `new`: that of what should run. `leaves_nothing`: containers of services that had none are removed on a rollback. `proven`:
    what runs now has answered, and only what it superseded is left to remove. `undoing`: a rollback is in progress, in
    containers that are new as well: that they answer finishes nothing. `others`: the dependencies that ran and are changed; one
    that runs by then stays, since its data may have been upgraded."""

    file: ClassVar[str] = "intent.json"
    command: str = ""
    at: float = 0.0
    project: str = ""
    kind: Kind = "switch"
    targets: tuple[Target, ...] = ()
    others: tuple[str, ...] = ()
    before: tuple[Ran, ...] = ()
    tags: Mapping[str, str | None] = field(default_factory=dict)
    files: Mapping[str, str | None] = field(default_factory=dict)
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    leaves_nothing: bool = False
    proven: bool = False
    undoing: bool = False

    @property
    def previous_images(self) -> list[str]:
        return list(dict.fromkeys(image for image in self.tags.values() if image is not None))

    def __str__(self) -> str:
        """`the switch of api that devctl up began at 2026-03-01 12:00:00`."""
        names = ", ".join(target.name for target in self.targets) or self.project
        what = "switch" if self.kind == "switch" else "removal"
        return f"the {what} of {names} that `devctl {self.command}` began at {self.time}"

    @property
    def time(self) -> str:
        return datetime.fromtimestamp(self.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")

    @property
    def ran(self) -> list[str]:
        """Services that can serve again as before."""
        names = [target.name for target in self.targets]
        there = {it.service for it in self.before if it.running}
        return [name for name in names if name in there] if self.old is not None else []

    def files_alone(self) -> Intent:
        """What is left of it if everything except the build files was restored."""
        return replace(
            self, targets=(), others=(), before=(), tags={}, old=None, new=None, leaves_nothing=False
        )

    def is_new(self, service: str, container: str) -> bool:
        """Whether that container came with the switch."""
        mine = any(target.name == service for target in self.targets)
        return mine and all(it.id != container for it in self.before)


def read_intent(private: PrivateState, root: Path) -> Intent | None:
    """None if nothing was started, or the note cannot be read."""
    intent = private.note(root, Intent)
    return intent if intent.project else None
