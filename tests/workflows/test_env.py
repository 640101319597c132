"""Variables: those of `.env` if there is no compose file, and those that the code needs and nothing sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.cli import here
from tests.engine.conftest import TEMPLATE
from tests.helpers import build_tree

MAIN = """package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	if os.Getenv("DATABASE_URL") == "" {
		log.Fatal("DATABASE_URL is not set")
	}
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
"""
GO = {"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": MAIN}
LIVE = "services: {api: {environment: {MODE: live}}}\n"
COMPOSE = "services:\n  api:\n    build: .\n    environment: {PORT: '9000'ENV}\n"


def missing(root: Path) -> list[tuple[str, str]]:
    found = here("config", "check", cwd=root).result["problems"]
    return [(p["message"], p["place"]) for p in found if p["code"] == "variable-missing"]


def test_what_the_code_needs_and_nothing_sets_is_named_with_its_line(tmp_path: Path) -> None:
    root = build_tree(tmp_path / "shop", GO)
    ((message, place),) = missing(root)
    assert "DATABASE_URL" in message and place == "main.go:10"
    hints = [p["hint"] for p in here("config", "check", cwd=root).result["problems"]]
    assert any("services: {shop: {env: {DATABASE_URL: …}}}" in hint for hint in hints)


@pytest.mark.engine
def test_each_way_to_set_it(tmp_path: Path) -> None:
    said = "version: 1\nservices:\n  shop:\n    env: {DATABASE_URL: x}\n"
    sets = {
        "yaml": {"devctl.yaml": said},
        "compose": {"compose.yaml": COMPOSE.replace("ENV", ", DATABASE_URL: x")},
        "env_file": {"compose.yaml": COMPOSE.replace("ENV", "") + "    env_file: a.env\n", "a.env": "DATABASE_URL=x"},
        "dockerfile": {
            "compose.yaml": COMPOSE.replace("ENV", ""),
            "Dockerfile": "FROM golang:1.26-alpine\nENV DATABASE_URL=x\nRUN go build -o /a .\n",
        },
        "env": {".env": "DATABASE_URL=x\n"},
    }  # fmt: skip
    for name, files in sets.items():
        assert missing(build_tree(tmp_path / name, {**GO, **files})) == [], name
    unset = build_tree(tmp_path / "unset", {**GO, "compose.yaml": COMPOSE.replace("ENV", ", DATABASE_URL: ")})
    assert missing(unset)


def test_env_is_for_the_service_where_there_is_no_compose_file(tmp_path: Path) -> None:
    text = "export PORT=7070\nDATABASE_URL='postgres://u:p$1@db'\nCOMPOSE_PROFILES=x\nEMPTY=\n# a comment\n"
    root = build_tree(tmp_path / "shop", {**GO, ".env": text})
    (spec,) = here("config", "render", cwd=root).result["model"]["services"].values()
    given = {k: v for k, v in spec["environment"].items() if not k.startswith("DEVCTL_")}
    assert given == {"PORT": "7070", "DATABASE_URL": "postgres://u:p$$1@db", "EMPTY": ""}
    values = here("config", "show", cwd=root).result["values"]
    assert (values["services.shop.port"]["value"], values["services.shop.port"]["origin"]) == (
        7070,
        ".env (PORT)",
    )


@pytest.mark.engine
def test_env_is_composes_where_there_is_a_compose_file(tmp_path: Path) -> None:
    files = {**GO, ".env": "DATABASE_URL=x\n", "compose.yaml": COMPOSE.replace("ENV", "")}
    (spec,) = (
        here("config", "render", cwd=build_tree(tmp_path / "a", files)).result["model"]["services"].values()
    )
    assert "DATABASE_URL" not in spec["environment"]


@pytest.mark.engine
@pytest.mark.parametrize(("own", "hint"), [(None, "cp .env.example .env"), ("A=1\n", "echo 'DB=…' >> .env")])
def test_an_example_says_all_variables_of_the_compose_file_at_once(
    tmp_path: Path, own: str | None, hint: str
) -> None:
    compose = "services:\n  api:\n    build: .\n    environment: {DB: '${DB:?set it}'}\n"
    files = GO | {"compose.yaml": compose, ".env.example": "DB=x\nKEY=y\n"} | ({".env": own} if own else {})
    failed = here("config", "show", cwd=build_tree(tmp_path / "shop", files), code=3).error
    assert failed["code"] == "compose-variable-missing" and failed["hint"].startswith(hint)


@pytest.mark.engine
def test_a_port_that_a_variable_leaves_empty_is_told_as_that_variable(tmp_path: Path) -> None:
    compose = "services:\n  api:\n    build: .\n    ports:\n      - $SHOP_PORT:$SHOP_PORT\n"
    root = build_tree(tmp_path / "shop", GO | {"compose.yaml": compose})
    failed = here("config", "show", cwd=root, code=3).error
    assert "the variable SHOP_PORT is not set" in failed["message"] and failed["place"] == "compose.yaml:5"
    assert failed["hint"].startswith("echo 'SHOP_PORT=…' >> .env")
    build_tree(root, {".env.example": "SHOP_PORT=9000\n"})
    assert here("config", "show", cwd=root, code=3).error["hint"].startswith("cp .env.example .env")


DEV_FILE = "services:\n  api:\n    build: .\n    environment: {PORT: '9000', DATABASE_URL: x}\n"
NOT_USED = "to use it: echo 'COMPOSE_FILE={}' >> .env"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("missing", "files", "hint"),
    [
        (".env.prod", {"env-example": "A=1\n"}, "cp env-example .env.prod, "),
        (".env.docker", {".env.example": "A=1\n", ".env": "A=2\n"}, "cp .env.example .env.docker, "),
        (".env.prod", {".env.dev": "A=1\n", "docker-compose.dev.yml": DEV_FILE}, "cp .env.dev .env.prod, "),
        ("config.env", {".env.example": "A=1\n"}, "copy it from its example file, "),
    ],
)
def test_an_env_file_for_one_environment_has_the_example_of_all(
    tmp_path: Path, missing: str, files: dict[str, str], hint: str
) -> None:
    compose = f"services:\n  api:\n    build: .\n    env_file: [{missing}]\n"
    root = build_tree(tmp_path / "shop", GO | {"docker-compose.yml": compose} | files)
    failed = here("config", "show", cwd=root, code=3).error
    assert failed["code"] == "env-file-missing" and failed["hint"].startswith(hint)
    other = NOT_USED.format("docker-compose.dev.yml")
    assert (f"; or, {other}" in failed["hint"]) == ("docker-compose.dev.yml" in files)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"docker-compose.dev.yml": DEV_FILE}, "docker-compose.dev.yml"),
        (
            {"compose.local.yaml": "services: {api: {environment: {A: b}}}\n"},
            "compose.yaml:compose.local.yaml",
        ),
        ({"docker-compose.swarm.yml": DEV_FILE, "docker-compose.test.yml": DEV_FILE}, None),
        ({"docker-compose.dev.yml": DEV_FILE, ".env": "COMPOSE_FILE=compose.yaml\n"}, None),
    ],
)
def test_a_compose_file_for_development_that_compose_does_not_read_is_said(
    tmp_path: Path, files: dict[str, str], named: str | None
) -> None:
    root = build_tree(tmp_path / "shop", GO | {"compose.yaml": DEV_FILE} | files)
    found = here("config", "check", cwd=root).result["problems"]
    assert [p["hint"] for p in found if p["code"] == "compose-file-not-used"] == (
        [NOT_USED.format(named)] if named else []
    )


@pytest.mark.engine
@pytest.mark.parametrize(
    ("name", "text", "chosen"),
    [
        ("docker-compose.prod.yml", DEV_FILE, "docker-compose.prod.yml"),
        ("compose.production.yaml", LIVE, "compose.yaml:compose.production.yaml"),
        ("compose.prod.yaml", (TEMPLATE / "compose.prod.yaml").read_text(), None),
    ],
)
def test_one_for_production_is_said_to_whoever_previews(
    tmp_path: Path, name: str, text: str, chosen: str | None
) -> None:
    """The file that `init` writes has the settings of the preview."""
    root = build_tree(tmp_path / "shop", GO | {"compose.yaml": DEV_FILE, name: text})
    found = here("config", "check", cwd=root).result["problems"]
    hints = [p["hint"] for p in found if p["code"] == "compose-file-not-used"]
    assert hints == ([f"to preview with it: COMPOSE_FILE={chosen} devctl prod-preview"] if chosen else [])
