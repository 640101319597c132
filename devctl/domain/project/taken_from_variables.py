"""Secrets and configs that are the value of a variable (`environment: TOKEN`). Compose takes it when it makes the container, from
its own environment; what `.env` says has to be there then.

It is there under a name of ours: one that a project chooses (`LD_PRELOAD`, `DOCKER_HOST`) would mean something to compose itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devctl.domain.project.compose_model import Model

VALUES = "x-devctl-values"
"""The key of the model that has them: name → value."""
_KINDS = ("secrets", "configs")


def named(model: Model) -> frozenset[str]:
    """The variables that are asked for."""
    items = (item for kind in _KINDS for item in (model.get(kind) or {}).values())
    return frozenset(str(item["environment"]) for item in items if item and item.get("environment"))


def with_values(model: Model, said: Mapping[str, str]) -> dict[str, Any]:
    """The model with these values; of other variables compose knows them itself, or says that they are not set."""
    ours = {name: f"DEVCTL_VALUE_{number}" for number, name in enumerate(sorted(named(model) & set(said)))}
    if not ours:
        return dict(model)
    kinds = {
        kind: {
            key: {**item, "environment": ours[item["environment"]]}
            if item and item.get("environment") in ours
            else item
            for key, item in model[kind].items()
        }
        for kind in _KINDS
        if model.get(kind)
    }
    return {**model, **kinds, VALUES: {place: said[name] for name, place in ours.items()}}


def in_place(model: Model) -> dict[str, Any]:
    """The model with each value where its name stands, to be compared: the names are counted, and a value may come by another."""
    given, values = taken_out(model)
    kinds = {
        kind: {
            key: {**item, "environment": values.get(item["environment"], item["environment"])}
            if item and item.get("environment")
            else item
            for key, item in given[kind].items()
        }
        for kind in _KINDS
        if given.get(kind)
    }
    return {**given, **kinds}


def taken_out(model: Model) -> tuple[dict[str, Any], dict[str, str]]:
    """The model without them, and what compose's environment needs."""
    return {key: item for key, item in model.items() if key != VALUES}, dict(model.get(VALUES) or {})
