"""What is wrong or risky in the user's own files: warnings with the line to write, and refusals before anything is touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from devctl.domain.cgo import needs_cgo
from devctl.domain.compose_names import named_otherwise
from devctl.domain.compose_text import obsolete_version
from devctl.domain.dev_stage import dev_stage
from devctl.domain.env_files import missing_files
from devctl.domain.gofacts import DockerfileFacts, SourceFacts
from devctl.domain.lint import Finding, Linted, blocking, lint
from devctl.domain.mains import Main, mains
from devctl.domain.ports import Toolbox
from devctl.domain.production import no_prod_stage
from devctl.domain.project import Project, Service
from devctl.domain.published import built_here, own_image
from devctl.domain.runs import Run
from devctl.domain.stages import chain, external_base, find_stage
from devctl.domain.unset_env import unset_problems
from devctl.errors import MachineError, Problem, ProjectError
from devctl.workflows.bases_needed import dockerfile_of
from devctl.workflows.compose_model import compose_place, unset_in_compose
from devctl.workflows.find import compose_files, find_compose
from devctl.workflows.session import Session

_COMPILERS = ("/bin/gcc", "/bin/cc", "/bin/clang")
_INSTALLS_COMPILER = ("gcc", "build-base", "build-essential", "clang", "musl-dev")


def advise(box: Toolbox, project: Project, *, mode: Literal["dev", "prod"] = "dev") -> None:
    """Warn about what the user's files say; and why a stage of theirs is not used."""
    for problem in problems(box, project, mode=mode):
        box.reporter.warn(problem)


def advise_on_change(box: Toolbox, session: Session) -> None:
    """The same, but only where something is built or made for the first time: not at every `up`."""
    if any(s.step == "build" or s.cause == "no container yet" for s in session.plan()):
        advise(box, session.project)


def problems(box: Toolbox, project: Project, *, mode: Literal["dev", "prod"] = "dev") -> tuple[Problem, ...]:
    """Every finding in the Dockerfiles, the compose file and the code of the project's services."""
    facts = box.sources.go(Path(project.root))
    found: list[Problem] = list(project.warnings)
    for service in project.services:
        linted = _linted(box, project, service, facts, mode=mode)
        listed = [f.problem for f in lint(linted)]
        reasons = (
            _dev_reasons(linted, project, service)
            if mode == "dev"
            else _prod_reasons(linted, project, service)
        )
        found += [*_joined(reasons, listed), *_alone(reasons, listed)]
        found += [*missing_files(service), *unset_problems(service.name, service.unset_env)]
    found += [*_compose_notes(box, Path(project.root)), *_built_here(box, project, facts)]
    return tuple(dict.fromkeys(found))


def _compose_notes(box: Toolbox, root: Path) -> Iterator[Problem]:
    """What compose warns of at each of its calls, said here once and with its line; a file that it would not find."""
    used = find_compose(box, root)
    if used is not None and used.by_us:
        yield named_otherwise(used.files[-1].relative_to(root).as_posix())
    for path in compose_files(box, root):
        name = path.relative_to(root).as_posix()
        yield from obsolete_version(name, box.sources.positions(path)(("version",)))
    yield from unset_in_compose(box, root)


def _built_here(box: Toolbox, project: Project, facts: SourceFacts) -> Iterator[Problem]:
    for service in project.services:
        image = own_image(project.specs.get(service.name) or {}, facts)
        for path in compose_files(box, Path(project.root))[-1:] if image is not None else ():
            line = box.sources.positions(path)(("services", service.name, "image"))
            name = path.relative_to(project.root).as_posix()
            yield built_here(name, line, name=service.name, image=str(image))


def refuse_impossible(box: Toolbox, session: Session) -> None:
    """Raise ProjectError `not-ready` for a production stage of the user's that cannot work, before it is built."""
    facts = box.sources.go(session.root)
    for run in session.runs:
        service = session.project.service(run.service)
        if run.mode != "prod" or run.ours or service is None:
            continue
        linted = _linted(box, session.project, service, facts, mode="prod")
        dockerfile = linted.dockerfile
        if dockerfile is None:
            continue
        stage = find_stage(dockerfile, run.stage) if run.stage else dockerfile.stages[-1]
        if stage is None:
            continue
        stops = blocking(lint(linted), dockerfile, mode="prod", stage=stage)
        if stops:
            raise _not_ready(run, stops)


def require_compiler(box: Toolbox, session: Session, services: Iterable[str]) -> None:
    """Raise MachineError `base-lacks-c-compiler` where code that is built needs cgo and its base cannot compile C.

    The image is looked into only then: it must be here already.
    """
    wanted = [r for r in session.runs if r.service in set(services) and r.mode == "dev"]
    facts = box.sources.go(session.root) if wanted else SourceFacts(())
    for run in wanted:
        service = session.project.service(run.service)
        main = _main(facts, service) if service is not None else None
        need = needs_cgo(main) if main is not None else None
        if service is None or need is None or service.build_env.get("CGO_ENABLED") == "0":
            continue
        dockerfile = dockerfile_of(box, session.project, run)
        stage = find_stage(dockerfile, run.stage) if run.stage else dockerfile.stages[-1]
        if stage is None:
            continue
        base = external_base(dockerfile, stage)
        said = [i.original for s in chain(dockerfile, stage) for i in s.instructions if i.cmd == "RUN"]
        if any(word in text for text in said for word in _INSTALLS_COMPILER) or _compiles_c(box, base):
            continue
        raise MachineError(
            f"{need.value} needs cgo, and {base} has no C compiler",
            code="base-lacks-c-compiler",
            hint=_compiler_hint(session.project, run),
            place=need.place,
        )


def _compiler_hint(project: Project, run: Run) -> str:
    base = f"golang:{project.go_minor}-bookworm"
    if run.ours:
        return f"devctl.yaml: `bases: {{golang: {base}}}` (it has gcc)"
    without = f"devctl.yaml: `services: {{{run.service}: {{build: {{env: {{CGO_ENABLED: '0'}}}}}}}}`"
    return (
        f"`RUN apk add --no-cache gcc musl-dev` in stage {run.stage} of {run.dockerfile}, or FROM {base}, which has gcc; "
        f"where that part of the code is not used, {without}"
    )


def _linted(
    box: Toolbox, project: Project, service: Service, facts: SourceFacts, *, mode: Literal["dev", "prod"]
) -> Linted:
    root = Path(project.root)
    main = _main(facts, service)
    place = compose_place(box, root)
    path = (service.prod_dockerfile if mode == "prod" else None) or service.dockerfile
    there = path is not None and box.files.exists(root / path)
    dockerfile = box.sources.dockerfile(root / path, root=root) if path is not None and there else None
    return Linted(
        dockerfile=dockerfile,
        compose=project.specs.get(service.name) or {},
        compose_place=lambda key: place(("services", service.name, *key)),
        module=main.module if main is not None else None,
        main=main,
        modules=tuple(module.path for module in facts.modules),
    )


def _main(facts: SourceFacts, service: Service) -> Main | None:
    same = (m for m in mains(facts) if m.module.dir == service.dir and m.relative == service.main)
    return next(same, None)


def _dev_reasons(linted: Linted, project: Project, service: Service) -> tuple[Problem, ...]:
    facts: DockerfileFacts | None = linted.dockerfile
    if facts is None or service.dev_stage is not None:
        return ()
    go = linted.module.go if linted.module is not None else ""
    return dev_stage(facts, project.specs.get(service.name) or {}, go=go).reasons


def _prod_reasons(linted: Linted, project: Project, service: Service) -> tuple[Problem, ...]:
    if linted.dockerfile is None or service.prod_stages or project.prod_target:
        return ()
    return (no_prod_stage(linted.dockerfile),)


def _joined(reasons: Sequence[Problem], listed: Sequence[Problem]) -> list[Problem]:
    """A reason and a finding of the same line are one warning: what follows from it, and the line to write."""
    hints = {(p.code, p.place): p.hint for p in listed}
    return [replace(r, hint=hints.get((r.code, r.place), r.hint)) for r in reasons]


def _alone(reasons: Sequence[Problem], listed: Sequence[Problem]) -> list[Problem]:
    known = {(r.code, r.place) for r in reasons}
    return [p for p in listed if (p.code, p.place) not in known]


def _not_ready(run: Run, stops: Sequence[Finding]) -> ProjectError:
    first, more = stops[0], f" (and {len(stops) - 1} more)" if len(stops) > 1 else ""
    checks = [
        {"id": f.id, "status": "fail", "detail": f.message, "hint": f.hint, "place": f.place} for f in stops
    ]
    return ProjectError(
        f"stage `{run.stage}` of {run.service} cannot run: {first.message}{more}",
        code="not-ready",
        hint=first.hint,
        place=first.place,
        result={"checks": checks},
    )


def _compiles_c(box: Toolbox, base: str) -> bool:
    return any(path.endswith(_COMPILERS) for path in box.images().read(base, files=True).files)
