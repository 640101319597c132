"""Words from a project's files that end up in devctl's own Dockerfile: that one gets keys, so none becomes an instruction, a
flag or a command of a shell."""

from __future__ import annotations

import contextlib
import shlex

import pytest

from devctl.domain.command.requests import UpRequest
from devctl.errors import DevctlError
from devctl.workflows.dev.lifecycle import up
from tests.fakes import World

EVIL = "touch${IFS}/evil"


def dockerfile(*, use: str, module: str = "example.com/lib", version: str = "v0.0.0") -> list[str]:
    world = World()
    world.save("go.work", f'go 1.26\n\nuse .\nuse "{use}"\n')
    world.save("go.mod", f'module example.com/shop\n\ngo 1.26\n\nrequire "{module}" "{version}"\n')
    world.save(f"{use}/go.mod", f'module "{module}"\n\ngo 1.26\n')
    world.save(f"{use}/go.sum", "")
    with contextlib.suppress(DevctlError):
        up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    return world.recipes["shop"].dockerfile.splitlines()


def test_an_ordinary_workspace() -> None:
    assert "RUN cd /app && go work edit -replace=example.com/lib@v0.0.0=./lib" in dockerfile(use="lib")


@pytest.mark.parametrize("module", [f"example.com/$({EVIL})", f"x;{EVIL}", "x\\nRUN evil", "x`evil`"])
def test_a_module_that_go_refuses_too(module: str) -> None:
    assert not any(line.startswith("RUN") or "evil" in line for line in dockerfile(use="lib", module=module))


@pytest.mark.parametrize("use", [f"a$({EVIL})", f"a;{EVIL}", "a'b", "a&&b"])
def test_a_folder_is_one_word(use: str) -> None:
    lines = dockerfile(use=use)
    (run,) = (line for line in lines if line.startswith("RUN"))
    words = shlex.split(run)
    assert words[-1] == f"-replace=example.com/lib@v0.0.0=./{use}"
    assert words[:-1] == ["RUN", "cd", "/app", "&&", "go", "work", "edit"]


@pytest.mark.parametrize("use", ["--from=evil", "<<EOF", "a b"])
def test_a_folder_is_neither_a_flag_nor_a_here_document(use: str) -> None:
    (copy,) = (line for line in dockerfile(use=use) if line.startswith("COPY") and use in line)
    assert copy.startswith('COPY ["')
