"""new and init by the real command line; what they write runs with plain docker compose."""

from __future__ import annotations

import os
import subprocess
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli import devctl, here, serves
from tests.engine.compiled import into_project
from tests.helpers import build_tree
from tests.ports import free_port

TEMPLATE = Path(__file__).parents[2] / "templates" / "go-service"
SERVER = """\
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		GREET
	})
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}
"""
CMD_REPO = {
    "go.mod": "module example.com/cmdrepo\n\ngo 1.24\n",
    "cmd/api/main.go": SERVER.replace(
        "GREET", 'text, err := os.ReadFile("texts/hello.txt"); fmt.Fprint(w, string(text), err)'
    ),
    "cmd/migrate/main.go": "package main\n\nfunc main() {}\n",
    "texts/hello.txt": "hello from cmd",
}
WORKSPACE = {
    "go.work": "go 1.26\n\nuse (\n\t./api\n\t./lib\n)\n",
    "api/go.mod": "module example.com/ws/api\n\ngo 1.26\n\nrequire example.com/ws/lib v0.0.0\n",
    "api/main.go": SERVER.replace('"os"\n)', '"os"\n\n\t"example.com/ws/lib"\n)').replace(
        "GREET", "fmt.Fprint(w, lib.Greeting)"
    ),
    "lib/go.mod": "module example.com/ws/lib\n\ngo 1.26\n",
    "lib/lib.go": 'package lib\n\nconst Greeting = "hello from the workspace"\n',
}
TWO_MAINS = {
    "go.mod": "module example.com/two\n\ngo 1.26\n",
    "cmd/api/main.go": SERVER.replace("GREET", 'fmt.Fprint(w, "api")'),
    "cmd/admin/main.go": SERVER.replace("GREET", 'fmt.Fprint(w, "admin")'),
}
WITHIN = 300.0
WRITTEN = ("compose.yaml", "compose.prod.yaml", "Dockerfile", ".air.toml", ".dockerignore")


def actions(result: dict[str, Any]) -> dict[str, str]:
    return {f["path"]: f["action"] for f in result["files"]}


def content(root: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in root.rglob("*")
        if p.is_file() and ".devctl" not in p.parts
    }


@pytest.mark.engine
def test_new_writes_the_service_under_the_name_of_its_folder(tmp_path: Path) -> None:
    done = devctl("new", "shops/shop", cwd=tmp_path)
    assert set(actions(done.result).values()) == {"written"}
    root = tmp_path / "shops" / "shop"
    assert set(actions(done.result)) == set(content(root))
    assert (root / "go.mod").read_text().startswith("module example.com/shop\n")
    built = subprocess.run(["go", "vet", "./..."], cwd=root, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr

    again = here("new", "shops/shop", cwd=tmp_path)
    assert set(actions(again.result).values()) == {"kept"}
    (root / "compose.yaml").unlink()
    fixed = here("new", ".", cwd=root)
    assert actions(fixed.result)["compose.yaml"] == "written"


def test_new_overwrites_nothing(tmp_path: Path) -> None:
    build_tree(tmp_path, {"shop/main.go": "package mine\n", "shop/LICENSE": "mine\n"})
    before = content(tmp_path)
    refused = here("-y", "new", "shop", cwd=tmp_path, code=2)
    assert refused.error["code"] == "folder-not-empty" and "main.go" in refused.error["message"]
    assert actions(refused.result) == {"main.go": "differs"}
    assert content(tmp_path) == before


def test_new_starts_in_a_fresh_clone(tmp_path: Path) -> None:
    build_tree(tmp_path, {"shop/.git/HEAD": "ref\n", "shop/README.md": "mine\n", "shop/LICENSE": "mine\n"})
    done = here("new", "shop", cwd=tmp_path)
    assert actions(done.result)["README.md"] == "differs"
    assert (tmp_path / "shop/README.md").read_text() == "mine\n"
    assert (tmp_path / "shop/main.go").exists()


def test_new_plans_first(tmp_path: Path) -> None:
    done = here("--dry-run", "new", "shop", cwd=tmp_path)
    assert {"step": "write", "service": None, "cause": "go.mod"} in done.result["plan"]
    assert not (tmp_path / "shop").exists()


def test_files_belong_to_the_owner_of_the_folder_they_are_made_in(tmp_path: Path) -> None:
    owner = 1234 if os.geteuid() == 0 else os.geteuid()  # only root can give files away
    os.chown(tmp_path, owner, -1)
    here("new", "a/shop", cwd=tmp_path)
    made = [tmp_path / "a", *(tmp_path / "a").rglob("*")]
    assert {p.stat().st_uid for p in made} == {owner}


@pytest.mark.engine
def test_init_writes_once_and_then_changes_nothing(tmp_path: Path) -> None:
    root = build_tree(tmp_path / "repo", CMD_REPO)
    assert here("init", "--diff", cwd=root).result["diff"].count("--- /dev/null") == len(WRITTEN)
    assert set(content(root)) == set(CMD_REPO), "--diff only shows"

    done = here("init", cwd=root)
    assert actions(done.result) == dict.fromkeys(WRITTEN, "written")
    assert done.result["diff"] == ""
    before = content(root)
    again = here("init", cwd=root)
    assert actions(again.result) == dict.fromkeys(WRITTEN, "kept")
    assert content(root) == before


@pytest.mark.engine
@pytest.mark.parametrize(("served", "left_out"), [("web", True), ("web/node_modules/x", False)])
def test_the_modules_of_a_frontend_are_not_watched_unless_they_are_served(
    tmp_path: Path, *, served: str, left_out: bool
) -> None:
    serve = f'http.ListenAndServe(":80", http.FileServer(http.Dir("{served}")))'
    main = f'package main\n\nimport "net/http"\n\nfunc main() {{ {serve} }}\n'
    tree = {"go.mod": "module x\n", "main.go": main, "web/package.json": "{}", "web/node_modules/x/a.js": ""}
    here("init", cwd=build_tree(tmp_path, tree))
    build = tomllib.loads((tmp_path / ".air.toml").read_text())["build"]
    assert ("web/node_modules" in build["exclude_dir"]) is left_out


@pytest.mark.engine
def test_init_shows_what_differs_and_keeps_it(tmp_path: Path) -> None:
    root = build_tree(tmp_path / "repo", CMD_REPO)
    here("init", cwd=root)
    edited = (root / "compose.yaml").read_text().replace("init: true", "init: false # mine")
    (root / "compose.yaml").write_text(edited)
    done = here("init", cwd=root)
    assert actions(done.result)["compose.yaml"] == "differs"
    assert "-    init: false # mine" in done.result["diff"] and "+    init: true" in done.result["diff"]
    assert (root / "compose.yaml").read_text() == edited


@pytest.mark.engine
def test_init_keeps_a_compose_file_of_another_name_alone(tmp_path: Path) -> None:
    compose = "services:\n  web:\n    build: .\n    ports: ['9000:9000']\n  db:\n    image: postgres:17\n"
    root = build_tree(tmp_path / "repo", {**CMD_REPO, "docker-compose.yml": compose})
    done = here("init", cwd=root)
    assert actions(done.result)["docker-compose.yml"] == "differs"
    assert not (root / "compose.yaml").exists(), "compose would read it instead of the user's"
    assert "  web:\n" in (root / "compose.prod.yaml").read_text()
    assert (root / "docker-compose.yml").read_text() == compose


@pytest.mark.engine
def test_init_asks_where_two_answers_are_right(tmp_path: Path) -> None:
    root = build_tree(tmp_path / "repo", TWO_MAINS)
    refused = here("init", cwd=root, code=2)
    assert refused.error["code"] == "which-main" and "devctl init -y" in refused.error["hint"]
    assert set(content(root)) == set(TWO_MAINS)

    done = here("-y", "init", cwd=root)
    assert actions(done.result) == dict.fromkeys((*WRITTEN, "devctl.yaml"), "written")
    before = content(root)
    assert set(actions(here("init", cwd=root).result).values()) == {"kept"}
    assert content(root) == before


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Path]:
    """A folder whose compose project is ended by plain compose; the volume that it will have holds the compiled library."""
    root = tmp_path / f"dt{uuid.uuid4().hex[:8]}"
    into_project(root.name, "cache")
    yield root
    compose(root, "down", "--volumes", "--rmi", "local", "--timeout", "2")


def compose(root: Path, *args: str, prod: bool = False) -> None:
    files = ["-f", "compose.yaml", "-f", "compose.prod.yaml"] if prod else []
    done = subprocess.run(["docker", "compose", *files, *args], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, f"{args}\n{done.stdout}\n{done.stderr}"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("files", "greeting"),
    [(CMD_REPO, "hello from cmd"), (WORKSPACE, "hello from the workspace")],
    ids=["cmd", "work"],
)
def test_what_init_wrote_runs_with_plain_compose(plain: Path, files: dict[str, str], greeting: str) -> None:
    root = build_tree(plain, files)
    if "go 1.24" in files.get("go.mod", ""):  # the only Go image of this test is the newest
        build_tree(root, {"go.mod": files["go.mod"].replace("1.24", "1.26")})
    devctl("init", cwd=root)
    port = free_port()
    (root / ".env").write_text(f"HOST_PORT={port}\n")
    compose(root, "up", "--build", "--detach")
    serves(port, greeting, within=WITHIN)
    compose(root, "up", "--build", "--detach", prod=True)
    serves(port, greeting, within=WITHIN)


@pytest.mark.engine
def test_a_dockerfile_of_the_users_stays_the_production_one(plain: Path) -> None:
    dockerfile = (
        "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\n"
        "RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /api ./cmd/api\n"
        'FROM alpine:3.22 AS production\nWORKDIR /srv\nCOPY texts texts\nCOPY --from=build /api /api\nENTRYPOINT ["/api"]\n'
    )
    root = build_tree(
        plain, {**CMD_REPO, "go.mod": CMD_REPO["go.mod"].replace("1.24", "1.26"), "Dockerfile": dockerfile}
    )
    done = devctl("init", cwd=root)
    assert (
        actions(done.result)["Dockerfile"] == "kept" and actions(done.result)["Dockerfile.dev"] == "written"
    )
    before = content(root)
    devctl("init", cwd=root)
    assert content(root) == before
    port = free_port()
    (root / ".env").write_text(f"HOST_PORT={port}\n")
    compose(root, "up", "--build", "--detach")
    serves(port, "hello from cmd", within=WITHIN)
    compose(root, "up", "--build", "--detach", prod=True)
    serves(port, "hello from cmd", within=WITHIN)
    assert (root / "Dockerfile").read_text() == dockerfile


@pytest.mark.engine
def test_beside_a_dockerfile_of_the_users_production_stays_theirs(tmp_path: Path) -> None:
    dockerfile = (
        "FROM golang:1.26-alpine AS build\nCOPY . /src\nRUN cd /src && CGO_ENABLED=0 go build -o /app .\n"
        'FROM alpine:3.22 AS final\nCOPY --from=build /app /app\nENTRYPOINT ["/app"]\n'
    )
    server = SERVER.replace("GREET", 'fmt.Fprint(w, "hello")')
    root = build_tree(
        tmp_path / f"dt{uuid.uuid4().hex[:8]}",  # the name of a compose project
        {"go.mod": "module example.com/shop\n", "main.go": server, "Dockerfile": dockerfile},
    )
    devctl("init", cwd=root)
    assert "dockerfile: Dockerfile.dev" in (root / "compose.yaml").read_text()
    rendered = {}
    for mode in ("dev", "prod"):
        (spec,) = devctl("config", "render", "--mode", mode, cwd=root).result["model"]["services"].values()
        rendered[mode] = spec["build"]["target"]
    assert rendered == {"dev": "dev", "prod": "final"}
    assert devctl("init", "--diff", cwd=root).result["diff"] == ""
