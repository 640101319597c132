"""A job that is built here: built again when its source changed, run again when that made another image."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from devctl.domain.plan.engine_state import Container, Image, Observed
from devctl.domain.plan.planner import Dependency
from devctl.domain.project.private_notes import JobsNote
from devctl.workflows.session.jobs import done_as_built, note_built, waiting_for_none_of, with_source

ROOT = Path("/shop")
MODEL = {"services": {"migrate": {"build": {"context": "/shop"}}, "db": {}}}
JOB = Dependency("migrate", image="shop-migrate", job=True)


class Folder:
    """A project whose tree has the fingerprint `tree`, and what is noted of it."""

    def __init__(self) -> None:
        self.tree_now: str | None = "t1"
        self.kept = JobsNote()
        self.texts = {"/shop/.dockerignore": "bin\n!bin/keep", "/shop/Dockerfile": "FROM alpine"}

    def read_text(self, path: Path, *, within: Path | None) -> str | None:
        return self.texts.get(str(path))

    def tree(self, root: Path, *, without: list[str]) -> str | None:
        assert (root, without[-1]) == (ROOT, ".devctl") and "bin" in without
        return self.tree_now

    def note(self, root: Path, kind: type[JobsNote]) -> JobsNote:
        return self.kept

    def keep(self, root: Path, note: JobsNote) -> None:
        self.kept = note


def seen(folder: Folder, model: Any = MODEL) -> Dependency:
    box = cast("Any", SimpleNamespace(files=folder, private=folder))
    job, database = with_source(box.files, box.private, ROOT, model, (JOB, Dependency("db")))
    assert database == Dependency("db")
    return job


def test_a_job_changed_where_its_folder_or_its_build_did() -> None:
    folder = Folder()
    box = cast("Any", SimpleNamespace(files=folder, private=folder))
    assert seen(folder).changed
    note_built(box.private, ROOT, seen(folder))
    assert not seen(folder).changed
    assert seen(folder, {"services": {"migrate": {"build": {"context": "/shop", "target": "x"}}}}).changed
    folder.tree_now = "t2"
    assert seen(folder).changed


def test_a_job_changed_where_its_dockerfile_did_which_the_context_may_lack() -> None:
    """Whether .dockerignore names it, or it is outside."""
    folder = Folder()
    outside = {"services": {"migrate": {"build": {"context": "/shop", "dockerfile": "../docker/job"}}}}
    for model, path in ((MODEL, "/shop/Dockerfile"), (outside, "/shop/../docker/job")):
        note_built(cast("Any", folder), ROOT, seen(folder, model))
        assert not seen(folder, model).changed
        folder.texts[path] = "FROM alpine:3.22"
        assert seen(folder, model).changed
    several = {"context": "/shop", "additional_contexts": {"lib": "/lib"}}
    assert seen(folder, {"services": {"migrate": {"build": several}}}).source is None


def test_what_cannot_be_told_counts_as_changed() -> None:
    folder = Folder()
    box = cast("Any", SimpleNamespace(files=folder, private=folder))
    note_built(box.private, ROOT, seen(folder))
    folder.tree_now = None
    assert seen(folder).changed
    note_built(box.private, ROOT, seen(folder))
    folder.tree_now = "t1"
    assert seen(folder).changed  # what was built in between is not known


def test_a_job_runs_again_only_by_another_image() -> None:
    def container(code: int) -> Container:
        return Container(
            id="c", name="migrate", service="migrate", state="exited", health="none", exit_code=code,
            image="shop-migrate", image_id="sha256:1",
        )  # fmt: skip

    def left(code: int, image: str) -> frozenset[str]:
        engine = SimpleNamespace(images=lambda refs: {ref: Image(image) for ref in refs})
        return done_as_built(
            cast("Any", SimpleNamespace(engine=engine)).engine, [JOB], Observed((container(code),))
        )

    assert left(0, "sha256:1") == {"migrate"}
    assert left(0, "sha256:2") == left(3, "sha256:1") == frozenset()


def test_nobody_waits_for_what_is_done_and_everybody_for_the_rest() -> None:
    waits = {
        "migrate": {"condition": "service_completed_successfully"},
        "db": {"condition": "service_healthy"},
    }
    model = {
        "name": "shop",
        "services": {"api": {"depends_on": waits, "image": "a"}, "db": {}, "migrate": {"image": "m"}},
    }
    left = waiting_for_none_of(model, frozenset({"migrate"}))
    assert left["services"]["api"] == {"depends_on": {"db": waits["db"]}, "image": "a"}
    assert {**left, "services": None} == {**model, "services": None}
    assert left["services"]["db"] == {} and left["services"]["migrate"] == {"image": "m"}
