"""Everything a command needs to decide: the project, one look at the engine, the rendered model, the desired state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.bases.references import Base
from devctl.domain.command.state import Mode
from devctl.domain.compose.depends_on import needed
from devctl.domain.compose.model_json import to_compose
from devctl.domain.compose.profiles import has_profiles
from devctl.domain.compose.refusals import refuse_providers
from devctl.domain.compose.replicas import replicas, runs_none
from devctl.domain.debug.debugging import DELVE, Debugging, tools_folder
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.recipe import Recipes
from devctl.domain.plan.digest import digest
from devctl.domain.plan.engine_state import DEFINITION_LABEL, Image, Observed
from devctl.domain.plan.fingerprints import dependencies, label_wanted
from devctl.domain.plan.planner import Dependency, Step, Wanted, is_redefined, plan_up
from devctl.domain.plan.render import render
from devctl.domain.plan.run import Run, configured_run
from devctl.domain.ports.files import Files
from devctl.domain.ports.state_folder import StateFolder
from devctl.domain.ports.toolbox import Sources, Templates, Toolbox
from devctl.domain.project.compose_model import Model
from devctl.domain.project.model import Project, Service
from devctl.errors import FilesError, Problem
from devctl.workflows.session.bind_mounts import make_mounted
from devctl.workflows.session.event_trial import known_to_fail
from devctl.workflows.session.host_ports import check_host_ports, choose_host_ports
from devctl.workflows.session.jobs import with_source
from devctl.workflows.session.made_here import former_names
from devctl.workflows.session.manifests import check_manifests, deps_fingerprint
from devctl.workflows.session.name_conflict import refuse_anothers
from devctl.workflows.session.overlay import (
    bases_digest,
    bases_of,
    dockerfile_in,
    overlay_files,
    recipe_in,
    recipe_of,
)
from devctl.workflows.session.private_modules import with_access
from devctl.workflows.session.shared_volumes import refuse_second_server

RECIPE_FILES = (".dockerignore", ".air.toml")


class Session(Struct, frozen=True):
    """`model` is what the program will see, and what compose gets. `overlay`: by service, what it is built from and runs with
    below `.devctl/`, read once: what is fingerprinted (`recipe_files`) and judged is what is built. `others`: what the
    dependencies that are built here are built from; `former`: the services of earlier files, whose containers are to go."""

    project: Project
    runs: tuple[Run, ...]
    observed: Observed
    wanted: tuple[Wanted, ...]
    model: Model
    overlay: Mapping[str, Mapping[str, str]]
    recipe_files: Mapping[str, Mapping[str, str | None]]
    images: Mapping[str, Image] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()
    others: Recipes = field(default_factory=dict)
    former: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        return self.project.root

    @property
    def model_text(self) -> str:
        """The text that plain compose can be given."""
        return to_compose(self.model)

    def plan(self) -> tuple[Step, ...]:
        return plan_up(
            self.wanted,
            self.dependencies,
            observed=self.observed,
            images=self.images,
            former=self.former,
        )

    @property
    def recipes(self) -> Recipes:
        return {**self.others, **{name: recipe_in(files, name) for name, files in self.overlay.items()}}

    @property
    def spare(self) -> frozenset[str]:
        """The dependencies that nobody needs."""
        return frozenset(d.name for d in self.dependencies if not d.needed)

    @property
    def starting(self) -> list[str]:
        """The services that the plan starts."""
        return [s.service or "" for s in self.plan() if s.step == "start"]

    @property
    def redefined(self) -> list[str]:
        """The dependencies whose containers are not what the compose file says now; those that are not in the plan too."""
        others = {n: s for n, s in self.model["services"].items() if self.project.service(n) is None}
        said = {
            n: (s.get("labels") or {}).get(DEFINITION_LABEL, "")
            for n, s in others.items()
            if not runs_none(s)
        }
        return [name for name, it in said.items() if is_redefined(it, self.observed.of(name))]

    def run(self, service: str) -> Run:
        return next(r for r in self.runs if r.service == service)

    def find_run(self, service: str) -> Run | None:
        """None for a service that is not a Go service of the project."""
        return next((r for r in self.runs if r.service == service), None)

    def dockerfile(self, sources: Sources, run: Run) -> DockerfileFacts:
        """What a run is built from, with its arguments substituted."""
        return dockerfile_in(sources, self.project, run, self.overlay[run.service])

    def bases(self, sources: Sources, run: Run) -> tuple[Base, ...]:
        """The external images that it is built on."""
        return bases_of(self.project, run, self.dockerfile(sources, run))

    def wanted_of(self, service: str) -> Wanted:
        return next(w for w in self.wanted if w.service == service)

    def with_users(self, users: Mapping[str, str]) -> Session:
        """The same services, run as these users: an image may decide that, and nothing is read again for it."""
        runs = tuple(replace(r, user=users.get(r.service, r.user)) for r in self.runs)
        model = render(self.project, runs, observed=self.observed)
        again = {
            r.service: partial(label_wanted, model, r, recipe_files=self.recipe_files[r.service])
            for r in runs
        }
        wanted = tuple(replace(again[w.service](deps=w.deps), bases=w.bases) for w in self.wanted)
        return replace(self, runs=runs, model=model, wanted=wanted)


def open_session(
    box: Toolbox,
    project: Project,
    *,
    mode: Mode,
    only: Iterable[str] = (),
    base: str | None = None,
    observed: Observed | None = None,
    debugged: Mapping[str, Debugging] | None = None,
) -> Session:
    """Observe once, render, fingerprint. `only`: services that these do not need are left alone. `debugged`: which of those
    services run under a debugger; by default, those that do now."""
    check_manifests(box.files, project, mode=mode)
    observed = observed or box.engine.observe(project.name)
    refuse_anothers(box.files, project, observed)
    if not observed.containers:
        _warn_of_former_names(box, project)
    refuse_providers(project.model, place=lambda name: project.place(("services", name, "provider")))
    _refuse_none(project)
    named = frozenset(only)
    chosen = _chosen(project, named, observed)
    ports = choose_host_ports(box, project, observed=observed)
    modes = {s.name: _mode(s, chosen, observed, mode) for s in project.services}
    runs = [
        _under_debugger(
            box,
            _run(box, project, s, host_port=ports[s.name], base=base, mode=modes[s.name]),
            debugged.get(s.name) if debugged is not None and s.name in chosen else _debugged(observed, s),
        )
        for s in project.services
    ]
    session = session_of(box, project, runs, observed=observed, chosen=chosen)
    beside = needed(project.specs, chosen) if named else frozenset(project.specs)
    starting = {n for n in chosen | beside if not runs_none(project.spec(n))}
    former = _former(box.files, project, observed) if chosen.issuperset(modes) else ()
    check_host_ports(box, project, session.model, starting=starting, observed=observed, former=former)
    kept = replace(observed, containers=tuple(c for c in observed.containers if c.service not in former))
    refuse_second_server(project, session.model, starting=starting, observed=kept)
    others = dependencies(session.model, frozenset(s.name for s in project.services), named=named)
    others = with_source(box.files, box.private, project.root, session.model, others)
    return replace(
        session,
        images=box.engine.images([*(w.image for w in session.wanted), *(d.image for d in others if d.image)]),
        dependencies=others,
        others=_recipes_of(box.files, project, session.model, others),
        former=former,
    )


def session_of(
    box: Toolbox, project: Project, runs: Sequence[Run], *, observed: Observed, chosen: Collection[str]
) -> Session:
    """The runs, with what each is built from; those of `chosen` fingerprinted. Nothing about the dependencies."""
    overlay = {run.service: overlay_files(box, project, run) for run in runs}
    files = {run.service: _recipe_files(box.files, project, run, overlay[run.service]) for run in runs}
    model = render(project, runs, observed=observed)
    opened = Session(project, tuple(runs), observed, (), model, overlay, files)
    bases = {r.service: opened.bases(box.sources, r) for r in runs if r.mode == "dev" and r.service in chosen}
    here = box.engine.images([base.ref for each in bases.values() for base in each])
    wanted = []
    for service, run in ((s, r) for s in project.services for r in runs if r.service == s.name in chosen):
        deps = deps_fingerprint(box.files, project, service)
        labelled = label_wanted(model, run, deps=deps, recipe_files=files[run.service])
        wanted.append(replace(labelled, bases=bases_digest(here, bases.get(run.service, ()))))
    return replace(opened, wanted=tuple(wanted))


def _recipes_of(files: Files, project: Project, model: Model, dependencies: Iterable[Dependency]) -> Recipes:
    built = {d.name: model["services"][d.name].get("build") for d in dependencies if d.image}
    found = {name: recipe_of(files, project, build) for name, build in built.items() if build}
    return {name: recipe for name, recipe in found.items() if recipe is not None}


def write_overlay(files: Files, state: StateFolder, session: Session) -> None:
    """Write to `.devctl/` what the services are built from, for people to read, and what they run with."""
    project = session.project
    state.make(session.root)
    for run in session.runs:
        for name, text in session.overlay[run.service].items():
            state.put(session.root, name, text)
        service = project.service(run.service)
        if run.mode == "dev" and service is not None:
            make_mounted(files, project, service)


def _warn_of_former_names(box: Toolbox, project: Project) -> None:
    """A project that was renamed: nothing else would ever find its containers, which serve old code on the old ports."""
    for former in former_names(box, project.root, project.name):
        box.reporter.warn(
            Problem(
                "former-name",
                f"containers of this folder still run under another project name, {former}",
                f"docker compose -p {former} down --remove-orphans",
            )
        )


def _refuse_none(project: Project) -> None:
    """Compose would start no container of any Go service; if it starts some, the others are none of the project's services."""
    for service in project.services:
        for path, count in replicas(project.spec(service.name)):
            if count == 0:
                raise FilesError(
                    f"nothing to run: the compose file sets the number of containers of {service.name} to 0",
                    code="nothing-to-run",
                    hint="set that number to 1, or remove it",
                    place=project.place(("services", service.name, *path)),
                )


def _chosen(project: Project, named: frozenset[str], observed: Observed) -> frozenset[str]:
    """The named services and, of the Go services, those that they need and that do not run; all Go services if none is named."""
    ours = frozenset(s.name for s in project.services)
    run = {c.service for c in observed.containers if c.state == "running"}
    return named | (needed(project.specs, named) & ours - run) if named else ours


def _former(files: Files, project: Project, observed: Observed) -> tuple[str, ...]:
    """None if compose files have profiles: a service of a profile that is not active now is left alone, as compose does."""
    found = observed.former({*project.specs, *(s.name for s in project.services)})
    texts = (files.read_text(path, within=None) or "" for path in project.compose_paths if found)
    return () if any(map(has_profiles, texts)) else tuple(found)


def _mode(service: Service, chosen: frozenset[str], observed: Observed, mode: Mode) -> Mode:
    if service.name in chosen:
        return mode
    found = observed.of(service.name)
    return "prod" if found is not None and found.mode == "prod" else "dev"


def _run(
    box: Toolbox,
    project: Project,
    service: Service,
    *,
    host_port: int | None,
    mode: Mode,
    base: str | None,
) -> Run:
    run = configured_run(project, service, mode, base=base)
    user = box.engine.user_for(project.owner) if mode == "dev" and box.host.is_linux() else None
    run = with_access(box, project, run)
    return replace(run, user=user, host_port=host_port, poll=mode == "dev" and must_poll(box, project))


def _debugged(observed: Observed, service: Service) -> Debugging | None:
    found = observed.of(service.name)
    return found.debugging if found is not None else None


def _under_debugger(box: Toolbox, run: Run, debugging: Debugging | None) -> Run:
    if debugging is None or run.mode != "dev":
        return run
    return replace(
        run, debugging=debugging, debugger=tools_folder(digest(DELVE, debug_scripts(box.templates)))
    )


def debug_scripts(templates: Templates) -> dict[str, str]:
    """What is beside delve in the cache volume."""
    return {name: templates.read(f"debug/{name}") for name in ("devctl-debug", "go")}


def must_poll(box: Toolbox, project: Project) -> bool:
    """Whether file events cannot be trusted here: according to devctl.yaml, else the kind of the mount, else the trial."""
    if project.watch_poll != "auto":
        return project.watch_poll == "always"
    return box.files.eventless(project.root) is not None or known_to_fail(box.reporter, box.state, project)


def _recipe_files(
    files: Files, project: Project, run: Run, overlay: Mapping[str, str]
) -> dict[str, str | None]:
    """The files that decide what an image is built from and a container starts with, by name; None for one that does not exist."""
    service = project.service(run.service)
    air = service.air.path if service is not None and service.air is not None else f"{run.context}/.air.toml"
    theirs = files.read_text(project.root / air, within=project.root)
    scripts = service.start.scripts if service is not None and run.mode == "dev" else {}
    return {**scripts, **overlay, ".air.toml": None if run.ours else theirs}
