"""Which services of a compose model need which others, and which networks and volumes they expect to exist."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal

from devctl.domain.project.compose_model import Model

Specs = Mapping[str, Mapping[str, Any]]
External = Literal["network", "volume"]

_SECTIONS: Mapping[str, External] = {"networks": "network", "volumes": "volume"}


def needed(specs: Specs, names: Iterable[str]) -> frozenset[str]:
    """The services of these names and everything that must run before them: compose writes links and shared namespaces into
    `depends_on` too."""
    found, ahead = set[str](), list(names)
    while ahead:
        name = ahead.pop()
        if name in specs and name not in found:
            found.add(name)
            ahead += specs[name].get("depends_on") or {}
    return frozenset(found)


def jobs(specs: Specs) -> frozenset[str]:
    """The services that run to completion, since another one waits for that."""
    return frozenset(
        name
        for spec in specs.values()
        for name, how in (spec.get("depends_on") or {}).items()
        if how.get("condition") == "service_completed_successfully"
    )


def restarted_with(specs: Specs, name: str) -> tuple[str, ...]:
    """The services that compose restarts when it recreates this one."""
    return tuple(other for other, spec in specs.items() if _how(spec, name).get("restart") is True)


def healthy_before(specs: Specs, names: Iterable[str]) -> frozenset[str]:
    """The services that one of these waits for with `service_healthy`."""
    waits = (item for name in names for item in ((specs.get(name) or {}).get("depends_on") or {}).items())
    return frozenset(name for name, how in waits if (how or {}).get("condition") == "service_healthy")


def _how(spec: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return (spec.get("depends_on") or {}).get(name) or {}


def talked_to(specs: Specs, names: Iterable[str]) -> frozenset[str]:
    """The services that the environment or the command of these mentions: `DB_HOST=postgres` needs one without declaring it."""
    told = [(specs[name].get("environment"), specs[name].get("command")) for name in names if name in specs]
    words = set(re.findall(r"[\w.-]+", json.dumps(told)))
    return frozenset(name for name in specs if name in words)


def externals(model: Model, services: Collection[str] | None = None) -> Iterator[tuple[External, str, str]]:
    """Kind, key in the model and name of each that one of `services` (all if None) uses: compose requires no others."""
    specs = [s for name, s in (model.get("services") or {}).items() if services is None or name in services]
    used = {
        "networks": {key for spec in specs for key in spec.get("networks") or ()},
        "volumes": {v.get("source") for spec in specs for v in spec.get("volumes") or ()},
    }
    for section, kind in _SECTIONS.items():
        for key, spec in (model.get(section) or {}).items():
            if (spec or {}).get("external") and key in used[section]:
                yield kind, key, str(spec.get("name") or key)
