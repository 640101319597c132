"""The ports that `bases` and `doctor` see, besides those of toolbox.py: image store, assembler, machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from devctl.domain.bases.references import StandIn
from devctl.domain.doctor.facts import InsideFacts, MachineFacts, TreeFacts
from devctl.domain.doctor.fixer import Installer
from devctl.domain.ports.host import Clock, Host, Reporter


class StoredImage(Struct, frozen=True):
    """`digests`: the repositories it was pulled from, `registry/name@sha256:…`."""

    ref: str
    id: str
    labels: dict[str, str]
    digests: tuple[str, ...] = ()


class Pulled(Struct, frozen=True):
    """The result of a pull; `unreachable` is separate from `refused`: that registry will not answer for other images either."""

    outcome: Literal["ok", "refused", "unreachable"]
    detail: str = ""


class ImageStore(Protocol):
    """The engine's images, by reference."""

    def find(self, ref: str) -> StoredImage | None: ...
    def named(self, repository: str) -> Sequence[str]:
        """The references to one repository (`golang`) that are available locally, with their tags."""

    def size(self, ref: str) -> int:
        """The contents of its layers: the same on every image store."""

    def pull(self, ref: str) -> Pulled:
        """Gives up soon if the registry does not answer."""

    def tag(self, source: str, ref: str) -> None: ...
    def save(self, refs: Sequence[str], file: Path) -> None: ...
    def load(self, file: Path) -> tuple[str, ...]:
        """Returns the references that were in the file."""

    def create(self, ref: str, layer: Path, lines: Sequence[str], *, platform: str, comment: str) -> None:
        """An image with one layer, a tar; `lines` of a Dockerfile configure it. Needs only the engine.

        Raises MachineError `engine-refused`.
        """

    def remove_unused(self, image_id: str) -> None:
        """Remove an image that has no name and no user; otherwise do nothing."""


class Assembler(Protocol):
    """Assembles stand-ins for bases from what this machine can get."""

    def assemble(self, ref: str, stand_in: StandIn) -> str:
        """Returns the version of Go that it contains, "" if it is not Go or the real image is available locally.

        Raises MachineError `base-missing` if what it needs is not available here.
        """


class Machine(Protocol):
    """Facts of the machine for the checks."""

    def facts(self) -> MachineFacts: ...
    def available(self, ref: str) -> bool:
        """Whether the engine gets an answer for this reference from its registry, within seconds."""

    def inside(
        self, image: str, *, root: Path | None, owner: tuple[int, int], cache: str = ""
    ) -> InsideFacts:
        """What one container of `image` sees, with the project's folder and the volume `cache` mounted."""

    def tree(self, root: Path) -> TreeFacts: ...
    def listener(self, port: int) -> str:
        """The process of this machine that listens there, as far as this user may see it; "" if none is visible."""

    def watchers(self) -> Mapping[int, Path]:
        """The living background watchers of any project: pid and folder."""


class MachineBox(Struct, frozen=True):
    """Every port that `workflows/bases/fetch.py` and `workflows/doctor/doctor.py` use."""

    reporter: Reporter
    clock: Clock
    host: Host
    images: ImageStore
    assembler: Assembler
    installer: Installer
    machine: Machine
