"""From a folder to a Project: configuration, compose's model, the Go source and the Dockerfiles, read once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from devctl.domain.bases.references import golang_ref
from devctl.domain.compose.env_file import values
from devctl.domain.compose.file_names import named_otherwise
from devctl.domain.compose.host_ports import moved
from devctl.domain.compose.refusals import refuse_reserved
from devctl.domain.detect.service import detect_go, detect_service
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.go_build_lines import GO_VARIABLES
from devctl.domain.dockerfile.purpose import brought, builds_go, for_dev, is_dockerfile
from devctl.domain.dockerfile.runtime_bases import DEFAULT_BASE, IMAGES
from devctl.domain.go.facts import SourceFacts
from devctl.domain.go.versions import DEFAULT_GO
from devctl.domain.plan.engine_state import (
    COMPOSE_PROJECT_LABEL,
    MACHINE_LABEL,
    PROJECT_LABEL,
    WORKING_DIR_LABEL,
)
from devctl.domain.plan.render import CACHE_SCOPE
from devctl.domain.ports.files import Files
from devctl.domain.ports.host import Host
from devctl.domain.ports.toolbox import Sources, Toolbox
from devctl.domain.project.compose_inputs import ComposeInputs
from devctl.domain.project.compose_model import OwnSpec
from devctl.domain.project.config import CONFIG_FILE, Config
from devctl.domain.project.model import Project, Service
from devctl.domain.project.private_notes import BuildersNote
from devctl.errors import FilesError, Problem, UsageError
from devctl.workflows.project.approved_inputs import (
    Approved,
    asked_by_a_person,
    asked_by_itself,
    refuse_what_waits,
)
from devctl.workflows.project.compose_inputs import read_inputs
from devctl.workflows.project.compose_model import compose_name, compose_place, not_used_for_development
from devctl.workflows.project.find import (
    FOLDERS,
    ComposeFiles,
    find_compose,
    find_root,
    named,
    places_from,
)
from devctl.workflows.project.go_services import composed_services, dockerfile_at
from devctl.workflows.project.users_air import air_in, with_users_air


def load(
    box: Toolbox,
    given: Path | None,
    *,
    lenient: bool = False,
    unattended: bool = False,
    known: Project | None = None,
) -> Project:
    """Raises FilesError or UsageError with place and hint. `lenient`: broken files still yield a name to query the engine
    with.

    `unattended`: nobody looks at what the files say now, so compose gets the texts that were read, and from the host only what
    a person's command let in; raises HeldBack if that is not all they need. `known`: the project as this process knew it;
    those of its inputs that have not changed are reused.
    """
    root = find_root(box.files, box.host, given)
    try:
        with places_from(lambda: root):
            return _load(box, root, unattended=unattended, known=known, lenient=lenient)
    except (FilesError, UsageError) as error:
        if not lenient:
            raise
        box.reporter.warn(error.problem)
        return _nameless(box, root)


def _load(box: Toolbox, root: Path, *, unattended: bool, known: Project | None, lenient: bool) -> Project:
    config = box.sources.config(root)
    _refuse_folders(box.files, box.sources, root, config)
    facts = box.sources.go(root)
    found = find_compose(box.files, box.host, root)
    paths = found.files if found is not None else ()
    place = compose_place(box.sources, root, paths)
    folder = found.folder if found is not None else None
    inputs, ask = _inputs(box, root, found, unattended=unattended, known=known, lenient=lenient)
    composed = composed_services(box, root, found, config=config, facts=facts, ask=ask)
    model = composed.model
    refuse_reserved(model, place=place)
    specs = cast("dict[str, OwnSpec]", model["services"])
    _move_ports(specs, config, ours={s.name for s in composed.services})
    # Without a compose file nothing else says what `.env` is for.
    env = values(inputs.beside.get(str(root / ".env")) or "") if folder is None else {}
    services = composed.services
    if not services and not composed.as_written:
        services = (
            _own_service(box.files, box.sources, root, config=config, facts=facts, specs=specs, env=env),
        )
    services = tuple(_with_shell(box.host, service) for service in services)
    services, of_air = with_users_air(box.files, root, services)
    module = next(m for m in facts.modules if not services or m.dir == services[0].source.dir)
    go = str(detect_go(module, config).value)
    return Project(
        root=root,
        name=config.name or str(model.get("name") or "") or compose_name(root.name),
        services=services,
        model=model,
        generated=not composed.services and not composed.as_written,
        go_version=go,
        bases=_bases(config, go, with_c=any(s.needs_debian for s in services)),
        mirror=config.bases.mirror,
        owner=box.files.owner(root),
        folder=box.files.identity(root),
        prod_base=config.prod.base if config.prod.base != DEFAULT_BASE else None,
        prod_target=config.prod.target,
        watch_also=config.watch.also,
        watch_poll=config.watch.poll,
        watch_alert=config.watch.alert,
        left_out_builders=box.private.note(root, BuildersNote).left_out,
        compose_dir=named(root, folder) if folder is not None else ".",
        compose_files=tuple(named(root, path) for path in paths),
        warnings=(
            *composed.warnings,
            *of_air,
            *(_of_compose_files(box.files, box.sources, root, found) if found else ()),
        ),
        machine=box.identity.machine,
        cache_scope=box.identity.cache_scope(root),
        build_cache=box.host.env(CACHE_SCOPE) or box.identity.cache_scope(root),
        own_cache=config.cache == "project",
        inputs=inputs,
        place=place,
        source=facts,
    )


def _inputs(
    box: Toolbox,
    root: Path,
    found: ComposeFiles | None,
    *,
    unattended: bool,
    known: Project | None,
    lenient: bool,
) -> tuple[ComposeInputs, Callable[[bool], dict[str, object]]]:
    """What the files say, and how compose is called to make a model of it."""
    if not unattended:
        inputs = read_inputs(box, root, found)
        return inputs, partial(asked_by_a_person, box, root, found, inputs)
    approved = box.private.note(root, Approved)
    inputs = read_inputs(box, root, found, outside=approved.files)
    if found is None and not lenient:
        refuse_what_waits(inputs)
    before = known.inputs if known is not None else None
    return inputs, asked_by_itself(box, root, inputs, approved=approved, known=before, lenient=lenient)


def _of_compose_files(files: Files, sources: Sources, root: Path, found: ComposeFiles) -> Iterator[Problem]:
    """One that compose itself would not find, and one for development that it does not use."""
    if found.by_us:
        yield named_otherwise(named(root, found.files[-1]))
    other = not_used_for_development(files, sources, root, found)
    if other is not None:
        yield other


def _move_ports(specs: dict[str, OwnSpec], config: Config, *, ours: Collection[str]) -> None:
    """`host_port` of a dependency; that of a Go service applies to the port that it listens on (domain/plan/render.py)."""
    for name, said in config.services.items():
        if said.host_port is not None and name in specs and name not in ours:
            specs[name]["ports"] = moved(specs[name].get("ports") or [], said.host_port)


def _with_shell(host: Host, service: Service) -> Service:
    """What the caller's shell says about builds applies if no file says otherwise: `GOWORK=off devctl up`."""
    said = {name: value for name in GO_VARIABLES if (value := host.env(name))}
    return service.with_build(env={**said, **service.build.env}) if said else service


def _refuse_folders(files: Files, sources: Sources, root: Path, config: Config) -> None:
    """What is watched is compared by content: a folder has none, and would never trigger."""
    for index, path in enumerate(config.watch.also):
        if files.is_dir(root / path):
            line = sources.positions(root / CONFIG_FILE)(("watch", "also", index))
            raise FilesError(
                f"`watch.also` contains the folder {path}, but only files can be watched",
                code="broken-config",
                hint=f"list the files in {path} that the dependencies are built from",
                place=f"{CONFIG_FILE}:{line}" if line is not None else CONFIG_FILE,
            )


def _own_service(
    files: Files,
    sources: Sources,
    root: Path,
    *,
    config: Config,
    facts: SourceFacts,
    specs: dict[str, OwnSpec],
    env: Mapping[str, str],
) -> Service:
    """The service of a project whose compose file has none built from Go, or that has no compose file; written into `specs`."""
    dockerfile = _dockerfile_of_the_repository(files, sources, root, facts)
    said = next(iter(config.services.values()), None)
    air, _ = air_in(files, root, ((said.dir if said is not None else None) or ".", "."))
    service = detect_service(
        facts,
        config=config,
        air=air,
        compose={"environment": dict(env)},
        compose_file=".env",
        dockerfile=dockerfile,
        is_folder=lambda path: files.is_dir(root / path),
    )
    service = replace(service, name=f"{service.name}-go") if service.name in specs else service
    build = {"context": str(root)}
    if service.build.dockerfile not in (None, "Dockerfile"):
        build["dockerfile"] = str(service.build.dockerfile)
    specs[service.name] = {"build": build, **({"environment": dict(env)} if env else {})}
    return service


def _dockerfile_of_the_repository(
    files: Files, sources: Sources, root: Path, facts: SourceFacts
) -> DockerfileFacts | None:
    """The one beside the code; else the only one for production that is where a compose file or a main package may be, and is
    built from the root: `docker build -f build/Dockerfile .`"""
    mains = [p.dir for m in facts.modules for p in m.packages if p.name == "main" and p.has_main]
    elsewhere = dict.fromkeys(("build/package", *FOLDERS, *mains))
    found = [dockerfile_at(files, sources, root, ".", "Dockerfile")]
    for folder in elsewhere if found == [None] else ():
        path = root / folder
        if folder != "." and not files.exists(path / "go.mod") and files.is_dir(path):
            names = [n for n in files.names(path) if is_dockerfile(n) and not for_dev(f"{folder}/{n}")]
            found += [_readable(files, sources, root, f"{folder}/{name}") for name in names]
    usable = [one for one in found if one is not None and (builds_go(one) or brought(one))]
    return usable[0] if len(usable) == 1 else None


def _readable(files: Files, sources: Sources, root: Path, name: str) -> DockerfileFacts | None:
    """A Dockerfile that nothing names; None for a template, and for what is only named like one."""
    try:
        return dockerfile_at(files, sources, root, ".", name)
    except FilesError:
        return None


def _bases(config: Config, go: str, *, with_c: bool = False) -> dict[str, str]:
    return {
        "golang": config.bases.golang or golang_ref(go, with_c=with_c),
        "air": golang_ref(DEFAULT_GO),
        **{name: config.bases.runtime(name) or image for name, image in IMAGES.items()},
    }


def _nameless(box: Toolbox, root: Path) -> Project:
    """Enough to look at the engine and to stop what runs, if the files cannot be understood."""
    try:
        name = box.sources.config(root).name
    except FilesError:
        name = None
    return Project(
        root=root,
        name=name or _name_of_what_runs(box, root) or compose_name(root.name),
        services=(),
        model={"services": {}},
        generated=True,
        go_version=DEFAULT_GO,
        bases=_bases(Config(), DEFAULT_GO),
        mirror=None,
        owner=box.files.owner(root),
        folder=box.files.identity(root),
        machine=box.identity.machine,
    )


def _name_of_what_runs(box: Toolbox, root: Path) -> str | None:
    """A broken compose file may have had a `name`: its containers still know it."""
    of_folder = (
        c.labels.get(COMPOSE_PROJECT_LABEL)
        for c in box.engine.labelled("container", PROJECT_LABEL)
        if c.labels.get(WORKING_DIR_LABEL) == str(root)
        and c.labels.get(MACHINE_LABEL) == box.identity.machine
    )
    names = set(of_folder)
    return names.pop() if len(names) == 1 else None
