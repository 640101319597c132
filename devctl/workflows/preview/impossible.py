"""What cannot work in production as the project's files stand, known before anything is built or touched."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path

from devctl.domain.derive.run_lines import compiles, parts
from devctl.domain.detect.main_package import Main, mains
from devctl.domain.dockerfile.dockerignore import hiding_line
from devctl.domain.dockerfile.entrypoint import SHELLS, words_of
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.runtime_bases import RUNTIME_BASES, SHELL_BASE
from devctl.domain.dockerfile.stages import effective, external_base, find_stage, has_shell
from devctl.domain.plan.run import Run, target_of
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.compose_model import Spec
from devctl.domain.project.model import Project
from devctl.errors import ProjectError
from devctl.workflows.project.compose_model import compose_place
from devctl.workflows.session.overlay import dockerfile_of, ignored_by_them
from devctl.workflows.session.session import Session


def refuse_lost(box: Toolbox, session: Session) -> None:
    """Raise ProjectError for a start that needs a shell where there is none, and for a package that no build is given."""
    for run in (r for r in session.runs if r.mode == "prod"):
        _refuse_shell(box, session, run)
        refuse_hidden(box, session.project, run)


def _refuse_shell(box: Toolbox, session: Session, run: Run) -> None:
    key, words = _start(
        session.model["services"][run.service], has_entrypoint=_has_entrypoint(box, session, run)
    )
    if not key or posixpath.basename(words[0]) not in SHELLS or _has_shell(box, session, run):
        return
    raise ProjectError(
        f"`{key}` of {run.service} starts {words[0]}, and {run.base} has no shell",
        code="shell-needed",
        hint=f"devctl prod-preview --base {SHELL_BASE}; or start the program without a shell: `{key}: [PROGRAM, ARGUMENT]`",
        place=compose_place(box, session.root)(("services", run.service, key)),
    )


def _has_shell(box: Toolbox, session: Session, run: Run) -> bool:
    facts, stage = _built(box, session.project, run)
    if run.ours and run.base in RUNTIME_BASES:
        return RUNTIME_BASES[run.base].has_shell
    return stage is None or has_shell(external_base(facts, stage))


def _has_entrypoint(box: Toolbox, session: Session, run: Run) -> bool:
    facts, stage = _built(box, session.project, run)
    return run.ours or (stage is not None and effective(facts, stage, "ENTRYPOINT") is not None)


def _built(box: Toolbox, project: Project, run: Run) -> tuple[DockerfileFacts, Stage | None]:
    facts = dockerfile_of(box, project, run)
    return facts, find_stage(facts, target_of(run.stage)) if run.stage else None


def _start(spec: Spec, *, has_entrypoint: bool) -> tuple[str, tuple[str, ...]]:
    """Which key of the compose file says what is started, and its words."""
    own, command = words_of(spec, "entrypoint"), words_of(spec, "command")
    if own:
        return "entrypoint", own
    return ("command", command) if command and not has_entrypoint else ("", ())


def refuse_hidden(box: Toolbox, project: Project, run: Run) -> None:
    """Raise ProjectError `package-ignored` where the user's Dockerfile is not given a package that the program is built from."""
    service = project.service(run.service)
    root = Path(project.root)
    if service is None or run.ours or _makes_code(dockerfile_of(box, project, run)):
        return
    facts = project.source
    main = next(
        (m for m in mains(facts) if (m.module.dir, m.relative) == (service.source.dir, service.source.main)),
        None,
    )
    path, theirs = ignored_by_them(box.files, project, run)
    for folder in _packages(main, run.context) if main is not None and theirs is not None else ():
        names = [
            n
            for n in box.files.names(root / run.context / folder)
            if n.endswith(".go") and not n.endswith("_test.go")
        ]
        lines = [
            hiding_line(theirs or "", posixpath.normpath(posixpath.join(folder, name))) for name in names
        ]
        if names and all(line is not None for line in lines):
            raise ProjectError(
                f"{path} keeps the package {folder} from the build, and {service.name} is built from it",
                code="package-ignored",
                hint=f"`!{folder}` as the last line of {path}",
                place=f"{path}:{lines[0]}",
            )


def _packages(main: Main, context: str) -> Iterator[str]:
    """The folders that the program is built from, relative to the build context."""
    for package in main.closure:
        below = posixpath.relpath(package.dir, context)
        if not below.startswith("..") and below != ".":
            yield below


def _makes_code(facts: DockerfileFacts) -> bool:
    """Whether the build may make Go code itself."""
    lines = (i for stage in facts.stages for i in stage.instructions if i.cmd == "RUN")
    return any(
        i.runs or (compiles(part) and " build" not in part and " install" not in part)
        for i in lines
        for part in parts(i)
    )
