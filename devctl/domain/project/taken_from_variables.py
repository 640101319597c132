"""Secrets and configs whose value is a variable (`environment: TOKEN`). Compose reads it from its own environment when it
creates the container, so what `.env` says has to be in there.

It is passed under a name of devctl's: one that a project chooses (`LD_PRELOAD`, `DOCKER_HOST`) could affect compose itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devctl.domain.project.compose_model import Model

VALUES = "x-devctl-values"
"""The key of the model that holds them: name → value."""
_KINDS = ("secrets", "configs")


def named(model: Model) -> frozenset[str]:
    """The variables that are needed."""
    items = (item for kind in _KINDS for item in (model.get(kind) or {}).values())
    return frozenset(str(item["environment"]) for item in items if item and item.get("environment"))


def with_values(model: Model, said: Mapping[str, str]) -> dict[str, Any]:
    """The model with these values; compose knows other variables itself, or reports that they are not set."""
    ours = {name: f"DEVCTL_VALUE_{number}" for number, name in enumerate(sorted(named(model) & set(said)))}
    if not ours:
        return dict(model)
    return {**model, **_renamed(model, ours), VALUES: {place: said[name] for name, place in ours.items()}}


def in_place(model: Model) -> dict[str, Any]:
    """The model with each name replaced by its value, for comparison: the names are counted, since the same value may come
    from another one."""
    given, values = taken_out(model)
    return {**given, **_renamed(given, values)}


def _renamed(model: Model, names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The secrets and configs, with other names of variables."""
    return {
        kind: {
            key: {**item, "environment": names[item["environment"]]}
            if item and item.get("environment") in names
            else item
            for key, item in model[kind].items()
        }
        for kind in _KINDS
        if model.get(kind)
    }


def taken_out(model: Model) -> tuple[dict[str, Any], dict[str, str]]:
    """The model without them, and what compose's environment needs."""
    return {key: item for key, item in model.items() if key != VALUES}, dict(model.get(VALUES) or {})
