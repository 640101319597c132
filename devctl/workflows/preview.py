"""prod-preview: build the production stage while dev serves, check it, switch, probe it, or put dev back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devctl.domain.events import Outcome, Planned, Switched
from devctl.domain.golist import Listing
from devctl.domain.image import ImageFacts
from devctl.domain.inspected import Check
from devctl.domain.observed import MODE_LABEL, Container, Image, Observed
from devctl.domain.planner import plan_text
from devctl.domain.ports import Toolbox
from devctl.domain.preview_text import preview_text
from devctl.domain.project import Project
from devctl.domain.requests import PreviewRequest
from devctl.domain.runs import NONROOT
from devctl.domain.state import State
from devctl.errors import DevctlError, InterruptedByUser, ProjectError
from devctl.workflows.advice import advise, refuse_impossible
from devctl.workflows.bases_needed import ensure_bases, other_way_named
from devctl.workflows.bridge import network_awake
from devctl.workflows.differences import Compared, DevLook, compare, warn
from devctl.workflows.drain import Drained, as_json, drain, must_drain
from devctl.workflows.execute import build_all, compose_up
from devctl.workflows.go_bases import settle
from devctl.workflows.known_images import inputs_of, is_current, looked_at, note_built, was_listed
from devctl.workflows.lifecycle import plan_outcome
from devctl.workflows.listed import list_beside
from devctl.workflows.load import load
from devctl.workflows.preview_failure import Before, listening_beside, name_cause, put_back, put_back_model
from devctl.workflows.readiness import must_be_ready
from devctl.workflows.ready import Address, address, answers, wait_ready
from devctl.workflows.session import Session, open_session, overlay_files, write_overlay
from devctl.workflows.snapshot import snapshot
from devctl.workflows.steps import Steps
from devctl.workflows.watcher_process import ensure_watcher, watcher_state


@dataclass(slots=True)
class Switch:
    """What the switch of one service measured, in ms."""

    switch_ms: int = 0
    gap_ms: int = 0
    checks: tuple[Check, ...] = ()
    image: ImageFacts | None = None
    steps: list[dict[str, object]] = field(default_factory=list)
    before: Before = field(default_factory=lambda: Before(Observed(), None))
    drained: tuple[Drained, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    compared: Compared = field(default_factory=Compared)


def prod_preview(request: PreviewRequest, box: Toolbox) -> Outcome:
    project = load(box, request.project)
    base = request.base or project.prod_base
    project = settle(box, project, mode="prod", base=base, dry_run=request.dry_run, assemble=request.yes)
    if request.dry_run:
        observed = box.engine.observe(project.name)
        return plan_outcome(_open(box, project, base=base, observed=observed).plan())
    began = box.clock.monotonic()
    with box.files.lock(Path(project.root), command="prod-preview", timeout=request.lock_timeout):
        steps = Steps(box)
        watched = watcher_state(box, project).state == "running"
        observed = box.engine.observe(project.name)
        with network_awake(box, project, observed=observed) as sleep_again:
            with DevLook(box, project, observed) as dev:
                session, measured = _prepare(box, project, steps, request=request, observed=observed)
            _switch(box, session, steps, measured, request)
            if not request.drain:
                sleep_again()
            now = box.engine.containers(project.name)
            measured.compared = compare(box, dev, measured.sizes, now=now)
            warn(box, measured.compared)
            if request.drain:
                _drain(box, session, steps, measured, request.timeout)
                now = box.engine.containers(project.name)
            state = snapshot(box, project, observed=now)
        if watched:
            ensure_watcher(box, project)
            state = replace(state, watcher=watcher_state(box, project))
    return _outcome(session, measured, now, state=state, ms=round((box.clock.monotonic() - began) * 1000))


def _prepare(
    box: Toolbox, project: Project, steps: Steps, *, request: PreviewRequest, observed: Observed
) -> tuple[Session, Switch]:
    """Build and check. Nothing that runs is touched yet, and a refusal leaves it so."""
    base = request.base or project.prod_base
    session = _open(box, project, base=base, observed=observed)
    box.reporter.emit(Planned(plan_text(session.plan())))
    before = _before(box, session)
    refuse_impossible(box, session)
    advise(box, project, mode="prod")
    measured = Switch()
    write_overlay(box, session)
    try:
        images, listed, out = _build(box, session, steps, assemble=request.yes)
        with steps.step("check", "what would stop it in production"):
            for service in project.services:
                run = session.run(service.name)
                said = listed.get(service.name)
                image, found = looked_at(box, session, service, run=run, image=images[run.image], listed=said)
                measured.image = measured.image or image
                measured.sizes[service.name] = image.size_bytes
                measured.checks += found
            must_be_ready(measured.checks)
        measured.before = before
        users = {run.service: _user(images[run.image]) for run in session.runs}
        ready = _open(box, project, base=base, observed=observed, users=users)
        ready = replace(ready, dependencies=tuple(d for d in ready.dependencies if d.name not in out))
    except BaseException:
        put_back_model(box, session, before)
        raise
    return ready, measured


def _open(
    box: Toolbox,
    project: Project,
    *,
    base: str | None,
    observed: Observed,
    users: Mapping[str, str] | None = None,
) -> Session:
    """Of a project that runs, only what our services need is started beside them."""
    only = [s.name for s in project.services] if observed.containers else []
    target = project.prod_target
    return open_session(
        box, project, mode="prod", only=only, base=base, target=target, prod_user=users, observed=observed
    )


def _build(
    box: Toolbox, session: Session, steps: Steps, *, assemble: bool
) -> tuple[Mapping[str, Image], Mapping[str, Listing], frozenset[str]]:
    """Build what is not known to be current; the production images by reference, what Go says of their programs, and
    the dependencies that are left out."""
    names = [s.service or "" for s in session.plan() if s.step == "build"]
    inputs = {run.service: inputs_of(box, session, run) for run in session.runs}
    current = {r.service for r in session.runs if is_current(box, session, r, inputs=inputs[r.service])}
    names = [name for name in names if name not in current]
    asked = [r.service for r in session.runs if r.service not in current or not was_listed(box, session, r)]
    listed = list_beside(box, session.project, observed=session.observed, services=asked)
    if not names:
        return session.images, listed(), frozenset()
    with other_way_named(session, names):
        ensure_bases(box, session, steps, names, assemble=assemble)
    out = build_all(box, session, steps, dict.fromkeys(names, "production stage"))
    images = box.engine.images([run.image for run in session.runs])
    for run in session.runs:
        if run.service in names:
            note_built(box, session, run, inputs=inputs[run.service], image=images.get(run.image))
    return images, listed(), out


def _switch(box: Toolbox, session: Session, steps: Steps, measured: Switch, request: PreviewRequest) -> None:
    project = session.project
    before = measured.before
    starts = [s for s in session.plan() if s.step == "start"]
    first = project.services[0]
    old = before.containers.of(first.name)
    good = _asker(box, address(first, old) if old is not None else None)
    began = box.clock.monotonic()
    with box.processes.one_interrupt() as no_more, box.prober.measure_gap(good) as gap:
        try:
            write_overlay(box, session)
            _start(box, session, steps, _cause(old), request.timeout)
        except (DevctlError, KeyboardInterrupt) as raised:
            no_more()
            error = raised if isinstance(raised, DevctlError) else _interrupted()
            put_back(box, session, steps, before=before, keep=request.keep_failed, error=error)
            raise error from None
        measured.switch_ms = round((box.clock.monotonic() - began) * 1000) if starts else 0
        measured.gap_ms = gap() if old is not None and old.state == "running" and starts else 0
    measured.steps = steps.done
    was = (old.labels.get(MODE_LABEL) or "stopped") if old is not None else "stopped"
    for service in project.services:
        box.reporter.emit(Switched(service.name, was, "prod", measured.switch_ms, measured.gap_ms))


def _drain(box: Toolbox, session: Session, steps: Steps, measured: Switch, timeout: float) -> None:
    found = []
    for service in session.project.services:
        with steps.step("drain", "SIGTERM under load", service=service.name):
            found.append(drain(box, session.project, service, timeout=timeout))
    measured.drained = tuple(found)
    try:
        must_drain(measured.drained)
    except ProjectError as error:
        now = box.engine.containers(session.project.name)
        state = snapshot(box, session.project, observed=now)
        error.result.update(_outcome(session, measured, now, state=state, ms=0).result)
        raise


def _start(box: Toolbox, session: Session, steps: Steps, cause: str, timeout: float) -> None:
    """All services or none: the first that does not answer ends it, with its cause named while its container is there."""
    project = session.project
    names = [s.service or "" for s in session.plan() if s.step == "start"]
    if names:
        with steps.step("switch", cause, service=project.services[0].name):
            compose_up(box, session, names, no_deps=all(project.service(n) is not None for n in names))
    for service in project.services:
        try:
            with steps.step("probe", "must answer", service=service.name):
                wait_ready(
                    box,
                    project.name,
                    service,
                    timeout=timeout,
                    fresh=service.name in names,
                    beside=listening_beside(box, session, service),
                )
        except DevctlError as error:
            name_cause(box, session, service, error)
            raise


def _interrupted() -> InterruptedByUser:
    return InterruptedByUser("interrupted", code="interrupted", hint="devctl prod-preview tries again")


def _asker(box: Toolbox, where: Address | None) -> Callable[[], bool]:
    if where is None:
        return lambda: True
    return lambda: answers(box, where, timeout=0.2)


def _user(image: Image) -> str:
    """The image's own user where it is not root; distroless' nonroot otherwise."""
    return NONROOT if image.user in ("", "0", "root", "0:0", "root:root") else image.user


def _cause(old: Container | None) -> str:
    mode = old.labels.get(MODE_LABEL) if old is not None else None
    return f"{mode} → prod" if mode else "prod"


def _before(box: Toolbox, session: Session) -> Before:
    project, folder = session.project, session.model_file.parent
    written = [name for run in session.runs for name in overlay_files(box, project, run)]
    return Before(
        session.observed,
        box.files.read_text(session.model_file),
        {folder / name: box.files.read_text(folder / name) for name in written},
    )


def _outcome(session: Session, measured: Switch, now: Observed, *, state: State, ms: int) -> Outcome:
    project = session.project
    container = now.of(project.services[0].name)
    image = measured.image
    if container is None or image is None:
        raise ProjectError("the preview is gone", code="container-gone", hint="devctl prod-preview")
    run = session.run(project.services[0].name)
    result: dict[str, object] = {
        **state.as_json(),
        "ms": ms,
        "switch_ms": measured.switch_ms,
        "gap_ms": measured.gap_ms,
        "image": {
            "ref": image.ref,
            "base": run.base,
            "size_bytes": image.size_bytes,
            "layers": len(image.layers),
        },
        "binary": {
            "size_bytes": image.binary.size_bytes if image.binary else None,
            "static": image.binary.static if image.binary else None,
        },
        "hardening": hardening(container, project.root),
        "checks": [c.as_json() for c in (*measured.checks, *measured.compared.checks)],
        "differences": [d.as_json() for d in measured.compared.rows],
        "answers": measured.compared.answers(),
        "drain": as_json(measured.drained) if measured.drained else None,
    }
    return Outcome(result=result, text=preview_text(result))


def hardening(container: Container, root: str) -> dict[str, object]:
    """What the engine really applied, not what was asked for."""
    return {
        "user": container.user,
        "read_only": container.read_only,
        "cap_drop": list(container.cap_drop),
        "no_new_privileges": any(o.startswith("no-new-privileges") for o in container.security_opt),
        "source_mounted": any(s == root or s.startswith(f"{root}/") for s in container.bind_sources),
    }
