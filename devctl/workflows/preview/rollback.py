"""A preview that did not start: name the cause, and say what runs now after the rollback."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from devctl.domain.command.argv import docker
from devctl.domain.detect.required_env import named_in
from devctl.domain.failures import explain
from devctl.domain.failures.listeners import Listener, listeners
from devctl.domain.plan.engine_state import MODE_LABEL, Container
from devctl.domain.plan.run import dev_run, image_ref
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Service
from devctl.errors import DevctlError
from devctl.workflows.ready.unreachable import Listening, unreached
from devctl.workflows.session.session import Session
from devctl.workflows.state.snapshot import what_runs
from devctl.workflows.switch.intent import Intent

_NO_FOLDER = ("image-lacks-file", "writes-to-disk")
UNNAMED = ("exits-at-start", "command-not-found", "panics-at-start", "never-answers", "start-failed")
KEEP = "`devctl prod-preview --keep-failed` keeps its files as an image"
# Its container is about to go, and `devctl logs` then shows the previous version.
HINTS = {
    "exits-at-start": f"fix what its last lines report; {KEEP}",
    "command-not-found": f"fix what its last lines report; {KEEP}",
    "panics-at-start": f"fix what its last lines report; {KEEP}",
    "unhealthy": f"does the image contain the program that the health check runs, and is the address right? {KEEP}",
}


def with_what_runs(
    box: Toolbox,
    session: Session,
    error: DevctlError,
    *,
    intent: Intent,
    restored: bool | None,
    kept: Sequence[str],
) -> DevctlError:
    """The error with the state after it. `kept`: images of what failed, for inspection."""
    state = what_runs(box, session.project)
    result = {**error.result, **(state.as_json() if state is not None else {})}
    if error.detail:
        result["log"] = error.detail.splitlines()
    if kept:
        result["kept"] = kept[0] if len(kept) == 1 else list(kept)
    modes = sorted({it.mode or "dev" for it in intent.before if it.running and it.service in intent.ran})
    after = (
        f"{' and '.join(modes)} is serving again"
        if restored is not False
        else "the previous version does not answer"
    )
    if not intent.ran:
        after = f"{state.still_runs if state is not None else 'nothing runs'}, as before"
    return error.replace(message=f"{error.problem.message}; {after}", result=result)


def keep_failed(engine: Engine, session: Session) -> list[str]:
    """The failed containers' files, as images."""
    kept = []
    for service in session.project.services:
        failed = engine.containers(session.project.name).of(service.name)
        if failed is not None and failed.labels.get(MODE_LABEL) == "prod":
            kept.append(image_ref(session.project.name, service.name, "failed"))
            engine.commit(failed.id, kept[-1])
    return kept


def with_cause(box: Toolbox, session: Session, service: Service, error: DevctlError) -> DevctlError:
    """The error of a failed start with its cause, if its log or its sockets show it."""
    logs = f"devctl logs {service.name}"
    hint = error.problem.hint.replace(f"`{logs}`; ", "")
    hint = hint.replace(logs, HINTS.get(error.code, logs))
    container = box.engine.containers(session.project.name).of(service.name)
    if error.code in _NO_FOLDER and (target := left_out_folder(session, service, error.problem.path)):
        hint = (
            f"production does not get the folder of this machine that the compose file mounts at {target}: use a named "
            "volume there, "
        )
        return error.replace(hint=f"{hint}or devctl.yaml: `prod: {{writable: [{target}]}}`")
    if error.code == "image-lacks-file" and leads_nowhere(session, service, error.problem.path):
        hint = f"{error.problem.path} is a link, and its target is not in the build context: move the target into the project, or "
        return error.replace(hint=f"{hint}remove its line from .dockerignore")
    if error.code not in UNNAMED or container is None:
        return error.replace(hint=hint)
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
        variables = named_in(log, service.start.unset_env) if known.code == "variable-missing" else []
        place = variables[0].place if variables else error.problem.place
        return error.replace(code=known.code, message=message, hint=known.hint, why=known.why, place=place)
    if error.code == "never-answers" and service.serve.port is not None:
        cause = unreached(service, listening_beside(box, session, service)(container))
        if cause is not None:
            return error.replace(code=cause.code, message=cause.message, hint=cause.hint)
    return error.replace(hint=hint)


def leads_nowhere(session: Session, service: Service, path: str) -> bool:
    """Whether a file that devctl's production stage copies exists but cannot be opened: a dangling link."""
    return session.run(service.name).ours and posixpath.normpath(path) in service.build.files


def left_out_folder(session: Session, service: Service, path: str) -> str | None:
    """Where the compose file mounts a folder for the data at `path`, which a program did not find or cannot write."""
    path = posixpath.normpath(path)
    spec = session.project.spec(service.name)
    binds = (v for v in spec.get("volumes") or [] if v.get("type") == "bind")
    targets = [str(v["target"]).rstrip("/") for v in binds if v.get("source") != str(session.root)]
    if path.startswith("/"):
        return next((t for t in targets if f"{path}/".startswith(f"{t}/")), None)
    above = posixpath.dirname(path)
    return next((t for t in targets if above and t.endswith(f"/{above}")), None)


def listening_beside(box: Toolbox, session: Session, service: Service) -> Listening:
    """What listens in a container's network; read through the dev image, since a distroless one has nothing to read with."""
    image = dev_run(session.project, service).image

    def look(container: Container) -> tuple[Listener, ...]:
        if image not in box.engine.images([image]):
            return ()
        shared = ["--rm", "--network", f"container:{container.id}", "--entrypoint", "cat"]
        argv = docker("run", *shared, to=[image, "/proc/net/tcp", "/proc/net/tcp6"])
        return listeners(box.processes.run(argv, timeout=10).stdout)

    return look
