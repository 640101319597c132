"""A rebuild that cannot hurt: build → prove that the source compiles on it → recreate → it answers, or the old one comes back."""

from __future__ import annotations

from pathlib import Path

from devctl.domain.observed import PROJECT_LABEL, Container
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.domain.render import CACHE_TARGET, SOURCE_TARGET
from devctl.errors import DevctlError, ProjectError
from devctl.workflows.bases_needed import ensure_bases
from devctl.workflows.bridge import network_awake, not_composes
from devctl.workflows.execute import build, compose_up
from devctl.workflows.manifests import remember_manifest
from devctl.workflows.ready import first_place, wait_ready
from devctl.workflows.session import Session, write_overlay
from devctl.workflows.snapshot import note_old
from devctl.workflows.steps import Steps

ROLLBACK_TIMEOUT = 60.0


def replace_service(
    box: Toolbox, session: Session, service: Service, steps: Steps, *, timeout: float
) -> None:
    """Bring one running dev service to what is wanted. On any failure the previous image serves (again); then it raises."""
    with network_awake(box, session.project, observed=session.observed):
        _replace(box, session, service, steps, timeout=timeout)


def _replace(box: Toolbox, session: Session, service: Service, steps: Steps, *, timeout: float) -> None:
    project = session.project
    old = box.engine.containers(project.name).of(service.name)
    old_model = box.files.read_text(session.model_file)
    causes = {s.step: s.cause for s in session.plan() if s.service == service.name}
    write_overlay(box, session)
    try:
        if "build" in causes:
            ensure_bases(box, session, steps, [service.name], assemble=False)
            with steps.step("build", causes["build"], service=service.name):
                build(box, session, service.name)
            with steps.step("prove", "the source must compile on it", service=service.name):
                _prove(box, session, service)
    except BaseException:
        _put_back_files(box, session, service, old, old_model)
        raise
    try:
        with steps.step("start", causes.get("start", "new image"), service=service.name):
            compose_up(box, session, [service.name], no_deps=True)
        with steps.step("probe", "must answer", service=service.name):
            wait_ready(box, project.name, service, timeout=timeout)
    except DevctlError:
        _roll_back(box, session, service, steps, old=old, old_model=old_model)
        raise
    _forget(box, project, service, old)


def _forget(box: Toolbox, project: Project, service: Service, old: Container | None) -> None:
    note_old(box, project, service.name, None)
    remember_manifest(box, project, service)
    now = box.engine.containers(project.name).of(service.name)
    if old is not None and now is not None and old.image_id != now.image_id:
        box.engine.remove_image(
            old.image_id
        )  # the one image we superseded; refused while anything else uses it


def _put_back_files(
    box: Toolbox, session: Session, service: Service, old: Container | None, old_model: str | None
) -> None:
    """The tag and the model say again what runs."""
    if old is not None:
        box.engine.tag(old.image_id, session.run(service.name).image)
    if old_model is not None:
        box.files.write_atomic(session.model_file, old_model, owner=session.project.owner, mode=0o600)


def _roll_back(
    box: Toolbox,
    session: Session,
    service: Service,
    steps: Steps,
    *,
    old: Container | None,
    old_model: str | None,
) -> None:
    if old is None or old_model is None:
        return
    _put_back_files(box, session, service, old, old_model)
    with steps.step("restore", "the new container did not answer", service=service.name):
        compose_up(box, session, [service.name], no_deps=True)
        wait_ready(box, session.project.name, service, timeout=ROLLBACK_TIMEOUT)


def _prove(box: Toolbox, session: Session, service: Service) -> None:
    """Compile the mounted source on the new image, in a container of its own; the running one is not touched."""
    run = session.run(service.name)
    if not (run.ours or service.shares_cache):
        return  # a dev stage of the user's: we do not know how it builds
    folder = SOURCE_TARGET if service.dir == "." else f"{SOURCE_TARGET}/{service.dir}"
    argv = ["docker", "run", "--rm", *not_composes(), "--label", f"{PROJECT_LABEL}={session.project.name}"]
    argv += [
        "--volume",
        f"{session.project.root}:{SOURCE_TARGET}",
        "--volume",
        f"{session.cache_volume}:{CACHE_TARGET}",
    ]
    argv += ["--user", run.user] if run.user else []
    argv += [f"--env={key}={value}" for key, value in service.build_env.items()]
    tags = ["-tags", ",".join(service.build_tags)] if service.build_tags else []
    command = ["build", "-ldflags=-w", *tags, "-o", "/dev/null", service.main]
    done = box.processes.run(
        [*argv, "--workdir", folder, "--entrypoint", "go", run.image, *command],
        cwd=Path(session.project.root),
    )
    if done.code != 0:
        raise ProjectError(
            f"{service.name} does not compile with the new dependencies",
            code="does-not-compile",
            hint="mend the code or go.mod and save; the old container serves until then",
            place=first_place(done.output, service),
            detail=done.output.strip(),
        )
