"""(wanted, observed) → plan: which steps bring the engine to the desired state, each with its cause. No engine calls."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from msgspec import Struct

from devctl.domain.command.state import Mode
from devctl.domain.debug.debugging import Debugging
from devctl.domain.plan.engine_state import (
    BASES_LABEL,
    DEFINITION_LABEL,
    DEPS_LABEL,
    FOLDER_LABEL,
    INPUTS_LABEL,
    Container,
    Image,
    Observed,
)

StepName = Literal[
    "base", "build", "start", "probe", "stop", "restart", "remove", "exec", "logs", "read", "check", "write"
]

MUST_ANSWER = "until it answers"
REDEFINED = "its settings changed"
_REPLACED = "the project's folder was replaced"
_CUT_OFF = "the network that it shares is gone"


class Step(Struct, frozen=True):
    """One thing to do; `service` is None if it concerns the whole project."""

    step: StepName
    service: str | None
    cause: str


class Dependency(Struct, frozen=True):
    """Another service of the model. `image` is set if it is built here too; a `job` is done once it has exited with code 0,
    until what it is built from (`source`) has `changed`; `needed` if a service of the project cannot do without it, or it was
    requested; `folder`: that of the project, if it mounts something of it; `definition`: what the compose file says about it, as
    `DEFINITION_LABEL`; `restarts`: the services that are restarted when it is recreated."""

    name: str
    image: str | None = None
    job: bool = False
    needed: bool = True
    source: str | None = None
    changed: bool = False
    folder: str = ""
    definition: str = ""
    restarts: tuple[str, ...] = ()


class Wanted(Struct, frozen=True):
    """A service as it should run. `recipe`: fingerprint of what the image is built from besides the deps layer; `inputs`:
    fingerprint of the whole service in the rendered model; `bases`: of the images that it is built on, "" if one of them is
    not available locally; `folder`: as in `Dependency`."""

    service: str
    mode: Mode
    image: str
    deps: str
    recipe: str
    inputs: str
    always_build: bool = False
    bases: str = ""
    folder: str = ""
    debugging: Debugging | None = None

    @property
    def must(self) -> str:
        """What is probed once it has started."""
        return (
            "until the debugger answers"
            if self.debugging is not None and self.debugging.waits
            else MUST_ANSWER
        )


def plan_up(
    wanted: Iterable[Wanted],
    dependencies: Iterable[Dependency],
    *,
    observed: Observed,
    images: Mapping[str, Image],
    former: Iterable[str] = (),
) -> tuple[Step, ...]:
    """Builds first, so that whatever serves keeps serving until its successor exists; then starts; then probes. `former`: the
    services of earlier files, which may still have the ports and names of those that replace them."""
    wanted, dependencies = tuple(wanted), tuple(dependencies)
    gone = {c.id for d in dependencies if (c := observed.of(d.name)) is not None and _is_recreated(d, c)}
    builds = [Step("build", w.service, cause) for w in wanted if (cause := _build_cause(w, observed, images))]
    building = {step.service for step in builds}
    starts = [
        Step("start", w.service, cause)
        for w in wanted
        if (cause := _start_cause(w, observed.of(w.service), built=w.service in building, gone=gone))
    ]
    asleep = [d for d in dependencies if not _is_up(d, observed.of(d.name), gone=gone)]
    starting = {step.service for step in starts} | {d.name for d in asleep}
    for d in asleep:
        if d.image and (d.job or d.image not in images):
            cause = "no image yet" if d.image not in images else "the source may have changed"
            builds.append(Step("build", d.name, cause))
    others = [Step("start", d.name, _why_asleep(d, observed.of(d.name))) for d in asleep]
    others += [Step("restart", name, _CUT_OFF) for name in _cut_off(wanted, starting, observed)]
    others += [
        Step("restart", name, f"{d.name} is recreated")
        for d in asleep
        if (found := observed.of(d.name)) is not None and found.id in gone
        for name in d.restarts
        if name not in starting and _runs(observed.of(name))
    ]
    starting |= {step.service for step in others if step.step == "restart"}
    probes = [Step("probe", w.service, w.must) for w in wanted if w.service in starting]
    removed = [Step("remove", name, "the project no longer has it") for name in former]
    return (*builds, *removed, *others, *starts, *probes)


def _cut_off(wanted: Iterable[Wanted], starting: Collection[str | None], observed: Observed) -> list[str]:
    found = ((w.service, observed.of(w.service)) for w in wanted if w.service not in starting)
    return [
        name for name, container in found if container is not None and observed.network_is_gone(container)
    ]


def _runs(found: Container | None) -> bool:
    return found is not None and found.state == "running"


def _is_recreated(dependency: Dependency, found: Container) -> bool:
    replaced = found.state == "running" and in_replaced_folder(found, dependency.folder)
    return replaced or is_redefined(dependency.definition, found)


def _is_up(dependency: Dependency, found: Container | None, *, gone: Collection[str] = ()) -> bool:
    """`gone`: the containers that are recreated, and whose network goes with them."""
    if found is None or _is_recreated(dependency, found) or found.network_of in gone:
        return False
    return found.state == "running" or (
        is_done(dependency, found) and not (dependency.image and dependency.changed)
    )


def is_done(dependency: Dependency, found: Container | None) -> bool:
    return (
        dependency.job
        and found is not None
        and found.succeeded
        and not is_redefined(dependency.definition, found)
    )


def is_redefined(definition: str, found: Container | None) -> bool:
    """Whether the compose file has changed what this container of a dependency was created from."""
    return found is not None and found.labels.get(DEFINITION_LABEL, "") != definition


def in_replaced_folder(found: Container, folder: str) -> bool:
    """Whether it mounts another folder than `folder`, which has the same path now. A container that mounts nothing has none."""
    return (found.labels.get(FOLDER_LABEL) or folder) != folder


def _why_asleep(dependency: Dependency, found: Container | None) -> str:
    if is_redefined(dependency.definition, found):
        return f"{REDEFINED}, or those of what it needs" if dependency.job else REDEFINED
    if found is not None and found.state == "running":
        return _REPLACED if in_replaced_folder(found, dependency.folder) else _CUT_OFF
    return "if its image changed" if is_done(dependency, found) else "not running"


def _build_cause(wanted: Wanted, observed: Observed, images: Mapping[str, Image]) -> str | None:
    if wanted.always_build:
        return "the source may have changed"
    known = images.get(wanted.image)
    if known is not None and wanted.bases and known.labels.get(BASES_LABEL, wanted.bases) != wanted.bases:
        return "a base image changed"
    if _runs_as_wanted(wanted, observed.of(wanted.service)):
        return None
    image = images.get(wanted.image)
    if image is None:
        return "no image yet"
    if image.labels.get(DEPS_LABEL) != wanted.deps:
        return "dependencies changed"
    if image.labels.get(INPUTS_LABEL) != wanted.recipe:
        return "Dockerfile or build settings changed"
    return None


def _runs_as_wanted(wanted: Wanted, found: Container | None) -> bool:
    return (
        found is not None
        and found.mode == wanted.mode
        and found.labels.get(DEPS_LABEL) == wanted.deps
        and found.labels.get(INPUTS_LABEL) == wanted.inputs
    )


def _start_cause(
    wanted: Wanted, found: Container | None, *, built: bool, gone: Collection[str]
) -> str | None:
    if found is None:
        return "no container yet"
    mode = found.mode
    if mode != wanted.mode:
        return f"runs in mode {mode or 'unknown'}, wanted {wanted.mode}"
    if found.labels.get(DEPS_LABEL) != wanted.deps:
        return "dependencies changed"
    if found.labels.get(INPUTS_LABEL) != wanted.inputs:
        return _why_other_settings(wanted.debugging, found.debugging)
    if found.state != "running":
        return f"is {found.state}"
    if in_replaced_folder(found, wanted.folder):
        return _REPLACED
    if found.network_of in gone:
        return _CUT_OFF
    return "new image" if built else None


def _why_other_settings(wanted: Debugging | None, found: Debugging | None) -> str:
    if (wanted is None) == (found is None):
        return REDEFINED
    return "debugging begins" if found is None else "debugging ends"


def plan_text(steps: Iterable[Step]) -> str:
    """The plan for people: one line per step, with its cause."""
    rows = [(s.step, s.service or "", s.cause) for s in steps]
    if not rows:
        return "nothing to do"
    wide = max(len(name) + len(service) for name, service, _ in rows) + 1
    return "\n".join(
        f"{number:>2}  {f'{name} {service}'.strip():<{wide}}  {cause}"
        for number, (name, service, cause) in enumerate(rows, start=1)
    )
