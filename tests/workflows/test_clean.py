"""What `clean` and `doctor --fix` may judge: only what this machine made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from devctl.domain.command.requests import CleanRequest, UpRequest
from devctl.domain.plan.engine_state import (
    CACHE_LABEL,
    MACHINE_LABEL,
    PROJECT_LABEL,
    ROOT_LABEL,
    SERVICE_LABEL,
    TEMPORARY_LABEL,
    WORKING_DIR_LABEL,
    Container,
    Kind,
    Labelled,
    Observed,
)
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import FilesError, MachineError
from devctl.workflows.dev import lifecycle
from devctl.workflows.doctor.clean import clean, unneeded
from devctl.workflows.project.load import load
from devctl.workflows.screen import foreground
from devctl.workflows.session.made_here import abandoned_containers
from devctl.workflows.session.name_conflict import only_own, refuse_anothers
from tests.failures.samples import told_by
from tests.fakes import ROOT, FakeFiles, World

GONE = "/home/dev/not-there"
HERE = {MACHINE_LABEL: "here"}
ELSEWHERE = {MACHINE_LABEL: "elsewhere"}


def of_gone_folder(kind: Kind, **labels: str) -> Labelled:
    said = {PROJECT_LABEL: "old", (ROOT_LABEL if kind == "image" else WORKING_DIR_LABEL): GONE}
    return Labelled(kind, f"{kind}-id", f"old-{kind}", {**said, **labels})


def everything(machine: dict[str, str]) -> list[Labelled]:
    cache = Labelled("volume", "v", "cache", {CACHE_LABEL: "go-build", ROOT_LABEL: GONE, **machine})
    kinds: tuple[Kind, ...] = ("container", "image", "network")
    return [*(replace(t, labels={**t.labels, **machine}) for t in map(of_gone_folder, kinds)), cache]


@pytest.mark.follows("devctl clean; docker system df shows what takes up space")
def test_what_this_machine_made_for_a_folder_that_is_gone_goes(hinted: Callable[[str], str]) -> None:
    hinted(told_by("disk-full-1"))
    world = World()
    world.others = everything(HERE)
    removed = clean(CleanRequest(project=ROOT), world.box()).result["removed"]
    assert [r["kind"] for r in removed] == ["container", "network", "image", "volume"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("machine", [ELSEWHERE, {}], ids=["another machine", "an older devctl"])
def test_what_it_did_not_make_is_never_judged(machine: dict[str, str]) -> None:
    world = World()
    world.others = [
        *everything(machine),
        replace(
            of_gone_folder("container"), labels={**of_gone_folder("container").labels, **machine}, in_use=True
        ),
        Labelled("container", "t", "holder", {PROJECT_LABEL: "old", TEMPORARY_LABEL: "9-9", **machine}),
        # Of a project with the same name as the one of the current folder.
        Labelled("image", "sha256:1", "sha256:1", {PROJECT_LABEL: "shop", ROOT_LABEL: GONE, **machine}),
    ]
    before = list(world.others)
    box = world.box()
    project = load(box, ROOT)
    assert unneeded(box, project) == [] == abandoned_containers(box)
    outcome = clean(CleanRequest(project=ROOT, caches=True, yes=True), box)
    assert (outcome.result["removed"], world.others) == ([], before)
    assert ("created by an older devctl" in outcome.text) is (not machine)


def test_an_image_that_somebody_builds_on_ours_has_its_labels_and_stays() -> None:
    world = World()
    theirs = of_gone_folder("image", **HERE, **{SERVICE_LABEL: "app"})
    world.others = [
        replace(theirs, id=f"sha256:{name}", name=name)
        for name in ("team/app:release", "old-app2:x", "old-app:prod-alpine")
    ]
    clean(CleanRequest(project=ROOT), world.box())
    assert [thing.name for thing in world.others] == ["team/app:release", "old-app2:x"]


@pytest.mark.parametrize("runs", [True, False])
def test_a_container_that_somebody_starts_of_an_image_of_devctls_stays(*, runs: bool) -> None:
    labels = {PROJECT_LABEL: "old", ROOT_LABEL: GONE, SERVICE_LABEL: "app", **HERE}
    world = World()
    world.others = [Labelled("container", "c", "by-hand", labels, in_use=runs)]
    clean(CleanRequest(project=ROOT), world.box())
    assert world.others and abandoned_containers(world.box()) == []


def test_what_a_killed_command_left_goes_and_what_runs_stays() -> None:
    world = World()
    kinds: tuple[Kind, ...] = ("container", "image")
    for kind in kinds:
        for mark in ("1-1", "9-9"):
            labels = {PROJECT_LABEL: "shop", TEMPORARY_LABEL: mark, **HERE}
            world.others.append(Labelled(kind, f"{kind}{mark}", f"{kind}-{mark}", labels, in_use=True))
    clean(CleanRequest(project=ROOT), world.box())
    assert [t.name for t in world.others] == ["container-1-1", "image-1-1"]


def container(root: str, machine: str | None) -> Container:
    labels = {WORKING_DIR_LABEL: root, **({MACHINE_LABEL: machine} if machine else {})}
    return Container(
        "c", "shop-app-1", "app", "running", "none", 0, "shop-app:dev", "sha256:1", labels=labels
    )


@pytest.mark.parametrize(
    ("root", "machine", "ours"),
    [
        (str(ROOT), "here", True),
        (
            str(ROOT),
            "elsewhere",
            True,
        ),  # the words of this machine were lost: what runs is still this folder's
        (str(ROOT), None, True),
        (GONE, "here", True),  # moved
        (GONE, None, True),
        (GONE, "elsewhere", False),
    ],
)
def test_whose_containers_of_one_name_are(root: str, machine: str | None, *, ours: bool) -> None:
    world = World()
    project = load(world.box(), ROOT)
    observed = Observed(containers=(container(root, machine),))
    assert bool(only_own(world.box().files, project, observed).containers) is ours
    if ours:
        refuse_anothers(world.box().files, project, observed)
    else:
        with pytest.raises(MachineError) as caught:
            refuse_anothers(world.box().files, project, observed)
        assert caught.value.code == "project-name-taken" and "another machine" in str(caught.value)
        assert Path(root).name in str(caught.value)


def test_a_folder_of_a_killed_demo_goes_with_what_runs_there() -> None:
    world = World()
    box = world.box()
    lifecycle.up(UpRequest(project=ROOT, detach=True, watch=False), box)
    world.temporary_folders[ROOT] = "9-9"
    clean(CleanRequest(project=ROOT), box)
    assert world.containers and world.temporary_folders, "somebody stands in it"
    plan = clean(CleanRequest(dry_run=True), elsewhere(world)).result["plan"]
    assert any(str(ROOT) in step["cause"] for step in plan)  # type: ignore[attr-defined]
    assert world.containers, "a plan removes nothing"
    removed = clean(CleanRequest(), elsewhere(world)).result["removed"]
    assert {"kind": "folder", "name": str(ROOT)} in removed  # type: ignore[operator]
    assert not world.containers and not world.temporary_folders


def elsewhere(world: World) -> Toolbox:
    """Called where no project is."""
    box = world.box()
    box.host.cwd = lambda: Path("/")  # type: ignore[method-assign]
    return box


@pytest.mark.follows("devctl clean removes what is left; devctl up in the new folder starts it there")
def test_an_up_whose_folder_was_removed_fails_with_that_reason_and_clean_removes_the_rest(
    monkeypatch: pytest.MonkeyPatch, hinted: Callable[[str], str]
) -> None:
    world = World()
    box = world.box()
    request = UpRequest(project=ROOT, watch=False)
    lifecycle.up(UpRequest(project=ROOT, detach=True, watch=False), box)
    project = load(box, ROOT)
    monkeypatch.setattr(FakeFiles, "gone", lambda self, path: True)
    with pytest.raises(FilesError) as caught:
        foreground._stop(request, box, project, foreground.Outcome())
    assert str(caught.value) == f"stopped: the project's folder {ROOT} was moved or removed"
    hinted(caught.value.problem.hint)
    clean(CleanRequest(), elsewhere(world))
    assert not world.containers


def test_a_command_whose_folder_is_moved_meanwhile_gives_that_as_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What failed first because of it is the second half of the sentence."""
    world = World()
    world.fault = "build-fails"
    monkeypatch.setattr(FakeFiles, "gone", lambda self, path: path == ROOT)
    with pytest.raises(FilesError) as caught:
        lifecycle.up(UpRequest(project=ROOT, detach=True), world.box())
    assert caught.value.code == "project-folder-gone"
    assert str(caught.value) == f"up could not finish: the project's folder {ROOT} was moved or removed"
    assert caught.value.problem.why, "what it led to"


def test_the_build_cache_of_all_projects_is_told_and_not_touched() -> None:
    done = clean(CleanRequest(project=ROOT), World().box())
    assert done.result == {"removed": []}
    assert (
        "build cache, shared by all projects, takes 3.012GB" in done.text
        and "docker builder prune" in done.text
    )
