"""From a rendered model to the desired state: fingerprints, and the labels that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devctl import __version__
from devctl.domain.compose.depends_on import jobs, needed, restarted_with, talked_to
from devctl.domain.compose.replicas import runs_none
from devctl.domain.plan.digest import digest
from devctl.domain.plan.engine_state import (
    DEFINITION_LABEL,
    DEPS_LABEL,
    FOLDER_LABEL,
    INPUTS_LABEL,
    MACHINE_LABEL,
    VERSION_LABEL,
)
from devctl.domain.plan.planner import Dependency, Wanted
from devctl.domain.plan.render import CACHE_SCOPE
from devctl.domain.plan.run import Run
from devctl.domain.project.compose_model import Model, OwnModel, OwnSpec


def label_wanted(model: OwnModel, run: Run, *, deps: str, recipe_files: Mapping[str, str | None]) -> Wanted:
    """Fingerprint one service of the model and write the fingerprints into its labels (in place).

    `recipe_files`: content of the Dockerfile, .dockerignore and so on, by name.
    """
    spec = model["services"][run.service]
    recipe = digest(_anywhere(spec)["build"], recipe_files)
    inputs = digest(_anywhere(spec), recipe_files)
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
        folder=spec["labels"].get(FOLDER_LABEL, ""),
        debugging=run.debugging,
    )


def _anywhere(spec: OwnSpec) -> OwnSpec:
    """Without what depends on the machine and the folder: another user, a lost state or a clone want the same."""
    build = spec["build"]
    return {
        **spec,
        "labels": _without(_without(spec.get("labels"), MACHINE_LABEL), FOLDER_LABEL),
        "build": {
            **build,
            "args": _without(build.get("args"), CACHE_SCOPE),
            "labels": _without(build.get("labels"), MACHINE_LABEL),
        },
    }


def _without(words: Mapping[str, Any] | None, name: str) -> OwnSpec:
    return {key: value for key, value in (words or {}).items() if key != name}


def dependencies(
    model: Model, services: frozenset[str], *, named: frozenset[str] = frozenset()
) -> tuple[Dependency, ...]:
    """Every other service of the model, or with `named` those that the named ones need; a job is one that another service
    waits for with `service_completed_successfully`. None of those of which compose runs no container."""
    specs: dict[str, OwnSpec] = model["services"]
    once = jobs(specs)
    must = needed(specs, named or services)
    must |= needed(specs, talked_to(specs, must))
    return tuple(
        Dependency(
            name,
            image=spec.get("image") or f"{model['name']}-{name}" if spec.get("build") else None,
            job=name in once,
            needed=name in must,
            folder=(spec.get("labels") or {}).get(FOLDER_LABEL, ""),
            definition=(spec.get("labels") or {}).get(DEFINITION_LABEL, ""),
            restarts=restarted_with(specs, name),
        )
        for name, spec in specs.items()
        if name not in services and (not named or name in must) and not runs_none(spec)
    )
