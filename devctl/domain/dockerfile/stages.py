"""Which stages of a Dockerfile are for what: the dev stage, the production stages, and what each is based on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.runtime_bases import runtime_base
from devctl.domain.numbers import LONGEST, whole
from devctl.domain.regex import regex

DEV_NAMES = frozenset(
    {"dev", "development", "develop", "local", "hot", "hotreload", "hot-reload", "air", "live", "watch"}
)
RELOADER_NAMES = frozenset(
    "air reflex CompileDaemon gow wgo modd fresh realize gin nodemon watchexec entr".split()
)
"""Programs that rebuild and restart a service when a file is saved."""
# "gin" alone is a web framework too.
RELOADERS = regex(rf"\b(?:{'|'.join(sorted(RELOADER_NAMES - {'gin'}))}|gin-bin)\b")
PREDEFINED = {
    "TARGETOS": "linux",
    "TARGETARCH": "amd64",
    "TARGETPLATFORM": "linux/amd64",
    "BUILDPLATFORM": "linux/amd64",
}
"""What the builder defines by itself; enough for a FROM that names the platform."""
_LONGEST_VALUE = 8192
_VARIABLE = regex(r"\$(?:\{(?P<braced>\w+)(?::?(?P<op>[-+])(?P<word>[^}]{0,4096}))?\}|(?P<plain>\w+))")


def expand(text: str, values: Mapping[str, str], *, unknown: str = "") -> str:
    """`$X`, `${X}`, `${X:-default}`, `${X:+other}` with their values; those without a value become `unknown`."""

    def value(found: re.Match[str]) -> str:
        known = values.get(found["braced"] or found["plain"])
        word = (
            expand(found["word"], values, unknown=unknown) if found["word"] else ""
        )  # no braces: as deep as this
        if found["op"] == "+":
            return word if known else ""
        return known or (word if found["op"] or known is not None else unknown)

    return filled(_VARIABLE, value, text)


def filled(pattern: re.Pattern[str], value: Callable[[re.Match[str]], str], text: str) -> str:
    """`pattern.sub(value, text)`; the text unchanged if that would grow beyond all use: `ENV A=$A$A`, forty times, is a
    terabyte."""
    parts, at, left = list[str](), 0, max(LONGEST, len(text)) - len(text)
    for found in pattern.finditer(text):
        word = value(found)
        left -= len(word) - len(found[0])
        if left < 0:
            return text
        parts += [text[at : found.start()], word]
        at = found.end()
    return "".join([*parts, text[at:]])


def unquoted(text: str, values: Mapping[str, str]) -> str:
    r"""A word of ENV or ARG as the builder reads it: quotes removed, `\` before a character keeps that character, variables
    substituted outside single quotes (https://docs.docker.com/reference/dockerfile/#environment-replacement). As written if
    the result is of no use to anyone (`filled`)."""
    found, at, quote = "", 0, ""
    while at < len(text):
        if len(found) > max(_LONGEST_VALUE, len(text)):
            return text
        char, following = text[at], text[at + 1 : at + 2]
        variable = _VARIABLE.match(text, at) if char == "$" and quote != "'" else None
        if char == quote:
            quote = ""
        elif char in "'\"" and not quote:
            quote = char
        elif variable is not None:
            found += expand(variable[0], values)
            at = variable.end() - 1
        elif char == "\\" and following and quote != "'" and (not quote or following in '"$\\'):
            found += following
            at += 1
        else:
            found += char
        at += 1
    return found


def chain(facts: DockerfileFacts, stage: Stage) -> tuple[Stage, ...]:
    """The stage and those it is based on through FROM, nearest first."""
    found = [stage]
    while (below := parent(facts, found[-1])) is not None:
        found.append(below)
    return tuple(found)


def parent(facts: DockerfileFacts, stage: Stage) -> Stage | None:
    """The earlier stage that FROM names; the last one of that name, as the builder takes it."""
    named = [s for s in facts.stages[: stage.index] if s.name and s.name.lower() == stage.base.lower()]
    return named[-1] if named else None


def external_base(facts: DockerfileFacts, stage: Stage) -> str:
    return chain(facts, stage)[-1].base


def base_kind(facts: DockerfileFacts, stage: Stage) -> str:
    return kind_of(external_base(facts, stage))


def kind_of(ref: str) -> str:
    """The kind of an image reference: the name of a runtime base, else `debian` or `other`."""
    ours = runtime_base(ref)
    if ours is not None:
        return ours.name
    name = ref.partition("@")[0].lower()
    repository, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
    last = repository.rpartition("/")[2]
    debian = re.search(r"slim|buster|bullseye|bookworm|trixie|jammy|noble", tag)
    return "debian" if last in ("debian", "ubuntu") or (last != "golang" and debian) else "other"


def golang_tag(ref: str) -> str | None:
    """`1.26-alpine` for a golang image; "" without a tag; None for other images."""
    name = ref.partition("@")[0]
    last = name.rpartition("/")[2]
    repository, _, tag = last.partition(":")
    return tag if repository == "golang" else None


def has_shell(ref: str) -> bool:
    base = runtime_base(ref)
    return base is None or base.has_shell or ":debug" in ref


def needed_by(facts: DockerfileFacts, stage: Stage) -> tuple[Stage, ...]:
    """The stage and every stage that is built for it: through FROM, COPY --from and RUN --mount=from."""
    seen: dict[int, Stage] = {}
    waiting = [stage]
    while waiting:
        current = waiting.pop()
        if current.index in seen:
            continue
        seen[current.index] = current
        below = parent(facts, current)
        waiting += [below] if below is not None else []
        waiting += list(_copied_from(facts, current))
    return tuple(seen[index] for index in sorted(seen))


def _copied_from(facts: DockerfileFacts, stage: Stage) -> Iterator[Stage]:
    for name in (name for instruction in stage.instructions for name in named_stages(instruction)):
        number = whole(name)
        found = facts.stages[number] if number is not None and number < stage.index else facts.stage(name)
        if found is not None:
            yield found


def named_stages(instruction: Instruction) -> Iterator[str]:
    """The stages and images of `--from` and `--mount=from=`."""
    for flag in instruction.flags:
        yield from re.findall(r"\bfrom=([^,\s]+)", flag)


def effective(facts: DockerfileFacts, stage: Stage, cmd: str) -> Instruction | None:
    """The ENTRYPOINT, CMD, USER, … that applies in a stage: its last one, or that of the stage below."""
    for current in chain(facts, stage):
        for instruction in reversed(current.instructions):
            if instruction.cmd == cmd:
                return instruction
    return None


def assignments(instruction: Instruction, values: Mapping[str, str]) -> dict[str, str]:
    """What an ARG or ENV sets; an ARG without a default keeps the value of a global one."""
    words = instruction.value
    if instruction.cmd == "ENV":
        pairs = list(zip(words[::2], words[1::2], strict=False))
    else:
        pairs = [(key, value) for key, equals, value in (word.partition("=") for word in words) if equals]
    return {key: unquoted(value, values) for key, value in pairs}


def is_dev(stage: Stage) -> bool:
    name = stage.name.lower()
    return (
        name in DEV_NAMES
        or name.startswith(("dev-", "dev_", "development"))
        or name.endswith(("-dev", "_dev"))
    )


def named_stage(stage: Stage) -> str:
    """Its name in devctl's copy: older engines do not accept a stage by number."""
    return stage.name or f"devctl-stage-{stage.index}"


def target_name(stage: Stage) -> str:
    """In the form for `--target`."""
    return stage.name or str(stage.index)


def find_stage(facts: DockerfileFacts, target: str | None) -> Stage | None:
    """None or "" is no target: the builder takes the last stage."""
    if not target:
        return facts.stages[-1]
    number = whole(target)
    if number is not None and number < len(facts.stages):
        return facts.stages[number]
    return facts.stage(target)
