"""The table of checks: facts in, verdicts out."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from devctl.domain.bases.references import BaseState
from devctl.domain.doctor.all import CHECKS, CheckResult, fixes_for, run_checks
from devctl.domain.doctor.facts import (
    DockerConfigFacts,
    EngineFacts,
    InsideFacts,
    MachineFacts,
    PortFact,
    ProxyFacts,
    TreeFacts,
)
from devctl.domain.go.module_gaps import ModuleGap
from devctl.domain.numbers import version

SOCKET = "unix:///var/run/docker.sock"
HERE = BaseState("alpine:3.22", "runtime", "registry", True, 1)
GONE = BaseState("alpine:3.22", "runtime", "registry", False)
INFO = EngineFacts(storage_driver="overlay2", memory_bytes=16_000_000_000, local=True)
INSIDE = InsideFacts(
    image="golang:1.26-alpine",
    clock_skew=0.0,
    mtu=1500,
    ca_bundle="abc",
    dns="",
    go_proxy="",
    made_by=(1000, 1000),
    cache="devctl-go1.26-1000",
    cache_denied="",
)
TREE = TreeFacts(root="/home/dev/shop", owner=(1000, 1000), kind="ext4", git_distrusts=False)
PORT = PortFact(service="api", port=8080, fixed=True)
HEALTHY = MachineFacts(
    docker_cli="28.2.2",
    engine="20.10.24+dfsg1",
    cli_endpoint=SOCKET,
    cli_engine_id="A",
    sdk_engine_id="A",
    info=INFO,
    compose="2.40.3",
    disk_free_bytes=80_000_000_000,
    inodes_free=5_000_000,
    inodes_total=9_000_000,
    memory_available_bytes=8_000_000_000,
    inotify_watches=65536,
    inotify_instances=128,
    host_mtu=1500,
    ca_bundle="abc",
    proxies=ProxyFacts(),
    bases=(HERE,),
    registry_answers=True,
    inside=INSIDE,
    tree=TREE,
    ports=(PORT,),
    lock_holder="",
    leftovers=(),
    docker_config=DockerConfigFacts(),
    abandoned=(),
    externals=(),
    gaps=(),
)
SHELL_PROXY = ProxyFacts(shell="http://p:1")  # noqa: S604, no process is started
LOST_CONTEXT = DockerConfigFacts("c", lost_context="desktop-linux")
LOST_HELPER = DockerConfigFacts("c", lost_helpers=("desktop",))
HELD = replace(PORT, holder="container other", remedy="HOST_PORT=8081 in .env")
BUILT_HERE = BaseState("golang:1.26-alpine", "golang", "assembled", True, 1)


def verdict(check: str, **changed: object) -> CheckResult | None:
    results = run_checks(replace(HEALTHY, **changed))  # type: ignore[arg-type]
    return next((result for result in results if result.check.id == check), None)


def test_a_healthy_machine_is_ok_throughout() -> None:
    results = run_checks(HEALTHY)
    assert [result.check.id for result in results] == [check.id for check in CHECKS]
    assert {result.finding.severity for result in results} == {"ok"}
    assert fixes_for(results) == ()


@pytest.mark.parametrize(
    ("check", "changed", "status", "fixable", "says"),
    [
        ("docker-cli", {"docker_cli": None}, "fail", True, "devctl doctor --fix"),
        ("engine", {"engine": None, "engine_error": "a\nCannot connect"}, "fail", True, "Cannot connect"),
        ("engine", {"engine": None, "cli_endpoint": "ssh://far"}, "fail", False, "unset DOCKER_HOST"),
        ("engine", {"engine": "19.03.5"}, "fail", False, "20.10"),
        ("engine", {"engine": "5.4.2", "podman": True}, "ok", False, "without BuildKit"),
        ("endpoint", {"sdk_engine_id": "B"}, "warn", False, f"export DOCKER_HOST={SOCKET}"),
        ("endpoint", {"sdk_engine_id": ""}, "warn", False, "no engine"),
        ("compose", {"compose": None}, "fail", True, "devctl doctor --fix"),
        ("compose", {"compose": "1.29.2"}, "fail", False, "older than 2.0"),
        ("buildx", {"buildx": "v0.13.1"}, "fail", True, "0.17"),
        ("buildx", {"buildx": "v0.29.1"}, "ok", False, "v0.29.1"),
        ("buildx", {"compose": "v5.6.0"}, "fail", True, "only with buildx"),
        ("buildx", {"compose": "v5.6.0", "buildx": "0.17.0"}, "ok", False, "0.17.0"),
        ("disk", {"disk_free_bytes": 300_000_000}, "fail", False, "300 MB"),
        ("disk", {"disk_free_bytes": 3_000_000_000}, "warn", False, "3.0 GB"),
        (
            "engine",
            {"engine": None, "engine_error": "x", "engine_denied": True},
            "fail",
            False,
            "usermod -aG docker",
        ),
        ("rootless", {"info": replace(INFO, rootless=True)}, "ok", False, "rootless"),
        (
            "rootless",
            {"info": replace(INFO, rootless=True), "inside": replace(INSIDE, made_by=(100999, 100999))},
            "warn",
            False,
            "docker context use default",
        ),
        ("storage", {"info": replace(INFO, storage_driver="vfs")}, "warn", False, "overlay2"),
        ("storage", {"info": replace(INFO, containerd_store=True)}, "ok", False, "containerd store"),
        ("inodes", {"inodes_free": 100}, "fail", False, "only 100 inodes"),
        ("inodes", {"inodes_free": 50_000}, "warn", False, "devctl clean"),
        ("memory", {"info": replace(INFO, memory_bytes=900_000_000)}, "warn", False, "0.9 GB"),
        ("memory", {"memory_available_bytes": 100_000_000}, "warn", False, "0.1 GB of memory are available"),
        ("lock", {"lock_holder": "up 12"}, "warn", False, "`devctl up` (pid 12)"),
        ("lock", {"lock_holder": "?"}, "warn", False, "another devctl"),
        ("leftovers", {"leftovers": ("a", "b", "c", "d", "e")}, "warn", True, "a, b, c and 2 more"),
        ("clock", {"inside": replace(INSIDE, clock_skew=-90.0)}, "warn", False, "90 s behind"),
        ("clock", {"inside": replace(INSIDE, clock_skew=5.0)}, "warn", False, "hwclock"),
        ("dns", {"inside": replace(INSIDE, dns="no answer")}, "warn", False, "daemon.json"),
        ("go-proxy", {"inside": replace(INSIDE, go_proxy="dial tcp: timeout")}, "warn", False, "GOPROXY="),
        (
            "go-proxy",
            {"inside": replace(INSIDE, go_proxy="x509: unknown authority")},
            "warn",
            False,
            "update-ca-certificates",
        ),
        (
            "go-proxy",
            {"inside": replace(INSIDE, go_proxy="x509: unknown authority"), "bases": (BUILT_HERE,)},
            "warn",
            False,
            "devctl bases build",
        ),
        (
            "go-proxy",
            {"inside": replace(INSIDE, go_proxy="lookup", dns="no")},
            "warn",
            False,
            "name resolution first",
        ),
        ("registry", {"registry_answers": False}, "ok", False, "not needed"),
        ("registry", {"registry_answers": False, "bases": (GONE,)}, "warn", False, "mirror"),
        (
            "proxy",
            {"proxies": ProxyFacts(containers="http://127.0.0.1:3128")},
            "warn",
            False,
            "the container itself",
        ),
        (
            "proxy",
            {"proxies": SHELL_PROXY, "inside": replace(INSIDE, go_proxy="timeout")},
            "warn",
            False,
            'httpsProxy": "http://p:1"',
        ),
        (
            "proxy",
            {"proxies": SHELL_PROXY, "registry_answers": False},
            "warn",
            False,
            'https-proxy": "http://p:1"',
        ),
        ("proxy", {"proxies": SHELL_PROXY}, "ok", False, "shell"),
        ("ca-bundle", {"own_cas": 2}, "ok", False, "in the base image too"),
        ("ca-bundle", {"own_cas": 2, "ca_bundle": "other"}, "ok", False, "is trusted"),
        (
            "ca-bundle",
            {"own_cas": 2, "ca_bundle": "other", "inside": replace(INSIDE, go_proxy="x509")},
            "warn",
            False,
            "update-ca-certificates",
        ),
        ("mtu", {"host_mtu": 1400}, "warn", False, '{"mtu": 1400}'),
        ("mtu", {"host_mtu": 9000}, "ok", False, "MTU 1500"),
        ("ports", {"ports": (HELD,)}, "fail", False, "HOST_PORT=8081 in .env"),
        ("ports", {"ports": (replace(HELD, fixed=False),)}, "ok", False, "api gets another"),
        ("ports", {"ports": ()}, "ok", False, "no port"),
        (
            "ownership",
            {"tree": replace(TREE, foreign=("tmp/x",), foreign_count=9)},
            "warn",
            True,
            "sudo chown -hR 1000:1000 /home/dev/shop",
        ),
        (
            "ownership",
            {"tree": replace(TREE, owner=(0, 0), foreign=("tmp/x",), foreign_count=9)},
            "ok",
            False,
            "0:0",
        ),
        ("mount", {"inside": replace(INSIDE, error="mounts denied")}, "fail", False, "File sharing"),
        ("mount", {"inside": replace(INSIDE, made_by=None)}, "warn", False, "cannot write"),
        ("mount", {"inside": replace(INSIDE, made_by=(0, 0))}, "warn", False, "belong to 0:0"),
        ("cache", {"inside": replace(INSIDE, cache="c", cache_denied="/cache")}, "fail", True, "volume rm c"),
        ("cache", {"inside": replace(INSIDE, cache="c", cache_denied="")}, "ok", False, "can write to"),
        ("file-events", {"tree": replace(TREE, events_arrive=True)}, "ok", False, "received the event"),
        ("file-events", {"tree": replace(TREE, events_arrive=False)}, "warn", False, "move the project"),
        (
            "file-events",
            {"tree": replace(TREE, kind="9p", eventless=True)},
            "warn",
            False,
            "9p does not pass on",
        ),
        ("file-system", {"tree": replace(TREE, kind="9p", eventless=True)}, "warn", False, "/home"),
        ("file-system", {"tree": replace(TREE, case_insensitive=True)}, "warn", False, "Go.mod"),
        ("git", {"tree": replace(TREE, git_distrusts=True)}, "warn", True, "safe.directory /home/dev/shop"),
        ("scripts", {"tree": replace(TREE, crlf_scripts=("run.sh",))}, "fail", True, "sed -i"),
        ("inotify", {"inotify_watches": 4096}, "warn", True, "max_user_watches"),
        ("inotify", {"inotify_instances": 16}, "warn", True, "max_user_instances"),
        ("x-bits", {"tree": replace(TREE, locked_scripts=("run.sh",))}, "warn", True, "chmod +x run.sh"),
        ("docker-config", {"docker_config": LOST_CONTEXT}, "fail", True, "docker context use default"),
        ("engine", {"engine": None, "docker_config": LOST_CONTEXT}, "fail", False, "context use default"),
        ("docker-config", {"docker_config": LOST_HELPER}, "warn", True, "docker-credential-desktop"),
        (
            "docker-config",
            {"docker_config": DockerConfigFacts("c", broken=True)},
            "warn",
            True,
            "is not valid JSON",
        ),
        ("abandoned", {"abandoned": ("a-1", "b-1")}, "warn", True, "docker rm --force a-1 b-1"),
        ("externals", {"externals": ("network back",)}, "fail", True, "docker network create back"),
        ("modules", {"gaps": (ModuleGap("api", "sum", "x.org/y"),)}, "warn", True, "api/go.sum has no"),
        ("modules", {"gaps": (ModuleGap(".", "vendor", "x.org/y"),)}, "warn", True, "or: go mod vendor"),
        ("bases", {"bases": (GONE,)}, "fail", True, "devctl bases build"),
        ("bases", {"bases": (GONE,), "pullable": frozenset({GONE.ref})}, "ok", False, "will be pulled"),
        ("bases", {"bases": (replace(GONE, ref="postgres:16"),)}, "fail", False, "docker load"),
        ("bases", {"bases": (replace(HERE, source="assembled"),)}, "ok", False, "1 of them assembled"),
    ],
)
def test_each_verdict(check: str, changed: dict[str, object], status: str, fixable: bool, says: str) -> None:
    found = verdict(check, **changed)
    assert found is not None
    line = found.as_json()
    assert (line["id"], line["status"], line["fixable"]) == (check, status, fixable)
    assert says in f"{line['what']} | {line['hint']}"
    assert line["hint"] or status == "ok"


def test_what_cannot_be_judged_is_left_out() -> None:
    nothing = run_checks(MachineFacts())
    assert [result.check.id for result in nothing] == ["docker-cli", "engine"]


@pytest.mark.parametrize(
    ("changed", "silent"),
    [
        ({"disk_free_bytes": None}, "disk"),
        ({"inodes_total": 0}, "inodes"),
        ({"info": None}, "rootless storage memory proxy file-events"),
        ({"inotify_watches": None}, "inotify"),
        ({"lock_holder": None}, "lock"),
        ({"leftovers": None}, "leftovers"),
        ({"inside": None}, "clock dns go-proxy ca-bundle mtu mount cache"),
        ({"inside": InsideFacts(image="x", error="no")}, "clock dns go-proxy ca-bundle mtu cache"),
        ({"host_mtu": None}, "mtu"),
        ({"ca_bundle": None}, "ca-bundle"),
        ({"registry_answers": None}, "registry"),
        ({"tree": None}, "ownership mount file-events file-system git scripts x-bits"),
        ({"docker_config": None}, "docker-config"),
        ({"abandoned": None}, "abandoned"),
        ({"externals": None}, "externals"),
        ({"gaps": None}, "modules"),
        ({"tree": replace(TREE, git_distrusts=None)}, "git"),
        ({"info": replace(INFO, local=False)}, "file-events"),
        ({"ports": None}, "ports"),
    ],
)
def test_what_is_not_known_is_not_judged(changed: dict[str, object], silent: str) -> None:
    spoken = {result.check.id for result in run_checks(replace(HEALTHY, **changed))}  # type: ignore[arg-type]
    assert {check.id for check in CHECKS} - spoken == set(silent.split())


def test_each_line_says_what_was_looked_at_and_why_it_matters() -> None:
    for result in run_checks(HEALTHY):
        line = result.as_json()
        assert line["looked_at"] and line["why"]


def test_fixes_come_in_the_order_they_depend_on_each_other() -> None:
    broken = replace(HEALTHY, compose=None, bases=(GONE,))
    assert [fix.name for fix in fixes_for(run_checks(broken))] == ["compose", "bases"]
    assert [fix.name for fix in fixes_for(run_checks(MachineFacts()))] == ["engine"], "two checks offer it"
    lost = MachineFacts(docker_config=LOST_CONTEXT)
    assert [fix.name for fix in fixes_for(run_checks(lost))] == ["docker-config", "engine"]


def test_the_hint_of_what_can_be_fixed_says_what_consent_it_takes() -> None:
    def hint(**changed: object) -> str:
        return next(r.finding.hint for r in run_checks(replace(HEALTHY, **changed)) if r.fix)  # type: ignore[arg-type]

    assert hint(leftovers=("a",)) == "devctl doctor --fix"
    assert hint(abandoned=("a",)) == "devctl doctor --fix --yes, or: docker rm --force a"
    assert hint(docker_cli=None) == "devctl doctor --fix", "done without a terminal too"
    assert hint(bases=(GONE,)) == "devctl bases build"


def test_a_check_is_an_entry_of_its_own() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize(
    ("text", "numbers"), [("v2.40.3-desktop.1", (2, 40, 3)), ("20.10.24+dfsg1", (20, 10, 24)), ("dev", ())]
)
def test_versions_are_read_from_what_tools_print(text: str, numbers: tuple[int, ...]) -> None:
    assert version(text) == numbers
