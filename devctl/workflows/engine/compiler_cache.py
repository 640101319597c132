"""The volume that dev containers compile in. A new one starts with the standard library as compiled by the image's build: the
air stage compiles it anyway, and the first build in the container need not do so again (docs/decisions/0022-compiled-once.md)."""

from __future__ import annotations

from devctl.domain.command.argv import docker, mount
from devctl.domain.command.events import Remark
from devctl.domain.plan.digest import digest
from devctl.domain.plan.engine_state import CACHE_LABEL, MACHINE_LABEL, ROOT_LABEL
from devctl.domain.plan.render import CACHE_KEY, CACHE_TARGET, without_names
from devctl.domain.plan.run import Run, image_ref
from devctl.domain.ports.toolbox import Sources, Toolbox
from devctl.workflows.engine.network_holder import temporary
from devctl.workflows.session.session import Session
from devctl.workflows.session.steps import Steps

WITHIN = 300.0
_STAGES = ("std", "devctl-std")
_COMPILES = f"GOCACHE={CACHE_TARGET}/go-build "
"""In a stage whose compiled packages are where the volume has them."""
_OWN = """
[ -z "$1" ] || chown -hR "$1" /cache/go-build
find /cache/go-build -type f -exec touch {} +
"""
"""Go removes what was not used for five days, and records a use only in files of its own user."""


def ensure_cache(box: Toolbox, session: Session, steps: Steps) -> None:
    """Create the volume if it does not exist, and fill it. Called when the images have been built: their std stage is then in
    the builder's cache. If it cannot be filled, the first build in a container compiles it."""
    if CACHE_KEY not in session.model.get("volumes", {}):
        return
    project = session.project
    if project.cache_volume in box.engine.names("volume"):
        return
    labels = {CACHE_LABEL: "go-build", MACHINE_LABEL: project.machine}
    labels |= {ROOT_LABEL: str(project.root)} if project.own_cache else {}
    box.engine.ensure_volume(project.cache_volume, labels)
    found = next(
        ((run, stage) for run in session.runs if (stage := _std_stage(box.sources, session, run))), None
    )
    if found is not None:
        run, stage = found
        with steps.step("cache", "the compiled standard library, for the first build", service=run.service):
            filled = _fill(box, session, run, stage)
        if not filled:
            box.reporter.emit(
                Remark(
                    "  that failed, but does no harm: the first build in the container compiles it instead"
                )
            )


def _std_stage(sources: Sources, session: Session, run: Run) -> str | None:
    """The stage that compiles the standard library into the volume's path: devctl's own, also as written by `init`."""
    if run.mode != "dev" or not any(w.service == run.service for w in session.wanted):
        return None
    text = session.recipes[run.service].dockerfile
    stages = sources.dockerfile_text(text, path="Dockerfile", args={}).stages
    return next(
        (
            s.name
            for s in stages
            if s.name in _STAGES and any(_COMPILES in i.original for i in s.instructions)
        ),
        None,
    )


def _fill(box: Toolbox, session: Session, run: Run, stage: str) -> bool:
    """Whether that succeeded. When a container is created, the engine copies what its image has at the path of a new volume.
    The image exists only for that moment, under a unique name; its layer stays in the builder's cache."""
    labels = dict(box.identity.temporary())
    name, word = session.project.name, digest(sorted(labels.values()))[:12]
    image = image_ref(name, run.service, f"devctl-std-{word}")
    given = without_names(session.model["services"][run.service]["build"])
    spec = {"image": image, "build": {**given, "target": stage, "labels": labels}}
    model = {**session.model, "services": {run.service: spec}}
    recipes = {run.service: session.recipes[run.service]}
    try:
        if box.compose.build(session.root, model, [run.service], recipes=recipes).code != 0:
            return False
        flags = ["--rm", "--network=none", "--user=0:0", "--entrypoint=sh", *temporary(box.identity, name)]
        flags += [mount("volume", session.project.cache_volume, CACHE_TARGET)]
        argv = docker("run", *flags, to=[image, "-c", _OWN, "sh", run.user or ""])
        return box.processes.run(argv, timeout=WITHIN).code == 0
    finally:
        box.engine.remove_image(image, keep_cache=True)
