"""Modules of a workspace that require each other at a version nobody published (`v0.0.0`).

`go build` does not look it up, since the workspace has the module; `go mod download` does and fails (golang/go#51946).
A replacement of exactly that version in the go.work of the deps stage is what it accepts.
"""

from __future__ import annotations

import posixpath
from pathlib import Path

from devctl.domain.gomod import parse_mod, parse_work
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project


def unpublished(box: Toolbox, project: Project, paths: tuple[str, ...]) -> str:
    """The Dockerfile line that makes the workspace's own requirements known; "" where there are none.

    `paths`: the manifests of a service. Raises FilesError where one of them cannot be read.
    """
    root = Path(project.root)
    work = next((p for p in paths if posixpath.basename(p) == "go.work"), None)
    text = box.files.read_text(root / work) if work is not None else None
    if work is None or text is None:
        return ""
    base, parsed = posixpath.dirname(work), parse_work(text, path=work)
    folders = [posixpath.normpath(posixpath.join(base, use)) for use in parsed.uses]
    mods = {}
    for folder in folders:
        path = posixpath.normpath(posixpath.join(folder, "go.mod"))
        content = box.files.read_text(root / path)
        if content is not None:
            mods[folder] = parse_mod(content, path=path)
    replaced = {r.old for m in (parsed, *mods.values()) for r in m.replaces}
    where = {mod.module: folder for folder, mod in mods.items() if mod.module not in replaced}
    wanted = {
        (r.path, r.version, where[r.path]) for mod in mods.values() for r in mod.requires if r.path in where
    }
    flags = [
        f"-replace={path}@{version}=./{posixpath.relpath(folder, base or '.')}"
        for path, version, folder in sorted(wanted)
    ]
    folder = posixpath.join("/app", base)
    return f"RUN cd {folder.rstrip('/')} && go work edit {' '.join(flags)}" if flags else ""
