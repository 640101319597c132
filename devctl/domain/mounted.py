"""Whether a compose service mounts the source into the stage that it develops in."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from devctl.domain.gofacts import DockerfileFacts, Stage
from devctl.domain.stages import assignments, chain, expand


def mounts_source(facts: DockerfileFacts, stage: Stage, compose: Mapping[str, object]) -> bool:
    """A bind mount of the folder that the stage works in, or of one above. `compose` is the resolved service."""
    folder = str(compose.get("working_dir") or "") or working_dir(facts, stage)
    volumes = compose.get("volumes")
    targets = [
        posixpath.normpath(str(volume["target"]))
        for volume in (volumes if isinstance(volumes, list) else [])
        if isinstance(volume, dict) and volume.get("type") == "bind"
    ]
    return any("$" in folder or posixpath.commonpath([folder, target]) == target for target in targets)


def working_dir(facts: DockerfileFacts, stage: Stage) -> str:
    """The last WORKDIR; a `$` is in it where the base's own, or a variable of the base, is not known here."""
    folder, values = "$", dict(facts.global_args)
    for current in reversed(chain(facts, stage)):
        for instruction in current.instructions:
            if instruction.cmd in ("ARG", "ENV"):
                values |= assignments(instruction, values)
            elif instruction.cmd == "WORKDIR":
                folder = posixpath.join(folder, expand(" ".join(instruction.value), values, unknown="$"))
    return posixpath.normpath(folder)
