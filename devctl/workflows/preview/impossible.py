"""What cannot work in production with the project's files, known before anything that runs is touched."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path

from devctl.domain.command.argv import SHELLS
from devctl.domain.compose.handed_files import may_read, mounted
from devctl.domain.derive.run_lines import compiles, parts
from devctl.domain.detect.main_package import Main, mains
from devctl.domain.dockerfile.dockerignore import hiding_line
from devctl.domain.dockerfile.entrypoint import words_of
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.runtime_bases import RUNTIME_BASES, SHELL_BASE
from devctl.domain.dockerfile.stages import effective, external_base, find_stage, has_shell
from devctl.domain.plan.run import Run, target_of
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Sources
from devctl.domain.project.compose_model import Spec
from devctl.domain.project.model import Project
from devctl.errors import ProjectError
from devctl.workflows.project.find import named
from devctl.workflows.session.overlay import ignored_by_them
from devctl.workflows.session.session import Session


def refuse_lost(files: Files, sources: Sources, session: Session) -> None:
    """Raise ProjectError for a start that needs a shell that does not exist, and for a package that no build gets."""
    for run in (r for r in session.runs if r.mode == "prod"):
        built = session.dockerfile(sources, run)
        _refuse_shell(session, run, built)
        refuse_hidden(files, session.project, run, built=built)


def _refuse_shell(session: Session, run: Run, built: DockerfileFacts) -> None:
    stage = find_stage(built, target_of(run.stage)) if run.stage else None
    knows = run.ours or (stage is not None and effective(built, stage, "ENTRYPOINT") is not None)
    key, words = _start(session.model["services"][run.service], has_entrypoint=knows)
    if not key or posixpath.basename(words[0]) not in SHELLS or _has_shell(run, built, stage):
        return
    raise ProjectError(
        f"`{key}` of {run.service} starts {words[0]}, but {run.base} has no shell",
        code="shell-needed",
        hint=f"devctl prod-preview --base {SHELL_BASE}; or start the program directly: `{key}: [PROGRAM, ARGUMENT]`",
        place=session.project.place(("services", run.service, key)),
    )


def _has_shell(run: Run, built: DockerfileFacts, stage: Stage | None) -> bool:
    if run.ours and run.base in RUNTIME_BASES:
        return RUNTIME_BASES[run.base].has_shell
    return stage is None or has_shell(external_base(built, stage))


def _start(spec: Spec, *, has_entrypoint: bool) -> tuple[str, tuple[str, ...]]:
    """Which key of the compose file says what is started, and its words."""
    own, command = words_of(spec, "entrypoint"), words_of(spec, "command")
    if own:
        return "entrypoint", own
    return ("command", command) if command and not has_entrypoint else ("", ())


def refuse_hidden(files: Files, project: Project, run: Run, *, built: DockerfileFacts) -> None:
    """Raise ProjectError `package-ignored` if the user's Dockerfile does not get a package that the program is built from."""
    service = project.service(run.service)
    if service is None or run.ours or _makes_code(built):
        return
    facts = project.source
    main = next(
        (m for m in mains(facts) if (m.module.dir, m.relative) == (service.source.dir, service.source.main)),
        None,
    )
    path, theirs = ignored_by_them(files, project, run)
    for folder in _packages(main, run.context) if main is not None and theirs is not None else ():
        names = [
            n
            for n in files.names(project.root / run.context / folder)
            if n.endswith(".go") and not n.endswith("_test.go")
        ]
        lines = [
            hiding_line(theirs or "", posixpath.normpath(posixpath.join(folder, name))) for name in names
        ]
        if names and all(line is not None for line in lines):
            raise ProjectError(
                f"{path} keeps the package {folder} out of the build, but {service.name} is built from it",
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
    """Whether the build may generate Go code itself."""
    lines = (i for stage in facts.stages for i in stage.instructions if i.cmd == "RUN")
    return any(
        i.runs or (compiles(part) and " build" not in part and " install" not in part)
        for i in lines
        for part in parts(i)
    )


def refuse_unreadable(files: Files, session: Session) -> None:
    """Raise ProjectError `secret-not-readable` before anything is switched: in dev the container runs as the owner of the
    files."""
    for run in session.runs:
        spec = session.model["services"][run.service]
        for kind, key, path in mounted(spec, session.model) if run.mode == "prod" else ():
            facts = files.permissions(Path(path))
            user = str(spec.get("user") or "")
            groups = spec.get("group_add") or ()
            if facts is None or may_read(user, groups=groups, mode=facts[0], owner=facts[1:]):
                continue
            mode, uid, gid = facts
            what, where = f"{kind.removesuffix('s')} {key}", named(session.root, Path(path))
            raise ProjectError(
                f"{run.service} cannot read {what}: {where} has mode {mode:04o} and belongs to {uid}:{gid}, but production "
                f"runs as {user}",
                code="secret-not-readable",
                hint=(
                    f"`services: {{{run.service}: {{group_add: ['{gid}']}}}}` in the compose file and `chmod 0640 {where}` "
                    f"let it read the file; or run it as the owner with `user: '{uid}:{gid}'` there"
                ),
                place=session.project.place((kind, key, "file")),
            )
