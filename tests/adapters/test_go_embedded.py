"""Files that are compiled into a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from devctl.adapters.go.embed import fitting
from devctl.adapters.go.reader import read
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


def test_a_pattern_goes_through_no_link_and_ends(tmp_path: Path) -> None:
    """Eight links to the folder itself, and a pattern of eight stars: 17 million names, and the host's beside them."""
    outside = build_tree(tmp_path / "outside", {"secret.key": ""})
    main = MAIN.replace("all:static VERSION conf/*.yaml", f"{'/'.join('*' * 8)} out/*.key ../../*/*")
    root = build_tree(tmp_path / "root", {"go.mod": "module example.com/x\n", "main.go": main, "web/x/y": ""})
    for number in range(8):
        (root / f"l{number}").symlink_to(".")
    (root / "out").symlink_to(outside)
    (package,) = read(root).modules[0].packages
    assert package.embedded == ()


def test_a_pattern_is_read_as_go_reads_it(tmp_path: Path) -> None:
    files = dict.fromkeys(["a/x.txt", "a/b/y.txt", "c1.md", "c2.md", "d^.css", "[e].js"], "")
    main = MAIN.replace("all:static VERSION conf/*.yaml", "*/*.txt c[^2].md")
    build_tree(tmp_path, {**files, "go.mod": "module example.com/x\n", "main.go": main})
    assert [str(p.relative_to(tmp_path)) for p in fitting(tmp_path, ".", "*/*.txt") or ()] == ["a/x.txt"]
    assert [p.name for p in fitting(tmp_path, ".", "c[^2].md") or ()] == ["c1.md"]
    assert [p.name for p in fitting(tmp_path, "a", "*") or ()] == ["b", "x.txt"]
    assert fitting(tmp_path, ".", "a//x") is None
    assert read(tmp_path).modules[0].packages[0].embedded == ("*.md", "*.txt")


def test_a_pattern_in_quotes_may_have_a_space(tmp_path: Path) -> None:
    main = MAIN.replace("all:static VERSION conf/*.yaml", '"my notes.txt" `all:my pages` plain.md')
    files = {
        "go.mod": "module x\n",
        "main.go": main,
        "my notes.txt": "",
        "my pages/a.html": "",
        "plain.md": "",
    }
    (package,) = read(build_tree(tmp_path, files)).modules[0].packages
    assert package.embeds == ("my notes.txt", "all:my pages", "plain.md")
    assert (package.embedded, package.unbuilt) == (("*.html", "*.md", "*.txt"), ())


@pytest.mark.parametrize("constraint", ["!" * 20_000 + "linux", "(" * 20_000 + "linux"])
def test_a_constraint_that_cannot_be_read_counts_as_true(tmp_path: Path, constraint: str) -> None:
    files = {
        "go.mod": "module x\n",
        "main.go": f"//go:build {constraint}\n\npackage main\n\nfunc main() {{}}\n",
    }
    (package,) = read(build_tree(tmp_path, files)).modules[0].packages
    assert package.name == "main"
