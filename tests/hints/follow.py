"""What following a hint takes: the words of the hint itself, put where it says, in a small project on the disk.

A row of a table says: these files have this fault, devctl gives this hint for it, and this is done with its words.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers import build_tree

SPAN = re.compile(r"`([^`]+)`")
Told = Mapping[str, Any]
"""A problem as JSON has it: code, message, hint, place."""


@dataclass(frozen=True)
class Fault:
    """`code`: of what `words` reports with these files. `follow` gets the project's folder and what was reported; it may
    return the words of another command, which is to end well then."""

    code: str
    files: Mapping[str, str | bytes]
    follow: Callable[[Path, Told], object]
    words: tuple[str, ...] = ("config", "check")
    leaves: tuple[str, ...] = ()
    """Codes of other problems that are only told then; none is expected."""
    plant: Callable[[Path], object] = lambda _root: None
    """Makes what a text cannot say."""

    def made(self, root: Path) -> Path:
        for name, data in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
        self.plant(root)
        return root


def row(
    hint: str | tuple[str, ...],
    code: str,
    files: Mapping[str, str | bytes],
    follow: Callable[[Path, Told], object],
    **more: Any,
) -> Any:
    """`hint`: its key (tests/hints/texts.py), or several where the hint is put together of them."""
    named = (hint,) if isinstance(hint, str) else hint
    return pytest.param(Fault(code, files, follow, **more), marks=pytest.mark.follows(*named), id=code)


# What a hint asks for


def said(told: Told, at: int = 0) -> str:
    """The part in backticks, without a dot after it."""
    return SPAN.findall(told["hint"])[at]


def filled(text: str, **values: str) -> str:
    """What the reader knows and the hint cannot: NAME, PATH, `…` (as `rest`)."""
    for name, value in values.items():
        gap = "…" if name == "rest" else name
        assert gap in text, f"{gap} is not in {text}"
        text = text.replace(gap, value)
    return text


def into_yaml(file: str, at: int = 0, *, text: str = "", **values: str) -> Callable[[Path, Told], None]:
    """The part in backticks becomes part of a YAML file: keys are added, existing values of the same key are replaced."""

    def follow(root: Path, told: Told) -> None:
        path = root / file
        before = yaml.safe_load(path.read_text()) if path.exists() else {"version": 1}
        path.write_text(
            yaml.safe_dump(merged(before, yaml.safe_load(text or filled(said(told, at), **values))))
        )

    return follow


def into_service(
    at: int = 0, *, service: str = "api", file: str = "compose.yaml", **values: str
) -> Callable[[Path, Told], None]:
    """The same, of a service of the compose file."""

    def follow(root: Path, told: Told) -> None:
        given = yaml.safe_load(filled(said(told, at), **values))
        path = root / file
        path.write_text(
            yaml.safe_dump(merged(yaml.safe_load(path.read_text()), {"services": {service: given}}))
        )

    return follow


def merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    return new


def place(told: Told) -> tuple[str, int]:
    file, _, rest = str(told["place"]).partition(":")
    return file, int(rest.partition(":")[0])


def line(text: Callable[[str], str] = lambda hint: hint) -> Callable[[Path, Told], None]:
    """The hint is what the line at its place is to be."""

    def follow(root: Path, told: Told) -> None:
        file, number = place(told)
        lines = (root / file).read_text().splitlines()
        lines[number - 1] = text(told["hint"])
        (root / file).write_text("\n".join(lines) + "\n")

    return follow


def no_line(root: Path, told: Told) -> None:
    """The line at its place goes."""
    file, number = place(told)
    lines = (root / file).read_text().splitlines()
    del lines[number - 1]
    (root / file).write_text("\n".join(lines) + "\n")


def write(file: str, text: str) -> Callable[[Path, Told], None]:
    def follow(root: Path, _told: Told) -> None:
        build_tree(root, {file: text})

    return follow


def edit(file: str, old: str | re.Pattern[str], new: Callable[[str], str]) -> Callable[[Path, Told], None]:
    """`new`: what replaces `old`, made from the hint's text."""

    def follow(root: Path, told: Told) -> None:
        text = (root / file).read_text()
        pattern = re.compile(re.escape(old)) if isinstance(old, str) else old
        changed, count = pattern.subn(lambda _found: new(told["hint"]), text)
        assert count, f"{old!r} is not in {file}"
        (root / file).write_text(changed)

    return follow


def shell(pattern: str = "(.*)", *, then: str = "{}", **values: str) -> Callable[[Path, Told], None]:
    """The group of the pattern is a command line, which a person types into a shell in the project's folder. `then`: a line that
    it is a part of."""

    def follow(root: Path, told: Told) -> None:
        found = re.search(pattern, told["hint"])
        assert found is not None, told["hint"]
        command = then.format(filled(found[1], **values))
        subprocess.run(["sh", "-ec", command], cwd=root, check=True, capture_output=True)

    return follow


def both(*steps: Callable[[Path, Told], object]) -> Callable[[Path, Told], object]:
    """One after the other; what the last one returns."""

    def follow(root: Path, told: Told) -> object:
        return [step(root, told) for step in steps][-1]

    return follow
