"""The project that `doctor` examines besides the machine: its folder, its ports, its lock, and the leftovers of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar, cast

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.command.requests import LOCK_TIMEOUT
from devctl.domain.compose.depends_on import externals
from devctl.domain.doctor.facts import PortFact
from devctl.domain.go.module_gaps import ModuleGap
from devctl.domain.plan.engine_state import CACHE_LABEL, PROJECT_LABEL, Kind
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project, Service
from devctl.domain.project.state_folder import STATE_FOLDER
from devctl.errors import DevctlError, MachineError
from devctl.workflows.doctor.clean import unneeded
from devctl.workflows.doctor.module_gaps import module_gaps
from devctl.workflows.session.host_ports import LOCALHOST, fixed_port, port_remedy
from devctl.workflows.session.made_here import abandoned_containers, made_here
from devctl.workflows.switch.lock import locked


class Subject(Struct, frozen=True):
    """`root` None: no project here. `facts`: functions that find out facts of `MachineFacts`; None is the answer if a fact
    cannot be known. `fixes`: those that need more than an `Installer`, by name."""

    root: Path | None = None
    owner: tuple[int, int] = (0, 0)
    start_containers: bool = True
    facts: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    gaps: Callable[[], tuple[ModuleGap, ...] | None] = lambda: None
    cache: Callable[[], str] = lambda: ""
    fixes: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    changing: Callable[[], AbstractContextManager[None]] = nullcontext
    """Takes the project's lock."""


NOBODY = Subject()
T = TypeVar("T")


def subject_of(box: Toolbox, root: Path | None, project: Callable[[], Project | None]) -> Subject:
    """`project` is None if its files cannot be read; its folder still can."""
    return Subject(
        root=root,
        owner=box.files.owner(root) if root is not None else (0, 0),
        facts={
            "ports": _if_known(lambda: _ports(box, project())),
            "lock_holder": _if_known(lambda: _lock_holder(box.files, root)),
            "leftovers": _if_known(lambda: _leftovers(box)),
            "abandoned": _if_known(lambda: tuple(thing.name for thing in abandoned_containers(box))),
            "externals": _if_known(lambda: _missing_externals(box.engine, project())),
        },
        gaps=lambda: module_gaps(box.files, box.sources, root, project()),
        cache=lambda: cache_of(box.engine, project()),
        fixes={
            "leftovers": lambda: _clean(box),
            "abandoned": lambda: _end_abandoned(box),
            "externals": lambda: _create_externals(box.engine, project()),
        },
        changing=lambda: (
            nullcontext() if root is None else locked(box, root, command="doctor", timeout=LOCK_TIMEOUT)
        ),
    )


def _if_known(ask: Callable[[], T]) -> Callable[[], T | None]:
    """None if the engine, or the folder, cannot be queried: its own check says why."""

    def answer() -> T | None:
        try:
            return ask()
        except DevctlError:
            return None

    return answer


def newcomer(box: Toolbox, root: Path, project: Callable[[], Project | None]) -> Subject:
    """What a first start can fail of: no container is started before the bases are available, and the leftovers of other
    projects prevent nobody from starting."""
    subject = subject_of(box, root, project)
    facts = {name: ask for name, ask in subject.facts.items() if name != "leftovers"}
    return replace(subject, start_containers=False, facts=facts)


def _ports(box: Toolbox, project: Project | None) -> tuple[PortFact, ...] | None:
    if project is None:
        return None
    used, observed = box.engine.ports_in_use(), box.engine.containers(project.name)
    names = {c.name for c in observed.containers}
    own = {port for port, name in used.items() if name in names}
    holders = {port: name for port, name in used.items() if name not in names}
    found = (_port(box, project, service, holders=holders, own=own) for service in project.services)
    return tuple(fact for fact in found if fact is not None)


def _port(
    box: Toolbox, project: Project, service: Service, *, holders: dict[int, str], own: set[int]
) -> PortFact | None:
    fixed = fixed_port(project, service)
    port = fixed if fixed is not None else service.serve.port
    if port is None:
        return None
    if port in own or (port not in holders and box.host.port_free(LOCALHOST, port)):
        return PortFact(service=service.name, port=port, fixed=fixed is not None)
    holder = f"container {holders[port]}" if port in holders else box.machine().machine.listener(port)
    return PortFact(
        service=service.name,
        port=port,
        fixed=fixed is not None,
        holder=holder or "a process on this machine",
        remedy=port_remedy(
            box, project, service.name, port=port, target=service.serve.port or port, holder=holders.get(port)
        ),
    )


def _lock_holder(files: Files, root: Path | None) -> str | None:
    """`up 1234` while somebody holds the lock; "" while nobody does."""
    if root is None:
        return None
    holder = files.lock_holder(root)
    if holder is None:
        return ""
    return f"{holder.command} {holder.pid}" if holder.pid else "?"


def cache_of(engine: Engine, project: Project | None) -> str:
    """The volume of the shared build cache, if it exists and is devctl's; "" otherwise."""
    try:
        ours = engine.labelled("volume", CACHE_LABEL) if project is not None else ()
    except MachineError:
        return ""
    return next((v.name for v in ours if project is not None and v.name == project.cache_volume), "")


def _leftovers(box: Toolbox) -> tuple[str, ...]:
    things = unneeded(box, None)
    return (
        *(f"watcher {pid} of {folder}" for pid, folder in _orphans(box).items()),
        *(f"{u.thing.kind} {u.thing.name.removeprefix('sha256:')[:40]}" for u in things),
    )


def _orphans(box: Toolbox) -> dict[int, Path]:
    """Watchers whose project is gone: nobody could ever stop them with `down`."""
    alive = box.machine().machine.watchers()
    return {pid: root for pid, root in alive.items() if box.files.gone(root / STATE_FOLDER)}


def _clean(box: Toolbox) -> str:
    orphans = _orphans(box)
    for pid in orphans:
        box.processes.terminate(pid)
    _wait_for_end(box, set(orphans))
    removed = [u.thing for u in unneeded(box, None) if box.engine.remove(u.thing)]
    said = [*(f"stopped watcher {pid}" for pid in orphans), *(f"removed {t.kind} {t.name}" for t in removed)]
    return "; ".join(said) or "nothing to clean"


def _wait_for_end(box: Toolbox, pids: set[int]) -> None:
    deadline = box.clock.monotonic() + 5
    while pids & set(box.machine().machine.watchers()) and box.clock.monotonic() < deadline:
        box.clock.sleep(0.02)


def _missing_externals(engine: Engine, project: Project | None) -> tuple[str, ...] | None:
    """`network back`, `volume data`; None without a project, or an engine to query."""
    if project is None:
        return None
    wanted = [(kind, name) for kind, _, name in externals(project.model)]
    here = {kind: engine.names(kind) for kind in dict.fromkeys(kind for kind, _ in wanted)}
    return tuple(f"{kind} {name}" for kind, name in wanted if name not in here[kind])


def _create_externals(engine: Engine, project: Project | None) -> str:
    missing = _missing_externals(engine, project) or ()
    for thing in missing:
        kind, _, name = thing.partition(" ")
        engine.create(cast("Kind", kind), name)
    return f"created {', '.join(missing)}" if missing else ""


def _end_abandoned(box: Toolbox) -> str:
    """With their networks: afterwards nothing else shows that their project is gone."""
    ended = [thing for thing in abandoned_containers(box) if box.engine.remove(thing)]
    left = {c.labels[PROJECT_LABEL] for c in box.engine.labelled("container", PROJECT_LABEL)}
    gone = {thing.labels[PROJECT_LABEL] for thing in ended} - left
    networks = [n for n in made_here(box.identity, box.engine, "network") if n.labels[PROJECT_LABEL] in gone]
    ended += [network for network in networks if box.engine.remove(network)]
    return f"removed {', '.join(f'{thing.kind} {thing.name}' for thing in ended) or 'nothing'}"
