"""From a rendered model to what is wanted: fingerprints, and the labels that carry them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from devctl import __version__
from devctl.domain.needs import needed, talked_to
from devctl.domain.observed import DEPS_LABEL, INPUTS_LABEL, VERSION_LABEL
from devctl.domain.planner import Dependency, Wanted
from devctl.domain.runs import Run

Model = dict[str, Any]


def digest(*parts: object) -> str:
    """16 hex digits of SHA-256 over the parts' canonical JSON."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def label_wanted(model: Model, run: Run, *, deps: str, recipe_files: Mapping[str, str | None]) -> Wanted:
    """Fingerprint one service of the model and write the fingerprints into its labels (in place).

    `recipe_files`: content of the Dockerfile, .dockerignore and such, by name.
    """
    spec = model["services"][run.service]
    recipe = digest(spec["build"], recipe_files)
    inputs = digest(spec, recipe_files)
    spec["build"]["labels"] = {**spec["build"]["labels"], DEPS_LABEL: deps, INPUTS_LABEL: recipe}
    spec["labels"] = {**spec["labels"], DEPS_LABEL: deps, INPUTS_LABEL: inputs, VERSION_LABEL: __version__}
    return Wanted(
        service=run.service,
        mode=run.mode,
        image=run.image,
        deps=deps,
        recipe=recipe,
        inputs=inputs,
        always_build=run.mode == "prod",
    )


def dependencies(
    model: Model, services: frozenset[str], *, named: frozenset[str] = frozenset()
) -> tuple[Dependency, ...]:
    """Every other service of the model, or with `named` those that the named ones need; a job is one that somebody waits
    for with `service_completed_successfully`."""
    specs: dict[str, Model] = model["services"]
    jobs = {
        name
        for spec in specs.values()
        for name, how in (spec.get("depends_on") or {}).items()
        if how.get("condition") == "service_completed_successfully"
    }
    must = needed(specs, named or services)
    must |= needed(specs, talked_to(specs, must))
    return tuple(
        Dependency(
            name,
            image=spec.get("image") or f"{model['name']}-{name}" if spec.get("build") else None,
            job=name in jobs,
            needed=name in must,
        )
        for name, spec in specs.items()
        if name not in services and (not named or name in must)
    )
