"""The port to the engine itself: what compose has no command for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devctl.domain.plan.engine_state import Image, Kind, Labelled, LastRun, Observed


class Engine(Protocol):
    """Reading the engine, and the few changes of single objects that compose has no command for."""

    def version(self) -> str:
        """The engine's version: `28.3.0`."""

    def room(self) -> tuple[int, int]:
        """Cores and bytes of memory of the engine's machine: 1 and 0 if it does not say."""

    def user_for(self, owner: tuple[int, int]) -> str:
        """The `uid:gid` as which a container creates files that belong to `owner` on the host: root on a rootless engine."""

    def builds_remove_images(self) -> bool:
        """Whether a build removes the image whose last name it takes, even while a container uses it."""

    def sees(self, path: Path) -> bool:
        """Whether the engine can mount this file of this machine: one on another machine cannot."""

    def observe(self, project: str) -> Observed:
        """Containers, volumes and networks of a compose project."""

    def containers(self, project: str) -> Observed:
        """Only the containers: cheaper, for what is requested often."""

    def running(self, project: str) -> list[str]:
        """The ids of the project's containers that run and are not unhealthy, sorted: one cheap call."""

    def images(self, refs: Sequence[str]) -> Mapping[str, Image]:
        """Those of the references that are present."""

    def tag(self, image_id: str, ref: str) -> None: ...
    def remove_image(self, image_id: str, *, keep_cache: bool = False) -> bool:
        """`keep_cache`: not the unnamed images that it was built from: the cache of podman and of the classic builder."""

    def untagged(self, labels: Mapping[str, str]) -> Sequence[str]:
        """The ids of images that have these labels and no name."""

    def remove_containers(self, ids: Sequence[str]) -> None: ...
    def unpause(self, ids: Sequence[str]) -> None:
        """Resume frozen containers: compose starts none of them."""

    def commit(self, container: str, ref: str) -> None:
        """Keep a container's file system as an image, for inspection: compose removes the container itself."""

    def labelled(self, kind: Kind, label: str) -> Sequence[Labelled]:
        """Everything of a kind that has the label, in any project."""

    def remove(self, thing: Labelled) -> bool:
        """Remove one thing; False if the engine still needs it."""

    def names(self, kind: Kind) -> frozenset[str]:
        """Every network or volume of the engine."""

    def create(self, kind: Kind, name: str) -> None:
        """A network or volume without devctl's labels: it is the user's."""

    def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None: ...
    def logs(self, container: str, *, tail: int) -> str: ...
    def last_run(self, container: str, *, tail: int) -> LastRun | None:
        """The last finished run of a container, even if it is running again; None if the engine has forgotten it."""

    def image_bytes(self, ref: str) -> int | None:
        """The contents of its layers (docs/reference/json-output.md); None if there is no such image."""

    def disk_use(self) -> Mapping[str, str]:
        """What uses the engine's disk, in all projects: `Images` and so on, with the size as the engine writes it. Empty if it
        does not answer soon."""

    def read_files(self, container: str, *paths: str) -> str | None:
        """Small text files inside a running container, concatenated; None if none of them exists."""

    def ports_in_use(self) -> Mapping[int, str]:
        """Host ports published by containers, with the container's name."""
