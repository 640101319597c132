"""What is wrong or risky in the user's Dockerfile, compose file and code: a table of rules, each with the line to write."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.bases.references import defaults, parse
from devctl.domain.command.argv import exec_words
from devctl.domain.command.state import Mode
from devctl.domain.detect.address import parse_address
from devctl.domain.detect.main_package import Main
from devctl.domain.detect.port_and_probe import opening, opens_up
from devctl.domain.detect.required_env import dockerfile_env, environment
from devctl.domain.dockerfile.build_and_start import shown_stage
from devctl.domain.dockerfile.dev_stage import air_installs
from devctl.domain.dockerfile.entrypoint import begun_words, start_words, words_of
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage, with_ends
from devctl.domain.dockerfile.runtime_bases import SCRATCH
from devctl.domain.dockerfile.stages import (
    assignments,
    chain,
    effective,
    external_base,
    golang_tag,
    has_shell,
    kind_of,
    needed_by,
    parent,
)
from devctl.domain.go.facts import Module, Setting, Unbuilt
from devctl.domain.go.go_command import BUILDS
from devctl.domain.go.versions import DEFAULT_GO, air_for, minor_text, refuses, variant
from devctl.domain.image.paths import SHELL_ONLY, exec_form
from devctl.domain.paths import is_below
from devctl.domain.project.compose_model import Key
from devctl.domain.regex import regex
from devctl.errors import Finding, warn

Blocks = Literal["dev", "prod", "both", "none"]


class StageFinding(Finding, frozen=True):
    """A finding in a stage of the Dockerfile, which matters to everyone who builds that stage."""

    stage: str = ""


class Linted(Struct, frozen=True, kw_only=True):
    """The input of the rules. `compose` is the service's part of the user's file, `compose_place` finds a key's line in it
    (`("build", "args")` → `compose.yaml:9`), `leads_to` where outside the project a linked path leads."""

    dockerfile: DockerfileFacts | None = None
    compose: Mapping[str, object] = field(default_factory=dict)
    compose_place: Callable[[Key], str] = lambda _key: "compose.yaml"
    module: Module | None = None
    main: Main | None = None
    port: int | None = None
    modules: tuple[str, ...] = ()
    leads_to: Callable[[str], str | None] = lambda _path: None


class Rule(Struct, frozen=True):
    """`blocks`: the modes that cannot work with what it finds, if they need the stage that contains it. `about`: the modes in
    which it is reported; `config check` reports everything."""

    id: str
    check: Callable[[Linted], Iterable[Finding]]
    blocks: Blocks = "none"
    about: tuple[Mode, ...] = ("prod",)


def lint(linted: Linted) -> tuple[Finding, ...]:
    """Every finding of every rule, in the order of the table. On its own, each is at most a warning."""
    return tuple(found.of(rule.id) for rule in RULES for found in rule.check(linted))


def told_in(
    mode: Mode,
    findings: Iterable[Finding],
    *,
    facts: DockerfileFacts | None,
    stage: Stage | None,
    any_stage: bool = False,
) -> Iterator[Finding]:
    """Those that matter to a mode in which `stage` is built (None: no stage of this file), or to anyone who builds any of
    them."""
    about = {rule.id: rule.about for rule in RULES}
    built = {_id(s) for s in needed_by(facts, stage)} if facts is not None and stage is not None else set()
    for found in findings:
        concerned = any_stage or not isinstance(found, StageFinding) or found.stage in built
        if mode in about[found.id] and concerned:
            yield found


def blocking(
    findings: Iterable[Finding], facts: DockerfileFacts, *, mode: Mode, stage: Stage
) -> tuple[Finding, ...]:
    """Those that make it impossible to run `stage` in a mode, as failures: in it, or in a stage that is built for it.

    A start that fails (ENTRYPOINT, CMD) matters only in the stage itself.
    """
    blocks = {rule.id: rule.blocks for rule in RULES}
    concerned = {mode: {_id(stage)}, "both": {_id(s) for s in needed_by(facts, stage)}}
    return tuple(
        replace(f, severity="fail")
        for f in findings
        if isinstance(f, StageFinding) and f.stage in concerned.get(blocks[f.id], ())
    )


def _stages(linted: Linted) -> Iterator[tuple[DockerfileFacts, Stage, str]]:
    """Each with the place of its FROM."""
    if (facts := linted.dockerfile) is not None:
        yield from ((facts, stage, f"{facts.path}:{stage.line}") for stage in facts.stages)


def _each(linted: Linted, *cmds: str) -> Iterator[tuple[DockerfileFacts, Stage, Instruction, str]]:
    for facts, stage, _ in _stages(linted):
        for instruction in stage.instructions:
            if instruction.cmd in cmds:
                yield facts, stage, instruction, f"{facts.path}:{instruction.line}"


def _id(stage: Stage) -> str:
    return stage.name or str(stage.index)


def _from(facts: DockerfileFacts, stage: Stage, base: str) -> str:
    """The FROM line of a stage as written, with another base."""
    lines = with_ends(facts.text)
    line = lines[stage.line - 1].strip() if stage.line <= len(lines) else ""
    if stage.base in line:
        return line.replace(stage.base, base, 1)
    return f"FROM {base} AS {stage.name}" if stage.name else f"FROM {base}"


def _in(stage: Stage, message: str, hint: str, place: str) -> Finding:
    return StageFinding("", "warn", message, hint, place, _id(stage))


def _air(linted: Linted) -> Iterator[Finding]:
    facts = linted.dockerfile
    for found in air_installs(facts, facts.stages) if facts else ():
        tag = golang_tag(external_base(facts, found.stage)) if facts else None
        air = air_for(tag or "")
        line = f"RUN go install {air.install}"
        if facts and air.module != "github.com/air-verse/air":  # that only an old Go can build
            bottom = chain(facts, found.stage)[-1]
            newer = _from(facts, bottom, f"golang:{DEFAULT_GO}{variant(tag or '')}")
            line = f"{newer}, then RUN go install {air_for(DEFAULT_GO).install}"
        if found.module == "github.com/cosmtrek/air" and facts:
            message = f"{found.text} is air's old path; it was renamed to github.com/air-verse/air"
            yield _in(found.stage, message, line, f"{facts.path}:{found.instruction.line}")


def _shell_form(linted: Linted) -> Iterator[Finding]:
    for facts, stage, _ in _stages(linted):
        if has_shell(external_base(facts, stage)):
            continue
        for cmd in ("ENTRYPOINT", "CMD"):
            found = effective(facts, stage, cmd)
            if found is not None and not found.json:
                words = exec_words(" ".join(found.value))
                hint = f"{cmd} {exec_form(words)}" if words else SHELL_ONLY
                message = f"shell-form {cmd} needs /bin/sh, but {external_base(facts, stage)} has no shell"
                yield _in(stage, message, hint, f"{facts.path}:{found.line}")


_NAMED = regex(r"\$(?:\{[A-Za-z_]\w*\}|[A-Za-z_]\w*)")


def _exec_form_variable(linted: Linted) -> Iterator[Finding]:
    """Not if a shell follows, which expands it: `["sh", "-c", "exec app $X"]`."""
    for facts, stage, found, place in _each(linted, "ENTRYPOINT", "CMD"):
        named = next((m[0] for word in found.value if (m := _NAMED.search(word))), None)
        if found.json and named is not None and start_words(facts, stage):
            message = f"the exec form of {found.cmd} does not expand variables: the program receives {named} literally"
            hint = f"let the program read the variable {named.strip('${}')}, or write out its value"
            yield _in(stage, message, hint, place)


def _relative_entrypoint(linted: Linted) -> Iterator[Finding]:
    for facts, stage, found, place in _each(linted, "ENTRYPOINT"):
        word = found.value[0] if found.value else ""
        if found.json and word.startswith("./"):
            below = effective(facts, stage, "WORKDIR")
            folder = below.value[0].rstrip("/") if below is not None else ""
            message = f"ENTRYPOINT {word} depends on the working directory: a `working_dir` or a different base breaks it"
            rest = "".join(f', "{arg}"' for arg in found.value[1:])
            yield _in(stage, message, f'ENTRYPOINT ["{folder}/{word[2:]}"{rest}]', place)


def _missing_go_pkg(linted: Linted) -> Iterator[Finding]:
    for _, stage, found, place in _each(linted, "COPY"):
        from_stage = next((f.removeprefix("--from=") for f in found.flags if f.startswith("--from=")), None)
        copied = "/go/pkg" in [source.rstrip("/") for source in found.value[:-1]]
        if from_stage and copied and linted.module is not None and not linted.module.requires:
            message = f"the module has no dependencies, so stage `{from_stage}` has no /go/pkg to copy"
            hint = (
                f"FROM {from_stage} AS {_id(stage)} instead of the COPY (one stage can be built on another)"
            )
            yield _in(stage, message, hint, place)


def _missing_go_sum(linted: Linted) -> Iterator[Finding]:
    module = linted.module
    for _, stage, found, place in _each(linted, "COPY"):
        if (
            module is not None
            and not module.has_sum
            and any(s.removeprefix("./") == "go.sum" for s in found.value[:-1])
        ):
            line = found.original.replace("go.sum", "go.su[m]")
            message = "there is no go.sum to copy (a module without dependencies has none)"
            yield _in(stage, message, line, place)


_TAGS = {parts.repository: parts.tag for parts in (parse(base.ref) for base in defaults())}


def _untagged(linted: Linted) -> Iterator[Finding]:
    for facts, stage, place in _stages(linted):
        name, _, digest = stage.base.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if digest or name in ("", SCRATCH) or parent(facts, stage) is not None:
            continue
        if tag in ("", "latest"):
            kind = "no tag" if not tag else "the tag `latest`"
            repository = name.removesuffix(":latest")
            wanted = _TAGS.get(repository, "VERSION")
            message = f"{name} has {kind}: the next build may get a different image"
            yield _in(stage, message, _from(facts, stage, f"{repository}:{wanted}"), place)


_DEAD = {"debian9": "2022", "debian10": "2024", "debian11": "September 2024", "debian12": "September 2026"}


def _dead_distroless(linted: Linted) -> Iterator[Finding]:
    for facts, stage, place in _stages(linted):
        dead = next((word for word in _DEAD if f"-{word}" in stage.base), None)
        if dead is not None and kind_of(stage.base) == "distroless":
            line = _from(facts, stage, stage.base.replace(dead, "debian13"))
            message = f"{stage.base} has had no security fixes since {_DEAD[dead]}"
            yield _in(stage, message, line, place)


def _old_golang(linted: Linted) -> Iterator[Finding]:
    module = linted.module
    said = " ".join(i.original for _, stage, _ in _stages(linted) for i in stage.instructions)
    if re.search(r"GOTOOLCHAIN[= ](?!local)", said):
        return  # it downloads the Go that go.mod requires
    for facts, stage, place in _stages(linted):
        tag = golang_tag(stage.base)
        if module is not None and tag is not None and refuses(tag, module.go):
            message = f"go.mod requires Go {module.go}, but {stage.base} does not download a newer toolchain"
            hint = _from(facts, stage, f"golang:{minor_text(module.go)}{variant(tag)}")
            yield _in(stage, message, hint, place)


_GOARCH = regex(r"""GOARCH=["']?([^\s"'$]+)""")


def _fixed_arch(linted: Linted) -> Iterator[Finding]:
    for _, stage, found, place in _each(linted, "ARG", "ENV", "RUN"):
        if found.cmd == "RUN":
            said = _GOARCH.search(found.original)
            value = said[1] if said else ""
        else:
            value = assignments(found, {}).get("GOARCH", "")
        if value:
            message = f"GOARCH is fixed to {value}: the binary does not start on a machine with another CPU architecture"
            yield _in(stage, message, "ARG TARGETARCH, and GOARCH=$TARGETARCH in the build", place)


def _dynamic_on_static(linted: Linted) -> Iterator[Finding]:
    for facts, stage, _ in _stages(linted):
        base = external_base(facts, stage)
        if has_shell(base) or "/base" in base or "/cc" in base:
            continue
        for builder in needed_by(facts, stage):
            below = external_base(facts, builder)
            build = next(
                (i for i in builder.instructions if i.cmd == "RUN" and BUILDS.search(i.original)), None
            )
            if build is None or golang_tag(below) is None or "alpine" in below:  # without gcc cgo is off
                continue
            said = [i.original for s in chain(facts, builder) for i in s.instructions]
            if not any("CGO_ENABLED=0" in text or "CGO_ENABLED 0" in text for text in said):
                message = (
                    f"built on {below} without CGO_ENABLED=0: the binary may need a libc, but {base} has none"
                )
                yield _in(stage, message, "ENV CGO_ENABLED=0 before the build", f"{facts.path}:{build.line}")


def _declares_target(stage: Stage) -> bool:
    words = (word for i in stage.instructions if i.cmd == "ARG" for word in i.value)
    return any(word.partition("=")[0] == "target" for word in words)


def _args_target(linted: Linted) -> Iterator[Finding]:
    build = linted.compose.get("build")
    args = build.get("args") if isinstance(build, dict) else None
    file = linted.dockerfile
    if file is not None and ("target" in file.global_args or any(map(_declares_target, file.stages))):
        return
    if isinstance(args, list):
        pairs = [(index, *str(item).partition("=")[::2]) for index, item in enumerate(args)]
    else:
        pairs = [(key, str(key), str(value)) for key, value in (args or {}).items()]
    for key, name, value in pairs:
        if name.strip() == "target":
            message = f"`args: target={value}` has no effect: `build.target` selects the stage"
            yield warn(
                message,
                f"`build: {{target: {value}}}` instead of that line",
                linted.compose_place(("build", "args", key)),
            )


def _backslash(linted: Linted) -> Iterator[Finding]:
    """`.\\data:/data`. A path without any slash is a Windows path."""
    volumes = linted.compose.get("volumes")
    for index, volume in enumerate(volumes if isinstance(volumes, list) else []):
        source = str(volume.get("source", "")) if isinstance(volume, dict) else ""
        if "/" in source and "\\" in source:
            name = source.rpartition("/")[2]
            message = f"the source {name} of a volume contains a backslash, which is part of the folder's name on Linux"
            plain = name.replace("\\", "/")
            yield warn(message, f"{plain}:{volume['target']}", linted.compose_place(("volumes", index)))


def _binds_localhost(linted: Linted) -> Iterator[Finding]:
    main = linted.main
    for package in main.closure if main is not None else ():
        for item in package.loopback:
            address = parse_address(item.value)
            if address is not None and linted.port in (None, address.port):
                message = f"listens on {item.value}, which cannot be reached from outside the container"
                yield warn(message, f'listen on ":{address.port}"', item.place)


def _localhost_by_default(linted: Linted) -> Iterator[Finding]:
    """devctl gives the program what makes it reachable; anyone who runs the image elsewhere has to know."""
    if linted.main is None or linted.port is None:
        return
    setting = opens_up(linted.main, linted.port)
    if setting is not None and not _is_said(linted, setting):
        kind = "flag" if setting.kind == "flag" else "variable"
        message = f"the default of the {kind} {setting.name} is {setting.value}, which cannot be reached from outside the container"
        hint = f"no action needed: devctl gives it {opening(setting)}; do the same wherever you run it"
        yield warn(message, hint, setting.place)


def _is_said(linted: Linted, setting: Setting) -> bool:
    """Whether the user's files already give it to the program."""
    if setting.kind != "flag":
        return setting.name in {**dockerfile_env(linted.dockerfile), **environment(linted.compose)}
    facts = linted.dockerfile
    shown = shown_stage(facts, linted.compose) if facts is not None else None
    words = begun_words(facts, shown, linted.compose) if facts is not None and shown is not None else ()
    words = words or words_of(linted.compose, "command")
    named = (word for text in words for word in text.split() if word.startswith("-"))
    return any(word.lstrip("-").partition("=")[0] == setting.name for word in named)


def _package_missing(linted: Linted) -> Iterator[Finding]:
    """Imports of the module's own packages that have no folder: generated and not committed, or behind a link out of the
    project, which is not followed: the container does not see its target."""
    main = linted.main
    if main is None:
        return
    module = main.module
    there = {posixpath.normpath(posixpath.relpath(p.dir, module.dir)) for p in module.packages}
    others = [path for path in (*linted.modules, *module.requires) if path != module.path]
    for package in main.closure:
        for path in package.imports:
            below = path.removeprefix(f"{module.path}/")
            if below == path or below in there or any(is_below(path, other) for other in others):
                continue
            place = posixpath.normpath(posixpath.join(module.dir, below))
            target = linted.leads_to(place)
            if target is not None:
                message = (
                    f"{place} is a link to {target}, outside the project, which the container cannot see"
                )
                yield warn(
                    message,
                    f"move that folder into the project, so that the container finds {path}",
                    package.dir,
                )
                continue
            message = (
                f"{package.dir} imports {path}, but there is no Go code in {place}: is it generated code that is not "
                "committed?"
            )
            hint = "go generate ./... (or what the README names for it: templ, sqlc, protoc), then save"
            yield warn(message, hint, package.dir)


def _generated_missing(linted: Linted) -> Iterator[Finding]:
    """Files beside the code that is built whose generated Go code is missing."""
    for package in linted.main.closure if linted.main is not None else ():
        for source, missing, command in package.ungenerated:
            place = posixpath.normpath(posixpath.join(package.dir, source))
            message = f"{missing}, which is generated from {source}, does not exist: is it generated code that is not committed?"
            yield warn(message, f"{command}, then save", place)


def _frontend_missing(linted: Linted) -> Iterator[Finding]:
    """Parts of a frontend that are embedded or served, but not built."""
    for package in linted.main.closure if linted.main is not None else ():
        for item in {(i.command, i.embedded): i for i in reversed(package.unbuilt)}.values():
            message = f"{item.path} is served, but does not exist: the frontend has not been built, so its pages are not found"
            if item.embedded:
                message = f"go:embed finds no file {item.pattern}, so nothing compiles: it is created by a build and not committed"
            yield warn(message, build_hint(item), item.place)


def build_hint(item: Unbuilt) -> str:
    return item.command or "build it (npm run build, make or go generate: see the README)"


_BOTH: tuple[Mode, ...] = ("dev", "prod")
RULES: tuple[Rule, ...] = (
    Rule("args-target", _args_target),
    Rule("backslash-in-volume", _backslash, about=_BOTH),
    Rule("air-old-path", _air, "dev", about=("dev",)),
    Rule("shell-form-no-shell", _shell_form, "prod"),
    Rule("copy-missing-go-pkg", _missing_go_pkg, "both"),
    Rule("copy-missing-go-sum", _missing_go_sum, "both"),
    Rule("golang-too-old", _old_golang, about=_BOTH),
    Rule("dynamic-on-static", _dynamic_on_static),
    Rule("binds-localhost", _binds_localhost, about=_BOTH),
    Rule("localhost-by-default", _localhost_by_default),
    Rule("package-missing", _package_missing, about=_BOTH),
    Rule("generated-missing", _generated_missing, about=_BOTH),
    Rule("frontend-missing", _frontend_missing, about=_BOTH),
    Rule("relative-entrypoint", _relative_entrypoint),
    Rule("exec-form-variable", _exec_form_variable),
    Rule("base-untagged", _untagged),
    Rule("base-dead", _dead_distroless),
    Rule("goarch-fixed", _fixed_arch),
)
