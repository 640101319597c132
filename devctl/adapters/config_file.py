"""devctl.yaml through pydantic: the dataclasses of domain/config.py, or every issue with its place."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from devctl.adapters.yaml_positions import Document, read_document
from devctl.domain.config import Config, issues
from devctl.errors import FilesError, Problem

if TYPE_CHECKING:
    from pydantic import TypeAdapter

NAME = "devctl.yaml"
_CODE = "broken-config"
_SAID = {
    "tuple_type": "must be a list: [a, b]",
    "dict_type": "must hold `key: value` lines",
    "dataclass_type": "must hold `key: value` lines",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "string_type": "must be text",
}
_SEE = "`devctl config schema` lists every key"


def read(root: Path) -> Config:
    """devctl.yaml below `root`, or all defaults where there is none; raises one FilesError with every issue."""
    try:
        text = (root / NAME).read_bytes().decode()
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise FilesError(
            f"{NAME} cannot be read: {error}", code=_CODE, hint=f"mend {NAME}", place=NAME
        ) from None
    return parse(text)


def parse(text: str) -> Config:
    config, problems = check(text)
    if problems:
        raise _joined(problems)
    return config


def check(text: str) -> tuple[Config, tuple[Problem, ...]]:
    """The configuration (defaults where it cannot be read) and everything wrong with the file; never raises."""
    try:
        document = read_document(text, path=NAME, code=_CODE)
    except FilesError as error:
        return Config(), (error.problem,)
    if document.data is None:
        return Config(), ()
    repeated = [
        _problem(document, key, f"`{key[-1]}` stands here a second time") for key in document.repeated
    ]
    config, problems = _validated(document)
    if config is not None:
        problems = [_problem(document, key, message) for key, message in issues(config)]
    found = sorted((*repeated, *problems), key=lambda p: _order(p.place))
    return config or Config(), tuple(found)


def problems(root: Path) -> tuple[Problem, ...]:
    """Everything wrong with devctl.yaml below `root`; nothing where there is none."""
    try:
        text = (root / NAME).read_bytes().decode()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        return (Problem(_CODE, f"{NAME} cannot be read: {error}", f"mend {NAME}", NAME),)
    return check(text)[1]


def schema() -> dict[str, Any]:
    """The JSON schema of devctl.yaml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_adapter().json_schema(),
        "title": NAME,
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
    """Keys without a value count as not there; text is expected wherever a number is not."""
    if isinstance(data, Mapping):
        hints = get_type_hints(kind) if is_dataclass(kind) else {}
        inner = None if hints else (get_args(kind) or (None, None))[-1]
        kinds = {key: hints.get(key, inner) for key in data}
        kept = {
            key: {} if value is None and is_dataclass(kinds[key]) else value for key, value in data.items()
        }
        return {key: _cleaned(value, kinds[key]) for key, value in kept.items() if value is not None}
    if isinstance(data, list):
        return [str(item) if isinstance(item, int) else item for item in data]
    if (
        isinstance(data, int)
        and kind is not None
        and int not in (kind, *get_args(kind))
        and 1 not in get_args(kind)
    ):
        return str(data)
    return data


def _explained(document: Document, loc: Sequence[str | int], kind: str, message: str) -> Problem:
    key = [part for part in loc if part != "[key]"]
    if kind not in ("unexpected_keyword_argument", "extra_forbidden"):
        said = _SAID.get(kind, f"{message[:1].lower()}{message[1:]}".replace("input should", "must"))
        return _problem(document, key, f"`{_dotted(key)}` {said}")
    name, allowed = str(key[-1]), _allowed(key[:-1])
    close = difflib.get_close_matches(name, allowed, n=1)
    meant = f"; did you mean `{close[0]}`?" if close else ""
    hint = f"replace `{name}` by `{close[0]}`" if close else f"one of: {', '.join(allowed)}"
    text = f"unknown key `{_dotted(key)}`{meant} (allowed: {', '.join(allowed)})"
    return Problem(_CODE, text, hint, document.place(key))


def _allowed(key: Sequence[str | int]) -> list[str]:
    """The keys that may stand below a path."""
    kind: Any = Config
    for part in key:
        kind = get_type_hints(kind)[str(part)] if is_dataclass(kind) else get_args(kind)[-1]
    return [f.name for f in fields(kind)] if is_dataclass(kind) else []


def _problem(document: Document, key: Sequence[str | int], message: str) -> Problem:
    return Problem(_CODE, message, _SEE, document.place(key))


def _dotted(key: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in key) or NAME


def _order(place: str | None) -> list[int]:
    return [int(part) for part in (place or "").split(":")[1:]]


def _joined(problems: Sequence[Problem]) -> FilesError:
    first = problems[0]
    if len(problems) == 1:
        return FilesError(first.message, code=_CODE, hint=first.hint, place=first.place)
    lines = [f"{p.place}: {p.message}" for p in problems]
    message = f"{NAME} has {len(problems)} problems: {'; '.join(lines)}"
    return FilesError(message, code=_CODE, hint=first.hint, place=first.place, detail="\n".join(lines))
