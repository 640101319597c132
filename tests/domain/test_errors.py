"""An error says one thing for as long as it lives; who knows more raises another one from it."""

from __future__ import annotations

import pytest

from devctl.errors import InterruptedByUser, MachineError, ProjectError, lost_interruption
from devctl.workflows.dev.replace import Superseded

ERROR = ProjectError(
    "it fails",
    code="fails",
    hint="try",
    place="a:1",
    detail="log",
    why="bad luck",
    result={"a": 1},
    path="/data",
)


def test_another_error_says_something_else_and_keeps_the_rest() -> None:
    told = ERROR.replace(message="it fails badly", hint="run")
    assert (str(told), told.problem.message, told.problem.hint) == ("it fails badly", "it fails badly", "run")
    assert (told.code, told.problem.place, told.problem.why) == ("fails", "a:1", "bad luck")
    assert (told.detail, told.result, told.problem.path) == ("log", {"a": 1}, "/data")
    assert (str(ERROR), ERROR.problem.hint) == ("it fails", "try")
    assert ERROR.replace(result={"b": 2}).result == {"b": 2}


@pytest.mark.parametrize(
    "error",
    [ERROR, MachineError("x", code="c", hint="h"), Superseded("x", code="c", hint="h"), InterruptedByUser()],
)
def test_it_is_of_the_same_kind(error: ProjectError) -> None:
    assert type(error.replace(hint="run")) is type(error)


def test_an_interruption_is_the_same_wherever_it_is_noticed() -> None:
    error = InterruptedByUser()
    assert (error.code, int(error.exit_code)) == ("interrupted", 130)
    assert (str(error), error.problem.hint) == ("interrupted", "devctl status shows what still runs")


@pytest.mark.parametrize("kind", [SystemError, RuntimeError, ValueError])
def test_an_interruption_is_found_in_whatever_was_made_of_it(kind: type[Exception]) -> None:
    error = kind("another")
    assert not lost_interruption(error)
    error.__cause__ = SystemError("returned a result with an exception set")
    assert not lost_interruption(error)
    error.__cause__.__cause__ = KeyboardInterrupt()
    assert lost_interruption(error)
