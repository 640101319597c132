"""A dev stage derived from the user's Dockerfile contains lines that a container can change: new ones get no key."""

from __future__ import annotations

from typing import Any

from devctl.domain.plan.engine_state import INPUTS_LABEL
from devctl.domain.plan.run import Run
from devctl.domain.rights.grants import grants
from devctl.workflows.dev.rights_review import devctls_own


def run(service: str, *, dockerfile: str | None = None, made_of: str | None = None) -> Run:
    return Run(
        service,
        "dev",
        "dev",
        dockerfile,
        ".",
        f"shop-{service}:dev",
        ours=dockerfile is None,
        made_of=made_of,
    )


def model(recipe: str) -> dict[str, Any]:
    build = {
        "context": "/shop",
        "labels": {INPUTS_LABEL: recipe},
        "secrets": [{"source": "devctl-netrc", "target": "netrc"}],
    }
    return {"services": {"api": {"build": build}}, "secrets": {"devctl-netrc": {"file": "/home/a/.netrc"}}}


def test_what_is_made_of_the_users_is_judged_as_the_users() -> None:
    runs = [run("own"), run("made", made_of="Dockerfile"), run("theirs", dockerfile="Dockerfile")]
    assert devctls_own(runs) == ["own"]


def test_a_changed_line_is_not_lent_what_the_old_ones_were() -> None:
    for made_of, held in ((None, False), ("Dockerfile", True)):
        ours = devctls_own([run("api", made_of=made_of)])
        found = grants(model("one"), model("two"), ["api"], real=lambda path: path, ours=ours)
        assert bool([g for g in found if "netrc" in g.what]) is held, found
