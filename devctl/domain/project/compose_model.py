"""The compose model: what `docker compose config` makes of the compose files. Its keys are those of the specification
(https://github.com/compose-spec/compose-spec/blob/main/spec.md), so it is a mapping here too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Spec = Mapping[str, Any]
"""A service, a build, a network, a volume: one thing that the model defines."""
Model = Mapping[str, Any]
"""The whole model: specs by name below `services`, `networks`, `volumes`, `secrets` and `configs`."""
OwnSpec = dict[str, Any]
OwnModel = dict[str, Any]
"""A private copy that is being modified."""
Key = tuple[str | int, ...]
"""The path of a value in a YAML file, by names and numbers: of a compose file, or of devctl.yaml."""
