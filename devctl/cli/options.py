"""The global options: accepted before and after the command, so they are removed from the arguments before typer reads them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from devctl.domain.paths import expanded
from devctl.errors import UsageError

COLORS = ("auto", "always", "never")
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


class GlobalOptions(Struct, frozen=True):
    project: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    dry_run: bool = False
    yes: bool = False
    version: bool = False


def asks_json(argv: Sequence[str]) -> bool:
    """Whether even a call that cannot be parsed should be answered in JSON."""
    words = list(argv)
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def hoist(argv: Sequence[str]) -> tuple[GlobalOptions, list[str]]:
    """Split the arguments into global options and the rest; nothing after `--` is a global option, and nothing among the words
    that `exec` runs. Raises UsageError `usage`."""
    found: dict[str, object] = {}
    rest: list[str] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            rest += [word, *words]
            break
        name, equals, value = _split(word)
        if word in _SWITCHES:
            found[_SWITCHES[word]] = True
        elif name in _VALUES and (equals or words):
            found[_VALUES[name]] = value if equals else words.pop(0)
        elif name in _VALUES:
            raise _usage(f"{name} needs a value", f"devctl {name} VALUE …")
        else:
            rest += _cluster(word, found)
            if rest[:1] == ["exec"] and len(rest) == 3 and not any(w.startswith("-") for w in rest):
                rest += _plain(rest, words)
                break
    return _checked(found), rest


def _plain(call: Sequence[str], more: Sequence[str]) -> Sequence[str]:
    """`more` words of the command that `exec` runs, without the `--` that says so: none of them may look like an option."""
    for word in more:
        if word.startswith("-"):
            name, service, first = call
            raise _usage(
                f"{word} may be meant for devctl or for {first}: the command comes after --",
                f"devctl {name} {shlex.join([service, '--', first, *more])}",
            )
    return more


def first_word(argv: Sequence[str]) -> str:
    """The first argument that is no global option and no value of one; "" if there is none."""
    words = list(argv)
    while words:
        word = words.pop(0)
        name, equals, _ = _split(word)
        if name in _VALUES:
            words = words if equals else words[1:]
        elif not word.startswith("-"):
            return word
    return ""


def _split(word: str) -> tuple[str, bool, str]:
    """`--name=value`, and the glued forms of `-C`: name, whether there is a value, value."""
    if word.startswith("-C") and len(word) > 2:
        return "-C", True, word[2:].removeprefix("=")
    name, equals, value = word.partition("=")
    return name, bool(equals), value


def _cluster(word: str, found: dict[str, object]) -> list[str]:
    """`-dq` is `-d -q`: devctl's letters are taken out, the others stay together."""
    if len(word) < 3 or not word.startswith("-") or not word[1:].isalpha():
        return [word]
    others = ""
    for letter in word[1:]:
        if f"-{letter}" in _SWITCHES:
            found[_SWITCHES[f"-{letter}"]] = True
        else:
            others += letter
    return [f"-{others}"] if others else []


def _checked(found: dict[str, object]) -> GlobalOptions:
    if found.get("color", "auto") not in COLORS:
        raise _usage(f"--color {found['color']} is not a choice", f"--color {'|'.join(COLORS)}")
    if "project" in found:
        found["project"] = _folder(str(found["project"]))
    return GlobalOptions(**found)  # type: ignore[arg-type]  # the tables above name its fields


def _folder(text: str) -> Path:
    """Checked here, for every command alike. An empty value is a variable that was not set, not this folder."""
    folder, why = expanded(Path(text)), "no such folder"
    try:
        found = folder.is_dir()
    except OSError as error:  # below a folder that may not be entered, or a name too long
        found, why = False, (error.strerror or str(error)).lower()
    if not text or not found:
        raise UsageError(
            f"-C: {why}: {text or 'an empty name'}",
            code="project-dir-missing",
            hint="`devctl -C DIR` with a folder that exists",
        )
    return folder


def _usage(message: str, hint: str) -> UsageError:
    return UsageError(message, code="usage", hint=hint)
