"""clean on the real engine: what is left of gone projects goes, what carries no label of ours is never touched."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devctl.adapters.engine import EngineCli
from devctl.adapters.process import SystemProcesses
from devctl.domain.observed import CACHE_LABEL, PROJECT_LABEL
from tests.engine.cli import devctl, docker, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]


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
    labels = ["--label", f"{PROJECT_LABEL}={shop.name}", "--label", "com.docker.compose.project="]
    docker(
        "run", "--detach", "--name", holder, *labels, "--entrypoint", "sleep", f"{shop.name}-app:dev", "600"
    )
    assert shop.devctl("clean").result["removed"] == [{"kind": "container", "name": holder}]
    serves(shop.port, "Hello")


@pytest.fixture
def volumes() -> Iterator[dict[str, str]]:
    """Three volumes: a cache, a project's data that is labelled as a cache too, and a stranger's."""
    word = uuid.uuid4().hex[:8]
    names = {kind: f"dt{word}-{kind}" for kind in ("cache", "data", "stranger")}
    docker("volume", "create", "--label", f"{CACHE_LABEL}=go-build", names["cache"])
    both = ["--label", f"{CACHE_LABEL}=go-build", "--label", f"{PROJECT_LABEL}=dt{word}"]
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

    # The machine's real caches are shared with whatever else runs here: what would go is asked, not done.
    causes = [p["cause"] for p in shop.devctl("--dry-run", "clean", "--caches").result["plan"]]
    assert any(volumes["cache"] in c for c in causes)
    assert not any(volumes[kind] in c for c in causes for kind in ("data", "stranger"))
    engine = EngineCli(SystemProcesses())
    mine = next(v for v in engine.labelled("volume", CACHE_LABEL) if v.name == volumes["cache"])
    assert engine.remove(mine) is True
    assert engine.remove(mine) is False, "it is gone already"
