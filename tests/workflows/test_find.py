"""A compose file in its own folder beside the code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devctl.adapters.project_files.sources import ProjectSources
from devctl.adapters.system.files import SystemFiles
from devctl.domain.project.compose_model import OwnSpec
from devctl.workflows.project.compose_model import not_used_for_development
from devctl.workflows.project.find import ComposeFiles
from devctl.workflows.project.script_builds import lend_script_builds
from tests.engine.cli import here
from tests.helpers import build_tree

GO = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "main.go": 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n',
    "build/Dockerfile": "FROM golang:1.26-alpine AS b\nWORKDIR /src\nCOPY . .\nRUN go build -o /server .\n"
    'FROM alpine:3.22\nCOPY --from=b /server /server\nENTRYPOINT ["/server"]\n',
}
COMPOSE = (
    "services:\n  api:\n    build:\n      context: ..\n      dockerfile: build/Dockerfile\n    ports: ['7070:8080']\n"
    "  db:\n    image: alpine:3.22\n    volumes: ['data:/data']\nvolumes:\n  data:\n"
)


@pytest.mark.engine
@pytest.mark.parametrize("at", [".", "deploy"])
@pytest.mark.parametrize("by_option", [True, False])
def test_it_is_the_project_from_both_folders(tmp_path: Path, at: str, by_option: bool) -> None:
    root = build_tree(tmp_path / "shop", {**GO, "deploy/docker-compose.yml": COMPOSE})
    asked = ("-C", str(root / at)) if by_option else ()
    found = here(*asked, "config", "render", "--mode", "prod", cwd=tmp_path if by_option else root / at)
    model = found.result["model"]
    assert model["name"] == "shop" and model["volumes"]["data"]["name"] == "shop_data"
    assert set(model["services"]) == {"api", "db"}
    build = model["services"]["api"]["build"]
    assert build["context"] == str(root)
    shown = here("config", "show", cwd=root / at).result["values"]
    assert shown["services.api.port"]["origin"] == "deploy/docker-compose.yml:6"
    assert shown["services.api.dockerfile"]["value"] == "build/Dockerfile"


@pytest.mark.engine
def test_a_name_that_it_gives_itself_is_kept(tmp_path: Path) -> None:
    root = build_tree(tmp_path / "shop", {**GO, "deploy/compose.yaml": f"name: store\n{COMPOSE}"})
    model = here("config", "render", cwd=root).result["model"]
    assert model["name"] == "store" and model["volumes"]["data"]["name"] == "store_data"


@pytest.mark.engine
@pytest.mark.parametrize(
    "build", ["build: ..", 'build: "../"', "build: {context: .., dockerfile: build/Dockerfile}"]
)
def test_short_forms(tmp_path: Path, build: str) -> None:
    files = {**GO, "build/compose.yml": f"services:\n  api:\n    {build}\n"}
    root = build_tree(tmp_path / "shop", files)
    assert set(here("config", "render", cwd=root).result["model"]["services"]) == {"api"}


def test_one_that_builds_nothing_from_here_is_left_alone(tmp_path: Path) -> None:
    files = {**GO, "docker/compose.yaml": "services:\n  kafka:\n    image: example/kafka\n"}
    root = build_tree(tmp_path / "shop", files)
    assert set(here("config", "render", cwd=root).result["model"]["services"]) == {"shop"}


OTHER = (
    "services:\n  api:\n    image: golang:1.26-alpine\n    working_dir: /src\n    command: go run .\n    volumes: ['.:/src']\n"
    "    ports: ['7070:8080']\n"
)
BELOW = OTHER.replace(".:/src", "..:/src") + "    build: ..\n"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("files", "used"),
    [
        ({"docker-compose.dev.yml": OTHER, "docker-compose.prod.yml": "services: {}\n"}, "docker-compose.dev.yml"),
        ({"local.yml": OTHER}, "local.yml"),
        ({"deploy/docker-compose.local.yml": BELOW}, "deploy/docker-compose.local.yml"),
        ({".env": "COMPOSE_FILE=a.yml:b.yml\n", "a.yml": OTHER, "b.yml": "services: {db: {image: 'alpine:3.22'}}\n"}, ""),
        ({"compose.yaml": OTHER + "    profiles: [app]\n"}, ""),
    ],
)  # fmt: skip
def test_one_of_another_name_is_used_and_said(tmp_path: Path, files: dict[str, str], used: str) -> None:
    root = build_tree(tmp_path / "shop", {**GO, **files})
    shown = here("config", "show", cwd=root).result["values"]
    assert shown["services.api.port"]["value"] == 8080
    assert shown["services.api.context"]["origin"].startswith(
        used or next(n for n in files if n.endswith("ml"))
    )
    told = {p["code"]: p for p in here("config", "check", cwd=root).result["problems"]}
    assert ("compose-file-named" in told) == bool(used)
    assert ("profile-chosen" in told) == ("compose.yaml" in files)
    model = here("config", "render", cwd=root).result["model"]["services"]
    assert set(model) == ({"api", "db"} if ".env" in files else {"api"})
    assert [p["published"] for p in model["api"]["ports"]] == ["7070"]


@pytest.mark.engine
def test_init_keeps_it_and_writes_beside_it(tmp_path: Path) -> None:
    root = build_tree(tmp_path / "shop", {**GO, "deploy/docker-compose.yml": COMPOSE})
    planned = {f["path"]: f["action"] for f in here("init", cwd=root).result["files"]}
    assert planned["deploy/docker-compose.yml"] == "differs"
    assert planned["deploy/compose.prod.yaml"] == "written"
    assert (root / "deploy/docker-compose.yml").read_text() == COMPOSE
    assert {f["action"] for f in here("init", cwd=root).result["files"]} == {"kept", "differs"}


MAIN = {"go.mod": GO["go.mod"], "cmd/shop/main.go": GO["main.go"]}
BUILDS = (
    "FROM golang:1.26-alpine AS b\nWORKDIR /src\nCOPY . .\nRUN go build -o /server ./cmd/shop\n"
    'FROM alpine:3.22\nCOPY --from=b /server /server\nENTRYPOINT ["/server", "serve"]\n'
)
OTHER_PROGRAM = "FROM node:22\nCOPY . .\nRUN npm run build\n"


@pytest.mark.parametrize(
    ("files", "used"),
    [
        ({"build/Dockerfile": BUILDS}, "build/Dockerfile"),
        ({"build/package/Dockerfile": BUILDS}, "build/package/Dockerfile"),
        ({"cmd/shop/Dockerfile": BUILDS, "docker/Dockerfile.dev": BUILDS}, "cmd/shop/Dockerfile"),
        (
            {"docker/shop.Dockerfile": BUILDS, "docker/web.Dockerfile": OTHER_PROGRAM},
            "docker/shop.Dockerfile",
        ),
        ({"Dockerfile": BUILDS, "build/Dockerfile": BUILDS}, "Dockerfile"),
        ({"build/Dockerfile": BUILDS, "deploy/Dockerfile": BUILDS}, None),
        ({"docker/go.mod": "module example.com/tool\n", "docker/Dockerfile": BUILDS}, None),
    ],
)
def test_a_dockerfile_that_is_kept_elsewhere(tmp_path: Path, files: dict[str, str], used: str | None) -> None:
    shown = here("config", "show", cwd=build_tree(tmp_path / "shop", MAIN | files)).result["values"]
    assert shown["services.shop.dockerfile"]["value"] == used
    assert ("serve" in str(shown["services.shop.args"]["value"])) == (used is not None)
    assert ("alpine" in str(shown["services.shop.prod_stages"]["value"])) == (used is not None)


@pytest.mark.parametrize("text", ["FROM {{ base }}\n", "", "ARG A=1\n", "FROM a\nRUN <<EOF\n", None])
def test_what_only_is_called_a_dockerfile_breaks_nothing(tmp_path: Path, text: str | None) -> None:
    root = build_tree(tmp_path / "shop", MAIN)
    (root / "build").mkdir()
    (root / "docker/Dockerfile").mkdir(parents=True)
    if text is None:
        (root / "build/Dockerfile").symlink_to("/etc/passwd")
        os.mkfifo(root / "build/Dockerfile.prod")
    else:
        (root / "build/Dockerfile.tmpl").write_text(text)
    shown = here("config", "show", cwd=root).result["values"]
    assert shown["services.shop.dockerfile"]["value"] is None


RUN_BY_NAME = (
    "services:\n  api:\n    image: shop\n    environment: {PORT: '7000'}\n  db:\n    image: alpine:3.22\n"
)
READS_PORT = (
    GO["main.go"].replace('"net/http"', '"net/http"; "os"').replace('":8080"', '":" + os.Getenv("PORT")')
)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("files", "used"),
    [
        ({"build.sh": "docker build -t shop .\n", "Dockerfile": BUILDS}, "Dockerfile"),
        (
            {
                "Makefile": "NAME := shop\nimage:\n\tdocker build -f build/Dockerfile -t $(NAME):$(TAG) .\n",
                "build/Dockerfile": BUILDS,
            },
            "build/Dockerfile",
        ),
        ({"build.sh": "docker build -t shop ..\n", "Dockerfile": BUILDS}, None),
        ({"build.sh": "docker build -t other .\n", "Dockerfile": BUILDS}, None),
        ({"build.sh": "docker build -t shop:2 .\n", "Dockerfile": BUILDS}, "Dockerfile"),
        ({"build.sh": "docker build -t alpine:3 .\n", "Dockerfile": BUILDS}, None),
    ],
)
def test_an_image_that_a_script_builds_is_built_where_a_service_only_names_it(
    tmp_path: Path, files: dict[str, str], used: str | None
) -> None:
    root = build_tree(
        tmp_path / "shop", MAIN | {"cmd/shop/main.go": READS_PORT, "compose.yaml": RUN_BY_NAME} | files
    )
    shown = here("config", "show", cwd=root).result["values"]
    found = [
        shown[f"services.api.{key}"]["value"]
        for key in ("dockerfile", "port")
        if "services.api.port" in shown
    ]
    assert found == ([used, 7000] if used else [])


def test_a_script_that_nobody_calls_and_nobody_can_read_breaks_nothing(tmp_path: Path) -> None:
    root = build_tree(tmp_path / "shop", {"z.sh": "docker build -t shop .\n", "Dockerfile": BUILDS})
    (root / "a.sh").symlink_to("/etc/passwd")
    (root / "b.sh").symlink_to("nowhere")
    os.mkfifo(root / "c.sh")
    (root / "d.sh").write_text("docker build -t shop -f none .\n" + "#" * 16_000_000)
    (root / "e.sh").write_text("docker build -t shop --target long .\n" + "#" * 70_000)
    specs: dict[str, OwnSpec] = {"api": {"image": "shop:1"}, "db": {"image": "postgres:16"}}
    lend_script_builds(SystemFiles(), root, specs)
    assert specs["api"]["build"] == {"context": str(root), "dockerfile": "Dockerfile"}
    assert "build" not in specs["db"]


def test_a_compose_file_for_development_is_not_read_out_of_the_project(tmp_path: Path) -> None:
    root = build_tree(tmp_path / "shop", {"compose.yaml": OTHER})
    (tmp_path / "dev.yml").write_text(OTHER)
    found = ComposeFiles(root, (root / "compose.yaml",))
    (root / "compose.dev.yml").write_text(OTHER)
    assert not_used_for_development(SystemFiles(), ProjectSources(), root, found) is not None
    (root / "compose.dev.yml").unlink()
    (root / "compose.dev.yml").symlink_to(tmp_path / "dev.yml")
    assert not_used_for_development(SystemFiles(), ProjectSources(), root, found) is None
