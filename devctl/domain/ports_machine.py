"""The ports that `bases` and `doctor` see, beside those of ports.py: image store, assembler, installer, machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from devctl.domain.bases import StandIn
from devctl.domain.check_facts import DockerConfigFacts, InsideFacts, MachineFacts, TreeFacts
from devctl.domain.module_gaps import ModuleGap
from devctl.domain.ports_host import Clock, Host, Reporter


@dataclass(frozen=True, slots=True)
class StoredImage:
    """`digests`: the repositories it was pulled from, `registry/name@sha256:…`."""

    ref: str
    id: str
    labels: dict[str, str]
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pulled:
    """How a pull went; `unreachable` apart from `refused`: the same registry will not answer for other images either."""

    outcome: Literal["ok", "refused", "unreachable"]
    detail: str = ""


class ImageStore(Protocol):
    """The engine's images, by reference."""

    def find(self, ref: str) -> StoredImage | None: ...
    def named(self, repository: str) -> Sequence[str]:
        """The references that are here of one repository (`golang`), with their tags."""

    def size(self, ref: str) -> int:
        """The sum of the layers in the image's history: the same on every image store."""

    def pull(self, ref: str) -> Pulled:
        """Gives up soon where the registry does not answer."""

    def tag(self, source: str, ref: str) -> None: ...
    def save(self, refs: Sequence[str], file: Path) -> None: ...
    def load(self, file: Path) -> tuple[str, ...]:
        """Returns the references that were in the file."""

    def remove_unused(self, image_id: str) -> None:
        """Remove an image that has no name and no user; nothing happens otherwise."""


class Assembler(Protocol):
    """Makes stand-ins of bases from what this machine can get."""

    def assemble(self, ref: str, stand_in: StandIn) -> None:
        """Raises MachineError `base-missing` where what it takes cannot be had here."""


class Installer(Protocol):
    """Puts right what `doctor --fix` may; each returns one sentence on what was done."""

    def provide_engine(self) -> str: ...
    def provide_compose(self) -> str: ...
    def set_owner(self, tree: TreeFacts, *, image: str) -> str:
        """Every file of the project becomes its owner's; by a container of `image` where we are not root."""

    def set_line_endings(self, tree: TreeFacts) -> str: ...
    def set_x_bits(self, tree: TreeFacts) -> str: ...
    def mend_docker_config(self, config: DockerConfigFacts) -> str:
        """Takes out of docker's config.json what is gone, and keeps a copy of it as it was."""

    def raise_watch_limits(self) -> str:
        """The kernel's limits for watchers, now and after a restart."""

    def complete_modules(self, tree: TreeFacts, gaps: Sequence[ModuleGap], *, image: str) -> str:
        """`go mod tidy` or `go mod vendor` in a container of `image`, as the owner of the folder."""

    def own_cache(self, volume: str, *, owner: tuple[int, int], image: str) -> str:
        """Everything on that volume of devctl's becomes the owner's, by a container of `image`."""

    def trust_folder(self, tree: TreeFacts) -> str:
        """git's own list of folders that may belong to somebody else."""


class Machine(Protocol):
    """Facts of the machine for the checks."""

    def facts(self) -> MachineFacts: ...
    def available(self, ref: str) -> bool:
        """Whether the engine gets an answer for this reference from its registry, asked within seconds."""

    def inside(
        self, image: str, *, root: Path | None, owner: tuple[int, int], cache: str = ""
    ) -> InsideFacts:
        """What one container of `image` sees, with the project's folder and the volume `cache` mounted."""

    def tree(self, root: Path) -> TreeFacts: ...
    def listener(self, port: int) -> str:
        """The process of this machine that listens there, as far as we may see it; "" where none is seen."""

    def watchers(self) -> Mapping[int, Path]:
        """The background watchers that live, of any project: pid and folder."""


@dataclass(frozen=True, slots=True)
class MachineBox:
    """Every port that `workflows/bases.py` and `workflows/doctor.py` use."""

    reporter: Reporter
    clock: Clock
    host: Host
    images: ImageStore
    assembler: Assembler
    installer: Installer
    machine: Machine
