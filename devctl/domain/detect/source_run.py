"""A container that compiles the source itself: `go run ./cmd/api --flag`, a build followed by its program, a reloader."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.bases.references import parse
from devctl.domain.command.argv import SHELLS, ShellWord, joined_commands, parted, shell_text
from devctl.domain.derive.build_tools import made
from devctl.domain.detect.required_env import environment
from devctl.domain.dockerfile.entrypoint import begun_words, programs, words_of
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.go_build_lines import run_builds
from devctl.domain.dockerfile.stages import RELOADER_NAMES, chain, expand, filled, find_stage, golang_tag
from devctl.domain.dockerfile.walk import given, given_target, in_context, walk, working_dir
from devctl.domain.go.go_command import GoCommand, go_command
from devctl.domain.paths import is_below
from devctl.domain.project.compose_model import OwnSpec, Spec
from devctl.domain.regex import regex

_ASSIGNMENT = regex(r"[A-Za-z_]\w*=")
_BEFORE = ("exec", "env", "time", "command")
# Only needed so that the program can be compiled, which is the image's job.
_FOR_BUILDS = regex(
    r"(?:\S*/)?(?:go (?:mod|get|install|version|env)|apt-get|apt|apk|set|true|mkdir|:) |echo [^<>]*$"
)
# A compound command of a shell is one step, from the word that opens it to the one that closes it.
_OPENS, _CLOSES = frozenset({"if", "while", "until", "for", "case"}), frozenset({"fi", "done", "esac"})
_GOES_ON = frozenset({"then", "do", "else"})
_SHEBANG = regex(r"#!\s*(?:\S*/)?(?:env\s+)?(?:ba|da|a)?sh\b")
_SCRIPT_FOLDER = regex(
    r"\$\(dirname (?:-- )?(?:\"\$0\"|\$0|\"\$\{BASH_SOURCE(?:\[0\])?\}\"|\$\{BASH_SOURCE(?:\[0\])?\})\)|\$\{0%/\*\}"
)
_ITS_PATH = regex(r"\$\(\s*cd (?:-- )?\"?([^\"()$]+)\"? *(?:&&|;) *pwd(?: -P)?\s*\)")
_ARGUMENTS = regex(r"\"\$@\"|\$@|\$\*")
_VARIABLE = regex(r"^[ \t]*(?:export |readonly |local )?([A-Za-z_]\w*)=([^\n;&|]*)$", re.MULTILINE)
# Flags of delve that take a value.
_OF_DELVE = frozenset(
    {"l", "listen", "api-version", "backend", "build-flags", "check-go-version", "init", "log-dest", "log-output", "output", "r"}
    | {"redirect", "tty", "wd"}
)  # fmt: skip
_DEEP = 5
"""How deeply tools may call each other: `make dev` that calls `make run`."""
_LINES = 500
"""Shell commands that are read for one start, whichever script or target calls which; a long text counts as several."""
_LINE = 400
_LONG = 8192
"""Characters of a script that may still start a service."""
_LONG_VALUE = 256
"""Characters of a variable that a script sets to a program or a folder."""
_HOME = "/go"
"""The working directory of a golang image."""
_KEPT = regex(r"-mod=|-modfile=")
_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_NO_TEXT = regex(r"[\0\ufffd]")


class SourceRun(Struct, frozen=True):
    """`folder`: where the program runs, `package`: the folder that it is compiled from, None if no word names it. `flags`: of
    the compile command, each as one word (`-tags=a,b`); `env`: what is set only for it; `steps`: the commands before it that
    are not for compiling, as a shell takes them; `image`: the Go image that it is compiled in; `air`: the configuration that
    air is called with; `debugger`: what it is started under, except in a dev container; `reloads`: air is called, and its
    configuration says the rest."""

    folder: str
    package: str | None = None
    args: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    image: str | None = None
    air: str | None = None
    debugger: str = ""
    reloads: bool = False

    @property
    def goflags(self) -> str:
        """Where modules come from; the rest is for a person at a terminal (`-v`, `-race`)."""
        return " ".join(f for f in self.flags if _KEPT.match(f) and " " not in f)


class _Reading(Struct, frozen=True):
    """`known`: values of variables in a shell's text; `read`: returns a file that the container sees, None if there is none;
    `depth`: how deeply tools have called each other; `lines`: how many may still be read."""

    known: Mapping[str, str]
    read: Callable[[str], str | None]
    depth: int = 0
    lines: Iterator[int] = field(default_factory=lambda: iter(range(_LINES)))

    def may_read(self, text: str = "") -> bool:
        lines = 1 + len(text) // _LINE
        return len(list(islice(self.lines, lines))) == lines


class _Command(Struct, frozen=True):
    words: tuple[str, ...]
    folder: str
    env: Mapping[str, str]
    debugger: str = ""
    operator: str = ""
    """What joins it to the previous one."""
    redirections: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return posixpath.basename(self.words[0].partition("@")[0])


def source_run(
    words: Sequence[str],
    *,
    folder: str,
    env: Mapping[str, str],
    read: Callable[[str], str | None] = lambda _: None,
) -> SourceRun | None:
    """None if these words start no program that they compile. `env`: values of variables in a shell's text; `read`: returns a
    file that the container sees, for `make`."""
    commands = list(_commands(tuple(words), folder, {}, _Reading(env, read)))
    compiled = [(at, c, found) for at, c in enumerate(commands) if (found := _compiled(c)) is not None]
    runs = [item for item in compiled if item[2].verb == "run"]
    if runs and not _reloaded_after(commands, runs[-1][0]):
        # `go run ./cmd/migrate && go run ./cmd/api`: the last one keeps running
        at, command, built = runs[-1]
        return _run(replace(command, words=("go", *built.args), folder=built.folder), built, commands[:at])
    for at, command, built in reversed(compiled):
        started = next((n for n, c in enumerate(commands[at + 1 :], at + 1) if _is_of(c, built)), None)
        if started is not None:
            program = replace(commands[started], env={**command.env, **commands[started].env})
            return _run(program, built, commands[:at] + commands[at + 1 : started])
    for at, command in enumerate(commands):
        if command.name in RELOADER_NAMES:
            air = command.name == "air"
            behind = command.words[command.words.index("--") + 1 :] if air and "--" in command.words else ()
            run = _run(replace(command, words=("air", *behind)), None, commands[:at])
            return replace(run, air=_configuration(command) if air else None, reloads=air)
    return None


def _run(program: _Command, built: GoCommand | None, before: Sequence[_Command]) -> SourceRun:
    return SourceRun(
        program.folder,
        built.package if built is not None else None,
        program.words[1:],
        built.flags if built is not None else (),
        program.env,
        _steps(before),
        debugger=program.debugger,
    )


def _configuration(air: _Command) -> str | None:
    """`air -c FILE`."""
    for word, following in zip(air.words, (*air.words[1:], ""), strict=True):
        flag, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-") and flag == "c" and (value or following):
            return posixpath.normpath(posixpath.join(air.folder, value if equals else following))
        if word == "--":
            break
    return None


def built_by(text: str, *, folder: str) -> list[GoCommand]:
    """What a command in a reloader's configuration builds."""
    commands = _in_shell(text, folder, {}, _Reading({}, lambda _: None))
    return [found for command in commands if (found := _compiled(command)) is not None]


def _steps(commands: Sequence[_Command]) -> tuple[str, ...]:
    return tuple(_step(group) for group in _groups(commands) if not all(map(_for_builds, _bodies(group))))


def _groups(commands: Sequence[_Command]) -> Iterator[list[_Command]]:
    """A compound command, and commands joined by `||` and pipes, belong together. One that is still open contains the compile
    command."""
    group: list[_Command] = []
    deep = 0
    for command in commands:
        if group and not deep and command.operator not in ("||", "|"):
            yield group
            group = []
        group.append(command)
        deep += (command.words[0] in _OPENS) - (command.words[0] in _CLOSES)
    if group and not deep:
        yield group


def _bodies(group: Sequence[_Command]) -> Sequence[_Command]:
    """Without the surrounding conditions and the words that hold them together."""
    if group[0].words[0] not in _OPENS:
        return group
    at = next((n for n, c in enumerate(group) if c.words[0] in _GOES_ON), 0)
    bodies = (replace(c, words=c.words[c.words[0] in _GOES_ON :]) for c in group[at:])
    return [c for c in bodies if c.words and c.words[0] not in _CLOSES]


def _for_builds(command: _Command) -> bool:
    return _FOR_BUILDS.match(f"{' '.join(command.words)} ") is not None


def _step(group: Sequence[_Command]) -> str:
    text = ""
    for command in group:
        said = [*(f"{k}={shlex.quote(v)}" for k, v in command.env.items()), _as_written(command)]
        before = "" if not text or text.rsplit(maxsplit=1)[-1] in _GOES_ON else f" {command.operator} "
        text += (before.replace(" ; ", "; ") or (" " if text else "")) + " ".join(said)
    return text


def _as_written(command: _Command) -> str:
    """What a shell reads, and where to, keeps its meaning for a shell."""
    pairs = zip(command.redirections[::2], command.redirections[1::2], strict=True)
    said = (f"{to}{'' if to.endswith('&') else ' '}{_word(name)}" for to, name in pairs)
    return " ".join([*map(_word, command.words), *said])


def _word(word: str) -> str:
    if not isinstance(word, ShellWord):
        return shlex.quote(word)
    return '"' + word.replace('"', '\\"') + '"' if " " in word else word


def _reloaded_after(commands: Sequence[_Command], at: int) -> bool:
    """`go run ./cmd/migrate && air`: the reloader keeps running; not if it is an alternative (`go run . || air`)."""
    for command in commands[at + 1 :]:
        if command.operator == "||" or command.words[0] in _GOES_ON | _CLOSES:
            return False
        if command.name in RELOADER_NAMES:
            return True
    return False


def _is_of(command: _Command, built: GoCommand) -> bool:
    """Whether it starts what was built: by its path, or by any path if no `-o` names it."""
    path = posixpath.normpath(posixpath.join(command.folder, command.words[0]))
    if built.output:
        output = posixpath.normpath(posixpath.join(built.folder, built.output))
        return path == output or posixpath.basename(path) == posixpath.basename(built.output)
    return "/" in command.words[0]


def _commands(
    words: tuple[str, ...], folder: str, env: Mapping[str, str], reading: _Reading
) -> Iterator[_Command]:
    """One after another, including those that a shell, a reloader or make gets as one word."""
    first = next(
        (n for n, w in enumerate(words) if not _ASSIGNMENT.match(w) and w not in _BEFORE), len(words)
    )
    env = {**env, **dict(w.split("=", 1) for w in words[:first] if _ASSIGNMENT.match(w))}
    words = words[first:]
    if words[:2] in (("go", "run"), ("go", "tool")) and ("@" in "".join(words[2:3]) or words[1] == "tool"):
        words = words[2:]  # a tool that is run as a module
    if not words:
        return
    at = next((i for i in range(len(words) - 1) if _is_go(words[i], words[i + 1])), None)
    if at is not None:
        yield _Command(words[at:], folder, env)
        return
    name = posixpath.basename(words[0].partition("@")[0])
    if name == "dlv":
        yield from _debugged(words, folder, env)
        return
    recipe = made(words[1:], folder, reading.read, env) if name == "make" and reading.depth < _DEEP else None
    if recipe is not None:
        folder, said = recipe
        deeper = replace(reading, depth=reading.depth + 1)
        for line in filter(str.strip, said.splitlines()):  # each in a separate shell
            yield from _in_shell(line, folder, env, deeper)
        return
    if (text := shell_text(words)) is not None:
        yield from _in_shell(text, folder, env, reading)
        return
    if (text := _script(words, folder, reading)) is not None:
        yield from _in_shell(text, folder, env, replace(reading, depth=reading.depth + 1))
        return
    texts = (word if not word.startswith("-") else word.partition("=")[2] for word in words[1:])
    given = [list(_in_shell(text, folder, env, reading)) for text in texts if " " in text]
    built = [any(_compiled(c) is not None for c in commands) for commands in given]
    if any(built):  # what a reloader builds and then starts
        yield from (c for commands in given[built.index(True) :] for c in commands)
    else:
        yield _Command(words, folder, env)


def _script(words: tuple[str, ...], folder: str, reading: _Reading) -> str | None:
    """A shell script of the project, with its arguments, its folder and the variables that it sets substituted."""
    called = posixpath.basename(words[0]) in SHELLS and not "".join(words[1:2]).startswith("-")
    name, *args = words[1:] if called and words[1:] else words
    if reading.depth >= _DEEP or not ("/" in name or called):
        return None
    path = posixpath.normpath(posixpath.join(folder, name))
    text = reading.read(path)
    if text is None or not (called or _SHEBANG.match(text)) or len(text) > _LONG:
        return None
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    text = filled(_SCRIPT_FOLDER, lambda _: posixpath.dirname(path), text)
    text = filled(_ITS_PATH, lambda found: posixpath.normpath(posixpath.join(folder, found[1])), text)
    text = filled(_ARGUMENTS, lambda _: shlex.join(args), text)
    if len(text) > _LONG:
        return None
    known = dict(reading.known)
    for found in _VARIABLE.finditer(text):
        value = expand(found[2], known, unknown="")
        known[found[1]] = "".join(parted(value)[:1]) if len(value) <= _LONG_VALUE else ""
    return expand(text, known, unknown="")


def _debugged(words: tuple[str, ...], folder: str, env: Mapping[str, str]) -> Iterator[_Command]:
    """`dlv debug PACKAGE --headless -- ARGS` is `go run PACKAGE ARGS`, `dlv exec PROGRAM -- ARGS` the program."""
    end = words.index("--") if "--" in words else len(words)
    own, behind = words[1:end], words[end + 1 :]
    flags, named = _flags(own)
    verb, left = "".join(named[:1]), named[1:]
    where = posixpath.normpath(posixpath.join(folder, flags.get("wd", ".")))
    if verb == "exec" and left:
        program = posixpath.join(folder, left[0]) if left[0].startswith(".") and folder else left[0]
        yield _Command((program, *left[1:], *behind), where, env, debugger="dlv")
    elif verb == "debug":
        package = posixpath.normpath(posixpath.join(folder, "".join(left[:1]) or "."))
        words = ("go", "run", *parted(flags.get("build-flags", "")), package, *behind)
        yield _Command(words, where, env, debugger="dlv")
    else:
        yield _Command(words, folder, env)


def without_debugger(words: Sequence[str]) -> tuple[str, ...]:
    """`dlv exec ./tmp/main --headless -- serve` is `./tmp/main serve`; other words are unchanged."""
    if posixpath.basename("".join(words[:1])) != "dlv":
        return tuple(words)
    found = [c for c in _debugged(tuple(words), "", {}) if c.debugger and c.name != "go"]
    return found[0].words if found else tuple(words)


def _flags(words: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Values of delve's flags, and the words between them."""
    found, others, at = dict[str, str](), list[str](), 0
    while at < len(words):
        name, equals, value = words[at].lstrip("-").partition("=")
        if not words[at].startswith("-"):
            others.append(words[at])
        elif not equals and name in _OF_DELVE:
            at += 1
            found[name] = "".join(words[at : at + 1])
        else:
            found[name] = value
        at += 1
    return found, tuple(others)


def _is_go(word: str, following: str) -> bool:
    """`go run` after whatever starts it: `wait-for db:5432 -- go run .`, `reflex -s -- go run .`"""
    name = posixpath.basename(word)
    return (name in ("go", "gow") and following in ("run", "build", "-C")) or (
        name == "wgo" and following == "run"
    )


def _in_shell(text: str, folder: str, env: Mapping[str, str], reading: _Reading) -> Iterator[_Command]:
    text = expand(text, {**reading.known, **env}, unknown="")
    for found in joined_commands(text) if reading.may_read(text) else ():
        operator, words = found.operator, found.words
        if not reading.may_read():
            return
        if words[0] == "cd" and len(words) == 2:
            folder = posixpath.normpath(posixpath.join(folder, words[1]))
        elif words[0] == "export":
            env = {**env, **dict(w.split("=", 1) for w in words[1:] if _ASSIGNMENT.match(w))}
        elif words[0] in _OPENS | _CLOSES | {"elif"} or words in (("then",), ("do",), ("else",)):
            yield _Command(words, folder, env, operator=operator, redirections=found.redirections)
        else:
            head = words[:1] if words[0] in _GOES_ON else ()
            for command in _commands(words[len(head) :], folder, env, reading):
                head = () if _compiled(command) is not None else head
                told = command.redirections or found.redirections
                yield replace(command, words=(*head, *command.words), operator=operator, redirections=told)


def _compiled(command: _Command) -> GoCommand | None:
    of_go = command.name in ("go", "gow", "wgo")
    found = go_command(command.words[1:], command.folder, command.env) if of_go else None
    return found if found is not None and found.verb != "install" else None


def run_from_source(
    spec: Spec,
    *,
    root: str,
    dockerfile: DockerfileFacts | None,
    context: str | None,
    folders: Iterable[str],
    asked: bool,
    read: Callable[[str], str | None] = lambda _: None,
) -> SourceRun | None:
    """How a resolved compose service runs Go code of the project that is mounted into it, or copied into an image in which
    nothing is built, in paths of the project; None if it compiles none. `context`: the build context; `folders`: those of the
    Go packages; `asked`: devctl.yaml names it, which suffices; `read`: returns a file of the project."""
    image = str(spec.get("image") or "")
    stage = _stage(dockerfile, spec)
    folder = _started_in(spec, dockerfile)
    mounts = _mounts(spec, root=root, dockerfile=dockerfile, context=context, unbuilt=True)
    named = parse(image).repository.rpartition("/")[2] if image else ""
    words = begun_words(dockerfile, stage, spec) or (("air",) if named == "air" else ())
    if named == "air" and not words_of(spec, "entrypoint") and words[:1] != ("air",):
        words = ("air", *words)
    found = source_run(words, folder=folder, env=environment(spec), read=_reader(mounts, read))
    found = found or (SourceRun(folder) if asked else None)
    if found is None:
        return None
    below = _source_at(found.folder, mounts)
    code = _source_at(found.package, mounts) if found.package is not None else below
    place = code if code is not None or found.package is not None else next(iter(mounts.values()), None)
    if place is None or not any(is_below(folder, place) for folder in folders):
        return None
    return replace(
        found,
        folder=below or place,
        package=place if found.package is not None else None,
        image=image if dockerfile is None and golang_tag(image) else None,
        air=in_context(found.air, {found.folder: below or place, **mounts})
        if found.air is not None
        else None,
    )


def _source_at(path: str, mounts: Mapping[str, str]) -> str | None:
    """The path in the project of a path in the container: it is mounted, or its parts are, each from the same place
    below one folder (`./cmd:/app/cmd`, `./go.mod:/app/go.mod`)."""
    if (known := in_context(path, mounts)) is not None:
        return known
    below = [(posixpath.relpath(at, path), source) for at, source in mounts.items() if is_below(at, path)]
    tops = {
        posixpath.normpath(source[: -len(inside)] or ".")
        for inside, source in below
        if source == inside or source.endswith(f"/{inside}")
    }
    return tops.pop() if len(tops) == 1 else None


def begun_commands(
    spec: Spec,
    *,
    root: str,
    dockerfile: DockerfileFacts,
    context: str | None,
    read: Callable[[str], str | None] = lambda _: None,
) -> Callable[[Sequence[str]], tuple[tuple[str, ...], ...] | None]:
    """Returns what a script or a Makefile of the project starts in the container of a service; None for other words, and for
    what cannot be read. The arguments are as in `run_from_source`."""
    folder = _started_in(spec, dockerfile)
    seen = _reader(_mounts(spec, root=root, dockerfile=dockerfile, context=context), read)

    def said(words: Sequence[str]) -> tuple[tuple[str, ...], ...] | None:
        if posixpath.basename(words[0]) in ("go", "dlv", *RELOADER_NAMES):
            return None
        found = tuple(_commands(tuple(words), folder, {}, _Reading(environment(spec), seen)))
        if any(command.name in RELOADER_NAMES or _compiled(command) is not None for command in found):
            return None  # what it compiles may be started
        told = tuple(command.words for command in found)
        return told if told != (tuple(words),) else None

    return said


def begun_files(
    spec: Spec,
    *,
    root: str,
    dockerfile: DockerfileFacts,
    context: str | None,
    copied: Mapping[str, str],
    read: Callable[[str], str | None],
) -> dict[str, str]:
    """The scripts and Makefiles of the project that a container starts with, by their paths: it reads them only at its start.
    `copied`: what its image has of the project, by place, in addition to what the Dockerfile says; the other arguments are as
    in `run_from_source`."""
    mounts = {**copied, **_mounts(spec, root=root, dockerfile=dockerfile, context=context)}
    found: dict[str, str] = {}

    def noted(path: str) -> str | None:
        text = read(path)
        if text is not None and not _NO_TEXT.search(text):
            found[path] = text
        return text

    folder, reading = _started_in(spec, dockerfile), _Reading(environment(spec), _reader(mounts, noted))
    for name, *args in programs(begun_words(dockerfile, _stage(dockerfile, spec), spec)):
        places = (f"{each}/{name}" for each in _PATH if "/" not in name)
        place = next((path for path in places if in_context(path, mounts) is not None), name)
        list(_commands((place, *args), folder, {}, reading))
    return found


def _reader(mounts: Mapping[str, str], read: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """Returns the text of a file of the container."""
    return lambda path: read(inside) if (inside := in_context(path, mounts)) is not None else None


def _started_in(spec: Spec, dockerfile: DockerfileFacts | None) -> str:
    folder, stage = str(spec.get("working_dir") or ""), _stage(dockerfile, spec)
    if folder.startswith("/"):
        return folder
    own = working_dir(dockerfile, stage) if dockerfile is not None and stage is not None else _HOME
    return posixpath.normpath(posixpath.join(own.replace("$", _HOME, 1), folder))


def _mounts(
    spec: Spec,
    *,
    root: str,
    dockerfile: DockerfileFacts | None,
    context: str | None,
    unbuilt: bool = False,
) -> dict[str, str]:
    """What of the project a container has, by the places where it is mounted or, below none of them, copied. `unbuilt`: copied
    into an image in which nothing is compiled; otherwise the program that it has is started."""
    binds = [v for v in spec.get("volumes") or [] if v.get("type") == "bind"]
    places = {posixpath.normpath(v["target"]): posixpath.relpath(v["source"], root) for v in binds}
    mounts = {target: path for target, path in places.items() if not path.startswith("..")}
    stage = _stage(dockerfile, spec)
    if dockerfile is None or stage is None or context is None:
        return mounts
    if unbuilt and any(
        True for each in chain(dockerfile, stage) for _ in run_builds(dockerfile, each, given(spec))
    ):
        return mounts
    brought = next(iter([line.brought for line in walk(dockerfile, stage, given(spec))][-1:]), {})
    copied = {at: posixpath.join(context, path) for at, path in brought.items()}
    return mounts | {at: path for at, path in copied.items() if not any(is_below(at, it) for it in places)}


def air_called(spec: Spec, dockerfile: DockerfileFacts, *, context: str) -> SourceRun | None:
    """How air is called in an image that the source is copied into, in paths of the project; None if it is not."""
    stage = _stage(dockerfile, spec)
    assert stage is not None
    top = working_dir(dockerfile, stage)
    folder = posixpath.normpath(posixpath.join(top, str(spec.get("working_dir") or "")))
    found = source_run(begun_words(dockerfile, stage, spec), folder=folder, env=environment(spec))
    if found is None or not found.reloads:
        return None
    place = in_context(found.folder, {top: context})
    file = in_context(found.air, {top: context}) if found.air is not None else None
    return replace(found, air=file, folder=place) if place else None


def _stage(facts: DockerfileFacts | None, spec: Spec) -> Stage | None:
    if facts is None:
        return None
    return find_stage(facts, given_target(spec)) or facts.stages[-1]


_CACHES = ("/go", "/go/pkg", "/go/pkg/mod", "/root/go", "/root/.cache", "/root/.cache/go-build")
_CACHE_VARIABLES = ("GOCACHE", "GOMODCACHE", "GOPATH", "GOTMPDIR")


def without_caches(spec: OwnSpec) -> None:
    """Remove from a service (in place) the volumes where its own compiler keeps modules and builds: a dev container uses
    devctl's."""
    said = environment(spec)
    places = {*_CACHES, *(said[name].rstrip("/") for name in _CACHE_VARIABLES if said.get(name))}
    if spec.get("volumes"):
        spec["volumes"] = [v for v in spec["volumes"] if v["target"].rstrip("/") not in places]
    if any(name in said for name in _CACHE_VARIABLES):
        spec["environment"] = {k: v for k, v in spec["environment"].items() if k not in _CACHE_VARIABLES}
