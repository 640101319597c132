"""What devctl does about differences between engines, on their recorded answers; `make engines` tries the engines themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.docker import image_size
from devctl.adapters.docker.compose import ComposeCli
from devctl.adapters.docker.differences import Differences
from devctl.adapters.docker.engine import EngineCli
from devctl.domain.ports.toolbox import Finished
from devctl.errors import MachineError

PODMAN = '{"Components": [{"Name":"Podman Engine","Version":"5.4.2"},{"Name":"Conmon","Version":"conmon version 2.1.12"}]}'
DOCKER = (
    '{"Components": [{"Name":"Engine","Version":"28.5.2+dfsg4"},{"Name":"containerd","Version":"2.1.9"}]}'
)
CLASSIC = '{"DriverStatus": [["Backing Filesystem","extfs"],["Supports d_type","true"],["Native Overlay Diff","true"]]}'
NO_NATIVE_DIFF = CLASSIC.replace('"Native Overlay Diff","true"', '"Native Overlay Diff","false"')
CONTAINERD = '{"DriverStatus": [["driver-type","io.containerd.snapshotter.v1"]]}'
ROOTLESS = '{"SecurityOptions": ["name=seccomp,profile=builtin","name=rootless"]}'
BUILDX = "github.com/docker/buildx 0.29.1+ds1 0.29.1+ds1-4\n"
OLD_BUILDX = "github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3\n"
NO_SOURCE = 'Error response from daemon: invalid mount config for type "bind": bind source path does not exist: /shop/go.mod\n'
NO_IMAGE = "Error response from daemon: No such image: devctl.invalid/none:none\n"
COMMON = {"docker version": DOCKER, "docker info": CLASSIC, "compose version": "2.40.3\n"}


class Recorded:
    """The docker command: what it prints, by a word of its command line."""

    def __init__(self, **said: str) -> None:
        self.said = {**COMMON, **{key.replace("_", " "): text for key, text in said.items()}}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def run(self, argv: Sequence[str], **how: Any) -> Finished:
        line = " ".join(argv)
        self.calls.append((line, how))
        if " build " in line and how.get("on_line"):
            for printed in self.said.get("prints", "").splitlines():
                how["on_line"](printed)
        found = next((text for key, text in self.said.items() if key in line), None)
        if "create" in argv:
            return Finished(1, "", found or "")
        return (
            Finished(1, "", "unknown command")
            if found is None and "buildx" in line
            else Finished(0, found or "", "")
        )

    def build(self) -> tuple[list[str], dict[str, str]]:
        """The lines that a user sees of a build, and its environment."""
        lines: list[str] = []
        compose: Any = ComposeCli(self, lambda service, line: lines.append(line))  # type: ignore[arg-type]
        compose.build(Path("/shop"), {"services": {"api": {"build": "."}}}, ["api"], recipes={})
        return lines, self.calls[-1][1]["env"]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_BUILDKIT", "COMPOSE_BAKE", "BUILDX_NO_DEFAULT_ATTESTATIONS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "docker",
    [
        Recorded(),
        Recorded(docker_version=PODMAN),
        Recorded(compose_version="5.6.1\n", buildx=BUILDX),
        Recorded(docker_info=CONTAINERD),
    ],
)
def test_every_build_is_without_attestations(docker: Recorded) -> None:
    assert docker.build()[1]["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"


def test_podman_builds_without_buildkit_and_it_is_said() -> None:
    lines, env = Recorded(docker_version=PODMAN, compose_version="5.6.1\n").build()
    assert lines == ["podman builds without BuildKit (DOCKER_BUILDKIT=0)"]
    assert env["DOCKER_BUILDKIT"] == "0"
    assert Recorded().build() == ([], {**Recorded().build()[1], "DOCKER_BUILDKIT": "1"})


def test_what_the_caller_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_BUILDKIT", "1")
    monkeypatch.setenv("COMPOSE_BAKE", "true")
    env = Recorded(docker_version=PODMAN).build()[1]
    assert {"DOCKER_BUILDKIT", "COMPOSE_BAKE"}.isdisjoint(env)


@pytest.mark.parametrize(
    ("buildx", "said"),
    [
        ({}, "compose 5.6.1 builds only with buildx, which is not installed"),
        ({"buildx": OLD_BUILDX}, "compose 5.6.1 refuses buildx 0.13.1+ds1: it needs 0.17"),
    ],
)
def test_compose_5_without_buildx_is_refused_before_it_builds(buildx: dict[str, str], said: str) -> None:
    docker = Recorded(compose_version="5.6.1\n", **buildx)
    with pytest.raises(MachineError, match=said.replace("+", r"\+")) as refused:
        docker.build()
    assert refused.value.problem.code == "buildx-missing"
    assert "docker-buildx" in refused.value.problem.hint
    assert not [line for line, _ in docker.calls if " build " in line]


def test_compose_2_builds_without_buildx_and_with_an_old_one() -> None:
    for docker in (Recorded(), Recorded(buildx=OLD_BUILDX)):
        assert docker.build()[1]["COMPOSE_BAKE"] == "false"


def test_warnings_of_what_devctl_sets_are_not_shown() -> None:
    printed = (
        'time="2026-12-01T12:00:00Z" level=warning msg="COMPOSE_BAKE=false is deprecated, support for internal compose builder'
        ' will be removed in next release"\n'
        'time="2026-12-01T12:00:00Z" level=warning msg="missing \\"GOPROXY\\" build argument. Try adding'
        ' \\"--build-arg GOPROXY=<VALUE>\\" to the command line"\n'
        'time="2026-12-01T12:00:00Z" level=warning msg="the attribute `version` is obsolete"\n#1 building'
    )
    lines, _ = Recorded(prints=printed).build()
    assert [line.rpartition(" ")[2] for line in lines] == ['obsolete"', "building"]


@pytest.mark.parametrize(("said", "user"), [("{}", "1000:1001"), (CLASSIC, "1000:1001"), (ROOTLESS, "0:0")])
def test_root_in_a_container_of_a_rootless_engine_is_the_user(said: str, user: str) -> None:
    docker: Any = Recorded(docker_info=said)
    engine = EngineCli(docker)
    assert {engine.user_for((1000, 1001)), engine.user_for((1000, 1001))} == {user}
    assert len(docker.calls) == 1


@pytest.mark.parametrize(("said", "sees"), [(NO_SOURCE, False), (NO_IMAGE, True), ("", True)])
def test_an_engine_on_another_machine_cannot_mount_a_file_of_this_one(said: str, sees: bool) -> None:
    docker: Any = Recorded(create=said)
    assert EngineCli(docker).sees(Path("/my, shop/go.mod")) is sees
    assert '"source=/my, shop/go.mod"' in docker.calls[0][0]


def test_an_image_can_be_removed_without_the_cache_that_it_was_built_from() -> None:
    docker: Any = Recorded()
    engine = EngineCli(docker)
    assert engine.remove_image("shop-std", keep_cache=True) and engine.remove_image("shop-dev")
    assert [line for line, _ in docker.calls] == [
        "docker image rm --no-prune -- shop-std",
        "docker image rm -- shop-dev",
    ]


@pytest.mark.parametrize(
    "said", [{"docker_info": CONTAINERD}, {"docker_info": NO_NATIVE_DIFF}, {"docker_version": PODMAN}]
)
def test_where_the_history_tells_something_else_the_layers_are_read(
    said: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_size, "_read", lambda ref: 7)
    docker: Any = Recorded(history="8192\n0\n", **said)
    assert EngineCli(docker).image_bytes("shop") == 7
    classic: Any = Recorded(history="8192\n0\n300\n")
    assert EngineCli(classic).image_bytes("shop") == 8492


def test_an_engine_that_does_not_answer_is_asked_again() -> None:
    docker: Any = Recorded()
    docker.run = lambda argv, **how: Finished(1, "", "Cannot connect")
    differences = Differences(docker)
    assert differences.is_podman() is False
    docker.run = lambda argv, **how: Finished(0, PODMAN, "")
    assert differences.is_podman() is True


def test_nor_is_what_docker_says_without_an_engine_remembered() -> None:
    """Docker 20.10 exits with 0 then, and names the reason in its answer."""
    docker: Any = Recorded(docker_info='{"ServerErrors": ["Cannot connect to the Docker daemon"]}')
    differences = Differences(docker)
    assert differences.is_rootless() is False
    docker.said["docker info"] = ROOTLESS
    assert differences.is_rootless() is True
