"""The manifests of a service, read from the project's folder: their fingerprint, and what changed in words."""

from __future__ import annotations

import posixpath
from pathlib import Path

from devctl.domain.events import Change
from devctl.domain.fingerprint import fingerprint, manifests
from devctl.domain.gochanges import changes
from devctl.domain.gomod import parse_mod, parse_work, sums_complete
from devctl.domain.overlay import OVERLAY
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.errors import FilesError


def manifest_paths(box: Toolbox, project: Project, service: Service) -> tuple[str, ...]:
    """Paths relative to the project, absent ones included: they may come."""
    root = Path(project.root)
    return manifests(service.dir, read=lambda path: box.files.read_text(root / path))


def deps_fingerprint(box: Toolbox, project: Project, service: Service) -> str:
    root = Path(project.root)
    paths = (*manifest_paths(box, project, service), *project.watch_also)
    return fingerprint({path: box.files.read_bytes(root / path) for path in paths})


def check_manifests(box: Toolbox, project: Project) -> None:
    """Raises FilesError with the line where a go.mod or go.work cannot be understood: nothing is built then."""
    root = Path(project.root)
    paths = (path for service in project.services for path in manifest_paths(box, project, service))
    for path in dict.fromkeys(paths):
        if posixpath.basename(path) in ("go.mod", "go.work"):
            text = box.files.read_text(root / path)
            if text is not None:
                (parse_work if path.endswith(".work") else parse_mod)(text, path=path)


def remember_manifest(box: Toolbox, project: Project, service: Service) -> None:
    """Keep the go.mod that serves now, so that the next change can be told in words. Losing it loses only the words."""
    text = box.files.read_text(_go_mod(project, service))
    if text is not None:
        box.files.write_atomic(_kept(project, service), text, owner=project.owner)


def changes_since(box: Toolbox, project: Project, service: Service) -> tuple[Change, ...]:
    """What go.mod says now against the one that serves; nothing where either cannot be read."""
    old, new = box.files.read_text(_kept(project, service)), box.files.read_text(_go_mod(project, service))
    if old is None or new is None:
        return ()
    try:
        return changes(parse_mod(old), parse_mod(new, path=posixpath.join(service.dir, "go.mod")))
    except FilesError:
        return ()


def sums_are_complete(box: Toolbox, project: Project, service: Service) -> bool:
    """Whether go.mod parses and go.sum has the hash of all that it requires: then no tool is about to write more."""
    mod, sums = box.files.read_text(_go_mod(project, service)), _go_mod(project, service).with_name("go.sum")
    try:
        return mod is not None and sums_complete(parse_mod(mod), box.files.read_text(sums) or "")
    except FilesError:
        return False


def _go_mod(project: Project, service: Service) -> Path:
    return Path(project.root) / service.dir / "go.mod"


def _kept(project: Project, service: Service) -> Path:
    return Path(project.root) / OVERLAY / f"{service.name}.go.mod"
