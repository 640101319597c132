"""The project's lock: whoever changes something loads, observes, decides and acts while holding it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from msgspec import Struct, field

from devctl.domain.command.events import Remark
from devctl.domain.command.requests import ChangeRequest
from devctl.domain.ports.files import Holder
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, InterruptedByUser
from devctl.workflows.project.find import find_root, folder_gone
from devctl.workflows.project.load import load
from devctl.workflows.session.steps import Steps
from devctl.workflows.switch.intent import Intent


@contextmanager
def changing(
    box: Toolbox, request: ChangeRequest, command: str, *, lenient: bool = False, recovers: bool = True
) -> Iterator[Project]:
    """The project, loaded under its lock: what is seen and decided from here on still applies when it is acted on.

    `--dry-run` changes nothing and waits for nobody. `lenient`: as in `load`; `recovers`: as in `locked`.
    """
    root = find_root(box.files, box.host, request.project)
    held: AbstractContextManager[None] = nullcontext()
    if not request.dry_run:
        held = locked(box, root, command=command, timeout=request.lock_timeout, recovers=recovers)
    with held:
        with Steps(box.reporter, box.clock).step("read", "project files"):
            project = load(box, root, lenient=lenient)
        yield project


@contextmanager
def locked(
    box: Toolbox, root: Path, *, command: str, timeout: float, recovers: bool = True
) -> Iterator[None]:
    """Hold the project's lock. Raises MachineError `project-locked` after `timeout` seconds.

    `recovers`: whether what a killed command has started is finished or rolled back first.
    """
    waiting = _Waiting(box)
    with waiting.step, box.files.lock(root, command=command, timeout=timeout, waiting=waiting.say):
        waiting.step.close()
        if box.private.read(root, Intent.file) is not None:
            box.processes.end_left_over(root)  # it would continue with what is examined now
            if recovers:
                from devctl.workflows.switch.switch import recover

                recover(box, root)
        with _one_cause(box, root, command):
            yield


@contextmanager
def _one_cause(box: Toolbox, root: Path, command: str) -> Iterator[None]:
    """If the folder disappears, whatever misses a file of it first fails, each in its own words: the reason is the folder."""
    try:
        yield
    except DevctlError as error:
        if (
            isinstance(error, InterruptedByUser)
            or error.code == "project-folder-gone"
            or not box.files.gone(root)
        ):
            raise
        what = f"{command} could not finish"
        raise folder_gone(root, what, result=error.result, why=str(error)) from error


class _Waiting(Struct):
    """The wait as a separate step, from the moment that there is somebody to wait for."""

    box: Toolbox
    step: ExitStack = field(default_factory=ExitStack)

    def say(self, holder: Holder) -> None:
        self.step.close()
        self.box.reporter.emit(Remark(f"waiting for {holder}"))
        self.step.enter_context(
            Steps(self.box.reporter, self.box.clock).step("wait", f"{holder} is working on this project")
        )
