"""What an image is built by, beside its context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """The text of a Dockerfile, and of the .dockerignore that belongs to it."""

    dockerfile: str
    ignored: str


Recipes = Mapping[str, Recipe]
"""By service."""
