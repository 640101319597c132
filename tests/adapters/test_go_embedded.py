"""Files that are compiled into a program."""

from __future__ import annotations

from pathlib import Path

from devctl.adapters.go_source import read
from tests.helpers import build_tree

MAIN = 'package main\n\nimport "embed"\n\n//go:embed all:static VERSION conf/*.yaml\nvar f embed.FS\n\nfunc main() {}\n'


def test_their_endings_and_those_without_one(tmp_path: Path) -> None:
    files = {
        "go.mod": "module example.com/x\n",
        "cmd/api/main.go": MAIN,
        "cmd/api/VERSION": "1",
        "cmd/api/static/a.svg": "",
        "cmd/api/static/deep/LICENSE": "",
        "cmd/api/static/deep/b.js": "",
        "cmd/api/conf/a.yaml": "",
        "cmd/api/conf/b.toml": "",
    }
    (package,) = read(build_tree(tmp_path, files)).modules[0].packages
    assert package.embedded == ("*.js", "*.svg", "*.yaml", "cmd/api/VERSION", "cmd/api/static/deep/LICENSE")


def test_a_pattern_that_fits_nothing_or_leaves_the_package(tmp_path: Path) -> None:
    main = MAIN.replace("all:static VERSION conf/*.yaml", "../up.txt /etc/passwd gone/*.txt **x")
    build_tree(tmp_path, {"up.txt": "", "x/go.mod": "module example.com/x\n", "x/main.go": main})
    (package,) = read(tmp_path).modules[0].packages
    assert package.embedded == ()
