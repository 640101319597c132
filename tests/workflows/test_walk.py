"""A walk of steps: what a failure and what Ctrl-C do to the rest."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.domain.command.events import Event
from devctl.errors import InterruptedByUser, MachineError
from devctl.workflows.start.step_list import Walk, dry

CAUSES = {"one": "first", "two": "second", "end": "last"}


class Box:
    def __init__(self) -> None:
        self.told: list[Event] = []
        self.time = 0.0
        self.reporter = SimpleNamespace(emit=self.told.append)
        self.clock = SimpleNamespace(monotonic=self._now)

    def _now(self) -> float:
        self.time += 0.25
        return self.time


def walk() -> Walk:
    return Walk(cast("Any", Box()), CAUSES, after_interruption="again")


def fails(error: BaseException) -> Callable[[], str]:
    def work() -> str:
        raise error

    return work


def statuses(found: Walk) -> list[object]:
    return [step["status"] for step in found.steps]


def test_all_is_well() -> None:
    found = walk()
    for name in CAUSES:
        found.run(name, lambda: "done")
    outcome = found.outcome("text")
    assert statuses(found) == ["ok"] * 3
    assert all(cast("int", s["ms"]) > 0 and s["detail"] == "done" for s in found.steps)
    assert (outcome.exit_code, outcome.text, outcome.problem) == (0, "text", None)
    assert outcome.result == {"steps": found.steps, "time_to_first_response_ms": None, "url": None}


def test_after_a_failure_the_rest_is_skipped_and_the_end_is_done() -> None:
    found = walk()
    found.run("one", fails(MachineError("no engine", code="engine-unreachable", hint="start it")))
    found.run("two", lambda: pytest.fail("must not run"))
    found.run("end", lambda: "removed", always=True)
    assert statuses(found) == ["failed", "skipped", "ok"]
    with pytest.raises(MachineError) as raised:
        found.outcome("text")
    assert raised.value.code == "engine-unreachable"
    assert raised.value.result["steps"] == found.steps


def test_the_first_failure_is_the_one_that_counts() -> None:
    found = walk()
    found.run("one", fails(MachineError("first", code="a", hint="h")))
    found.run("end", fails(MachineError("second", code="b", hint="h")), always=True)
    assert statuses(found) == ["failed", "failed"]
    assert found.error is not None
    assert str(found.error) == "first"


@pytest.mark.parametrize("signal", [KeyboardInterrupt(), InterruptedByUser(hint="y")])
def test_ctrl_c_ends_in_its_own_code_with_our_remedy(signal: BaseException) -> None:
    found = walk()
    found.run("one", fails(signal))
    found.run("two", lambda: pytest.fail("must not run"))
    found.run("end", lambda: "removed", always=True)
    with pytest.raises(InterruptedByUser) as raised:
        found.outcome("text")
    assert (raised.value.exit_code, raised.value.problem.hint) == (130, "again")
    assert statuses(found) == ["failed", "skipped", "ok"]


def test_a_bug_is_told_as_one_after_the_end_is_done() -> None:
    found = walk()
    found.run("one", fails(ZeroDivisionError("oops")))
    found.run("end", lambda: "removed", always=True)
    assert statuses(found) == ["failed", "ok"]
    with pytest.raises(ZeroDivisionError):
        found.outcome("text")


def test_ctrl_c_that_an_extension_lost_is_still_ctrl_c() -> None:
    lost = SystemError("returned a result with an exception set")
    lost.__cause__ = SystemError("returned a result with an exception set")
    lost.__cause__.__cause__ = KeyboardInterrupt()
    found = walk()
    found.run("one", fails(lost))
    assert isinstance(found.error, InterruptedByUser)
    found = walk()
    found.run("one", fails(SystemError("a real one")))
    assert isinstance(found.error, SystemError)


def test_ctrl_c_between_steps_skips_the_rest() -> None:
    found = walk()
    found.run("one", lambda: "done")
    found.interrupted()
    found.run("two", lambda: pytest.fail("must not run"))
    assert statuses(found) == ["ok", "skipped"]


def test_the_table_has_a_row_a_step() -> None:
    found = walk()
    found.run("one", lambda: "a detail")
    found.skip("two", "kept")
    assert found.table().splitlines() == ["✓ one    0.8 s  a detail", "– two           kept"]


def test_the_plan_is_the_steps() -> None:
    plan = dry(CAUSES).result["plan"]
    assert plan == [{"step": n, "service": None, "cause": c} for n, c in CAUSES.items()]
