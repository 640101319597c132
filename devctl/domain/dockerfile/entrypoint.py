"""What a stage of a Dockerfile starts: the program inside its wrappers, and the arguments in the stage's own lines."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from devctl.domain.command.argv import SHELLS, joined_commands, shell_text
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.stages import RELOADER_NAMES, chain, effective, named_stages

# Words that start something other than the program itself: what follows is not for it.
_BUILDERS = RELOADER_NAMES | {"go", "dlv", "make"}
_IDLE = frozenset({"tail", "sleep", "wait", "trap", "echo", "true", ":"})
_DEVELOPERS = _BUILDERS | {"tail", "sleep"}
# Words of a shell that may come before a command, and those that are none.
_OPENS = frozenset("exec while until if then else elif do ! { time".split())
_CLOSES = frozenset({"done", "fi", "}"})
STARTERS = _DEVELOPERS | SHELLS | {"env", "su", "sudo"}
# They start what follows unchanged; the flags are their own.
_INITS = frozenset({"tini", "tini-static", "dumb-init", "catatonit"})
_WITH_VALUE = frozenset({"-p", "-e", "-r", "--rewrite"})
# They start what follows the user.
_AS_USER = frozenset({"su-exec", "gosu"})


def unwrapped(words: Iterable[str]) -> tuple[str, ...]:
    """`tini -g -- /app serve` is `/app serve`; so is what a script gets that names a program: `/entrypoint.sh /app serve`."""
    left = list(words)
    while left:
        name = posixpath.basename(left[0])
        if name in _INITS:
            left = _after_flags(left[1:])
        elif name in _AS_USER:
            left = left[2:]
        elif name.endswith(".sh") and "/" in "".join(left[1:2]):
            left = left[1:]
        else:
            break
    return tuple(left)


def _after_flags(words: list[str]) -> list[str]:
    while words and words[0].startswith("-"):
        words = words[2 if words[0] in _WITH_VALUE else 1 :]
    return words


def start_words(facts: DockerfileFacts, stage: Stage) -> tuple[str, ...]:
    """The program and its arguments; () if a shell, a script or another tool decides."""
    words = unwrapped(begun_words(facts, stage, {}))
    return () if not words or is_other(words[0]) else words


def is_other(word: str) -> bool:
    """A word that starts something other than the service."""
    return posixpath.basename(word) in STARTERS or word.endswith(".sh")


def develops(word: str) -> bool:
    """A word that starts what only a developer wants, or nothing at all."""
    return posixpath.basename(word) in _DEVELOPERS


def only_develops(words: Sequence[str]) -> bool:
    """Whether these words are for a developer, so that production does not start with them: something in them compiles, or
    they start nothing at all. `sleep 5 && /app` starts the program."""
    names = [posixpath.basename(part[0]) for part in programs(words)]
    return any(name in _BUILDERS for name in names) or (names != [] and all(name in _IDLE for name in names))


def program_names(facts: DockerfileFacts, stage: Stage) -> frozenset[str]:
    """The program's name in the image, and in the stage that it is copied from."""
    program = posixpath.basename("".join(start_words(facts, stage)[:1]))
    return frozenset((program, *_built_as(facts, stage, program))) if program else frozenset()


def begun_names(facts: DockerfileFacts, stage: Stage, compose: Mapping[str, object]) -> tuple[str, ...]:
    """Every word that a container of the stage is started with, `entrypoint` and `command` of the compose file before the
    stage's own, without folders: the program is among them, even after a script, and the first word that names one is it."""
    words = [word for part in programs(begun_words(facts, stage, compose)) for word in part]
    names = [posixpath.basename(word) for word in " ".join(words).split()]
    return tuple(dict.fromkeys(other for name in names for other in (name, *_built_as(facts, stage, name))))


def begun_words(
    facts: DockerfileFacts | None, stage: Stage | None, compose: Mapping[str, object]
) -> tuple[str, ...]:
    """What a container of the stage is started with: `entrypoint` of the compose file drops the image's CMD."""
    entry, command = words_of(compose, "entrypoint"), words_of(compose, "command")
    own = {"ENTRYPOINT": entry, "CMD": command}
    for cmd in ("ENTRYPOINT", *(() if entry else ("CMD",))):
        line = effective(facts, stage, cmd) if facts is not None and stage is not None else None
        if line is not None and not own[cmd]:
            own[cmd] = line.value if line.json else ("sh", "-c", " ".join(line.value))
    return (*own["ENTRYPOINT"], *own["CMD"])


def programs(words: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What these words start, each with its arguments, the one that keeps running first: for `sh -c "migrate up && app | tee log"`
    that is app, and whatever wraps a shell comes last."""
    at = next((i for i in range(len(words)) if shell_text(words[i:]) is not None), len(words))
    started: list[list[tuple[str, ...]]] = []
    for command in joined_commands(shell_text(words[at:]) or ""):
        if command.operator != "|" or not started:
            started.append([])
        started[-1].append(unwrapped(_plain(command.words)))
    parts = (*(part for pipe in reversed(started) for part in pipe), unwrapped(words[:at]))
    return tuple(part for part in parts if part)


def _plain(words: Sequence[str]) -> Sequence[str]:
    """Without what is for the shell itself: `exec`, `PORT=80`, `while`; nothing is left of `done`."""
    at = next(
        (i for i, w in enumerate(words) if w not in _OPENS and not re.match(r"[A-Za-z_]\w*=", w)), len(words)
    )
    return () if words[at : at + 1] and words[at] in _CLOSES else words[at:]


def words_of(compose: Mapping[str, object], key: str) -> tuple[str, ...]:
    """`entrypoint` or `command` of a resolved compose service."""
    said = compose.get(key.lower())
    return tuple(str(word) for word in said) if isinstance(said, list) else ()


def name_program(compose: dict[str, Any]) -> None:
    """`entrypoint: []` drops the image's: the first word of `command` is the program. Written this way (in place), it is not
    mistaken for a file that does not mention the entrypoint."""
    if compose.get("entrypoint") == [] and compose.get("command"):
        program, *words = compose["command"]
        compose["entrypoint"], compose["command"] = [program], words


def _built_as(facts: DockerfileFacts, stage: Stage, program: str) -> tuple[str, ...]:
    """`COPY --from=build /out/worker /service`: service was built as worker."""
    copies = (i for s in chain(facts, stage) for i in s.instructions if i.cmd == "COPY" and len(i.value) == 2)
    return tuple(
        posixpath.basename(copy.value[0])
        for copy in copies
        if list(named_stages(copy)) and posixpath.basename(copy.value[1]) == program
    )
