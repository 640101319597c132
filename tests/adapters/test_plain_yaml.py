"""A rewritten compose file says the same, to any parser; what two parsers may read differently is named."""

from __future__ import annotations

import pytest
import yaml

from devctl.adapters.project_files.sources import ProjectSources
from devctl.domain.compose.plain_yaml import yaml_text
from devctl.errors import FilesError

plain = ProjectSources().plain_yaml


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: [1, 1.20, 0755, -1, true, yes, ~, .inf, 2001-12-14], c: '1', d: \"x\\ty\"}\n",
        "a: |\n  two\n    lines\nb: >-\n  folded\n  text\n",
        "x: &x {a: 1, b: 2}\ny: &y\n  <<: *x\n  b: 3\nz:\n  <<: [*x, {c: 4, a: 5}]\n  d: *y\n",
        "a: 'it''s # no comment'\nb: '- x'\nc: '---'\nd: '...'\ne: '{'\nf: '@x'\ng: '%x'\nh: 'a: b'\ni: ''\n",
        'a: "\\x07\\x85\\u2028\\ufeff\\U0001F600"\n"\\x61b": é\n',
        "- a\n-\n- [b, {c: d}]\n",
        "8080: x\n",
        "",
    ],
)
def test_it_says_the_same(text: str) -> None:
    node, strange = plain(text, path="compose.yaml")
    written = yaml_text(node, str)
    assert strange == ""
    read = yaml.safe_load(text)
    assert yaml.safe_load(written) == (
        {str(k): v for k, v in read.items()} if isinstance(read, dict) else read
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n---\nb: 2\n", "it contains more than one document"),
        ("a: !reset null\n", "line 1 has the tag !reset"),
        ("!!binary aW5jbHVkZQ==: x\n", "line 1 has the tag tag:yaml.org,2002:binary"),
        ("!!str 8080: x\n", "line 1 has the tag tag:yaml.org,2002:str"),
        ("a: !!set {b, c}\n", "line 1 has the tag tag:yaml.org,2002:set"),
        ("a: 1\nb: 2\na: 3\n", "line 1 has a duplicate key"),
        ("? [a, b]\n: c\n", "line 1 has a key that is not a string"),
        ("'<<': {a: b}\n", "line 1 has << as a string"),
    ],
)
def test_what_parsers_may_read_differently_is_named(text: str, said: str) -> None:
    assert plain(text, path="compose.yaml")[1] == said


@pytest.mark.parametrize(
    "text",
    [
        "a: [\n",
        "a: &a [*a]\n",
        "a: &a {<<: *a}\n",
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30)),
        "[" * 1500,
    ],
)
def test_what_has_no_value_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(FilesError) as told:
        plain(text, path="compose.yaml")
    assert (told.value.problem.place or "").startswith("compose.yaml")
