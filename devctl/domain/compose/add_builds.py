"""Services of a compose model that run an image which another one builds."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from devctl.domain.bases.references import parse


def lend_builds(specs: Mapping[str, dict[str, Any]]) -> None:
    """Write that `build` into them, in place."""
    built = {
        _whole(spec["image"]): spec["build"]
        for spec in specs.values()
        if spec.get("build") and spec.get("image")
    }
    for spec in specs.values():
        image = spec.get("image")
        if not spec.get("build") and isinstance(image, str) and _whole(image) in built:
            spec["build"] = deepcopy(built[_whole(image)])


def _whole(image: str) -> str:
    parts = parse(image)
    return f"{parts.registry}/{parts.repository}:{parts.tag}@{parts.digest}"
