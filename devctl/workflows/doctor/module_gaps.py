"""Lines of go.mod and go.sum that the project's services need and that are missing."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path

from devctl.domain.go.facts import Module, SourceFacts
from devctl.domain.go.gomod import parse_mod, parse_work
from devctl.domain.go.module_gaps import ModuleGap, module_gap, workspace_gap
from devctl.domain.go.prefilter import reachable
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Sources
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, FilesError


def module_gaps(
    files: Files, sources: Sources, root: Path | None, project: Project | None
) -> tuple[ModuleGap, ...] | None:
    """Of the modules that the project's services are built from, or of the workspace that contains them."""
    if root is None or project is None:
        return None
    try:
        facts = sources.go(root)
    except DevctlError:
        return None
    if facts.work is not None:
        return _workspace_gaps(files, root, facts, facts.work, project)
    mains = {(s.source.dir, s.source.main) for s in project.services}
    modules = [m for m in facts.modules if any(folder == m.dir for folder, _ in mains)]
    found = (_gap(files, root, m, [main for folder, main in mains if folder == m.dir]) for m in modules)
    return tuple(gap for gap in found if gap is not None)


def _workspace_gaps(
    files: Files, root: Path, facts: SourceFacts, work: str, project: Project
) -> tuple[ModuleGap, ...]:
    """None is judged if go.work is above the project, or a file cannot be read: the build says what is wrong."""
    base = posixpath.dirname(work) or "."

    def read(*parts: str) -> str | None:
        return files.read_text(root / posixpath.normpath(posixpath.join(*parts)), within=root)

    try:
        parsed = parse_work(read(work) or "", path=work)
        folders = {posixpath.normpath(posixpath.join(base, use)) for use in parsed.uses}
        modules = [m for m in facts.modules if m.dir in folders]
        members = {m.dir: parse_mod(read(m.dir, "go.mod") or "") for m in modules}
    except FilesError:
        return ()
    if base.startswith("..") or len(members) < len(folders):
        return ()
    sums = [read(base, "go.work.sum"), *(read(member, "go.sum") for member in members)]
    gap = workspace_gap(
        parsed,
        members,
        folder=base,
        sum_text="\n".join(text for text in sums if text),
        vendor_text=read(base, "vendor", "modules.txt"),
        imports=_imports_by_module(modules, project),
    )
    return (gap,) if gap is not None else ()


def _imports_by_module(modules: Iterable[Module], project: Project) -> dict[str, list[str]]:
    """What the services are built from may be in several members; each import belongs to the member that contains it."""
    home = {_path(m, package.dir): (m.dir, package.imports) for m in modules for package in m.packages}
    paths = {m.dir: m for m in modules}
    starts = [
        _path(paths[s.source.dir], posixpath.join(s.source.dir, s.source.main))
        for s in project.services
        if s.source.dir in paths
    ]
    found: dict[str, list[str]] = {}
    for path in reachable(starts, {path: imports for path, (_, imports) in home.items()}):
        member, imports = home[path]
        found.setdefault(member, []).extend(imports)
    return found


def _gap(files: Files, root: Path, module: Module, mains: list[str]) -> ModuleGap | None:
    folder = root / module.dir
    return module_gap(
        module.dir,
        files.read_text(folder / "go.mod", within=root) or "",
        sum_text=files.read_text(folder / "go.sum", within=root) or "",
        vendor_text=files.read_text(folder / "vendor" / "modules.txt", within=root),
        imports=_imports(module, mains),
    )


def _imports(module: Module, mains: list[str]) -> Iterator[str]:
    """What the mains are built from: a package that no service uses prevents none from being built."""
    by_path = {_path(module, package.dir): package.imports for package in module.packages}
    starts = [_path(module, posixpath.join(module.dir, main)) for main in mains]
    for path in reachable(starts, by_path):
        yield from by_path[path]


def _path(module: Module, folder: str) -> str:
    """The import path of a folder, which is given relative to the project."""
    inside = posixpath.relpath(posixpath.normpath(folder), module.dir)
    return module.path if inside == "." else f"{module.path}/{inside}"
