"""The one way to change what runs: observe → plan → intent → execute → prove → forget.

`Switch` is a context around execute and prove. On entry it writes the intent, and on exit it removes it, together with the
images that were superseded; on any error and on Ctrl-C it rolls back. What was killed in between is finished or rolled back by
`recover`, at the next command or round of the watcher, under the lock. Both use the same `_undo`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.command.events import Remark
from devctl.domain.command.requests import COMPOSE_GRACE
from devctl.domain.plan.engine_state import (
    LABEL,
    MACHINE_LABEL,
    MODE_LABEL,
    PROJECT_LABEL,
    ROOT_LABEL,
    Observed,
)
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.private_state import PrivateState
from devctl.domain.ports.state_folder import StateFolder
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, FilesError, InterruptedByUser, MachineError, Problem, ProjectError
from devctl.workflows.engine.execute import up_healed
from devctl.workflows.engine.network_holder import end_holder
from devctl.workflows.engine.restart_proxies import followed
from devctl.workflows.ready.wait import wait_ready
from devctl.workflows.session.session import Session
from devctl.workflows.session.steps import Steps, beside
from devctl.workflows.switch.applied_model import merged, running_model, write_running
from devctl.workflows.switch.intent import Intent, Ran, Target, read_intent

RESTORE_TIMEOUT = 60.0
"""Seconds within which what a rollback restores must answer."""
FINISH_TIMEOUT = 5.0
"""Seconds within which what a killed command has switched in must answer, in addition to those of its build; else it is rolled
back."""
RUNS = ("running", "restarting")
PREVIOUS = "devctl-previous"
"""The repository of names for images that a change may replace; the tag is the image's ID."""
AWAY = ("engine-unreachable", "docker-missing")
"""Codes of what passes by itself."""

Around = Callable[[Sequence[str]], AbstractContextManager[object]]


class Switch(Struct):
    """A change in progress. `around` is entered while containers are restored, `before_undo` called first on failure, while
    what failed still exists. Afterwards `restored` says whether the previous version answers again after a failure; None if
    nothing had to be restored."""

    box: Toolbox
    root: Path
    steps: Steps
    intent: Intent
    around: Around = lambda names: nullcontext()
    before_undo: Callable[[], None] = lambda: None
    timeout: float = RESTORE_TIMEOUT
    restored: bool | None = None
    _stays: bool = False
    _deaf: ExitStack = field(default_factory=ExitStack)
    _no_more: Callable[[], None] = lambda: None

    def __enter__(self) -> Switch:
        self._no_more = self._deaf.enter_context(self.box.processes.one_interrupt())
        try:
            _keep(self.box.reporter, self.box.private, self.root, self.intent)
            _name_previous(self.box.engine, self.intent)
        except BaseException:
            self._deaf.close()
            raise
        return self

    def stays(self) -> None:
        """From here on a failure leaves what was started, so that the next save can fix it (docs/reference/behaviour.md)."""
        self._stays = True

    def goes_on_with(self, session: Session, services: Sequence[str]) -> None:
        """The same services with another model: an image may decide how it runs."""
        self.intent = replace(self.intent, new=merged(self.box.private, session, services))
        _keep(self.box.reporter, self.box.private, self.root, self.intent)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        names: Sequence[str] = ()
        with self._deaf:
            if error is None:
                finish(self.box, self.root, self.intent)
            elif isinstance(error, (Exception, KeyboardInterrupt)):
                self._no_more()
                names = self._keep_new() if self._stays else self._take_back(_cause(error))
        # Ctrl-C is heard again: everything is rolled back, and only the wait for an answer can be cut short.
        if names:
            with beside(self.box.reporter, "waiting for the previous version"):
                self.restored = _answer(self.box, self.intent, self.steps, names, timeout=self.timeout)

    def _keep_new(self) -> Sequence[str]:
        with beside(self.box.reporter, "recording what was started"):
            _note_running(self.box.state, self.box.private, self.root, self.intent)
            _forget_previous(self.box.engine, self.intent)
            self.box.private.remove(self.root, Intent.file)
        return ()

    def _take_back(self, cause: str) -> Sequence[str]:
        self.restored = False
        with beside(self.box.reporter, "keeping the failed container"):
            self.before_undo()
        # If this fails the intent stays: the next command tries again.
        with beside(self.box.reporter, "rolling back"):
            names = _undo(
                self.box, self.root, self.intent, self.steps, self.around, cause=cause, timeout=self.timeout
            )
            self.restored = not names
            return names
        return ()


def _cause(error: BaseException) -> str:
    """Why the previous version is started again."""
    interrupted = isinstance(error, (KeyboardInterrupt, InterruptedByUser))
    return "interrupted" if interrupted else "its replacement did not start"


def switching(
    box: Toolbox,
    session: Session,
    steps: Steps,
    services: Sequence[str],
    *,
    leaves_nothing: bool = False,
    before_undo: Callable[[], None] = lambda: None,
    timeout: float = RESTORE_TIMEOUT,
) -> Switch:
    """Change `services` to what `session` says; with `leaves_nothing`, new containers are removed if that fails. What is
    restored has `timeout` seconds to answer, and at most RESTORE_TIMEOUT."""
    project, root, observed = session.project, session.root, session.observed
    _refuse_other_networks(box.private, session)
    refs = [run.image for run in session.runs if run.service in services]
    images = box.engine.images(refs)
    named = [name for files in session.overlay.values() for name in files]
    mine = [c for c in observed.containers if c.service in services]
    was = {c.image: c.image_id for c in mine if c.image and not c.image.startswith("sha256:")}
    intent = replace(
        _intent(box, project, observed, services),
        tags={**{ref: images[ref].id if ref in images else None for ref in refs}, **was},
        others=tuple(c.service for c in mine if c.state in RUNS and project.service(c.service) is None),
        files={name: box.state.text(root, name) for name in named},
        new=merged(box.private, session, services),
        leaves_nothing=leaves_nothing,
    )
    within = min(timeout, RESTORE_TIMEOUT)
    return Switch(box, root, steps, intent, lambda names: followed(box, session, names), before_undo, within)


def _refuse_other_networks(private: PrivateState, session: Session) -> None:
    """Raise FilesError: compose would stop what is on a network to replace it, and fail at what does not belong to the change."""
    before = (running_model(private, session.project) or {}).get("networks") or {}
    runs = {network.get("name"): _defined(network) for network in before.values()}
    for key, network in (session.model.get("networks") or {}).items():
        name = network.get("name")
        if name in session.observed.networks and runs.get(name, _defined(network)) != _defined(network):
            raise FilesError(
                f"the definition of the network {key} has changed, and a network cannot be changed while containers are on it",
                code="network-changed",
                hint="devctl down, then devctl up: the new network is made, and volumes are kept",
                place=session.project.place(("networks", key)),
            )


def _defined(network: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without devctl's labels, which depend on who created it."""
    labels = {k: v for k, v in (network.get("labels") or {}).items() if not k.startswith(f"{LABEL}.")}
    return {**network, "labels": labels}


def stopping(
    box: Toolbox, project: Project, steps: Steps, observed: Observed, services: Sequence[str]
) -> Switch:
    """Stop `services` for a moment: the same containers run again afterwards, whatever happens."""
    return Switch(box, project.root, steps, _intent(box, project, observed, services))


@contextmanager
def removal(box: Toolbox, project: Project, observed: Observed) -> Iterator[None]:
    """Remove the project: there is no rollback, and the next command reports a kill in the middle. What a killed command would
    have been rolled back to goes too."""
    killed = read_intent(box.private, project.root)
    tags = killed.tags if killed is not None else {}
    intent = replace(_intent(box, project, observed, ()), kind="removal", tags=tags)
    _keep(box.reporter, box.private, project.root, intent)
    try:
        yield
    finally:
        _forget_previous(box.engine, intent)
        box.private.remove(project.root, Intent.file)


def _intent(box: Toolbox, project: Project, observed: Observed, services: Sequence[str]) -> Intent:
    holder = box.files.lock_holder(project.root)
    return Intent(
        command=(holder.command if holder is not None else "") or "up",
        at=box.clock.now(),
        project=project.name,
        targets=tuple(
            Target(s.name, s.serve.port, s.serve.probe, s.may_finish)
            for s in project.services
            if s.name in services
        ),
        before=tuple(
            Ran(c.id, c.service, c.state in RUNS, c.labels.get(MODE_LABEL, "")) for c in observed.containers
        ),
        old=running_model(box.private, project),
    )


def recover(box: Toolbox, root: Path) -> None:
    """Finish or roll back what a killed process had started, and report it in one line. The project's lock is held.

    Raises MachineError if the engine is not reachable: it is tried again then.
    """
    intent = read_intent(box.private, root)
    if intent is None:
        box.private.remove(root, Intent.file)
        return
    try:
        said = _settle(box, root, intent)
    except DevctlError as error:
        if isinstance(error, InterruptedByUser) or error.code in AWAY:
            raise
        message = f"{intent} was interrupted and could not be rolled back: {error.problem.message}"
        box.reporter.warn(replace(error.problem, message=message))
        _forget_previous(box.engine, intent)
        box.private.remove(root, Intent.file)
        said = ""
    if said:
        box.reporter.emit(Remark(said))


def _settle(box: Toolbox, root: Path, intent: Intent) -> str:
    end_holder(box.processes, intent.project)
    now = box.engine.containers(intent.project)
    if intent.kind == "removal":
        _forget_previous(box.engine, intent)
        box.private.remove(root, Intent.file)
        left = [c.name for c in now.containers]
        return (
            f"{intent} was interrupted; still there: {', '.join(left)} (devctl down removes it)"
            if left
            else ""
        )
    steps = Steps(box.reporter, box.clock)
    if intent.proven or (not intent.undoing and _came_up(box, intent, now, steps)):
        finish(box, root, intent)
        return f"finished {intent}, which was interrupted"
    with box.processes.one_interrupt() as no_more:
        no_more()
        names = _undo(box, root, intent, steps, cause="interrupted")
    if not intent.targets:
        return ""  # only files were left to restore
    back = (
        "nothing that is running had been changed"
        if not names
        else f"{', '.join(names)} is back to its previous version"
    )
    if names and not _answer(box, intent, steps, names):
        back = f"{', '.join(names)} is back to its previous version, but does not answer"
    return f"rolled back {intent}, which was interrupted; {back}"


def _came_up(box: Toolbox, intent: Intent, now: Observed, steps: Steps) -> bool:
    """Whether everything that was to be switched is switched, and answers: the killed process may not have probed yet."""
    found = [(target, now.of(target.name)) for target in intent.targets]
    if not all(c is not None and c.state in RUNS and intent.is_new(t.name, c.id) for t, c in found):
        return False
    return _answer(box, intent, steps, [t.name for t in intent.targets], timeout=FINISH_TIMEOUT)


def finish(box: Toolbox, root: Path, intent: Intent) -> None:
    """What runs is what was wanted: report it, remove what was superseded, forget the intent. Nothing can go back to an image
    that lost its name, whichever command took it."""
    intent = replace(intent, proven=True)
    _keep(box.reporter, box.private, root, intent)
    _note_running(box.state, box.private, root, intent)
    _forget_previous(box.engine, intent)
    ours = {PROJECT_LABEL: intent.project, ROOT_LABEL: str(root), MACHINE_LABEL: box.identity.machine}
    for image in box.engine.untagged(ours):
        box.engine.remove_image(image)
    box.private.remove(root, Intent.file)


def _note_running(state: StateFolder, private: PrivateState, root: Path, intent: Intent) -> None:
    if intent.new is not None:
        write_running(state, private, root, intent.new)


def _name_previous(engine: Engine, intent: Intent) -> None:
    """Give each image that this change may replace a second name where a build would remove it: nothing could be rolled back
    then."""
    for image in intent.previous_images if engine.builds_remove_images() else ():
        with suppress(MachineError):  # it is gone already, after a build by somebody else
            engine.tag(image, f"{PREVIOUS}:{image.rpartition(':')[2]}")


def _forget_previous(engine: Engine, intent: Intent) -> None:
    """The last name of an image that a container uses stays: `clean` removes it later."""
    for image in intent.previous_images if engine.builds_remove_images() else ():
        engine.remove_image(f"{PREVIOUS}:{image.rpartition(':')[2]}")


def _superseded(engine: Engine, intent: Intent) -> dict[str, str]:
    """References that now name another image than before, with the image."""
    had = [ref for ref, image in intent.tags.items() if image is not None]
    return {ref: it.id for ref, it in engine.images(had).items() if it.id != intent.tags[ref]}


def _undo(
    box: Toolbox,
    root: Path,
    intent: Intent,
    steps: Steps,
    around: Around = lambda names: nullcontext(),
    *,
    cause: str,
    timeout: float = RESTORE_TIMEOUT,
) -> list[str]:
    """Restore the build files, the tags and the containers; returns the services that were started again. The intent is then
    forgotten, except for files that could not be restored: containers can write to their folder, and nothing planted there
    stops the rest.

    If nothing ran before, what was started stays: there is nothing to go back to.
    """
    now = box.engine.containers(intent.project)
    new = [c for c in now.containers if intent.is_new(c.service, c.id)]
    if new and not intent.ran and not intent.leaves_nothing:
        _note_running(box.state, box.private, root, intent)
        _forget_previous(box.engine, intent)
        box.private.remove(root, Intent.file)
        return []
    if not intent.undoing:
        intent = replace(intent, undoing=True)
        with suppress(
            MachineError
        ):  # that nothing can be stored was reported when the intent was to be written
            box.private.keep(root, intent)
    not_written = _put_files_back(box.state, root, intent)
    made = _superseded(box.engine, intent)
    for ref in made:
        box.engine.tag(str(intent.tags[ref]), ref)
    box.engine.remove_containers(_in_the_way(intent, now))
    changed = [name for name in intent.ran if not _runs_as_before(intent, now, name)]
    run = {c.service for c in now.containers if c.state in RUNS}
    changed += [name for name in intent.others if name not in run]
    if changed and intent.old is not None:
        with steps.step("restore", cause, service=changed[0]), around(changed):
            _start_again(box, root, intent, changed, timeout=timeout + COMPOSE_GRACE)
    _forget_previous(box.engine, intent)
    for image in made.values():
        box.engine.remove_image(image)
    if not_written is None:
        box.private.remove(root, Intent.file)
        return changed
    box.reporter.warn(not_written)
    with suppress(MachineError):
        box.private.keep(root, intent.files_alone())
    return changed


def _start_again(box: Toolbox, root: Path, intent: Intent, names: Sequence[str], *, timeout: float) -> None:
    model = intent.old or {}
    done = up_healed(box, root, model, names, project=intent.project, no_deps=True, timeout=timeout)
    if done.code != 0:
        message = f"compose cannot restart {', '.join(names)}"
        raise ProjectError(message, code="start-failed", hint="devctl up", detail=done.output)


def _put_files_back(state: StateFolder, root: Path, intent: Intent) -> Problem | None:
    """Why some file was not restored; None if all were."""
    problem = None
    for name, text in intent.files.items():
        try:
            if text is None:
                state.remove(root, name)
            else:
                state.put(root, name, text)
        except DevctlError as error:
            problem = problem or error.problem
    return problem


def _in_the_way(intent: Intent, now: Observed) -> list[str]:
    """New containers beside the old one, if recreating them was cut short; with `leaves_nothing` those of services that had
    none."""
    old, had = {it.id for it in intent.before}, {it.service for it in intent.before}
    beside_old = {c.service for c in now.containers if c.id in old}
    return [
        c.id
        for c in now.containers
        if (intent.is_new(c.service, c.id) and c.service in beside_old)
        or (intent.leaves_nothing and c.id not in old and c.service not in had)
    ]


def _runs_as_before(intent: Intent, now: Observed, name: str) -> bool:
    running = {c.id for c in now.containers if c.state in RUNS}
    return any(it.service == name and it.id in running for it in intent.before if it.running)


def _answer(
    box: Toolbox, intent: Intent, steps: Steps, names: Iterable[str], *, timeout: float = RESTORE_TIMEOUT
) -> bool:
    targets = [target for target in intent.targets if target.name in set(names)]
    try:
        for target in targets:
            with steps.step("probe", "until it answers", service=target.name):
                wait_ready(box, intent.project, target.service(), timeout=timeout)
    except (ProjectError, FilesError):
        return False
    return True


def _keep(reporter: Reporter, private: PrivateState, root: Path, intent: Intent) -> None:
    """If this user has no place for it, work continues: only a kill could not be rolled back then."""
    try:
        private.keep(root, intent)
    except MachineError as error:
        message = f"{error.problem.message}; if this command is killed, the next one cannot finish it or roll it back"
        reporter.warn(replace(error.problem, message=message))
