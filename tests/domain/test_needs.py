"""Who needs whom in a compose model."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.compose.depends_on import needed, talked_to
from devctl.domain.plan.fingerprints import dependencies
from devctl.domain.plan.planner import Dependency


def spec(*needs: str, **more: Any) -> dict[str, Any]:
    return {"depends_on": {name: {"condition": "service_started"} for name in needs}, **more}


MODEL = {
    "name": "shop",
    "services": {
        "api": spec("db", environment={"CACHE_URL": "redis://cache:6379"}),
        "jobs": spec("queue"),
        "db": spec(),
        "cache": spec("volume-owner", image="redis:7"),
        "volume-owner": spec(),
        "queue": spec(),
        "docs": spec("api", image="docs:1"),
    },
}


def names(found: tuple[Dependency, ...]) -> dict[str, bool]:
    return {d.name: d.needed for d in found}


def test_of_all_services_those_are_needed_that_somebody_depends_on_or_is_told_of() -> None:
    assert names(dependencies(MODEL, frozenset({"api", "jobs"}))) == {
        "db": True,
        "cache": True,
        "volume-owner": True,
        "queue": True,
        "docs": False,
    }


def test_of_named_services_only_what_they_need_is_there() -> None:
    ours = frozenset({"api", "jobs"})
    assert names(dependencies(MODEL, ours, named=frozenset({"api"}))) == {
        "db": True,
        "cache": True,
        "volume-owner": True,
    }
    assert names(dependencies(MODEL, ours, named=frozenset({"docs"}))) == {
        "db": True,
        "cache": True,
        "volume-owner": True,
        "docs": True,
    }


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefg")), min_size=1))
def test_what_is_needed_needs_nothing_else(graph: dict[str, list[str]]) -> None:
    specs = {name: spec(*needs) for name, needs in graph.items()}
    for name in specs:
        found = needed(specs, [name])
        assert name in found <= specs.keys()
        assert needed(specs, found) == found


def test_a_name_is_a_word_of_the_environment_or_the_command() -> None:
    specs = {
        "api": spec(environment={"DSN": "host=db-main user=x"}, command=["--queue", "nats://queue:4222"]),
        "db": spec(),
        "db-main": spec(),
        "queue": spec(),
    }
    assert talked_to(specs, ["api"]) == {"db-main", "queue"}
