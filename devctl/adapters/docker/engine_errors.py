"""What a failed docker call means: no engine answers, or the engine refuses.

Most docker commands exit with 1 in both cases, and their text is for people. So the engine is queried once more, with a
command that fails only if no engine answers: https://docs.docker.com/reference/cli/docker/version/
"""

from __future__ import annotations

from devctl.adapters.system.border import MustStart
from devctl.domain.command.argv import docker
from devctl.domain.failures import explain
from devctl.domain.ports.toolbox import Finished
from devctl.errors import MachineError


def must_answer(processes: MustStart) -> None:
    """Raises MachineError `engine-unreachable`, or the error that the failure dictionary has for why no engine answers."""
    asked = processes.run(docker("version", "--format", "{{.Server.Version}}"))
    if asked.code != 0:
        known = _known(asked)
        if known is not None and known.code != "engine-unreachable":
            raise known
        raise MachineError(
            "no Docker engine answers",
            code="engine-unreachable",
            hint="devctl doctor --fix",
            detail=asked.stderr.strip(),
        )


def engine_error(processes: MustStart, failed: Finished) -> MachineError:
    """The error of a failed call; raises MachineError `engine-unreachable` if there is no engine that could have refused it."""
    must_answer(processes)
    text = failed.stderr.strip()
    return _known(failed) or MachineError(
        f"the engine refused: {text.splitlines()[-1] if text else 'no reason given'}",
        code="engine-refused",
        hint="devctl doctor",
        detail=text,
    )


def _known(failed: Finished) -> MachineError | None:
    text = failed.stderr.strip()
    known = explain("compose", text)
    if known is None:
        return None
    return MachineError(known.message, code=known.code, hint=known.hint, why=known.why, detail=text)
