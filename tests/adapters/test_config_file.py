from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.adapters.config_file import check, parse, read, schema
from devctl.adapters.yaml_positions import line_of, read_document
from devctl.domain.config import Config
from devctl.errors import FilesError

# The example of the contract, with every key.
FULL = """version: 1
name: shop                      # compose project name
go: 1.20
bases: {mirror: registry.local:5000, golang: golang:1.26-alpine}
services:
  api:
    dir: .
    main: ./cmd/api
    args: [serve, 1]
    port: 8080
    host_port: "8081"
    probe: /healthz
    env: {LOG_LEVEL: debug, DEBUG: yes, MODE: 0755, N: 1}
    build: {tags: [netgo], env: {GOEXPERIMENT: x}, ldflags: "-X main.v=1"}
    files: [templates, config]
  worker:
prod: {base: scratch, target: "", budget: 12MB, writable: [/tmp], env: {}}
watch: {also: [api.proto], poll: always}
"""


def test_every_key_is_read_and_text_stays_text() -> None:
    config = parse(FULL)
    api = config.services["api"]
    assert (config.name, config.go, config.bases.mirror) == ("shop", "1.20", "registry.local:5000")
    assert (api.args, api.port, api.host_port) == (("serve", "1"), 8080, 8081)
    assert api.env == {"LOG_LEVEL": "debug", "DEBUG": "yes", "MODE": "0755", "N": "1"}
    assert (api.build.tags, api.build.env, api.files) == (
        ("netgo",),
        {"GOEXPERIMENT": "x"},
        ("templates", "config"),
    )
    assert (config.prod.base, config.prod.writable, config.watch.poll) == ("scratch", ("/tmp",), "always")
    assert config.services["worker"].port is None


def test_without_a_file_or_content_all_is_default(tmp_path: Path) -> None:
    assert read(tmp_path) == Config()
    (tmp_path / "devctl.yaml").write_text("# nothing yet\n")
    assert read(tmp_path) == Config()


@pytest.mark.parametrize(
    ("text", "places", "words"),
    [
        ("nam: shop\n", ["1:1"], "did you mean `name`?"),
        ("services:\n  api:\n    prot: 1\n", ["3:5"], "services.api.prot"),
        ("services:\n  api:\n    port: http\n", ["3:5"], "must be a whole number"),
        ("services:\n  api:\n    port: 70000\n", ["3:5"], "70000 is no port"),
        ("services:\n  api:\n    args: serve\n", ["3:5"], "must be a list"),
        ("services:\n  api: 3\n", ["2:3"], "must hold `key: value`"),
        ("services:\n  api: {probe: healthz}\n", ["2:9"], "neither a path"),
        ("services:\n  api: {main: ../x}\n", ["2:9"], "inside of the project"),
        ("services:\n  api: {files: [/etc]}\n", ["2:9"], "inside of the module"),
        ("prod: {base: debian}\n", ["1:8"], "'distroless', 'alpine' or 'scratch'"),
        ("prod: {budget: big}\n", ["1:8"], "`big` is no size"),
        ("prod: {writable: [tmp]}\n", ["1:8"], "absolute path"),
        ("version: 2\n", ["1:1"], "`version` must be 1"),
        ("go: new\n", ["1:1"], "no version of Go"),
        ("name: My Shop\n", ["1:1"], "lower case"),
        ("name: a\nname: b\n", ["2:1"], "a second time"),
        ("name: a\nwatch:\n  poll: x\n  also: y\n", ["3:3", "4:3"], "2 problems"),
        ("a: [\n", ["2:1"], "no valid YAML"),
        ("\tname: x\n", ["1:1"], "no valid YAML"),
    ],
)
def test_every_issue_has_its_place(text: str, places: list[str], words: str) -> None:
    with pytest.raises(FilesError) as caught:
        parse(text)
    _, problems = check(text)
    assert [p.place for p in problems] == [f"devctl.yaml:{place}" for place in places]
    assert words in str(caught.value)
    assert (caught.value.code, int(caught.value.exit_code)) == ("broken-config", 3)
    assert caught.value.problem.hint
    assert all(str(p.place) in caught.value.detail for p in problems) or len(problems) == 1


def test_a_list_is_no_configuration() -> None:
    assert check("- a\n")[1][0].place == "devctl.yaml"


def test_anchors_and_merges_are_understood() -> None:
    config = parse(
        "services:\n  a: &a {port: 1, env: {X: y}}\n  b: {<<: *a, port: 2}\n",
    )
    assert (config.services["b"].port, config.services["b"].env) == (2, {"X": "y"})


def test_the_schema_names_every_key() -> None:
    properties = schema()["properties"]
    assert set(properties) == {"version", "name", "go", "bases", "services", "prod", "watch"}
    assert schema()["additionalProperties"] is False


def test_lines_in_a_compose_file() -> None:
    text = "services:\n  go:\n    build:\n      args:\n        - target=dev\n"
    assert line_of(text, ("services", "go", "build", "args", 0)) == 5
    assert line_of(text, ("services", "go", "build", "args", "target")) == 5
    assert line_of(text, ("services", "go", "ports")) is None
    assert line_of("a: [", ("a",)) is None
    document = read_document(text, path="compose.yaml", code="x")
    assert document.place(("services", "go", "build", "target")) == "compose.yaml:3:5"


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    config, problems = check(text)
    assert isinstance(config, Config)
    assert all(p.hint and str(p.place).startswith("devctl.yaml") for p in problems)
