"""What a person wrote is what the program is given: devctl.yaml, .env, the Dockerfile's own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.command.state import Mode
from devctl.domain.compose.model_json import from_compose, to_compose
from devctl.domain.plan.engine_state import Observed
from devctl.domain.plan.render import render
from devctl.domain.plan.run import dev_run, prod_run
from devctl.domain.project.model import ProgramStart, Project, ServedPort, Service
from tests.engine.cli import here
from tests.helpers import build_tree, filled_in

GO = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "main.go": 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n',
}
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
    | st.sampled_from("$'\"\\\n\t *?[]~#-;&|<>(){}!=é😀\x7f\u2028"),
    max_size=12,
)
NAMES = st.text("ABCdef_09.- $é", min_size=1, max_size=8).filter(
    lambda name: not name.startswith(("DEVCTL_", "AIR_"))
)
SAID = """version: 1
services:
  shop:
    args: [--match, ^a$, --price, 5$]
    env: {PASSWORD: pa$word, HOME_OF: "${HOME}", TWO: a$$b}
    build: {ldflags: -X main.price=$5}
prod: {env: {SALT: $ea}}
"""


def rendered(root: Path, mode: str) -> dict[str, Any]:
    """The service as compose gives it to the engine, from the text that plain compose can be given."""
    (spec,) = filled_in(here("config", "render", "--mode", mode, cwd=root).result["model"])[
        "services"
    ].values()
    return dict(spec)


def test_a_dollar_sign_in_devctl_yaml_is_a_dollar_sign(tmp_path: Path) -> None:
    root = build_tree(tmp_path / "shop", {**GO, "devctl.yaml": SAID})
    dev, prod = rendered(root, "dev"), rendered(root, "prod")
    for spec in (dev, prod):
        kept = {key: spec["environment"][key] for key in ("PASSWORD", "HOME_OF", "TWO")}
        assert kept == {"PASSWORD": "pa$word", "HOME_OF": "${HOME}", "TWO": "a$$b"}
    assert prod["environment"]["SALT"] == "$ea"
    assert prod["command"] == ["--match", "^a$", "--price", "5$"]
    assert prod["build"]["args"]["GO_LDFLAGS"] == "-X main.price=$5"


def test_a_dollar_sign_in_the_exec_form_of_a_dockerfile_stays(tmp_path: Path) -> None:
    text = """FROM golang:1.26-alpine AS build
COPY . .
RUN go build -o /mint .
FROM gcr.io/distroless/static-debian13:nonroot
COPY --from=build /mint /mint
ENTRYPOINT ["/mint", "--greeting", "$GREETING"]
CMD ["--match", "^/v[0-9]+$"]
"""
    root = build_tree(tmp_path / "shop", {**GO, "Dockerfile": text})
    shown = here("config", "show", cwd=root).result["values"]["services.shop.args"]["value"]
    assert shown == ["--greeting", "$GREETING", "--match", "^/v[0-9]+$"]


def started(
    args: list[str], env: dict[str, str], theirs: dict[str, str], mode: Mode
) -> tuple[list[str], dict[str, Any]]:
    """What the program is given of a project with these words in devctl.yaml and in its compose file: as compose reads the
    rendered text."""
    service = Service("api", start=ProgramStart(args=tuple(args), env=env), serve=ServedPort(port=8080))
    printed = json.dumps(
        {"services": {"api": {"build": {"context": "/shop"}, "environment": theirs}}}
    ).replace("$", "$$")
    shop = Project(
        root=Path("/shop"), name="shop", services=(service,), model=from_compose(printed), generated=False, go_version="1.26",
        bases={"golang": "g", "air": "g", "distroless": "d", "alpine": "a"}, mirror=None, owner=(1, 1),
    )  # fmt: skip
    run = dev_run(shop, service) if mode == "dev" else prod_run(shop, service, base=None)
    text = to_compose(render(shop, [run], observed=Observed()))
    spec = filled_in(json.loads(text))["services"]["api"]
    return spec.get("command") or [], spec["environment"]


@pytest.mark.parametrize("mode", ["dev", "prod"])
@given(
    args=st.lists(TEXT, max_size=5),
    env=st.dictionaries(NAMES, TEXT, max_size=4),
    theirs=st.dictionaries(NAMES, TEXT, max_size=4),
)
def test_any_words_arrive_as_they_were_written(
    mode: Mode, args: list[str], env: dict[str, str], theirs: dict[str, str]
) -> None:
    words, given_env = started(args, env, theirs, mode)
    assert words == args
    assert {**theirs, **env}.items() <= given_env.items()


def test_a_folder_with_a_space_in_its_name_is_one_word_of_the_dockerfile(tmp_path: Path) -> None:
    files = {f"my svc/{name}": text for name, text in GO.items()}
    root = build_tree(tmp_path / "shop", {**files, "devctl.yaml": "version: 1\n"})
    here("init", cwd=root)
    facts = parse((root / "Dockerfile").read_text())
    copied = [i.value for stage in facts.stages for i in stage.instructions if i.cmd == "COPY"]
    assert ("my svc/go.mod", "my svc/go.su[m]", "./my svc/") in copied
    assert 'ARG MODULE_DIR="my svc"' in (root / "Dockerfile").read_text()
