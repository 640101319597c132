"""Build a production image a second time, with every command run again, and compare the programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.reproducible import Twice, compare_builds
from devctl.domain.runs import Run
from devctl.errors import ProjectError
from devctl.workflows.execute import must
from devctl.workflows.steps import Steps

FILE = "size-again.json"
AGAIN = "again.Dockerfile"


def build_twice(
    box: Toolbox, project: Project, runs: Mapping[str, Run], specs: Mapping[str, object]
) -> tuple[Twice, ...]:
    """`runs` by their key in `specs`, the model that their images were just built from."""
    folder = box.files.state_dir(Path(project.root))
    written = [folder / FILE]
    try:
        again = {key: _spec(box, project, run, specs[key], written=written) for key, run in runs.items()}
        text = json.dumps({"name": project.name, "services": again}, indent=1) + "\n"
        box.files.write_atomic(folder / FILE, text, owner=project.owner, mode=0o600)
        with Steps(box).step("build", "a second time, every command again"):
            must(box.compose.build(folder / FILE, list(again)), "build", what="the production image")
        return tuple(_compare(box, project, run) for run in runs.values())
    finally:
        for run in runs.values():
            box.engine.remove_image(_again(run))
        for path in written:
            box.files.remove(path)


def _spec(
    box: Toolbox, project: Project, run: Run, spec: object, *, written: list[Path]
) -> dict[str, object]:
    """The same build from a copy of its Dockerfile, under a tag of its own.

    Not `--no-cache`: that empties the cache mounts too, and compiles the standard library again (a minute instead of
    seconds). An argument with another value each time makes every RUN of a stage run again, and changes nothing else.
    """
    build = _mapping(_mapping(spec)["build"])
    theirs = Path(str(build["dockerfile"]))
    text = box.files.read_text(theirs) or ""
    facts = box.sources.dockerfile_text(text, path=theirs.name, args={})
    lines = text.splitlines(keepends=True)
    for stage in reversed(facts.stages):
        following = [i.line for i in stage.instructions if i.cmd != "FROM"]
        if following:
            lines.insert(following[0] - 1, f"ARG DEVCTL_AGAIN={box.clock.now()}\n")
    ignored = box.files.read_text(theirs.with_name(f"{theirs.name}.dockerignore")) or ""
    for name, content in ((AGAIN, "".join(lines)), (f"{AGAIN}.dockerignore", ignored)):
        written.append(theirs.with_name(name))
        box.files.write_atomic(written[-1], content, owner=project.owner)
    return {
        **_mapping(spec),
        "image": _again(run),
        "build": {**build, "dockerfile": str(theirs.with_name(AGAIN))},
    }


def must_repeat(found: Sequence[Twice], result: dict[str, object], *, text: str) -> None:
    """Raise ProjectError `not-reproducible` with the first reason."""
    bad = next((t for t in found if not t.same), None)
    if bad is None:
        return
    first = bad.reasons[0]
    raise ProjectError(
        f"two builds of {bad.service} give two programs: {first.what}",
        code="not-reproducible",
        hint="stamp what belongs to the commit (its hash, its date), and build with -trimpath -buildvcs=false",
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
    images, root = box.images(), Path(project.root)
    binary = images.read(run.image).binary
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
        dockerfile=None
        if run.dockerfile is None
        else box.sources.dockerfile(root / run.dockerfile, root=root),
    )
