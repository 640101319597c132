"""Variables of a Dockerfile while it is read line by line, with the values that the compose file gives to the build."""

from __future__ import annotations

from collections.abc import Mapping

from devctl.domain.dockerfile.facts import Instruction
from devctl.domain.dockerfile.stages import assignments


def given(compose: Mapping[str, object]) -> dict[str, str]:
    """`build: {args: …}` of a compose service, in the form that `compose config` resolves to."""
    build = compose.get("build")
    args = build.get("args") if isinstance(build, Mapping) else None
    if not isinstance(args, Mapping):
        return {}
    return {str(key): str(value) for key, value in args.items() if value is not None}


def after(instruction: Instruction, values: Mapping[str, str], args: Mapping[str, str]) -> dict[str, str]:
    """The variables behind a line: `values`, and what an ARG or ENV in it says; `args` go before an ARG's default."""
    if instruction.cmd not in ("ARG", "ENV"):
        return dict(values)
    known = {**values, **assignments(instruction, values)}
    names = [word.partition("=")[0] for word in instruction.value] if instruction.cmd == "ARG" else []
    return {**known, **{name: args[name] for name in names if name in args}}
