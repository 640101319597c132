"""Services of a compose model that are run from Go code of this repository without saying `build`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from devctl.domain.bases import parse
from devctl.domain.stages import RELOADERS

_GO_RUN = re.compile(r"\bgo\s+(?:run|build|install)\b")


def lend_builds(specs: Mapping[str, dict[str, Any]], *, folders: Iterable[str]) -> None:
    """Write a `build` into them, in place: that of the service which builds the image they name; for an image of Go or of
    air into which the code is mounted, the folder that is mounted. `folders`: those of the Go packages.
    """
    built = {
        _whole(spec["image"]): spec["build"]
        for spec in specs.values()
        if spec.get("build") and spec.get("image")
    }
    packages = tuple(folders)
    for spec in specs.values():
        image = spec.get("image")
        if spec.get("build") or not isinstance(image, str):
            continue
        if _whole(image) in built:
            spec["build"] = deepcopy(built[_whole(image)])
        elif _serves_source(spec, image) and (code := _mounted(spec, packages)):
            spec["build"] = {"context": code, "dockerfile": "Dockerfile"}


def _serves_source(spec: Mapping[str, Any], image: str) -> bool:
    """`image: cosmtrek/air`, or `image: golang` with `command: go run .`"""
    name = parse(image).repository.rpartition("/")[2]
    words = " ".join(str(word) for key in ("entrypoint", "command") for word in spec.get(key) or ())
    return name == "air" or (name == "golang" and bool(_GO_RUN.search(words) or RELOADERS.search(words)))


def _whole(image: str) -> str:
    parts = parse(image)
    return f"{parts.registry}/{parts.repository}:{parts.tag}@{parts.digest}"


def _mounted(spec: Mapping[str, Any], packages: tuple[str, ...]) -> str | None:
    """The folder with Go code that is mounted."""
    sources = (v["source"].rstrip("/") for v in spec.get("volumes") or [] if v.get("type") == "bind")
    return next((s for s in sources if any(p == s or p.startswith(f"{s}/") for p in packages)), None)
