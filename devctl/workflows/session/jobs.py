"""Jobs that are built here: finished ones are rebuilt if their source changed, and run again if that produced another image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from devctl.domain.plan.digest import digest
from devctl.domain.plan.engine_state import Observed
from devctl.domain.plan.planner import Dependency, is_done
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.ports.private_state import PrivateState
from devctl.domain.project.compose_model import Model
from devctl.domain.project.private_notes import JobsNote
from devctl.domain.project.state_folder import STATE_FOLDER
from devctl.errors import MachineError


def with_source(
    files: Files,
    private: PrivateState,
    root: Path,
    model: Model,
    dependencies: Sequence[Dependency],
) -> tuple[Dependency, ...]:
    """What each job is built from now, and whether that is what it was built from."""
    known = private.note(root, JobsNote).built if any(d.job for d in dependencies) else {}
    return tuple(_of(files, d, model, known.get(d.name)) if d.job and d.image else d for d in dependencies)


def _of(files: Files, job: Dependency, model: Model, known: str | None) -> Dependency:
    source = _source(files, model["services"][job.name]["build"])
    return replace(job, source=source, changed=source is None or source != known)


def _source(files: Files, build: Mapping[str, Any]) -> str | None:
    """None if it cannot be determined: an address, more than one folder, one with too many files, or one that has just
    changed."""
    context = Path(str(build.get("context") or ""))
    if not context.is_absolute() or build.get("additional_contexts"):
        return None
    # The Dockerfile may be elsewhere, and if it is in the context .dockerignore often excludes it.
    path = context / str(build.get("dockerfile") or "Dockerfile")
    dockerfile = files.read_text(path, within=None)
    ignored = files.read_text(path.with_name(f"{path.name}.dockerignore"), within=None)
    if ignored is None:
        ignored = files.read_text(context / ".dockerignore", within=None) or ""
    tree = files.tree(context, without=[".git", *ignored.split("\n"), STATE_FOLDER])
    return digest(tree, build, dockerfile) if tree is not None else None


def note_built(private: PrivateState, root: Path, job: Dependency) -> None:
    """`source` is that of before the build: an edit made meanwhile counts as a change."""
    built = {k: v for k, v in private.note(root, JobsNote).built.items() if k != job.name}
    with suppress(MachineError):  # no home to write to: it is rebuilt next time
        private.keep(root, JobsNote({**built, job.name: job.source} if job.source else built))


def done_as_built(engine: Engine, dependencies: Iterable[Dependency], observed: Observed) -> frozenset[str]:
    """The jobs that are done with their current image: they are not run again."""
    jobs = {d.name: d.image for d in dependencies if d.image and is_done(d, observed.of(d.name))}
    now = engine.images(list(jobs.values())) if jobs else {}
    ran = {name: found.image_id for name in jobs if (found := observed.of(name)) is not None}
    return frozenset(name for name, ref in jobs.items() if ref in now and now[ref].id == ran.get(name))


def waiting_for_none_of(model: Model, done: frozenset[str]) -> dict[str, Any]:
    """Compose would run finished jobs again; for everything else the conditions apply."""
    specs = {
        name: {
            **spec,
            "depends_on": {on: how for on, how in spec["depends_on"].items() if on not in done},
        }
        if spec.get("depends_on")
        else spec
        for name, spec in model["services"].items()
    }
    return {**model, "services": specs}
