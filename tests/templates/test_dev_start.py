"""How a dev container starts: on broken code, as any user, without a network, with polling, in other layouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import GREETING, Running, built, copy_template, run

pytestmark = pytest.mark.engine


def test_broken_at_the_start_recovers_on_the_fix(service: Running) -> None:
    service.save("never", broken=True)
    service.compose("up", "--build", "--detach")
    service.says("devctl: build failed", within=300)
    service.save("fixed")
    service.serves("fixed")
    service.save("and goes on")
    service.serves("and goes on")


def test_a_new_container_starts_from_the_kept_binary_but_only_if_it_is_right(service: Running) -> None:
    service.compose("up", "--build", "--detach")
    service.serves(GREETING)
    kept = service.sh("until ls /cache/bin/* 2>/dev/null; do sleep 0.1; done").strip()
    service.sh(f"printf planted >>{kept}")
    service.compose("up", "--detach", "--force-recreate")
    service.serves(GREETING)
    assert service.sh("tail -c 7 /tmp/air/main") == "planted", "not linked again"
    service.sh(f"printf '#!/bin/sh\\necho wrong\\n' >{kept}")
    service.compose("up", "--detach", "--force-recreate")
    service.serves(GREETING)
    assert "wrong" not in service.log()


def test_polling_any_user_and_another_layout(service: Running) -> None:
    (service.root / "cmd/api").mkdir(parents=True)
    (service.root / "main.go").rename(service.root / "cmd/api/main.go")
    (service.root / "main_test.go").unlink()
    air = service.root / ".air.toml"
    air.write_text(air.read_text().replace("/tmp/air/main .", "/tmp/air/main ./cmd/api"))
    service.env = {"AIR_POLL": "1", "DEV_USER": "12345:54321"}
    service.compose("up", "--build", "--detach")
    service.serves(GREETING, within=300)
    assert "--build.poll=true" in service.sh("tr '\\0' ' ' </proc/$(pidof air)/cmdline")
    service.save("by polling")
    service.serves("by polling")


def test_builds_without_a_network(tmp_path: Path, cache: str) -> None:
    root = copy_template(tmp_path / "app")
    offline = ("docker", "run", "--rm", "--network", "none", "--user", "12345:54321", "-v", f"{root}:/app:ro")
    offline += ("-v", f"{cache}:/cache")
    with built(root, "dev") as ref:
        run(*offline, "--entrypoint", "sh", ref, "-c", "go build -o /tmp/server . && test -x /tmp/server")


def test_modules_are_in_the_layer_and_any_user_may_add_more(tmp_path: Path, cache: str) -> None:
    root = copy_template(tmp_path / "app")
    (root / "uuid.go").write_text('package main\n\nimport _ "github.com/google/uuid"\n')
    (root / "go.mod").write_text(
        "module example.com/app\n\ngo 1.26\n\nrequire github.com/google/uuid v1.6.0\n"
    )
    (root / "go.sum").write_text(
        "github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n"
        "github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n"
    )
    container = ("docker", "run", "--rm", "--user", "12345:54321", "-v", f"{root}:/app:ro")
    container += ("-v", f"{cache}:/cache")
    with built(root, "dev") as ref:
        run(*container, "--network", "none", "--entrypoint", "go", ref, "build", "-o", "/tmp/server", ".")
        fetch = "go mod download rsc.io/quote@v1.5.2 && ls /go/pkg/mod/rsc.io"
        fetched = run(*container, "--entrypoint", "sh", ref, "-c", fetch)
    assert "quote@v1.5.2" in fetched


def test_vendored_modules_are_not_fetched(tmp_path: Path) -> None:
    root = copy_template(tmp_path / "app")
    (root / "dep.go").write_text('package main\n\nimport _ "no.invalid/dep"\n')
    (root / "go.mod").write_text("module example.com/app\n\ngo 1.26\n\nrequire no.invalid/dep v1.0.0\n")
    (root / "vendor/no.invalid/dep").mkdir(parents=True)
    (root / "vendor/no.invalid/dep/dep.go").write_text("package dep\n")
    (root / "vendor/modules.txt").write_text(
        "# no.invalid/dep v1.0.0\n## explicit; go 1.26\nno.invalid/dep\n"
    )
    with built(root, "runner-scratch") as ref:
        assert ref


def test_workspace_builds_with_its_manifests_listed(tmp_path: Path) -> None:
    """What devctl does for a go.work: one line of the Dockerfile becomes a list, MODULE_DIR names the service."""
    root = copy_template(tmp_path / "app")
    (root / "api").mkdir()
    for name in ("main.go", "main_test.go", "internal", "go.mod"):
        (root / name).rename(root / "api" / name)
    (root / "lib").mkdir()
    (root / "lib/go.mod").write_text("module example.com/lib\n\ngo 1.26\n")
    (root / "lib/lib.go").write_text("package lib\n")
    (root / "api/lib.go").write_text('package main\n\nimport _ "example.com/lib"\n')
    (root / "go.work").write_text("go 1.26\n\nuse (\n\t./api\n\t./lib\n)\n")
    dockerfile = root / "Dockerfile"
    lines = (
        "COPY go.work go.work.su[m] ./\nCOPY api/go.mod api/go.su[m] api/\nCOPY lib/go.mod lib/go.su[m] lib/"
    )
    dockerfile.write_text(dockerfile.read_text().replace("COPY go.mod go.su[m] ./", lines))
    with built(root, "runner-scratch", args={"MODULE_DIR": "api"}) as ref:
        assert ref
