"""What fixes use: the port that changes the machine, and what else a fix may need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from devctl.domain.doctor.facts import DockerConfigFacts, MachineFacts, TreeFacts
from devctl.domain.go.module_gaps import ModuleGap


class Installer(Protocol):
    """Changes the machine and the project's folder. Most fixes are made of the first three; those that return a sentence on
    what was done are complete fixes. Each raises MachineError if it could not be done."""

    def run(self, argv: Sequence[str], *, failed: str) -> None:
        """A command on this machine. The error `not-fixed` says `failed` and the command."""

    def rewrite(self, root: str, names: Iterable[str], change: Callable[[bytes], bytes]) -> None:
        """Files below `root`, each only if it is still a regular file without other links: no link is followed."""

    def change_modes(self, root: str, names: Iterable[str], change: Callable[[int], int]) -> None:
        """Permission bits of such files."""

    def provide_engine(self) -> str: ...
    def provide_compose(self) -> str: ...
    def provide_buildx(self) -> str: ...
    def set_owner(self, tree: TreeFacts, *, image: str) -> str:
        """Give every file of the project to its owner; through a container of `image` if this user is not root."""

    def fix_docker_config(self, config: DockerConfigFacts) -> str:
        """Remove what is gone from docker's config.json, and keep a copy of the original."""

    def raise_watch_limits(self) -> str:
        """Raise the kernel's limits for file watchers, now and after a restart."""

    def complete_modules(self, tree: TreeFacts, gaps: Sequence[ModuleGap], *, image: str) -> str:
        """`go mod tidy` or `go mod vendor` in a container of `image`, as the owner of the folder."""

    def own_cache(self, volume: str, *, owner: tuple[int, int], image: str) -> str:
        """Give everything on that volume of devctl's to the owner, through a container of `image`."""


class Fixer(Protocol):
    """Everything that a fix may use. `facts`: what the checks judged."""

    @property
    def installer(self) -> Installer: ...
    @property
    def facts(self) -> MachineFacts: ...
    @property
    def owner(self) -> tuple[int, int]:
        """Of the project's folder."""

    def tree(self) -> TreeFacts:
        """Checked again: another command may have changed it before this one had the lock. So are the `gaps`."""

    def gaps(self) -> Sequence[ModuleGap]: ...
    def any_image(self) -> str:
        """The project's Go base, "" if it is not available locally."""

    def go_image(self) -> str:
        """A Go base that is available locally. Raises MachineError `not-fixed` if there is none."""
