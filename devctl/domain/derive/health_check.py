"""The user's health checks, and whether a base can run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devctl.domain.dockerfile.facts import Instruction
from devctl.domain.dockerfile.runtime_bases import RuntimeBase
from devctl.domain.regex import regex
from devctl.errors import Problem

TOOLS = regex(r"\s*(curl|wget|nc|grpc_health_probe)(?:\s|$)")
"""What is not built into shells, and health checks run."""
_OF_BUSYBOX = frozenset({"wget", "nc"})


def compose_test(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The check of a compose service, as the engine takes it: `("CMD-SHELL", "curl …")`; () if there is none."""
    said = spec.get("healthcheck") or {}
    return ("NONE",) if said.get("disable") else tuple(str(word) for word in said.get("test") or ())


def image_test(instruction: Instruction) -> tuple[str, ...]:
    """The check of a HEALTHCHECK line."""
    word, *rest = instruction.value
    return (word if instruction.json or word == "NONE" else "CMD-SHELL", *rest)


def cannot_run(test: tuple[str, ...], base: RuntimeBase) -> bool:
    """Whether it needs what the base lacks."""
    tool = TOOLS.match(test[1]) if len(test) > 1 else None
    missing = tool is not None and (not base.has_shell or tool[1] not in _OF_BUSYBOX)
    return missing or (test[:1] == ("CMD-SHELL",) and not base.has_shell)


def left_out(base: str, check: str, place: str) -> Problem:
    return Problem(
        "health-check-left-out",
        f"the health check is left out on {base}, which lacks the program that it runs: `{check}`",
        'no action needed; a check that the program answers itself works on every base: `CMD ["/server", "-healthcheck"]`',
        place,
    )
