"""Services that compose does not start in a container: it runs a program on this machine for them (`provider:`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devctl.domain.project.compose_model import Model
from devctl.errors import FilesError


def refuse_providers(model: Model, *, place: Callable[[str], str]) -> None:
    """Raise FilesError `program-on-host` for the first one.

    `type` is a path or any program on PATH, which compose runs in the project's folder: `./evil` is a file of the
    repository, and `sh` would run one that is called `compose`. https://docs.docker.com/reference/compose-file/services/#provider
    """
    for name, spec in (model.get("services") or {}).items():
        provider = spec.get("provider") if isinstance(spec, Mapping) else None
        if provider is not None:
            kind = provider.get("type") if isinstance(provider, Mapping) else provider
            raise FilesError(
                f"{name} has `provider: {{type: {kind}}}`: compose would run that program on this machine, "
                "and devctl runs nothing of a project outside of containers",
                code="program-on-host",
                hint=f"give {name} a profile (`profiles: [host]`) and start it yourself: docker compose up {name}",
                place=place(name),
            )
