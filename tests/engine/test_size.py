"""`size` on the service template, with a real engine and compose."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest

from devctl.cli.wiring import toolbox
from devctl.domain.command.requests import SizeRequest
from devctl.errors import Problem, ProjectError
from devctl.ui.size_html import size_page
from devctl.workflows.size.size import size
from tests.engine.readiness_project import Quiet

pytestmark = pytest.mark.engine
TEMPLATE = Path(__file__).parents[2] / "templates" / "go-service"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the template under a name of its own; its images go when the module is done."""
    name = f"devctl-t{uuid.uuid4().hex[:8]}"
    root = tmp_path_factory.mktemp("size") / name
    shutil.copytree(TEMPLATE, root)
    for file in root.glob("compose*.yaml"):
        file.unlink()  # without one, the folder names the project
    yield root
    ids = subprocess.run(
        ["docker", "images", "--quiet", "--no-trunc", "--filter", f"label=dev.devctl.project={name}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert ids
    subprocess.run(["docker", "image", "rm", "--force", *set(ids)], capture_output=True, check=True)


def test_rows_ratio_layers_and_packages(project: Path) -> None:
    reporter = Quiet()
    box = toolbox(reporter)
    outcome = size(SizeRequest(project=project, html=project / "size.html"), box, page=size_page)
    rows = outcome.result["rows"]
    assert isinstance(rows, list)
    assert [r["base"] for r in rows] == ["alpine", "distroless", "scratch"]
    for row in rows:
        assert row["size_bytes"] <= row["base_bytes"] + row["binary_bytes"] + 64 * 1024
        shown = subprocess.run(
            ["docker", "history", "--human=false", "--format", "{{.Size}}", row["ref"]],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert row["size_bytes"] == sum(map(int, shown.split()))
    alpine, distroless, scratch = rows
    assert scratch["base_ref"] is None
    assert scratch["base_bytes"] == 0
    assert scratch["published_base_bytes"] is None
    assert len({r["binary_bytes"] for r in rows}) == 1
    assert outcome.result["ratio"] == round(distroless["size_bytes"] / alpine["size_bytes"], 3)
    for row in (alpine, distroless):
        if row["assembled"]:
            assert row["published_base_bytes"] > 0
            assert f"published: {row['published_base_bytes'] / 1e6:.2f} MB" in outcome.text
    packages = outcome.result["packages"]
    assert isinstance(packages, list)
    assert {"net/http", "runtime"} <= {p["name"] for p in packages}
    assert 1_000_000 < sum(p["size_bytes"] for p in packages) < scratch["binary_bytes"]
    layers = outcome.result["layers"]
    assert isinstance(layers, list)
    assert sum(x["size_bytes"] for x in layers if x["base"] == "distroless") == distroless["size_bytes"]
    page = (project / "size.html").read_text()
    assert "net/http" in page
    assert "http://" not in page
    assert "https://" not in page
    assert reporter.warnings == []


def test_over_budget_still_has_its_rows(project: Path) -> None:
    with pytest.raises(ProjectError) as error:
        size(SizeRequest(project=project, budget="5MB", bases=("distroless",)), toolbox(Quiet()))
    assert error.value.code == "over-budget"
    assert "over the budget" in str(error.value)
    result = error.value.result
    assert result["budget_bytes"] == 5_000_000
    assert result["within_budget"] is False
    assert isinstance(result["rows"], list)
    assert [r["base"] for r in result["rows"]] == ["distroless"]
    assert "distroless" in error.value.detail


def test_what_grew_since_the_last_build_within_its_budget_is_named(project: Path) -> None:
    more = project / "more.go"
    request = SizeRequest(project=project, budget="40MB", bases=("scratch",))
    assert size(request, toolbox(Quiet())).result["grown"] == []
    more.write_text(
        'package main\n\nimport (\n\t"go/parser"\n\t"go/token"\n)\n\n'
        'func init() { _, err := parser.ParseDir(token.NewFileSet(), "/none", nil, 0); println(err != nil) }\n'
    )
    try:
        with pytest.raises(ProjectError) as error:
            size(SizeRequest(project=project, budget="2MB", bases=("scratch",)), toolbox(Quiet()))
    finally:
        more.unlink()
    assert re.search(
        r" over the budget; since the last build within budget: the standard library grew by \d+ kB of code$",
        str(error.value),
    ), str(error.value)
    grew = cast("list[dict[str, int]]", error.value.result["grown"])
    assert grew[0]["module"] == "std"
    assert grew[0]["to_bytes"] - grew[0]["from_bytes"] > 50_000


def test_the_budget_of_devctl_yaml(project: Path) -> None:
    (project / "devctl.yaml").write_text("version: 1\nprod: {budget: 40MiB}\n")
    try:
        outcome = size(SizeRequest(project=project, bases=("scratch",)), toolbox(Quiet()))
    finally:
        (project / "devctl.yaml").unlink()
    assert outcome.result["budget_bytes"] == 40 * 2**20
    assert outcome.result["within_budget"] is True


def test_size_waits_for_no_lock(project: Path) -> None:
    box = toolbox(Quiet())
    with ExitStack() as held:
        held.enter_context(box.files.lock(project, command="up", timeout=1, waiting=lambda holder: None))
        size(SizeRequest(project=project, bases=("scratch",)), box)


def test_dry_run_builds_nothing(project: Path) -> None:
    outcome = size(SizeRequest(project=project, dry_run=True, bases=("scratch",)), toolbox(Quiet()))
    assert outcome.result["plan"] == [
        {"step": "build", "service": "app", "cause": "production image on scratch"}
    ]


def test_the_stage_of_the_user_is_measured_on_every_base(project: Path) -> None:
    dockerfile = project / "Dockerfile"
    before = dockerfile.read_text()
    dockerfile.write_text(
        "FROM golang:1.26-alpine AS builder\nWORKDIR /src\nCOPY . .\nENV GOTOOLCHAIN=local CGO_ENABLED=0\n"
        "RUN --mount=type=cache,id=go-build-prod,target=/gocache "
        "GOCACHE=/gocache go build -buildvcs=false -trimpath -o /server .\n"
        'FROM scratch AS prod\nCOPY --from=builder /server /server\nENTRYPOINT ["/server"]\n'
    )
    reporter = Quiet()
    try:
        outcome = size(SizeRequest(project=project, bases=("scratch", "distroless")), toolbox(reporter))
    finally:
        dockerfile.write_text(before)
    assert reporter.warnings == []
    rows = outcome.result["rows"]
    assert isinstance(rows, list)
    assert rows[1]["binary_bytes"] == rows[0]["binary_bytes"]


def test_two_builds_of_the_template_are_the_same_program(project: Path) -> None:
    outcome = size(SizeRequest(project=project, bases=("scratch",), reproducible=True), toolbox(Quiet()))
    (found,) = cast("list[dict[str, object]]", outcome.result["reproducible"])
    assert found["same"] is True, found
    assert found["sha256"] == found["again_sha256"]
    assert (found["path"], found["base"]) == ("/server", "scratch")
    remarks = cast("list[str]", found["remarks"])
    assert [r.partition(":")[0] for r in remarks] == ["built without -trimpath"], (
        "in our image it is always /app"
    )
    assert f"app: two builds, identical binaries (sha256 {str(found['sha256'])[:16]}…)" in outcome.text
    assert not _refs(project, "again"), "the second image is gone"
    assert not (project / ".devctl" / "size-again.json").exists()


def test_a_stamp_of_the_time_is_named_with_its_line(project: Path) -> None:
    dockerfile, main = project / "Dockerfile", project / "stamp.go"
    before = dockerfile.read_text()
    main.write_text('package main\n\nvar built = "never"\n\nfunc init() { println("built at", built) }\n')
    dockerfile.write_text(
        "FROM golang:1.26-alpine AS builder\nWORKDIR /src\nCOPY . .\n"
        "ENV GOTOOLCHAIN=local CGO_ENABLED=0 GOCACHE=/gocache\n"
        "RUN --mount=type=cache,id=go-build-prod,target=/gocache \\\n"
        '  go build -buildvcs=false -trimpath -ldflags "-s -w -X main.built=at-$(date +%s.%N)" -o /server .\n'
        'FROM scratch AS prod\nCOPY --from=builder /server /server\nENTRYPOINT ["/server"]\n'
    )
    try:
        with pytest.raises(ProjectError) as error:
            size(SizeRequest(project=project, bases=("scratch",), reproducible=True), toolbox(Quiet()))
    finally:
        dockerfile.write_text(before)
        main.unlink()
    assert error.value.problem == Problem(
        "not-reproducible",
        "two builds of app produce different binaries: the build embeds the output of $(date +%s.%N)",
        "embed only what belongs to the commit (its hash, its date), and build with -trimpath -buildvcs=false",
        "Dockerfile:5",
    )
    (found,) = cast("list[dict[str, object]]", error.value.result["reproducible"])
    assert found["same"] is False
    assert found["sha256"] != found["again_sha256"]
    whats = [str(r["what"]) for r in cast("list[dict[str, object]]", found["reasons"])]
    assert any(re.fullmatch(r"text in the program: '.*at-[\d.]+.*' and '.*at-[\d.]+.*'", w) for w in whats), (
        whats
    )
    assert error.value.result["rows"], "the sizes are there all the same"
    assert not _refs(project, "again")


def _refs(project: Path, word: str) -> list[str]:
    shown = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter"]
    done = subprocess.run(
        [*shown, f"label=dev.devctl.project={project.name}"], capture_output=True, text=True, check=True
    )
    return [ref for ref in done.stdout.split() if word in ref]
