"""The production stages: small, nonroot, read-only; by plain docker compose with both files."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from devctl.domain.dockerfile.runtime_bases import RUNTIME_BASES
from tests.engine.compiled import PLACE
from tests.helpers import build_tree

from .conftest import GREETING, TEMPLATE, Running, built, copy_template, image_layers, run

pytestmark = pytest.mark.engine

SLACK = 64 * 1024


def test_plain_compose_runs_it_hardened(service: Running) -> None:
    service.files = ("compose.yaml", "compose.prod.yaml")
    service.compose("up", "--build", "--detach")
    service.serves(GREETING)
    assert (
        service.inspect("{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}")
        == "65532:65532 true [ALL]"
    )
    assert service.inspect("{{json .HostConfig.SecurityOpt}}") == '["no-new-privileges:true"]'
    assert service.inspect("{{json .Mounts}}") == "[]"
    assert service.inspect("{{.Config.Image}}") == f"{service.project}-app:prod"
    assert service.inspect("{{.Config.Env}}").count("AIR_POLL") == 0
    service.compose("stop", "--timeout", "10")
    assert service.inspect("{{.State.ExitCode}}") == "0"
    assert '"msg":"stopping"' in service.log()


@pytest.mark.parametrize(("stage", "base"), [(base.stage, base.image) for base in RUNTIME_BASES.values()])
def test_runner_is_its_base_and_one_layer(stage: str, base: str | None, tmp_path: Path) -> None:
    with built(copy_template(tmp_path / "app"), stage) as ref:
        assert image_layers(ref)[:-1] == (image_layers(base) if base else [])
        assert size(ref) <= (size(base) if base else 0) + len(members(ref)["server"]) + SLACK
        config = run("docker", "image", "inspect", "-f", "{{.Config.User}} {{.Config.Entrypoint}}", ref)
        assert config.split() == ["65532:65532", "[/server]"]


def test_scratch_serves_read_only(service: Running) -> None:
    service.files = ("compose.yaml", "compose.prod.yaml")
    prod = service.root / "compose.prod.yaml"
    prod.write_text(prod.read_text().replace("runner-distroless", "runner-scratch"))
    service.compose("up", "--build", "--detach")
    service.serves(GREETING)


def test_files_opened_at_run_time_share_the_layer(tmp_path: Path) -> None:
    root = copy_template(tmp_path / "app")
    (root / "web/pages").mkdir(parents=True)
    (root / "web/pages/index.html").write_text("<p>")
    (root / "seed.json").write_text("{}")
    (root / "config.json").symlink_to("configs/dev.json")  # to a file that is not among them
    (root / "web/pages/more").symlink_to("../more")
    (root / "web/pages/home.html").symlink_to("index.html")
    (root / "web/pages/gone").symlink_to("nothing")
    build_tree(root, {"configs/dev.json": "{}", "web/more/a.html": "<p>"})
    with built(root, "runner-scratch", args={"FILES": "web/pages seed.json config.json"}) as ref:
        wanted = {"web/pages/index.html", "seed.json", "config.json", "web/pages/more/a.html"}
        found = members(ref)
        assert {"server", *(f"app/{name}" for name in wanted)} <= set(found)
        assert found["app/config.json"] == b"{}" and "app/configs/dev.json" not in found
        assert len(image_layers(ref)) == 1


@pytest.mark.parametrize(("arch", "machine"), [("amd64", 62), ("arm64", 183), ("arm/v7", 40)])
def test_cross_compiles_natively(arch: str, machine: int, tmp_path: Path) -> None:
    with built(copy_template(tmp_path / "app"), "runner-scratch", platform=f"linux/{arch}") as ref:
        assert (
            int.from_bytes(members(ref)["server"][18:20], "little") == machine
        )  # e_machine of the ELF header


def test_service_has_tests_that_pass(cache: str) -> None:
    root = ("-v", f"{TEMPLATE}:/app:ro", "-w", "/app", "-e", "CGO_ENABLED=0")
    root += ("-v", f"{cache}:/cache", "-e", f"GOCACHE={PLACE}")
    run(
        "docker",
        "run",
        "--rm",
        *root,
        "golang:1.26-alpine",
        "go",
        "test",
        "-vet=all",
        "-buildvcs=false",
        "./...",
    )


def members(ref: str) -> dict[str, bytes]:
    """The image's files by name, read from a container that never ran."""
    container = run("docker", "create", ref).strip()
    try:
        exported = subprocess.run(["docker", "export", container], capture_output=True, check=True).stdout
    finally:
        run("docker", "rm", container)
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        return {m.name: f.read() for m in archive if m.isfile() and (f := archive.extractfile(m))}


def size(ref: str) -> int:
    return int(run("docker", "image", "inspect", "-f", "{{.Size}}", ref))
