"""The two borders between devctl and compose's files. Inside, a model contains what the program will see: `$` is a dollar
sign.

Compose substitutes variables in every value that it reads, so `$` is doubled on the way to it, and `docker compose config`
doubles it on the way out: https://docs.docker.com/reference/compose-file/interpolation/. Nowhere else does a `$` need care.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from devctl.domain.project.compose_model import Model, OwnModel
from devctl.domain.regex import regex

# Compose reads JSON with its YAML parser. That parser does not accept half of a pair such as `\ud83d\ude00`, so such
# characters are written literally, and it accepts these only escaped (https://yaml.org/spec/1.2.2/#51-character-set).
_ONLY_ESCAPED = regex("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def from_compose(text: str) -> OwnModel:
    """The output of `docker compose config --format json`, which doubles every `$`, in names as well as in values."""
    return cast("OwnModel", json.loads(text.replace("$$", "$")))


def to_compose(model: Model) -> str:
    """The text of a model for compose, whether devctl calls it or a person does."""
    return _readable(json.dumps(_escaped(model), indent=1, sort_keys=True, ensure_ascii=False)) + "\n"


def quoted(value: str) -> str:
    """One value for a compose file in YAML."""
    return quoted_name(value.replace("$", "$$"))


def quoted_name(key: str) -> str:
    """The name of a variable for a compose file in YAML, or anything else in which compose substitutes nothing."""
    return _readable(json.dumps(key, ensure_ascii=False))


def _readable(text: str) -> str:
    return _ONLY_ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escaped(value: object) -> object:
    """Names are kept: compose substitutes nothing there."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {name: _escaped(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in value]
    return value
