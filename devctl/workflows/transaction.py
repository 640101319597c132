"""A rebuild that cannot hurt: build and prove that the source compiles → recreate → it answers, or the old one comes back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devctl.domain.observed import INPUTS_LABEL, Container
from devctl.domain.ports import Toolbox
from devctl.domain.private_git import only_in_a_build
from devctl.domain.project import Service
from devctl.errors import DevctlError, FilesError, ProjectError
from devctl.workflows.bases_needed import ensure_bases
from devctl.workflows.bridge import network_awake
from devctl.workflows.execute import build, compose_up
from devctl.workflows.manifests import deps_fingerprint, remember_manifest
from devctl.workflows.prove import provable, prove_beside, prove_on_image
from devctl.workflows.ready import wait_ready
from devctl.workflows.session import Session, write_overlay
from devctl.workflows.snapshot import note_old
from devctl.workflows.steps import Steps

ROLLBACK_TIMEOUT = 60.0


class Superseded(ProjectError):
    """The files moved on while an image was built: the next round has them."""


def replace_service(
    box: Toolbox, session: Session, service: Service, steps: Steps, *, timeout: float, assemble: bool = False
) -> None:
    """Bring one running dev service to what is wanted. On any failure the previous image serves (again); then it raises."""
    old = session.observed.of(service.name)
    old_model = box.files.read_text(session.model_file)
    causes = {str(s.step): s.cause for s in session.plan() if s.service == service.name}
    replacing = _Replacing(box, session, service, steps, old, old_model, assemble)
    with network_awake(box, session.project, observed=session.observed):
        replacing.build_and_prove(causes)
        replacing.switch(causes.get("start", "new image"), timeout)
    replacing.forget()


@dataclass(frozen=True, slots=True)
class _Replacing:
    box: Toolbox
    session: Session
    service: Service
    steps: Steps
    old: Container | None
    old_model: str | None
    assemble: bool

    def build_and_prove(self, causes: Mapping[str, str]) -> None:
        """Nothing that runs is touched; when this fails or is interrupted, tag and model say again what runs."""
        try:
            proof = self._proof_beside() if "build" in causes else None
            write_overlay(self.box, self.session)
            if "build" in causes:
                self._build_and_prove(causes["build"], proof)
        except BaseException:
            self._drop(self._put_back_files())
            raise

    def _proof_beside(self) -> Callable[[], None] | None:
        if self.old is None or not self._same_base():
            return None
        return prove_beside(self.box, self.session, self.service, self.old)

    def _build_and_prove(self, cause: str, proof: Callable[[], None] | None) -> None:
        box, session, service = self.box, self.session, self.service
        if proof is None:
            ensure_bases(box, session, self.steps, [service.name], assemble=self.assemble)
        try:
            with self.steps.step("build", cause, service=service.name):
                build(box, session, service.name)
        finally:
            self._check_still_wanted()
        if not provable(session, service):
            return
        with self.steps.step("prove", "the source must compile on it", service=service.name):
            if proof is not None:
                proof()
            else:
                prove_on_image(box, session, service)
        self._check_still_wanted()

    def _check_still_wanted(self) -> None:
        """A build reads the files as they are then: what came of a mixture of two versions is not brought in."""
        wanted = next(w for w in self.session.wanted if w.service == self.service.name)
        if deps_fingerprint(self.box, self.session.project, self.service) != wanted.deps:
            raise Superseded(
                f"the dependencies of {self.service.name} changed while they were built",
                code="changed-meanwhile",
                hint="devctl up again",
            )

    def _same_base(self) -> bool:
        """Whether the new image differs from the running one by its modules alone."""
        if not provable(self.session, self.service) or self.old is None:
            return False
        if only_in_a_build(json.loads(self.session.model_text)["services"][self.service.name]["build"]):
            return False
        wanted = next(w for w in self.session.wanted if w.service == self.service.name)
        image = self.session.images.get(wanted.image)
        return (
            image is not None
            and image.id == self.old.image_id
            and image.labels.get(INPUTS_LABEL) == wanted.recipe
        )

    def switch(self, cause: str, timeout: float) -> None:
        """The new container, until it answers; on any failure the old image runs again, on an interruption as well."""
        with self.box.processes.one_interrupt() as no_more:
            try:
                self._start(cause, timeout)
            except (DevctlError, KeyboardInterrupt):
                no_more()
                self._roll_back()
                raise

    def _start(self, cause: str, timeout: float) -> None:
        name = self.service.name
        with self.steps.step("start", cause, service=name):
            compose_up(self.box, self.session, [name], no_deps=True)
        with self.steps.step("probe", "must answer", service=name):
            wait_ready(self.box, self.session.project.name, self.service, timeout=timeout)

    def _put_back_files(self) -> str | None:
        """Returns the image that was built in vain: the tag is taken off it."""
        made = None
        if self.old is not None:
            ref = self.session.run(self.service.name).image
            found = self.box.engine.images([ref]).get(ref)
            made = found.id if found is not None and found.id != self.old.image_id else None
            self.box.engine.tag(self.old.image_id, ref)
        if self.old_model is not None:
            owner = self.session.project.owner
            self.box.files.write_atomic(self.session.model_file, self.old_model, owner=owner, mode=0o600)
        return made

    def _drop(self, image: str | None) -> None:
        if image is not None:
            self.box.engine.remove_image(image)

    def _roll_back(self) -> None:
        if self.old is None or self.old_model is None:
            return
        made = self._put_back_files()
        # One that did not answer before either is as it was; what is told is why the new one failed.
        with (
            contextlib.suppress(ProjectError, FilesError),
            self.steps.step("restore", "the new container did not answer", service=self.service.name),
        ):
            compose_up(self.box, self.session, [self.service.name], no_deps=True)
            wait_ready(self.box, self.session.project.name, self.service, timeout=ROLLBACK_TIMEOUT)
        self._drop(made)

    def forget(self) -> None:
        """What was learned of the old one, and its image: the one image that we superseded, unless something uses it."""
        note_old(self.box, self.session.project, self.service.name, None)
        remember_manifest(self.box, self.session.project, self.service)
        now = self.box.engine.containers(self.session.project.name).of(self.service.name)
        if self.old is not None and now is not None and self.old.image_id != now.image_id:
            self.box.engine.remove_image(self.old.image_id)
