"""Which services of a compose model need which others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

Specs = Mapping[str, Mapping[str, Any]]


def needed(specs: Specs, names: Iterable[str]) -> frozenset[str]:
    """The services of these names and all that must run before them: compose writes links and shared namespaces into
    `depends_on` too."""
    found, ahead = set[str](), list(names)
    while ahead:
        name = ahead.pop()
        if name in specs and name not in found:
            found.add(name)
            ahead += specs[name].get("depends_on") or {}
    return frozenset(found)


def talked_to(specs: Specs, names: Iterable[str]) -> frozenset[str]:
    """The services that the environment or the command of these names: `DB_HOST=postgres` needs one without saying so."""
    told = [(specs[name].get("environment"), specs[name].get("command")) for name in names if name in specs]
    words = set(re.findall(r"[\w.-]+", json.dumps(told)))
    return frozenset(name for name in specs if name in words)
