"""What a .air.toml says about the program that it builds and starts, for what no other file says."""

from __future__ import annotations

import shlex
from typing import Any

from msgspec import Struct, field

from devctl.domain.command.argv import exec_words
from devctl.domain.detect.source_run import built_by, without_debugger
from devctl.domain.go.go_command import tags_of
from devctl.domain.project.air_toml import UsersAir
from devctl.domain.regex import regex

PLAIN = regex(r"[\w@%+=:,./-]+")
"""A word that is the same with and without a shell."""
_ASSIGNMENTS = regex(r"^(?:[A-Za-z_]\w*=(?:'[^']*'|\"[^\"]*\"|[^\s'\"])*\s+)+")


class AirStart(Struct, frozen=True):
    """`package`: the folder that it compiles, relative to the project, None if no word names it; `args` and `variables`: what
    the program gets, nothing if a shell decides; `built_at`, `place` (of `args`), `set_at`: the lines that say so."""

    package: str | None = None
    tags: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    built_at: str = ""
    place: str = ""
    set_at: str = ""


def air_start(air: UsersAir) -> AirStart:
    said = air.build
    built = built_by(str(said.get("cmd") or ""), folder=air.folder)[-1:]
    variables, args = _given(said)
    start = next((k for k in ("full_bin", "entrypoint") if said.get(k)), "cmd")
    given = "args_bin" if said.get("args_bin") else start
    package, tags = next(((c.package, tags_of(c.flags)) for c in built), (None, ()))
    return AirStart(package, tags, args, variables, air.place("cmd"), air.place(given), air.place(start))


def split_line(full: str) -> tuple[str, str]:
    """`APP_ENV=dev ./tmp/main serve`: what a shell sets for the program, and the program."""
    program = _ASSIGNMENTS.sub("", full)
    return full[: len(full) - len(program)], program


def _given(said: Any) -> tuple[dict[str, str], tuple[str, ...]]:
    full, entry = str(said.get("full_bin") or "").strip(), said.get("entrypoint")
    before, program = split_line(full)
    words = exec_words(program) if full else tuple(map(str, entry if isinstance(entry, list) else ()))
    more = tuple(str(word) for word in said.get("args_bin") or [])
    if (full and not words) or not all(PLAIN.fullmatch(word) for word in more):
        return {}, ()
    try:
        assigned = [word.partition("=") for word in shlex.split(before)]
    except ValueError:  # quotes that only seem to match
        return {}, ()
    return {name: value for name, _, value in assigned}, (*without_debugger(words)[1:], *more)
