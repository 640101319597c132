"""The ports that workflows see: Protocols only. The real ones are joined in `cli/wiring.py`, fakes in `tests/fakes.py`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from devctl.domain.command.requests import COMPOSE_TIMEOUT
from devctl.domain.project.compose_model import Model

if TYPE_CHECKING:  # annotations alone need them, and start-up time is spent on every class that is made
    from devctl.domain.dockerfile.facts import DockerfileFacts
    from devctl.domain.dockerfile.recipe import Recipes
    from devctl.domain.go.facts import SourceFacts
    from devctl.domain.image.facts import ImageFacts
    from devctl.domain.ports.engine import Engine
    from devctl.domain.ports.files import Files
    from devctl.domain.ports.host import Clock, Host, Reporter
    from devctl.domain.ports.http import Prober
    from devctl.domain.ports.identity import Identity
    from devctl.domain.ports.machine import MachineBox
    from devctl.domain.ports.private_state import PrivateState
    from devctl.domain.ports.state_folder import StateFolder
    from devctl.domain.project.compose_inputs import ComposeInputs, Node
    from devctl.domain.project.config import Config
    from devctl.errors import Problem


class Finished(Struct, frozen=True):
    """A process that ended; `code` 127 where the program does not exist, 126 where it cannot be started (neither was
    `started`), 124 where the time ran out. `cut`: only the end of what it printed is there."""

    code: int
    stdout: str
    stderr: str
    started: bool = True
    cut: bool = False

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


class Running(Protocol):
    """A followed process: whether it still runs, and its exit code once it does not."""

    @property
    def code(self) -> int | None: ...
    def __call__(self) -> bool: ...


class Processes(Protocol):
    """Starts programs: argv lists only, never a shell."""

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        only: Collection[str] | None = None,
        on_line: Callable[[str], None] | None = None,
        stdin: bytes | None = None,
        timeout: float | None = None,
        last: int | None = None,
    ) -> Finished:
        """Run to the end, output captured (and handed on line by line). `only`: the variables of our environment that it gets.

        Of each stream the last `last` bytes are kept; where it is not given, the last megabytes of what is handed on line by
        line, and else all of it: for more than 64 MB the program is ended, and MachineError `output-too-long` raised.

        Every program has a bound: after `timeout` seconds it is ended and its code is 124; where none is given, a minute,
        and MachineError then. Raises InterruptedByUser after Ctrl-C; the child got the signal once and was left to tidy up,
        for seconds.
        """

    def side_by_side(self, works: Sequence[Callable[[], None]], *, at_once: int) -> None:
        """Do each in a thread, at most `at_once` at a time, begun in this order. The first one that raises ends the others: what
        they `run` gets a signal as after Ctrl-C, and what has not begun never does. It is raised when all have ended.

        Raises InterruptedByUser after Ctrl-C, which goes to everything that they run."""

    def attach(self, argv: Sequence[str], *, cwd: Path | None = None) -> int:
        """Run with our own terminal handed over; returns its code."""

    def follow(
        self, argv: Sequence[str], *, on_line: Callable[[str, str], None], together: bool = False
    ) -> AbstractContextManager[Running]:
        """A child whose lines go to `on_line(stream, line)` from threads until the context ends it: with their end, except what
        is only a piece of one, and byte for byte (`surrogateescape`).

        `together`: both streams as one, `stdout`, which keeps their order."""

    def one_interrupt(self) -> AbstractContextManager[Callable[[], None]]:
        """Until the context ends one Ctrl-C gets through; those after it only hurry. What is yielded makes that one hurry too.

        For what must be put back whole once it was begun. Hurried, each program gets seconds, and what only waits ends
        (`hurried`): nothing is deaf for longer than that.
        """

    def hurried(self) -> bool:
        """Whether Ctrl-C was pressed where it does not interrupt: finish what was begun, and wait for nothing."""

    def spawn(self, argv: Sequence[str], *, cwd: Path, out: Path | int, err: Path | int) -> int:
        """Start a process of its own session that outlives us, its output in files (open ones are closed here); gives its pid."""

    def end_left_over(self, root: Path) -> None:
        """End the calls of compose that a devctl which was killed left running for the project in `root`."""

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
        """Print the JSON schema of devctl.yaml."""

    def plain_yaml(self, text: str, *, path: str) -> tuple[Node, str]:
        """The value of a YAML text, and what in it another parser may understand otherwise, "" for nothing; raises FilesError
        with the place where it is not YAML."""

    def positions(self, path: Path) -> Callable[[tuple[str | int, ...]], int | None]:
        """Asks a YAML file for the line of a key path; `- NAME=value` is found by its name too."""

    def texts(self, path: Path) -> Sequence[tuple[str, int]]:
        """Every value of a YAML file that is text, with the line of its key; nothing where it cannot be read."""


class Compose(Protocol):
    """docker compose, the real one. `model` is a rendered one: compose never reads the file in `.devctl/`, which a container may
    rewrite. `timeout`: seconds; what is not done then is ended, and its code is 124."""

    def config(
        self,
        root: Path,
        files: Sequence[Path],
        *,
        profiles: bool = False,
    ) -> dict[str, object]:
        """The user's own files, the overriding one last, resolved, with `profiles` the services of every one, with `$` as the
        program will see it; raises FilesError with place where compose refuses them."""

    def render(
        self, inputs: ComposeInputs, *, profiles: bool, variables: Mapping[str, str]
    ) -> dict[str, object]:
        """The same of texts that were read already: no file of the project is opened. `variables`: all that it sees of an
        environment, beside what finds the programs."""

    def build(
        self,
        root: Path,
        model: Model,
        services: Sequence[str],
        *,
        recipes: Recipes,
        no_cache: bool = False,
    ) -> Finished:
        """`recipes`: what services of the model are built by, whatever lies in the project by then; the builds of others read
        the Dockerfile that the model names."""

    def up(
        self,
        root: Path,
        model: Model,
        services: Sequence[str],
        *,
        no_deps: bool,
        recreate: bool = False,
        timeout: float = COMPOSE_TIMEOUT,
    ) -> Finished: ...
    def pull(
        self,
        root: Path,
        model: Model,
        services: Sequence[str],
        *,
        all_that_can: bool = False,
        timeout: float = COMPOSE_TIMEOUT,
    ) -> Finished:
        """The images of these services alone. `all_that_can`: one that cannot be had does not stop the others."""

    def restart(
        self, name: str, root: Path, services: Sequence[str], *, timeout: float = COMPOSE_TIMEOUT
    ) -> Finished:
        """By the labels of the containers, as `stop` and `down`: no file is read, for it may be broken or gone today."""

    def stop(self, name: str, root: Path, *, timeout: float = COMPOSE_TIMEOUT) -> Finished:
        """Every container of the project."""

    def down(self, name: str, root: Path, *, volumes: bool, timeout: float = COMPOSE_TIMEOUT) -> Finished:
        """The same, removed, with the networks, and with `volumes` the data."""


class Images(Protocol):
    """Reading built images without starting anything."""

    def read(
        self, ref: str, *, files: bool = False, start: tuple[Sequence[str], Sequence[str]] = ((), ())
    ) -> ImageFacts:
        """Raises ProjectError `image-missing`. `files` lists every path of the image too (slower); `start`: what takes the place of
        its ENTRYPOINT and CMD, empty where nothing does: the program is sought by that."""

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


class Toolbox(Struct, frozen=True):
    """Every port a workflow may use."""

    reporter: Reporter
    processes: Processes
    files: Files
    state: StateFolder
    private: PrivateState
    identity: Identity
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
