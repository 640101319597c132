"""Base images: which are available locally, and getting the others: local, mirror, registry, assembled
(docs/reference/behaviour.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct, field

from devctl.domain.bases.references import (
    Base,
    BaseState,
    full_name,
    mirror_refs,
    parse,
    role_of,
    source_of,
    stand_in,
)
from devctl.domain.command.events import Remark
from devctl.domain.plan.engine_state import ASSEMBLED_LABEL
from devctl.domain.ports.machine import MachineBox
from devctl.errors import MachineError, Problem
from devctl.workflows.session.steps import Steps

BUILD_HINT = "devctl bases build"


class Registries(Struct):
    """What this run has learned: a registry that does not answer is waited for once; why a base could not be fetched."""

    silent: set[str] = field(default_factory=set)
    said: dict[str, str] = field(default_factory=dict)
    not_made: set[str] = field(default_factory=set)


def list_bases(box: MachineBox, bases: Sequence[Base], *, mirror: str | None = None) -> tuple[BaseState, ...]:
    """One line for each base, using only the engine."""
    return tuple(_state(box, base, mirror) for base in bases)


def ensure(
    box: MachineBox, refs: Iterable[str], *, mirror: str | None = None, allow_assemble: bool = False
) -> tuple[BaseState, ...]:
    """Make these available before a build: local, then mirror, then registry, then (if allowed) assembled.

    Raises MachineError `base-missing` naming every one that is not available.
    """
    registries = Registries()
    wanted = tuple(dict.fromkeys(refs))
    missing = [ref for ref in wanted if box.images.find(ref) is None]
    lost = [ref for ref in missing if not _obtain(box, ref, mirror, registries, assemble=allow_assemble)]
    if lost:
        raise _missing(lost, registries)
    return list_bases(box, [Base(ref, role_of(ref)) for ref in wanted], mirror=mirror) if missing else ()


def pull_bases(box: MachineBox, bases: Sequence[Base], *, mirror: str | None = None) -> tuple[BaseState, ...]:
    """Ask mirror and registry for every base, including those available locally (a newer one, or the real one)."""
    registries = Registries()
    lost = [base.ref for base in bases if not pull(box, base.ref, mirror, registries)]
    if lost:
        raise _missing(lost, registries, result=_result(list_bases(box, bases, mirror=mirror)))
    return list_bases(box, bases, mirror=mirror)


def build_bases(
    box: MachineBox, bases: Sequence[Base], *, mirror: str | None = None
) -> tuple[tuple[BaseState, ...], tuple[str, ...]]:
    """Assemble every base that has a stand-in; returns the bases and the references that cannot be assembled.

    A real image that is available locally stays. Each one without a stand-in is a warning; raises MachineError `base-missing`
    (after assembling the others) if the parts of a stand-in are not available.
    """
    cannot: list[str] = []
    errors: list[MachineError] = []
    for base in to_build(box, bases):
        try:
            made = _assemble(box, base.ref)
        except MachineError as error:
            made = False
            errors.append(error)
        if not made:
            cannot.append(base.ref)
    for ref in cannot:
        box.reporter.warn(_cannot_make(ref, errors))
    states = list_bases(box, bases, mirror=mirror)
    if errors:
        raise errors[0].replace(result=_result(states)) from errors[0]
    return states, tuple(cannot)


def to_build(box: MachineBox, bases: Sequence[Base]) -> tuple[Base, ...]:
    """Those of which no real image is available locally."""
    found = [(base, box.images.find(base.ref)) for base in bases]
    return tuple(b for b, image in found if image is None or image.labels.get(ASSEMBLED_LABEL) == "true")


def save_bases(
    box: MachineBox, bases: Sequence[Base], file: Path, *, mirror: str | None = None
) -> tuple[BaseState, ...]:
    """Write the bases that are available locally into one archive, for a machine that no registry answers."""
    states = list_bases(box, bases, mirror=mirror)
    present = [state.ref for state in states if state.present]
    if not present:
        raise MachineError(
            "there are no base images here to save", code="base-missing", hint="devctl bases pull"
        )
    for state in states:
        if not state.present:
            box.reporter.warn(
                Problem(
                    "base-missing",
                    f"{state.ref} is not on this machine, so it was not saved to {file}",
                    f"docker pull {state.ref}",
                )
            )
    with Steps(box.reporter, box.clock).step("base-save", f"{len(present)} images saved to {file}"):
        box.images.save(present, file)
    return states


def load_bases(box: MachineBox, file: Path, *, mirror: str | None = None) -> tuple[BaseState, ...]:
    """Read an archive from `save_bases` (or `docker save`); returns its content."""
    with Steps(box.reporter, box.clock).step("base-load", f"images loaded from {file}"):
        refs = box.images.load(file)
    return list_bases(box, [Base(ref, role_of(ref)) for ref in refs], mirror=mirror)


def _state(box: MachineBox, base: Base, mirror: str | None) -> BaseState:
    found = box.images.find(base.ref)
    if found is None:
        return BaseState(base.ref, base.role, "mirror" if mirror else "registry", False)
    source = source_of(found.labels, found.digests, mirror=mirror)
    return BaseState(base.ref, base.role, source, True, box.images.size(base.ref))


def _obtain(box: MachineBox, ref: str, mirror: str | None, registries: Registries, *, assemble: bool) -> bool:
    if pull(box, ref, mirror, registries):
        return True
    try:
        return assemble and _assemble(box, ref)
    except MachineError as error:
        registries.not_made.add(ref)
        registries.said[ref] = str(error)
        return False


def pull(box: MachineBox, ref: str, mirror: str | None, registries: Registries) -> bool:
    """Ask mirror and registry for one base; `registries` remembers those that do not answer."""
    for place in (*mirror_refs(ref, mirror or ""), ref):
        registry = parse(place).registry
        if registry in registries.silent:
            continue
        box.reporter.emit(Remark(f"pulling {place}"))
        pulled = box.images.pull(place)
        if pulled.outcome == "ok":
            if place != ref:
                box.images.tag(place, ref)
            return True
        registries.said[ref] = pulled.detail
        if pulled.outcome == "unreachable":
            registries.silent.add(registry)
    return False


def _assemble(box: MachineBox, ref: str) -> bool:
    recipe = stand_in(ref)
    if recipe is None:
        return False
    with Steps(box.reporter, box.clock).step(
        "base-assemble", f"{ref}: using the stand-in assembled on this machine, without asking a registry"
    ):
        holds = box.assembler.assemble(ref, recipe)
    minor = ".".join(recipe.version.split(".")[:2])
    if holds and minor and not f"{holds}.".startswith(f"{minor}."):
        box.reporter.warn(
            Problem(
                "newer-go-in-base",
                f"Go {recipe.version} is not available here: the stand-in of {ref} contains Go {holds}",
                f"docker pull {ref}, where a registry answers",
            )
        )
    return True


def _missing(
    lost: Sequence[str], registries: Registries, *, result: dict[str, object] | None = None
) -> MachineError:
    makeable = [ref for ref in lost if stand_in(ref) is not None and ref not in registries.not_made]
    others = [ref for ref in lost if ref not in makeable]
    hint = BUILD_HINT if makeable else _pull_hint(others[0])
    plural = "base images are" if len(lost) > 1 else "base image is"
    return MachineError(
        f"{plural} not on this machine, and no registry provided: {', '.join(lost)}",
        code="base-missing",
        hint=hint,
        detail="\n".join(f"{ref}: {registries.said.get(ref, 'its registry did not answer')}" for ref in lost),
        result=result,
    )


def _pull_hint(ref: str) -> str:
    """A digest names one exact image. A stand-in is made for a tag."""
    pull = (
        f"docker pull {ref}, on a machine where the registry answers, then devctl bases save FILE there and devctl bases "
        "load FILE here"
    )
    parts = parse(ref)
    tagged = ref.partition("@")[0]
    if not parts.digest or stand_in(tagged) is None:
        return pull
    return f"{pull}; or name it by its tag ({full_name(tagged)}) in the FROM line, then: {BUILD_HINT}"


def _cannot_make(ref: str, errors: Sequence[MachineError]) -> Problem:
    why = str(errors[0]) if errors and stand_in(ref) is not None else "devctl has no stand-in for it"
    if parse(ref).digest:
        why = "a digest names one exact image, which no stand-in can replace"
    return Problem("base-not-assembled", f"{ref} cannot be assembled: {why}", _pull_hint(ref))


def _result(states: Sequence[BaseState]) -> dict[str, object]:
    return {"bases": [state.as_json() for state in states]}
