"""The checks of `doctor`: one table, facts in, verdicts out. A new check is one more entry."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from devctl.domain.bases import BaseState, stand_in

Status = Literal["ok", "warn", "fail"]
Fix = Literal["engine", "compose", "bases"]
Version = tuple[int, ...]

OLDEST_ENGINE: Version = (20, 10)
OLDEST_BUILDX: Version = (0, 17)
COMPOSE_NEEDS_BUILDX: Version = (5,)
DISK_NEEDED = 1_000_000_000
DISK_COMFORTABLE = 5_000_000_000
WATCHES_NEEDED = 8192
INSTANCES_NEEDED = 64
FIX_HINT = "devctl doctor --fix"
GB = 1_000_000_000
DEFAULT_ENDPOINT = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """What the checks judge. None: not there, or not to be found out (a remote engine's disk).

    `docker_cli`, `engine`, `compose`, `buildx` are versions; `pullable` are the missing bases that a registry has.
    """

    docker_cli: str | None = None
    engine: str | None = None
    engine_error: str = ""
    podman: bool = False
    buildkit_off: bool = False
    cli_endpoint: str = ""
    cli_engine_id: str = ""
    sdk_engine_id: str = ""
    compose: str | None = None
    buildx: str | None = None
    disk_free_bytes: int | None = None
    inotify_watches: int | None = None
    inotify_instances: int | None = None
    bases: tuple[BaseState, ...] = ()
    pullable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    status: Status
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A line of `checks[]`; `fixed`: it failed before `--fix` and does no longer."""

    id: str
    status: Status
    what: str
    hint: str
    fixable: bool
    fixed: bool = False

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "status": self.status,
            "what": self.what,
            "hint": self.hint,
            "fixable": self.fixable,
            "fixed": self.fixed,
        }


@dataclass(frozen=True, slots=True)
class Check:
    """`judge` gives None where the check says nothing here (no engine to ask, another operating system)."""

    id: str
    judge: Callable[[MachineFacts], Verdict | None]
    fix: Fix | None = None


def run_checks(facts: MachineFacts) -> tuple[CheckResult, ...]:
    """Every check that applies, in the order of the table."""
    judged = ((check, check.judge(facts)) for check in CHECKS)
    return tuple(
        CheckResult(check.id, verdict.status, verdict.what, verdict.hint, fixable=_fixable(check, verdict))
        for check, verdict in judged
        if verdict is not None
    )


def fixes_for(results: tuple[CheckResult, ...]) -> tuple[Fix, ...]:
    """The fixes that the failing checks ask for, in the order they have to be done."""
    failing = {result.id for result in results if result.status == "fail" and result.fixable}
    return tuple(dict.fromkeys(check.fix for check in CHECKS if check.fix and check.id in failing))


def version(text: str) -> Version:
    """`v2.40.3-desktop.1` → (2, 40, 3); empty where no number is named."""
    found = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _fixable(check: Check, verdict: Verdict) -> bool:
    return check.fix is not None and verdict.status == "fail" and verdict.hint.startswith("devctl ")


def _docker_cli(facts: MachineFacts) -> Verdict:
    if facts.docker_cli is None:
        return Verdict("fail", "the docker command is not installed", FIX_HINT)
    return Verdict("ok", f"docker CLI {facts.docker_cli}")


def _engine(facts: MachineFacts) -> Verdict:
    if facts.engine is None:
        why = facts.engine_error.strip().splitlines()
        # Someone chose another engine by DOCKER_HOST or a context: installing one here would not be what they meant.
        chosen = facts.cli_endpoint not in ("", DEFAULT_ENDPOINT)
        hint = f"start the engine at {facts.cli_endpoint}, or: unset DOCKER_HOST; docker context use default"
        return Verdict(
            "fail",
            f"no engine answers: {why[-1]}" if why else "no engine answers",
            hint if chosen else FIX_HINT,
        )
    name = "podman" if facts.podman else "engine"
    if not facts.podman and version(facts.engine) < OLDEST_ENGINE:
        return Verdict(
            "fail", f"engine {facts.engine} is older than 20.10", "upgrade Docker to 20.10 or newer"
        )
    if facts.podman and not facts.buildkit_off:
        return Verdict(
            "warn", f"podman {facts.engine} has no BuildKit of its own", "export DOCKER_BUILDKIT=0"
        )
    return Verdict("ok", f"{name} {facts.engine} answers")


def _endpoint(facts: MachineFacts) -> Verdict | None:
    if facts.engine is None:
        return None
    if facts.cli_engine_id != facts.sdk_engine_id:
        other = "another engine" if facts.sdk_engine_id else "no engine"
        return Verdict(
            "warn",
            f"the docker CLI speaks to {facts.cli_endpoint}, the Docker SDK to {other}: sizes and readiness checks need it",
            f"export DOCKER_HOST={facts.cli_endpoint}",
        )
    return Verdict("ok", f"CLI and SDK speak to the same engine ({facts.cli_endpoint})")


def _compose(facts: MachineFacts) -> Verdict | None:
    if facts.docker_cli is None:
        return None
    if facts.compose is None:
        return Verdict("fail", "docker compose is not available", FIX_HINT)
    if version(facts.compose) < (2,):
        return Verdict(
            "fail", f"compose {facts.compose} is older than 2.0", "install the docker-compose-plugin package"
        )
    return Verdict("ok", f"compose {facts.compose}")


def _buildx(facts: MachineFacts) -> Verdict | None:
    if facts.compose is None:
        return None
    buildx = None if facts.buildx is None else version(facts.buildx)
    install = (
        "install the docker-buildx package (docker-buildx-plugin from Docker's own repository), 0.17 or newer"
    )
    if buildx is not None and buildx < OLDEST_BUILDX:
        return Verdict(
            "fail", f"compose {facts.compose} refuses buildx {facts.buildx}: it needs 0.17", install
        )
    if buildx is None and version(facts.compose) >= COMPOSE_NEEDS_BUILDX:
        return Verdict(
            "fail", f"compose {facts.compose} builds only with buildx, which is not installed", install
        )
    if buildx is None:
        return Verdict("ok", "no buildx; compose builds with its own BuildKit")
    return Verdict("ok", f"buildx {facts.buildx}")


def _disk(facts: MachineFacts) -> Verdict | None:
    free = facts.disk_free_bytes
    if free is None:
        return None
    hint = "devctl clean; docker system df shows what takes the room"
    if free < DISK_NEEDED:
        return Verdict("fail", f"{free / GB:.1f} GB free where the engine keeps images", hint)
    if free < DISK_COMFORTABLE:
        return Verdict("warn", f"only {free / GB:.1f} GB free where the engine keeps images", hint)
    return Verdict("ok", f"{free / GB:.0f} GB free where the engine keeps images")


def _inotify(facts: MachineFacts) -> Verdict | None:
    watches, instances = facts.inotify_watches, facts.inotify_instances
    if watches is None or instances is None:
        return None
    if watches < WATCHES_NEEDED:
        hint = "sudo sysctl fs.inotify.max_user_watches=524288"
        return Verdict("warn", f"only {watches} inotify watches: a large tree is not seen whole", hint)
    if instances < INSTANCES_NEEDED:
        hint = "sudo sysctl fs.inotify.max_user_instances=512"
        return Verdict("warn", f"only {instances} inotify instances: a few watchers use them up", hint)
    return Verdict("ok", f"{watches} inotify watches, {instances} instances")


def _bases(facts: MachineFacts) -> Verdict | None:
    if facts.engine is None:
        return None
    missing = [base.ref for base in facts.bases if not base.present]
    lost = [ref for ref in missing if ref not in facts.pullable]
    if lost:
        can = any(stand_in(ref) is not None for ref in lost)
        hint = "devctl bases build" if can else "load them: docker load -i FILE"
        return Verdict("fail", f"not here, and no registry has them for us: {', '.join(lost)}", hint)
    if missing:
        return Verdict("ok", f"{', '.join(missing)} will be pulled when first needed: a registry answers")
    stood_in = sum(base.source == "assembled" for base in facts.bases)
    said = f", {stood_in} of them assembled stand-ins" if stood_in else ""
    return Verdict("ok", f"{len(facts.bases)} base images are here{said}")


CHECKS: tuple[Check, ...] = (
    Check("docker-cli", _docker_cli, fix="engine"),
    Check("engine", _engine, fix="engine"),
    Check("endpoint", _endpoint),
    Check("compose", _compose, fix="compose"),
    Check("buildx", _buildx),
    Check("disk", _disk),
    Check("inotify", _inotify),
    Check("bases", _bases, fix="bases"),
)
