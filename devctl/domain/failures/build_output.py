"""The part of a build's output that says why it failed: the lines of the failed step, once; `-v` shows everything."""

from __future__ import annotations

import re

from msgspec import Struct

from devctl.domain.regex import regex

MOST = 10
LONGEST = 300
_STEP = regex(r"#(?P<id>\d+) (?P<text>.*)")
_TIMED = regex(r"\d+\.\d+ (?P<said>.*)")
_TITLE = regex(r"\[(?:(?P<names>[^\]]*) )?\d+/\d+\] (?P<instruction>.*)")
_NAMELESS = regex(r"\bdevctl-stage-\d+(?= )")
"""The name of an unnamed stage in devctl's copy of a Dockerfile (`target_of` in domain/plan/run.py)."""
_COMMAND = regex(
    r"(?:executor failed running \[|process \"/bin/sh -c ).*?(?:\]|\" did not complete successfully): ", re.S
)
_VARIABLE = regex(r"\$(?:\{[^}]*\}|\w+)")
# What BuildKit and compose print about themselves.
_NOISE = regex(
    r"#\d+ |-+$| > \[|\s*$|time=|.*COMPOSE_BAKE|Dockerfile:\d+$|\s*\d+ \||\s*\|\s*(?:>>>)?|(?:ERROR: )?target \S+: failed to solve"
)


class Failed(Struct, frozen=True):
    """`instruction`: the one that failed, with single spaces; "" if it is not the user's."""

    instruction: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        lines = [*([self.instruction] if self.instruction else []), *self.lines]
        return "\n".join(line if len(line) <= LONGEST else f"{line[: LONGEST - 2]} …" for line in lines)


def failed_build(output: str) -> Failed:
    """The last ten lines of the step that failed; if no step failed, BuildKit's own message."""
    titles: dict[str, str] = {}
    said: dict[str, list[str]] = {}
    failed = last = error = ""
    for line in output.splitlines():
        step = _STEP.match(line)
        if step is None:
            continue
        number, text = step["id"], step["text"]
        titles.setdefault(number, text)
        if (timed := _TIMED.match(text)) is not None:
            said.setdefault(number, []).append(timed["said"].rstrip())
            last = number
        elif text.startswith("ERROR: "):
            failed, error = number, _COMMAND.sub("", text.removeprefix("ERROR: "))
    lines = said.get(failed) or ([error] if error else _of_buildkit(output))
    if not lines:  # its time ran out
        failed, lines = last, said.get(last) or output.strip().splitlines()
    return Failed(_instruction(titles.get(failed, "")), tuple(lines[-MOST:]))


def _instruction(title: str) -> str:
    """That of a user's stage: devctl's own are nothing to look at. (`names`: service and stage.)"""
    found = _TITLE.fullmatch(title)
    ours = found is None or "devctl" in _NAMELESS.sub("", f"{found['names']} {found['instruction']}")
    return "" if found is None or ours else " ".join(found["instruction"].split())


def is_shown_as(original: str, shown: str) -> bool:
    """Whether an `instruction` is this one of a Dockerfile: COPY and ADD are shown with their variables substituted."""
    words = " ".join(original.replace("\\\n", " ").split())
    first, *others = _VARIABLE.split(words)
    if not others:
        return words == shown
    if not shown.startswith(first) or not shown.endswith(others[-1]):
        return False
    at = len(first)
    for part in others[:-1]:  # no regular expression: several variables in a long line would take it too long
        at = shown.find(part, at) + len(part)
        if at < len(part):
            return False
    return at <= len(shown) - len(others[-1])


def _of_buildkit(output: str) -> list[str]:
    told = [_COMMAND.sub("", line).rstrip() for line in output.splitlines() if not _NOISE.match(line)]
    return list(dict.fromkeys(told))[-MOST:]
