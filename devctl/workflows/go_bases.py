"""A Go base that cannot be had is replaced by the nearest newer one that can: Go builds the modules of its older versions.

Which one took its place is noted in `.devctl/`, so that no registry is asked again at each command. The note is believed
while the engine fits it: a base that is here after all is used again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from devctl.domain.bases import golang_ref, newer_refs, parse, replacement, stand_in
from devctl.domain.goversion import NEWEST_GO, minor
from devctl.domain.overlay import BASES_NOTE
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.runs import Run, dev_run, prod_run
from devctl.domain.stages import golang_tag
from devctl.domain.state import Mode
from devctl.domain.syntax_line import BUILT_IN, syntax_line
from devctl.errors import MachineError, Problem
from devctl.workflows.bases import Registries, pull
from devctl.workflows.bases_needed import dockerfile_of, run_bases
from devctl.workflows.notes import write_note


@dataclass(frozen=True, slots=True)
class _Wanted:
    ref: str
    place: str


def settle(
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
    """The project with a base for each Go base that cannot be had, each said as a warning.

    Asks registries for what is not here (with `dry_run` without pulling); with `assemble` what can be assembled is left
    to be. Raises MachineError `go-too-old` where there is no Go as new as the one that is asked for; whatever else is
    missing is told when it is built.
    """
    asked = replace(project, replaced={})
    runs = _runs(asked, mode, base=base, services=services)
    wanted = {item.ref: item for run in runs for item in _golang(box, asked, run)}
    if _newer_than_all(asked.go_version):
        ref = golang_ref(asked.go_minor)
        wanted.setdefault(ref, _Wanted(ref, _go_line(asked)))
    builders = {item.ref: item for run in runs for item in _builder(box, asked, run)}
    asked_for = [*wanted, *builders, *project.replaced.values()]
    here = frozenset(box.engine.images(asked_for)) if wanted or builders else frozenset()
    missing = [item for ref, item in wanted.items() if ref not in here]
    without = [item for ref, item in builders.items() if ref not in here]
    found = {ref: used for ref, used in project.replaced.items() if ref not in here}
    registries = Registries()
    for item in missing:
        if found.get(item.ref) not in here:
            found.pop(item.ref, None)
            used = _in_place_of(box, asked, item, registries, dry_run=dry_run, assemble=assemble)
            found |= {item.ref: used} if used is not None else {}
    found |= _built_in(box, asked, without, registries, known=found, dry_run=dry_run)
    for item in (*missing, *without) if say else ():
        if item.ref in found:
            box.reporter.warn(_replaced(item, found[item.ref]))
    if found != project.replaced and not dry_run:
        write_note(box, Path(project.root), BASES_NOTE, found, owner=project.owner)
    return replace(project, replaced=found)


def _runs(project: Project, mode: Mode, *, base: str | None, services: Iterable[str]) -> list[Run]:
    chosen = frozenset(services) or frozenset(s.name for s in project.services)
    return [
        dev_run(project, s) if mode == "dev" else prod_run(project, s, base=base, target=project.prod_target)
        for s in project.services
        if s.name in chosen
    ]


def _in_place_of(
    box: Toolbox, project: Project, item: _Wanted, registries: Registries, *, dry_run: bool, assemble: bool
) -> str | None:
    if assemble and stand_in(item.ref) is not None and not _newer_than_all(parse(item.ref).tag):
        return None
    return _other(box, project, item, registries, dry_run=dry_run)


def _golang(box: Toolbox, project: Project, run: Run) -> Iterator[_Wanted]:
    """The Go bases of a run, with the line that asks for each."""
    facts = None
    for item in run_bases(box, project, run):
        if golang_tag(item.ref) is None:
            continue
        place = _go_line(project)
        if not run.ours:
            facts = facts or dockerfile_of(box, project, run)
            line = next((s.line for s in facts.stages if s.base == item.ref), None)
            place = f"{run.dockerfile}:{line}" if line else str(run.dockerfile)
        yield _Wanted(item.ref, place)


def _builder(box: Toolbox, project: Project, run: Run) -> Iterator[_Wanted]:
    """The builder that a Dockerfile of the user's names in its first lines."""
    text = None if run.ours else box.files.read_text(Path(project.root) / str(run.dockerfile))
    found = syntax_line(text or "")
    if found is not None:
        yield _Wanted(found[1], f"{run.dockerfile}:{found[0]}")


def _built_in(
    box: Toolbox,
    project: Project,
    items: Iterable[_Wanted],
    registries: Registries,
    *,
    known: Mapping[str, str],
    dry_run: bool,
) -> dict[str, str]:
    """Builders that cannot be had: the engine's own reads those Dockerfiles."""
    found = {}
    for item in items:
        machine = box.machine()
        if item.ref not in known and (
            machine.machine.available(item.ref)
            if dry_run
            else pull(machine, item.ref, project.mirror, registries)
        ):
            continue
        found[item.ref] = BUILT_IN
    return found


def _go_line(project: Project) -> str:
    service = project.services[0] if project.services else None
    return service.origins.get("go", service.origins.get("dir", "go.mod")) if service else "go.mod"


def _newer_than_all(version: str) -> bool:
    found, newest = minor(version), minor(NEWEST_GO)
    return found is not None and newest is not None and found > newest


def _other(
    box: Toolbox, project: Project, item: _Wanted, registries: Registries, *, dry_run: bool
) -> str | None:
    """The base to use instead, None where the one that is asked for was had or may be assembled."""
    machine = box.machine()
    if (
        machine.machine.available(item.ref)
        if dry_run
        else pull(machine, item.ref, project.mirror, registries)
    ):
        return None
    needs_c = any(s.needs_c for s in project.services)
    least = project.go_version if (minor(project.go_version) or (0, 0)) >= (1, 21) else ""
    here = [ref for ref in machine.images.named("golang") if ref not in project.replaced]
    near = replacement(item.ref, here, least=least, same_kind=needs_c)
    answers = parse(item.ref).registry not in registries.silent
    if answers and not dry_run:
        for ref in newer_refs(item.ref, below=parse(near).tag if near else ""):
            if pull(machine, ref, project.mirror, registries):
                return ref
    if near is None and _newer_than_all(parse(item.ref).tag):
        raise _too_old(item, here)
    ours = item.ref == golang_ref(project.go_minor, with_c=True) == project.bases["golang"]
    if near is None and ours and needs_c and replacement(item.ref, here, least=least) is not None:
        raise _without_compiler(project, item.ref)
    return near


def _without_compiler(project: Project, ref: str) -> MachineError:
    """Said where a Go would be here; where none is, its absence says enough."""
    need = next((s.cgo for s in project.services if s.needs_c and s.cgo is not None), None)
    return MachineError(
        f"{need.value if need else 'the code'} needs cgo, and the bases that are here have no C compiler; "
        f"{ref}, which has one, is not here and no registry gave it",
        code="base-lacks-c-compiler",
        hint=f"devctl bases build, which makes a stand-in with gcc; or, where a registry answers: docker pull {ref}",
        place=need.place if need else None,
    )


def _too_old(item: _Wanted, here: Iterable[str]) -> MachineError:
    tags = [tag for ref in here if minor(tag := parse(ref).tag)]
    newest = max(tags, key=lambda tag: minor(tag) or (0, 0), default=NEWEST_GO)
    have = ".".join(str(part) for part in minor(newest) or ())
    asked = ".".join(str(part) for part in minor(parse(item.ref).tag) or ())
    return MachineError(
        f"Go {asked} is asked for, and no base with it can be had: the newest is Go {have}",
        code="go-too-old",
        hint=f"go mod edit -go={have}; or, where a registry has it: docker pull {item.ref}",
        place=item.place,
    )


def _replaced(item: _Wanted, used: str) -> Problem:
    if used == BUILT_IN:
        return Problem(
            "syntax-line-left-out",
            f"{item.ref} is not here and no registry gave it: the builder of the engine reads the Dockerfile",
            "nothing must be done where that builder knows each instruction; the `# syntax` line may go then",
            item.place,
        )
    return Problem(
        "go-base-replaced",
        f"{item.ref} is not here and no registry gave it: {used} builds in its place",
        "nothing must be done, newer Go builds older modules; "
        f"`docker pull {item.ref}`, where a registry answers, brings the one that is asked for",
        item.place,
    )
