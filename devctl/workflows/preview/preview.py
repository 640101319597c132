"""prod-preview: build the production stage while dev serves, check it, switch, probe it, or put dev back."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from devctl.domain.command.events import Outcome, Planned, Switched
from devctl.domain.command.requests import PreviewRequest
from devctl.domain.command.state import State
from devctl.domain.dockerfile.runtime_bases import NONROOT
from devctl.domain.go.golist import Listing
from devctl.domain.image.facts import ImageFacts
from devctl.domain.plan.engine_state import MODE_LABEL, Container, Image, Observed
from devctl.domain.plan.planner import plan_text
from devctl.domain.ports.http import Prober
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.preview.text import preview_text
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, Finding, InterruptedByUser, ProjectError
from devctl.workflows.advice.advice import advise, refuse_impossible, say_left_out
from devctl.workflows.bases.go_base import resolve_bases
from devctl.workflows.bases.needed import ensure_bases, other_way_named
from devctl.workflows.engine.compiler_cache import ensure_cache
from devctl.workflows.engine.execute import build_all, compose_up
from devctl.workflows.engine.network_holder import network_awake
from devctl.workflows.engine.optional_services import without_unstartable
from devctl.workflows.engine.pull import pull_missing
from devctl.workflows.preview.ask_go_list import list_beside
from devctl.workflows.preview.compare import Compared, DevLook, compare, warn
from devctl.workflows.preview.drain import Drained, as_json, drain, must_drain
from devctl.workflows.preview.impossible import refuse_lost
from devctl.workflows.preview.inspect_image import must_be_ready
from devctl.workflows.preview.known_images import inputs_of, is_current, looked_at, note_built, was_listed
from devctl.workflows.preview.rollback import keep_failed, listening_beside, with_cause, with_what_runs
from devctl.workflows.preview.secret_files import refuse_unreadable
from devctl.workflows.ready.wait import Endpoint, address, answers, served_ports, wait_ready
from devctl.workflows.session.session import Session, open_session, write_overlay
from devctl.workflows.session.startable import check_startable
from devctl.workflows.session.steps import Steps, plan_outcome
from devctl.workflows.state.snapshot import snapshot
from devctl.workflows.state.watcher_process import ensure_watcher, watcher_state
from devctl.workflows.switch.applied_model import keep_applied
from devctl.workflows.switch.first_error import beside
from devctl.workflows.switch.lock import changing
from devctl.workflows.switch.switch import stopping, switching


@dataclass(slots=True)
class Measured:
    """What the switch measured, in ms and by service, and what was looked at around it."""

    switch_ms: dict[str, int] = field(default_factory=dict)
    gap_ms: dict[str, int] = field(default_factory=dict)
    checks: tuple[Finding, ...] = ()
    images: dict[str, ImageFacts] = field(default_factory=dict)
    steps: list[dict[str, object]] = field(default_factory=list)
    drained: tuple[Drained, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    compared: Compared = field(default_factory=Compared)


def prod_preview(request: PreviewRequest, box: Toolbox) -> Outcome:
    began = box.clock.monotonic()
    with changing(box, request, "prod-preview") as loaded:
        base = request.base or loaded.prod_base
        steps = Steps(box)
        with steps.step("look", "what is to run, and what runs"):
            project = resolve_bases(
                box, loaded, mode="prod", base=base, dry_run=request.dry_run, assemble=request.yes
            )
            observed = box.engine.observe(project.name)
            session = _open(box, project, base=base, observed=observed)
            watched = watcher_state(box, project).state == "running"
        if request.dry_run:
            return plan_outcome(session.plan())
        with ExitStack() as looking:
            with network_awake(box, project, observed=observed) as sleep_again:
                dev = DevLook(box, project, observed)
                session, measured = _switched(box, session, steps, request, dev=dev)
                if not request.drain:
                    sleep_again()
                with steps.step("compare", "the same requests sent to dev and to production"):
                    now = box.engine.containers(project.name)
                    measured.compared = compare(box, dev, measured.sizes, now=now)
                warn(box.reporter, measured.compared)
                if request.drain:
                    _drain(box, session, steps, measured, request.timeout)
                looking.enter_context(steps.step("look", "what runs now"))
                now = box.engine.containers(project.name)
                state = snapshot(box, project, observed=now)
            if watched:
                ensure_watcher(box, project)
                state = replace(state, watcher=watcher_state(box, project))
    return _outcome(session, measured, now, state=state, ms=round((box.clock.monotonic() - began) * 1000))


def _switched(
    box: Toolbox, session: Session, steps: Steps, request: PreviewRequest, *, dev: DevLook
) -> tuple[Session, Measured]:
    """Build, check, switch and probe; on any failure what ran before runs again, which the error says."""
    box.reporter.emit(Planned(plan_text(session.plan())))
    kept: list[str] = []
    switch = switching(
        box,
        session,
        steps,
        [s.name for s in session.project.services],
        leaves_nothing=True,
        timeout=request.timeout,
        before_undo=lambda: kept.extend(keep_failed(box.engine, session) if request.keep_failed else ()),
    )
    touched = False
    try:
        with switch:
            with dev:
                session, measured = _prepare(box, session, steps, request=request)
            switch.goes_on_with(session)
            touched = True
            _switch(box, session, steps, measured, request)
    except (DevctlError, KeyboardInterrupt) as raised:
        if not touched:
            raise
        again = InterruptedByUser(hint="devctl prod-preview tries again")
        error = raised if isinstance(raised, DevctlError) else again
        with steps.step("look", "what runs now"):
            told = with_what_runs(
                box, session, error, intent=switch.intent, restored=switch.restored, kept=kept
            )
        raise told from raised
    keep_applied(box, session, [s.name for s in session.project.services])
    return session, measured


def _prepare(
    box: Toolbox, session: Session, steps: Steps, *, request: PreviewRequest
) -> tuple[Session, Measured]:
    """Build and check. Nothing that runs is touched yet."""
    project, base = session.project, request.base or session.project.prod_base
    with steps.step("look", "what would stop it before it is built"):
        refuse_impossible(box, session)
        refuse_lost(box, session)
        advise(box, session, mode="prod")
        say_left_out(box, project, session.runs)
        check_startable(box, session)
    measured = Measured()
    starting = [s.service or "" for s in session.plan() if s.step == "start"]
    out = without_unstartable(box, session, starting)
    out |= pull_missing(box, session, steps, frozenset(starting) - out, timeout=request.compose_timeout)
    write_overlay(box, session)
    images, asked, not_built = _build(box, session, steps, assemble=request.yes)
    out |= not_built
    with steps.step("check", "what would stop it in production"):
        listed = asked()
        for service in project.services:
            run = session.run(service.name)
            said = listed.get(service.name)
            image, found = looked_at(box, session, service, run=run, image=images[run.image], listed=said)
            measured.images[service.name] = image
            measured.sizes[service.name] = image.size_bytes
            measured.checks += found
        must_be_ready(measured.checks)
    users = {run.service: user_of(images[run.image]) for run in session.runs}
    ready = _open(box, project, base=base, observed=session.observed, users=users)
    refuse_unreadable(box, ready)
    return replace(ready, dependencies=tuple(d for d in ready.dependencies if d.name not in out)), measured


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
) -> tuple[Mapping[str, Image], Callable[[], Mapping[str, Listing]], frozenset[str]]:
    """Build what is not known to be current; the production images by reference, who waits for what Go says of their programs,
    and the dependencies that are left out."""
    with steps.step("look", "whether the image is that of these files"):
        names = [s.service or "" for s in session.plan() if s.step == "build"]
        inputs = {run.service: inputs_of(box, session, run) for run in session.runs}
        current = {
            r.service for r in session.runs if is_current(box.private, session, r, inputs=inputs[r.service])
        }
        names = [name for name in names if name not in current]
    asked = [
        r.service for r in session.runs if r.service not in current or not was_listed(box.private, session, r)
    ]
    listed = list_beside(box.processes, session.project, observed=session.observed, services=asked)
    if not names:
        return session.images, listed, frozenset()
    with other_way_named(box, session, names):
        ensure_bases(box, session, names, assemble=assemble)
    out = build_all(box, session, steps, dict.fromkeys(names, "production stage"))
    images = box.engine.images([run.image for run in session.runs])
    for run in session.runs:
        if run.service in names:
            note_built(box.private, session, run, inputs=inputs[run.service], image=images.get(run.image))
    return images, listed, out


def _switch(
    box: Toolbox, session: Session, steps: Steps, measured: Measured, request: PreviewRequest
) -> None:
    project = session.project
    starts = any(s.step == "start" for s in session.plan())
    before = {service.name: session.observed.of(service.name) for service in project.services}
    began = box.clock.monotonic()

    def answered(name: str) -> None:
        measured.switch_ms[name] = round((box.clock.monotonic() - began) * 1000) if starts else 0

    with ExitStack() as asking:
        gaps = {
            service.name: asking.enter_context(
                box.prober.measure_gap(_asker(box.prober, address(service, old)))
            )
            for service in project.services
            if starts and (old := before[service.name]) is not None and old.state == "running"
        }
        write_overlay(box, session)
        ensure_cache(box, session, steps)
        _start(box, session, steps, _cause(before[project.services[0].name]), request, answered=answered)
        measured.gap_ms = {name: gap() for name, gap in gaps.items()}
    measured.steps = steps.done
    for name, old in before.items():
        was = (old.labels.get(MODE_LABEL) or "stopped") if old is not None else "stopped"
        box.reporter.emit(Switched(name, was, "prod", measured.switch_ms[name], measured.gap_ms.get(name, 0)))


def _drain(box: Toolbox, session: Session, steps: Steps, measured: Measured, timeout: float) -> None:
    project, found = session.project, []
    for service in project.services:
        now = box.engine.containers(project.name)
        with (
            steps.step("drain", "SIGTERM under load", service=service.name),
            stopping(box, project, steps, now, [service.name]),
        ):
            found.append(drain(box, project, service, timeout=timeout))
    measured.drained = tuple(found)
    try:
        must_drain(measured.drained)
    except ProjectError as error:
        known = error.result
        with beside(box.reporter, "looking at what runs now"):
            now = box.engine.containers(project.name)
            state = snapshot(box, project, observed=now)
            known = {**known, **_outcome(session, measured, now, state=state, ms=0).result}
        raise error.replace(result=known) from error


def _start(
    box: Toolbox,
    session: Session,
    steps: Steps,
    cause: str,
    request: PreviewRequest,
    *,
    answered: Callable[[str], None],
) -> None:
    """All services or none: the first that does not answer ends it, with its cause named while its container is there."""
    project = session.project
    names = [s.service or "" for s in session.plan() if s.step == "start"]
    served = {
        service.name: served_ports(box.engine, service, session.observed.of(service.name))
        for service in project.services
    }
    if names:
        with steps.step("switch", cause, service=project.services[0].name):
            alone = all(project.service(n) is not None for n in names)
            compose_up(box, session, names, no_deps=alone, timeout=request.compose_timeout)
    for service in project.services:
        try:
            with steps.step("probe", "must answer", service=service.name):
                wait_ready(
                    box,
                    project.name,
                    service,
                    timeout=request.timeout,
                    fresh=service.name in names,
                    beside=listening_beside(box, session, service),
                    served=served[service.name],
                )
            answered(service.name)
        except DevctlError as error:
            raise with_cause(box, session, service, error) from error


def _asker(prober: Prober, where: Endpoint | None) -> Callable[[], bool]:
    if where is None:
        return lambda: True
    return lambda: answers(prober, where, timeout=0.2)


def user_of(image: Image) -> str:
    """The image's own user where it is not root; that of our own stages otherwise."""
    return NONROOT if image.user in ("", "0", "root", "0:0", "root:root") else image.user


def _cause(old: Container | None) -> str:
    mode = old.labels.get(MODE_LABEL) if old is not None else None
    return f"{mode} → prod" if mode else "prod"


def _outcome(session: Session, measured: Measured, now: Observed, *, state: State, ms: int) -> Outcome:
    each = [_figures(session, measured, now, service.name) for service in session.project.services]
    first = {key: value for key, value in each[0].items() if key in ("image", "binary", "hardening")}
    result: dict[str, object] = {
        **state.as_json(),
        "ms": ms,
        "switch_ms": max(measured.switch_ms.values(), default=0),
        "gap_ms": max(measured.gap_ms.values(), default=0),
        **first,
        "previews": each,
        "checks": [c.as_json() for c in (*measured.checks, *measured.compared.checks)],
        "differences": [d.as_json() for d in measured.compared.rows],
        "answers": measured.compared.answers(),
        "drain": as_json(measured.drained) if measured.drained else None,
    }
    return Outcome(result=result, text=preview_text(result))


def _figures(session: Session, measured: Measured, now: Observed, name: str) -> dict[str, object]:
    """What is known of one service in production."""
    container, image = now.of(name), measured.images.get(name)
    if container is None or image is None:
        raise ProjectError("the preview is gone", code="container-gone", hint="devctl prod-preview")
    program = image.program
    return {
        "service": name,
        "image": {
            "ref": image.ref,
            "base": session.run(name).base,
            "size_bytes": image.size_bytes,
            "layers": len(image.layers),
        },
        "binary": {
            "size_bytes": program.size_bytes if program is not None else None,
            "static": program.static if program is not None else None,
        },
        "hardening": hardening(container, session.project),
        "switch_ms": measured.switch_ms.get(name, 0),
        "gap_ms": measured.gap_ms.get(name, 0),
    }


def hardening(container: Container, project: Project) -> dict[str, object]:
    """What the engine really applied, not what was asked for. The source is mounted where a folder with a main in it is: the file
    of a secret lies in the project too."""
    mains = [
        posixpath.normpath(posixpath.join(project.root, s.source.dir, s.source.main))
        for s in project.services
    ]
    return {
        "user": container.user,
        "read_only": container.read_only,
        "cap_drop": list(container.cap_drop),
        "no_new_privileges": any(o.startswith("no-new-privileges") for o in container.security_opt),
        "source_mounted": any(
            f"{main}/".startswith(f"{s.rstrip('/')}/") for s in container.bind_sources for main in mains
        ),
    }
