"""From a folder to a Project: configuration, compose's model, the Go source and the Dockerfiles, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from devctl.domain.bases import ALPINE, DISTROLESS, golang_ref
from devctl.domain.config import Config
from devctl.domain.detect import detect_go, detect_service
from devctl.domain.envfile import values
from devctl.domain.gofacts import SourceFacts
from devctl.domain.goversion import DEFAULT_GO
from devctl.domain.overlay import BASES_NOTE
from devctl.domain.ports import Toolbox
from devctl.domain.programs import brought, builds_go
from devctl.domain.project import Project, Service
from devctl.errors import FilesError, UsageError
from devctl.workflows.compose_model import compose_name
from devctl.workflows.compose_services import composed_services, dockerfile_at
from devctl.workflows.find import find_compose, find_root
from devctl.workflows.notes import read_note

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
    found = find_compose(box, root)
    folder = found.folder if found is not None else None
    known_model = known.model if known is not None and not known.generated else None
    composed = composed_services(box, root, found, config=config, facts=facts, model=known_model)
    model, services = composed.model, composed.services
    specs = cast("dict[str, Spec]", model["services"])
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
        bases=_bases(config, go, with_c=any(s.needs_c for s in services)),
        mirror=config.bases.mirror,
        owner=box.files.owner(root),
        prod_base=config.prod.base if config.prod.base != "distroless" else None,
        prod_target=config.prod.target,
        watch_also=config.watch.also,
        watch_poll=config.watch.poll,
        replaced=read_note(box, root, BASES_NOTE),
        frontends=facts.frontends,
        compose_dir=folder.relative_to(root).as_posix() if folder is not None else ".",
        compose_files=tuple(path.relative_to(root).as_posix() for path in found.files) if found else (),
        warnings=composed.warnings,
    )


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
    dockerfile = dockerfile_at(box, root, ".", "Dockerfile")
    if dockerfile is not None and not (builds_go(dockerfile) or brought(dockerfile)):
        dockerfile = None
    service = detect_service(
        facts, config=config, compose={"environment": dict(env)}, compose_file=".env", dockerfile=dockerfile
    )
    return replace(service, name=f"{service.name}-go") if service.name in taken else service


def _bases(config: Config, go: str, *, with_c: bool = False) -> dict[str, str]:
    return {
        "golang": config.bases.golang or golang_ref(go, with_c=with_c),
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
