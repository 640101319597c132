"""The text of a user's Dockerfile: that of the file, or `dockerfile_inline` in the compose file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.syntax_directive import below_directives
from devctl.domain.plan.run import Run
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Sources
from devctl.domain.project.compose_model import Key, Spec
from devctl.domain.project.model import Project, Service


def inline_dockerfile(
    sources: Sources, place: Callable[[Key], str], name: str, spec: Spec
) -> DockerfileFacts | None:
    """With the lines of the compose file: a finding names its line there."""
    text = (spec.get("build") or {}).get("dockerfile_inline")
    if not isinstance(text, str):
        return None
    path, _, line = place(("services", name, "build", "dockerfile_inline")).partition(":")
    # The text begins on the line after its key. Directives only count above everything else, including empty lines.
    return sources.dockerfile_text(below_directives(text, "\n" * int(line or 0)), path=path, args={})


def users_text(files: Files, root: Path, service: Service, path: str) -> str:
    """`path`: as the service names it."""
    if service.build.inline and path == service.build.dockerfile:
        return service.build.inline
    return files.read_text(root / path, within=root) or ""


def users_dockerfile(sources: Sources, root: Path, service: Service, path: str) -> DockerfileFacts:
    if service.build.inline and path == service.build.dockerfile:
        return sources.dockerfile_text(service.build.inline, path=path, args={})
    return sources.dockerfile(root / path, root=root)


def written_text(files: Files, project: Project, run: Run) -> str:
    """Of the Dockerfile whose lines a run builds; "" if that is devctl's own."""
    service, root = project.service(run.service), project.root
    return users_text(files, root, service, run.written) if service is not None and run.written else ""


def written_dockerfile(sources: Sources, project: Project, run: Run) -> DockerfileFacts:
    service = project.service(run.service)
    assert service is not None and run.written is not None
    return users_dockerfile(sources, project.root, service, run.written)
