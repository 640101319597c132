"""From a folder to a Project: configuration, compose's model, the Go source and the Dockerfiles, read once."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from devctl.domain.bases import ALPINE, DISTROLESS, golang_ref
from devctl.domain.config import Config
from devctl.domain.detect import detect_go, detect_service, is_go_service
from devctl.domain.envfile import values
from devctl.domain.gofacts import DockerfileFacts, SourceFacts
from devctl.domain.goversion import DEFAULT_GO
from devctl.domain.overlay import BASES_NOTE
from devctl.domain.ports import Toolbox
from devctl.domain.production import prod_stages
from devctl.domain.project import Project, Service
from devctl.domain.published import own_image
from devctl.domain.scaffold import BESIDE
from devctl.domain.stages import chain, find_stage
from devctl.errors import FilesError, UsageError
from devctl.workflows.compose_model import compose_model, compose_name
from devctl.workflows.find import compose_files, compose_folder, find_root
from devctl.workflows.notes import read_note
from devctl.workflows.stage_notes import without_noted

Spec = dict[str, Any]


def load(
    box: Toolbox, given: Path | None, *, lenient: bool = False, same_model_as: Project | None = None
) -> Project:
    """Raises FilesError or UsageError with place and hint. `lenient`: broken files still give a name to ask the engine by.

    `same_model_as`: a project of which no compose file, .env or devctl.yaml changed since; compose is not asked again then.
    """
    root = find_root(box, given)
    try:
        return _load(box, root, same_model_as)
    except (FilesError, UsageError):
        if not lenient:
            raise
        return _nameless(box, root)


def _load(box: Toolbox, root: Path, known: Project | None = None) -> Project:
    config = box.sources.config(root)
    facts = box.sources.go(root)
    folder = compose_folder(box, root)
    if known is not None and not known.generated:
        model = known.model
    else:
        model = compose_model(box, root, folder) if folder is not None else {"services": {}}
    specs = cast("dict[str, Spec]", model.setdefault("services", {}))
    services = _compose_services(box, root, config=config, facts=facts, specs=specs)
    if not services and (published := [name for name, spec in specs.items() if own_image(spec, facts)]):
        services = _published_services(box, root, config=config, facts=facts, specs=specs, names=published)
    generated = not services
    if generated:
        # Without a compose file nobody else says what `.env` is for.
        env = values(box.files.read_text(root / ".env") or "") if folder is None else {}
        service = _own_service(box, root, config=config, facts=facts, taken=frozenset(specs), env=env)
        specs[service.name] = {"build": {"context": str(root)}}
        if env:
            specs[service.name]["environment"] = {k: v.replace("$", "$$") for k, v in env.items()}
        services = (service,)
    module = next(m for m in facts.modules if m.dir == services[0].dir)
    go = str(detect_go(module, config).value)
    return Project(
        root=str(root),
        name=config.name or str(model.get("name") or "") or compose_name(root.name),
        services=services,
        model=model,
        generated=generated,
        go_version=go,
        bases=_bases(config, go),
        mirror=config.bases.mirror,
        owner=box.files.owner(root),
        prod_base=config.prod.base if config.prod.base != "distroless" else None,
        prod_target=config.prod.target,
        watch_also=config.watch.also,
        watch_poll=config.watch.poll,
        replaced=read_note(box, root, BASES_NOTE),
        frontends=facts.frontends,
        compose_dir=folder.relative_to(root).as_posix() if folder is not None else ".",
    )


def _compose_services(
    box: Toolbox, root: Path, *, config: Config, facts: SourceFacts, specs: Mapping[str, Spec]
) -> tuple[Service, ...]:
    found = []
    for name, spec in specs.items():
        context = _inside(root, (spec.get("build") or {}).get("context"))
        if context is None or not is_go_service(spec, facts, context=context):
            continue
        dockerfile = _dockerfile(box, root, context, str(spec["build"].get("dockerfile") or "Dockerfile"))
        if dockerfile is not None and not _builds_go(dockerfile):
            continue
        service = detect_service(
            facts,
            config=config,
            name=name,
            compose=spec,
            compose_file=compose_files(box, root)[-1].relative_to(root).as_posix(),
            dockerfile=dockerfile,
            context=context,
        )
        service = without_noted(box, root, service)
        found.append(_with_theirs(box, root, _with_cache(service, dockerfile), dockerfile))
    return tuple(found)


def _published_services(
    box: Toolbox, root: Path, *, config: Config, facts: SourceFacts, specs: dict[str, Spec], names: list[str]
) -> tuple[Service, ...]:
    """Services that run this repository's own image from a registry: here they are built from the code that lies here."""
    dockerfile = _dockerfile(box, root, ".", "Dockerfile")
    ours = dockerfile is None or not _builds_go(dockerfile)
    found = []
    for name in names:
        service = detect_service(
            facts,
            config=config,
            name=name,
            compose=specs[name],
            compose_file=compose_files(box, root)[-1].relative_to(root).as_posix(),
            dockerfile=None if ours else dockerfile,
        )
        found.append(service)
    return tuple(found)


def _with_theirs(box: Toolbox, root: Path, service: Service, named: DockerfileFacts | None) -> Service:
    """Where `init` put our Dockerfile.dev beside a Dockerfile of the user's, production is still what theirs says."""
    if named is None or posixpath.basename(named.path) != BESIDE or "AIR_GO_IMAGE" not in named.global_args:
        return service
    theirs = _dockerfile(box, root, posixpath.dirname(named.path), "Dockerfile")
    if theirs is None or "AIR_GO_IMAGE" in theirs.global_args or not _builds_go(theirs):
        return service
    stages = prod_stages(theirs)
    return replace(service, prod_dockerfile=theirs.path, prod_stages=stages) if stages else service


def _own_service(
    box: Toolbox,
    root: Path,
    *,
    config: Config,
    facts: SourceFacts,
    taken: frozenset[str],
    env: Mapping[str, str],
) -> Service:
    """The service of a project whose compose file has none built from Go, or that has no compose file."""
    dockerfile = _dockerfile(box, root, ".", "Dockerfile")
    if dockerfile is not None and not _builds_go(dockerfile):
        dockerfile = None
    service = detect_service(
        facts, config=config, compose={"environment": dict(env)}, compose_file=".env", dockerfile=dockerfile
    )
    return replace(service, name=f"{service.name}-go") if service.name in taken else service


def _dockerfile(box: Toolbox, root: Path, context: str, name: str) -> DockerfileFacts | None:
    path = Path(name) if Path(name).is_absolute() else root / context / name
    return box.sources.dockerfile(path, root=root) if box.files.exists(path) else None


def _builds_go(facts: DockerfileFacts) -> bool:
    return any(
        "golang" in s.base or any("go build" in i.original for i in s.instructions) for s in facts.stages
    )


def _with_cache(service: Service, facts: DockerfileFacts | None) -> Service:
    """Whether the dev stage keeps its build cache where ours does: then the volume may be the shared one."""
    stage = find_stage(facts, service.dev_stage) if facts is not None and service.dev_stage else None
    if facts is None or stage is None:
        return service
    said = [i.original for s in chain(facts, stage) for i in s.instructions if i.cmd == "ENV"]
    return replace(service, shares_cache=any("GOCACHE=/cache/" in text for text in said))


def _inside(root: Path, context: object) -> str | None:
    """The build context relative to the project, None where it is a URL or lies elsewhere."""
    if not isinstance(context, str) or "://" in context:
        return None
    path = Path(posixpath.normpath(posixpath.join(root.as_posix(), context)))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else None


def _bases(config: Config, go: str) -> dict[str, str]:
    return {
        "golang": config.bases.golang or golang_ref(go),
        "air": golang_ref(DEFAULT_GO),
        "distroless": config.bases.distroless or DISTROLESS,
        "alpine": config.bases.alpine or ALPINE,
    }


def _nameless(box: Toolbox, root: Path) -> Project:
    """Enough to look at the engine and to end what runs, when the files say nothing that can be understood."""
    try:
        name = box.sources.config(root).name
    except FilesError:
        name = None
    return Project(
        root=str(root),
        name=name or compose_name(root.name),
        services=(),
        model={"services": {}},
        generated=True,
        go_version=DEFAULT_GO,
        bases=_bases(Config(), DEFAULT_GO),
        mirror=None,
        owner=box.files.owner(root),
    )
