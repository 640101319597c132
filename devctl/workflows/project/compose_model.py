"""The compose model of a project, and the error if compose refuses: the example to copy, the variable that is not set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from devctl.domain.compose.env_file import names
from devctl.domain.compose.file_names import OF_INIT, for_development, for_production, not_used
from devctl.domain.compose.variables import plain_variables, unset_variables
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Sources, Toolbox
from devctl.domain.project.compose_model import Key, OwnModel
from devctl.domain.project.project_name import FALLBACK, name_from
from devctl.errors import FilesError, Problem
from devctl.workflows.project.find import ComposeFiles, copying, example_of, named


def compose_model(
    box: Toolbox,
    root: Path,
    found: ComposeFiles,
    ask: Callable[[], OwnModel],
) -> OwnModel:
    """As resolved by compose, which `ask` calls; named like the project if compose would name it after a folder `deploy`. Raises
    FilesError."""
    folder = found.folder
    try:
        model = ask()
        return model if folder == root else _named_like(root, model, compose_name(folder.name))
    except FilesError as error:
        missing = folder / error.problem.path
        if error.code == "env-file-missing" and missing.is_relative_to(root):
            error = _with_example(box.files, root, missing, error)
        elif error.code in ("compose-variable-missing", "broken-compose"):
            error = _with_variable(box, root, found, error)
        else:
            raise
        other = (
            not_used_for_development(box.files, box.sources, root, found)
            if error.code != "broken-compose"
            else None
        )
        hint = f"{error.problem.hint}; or, {other.hint}" if other is not None else error.problem.hint
        raise error.replace(hint=hint) from error


def compose_name(folder: str) -> str:
    """The project name that compose derives from the folder's name, or devctl's if it derives none."""
    return name_from(folder) or FALLBACK


def unset_in_compose(
    box: Toolbox, root: Path, env_files: Iterable[Path], paths: Iterable[Path]
) -> Iterator[Problem]:
    """Variables in the compose files that nothing sets, each with its first line. `env_files`: those called `.env`."""
    if box.host.env("COMPOSE_ENV_FILES") is not None:  # their values cannot be guessed
        return
    own = {n for file in env_files for n in names(box.files.read_text(file, within=None) or "")}
    for path in paths:
        texts = box.sources.texts(path)
        asked = {asked for text, _ in texts for asked in plain_variables(text)}
        known = own | {n for n in asked if box.host.env(n) is not None}
        yield from unset_variables(named(root, path), texts, known=frozenset(known))


def not_used_for_development(
    files: Files, sources: Sources, root: Path, found: ComposeFiles
) -> Problem | None:
    """A compose file whose name says that it is for development, if compose reads those with its own names."""
    name = for_development(files.names(found.folder)) if not found.named else None
    if name is None:
        return None
    return _not_used(files, sources, root, found.folder / name, read=found.files, preview=False)


def not_used_for_production(
    files: Files, sources: Sources, root: Path, read: Sequence[Path]
) -> Problem | None:
    """A compose file whose name says that it is for production, beside those that compose reads, the overriding one first."""
    name = for_production(files.names(read[-1].parent)) if read else None
    path = read[-1].with_name(name) if name is not None else None
    if path is None or path in read:
        return None
    return _not_used(files, sources, root, path, read=read, preview=True)


def _not_used(
    files: Files, sources: Sources, root: Path, path: Path, *, read: Sequence[Path], preview: bool
) -> Problem | None:
    try:
        text = files.read_text(path, within=root) or ""
        model, _ = sources.plain_yaml(text, path=path.name)
    except FilesError:
        return None
    if text.startswith(OF_INIT):  # the settings of a preview
        return None
    services = model.get("services") if isinstance(model, dict) else None
    specs = list(services.values()) if isinstance(services, dict) else []
    if not specs:
        return None
    whole = all(isinstance(spec, dict) and spec.keys() & {"image", "build", "extends"} for spec in specs)
    names = [named(root, p) for p in reversed(read)]
    return not_used(named(root, path), names, whole=whole, preview=preview)


def compose_place(sources: Sources, root: Path, paths: Sequence[Path]) -> Callable[[Key], str]:
    """The line of a key in the user's compose files, the overriding one first; of its nearest parent if it has none."""
    names = [named(root, path) for path in paths]

    @cache
    def asked() -> list[tuple[str, Callable[[Key], int | None]]]:
        return [(name, sources.positions(path)) for name, path in zip(names, paths, strict=True)]

    def place(key: Key) -> str:
        while key:
            for name, line_of in asked():
                line = line_of(key)
                if line is not None:
                    return f"{name}:{line}"
            key = key[:-1]
        return names[-1] if names else "compose.yaml"

    return place


def _with_example(files: Files, root: Path, path: Path, error: FilesError) -> FilesError:
    example = example_of(files, path)
    if example is None:
        return error.replace()
    message = f"the compose file needs {named(root, path)}, but only {named(root, example)} exists"
    return error.replace(message=message, hint=_copy(root, example, path))


def _with_variable(box: Toolbox, root: Path, found: ComposeFiles, error: FilesError) -> FilesError:
    """If there is an example and no `.env` yet, this reports all variables at once."""
    message, hint, place = str(error), error.problem.hint, error.problem.place
    if error.code == "broken-compose":
        unset = next(unset_in_compose(box, root, found.env_files, found.files), None)
        if unset is None:
            return error.replace()
        message, hint, place = f"{message.rstrip(': ')}; {unset.message}", unset.hint, place or unset.place
    for own in dict.fromkeys(reversed(found.env_files)):
        example = example_of(box.files, own)
        if example is not None and not box.files.exists(own):
            hint = _copy(root, example, own)
            break
    return error.replace(message=message, hint=hint, place=place)


def _copy(root: Path, example: Path, wanted: Path) -> str:
    return f"{copying(root, example, wanted)}, and fill in the missing values; or: devctl onboard"


def _named_like(root: Path, model: OwnModel, old: str) -> dict[str, object]:
    """Half of all projects have a folder `deploy`: a project that would get that name by default is named after its root."""
    if model.get("name") != old:
        return model
    name = compose_name(root.name)
    for kind in ("volumes", "networks"):
        for key, spec in cast("dict[str, Any]", model.get(kind) or {}).items():
            if (spec or {}).get("name") == f"{old}_{key}":
                spec["name"] = f"{name}_{key}"
    return {**model, "name": name}
