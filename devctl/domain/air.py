"""The settings of air in the template, with what a project adds to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

BUILD_STATE = "/tmp/air/state"
"""What the template's air leaves in the container about the last build: `ok TIME`, or `failed TIME` and the compiler's words."""
_UNWATCHED = 'exclude_dir = ["vendor", '
_BUILT_FROM = ', "air-build"]\n'


def air_toml(template: str, *, unwatched: Iterable[str] = (), watched: Iterable[str] = ()) -> str:
    """`unwatched`: folders that are left out. `watched`: endings (`*.txt`) and paths of files that are compiled
    in, or read at the start."""
    folders = "".join(f"{json.dumps(folder)}, " for folder in unwatched)
    text = template.replace(_UNWATCHED, _UNWATCHED + folders)
    names = tuple(watched)
    endings = [json.dumps(name.removeprefix("*.")) for name in names if name.startswith("*.")]
    new = "".join(f", {ending}" for ending in endings if f" {ending}," not in _watched(text))
    files = ", ".join(json.dumps(name) for name in names if not name.startswith("*."))
    line = f"include_file = [{files}]\n" if files else ""
    return text.replace(_BUILT_FROM, f"{new}{_BUILT_FROM}{line}")


def endings(template: str) -> frozenset[str]:
    """Of the files that are built from."""
    line = _watched(template)
    return frozenset(re.findall(r'"([^"]+)"', line))


def _watched(text: str) -> str:
    """The line with the endings that are built from."""
    return next(line for line in text.splitlines() if f"{line}\n".endswith(_BUILT_FROM)).replace("[", " ")
