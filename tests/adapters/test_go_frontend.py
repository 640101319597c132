"""What a frontend's build makes, and is not there: which line wants it, and what makes it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from devctl.adapters.go import frontend
from devctl.adapters.go.frontend import _without_wildcards
from devctl.adapters.go.reader import read
from devctl.domain.go.facts import Unbuilt
from tests.helpers import build_tree

MOD = "module example.com/x\n"
EMBEDS = 'package web\n\nimport "embed"\n\n{above}//go:embed {pattern}\nvar f embed.FS\n'
MAIN = 'package main\n\nimport _ "example.com/x/{folder}"\n\nfunc main() {{}}\n'


def package_json(**scripts: str) -> str:
    return json.dumps({"scripts": scripts})


def unbuilt(tmp_path: Path, tree: dict[str, str]) -> tuple[Unbuilt, ...]:
    modules = read(build_tree(tmp_path, tree)).modules
    return tuple(item for module in modules for package in module.packages for item in package.unbuilt)


def embedding(folder: str, pattern: str, above: str = "") -> dict[str, str]:
    embeds = EMBEDS.format(pattern=pattern, above=above)
    return {"go.mod": MOD, "main.go": MAIN.format(folder=folder), f"{folder}/web.go": embeds}


@pytest.mark.parametrize(
    ("beside", "command"),
    [
        ({"web/package.json": package_json(build="vite build")}, "cd web && npm install && npm run build"),
        (
            {"web/package.json": package_json(build="vite build"), "pnpm-lock.yaml": ""},
            "cd web && pnpm install && pnpm run build",
        ),
        (
            {"web/package.json": package_json(build="x"), "web/package-lock.json": "", "yarn.lock": ""},
            "cd web && npm install && npm run build",
        ),
        ({}, ""),
        ({"web/package.json": "no JSON"}, ""),
    ],
)
def test_the_frontend_that_it_is_in(tmp_path: Path, beside: dict[str, str], command: str) -> None:
    found = unbuilt(tmp_path, embedding("web", "all:dist") | beside)
    assert found == (Unbuilt("all:dist", "web/dist", "web/web.go:5", command, embedded=True),)


@pytest.mark.parametrize(
    ("beside", "command"),
    [
        (
            {
                "ui/package.json": package_json(
                    build="vite build", embed="vite build --outDir ../server/web/dist"
                )
            },
            "cd ui && npm install && npm run embed",
        ),
        (
            {
                "ui/package.json": package_json(build="vite build"),
                "ui/vite.config.ts": "export default {build: {outDir: '../server/web/dist'}}\n",
                "ui/yarn.lock": "",
            },
            "cd ui && yarn install && yarn run build",
        ),
        (
            {
                "ui/package.json": package_json(build="vite build"),
                "Makefile": "OUT := server/web/dist\nclean:\n\trm -rf $(OUT)\nassets: ui\n\tcp -r ui/dist $(OUT)\n",
            },
            "make assets",
        ),
        (
            {"ui/package.json": package_json(build="vite build")},
            "cd ui && npm install && npm run build, and copy its output to server/web/dist",
        ),
        ({"ui/package.json": package_json(build="x"), "docs/package.json": package_json(build="x")}, ""),
    ],
)
def test_the_frontend_that_is_built_to_there(tmp_path: Path, beside: dict[str, str], command: str) -> None:
    (found,) = unbuilt(tmp_path, embedding("server/web", "dist/*") | beside)
    assert (found.path, found.command) == ("server/web/dist", command)


def test_a_generator_that_the_code_names(tmp_path: Path) -> None:
    tree = embedding("web", "dist", above="//go:generate npm run build\n\n")
    (found,) = unbuilt(tmp_path, tree | {"web/package.json": package_json(build="x")})
    assert (found.place, found.command) == ("web/web.go:7", "go generate ./web")


@pytest.mark.parametrize(
    ("pattern", "there", "missing"),
    [
        ("dist", "dist/index.html", False),
        ("dist", "dist/.gitkeep", True),  # Go finds no file to embed in it
        ("all:dist", "dist/.gitkeep", False),
        ("dist/*", "dist/.gitkeep", False),
        ("dist/*.html", "dist/a.js", True),
        ("**x", "y", False),  # no pattern at all: Go says so
    ],
)
def test_what_go_embeds(tmp_path: Path, pattern: str, there: str, missing: bool) -> None:
    assert bool(unbuilt(tmp_path, embedding("web", pattern) | {f"web/{there}": ""})) is missing


def test_a_frontend_that_is_served_from_its_folder(tmp_path: Path) -> None:
    main = 'package main\n\nimport "net/http"\n\nfunc main() {\n\thttp.Handle("/", http.FileServer(http.Dir("./web/dist")))\n'
    main += '\thttp.Handle("/up", http.FileServer(http.Dir("uploads/dist")))\n\thttp.ListenAndServe(":80", nil)\n}\n'
    tree = {"api/go.mod": MOD, "api/main.go": main, "api/web/package.json": package_json(build="x")}
    (found,) = unbuilt(tmp_path, tree)
    command = "cd api/web && npm install && npm run build"
    assert found == Unbuilt("./web/dist", "api/web/dist", "api/main.go:6", command, embedded=False)
    build_tree(tmp_path, {"api/web/dist/index.html": ""})
    assert unbuilt(tmp_path, {}) == ()


def test_folders_of_frontends(tmp_path: Path) -> None:
    names = ("package.json", "web/package.json", "web/node_modules/x/package.json")
    tree = {"go.mod": MOD, "main.go": "package main\n", **dict.fromkeys(names, "{}")}
    assert read(build_tree(tmp_path, tree)).frontends == (".", "web")


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [("web/dist/*.js", "web/dist"), ("st*tic/x", ""), ("dist", "dist"), ("a/b[0-9]c/d", "a"), ("d/?", "d")],
)
def test_the_folder_above_the_first_wildcard(pattern: str, folder: str) -> None:
    assert _without_wildcards(pattern) == folder


def test_a_pattern_of_a_megabyte_takes_no_time() -> None:
    began = time.thread_time()
    assert _without_wildcards("a" * 1_000_000) == "a" * 1_000_000
    assert time.thread_time() - began < 1


def test_variables_of_a_makefile_do_not_grow_without_end(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(f"X = {'$(X)' * 400}\nall:\n\tcp -r $(X) web/dist\n")
    assert frontend._make_target(tmp_path, "web/dist") == "all"
