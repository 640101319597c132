"""The global options: accepted before and after the command, so they are taken out of the words before typer reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devctl.errors import UsageError

COLORS = ("auto", "always", "never")
HELP = (
    "Global options, before or after the command: -C/--project DIR · --json · -q/--quiet · -v/--verbose · "
    "--color auto|always|never · --dry-run · -y/--yes · --version"
)
_SWITCHES = {
    "--json": "json",
    "-q": "quiet",
    "--quiet": "quiet",
    "-v": "verbose",
    "--verbose": "verbose",
    "--dry-run": "dry_run",
    "-y": "yes",
    "--yes": "yes",
    "--version": "version",
}
_VALUES = {"-C": "project", "--project": "project", "--color": "color"}


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    project: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    dry_run: bool = False
    yes: bool = False
    version: bool = False


def hoist(argv: Sequence[str]) -> tuple[GlobalOptions, list[str]]:
    """Split the words into global options and the rest; nothing behind `--` is ours. Raises UsageError `usage`."""
    found: dict[str, object] = {}
    rest: list[str] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            rest += [word, *words]
            break
        name, equals, value = word.partition("=")
        if word in _SWITCHES:
            found[_SWITCHES[word]] = True
        elif name in _VALUES and (equals or words):
            found[_VALUES[name]] = value if equals else words.pop(0)
        elif name in _VALUES:
            raise _usage(f"{name} needs a value", f"devctl {name} VALUE …")
        else:
            rest.append(word)
    return _checked(found), rest


def _checked(found: dict[str, object]) -> GlobalOptions:
    if found.get("color", "auto") not in COLORS:
        raise _usage(f"--color {found['color']} is no choice", f"--color {'|'.join(COLORS)}")
    if "project" in found:
        found["project"] = Path(str(found["project"])).expanduser()
    return GlobalOptions(**found)  # type: ignore[arg-type]  # the tables above name its fields


def _usage(message: str, hint: str) -> UsageError:
    return UsageError(message, code="usage", hint=hint)
