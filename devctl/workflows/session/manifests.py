"""The manifests of a service, read from the project's folder: their fingerprint, and what changed in words."""

from __future__ import annotations

import posixpath
import re
import shlex
from pathlib import Path

from devctl.domain.command.argv import shell_path
from devctl.domain.command.events import Change
from devctl.domain.command.state import Mode
from devctl.domain.go.deps_fingerprint import fingerprint, manifests
from devctl.domain.go.gomod import parse_mod, parse_work, sums_complete
from devctl.domain.go.gomod_diff import changes
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project, Service
from devctl.domain.project.state_folder import served_go_mod
from devctl.errors import FilesError, ProjectError
from devctl.workflows.project.find import named, places_from
from devctl.workflows.session.steps import only_warned


def manifest_paths(files: Files, project: Project, service: Service) -> tuple[str, ...]:
    """Paths relative to the project, including absent ones: they may appear."""
    with places_from(lambda: project.root):
        found = manifests(
            service.source.dir,
            read=lambda path: files.read_text(project.root / path, within=project.root),
            workspace=service.build.env.get("GOWORK") != "off",
        )
    return tuple(path for path in found if not path.startswith("../"))


def deps_fingerprint(files: Files, project: Project, service: Service) -> str:
    paths = (*manifest_paths(files, project, service), *project.watch_also)
    return fingerprint({path: files.read_bytes(project.root / path, within=project.root) for path in paths})


def check_manifests(files: Files, project: Project, *, mode: Mode) -> None:
    """Raises FilesError with the line if a go.mod or go.work cannot be understood, or names what no image here can have
    (ProjectError in production, whose image is the user's): nothing is built then."""
    root = project.root
    paths = [path for service in project.services for path in manifest_paths(files, project, service)]
    workspace = any(path.endswith("go.work") and files.exists(root / path) for path in paths)
    with places_from(lambda: root):
        for path in dict.fromkeys(paths):
            if posixpath.basename(path) in ("go.mod", "go.work"):
                text = files.read_text(root / path, within=root)
                if text is not None and path.endswith(".work"):
                    _check_members(files, root, path, text)
                elif text is not None:
                    _check_replaced(files, project, path, text, mode=mode, workspace=workspace)


def _check_replaced(
    files: Files, project: Project, path: str, text: str, *, mode: Mode, workspace: bool
) -> None:
    """No image and no container of the project has a folder outside it; a vendored module is in the project. Go reads a
    replacement only of a module that is required, and that no `workspace` provides."""
    root, folder, mod = project.root, posixpath.dirname(path), parse_mod(text, path=path)
    if files.exists(root / folder / "vendor" / "modules.txt"):
        return
    required = {r.path for r in mod.requires}
    for replaced in (r for r in mod.replaces if r.local and r.old in required):
        there = posixpath.normpath(posixpath.join(folder, replaced.new))
        line = next(
            (n for n, said in enumerate(text.splitlines(), 1) if "=>" in said and replaced.new in said), 1
        )
        said, place = f"{path} replaces {replaced.old} with {replaced.new}", f"{path}:{line}"
        kind = ProjectError if mode == "prod" else FilesError
        if there.startswith("../"):
            both = posixpath.join(*[".."] * there.split("/").count(".."))
            raise kind(
                f"{said}, which is outside the project",
                code="replaced-outside",
                hint=_from_above(project, both),
                place=place,
            )
        if not workspace and not files.exists(root / there / "go.mod"):
            is_folder = files.is_dir(root / there)
            raise FilesError(
                f"{said}, {'a folder without a go.mod, which Go refuses' if is_folder else 'but there is no such folder'}",
                code="replaced-missing",
                hint=_brought(files, root, there, replaced.old, is_folder=is_folder),
                place=place,
            )


def _brought(files: Files, root: Path, folder: str, module: str, *, is_folder: bool) -> str:
    """How to get a module into a folder."""
    submodules = files.read_text(root / ".gitmodules", within=root) or ""
    if re.search(rf"^\s*path\s*=\s*{re.escape(folder)}\s*$", submodules, re.MULTILINE):
        return f"git submodule update --init {shell_path(folder)}"
    if is_folder:
        return f"cd {shlex.quote(folder)} && go mod init {shlex.quote(module)}"
    drop = f"go mod edit {shlex.quote(f'-dropreplace={module}')} && go mod tidy"
    return f"restore {folder}; or, if the code no longer needs it: {drop}"


def _from_above(project: Project, both: str) -> str:
    """How to start the project from the folder that contains both, with its existing compose file."""
    if not project.compose_files:
        return f"devctl -C {both} up: that folder contains both, and its compose file may say `build: {{context: .}}`"
    above = Path(posixpath.normpath(project.root / both))
    names = shlex.quote(":".join(named(above, path) for path in reversed(project.compose_paths)))
    return f"COMPOSE_FILE={names} devctl -C {both} up: that folder contains both, and is the `context` to build from"


def _check_members(files: Files, root: Path, path: str, text: str) -> None:
    """Go builds nothing in a workspace with a missing member."""
    for use in parse_work(text, path=path).uses:
        folder = Path(posixpath.normpath(root / posixpath.dirname(path) / use))
        if not files.exists(folder / "go.mod"):
            lines = enumerate(text.splitlines(), 1)
            line = next(
                (n for n, said in lines if re.search(rf"(^|[\s\"]){re.escape(use)}($|[\s\"])", said)), 1
            )
            raise FilesError(
                f"{path} lists the member {use}, but there is no go.mod in that folder",
                code="broken-go-work",
                hint=f"go work edit {shlex.quote(f'-dropuse={use}')}, or restore the folder, or build without go.work: "
                "GOWORK=off devctl up",
                place=f"{path}:{line}",
            )


def remember_manifest(box: Toolbox, project: Project, service: Service) -> None:
    """Keep the go.mod that serves now, so that the next change can be described. Losing it only loses the description. It is
    the one that was loaded before the fingerprint was taken: what was saved since is the next change."""
    text = _loaded_mod(project, service)
    if text is not None:
        with only_warned(box.reporter):
            box.state.put(project.root, served_go_mod(service.name), text)


def changes_since(box: Toolbox, project: Project, service: Service) -> tuple[Change, ...]:
    """The difference between the current go.mod and the one that serves; nothing if either cannot be read."""
    old = None
    with only_warned(box.reporter):
        old = box.state.text(project.root, served_go_mod(service.name))
    new = _read_mod(box.files, project, service)
    if old is None or new is None:
        return ()
    try:
        return changes(parse_mod(old), parse_mod(new, path=posixpath.join(service.source.dir, "go.mod")))
    except FilesError:
        return ()


def sums_are_complete(files: Files, project: Project, service: Service) -> bool:
    """Whether go.mod parses and go.sum has the hash of everything that it requires: then no tool is about to write more."""
    mod, root = _read_mod(files, project, service), project.root
    try:
        return mod is not None and sums_complete(
            parse_mod(mod), files.read_text(root / service.source.dir / "go.sum", within=root) or ""
        )
    except FilesError:
        return False


def _loaded_mod(project: Project, service: Service) -> str | None:
    return next((m.text for m in project.source.modules if m.dir == service.source.dir), None)


def _read_mod(files: Files, project: Project, service: Service) -> str | None:
    return files.read_text(project.root / service.source.dir / "go.mod", within=project.root)
