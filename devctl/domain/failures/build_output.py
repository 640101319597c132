"""What of a build's output says why it failed: the lines of the step that failed, once; `-v` shows all of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST = 10
LONGEST = 300
_STEP = re.compile(r"#(?P<id>\d+) (?P<text>.*)")
_TIMED = re.compile(r"\d+\.\d+ (?P<said>.*)")
_TITLE = re.compile(r"\[(?:(?P<names>[^\]]*) )?\d+/\d+\] (?P<instruction>.*)")
_COMMAND = re.compile(
    r"(?:executor failed running \[|process \"/bin/sh -c ).*?(?:\]|\" did not complete successfully): ", re.S
)
# What BuildKit and compose tell of themselves.
_NOISE = re.compile(
    r"#\d+ |-+$| > \[|\s*$|time=|.*COMPOSE_BAKE|Dockerfile:\d+$|\s*\d+ \||\s*\|\s*(?:>>>)?|(?:ERROR: )?target \S+: failed to solve"
)


@dataclass(frozen=True, slots=True)
class Failed:
    """`instruction`: the one that failed, its spaces made one; "" where it is not the user's."""

    instruction: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        lines = [*([self.instruction] if self.instruction else []), *self.lines]
        return "\n".join(line if len(line) <= LONGEST else f"{line[: LONGEST - 2]} …" for line in lines)


def failed_build(output: str) -> Failed:
    """The last ten lines of the step that failed; of a build that failed in none what BuildKit says of it."""
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
    """That of a stage of the user's: ours are nothing to look at."""
    found = _TITLE.fullmatch(title)
    ours = found is None or "devctl" in f"{found['names']} {found['instruction']}"
    return "" if found is None or ours else " ".join(found["instruction"].split())


def _of_buildkit(output: str) -> list[str]:
    told = [_COMMAND.sub("", line).rstrip() for line in output.splitlines() if not _NOISE.match(line)]
    return list(dict.fromkeys(told))[-MOST:]
