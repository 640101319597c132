"""The ports that workflows see: Protocols only. The real ones are joined in `cli/wiring.py`, fakes in `tests/fakes.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # annotations alone need them, and start-up time is spent on every class that is made
    from devctl.domain.config import Config
    from devctl.domain.gofacts import DockerfileFacts, SourceFacts
    from devctl.domain.image import ImageFacts
    from devctl.domain.ports_engine import Engine
    from devctl.domain.ports_files import Files
    from devctl.domain.ports_host import Clock, Host, Reporter
    from devctl.domain.ports_machine import MachineBox
    from devctl.domain.ports_prober import Prober
    from devctl.errors import Problem


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended; `code` 127 where the program does not exist, 124 where the time ran out."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


class Processes(Protocol):
    """Starts programs: argv lists only, never a shell."""

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        stdin: bytes | None = None,
        timeout: float | None = None,
    ) -> Finished:
        """Run to the end, output captured (and handed on line by line).

        Raises InterruptedByUser after Ctrl-C; the child got the signal once and was left to tidy up.
        """

    def attach(self, argv: Sequence[str], *, cwd: Path | None = None) -> int:
        """Run with our own terminal handed over; returns its code."""

    def follow(
        self, argv: Sequence[str], *, on_line: Callable[[str, str], None]
    ) -> AbstractContextManager[Callable[[], bool]]:
        """A child whose lines go to `on_line(stream, line)` from threads until the context ends it; yields "still runs?"."""

    def one_interrupt(self) -> AbstractContextManager[Callable[[], None]]:
        """Until the context ends one Ctrl-C gets through and those after it are lost; what is yielded loses that one too.

        For what must be put back whole once it was begun.
        """

    def spawn(self, argv: Sequence[str], *, cwd: Path, out: Path, err: Path) -> int:
        """Start a process of its own session that outlives us, its output in files; returns its pid."""

    def terminate(self, pid: int) -> None:
        """Ask a process to end; nothing happens where it is gone."""


class Sources(Protocol):
    """Reads a project's code and files into facts."""

    def go(self, root: Path, *, tags: Iterable[str] = ()) -> SourceFacts: ...
    def dockerfile(self, path: Path, *, root: Path) -> DockerfileFacts: ...
    def dockerfile_text(self, text: str, *, path: str, args: Mapping[str, str]) -> DockerfileFacts:
        """A Dockerfile that is not on disk yet, with build arguments filled in."""

    def config(self, root: Path) -> Config:
        """devctl.yaml, or all defaults; raises FilesError with every issue and its place."""

    def config_problems(self, root: Path) -> tuple[Problem, ...]:
        """Everything wrong with devctl.yaml, each with its place; never raises."""

    def config_schema(self) -> dict[str, object]:
        """The JSON schema of devctl.yaml."""

    def positions(self, path: Path) -> Callable[[tuple[str | int, ...]], int | None]:
        """Asks a YAML file for the line of a key path; `- NAME=value` is found by its name too."""

    def texts(self, path: Path) -> Sequence[tuple[str, int]]:
        """Every value of a YAML file that is text, with the line of its key; nothing where it cannot be read."""


class Compose(Protocol):
    """docker compose, the real one. `file` is a rendered model in `.devctl/`."""

    def config(self, root: Path, files: Sequence[Path] = (), *, profiles: bool = False) -> dict[str, object]:
        """The user's own files, resolved, those that compose finds in `root` where none are named, with `profiles` the services
        of every one; raises FilesError with place where compose refuses them."""

    def build(self, file: Path, services: Sequence[str], *, no_cache: bool = False) -> Finished: ...
    def up(
        self, file: Path, services: Sequence[str], *, no_deps: bool, recreate: bool = False
    ) -> Finished: ...
    def stop(self, file: Path, services: Sequence[str]) -> Finished: ...
    def restart(self, file: Path, services: Sequence[str]) -> Finished: ...
    def down(self, name: str, root: Path, *, volumes: bool) -> Finished: ...


class Images(Protocol):
    """Reading built images without starting anything."""

    def read(self, ref: str, *, files: bool = False) -> ImageFacts:
        """Raises ProjectError `image-missing`. `files` lists every path of the image too (slower)."""

    def binary(self, ref: str, path: str) -> bytes:
        """The content of one file of the image."""


class Watcher(Protocol):
    """Batches of changed files: quiet time, cap and polling are the adapter's."""

    def batches(
        self,
        paths: Iterable[Path],
        *,
        stop: Callable[[], bool],
        poll: bool = False,
        at_once: Callable[[frozenset[Path]], bool] = ...,
        on_poll: Callable[[str], None] = ...,
    ) -> Iterator[frozenset[Path]]:
        """Changes of exactly these files, present or not.

        The first batch is empty and says that the watch is armed; empty ones follow now and then, so that a caller can
        look around. `at_once`: whether a batch need not wait for quiet. `poll`: look instead of being told; `on_poll`
        hears why where that had to be chosen for want of inotify.
        """


class Templates(Protocol):
    def read(self, name: str) -> str:
        """A shipped file, such as `go-service/Dockerfile`."""

    def tree(self, name: str) -> Mapping[str, str]:
        """All files of a template folder, path to content."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Every port a workflow may use."""

    reporter: Reporter
    processes: Processes
    files: Files
    sources: Sources
    compose: Compose
    engine: Engine
    images: Callable[[], Images]
    prober: Prober
    clock: Clock
    host: Host
    watcher: Watcher
    templates: Templates
    machine: Callable[[], MachineBox]
    """Bases and doctor: made on first use, since few commands need them."""
