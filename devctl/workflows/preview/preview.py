"""prod-preview: build the production stage while dev serves, check it, switch, probe it, or return to dev."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.command.events import Outcome, Planned, Switched
from devctl.domain.command.requests import PreviewRequest
from devctl.domain.command.state import State
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.go.golist import Listing
from devctl.domain.image.facts import ImageFacts
from devctl.domain.plan.engine_state import MODE_LABEL, Container, Image, Observed
from devctl.domain.plan.planner import plan_text
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.http import Prober
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.preview.last_preview import LastPreview, PreviewedImage
from devctl.domain.preview.text import preview_text
from devctl.domain.project.model import Project, Service
from devctl.errors import DevctlError, Finding, InterruptedByUser, ProjectError
from devctl.workflows.advice.advice import advise, refuse_impossible, say_left_out
from devctl.workflows.bases.go_base import resolve_bases
from devctl.workflows.bases.needed import ensure_bases, other_way_named
from devctl.workflows.engine.build_all import build_all
from devctl.workflows.engine.compiler_cache import ensure_cache
from devctl.workflows.engine.former_services import end, remove_former
from devctl.workflows.engine.network_holder import network_awake
from devctl.workflows.engine.pull import pull_missing
from devctl.workflows.preview.ask_go_list import list_beside
from devctl.workflows.preview.compare import Compared, DevLook, compare, warn
from devctl.workflows.preview.drain import Drained, as_json, drain, must_drain
from devctl.workflows.preview.impossible import refuse_lost, refuse_unreadable
from devctl.workflows.preview.inspect_image import must_be_ready
from devctl.workflows.preview.known_images import inputs_of, is_current, looked_at, note_built, was_listed
from devctl.workflows.preview.note_last import noting
from devctl.workflows.preview.rollback import keep_failed, listening_beside, with_cause, with_what_runs
from devctl.workflows.ready.dependencies import start_in_order
from devctl.workflows.ready.wait import Endpoint, address, answers, served_ports, wait_ready
from devctl.workflows.session.far_engine import refuse_far_engine
from devctl.workflows.session.session import Session, open_session, write_overlay
from devctl.workflows.session.startable import check_startable
from devctl.workflows.session.steps import Steps, plan_outcome
from devctl.workflows.state.record_event import record
from devctl.workflows.state.snapshot import snapshot
from devctl.workflows.state.watcher_process import ensure_watcher, watcher_state
from devctl.workflows.switch.applied_model import keep_applied
from devctl.workflows.switch.lock import changing
from devctl.workflows.switch.switch import stopping, switching

OpenPorts = Mapping[str, frozenset[int]]
"""By service, the ports that its container listens on."""


def prod_preview(request: PreviewRequest, box: Toolbox) -> Outcome:
    began = box.clock.monotonic()
    with changing(box, request, "prod-preview") as loaded, ThreadPoolExecutor(1) as beside:
        base = request.base or loaded.prod_base
        steps = Steps(box.reporter, box.clock)
        with steps.step("look", "desired and current state"):
            project = resolve_bases(
                box, loaded, mode="prod", base=base, dry_run=request.dry_run, assemble=request.yes
            )
            observed = box.engine.observe(project.name)
            open_ports = beside.submit(_open_ports, box.engine, project, observed)
            if not observed.containers:  # otherwise `up` has asked
                refuse_far_engine(box.engine, project)
            # For a project that runs, only what the Go services need is started beside them.
            ours = [s.name for s in project.services] or [project.first.name]
            only = ours if observed.containers else []
            session = open_session(box, project, mode="prod", only=only, base=base, observed=observed)
            watched = watcher_state(box, project.root).state == "running"
            if request.dry_run:  # what is refused has no plan
                _refuse_known(box, session)
        if request.dry_run:
            return plan_outcome(session.plan())
        preview = _Preview(box, request, steps, session, beside, open_ports)
        with noting(box.private, project.root, preview.known), ExitStack() as looking:
            with network_awake(box, project, observed=observed) as sleep_again:
                dev = DevLook(box, project, observed)
                preview.bring_in(dev)
                if not request.drain:
                    sleep_again()
                now = preview.compare(dev)
                if request.drain:
                    preview.drain()
                looking.enter_context(steps.step("look", "current state"))
                if request.drain:
                    now = box.engine.containers(project.name)
                state = snapshot(box, project, observed=now)
            if watched:
                ensure_watcher(box, project)
                state = replace(state, watcher=watcher_state(box, project.root))
    outcome = preview.outcome(now, state=state, ms=round((box.clock.monotonic() - began) * 1000))
    must_drain(preview.drained, outcome.result)
    return outcome


def _refuse_known(box: Toolbox, session: Session) -> None:
    """Raise ProjectError for what the project's files alone show to be impossible."""
    refuse_impossible(box.files, box.sources, session)
    refuse_lost(box.files, box.sources, session)


class _Preview(Struct):
    """One preview: `session` has the users that the images name, once they are built; `open_ports` are read `beside` it. What
    was measured, in ms and by service, and what was examined on the way."""

    box: Toolbox
    request: PreviewRequest
    steps: Steps
    session: Session
    beside: Executor
    open_ports: Future[OpenPorts]
    switch_ms: dict[str, int] = field(default_factory=dict)
    gap_ms: dict[str, int | None] = field(default_factory=dict)
    checks: tuple[Finding, ...] = ()
    images: dict[str, ImageFacts] = field(default_factory=dict)
    drained: tuple[Drained, ...] = ()
    compared: Compared = field(default_factory=Compared)

    @property
    def project(self) -> Project:
        return self.session.project

    def bring_in(self, dev: DevLook) -> None:
        """Build, check, switch and probe; on any failure the previous version runs again, and the error says so."""
        box, session, request = self.box, self.session, self.request
        box.reporter.emit(Planned(plan_text(session.plan())))
        names = list(dict.fromkeys([*(s.name for s in self.project.services), *session.starting]))
        kept = list[str]()
        switch = switching(
            box,
            session,
            self.steps,
            names,
            leaves_nothing=True,
            timeout=request.timeout,
            before_undo=lambda: kept.extend(keep_failed(box.engine, session) if request.keep_failed else ()),
        )
        touched = False
        try:
            with switch:
                with dev:
                    self._prepare()
                    served = self.open_ports.result()
                switch.goes_on_with(self.session, names)
                touched = True
                self._switch(served)
        except (DevctlError, KeyboardInterrupt) as raised:
            if not touched:
                raise
            again = InterruptedByUser(hint="devctl prod-preview tries again")
            error = raised if isinstance(raised, DevctlError) else again
            with self.steps.step("look", "current state"):
                told = with_what_runs(
                    box, session, error, intent=switch.intent, restored=switch.restored, kept=kept
                )
            raise told from raised
        keep_applied(box, self.session, names)

    def _prepare(self) -> None:
        """Build and check. Nothing that runs is touched yet."""
        box, session = self.box, self.session
        with self.steps.step("look", "known blockers, before the build"):
            _refuse_known(box, session)
            advise(box, session, mode="prod")
            say_left_out(box.reporter, self.project, session.runs)
            check_startable(box, session)
        out = pull_missing(box, session, self.steps, timeout=self.request.compose_timeout)
        write_overlay(box.files, box.state, session)
        images, asked, not_built = self._build()
        if images is not session.images:  # while a build ran, dev may have been reloaded and listen elsewhere
            self.open_ports = self.beside.submit(_open_ports, box.engine, self.project, session.observed)
        with self.steps.step("check", "readiness for production"):
            listed = asked()
            for service in self.project.services:
                run, said = session.run(service.name), listed.get(service.name)
                image, found = looked_at(box, session, service, run=run, image=images[run.image], listed=said)
                self.images[service.name] = image
                self.checks += found
            must_be_ready(self.checks)
        ready = session.with_users({run.service: images[run.image].run_as for run in session.runs})
        refuse_unreadable(box.files, ready)
        wanted = tuple(d for d in ready.dependencies if d.name not in out | not_built)
        self.session = replace(ready, dependencies=wanted)

    def _build(self) -> tuple[Mapping[str, Image], Callable[[], Mapping[str, Listing]], frozenset[str]]:
        """Build what is not known to be current; the production images by reference, the function that waits for what Go says
        about their programs, and the dependencies that are left out."""
        box, session = self.box, self.session
        with self.steps.step("look", "whether the image is up to date"):
            inputs = {run.service: inputs_of(box, session, run) for run in session.runs}
            old = [
                r for r in session.runs if not is_current(box.private, session, r, inputs=inputs[r.service])
            ]
            current = {r.service for r in session.runs} - {r.service for r in old}
            names = [
                s.service or "" for s in session.plan() if s.step == "build" and s.service not in current
            ]
        asked = [r.service for r in session.runs if r in old or not was_listed(box.private, session, r)]
        listed = list_beside(box.processes, self.project, observed=session.observed, services=asked)
        if not names:
            return session.images, listed, frozenset()
        with other_way_named(box, session, names):
            ensure_bases(box, session, names, assemble=self.request.yes)
        out = build_all(box, session, self.steps, dict.fromkeys(names, "production stage"))
        images = box.engine.images([run.image for run in session.runs])
        for run in (r for r in old if r.service in names):
            note_built(box.private, session, run, inputs=inputs[run.service], image=images.get(run.image))
        return images, listed, out

    def _switch(self, served: OpenPorts) -> None:
        box, session = self.box, self.session
        before = {service.name: session.observed.of(service.name) for service in self.project.services}
        with ExitStack() as asking:
            gaps = {
                service.name: asking.enter_context(box.prober.measure_gap(partial(_good, box.prober, where)))
                for service in self.project.services
                if session.starting and (old := before[service.name]) is not None and old.state == "running"
                if (where := address(service, old)) is not None
            }
            began = box.clock.monotonic()
            write_overlay(box.files, box.state, session)
            ensure_cache(box, session, self.steps)
            for name, old in before.items():
                if old is not None and _would_inherit(
                    session.dockerfile(box.sources, session.run(name)), old
                ):
                    end(box, [old.id])
            self._start(_cause(before[self.project.first.name]), began, served)
            self.gap_ms = {
                s.name: gaps[s.name]() if s.name in gaps else None if _has_no_address(s) else 0
                for s in self.project.services
            }
        for name, old in before.items():
            was = (old.labels.get(MODE_LABEL) or "stopped") if old is not None else "stopped"
            switched = Switched(name, was, "prod", self.switch_ms[name], self.gap_ms[name])
            box.reporter.emit(switched)
            record(box, self.project.root, switched)

    def _start(self, cause: str, began: float, served: OpenPorts) -> None:
        """All services or none: the first that does not answer ends it, with its cause named while its container exists."""
        box, session, services = self.box, self.session, self.project.services
        names = session.starting
        remove_former(box, session, self.steps)
        if names:
            within = self.request.compose_timeout
            start_in_order(box, session, names, self.steps, step="switch", cause=cause, timeout=within)
        for service in services:
            try:
                with self.steps.step("probe", "until it answers", service=service.name):
                    wait_ready(
                        box,
                        self.project.name,
                        service,
                        timeout=self.request.timeout,
                        fresh=service.name in names,
                        beside=listening_beside(box, session, service),
                        served=served[service.name],
                    )
            except DevctlError as error:
                raise with_cause(box, session, service, error) from error
            took = round((box.clock.monotonic() - began) * 1000)
            self.switch_ms[service.name] = took if names else 0

    def compare(self, dev: DevLook) -> Observed:
        """Returns the containers, as they are after those requests."""
        sizes = {name: image.size_bytes for name, image in self.images.items()}
        with self.steps.step("compare", "the same requests sent to dev and to production"):
            now = self.box.engine.containers(self.project.name)
            self.compared = compare(self.box, dev, sizes, now=now)
            if self.compared.unlike:  # a request may have ended the program
                now = self.box.engine.containers(self.project.name)
        warn(self.box.reporter, self.compared)
        return now

    def drain(self) -> None:
        for service in self.project.services:
            now = self.box.engine.containers(self.project.name)
            with (
                self.steps.step("drain", "SIGTERM under load", service=service.name),
                stopping(self.box, self.project, self.steps, now, [service.name]),
            ):
                found = drain(self.box, self.project, service, timeout=self.request.timeout)
                self.drained = (*self.drained, found)

    def known(self) -> LastPreview:
        """For those who look at it later."""
        images = (
            PreviewedImage(
                name,
                self.session.run(name).base or "",
                image.size_bytes,
                image.program.size_bytes if image.program is not None else None,
            )
            for name, image in self.images.items()
        )
        return LastPreview(
            at=self.box.clock.now(),
            images=tuple(images),
            checks=(*self.checks, *self.compared.checks),
            switch_ms=max(self.switch_ms.values(), default=None),
            gap_ms=max((ms for ms in self.gap_ms.values() if ms is not None), default=None),
        )

    def outcome(self, now: Observed, *, state: State, ms: int) -> Outcome:
        each = [self._figures(now, service.name) for service in self.project.services]
        first = {key: value for key, value in each[0].items() if key in ("image", "binary", "hardening")}
        result: dict[str, object] = {
            **state.as_json(),
            "ms": ms,
            "switch_ms": max(self.switch_ms.values(), default=0),
            "gap_ms": max((ms for ms in self.gap_ms.values() if ms is not None), default=None),
            **first,
            "previews": each,
            "checks": [c.as_json() for c in (*self.checks, *self.compared.checks)],
            "differences": [d.as_json() for d in self.compared.rows],
            "answers": self.compared.answers(),
            "drain": as_json(self.drained) if self.drained else None,
        }
        return Outcome(result=result, text=preview_text(result, back=self.request.back))

    def _figures(self, now: Observed, name: str) -> dict[str, object]:
        """What is known about one service in production."""
        container, image = now.of(name), self.images.get(name)
        if container is None or image is None:
            raise ProjectError("the preview is gone", code="container-gone", hint="devctl prod-preview")
        program = image.program
        return {
            "service": name,
            "image": {
                "ref": image.ref,
                "base": self.session.run(name).base,
                "size_bytes": image.size_bytes,
                "layers": len(image.layers),
            },
            "binary": {
                "size_bytes": program.size_bytes if program is not None else None,
                "static": program.static if program is not None else None,
            },
            "hardening": hardening(container, self.project),
            "switch_ms": self.switch_ms.get(name, 0),
            "gap_ms": self.gap_ms.get(name),
        }


def _open_ports(engine: Engine, project: Project, observed: Observed) -> OpenPorts:
    return {s.name: served_ports(engine, s, observed.of(s.name)) for s in project.services}


def _would_inherit(facts: DockerfileFacts, old: Container) -> bool:
    """Whether compose, which keeps at each VOLUME of the image what the container before had there, would give production a
    folder of this machine."""
    lines = (i for stage in facts.stages for i in stage.instructions if i.cmd == "VOLUME")
    volumes = {posixpath.normpath(path) for line in lines for path in line.value}
    bound = {mount.partition(" (bind ")[0] for mount in old.mounts if " (bind " in mount}
    return not volumes.isdisjoint(bound)


def _good(prober: Prober, where: Endpoint) -> bool:
    return answers(prober, where, timeout=0.2)


def _has_no_address(service: Service) -> bool:
    return service.serve.port is None or service.serve.probe == "none"


def _cause(old: Container | None) -> str:
    mode = old.labels.get(MODE_LABEL) if old is not None else None
    return f"{mode} → prod" if mode else "prod"


def hardening(container: Container, project: Project) -> dict[str, object]:
    """What the engine really applied, not what was requested. The source counts as mounted if a folder with a main in it is:
    the file of a secret is in the project too."""
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
