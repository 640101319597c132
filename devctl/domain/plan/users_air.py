"""The user's own .air.toml in devctl's dev stage: what it says about building, watching, starting and stopping applies there
too.

air itself only watches there: `devctl-build` runs the build and `devctl-run` the program (templates/dev-stage). So the build
commands become devctl-build's, and what starts the program becomes devctl-run's arguments; the rest is passed to air
unchanged. A value that `air init` writes into every file is not a choice.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from devctl.domain.command.argv import exec_words, parted, shell_words
from devctl.domain.derive.final_stage import STOP_SIGNAL
from devctl.domain.detect.air_start import PLAIN, split_line
from devctl.domain.detect.source_run import built_by, without_debugger
from devctl.domain.go.go_command import GO
from devctl.domain.project.air_toml import UsersAir, build_command, table, toml_string
from devctl.domain.project.container_files import PROGRAM
from devctl.domain.project.model import Service
from devctl.errors import Problem

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DEFAULT_DIRS = {"assets", "tmp", "vendor", "testdata"}
_DEFAULT_DELAY = 1000
_OURS = "devctl-build "


class Translated(Struct, frozen=True):
    """`text`: air's configuration; `command`: the arguments of devctl-run if it is not devctl's own program that runs;
    `environment`: what the scripts read."""

    text: str
    command: tuple[str, ...] | None
    environment: dict[str, str]


def air_of(service: Service) -> UsersAir | None:
    """The parts of it that apply: a stage derived from the user's sees the source under the project's folder."""
    if service.air is None or service.build.derived is None or service.air.folder == ".":
        return service.air
    return None


def builds(air: UsersAir, service: Service, *, alone: bool) -> bool:
    """Whether its command is for this service: it names the package, or there is no other service that it could be for."""
    cmd = _text(air.build.get("cmd"))
    if not cmd:
        return alone
    own = posixpath.normpath(posixpath.join(service.source.dir, service.source.main))
    if any(command.package == own for command in built_by(cmd, folder=air.folder)):
        return True
    return alone and service.origins.get("main") != "devctl.yaml"


def problems(air: UsersAir) -> Iterator[Problem]:
    """What of it cannot apply here, or contradicts what devctl promises; each with its line."""
    for key in ("full_bin", "entrypoint"):
        value = air.build.get(key)
        words = [str(word) for word in value] if isinstance(value, list) else parted(_text(value))
        program = words if isinstance(value, list) else parted(split_line(_text(value))[1])
        if without_debugger(program) != tuple(program):
            yield Problem(
                "debugger-left-out",
                f"`{key}` of {air.path} starts the program under {program[0]}: devctl starts it without and restarts it at "
                "each save",
                "no action needed; to debug it: devctl debug",
                air.place(key),
            )
    for key, value in _windows(air):
        fixed = value.replace("\\", "/")
        fixed = fixed if fixed.startswith(("/", "./")) or " " in fixed else f"./{fixed}"
        yield Problem(
            "air-windows-path",
            f"`{key}` of {air.path} is a Windows path ({value}), but the container runs Linux: devctl uses its own commands to "
            "build and start the program",
            f"{key} = {toml_string(fixed)}",
            air.place(key),
        )
    if air.build.get("stop_on_error") is True:
        yield Problem(
            "air-stops-on-error",
            f"`stop_on_error` in {air.path} stops the program when a build fails",
            "without that line, the last good build keeps serving",
            air.place("stop_on_error"),
        )


def translated(
    air: UsersAir,
    service: Service,
    *,
    source: str,
    unwatched: Iterable[str] = (),
    watched: Iterable[str] = (),
    vendored: bool = False,
    under: str = "",
) -> Translated:
    """`source`: where the project is mounted; `unwatched`, `watched`, `vendored`: as in `air_toml`; `under`: what a shell line
    starts the program under."""
    own = air.builds and not list(_windows(air))
    after = air.build.get("post_cmd")
    cmd, binary = _compiled(air, service, own=own)
    build = {
        **{k: v for k, v in air.build.items() if k not in _TAKEN},
        "cmd": _OURS + cmd,
        **({"post_cmd": [_after(str(line)) for line in after]} if after else {}),
        "entrypoint": ["true"],
        "stop_on_error": True,  # for air: nothing of devctl's stops by it, and its proxy shows the error
        **_noticed(air, unwatched=unwatched, watched=tuple(watched), vendored=vendored),
    }
    values = {k: v for k, v in air.values.items() if k not in ("build", "screen", "log")}
    values = {"root": ".", **values, "build": build}
    values["log"] = {**table(air.values, "log"), "main_only": True, "silent": False}
    values["misc"] = {**table(air.values, "misc"), "startup_banner": ""}
    root = posixpath.normpath(posixpath.join(source, air.folder))
    environment = {"DEVCTL_SOURCE": root, **_stopping(air.build)}
    if air.folder != "." or own:
        environment["DEVCTL_WORKDIR"] = root
    if service.start.workdir != ".":
        environment["DEVCTL_WORKDIR"] = posixpath.normpath(
            posixpath.join(source, service.source.dir, service.start.workdir)
        )
    command = None
    if binary:
        absolute = posixpath.normpath(posixpath.join(root, binary))
        environment["DEVCTL_BINARY"] = absolute
        command = _command(air.build, absolute, service, path=air.path, under=under)
    if air.values.get("env_files"):
        environment["DEVCTL_AIR_ENV"] = "1"
    return Translated(as_toml(values), command, environment)


def _compiled(air: UsersAir, service: Service, *, own: bool) -> tuple[str, str]:
    """The command that builds, and the program that it creates, if that is theirs (`own`)."""
    said = air.build
    if not own:
        return _pre(said, _our_line(air, service)), ""
    if _text(said.get("cmd")).startswith(_OURS):
        return _text(said.get("cmd")).removeprefix(_OURS), ""
    cmd, binary = _built(air, said)
    if service.build.derived is not None:
        cmd = _pre(said, _or_as_the_image(_cmd(air), air, service, binary))
    return cmd, binary


def _noticed(
    air: UsersAir, *, unwatched: Iterable[str], watched: tuple[str, ...], vendored: bool
) -> dict[str, object]:
    """What air builds for, and when."""
    said, delay = air.build, air.build.get("delay")
    folders = said.get("exclude_dir")
    if not isinstance(folders, list) or set(map(str, folders)) == _DEFAULT_DIRS:
        folders = [*([] if vendored else ["vendor"]), "node_modules", "tmp", "testdata"]
    endings = said.get("include_ext") or ["go", "tpl", "tmpl", "html"]
    more = [name.removeprefix("*.") for name in watched if name.startswith("*.")]
    files = [_below(name, air.folder) for name in watched if not name.startswith("*.")]
    return {
        "delay": delay if isinstance(delay, int) and delay not in (0, _DEFAULT_DELAY) else 20,
        "exclude_dir": [*folders, *(_below(p, air.folder) for p in unwatched)],
        "include_ext": [*dict.fromkeys([*endings, *more])],
        **({"include_file": [*(said.get("include_file") or []), *files]} if files else {}),
    }


def our_build(service: Service) -> list[str]:
    """The build in air's configuration if nobody wrote one."""
    build = service.build
    return build_command(service.source.dir, service.source.main, build.tags, build.ldflags, build.go_files)


def _our_line(air: UsersAir, service: Service) -> str:
    """The same for a shell in the folder that air is called in."""
    _, *words = our_build(service)
    folder = posixpath.relpath(service.source.dir, air.folder)
    if words[0] == "-C":
        words = words[2:]
    return shell_words(words) if folder == "." else f"(cd {shlex.quote(folder)} && exec {shell_words(words)})"


def _or_as_the_image(cmd: str, air: UsersAir, service: Service, binary: str) -> str:
    """Their command, else the build of their Dockerfile: the image may lack a tool that it calls."""
    folder = posixpath.relpath(service.source.dir, air.folder)
    output = posixpath.relpath(binary, folder) if not binary.startswith("/") else binary
    plain = _our_line(air, service).replace(f"-o {PROGRAM}", f"-o {shlex.quote(output)}")
    said = f"devctl: built as {service.build.dockerfile} builds: {air.place('cmd')} calls a program that is not in its image"
    return "\n".join(
        [
            f"({cmd}",
            f") >{_OUTPUT} 2>&1",
            "code=$?",
            f"cat {_OUTPUT}",
            f'case $code in 0) exit;; 127) ;; *) grep -q "^make.*Error 127" {_OUTPUT} || exit $code;; esac',
            f"echo {shlex.quote(said)}",
            plain,
        ]
    )


_SHOWN = "/tmp/air/shown"
"""Tells devctl-build that a command failed and the build continued: its output should be shown anyway."""
_OUTPUT = "/tmp/air/own"
"""The output of their command, whose last words tell whether a program is missing."""
_TAKEN = frozenset(
    """pre_cmd cmd bin full_bin args_bin entrypoint delay send_interrupt kill_delay rerun rerun_delay stop_on_error exclude_dir
    include_ext include_file windows darwin linux""".split()
)


def _built(air: UsersAir, said: Mapping[str, Any]) -> tuple[str, str]:
    """The command after `devctl-build`, and what it builds. air's defaults follow `tmp_dir`."""
    entry = said.get("entrypoint")
    entry = [entry] if isinstance(entry, str) else entry
    binary = _text(said.get("bin"))
    if isinstance(entry, list) and entry and "/" in str(entry[0]):
        binary = str(entry[0])
    cmd = _cmd(air)
    binary = posixpath.join(_text(air.values.get("root")) or ".", binary) if binary else ""
    found = re.search(rf"{GO}build\b[^\n;&|]*?\s-o[= ]?(\S+)", cmd)
    if not binary or (isinstance(entry, list) and entry and "/" not in str(entry[0])):
        binary = found[1] if found is not None else binary or _default_program(air)
    return _pre(said, cmd), binary


def own_folder(air: UsersAir) -> str | None:
    """The folder of the project that air removes when it exits; None if it removes none, or one elsewhere."""
    if table(air.values, "misc").get("clean_on_exit") is not True:
        return None
    root, folder = _text(air.values.get("root")) or ".", _text(air.values.get("tmp_dir")) or "tmp"
    path = posixpath.normpath(posixpath.join(air.folder, root, folder))
    return path if path != "." and not path.startswith(("/", "..")) else None


def _cmd(air: UsersAir) -> str:
    return _text(air.build.get("cmd")) or f"go build -o {_default_program(air)} ."


def _default_program(air: UsersAir) -> str:
    folder = _text(air.values.get("tmp_dir")) or "tmp"
    return f"{folder if folder.startswith('/') else f'./{posixpath.normpath(folder)}'}/main"


def _pre(said: Mapping[str, Any], cmd: str) -> str:
    """air continues if one of `pre_cmd` fails, unless it should stop on errors."""
    before = [str(line) for line in said.get("pre_cmd") or []]
    stops = said.get("stop_on_error") is True
    lines = [
        f"sh -c {shlex.quote(line)} || "
        + (
            "exit 1"
            if stops
            else f"{{ touch {_SHOWN} 2>/dev/null; echo {shlex.quote(f'devctl: pre_cmd failed: {line}')}; }}"
        )
        for line in before
    ]
    return shell_words(["sh", "-c", "\n".join([*lines, cmd])])


def _after(line: str) -> str:
    """One of `post_cmd`, whose failure air does not report. air then skips those after it."""
    return (
        f"sh -c {shlex.quote(line)} || {{ echo {shlex.quote(f'devctl: post_cmd failed: {line}')}; exit 1; }}"
    )


def _program_line(full: str, under: str) -> str:
    """A shell line without its own debugger, and with devctl's before its program."""
    before, program = split_line(full)
    words = exec_words(program)
    bare = without_debugger(words)
    if under and bare:
        return f"{before}{under} {shell_words(bare)}"
    return before + shell_words(bare) if bare != words else full


def _command(
    said: Mapping[str, Any], binary: str, service: Service, *, path: str, under: str
) -> tuple[str, ...]:
    """The arguments of devctl-run: a list if the file has one, else the shell line that air would run. devctl-run itself
    starts the program of a list under the debugger."""
    full = _program_line(_text(said.get("full_bin")), under)
    entry = said.get("entrypoint")
    entry = list(without_debugger([str(word) for word in entry])) if isinstance(entry, list) else entry
    own = [str(word) for word in entry[1:]] if isinstance(entry, list) else []
    program = str(entry[0]) if isinstance(entry, list) and entry and "/" not in str(entry[0]) else binary
    words = [*([] if full else own), *(str(word) for word in said.get("args_bin") or [])]
    args = list(service.start.args) if service.origins.get("args", "").partition(":")[0] != path else []
    if args:
        words = own if program != binary and not full else []
    if not full and all(PLAIN.fullmatch(word) for word in words):
        return (program, *words, *args)
    program = f"{under} {shlex.quote(program)}".lstrip()
    line = " ".join([full or program, *words, *(['"$@"'] if args else [])])
    return ("sh", "-c", line, "sh", *args)


def _stopping(said: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    if said.get("send_interrupt") is True:
        found[STOP_SIGNAL] = "INT"
    seconds = kill_delay(said)
    if seconds:
        found["DEVCTL_STOP_TIMEOUT"] = f"{seconds:g}"
    if said.get("stop_on_error") is True:
        found["DEVCTL_STOP_ON_ERROR"] = "1"
    if said.get("rerun") is True:
        delay = said.get("rerun_delay")
        found["DEVCTL_RERUN"] = f"{(delay if isinstance(delay, int) and delay > 0 else 500) / 1000:g}"
    return found


def kill_delay(said: Mapping[str, Any]) -> float:
    """In seconds; 0 if not set. A number below a million counts milliseconds, a larger one nanoseconds."""
    value = said.get("kill_delay")
    if isinstance(value, int) and not isinstance(value, bool):
        return value / 1000 if value < 1_000_000 else value / 1e9
    return duration(value) if isinstance(value, str) else 0.0


def duration(text: str) -> float:
    """Seconds of a Go duration (`1m30s`, `500ms`); 0 if it is not one."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", text)
    whole = "".join(number + unit for number, unit in parts) == text.strip()
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if whole else 0.0


def _windows(air: UsersAir) -> Iterator[tuple[str, str]]:
    """Keys with a path that only Windows understands: `tmp/main.exe` is a name like any other."""
    said = {**air.build, "tmp_dir": air.values.get("tmp_dir")}
    for key in ("tmp_dir", "bin", "full_bin", "entrypoint", "cmd"):
        value = said.get(key)
        for text in value if isinstance(value, list) else [value]:
            path = isinstance(text, str) and re.search(r"[\w.]\\[\w.]|^[A-Za-z]:\\", text)
            if path and isinstance(text, str):
                yield key, text
                break


def _below(path: str, folder: str) -> str:
    return posixpath.relpath(path, folder) if folder != "." else path


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def as_toml(values: Mapping[str, Any], prefix: str = "") -> str:
    """The TOML of parsed TOML, without dates, which air does not use."""
    lines = [f"{_key(k)} = {_value(v)}" for k, v in values.items() if not _is_table(v)]
    for key, value in values.items():
        name = f"{prefix}{_key(key)}"
        if isinstance(value, dict):
            lines += ["", f"[{name}]", as_toml(value, f"{name}.")]
        elif _is_table(value):
            for item in value:
                lines += ["", f"[[{name}]]", as_toml(item, f"{name}.")]
    return "\n".join(lines) + ("\n" if not prefix else "")


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
    )


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key, re.ASCII) else toml_string(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value) if isinstance(value, int | float) else toml_string(str(value))
