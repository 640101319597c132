"""The text of written files: a project's values in the template, and nothing else."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.dockerfile.runtime_bases import IMAGES
from devctl.domain.plan.engine_state import Observed
from devctl.domain.plan.production import SETTINGS
from devctl.domain.plan.render import render
from devctl.domain.plan.run import prod_run
from devctl.domain.project.model import ImageBuild, ProgramStart, Project, ServedPort, Service, SourceCode
from devctl.domain.scaffold.texts import (
    Layout,
    PlannedFile,
    compose_prod_yaml,
    compose_yaml,
    devctl_yaml,
    diff,
    dockerfile,
    module_name,
    new_files,
)

TEMPLATE = Path(__file__).parents[2] / "templates" / "go-service"
GO = "golang:1.26-alpine"


class Tags(yaml.SafeLoader):
    """Reads compose's `!reset` and `!override` as what they hold."""


def _plain(loader: Tags, _suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else None


Tags.add_multi_constructor("!", _plain)


def text(name: str) -> str:
    return (TEMPLATE / name).read_text()


def layout(service: Service, *, golang: str = GO, air: str = GO) -> Layout:
    return Layout(service=service, host_port=service.serve.port, golang=golang, air=air)


PLAIN = layout(Service(name="app", serve=ServedPort(port=8080)))
RICH = layout(
    Service(
        name="api",
        source=SourceCode(dir="services/api", main="./cmd/api"),
        start=ProgramStart(args=("serve", "--v"), env={"PORT": "9000", "PRICE": "$5"}),
        serve=ServedPort(port=9000),
        build=ImageBuild(tags=("a", "b"), files=("templates", "config")),
    ),
    golang="golang:1.24-alpine",
)


def test_a_project_like_the_template_gets_the_template_to_the_letter() -> None:
    assert dockerfile(text("Dockerfile"), PLAIN) == text("Dockerfile")
    assert compose_yaml(text("compose.yaml"), PLAIN) == text("compose.yaml")
    assert compose_prod_yaml(text("compose.prod.yaml"), PLAIN) == text("compose.prod.yaml")


def test_production_runs_with_the_settings_of_a_preview() -> None:
    """In the template's file too, since what is written for a project like it is the template to the letter."""
    service = Service(name="app", serve=ServedPort(port=8080))
    project = Project(
        root=Path("/p"), name="p", services=(service,), model={"services": {"app": {}}}, generated=True, go_version="1.26",
        bases={"golang": GO, "air": GO, **IMAGES}, mirror=None, owner=(0, 0),
    )  # fmt: skip
    run = prod_run(project, service, base=None)
    preview = render(project, [run], observed=Observed())["services"]["app"]
    written = yaml.load(compose_prod_yaml(text("compose.prod.yaml"), PLAIN), Loader=Tags)["services"]["app"]
    assert written["build"]["target"] == preview["build"]["target"]
    settings = tuple(SETTINGS)
    same = {key: written[key] for key in settings} | {"mem_limit": str(512 * 2**20)}
    assert same == {key: preview[key] for key in settings}
    assert written["mem_limit"] == "512m"


def test_the_dockerfile_has_the_defaults_of_the_project() -> None:
    facts = parse(dockerfile(text("Dockerfile"), RICH))
    assert facts.global_args["GO_IMAGE"] == "golang:1.24-alpine"
    assert facts.global_args["AIR_GO_IMAGE"] == GO, "air needs a newer Go than the project's"
    builder = facts.stage("builder")
    assert builder is not None
    args = [i.value[0] for i in builder.instructions if i.cmd == "ARG"]
    assert {"MODULE_DIR=services/api", "MAIN=./cmd/api", "GO_TAGS=a,b"} <= set(args)
    assert any(a.startswith("FILES=") and "templates config" in a for a in args)
    for name in ("runner", "runner-distroless", "runner-scratch"):
        stage = facts.stage(name)
        assert stage is not None
        said = [(i.cmd, i.value[0]) for i in stage.instructions]
        assert ("EXPOSE", "9000") in said and ("WORKDIR", "/app") in said


def test_compose_says_service_port_and_what_the_build_reads() -> None:
    spec = yaml.safe_load(compose_yaml(text("compose.yaml"), RICH))["services"]["api"]
    assert spec["ports"] == ["127.0.0.1:${HOST_PORT:-9000}:9000"]
    assert spec["image"].endswith("-api:dev")
    assert ".:/app" in spec["volumes"]
    assert spec["environment"]["DEVCTL_WORKDIR"] == "services/api"
    assert spec["command"] == ["serve", "--v"]
    assert spec["environment"]["PRICE"] == "$$5", "compose would take $5 for a variable"


def test_production_keeps_what_the_service_reads_and_drops_what_the_build_reads() -> None:
    spec = yaml.load(compose_prod_yaml(text("compose.prod.yaml"), RICH), Loader=Tags)["services"]["api"]
    assert spec["environment"] == {"PORT": "9000", "PRICE": "$$5"}
    assert spec["command"] == ["serve", "--v"]
    assert spec["read_only"] is True


def test_a_service_without_a_port_publishes_none() -> None:
    worker = layout(Service(name="worker"))
    spec = yaml.safe_load(compose_yaml(text("compose.yaml"), worker))["services"]["worker"]
    assert "ports" not in spec
    assert "EXPOSE" not in dockerfile(text("Dockerfile"), worker)


def test_the_answer_to_an_open_question_names_the_other_answers() -> None:
    said = devctl_yaml("api", folder="svc", main="./cmd/api", others=["svc/cmd/worker"])
    assert yaml.safe_load(said) == {
        "version": 1,
        "services": {"api": {"dir": "svc", "main": "./cmd/api"}},
    }
    assert "svc/cmd/worker" in said


@pytest.mark.parametrize(
    ("folder", "module"),
    [("shop", "example.com/shop"), ("My Shop!", "example.com/my-shop"), ("…", "example.com/app")],
)
def test_a_module_is_called_like_its_folder(folder: str, module: str) -> None:
    assert module_name(folder) == module


def test_new_files_name_one_module_everywhere() -> None:
    template = {p.relative_to(TEMPLATE).as_posix(): p.read_text() for p in TEMPLATE.rglob("*") if p.is_file()}
    files = new_files(template, "shop")
    assert set(files) == set(template)
    assert not any("example.com/app" in content for content in files.values())
    assert files["go.mod"].startswith("module example.com/shop\n")
    assert files["Dockerfile"] == template["Dockerfile"]


@given(theirs=st.none() | st.text(alphabet="ab\n"), ours=st.text(alphabet="ab\n"))
def test_a_file_that_is_there_is_never_planned_as_written(theirs: str | None, ours: str) -> None:
    planned = PlannedFile("f", theirs, ours)
    assert (planned.action == "written") == (theirs is None)
    shown = diff([planned])
    assert bool(shown) == (planned.action == "differs")
    assert shown == "" or shown.endswith("\n")


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00") | st.sampled_from("$'\"\\\n\t :#{}[]*&!%é😀"), max_size=12
)  # fmt: skip


@given(args=st.lists(TEXT, min_size=1, max_size=4), env=st.dictionaries(TEXT, TEXT, max_size=3))
@example(args=["a b", "", "*", "x\ny"], env={"ON": "yes", "null": "08", "a: b": "", "1": "1e3"})
def test_written_files_hold_every_value_as_it_is(args: list[str], env: dict[str, str]) -> None:
    written = layout(Service(name="api", start=ProgramStart(args=tuple(args), env=env)))
    dev = yaml.safe_load(compose_yaml(text("compose.yaml"), written))["services"]["api"]
    prod = yaml.load(compose_prod_yaml(text("compose.prod.yaml"), written), Loader=Tags)["services"]["api"]
    assert [word.replace("$$", "$") for word in prod["command"]] == args
    assert [word.replace("$$", "$") for word in dev["command"]] == args
    for spec in (dev, prod):
        assert env.items() <= {k: v and v.replace("$$", "$") for k, v in spec["environment"].items()}.items()


@pytest.mark.parametrize(
    "ldflags", ["-s", "-X 'main.version=a b'", '-X "main.version=a b"', r"-X main.v=\d", "-X main.price=$5", "-X 'main.v=${HOME}'"]
)  # fmt: skip
def test_ldflags_survive_the_quotes_of_a_dockerfile(ldflags: str) -> None:
    service = Service(
        name="api",
        build=ImageBuild(
            ldflags=ldflags, env={"GOFLAGS": "-p=1 -v", "CGO_ENABLED": "0"}, files=("o $t", "x")
        ),
    )
    builder = parse(dockerfile(text("Dockerfile"), layout(service))).stage("builder")
    assert builder is not None
    said = dict(i.value[0].partition("=")[::2] for i in builder.instructions if i.cmd == "ARG")
    found = {
        name: re.sub(r"\\(.)", r"\1", value.removeprefix('"').removesuffix('"'))
        for name, value in said.items()
    }
    assert not any(re.search(r"(?<!\\)\$", value) for value in said.values()), (
        "the builder fills in variables"
    )
    assert found["GO_LDFLAGS"] == ldflags
    assert shlex.split(found["GO_ENV"]) == ["GOFLAGS=-p=1 -v"]
    assert shlex.split(found["FILES"]) == ["o $t", "x"]
