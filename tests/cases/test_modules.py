"""Modules that are not where the build of the compose file looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tests.cases.steps import edit
from tests.engine.cli import get, leave_nothing, port_of, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine


def test_a_go_work_of_somebody_else(case: Callable[[str], Started]) -> None:
    lagoon = case("go_work_of_somebody_else")
    lagoon.devctl("up", "-d")
    assert get(lagoon.port) == "lagoon mirrors one\n"
    edit(lagoon, "main.go", "one", "two")
    serves(lagoon.port, "lagoon mirrors two")
    lagoon.devctl("test")
    lagoon.devctl("prod-preview")
    assert get(lagoon.port) == "lagoon mirrors two\n"


def test_a_go_work_of_somebody_else_that_nothing_turns_off(
    case: Callable[[str], Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    lagoon = case("go_work_of_somebody_else")
    edit(lagoon, "Dockerfile", "ENV GOWORK=off\n", "")
    for command in (["up", "-d"], ["prod-preview"]):
        refused = lagoon.devctl(*command, code=3).error
        assert refused["place"] == "go.work:5", refused
        assert "../lagoon-sdk" in refused["message"], refused
        assert "go work edit -dropuse=../lagoon-sdk" in refused["hint"], refused
        assert "GOWORK=off" in refused["hint"], refused

    monkeypatch.setenv("GOWORK", "off")
    lagoon.devctl("up", "-d")
    assert get(lagoon.port) == "lagoon mirrors one\n"


def test_a_replace_that_points_above_the_folder_of_the_compose_file(case: Callable[[str], Started]) -> None:
    whole = case("replace_above_the_context")
    # Next to the service there is no build context that contains both modules: reported before anything is built.
    folder = (whole.root / "services/kiosk").rename(whole.root / "services" / f"kiosk-{whole.name}")
    kiosk = replace(whole, root=folder, name=folder.name)
    try:
        for command, code in ((["up", "-d"], 3), (["prod-preview"], 1)):
            refused = kiosk.devctl(*command, code=code)
            assert refused.error["place"] == "go.mod:7" and "../../libs/greet" in refused.error["message"], (
                refused.show
            )
            hint = refused.error["hint"]
            assert "devctl -C ../.. up" in hint and "contains both, and is the `context`" in hint, (
                refused.show
            )
            assert {event.get("step") for event in refused.events} <= {"read", "look"}, refused.show
    finally:
        leave_nothing(kiosk.root, kiosk.name)

    # The way that is named, to the letter: the folder that holds both.
    up = whole.devctl("-C", ".", "up", "-d")
    assert get(port_of(up)) == "kiosk sells one\n"
