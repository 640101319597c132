"""What a command is about to change and how to take it back, kept outside of the project until the change is proven.

Whoever holds the project's lock writes it before the first change and forgets it after the last. One that is found by the next
holder is of a process that was killed, and of nobody else; `workflows/switch/switch.py` finishes or undoes it.
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
    """A service that is switched, with what it takes to probe it, since its files may be broken when that is done. `may_finish`: it
    is a job, which need not listen."""

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
    """A container from before."""

    id: str
    service: str
    running: bool
    mode: str = ""


class Intent(PrivateNote, frozen=True):
    """`at`: seconds since the epoch. `tags`: reference → image id from before, None where there was none. `files`: what is
    built from, path below `.devctl/` → text, None where there was no such file. `old`: the model of what ran, None where nothing
    did; `new`: that of what is to run. `leaves_nothing`: containers of services that had none go when it is undone.
    `proven`: what runs now has answered, and only what it superseded is left to remove. `undoing`: what ran before is being put
    back, in containers that are new as well: that they answer finishes nothing."""

    file: ClassVar[str] = "intent.json"
    command: str = ""
    at: float = 0.0
    project: str = ""
    kind: Kind = "switch"
    targets: tuple[Target, ...] = ()
    before: tuple[Ran, ...] = ()
    tags: Mapping[str, str | None] = field(default_factory=dict)
    files: Mapping[str, str | None] = field(default_factory=dict)
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    leaves_nothing: bool = False
    proven: bool = False
    undoing: bool = False

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
        """Services that can serve again as they did."""
        names = [target.name for target in self.targets]
        there = {it.service for it in self.before if it.running}
        return [name for name in names if name in there] if self.old is not None else []

    def files_alone(self) -> Intent:
        """What is left of it where all is put back but what is built from."""
        return replace(self, targets=(), before=(), tags={}, old=None, new=None, leaves_nothing=False)

    def is_new(self, service: str, container: str) -> bool:
        """Whether that container came with the switch."""
        mine = any(target.name == service for target in self.targets)
        return mine and all(it.id != container for it in self.before)


def read_intent(private: PrivateState, root: Path) -> Intent | None:
    """None where nothing was begun, or what was noted cannot be understood."""
    intent = private.note(root, Intent)
    return intent if intent.project else None
