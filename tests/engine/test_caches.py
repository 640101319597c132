"""A hostile project plants code in every cache that it can reach; the next project's production does not contain it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from devctl.domain.plan.render import CACHE_SCOPE
from tests.engine.cli import docker, get
from tests.engine.conftest import TEMPLATE, Started

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]

CODE = {
    "go.mod": "module example.com/victim\n\ngo 1.26\n",
    "words/words.go": 'package words\n\n//go:noinline\nfunc Word() string { return "GENUINE" }\n',
    "main.go": """package main

import (
	"fmt"
	"net/http"

	"example.com/victim/words"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, words.Word()) })
	http.ListenAndServe(":8080", nil)
}
""",
}
COMPOSE = "services:\n  app:\n    build: {context: ., args: ARGS}\n    ports: ['HOST_PORT:8080']\n"
# Go finds what it compiled by a hash of the source and the flags, and does not look whether it was changed since.
PLANT = "grep -rl GENUINE CACHE | xargs -r sed -i s/GENUINE/PLANTED/g"


def planting_dockerfile() -> str:
    """The template's, which compiles the victim's very code, and then changes what the compiler left in the cache."""
    text = (TEMPLATE / "Dockerfile").read_text()
    build = '-o /out/server "${MAIN}" && \\\n'
    assert text.count(build) == 1
    return text.replace(build, f"{build}    {PLANT.replace('CACHE', '/gocache')} && \\\n")


@pytest.fixture(autouse=True)
def _nobody_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other tests share their caches (tests/conftest.py)."""
    monkeypatch.delenv(CACHE_SCOPE)


@pytest.mark.parametrize(
    ("args", "word"),
    [
        ({}, "GENUINE"),
        # Two projects that ask for one scope share it: this shows that what was planted would be found.
        ({CACHE_SCOPE: "devctl-test-SHARED"}, "PLANTED"),
    ],
    ids=["by default", "where both ask for it"],
)
def test_what_another_projects_build_planted(project: MakeProject, args: dict[str, str], word: str) -> None:
    hostile, victim = (
        project({**CODE, **more}) for more in ({"Dockerfile": planting_dockerfile()}, dict[str, str]())
    )
    for made in (hostile, victim):
        said = {name: value.replace("SHARED", victim.name) for name, value in args.items()}
        compose = COMPOSE.replace("ARGS", json.dumps(said)).replace("HOST_PORT", str(made.port))
        made.write({"compose.yaml": compose})
    hostile.devctl("-y", "prod-preview", timeout=600)
    hostile.devctl("down")
    victim.devctl("-y", "prod-preview", timeout=600)
    assert get(victim.port) == word


def test_what_a_dev_container_planted(project: MakeProject) -> None:
    """In a volume of its own, so that nothing is planted in the cache that this machine's projects share."""
    victim = project({**CODE, "devctl.yaml": "cache: project\n"})
    (service,) = victim.devctl("-y", "up", "-d", "--no-watch", timeout=600).result["services"]
    mounts = '{{range .Mounts}}{{if eq .Destination "/cache"}}{{.Name}}{{end}}{{end}}'
    volume = docker("inspect", "--format", mounts, service["container"])
    try:
        planted = f"{PLANT.replace('CACHE', '/cache/go-build')}; grep -rl PLANTED /cache/go-build"
        assert docker("exec", service["container"], "sh", "-c", planted), "Go keeps the package there"
        done = victim.devctl("-y", "prod-preview", timeout=600)
        assert get(int(done.result["services"][0]["url"].rpartition(":")[2])) == "GENUINE"
        victim.devctl("down")
    finally:
        docker("volume", "rm", "--force", volume)


def test_the_standard_library_is_compiled_once_and_a_rebuild_makes_the_deps_layer_alone(
    project: MakeProject,
) -> None:
    """A cache of this project alone is new with it."""
    shop = project()
    shop.write({"devctl.yaml": "cache: project\n"})
    done = shop.devctl("-y", "up", "-d", "--no-watch", timeout=600)
    (service,) = done.result["services"]
    mounts = '{{range .Mounts}}{{if eq .Destination "/cache"}}{{.Name}}{{end}}{{end}}'
    volume = docker("inspect", "--format", mounts, service["container"])
    try:
        assert "cache" in [step["step"] for step in done.result["steps"]]
        found = docker("exec", service["container"], "find", "/cache/go-build", "-name", "*-d")
        later = ["find", "/cache/go-build", "-name", "*-d", "-newer", "/tmp/air/run"]
        compiled = docker("exec", service["container"], *later).split()
        assert len(compiled) < len(found.split()) / 4, "the service's own packages, not the standard library"
        owner = docker(
            "exec", service["container"], "find", "/cache/go-build", "!", "-user", str(os.getuid())
        )
        assert owner == "", "Go notes what it uses in files of its own user, and clears away the others"
        inside = ["run", "--rm", "--entrypoint", "find", service["image"], "/cache", "-type", "f"]
        assert docker(*inside) == "", "the image is none the larger for it"
        assert "std" not in docker("image", "ls", "--format", "{{.Tag}}", f"{shop.name}-app")

        layers = ["image", "inspect", "--format", '{{join .RootFS.Layers " "}}', service["image"]]
        before = docker(*layers).split()
        shop.devctl("rebuild", timeout=600)
        after = docker(*layers).split()
        assert before != after, "the modules are another layer"
        assert before[-1] == after[-1], "the reloader is not: its files have the times of one build"
        assert shop.devctl("up", "-d", "--no-watch").result["steps"] == [], "and it stays"
    finally:
        shop.devctl("down")
        docker("volume", "rm", "--force", volume)
