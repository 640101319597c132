"""What is judged and fingerprinted is what is built: code in a container may rewrite any file of the project at any moment."""

from __future__ import annotations

import json

from devctl.domain.command.requests import UpRequest
from devctl.domain.dockerfile.recipe import Recipe
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.project.load import load
from devctl.workflows.session.session import open_session, write_overlay
from tests.fakes import World, go_mod
from tests.workflows.test_transaction import Running


def test_a_build_is_given_the_text_that_devctl_wrote_not_the_file() -> None:
    running = Running()
    world, copy = running.world, running.world.root / ".devctl/shop/Dockerfile"
    ours = world.recipes["shop"]
    assert "COPY go.mod" in ours.dockerfile
    assert ".devctl" in ours.ignored.splitlines()
    assert world.files[copy] == ours.dockerfile, "people find a copy"
    world.files[copy] = "FROM evil"
    world.recipes.clear()
    world.save("go.mod", go_mod("a"))
    running.round()
    assert world.recipes == {"shop": ours}


def test_a_dockerfile_that_changes_after_it_was_looked_at_is_not_built() -> None:
    world = World()
    world.save("compose.yaml", json.dumps({"services": {"shop": {"build": "."}}}))
    box = world.box()
    session = open_session(box, load(box, world.root), mode="dev")
    looked_at = session.recipes["shop"]
    world.save(".dockerignore", "nothing")
    write_overlay(box.files, box.state, session)
    assert session.recipes == {"shop": looked_at}
    assert world.files[world.root / ".devctl/shop/Dockerfile.dockerignore"] == looked_at.ignored


def test_every_build_has_a_recipe() -> None:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    assert isinstance(world.recipes["shop"], Recipe)


def test_another_service_that_is_built_here_does_not_see_what_devctl_writes() -> None:
    world = World()
    world.compose({"shop": {"build": ".", "depends_on": ["seed"]}, "seed": {"build": {"context": "db"}}})
    world.save("db/Dockerfile", "FROM alpine:3.22\nCOPY . /seed\n")
    world.save("db/.dockerignore", "*.md")
    box = world.box()
    session = open_session(box, load(box, world.root), mode="dev")
    assert session.recipes["seed"] == Recipe("FROM alpine:3.22\nCOPY . /seed\n", "*.md\n.devctl\n")
    world.save("db/Dockerfile", None)
    assert "seed" not in open_session(box, load(box, world.root), mode="dev").recipes
