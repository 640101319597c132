"""What an entry of the failure dictionary says, and how it is matched."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from devctl.errors import DevctlError, ExitCode, FilesError, MachineError, Problem, ProjectError

Asked = Literal["build", "start", "reload", "probe", "compose", "pull", "config"]
ANY: frozenset[Asked] = frozenset(get_args(Asked))
GO: frozenset[Asked] = frozenset({"build", "start", "reload"})
"""Where the go command speaks."""
ENGINE: frozenset[Asked] = frozenset({"build", "compose", "pull", "config"})
"""Where the docker command and the engine speak."""
BUILD: frozenset[Asked] = frozenset({"build"})
COMPOSE: frozenset[Asked] = frozenset({"compose"})
CONFIG: frozenset[Asked] = frozenset({"config"})
START: frozenset[Asked] = frozenset({"start"})

_KINDS = {ExitCode.FILES: FilesError, ExitCode.MACHINE: MachineError}


@dataclass(frozen=True, slots=True)
class Facts:
    """What was observed beside the output."""

    exit_code: int | None = None
    oom_killed: bool = False
    service: str = "NAME"
    """Whose output it is: what `{service}` of a text becomes."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One entry. `pattern` is searched in the output; its named groups fill `message`, `why`, `hint` and `place`.

    A group's name may end in a number, for another spelling of the same. `codes`: the exit codes that it can have, where
    that tells it apart; `oom`: the engine must say so. `why`: the cause, where the message does not say it.
    """

    code: str
    asked: frozenset[Asked]
    pattern: str
    message: str
    hint: str
    why: str = ""
    exit: ExitCode = ExitCode.PROJECT
    place: str = ""
    codes: tuple[int, ...] = ()
    oom: bool = False

    FLAGS: ClassVar[re.RegexFlag] = re.MULTILINE

    def explains(self, asked: Asked, output: str, facts: Facts) -> Explained | None:
        if asked not in self.asked or (self.oom and not facts.oom_killed):
            return None
        if self.codes and facts.exit_code not in self.codes:
            return None
        found = re.search(self.pattern, output, self.FLAGS)
        return self._filled(found, facts) if found is not None else None

    def _filled(self, found: re.Match[str], facts: Facts) -> Explained:
        groups: dict[str, str] = defaultdict(str, service=facts.service)
        groups.update({key.rstrip("0123456789"): value for key, value in found.groupdict().items() if value})
        message, hint, why, place = (
            text.format_map(groups) for text in (self.message, self.hint, self.why, self.place)
        )
        return Explained(self.code, message, hint, place or None, why=why, exit=self.exit)


@dataclass(frozen=True, slots=True)
class Explained(Problem):
    """The problem, and whose turn it is (`exit`)."""

    exit: ExitCode = ExitCode.PROJECT

    def error(self, *, detail: str, before: str = "", place: str | None = None) -> DevctlError:
        """As the error to raise. `before`: what goes in front of the message; `place`: known better than by the entry."""
        kind = _KINDS.get(self.exit, ProjectError)
        message = f"{before}: {self.message}" if before else self.message
        return kind(
            message, code=self.code, hint=self.hint, place=place or self.place, detail=detail, why=self.why
        )
