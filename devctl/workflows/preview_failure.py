"""A preview that did not start: name why, then bring back exactly what ran before."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devctl.domain.failures import explain
from devctl.domain.listening import Listener, listeners
from devctl.domain.observed import MODE_LABEL, Container, Observed
from devctl.domain.ports import Toolbox
from devctl.domain.project import Service
from devctl.domain.runs import dev_run, image_ref
from devctl.domain.unset_env import named_in
from devctl.errors import DevctlError, FilesError, ProjectError
from devctl.workflows.in_front import followed
from devctl.workflows.ready import Listening, wait_ready
from devctl.workflows.session import Session
from devctl.workflows.snapshot import snapshot
from devctl.workflows.steps import Steps
from devctl.workflows.unreached import unreached

RESTORE_TIMEOUT = 60.0
UNNAMED = ("exits-at-start", "panics-at-start", "never-answers", "start-failed")
KEEP = "`devctl prod-preview --keep-failed` keeps its files as an image"
# Its container is about to go, and `devctl logs` then shows what is put back.
HINTS = {
    "exits-at-start": f"mend what its last lines say; {KEEP}",
    "panics-at-start": f"mend what its last lines say; {KEEP}",
    "unhealthy": f"does the image have what the health check runs, and is the address right? {KEEP}",
}


@dataclass(frozen=True, slots=True)
class Before:
    """What ran and what compose was last given (None: never up), taken before anything was written."""

    containers: Observed
    model: str | None
    files: Mapping[Path, str | None] = field(default_factory=dict)
    """What was built from: absolute path → text, None where there was no such file."""

    def ran(self, service: str) -> bool:
        found = self.containers.of(service)
        return found is not None and found.state == "running" and self.model is not None


def put_back_model(box: Toolbox, session: Session, before: Before) -> None:
    """The model says again what runs, and what is built from lies there as before."""
    for path, text in before.files.items():
        if text is None:
            box.files.remove(path)
        else:
            box.files.write_atomic(path, text, owner=session.project.owner)
    if before.model is None:
        box.files.remove(session.model_file)
        return
    owner = session.project.owner
    box.files.write_atomic(session.model_file, before.model, owner=owner, mode=0o600)


def put_back(
    box: Toolbox, session: Session, steps: Steps, *, before: Before, keep: bool, error: BaseException
) -> None:
    """What ran before serves again, what did not is gone. `error` keeps its cause and gets the state after as result.

    `keep`: the failed containers' files stay for study, as images.
    """
    project = session.project
    kept = _keep(box, session) if keep else []
    put_back_model(box, session, before)
    names = [s.name for s in project.services if before.ran(s.name)]
    there = {c.id for c in before.containers.containers}
    had = {c.service for c in before.containers.containers}
    now = box.engine.containers(project.name).containers
    box.engine.remove_containers([c.id for c in now if c.id not in there and c.service not in had])
    answered = _restore(box, session, steps, before, names) if names else False
    if not isinstance(error, DevctlError):
        return
    error.result.update(snapshot(box, project).as_json())
    if error.detail:
        error.result["log"] = error.detail.splitlines()
    if kept:
        error.result["kept"] = kept[0] if len(kept) == 1 else kept
    modes = {str(c.labels.get(MODE_LABEL, "dev")) for n in names if (c := before.containers.of(n))}
    after = f"{' and '.join(sorted(modes))} serves again" if answered else "what ran before does not answer"
    after = after if names else "nothing runs, as before"
    error.problem = replace(error.problem, message=f"{error.problem.message}; {after}")


def _keep(box: Toolbox, session: Session) -> list[str]:
    kept = []
    for service in session.project.services:
        failed = box.engine.containers(session.project.name).of(service.name)
        if failed is not None and failed.labels.get(MODE_LABEL) == "prod":
            kept.append(image_ref(session.project.name, service.name, "failed"))
            box.engine.commit(failed.id, kept[-1])
    return kept


def _restore(box: Toolbox, session: Session, steps: Steps, before: Before, names: list[str]) -> bool:
    """Whether all of it answers. A failure here never hides why the preview failed."""
    project = session.project
    for name in names:
        old = before.containers.of(name)
        if old is not None and not old.image.startswith("sha256:"):
            box.engine.tag(old.image_id, old.image)  # a preview over a preview has moved the tag
    with (
        contextlib.suppress(ProjectError, FilesError),
        steps.step("restore", "the preview did not start", service=names[0]),
    ):
        with followed(box, session, names):
            done = box.compose.up(session.model_file, names, no_deps=True)
        if done.code != 0:
            raise ProjectError("compose refuses", code="start-failed", hint="devctl up", detail=done.output)
        for name in names:
            wait_ready(box, project.name, _service(session, name), timeout=RESTORE_TIMEOUT)
        return True
    return False


def _service(session: Session, name: str) -> Service:
    found = session.project.service(name)
    assert found is not None
    return found


def name_cause(box: Toolbox, session: Session, service: Service, error: DevctlError) -> None:
    """Say what an unsuccessful start died of, where its log or its sockets tell; else leave the error as it is."""
    logs = f"devctl logs {service.name}"
    hint = error.problem.hint.removesuffix("; the next save is built and tried again").replace(
        f"`{logs}`; ", ""
    )
    hint = hint.replace(logs, HINTS.get(error.code, logs))
    error.problem = replace(error.problem, hint=hint)
    if error.code not in UNNAMED:
        return
    container = box.engine.containers(session.project.name).of(service.name)
    if container is None:
        return
    log = box.engine.logs(container.id, tail=40)
    known = explain(
        "start",
        log,
        exit_code=container.exit_code,
        oom_killed=container.oom_killed,
        service=service.name,
    )
    if known is not None:
        message = f"{error.problem.message}: {known.message}"
        variable = named_in(log, service.unset_env) if known.code == "variable-missing" else None
        place = variable.place if variable is not None else error.problem.place
        error.problem = replace(
            error.problem, code=known.code, message=message, hint=known.hint, why=known.why, place=place
        )
    elif error.code == "never-answers" and service.port is not None:
        cause = unreached(service, listening_beside(box, session, service)(container))
        if cause is not None:
            error.problem = replace(error.problem, code=cause.code, message=cause.message, hint=cause.hint)


def listening_beside(box: Toolbox, session: Session, service: Service) -> Listening:
    """What listens in a container's network; read through the dev image, since a distroless one has nothing to read with."""
    image = dev_run(session.project, service).image

    def look(container: Container) -> tuple[Listener, ...]:
        if image not in box.engine.images([image]):
            return ()
        argv = [
            "docker",
            "run",
            "--rm",
            "--network",
            f"container:{container.id}",
            "--entrypoint",
            "cat",
            image,
        ]
        return listeners(box.processes.run([*argv, "/proc/net/tcp", "/proc/net/tcp6"], timeout=10).stdout)

    return look
