"""The table of checks: facts in, verdicts out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devctl.domain.bases import BaseState
from devctl.domain.checks import CHECKS, CheckResult, MachineFacts, fixes_for, run_checks, version

SOCKET = "unix:///var/run/docker.sock"
HERE = BaseState("alpine:3.22", "runtime", "registry", True, 1)
GONE = BaseState("alpine:3.22", "runtime", "registry", False)
HEALTHY = MachineFacts(
    docker_cli="28.2.2",
    engine="20.10.24+dfsg1",
    cli_endpoint=SOCKET,
    cli_engine_id="A",
    sdk_engine_id="A",
    compose="2.40.3",
    disk_free_bytes=80_000_000_000,
    inotify_watches=65536,
    inotify_instances=128,
    bases=(HERE,),
)


def verdict(check: str, **changed: object) -> CheckResult | None:
    results = run_checks(replace(HEALTHY, **changed))  # type: ignore[arg-type]
    return next((result for result in results if result.id == check), None)


def test_a_healthy_machine_is_ok_throughout() -> None:
    results = run_checks(HEALTHY)
    assert [result.id for result in results] == [check.id for check in CHECKS]
    assert {result.status for result in results} == {"ok"}
    assert fixes_for(results) == ()


@pytest.mark.parametrize(
    ("check", "changed", "status", "fixable", "says"),
    [
        ("docker-cli", {"docker_cli": None}, "fail", True, "devctl doctor --fix"),
        ("engine", {"engine": None, "engine_error": "a\nCannot connect"}, "fail", True, "Cannot connect"),
        ("engine", {"engine": None, "cli_endpoint": "ssh://far"}, "fail", False, "unset DOCKER_HOST"),
        ("engine", {"engine": "19.03.5"}, "fail", False, "20.10"),
        ("engine", {"engine": "5.4.2", "podman": True}, "warn", False, "export DOCKER_BUILDKIT=0"),
        ("engine", {"engine": "5.4.2", "podman": True, "buildkit_off": True}, "ok", False, "podman 5.4.2"),
        ("endpoint", {"sdk_engine_id": "B"}, "warn", False, f"export DOCKER_HOST={SOCKET}"),
        ("endpoint", {"sdk_engine_id": ""}, "warn", False, "no engine"),
        ("compose", {"compose": None}, "fail", True, "devctl doctor --fix"),
        ("compose", {"compose": "1.29.2"}, "fail", False, "older than 2.0"),
        ("buildx", {"buildx": "v0.13.1"}, "fail", False, "0.17"),
        ("buildx", {"buildx": "v0.29.1"}, "ok", False, "v0.29.1"),
        ("buildx", {"compose": "v5.6.0"}, "fail", False, "only with buildx"),
        ("buildx", {"compose": "v5.6.0", "buildx": "0.17.0"}, "ok", False, "0.17.0"),
        ("disk", {"disk_free_bytes": 300_000_000}, "fail", False, "0.3 GB"),
        ("disk", {"disk_free_bytes": 3_000_000_000}, "warn", False, "3.0 GB"),
        ("inotify", {"inotify_watches": 4096}, "warn", False, "max_user_watches"),
        ("inotify", {"inotify_instances": 16}, "warn", False, "max_user_instances"),
        ("bases", {"bases": (GONE,)}, "fail", True, "devctl bases build"),
        ("bases", {"bases": (GONE,), "pullable": frozenset({GONE.ref})}, "ok", False, "will be pulled"),
        ("bases", {"bases": (replace(GONE, ref="postgres:16"),)}, "fail", False, "docker load"),
        ("bases", {"bases": (replace(HERE, source="assembled"),)}, "ok", False, "1 of them assembled"),
    ],
)
def test_each_verdict(check: str, changed: dict[str, object], status: str, fixable: bool, says: str) -> None:
    found = verdict(check, **changed)
    assert found is not None
    assert (found.status, found.fixable) == (status, fixable)
    assert says in f"{found.what} | {found.hint}"
    assert found.hint or found.status == "ok"


def test_what_cannot_be_judged_is_left_out() -> None:
    nothing = run_checks(MachineFacts())
    assert [result.id for result in nothing] == ["docker-cli", "engine"]
    assert verdict("disk", disk_free_bytes=None) is None


def test_fixes_come_in_the_order_they_depend_on_each_other() -> None:
    broken = replace(HEALTHY, compose=None, bases=(GONE,))
    assert fixes_for(run_checks(broken)) == ("compose", "bases")
    assert fixes_for(run_checks(MachineFacts())) == ("engine",)


@pytest.mark.parametrize(
    ("text", "numbers"), [("v2.40.3-desktop.1", (2, 40, 3)), ("20.10.24+dfsg1", (20, 10, 24)), ("dev", ())]
)
def test_versions_are_read_from_what_tools_print(text: str, numbers: tuple[int, ...]) -> None:
    assert version(text) == numbers
