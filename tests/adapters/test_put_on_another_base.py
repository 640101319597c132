"""Which Dockerfile production on another base is built from, and what is reported about it, from a project's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from devctl.adapters.go.reader import read
from devctl.adapters.project_files.dockerfile import parse
from devctl.cli.wiring import toolbox
from devctl.domain.detect.service import detect_service
from devctl.domain.dockerfile.runtime_bases import IMAGES
from devctl.domain.plan.run import prod_run
from devctl.domain.project.config import Config
from devctl.domain.project.model import Project
from devctl.workflows.advice.advice import say_left_out
from devctl.workflows.project.load import load
from devctl.workflows.session.overlay import overlay_files
from tests.engine.readiness_project import Quiet
from tests.helpers import build_tree

BUILD = "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /shop .\n"
FINAL = 'FROM alpine:3.22\nCOPY --from=build /shop /shop\nENTRYPOINT ["/shop"]\n'
MAIN = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'


def made(root: Path, dockerfile: str, *, base: str = "scratch", **spec: object) -> tuple[list[str], Quiet]:
    """The lines that are built from, and the warnings."""
    build_tree(
        root,
        {"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": MAIN, "Dockerfile": dockerfile},
    )
    spec = {"build": {"context": str(root)}, **spec}
    service = detect_service(
        read(root), config=Config(), name="shop", compose=spec, dockerfile=parse(dockerfile)
    )
    project = Project(
        root=root, name="shop", services=(service,), model={"services": {"shop": spec}}, generated=False, go_version="1.26",
        bases={"golang": "golang:1.26-alpine", "air": "golang:1.26-alpine", **IMAGES}, mirror=None, owner=(0, 0),
    )  # fmt: skip
    told = Quiet()
    run, box = prod_run(project, service, base=base), toolbox(told)
    say_left_out(box.reporter, project, [run, replace(run)])
    return overlay_files(box, project, run)["shop/Dockerfile"].splitlines(), told


def test_the_stage_of_the_user_is_put_on_the_base(tmp_path: Path) -> None:
    lines, told = made(tmp_path, BUILD + FINAL)
    assert lines == (BUILD + FINAL).replace("FROM alpine:3.22", "FROM scratch AS devctl-stage-1").splitlines()
    assert told.warnings == []


def test_a_stage_on_that_base_is_built_as_it_is(tmp_path: Path) -> None:
    lines, _ = made(tmp_path, BUILD + FINAL, base="alpine")
    assert lines == (BUILD + FINAL).replace(":3.22", ":3.22 AS devctl-stage-1").splitlines()


def test_where_it_cannot_be_put_there_devctls_own_is_built_and_that_is_said(tmp_path: Path) -> None:
    lines, told = made(tmp_path, f'{BUILD}ENTRYPOINT ["/shop"]\n')
    assert "FROM scratch AS runner-scratch" in lines
    assert [(w.code, w.place) for w in told.warnings] == [("own-production-stage", "Dockerfile")]
    assert told.warnings[0].message == (
        "the production stage of shop cannot be moved to scratch, since no stage that can run there builds its program: using "
        "devctl's own stage"
    )


@pytest.mark.parametrize(("base", "codes"), [("scratch", ["health-check-left-out"]), ("alpine", [])])
def test_a_health_check_of_the_compose_file_that_cannot_run_there_is_left_out_and_said_once(
    tmp_path: Path, base: str, codes: list[str]
) -> None:
    check = {"test": ["CMD-SHELL", "wget -q 127.0.0.1:8080"]}
    _, told = made(tmp_path, BUILD + FINAL, base=base, healthcheck=check)
    assert [w.code for w in told.warnings] == codes


@pytest.mark.parametrize(
    ("dockerfile", "beside", "spare"),
    [
        (f'{BUILD}ENTRYPOINT ["/shop"]\n', "Dockerfile.prod", "Dockerfile.prod"),
        (f'{BUILD}ENTRYPOINT ["/shop"]\n', "Dockerfile.production", "Dockerfile.production"),
        (f'{BUILD}ENTRYPOINT ["/shop"]\n', "Dockerfile.test", None),
        (BUILD + FINAL, "Dockerfile.prod", None),
    ],
)
def test_a_dockerfile_for_production_that_is_not_chosen_is_known(
    tmp_path: Path, dockerfile: str, beside: str, spare: str | None
) -> None:
    files = {"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": MAIN, beside: BUILD + FINAL}
    build_tree(
        tmp_path, {**files, "Dockerfile": dockerfile, "compose.yaml": "services: {shop: {build: .}}\n"}
    )
    (service,) = load(toolbox(Quiet()), tmp_path).services
    assert (service.build.dockerfile, service.build.prod_dockerfile) == ("Dockerfile", None)
    assert service.build.spare_dockerfile == spare
