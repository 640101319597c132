"""What is wrong or risky in the user's own files: warnings with the line to write, and refusals before anything is touched."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from devctl.domain.command.state import Mode
from devctl.domain.compose.built_here import built_here, own_image
from devctl.domain.compose.handed_files import copied_in
from devctl.domain.compose.replicas import replicas
from devctl.domain.compose.variables import obsolete_version
from devctl.domain.derive.health_check import cannot_run, compose_test, left_out
from devctl.domain.detect.cgo import needs_cgo
from devctl.domain.detect.main_package import Main, mains
from devctl.domain.detect.required_env import missing_env_files, unset_problems
from devctl.domain.dockerfile.build_and_start import shown_stage
from devctl.domain.dockerfile.built_programs import built_programs
from devctl.domain.dockerfile.dev_stage import dev_stage
from devctl.domain.dockerfile.entrypoint import begun_words, develops, is_other, programs, words_of
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.prod_stages import no_prod_stage
from devctl.domain.dockerfile.runtime_bases import IMAGES, RUNTIME_BASES, SHELL_BASE
from devctl.domain.dockerfile.stages import (
    chain,
    effective,
    external_base,
    find_stage,
    golang_tag,
    needed_by,
    target_name,
)
from devctl.domain.dockerfile.walk import given
from devctl.domain.go.facts import SourceFacts
from devctl.domain.image.readiness.rules import not_ready
from devctl.domain.lint.rules import Linted, blocking, lint, told_in
from devctl.domain.paths import is_below
from devctl.domain.plan.run import Run, configured_run, prod_run, rebased
from devctl.domain.ports.files import Files
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.toolbox import Sources, Toolbox
from devctl.domain.project.model import Project, Service
from devctl.domain.project.redact import redact
from devctl.domain.project.state_folder import ToldNote, told_key
from devctl.domain.regex import regex
from devctl.errors import MachineError, Problem
from devctl.workflows.project.compose_model import not_used_for_production, unset_in_compose
from devctl.workflows.project.find import named
from devctl.workflows.project.users_dockerfile import users_dockerfile, written_dockerfile
from devctl.workflows.session.session import Session
from devctl.workflows.session.steps import only_warned

_OF_SOURCE = regex(r"(?:/go\.(?:mod|sum|work|work\.sum)|/vendor|\.toml|\.go)$")
"""Parts of the source, and what a reloader reads."""
_MODES: tuple[Mode, ...] = ("dev", "prod")
_COMPILERS = ("/bin/gcc", "/bin/cc", "/bin/clang")
_INSTALLS_COMPILER = ("gcc", "build-base", "build-essential", "clang", "musl-dev")


def advise(box: Toolbox, session: Session, *, mode: Mode) -> None:
    """Warn about what matters to this mode. A person sees each warning once, and again when it has changed."""
    root = Path(session.root)
    note = box.state.read(root, ToldNote)
    known = {key for keys in note.told.values() for key in keys}
    found = problems(box, session.project, mode=mode, runs=session.runs)
    for problem in found:
        box.reporter.warn(problem, again=told_key(problem) in known)
    now = {**note.told, mode: tuple(sorted({told_key(p) for p in found}))}
    if now != note.told:
        with only_warned(box.reporter):
            box.state.write(root, ToldNote(now))


def advise_on_change(box: Toolbox, session: Session) -> None:
    """The same, but only if something is built or created for the first time, or a line of devctl.yaml has no effect: not at
    every `up`."""
    new = any(s.step == "build" or s.cause == "no container yet" for s in session.plan())
    if new or not session.observed.containers or any(_unused_bases(box.sources, session.project)):
        advise(box, session, mode="dev")


def problems(
    box: Toolbox, project: Project, *, mode: Mode | None = None, runs: Sequence[Run] = ()
) -> tuple[Problem, ...]:
    """What is wrong or risky in the Dockerfiles, the compose file and the code of the project's services: everything, or what
    matters to a mode that is run like this."""
    facts = project.source
    found: list[Problem] = list(project.warnings)
    for service in project.services:
        run = next((r for r in runs if r.service == service.name), None)
        for each in _MODES if mode is None else (mode,):
            found += _of_service(
                box.files, box.sources, project, service, facts, mode=each, run=run, all_of_it=mode is None
            )
        found += [*missing_env_files(service), *unset_problems(service.name, service.start.unset_env)]
        found += _unnamed_files(box.files, project, service)
    found += unset_in_compose(box, project.root, project.env_files, project.compose_paths)
    found += _built_here(box.sources, project, facts)
    found += [*_one_of_several(project), *_not_started(project)]
    found += _unused_bases(box.sources, project)
    if mode != "dev":
        found += [*_not_read_only(project), *_not_mounted(project), *_for_production(box, project)]
    if mode is None:
        found += [*_obsolete(box.sources, project), *_without_dockerfile(box.sources, project)]
        found += _not_restarted(project)
    return tuple(dict.fromkeys(found))


def _of_service(
    files: Files,
    sources: Sources,
    project: Project,
    service: Service,
    facts: SourceFacts,
    *,
    mode: Mode,
    run: Run | None,
    all_of_it: bool,
) -> list[Problem]:
    """What lint finds, and why a user's stage is not used; a reason and a finding for the same line are one warning."""
    linted = _linted(files, sources, project, service, facts, mode=mode)
    findings = lint(linted)
    hints = {(f.id, f.place): f.hint for f in findings}
    reasons = [
        replace(r, hint=hints.get((r.code, r.place), r.hint))
        for r in (
            _dev_reasons(linted, project, service)
            if mode == "dev"
            else _prod_reasons(linted, project, service)
        )
        if all_of_it or r.code != "no-dev-stage" or _left_lines(service)
    ]
    if mode == "dev" and service.start.debugger:
        reasons.append(_without_debugger(linted, service))
    if mode == "dev" and service.build.unread and service.build.dev_stage is None:
        reasons.append(_without_flags(service))
    theirs = service.build.derived or service.build.dev_stage if mode == "dev" else service.build.prod_stages
    if service.start.unknown and not theirs:
        reasons.append(_without_a_shell(linted, service))
    stage = _built_stage(linted, service, run, mode=mode)
    told = told_in(mode, findings, facts=linted.dockerfile, stage=stage, any_stage=all_of_it)
    known = {(r.code, r.place) for r in reasons}
    return [*reasons, *(f.problem for f in told if (f.id, f.place) not in known)]


def _unnamed_files(files: Files, project: Project, service: Service) -> Iterator[Problem]:
    """Files in the main's folder that a `go build` with file names leaves out, and so does development."""
    build, root = service.build, project.root
    folder = root / service.source.dir / service.source.main
    names = [n for n in files.names(folder) if n.endswith(".go") and not n.endswith("_test.go")]
    left = [n for n in names if n not in build.go_files] if build.go_files else []
    for_here = [n for n in left if "//go:build" not in (files.read_text(folder / n, within=root) or "")]
    if for_here:
        many = len(for_here) > 1
        yield Problem(
            "files-left-out",
            f"{', '.join(for_here)} {'are' if many else 'is'} not built: `go build` names the files of the package, but not "
            f"{'these' if many else 'this one'}",
            f"name the package in that line: `go build {service.source.main}` builds all of its files; or add the missing ones",
            service.origins.get("build.go_files"),
        )


def _built_stage(linted: Linted, service: Service, run: Run | None, *, mode: Mode) -> Stage | None:
    """The user's stage that is built, or from whose lines devctl's own is derived."""
    if mode == "dev" and service.build.dev_stage is None and service.build.derived is not None:
        return service.build.derived.build.stage
    if run is None or run.ours or linted.dockerfile is None:
        return None
    return find_stage(linted.dockerfile, run.stage)


def _not_read_only(project: Project) -> Iterator[Problem]:
    """What devctl would add, and leaves out because of the compose file."""
    for service in project.services:
        spec = project.spec(service.name)
        for kind, key in copied_in(spec, project.model) if not spec.get("read_only") else ():
            yield Problem(
                "read-only-left-out",
                f"{service.name} is not read-only here: compose copies {kind.removesuffix('s')} {key} into its container, "
                "which fails if the root file system is read-only",
                f"`{kind}: {{{key}: {{file: ./{key}}}}}` is mounted instead, which works with read_only",
                project.place((kind, key, "content")),
            )


def _not_mounted(project: Project) -> Iterator[Problem]:
    """Files of this machine that the program may read, besides its source."""
    folders = [project.root / p.dir for module in project.source.modules for p in module.packages]
    for service in project.services:
        binds = [v for v in project.spec(service.name).get("volumes") or [] if v.get("type") == "bind"]
        code = [v for v in binds if any(is_below(str(f), str(v.get("source"))) for f in folders)]
        left = [
            v
            for v in binds
            if not any(is_below(str(v["target"]), str(c["target"])) for c in code)
            and not _OF_SOURCE.search(str(v.get("source")))
        ]
        if left:
            names = ", ".join(f"{named(project.root, Path(str(v['source'])))} ({v['target']})" for v in left)
            yield Problem(
                "mount-left-out",
                f"{service.name} runs without {names} in production: what is mounted from this machine is left out",
                "no action needed if it runs without; a file below `configs` of the compose file is mounted in production too",
                project.place(("services", service.name, "volumes")),
            )


def _not_restarted(project: Project) -> Iterator[Problem]:
    """A restart policy, in a container that outlives its program."""
    for service in project.services:
        policy = str(project.spec(service.name).get("restart") or "no")
        if policy != "no" and service.build.dev_stage is None and not service.may_finish:
            yield Problem(
                "restart-left-out",
                f"{service.name} is not started again when it exits in dev: `restart: {policy}` applies to its container, which "
                "waits for the next save",
                f"no action needed; devctl restart {service.name} starts it again without a save",
                project.place(("services", service.name, "restart")),
            )


def _for_production(box: Toolbox, project: Project) -> Iterator[Problem]:
    found = not_used_for_production(box.files, box.sources, project.root, project.compose_paths)
    if found is not None:
        yield found


def _unused_bases(sources: Sources, project: Project) -> Iterator[Problem]:
    """A base image of devctl.yaml is one of devctl's own stages, and one to which production can be moved; the user's stages
    start from what their FROM lines name."""
    said, path = sources.config(project.root).bases, project.root / "devctl.yaml"
    for role in ("golang", *IMAGES):
        ref = said.runtime(role)
        if ref is None or any(_starts_from(project, service, role) for service in project.services):
            continue
        places = (place for s in project.services for place in _base_places(sources, project, s, role))
        line = sources.positions(path)(("bases", role))
        yield Problem(
            "base-not-used",
            f"bases.{role} ({ref}) has no effect: your Dockerfile names its own base images",
            f"write {ref} into {' and '.join(dict.fromkeys(places))}, and remove bases.{role} from devctl.yaml",
            f"devctl.yaml:{line}" if line is not None else "devctl.yaml",
        )


def _starts_from(project: Project, service: Service, role: str) -> bool:
    runs = _runs_on(project, service, role)
    if role == "golang":
        return any(run.ours and not run.derived for run in runs)
    return role == SHELL_BASE or any(run.ours or run.rebased for run in runs)


def _runs_on(project: Project, service: Service, role: str) -> tuple[Run, ...]:
    """The runs whose images could start from, or be compiled in, the base of that role."""
    if role != "golang":
        return (prod_run(project, service, base=role),)
    return tuple(configured_run(project, service, mode, base=project.prod_base) for mode in _MODES)


def _base_places(sources: Sources, project: Project, service: Service, role: str) -> list[str]:
    """Where the user's files name the image that the base of that role would replace."""
    found: list[tuple[DockerfileFacts, Stage]] = []
    for run in _runs_on(project, service, role):
        facts = written_dockerfile(sources, project, run)
        derived = service.build.derived if run.derived else None
        stage = derived.build.stage if derived is not None else find_stage(facts, run.stage)
        compiles = role == "golang" and run.mode == "prod"
        stages = needed_by(facts, stage) if stage is not None and compiles else (stage,)
        found += [(facts, chain(facts, s)[-1]) for s in stages if s is not None]
    # What is only needed by production need not be Go's: the stage to develop in compiles.
    if role == "golang":
        found = [(facts, stage) for facts, stage in found if golang_tag(stage.base) is not None] or found[:1]
    return [_base_place(project, service, facts, stage) for facts, stage in found]


def _base_place(project: Project, service: Service, facts: DockerfileFacts, stage: Stage) -> str:
    arg_line = facts.arg_lines.get(stage.arg)
    if arg_line is None:
        return f"the FROM line at {facts.path}:{stage.line}"
    if stage.arg in given(project.spec(service.name)):
        key = ("services", service.name, "build", "args", stage.arg)
        return f"the build argument at {project.place(key)}"
    return f"the ARG line at {facts.path}:{arg_line}"


def _one_of_several(project: Project) -> Iterator[Problem]:
    """A service has one port here, and one folder that its builds report to."""
    for service in project.services:
        for path, count in replicas(project.spec(service.name)):
            if count > 1:
                yield Problem(
                    "one-replica",
                    f"{service.name} runs once here, not {count} times",
                    "no action needed; docker compose itself starts as many as the compose file asks for",
                    project.place(("services", service.name, *path)),
                )
                break


def _not_started(project: Project) -> Iterator[Problem]:
    """Services of which compose runs no container, and so devctl none."""
    for name, spec in project.specs.items():
        for path in (path for path, count in list(replicas(spec))[:1] if count == 0):
            yield Problem(
                "no-replica",
                f"{name} is not started: the compose file sets its number of containers to 0",
                "no action needed; `docker compose` starts none either, until that number is 1",
                project.place(("services", name, *path)),
            )


def _obsolete(sources: Sources, project: Project) -> Iterator[Problem]:
    for path in project.compose_paths:
        yield from obsolete_version(named(project.root, path), sources.positions(path)(("version",)))


def _built_here(sources: Sources, project: Project, facts: SourceFacts) -> Iterator[Problem]:
    for service in project.services:
        image = own_image(project.spec(service.name), facts)
        for path in project.compose_paths[-1:] if image is not None else ():
            line = sources.positions(path)(("services", service.name, "image"))
            yield built_here(named(project.root, path), line, name=service.name, image=str(image))


def _without_dockerfile(sources: Sources, project: Project) -> Iterator[Problem]:
    """Services with a `build` of the user's that only devctl can build: `docker compose` by itself refuses them."""
    for service in project.services:
        key = ("services", service.name, "build")
        if service.build.dockerfile is None and any(
            sources.positions(path)(key) is not None for path in project.compose_paths
        ):
            yield Problem(
                "no-dockerfile",
                f"{service.name} is built from a folder without a Dockerfile: devctl uses its own",
                "no action needed; `devctl init` writes a Dockerfile that `docker compose build` can use too",
                project.place(key),
            )


def refuse_impossible(files: Files, sources: Sources, session: Session) -> None:
    """Raise ProjectError `not-ready` for a user's production stage that cannot work, before it is built."""
    facts = session.project.source
    for run in session.runs:
        service = session.project.service(run.service)
        if run.mode != "prod" or run.ours or service is None:
            continue
        linted = _linted(files, sources, session.project, service, facts, mode="prod")
        moved = rebased(session.project, run)
        dockerfile = moved.facts if moved is not None else linted.dockerfile
        if dockerfile is None:
            continue
        linted = replace(linted, dockerfile=dockerfile)
        stage = find_stage(dockerfile, run.stage)
        if stage is None:
            continue
        stops = blocking(lint(linted), dockerfile, mode="prod", stage=stage)
        if stops:
            where = f" on {run.base}" if moved is not None else ""
            raise not_ready(f"stage `{run.stage}` of {run.service} cannot run{where}", stops)


def say_left_out(reporter: Reporter, project: Project, runs: Iterable[Run]) -> None:
    """What in the user's stage, and in the compose file about it, does not apply on a base; reported for the first service
    that has it."""
    found: list[Problem] = []
    for run in runs:
        moved, test = rebased(project, run), compose_test(project.spec(run.service))
        found += moved.told if moved is not None else _not_theirs(project, run)
        if moved is not None and cannot_run(test, RUNTIME_BASES[str(run.base)]):
            line = project.place(("services", run.service, "healthcheck"))
            found.append(left_out(str(run.base), " ".join(test[1:]), line))
    first: dict[tuple[str, str | None], Problem] = {}
    for problem in found:
        first.setdefault((problem.code, problem.place), problem)
    for problem in first.values():
        reporter.warn(problem)


def _not_theirs(project: Project, run: Run) -> Iterator[Problem]:
    """That devctl's stage is built because theirs cannot be moved to the base."""
    service = project.service(run.service)
    if not run.ours or service is None or not service.build.prod_stages:
        return
    yield Problem(
        "own-production-stage",
        f"the production stage of {run.service} cannot be moved to {run.base}, since no stage that can run there builds its "
        "program: using devctl's own stage",
        f"no action needed, but files and flags may differ; a stage on {run.base} in your Dockerfile would be used unchanged",
        service.build.prod_dockerfile or service.build.dockerfile,
    )


def require_compiler(box: Toolbox, session: Session, services: Iterable[str]) -> None:
    """Raise MachineError `base-lacks-c-compiler` if code that is built needs cgo and its base cannot compile C.

    Only then is the image examined: it must be available locally.
    """
    wanted = [r for r in session.runs if r.service in set(services) and r.mode == "dev"]
    facts = session.project.source
    for run in wanted:
        service = session.project.service(run.service)
        main = _main(facts, service) if service is not None else None
        need = needs_cgo(main) if main is not None else None
        if service is None or need is None or service.build.env.get("CGO_ENABLED") == "0":
            continue
        dockerfile = session.dockerfile(box.sources, run)
        stage = find_stage(dockerfile, run.stage)
        if stage is None:
            continue
        base = external_base(dockerfile, stage)
        said = [i.original for s in chain(dockerfile, stage) for i in s.instructions if i.cmd == "RUN"]
        if any(word in text for text in said for word in _INSTALLS_COMPILER) or _compiles_c(box, base):
            continue
        raise MachineError(
            f"{need.value} needs cgo, but {base} has no C compiler",
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
        f"if that part of the code is not used, {without}"
    )


def _linted(
    files: Files, sources: Sources, project: Project, service: Service, facts: SourceFacts, *, mode: Mode
) -> Linted:
    main = _main(facts, service)
    path = (service.build.prod_dockerfile if mode == "prod" else None) or service.build.dockerfile
    there = path is not None and files.exists(project.root / path)
    dockerfile = (
        users_dockerfile(sources, project.root, service, path) if path is not None and there else None
    )
    return Linted(
        dockerfile=dockerfile,
        compose=project.spec(service.name),
        compose_place=lambda key: project.place(("services", service.name, *key)),
        module=main.module if main is not None else None,
        main=main,
        port=service.serve.port,
        modules=tuple(module.path for module in facts.modules),
        leads_to=lambda folder: _outside(files, project.root, folder),
    )


def _outside(files: Files, root: Path, path: str) -> str | None:
    """The target of a linked path in the project, if that is outside the project."""
    real = files.real(str(root / path))
    return None if Path(real).is_relative_to(files.real(str(root))) else real


def _main(facts: SourceFacts, service: Service) -> Main | None:
    same = (
        m for m in mains(facts) if m.module.dir == service.source.dir and m.relative == service.source.main
    )
    return next(same, None)


def _dev_reasons(linted: Linted, project: Project, service: Service) -> tuple[Problem, ...]:
    facts: DockerfileFacts | None = linted.dockerfile
    if facts is None or service.build.dev_stage is not None:
        return ()
    go = linted.module.go if linted.module is not None else ""
    packages = (posixpath.relpath(folder, service.source.dir) for folder in service.source.packages)
    reasons = dev_stage(facts, project.spec(service.name), go=go, packages=packages).reasons
    if service.build.derived is None:
        return (*reasons, *_not_run(linted, facts, service))
    made = f", derived from its stage `{target_name(service.build.derived.build.stage)}` and the image's start command"
    left = _left_lines(service)
    made += f"; left out: line{'s' if len(left) > 1 else ''} {', '.join(map(str, left))}" if left else ""
    return tuple(replace(reason, message=f"{reason.message}{made}") for reason in reasons)


def _not_run(linted: Linted, facts: DockerfileFacts, service: Service) -> Iterator[Problem]:
    """What a container starts in addition to the program, which is all that the template's stage starts."""
    shown = shown_stage(facts, linted.compose)
    words = begun_words(facts, shown, linted.compose) if shown is not None else ()
    last, *before = programs(words) or ((),)
    wrapper = last[:1] if last and is_other(last[0]) and not develops(last[0]) else ()
    built = built_programs(facts, shown, given(linted.compose)) if shown is not None else None
    if built is not None and built.known and not any(map(develops, last)):
        wrapper = last[: built.at(last)] if built.at(last) is not None else last[:1]
    steps = [redact(" ".join(step)) for step in (*before[::-1], wrapper) if step]
    own = [line for cmd in ("ENTRYPOINT", "CMD") if shown and (line := effective(facts, shown, cmd))]
    said = next((key for key in ("entrypoint", "command") if words_of(linted.compose, key)), None)
    if steps:
        yield Problem(
            "steps-left-out",
            f"{service.name} starts without `{' && '.join(steps)}` in dev: devctl's own dev stage starts only the program",
            "no action needed if the program runs without it",
            linted.compose_place((said,))
            if said is not None
            else f"{facts.path}:{own[0].line}"
            if own
            else facts.path,
        )


def _without_debugger(linted: Linted, service: Service) -> Problem:
    name, debugger = service.name, service.start.debugger
    return Problem(
        "debugger-left-out",
        f"{name} is started without {debugger} and restarted at each save, so no debugger can attach",
        f"no action needed; to debug it as the compose file says: devctl down && docker compose up {name}",
        linted.compose_place(("command",)),
    )


def _without_flags(service: Service) -> Problem:
    return Problem(
        "flags-unknown",
        f"flags with which {service.name} is built are known only to the shell or the tool that this line calls: devctl builds "
        "without them in dev",
        "no action needed if nothing depends on them; `build` of the service in devctl.yaml sets tags and variables",
        service.build.unread,
    )


def _without_a_shell(linted: Linted, service: Service) -> Problem:
    words, place = (
        ", ".join(f"`{redact(word)}`" for word in service.start.unknown),
        service.origins.get("args", ""),
    )
    return Problem(
        "argument-of-shell",
        f"{service.name} gets {words} as written: devctl's own stage starts the program without a shell, which alone knows the "
        "value",
        "no action needed if the program accepts that; `args` of the service in devctl.yaml sets other arguments",
        place if ":" in place else linted.compose_place(("command",)),
    )


def _left_lines(service: Service) -> list[int]:
    return (
        sorted(line.line for line in service.build.derived.final.left_out)
        if service.build.derived is not None
        else []
    )


def _prod_reasons(linted: Linted, project: Project, service: Service) -> tuple[Problem, ...]:
    steps = (_left_out(linted, service),) if service.start.steps else ()
    if linted.dockerfile is None or service.build.prod_stages or project.prod_target:
        return steps
    return (*steps, no_prod_stage(linted.dockerfile))


def _left_out(linted: Linted, service: Service) -> Problem:
    return Problem(
        "steps-left-out",
        f"{service.name} runs `{' && '.join(map(_named_alone, service.start.steps))}` before the program in dev, but "
        "production starts only the program",
        "if production needs that too, make it a separate service that `depends_on` waits for (`condition: "
        "service_completed_successfully`)",
        linted.compose_place(("command",)),
    )


def _named_alone(step: str) -> str:
    """The program of a step: its words have variables substituted, and one may contain a password."""
    words = [word for word in shlex.split(step) if not re.match(r"\w+=", word)]
    return " ".join([*words[:1], *(["…"] if len(words) > 1 else [])])


def _compiles_c(box: Toolbox, base: str) -> bool:
    return any(path.endswith(_COMPILERS) for path in box.images().read(base, files=True).files)
