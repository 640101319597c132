"""A repository of 2,000 Go files: its files are looked at, and few are given to the parser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from devctl.adapters.go import package as go_package
from devctl.adapters.go import reader as go_source
from devctl.domain.detect.service import detect_service
from devctl.domain.project.config import Config
from tests.helpers import build_tree

PACKAGES, FILES = 200, 10


def large(root: Path) -> Path:
    """Every package is built into the one main; one of them serves and one reads the environment."""
    body = "\n".join(f"func F{n}(a int) int {{\n\treturn a * {n}\n}}\n" for n in range(20))
    imports = "".join(f'\t"example.com/big/p{p}"\n' for p in range(PACKAGES))
    files = {
        "go.mod": "module example.com/big\n\ngo 1.26\n",
        "main.go": f"package main\n\nimport (\n{imports})\n\nfunc main() {{ p0.Serve() }}\n",
        "p0/serve.go": 'package p0\n\nimport "net/http"\n\nfunc Serve() { http.ListenAndServe(":4000", nil) }\n',
        "p1/env.go": 'package p1\n\nimport "os"\n\nvar Level = os.Getenv("LEVEL")\n',
    }
    for p in range(PACKAGES):
        files |= {f"p{p}/f{n}.go": f'package p{p}\n\nimport "fmt"\n\n{body}' for n in range(FILES)}
    return build_tree(root, files)


def test_only_files_that_may_serve_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    real = go_package.read_package

    def noted(others: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        for path, source in others:
            parsed.append(path)
            yield path, source

    def counted(
        files: dict[str, bytes],
        imports: tuple[str, ...],
        *,
        others: Iterable[tuple[str, bytes]],
        framework: bool,
    ) -> go_package.Found:
        parsed.extend(files)
        return real(files, imports, others=noted(others), framework=framework)

    monkeypatch.setattr(go_package, "read_package", counted)
    facts = go_source.read(large(tmp_path))
    assert sum(len(m.packages) for m in facts.modules) == PACKAGES + 1
    assert set(parsed) <= {"main.go", "p0/serve.go", "p1/env.go"}
    assert detect_service(facts, config=Config()).serve.port == 4000
