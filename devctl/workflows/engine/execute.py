"""Hand a step to compose and turn the result into a value or one clear error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.command.events import Remark
from devctl.domain.command.requests import COMPOSE_TIMEOUT
from devctl.domain.command.state import Mode
from devctl.domain.derive.build_cache import with_build_cache, without_build_cache
from devctl.domain.dockerfile.recipe import Recipe, Recipes, deps_line, run_again
from devctl.domain.dockerfile.stages import find_stage
from devctl.domain.failures import Asked, explain
from devctl.domain.failures.build_output import failed_build, is_shown_as
from devctl.domain.failures.places import first_place, of_compiler
from devctl.domain.numbers import whole
from devctl.domain.plan.engine_state import AGAIN_LABEL, BASES_LABEL, Container
from devctl.domain.plan.run import image_ref, target_of
from devctl.domain.plan.users_air import kill_delay
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.state_folder import StateFolder
from devctl.domain.ports.toolbox import Finished, Sources, Toolbox
from devctl.domain.project.compose_model import Model
from devctl.domain.project.model import Project, Service
from devctl.domain.project.state_folder import kill_note
from devctl.domain.regex import regex
from devctl.errors import DevctlError, MachineError, Problem, ProjectError
from devctl.workflows.engine.compile_error import does_not_compile
from devctl.workflows.engine.restart_proxies import followed
from devctl.workflows.project.users_dockerfile import written_dockerfile
from devctl.workflows.session.jobs import done_as_built, waiting_for_none_of
from devctl.workflows.session.overlay import bases_digest, build_args
from devctl.workflows.session.session import Session

_MADE_ANEW = regex(r"is already in use by container|network [0-9a-f]{64} not found")
_ENDED = ("migration-failed", "dependency-exited")
"""Codes of a container that exits while another one waits for it."""
TIMED_OUT = 124
"""The code of a program that timed out."""
TAIL = 20
"""Lines of a tool's output shown below an error."""


def build(box: Toolbox, session: Session, service: str, *, anew: bool = False) -> None:
    """Build one image. `anew`: with a rebuilt deps layer, or entirely if it has none.

    Raises ProjectError `build-failed`, or the matching entry of the failure dictionary.
    """
    model = _on_bases(box.sources, box.engine, session, service)
    recipes = {**session.recipes, **_with_cache(box.sources, session, service)}
    again = _again(box, session, service, recipes.get(service), anew=anew)
    if again is not None:
        recipes[service] = again.recipe
        model = _labelled(model, service, {AGAIN_LABEL: again.word})
    no_cache = anew and again is None
    done = box.compose.build(session.root, model, [service], recipes=recipes, no_cache=no_cache)
    done = replace(done, stdout=without_build_cache(done.stdout), stderr=without_build_cache(done.stderr))
    if done.code != 0:
        error = failure(done, "build", what=f"the image of {service}")
        place = _in_their_file(session, service, error.problem.place) or _adds(
            box.sources, session, service, error
        )
        ours = session.project.service(service)
        if ours is None or isinstance(error, MachineError):
            # What the machine lacks cannot be fixed in a line of the project.
            raise error.replace(place=place)
        error = _compiled(ours, error.replace(place=place), mode=session.run(service).mode)
        place = error.problem.place or _line(
            box.sources, session, service, failed_build(done.output).instruction
        )
        raise error.replace(place=place)


def _with_cache(sources: Sources, session: Session, service: str) -> Recipes:
    """A user's own Dockerfile for production, or that of a job, with what keeps each build from compiling the standard
    library."""
    run = session.find_run(service)
    recipe = session.recipes.get(service)
    if recipe is None or (run is not None and (run.mode == "dev" or run.written is None)):
        return {}
    said = session.model["services"][service]["build"]
    facts = sources.dockerfile_text(
        recipe.dockerfile, path=str(said.get("dockerfile") or "Dockerfile"), args=said.get("args") or {}
    )
    text = with_build_cache(facts, str(said.get("target") or ""))
    return {service: replace(recipe, dockerfile=text)} if text != facts.text else {}


def _line(sources: Sources, session: Session, service: str, failed: str) -> str | None:
    """The line of the user's Dockerfile that contains an instruction."""
    run = session.run(service)
    if run.written is None or not failed:
        return None
    facts = written_dockerfile(sources, session.project, run)
    lines = (i for stage in facts.stages for i in stage.instructions)
    return next((f"{run.written}:{i.line}" for i in lines if is_shown_as(i.original, failed)), None)


def _adds(sources: Sources, session: Session, service: str, error: DevctlError) -> str | None:
    """The ADD line of the user's Dockerfile whose address an error names."""
    run = session.find_run(service)
    if run is None or run.written is None or "://" not in str(error):
        return None
    facts = written_dockerfile(sources, session.project, run)
    lines = (i for stage in facts.stages for i in stage.instructions if i.cmd == "ADD")
    line = next((i.line for i in lines if any(w in str(error).split() for w in i.value[:-1])), None)
    return f"{run.written}:{line}" if line is not None else None


def _in_their_file(session: Session, service: str, place: str | None) -> str | None:
    """The builder knows a Dockerfile by no other name. The lines of devctl's copy are the user's, unless a stage is derived
    from them."""
    file, _, line = (place or "").partition(":")
    if file != "Dockerfile":
        return place
    if session.project.service(service) is not None:
        path = session.run(service).dockerfile
    else:
        build = session.project.spec(service).get("build") or {}
        path = str(Path(str(build.get("context") or ""), str(build.get("dockerfile") or file)))
        path = path.removeprefix(f"{session.project.root}/")
    return f"{path}:{line}" if path is not None else None


def _compiled(service: Service, error: DevctlError, *, mode: Mode) -> DevctlError:
    """The compiler's message, with its place in the project. In dev, a stage that does not build may be replaced by another."""
    place = first_place(error.detail)
    if place is None:
        return error
    if error.code == "build-failed" and mode == "prod":
        hint = "fix the code, then: devctl prod-preview"
        return does_not_compile(service, error.detail, where=" in production", hint=hint)
    if error.problem.place != place:
        return error
    return error.replace(place=first_place(of_compiler(error.detail, service)))


def _on_bases(sources: Sources, engine: Engine, session: Session, service: str) -> Mapping[str, Any]:
    """The model with the images that it is built on as one of its labels: known at the latest once the bases are available."""
    run = session.find_run(service)
    if run is None or run.mode != "dev":
        return session.model
    known = next((w.bases for w in session.wanted if w.service == service), "")
    if not known:
        bases = session.bases(sources, run)
        known = bases_digest(engine.images([base.ref for base in bases]), bases)
    return _labelled(session.model, service, {BASES_LABEL: known})


def _labelled(model: Model, service: str, labels: Mapping[str, str]) -> Mapping[str, Any]:
    spec = model["services"][service]
    build = {**spec["build"], "labels": {**(spec["build"].get("labels") or {}), **labels}}
    return {**model, "services": {**model["services"], service: {**spec, "build": build}}}


class _Again(Struct, frozen=True):
    """`word`: identifies the time of the deps layer."""

    word: str
    recipe: Recipe


def _again(
    box: Toolbox, session: Session, service: str, recipe: Recipe | None, *, anew: bool
) -> _Again | None:
    """The recipe with a deps layer of now, or of the last time that one was requested; None if none was, or if its place in
    the Dockerfile is unknown."""
    run = session.find_run(service)
    if run is None or recipe is None:
        return None
    dev = image_ref(session.project.name, service, "dev")
    here = session.images.get(dev) or box.engine.images([dev]).get(dev)
    word = f"{box.clock.now():.0f}" if anew else here.labels.get(AGAIN_LABEL, "") if here is not None else ""
    if whole(word) is None:
        return None
    facts = box.sources.dockerfile_text(
        recipe.dockerfile, path="Dockerfile", args=build_args(session.project, run)
    )
    stage = find_stage(facts, target_of(run.stage or ""))
    line = deps_line(facts, stage) if stage is not None else None
    return _Again(word, run_again(recipe, [line], word)) if line is not None else None


def compose_up(
    box: Toolbox,
    session: Session,
    services: Sequence[str],
    *,
    timeout: float = COMPOSE_TIMEOUT,
) -> None:
    """Create or recreate containers, the project's Go services without what they depend on; fix once what keeps compose from
    its work: a name that an aborted recreate left taken, a container tied to a network that was removed, a frozen one. Proxies
    in front of a service whose address changes are restarted. A job that is done with its current image is left alone."""
    done = done_as_built(box.engine, session.dependencies, session.observed)
    left = [name for name in services if name not in done]
    with followed(box, session, left):
        if left:
            waited = replace(session, model=waiting_for_none_of(session.model, done)) if done else session
            alone = all(session.project.service(name) is not None for name in services)
            _compose_up(box, waited, left, no_deps=alone, timeout=timeout)


def _compose_up(
    box: Toolbox, session: Session, services: Sequence[str], *, no_deps: bool, timeout: float
) -> None:
    frozen = [c for c in session.observed.containers if c.service in services and c.state == "paused"]
    box.engine.unpause([c.id for c in frozen])
    done = up_healed(
        box,
        session.root,
        session.model,
        services,
        project=session.project.name,
        no_deps=no_deps,
        timeout=timeout,
    )
    tell_kills(box.reporter, box.state, session.project, services)
    if done.code == TIMED_OUT:
        raise _still_waiting(box.engine, session, services)
    try:
        must(done, "compose", what=", ".join(services))
    except DevctlError as error:
        raise _with_log(box.engine, session, error) from error


def _with_log(engine: Engine, session: Session, error: DevctlError) -> DevctlError:
    """The output of the job that compose waited for in vain, instead of compose's own lines."""
    now = engine.containers(session.project.name)
    waited = [c for name, _ in _conditions(session) if (c := now.of(name)) is not None]
    ended = [c for c in waited if c.state == "exited" and c.exit_code != 0]
    log = "\n".join(engine.logs(c.id, tail=TAIL).strip() for c in ended)
    return error.replace(detail=log or None) if error.code in _ENDED else error.replace()


def _still_waiting(engine: Engine, session: Session, services: Sequence[str]) -> ProjectError:
    """What compose was waiting for when its time ran out, as far as the containers tell."""
    now = engine.containers(session.project.name)
    what: dict[str, Container] = {}
    for name, condition in _conditions(session):
        container = now.of(name)
        if container is None or container.state != "running":
            continue
        if condition == "service_completed_successfully":
            what[f"{name} to finish"] = container
        elif condition == "service_healthy" and container.health != "healthy":
            what[f"{name} to become healthy"] = container
    waiting = f"it was still waiting for {' and for '.join(what)}" if what else f"of {', '.join(services)}"
    shown = next((c.service for c in what.values()), services[0])
    return ProjectError(
        f"`docker compose up` did not finish in time: {waiting}",
        code="compose-timeout",
        hint=f"devctl logs {shown} shows what it does; --timeout SECONDS waits longer",
        detail="\n".join(engine.logs(c.id, tail=TAIL) for c in what.values()).strip(),
    )


def _conditions(session: Session) -> Iterable[tuple[str, str]]:
    """Which services are waited for, and for what."""
    specs = session.model["services"].values()
    waited = (item for spec in specs for item in (spec.get("depends_on") or {}).items())
    return dict.fromkeys((name, str((how or {}).get("condition"))) for name, how in waited)


def up_healed(
    box: Toolbox,
    root: Path,
    model: Model,
    services: Sequence[str],
    *,
    project: str,
    no_deps: bool,
    timeout: float,
) -> Finished:
    """`compose up`, once more if leftovers of an earlier one were in its way."""
    done = box.compose.up(root, model, services, no_deps=no_deps, timeout=timeout)
    if done.code == 0 or not _MADE_ANEW.search(done.output):
        return done
    now = box.engine.containers(project).containers
    box.engine.remove_containers([c.id for c in now if c.service in services and c.state != "running"])
    box.reporter.emit(
        Remark(f"the container of {', '.join(services)} could not be restarted and was recreated")
    )
    return box.compose.up(root, model, services, no_deps=no_deps, timeout=timeout)


def must(done: Finished, asked: Asked, *, what: str = "the project") -> Finished:
    """Return what succeeded; otherwise raise the one error that fits best."""
    if done.code == 0:
        return done
    raise failure(done, asked, what=what)


def failure(done: Finished, asked: Asked, *, what: str) -> DevctlError:
    last = "\n".join(done.output.strip().splitlines()[-TAIL:])
    tail = failed_build(done.output).text if asked == "build" else last
    if done.code == TIMED_OUT:
        return ProjectError(
            f"{what} {'did not build' if asked == 'build' else 'was not started or stopped'} in time",
            code="build-timeout" if asked == "build" else "compose-timeout",
            hint="the lines above show how far it got; running the command again continues from there",
            detail=tail,
        )
    known = explain(asked, done.output, exit_code=done.code)
    if known is not None:
        return known.error(detail=tail)
    verb = {"build": "does not build", "compose": "does not start"}.get(asked, "failed")
    return ProjectError(
        f"{what} {verb}",
        code="build-failed" if asked == "build" else "start-failed",
        hint="fix what the lines above name; -v shows the whole output",
        detail=tail,
    )


def tell_kills(reporter: Reporter, state: StateFolder, project: Project, services: Iterable[str]) -> None:
    """Call it when containers were stopped: devctl-run records which programs did not stop in time and were killed."""
    for name in services:
        seconds = (state.text(project.root, kill_note(name)) or "").strip()
        if not seconds:
            continue
        state.put(project.root, kill_note(name), "")
        message = f"{name} did not stop within {seconds} s and was killed before its shutdown finished"
        reporter.warn(Problem("killed-at-stop", message, *_more_time(project, name)))


def _more_time(project: Project, name: str) -> tuple[str, str | None]:
    """What gives a program more time to stop, and where to write it: .air.toml has precedence, as in `_time_to_stop`."""
    service = project.service(name)
    air = service.air if service is not None else None
    if air is not None and kill_delay(air.build):
        return 'kill_delay = "30s" gives it more time', air.place("kill_delay")
    if project.generated:
        return "devctl init writes a compose.yaml, in which stop_grace_period: 30s gives it more time", None
    line = project.place(("services", name, "stop_grace_period"))
    return "stop_grace_period: 30s gives it more time", line
