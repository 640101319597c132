"""Compose files that put the Go services into profiles: which profiles are meant if nobody names any."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from devctl.domain.compose.depends_on import needed
from devctl.domain.compose.file_names import FOR_DEV, FOR_OTHERS
from devctl.domain.project.compose_model import Key
from devctl.errors import Problem


def has_profiles(text: str) -> bool:
    return re.search(r"^\s+profiles\s*:", text, re.MULTILINE) is not None


def choose_profiles(specs: dict[str, dict[str, Any]], ours: Iterable[str]) -> tuple[str, ...]:
    """Reduce a whole model (in place) to what runs with the profiles of the services in `ours`: those for development if there
    are any, else all that are not for production or tests."""
    known = sorted({profile for name in ours for profile in specs[name].get("profiles") or ()})
    dev = [profile for profile in known if profile.lower() in FOR_DEV]
    chosen = set(dev or [profile for profile in known if profile.lower() not in FOR_OTHERS] or known)
    active = {n for n, spec in specs.items() if not spec.get("profiles") or chosen & set(spec["profiles"])}
    for name in specs.keys() - needed(specs, active):
        del specs[name]
    for spec in specs.values():
        spec.pop("profiles", None)
    return tuple(sorted(chosen))


def in_profiles(chosen: tuple[str, ...], service: str, place: Callable[[Key], str]) -> Problem:
    """The warning about it."""
    named = ",".join(chosen)
    return Problem(
        "profile-chosen",
        f"the Go services are in profiles; starting them as with COMPOSE_PROFILES={named}",
        f"no action needed; COMPOSE_PROFILES={named} in .env does the same for `docker compose`, or selects other profiles",
        place(("services", service, "profiles")),
    )
