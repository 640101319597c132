"""The template's Dockerfile has the stage of every entry of `domain/dockerfile/runtime_bases.py`; the documentation names each."""

from __future__ import annotations

from pathlib import Path

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.bases.references import stand_in
from devctl.domain.dockerfile.prod_stages import prod_stages
from devctl.domain.dockerfile.runtime_bases import BY_SIZE, DEFAULT_BASE, NONROOT, RUNTIME_BASES, RuntimeBase
from devctl.domain.dockerfile.stages import has_shell, kind_of

ROOT = Path(__file__).parents[2]
DOCKERFILE = parse((ROOT / "templates/go-service/Dockerfile").read_text())


def test_the_template_has_a_stage_for_each_base_and_no_other() -> None:
    assert prod_stages(DOCKERFILE) == {base.name: base.stage for base in RUNTIME_BASES.values()}


@pytest.mark.parametrize("base", RUNTIME_BASES.values(), ids=lambda base: base.name)
def test_a_stage_is_what_its_entry_says(base: RuntimeBase) -> None:
    stage = DOCKERFILE.stage(base.stage)
    assert stage is not None
    said = {line.cmd: line.value for line in stage.instructions}
    assert (said["USER"], said["ENTRYPOINT"]) == ((NONROOT,), ("/server",))
    assert stage.base == (base.image or base.name)
    assert (kind_of(stage.base), has_shell(stage.base)) == (base.name, base.has_shell)
    assert DOCKERFILE.global_args.get(base.argument) == base.image
    assert bool(base.image) == bool(base.argument) == bool(base.purpose) == bool(base.published_bytes)
    if base.image is not None:
        assert stand_in(base.image) is not None, "it can be assembled where no registry answers"


def test_the_help_names_each_base() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    bases = "\\|".join(RUNTIME_BASES)
    assert f"`--base {bases}` | Runtime base (default: the project's own, else {DEFAULT_BASE})" in page
    assert f"separated by commas: {','.join(BY_SIZE)}." in page
