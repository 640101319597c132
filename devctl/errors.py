"""Errors are data: what is reported (`Problem`), what checks find (`Finding`), what ends a command (`DevctlError`).

The only list of exit codes (docs/reference/exit-codes.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, ClassVar, Final, Literal, Self

from msgspec import Struct
from msgspec.structs import replace


class ExitCode(IntEnum):
    """What the shell sees; the kinds are distinct so that a script can tell who has to act."""

    OK = 0
    PROJECT = 1
    USAGE = 2
    FILES = 3
    MACHINE = 4
    BUG = 70
    INTERRUPTED = 130


class Problem(Struct, frozen=True):
    """One thing that is wrong, or worth a warning.

    `code` is a stable kebab-case word, `hint` the command or line that fixes it (never empty), `place` is `path:line:col`,
    `path:line` or `path` relative to the project, or None. `why` is the cause, if the message does not state it: a separate
    line in text, and the end of the message in JSON, which has four keys. `path`: the file or folder that the message is
    about, for code that examines it further.
    """

    code: str
    message: str
    hint: str
    place: str | None = None
    why: str = ""
    path: str = ""

    def as_json(self) -> dict[str, str | None]:
        message, place = _placed(f"{self.message}; {self.why}" if self.why else self.message, self.place)
        return {"code": self.code, "message": message, "hint": self.hint, "place": place}


def _placed(message: str, place: str | None) -> tuple[str, str | None]:
    """JSON has only places in the project, relative to it. Another one goes into the message, if that does not name it."""
    if place is None or not place.startswith("/"):
        return message, place
    return (message if place in message else f"{place}: {message}"), None


Severity = Literal["ok", "warn", "fail"]


class Finding(Struct, frozen=True):
    """What a check of lint, readiness or doctor found: a judgement, possibly that all is well. Reported on its own, it becomes
    a `Problem`.

    `hint` is the command or line that fixes it ("" if all is well), `place` the line to change. A rule leaves the `id` to the
    table that contains it: `ok`, `warn` and `fail` create one without.
    """

    id: str
    severity: Severity
    message: str
    hint: str = ""
    place: str | None = None

    @property
    def problem(self) -> Problem:
        return Problem(self.id, self.message, self.hint, self.place)

    def of(self, check: str) -> Self:
        """The same, as a finding of this check."""
        return replace(self, id=check)

    def as_json(self) -> dict[str, object]:
        """An entry of `checks[]` of `prod-preview`."""
        detail, place = _placed(self.message, self.place)
        told = {"id": self.id, "status": self.severity, "detail": detail}
        return {**told, "hint": self.hint, "place": place}


def ok(message: str) -> Finding:
    return Finding("", "ok", message)


def warn(message: str, hint: str, place: str | None = None) -> Finding:
    return Finding("", "warn", message, hint, place)


def fail(message: str, hint: str, place: str | None = None) -> Finding:
    return Finding("", "fail", message, hint, place)


class DevctlError(Exception):
    """Base of every error that a user should read. `detail` is the output of a tool, shown below the message.

    It is never modified: code that knows more raises a new one made from it (`replace`).
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str,
        place: str | None = None,
        detail: str = "",
        result: Mapping[str, object] | None = None,
        why: str = "",
        path: str = "",
    ) -> None:
        super().__init__(message)
        self.problem: Final = Problem(code, message, hint, place, why, path)
        self.detail: Final = detail
        self.result: Final[Mapping[str, object]] = result or {}

    @property
    def code(self) -> str:
        return self.problem.code

    def replace(
        self, *, result: Mapping[str, object] | None = None, detail: str | None = None, **problem: Any
    ) -> Self:
        """A new error of the same kind, to be raised from this one: with a different problem, a larger result or more detail."""
        told = replace(self.problem, **problem)
        return type(self)(
            told.message,
            code=told.code,
            hint=told.hint,
            place=told.place,
            why=told.why,
            path=told.path,
            detail=self.detail if detail is None else detail,
            result=self.result if result is None else result,
        )


class ProjectError(DevctlError):
    """The project failed: it does not compile, is unhealthy, never answers, is over budget (exit 1)."""

    exit_code = ExitCode.PROJECT


class UsageError(DevctlError):
    """The call is wrong, or consent or a choice is missing (exit 2)."""

    exit_code = ExitCode.USAGE


class FilesError(DevctlError):
    """What the project's files say is broken or missing (exit 3)."""

    exit_code = ExitCode.FILES


class MachineError(DevctlError):
    """The machine is not ready: engine, compose, port, disk, base, network, lock (exit 4)."""

    exit_code = ExitCode.MACHINE


class InterruptedByUser(DevctlError):
    """Ctrl-C or SIGTERM before the work was done (exit 130)."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(
        self,
        message: str = "interrupted",
        *,
        code: str = "interrupted",
        hint: str = "devctl status shows what still runs",
        **more: Any,
    ) -> None:
        super().__init__(message, code=code, hint=hint, **more)


def lost_interruption(error: BaseException) -> bool:
    """Whether Ctrl-C arrived inside something that made another error of it: tree-sitter's extension, for example, turns it into
    a SystemError or a QueryError, Python 3.11 into a RuntimeError where a class is created."""
    while error.__cause__ is not None:
        error = error.__cause__
    return isinstance(error, KeyboardInterrupt)
