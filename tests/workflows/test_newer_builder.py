"""What the builder of this engine cannot read is reported before it builds, with the user's own file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.adapters.project_files.shipped_templates import ShippedTemplates
from devctl.domain.derive.dev_stage import DerivedStage, derived_stage
from devctl.domain.dockerfile.runtime_bases import RUNTIME_BASES
from devctl.domain.plan.engine_state import Observed
from devctl.domain.plan.run import prod_run
from devctl.domain.ports.toolbox import Finished
from devctl.domain.project.model import ImageBuild, Project, Service, SourceCode
from devctl.errors import FilesError, MachineError
from devctl.workflows.bases import go_base, needed
from devctl.workflows.bases.go_base import resolve_bases
from devctl.workflows.engine import execute
from devctl.workflows.engine.execute import build
from devctl.workflows.session.overlay import overlay_files, recipe_of
from devctl.workflows.session.session import Session
from tests.fakes import World

PATH = "docker/Dockerfile"
BUILD = "FROM golang:1.26-alpine AS build\nCOPY . .\nRUN go build -o /shop .\n"
NEWER = "RUN <<EOT\nmkdir /data\nEOT\n"
FINAL = 'FROM alpine:3.22 AS final\n{}COPY --from=build /shop /shop\nENTRYPOINT ["/shop"]\n'


def made(text: str, *, engine: str) -> tuple[World, Any, Project]:
    class Sources:
        def dockerfile(self, path: Path, *, root: Path) -> object:
            return parse(text, path=PATH)

        def dockerfile_text(self, text: str, *, path: str, args: Mapping[str, str]) -> object:
            return parse(text, path=path, args=args)

    world = World()
    world.engine_version = engine
    world.save(PATH, text)
    derived = derived_stage(
        parse(text, path=PATH), {}, package=".", module="example.com/shop", started_in="."
    )
    assert isinstance(derived, DerivedStage)
    service = Service(
        "shop",
        source=SourceCode(module="example.com/shop"),
        build=ImageBuild(dockerfile=PATH, derived=derived, prod_stages={"alpine": "final"}),
    )
    project = cast("Any", Project)(
        root=world.root, name="shop", services=(service,), model={"services": {}}, generated=False,
        go_version="1.26", bases={"golang": "golang:1.26", "air": "golang:1.26"}, mirror=None, owner=(1, 1),
    )  # fmt: skip
    return world, replace(world.box(), sources=cast("Any", Sources()), templates=ShippedTemplates()), project


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (NEWER, "RUN <<EOT"),
        ("COPY <<-'END' /etc/x\na=b\nEND\n", "COPY <<-'END'"),
        ("COPY --link a /a\n", "COPY --link"),
        ("ADD --checksum=sha256:1 https://x/y /y\n", "ADD --checksum=sha256:1"),
    ],
)
def test_production_is_refused_with_the_line(line: str, said: str) -> None:
    _, box, project = made(BUILD + FINAL.format(line), engine="20.10.24+dfsg1")
    with pytest.raises(MachineError) as raised:
        resolve_bases(box, project, mode="prod")
    problem = raised.value.problem
    assert (problem.code, problem.place) == ("builder-too-old", f"{PATH}:5")
    assert f"`{said}` needs Docker Engine" in problem.message and "20.10.24+dfsg1" in problem.message


SYNTAX = "# syntax=docker/dockerfile:1\n"
HERE = "COPY <<END /etc/x\na=b\nEND\n"
LINK = "COPY --link a /a\n"


def joined(hint: str) -> str:
    assert "`RUN a && b`" in hint
    return "RUN mkdir /data && true\n"


def copied(hint: str) -> str:
    assert "COPY it" in hint
    return "COPY etc/x /etc/x\n"


def taken_out(hint: str) -> str:
    return LINK.replace(f"{hint.rpartition('remove ')[2]} ", "")


@pytest.mark.parametrize(
    ("syntax", "line", "otherwise"),
    [
        pytest.param(
            "",
            NEWER,
            joined,
            marks=pytest.mark.follows(
                "docker pull docker/dockerfile:1 where a registry answers, with `# syntax=docker/dockerfile:1` as "
                "the first line; or join its commands into one line: `RUN a && b`"
            ),
        ),
        pytest.param(
            "",
            HERE,
            copied,
            marks=pytest.mark.follows(
                "docker pull docker/dockerfile:1 where a registry answers, with `# syntax=docker/dockerfile:1` as "
                "the first line; or put the text into a file and COPY it"
            ),
        ),
        pytest.param(
            "",
            LINK,
            taken_out,
            marks=pytest.mark.follows(
                "docker pull docker/dockerfile:1 where a registry answers, with `# syntax=docker/dockerfile:1` as "
                "the first line; or remove …"
            ),
        ),
        pytest.param(
            SYNTAX,
            NEWER,
            joined,
            marks=pytest.mark.follows(
                "docker pull docker/dockerfile:1 where a registry answers; or join its commands into one line: `RUN a && b`"
            ),
        ),
        pytest.param(
            SYNTAX,
            HERE,
            copied,
            marks=pytest.mark.follows(
                "docker pull docker/dockerfile:1 where a registry answers; or put the text into a file and COPY it"
            ),
        ),
        pytest.param(
            SYNTAX,
            LINK,
            taken_out,
            marks=pytest.mark.follows(
                "docker pull docker/dockerfile:1 where a registry answers; or remove …"
            ),
        ),
    ],
)
def test_what_is_written_otherwise_is_read(
    syntax: str,
    line: str,
    otherwise: Callable[[str], str],
    hinted: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The line that names a builder helps if the builder is available, and the other way on each engine."""
    had = set[str]()
    monkeypatch.setattr(go_base, "pull", lambda _box, ref, *_: ref in had)
    images = SimpleNamespace(find=lambda ref: ref if ref in had or "dockerfile" not in ref else None)

    def resolve(text: str) -> None:
        _, box, project = made(text, engine="20.10.24")
        box = replace(box, machine=lambda: cast("Any", SimpleNamespace(images=images)))
        resolve_bases(box, project, mode="prod")

    with pytest.raises(MachineError) as raised:
        resolve(syntax + BUILD + FINAL.format(line))
    hint = hinted(raised.value.problem.hint)
    resolve(syntax + BUILD + FINAL.format(otherwise(hint)))
    had.add(hint.removeprefix("docker pull ").split()[0])
    first = re.search(r"with `([^`]+)` as the first line", hint)
    resolve((f"{first[1]}\n" if first is not None else syntax) + BUILD + FINAL.format(line))


def test_an_engine_that_reads_it_is_asked_nothing() -> None:
    _, box, project = made(BUILD + FINAL.format(NEWER), engine="23.0.1")
    assert resolve_bases(box, project, mode="prod").services == project.services


def test_for_development_the_own_stage_runs_without_a_build_in_vain() -> None:
    world, box, project = made(BUILD + FINAL.format(NEWER), engine="20.10.24")
    (service,) = resolve_bases(box, project, mode="dev").services
    assert service.build.derived is None
    assert [(w.code, w.place) for w in world.warnings] == [("dev-stage-fails", f"{PATH}:5")]


def test_a_stage_that_is_not_built_cannot_fail() -> None:
    text = BUILD + "FROM alpine AS docs\n" + NEWER + FINAL.format("")
    _, box, project = made(text, engine="20.10.24")
    resolve_bases(box, project, mode="prod")
    files = overlay_files(box, project, prod_run(project, project.services[0], base=None))
    copy = files["shop/Dockerfile"]
    assert "<<" not in copy
    assert copy.split("\n")[7] == text.split("\n")[7] == "FROM alpine:3.22 AS final"


def test_what_the_line_itself_says_is_not_a_file_of_the_source() -> None:
    final = FINAL.format("COPY <<EOT /etc/shop.conf\na=b\nEOT\nCOPY web /web\n")
    found = derived_stage(parse(BUILD + final), {}, package=".", module="example.com/shop", started_in=".")
    assert isinstance(found, DerivedStage)
    assert [copy.sources for copy in found.final.copies] == [("web",)]
    assert "COPY <<EOT /etc/shop.conf\na=b\nEOT" in found.final.lines


def test_the_builder_of_a_job_is_left_out_too_where_it_is_not_available(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, box, project = made(BUILD + FINAL.format(""), engine="23.0.1")
    build = {"context": f"{world.root}/db"}
    world.save("db/Dockerfile", "# syntax=docker/dockerfile:1.7\nFROM alpine\n")
    project = replace(project, model={"services": {"shop": {}, "seed": {"build": build}}})
    monkeypatch.setattr(go_base, "pull", lambda *_: False)
    known = resolve_bases(box, project, mode="dev")
    assert known.left_out_builders == ("docker/dockerfile:1.7",)
    assert [(w.code, w.place) for w in world.warnings] == [("syntax-line-left-out", "db/Dockerfile:1")]
    recipe = recipe_of(box.files, known, build)
    assert recipe is not None and recipe.dockerfile == "#\nFROM alpine\n"


@pytest.mark.parametrize(("service", "place"), [("shop", f"{PATH}:2"), ("seed", "db/Dockerfile:2")])
def test_a_line_that_the_builder_refuses_is_named_in_its_file(service: str, place: str) -> None:
    _, box, project = made(BUILD + FINAL.format(""), engine="23.0.1")
    build_ = {"context": f"{project.root}/db"}
    project = replace(project, model={"services": {"shop": {}, "seed": {"build": build_}}})
    said = "failed to create LLB definition: dockerfile parse error line 2: unknown instruction: COPPY"
    compose = SimpleNamespace(build=lambda *_, **__: Finished(1, said, ""))
    run = prod_run(project, project.services[0], base=None)
    session = Session(project, (run,), Observed(), (), project.model, {}, {})
    with pytest.raises(FilesError) as raised:
        build(replace(box, compose=cast("Any", compose)), session, service)
    assert (raised.value.code, raised.value.problem.place) == ("broken-dockerfile", place)


def test_a_base_that_is_not_available_is_reported_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    _, box, project = made(BUILD + FINAL.format(""), engine="23.0.1")

    def ensure(*_: object, **__: object) -> None:
        raise MachineError("no base", code="base-missing", hint="devctl bases build")

    monkeypatch.setattr(needed, "ensure", ensure)
    images = SimpleNamespace(find=lambda ref: None if ref == "alpine:3.22" else ref)
    box = replace(box, machine=lambda: cast("Any", SimpleNamespace(images=images)))
    run = prod_run(project, project.services[0], base=None)
    overlay = {run.service: overlay_files(box, project, run)}
    session = Session(project, (run,), Observed(), (), project.model, overlay, {})
    with pytest.raises(MachineError) as raised:
        needed.ensure_bases(box, session, ["shop"], assemble=False)
    assert raised.value.problem.place == f"{PATH}:4"


def test_an_address_that_does_not_answer_is_told_with_the_line_that_adds_it() -> None:
    text = BUILD + FINAL.format("ADD https://example.com/a https://example.com/b /etc/\n")
    _, box, project = made(text, engine="23.0.1")
    said = 'failed to solve: failed to load cache key: Get "https://example.com/b": dial tcp: no such host'
    compose = SimpleNamespace(build=lambda *_, **__: Finished(1, said, ""))
    run = prod_run(project, project.services[0], base=None)
    session = Session(project, (run,), Observed(), (), project.model, {}, {})
    with pytest.raises(MachineError) as raised:
        build(replace(box, compose=cast("Any", compose)), session, "shop")
    assert (raised.value.code, raised.value.problem.place) == ("add-unreachable", f"{PATH}:5")


def test_a_dockerfile_in_the_compose_file_is_read_and_nothing_else_of_that_file() -> None:
    text = "# syntax=example.com/frontend:1\n" + BUILD + FINAL.format("ADD https://example.com/x /x\n")
    _, box, project = made(text, engine="28.0")
    service = replace(project.services[0], build=replace(project.services[0].build, inline=text))
    project = replace(project, services=(service,))
    run = prod_run(project, service, base=None)
    files = SimpleNamespace(
        read_text=lambda path, *, within: pytest.fail("the compose file is not a Dockerfile")
    )
    (wanted,) = go_base._builders(cast("Any", files), project, [run])
    assert (wanted.ref, wanted.place) == ("example.com/frontend:1", PATH)
    sources = SimpleNamespace(dockerfile_text=box.sources.dockerfile_text)
    session = Session(project, (run,), Observed(), (), project.model, {}, {})
    error = MachineError("failed to load https://example.com/x : 404", code="build-failed", hint="")
    place = execute._adds(cast("Any", sources), session, "shop", error)
    assert place is not None and place.startswith(f"{PATH}:")


@pytest.mark.follows("…; or `devctl prod-preview --base …` does not need it")
def test_another_base_that_needs_nothing_which_is_missing_is_named(hinted: Callable[[str], str]) -> None:
    _, box, project = made(BUILD + FINAL.format(""), engine="23.0.1")
    bases = {name: f"example.com/{name}" for name in RUNTIME_BASES} | project.bases
    project = replace(project, bases=bases)
    images = SimpleNamespace(find=lambda ref: None if ref == "alpine:3.22" else ref)
    box = replace(box, machine=lambda: cast("Any", SimpleNamespace(images=images)))

    def session(base: str | None) -> Session:
        run = prod_run(project, project.services[0], base=base)
        overlay = {run.service: overlay_files(box, project, run)}
        return Session(project, (run,), Observed(), (), project.model, overlay, {})

    with (
        pytest.raises(MachineError) as raised,
        needed.other_way_named(box, session(None), ["shop"]),
    ):
        raise MachineError("no base", code="base-missing", hint="devctl bases build")
    base = hinted(raised.value.problem.hint).split("`")[1].split()[-1]
    other = session(base)
    wanted = [it.ref for it in needed.all_bases(box, project, other.runs)]
    assert "alpine:3.22" not in wanted and all(map(images.find, wanted))


@pytest.mark.follows("go mod edit -go=…; or, where a registry has it: docker pull …")
def test_a_go_that_no_image_has_is_lowered_or_pulled(
    hinted: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    had = {"golang:1.26-alpine"}
    _, box, project = made(BUILD + FINAL.format(""), engine="23.0.1")
    images = SimpleNamespace(
        find=lambda ref: ref if ref in had else None, named=lambda name: tuple(sorted(had))
    )
    box = replace(box, machine=lambda: cast("Any", SimpleNamespace(images=images)))
    monkeypatch.setattr(go_base, "pull", lambda _box, ref, *_: ref in had)
    asks = replace(project, go_version="1.99")
    with pytest.raises(MachineError) as raised:
        resolve_bases(box, asks, mode="dev")
    lower, _, pull = hinted(raised.value.problem.hint).partition(
        "; or, where a registry has it: docker pull "
    )
    version = lower.removeprefix("go mod edit -go=")
    resolve_bases(box, replace(project, go_version=version), mode="dev")
    had.add(pull)
    resolve_bases(box, asks, mode="dev")
