"""Which of devctl's optional parts are installed, and the command that installs the others into the same environment."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from devctl.domain.regex import regex

_OF_EXTRA = regex(r"""\bextra\s*==\s*['"]([\w-]+)['"]""")


def has_modules(names: Sequence[str]) -> bool:
    return all(importlib.util.find_spec(name) is not None for name in names)


def requirements(extra: str, *, of: str = "devctl") -> list[str]:
    """As pyproject.toml has them: `textual>=8,<9`."""
    found = []
    for line in importlib.metadata.requires(of) or []:
        said, _, condition = line.partition(";")
        if extra in _OF_EXTRA.findall(condition):
            found.append(said.strip())
    return sorted(found, key=lambda one: re.split(r"[<>=!~ \[]", one)[0])


def install_command(extra: str, *, prefix: Path | None = None, program: str = sys.executable) -> str:
    """With the tool that created the environment. It names the packages, since an index may have another package called devctl."""
    home = prefix or Path(sys.prefix)
    wanted = [shlex.quote(one) for one in requirements(extra)]
    if "pipx" in home.parts:
        return " ".join(["pipx", "inject", shlex.quote(home.name), *wanted])
    if not has_modules(["pip"]):  # uv's environments have none
        return " ".join(["uv", "pip", "install", "--python", shlex.quote(program), *wanted])
    return " ".join([shlex.quote(program), "-m", "pip", "install", *wanted])
