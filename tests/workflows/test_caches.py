"""Whose caches a build reads, and that what identifies the machine causes no rebuild."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from devctl.domain.command.state import Mode
from devctl.domain.plan.engine_state import MACHINE_LABEL, PROJECT_LABEL, ROOT_LABEL, Container, Observed
from devctl.domain.plan.render import CACHE_SCOPE, CACHE_TARGET, render
from devctl.workflows.project.load import load
from devctl.workflows.session.session import Session, open_session
from tests.fakes import ROOT, World


def session(world: World, mode: Mode = "dev", observed: Observed | None = None) -> Session:
    box = world.box()
    return open_session(box, load(box, ROOT), mode=mode, observed=observed)


def app(found: Session) -> Any:
    return found.model["services"]["app" if "app" in found.model["services"] else found.runs[0].service]


@pytest.mark.parametrize("mode", ["dev", "prod"])
def test_every_build_has_caches_that_no_other_project_can_name(mode: Mode) -> None:
    world = World()
    scope = world.box().identity.cache_scope(ROOT)
    assert app(session(world, mode))["build"]["args"][CACHE_SCOPE] == scope


def test_whoever_calls_may_say_which_projects_trust_each_other() -> None:
    world = World()
    world.env[CACHE_SCOPE] = "ours"
    assert app(session(world, "prod"))["build"]["args"][CACHE_SCOPE] == "ours"


def test_production_mounts_nothing_that_a_dev_container_writes() -> None:
    found = session(World(), "prod")
    assert all(v["target"] != CACHE_TARGET for v in app(found).get("volumes") or [])
    assert "devctl-cache" not in (found.model.get("volumes") or {})


def test_another_machine_wants_the_same_service() -> None:
    """Two users of one folder, or one whose state was lost, must not replace each other's containers."""
    here, elsewhere = World(), World()
    elsewhere.machine = "elsewhere"
    for mode in ("dev", "prod"):
        one, other = session(here, mode), session(elsewhere, mode)  # type: ignore[arg-type]
        assert app(one)["labels"][MACHINE_LABEL] != app(other)["labels"][MACHINE_LABEL]
        assert app(one)["build"]["args"] != app(other)["build"]["args"]
        assert one.wanted == other.wanted


def test_what_is_there_keeps_its_machine() -> None:
    """Another definition would make compose recreate a network, and with it all that is on it."""
    box = World().box()
    loaded = load(box, ROOT)
    project = replace(loaded, model={**loaded.model, "networks": {"default": {"name": "shop_default"}}})

    def labels(**observed: Any) -> Any:
        return render(project, [], observed=Observed(**observed))["networks"]["default"]["labels"]

    assert labels() == {PROJECT_LABEL: project.name, MACHINE_LABEL: "here"}
    there = {"networks": {"shop_default": project.name}}
    assert labels(**there) == {PROJECT_LABEL: project.name}
    assert labels(**there, machines={"shop_default": "elsewhere"})[MACHINE_LABEL] == "elsewhere"


def test_a_container_keeps_its_machine() -> None:
    box = World().box()
    project = load(box, ROOT)
    name = project.services[0].name
    made = Container("c", "n", name, "exited", "none", 0, "i", "i", labels={MACHINE_LABEL: "elsewhere"})
    model = render(project, [], observed=Observed(containers=(made,)))
    assert model["services"][name]["labels"][MACHINE_LABEL] == "elsewhere"


def test_one_key_makes_the_dev_cache_the_projects_own() -> None:
    world = World()
    project = load(world.box(), ROOT)
    assert project.cache_volume == f"devctl-go{project.go_minor}-1000"
    own = replace(project, own_cache=True)
    assert own.cache_volume == f"{project.cache_volume}-{project.cache_scope[:16]}"
    assert replace(own, cache_scope="another-project-s").cache_volume != own.cache_volume


def test_what_is_built_beside_our_services_says_whose_it_is() -> None:
    """A switch removes images that lost their name by these words."""
    world = World()
    world.compose({"api": {"build": "."}, "seed": {"build": {"context": "seed", "labels": {"theirs": "1"}}}})
    labels = session(world).model["services"]["seed"]["build"]["labels"]
    assert labels == {
        "theirs": "1",
        PROJECT_LABEL: "shop",
        ROOT_LABEL: str(ROOT),
        MACHINE_LABEL: world.machine,
    }
