"""What is wrong or risky in the user's Dockerfile, compose file and code: a table of rules, each with the line to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from devctl.domain.gofacts import DockerfileFacts, Instruction, Module, Stage
from devctl.domain.goversion import air_for, minor_text, refuses
from devctl.domain.lint_code import (
    Case,
    binds_localhost,
    frontend_missing,
    generated_missing,
    package_missing,
)
from devctl.domain.lint_compose import args_target, backslash
from devctl.domain.mains import Main
from devctl.domain.stages import (
    air_installs,
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
from devctl.errors import Problem

Blocks = Literal["dev", "prod", "both", "none"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`blocks`: the modes that cannot work with it, where they need `stage` (None: a finding outside of a stage)."""

    id: str
    place: str
    message: str
    hint: str
    blocks: Blocks = "none"
    stage: str | None = None

    @property
    def problem(self) -> Problem:
        return Problem(self.id, self.message, self.hint, self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """What the rules look at. `compose` is the service's part of the user's file, `compose_place` finds a key's line
    in it (`("build", "args")` → `compose.yaml:9`)."""

    dockerfile: DockerfileFacts | None = None
    compose: Mapping[str, object] = field(default_factory=dict)
    compose_place: Callable[[tuple[str | int, ...]], str] = lambda _key: "compose.yaml"
    module: Module | None = None
    main: Main | None = None
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """`check` yields (place, message, hint, stage) for each case."""

    id: str
    check: Callable[[Linted], Iterable[tuple[str, str, str, str | None]]]
    blocks: Blocks = "none"


def lint(linted: Linted) -> tuple[Finding, ...]:
    """Every finding of every rule, in the order of the table."""
    return tuple(
        Finding(rule.id, place, message, hint, rule.blocks, stage)
        for rule in RULES
        for place, message, hint, stage in rule.check(linted)
    )


def blocking(
    findings: Iterable[Finding], facts: DockerfileFacts, *, mode: Literal["dev", "prod"], stage: Stage
) -> tuple[Finding, ...]:
    """Those that make it impossible to run `stage` in a mode: in it, or in a stage that is built for it.

    A start that fails (ENTRYPOINT, CMD) matters in the stage itself alone.
    """
    needed = {s.name or str(s.index) for s in needed_by(facts, stage)}
    own = stage.name or str(stage.index)
    return tuple(
        f
        for f in findings
        if f.blocks in (mode, "both") and f.stage in (needed if f.blocks == "both" else {own})
    )


def _each(linted: Linted, *cmds: str) -> Iterator[tuple[DockerfileFacts, Stage, Instruction, str]]:
    facts = linted.dockerfile
    for stage in facts.stages if facts else ():
        for instruction in stage.instructions:
            if facts is not None and instruction.cmd in cmds:
                yield facts, stage, instruction, f"{facts.path}:{instruction.line}"


def _id(stage: Stage) -> str:
    return stage.name or str(stage.index)


def _air(linted: Linted) -> Iterator[Case]:
    facts = linted.dockerfile
    for found in air_installs(facts, facts.stages) if facts else ():
        tag = golang_tag(external_base(facts, found.stage)) if facts else None
        air = air_for(tag or "")
        line = f"RUN go install {air.install}"
        if air.module != "github.com/air-verse/air":  # that Go can build old ones only
            line = f"FROM golang:1.26-alpine AS {_id(found.stage)}, then RUN go install {air_for('1.26').install}"
        if found.module == "github.com/cosmtrek/air" and facts:
            message = f"{found.text} is air's old path: it was renamed to github.com/air-verse/air"
            yield f"{facts.path}:{found.instruction.line}", message, line, _id(found.stage)


def _shell_form(linted: Linted) -> Iterator[Case]:
    facts = linted.dockerfile
    for stage in facts.stages if facts else ():
        if facts is None or has_shell(external_base(facts, stage)):
            continue
        for cmd in ("ENTRYPOINT", "CMD"):
            found = effective(facts, stage, cmd)
            if found is not None and not found.json:
                words = ", ".join(f'"{word}"' for word in " ".join(found.value).split())
                message = f"shell-form {cmd} needs /bin/sh, and {external_base(facts, stage)} has no shell"
                yield f"{facts.path}:{found.line}", message, f"{cmd} [{words}]", _id(stage)


def _relative_entrypoint(linted: Linted) -> Iterator[Case]:
    for facts, stage, found, place in _each(linted, "ENTRYPOINT"):
        word = found.value[0] if found.value else ""
        if found.json and word.startswith("./"):
            below = effective(facts, stage, "WORKDIR")
            folder = below.value[0].rstrip("/") if below is not None else ""
            message = f"ENTRYPOINT {word} depends on the working directory: a `working_dir` or another base breaks it"
            rest = "".join(f', "{arg}"' for arg in found.value[1:])
            yield place, message, f'ENTRYPOINT ["{folder}/{word[2:]}"{rest}]', _id(stage)


def _missing_go_pkg(linted: Linted) -> Iterator[Case]:
    for _, stage, found, place in _each(linted, "COPY"):
        from_stage = next((f.removeprefix("--from=") for f in found.flags if f.startswith("--from=")), None)
        sources = found.value[:-1]
        if (
            from_stage
            and linted.module is not None
            and not linted.module.requires
            and "/go/pkg" in [s.rstrip("/") for s in sources]
        ):
            message = f"the module has no dependencies, so stage `{from_stage}` has no /go/pkg to copy"
            hint = (
                f"FROM {from_stage} AS {_id(stage)} instead of the COPY (a stage can be built on the other)"
            )
            yield place, message, hint, _id(stage)


def _missing_go_sum(linted: Linted) -> Iterator[Case]:
    module = linted.module
    for _, stage, found, place in _each(linted, "COPY"):
        if (
            module is not None
            and not module.has_sum
            and any(s.removeprefix("./") == "go.sum" for s in found.value[:-1])
        ):
            line = found.original.replace("go.sum", "go.su[m]")
            message = "there is no go.sum to copy (a module without dependencies has none)"
            yield place, message, line, _id(stage)


def _untagged(linted: Linted) -> Iterator[Case]:
    facts = linted.dockerfile
    for stage in facts.stages if facts else ():
        name, _, digest = stage.base.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if facts is None or digest or name in ("", "scratch") or parent(facts, stage) is not None:
            continue
        if tag in ("", "latest"):
            kind = "no tag" if not tag else "the tag `latest`"
            repository = name.removesuffix(":latest")
            wanted = {"golang": "1.26-alpine", "alpine": "3.22"}.get(repository, "VERSION")
            message = f"{name} has {kind}: the next build may get another image"
            yield f"{facts.path}:{stage.line}", message, f"FROM {repository}:{wanted}", _id(stage)


_DEAD = {"debian9": "2022", "debian10": "2024", "debian11": "September 2024", "debian12": "September 2026"}


def _dead_distroless(linted: Linted) -> Iterator[Case]:
    facts = linted.dockerfile
    for stage in facts.stages if facts else ():
        dead = next((word for word in _DEAD if f"-{word}" in stage.base), None)
        if facts is not None and dead is not None and kind_of(stage.base) == "distroless":
            line = f"FROM {stage.base.replace(dead, 'debian13')} AS {stage.name}".removesuffix(" AS ")
            message = f"{stage.base} gets no security fixes since {_DEAD[dead]}"
            yield f"{facts.path}:{stage.line}", message, line, _id(stage)


def _old_golang(linted: Linted) -> Iterator[Case]:
    facts, module = linted.dockerfile, linted.module
    said = " ".join(i.original for s in (facts.stages if facts else ()) for i in s.instructions)
    if re.search(r"GOTOOLCHAIN[= ](?!local)", said):
        return  # it fetches the Go that go.mod asks for
    for stage in facts.stages if facts else ():
        tag = golang_tag(stage.base)
        if facts is not None and module is not None and tag is not None and refuses(tag, module.go):
            variant = tag.lstrip(".0123456789")
            message = f"go.mod asks for Go {module.go}, and {stage.base} does not fetch a newer one"
            yield (
                f"{facts.path}:{stage.line}",
                message,
                f"FROM golang:{minor_text(module.go)}{variant}",
                _id(stage),
            )


def _fixed_arch(linted: Linted) -> Iterator[Case]:
    for _, stage, found, place in _each(linted, "ARG", "ENV", "RUN"):
        value = assignments(found, {}).get("GOARCH", "") if found.cmd != "RUN" else ""
        if (
            not value
            and "GOARCH=" in found.original
            and "$" not in found.original.partition("GOARCH=")[2][:2]
        ):
            value = (
                found.original.partition("GOARCH=")[2].split()[0].strip("\"'") if found.cmd == "RUN" else ""
            )
        if value:
            message = f"GOARCH is fixed to {value}: on another machine the binary does not start"
            yield place, message, "ARG TARGETARCH, and GOARCH=$TARGETARCH in the build", _id(stage)


def _dynamic_on_static(linted: Linted) -> Iterator[Case]:
    facts = linted.dockerfile
    for stage in facts.stages if facts else ():
        base = external_base(facts, stage) if facts else ""
        if facts is None or has_shell(base) or "/base" in base or "/cc" in base:
            continue
        for builder in needed_by(facts, stage):
            below = external_base(facts, builder)
            build = next(
                (i for i in builder.instructions if i.cmd == "RUN" and "go build" in i.original), None
            )
            if build is None or golang_tag(below) is None or "alpine" in below:  # without gcc cgo is off
                continue
            said = [i.original for s in chain(facts, builder) for i in s.instructions]
            if not any("CGO_ENABLED=0" in text or "CGO_ENABLED 0" in text for text in said):
                message = (
                    f"built on {below} without CGO_ENABLED=0: the binary may need a libc, and {base} has none"
                )
                yield f"{facts.path}:{build.line}", message, "ENV CGO_ENABLED=0 before the build", _id(stage)


def _binds_localhost(linted: Linted) -> Iterator[Case]:
    return binds_localhost(linted.main)


def _package_missing(linted: Linted) -> Iterator[Case]:
    return package_missing(linted.main, linted.modules)


RULES: tuple[Rule, ...] = (
    Rule("args-target", lambda linted: args_target(linted.compose, linted.compose_place)),
    Rule("backslash-in-volume", lambda linted: backslash(linted.compose, linted.compose_place)),
    Rule("air-old-path", _air, "dev"),
    Rule("shell-form-no-shell", _shell_form, "prod"),
    Rule("copy-missing-go-pkg", _missing_go_pkg, "both"),
    Rule("copy-missing-go-sum", _missing_go_sum, "both"),
    Rule("golang-too-old", _old_golang),
    Rule("dynamic-on-static", _dynamic_on_static),
    Rule("binds-localhost", _binds_localhost),
    Rule("package-missing", _package_missing),
    Rule("generated-missing", lambda linted: generated_missing(linted.main)),
    Rule("frontend-missing", lambda linted: frontend_missing(linted.main)),
    Rule("relative-entrypoint", _relative_entrypoint),
    Rule("base-untagged", _untagged),
    Rule("base-dead", _dead_distroless),
    Rule("goarch-fixed", _fixed_arch),
)
