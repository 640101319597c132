"""One entry of the failure dictionary: how it is recognised, and what it says."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Literal, get_args

from msgspec import Struct

from devctl.errors import DevctlError, ExitCode, FilesError, MachineError, Problem, ProjectError

Asked = Literal["build", "start", "reload", "probe", "compose", "pull", "config"]
"""What was going on when the output was printed."""
ANY: frozenset[Asked] = frozenset(get_args(Asked))

_KINDS = {ExitCode.FILES: FilesError, ExitCode.MACHINE: MachineError}


class Facts(Struct, frozen=True):
    """What was observed besides the output. `service`: whose output it is, the value of `{service}` in a text; `air`: air has
    ended, and not the program under it."""

    exit_code: int | None = None
    oom_killed: bool = False
    service: str = "NAME"
    air: bool = False


class Sample(Struct, frozen=True):
    """A recorded output that this entry explains. `found`: what its pattern matches there, by group."""

    asked: Asked
    source: str
    output: str
    facts: Facts
    found: dict[str, str]


class Failure(Struct, frozen=True):
    """One entry. `pattern` is searched for in the output; its named groups fill `message`, `why`, `hint` and `place`.

    A group's name may end in a number, for another spelling of the same thing. `exit_codes`: the possible ones, if they
    distinguish it; `oom`: the engine must report it; `air`: air itself must have ended, since a program may say the same. `why`:
    the cause, if the message does not state it. `general`: it also matches what others explain better, and applies only if none
    of those does.
    """

    code: str
    asked: frozenset[Asked]
    pattern: str
    message: str
    hint: str
    why: str = ""
    exit: ExitCode = ExitCode.PROJECT
    place: str = ""
    exit_codes: tuple[int, ...] = ()
    oom: bool = False
    air: bool = False
    general: bool = False
    samples: tuple[Sample, ...] = ()

    def match(self, asked: Asked, output: str, facts: Facts) -> re.Match[str] | None:
        if asked not in self.asked or (self.oom and not facts.oom_killed) or (self.air and not facts.air):
            return None
        if self.exit_codes and facts.exit_code not in self.exit_codes:
            return None
        return re.search(self.pattern, output, re.MULTILINE)

    def explanation(self, found: re.Match[str], facts: Facts) -> Explained:
        groups: dict[str, str] = defaultdict(str, service=facts.service) | groups_of(found)
        message, hint, why, place = (
            text.format_map(groups) for text in (self.message, self.hint, self.why, self.place)
        )
        return Explained(self.code, message, hint, place or None, why, groups["path"], exit=self.exit)


def groups_of(found: re.Match[str]) -> dict[str, str]:
    """The values of the named groups, by name without the number."""
    return {name.rstrip("0123456789"): value for name, value in found.groupdict().items() if value}


class Explained(Problem, frozen=True):
    """The problem, and who has to act (`exit`)."""

    exit: ExitCode = ExitCode.PROJECT

    def error(self, *, detail: str, before: str = "", place: str | None = None) -> DevctlError:
        """As the error to raise. `before`: text in front of the message; `place`: if it is known better than by the entry."""
        kind = _KINDS.get(self.exit, ProjectError)
        message = f"{before}: {self.message}" if before else self.message
        return kind(
            message,
            code=self.code,
            hint=self.hint,
            place=place or self.place,
            detail=detail,
            why=self.why,
            path=self.path,
        )
