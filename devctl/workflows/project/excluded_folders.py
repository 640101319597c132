"""Folders inside the project that are neither sent to a build nor watched: the data of databases, the modules of frontends.

They are large, and data changes all the time and is often readable only by the database: air exits at a folder it may not
read.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from devctl.domain.compose.mounted_files import DATA
from devctl.domain.ports.files import Files
from devctl.domain.project.model import Project


def data_folders(files: Files, project: Project) -> tuple[str, ...]:
    """Relative to the project: those in which another service of the compose file keeps its data, and unreadable ones."""
    found = [*_mounted(project), *files.closed(project.root)]
    return tuple(dict.fromkeys(found))


def frontend_modules(project: Project) -> tuple[str, ...]:
    """Where `npm install` puts its tens of thousands of files, whether it has run or not; relative to the project."""
    kept = any("node_modules" in path for service in project.services for path in service.build.files)
    folders = () if kept else project.source.frontends
    return tuple(posixpath.normpath(f"{folder}/node_modules") for folder in folders)


def _mounted(project: Project) -> Iterator[str]:
    for name, spec in project.specs.items():
        for volume in (spec.get("volumes") or []) if project.service(name) is None else []:
            source, target = str(volume.get("source", "")), str(volume.get("target", ""))
            if source.startswith(f"{project.root}/") and target.startswith(DATA):
                yield posixpath.relpath(source, project.root)
