"""Errors are data: code, message, hint and place. The only list of exit codes (docs/reference/exit-codes.md)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the shell sees; the kinds are kept apart so that a script can tell whose turn it is."""

    OK = 0
    PROJECT = 1
    USAGE = 2
    FILES = 3
    MACHINE = 4
    BUG = 70
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or worth a warning.

    `code` is a stable kebab-case word, `hint` the command or line that mends it (never empty),
    `place` is `path:line:col`, `path:line` or `path` relative to the project, or None. `why` is the cause, where the
    message does not say it: a line of its own in text, and the end of the message in JSON, which has four keys by contract.
    """

    code: str
    message: str
    hint: str
    place: str | None = None
    why: str = ""

    def as_json(self) -> dict[str, str | None]:
        message = f"{self.message}; {self.why}" if self.why else self.message
        return {"code": self.code, "message": message, "hint": self.hint, "place": self.place}


class DevctlError(Exception):
    """Base of every error that a user is meant to read. `detail` is output of a tool, shown below the message."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str,
        place: str | None = None,
        detail: str = "",
        result: dict[str, object] | None = None,
        why: str = "",
    ) -> None:
        super().__init__(message)
        self.problem = Problem(code=code, message=message, hint=hint, place=place, why=why)
        self.detail = detail
        self.result: dict[str, object] = result or {}

    @property
    def code(self) -> str:
        return self.problem.code


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


def lost_interruption(error: BaseException) -> bool:
    """Whether Ctrl-C arrived inside an extension that lost it: tree-sitter's makes a SystemError of it."""
    while isinstance(error, SystemError) and error.__cause__ is not None:
        error = error.__cause__
    return isinstance(error, KeyboardInterrupt)
