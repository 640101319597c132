"""What cannot work in production is reported before anything is built; what a devctl build needs is never hidden from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.adapters.project_files.shipped_templates import ShippedTemplates
from devctl.domain.compose.depends_on import jobs
from devctl.domain.dockerfile.prod_stages import prod_stages
from devctl.domain.go.facts import GoPackage, Module, SourceFacts
from devctl.domain.plan.engine_state import Observed
from devctl.domain.plan.run import Run, prod_run
from devctl.domain.project.config import Config
from devctl.domain.project.model import ImageBuild, Project, Service, SourceCode
from devctl.errors import ProjectError
from devctl.workflows.advice.advice import problems
from devctl.workflows.preview.impossible import refuse_lost
from devctl.workflows.project.compose_model import compose_place
from devctl.workflows.session.overlay import overlay_files
from devctl.workflows.session.session import Session
from tests.fakes import World

TEXT = (
    "FROM golang:1.26 AS build\nCOPY . .\nRUN go build -o /shop .\n"
    "FROM {base} AS final\nCOPY --from=build /shop /shop\n{start}\n"
)
START = 'CMD ["/shop"]'
SCRIPT = {"command": ["sh", "-c", "migrate && shop"]}


def made(
    *,
    base: str = "scratch",
    start: str = START,
    text: str | None = None,
    files: Mapping[str, str] | None = None,
    **spec: Any,
) -> tuple[Any, Project, Run]:
    dockerfile = text or TEXT.format(base=base, start=start)

    class Sources:
        def dockerfile(self, path: Path, *, root: Path) -> object:
            return parse(dockerfile)

        def dockerfile_text(self, text: str, *, path: str, args: Mapping[str, str]) -> object:
            return parse(text, path=path, args=args)

        def texts(self, path: Path) -> tuple[()]:
            return ()

        def config(self, root: Path) -> Config:
            return Config()

        def positions(self, path: Path) -> object:
            return lambda key: 7 if key[-1] in ("command", "entrypoint") else None

    world = World()
    for path, content in {
        "compose.yaml": "{}",
        "Dockerfile": dockerfile,
        "internal/gen/a.pb.go": "",
        "main.go": "",
        **(files or {}),
    }.items():
        world.save(path, content)
    service = Service(
        "shop",
        source=SourceCode(module="example.com/shop", packages=(".", "internal/gen")),
        build=ImageBuild(dockerfile="Dockerfile", prod_stages=prod_stages(parse(dockerfile), spec)),
    )
    gen = GoPackage("internal/gen", "gen", False, ())
    main = GoPackage(".", "main", True, ("example.com/shop/internal/gen",))
    source = SourceFacts((Module(".", "example.com/shop", "1.26", "", (), (main, gen)),))
    project = cast("Any", Project)(
        root=world.root, name="shop", services=(service,), model={"services": {"shop": spec}}, generated=False,
        go_version="1.26", bases={"golang": "golang:1.26", "air": "golang:1.26", "distroless": "d", "alpine": "a"},
        mirror=None, owner=(1, 1), source=source,
    )  # fmt: skip
    box = replace(world.box(), sources=cast("Any", Sources()), templates=ShippedTemplates())
    return box, project, prod_run(project, service, base=None)


def refuse(box: Any, project: Project, run: Run) -> None:
    overlay = {run.service: overlay_files(box, project, run)}
    place = compose_place(box.sources, project.root, [project.root / "compose.yaml"])
    session = Session(replace(project, place=place), (run,), Observed(), (), project.model, overlay, {})
    refuse_lost(box.files, box.sources, session)


@pytest.mark.parametrize(
    "spec", [SCRIPT, {"entrypoint": ["/bin/sh", "-c", "shop"]}, {**SCRIPT, "entrypoint": ["ash", "-c"]}]
)
@pytest.mark.parametrize("base", ["scratch", "gcr.io/distroless/static-debian13:nonroot"])
@pytest.mark.follows("devctl prod-preview --base …; or start the program directly: `…: [PROGRAM, ARGUMENT]`")
def test_a_shell_that_the_base_lacks(base: str, spec: dict[str, Any], hinted: Callable[[str], str]) -> None:
    with pytest.raises(ProjectError) as raised:
        refuse(*made(base=base, start=START, **spec))
    problem = raised.value.problem
    key = "entrypoint" if "entrypoint" in spec else "command"
    assert (problem.code, problem.place) == ("shell-needed", "compose.yaml:7")
    assert problem.message.startswith(f"`{key}` of shop starts ")
    command, _, other = hinted(problem.hint).partition("; or start the program directly: ")
    box, project, _ = made(base=base, start=START, **spec)
    refuse(box, project, prod_run(project, project.services[0], base=command.split()[-1]))
    plain = other.strip("`").replace("PROGRAM", "/shop").replace("ARGUMENT", "serve")
    refuse(*made(base=base, start=START, **{**dict.fromkeys(spec), **yaml.safe_load(plain)}))


@pytest.mark.parametrize(
    ("base", "start", "spec"),
    [
        ("alpine:3.22", START, SCRIPT),
        ("gcr.io/distroless/static-debian13:debug", START, SCRIPT),
        ("scratch", 'ENTRYPOINT ["/shop"]', SCRIPT),
        ("scratch", START, {"command": ["/shop", "serve"]}),
        ("scratch", START, {}),
    ],
)
def test_one_that_it_has_or_that_is_an_argument(base: str, start: str, spec: dict[str, Any]) -> None:
    refuse(*made(base=base, start=start, **spec))


def test_a_shell_on_a_base_of_devctls_own_choice() -> None:
    box, project, _ = made(base="alpine:3.22", entrypoint=["sh", "-c", "shop"])
    run = prod_run(project, project.services[0], base="scratch")
    assert run.ours
    with pytest.raises(ProjectError, match="but scratch has no shell"):
        refuse(box, project, run)


@pytest.mark.follows("`!…` as the last line of …")
def test_a_package_that_the_build_is_not_given(hinted: Callable[[str], str]) -> None:
    with pytest.raises(ProjectError) as raised:
        refuse(*made(files={".dockerignore": "*.md\n**/*.pb.go\n"}))
    problem = raised.value.problem
    assert (problem.code, problem.place) == ("package-ignored", ".dockerignore:2")
    assert (
        problem.message
        == ".dockerignore keeps the package internal/gen out of the build, but shop is built from it"
    )
    _, line, last = hinted(problem.hint).split("`")
    assert (line, last) == ("!internal/gen", " as the last line of .dockerignore")
    refuse(*made(files={".dockerignore": f"*.md\n**/*.pb.go\n{line}\n"}))
    box, project, _ = made(files={".dockerignore": "*\n!dist\n"})
    refuse(box, project, prod_run(project, replace(project.services[0], build=ImageBuild()), base=None))


def test_a_package_that_the_build_makes_itself_or_has_a_file_of() -> None:
    files = {".dockerignore": "**/*.pb.go\n"}
    text = TEXT.format(base="scratch", start=START)
    refuse(*made(text=text.replace("RUN", "RUN go generate ./...\nRUN"), files=files))
    refuse(*made(files={**files, "internal/gen/gen.go": ""}))


def ignored(*, asked: bool, text: str | None = None, files: Mapping[str, str] | None = None) -> list[str]:
    box, project, run = made(text=text, files={"go.mod": "module example.com/shop\n", **(files or {})})
    run = run if asked else prod_run(project, replace(project.services[0], build=ImageBuild()), base=None)
    return overlay_files(box, project, run)["shop/Dockerfile.dockerignore"].splitlines()


def test_a_context_for_what_is_built_outside_still_has_the_source_for_a_stage_of_devctls_own() -> None:
    files = {".dockerignore": "*\n!dist\n"}
    found = ignored(asked=False, files=files)
    assert found[:2] == ["*", "!dist"]
    assert {"!go.mod", "!main.go", "!internal/gen/a.pb.go"} <= set(found)
    assert not any(line.startswith("!") for line in ignored(asked=True, files=files)[2:])


@pytest.mark.parametrize(
    ("run", "kept"),
    [
        ("go build -ldflags \"-X main.v=$(git describe --tags)\" -o /shop .", True),
        ("git -C /src rev-parse HEAD >/v && go build -o /shop .", True),
        ("apk add git && go build -o /shop .", False),
        ("git clone https://example.com/a.git /a && go build -o /shop .", False),
    ],
)  # fmt: skip
def test_the_history_is_there_for_who_asks_for_it(run: str, kept: bool) -> None:
    text = TEXT.format(base="scratch", start=START).replace("go build -o /shop .", run)
    assert (".git" not in ignored(asked=True, text=text)) is kept
    assert ".git" in ignored(asked=False, text=text)
    assert ".git" in ignored(asked=True, text=text, files={".dockerignore": ".git\n"})


def test_a_file_that_a_build_by_names_leaves_out_is_told_with_the_line() -> None:
    files = {"debug.go": "package main\n", "ignored.go": "//go:build ignore\n", "main_test.go": ""}
    box, project, _ = made(files=files)
    (service,) = project.services
    build = replace(service.build, go_files=("main.go",))
    project = replace(
        project, services=(replace(service, build=build, origins={"build.go_files": "Dockerfile:3"}),)
    )
    found = [p for p in problems(box, project, mode="dev") if p.code == "files-left-out"]
    assert [(p.place, p.message.partition(" is not built")[0]) for p in found] == [
        ("Dockerfile:3", "debug.go")
    ]


@pytest.mark.parametrize(
    ("start", "spec", "said"),
    [
        ('ENTRYPOINT ["/entry.sh", "shop"]', {}, ("`/entry.sh`", "Dockerfile:6")),
        ('ENTRYPOINT ["tini", "--", "/entry.sh"]\nCMD ["shop"]', {}, ("`/entry.sh`", "Dockerfile:6")),
        (START, SCRIPT, ("`migrate`", "compose.yaml:7")),
        ("CMD migrate up && /shop", {}, ("`migrate up`", "Dockerfile:6")),
        ('ENTRYPOINT ["tini", "--", "/shop", "serve"]', {}, None),
        (START, {"command": ["air"]}, None),
    ],
)
def test_what_devctls_own_dev_stage_does_not_start_is_told(
    start: str, spec: dict[str, Any], said: tuple[str, str] | None
) -> None:
    box, project, _ = made(base="alpine:3.22", start=start, **spec)
    place = compose_place(box.sources, project.root, [project.root / "compose.yaml"])
    project = replace(project, place=place)
    found = [p for p in problems(box, project, mode="dev") if p.code == "steps-left-out"]
    assert [p.place for p in found] == ([said[1]] if said else [])
    assert all(said and f"shop starts without {said[0]} in dev" in p.message for p in found)


@pytest.mark.follows(
    "if production needs that too, make it a separate service that `depends_on` waits for (`condition: "
    "service_completed_successfully`)"
)
def test_what_runs_before_the_program_in_dev_alone_is_told_for_production(
    hinted: Callable[[str], str],
) -> None:
    box, project, _ = made(base="alpine:3.22")
    (service,) = project.services
    before = replace(service, start=replace(service.start, steps=("migrate up",)))
    (told,) = [
        p
        for p in problems(box, replace(project, services=(before,)), mode="prod")
        if p.code == "steps-left-out"
    ]
    key, condition = hinted(told.hint).split("`")[1::2]
    model = {
        "services": {
            "migrate": {"build": {"context": "."}, "command": ["migrate", "up"]},
            "shop": {key: {"migrate": yaml.safe_load(condition)}},
        }
    }
    assert jobs(model["services"]) == {"migrate"}, "compose waits for its end"
    told_then = problems(box, replace(project, model=model), mode="prod")
    assert "steps-left-out" not in [p.code for p in told_then]
