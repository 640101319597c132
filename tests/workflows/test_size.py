"""`size` before and after it measures: what can be known before anything is built, and what is known if it fails later."""

from __future__ import annotations

from pathlib import Path

import pytest

from devctl.domain.command.requests import SizeRequest
from devctl.errors import DevctlError, InterruptedByUser, MachineError, UsageError
from devctl.workflows.size.size import _known, size
from tests.fakes import World


@pytest.mark.parametrize("file", ["/nowhere/x.html", ".", "main.go"])
def test_a_page_that_cannot_be_written_is_refused_before_anything_is_built(file: str) -> None:
    world = World()
    world.save("main.go", "package main\n")
    before = dict(world.images)
    with pytest.raises(UsageError, match="--html: "):
        size(SizeRequest(project=world.root, html=Path(file)), world.box())
    assert world.images == before


def test_an_empty_budget_is_not_the_configured_one() -> None:
    world = World()
    with pytest.raises(UsageError) as raised:
        size(SizeRequest(project=world.root, budget="", dry_run=True), world.box())
    assert raised.value.code == "bad-size"


def test_what_fails_later_keeps_what_was_measured() -> None:
    with pytest.raises(DevctlError) as raised, _known({"rows": [1]}):
        raise MachineError("full", code="disk-full", hint="df -h", result={"more": 2})
    assert (raised.value.code, raised.value.result) == ("disk-full", {"rows": [1], "more": 2})
    with pytest.raises(InterruptedByUser) as pressed, _known({"rows": [1]}):
        raise KeyboardInterrupt
    assert pressed.value.result == {"rows": [1]}
