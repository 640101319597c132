"""clean on the real engine: leftovers of deleted projects are removed, and what has no devctl label is never touched."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devctl.adapters.docker.engine import EngineCli
from devctl.adapters.system.identity import HomeIdentity
from devctl.adapters.system.process import SystemProcesses
from devctl.domain.plan.engine_state import (
    CACHE_LABEL,
    MACHINE_LABEL,
    PROJECT_LABEL,
    TEMPORARY_LABEL,
    WORKING_DIR_LABEL,
)
from tests.engine.cli import DEVCTL, devctl, docker, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]


def of_a_killed_process() -> dict[str, str]:
    return {**HomeIdentity().temporary(), TEMPORARY_LABEL: "1-0"}


def ids(kind: str, name: str) -> list[str]:
    how = ["ps", "--all"] if kind == "container" else [kind, "ls"]
    return docker(*how, "--quiet", "--filter", f"label={PROJECT_LABEL}={name}").split()


def test_what_serves_stays_and_what_it_replaced_goes(project: MakeProject) -> None:
    shop = project()
    shop.devctl("up", "-d")
    shop.devctl("clean")  # what others left on this engine
    assert shop.devctl("clean").result["removed"] == [], "everything here is needed"
    old = docker("image", "inspect", "--format", "{{.Id}}", f"{shop.name}-app:dev")
    with (shop.root / "Dockerfile").open("a") as file:
        file.write("LABEL changed=yes\n")
    text = (shop.root / "Dockerfile").read_text()
    (shop.root / "Dockerfile").write_text(text.replace("ENV GOCACHE=", "ENV CHANGED=1 GOCACHE="))
    shop.devctl("up", "-d")
    serves(shop.port, "Hello")

    shop.devctl("clean")  # whether `up` removed it by itself or not
    gone = subprocess.run(["docker", "image", "inspect", old], capture_output=True)
    assert gone.returncode != 0
    serves(shop.port, "Hello")
    assert shop.devctl("clean").result["removed"] == []


def test_left_overs_of_a_folder_that_is_gone(project: MakeProject, tmp_path: Path) -> None:
    shop, other = project(), project()
    shop.devctl("up", "-d", "--no-watch")
    docker("stop", "--time", "2", *ids("container", shop.name))
    volume = f"{shop.name}_data"
    docker("volume", "create", "--label", f"{PROJECT_LABEL}={shop.name}", volume)
    aside = tmp_path / "aside"
    shutil.move(shop.root, aside)
    try:
        plan = devctl("--dry-run", "clean", cwd=other.root).result["plan"]
        assert sum(shop.name in p["cause"] for p in plan) >= 3, plan
        assert ids("container", shop.name), "a plan removes nothing"

        removed = devctl("clean", cwd=other.root).result["removed"]

        kinds = {r["kind"] for r in removed if shop.name in r["name"]}
        assert kinds == {"container", "network", "image"}
        assert not ids("container", shop.name) and not ids("image", shop.name)
        assert volume in docker("volume", "ls", "--quiet").split(), "data is never removed"
    finally:
        shutil.move(aside, shop.root)
        docker("volume", "rm", volume)


def test_a_network_holder_that_was_left_behind(project: MakeProject) -> None:
    shop = project()
    shop.devctl("up", "-d", "--no-watch")
    holder = f"{shop.name}-network-holder"
    said = {PROJECT_LABEL: shop.name, "com.docker.compose.project": "", **of_a_killed_process()}
    labels = [f"--label={name}={value}" for name, value in said.items()]
    run = [
        "run",
        "--detach",
        "--name",
        holder,
        *labels,
        "--network",
        f"{shop.name}_default",
        "--entrypoint",
        "sleep",
    ]
    docker(*run, f"{shop.name}-app:dev", "600")
    assert shop.devctl("clean").result["removed"] == [{"kind": "container", "name": holder}]
    serves(shop.port, "Hello")

    docker(*run, f"{shop.name}-app:dev", "600")
    assert {"kind": "network", "name": f"{shop.name}_default"} in shop.devctl("down").result["removed"]
    assert f"{shop.name}_default" not in docker("network", "ls", "--format", "{{.Name}}").split()


def test_what_another_machine_made_is_left_alone(project: MakeProject) -> None:
    """A colleague's containers on a shared engine: their folder is never here."""
    shop = project()
    names = {word: f"{shop.name}-{word}" for word in ("elsewhere", "older", "here")}
    machines = {
        "elsewhere": {MACHINE_LABEL: "elsewhere"},
        "older": {},
        "here": {MACHINE_LABEL: HomeIdentity().machine},
    }
    for word, name in names.items():
        said = {PROJECT_LABEL: f"{shop.name}-x", WORKING_DIR_LABEL: "/not/on/this/machine", **machines[word]}
        docker(
            "create", "--name", name, *(f"--label={k}={v}" for k, v in said.items()), "alpine:3.22", "true"
        )
    try:
        removed = [r["name"] for r in shop.devctl("clean").result["removed"]]
        assert [n for n in removed if shop.name in n] == [names["here"]]
        said = subprocess.run([*DEVCTL, "clean"], cwd=shop.root, capture_output=True, text=True).stdout
        assert f"docker container rm {names['older']}" in said and names["elsewhere"] not in said
        left = docker("ps", "--all", "--format", "{{.Names}}", "--filter", f"name={shop.name}-").split()
        assert sorted(left) == sorted([names["elsewhere"], names["older"]])
    finally:
        subprocess.run(["docker", "rm", "--force", *names.values()], capture_output=True)


@pytest.fixture
def volumes() -> Iterator[dict[str, str]]:
    """Three volumes: a cache, a project's data that is labelled as a cache too, and a stranger's."""
    word = uuid.uuid4().hex[:8]
    names = {kind: f"dt{word}-{kind}" for kind in ("cache", "data", "stranger")}
    ours = ["--label", f"{CACHE_LABEL}=go-build", "--label", f"{MACHINE_LABEL}={HomeIdentity().machine}"]
    docker("volume", "create", *ours, names["cache"])
    both = [*ours, "--label", f"{PROJECT_LABEL}=dt{word}"]
    docker("volume", "create", *both, names["data"])
    docker("volume", "create", names["stranger"])
    yield names
    subprocess.run(["docker", "volume", "rm", "--force", *names.values()], capture_output=True)


def test_caches_go_with_consent_only(project: MakeProject, volumes: dict[str, str]) -> None:
    shop = project()
    refused = shop.devctl("clean", "--caches", code=2)
    assert refused.error["code"] == "consent-missing" and volumes["cache"] in refused.error["message"]
    assert refused.error["hint"] == "devctl clean --caches --yes"
    assert set(volumes.values()) <= set(docker("volume", "ls", "--quiet").split())

    # The machine's real caches are shared with everything else that runs here: what would be removed is listed, not removed.
    causes = [p["cause"] for p in shop.devctl("--dry-run", "clean", "--caches").result["plan"]]
    assert any(volumes["cache"] in c for c in causes)
    assert not any(volumes[kind] in c for c in causes for kind in ("data", "stranger"))
    engine = EngineCli(SystemProcesses())
    mine = next(v for v in engine.labelled("volume", CACHE_LABEL) if v.name == volumes["cache"])
    assert engine.remove(mine) is True
    assert engine.remove(mine) is False, "it is gone already"
