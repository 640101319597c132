"""Whether a compose service runs a tool in an image that builds Go (`go test ./...`, `sqlc generate`), and not the program."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from devctl.domain.command.argv import SHELLS
from devctl.domain.derive.run_lines import commands, compiles
from devctl.domain.dockerfile.built_programs import built_programs
from devctl.domain.dockerfile.entrypoint import begun_words, programs, words_of
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.purpose import shows_go
from devctl.domain.dockerfile.stages import (
    RELOADER_NAMES,
    chain,
    external_base,
    find_stage,
    golang_tag,
    needed_by,
)
from devctl.domain.dockerfile.walk import given as build_args
from devctl.domain.dockerfile.walk import given_target, in_context, walk
from devctl.domain.regex import regex

# What these start is in files that are not read here.
_BY_A_FILE = RELOADER_NAMES | frozenset(
    "dlv make task just mage supervisord goreman foreman hivemind overmind crond cron s6-svscan runsvdir litestream".split()
)
_WAITS = frozenset({"sleep", "tail", "wait", "trap"})
_ENDS = frozenset({"true", "false", ":", "echo", "exit"})
_ASIDE = (
    _WAITS
    | _ENDS
    | {"cd", "export", "set", "test", "[", "mkdir", "rm", "shift", "local", "return", "for", "case", "esac"}
)
_CHECKS = frozenset({"test", "vet"})
_MAKES = frozenset({"build", "install"})
_SCRIPT = regex(r"\.(?:sh|bash|py|rb|js|pl)$")


Said = Callable[[Sequence[str]], tuple[tuple[str, ...], ...] | None]
"""Returns what a script or a Makefile of the project starts; None for other words."""


def starts_tool(
    facts: DockerfileFacts, compose: Mapping[str, object], *, beside: bool, said: Said = lambda _: None
) -> bool:
    """Whether it is known that the compose file's words, or those of an image that compiles nothing, start neither a program
    that is built here, alone or in a wrapper, nor something that compiles and starts one, and do not only wait. `beside`: whether
    a shell without a command, and words that do nothing but end, count: beside a service they do, alone they are what somebody
    works on."""
    stage = find_stage(facts, given_target(compose)) or facts.stages[-1]
    parts = [part for each in programs(begun_words(facts, stage, compose)) for part in _told(each, said)]
    own = words_of(compose, "entrypoint") or words_of(compose, "command")
    tests = any(_verb(part) in _CHECKS for part in parts)
    if not own and (not tests or compiles_in(facts, stage)):
        return False
    built = built_programs(facts, stage, build_args(compose))
    if not parts or any(built.at(part) is not None for part in parts):
        return False
    names = {posixpath.basename(part[0]) for part in parts}
    if names <= _ASIDE:
        return beside and not names & _WAITS and bool(names & _ENDS)
    makes = any(_verb(part) in _MAKES for part in parts)
    # In the Go image, what is found through PATH and calls `go test` or the like beside it is a tool too.
    known = built.known or (tests and not compiles_in(facts, stage))
    others = known and not makes and _only_golang(facts, stage, compose)
    brought = next(iter([line.brought for line in walk(facts, stage)][-1:]), {})
    return all(
        posixpath.basename(part[0]) in _ASIDE
        or _is_tool(part, beside=beside, others=others and not _from_context(part, built.folder, brought))
        for part in parts
    )


def starts_unread(
    facts: DockerfileFacts, compose: Mapping[str, object], *, said: Said = lambda _: None
) -> bool:
    """Whether an image with Go starts something that is neither a tool nor waiting: it is not known what, and no line of the
    Dockerfile compiles it. What compiles the source has to be excluded by the caller."""
    stage = find_stage(facts, given_target(compose)) or facts.stages[-1]
    parts = [part for each in programs(begun_words(facts, stage, compose)) for part in _told(each, said)]
    idle = all(posixpath.basename(part[0]) in _ASIDE or _is_shell(part) for part in parts)
    unknown = not idle and not _compile(facts.stages) and any(map(shows_go, chain(facts, stage)))
    return unknown and not starts_tool(facts, compose, beside=False, said=said)


def _is_shell(part: Sequence[str]) -> bool:
    """One that is given nothing to run."""
    return posixpath.basename(part[0]) in SHELLS and all(word.startswith("-") for word in part[1:])


def _is_tool(part: Sequence[str], *, beside: bool, others: bool) -> bool:
    """`others`: whether a word that is not known otherwise can only be a tool."""
    name = posixpath.basename(part[0])
    if name == "go":
        verb, after = _verb(part), part[2:]
        if verb == "run":
            return "@" in next((word for word in after if not word.startswith("-")), "")
        return verb != "tool" or posixpath.basename("".join(after[:1])) not in RELOADER_NAMES
    if name in SHELLS:
        return beside and _is_shell(part)
    return (others or "@" in name) and name not in _BY_A_FILE


def _told(words: tuple[str, ...], said: Said) -> Iterator[tuple[str, ...]]:
    """The commands that a script or a Makefile stands for; otherwise the words themselves, without what is for a shell."""
    found = said(words)
    each = [part for told in found for part in programs(("sh", "-c", shlex.join(told)))] if found else [words]
    yield from filter(None, map(_inner, each))


def compiles_in(facts: DockerfileFacts, stage: Stage) -> bool:
    """Whether a line of the stages that it is made from may compile a program."""
    return _compile(needed_by(facts, stage))


def _compile(stages: Iterable[Stage]) -> bool:
    lines = (line for stage in stages for line in stage.instructions if line.cmd in ("RUN", "ONBUILD"))
    return any(compiles(command) for line in lines for command in commands(line))


def _verb(part: Sequence[str]) -> str:
    """`test` of `go -C api test ./...`."""
    if posixpath.basename(part[0]) != "go":
        return ""
    return "".join(part[3:4] if part[1:2] == ("-C",) else part[1:2])


def _inner(part: tuple[str, ...]) -> tuple[str, ...]:
    """`env CGO_ENABLED=1 go test` is `go test`."""
    if not part or posixpath.basename(part[0]) != "env":
        return part
    at = next((i for i, word in enumerate(part) if i and not re.match(r"[A-Za-z_]\w*=", word)), len(part))
    return part[at:]


def _only_golang(facts: DockerfileFacts, stage: Stage, compose: Mapping[str, object]) -> bool:
    """Whether the stage is made from the Go image, which has no start script, with the PATH of that image: a final stage may have
    wrappers that read what they start in a file."""
    stages = chain(facts, stage)
    lines = [line for each in stages for line in each.instructions]
    return (
        golang_tag(external_base(facts, stage)) is not None
        and not any(i.cmd == "ENTRYPOINT" and not words_of(compose, "entrypoint") for i in lines)
        and not any(i.cmd == "ENV" and re.search(r"\bPATH\b", i.original) for i in lines)
    )


def _from_context(part: Sequence[str], folder: str, brought: Mapping[str, str]) -> bool:
    """Whether a script or another file of the project decides what is started."""
    first = part[0]
    if "$" in first or any(map(_SCRIPT.search, part)):
        return True
    if "/" in first:
        return in_context(posixpath.normpath(posixpath.join(folder, first)), brought) is not None
    return any(first == posixpath.basename(path) for pair in brought.items() for path in pair)
