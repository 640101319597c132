"""A rebuild that can do no harm: build and prove that the source compiles → recreate → it answers, or the old one comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from devctl.domain.command.requests import COMPOSE_TIMEOUT
from devctl.domain.derive.git_access import only_in_a_build
from devctl.domain.plan.engine_state import INPUTS_LABEL, Container
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Service
from devctl.errors import ProjectError
from devctl.workflows.bases.needed import ensure_bases
from devctl.workflows.dev.compile_check import debugging_begins, provable, prove_beside, prove_on_image
from devctl.workflows.engine.compiler_cache import ensure_cache
from devctl.workflows.engine.debugger import ensure_debugger
from devctl.workflows.engine.execute import build
from devctl.workflows.engine.network_holder import network_awake
from devctl.workflows.ready.dependencies import start_in_order
from devctl.workflows.ready.wait import served_ports, wait_ready
from devctl.workflows.session.manifests import deps_fingerprint, remember_manifest
from devctl.workflows.session.session import Session, write_overlay
from devctl.workflows.session.startable import check_startable
from devctl.workflows.session.steps import Steps
from devctl.workflows.state.snapshot import broken_build, note_old
from devctl.workflows.switch.switch import switching


class Superseded(ProjectError):
    """The files changed again while an image was built: the next round handles them."""


def replace_service(
    box: Toolbox,
    session: Session,
    service: Service,
    steps: Steps,
    *,
    timeout: float,
    assemble: bool = False,
    anew: bool = False,
    judge: Callable[[], None] = lambda: None,
) -> None:
    """Bring one dev service to the desired state. On any failure the previous image serves (again); then it raises.

    `anew`: with a rebuilt deps layer, even if nothing changed. `judge` examines the image before it is started, and may raise.
    """
    causes = {str(s.step): s.cause for s in session.plan() if s.service == service.name}
    causes |= {"build": "requested", "start": "new image"} if anew else {}
    replacing = _Replacing(box, session, service, steps, session.observed.of(service.name), assemble, anew)
    with (
        switching(box, session, steps, [service.name], timeout=timeout),
        # Finishes first: the container that keeps the network awake uses the image that is superseded.
        network_awake(box, session.project, observed=session.observed),
        ThreadPoolExecutor(1) as beside,
    ):
        proof = replacing.build(causes)
        # Not before: the old one is reloaded while a long build runs, and may then listen elsewhere.
        served = beside.submit(served_ports, box.engine, service, replacing.old)
        replacing.prove(causes, proof)
        judge()
        replacing.start(causes.get("start", "new image"), timeout, served.result())
    note_old(box, session.project, service.name, None)
    remember_manifest(box, session.project, service)


class _Replacing(Struct, frozen=True):
    box: Toolbox
    session: Session
    service: Service
    steps: Steps
    old: Container | None
    assemble: bool
    anew: bool

    def build(self, causes: Mapping[str, str]) -> Callable[[], None] | None:
        """Nothing that runs is touched. Returns the proof that was started in parallel, if the base stays the same."""
        check_startable(self.box, self.session)
        proof = self._proof_beside() if "build" in causes else None
        write_overlay(self.box.files, self.box.state, self.session)
        if "build" in causes:
            self._build(causes["build"], proof)
        return proof

    def prove(self, causes: Mapping[str, str], proof: Callable[[], None] | None) -> None:
        """Nothing that runs is touched."""
        ensure_cache(self.box, self.session, self.steps)
        ensure_debugger(self.box, self.session, self.steps)
        if "build" in causes or debugging_begins(self.session, self.service) or self._is_broken():
            self._prove(proof)

    def _proof_beside(self) -> Callable[[], None] | None:
        if self.old is None or not self._same_base():
            return None
        return prove_beside(self.box.processes, self.session, self.service, self.old)

    def _build(self, cause: str, proof: Callable[[], None] | None) -> None:
        box, session, service = self.box, self.session, self.service
        if proof is None:
            ensure_bases(box, session, [service.name], assemble=self.assemble)
        try:
            with self.steps.step("build", cause, service=service.name):
                build(box, session, service.name, anew=self.anew)
        finally:
            self._check_still_wanted()

    def _prove(self, proof: Callable[[], None] | None) -> None:
        box, session, service = self.box, self.session, self.service
        if not provable(session, service):
            return
        with self.steps.step("prove", "the source must compile on the new image", service=service.name):
            if proof is not None:
                proof()
            else:
                prove_on_image(box, session, service)
        self._check_still_wanted()

    def _check_still_wanted(self) -> None:
        """A build reads the files as they are then: a mixture of two versions must not be used."""
        wanted = self.session.wanted_of(self.service.name)
        if deps_fingerprint(self.box.files, self.session.project, self.service) != wanted.deps:
            raise Superseded(
                f"the dependencies of {self.service.name} changed while they were built",
                code="changed-meanwhile",
                hint="devctl up again",
            )

    def _is_broken(self) -> bool:
        """Whether the old container serves what preceded code that does not compile: a new one could not."""
        if self.old is None or self.old.state != "running":
            return False
        broken = broken_build(self.box.engine, self.old)
        return broken is not None and broken.old_runs

    def _same_base(self) -> bool:
        """Whether the new image differs from the running one only by its modules."""
        if (
            not provable(self.session, self.service)
            or self.old is None
            or debugging_begins(self.session, self.service)
        ):
            return False
        if only_in_a_build(self.session.model["services"][self.service.name]["build"]):
            return False
        wanted = self.session.wanted_of(self.service.name)
        image = self.session.images.get(wanted.image)
        return (
            image is not None
            and image.id == self.old.image_id
            and image.labels.get(INPUTS_LABEL) == wanted.recipe
        )

    def start(self, cause: str, timeout: float, served: frozenset[int]) -> None:
        name = self.service.name
        within = COMPOSE_TIMEOUT
        start_in_order(self.box, self.session, [name], self.steps, step="start", cause=cause, timeout=within)
        with self.steps.step("probe", self.session.wanted_of(name).must, service=name):
            project = self.session.project.name
            wait_ready(self.box, project, self.service, timeout=timeout, served=served)
