"""Reads a project's code and files into facts: `Sources`, joined from its three parsers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from devctl.domain.config import Config
from devctl.domain.gofacts import DockerfileFacts, SourceFacts


class ProjectSources:
    """Each parser's library is imported on first use."""

    def go(self, root: Path, *, tags: Iterable[str] = ()) -> SourceFacts:
        from devctl.adapters import go_source

        return go_source.read(root, tags=tags)

    def dockerfile(self, path: Path, *, root: Path) -> DockerfileFacts:
        from devctl.adapters import dockerfile_source

        return dockerfile_source.read(path, root=root)

    def dockerfile_text(self, text: str, *, path: str, args: Mapping[str, str]) -> DockerfileFacts:
        from devctl.adapters import dockerfile_source

        return dockerfile_source.parse(text, path=path, args=args)

    def config(self, root: Path) -> Config:
        from devctl.adapters import config_file

        return config_file.read(root)
