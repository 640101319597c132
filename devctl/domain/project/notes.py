"""Notes as JSON and back: the dataclass says what is expected, and what does not fit it is no note."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from devctl.domain.project.state_folder import Note

N = TypeVar("N", bound=Note)
_LARGEST = 2**63


def encode(note: Note) -> str:
    return json.dumps(_plain(note), indent=1, sort_keys=True) + "\n"


def decode(kind: type[N], text: str | None) -> N:
    """`kind()` where there is no text, or one that is not this note: another version wrote it, or something else did."""
    try:
        note = fitted(kind, json.loads(text or "null"))
    except (ValueError, TypeError, RecursionError):
        return kind()
    assert isinstance(note, kind)
    return note


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(_plain, value), key=str)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


def fitted(kind: Any, value: object) -> Any:
    """The value as `kind` has it: all of a dataclass, each part of its type. Raises TypeError where it is something else, or
    larger than anything of ours."""
    if isinstance(value, int) and abs(value) >= _LARGEST:
        raise TypeError(f"a number of {value.bit_length()} bits")
    if kind is Any:
        return value
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _object(kind, value)
    if origin in (Union, UnionType):
        return _either(inner, value)
    if origin is Literal and value in inner:
        return value
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: fitted(inner[1], item) for key, item in value.items()}
    if origin is tuple and isinstance(value, list):
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(fitted(inner[0], item) for item in value)
        return tuple(fitted(each, item) for each, item in zip(inner, value, strict=True))
    if origin in (list, frozenset) and isinstance(value, list):
        return origin(fitted(inner[0], item) for item in value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise TypeError(f"{value!r} is not {kind}")


def _object(kind: Any, value: object) -> Any:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not an object")
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}
    missing = [n for n, f in known.items() if n not in value and f.default is f.default_factory is MISSING]
    if missing:
        raise TypeError(f"{missing} missing")
    return kind(**{name: fitted(hints[name], value[name]) for name in known if name in value})


def _either(kinds: tuple[Any, ...], value: object) -> Any:
    for kind in kinds:
        try:
            return None if kind is NoneType and value is None else fitted(kind, value)
        except (TypeError, ValueError):
            continue
    raise TypeError(f"{value!r} is none of {kinds}")
