"""Problems with a project's Go bases and builders that are known before anything is built: a Go that is not available, a base
without the C compiler that the code needs, and a `# syntax` builder that is not available, which the engine's own replaces.

A Go base is never replaced with another version: the required one is pulled or assembled (workflows/bases/fetch.py), or its
absence is the error. Unavailable builders are remembered, so that no registry is asked again at each command.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.bases.references import golang_ref, parse, stand_in
from devctl.domain.command.state import Mode
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.stages import golang_tag
from devctl.domain.dockerfile.syntax_directive import Newer, newer_lines, syntax_line
from devctl.domain.go.versions import NEWEST_GO, minor
from devctl.domain.numbers import whole
from devctl.domain.plan.run import Run, configured_run
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.domain.project.private_notes import BuildersNote
from devctl.errors import MachineError, Problem
from devctl.workflows.bases.fetch import Registries, pull
from devctl.workflows.project.dev_stage_fallback import give_way
from devctl.workflows.project.users_dockerfile import written_text
from devctl.workflows.session.overlay import bases_of, dockerfile_of


class _Wanted(Struct, frozen=True):
    ref: str
    place: str


def resolve_bases(
    box: Toolbox,
    project: Project,
    *,
    mode: Mode,
    base: str | None = None,
    dry_run: bool = False,
    assemble: bool = False,
    say: bool = True,
    services: Iterable[str] = (),
) -> Project:
    """The project without the builders that are not available, each reported as a warning.

    Asks registries for what is not available locally (with `dry_run` without pulling). Raises MachineError `go-too-old` if
    there is no Go as new as required, `base-lacks-c-compiler` if only bases without one are available; anything else that is
    missing is reported when it is built.
    """
    runs = _runs(project, mode, base=base, services=services)
    built = {run.service: dockerfile_of(box, project, run) for run in runs}
    wanted = {item.ref: item for run in runs for item in _golang(project, run, built[run.service])}
    if _newer_than_all(project.go_version):
        ref = golang_ref(project.go_minor)
        wanted.setdefault(ref, _Wanted(ref, _go_line(project)))
    builders = {item.ref: item for item in _builders(box.files, project, runs)}
    here = frozenset(box.engine.images([*wanted, *builders])) if wanted or builders else frozenset()
    had = partial(_had, box, project, Registries(), dry_run=dry_run)
    for item in wanted.values():
        if item.ref not in here:
            _refuse(box, project, item, had, assemble=assemble)
    without = [item for ref, item in builders.items() if ref not in here]
    without = [item for item in without if item.ref in project.left_out_builders or not had(item.ref)]
    left_out = tuple(item.ref for item in without)
    if left_out != project.left_out_builders and not dry_run:
        with suppress(MachineError):  # no home to write to: the next command asks again
            box.private.keep(project.root, BuildersNote(left_out))
    project = replace(project, left_out_builders=left_out)
    project = _without_unreadable(box, project, runs, may_give_way=mode == "dev" and not dry_run)
    for item in without if say else ():
        box.reporter.warn(_left_out(item))
    return project


def _without_unreadable(
    box: Toolbox, project: Project, runs: Iterable[Run], *, may_give_way: bool
) -> Project:
    """A dev stage that the builder cannot read is replaced by devctl's; a production stage is the user's."""
    for run in runs:
        error = _unreadable(box, project, run)
        if error is not None and not may_give_way:
            raise error
        if error is not None:
            project = give_way(box, project, run.service, error)
    return project


def _unreadable(box: Toolbox, project: Project, run: Run) -> MachineError | None:
    """What in a Dockerfile the builder of this engine cannot read, which it would itself report only during the build."""
    if run.written is None or (run.ours and not run.derived):
        return None
    built = dockerfile_of(box, project, run)
    newer = [n for n in newer_lines(built.stages) if syntax_line(built.text) is None]
    if not newer or box.host.env("BUILDX_BUILDER"):
        return None
    version = box.engine.version()
    here = tuple(whole(part) or 0 for part in version.split(".")[:2])
    first = next((n for n in newer if here < n.engine), None)
    if first is None:
        return None
    named = syntax_line(written_text(box.files, project, run))
    lines = (i for stage in _as_written(project, run, built).stages for i in stage.instructions)
    line = next((i.line for i in lines if i.original == first.instruction.original), first.instruction.line)
    other = f", and {named[1]} is not available" if named is not None else ""
    return MachineError(
        f"`{first.said}` needs Docker Engine {first.engine[0]}.{first.engine[1]} or newer; this one is {version}{other}",
        code="builder-too-old",
        hint=f"docker pull {shlex.quote(named[1]) if named else 'docker/dockerfile:1'} where a registry answers"
        f"{'' if named else ', with `# syntax=docker/dockerfile:1` as the first line'}; or {_written_otherwise(first)}",
        place=f"{run.written}:{line}",
    )


def _written_otherwise(newer: Newer) -> str:
    if newer.said.startswith("RUN"):
        return "join its commands into one line: `RUN a && b`"
    return f"remove {newer.said.split()[1]}" if "--" in newer.said else "put the text into a file and COPY it"


def _runs(project: Project, mode: Mode, *, base: str | None, services: Iterable[str]) -> list[Run]:
    chosen = frozenset(services) or frozenset(s.name for s in project.services)
    return [configured_run(project, s, mode, base=base) for s in project.services if s.name in chosen]


def _refuse(
    box: Toolbox, project: Project, item: _Wanted, had: Callable[[str], bool], *, assemble: bool
) -> None:
    """Raise if a base is missing that neither a registry nor `devctl bases build` can provide."""
    too_new = _newer_than_all(parse(item.ref).tag)
    ours = item.ref == golang_ref(project.go_minor, with_c=True) == project.bases["golang"]
    needs_c = ours and any(s.build.needs_c for s in project.services)
    if not (too_new or needs_c) or (assemble and not too_new and stand_in(item.ref) is not None):
        return
    if had(item.ref):
        return
    here = box.machine().images.named("golang")
    if too_new:
        raise _too_old(item, here)
    if any((minor(parse(ref).tag) or (0, 0)) >= (minor(project.go_version) or (0, 0)) for ref in here):
        raise _without_compiler(project, item.ref)


def _had(box: Toolbox, project: Project, registries: Registries, ref: str, *, dry_run: bool) -> bool:
    """Whether a registry has it; without `dry_run` it is available locally afterwards."""
    machine = box.machine()
    return machine.machine.available(ref) if dry_run else pull(machine, ref, project.mirror, registries)


def _golang(project: Project, run: Run, built: DockerfileFacts) -> Iterator[_Wanted]:
    """The Go bases of a run, with the line that names each."""
    for item in bases_of(project, run, built):
        if golang_tag(item.ref) is None:
            continue
        place = _go_line(project)
        if run.written is not None:
            stages = _as_written(project, run, built).stages
            line = next((s.line for s in stages if s.base == item.ref), None)
            place = f"{run.written}:{line}" if line else place if run.ours else run.written
        yield _Wanted(item.ref, place)


def _as_written(project: Project, run: Run, built: DockerfileFacts) -> DockerfileFacts:
    """With the line numbers of the user's file."""
    service = project.service(run.service)
    made = service.build.derived if run.derived and service is not None else None
    return made.build.original.facts if made is not None else built


def _builders(files: Files, project: Project, runs: Iterable[Run]) -> Iterator[_Wanted]:
    """The builders that the first lines of the user's Dockerfiles name."""
    for run in (run for run in runs if run.written is not None):
        service, found = project.service(run.service), syntax_line(written_text(files, project, run))
        if found is not None:
            inline = service is not None and service.build.inline
            yield _Wanted(found[1], str(run.written) if inline else f"{run.written}:{found[0]}")
    for path in _of_others(project):
        if (
            found := syntax_line(files.read_text(project.root / path, within=project.root) or "")
        ) is not None:
            yield _Wanted(found[1], f"{path}:{found[0]}")


def _of_others(project: Project) -> Iterator[str]:
    """The Dockerfiles in the project that its other services are built from: jobs, a database with extensions."""
    ours = {service.name for service in project.services}
    for name, spec in project.specs.items():
        build = spec.get("build") if name not in ours else None
        if not isinstance(build, Mapping) or "dockerfile_inline" in build:
            continue
        path = Path(str(build.get("context") or ""), str(build.get("dockerfile") or "Dockerfile"))
        if path.is_relative_to(project.root):
            yield path.relative_to(project.root).as_posix()


def _go_line(project: Project) -> str:
    service = project.services[0] if project.services else None
    return service.origins.get("go", service.origins.get("dir", "go.mod")) if service else "go.mod"


def _newer_than_all(version: str) -> bool:
    found, newest = minor(version), minor(NEWEST_GO)
    return found is not None and newest is not None and found > newest


def _without_compiler(project: Project, ref: str) -> MachineError:
    """Reported if a Go would be available; if none is, its absence says enough."""
    need = project.needs_c
    return MachineError(
        f"{need.value if need else 'the code'} needs cgo, but the base images on this machine have no C compiler, and {ref}, "
        "which has one, is not available locally or from a registry",
        code="base-lacks-c-compiler",
        hint=f"devctl bases build assembles a stand-in with gcc; or, where a registry answers: docker pull {ref}",
        place=need.place if need else None,
    )


def _too_old(item: _Wanted, here: Iterable[str]) -> MachineError:
    tags = [tag for ref in here if minor(tag := parse(ref).tag)]
    newest = max(tags, key=lambda tag: minor(tag) or (0, 0), default=NEWEST_GO)
    have = ".".join(str(part) for part in minor(newest) or ())
    asked = ".".join(str(part) for part in minor(parse(item.ref).tag) or ())
    return MachineError(
        f"Go {asked} is required, but the newest base image available has Go {have}",
        code="go-too-old",
        hint=f"go mod edit -go={have}; or, where a registry has it: docker pull {item.ref}",
        place=item.place,
    )


def _left_out(item: _Wanted) -> Problem:
    return Problem(
        "syntax-line-left-out",
        f"{item.ref} is not available locally or from a registry; the engine's built-in builder reads the Dockerfile instead",
        "no action needed if that builder knows every instruction; then you can also remove the `# syntax` line",
        item.place,
    )
