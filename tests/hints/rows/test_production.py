"""Hints about a production image: what they name is given to it then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from devctl.domain.command.requests import PreviewRequest
from devctl.domain.failures import explain
from devctl.domain.plan.engine_state import Observed
from devctl.domain.project.model import Service
from devctl.errors import ProjectError
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.preview.rollback import with_cause
from devctl.workflows.size.reproducible import must_repeat
from tests.domain.test_reproducible import program, twice
from tests.fakes import World


@pytest.mark.follows(
    "embed only what belongs to the commit (its hash, its date), and build with -trimpath -buildvcs=false"
)
def test_a_program_that_stamps_the_moment_stamps_the_commit(hinted: Callable[[str], str]) -> None:
    def built(stamp: str, flags: str) -> bytes:
        return program(stamp.encode(), *(f.replace("-trimpath", "-trimpath=true") for f in flags.split()))

    moment = twice(built("12:00:00", ""), built("12:00:01", ""))
    with pytest.raises(ProjectError) as raised:
        must_repeat([moment], {}, text="")
    flags = hinted(raised.value.problem.hint).rpartition(" build with ")[2]
    commit = twice(built("4f1e2d", flags), built("4f1e2d", flags))
    must_repeat([commit], {}, text="")
    assert "-trimpath" not in " ".join(commit.text)


BOUND = {"build": ".", "volumes": ["./var:/app/var"]}
LACKS = "open /app/var/shop.db: no such file or directory"


def without_a_folder() -> str:
    """The hint for a program that does not find in production what a folder of this machine had."""
    spec = {"volumes": [{"type": "bind", "source": "/shop/var", "target": "/app/var"}]}
    root = Path("/shop")
    session = SimpleNamespace(project=SimpleNamespace(name="shop", root=root, spec=lambda _: spec), root=root)
    engine = SimpleNamespace(containers=lambda _: Observed())
    known = explain("start", LACKS, exit_code=1, service="api")
    assert known is not None and known.code == "image-lacks-file"
    box = cast("Any", SimpleNamespace(engine=engine))
    told = with_cause(box, cast("Any", session), Service("api"), known.error(detail=LACKS))
    return told.problem.hint


@pytest.mark.follows(
    "production does not get the folder of this machine that the compose file mounts at …: use a named volume there, ",
    "…or devctl.yaml: `prod: {writable: […]}`",
)
@pytest.mark.parametrize("way", ["volume", "writable"])
def test_a_folder_of_this_machine_is_replaced_by_what_production_has(
    way: str, hinted: Callable[[str], str]
) -> None:
    hint = hinted(without_a_folder())
    target = hint.partition(" at ")[2].partition(":")[0]
    world = World()
    world.compose({"api": BOUND})
    if way == "volume":
        world.compose({"api": {**BOUND, "volumes": [f"data:{target}"]}}, volumes=["data"])
    else:
        world.save("devctl.yaml", yaml.safe_dump({"version": 1, **yaml.safe_load(hint.split("`")[1])}))
    prod_preview(PreviewRequest(project=world.root), world.box())
    spec = world.of("api").spec
    kinds = {m["target"]: m["type"] for m in spec.get("volumes") or []}
    there = kinds.get(target) or next((t for t in spec.get("tmpfs") or [] if t.startswith(target)), "none")
    assert there == "volume" if way == "volume" else there.startswith(target), spec
