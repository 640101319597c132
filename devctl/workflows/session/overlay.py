"""What a service is built from, below `.devctl/`: the Dockerfile, its .dockerignore, and for devctl's own air's configuration."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from devctl.domain.bases.references import Base, project_bases
from devctl.domain.derive.dev_stage import dev_dockerfile
from devctl.domain.derive.git_access import with_git
from devctl.domain.detect.config_file_env import reread
from devctl.domain.dockerfile.dockerignore import taken_back_in
from devctl.domain.dockerfile.facts import DockerfileFacts, with_ends
from devctl.domain.dockerfile.recipe import Recipe
from devctl.domain.dockerfile.stages import find_stage, needed_by
from devctl.domain.dockerfile.syntax_directive import newer_lines, syntax_line, without_syntax_line
from devctl.domain.go.gomod import parse_mod, parse_work
from devctl.domain.numbers import whole
from devctl.domain.paths import is_below
from devctl.domain.plan.digest import digest
from devctl.domain.plan.engine_state import Image
from devctl.domain.plan.run import Run, built_from, rebased, target_of
from devctl.domain.plan.users_air import air_of, our_build, translated
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Sources, Templates, Toolbox
from devctl.domain.project.air_toml import air_toml
from devctl.domain.project.config import CONFIG_FILE
from devctl.domain.project.model import Project, Service
from devctl.domain.project.state_folder import STATE_FOLDER, air_toml_copy, dockerfile_copy
from devctl.domain.regex import regex
from devctl.errors import FilesError
from devctl.workflows.project.excluded_folders import data_folders, frontend_modules
from devctl.workflows.project.users_dockerfile import users_text
from devctl.workflows.session.bind_mounts import at_end, volume_folders, with_volumes
from devctl.workflows.session.manifests import manifest_paths
from devctl.workflows.session.private_modules import said_args

NO_GIT = ".git\n"
"""For a context without a .dockerignore: every git command writes to .git, and would outdate what was built from it."""
_SECTION = regex(r"^# -{10,}.*\n", re.MULTILINE)
MANIFEST_LINE = "COPY go.mod go.su[m] ./"
_ODD = regex(r"^-|[^\w./~+@\[\]-]")
_DATA = frozenset(["", "db", "json", "log", "sqlite", "sqlite3"])
_OF_GIT = regex(
    r"\bgit\s+(?:-\S+\s+(?:\S+\s+)?)?(?:describe|rev-parse|rev-list|log|show|tag|status|diff)\b|(?<![\w-])\.git(?:/|\s|$)"
)
_OF_GO = regex(r"[\w.~/+-]+", re.ASCII)
"""Module paths and versions that Go accepts."""


def overlay_files(box: Toolbox, project: Project, run: Run) -> dict[str, str]:
    """Path below `.devctl/` → content: what a service is built from."""
    service = project.service(run.service)
    assert service is not None
    ours = run.dockerfile is None
    dockerfile = (
        our_dockerfile(box.files, box.templates, project, service, context=run.context)
        if ours
        else _their_dockerfile(box.files, box.sources, project, run)
    )
    if ours and not run.derived and "GOPRIVATE" in run.args:
        dockerfile = with_git(dockerfile)
    if run.derived:
        dockerfile = _derived_dockerfile(box.templates, project, service, ours=dockerfile)
    copy = dockerfile_copy(run.service)
    files = {copy: dockerfile, f"{copy}.dockerignore": _ignored(box.files, project, run, dockerfile)}
    if ours:
        template = box.templates.read("go-service/.air.toml")
        left_out = [*data_folders(box.files, project), *frontend_modules(project)]
        watched = (*service.source.embedded, *with_targets(box.files, project, reread(service)))
        vendored, air = is_vendored(box.files, project, service), air_of(service)
        files[air_toml_copy(run.service)] = (
            translated(
                air,
                service,
                source=service.mounted_at,
                unwatched=left_out,
                watched=watched,
                vendored=vendored,
            ).text
            if air is not None
            else air_toml(
                template,
                our_build(service),
                unwatched=left_out,
                watched=(
                    *watched,
                    *with_targets(box.files, project, _copied(box.files, project, service)),
                ),
                vendored=vendored,
            )
        )
    return files


def _copied(files: Files, project: Project, service: Service) -> Iterator[str]:
    """What the user's image gets from the source besides the program, which may read it at startup: files, and the extensions
    in folders. (Data that a program writes itself is left out by its extension: each write would be a build.)"""
    copies = service.build.derived.final.copies if service.build.derived is not None else ()
    for source in (source for each in copies for source in each.sources if source != "."):
        path = posixpath.normpath(posixpath.join(service.build.context, source))
        found = _endings(files, project.root / path, root=files.real(str(project.root)), depth=4) - _DATA
        yield from sorted(f"*.{ending}" for ending in found) if found or "*" in path else [path]


def with_targets(files: Files, project: Project, paths: Iterable[str]) -> Iterator[str]:
    """With the project's files that links among them lead to: an editor that saves by rename does not change the link."""
    root = Path(files.real(str(project.root)))
    for path in paths:
        yield path
        target = Path(files.real(str(root / path)))
        if not path.startswith("*.") and target != root / path and target.is_relative_to(root):
            yield target.relative_to(root).as_posix()


def _endings(files: Files, path: Path, *, root: str, depth: int, seen: set[str] | None = None) -> set[str]:
    """The extensions of files in a folder and below; a pattern's own; none for a file. Each folder of the project is `seen`
    once: a link may lead to its own folder, or to the whole machine."""
    if not files.is_dir(path):
        return {path.suffix.removeprefix(".")} if "*" in path.name else set()
    seen, real = seen if seen is not None else set(), files.real(str(path))
    if real in seen or not is_below(real, root):
        return set()
    seen.add(real)
    names = [name for name in files.names(path) if not name.startswith(".")] if depth else []
    below = (
        _endings(files, path / name, root=root, depth=depth - 1, seen=seen)
        or {Path(name).suffix.removeprefix(".")}
        for name in names
    )
    return set().union(*below)


def recipe_in(files: Mapping[str, str], service: str) -> Recipe:
    """What a service is built from, of its `overlay_files`."""
    copy = dockerfile_copy(service)
    return Recipe(files[copy], files[f"{copy}.dockerignore"])


def recipe_of(files: Files, project: Project, build: Mapping[str, Any]) -> Recipe | None:
    """What another service of the compose file is built from: their Dockerfile, and a context without devctl's own folder,
    which changes with every command. None if the context is not a folder of the project."""
    root, context = project.root, Path(str(build.get("context") or ""))
    dockerfile = context / str(build.get("dockerfile") or "Dockerfile")
    if "dockerfile_inline" in build or not all(p.is_relative_to(root) for p in (context, dockerfile)):
        return None
    text = files.read_text(dockerfile, within=root)
    if text is None:
        return None
    beside = files.read_text(dockerfile.with_name(f"{dockerfile.name}.dockerignore"), within=root)
    theirs = (
        beside if beside is not None else files.read_text(context / ".dockerignore", within=root) or NO_GIT
    )
    return Recipe(_read_by(project, text), "\n".join([theirs.rstrip(), STATE_FOLDER, ""]))


def is_vendored(files: Files, project: Project, service: Service) -> bool:
    """Whether the build takes its modules from vendor/."""
    return files.exists(project.root / service.source.dir / "vendor/modules.txt")


def _their_dockerfile(files: Files, sources: Sources, project: Project, run: Run) -> str:
    """The user's, line by line; with their stage on another base if that is wanted; a wanted stage without a name gets one,
    and a builder that is not available is left out.

    Raises FilesError `reserved-name` if another stage has that name.
    """
    moved, service = rebased(project, run), project.service(run.service)
    assert service is not None
    text = moved.text if moved is not None else users_text(files, project.root, service, str(run.dockerfile))
    number = whole(run.stage or "")
    text = _read_by(project, text)
    facts = sources.dockerfile_text(text, path=str(run.dockerfile), args=build_args(project, run))
    text = _without_newer(facts, text, run.stage) if syntax_line(text) is None else text
    stage = find_stage(facts, run.stage)
    if run.mode == "dev" and project.owner[0] != 0 and stage is not None:
        text = at_end(text, facts, stage, project, service)
    if number is None or run.stage is None:
        return text
    taken = next((s for s in facts.stages if s.name.lower() == target_of(run.stage)), None)
    if taken is not None:
        raise FilesError(
            f"a stage is named {taken.name}, the name that devctl gives to the unnamed stage it builds",
            code="reserved-name",
            hint=f"rename stage {taken.name}, or name stage {number} of {run.dockerfile}",
            place=f"{run.dockerfile}:{taken.line}",
        )
    lines = with_ends(text)
    at = facts.stages[number].line - 1
    lines[at] = f"{lines[at].rstrip()} AS {target_of(run.stage)}\n"
    return "".join(lines)


def _read_by(project: Project, text: str) -> str:
    """Without a builder that is not available."""
    found = syntax_line(text)
    return without_syntax_line(text) if found is not None and found[1] in project.left_out_builders else text


def _without_newer(facts: DockerfileFacts, text: str, wanted: str | None) -> str:
    """Without the instructions that an older engine cannot read, in stages that are not built: it reads all of them first."""
    stage = find_stage(facts, wanted)
    needed = needed_by(facts, stage) if stage is not None else facts.stages
    lines = text.split("\n")
    for newer in newer_lines(s for s in facts.stages if s not in needed):
        first = newer.instruction.line - 1
        count = len(newer.instruction.original.strip("\n").split("\n"))
        lines[first : first + count] = [""] * count
    return "\n".join(lines)


def build_args(project: Project, run: Run) -> dict[str, str]:
    """The build arguments of the compose file and of devctl."""
    return {**said_args(project, run.service), **run.args}


def bases_of(project: Project, run: Run, dockerfile: DockerfileFacts) -> tuple[Base, ...]:
    """The external images that building this run's stage needs, with its arguments substituted. A name in
    `additional_contexts` is not one."""
    stage = find_stage(dockerfile, run.stage)
    if stage is None:
        return ()
    stages = needed_by(dockerfile, stage)
    for needed in stages:
        if needed.base.endswith((":", "@")) or needed.base == "":
            raise FilesError(
                f"FROM names no image: {needed.base!r} has an empty {'digest' if '@' in needed.base else 'tag'}",
                code="broken-dockerfile",
                hint="give the build argument in that line a non-empty default (ARG), or a value in `build.args`",
                place=f"{dockerfile.path}:{needed.line}",
            )
    found = project_bases((), (DockerfileFacts(dockerfile.path, stages, dockerfile.global_args),))
    contexts = (project.spec(run.service).get("build") or {}).get("additional_contexts") or {}
    return tuple(base for base in found if base.ref not in contexts)


def dockerfile_in(sources: Sources, project: Project, run: Run, files: Mapping[str, str]) -> DockerfileFacts:
    """What a run is built from, of its `overlay_files`."""
    text, path = files[dockerfile_copy(run.service)], run.dockerfile or built_from(run)
    return sources.dockerfile_text(text, path=path, args=build_args(project, run))


def dockerfile_of(box: Toolbox, project: Project, run: Run) -> DockerfileFacts:
    """The same without an open session."""
    return dockerfile_in(box.sources, project, run, overlay_files(box, project, run))


def all_bases(box: Toolbox, project: Project, runs: Iterable[Run]) -> tuple[Base, ...]:
    """The bases of runs without an open session."""
    found = (base for run in runs for base in bases_of(project, run, dockerfile_of(box, project, run)))
    return tuple(dict.fromkeys(found))


def bases_digest(here: Mapping[str, Image], bases: Iterable[Base]) -> str:
    """Which of the locally available images the external references of a Dockerfile name; "" if one of them is not available."""
    refs = sorted({base.ref for base in bases})
    return digest([here[ref].id for ref in refs]) if refs and here.keys() >= set(refs) else ""


def our_dockerfile(
    files: Files, templates: Templates, project: Project, service: Service, *, context: str = "."
) -> str:
    """The template's Dockerfile, with the manifests of a workspace listed instead of the module's."""
    text = templates.read("go-service/Dockerfile")
    copied = [
        _copy([*(_globbed(p) for p in paths), target])
        for target, paths in _by_folder(files, project, service, context=context)
    ]
    known = _unpublished(files, project, manifest_paths(files, project, service), context=context)
    text = text.replace(MANIFEST_LINE, "\n".join([*copied, known]).rstrip() or MANIFEST_LINE)
    return with_volumes(text, project, service)


def _derived_dockerfile(templates: Templates, project: Project, service: Service, *, ours: str) -> str:
    assert service.build.derived is not None
    sections = _SECTION.split(ours)
    text = dev_dockerfile(
        service.build.derived,
        air=next(part for part in sections if " AS air\n" in part),
        std=next(part for part in sections if " AS std\n" in part),
        modules=next(part for part in sections if " AS deps\n" in part),
        scripts={
            name: templates.read(f"derived/{name}")
            for name in (
                "copies",
                "note-home",
                "once",
                "program",
                "refresh",
                "reload",
                "start",
                "stay",
                "unset",
            )
        },
        context=service.build.context,
        writable=volume_folders(project, service),
    )
    return _read_by(project, text)


def _by_folder(
    files: Files, project: Project, service: Service, *, context: str
) -> list[tuple[str, list[str]]]:
    """Manifests inside the build context, by the folder of the image that they go to; the go.mod of a folder comes first."""
    folders: dict[str, list[str]] = {}
    for path in (posixpath.relpath(path, context) for path in manifest_paths(files, project, service)):
        if not path.startswith("../") and not path.endswith("vendor/modules.txt"):
            folders.setdefault(posixpath.dirname(path), []).append(path)
    return [(f"./{folder}/" if folder else "./", paths) for folder, paths in folders.items()]


def _copy(words: list[str]) -> str:
    """In list form if a folder's name contains a space, or could be taken for a flag or a here-document."""
    odd = any(_ODD.search(word) for word in words)
    return f"COPY {json.dumps(words, ensure_ascii=False) if odd else ' '.join(words)}"


def _globbed(path: str) -> str:
    """`go.sum` → `go.su[m]`: COPY accepts a pattern that matches nothing, but not a name that does not exist."""
    return path if path.endswith("go.mod") else f"{path[:-1]}[{path[-1]}]"


def _ignored(files: Files, project: Project, run: Run, dockerfile: str) -> str:
    """What the user excludes from the context, and devctl's own folder, which changes with every mode."""
    _, said = ignored_by_them(files, project, run)
    theirs = said or ("" if not run.ours and _asks_git(project, run, dockerfile) else NO_GIT)
    # What is built from devctl's Dockerfile never reads devctl.yaml, and an edit of it must not rebuild anything. The user's
    # gets what their own `docker build` would give it.
    ours = [CONFIG_FILE, *frontend_modules(project)] if run.ours else []
    service = project.service(run.service)
    needed = _needed(files, project, service, run) if run.ours and service is not None else ()
    return "\n".join(
        [
            theirs.rstrip(),
            *taken_back_in(theirs, needed),
            *_below(run.context, data_folders(files, project)),
            *ours,
            STATE_FOLDER,
            "",
        ]
    )


def _needed(files: Files, project: Project, service: Service, run: Run) -> Iterator[str]:
    """What a devctl build needs, relative to its context: the user's .dockerignore may be for an image that only takes what is
    built outside (`*`, `!dist`)."""
    paths = [p for p in manifest_paths(files, project, service) if files.exists(project.root / p)]
    made_of = compiled(files, project, service) if run.mode == "prod" else service.source.embeds
    for path in (*made_of, *paths):
        inside = posixpath.relpath(path, run.context)
        if not inside.startswith(".."):
            yield inside


def compiled(files: Files, project: Project, service: Service) -> Iterator[str]:
    """What the program consists of: its Go files, what it embeds, and vendor/ if its modules are there."""
    for folder in service.source.packages:
        for name in files.names(project.root / folder):
            if name.endswith(".go") and not name.endswith("_test.go"):
                yield posixpath.join(folder, name)
    yield from service.source.embeds
    if is_vendored(files, project, service):
        yield posixpath.join(service.source.dir, "vendor")


def _asks_git(project: Project, run: Run, dockerfile: str) -> bool:
    """Whether a build reads the repository's history: `git describe`, directly or in a Makefile."""
    service = project.service(run.service)
    derived = service.build.derived if service is not None else None
    stages = derived.build.original.facts.stages if derived is not None else ()
    told = (i.runs for stage in stages for i in stage.instructions)
    return any(map(_OF_GIT.search, (dockerfile, *told)))


def ignored_by_them(files: Files, project: Project, run: Run) -> tuple[str, str | None]:
    """The user's .dockerignore that applies to a build: its path in the project, and its content."""
    root, beside = project.root, f"{run.written}.dockerignore"
    if run.written is not None and (text := files.read_text(root / beside, within=root)) is not None:
        return beside, text
    path = posixpath.normpath(posixpath.join(run.context, ".dockerignore"))
    return path, files.read_text(root / path, within=root)


def _below(context: str, folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        if is_below(folder, context):
            yield posixpath.relpath(folder, context)


def _unpublished(files: Files, project: Project, paths: tuple[str, ...], *, context: str) -> str:
    """The Dockerfile line that declares which modules of a workspace require each other at a version nobody published
    (`v0.0.0`); "" if there are none.

    `go build` does not look it up, since the workspace has the module; `go mod download` does and fails (golang/go#51946). It
    accepts a replacement of exactly that version in the go.work of the deps stage.

    `paths`: the manifests of a service. Raises FilesError if one of them cannot be read.
    """
    root = project.root
    work = next((p for p in paths if posixpath.basename(p) == "go.work"), None)
    text = files.read_text(root / work, within=root) if work is not None else None
    if work is None or text is None:
        return ""
    base, parsed = posixpath.dirname(work), parse_work(text, path=work)
    folders = [posixpath.normpath(posixpath.join(base, use)) for use in parsed.uses]
    mods = {}
    for folder in folders:
        path = posixpath.normpath(posixpath.join(folder, "go.mod"))
        content = files.read_text(root / path, within=root)
        if content is not None:
            mods[folder] = parse_mod(content, path=path)
    replaced = {r.old for m in (parsed, *mods.values()) for r in m.replaces}
    where = {mod.module: folder for folder, mod in mods.items() if mod.module not in replaced}
    # Words of a go.mod end up in a shell of devctl's Dockerfile, beside the keys that its build gets.
    wanted = {
        (r.path, r.version, where[r.path])
        for mod in mods.values()
        for r in mod.requires
        if r.path in where
        and _OF_GO.fullmatch(r.path)
        and _OF_GO.fullmatch(r.version)
        and where[r.path].isprintable()
    }
    flags = [
        f"-replace={path}@{version}=./{posixpath.relpath(folder, base or '.')}"
        for path, version, folder in sorted(wanted)
    ]
    folder = posixpath.normpath(posixpath.join("/app", posixpath.relpath(base or ".", context)))
    printable = flags and folder.isprintable()
    return f"RUN cd {shlex.quote(folder)} && go work edit {shlex.join(flags)}" if printable else ""
