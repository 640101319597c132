"""Services of a compose file that run this repository's own image from a registry, as users of the program write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from devctl.domain.gofacts import SourceFacts
from devctl.domain.mains import mains, word_of
from devctl.errors import Problem


def own_image(spec: Mapping[str, object], facts: SourceFacts) -> str | None:
    """The image of a service that has no `build:` where it is called like the module or like one of its mains."""
    image = spec.get("image")
    if spec.get("build") or not isinstance(image, str):
        return None
    path = image.partition("@")[0]
    last = re.sub(r":[^/:]*$", "", path).rpartition("/")[2].lower()
    return image if last in set(_names(facts)) else None


def built_here(file: str, line: int | None, *, name: str, image: str) -> Problem:
    """What is told of a service whose image is not pulled."""
    return Problem(
        "image-built-here",
        f"service {name} names {image}, which this repository is published as: it is built from the code that lies here",
        f"nothing must be done; `build: .` in its place says so in {file}",
        f"{file}:{line}" if line is not None else file,
    )


def _names(facts: SourceFacts) -> Iterator[str]:
    """Under which the program may be published: that of the module that lies highest, and those of all mains."""
    for module in facts.modules[:1]:
        yield word_of(module.path)
    for main in mains(facts):
        yield main.package.dir.rpartition("/")[2].lower()
