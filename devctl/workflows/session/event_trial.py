"""Whether file events of the mounted source arrive in the container: tried once per project, end to end.

Mounts that pass on no events are known by kind (`Files.eventless`), but a virtual machine between here and the engine is not
visible. So the watcher tries: a listener in the container, a write on the host. If nothing arrives, but what is written in the
container does, polling is switched on. If neither does, the listener is too slow to tell: a busy machine.
"""

from __future__ import annotations

from devctl.domain.command.argv import docker
from devctl.domain.plan.engine_state import Container
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.state_folder import StateFolder
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.domain.project.state_folder import CONTROL, STATE_FOLDER, TRIAL, FileEventsNote
from devctl.workflows.session.steps import only_warned

FOLDER, _, PROBE = TRIAL.partition("/")
INSIDE = CONTROL.partition("/")[2]
TIMEOUT = 8.0
"""Seconds after which the listener exits by itself."""
HEARD_WITHIN = 2.0
"""Seconds of writing ten times a second, once the listener says that it is watching; then it is written inside."""
# air itself is the listener: it is in every dev stage, and its events are the ones that matter. It only reports them in its
# log: https://github.com/air-verse/air/blob/master/runner/engine.go
_LISTENER = (
    "air -c /dev/null --root . --tmp_dir /tmp/air-events --build.cmd true --build.full_bin true --build.include_ext probe "
    "--build.delay 1"
)


def known_to_fail(reporter: Reporter, state: StateFolder, project: Project) -> bool:
    """Whether it was tried here and nothing arrived. The note may be deleted: then it is tried again."""
    return _noted(reporter, state, project) is False


def poll_from_now(state: StateFolder, project: Project) -> None:
    """As if it had been tried, and nothing had arrived."""
    _note(state, project, arrived=False)


def try_once(box: Toolbox, project: Project, container: Container) -> bool | None:
    """Try it unless that was done; returns whether polling has to begin now, None if it could not be tried yet."""
    target = _target(project, container.service)
    if target is None or _noted(box.reporter, box.state, project) is not None:
        return False
    arrived = _arrive(box, project, container, f"{target}/{STATE_FOLDER}")
    with only_warned(box.reporter):
        box.state.remove(project.root, CONTROL)
    if arrived is None:
        return None
    _note(box.state, project, arrived=arrived)
    return not arrived


def _note(state: StateFolder, project: Project, *, arrived: bool) -> None:
    state.write(project.root, FileEventsNote(arrived))


def _noted(reporter: Reporter, state: StateFolder, project: Project) -> bool | None:
    with only_warned(reporter):
        return state.read(project.root, FileEventsNote).arrive
    return None


def _arrive(box: Toolbox, project: Project, container: Container, folder: str) -> bool | None:
    """None if no listener could be started, it hears nothing at all, or the container disappeared."""
    said: list[str] = []
    listen = ["timeout", str(round(TIMEOUT)), *_LISTENER.split()]
    argv = docker("exec", "--workdir", f"{folder}/{FOLDER}", to=[container.id, *listen])
    box.state.put(project.root, TRIAL, "0\n")
    deadline = box.clock.monotonic() + TIMEOUT - 1
    with box.processes.follow(argv, on_line=lambda _, line: said.append(line.rstrip())) as alive:
        written_inside: float | None = None
        while alive() and box.clock.monotonic() < deadline:
            if written_inside is None and "watching ." in said:
                written_inside = box.clock.monotonic() + HEARD_WITHIN
            if written_inside is not None:
                box.state.append(project.root, TRIAL, "1\n")
            # In their order: what was written first is heard first.
            if (heard := next((line for line in said if line in _HEARD), None)) is not None:
                return _HEARD[heard]
            if written_inside is not None and box.clock.monotonic() >= written_inside:
                written_inside = deadline
                if not _write_inside(box, container, f"{folder}/{FOLDER}"):
                    return False
            box.clock.sleep(0.1)
        return None


_HEARD = {f"{PROBE} has changed": True, f"{INSIDE} has changed": False}


def _write_inside(box: Toolbox, container: Container, folder: str) -> bool:
    write = ["sh", "-c", f"echo 1 >{INSIDE}"]
    done = box.processes.run(docker("exec", "--workdir", folder, to=[container.id, *write]), timeout=TIMEOUT)
    return done.code == 0


def _target(project: Project, service: str) -> str | None:
    """Where the project's folder is mounted in the container."""
    found = project.service(service)
    if found is not None and found.build.dev_stage is None:
        return found.mounted_at
    return project.source_mounted_at(service)
