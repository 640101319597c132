"""What fixes are done by: the port that changes the machine, and what else a fix may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from devctl.domain.doctor.facts import DockerConfigFacts, MachineFacts, TreeFacts
from devctl.domain.go.module_gaps import ModuleGap


class Installer(Protocol):
    """Changes the machine and the project's folder. Most fixes are made of the first three; those that return a sentence on
    what was done are fixes of their own. Each raises MachineError where it could not be done."""

    def run(self, argv: Sequence[str], *, failed: str) -> None:
        """A command on this machine. The error `not-fixed` says `failed` and the command."""

    def rewrite(self, root: str, names: Iterable[str], change: Callable[[bytes], bytes]) -> None:
        """Files below `root`, each only where it still is a regular file of its own: no link is followed."""

    def change_modes(self, root: str, names: Iterable[str], change: Callable[[int], int]) -> None:
        """Permission bits of such files."""

    def provide_engine(self) -> str: ...
    def provide_compose(self) -> str: ...
    def set_owner(self, tree: TreeFacts, *, image: str) -> str:
        """Every file of the project becomes its owner's; by a container of `image` where we are not root."""

    def fix_docker_config(self, config: DockerConfigFacts) -> str:
        """Takes out of docker's config.json what is gone, and keeps a copy of it as it was."""

    def raise_watch_limits(self) -> str:
        """The kernel's limits for watchers, now and after a restart."""

    def complete_modules(self, tree: TreeFacts, gaps: Sequence[ModuleGap], *, image: str) -> str:
        """`go mod tidy` or `go mod vendor` in a container of `image`, as the owner of the folder."""

    def own_cache(self, volume: str, *, owner: tuple[int, int], image: str) -> str:
        """Everything on that volume of devctl's becomes the owner's, by a container of `image`."""


class Fixer(Protocol):
    """All that a fix may use. `facts`: what the checks judged."""

    @property
    def installer(self) -> Installer: ...
    @property
    def facts(self) -> MachineFacts: ...
    @property
    def owner(self) -> tuple[int, int]:
        """Of the project's folder."""

    def tree(self) -> TreeFacts:
        """Looked at anew: another command may have changed it before the lock was ours. So are the `gaps`."""

    def gaps(self) -> Sequence[ModuleGap]: ...
    def any_image(self) -> str:
        """The project's Go base, "" where it is not here."""

    def go_image(self) -> str:
        """A Go base that is here. Raises MachineError `not-fixed` where none is."""
