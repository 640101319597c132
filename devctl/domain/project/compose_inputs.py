"""What compose makes a model from, as it was read once: its files in a plain form, and the env files that they name.

YAML has more ways to write a thing than two parsers agree on. So compose does not read again what was checked: it gets the
same values in the simplest YAML (domain/compose/plain_yaml.py), from copies that no container can reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from devctl.errors import FilesError

OF_THE_TOOLS = frozenset({
    "PATH", "HOME", "USER", "LANG", "TMPDIR", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_HOST", "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR", "COMPOSE_EXPERIMENTAL_GIT_REMOTE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME",
})  # fmt: skip
"""Variables that compose is found by and that configure a project; none is secret."""

OTHER_ENV_FILES = ("COMPOSE_ENV_FILES", "COMPOSE_DISABLE_ENV_FILE")
"""Variables that make compose read other files than `.env`."""

Node = dict[str, "Node"] | list["Node"] | str | None
"""A YAML value with every alias and merge key expanded. Text in quotes is `str`."""


class Bare(str):
    """Unquoted text: `8080`, `true` and `1.20` are for compose to interpret."""

    __slots__ = ()


class Beside(str):
    """The absolute path of a file that compose reads because this value names it."""

    __slots__ = ()


class ComposeInputs(Struct, frozen=True):
    """`folder`: where compose resolves paths from. `files`: the compose files, the overriding one last. `beside`: the texts of
    the env files, by path; None if there is none. `env_files`: those of them that are called `.env`, each overriding those before.
    `outside`: those that are outside the project, path → where it leads. `waits`: what cannot be read plainly, or leads
    elsewhere, in words. `broken`: why nothing can be read. `digest`: of all this, and of what else the files seem to name;
    `looked_at`: the paths of all these. `answers`: what compose made of it, as JSON, by `answer_of`."""

    folder: Path
    digest: str
    files: tuple[tuple[Path, Node], ...] = ()
    beside: Mapping[str, str | None] = field(default_factory=dict)
    env_files: tuple[str, ...] = ()
    outside: Mapping[str, str] = field(default_factory=dict)
    waits: tuple[str, ...] = ()
    looked_at: tuple[str, ...] = ()
    broken: FilesError | None = None
    answers: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"ComposeInputs({str(self.folder)!r})"  # never the content of an env file


def answer_of(profiles: bool) -> str:
    """The name of an answer: with the services of every profile, or without."""
    return "all" if profiles else "usual"


def strings(node: Node) -> Iterator[str]:
    """Every text in it, names included."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from strings(item)
    elif node is not None:
        for name, item in node.items():
            yield name
            yield from strings(item)
