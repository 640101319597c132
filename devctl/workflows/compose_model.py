"""The compose model of a project, and what is said where compose refuses: the example to copy, the variable that is not set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

from devctl.domain.compose_text import plain_variables, unset_variables
from devctl.domain.envfile import examples, variables
from devctl.domain.ports import Toolbox
from devctl.errors import FilesError, Problem
from devctl.workflows.find import ComposeFiles, compose_files, compose_folder

Key = tuple[str | int, ...]


def compose_model(
    box: Toolbox, root: Path, found: ComposeFiles, *, profiles: bool = False
) -> dict[str, object]:
    """As compose resolves it, with `profiles` the services of every one; called like the project where compose would call it
    after a folder `deploy`. Raises FilesError."""
    folder = found.folder
    try:
        model = box.compose.config(folder, found.files[::-1] if found.named else (), profiles=profiles)
        return model if folder == root else _named_like(root, model, compose_name(folder.name))
    except FilesError as error:
        missing = re.search(r"env file (\S+) is not there", str(error))
        if missing and (folder / missing[1]).is_relative_to(root):
            _name_example(box, root, folder / missing[1], error)
        elif error.code in ("compose-variable-missing", "broken-compose"):
            _name_variable(box, root, folder, error)
        raise


def compose_name(folder: str) -> str:
    """The project name that compose would derive from the folder's name."""
    return re.sub(r"[^a-z0-9_-]", "", folder.lower()).lstrip("_-") or "app"


def unset_in_compose(box: Toolbox, root: Path) -> Iterator[Problem]:
    """Variables of the compose files that nothing sets, each with its first line."""
    if box.host.env("COMPOSE_ENV_FILES") is not None:  # what those hold is not ours to guess
        return
    own = box.files.read_text((compose_folder(box, root) or root) / ".env") or ""
    for path in compose_files(box, root):
        texts = box.sources.texts(path)
        asked = {asked for text, _ in texts for asked in plain_variables(text)}
        known = {v.name for v in variables(own)} | {n for n in asked if box.host.env(n) is not None}
        yield from unset_variables(path.relative_to(root).as_posix(), texts, known=frozenset(known))


def compose_place(box: Toolbox, root: Path) -> Callable[[Key], str]:
    """The line of a key in the user's compose files, the overriding one first; the nearest key above it where it has none."""
    paths = compose_files(box, root)
    names = [path.relative_to(root).as_posix() for path in paths]

    @cache
    def asked() -> list[tuple[str, Callable[[Key], int | None]]]:
        return [(name, box.sources.positions(path)) for name, path in zip(names, paths, strict=True)]

    def place(key: Key) -> str:
        while key:
            for name, line_of in asked():
                line = line_of(key)
                if line is not None:
                    return f"{name}:{line}"
            key = key[:-1]
        return names[-1] if names else "compose.yaml"

    return place


def _name_example(box: Toolbox, root: Path, path: Path, error: FilesError) -> None:
    example = _example(box, path)
    if example is not None:
        there, wanted = (p.relative_to(root).as_posix() for p in (example, path))
        _say(error, f"the compose file needs {wanted}, and only {there} is here", _copy(there, wanted))


def _name_variable(box: Toolbox, root: Path, folder: Path, error: FilesError) -> None:
    """Where there is an example and no `.env` yet, that says all variables at once."""
    message, hint, place = str(error), error.problem.hint, error.problem.place
    unset = next(iter(unset_in_compose(box, root)), None) if error.code == "broken-compose" else None
    if error.code == "broken-compose":
        if unset is None:
            return
        message, hint, place = f"{message.rstrip(': ')}; {unset.message}", unset.hint, place or unset.place
    example = _example(box, folder / ".env")
    if example is not None and not box.files.exists(folder / ".env"):
        hint = _copy(*(p.relative_to(root).as_posix() for p in (example, folder / ".env")))
    _say(error, message, hint, place)


def _example(box: Toolbox, path: Path) -> Path | None:
    beside = (path.with_name(name) for name in examples(path.name))
    return next((found for found in beside if box.files.exists(found)), None)


def _copy(example: str, wanted: str) -> str:
    return f"cp {example} {wanted}, and fill in what it leaves open; or: devctl onboard"


def _say(error: FilesError, message: str, hint: str, place: str | None = None) -> None:
    error.problem = replace(error.problem, message=message, hint=hint, place=place or error.problem.place)
    error.args = (message,)


def _named_like(root: Path, model: dict[str, object], old: str) -> dict[str, object]:
    """Half of all projects have a folder `deploy`: one that is called so for want of a name is called like its root."""
    if model.get("name") != old:
        return model
    name = compose_name(root.name)
    for kind in ("volumes", "networks"):
        for key, spec in cast("dict[str, Any]", model.get(kind) or {}).items():
            if (spec or {}).get("name") == f"{old}_{key}":
                spec["name"] = f"{name}_{key}"
    return {**model, "name": name}
