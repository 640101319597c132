"""Reads a project's code and files into facts: `Sources`, made of its three parsers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devctl.adapters.system.border import bordered
from devctl.domain.project.compose_model import Key

if TYPE_CHECKING:
    from devctl.domain.dockerfile.facts import DockerfileFacts
    from devctl.domain.go.facts import SourceFacts
    from devctl.domain.project.compose_inputs import Node
    from devctl.domain.project.config import Config
    from devctl.errors import Problem


@bordered()
class ProjectSources:
    """Each parser's library is imported on first use."""

    def go(self, root: Path) -> SourceFacts:
        from devctl.adapters.go import reader as go_source

        return go_source.read(root)

    def dockerfile(self, path: Path, *, root: Path) -> DockerfileFacts:
        from devctl.adapters.project_files import dockerfile as dockerfile_source

        return dockerfile_source.read(path, root=root)

    def dockerfile_text(self, text: str, *, path: str, args: Mapping[str, str]) -> DockerfileFacts:
        from devctl.adapters.project_files import dockerfile as dockerfile_source

        return dockerfile_source.parse(text, path=path, args=args)

    def config(self, root: Path) -> Config:
        from devctl.adapters.project_files import config_file

        return config_file.read(root)

    def config_problems(self, root: Path) -> tuple[Problem, ...]:
        from devctl.adapters.project_files import config_file

        return config_file.problems(root)

    def config_schema(self) -> dict[str, object]:
        from devctl.adapters.project_files import config_file

        return config_file.schema()

    def plain_yaml(self, text: str, *, path: str) -> tuple[Node, str]:
        from devctl.adapters.project_files import yaml_positions

        document = yaml_positions.read_document(text, path=path, code="broken-compose", several=True)
        return document.data, document.strange

    def positions(self, path: Path) -> Callable[[Key], int | None]:
        from devctl.adapters.project_files import yaml_positions

        return yaml_positions.positions(path)

    def texts(self, path: Path) -> Sequence[tuple[str, int]]:
        from devctl.adapters.project_files import yaml_positions

        return yaml_positions.texts(path)
