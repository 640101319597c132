"""A service that exited at startup: the output of its last run, what it died of, and where."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from devctl.domain.command.argv import docker, mount
from devctl.domain.detect.required_env import env_file_ended_for, named_in, unset_hint, unset_message
from devctl.domain.failures import Explained, explain
from devctl.domain.failures.catalog import codes
from devctl.domain.failures.dev_log import of_last_run, without_airs_own
from devctl.domain.failures.panics import own_line, panic_line
from devctl.domain.failures.places import of_project
from devctl.domain.failures.serve_command import serving_word
from devctl.domain.numbers import whole
from devctl.domain.paths import is_below
from devctl.domain.plan.engine_state import ROOT_LABEL, Container
from devctl.domain.plan.run import image_ref
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.ports.host import Clock, Reporter
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project, Service
from devctl.domain.regex import regex
from devctl.errors import DevctlError, Problem, ProjectError
from devctl.workflows.engine.network_holder import temporary
from devctl.workflows.project.find import copying, example_of
from devctl.workflows.ready.peers import by_name

LINES = 20
"""Lines of a service's log that are shown below an error."""
SIGKILLED = 137
COMMAND_NOT_FOUND = 127
"""The exit code of a shell that finds no such program:
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02"""
TOLD_LATE = 2.0
"""Seconds within which the engine has reported an OOM kill."""
_DENIED = regex(r"(?P<path>/[^\s:]+)(?: /\S+)?: permission denied")
_NOT_FOUND = regex(r"(?:open|stat|lstat|read|chdir) (?P<path>[^\s:]+): no such file or directory")
# os.Args has one element if no arguments are given: the program's own name.
_NO_ARGUMENT = regex(r"index out of range \[\d\] with length 1$|slice bounds out of range \[\d:1\]$")
_CONFIG = regex(r"(?<![\w/.])[\w][\w./-]*\.(?:ya?ml|toml|json|ini|conf|env)\b")
_VOLUME = regex(r"(?P<target>/\S*) \(volume (?P<name>\S+)\)")


def exited(
    box: Toolbox, project: str, service: Service, container: Container, *, code: int | None = None
) -> DevctlError:
    """Why a container exited; `code` if a process in it did, and the container lives on."""
    log, killed = tail(box.engine, container), container.oom_killed
    # The program runs below air, which outlives it.
    air = container.mode == "dev" and code is None
    code = container.exit_code if code is None else code
    if container.restarts:  # a restart policy has restarted it, so its state and log are of several runs
        run = box.engine.last_run(container.id, tail=LINES)
        if run is not None:
            log = without_airs_own(run.log.strip(), container.log_mark)
            code, killed = run.exit_code, run.oom_killed
        code = code or 1
    if code == SIGKILLED and not killed:
        killed = _for_its_memory(box.engine, box.clock, container)
    dev = container.mode == "dev"
    lacked = env_file_ended_for(service, log, dev=dev) if code else None
    if lacked is not None:
        return _lacks_file(service, lacked, code, log)
    known = explain("start", log, exit_code=code, oom_killed=killed, service=service.name, air=air)
    if known is None or known.code == "variable-missing":
        lacks = _lacks_variable(service, log, before=f"{service.name} exited with code {code}")
        if lacks is not None:
            return lacks
    if known is not None and known.code == "image-lacks-file" and dev:
        known = _not_in_folder(box.files, service, container, known, log)
    if known is not None and known.code == "file-not-permitted" and dev:
        known = _not_for_who_develops(container, known)
    if known is not None:
        known = of_volume(box, project, service, container, known=known, log=log)
        known = by_name(box.engine, project, service, container, known=known, log=log)
        return known.error(
            detail=of_project(log, service),
            before=f"{service.name} exited with code {code}",
            place=own_line(log, service),
        )
    said = panic_line(log)
    lacked = _with_example(box.files, service, container, log) if code and dev else None
    if lacked is not None:
        return _lacks_file(service, lacked, code, log)
    if said is not None:
        return panicked(service, said, log)
    return _exited(service, code, log, dev=dev)


def _with_example(files: Files, service: Service, container: Container, log: str) -> Problem | None:
    """A file that the last lines mention, which does not exist here although an example of it does: it should have been
    copied."""
    root = Path(container.labels.get(ROOT_LABEL, "."))
    for path in dict.fromkeys(_CONFIG.findall(log)):
        shown = _shown(service, path)
        if not files.exists(root / shown) and (example := example_of(files, root / shown)) is not None:
            message = f"its last lines mention {shown}, which does not exist here"
            return Problem("file-missing", message, _copied(root, example, shown), own_line(log, service))
    return None


def _shown(service: Service, path: str) -> Path:
    """The path in the project of what the program calls `path`."""
    return Path(posixpath.normpath(posixpath.join(service.source.dir, service.start.workdir, path)))


def _copied(root: Path, example: Path, shown: Path) -> str:
    return f"{copying(root, example, root / shown)}, and fill in the missing values"


def _not_in_folder(
    files: Files, service: Service, container: Container, known: Explained, log: str
) -> Explained:
    """In dev the program sees the project's folder: a missing file was not committed, or is looked for elsewhere."""
    said = _NOT_FOUND.search(log)
    if said is None:
        return known
    path = said["path"]
    if path.startswith("/"):
        hint = f"mount it: `volumes: [./FILE:{path}]` in the compose file"
        return replace(known, message=f"{path} is not in the dev container", hint=hint)
    shown = _shown(service, path)
    root = Path(container.labels.get(ROOT_LABEL, "."))
    example = example_of(files, root / shown)
    hint = _copied(root, example, shown) if example is not None else f"create {shown}, or fix the path"
    return replace(
        known,
        code="file-missing",
        message=f"the program exits without {shown}, which does not exist here",
        hint=hint,
    )


def _not_for_who_develops(container: Container, known: Explained) -> Explained:
    """A dev container runs as the owner of the project's folder, whatever user the image has."""
    what = known.message.partition(":")[0]
    user = container.user
    return replace(
        known,
        message=f"{what}: the dev container runs as {user}, which owns the project's folder",
        hint=f"let {user} read it: change its owner or mode here, or use COPY --chmod=0444 … in the Dockerfile",
    )


def _for_its_memory(engine: Engine, clock: Clock, container: Container) -> bool:
    """Whether the engine reports an OOM kill, possibly after the exit that it caused."""
    until = clock.monotonic() + TOLD_LATE
    while True:
        run = engine.last_run(container.id, tail=LINES)
        if run is None or run.oom_killed or clock.monotonic() >= until:
            return run is not None and run.oom_killed
        clock.sleep(0.1)


def _exited(service: Service, code: int, log: str, *, dev: bool) -> ProjectError:
    hint, place = f"devctl logs {service.name}", own_line(log, service)
    word = None if service.start.args else serving_word(log)
    if word is not None:
        hint = f"{hint}; it expects a subcommand, devctl.yaml: `services: {{{service.name}: {{args: [{word}]}}}}`"
    elif code != 0 and service.start.unset_env:
        names = [variable.value for variable in service.start.unset_env]
        hint = f"{hint}; {unset_message(names)}: {unset_hint(service.name, names)}"
        place = place or service.start.unset_env[0].place
    elif code != 0 and dev and not service.start.args:  # in production it gets the same as in dev
        given = f"`services: {{{service.name}: {{args: [--flag, value], env: {{NAME: value}}}}}}`"
        hint = f"{hint}; set what it needs in devctl.yaml: {given}"
    elif code == 0 and not service.start.args:  # it printed its help, for example
        hint = f"{hint}; if it needs a subcommand, devctl.yaml: `services: {{{service.name}: {{args: [serve]}}}}`"
    before = "" if service.serve.port is None else " before it answered"
    return ProjectError(
        f"{service.name} exited with code {code}{before}",
        code="command-not-found" if code == COMMAND_NOT_FOUND else "exits-at-start",
        hint=hint,
        place=place,
        detail=of_project(log, service),
    )


def _lacks_file(service: Service, lacked: Problem, code: int, log: str) -> ProjectError:
    return ProjectError(
        f"{service.name} exited with code {code}: {lacked.message}",
        code=lacked.code,
        hint=lacked.hint,
        place=lacked.place,
        detail=of_project(log, service),
    )


def _lacks_variable(service: Service, log: str, *, before: str) -> ProjectError | None:
    """If a program's last lines name a variable that its code requires and nothing sets."""
    named = named_in(log, service.start.unset_env)
    if not named:
        return None
    names = [variable.value for variable in named]
    return ProjectError(
        f"{before}: {unset_message(names)}",
        code="variable-missing",
        hint=unset_hint(service.name, names),
        place=named[0].place,
        detail=of_project(log, service),
    )


def panicked(service: Service, said: str, log: str) -> DevctlError:
    before = f"{service.name} panics at startup"
    lacks = _lacks_variable(service, log, before=before)
    known = explain("start", log, service=service.name) if lacks is None else None
    if known is not None and known.code in codes("unreachable_peer"):
        return known.error(detail=of_project(log, service), before=before, place=own_line(log, service))
    hint = f"devctl logs {service.name}"
    if not service.start.args and _NO_ARGUMENT.search(said):
        given = f"devctl.yaml: `services: {{{service.name}: {{args: [VALUE]}}}}`"
        hint = f"if that line reads os.Args: {given}; else {hint}"
    return lacks or ProjectError(
        f"{service.name} panics at startup: {said}",
        code="panics-at-start",
        hint=hint,
        place=own_line(log, service),
        detail=of_project(log, service),
    )


def with_ended_dependency(engine: Engine, project: Project, error: DevctlError) -> DevctlError:
    """If a service did not become ready: a database beside it that exited is reported too, and its log comes first."""
    if error.code not in codes("unreachable_peer") | {
        "exits-at-start",
        "command-not-found",
        "panics-at-start",
        "never-answers",
    }:
        return error
    for beside, said in _ended_beside(engine, project):
        message = f"{error.problem.message}; {beside.service} exited with code {beside.exit_code}"
        message = f"{message}: {said}" if said else message
        return error.replace(message=message, hint=_starts_again(beside))
    return error


def say_ended_dependencies(reporter: Reporter, engine: Engine, project: Project) -> None:
    """The Go services answer, but a container beside them is not running: what needs it fails later."""
    for beside, said in _ended_beside(engine, project):
        message = f"{beside.service} is not running: it exited with code {beside.exit_code}"
        message = f"{message}: {said}" if said else message
        reporter.warn(Problem("dependency-exited", message, _starts_again(beside)))


def _ended_beside(engine: Engine, project: Project) -> Iterator[tuple[Container, str]]:
    """The dependencies that failed, each with the last line of its log."""
    for beside in engine.containers(project.name).containers:
        ended = beside.state == "exited" and beside.exit_code != 0
        if project.service(beside.service) is None and (ended or beside.state == "restarting"):
            yield beside, next(reversed(tail(engine, beside).splitlines()), "").strip()


def _starts_again(dependency: Container) -> str:
    return f"devctl logs {dependency.service}; `devctl up` starts it again"


def tail(engine: Engine, container: Container | None) -> str:
    if container is None:
        return ""
    log = of_last_run(engine.logs(container.id, tail=4 * LINES).strip(), container.log_mark)
    own = without_airs_own(log, container.log_mark)
    return "\n".join(own.split("\n")[-LINES:])


def of_volume(
    box: Toolbox, project: str, service: Service, container: Container, *, known: Explained, log: str
) -> Explained:
    """What may not be opened is on a volume: then the fix is neither the image nor a tmpfs, but the volume's owner."""
    denied = _DENIED.search(log)
    volumes = [found for mount in container.mounts if (found := _VOLUME.fullmatch(mount))]
    on = [v for v in volumes if denied is not None and is_below(denied["path"], v["target"])]
    if denied is None or not on or known.code not in ("writes-to-disk", "file-not-permitted"):
        return known
    volume, image = max(on, key=lambda v: len(v["target"])), image_ref(project, service.name, "dev")
    flags = ["--rm", "--network=none", *temporary(box.identity, project), "--user=0", "--entrypoint=stat"]
    kept = mount("volume", volume["name"], "/v", read_only=True)
    look = docker("run", *flags, kept, to=[image, "-c", "%u:%g", "/v"])
    seen = box.processes.run(look, timeout=20)
    owner = seen.stdout.strip() if seen.code == 0 else "another user"
    user = _numeric(box, container)
    mode = "the dev container" if container.mode == "dev" else "production"
    return replace(
        known,
        code="volume-not-permitted",
        message=(
            f"it cannot open {denied['path']}: the volume {volume['name']} belongs to {owner}, but {mode} runs as "
            f"{container.user}"
        ),
        hint=f"docker run --rm -u 0 -v {volume['name']}:/v --entrypoint chown {image} -R {user} /v",
    )


def _numeric(box: Toolbox, container: Container) -> str:
    """Its user in a form that other images know too: a name is only in the passwd of its own image."""
    name = container.user.partition(":")[0]
    if whole(name) is not None:
        return container.user
    try:
        passwd = box.images().binary(container.image, "/etc/passwd").decode(errors="replace")
    except DevctlError:
        return container.user
    found = re.search(rf"^{re.escape(name)}:[^:\n]*:(\d+):(\d+):", passwd, re.MULTILINE)
    return f"{found[1]}:{found[2]}" if found is not None else container.user
