"""How long the source of a large repository takes to read: what `up` does before anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from devctl.adapters.go.reader import read
from tests.bench.harness import Row, keep, ms
from tests.helpers import build_tree

pytestmark = pytest.mark.bench
ROUNDS = 15
AIM_MS = 150.0


def test_two_thousand_files(tmp_path: Path) -> None:
    body = "".join(
        f"func F{i}(a int, b string) (int, error) {{\n\treturn a + {i}, nil\n}}\n\n" for i in range(60)
    )
    files = {"go.mod": "module example.com/shop\n\ngo 1.26\n"}
    for number in range(2000):
        folder = f"internal/p{number // 10}"
        extra = '\t"net/http"\n' if number % 10 == 0 else ""
        files[f"{folder}/f{number}.go"] = f'package p{number // 10}\n\nimport (\n\t"fmt"\n{extra})\n\n{body}'
    imports = "".join(f'\t_ "example.com/shop/internal/p{n}"\n' for n in range(200))
    files["main.go"] = (
        f'package main\n\nimport (\n\t"net/http"\n{imports})\n\nfunc main() {{ http.ListenAndServe(":8080", nil) }}\n'
    )
    build_tree(tmp_path, files)
    assert len(read(tmp_path).modules[0].packages) == 201
    times = [ms(lambda: read(tmp_path)) for _ in range(ROUNDS)]
    keep(Row("2,000 Go files read", times, [AIM_MS] * ROUNDS, "the aim, 150 ms", "any command", aim=1.0))
