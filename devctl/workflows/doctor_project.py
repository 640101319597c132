"""The project that `doctor` looks at besides the machine: its folder, its ports, its lock, and what is left of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from devctl.domain.check_facts import PortFact
from devctl.domain.module_gaps import ModuleGap
from devctl.domain.observed import CACHE_LABEL
from devctl.domain.overlay import OVERLAY
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.errors import DevctlError, MachineError
from devctl.workflows import doctor_gaps
from devctl.workflows.clean import unneeded
from devctl.workflows.find import find_root
from devctl.workflows.hostports import LOCALHOST, fixed_port, port_remedy


@dataclass(frozen=True, slots=True)
class Subject:
    """`root` None: no project here. Each question gives None where it cannot be answered."""

    root: Path | None = None
    owner: tuple[int, int] = (0, 0)
    start_containers: bool = True
    ports: Callable[[], tuple[PortFact, ...] | None] = lambda: None
    lock_holder: Callable[[], str | None] = lambda: None
    leftovers: Callable[[], tuple[str, ...] | None] = lambda: None
    clean: Callable[[], str] = lambda: "nothing to clean"
    abandoned: Callable[[], tuple[str, ...] | None] = lambda: None
    end_abandoned: Callable[[], str] = lambda: "nothing to end"
    externals: Callable[[], tuple[str, ...] | None] = lambda: None
    create_externals: Callable[[], str] = lambda: "nothing to create"
    gaps: Callable[[], tuple[ModuleGap, ...] | None] = lambda: None
    cache: Callable[[], str] = lambda: ""


NOBODY = Subject()


def subject_of(box: Toolbox, root: Path | None, project: Callable[[], Project | None]) -> Subject:
    """`project` gives None where its files cannot be read today; its folder still can."""
    return Subject(
        root=root,
        owner=box.files.owner(root) if root is not None else (0, 0),
        ports=lambda: _ports(box, project()),
        lock_holder=lambda: _lock_holder(box, root),
        leftovers=lambda: _leftovers(box),
        clean=lambda: _clean(box),
        abandoned=lambda: doctor_gaps.abandoned(box),
        end_abandoned=lambda: doctor_gaps.end_abandoned(box),
        externals=lambda: doctor_gaps.missing_externals(box, project()),
        create_externals=lambda: doctor_gaps.create_externals(box, project()),
        gaps=lambda: doctor_gaps.gaps(box, root, project()),
        cache=lambda: cache_of(box, project()),
    )


def newcomer(box: Toolbox, root: Path, project: Callable[[], Project | None]) -> Subject:
    """What a first start can fail of: no container is started before the bases are here, and what is left of other
    projects keeps nobody from starting."""
    return replace(subject_of(box, root, project), start_containers=False, leftovers=lambda: None)


def root_of(box: Toolbox, given: Path | None) -> Path | None:
    try:
        return find_root(box, given)
    except DevctlError:
        return None


def _ports(box: Toolbox, project: Project | None) -> tuple[PortFact, ...] | None:
    if project is None:
        return None
    try:
        used, observed = box.engine.ports_in_use(), box.engine.containers(project.name)
    except MachineError:
        return None  # the check of the engine says why
    names = {c.name for c in observed.containers}
    own = {port for port, name in used.items() if name in names}
    holders = {port: name for port, name in used.items() if name not in names}
    found = (_port(box, project, service, holders=holders, own=own) for service in project.services)
    return tuple(fact for fact in found if fact is not None)


def _port(
    box: Toolbox, project: Project, service: Service, *, holders: dict[int, str], own: set[int]
) -> PortFact | None:
    fixed = fixed_port(project, service)
    port = fixed if fixed is not None else service.port
    if port is None:
        return None
    if port in own or (port not in holders and box.host.port_free(LOCALHOST, port)):
        return PortFact(service=service.name, port=port, fixed=fixed is not None)
    holder = f"container {holders[port]}" if port in holders else box.machine().machine.listener(port)
    return PortFact(
        service=service.name,
        port=port,
        fixed=fixed is not None,
        holder=holder or "a process of this machine",
        remedy=port_remedy(box, project, service, port=port, holder=holders.get(port)),
    )


def _lock_holder(box: Toolbox, root: Path | None) -> str | None:
    """`up 1234` while somebody holds the lock; "" while nobody does."""
    if root is None:
        return None
    path = root / OVERLAY / "lock"
    return (box.files.read_text(path) or "").strip() or "?" if box.files.held(path) else ""


def cache_of(box: Toolbox, project: Project | None) -> str:
    """The volume of the shared build cache, where it is there and devctl's; "" elsewhere."""
    try:
        ours = box.engine.labelled("volume", CACHE_LABEL) if project is not None else ()
    except MachineError:
        return ""
    return next((v.name for v in ours if project is not None and v.name == project.cache_volume), "")


def _leftovers(box: Toolbox) -> tuple[str, ...] | None:
    try:
        things = unneeded(box, None, caches=False)
    except MachineError:
        return None
    return (
        *(f"watcher {pid} of {folder}" for pid, folder in _orphans(box).items()),
        *(f"{u.thing.kind} {u.thing.name.removeprefix('sha256:')[:40]}" for u in things),
    )


def _orphans(box: Toolbox) -> dict[int, Path]:
    """Watchers whose project is gone: nobody could ever end them by `down`."""
    alive = box.machine().machine.watchers()
    return {pid: root for pid, root in alive.items() if not box.files.is_dir(root / OVERLAY)}


def _clean(box: Toolbox) -> str:
    orphans = _orphans(box)
    for pid in orphans:
        box.processes.terminate(pid)
    _wait_for_end(box, set(orphans))
    removed = [u.thing for u in unneeded(box, None, caches=False) if box.engine.remove(u.thing)]
    said = [*(f"ended watcher {pid}" for pid in orphans), *(f"removed {t.kind} {t.name}" for t in removed)]
    return "; ".join(said) or "nothing to clean"


def _wait_for_end(box: Toolbox, pids: set[int]) -> None:
    deadline = box.clock.monotonic() + 5
    while pids & set(box.machine().machine.watchers()) and box.clock.monotonic() < deadline:
        box.clock.sleep(0.02)
