"""Everything a command needs to decide: the project, one look at the engine, the rendered model, what is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from devctl.domain.command.state import Mode
from devctl.domain.compose.depends_on import needed
from devctl.domain.compose.host_programs import refuse_providers
from devctl.domain.compose.model_json import to_compose
from devctl.domain.dockerfile.recipe import Recipes
from devctl.domain.plan.engine_state import MODE_LABEL, Image, Observed
from devctl.domain.plan.fingerprints import dependencies, label_wanted
from devctl.domain.plan.planner import Dependency, Step, Wanted, plan_up
from devctl.domain.plan.render import render
from devctl.domain.plan.run import Run, dev_run, prod_run
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.compose_model import Model
from devctl.domain.project.model import Project, Service
from devctl.workflows.project.compose_model import compose_place
from devctl.workflows.session.bind_mounts import make_mounted
from devctl.workflows.session.event_trial import known_to_fail
from devctl.workflows.session.host_ports import check_host_ports, choose_host_ports
from devctl.workflows.session.jobs import with_source
from devctl.workflows.session.manifests import check_manifests, deps_fingerprint
from devctl.workflows.session.name_conflict import refuse_anothers
from devctl.workflows.session.overlay import bases_digest, overlay_files, recipe_in, recipe_of
from devctl.workflows.session.private_modules import with_access

RECIPE_FILES = (".dockerignore", ".air.toml")


@dataclass(frozen=True, slots=True)
class Session:
    """`model` is as the program will see it, and what compose is given. `overlay`: by service what it is built from and runs with
    below `.devctl/`, read once: what is fingerprinted and judged is what is built. `others`: what those dependencies are built by
    that are built here."""

    project: Project
    runs: tuple[Run, ...]
    observed: Observed
    images: Mapping[str, Image]
    wanted: tuple[Wanted, ...]
    dependencies: tuple[Dependency, ...]
    model: Model
    cache_volume: str
    overlay: Mapping[str, Mapping[str, str]]
    others: Recipes

    @property
    def root(self) -> Path:
        return Path(self.project.root)

    @property
    def model_text(self) -> str:
        """The text that plain compose can be given."""
        return to_compose(self.model)

    def plan(self) -> tuple[Step, ...]:
        return plan_up(self.wanted, self.dependencies, observed=self.observed, images=self.images)

    @property
    def recipes(self) -> Recipes:
        return {**self.others, **{name: recipe_in(files, name) for name, files in self.overlay.items()}}

    @property
    def spare(self) -> frozenset[str]:
        """The dependencies that nobody needs."""
        return frozenset(d.name for d in self.dependencies if not d.needed)

    def run(self, service: str) -> Run:
        return next(r for r in self.runs if r.service == service)


def open_session(
    box: Toolbox,
    project: Project,
    *,
    mode: Mode,
    only: Iterable[str] = (),
    base: str | None = None,
    target: str = "",
    prod_user: Mapping[str, str] | None = None,
    observed: Observed | None = None,
) -> Session:
    """Observe once, render, fingerprint. `only` leaves the services that these do not need as they are."""
    check_manifests(box, project, mode=mode)
    observed = observed or box.engine.observe(project.name)
    refuse_anothers(box.files, project, observed)
    refuse_providers(
        project.model,
        place=lambda name: compose_place(box, Path(project.root))(("services", name, "provider")),
    )
    chosen = _chosen(project, frozenset(only), observed)
    ports = choose_host_ports(box, project, observed=observed)
    runs = tuple(
        _run(
            box, project, service, host_port=ports[service.name], base=base, target=target,
            mode=_mode(service, chosen, observed, mode),
        )
        for service in project.services
    )  # fmt: skip
    runs = tuple(replace(r, user=(prod_user or {}).get(r.service, r.user)) for r in runs)
    model = render(project, runs, observed=observed, cache_volume=project.cache_volume)
    starting = chosen | needed(project.specs, chosen)
    check_host_ports(box, project, model, starting=starting, observed=observed)
    overlay = {run.service: overlay_files(box, project, run) for run in runs}
    wanted = tuple(
        replace(
            label_wanted(
                model,
                run,
                deps=deps_fingerprint(box.files, project, service),
                recipe_files=recipe_files(box.files, project, run, overlay[run.service]),
            ),
            bases=bases_digest(box, project, run) if mode == "dev" else "",
        )
        for service, run in zip(project.services, runs, strict=True)
        if service.name in chosen
    )
    others = dependencies(model, frozenset(s.name for s in project.services), named=frozenset(only))
    others = with_source(box.files, box.private, Path(project.root), model, others)
    return Session(
        project=project,
        runs=runs,
        observed=observed,
        images=box.engine.images([*(w.image for w in wanted), *(d.image for d in others if d.image)]),
        wanted=wanted,
        dependencies=others,
        model=model,
        cache_volume=project.cache_volume,
        overlay=overlay,
        others=_recipes_of(box.files, project, model, others),
    )


def _recipes_of(files: Files, project: Project, model: Model, dependencies: Iterable[Dependency]) -> Recipes:
    built = {d.name: model["services"][d.name].get("build") for d in dependencies if d.image}
    found = {name: recipe_of(files, project, build) for name, build in built.items() if build}
    return {name: recipe for name, recipe in found.items() if recipe is not None}


def write_overlay(box: Toolbox, session: Session) -> None:
    """Write to `.devctl/` what the services are built from, for people to read, and what they run with."""
    project = session.project
    box.state.make(session.root)
    for run in session.runs:
        for name, text in session.overlay[run.service].items():
            box.state.put(session.root, name, text)
        service = project.service(run.service)
        if run.mode == "dev" and service is not None:
            make_mounted(box.files, project, service)


def _chosen(project: Project, named: frozenset[str], observed: Observed) -> frozenset[str]:
    """The named ones, and of ours those that they need and that do not run; all of ours where none is named."""
    ours = frozenset(s.name for s in project.services)
    run = {c.service for c in observed.containers if c.state == "running"}
    return named | (needed(project.specs, named) & ours - run) if named else ours


def _mode(service: Service, chosen: frozenset[str], observed: Observed, mode: Mode) -> Mode:
    if service.name in chosen:
        return mode
    found = observed.of(service.name)
    return "prod" if found is not None and found.labels.get(MODE_LABEL) == "prod" else "dev"


def _run(
    box: Toolbox,
    project: Project,
    service: Service,
    *,
    host_port: int | None,
    mode: Mode,
    base: str | None,
    target: str,
) -> Run:
    run = dev_run(project, service) if mode == "dev" else prod_run(project, service, base=base, target=target)
    user = f"{project.owner[0]}:{project.owner[1]}" if mode == "dev" and box.host.is_linux() else None
    run = with_access(box, project, run)
    return replace(run, user=user, host_port=host_port, poll=mode == "dev" and must_poll(box, project))


def must_poll(box: Toolbox, project: Project) -> bool:
    """Whether file events cannot be trusted here: devctl.yaml's word, else the kind of the mount, else what was tried."""
    if project.watch_poll != "auto":
        return project.watch_poll == "always"
    return box.files.eventless(Path(project.root)) is not None or known_to_fail(
        box.reporter, box.state, project
    )


def recipe_files(
    files: Files, project: Project, run: Run, overlay: Mapping[str, str]
) -> dict[str, str | None]:
    """The files that decide what an image is built from, by name; None for one that is not there."""
    root = Path(project.root)
    service = project.service(run.service)
    air = service.air.path if service is not None and service.air is not None else f"{run.context}/.air.toml"
    theirs = files.read_text(root / air, within=root)
    return {**overlay, ".air.toml": None if run.ours else theirs}
