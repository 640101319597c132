"""Builds a production image a second time, running every command again, and compares the programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.recipe import Recipe, Recipes, run_again
from devctl.domain.dockerfile.stages import find_stage, needed_by
from devctl.domain.plan.render import without_names
from devctl.domain.plan.run import Run, start_of
from devctl.domain.ports.host import Clock
from devctl.domain.ports.identity import Identity
from devctl.domain.ports.toolbox import Sources, Toolbox
from devctl.domain.project.model import Project
from devctl.domain.size.reproducible import Twice, compare_builds
from devctl.errors import ProjectError
from devctl.workflows.engine.execute import must
from devctl.workflows.project.users_dockerfile import written_dockerfile
from devctl.workflows.session.steps import Steps


def build_twice(
    box: Toolbox, project: Project, runs: Mapping[str, Run], built: Mapping[str, object], recipes: Recipes
) -> tuple[Twice, ...]:
    """`runs` by their key in the services of `built`, the model that their images were just built from with `recipes`."""
    try:
        specs = _mapping(built["services"])
        again = {key: _spec(box.identity, run, specs[key]) for key, run in runs.items()}
        with Steps(box.reporter, box.clock).step("build", "second build, from scratch"):
            done = box.compose.build(
                project.root,
                {**built, "services": again},
                list(again),
                recipes={key: _anew(box.sources, box.clock, recipes[key]) for key in again},
            )
            must(done, "build", what="the production image")
        return tuple(_compare(box, project, run) for run in runs.values())
    finally:
        for run in runs.values():
            box.engine.remove_image(_again(run))


def _spec(identity: Identity, run: Run, spec: object) -> dict[str, object]:
    """The same build under a separate tag."""
    build = without_names(_mapping(_mapping(spec)["build"]))
    labels = {**_mapping(build["labels"]), **identity.temporary()}
    return {**_mapping(spec), "image": _again(run), "build": {**build, "labels": labels}}


def _anew(sources: Sources, clock: Clock, recipe: Recipe) -> Recipe:
    """The recipe with every command of every stage run again."""
    facts = sources.dockerfile_text(recipe.dockerfile, path="Dockerfile", args={})
    following = ([i.line for i in stage.instructions if i.cmd != "FROM"] for stage in facts.stages)
    return run_again(recipe, [lines[0] for lines in following if lines], f"{clock.now()}")


def must_repeat(found: Sequence[Twice], result: dict[str, object], *, text: str) -> None:
    """Raise ProjectError `not-reproducible` with the first reason."""
    bad = next((t for t in found if not t.same), None)
    if bad is None:
        return
    first = bad.reasons[0]
    raise ProjectError(
        f"two builds of {bad.service} produce different binaries: {first.what}",
        code="not-reproducible",
        hint="embed only what belongs to the commit (its hash, its date), and build with -trimpath -buildvcs=false",
        place=first.place,
        detail=text,
        result=result,
    )


def _again(run: Run) -> str:
    return f"{run.image}-again"


def _mapping(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return dict(value)


def _compare(box: Toolbox, project: Project, run: Run) -> Twice:
    images = box.images()
    service = project.service(run.service)
    binary = images.read(run.image, start=start_of(service, run) if service is not None else ((), ())).program
    if binary is None:
        raise ProjectError(
            f"there is no program in {run.image}", code="file-missing", hint="devctl prod-preview says why"
        )
    return compare_builds(
        run.service,
        run.base or "",
        binary.path,
        one=images.binary(run.image, binary.path),
        other=images.binary(_again(run), binary.path),
        dockerfile=_built(written_dockerfile(box.sources, project, run), run)
        if run.dockerfile is not None
        else None,
    )


def _built(facts: DockerfileFacts, run: Run) -> DockerfileFacts:
    """Without the stages that the target stage does not need, such as the reloader's."""
    stage = find_stage(facts, run.stage)
    return facts if stage is None else replace(facts, stages=needed_by(facts, stage))
