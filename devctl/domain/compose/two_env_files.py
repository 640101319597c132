"""The `.env` files of a project: one, or two where COMPOSE_FILE leads to another folder."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from devctl.domain.compose.env_file import values
from devctl.domain.environment.shells import spoken
from devctl.domain.project.compose_inputs import ComposeInputs


def in_env_files(inputs: ComposeInputs, known: Callable[[str], str | None]) -> dict[str, str]:
    """The values in them, if `known` tells what the environment has."""
    found: dict[str, str] = {}

    def given(name: str) -> str | None:
        value = known(name)
        return value if value is not None else found.get(name)

    for path in reversed(
        inputs.env_files
    ):  # compose reads the overriding one first, and fills in the next one from it
        found = {**values(inputs.beside.get(path) or "", own=True, known=given), **found}
    return found


def with_one_env_file(inputs: ComposeInputs, known: Callable[[str], str | None]) -> ComposeInputs:
    """The same with both in the place of the one that is overridden, where there are two."""
    if len(inputs.env_files) < 2 or inputs.beside.get(inputs.env_files[-1]) is None:
        return inputs
    first, text = inputs.env_files[0], spoken(in_env_files(inputs, known), "dotenv")
    return replace(inputs, beside={**inputs.beside, first: text}, env_files=(first,))
