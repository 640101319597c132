"""Reads devctl.yaml through pydantic: the structs of domain/project/config.py, or every problem with its place."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from devctl.adapters.project_files.yaml_positions import Document, read_document, read_text
from devctl.domain.project.compose_inputs import Bare
from devctl.domain.project.config import CONFIG_FILE, Config, issues
from devctl.errors import FilesError, Problem

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_CODE = "broken-config"
_SAID = {
    "tuple_type": "must be a list: [a, b]",
    "dict_type": "must contain `key: value` lines",
    "dataclass_type": "must contain `key: value` lines",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "string_type": "must be text",
}
_NULLS = frozenset({"~", "null", "Null", "NULL"})
_SEE = "`devctl config schema` lists every key"


def read(root: Path) -> Config:
    """devctl.yaml below `root`, or all defaults if there is none; raises one FilesError with every problem."""
    return _sound(*_checked(root))


def parse(text: str) -> Config:
    return _sound(*check(text))


def problems(root: Path) -> tuple[Problem, ...]:
    """Every problem in devctl.yaml below `root`; none if the file does not exist."""
    return _checked(root)[1]


def _checked(root: Path) -> tuple[Config, tuple[Problem, ...]]:
    try:
        text = read_text(root / CONFIG_FILE, within=root)
    except FileNotFoundError:
        return Config(), ()
    except (OSError, UnicodeDecodeError) as error:
        said = f"{CONFIG_FILE} cannot be read: {getattr(error, 'strerror', None) or error}"
        return Config(), (Problem(_CODE, said, f"fix {CONFIG_FILE}", CONFIG_FILE),)
    return check(text)


def _sound(config: Config, problems: tuple[Problem, ...]) -> Config:
    if problems:
        raise _joined(problems)
    return config


def check(text: str) -> tuple[Config, tuple[Problem, ...]]:
    """The configuration (defaults if it cannot be read) and every problem in the file; never raises."""
    try:
        document = read_document(text, path=CONFIG_FILE, code=_CODE)
    except FilesError as error:
        return Config(), (error.problem,)
    if _is_nothing(document.data):
        return Config(), ()
    repeated = [_problem(document, key, f"`{key[-1]}` is a duplicate key") for key in document.repeated]
    config, problems = _validated(document)
    if config is not None:
        problems = [_problem(document, key, message) for key, message in issues(config)]
    found = sorted((*repeated, *problems), key=lambda p: _order(p.place))
    return config or Config(), tuple(found)


def schema() -> dict[str, Any]:
    """Print the JSON schema of devctl.yaml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_adapter().json_schema(),
        "title": CONFIG_FILE,
    }


@cache
def _adapter() -> TypeAdapter[Config]:
    from pydantic import TypeAdapter

    return TypeAdapter(Config)


def _validated(document: Document) -> tuple[Config | None, list[Problem]]:
    from pydantic import ValidationError

    try:
        return _adapter().validate_python(_cleaned(document.data, Config)), []
    except ValidationError as error:
        return None, [_explained(document, item["loc"], item["type"], item["msg"]) for item in error.errors()]


def _cleaned(data: object, kind: Any) -> object:
    """Keys without a value count as absent; in a map of texts, and in a list, they are the empty text."""
    if isinstance(data, Mapping):
        hints = get_type_hints(kind) if is_dataclass(kind) else {}
        inner = None if hints else (get_args(kind) or (None, None))[-1]
        kinds = {key: hints.get(key, inner) for key in data}
        if inner is str:
            return {key: _text(value) for key, value in data.items()}
        there = {key: value for key, value in data.items() if not _is_nothing(value)}
        empty: dict[str, object] = {key: {} for key in data.keys() - there.keys() if is_dataclass(kinds[key])}
        return {**empty, **{key: _cleaned(value, kinds[key]) for key, value in there.items()}}
    if isinstance(data, list):
        return [_text(item) for item in data]
    # The only number that pydantic does not read from text is a literal.
    return 1 if data == "1" and 1 in get_args(kind) else _plain(data)


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, Bare) and value in _NULLS)


def _text(value: object) -> object:
    """`KEY:` is empty text where text is expected; `null` is no value."""
    return "" if value is None else None if _is_nothing(value) else _plain(value)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value


def _explained(document: Document, loc: Sequence[str | int], kind: str, message: str) -> Problem:
    key = [part for part in loc if part != "[key]"]
    if kind not in ("unexpected_keyword_argument", "extra_forbidden"):
        said = _SAID.get(kind, f"{message[:1].lower()}{message[1:]}".replace("input should", "must"))
        return _problem(document, key, f"`{_dotted(key)}` {said}")
    name, allowed = str(key[-1]), _allowed(key[:-1])
    close = difflib.get_close_matches(name, allowed, n=1)
    meant = f"; did you mean `{close[0]}`?" if close else ""
    hint = f"replace `{name}` with `{close[0]}`" if close else f"one of: {', '.join(allowed)}"
    text = f"unknown key `{_dotted(key)}`{meant} (allowed: {', '.join(allowed)})"
    return Problem(_CODE, text, hint, document.place(key))


def _allowed(key: Sequence[str | int]) -> list[str]:
    """The keys allowed below a path."""
    kind: Any = Config
    for part in key:
        kind = get_type_hints(kind)[str(part)] if is_dataclass(kind) else get_args(kind)[-1]
    return [f.name for f in fields(kind)] if is_dataclass(kind) else []


def _problem(document: Document, key: Sequence[str | int], message: str) -> Problem:
    return Problem(_CODE, message, _SEE, document.place(key))


def _dotted(key: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in key) or CONFIG_FILE


def _order(place: str | None) -> list[int]:
    return [int(part) for part in (place or "").split(":")[1:]]


def _joined(problems: Sequence[Problem]) -> FilesError:
    """The first problem, with the others below it."""
    first, *others = problems
    if not others:
        return FilesError(first.message, code=_CODE, hint=first.hint, place=first.place)
    return FilesError(
        f"{first.message} (and {len(others)} more)",
        code=_CODE,
        hint=f"{first.hint}; `devctl config check` lists all {len(problems)}",
        place=first.place,
        detail="\n".join(f"{p.place}: {p.message}" for p in others),
        result={"problems": [p.as_json() for p in problems]},
    )
