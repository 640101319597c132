from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.adapters.project_files.config_file import check, parse, read, schema
from devctl.adapters.project_files.yaml_positions import positions, read_document
from devctl.domain.project.config import Config
from devctl.errors import FilesError
from devctl.ui.text import problem_parts

# Every key that docs/reference/config.md lists.
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
prod: {base: scratch, target: "", budget: 12MB, writable: [/tmp], env: {}, compare: [/api/items]}
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
    assert config.prod.compare == ("/api/items",)
    assert config.services["worker"].port is None


WORDS = "yes no on off y n true false 08 0755 0o17 0x1F 1e3 1_000 1.20 1:30 -0 +1 .5 .inf .nan 2026-11-29 = <<".split()


def test_words_that_yaml_reads_otherwise_keep_their_text() -> None:
    words = [*WORDS, "9" * 5000, "٣"]
    lines = "".join(f"      A{number}: {word}\n" for number, word in enumerate(words))
    api = parse(f"services:\n  api:\n    env:\n{lines}    args: [{', '.join(words)}, ]\n").services["api"]
    assert list(api.env.values()) == words
    assert api.args == tuple(words)


def test_a_variable_without_a_value_is_empty_and_any_other_key_is_not_there() -> None:
    config = parse(
        "services:\n  api:\n    env: {KEY: , OTHER: ''}\n    args:\n      -\n    probe:\n    build:\nname:\n"
    )
    assert config.services["api"].env == {"KEY": "", "OTHER": ""}
    assert (config.services["api"].args, config.services["api"].probe, config.name) == (("",), None, None)
    assert (
        check("services: {api: {env: {KEY: null}}}\n")[1][0].message == "`services.api.env.KEY` must be text"
    )


def test_json_is_yaml_with_what_is_beyond_the_first_plane() -> None:
    assert parse('{"prod": {"env": {"A": "\\ud83d\\ude00", "B": "\\ud83d"}}}').prod.env == {
        "A": "😀",
        "B": "\ufffd",
    }


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
        ("services:\n  api:\n    port: 70000\n", ["3:5"], "70000 is not a port"),
        ("services:\n  api:\n    args: serve\n", ["3:5"], "must be a list"),
        ("services:\n  api: 3\n", ["2:3"], "must contain `key: value`"),
        ("services:\n  api: {probe: healthz}\n", ["2:9"], "must be a path"),
        ("services:\n  api: {main: ../x}\n", ["2:9"], "a relative path inside the project"),
        ("services:\n  api: {files: [/etc]}\n", ["2:9"], "a relative path inside the module"),
        ("prod: {base: debian}\n", ["1:8"], "'distroless', 'alpine' or 'scratch'"),
        ("services:\n  api:\n    env: {A=B: c}\n", ["3:11"], "`A=B` is not a valid"),
        ("services:\n  api:\n    build: {env: {a.b: c}}\n", ["3:19"], "`a.b` is not a valid"),
        ("prod:\n  env: {A=B: c}\n", ["2:9"], "`A=B` is not a valid"),
        ("prod: {budget: big}\n", ["1:8"], "`big` is not a size"),
        ("prod: {writable: [tmp]}\n", ["1:8"], "absolute path"),
        ("prod:\n  compare: [/a, api]\n", ["2:3"], "`api` must be a request path"),
        ("prod:\n  compare: ['/a b']\n", ["2:3"], "`/a b` must be a request path"),
        ("prod:\n  compare: ['/a#b']\n", ["2:3"], "`/a#b` must be a request path"),
        ("version: 2\n", ["1:1"], "`version` must be 1"),
        ("go: new\n", ["1:1"], "not a Go version"),
        ("name: My Shop\n", ["1:1"], "lower case"),
        ("name: a\nname: b\n", ["2:1"], "duplicate key"),
        ("name: a\nwatch:\n  poll: x\n  also: y\n", ["3:3", "4:3"], "(and 1 more)"),
        ("a: [\n", ["2:1"], "not valid YAML"),
        ("\tname: x\n", ["1:1"], "not valid YAML"),
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
    shown = "".join(map(str, problem_parts(caught.value.problem, detail=caught.value.detail)))
    assert [shown.count(p.message) for p in problems] == [1] * len(problems)
    assert [shown.count(f"{p.place}: ") for p in problems] == [1] * len(problems)
    assert len(problems) == 1 or caught.value.result["problems"] == [p.as_json() for p in problems]


def test_a_list_is_not_a_configuration() -> None:
    assert check("- a\n")[1][0].place == "devctl.yaml"


def test_anchors_and_merges_are_understood() -> None:
    config = parse(
        "services:\n  a: &a {port: 1, env: {X: y}}\n  b: {<<: *a, port: 2}\n",
    )
    assert (config.services["b"].port, config.services["b"].env) == (2, {"X": "y"})


def test_the_schema_names_every_key() -> None:
    properties = schema()["properties"]
    assert set(properties) == {"version", "name", "go", "bases", "services", "prod", "watch", "cache"}
    assert schema()["additionalProperties"] is False


def test_lines_in_a_compose_file(tmp_path: Path) -> None:
    text = "services:\n  go:\n    build:\n      args:\n        - target=dev\n"
    (tmp_path / "compose.yaml").write_text(text)
    line_of = positions(tmp_path / "compose.yaml")
    assert line_of(("services", "go", "build", "args", 0)) == 5
    assert line_of(("services", "go", "build", "args", "target")) == 5
    assert line_of(("services", "go", "ports")) is None
    (tmp_path / "broken.yaml").write_text("a: [")
    assert positions(tmp_path / "broken.yaml")(("a",)) is None
    document = read_document(text, path="compose.yaml", code="x")
    assert document.place(("services", "go", "build", "target")) == "compose.yaml:3:5"


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    config, problems = check(text)
    assert isinstance(config, Config)
    assert all(p.hint and str(p.place).startswith("devctl.yaml") for p in problems)
