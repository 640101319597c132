"""Services in a compose file whose image is built from this repository although they only name it: another service builds it,
or the file is written for users of the program, who pull it from a registry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy

from devctl.domain.bases.references import parse
from devctl.domain.detect.main_package import mains, word_of
from devctl.domain.go.facts import SourceFacts
from devctl.domain.project.compose_model import OwnSpec, Spec
from devctl.errors import Problem


def lend_builds(specs: Mapping[str, OwnSpec]) -> None:
    """Copy the `build` of the service that builds an image into those that run it, in place."""
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


def own_image(spec: Spec, facts: SourceFacts) -> str | None:
    """The image of a service without `build:` that is named like the module or one of its mains, and belongs to the same
    owner.

    The last word alone proves nothing: `redis` is Docker Hub's image even in a module of that name. `acme` must be in the
    module's path too, or the registry must be a local one (`localhost:5000/shop`).
    """
    image = spec.get("image")
    if spec.get("build") or not isinstance(image, str):
        return None
    path = image.partition("@")[0]
    *before, last = re.sub(r":[^/:]*$", "", path).lower().split("/")
    return image if last in set(_names(facts)) and before and _same_owner(before, facts) else None


def _same_owner(before: list[str], facts: SourceFacts) -> bool:
    words = {word.lower() for module in facts.modules for word in module.path.split("/")}
    return before[-1] in words or before[0].partition(":")[0] in ("localhost", "127.0.0.1")


def built_here(file: str, line: int | None, *, name: str, image: str) -> Problem:
    """The warning about a service whose image is built instead of pulled."""
    return Problem(
        "image-built-here",
        f"service {name} uses {image}, the published image of this repository: building it from the code here instead",
        f"no action needed; to make it explicit, replace it with `build: .` in {file}",
        f"{file}:{line}" if line is not None else file,
    )


def _names(facts: SourceFacts) -> Iterator[str]:
    """Names under which the program may be published: that of the topmost module, and those of all mains."""
    for module in facts.modules[:1]:
        yield word_of(module.path)
    for main in mains(facts):
        yield main.package.dir.rpartition("/")[2].lower()
