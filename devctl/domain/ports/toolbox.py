"""The ports that workflows see: Protocols only. The real adapters are wired in `cli/wiring.py`, fakes in `tests/fakes.py`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from devctl.domain.command.requests import COMPOSE_TIMEOUT
from devctl.domain.project.compose_model import Key, Model

if TYPE_CHECKING:  # only annotations need them, and every class that is created costs start-up time
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
    from devctl.domain.ports.terminal import Terminal
    from devctl.domain.project.compose_inputs import ComposeInputs, Node
    from devctl.domain.project.config import Config
    from devctl.errors import Problem


class Finished(Struct, frozen=True):
    """A process that ended; `code` 127 if the program does not exist, 126 if it cannot be started (in both cases not
    `started`), 124 on timeout. `cut`: only the end of its output is included."""

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
        """Run to the end, with output captured (and handed on line by line). `only`: the variables of the environment that it
        gets.

        Of each stream the last `last` bytes are kept; by default the last megabytes of what is handed on line by line, and
        otherwise everything: for more than 64 MB the program is terminated, and MachineError `output-too-long` raised.

        Every program has a time limit: after `timeout` seconds it is terminated and its code is 124; by default after a
        minute, with a MachineError. Raises InterruptedByUser after Ctrl-C; the child got the signal once and had some seconds
        to clean up.
        """

    def side_by_side(self, works: Sequence[Callable[[], None]], *, at_once: int) -> None:
        """Do each in a thread, at most `at_once` at a time, started in this order. The first one that raises stops the others:
        what they `run` gets a signal as after Ctrl-C, and those that have not started never do. The error is raised when all
        have ended.

        Raises InterruptedByUser after Ctrl-C, which goes to everything that they run.
        """

    def attach(
        self,
        argv: Sequence[str],
        *,
        stop: Sequence[str],
        on_line: Callable[[str, str], None] | None = None,
    ) -> int:
        """Run with devctl's own input, and with its output too unless `on_line` gets each line, as `on_line(stream, line)`;
        returns its code.

        `stop`: the command that stops what was started, which may run elsewhere, in a container. After Ctrl-C or SIGTERM it is
        called, and InterruptedByUser raised when the program has exited, whatever its code.
        """

    def follow(
        self,
        argv: Sequence[str],
        *,
        on_line: Callable[[str, str], None],
        together: bool = False,
        attended: bool = False,
    ) -> AbstractContextManager[Running]:
        """A child whose lines go to `on_line(stream, line)` from threads until the context ends it: with their line ends,
        except for pieces of a line, and byte for byte (`surrogateescape`).

        `together`: both streams as one, `stdout`, which keeps their order. `attended`: the child's input stays open until then;
        the child exits by itself when it is closed, even if devctl was killed.
        """

    def one_interrupt(self) -> AbstractContextManager[Callable[[], None]]:
        """Within the context one Ctrl-C gets through; later ones only hurry. Calling what is yielded makes that one hurry too.

        For work that must be completed or restored once it was begun. When hurried, each program gets seconds, and mere
        waiting ends (`hurried`): Ctrl-C is never ignored for longer than that.
        """

    def hurried(self) -> bool:
        """Whether Ctrl-C was pressed where it does not interrupt: finish what was begun, and wait for nothing."""

    def spawn(self, argv: Sequence[str], *, cwd: Path, out: Path | int, err: Path | int) -> int:
        """Start a process with its own session that outlives devctl, its output in files (open ones are closed here); returns
        its pid."""

    def ended(self, pid: int) -> bool:
        """Whether a process that was spawned has exited."""

    def end_left_over(self, root: Path) -> None:
        """Terminate the compose calls that a killed devctl left running for the project in `root`."""

    def terminate(self, pid: int) -> None:
        """Ask a process to exit, if it still exists."""


class Sources(Protocol):
    """Reads a project's code and files into facts."""

    def go(self, root: Path) -> SourceFacts: ...
    def dockerfile(self, path: Path, *, root: Path) -> DockerfileFacts: ...
    def dockerfile_text(self, text: str, *, path: str, args: Mapping[str, str]) -> DockerfileFacts:
        """A Dockerfile that is not on disk yet, with build arguments substituted."""

    def config(self, root: Path) -> Config:
        """devctl.yaml, or all defaults; raises FilesError with every problem and its place."""

    def config_problems(self, root: Path) -> tuple[Problem, ...]:
        """Every problem in devctl.yaml, each with its place; never raises."""

    def config_schema(self) -> dict[str, object]:
        """The JSON schema of devctl.yaml."""

    def plain_yaml(self, text: str, *, path: str) -> tuple[Node, str]:
        """The value of a YAML text, and what in it another parser may read differently, "" for nothing; raises FilesError with
        the place if it is not YAML."""

    def positions(self, path: Path) -> Callable[[Key], int | None]:
        """Looks up the line of a key path in a YAML file; `- NAME=value` can also be found by its name."""

    def texts(self, path: Path) -> Sequence[tuple[str, int]]:
        """Every text value of a YAML file, with the line of its key; empty if it cannot be read."""


class Compose(Protocol):
    """The real docker compose. `model` is a rendered one: compose never reads the file in `.devctl/`, which a container may
    rewrite. `timeout`: seconds; a call that is not done then is terminated with code 124."""

    def config(
        self,
        root: Path,
        files: Sequence[Path],
        *,
        env_files: Sequence[Path] = (),
        profiles: bool = False,
    ) -> dict[str, object]:
        """The user's own files, the overriding one last, resolved, with the services of all `profiles` if set, with `$` as the
        program will see it; raises FilesError with the place if compose refuses them. `env_files`: read in this order, instead of
        `.env`; those that do not exist are passed over."""

    def render(
        self, inputs: ComposeInputs, *, profiles: bool, variables: Mapping[str, str]
    ) -> dict[str, object]:
        """The same for texts that were already read: no file of the project is opened. `variables`: the only environment it
        sees, apart from what finds the programs."""

    def build(
        self,
        root: Path,
        model: Model,
        services: Sequence[str],
        *,
        recipes: Recipes,
        no_cache: bool = False,
    ) -> Finished:
        """`recipes`: what services of the model are built from, whatever the project contains by then; other builds read the
        Dockerfile that the model names."""

    def up(
        self,
        root: Path,
        model: Model,
        services: Sequence[str],
        *,
        no_deps: bool,
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
        """The images of only these services. `all_that_can`: one that is not available does not stop the others."""

    def restart(
        self, name: str, root: Path, services: Sequence[str], *, timeout: float = COMPOSE_TIMEOUT
    ) -> Finished:
        """By the labels of the containers, like `stop` and `down`: no file is read, since it may be broken or gone."""

    def stop(self, name: str, root: Path, *, timeout: float = COMPOSE_TIMEOUT) -> Finished:
        """Every container of the project."""

    def down(self, name: str, root: Path, *, volumes: bool, timeout: float = COMPOSE_TIMEOUT) -> Finished:
        """The same, also removing the networks, and with `volumes` the data."""


class Images(Protocol):
    """Reading built images without starting anything."""

    def read(
        self, ref: str, *, files: bool = False, start: tuple[Sequence[str], Sequence[str]] = ((), ())
    ) -> ImageFacts:
        """Raises ProjectError `image-missing`. `files` also lists every path of the image (slower); `start`: what replaces its
        ENTRYPOINT and CMD, empty if nothing does: it determines the program."""

    def binary(self, ref: str, path: str) -> bytes:
        """The content of one file of the image."""


class Watcher(Protocol):
    """Batches of changed files: quiet time, cap and polling are up to the adapter."""

    def batches(
        self,
        paths: Iterable[Path],
        *,
        stop: Callable[[], bool],
        folders: Iterable[Path] = (),
        poll: bool = False,
        at_once: Callable[[frozenset[Path]], bool] = ...,
        on_poll: Callable[[str], None] = ...,
    ) -> Iterator[frozenset[Path]]:
        """Changes of exactly these files, existing or not, and of all files directly in `folders`.

        The first batch is empty and means that the watch is armed; empty ones follow now and then, so that a caller can check
        other things. `at_once`: whether a batch need not wait for quiet. `poll`: poll instead of using events; `on_poll` gets
        the reason if that had to be chosen for lack of inotify.
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
    terminal: Terminal
    watcher: Watcher
    templates: Templates
    machine: Callable[[], MachineBox]
    """Bases and doctor: made on first use, since few commands need them."""
