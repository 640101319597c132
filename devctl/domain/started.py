"""How the user's Docker files build and start the program: build tags, experiments, and the arguments that it is given."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from devctl.domain.build_args import after
from devctl.domain.build_args import given as build_args
from devctl.domain.gofacts import DockerfileFacts, Stage
from devctl.domain.stages import chain, effective, expand, is_dev

_TAGS = re.compile(r"\bgo\s+(?:build|install)\b[^\n&|;]*?\s--?tags[= ](?:\"([^\"]*)\"|'([^']*)'|(\S+))")
_EXPERIMENT = re.compile(r"\bGOEXPERIMENT=(\w[\w,]*)")
# Words that start something else than the program itself: what follows is not for it.
_STARTERS = frozenset(
    {
        "sh",
        "bash",
        "ash",
        "env",
        "tini",
        "dumb-init",
        "go",
        "air",
        "dlv",
        "reflex",
        "CompileDaemon",
        "gow",
        "make",
        "su-exec",
    }
)


@dataclass(frozen=True, slots=True)
class Started:
    """`args`: what the program is given at its start; `command`: what a container of the user's own stage is given for it
    beside its ENTRYPOINT (None: nothing, its image knows); `copied`: files that the stage copies from the context, by the path
    that they have in the image. Places by key: `tags`, `args`."""

    tags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    command: tuple[str, ...] | None = None
    places: dict[str, str] = field(default_factory=dict)
    copied: dict[str, str] = field(default_factory=dict)

    def flags(self) -> dict[str, str]:
        """`--port 9999`, `-addr=:80`: the flags that are given, with their values, without dashes."""
        found: dict[str, str] = {}
        for word, following in zip(self.args, (*self.args[1:], ""), strict=False):
            name, equals, value = word.lstrip("-").partition("=")
            if word.startswith("-") and name:
                found[name] = value if equals else following
        return found

    def args_in_source(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The arguments with paths of the image as those of the context, and which ones those are."""
        args, files = [], []
        for word in self.args:
            flag, equals, path = word.rpartition("=")
            source = next(
                (_below(path, at, there) for at, there in self.copied.items() if _is_below(path, at)), None
            )
            if source is not None:
                files.append(source)
            args.append(f"{flag}{equals}{source}" if source is not None else word)
        return tuple(args), tuple(files)


def started(
    facts: DockerfileFacts | None, compose: Mapping[str, object], *, compose_file: str = "compose.yaml"
) -> Started:
    """From the stages that are not for development; nothing where a shell or another tool stands between."""
    if facts is None:
        return Started()
    tags, env, places = _built(facts, build_args(compose))
    last = next((s for s in reversed(facts.stages) if not is_dev(s)), None)
    command = compose.get("command")
    given = tuple(str(word) for word in command) if isinstance(command, list) else ()
    program, own, line = _program(facts, last) if last is not None else ("", (), 0)
    if given and not compose.get("entrypoint") and (args := _given(facts, last, program, given)) is not None:
        return Started(tags, env, args, given, {**places, "args": compose_file}, _copied(facts, last))
    copied = _copied(facts, last)
    own = _without_unfilled(own, _unfilled(facts, last, copied, compose))
    if own:
        places["args"] = f"{facts.path}:{line}"
    return Started(tags, env, own, None, places, copied)


def _unfilled(
    facts: DockerfileFacts, stage: Stage | None, copied: Mapping[str, str], compose: Mapping[str, object]
) -> tuple[str, ...]:
    """Folders that a VOLUME line leaves to whoever runs the image, where nobody puts anything there."""
    mounts = compose.get("volumes")
    mounted = (
        [str(m.get("target")) for m in mounts if isinstance(m, dict)] if isinstance(mounts, list) else []
    )
    lines = [i for s in (chain(facts, stage) if stage else ()) for i in s.instructions if i.cmd == "VOLUME"]
    folders = [posixpath.normpath(word) for line in lines for word in line.value]
    filled = (*copied, *mounted)
    return tuple(f for f in folders if not any(_is_below(f, path) or _is_below(path, f) for path in filled))


def _without_unfilled(args: tuple[str, ...], folders: tuple[str, ...]) -> tuple[str, ...]:
    """`-conf /data/conf` goes, as there is nothing: the default of the flag is what is read in the source."""
    kept: list[str] = []
    for word in args:
        if not any(_is_below(word.rpartition("=")[2], folder) for folder in folders):
            kept.append(word)
        elif kept and kept[-1].startswith("-") and "=" not in f"{kept[-1]}{word}":
            kept.pop()
    return tuple(kept)


def _copied(facts: DockerfileFacts, stage: Stage | None) -> dict[str, str]:
    """`COPY config.yml /etc/shop/config.yml`: where files of the context are in the image, by absolute path."""
    found: dict[str, str] = {}
    for instruction in (i for s in (chain(facts, stage) if stage else ()) for i in s.instructions):
        plain = instruction.cmd == "COPY" and not any("--from" in flag for flag in instruction.flags)
        if not plain or len(instruction.value) != 2 or any(c in instruction.value[0] for c in "*?[$"):
            continue
        source, target = posixpath.normpath(instruction.value[0]).lstrip("/"), instruction.value[1]
        if target.startswith("/") and source != ".":
            named = f"{target}{posixpath.basename(source)}" if target.endswith("/") else target
            found.setdefault(posixpath.normpath(named), source)
    return found


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _below(path: str, folder: str, source: str) -> str:
    return f"{source}{path.removeprefix(folder)}"


def _built(
    facts: DockerfileFacts, args: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str], dict[str, str]]:
    for stage in sorted(facts.stages, key=is_dev):
        values = dict(facts.global_args)
        for instruction in stage.instructions:
            values = after(instruction, values, args)
            if instruction.cmd == "RUN" and "go build" in instruction.original:
                text = expand(instruction.original.replace("\\\n", " "), values)
                found, experiment = _TAGS.search(text), _EXPERIMENT.search(text)
                said = next((g for g in found.groups() if g), "") if found else ""
                chosen = experiment[1] if experiment else values.get("GOEXPERIMENT", "")
                place = f"{facts.path}:{instruction.line}"
                tags = tuple(tag for tag in re.split(r"[,\s]+", said) if re.fullmatch(r"[\w.]+", tag))
                return tags, {"GOEXPERIMENT": chosen} if chosen else {}, {"tags": place} if tags else {}
    return (), {}, {}


def _program(facts: DockerfileFacts, stage: Stage) -> tuple[str, tuple[str, ...], int]:
    """The program that a stage starts, the arguments in its own lines, and where; "" where that cannot be told."""
    entry, cmd = effective(facts, stage, "ENTRYPOINT"), effective(facts, stage, "CMD")
    if any(found is not None and not found.json for found in (entry, cmd)):
        return "", (), 0
    words = (*(entry.value if entry else ()), *(cmd.value if cmd else ()))
    if not words or posixpath.basename(words[0]) in _STARTERS or words[0].endswith(".sh"):
        return "", (), 0
    if any("$" in word for word in words):
        return "", (), 0
    return words[0], words[1:], (cmd or entry).line if len(words) > 1 else 0  # type: ignore[union-attr]


def _given(
    facts: DockerfileFacts, stage: Stage | None, program: str, given: tuple[str, ...]
) -> tuple[str, ...] | None:
    """The arguments in a compose file's `command`, None where it starts something else."""
    entry = effective(facts, stage, "ENTRYPOINT") if stage is not None else None
    first = posixpath.basename(given[0])
    if not program or first in _STARTERS or first.endswith(".sh"):
        return None
    if entry is not None:
        return (*entry.value[1:], *given)
    return given[1:] if first == posixpath.basename(program) else None
