"""What a compose file must not contain here: a program that compose runs on this machine, and a name reserved for devctl."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from devctl.domain.project.compose_model import Key, Model
from devctl.errors import FilesError

PREFIX = "devctl-"
_DEFINED = ("secrets", "configs", "volumes", "networks")


def refuse_providers(model: Model, *, place: Callable[[str], str]) -> None:
    """Raise FilesError `program-on-host` for the first one.

    `type` is a path or any program on PATH, which compose runs in the project's folder: `./evil` is a file in the repository,
    and `sh` would run one called `compose`. https://docs.docker.com/reference/compose-file/services/#provider
    """
    for name, spec in (model.get("services") or {}).items():
        provider = spec.get("provider") if isinstance(spec, Mapping) else None
        if provider is not None:
            kind = provider.get("type") if isinstance(provider, Mapping) else provider
            raise FilesError(
                f"{name} has `provider: {{type: {kind}}}`: compose would run that program on this machine, and devctl runs a "
                "project's programs only in containers",
                code="program-on-host",
                hint=f"give {name} a profile (`profiles: [host]`) and start it yourself: docker compose up {name}",
                place=place(name),
            )


def refuse_reserved(model: Model, *, place: Callable[[Key], str]) -> None:
    """Raise FilesError `reserved-name` for the user's first name with devctl's prefix.

    devctl gives such a name its own definition: a service that mounts a secret `devctl-netrc` would get the person's ~/.netrc,
    which is meant only for a build. What is used but not defined is refused by compose. Services may have such names: devctl
    adds none.
    """
    for key in _names(model):
        if str(key[-1]).startswith(PREFIX):
            above = ".".join(str(word) for word in key[:-1])
            raise FilesError(
                f"{above} has the name {key[-1]}, but names that begin with {PREFIX} are reserved for devctl",
                code="reserved-name",
                hint=f"rename {key[-1]} everywhere in the compose file",
                place=place(key),
            )


def _names(model: Model) -> Iterator[Key]:
    for kind in _DEFINED:
        yield from ((kind, name) for name in model.get(kind) or {})
    for service, spec in (model.get("services") or {}).items():
        build = (spec or {}).get("build")
        contexts = build.get("additional_contexts") if isinstance(build, Mapping) else None
        if isinstance(contexts, Mapping):
            yield from (("services", service, "build", "additional_contexts", name) for name in contexts)
