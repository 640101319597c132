"""Everything a command needs to decide: the project, one look at the engine, the rendered model, what is wanted."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devctl.domain.air import air_toml
from devctl.domain.bases import rewritten
from devctl.domain.config_files import reread
from devctl.domain.ignored import taken_back_in
from devctl.domain.needs import needed
from devctl.domain.observed import CACHE_LABEL, MODE_LABEL, Image, Observed
from devctl.domain.overlay import OVERLAY
from devctl.domain.planner import Dependency, Step, Wanted, plan_up
from devctl.domain.ports import Toolbox
from devctl.domain.private_git import with_git
from devctl.domain.project import Project, Service
from devctl.domain.render import CACHE_KEY, render
from devctl.domain.runs import Run, dev_run, prod_run, target_of
from devctl.domain.state import Mode
from devctl.domain.syntax_line import syntax_line, without_syntax_line
from devctl.domain.wanted import dependencies, label_wanted
from devctl.workflows.data_folders import data_folders, frontend_modules
from devctl.workflows.file_events import known_to_fail
from devctl.workflows.hostports import choose_host_ports
from devctl.workflows.manifests import check_manifests, deps_fingerprint, manifest_paths
from devctl.workflows.mounts import make_mounted, with_volumes
from devctl.workflows.owner import refuse_anothers
from devctl.workflows.private_modules import said_args, with_access
from devctl.workflows.workspaces import unpublished

MODEL = "compose.json"
CONFIG = "devctl.yaml"
RECIPE_FILES = (".dockerignore", ".air.toml")
MANIFEST_LINE = "COPY go.mod go.su[m] ./"


@dataclass(frozen=True, slots=True)
class Session:
    """`model_text` is what compose will be given; it is written by `write_overlay`, not before."""

    project: Project
    runs: tuple[Run, ...]
    observed: Observed
    images: Mapping[str, Image]
    wanted: tuple[Wanted, ...]
    dependencies: tuple[Dependency, ...]
    model_text: str
    cache_volume: str

    @property
    def root(self) -> Path:
        return Path(self.project.root)

    @property
    def model_file(self) -> Path:
        return self.root / OVERLAY / MODEL

    def plan(self) -> tuple[Step, ...]:
        return plan_up(self.wanted, self.dependencies, observed=self.observed, images=self.images)

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
    check_manifests(box, project)
    observed = observed or box.engine.observe(project.name)
    refuse_anothers(box, project, observed)
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
    wanted = tuple(
        _wanted(box, project, model, run, service)
        for service, run in zip(project.services, runs, strict=True)
        if service.name in chosen
    )
    others = dependencies(model, frozenset(s.name for s in project.services), named=frozenset(only))
    return Session(
        project=project,
        runs=runs,
        observed=observed,
        images=box.engine.images([*(w.image for w in wanted), *(d.image for d in others if d.image)]),
        wanted=wanted,
        dependencies=others,
        model_text=json.dumps(model, indent=1, sort_keys=True) + "\n",
        cache_volume=project.cache_volume,
    )


def _wanted(box: Toolbox, project: Project, model: dict[str, Any], run: Run, service: Service) -> Wanted:
    deps = deps_fingerprint(box, project, service)
    return label_wanted(model, run, deps=deps, recipe_files=_recipe_files(box, project, run))


def write_overlay(box: Toolbox, session: Session) -> None:
    """Write `.devctl/`: the model, and our Dockerfile where a stage of ours is used. Shared caches are made here too."""
    project = session.project
    folder = box.files.state_dir(session.root)
    for run in session.runs:
        for name, text in overlay_files(box, project, run).items():
            box.files.write_atomic(folder / name, text, owner=project.owner)
        service = project.service(run.service)
        if run.mode == "dev" and service is not None:
            make_mounted(box, project, service)
    # 0600: compose resolves env files into the model, and those hold passwords.
    box.files.write_atomic(session.model_file, session.model_text, owner=project.owner, mode=0o600)
    if CACHE_KEY in json.loads(session.model_text).get("volumes", {}):
        box.engine.ensure_volume(session.cache_volume, {CACHE_LABEL: "go-build"})


def overlay_files(box: Toolbox, project: Project, run: Run) -> dict[str, str]:
    """Path below `.devctl/` → content: what a service is built from."""
    service = project.service(run.service)
    assert service is not None
    ours = run.dockerfile is None
    dockerfile = our_dockerfile(box, project, service) if ours else _their_dockerfile(box, project, run)
    if ours and "GOPRIVATE" in run.args:
        dockerfile = with_git(dockerfile)
    files = {"Dockerfile": dockerfile, "Dockerfile.dockerignore": _ignored(box, project, run)}
    if ours:
        template = box.templates.read("go-service/.air.toml")
        left_out = [*data_folders(box, project), *frontend_modules(project)]
        files["air.toml"] = air_toml(
            template, unwatched=left_out, watched=(*service.embedded, *reread(service))
        )
    return {f"{run.service}/{name}": text for name, text in files.items()}


def _their_dockerfile(box: Toolbox, project: Project, run: Run) -> str:
    """The user's, line by line; a stage that is wanted and has no name is given one, a base that cannot be had is replaced."""
    text = box.files.read_text(Path(project.root) / str(run.dockerfile)) or ""
    numbered = run.stage is not None and run.stage.isdecimal()
    if not numbered and not project.replaced:
        return text
    found = syntax_line(text)
    if found is not None and found[1] in project.replaced:
        text = without_syntax_line(text)
    facts = box.sources.dockerfile_text(text, path=str(run.dockerfile), args=build_args(project, run))
    text = rewritten(text, project.replaced, [(s.line, s.base) for s in facts.stages])
    if not numbered or run.stage is None:
        return text
    lines = text.splitlines(keepends=True)
    at = facts.stages[int(run.stage)].line - 1
    lines[at] = f"{lines[at].rstrip()} AS {target_of(run.stage)}\n"
    return "".join(lines)


def build_args(project: Project, run: Run) -> dict[str, str]:
    """What the compose file and we give to the build."""
    return {**said_args(project, run.service), **run.args}


def our_dockerfile(box: Toolbox, project: Project, service: Service) -> str:
    """The template's Dockerfile, with the manifests of a workspace listed where it has the module's."""
    text = box.templates.read("go-service/Dockerfile")
    copied = [
        f"COPY {' '.join(_globbed(p) for p in paths)} {target}"
        for target, paths in _by_folder(box, project, service)
    ]
    known = unpublished(box, project, manifest_paths(box, project, service))
    text = text.replace(MANIFEST_LINE, "\n".join([*copied, known]).rstrip() or MANIFEST_LINE)
    return with_volumes(text, project, service)


def _by_folder(box: Toolbox, project: Project, service: Service) -> list[tuple[str, list[str]]]:
    """Manifests inside the project, by the folder of the image that they go to; the go.mod of a folder comes first."""
    folders: dict[str, list[str]] = {}
    for path in manifest_paths(box, project, service):
        if not path.startswith("../") and not path.endswith("vendor/modules.txt"):
            folders.setdefault(posixpath.dirname(path), []).append(path)
    return [(f"./{folder}/" if folder else "./", paths) for folder, paths in folders.items()]


def _globbed(path: str) -> str:
    """`go.sum` → `go.su[m]`: COPY takes a pattern that fits nothing, but no name that is not there."""
    return path if path.endswith("go.mod") else f"{path[:-1]}[{path[-1]}]"


def _below(context: str, folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        if context == "." or folder.startswith(f"{context}/"):
            yield posixpath.relpath(folder, context)


def _ignored(box: Toolbox, project: Project, run: Run) -> str:
    """What the user keeps out of the context, and our own folder, which changes with every mode."""
    root, theirs = Path(project.root), None
    if run.dockerfile is not None:
        theirs = box.files.read_text(root / f"{run.dockerfile}.dockerignore")
    if theirs is None:
        theirs = box.files.read_text(root / run.context / ".dockerignore") or ".git\n"
    # What is built from a Dockerfile of ours never reads devctl.yaml, and an edit of it must not build anything anew. The
    # user's is given what their own `docker build` gives it.
    ours = [CONFIG, *frontend_modules(project)] if run.ours else []
    service = project.service(run.service)
    embedded = taken_back_in(theirs, service.embeds) if run.ours and service is not None else ()
    return "\n".join(
        [theirs.rstrip(), *embedded, *_below(run.context, data_folders(box, project)), *ours, OVERLAY, ""]
    )


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
    return box.files.eventless(Path(project.root)) is not None or known_to_fail(box, project)


def _recipe_files(box: Toolbox, project: Project, run: Run) -> dict[str, str | None]:
    theirs = box.files.read_text(Path(project.root) / run.context / ".air.toml")
    return {**overlay_files(box, project, run), ".air.toml": None if run.ours else theirs}
